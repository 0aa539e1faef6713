"""Other people's tables, as spreadsheets and programs write them: read, or refused in a sentence."""

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, NamedTuple

import pandas as pd

from pooling.columns import known, number, quoted
from pooling.unpack import MOST_ROWS, unpack

MOST_BYTES = 5 * 2**20
MOST_COLUMNS = 100
LONGEST_NAME = 200
DELIMITERS = ";\t|,"
"""The comma last: where two split the rows alike, it is the one that stands in numbers."""
KINDS = "CSV or TSV, JSON Lines, Parquet or Excel (.xlsx)"
NO_TABLE = f"This is no table that can be read here; give {KINDS}."
EMPTY = "The file is empty; it needs the names of its columns and at least one row."
LOOKED_AT = 50
"""Rows that say how a file is to be read."""

Row = tuple[int, list[str]]


class Limits(NamedTuple):
    """How large a table may be."""

    bytes: int = MOST_BYTES
    rows: int = MOST_ROWS
    """Of Parquet and Excel at most `MOST_ROWS` are ever read: they are unpacked apart."""


USUAL = Limits()


@dataclass(frozen=True)
class Table:
    """A reader's table, and what was assumed to read it."""

    cells: pd.DataFrame
    """Every cell a string; the index is the number that a row has in its file, named "row" or "line"."""
    header: bool | None = None
    """Whether the first row is taken for the columns' names; None where a file has them apart."""
    sure: bool = True
    """Whether the first row shows what it is."""
    said: tuple[str, ...] = ()
    """What was assumed or left out, in sentences; they may quote the file: show them as text."""


def read_table(data: bytes, header: bool | None = None, limits: Limits = USUAL) -> Table:
    """The table in a file of one of `KINDS`; what kind it is, its bytes tell.

    In CSV and Excel rows are counted as a spreadsheet does, blank ones too, which are passed over;
    JSON Lines by their lines.

    Args:
        header: whether the first row has the columns' names; None: as it looks.
        limits: what is too large.

    Raises:
        ValueError: for whatever is wrong with the file, one sentence with the row. It may quote
            the file: show it as text.
    """
    if len(data) > limits.bytes:
        raise ValueError(f"The file has {len(data) / 2**20:.1f} MB; at most {limits.bytes >> 20} MB can be read.")
    if data.startswith(b"PAR1"):
        read = unpack("parquet", data)
        return _with_names(read["names"], read["rows"], "row", read["said"])
    if data.startswith(b"PK") and b"xl/workbook" in data:
        read = unpack("excel", data)
        width = max((len(cells) for _, cells in read["rows"]), default=0)
        rows = [(row, cells + [""] * (width - len(cells))) for row, cells in read["rows"]]
        return _with_header(rows, header, read["said"])
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise ValueError("This is an old Excel file (.xls), or one with a password; save it as .xlsx without one.")
    if data.startswith((b"PK\3\4", b"%PDF", b"\x1f\x8b")):
        raise ValueError(NO_TABLE)
    text, said = decoded(data)
    if "\0" in text:
        raise ValueError(NO_TABLE)
    if not text.strip():
        raise ValueError(EMPTY)
    if re.match(r'\s*(\{\s*["}]|\[\s*\{)', text):
        return _with_names(*_objects(text, limits.rows), said, limits.rows)
    rows, how = lines_of(text, limits.rows)
    return _with_header(rows, header, [*said, *how], limits.rows)


def _with_names(names: list[str], rows: list[Row], noun: str, said: list[str], most: int = MOST_ROWS) -> Table:
    filled = [(row, cells + [""] * (len(names) - len(cells))) for row, cells in rows]
    cells, left_out = _frame(names, filled, noun, most=most)
    return Table(cells, said=(*said, *left_out))


