"""An app that fails where it is told to, each time with an error that quotes what was typed."""

import asyncio
import contextlib
import gc
import logging
import threading
import traceback
import warnings

import streamlit as st

from pooling import logs

logs.keep_private()


def fail(kind: str) -> None:
    """An error of its own kind, which stands in the log in place of its message."""
    raise type(kind, (ValueError,), {})(f"not a number: {st.session_state.typed}")


def fail_with(kind: str, typed: str) -> None:
    """The same beside the run."""
    raise type(kind, (ValueError,), {})(f"not a number: {typed}")


stage = st.text_input("Stage", key="stage")
typed = st.text_input("Typed", key="typed")
st.text_input("Callback", key="callback", on_change=lambda: fail("InCallback"))


@st.fragment
def fragment() -> None:
    st.button("Again", key="again")
    if stage == "fragment":
        fail("InFragment")


@st.fragment(parallel=True)
def parallel() -> None:
    if stage == "parallel fragment":
        fail("InParallelFragment")


@st.dialog("A dialog")
def dialog() -> None:
    fail("InDialog")


@st.cache_data(show_spinner=False)
def computed(text: str) -> None:
    fail_with("InCache", text)


def let_go(text: str) -> None:
    fail_with("AtTheSessionsEnd", text)


@st.cache_resource(scope="session", on_release=let_go, show_spinner=False)
def held() -> str:
    return typed


async def task() -> None:
    fail_with("InTask", typed)


async def forget_a_task() -> None:
    forgotten = asyncio.create_task(task())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del forgotten


class Dropped:
    def __init__(self, text: str):
        self.text = text

    def __del__(self):
        fail_with("WhenDropped", self.text)


fragment()
parallel()
st.download_button("File", lambda text=typed: fail_with("InDownload", text), key="file", on_click="ignore")
library = logging.getLogger("some.library")
match stage:
    case "script":
        fail("InScript")
    case "dialog":
        dialog()
    case "cache":
        computed(typed)
    case "thread":
        threading.Thread(target=fail_with, args=("InThread", typed)).start()
    case "task":
        asyncio.run(forget_a_task())
        gc.collect()
    case "dropped":
        Dropped(typed)
    case "printed":
        with contextlib.suppress(ValueError):
            try:
                fail("Printed")
            except ValueError:
                traceback.print_exc()
                raise
    case "warning":
        warnings.warn(f"Not a number: {typed}", UserWarning, stacklevel=1)
    case "library":
        library.error("A library met %s and %d more", typed, 7)
        library.error("A library met %(what)s", {"what": typed})
        library.error(f"A library met {typed}")
        library.error(ValueError(typed))
        library.error("A library met %d", typed)
    case "held":
        held()
st.text("done")
