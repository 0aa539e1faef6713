"""What the app's server keeps to from its start: a log that quotes nobody, answers at once, few files held."""

import functools
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import streamlit as st

from pooling import logs


@asynccontextmanager
async def started(_app: st.App) -> AsyncIterator[None]:
    """The life of the server, from before its first message."""
    begin()
    yield


@functools.cache
def begin() -> None:
    """Set up what holds for the whole process; a run asks for it too, as not every host starts the server itself."""
    logs.keep_private()
    send_at_once()


def send_at_once() -> None:
    """Switch Nagle's algorithm off on this process's sockets, and so on all that its listening ones will accept.

    Streamlit 1.67 binds a socket on which asyncio leaves it on (as in github.com/Kludex/uvicorn/issues/3149): every
    rerun's last messages then wait 40 ms for the browser's delayed acknowledgement. Elsewhere than on Linux, which
    lists a process's sockets and lets accepted ones inherit the setting, nothing is changed.
    """
    with suppress(OSError):
        for descriptor in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
            with suppress(OSError):
                if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                    # Of a copy of the descriptor: closing it leaves the server's own open.
                    with socket.socket(fileno=os.dup(descriptor)) as one:
                        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
