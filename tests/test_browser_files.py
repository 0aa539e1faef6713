"""A reader's own files, as a person gives them, sees them understood and finds them again."""

import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect

from pooling.catalogue import DEFAULT
from pooling.datasets import own_topics
from pooling.export import embeddings
from pooling.snippets import Recipe
from tests.conftest import Reader
from tests.test_browser_detective import files as vector_files
from tests.test_browser_playground import WIDER_THAN_THE_SCREEN
from tests.test_retrieval_files import files as search_files
from tests.test_retrieval_files import packed

HEADLESS = b"tiger;cat;7,35\nbook;paper;7,46\ncomputer;keyboard;7,62\nking;cabbage;0,23\n"
"""Word pairs as Excel saves them in half of Europe, without names."""
LABELLED = pd.DataFrame(dict(zip(("text", "label"), own_topics(), strict=True)))[::8].reset_index(names="id")
"""Thirty-two of the project's texts with their topics."""


def upload(reader: Reader, name: str, data: bytes) -> None:
    """Give a file, as the first or as another one."""
    place = reader.page.locator("[class*=st-key-file-upload] input[type=file]")
    if place.count() == 0:
        reader.page.get_by_text("Another file").click()
    place.set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": data})
    reader.page.wait_for_timeout(1000)
    reader.wait()


def rows(reader: Reader) -> list[list[str]]:
    """The rows as the page says that it understands them, the names of their columns first."""
    lines = reader.page.locator(".pp-rows tr")
    return [lines.nth(i).locator("th, td").all_inner_texts() for i in range(lines.count())]


def chosen(reader: Reader, key: str) -> str:
    """What a select box shows."""
    box = reader.page.locator(f".st-key-{key}")
    field = box.locator("input")
    return (field.input_value() if field.count() else "") or box.locator("[data-baseweb=select]").inner_text()


def exported(reader: Reader, title: str) -> tuple[dict, np.ndarray]:
    """The texts that Export has under a title, with their labels, and their embeddings."""
    reader.page.get_by_role("button", name="Export").click()
    dialog = reader.page.get_by_role("dialog")
    dialog.get_by_text(title).wait_for()
    with reader.page.expect_download() as coming:
        dialog.locator(".st-key-take-corpus-npz button").click()
    with zipfile.ZipFile(coming.value.path()) as archive:
        found = np.load(io.BytesIO(archive.read("embeddings.npz")))["embeddings"]
        return json.loads(archive.read("texts.json")), found


TIGER = ["1", "tiger", "cat", "7.35"]


def test_a_file_is_shown_as_it_is_understood_and_its_first_row_can_be_switched(server, reader):
    reader.open(server + "/evaluation?data=pairs")
    upload(reader, "wordsim.csv", HEADLESS)
    assert rows(reader)[:2] == [["Row", "First text", "Second text", "Score"], TIGER]
    assert "The first row is read as data, for '7,35' is no name of a column." in reader.main()
    assert "Verdict for" in reader.main()
    reader.page.locator(".st-key-file-header label").click()
    reader.wait()
    assert rows(reader)[1] == ["2", "book", "paper", "7.46"]
    reader.page.locator(".st-key-file-header label").click()
    reader.wait()
    assert rows(reader)[1] == TIGER
    reader.choose("file-first-text", "column 2")
    reader.choose("file-second-text", "column 1")
    assert rows(reader)[1] == ["1", "cat", "tiger", "7.35"]
    reader.choose("file-score", "column 1")
    assert rows(reader)[1] == ["1", "cat", "tiger", "tiger"]
    assert "three different columns" in reader.main()
    assert "Verdict for" not in reader.main()