def decoded(data: bytes) -> tuple[str, list[str]]:
    """The text of a file, by its mark, as UTF-8, or as its letters look; and what was assumed.

    Raises:
        ValueError: when it is no text.
    """
    marks = {b"\xff\xfe\0\0": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    encoding = next((name for mark, name in marks.items() if data.startswith(mark)), "utf-8-sig")
    try:
        return data.decode(encoding), []
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
    if encoding != "utf-8-sig":
        raise ValueError(NO_TABLE)
    rough = data.decode("utf-8", "replace")
    broken = rough.count("\ufffd")
    if sum(letter > "\x7f" for letter in rough) > 2 * broken:  # letters that are right by chance are few
        raise ValueError(f"Row {row} is not UTF-8 text, as the rest is; save the file as CSV UTF-8 and try again.")
    from chardetng_py import detect

    encoding = detect(data)
    try:
        return data.decode(encoding), [f"Its letters are read as {encoding}; save it as CSV UTF-8 if some are wrong."]
    except (LookupError, UnicodeDecodeError):
        raise ValueError(NO_TABLE) from None


def _objects(text: str, most: int) -> tuple[list[str], list[Row], str]:
    """The names, the rows and what a row is called, of a JSON object a line or of one list of objects."""
    found: Iterable[tuple[int, Any]]
    if text.lstrip().startswith("["):
        found, noun = enumerate(_parsed(text, "The file"), start=1), "row"
    else:
        lines = ((n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip())
        found, noun = ((n, _parsed(line, f"Line {n}")) for n, line in lines), "line"
    names: dict[str, None] = {}
    objects = []
    for place, one in islice(found, most + 2):
        if not isinstance(one, dict):
            raise ValueError(f"{noun.capitalize()} {place} is no JSON object; give one object a line.")
        names |= dict.fromkeys(one)
        objects.append((place, one))
        if len(names) > MOST_COLUMNS:
            break  # which is said of the table
    return list(names), [(place, [_json_cell(one.get(name)) for name in names]) for place, one in objects], noun


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{where} is not valid JSON; give one object a line.") from None


def _json_cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def lines_of(text: str, most: int = MOST_ROWS) -> tuple[list[Row], list[str]]:
    """The rows of a CSV file, whatever separates its cells, with what was assumed."""
    if mark := re.match(r'"?sep=([;,|\t])"?\r?\n', text):  # Excel's own first line, which it does not count
        return _read(text[mark.end() :], mark[1], most), []
    widths = {delimiter: _widths(text, delimiter) for delimiter in DELIMITERS}
    if not all(widths.values()):
        return [], []
    alike = [delimiter for delimiter, seen in widths.items() if len(set(seen)) == 1 and seen[0] > 1]
    if not alike and len(set(widths[","])) > 1 and _prose(text):
        lines = ((row, [line]) for row, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1) if line.strip())
        return list(islice(lines, most + 2)), ["Each line is read as one text."]
    delimiter = max(alike or DELIMITERS, key=lambda one: widths[one][:1])
    try:
        return _read(text, delimiter, most), []
    except ValueError:
        if delimiter != "\t":
            raise
        return _read(text, delimiter, most, csv.QUOTE_NONE), []


def _read(text: str, delimiter: str, most: int, quoting: Literal[0, 3] = csv.QUOTE_MINIMAL) -> list[Row]:
    return list(islice(_rows(text, delimiter, quoting), most + 2))


def _widths(text: str, delimiter: str) -> list[int]:
    """The number of cells in each of the first rows; 0 stands for a row that cannot be read."""
    found = []
    try:
        for _, cells in islice(_rows(text, delimiter), LOOKED_AT):
            found.append(len(cells))
    except ValueError:
        found.append(0)
    return found


def _prose(text: str) -> bool:
    """Whether commas and semicolons stand as in sentences, and in 10,000, and nothing else separates."""
    head = "\n".join(text.splitlines()[:LOOKED_AT])
    return not re.search(r'[\t|]|[,;](?!\s|$|["”’]\s|\d{3}\b)', head, re.MULTILINE)


def _rows(text: str, delimiter: str, quoting: Literal[0, 3] = csv.QUOTE_MINIMAL) -> Iterator[Row]:
    """Each row that has a cell, with its number."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, skipinitialspace=True, strict=True)
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
        if any(cell.strip() for cell in line):
            yield row, line


def _with_header(rows: list[Row], header: bool | None, said: list[str], most: int = MOST_ROWS) -> Table:
    """The table of rows of which the first may have the columns' names."""
    if not rows:
        raise ValueError(EMPTY)
    looks, sure, why = _looks_like_names([cells for _, cells in rows[: LOOKED_AT + 1]])
    if header is None:
        header, said = looks, [*said, why]
    else:
        sure = True
    names, under = (rows[0][1], rows[1:]) if header else ([""] * len(rows[0][1]), rows)
    for row, cells in under[:most]:
        if len(cells) < len(names) or any(map(str.strip, cells[len(names) :])):
            raise ValueError(
                f"Row {row} has {len(cells)} {'cell' if len(cells) == 1 else 'cells'} where "
                f"{'the header' if header else f'row {rows[0][0]}'} has {len(names)}; put cells that hold a separator "
                "in quotes."
            )
    cells, left_out = _frame([name.strip() for name in names], under, header=header, most=most)
    return Table(cells, header, sure, tuple(filter(None, [*said, *left_out])))


def _looks_like_names(rows: list[list[str]]) -> tuple[bool, bool, str]:
    """Whether the first row has the columns' names, whether that is sure, and what to say of it."""
    first, *rest = ([cell.strip() for cell in cells] for cells in rows)
    under = [[cells[place] for cells in rest if place < len(cells) and cells[place]] for place in range(len(first))]
    numeric = [cell for cell in first if _is_number(cell)]
    names = sum(known(cell) for cell in first)
    # Where there are no names pandas writes 0, 1, 2.
    by_pandas = numeric == [str(i) for i in range(len(numeric))] and names + len(numeric) == sum(map(bool, first))
    if numeric and not by_pandas:
        if names > len(numeric):
            return True, False, "The first row is taken for the names of the columns."
        said = f"The first row is read as data, for {quoted(numeric[0])} is no name of a column."
        return False, not names, said
    if not numeric and any(cell in column for cell, column in zip(first, under, strict=True)):
        return False, False, "The first row is read as data, for it looks like the rows under it."
    if names or any(_is_numeric(column) for column in under):
        return True, True, ""
    if any(len(cell.split()) > 3 or cell.endswith((".", "!", "?")) for cell in first):
        return False, False, "The first row is read as data, for it looks like a sentence."
    return True, False, "The first row is taken for the names of the columns."


def _is_number(cell: str) -> bool:
    return not math.isnan(number(cell))


def _is_numeric(cells: list[str]) -> bool:
    return 2 * sum(map(_is_number, cells)) > len(cells)


def _frame(
    names: list[str], rows: list[Row], noun: str = "row", *, header: bool = True, most: int = MOST_ROWS
) -> tuple[pd.DataFrame, list[str]]:
    """The cells under their names, without a column that only numbers the rows; and what was left out."""
    columns: dict[str, list[str]] = {}
    said = []
    for place, name in enumerate(names):
        cells = [cells[place] for _, cells in rows]
        if re.fullmatch(r"|Unnamed: \d+|__index_level_\d+__", name):
            if not any(map(str.strip, cells)):
                continue
            if header and len(set(cells)) == len(cells) and all(map(str.isdecimal, cells)):
                said = ["A column without a name numbers the rows; it is left out."]
                continue
        if len(name) > LONGEST_NAME:
            raise ValueError(
                f"The name of column {place + 1} has {len(name):,} characters; at most {LONGEST_NAME} are read."
            )
        name = name or f"column {place + 1}"
        if name in columns:
            raise ValueError(f"Two columns are named {quoted(name)}; give each its own name.")
        columns[name] = cells
    if len(columns) > MOST_COLUMNS:
        raise ValueError(f"The file has {len(columns):,} columns; at most {MOST_COLUMNS} can be read.")
    if not columns:
        raise ValueError("The file has no column with text or numbers.")
    if not rows:
        raise ValueError("The file has the names of its columns but no row under them.")
    if len(rows) > most:
        raise ValueError(f"{noun.capitalize()} {rows[most][0]} is one too many: at most {most:,} rows can be read.")
    index = pd.Index([number for number, _ in rows], name=noun)
    return pd.DataFrame(columns, index=index, dtype=object), said
