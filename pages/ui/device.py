"""What a browser keeps for its reader, on the reader's own device: nothing of it stays on the server."""

from pathlib import Path
from typing import NamedTuple

import streamlit as st

_device = st.components.v2.component(
    "device", js=Path(__file__).with_name("device.js").read_text(encoding="utf-8"), isolate_styles=False
)


class Held(NamedTuple):
    """What a browser said that it holds. It may be anything: whoever reads it trusts nothing."""

    value: str
    at: float
    """When it was read, in the browser's milliseconds: it is read again when another tab changes it."""


def held(key: str) -> Held | None:
    """What this browser holds under a key, "" for nothing; None until it has answered `keep`, or where it cannot."""
    told = st.session_state.get(key, {}).get("held")
    return Held(str(told["value"]), float(told["at"])) if told else None


def news(key: str) -> tuple[str, bool] | None:
    """What this browser holds, once each time that it says so, and whether that is the first time."""
    told, state = held(key), st.session_state
    before = state.get(f"_{key}-told")
    if told is None or told == before:
        return None
    state[f"_{key}-told"] = told
    return told.value, before is None


def keep(key: str, value: str) -> None:
    """Have this browser hold a value under a key, "" for nothing, once it has said what it held before.

    To be called in every run of the page, once for each key: the first time the browser only answers, and the page
    runs again.
    """
    heard = held(key) is not None
    _device(
        key=key,
        data={"key": key, "value": value, "heard": heard},
        on_held_change=lambda: None,
        height="content",
    )