def test_a_file_stays_for_the_session_on_every_page_with_its_columns(server, reader, chromium):
    reader.open(server + "/evaluation?data=pairs")
    upload(reader, "wordsim.csv", HEADLESS)
    reader.choose("file-first-text", "column 2")
    reader.choose("file-second-text", "column 1")
    reader.go("Projection")
    reader.page.get_by_text("A file", exact=True).click()
    reader.wait()
    assert chosen(reader, "file") == "wordsim.csv"
    upload(reader, "topics.csv", LABELLED.to_csv(index=False).encode())
    assert rows(reader)[0] == ["Row", "Text", "Label"]
    assert "32 embeddings" in reader.main()
    reader.choose("file", "wordsim.csv")
    assert [row[:1] for row in rows(reader)[1:]] == [["1"], ["2"], ["3"]]
    reader.go("Attention")
    reader.page.get_by_text("A file of yours", exact=True).click()
    reader.wait()
    assert chosen(reader, "file") == "wordsim.csv"
    assert rows(reader)[1] == ["1", "cat", "tiger", "7.35"]
    reader.go("Evaluation")
    assert chosen(reader, "file") == "wordsim.csv"
    assert rows(reader)[1] == ["1", "cat", "tiger", "7.35"]
    assert "Verdict for" in reader.main()
    stranger = Reader(chromium.new_context(viewport={"width": 1440, "height": 900}).new_page())
    stranger.open(server + "/evaluation?data=pairs")
    assert "wordsim.csv" not in stranger.main()
    assert stranger.page.locator("[class*=st-key-file-upload]").count() == 1
    stranger.page.context.close()
    reader.page.get_by_role("button", name="Remove").click()
    reader.wait()
    assert chosen(reader, "file") == "topics.csv"
    reader.page.get_by_role("button", name="Remove").click()
    reader.wait()
    assert reader.page.locator("[class*=st-key-file-upload] input[type=file]").count() == 1
    assert "Verdict for" not in reader.main()


