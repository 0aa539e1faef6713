"""The STS Benchmark, from a folder and from a hub on loopback."""

import gzip
import json

import pytest
from streamlit.testing.v1 import AppTest

from pooling.hub import HubError
from pooling.stsb import REPOSITORY, fetch_stsb, read_stsb, stsb_folder
from tests.conftest import ROOT, STSB, needs_stsb
from tests.loopback_hub import COMMIT, serving

SPLITS = {"train": "train", "dev": "validation", "test": "test"}


def write(folder, change=lambda rows: rows):
    """The benchmark as the Hub has it: a file of JSON lines a split."""
    for split, name in SPLITS.items():
        pairs = read_stsb(STSB, split)
        rows = change([{"sentence1": p.text1, "sentence2": p.text2, "score": p.score} for p in pairs])
        (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress("".join(json.dumps(r) + "\n" for r in rows).encode()))


@pytest.fixture
def served(monkeypatch, tmp_path):
    """A hub that has the repository, an empty folder yet; and no benchmark on this machine."""
    monkeypatch.delenv("POOLING_DATA", raising=False)
    monkeypatch.setattr("pooling.stsb.COMMIT", COMMIT)
    folder = tmp_path / "repository"
    folder.mkdir()
    with serving(monkeypatch, tmp_path / "cache") as hub:
        hub.repositories[f"datasets/{REPOSITORY}"] = folder
        yield folder


@needs_stsb
def test_the_benchmark_comes_from_the_hub_as_it_is_in_its_own_files(served):
    write(served)
    assert stsb_folder() is None
    folder = fetch_stsb()
    assert stsb_folder() == folder == fetch_stsb()
    for split in SPLITS:
        as_one_line = [(" ".join(p.text1.split()), " ".join(p.text2.split()), p.score) for p in read_stsb(STSB, split)]
        assert [(p.text1, p.text2, p.score) for p in read_stsb(folder, split)] == as_one_line


@needs_stsb
@pytest.mark.parametrize("wrong", ["a score", "a row", "a key", "an archive", "a file"])
def test_what_is_not_the_benchmark_is_refused_and_nothing_is_kept(served, wrong):
    changes = {"a score": lambda rows: [rows[0] | {"score": 4.9}, *rows[1:]], "a row": lambda rows: rows[:-1]}
    write(served, changes.get(wrong, lambda rows: rows))
    last = served / "test.jsonl.gz"
    if wrong == "a key":
        last.write_bytes(gzip.compress(b'{"text": 1}\n'))
    if wrong == "an archive":
        last.write_bytes(b"PK")
    if wrong == "a file":
        last.unlink()
    with pytest.raises(HubError, match="is missing on the Hub" if wrong == "a file" else "does not hold the STS"):
        fetch_stsb()
    assert stsb_folder() is None


def offer() -> None:
    import streamlit as st

    from pages.ui import controls

    st.text(controls.find_benchmark())


@needs_stsb
def test_a_page_offers_it_where_it_is_not_here_and_says_what_goes_wrong(served):
    page = AppTest.from_function(offer, default_timeout=60).run()
    assert page.text[0].value == "None"
    page.button(key="stsb-fetch").click().run()
    assert page.error[0].value == "A file of the STS Benchmark is missing on the Hub."
    write(served)
    page.button(key="stsb-fetch").click().run()
    assert page.text[0].value == str(stsb_folder())
    assert not page.button
    assert not page.exception


@pytest.mark.parametrize("page", ["attention.py", "evaluation.py"])
def test_a_link_to_the_benchmark_ends_in_the_offer(page, served):
    shown = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    shown.session_state["head-pairs"] = shown.session_state["data"] = "stsb"
    shown.switch_page(f"pages/{page}").run()
    assert not shown.exception
    assert shown.button(key="stsb-fetch").label == "Bring the STS Benchmark"


def test_the_benchmark_is_found_in_the_folder_or_below_it(tmp_path, monkeypatch):
    monkeypatch.setenv("POOLING_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("POOLING_DATA", raising=False)
    assert stsb_folder() is None
    monkeypatch.setenv("POOLING_DATA", str(tmp_path))
    assert stsb_folder() is None
    (tmp_path / "stsb").mkdir()
    (tmp_path / "stsb" / "sts-test.csv").touch()
    assert stsb_folder() == tmp_path / "stsb"
    monkeypatch.setenv("POOLING_DATA", str(tmp_path / "stsb"))
    assert stsb_folder() == tmp_path / "stsb"
