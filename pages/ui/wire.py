"""What goes to the browser goes at once."""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

import streamlit as st


@st.cache_resource(show_spinner=False)
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
