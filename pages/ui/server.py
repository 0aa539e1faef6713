"""What the app's server keeps to from its start: a log that quotes nobody, answers at once, few files held."""

import functools
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import streamlit as st
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from pooling import logs

MOST_OF_A_SESSION = 25 * 2**20
"""Bytes of a session's files: five of the largest."""
MOST_OF_ALL = 250 * 2**20
LEAST = 2**16
"""Bytes that a file counts for, however empty."""


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
    if runtime.exists() and isinstance(files := runtime.get_instance().uploaded_file_mgr, MemoryUploadedFileManager):
        hold_few(files)


_refused: set[str] = set()


def was_refused(session: str) -> bool:
    """Whether the last file that this session sent was not taken; True only once."""
    told = session in _refused
    _refused.discard(session)
    return told


def hold_few(files: MemoryUploadedFileManager) -> None:
    """Let a session's oldest files go for its newest, and take none that is too much for all sessions together.

    Streamlit keeps whatever is sent, used or not, until its session ends.
    """
    add = files.add_file

    def bytes_of(session: str) -> int:
        return sum(max(LEAST, len(file.data)) for file in list(files.file_storage.get(session, {}).values()))

    def add_and_bound(session_id: str, file: UploadedFileRec) -> None:
        _refused.discard(session_id)
        add(session_id, file)
        while bytes_of(session_id) > MOST_OF_A_SESSION:
            files.remove_file(session_id, next(iter(files.file_storage[session_id])))
        if sum(map(bytes_of, list(files.file_storage))) > MOST_OF_ALL:
            files.remove_file(session_id, file.file_id)
            if len(_refused) > 1000:  # of sessions that never come back
                _refused.clear()
            _refused.add(session_id)
            logs.log.warning("A file was not taken: all sessions together hold %d MB", MOST_OF_ALL >> 20)

    files.add_file = add_and_bound  # type: ignore[method-assign]


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