def test_what_is_no_table_is_refused_in_a_plain_sentence_and_the_files_stay(server, reader):
    reader.open(server + "/evaluation?data=pairs")
    upload(reader, "photo.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    said = "photo.png: This is no table that can be read here; give CSV or TSV, JSON Lines, Parquet or Excel (.xlsx)."
    expect(reader.page.get_by_role("alert").get_by_text(said)).to_be_visible()
    upload(reader, "wordsim.csv", HEADLESS)
    assert said not in reader.main()
    upload(reader, "<b>old</b>.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert "<b>old</b>.xls: This is an old Excel file (.xls), or one with a password;" in reader.main()
    assert chosen(reader, "file") == "wordsim.csv"
    assert rows(reader)[1] == TIGER
    assert "not allowed" not in reader.main()


def test_a_guess_that_is_not_certain_is_asked_about_before_anything_is_computed(server, reader):
    reader.open(server + "/evaluation?data=pairs")
    lines = [f"Some words {i}.,Other words {i}.,More words {i}.,{i % 3}" for i in range(6)]
    upload(reader, "unclear.csv", "\n".join(["one,two,three,alike", *lines]).encode())
    assert rows(reader)[1][0] == "2"
    assert "Verdict for" not in reader.main()
    reader.choose("file-second-text", "three")
    assert rows(reader)[1] == ["2", "Some words 0.", "More words 0.", "0"]
    reader.page.get_by_role("button", name="Evaluate these").click()
    reader.wait()
    assert "Verdict for" in reader.main()
    assert reader.page.get_by_role("button", name="Evaluate these").count() == 0


@pytest.mark.parametrize("kind", ["xlsx", "parquet", "jsonl"])
def test_files_of_other_programs_are_evaluated_and_their_texts_exported(kind, server, reader, encoder):
    frame, file = LABELLED, io.BytesIO()
    if kind == "xlsx":
        frame.to_excel(file, engine="xlsxwriter", index=False)
    elif kind == "parquet":
        frame.to_parquet(file)
    else:
        frame.to_json(file, orient="records", lines=True)
    reader.open(server + "/evaluation?data=texts")
    upload(reader, f"topics.{kind}", file.getvalue())
    assert rows(reader)[0] == ["Line" if kind == "jsonl" else "Row", "Text", "Label"]
    assert rows(reader)[1][1:] == [frame["text"][0], frame["label"][0]]
    assert "Verdict for" in reader.main()
    beside, found = exported(reader, "The 32 texts that are evaluated")
    assert beside["texts"] == frame["text"].tolist()
    assert beside["labels"] == frame["label"].tolist()
    want = embeddings(Recipe(DEFAULT, "mean", 6), encoder, frame["text"].tolist())
    assert found == pytest.approx(want.numpy(), abs=1e-4)


def test_the_texts_of_evaluated_pairs_are_exported_once_each(server, reader, encoder):
    reader.open(server + "/evaluation?data=pairs&strategy=cls_attention")
    upload(reader, "wordsim.csv", HEADLESS + b"tiger;keyboard;0,5\n")
    beside, found = exported(reader, "The 8 texts that are evaluated")
    texts = ["tiger", "cat", "book", "paper", "computer", "keyboard", "king", "cabbage"]
    assert beside == {"texts": texts}
    want = embeddings(Recipe(DEFAULT, "cls_attention", 6), encoder, texts)
    assert found == pytest.approx(want.numpy(), abs=1e-4)


def test_the_rows_and_their_columns_fit_a_phone(server, chromium):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    reader = Reader(context.new_page())
    reader.open(server + "/evaluation?data=pairs")
    long = "w" * 300
    upload(reader, f"{long}.csv", f"one,two,score\n{long},a b c,1\nd,{'e ' * 200},2\nf,g,3\n".encode())
    assert rows(reader)[1][1] == "w" * 140 + "…"
    reader.choose("file-score", "two")
    assert rows(reader)[1][3] == "a b c"
    assert reader.page.evaluate(WIDER_THAN_THE_SCREEN) == []
    context.close()


def test_who_acts_while_a_file_just_given_is_computed_is_obeyed_and_loses_nothing(start_server, reader):
    server, page = start_server(POOLING_SLOW="2"), reader.page

    def give(key: str, name: str, data: bytes, waited_for: str) -> None:
        place = page.locator(f"[class*=st-key-{key}] input[type=file]")
        place.set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": data})
        expect(page.get_by_text(waited_for).first).to_be_visible(timeout=20_000)

    archive = vector_files()["both.npz"]
    reader.open(f"{server}/detective?vectors-from=file")
    give("vectors-upload", "both.npz", archive, "Comparing recipes with these vectors")
    reader.press("vectors-from", "Show me")
    assert "The clues" in reader.main()
    reader.press("vectors-from", "A file")
    expect(page.get_by_text("Found exactly.")).to_be_visible(timeout=60_000)
    assert "both.npz: 3 vectors of 384 numbers." in reader.main()
    page.get_by_role("button", name="Remove").click()
    reader.wait()
    one_less = io.BytesIO()
    with np.load(io.BytesIO(archive)) as arrays:
        np.savez(one_less, texts=arrays["texts"][:2], embeddings=arrays["embeddings"][:2])
    give("vectors-upload", "less.npz", one_less.getvalue(), "Comparing recipes with these vectors")
    page.get_by_role("button", name="Remove").click()
    reader.wait()
    assert "less.npz" not in reader.main()
    assert page.locator("[class*=st-key-vectors-upload] input[type=file]").count() == 1

    reader.open(f"{server}/search?searched=files")
    give("search-upload", "tiny.zip", packed(search_files()), "Sending 2 rows through the transformer")
    reader.choose("searched", "256 labelled texts of this project")
    reader.choose("searched", "My files in BEIR's form")
    assert "Your files, kept until you leave: tiny.zip." in reader.main()
    assert "Verdict for all-MiniLM-L6-v2" in reader.main()
    page.get_by_role("button", name="Remove").click()
    reader.wait()
    moved = packed(search_files(corpus=search_files()["corpus.jsonl"].replace(b"moon", b"sun")))
    give("search-upload", "other.zip", moved, "kept until you leave: other.zip")
    page.get_by_role("button", name="Remove").click()
    reader.wait()
    assert "other.zip" not in reader.main()
    assert page.locator("[class*=st-key-search-upload] input[type=file]").count() == 1
