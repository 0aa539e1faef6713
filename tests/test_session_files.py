"""What a reader uploads is kept within limits, for this reader alone, and once."""

import pytest
import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import DeletedFile
from streamlit.testing.v1 import AppTest

from pages.ui.controls import detective
from pages.ui.controls.files import MOST_FILES, MOST_TOGETHER, Given, _Files, _given, _Parts
from tests.conftest import ROOT

PAIRS = b"one,two,score\nA cat.,A dog.,1\nIt rains.,It snows.,2\nHe runs.,She sings.,0\n"


@pytest.fixture
def files(monkeypatch) -> _Files:
    """The files of a session."""
    monkeypatch.setattr(st, "session_state", {})
    return _Files()


def names(files: _Files) -> list[str]:
    return [one.name for one in files.kept.values()]


def test_the_oldest_file_goes_where_there_are_too_many_and_it_is_said(files):
    for i in range(MOST_FILES):
        files.keep(Given(f"{i}.csv", b"%d" % i))
    assert names(files) == ["0.csv", "1.csv", "2.csv", "3.csv", "4.csv"]
    assert files.dropped == ""
    st.session_state[f"file-score-{next(iter(files.kept))}-True"] = "score"
    files.keep(Given("5.csv", b"5"))
    assert names(files) == ["1.csv", "2.csv", "3.csv", "4.csv", "5.csv"]
    assert files.dropped == "No longer kept: 0.csv; there is room for 5 files and 15 MB."
    assert st.session_state == {}


def test_all_files_of_a_session_together_have_a_limit(files):
    for i in range(3):
        files.keep(Given(f"{i}.csv", b"%d" % i * (MOST_TOGETHER // 3)))
    assert names(files) == ["0.csv", "1.csv", "2.csv"]
    files.keep(Given("3.csv", b"xx"))
    assert names(files) == ["1.csv", "2.csv", "3.csv"]


def test_the_same_file_is_kept_once_and_equal_names_can_be_told_apart(files):
    for name, data in (("a.csv", b"1"), ("a.csv", b"2"), ("a.csv", b"3"), ("b.csv", b"1")):
        files.keep(Given(name, data))
    assert names(files) == ["a.csv (2)", "a.csv (3)", "b.csv"]


def test_streamlit_holds_no_second_copy_of_an_upload_and_another_session_has_none(monkeypatch):
    managers = []
    real = MemoryUploadedFileManager.__init__
    monkeypatch.setattr(
        MemoryUploadedFileManager, "__init__", lambda self, *args: (managers.append(self), real(self, *args))[1]
    )
    shown, other = (AppTest.from_file(str(ROOT / "app.py"), default_timeout=300) for _ in range(2))
    for one in (shown, other):
        one.switch_page("pages/evaluation.py").query_params["data"] = "pairs"
        one.run()
    shown.file_uploader(key="file-upload-0").set_value(("mine.csv", PAIRS, "text/csv")).run()
    assert shown.selectbox(key="file").options == ["mine.csv"]
    assert shown.file_uploader(key="file-upload-1").value is None
    assert sum(len(held) for manager in managers for held in manager.file_storage.values()) == 0
    other.run()
    assert other.file_uploader(key="file-upload-0").value is None
    assert not any(box.key == "file" for box in other.selectbox)


def test_an_upload_that_was_taken_before_its_run_ended_is_passed_over_when_it_is_told_again(files):
    parts, evidence = _Parts(files={"corpus.jsonl": b"{}"}, uploads=1), detective._Files(name="a.npz", uploads=1)
    st.session_state |= {"one": DeletedFile("1"), "several": [DeletedFile("1"), DeletedFile("2")]}
    _given(files, "one")
    evidence.take("one")
    parts.take("several")
    assert (files.coming, files.uploads) == (None, 0)
    assert (evidence.name, evidence.coming, evidence.uploads) == ("a.npz", None, 1)
    assert (list(parts.files), parts.uploads) == (["corpus.jsonl"], 1)
