"""Any text, any file, any address: an answer, or one sentence, and never anything else."""

import io

import pandas as pd
import pytest
import streamlit as st
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from pages.ui import url
from pages.ui.controls.sentences import MOST_CHARACTERS, MOST_SENTENCES, read_sentences
from pages.ui.navigation import PAGES
from pooling.attention_heads import unpack_head
from pooling.catalogue import split_template
from pooling.columns import first_rows, guess_pairs, guess_texts, read_pairs, read_texts
from pooling.files import MOST_ROWS, read_table
from pooling.tables import to_csv
from tests.benchmarks.soak import HOSTILE
from tests.conftest import ROOT
from tests.test_downloads import cells

many = settings(max_examples=150, deadline=None, derandomize=True)
few = settings(many, max_examples=6, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
texts = some.text(some.characters(exclude_categories=()), max_size=400) | some.sampled_from(HOSTILE)
WRITTEN = [
    ",",
    ";",
    "|",
    "\t",
    "\n",
    "\r\n",
    '"',
    '""',
    "a",
    "1",
    "-2.5",
    "7,35",
    "nan",
    "=1+1",
    "\0",
    "é",
    "\ufeff",
    ", ",
]
WRITTEN += ["sep=;\n", "text", "score", "label", "true", "{", "}", "[", "]", ":", '"a"', '{"a": 1}', '{"a": "b"}\n']
encodings = some.sampled_from(["utf-8", "utf-16", "utf-16-le", "cp1252", "utf-8-sig"])
typed = some.lists(some.sampled_from(WRITTEN), max_size=60).map("".join)
tables = some.builds(lambda text, name: text.encode(name, "replace"), typed, encodings) | some.binary(max_size=300)


@some.composite
def broken(draw):
    """A file that a program wrote, cut short, or with some of its bytes changed."""
    data = bytearray(draw(some.sampled_from(PACKED)))
    for place, byte in draw(
        some.dictionaries(some.integers(0, len(data) - 1), some.integers(0, 255), max_size=8)
    ).items():
        data[place] = byte
    return bytes(data[: draw(some.integers(4, len(data)))])


def packed() -> list[bytes]:
    """A Parquet file and an Excel file of three pairs."""
    frame = pd.DataFrame({"a": ["x", "y", "z"], "b": ["u", "v", "w"], "c": [1, 2.5, 3]})
    files = io.BytesIO(), io.BytesIO()
    frame.to_parquet(files[0])
    frame.to_excel(files[1], engine="xlsxwriter", index=False)
    return [file.getvalue() for file in files]


PACKED = packed()


def answer(read, *given):
    """What it gives, or None where it refuses in one sentence."""
    try:
        return read(*given)
    except ValueError as error:
        said = str(error)
    assert said.endswith(".")
    assert "\n" not in said
    assert len(said) < 400
    return None


@many
@given(texts)
def test_sentences_are_trimmed_lines_within_the_limits_and_what_is_left_out_is_said(typed):
    read, problems = read_sentences(typed)
    lines = [line.strip() for line in typed.split("\n")]
    assert all(sentence in lines and sentence and len(sentence) <= MOST_CHARACTERS for sentence in read)
    assert len(read) <= MOST_SENTENCES
    assert bool(problems) == (len(read) < len([line for line in lines if line]))


@many
@given(texts)
def test_a_template_is_taken_apart_or_refused_in_a_sentence(typed):
    found = answer(split_template, typed)
    assert (found is not None) == (typed.count("{}") in (1, 2))
    assert found is None or "{}".join(found) == typed


def read_to_the_end(data: bytes) -> None:
    """Read a file as pairs and as labelled texts, as every guess has it."""
    for header in (None, True, False) if len(data) < 1000 else (None,):
        if (table := answer(read_table, data, header)) is None:
            continue
        cells = table.cells
        assert 0 < len(cells) <= MOST_ROWS
        assert all(isinstance(cell, str) for cell in cells.to_numpy().ravel())
        if guess := answer(guess_pairs, cells):
            assert len(first_rows(cells, dict(zip(("one", "two", "Score"), guess[0], strict=True)))) == min(
                3, len(cells)
            )
            pairs = answer(read_pairs, cells, *guess[0])
            assert pairs is None or len(pairs) == len(cells)
        columns, _ = guess_texts(cells, label=False)
        read = answer(read_texts, cells, *columns)
        assert read is None or len(read[0]) == len(cells)


@pytest.mark.slow
@many
@given(tables)
@example(b"a,b,c\nx,y,1\nz,w,2\nq,r,3\n")
@example(b'{"a": "x", "b": "y", "c": 1}\n{"a": "z"}\n')
def test_a_file_is_read_to_its_last_cell_or_refused_in_a_sentence(data):
    read_to_the_end(data)


@pytest.mark.slow
@settings(many, max_examples=15)
@given(broken())
def test_a_broken_parquet_or_excel_file_is_read_or_refused_in_a_sentence(data):
    read_to_the_end(data)


@many
@given(some.lists(texts.filter(lambda text: "\r" not in text), min_size=1, max_size=5))
def test_no_cell_of_a_download_starts_a_formula_and_only_an_apostrophe_is_added(written):
    import pandas as pd

    if any("\ud800" <= letter <= "\udfff" for text in written for letter in text):
        return  # such halves of a character cannot stand in a file; what people type holds none
    rows = cells(to_csv(pd.DataFrame({"text": written, "n": range(len(written))})))[1:]
    for (shown, _), text in zip(rows, written, strict=True):
        assert not shown.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert shown in (text, "'" + text)


@many
@given(some.binary(max_size=400))
def test_bytes_that_are_no_head_are_refused_in_a_sentence(data):
    assert answer(unpack_head, data) is None


class Address(dict):
    """As `st.query_params` is asked."""

    to_dict = dict.copy


@many
@given(
    some.dictionaries(some.sampled_from(["one", "many", "many2", "count", "switch", "words"]), texts),
    some.dictionaries(some.sampled_from(["one", "count"]), some.sampled_from(["a", 7, -3, None, "zzz"])),
)
def test_an_address_chooses_only_what_is_offered_and_is_written_back_the_same(asked, kept):
    state, address = {}, Address(asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(st, "session_state", state)
        patch.setattr(st, "query_params", address)
        url.begin("a page")
        assert url.choice("one", ["a", "b"], "a") in ("a", "b")
        assert set(url.several("many", ["a", "b", "c"], ["a"], most=2)) <= {"a", "b", "c"}
        assert len(state["many"]) <= 2
        assert 2 <= url.number("count", 2, 50, 15) <= 50
        assert url.flag("switch") in (True, False)
        url.text("words", "default")
        assert state["words"] == asked.get("words", "default")
        assert len(state["_url"].get("words", "")) <= url.LONGEST
        first = dict(state["_url"])
        link = dict(first)
        state.clear()
        address.clear()
        address.update(link)
        url.begin("a page")
        url.choice("one", ["a", "b"], "a")
        url.several("many", ["a", "b", "c"], ["a"], most=2)
        url.number("count", 2, 50, 15)
        url.flag("switch")
        url.text("words", "default")
        assert state["_url"] == first


KEYS = (
    "text",
    "template",
    "query",
    "map-search",
    "strategy",
    "layer",
    "model",
    "sentence",
    "dimension",
    "show",
    "from",
)
KEYS += ("metric", "padding", "data", "map-kind", "map-texts", "map-with", "map-seed", "prompt", "head-epochs", "set")


@pytest.mark.slow
@few
@given(
    some.sampled_from([page for page in PAGES if page.title not in ("Evaluation", "Search", "Size")]),
    some.dictionaries(some.sampled_from(KEYS), texts | some.sampled_from(["own", "umap", "max", "0", "-1", "9" * 6])),
)
def test_every_page_lives_with_any_text_in_any_part_of_its_address(page, asked):
    shown = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300).switch_page(page.file)
    for key, value in asked.items():
        shown.query_params[key] = value
    shown.run()
    assert not shown.exception
    assert shown.title[0].value == page.question
    assert shown.session_state["text"] == asked.get("text", shown.session_state["text"])
