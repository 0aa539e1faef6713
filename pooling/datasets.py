"""Texts to try things on: the sets written for this project, and readers for other people's."""

import csv
import io
import math
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

DATA = Path(__file__).parent / "data"

MOST_BYTES = 5 * 2**20
MOST_ROWS = 10_000
MOST_COLUMNS = 100
LONGEST_TEXT = 5000
"""Characters of one text in a file."""
DELIMITERS = ",;\t"


@dataclass(frozen=True)
class SampleSet:
    """A few sentences with something to look for in them."""

    name: str
    title: str
    look_for: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """Two texts and how alike people found them: 0 (unrelated) to 5 (the same), or 0 and 1."""

    text1: str
    text2: str
    score: float
    kind: str = ""
    """How the pair was made, where that is known."""


@cache
def sample_sets() -> tuple[SampleSet, ...]:
    """The sample sets of the sidebar; the first is what a first visit shows."""
    with (DATA / "samples.toml").open("rb") as file:
        sets = tomllib.load(file)["set"]
    return tuple(SampleSet(**one | {"sentences": tuple(one["sentences"])}) for one in sets)


@cache
def own_pairs(split: str | None = None) -> tuple[Pair, ...]:
    """The sentence pairs written for this project, all or one split ("train", "dev" or "test")."""
    table = pd.read_csv(DATA / "pairs.csv")
    if split is not None:
        table = table[table["split"] == split]
    return tuple(
        Pair(row.sentence1, row.sentence2, float(row.score), row.kind) for row in table.itertuples(index=False)
    )


@cache
def own_topics() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The short texts written for this project, and the topic of each."""
    table = pd.read_csv(DATA / "topics.csv")
    return tuple(table["text"]), tuple(table["label"])


def read_table(data: bytes) -> pd.DataFrame:
    """The table in a CSV or TSV file: every cell a string, the index the row as a spreadsheet counts.

    The header is row 1; rows without a single cell are passed over. Commas, semicolons or tabs
    separate the cells, whichever splits the header into most columns; cells may be quoted.

    Raises:
        ValueError: for whatever is wrong with the file, one sentence with the row. It may quote
            the file: show it as text.
    """
    if len(data) > MOST_BYTES:
        raise ValueError(f"The file has {len(data) / 2**20:.1f} MB; at most {MOST_BYTES >> 20} MB can be read.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        raise ValueError(f"Row {row} is not UTF-8 text; save the file as CSV UTF-8 and try again.") from None
    if not text.strip():
        raise ValueError("The file is empty; it needs a header and at least one row.")
    rows = _rows(text, max(DELIMITERS, key=lambda d: _header_columns(text, d)))
    first, header = next(rows)
    header = [name.strip() for name in header]
    if len(header) > MOST_COLUMNS:
        raise ValueError(f"Row {first} names {len(header):,} columns; at most {MOST_COLUMNS} can be read.")
    for place, name in enumerate(header, start=1):
        if not name:
            raise ValueError(f"Row {first}, the header, has no name for column {place}; give every column one.")
        if header.index(name) != place - 1:
            raise ValueError(f"Row {first}, the header, names two columns {_quoted(name)}; give each its own name.")
    cells, places = [], []
    for row, line in rows:
        if len(line) != len(header):
            raise ValueError(
                f"Row {row} has {len(line)} {'cell' if len(line) == 1 else 'cells'} where the header has "
                f"{len(header)}; put cells that hold a separator in quotes."
            )
        if len(cells) == MOST_ROWS:
            raise ValueError(f"Row {row} is one too many: at most {MOST_ROWS:,} rows under the header can be read.")
        cells.append(line)
        places.append(row)
    if not cells:
        raise ValueError("The file has a header but no row under it.")
    return pd.DataFrame(cells, columns=header, index=pd.Index(places, name="row"), dtype=object)


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that has a cell, with its number."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row = 0
    while True:
        row += 1
        try:
            line = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            why = str(error)
            if "end of data" in why:
                why = "a quotation mark is opened and never closed"
            elif "expected after" in why:
                why = "text follows a closing quotation mark; write a quotation mark inside a quoted cell twice"
            elif "field larger" in why:
                why = "a cell is too long"
            raise ValueError(f"Row {row} cannot be read: {why}.") from None
        if line:
            yield row, line


def _header_columns(text: str, delimiter: str) -> int:
    try:
        return len(next(_rows(text, delimiter), (1, []))[1])
    except ValueError:
        return 0


def read_pairs(table: pd.DataFrame, text1: str, text2: str, score: str) -> list[Pair]:
    """The scored pairs in three columns of a table of `read_table`.

    Raises:
        ValueError: for a blank or over-long text, a score that is no finite number, fewer than
            three pairs or one score for all of them; one sentence with the row, to show as text.
    """
    if len({text1, text2, score}) < 3:
        raise ValueError("Choose three different columns: two of texts and one of scores.")
    pairs = [
        Pair(one, two, number)
        for one, two, number in zip(_texts(table, text1), _texts(table, text2), _numbers(table, score), strict=True)
    ]
    if len(pairs) < 3:
        raise ValueError(f"The file has {len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'}; at least 3 are needed.")
    if len({p.score for p in pairs}) < 2:
        raise ValueError(f"Every pair has the score {pairs[0].score:g}; a ranking needs at least two different scores.")
    return pairs


def read_texts(table: pd.DataFrame, text: str, label: str | None = None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The texts in a column of a table of `read_table`, and their labels; no label without a column.

    Raises:
        ValueError: for a blank or over-long text or a blank label; one sentence with the row.
    """
    if text == label:
        raise ValueError("Choose two different columns: one of texts and one of labels.")
    return tuple(_texts(table, text)), tuple(_column(table, label)) if label is not None else ()


def _column(table: pd.DataFrame, column: str) -> list[str]:
    """The cells of a column, trimmed; none is blank."""
    if column not in table:
        raise ValueError(f"There is no column {_quoted(column)}; choose one of the file's.")
    cells = [str(cell).strip() for cell in table[column]]
    for row, cell in zip(table.index, cells, strict=True):
        if not cell:
            raise ValueError(f"Row {row} has nothing in column {_quoted(column)}; fill it in or remove the row.")
    return cells


def _texts(table: pd.DataFrame, column: str) -> list[str]:
    texts = _column(table, column)
    for row, text in zip(table.index, texts, strict=True):
        if len(text) > LONGEST_TEXT:
            raise ValueError(
                f"Row {row} has a text of {len(text):,} characters in column {_quoted(column)}; "
                f"at most {LONGEST_TEXT:,} are read."
            )
    return texts


def _numbers(table: pd.DataFrame, column: str) -> list[float]:
    numbers = []
    for row, cell in zip(table.index, _column(table, column), strict=True):
        try:
            number = math.nan if "_" in cell else float(cell)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(
                f"Row {row} has {_quoted(cell)} in column {_quoted(column)}, which is not a finite number; "
                "write scores like 3.5."
            )
        numbers.append(number)
    return numbers


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")


def guess_columns(table: pd.DataFrame, *, texts: int, numeric: bool) -> list[str]:
    """Which columns of a table may be the texts (those with the longest cells) and the score or label."""
    longest = table.map(len).mean().sort_values(ascending=False, kind="stable").index[:texts]
    rest = [name for name in table if name not in longest] or list(table)
    numbers = {name for name in rest if pd.to_numeric(table[name], errors="coerce").notna().all()}
    other = min(rest, key=lambda name: ((name in numbers) != numeric, table[name].nunique()))
    return [*(name for name in table if name in longest), other] if len(longest) == texts else [other] * (texts + 1)
