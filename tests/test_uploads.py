"""What one session, and all together, may have the server hold of files that were sent to it."""

import asyncio
import re
import urllib.request

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from pages.ui import server
from tests.benchmarks import client
from tests.benchmarks.soak import Guest
from tests.test_pages import open_page

MB = 2**20


class Uploader(Guest):
    """A visitor who sends files, and looks for nobody's secret."""

    def __init__(self, socket):
        super().__init__(socket, "", "", re.compile(rb"no secret"))

    async def put(self, address: str, name: str, size: int) -> None:
        """A file that no widget will ever use."""
        self._address = address
        await asyncio.to_thread(self._put, f"/_stcore/upload_file/{self._session}/{name}", "a.csv", b"x" * size)


def held(address: str) -> int:
    """Bytes of files, as the server's own figures have them."""
    with urllib.request.urlopen(f"{address}/_stcore/metrics") as given:
        found = re.search(r'cache_memory_bytes\{cache_type="UploadedFileManager"[^}]*\} (\d+)', given.read().decode())
    return int(found[1]) if found else 0


@pytest.mark.slow
def test_a_session_that_sends_eighty_files_holds_the_newest_and_no_more_than_its_share():
    async def visit(address):
        async with client.visitor(address, Uploader) as reader:
            await reader.open()
            for number in range(80):
                await reader.put(address, f"file-{number}", 4_900_000)
            return held(address)

    with client.server(NUMBA_DISABLE_JIT="1") as running:
        assert client.apart(visit(running.address)) == 5 * 4_900_000


@pytest.fixture
def files(monkeypatch):
    """Streamlit's keeper of files, as the server bounds it."""
    manager = MemoryUploadedFileManager("/upload")
    server.hold_few(manager)
    return manager


def give(files, session: str, name: str, size: int) -> None:
    files.add_file(session, UploadedFileRec(name, "a.csv", "text/csv", b"x" * size))


def sizes(files, session: str) -> dict[str, int]:
    return {name: len(file.data) for name, file in files.file_storage.get(session, {}).items()}


def test_the_oldest_files_of_a_session_make_room_for_its_newest_and_other_sessions_keep_theirs(files):
    give(files, "other", "theirs", 5 * MB)
    for number in range(7):
        give(files, "mine", f"file-{number}", 5 * MB)
    assert sizes(files, "mine") == {f"file-{number}": 5 * MB for number in (2, 3, 4, 5, 6)}
    assert sizes(files, "other") == {"theirs": 5 * MB}


def test_thousands_of_empty_files_are_not_held_either(files):
    for number in range(2000):
        give(files, "mine", f"file-{number}", 0)
    assert len(sizes(files, "mine")) == 25 * MB // server.LEAST


def test_where_all_together_hold_too_much_one_more_file_is_not_and_its_reader_is_told(files, monkeypatch):
    for session in range(10):
        for number in range(5):
            give(files, f"session-{session}", f"file-{number}", 5 * MB)
    give(files, "mine", "one more", 5 * MB)
    assert sizes(files, "mine") == {}
    assert [server.was_refused(session) for session in ("mine", "mine", "session-9")] == [True, False, False]
    give(files, "mine", "one more", 5 * MB)
    files.remove_session_files("session-0")
    give(files, "mine", "again", 5 * MB)
    assert sizes(files, "mine") == {"again": 5 * MB}
    assert not server.was_refused("mine")


def test_a_reader_whose_file_was_not_held_is_told_in_the_page(monkeypatch):
    monkeypatch.setattr(server, "was_refused", lambda session: True)
    assert (
        "Your file was not taken: this server holds as many files as it can."
        in open_page("pages/evaluation.py").warning[0].value
    )
