"""Texts and vectors in a file: JSON Lines, CSV, Parquet, NPZ, or the answer of an embeddings server."""

import base64
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pooling.columns import TEXTS, number, quoted, words
from pooling.files import NO_TABLE, decoded, lines_of
from pooling.unpack import MOST_VECTORS, unpack_vectors

VECTORS = frozenset({"embedding", "embeddings", "vector", "vectors", "values", "dense"})
KINDS = "JSON Lines, CSV, Parquet, NPZ, or the JSON that a server answers"
Beside = Callable[[], list[str]]
"""Where the texts are that a file has not."""


def read_file(path: Path) -> tuple[list[str], np.ndarray]:
    """The texts and vectors of a file, [text, dim]; of NPZ and of a server's answer the texts may lie beside it.

    Raises:
        ValueError: for what cannot be read, in one sentence.
        OSError: when there is no such file.
    """
    return read_vectors(path.read_bytes(), path.name, lambda: _beside(path))


def read_vectors(data: bytes, name: str, beside: Beside) -> tuple[list[str], np.ndarray]:
    """The texts and vectors in the bytes of a file of one of `KINDS`; which it is, its content tells.

    Args:
        data: what is in it.
        name: what it is called in sentences.
        beside: asked for the texts, where it has none.

    Raises:
        ValueError: for what cannot be read, in one sentence; it may quote the file.
    """

    if data.startswith(b"PK"):
        return _npz(data, name, beside)
    if data.startswith(b"PAR1"):
        return _columns(data)
    try:
        text, _ = decoded(data)
    except ValueError as error:
        if str(error) != NO_TABLE:
            raise
        text = "\0"
    if "\0" in text:
        raise ValueError(f"{name} is none of these: {KINDS}.")
    if text.lstrip().startswith(("{", "[")):
        return _json(text, name, beside)
    return _csv(text, name)


def read_typed(typed: str) -> np.ndarray:
    """The vectors that a reader has pasted: JSON of any form that a file may have, or the numbers of one a line.

    Raises:
        ValueError: for what cannot be read, in one sentence; it may quote what was typed.
    """
    if typed.lstrip().startswith(("{", "[")):
        if (rows := _lists(typed)) is not None:
            return as_array(rows)
        return _json(typed, "What you pasted", list)[1]
    rows = []
    for place, line in enumerate((line for line in typed.split("\n") if line.strip()), start=1):
        cells = [cell for cell in re.split(r"[,;\s]+", line.strip()) if cell]
        made = [number(cell) for cell in cells]
        wrong = next((c for c, n in zip(cells, made, strict=True) if math.isnan(n) and c.lower() != "nan"), None)
        if wrong is not None:
            raise ValueError(f"Vector {place} has {quoted(wrong)}, which is no number; paste all numbers of a vector.")
        rows.append(made)
    if not rows:
        raise ValueError("There are no vectors.")
    return as_array(rows)


def _lists(typed: str) -> list | None:
    """Lists of numbers, one a line; None where it is anything else."""
    try:
        rows = [json.loads(line) for line in typed.split("\n") if line.strip()]
    except (ValueError, RecursionError):
        return None
    return rows if len(rows) > 1 and all(isinstance(row, list) for row in rows) else None


def read_answer(answer: Any) -> np.ndarray:
    """The vectors in the JSON of an `/v1/embeddings` answer, in the order of the texts.

    Raises:
        ValueError: when it holds none.
    """
    rows = answer.get("data", answer.get("embeddings")) if isinstance(answer, dict) else answer
    if not isinstance(rows, list) or not rows:
        raise ValueError("The answer holds no embeddings: it has no list named data.")
    if all(isinstance(row, dict) for row in rows):
        if all(isinstance(row.get("index"), int) for row in rows):
            rows = sorted(rows, key=lambda row: row["index"])
        rows = [row.get("embedding") for row in rows]
    return as_array(rows)


def _of_base64(row: str) -> list[float] | None:
    """The float32 numbers that OpenAI's own client asks for packed; None where they are none."""
    try:
        return np.frombuffer(base64.b64decode(row, validate=True), "<f4").tolist()
    except ValueError:
        return None


def as_array(rows: Sequence[Any]) -> np.ndarray:
    """Rows of numbers as an array.

    Raises:
        ValueError: for a row that is none, or of another length, by its number.
    """
    rows = [_of_base64(row) if isinstance(row, str) else row for row in rows]
    for place, row in enumerate(rows, start=1):
        flat = isinstance(row, list | tuple | np.ndarray) and len(row) > 0
        if not flat or not all(
            (isinstance(one, int | float) and not isinstance(one, bool)) or one is None for one in row
        ):
            nested = flat and isinstance(row[0], list)
            why = "is one list a token: the server does not pool" if nested else "is no list of numbers"
            raise ValueError(f"Vector {place} {why}.")
        if len(row) != len(rows[0]):
            raise ValueError(f"Vector {place} has {len(row)} numbers where the first has {len(rows[0])}.")
    if len(rows) > MOST_VECTORS:
        raise ValueError(_too_many(len(rows), "vectors"))
    try:
        return np.array([[np.nan if one is None else one for one in row] for row in rows], dtype=np.float64)
    except OverflowError:
        raise ValueError("A vector has a whole number that is too large for any number type.") from None


def _inside(name: str) -> str:
    """What is read, within a sentence: a file's name as it is, other words with a small letter."""
    return name if "." in name else name[:1].lower() + name[1:]


def _json(text: str, name: str, beside: Beside) -> tuple[list[str], np.ndarray]:
    """A JSON document with texts and vectors, a server's answer, or an object a line."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    answer = isinstance(whole, dict) and ("data" in whole or _nested(whole.get("embeddings")))
    if answer or (isinstance(whole, list) and whole and all(isinstance(row, list) for row in whole)):
        vectors, texts = read_answer(whole), None
        if isinstance(whole, dict):
            texts = whole.get("input", whole.get("texts"))
        return (_strings(texts) if texts is not None else beside()), vectors
    rows = whole if isinstance(whole, list) else [whole] if isinstance(whole, dict) else []
    if whole is None:
        for place, line in enumerate(text.split("\n"), start=1):
            try:
                rows += [json.loads(line)] if line.strip() else []
            except (ValueError, RecursionError):
                raise ValueError(f"Line {place} of {_inside(name)} is not valid JSON.") from None
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{name} must have one JSON object a line, with text and embedding.")
    names = list(dict.fromkeys(key for row in rows for key in row))
    vectors = as_array([row.get(_named(names, VECTORS)) for row in rows])
    if not any(set(words(key)) & TEXTS for key in names):
        return beside(), vectors
    return _strings([row.get(_named(names, TEXTS)) for row in rows]), vectors


def _nested(found: Any) -> bool:
    return isinstance(found, list) and bool(found) and isinstance(found[0], list | dict)


def _csv(text: str, name: str) -> tuple[list[str], np.ndarray]:
    """A table with a column of texts, and one of JSON or one a dimension."""
    (_, header), *rows = lines_of(text)[0] or [(1, [])]
    for place, cells in rows:
        if len(cells) != len(header):
            raise ValueError(
                f"Row {place} of {_inside(name)} has {len(cells)} cells where the header has {len(header)}."
            )
    text_name = _named(header, TEXTS)
    at = header.index(text_name)
    texts = _strings([cells[at] for _, cells in rows])
    vector = next((one for one in header if set(words(one)) & VECTORS and one != text_name), None)
    where = header.index(vector) if vector is not None else at
    lists = [cells[where].lstrip().startswith("[") for _, cells in rows]
    if vector is not None and any(lists):
        if not all(lists):
            place = rows[lists.index(False)][0]
            raise ValueError(f"Row {place} of {_inside(name)} has no list of numbers in its column {quoted(vector)}.")
        try:
            return texts, as_array([json.loads(cells[where]) for _, cells in rows])
        except (ValueError, RecursionError) as error:
            raise ValueError(f"Column {quoted(vector)} of {_inside(name)} holds no lists of numbers: {error}") from None
    numbered = [header.index(one) for one in _dimensions(header, text_name)]
    written = [[cells[i] for i in numbered] for _, cells in rows]
    made = [[number(cell) for cell in row] for row in written]
    for row, values in zip(written, made, strict=True):
        for cell, value in zip(row, values, strict=True):
            if math.isnan(value) and cell.strip().lower() not in ("nan", "inf", "-inf"):
                raise ValueError(f"{name} has a cell that is no number: {quoted(cell)}.")
    if not numbered:
        raise ValueError("There is no column of vectors; call it embedding.")
    return texts, np.array(made, dtype=np.float64)


def _dimensions(names: Iterable[str], texts: str) -> list[str]:
    """The columns of a dimension each: numbers after the same word, of which there are most."""
    found: dict[str, list[str]] = {}
    for name in names:
        if name != texts and re.fullmatch(r"\D{0,20}\d+", name):
            found.setdefault(name.rstrip("0123456789"), []).append(name)
    return max(found.values(), key=len, default=[])


def _columns(data: bytes) -> tuple[list[str], np.ndarray]:
    """The columns of a Parquet file."""
    read = unpack_vectors("lists", data)
    if read["rows"] > MOST_VECTORS:
        raise ValueError(_too_many(read["rows"]))
    columns = read["columns"]
    text_name = _named(list(columns), TEXTS)
    texts = _strings(columns[text_name])
    lists = [name for name, cells in columns.items() if any(isinstance(cell, list) for cell in cells)]
    named = [name for name in lists if set(words(name)) & VECTORS]
    if lists:
        return texts, as_array(columns[(named or lists)[0]])
    numbered = _dimensions(columns, text_name)
    if not numbered:
        raise ValueError("There is no column of vectors; call it embedding.")
    return texts, as_array([list(row) for row in zip(*(columns[name] for name in numbered), strict=True)])


def _npz(data: bytes, name: str, beside: Beside) -> tuple[list[str], np.ndarray]:
    """The arrays of a NumPy archive; nothing pickled is read."""
    read = unpack_vectors("npz", data)
    if read["rows"] > MOST_VECTORS:
        raise ValueError(_too_many(read["rows"]))
    if read["pickled"]:
        raise ValueError(f"{name} holds pickled objects, which are never read; save texts as strings.")
    columns = {key: rows for key, rows in read["columns"].items() if rows}
    numbers = {key: rows for key, rows in columns.items() if isinstance(rows[0], list)}
    if not numbers:
        raise ValueError(f"{name} has no array of numbers with a row a text.")
    named = [rows for key, rows in numbers.items() if set(words(key)) & VECTORS]
    vectors = as_array([[float(one) for one in row] for row in (named or [*numbers.values()])[0]])
    strings = [rows for rows in columns.values() if isinstance(rows[0], str)]
    return (_strings(strings[0]) if strings else beside()), vectors


def _too_many(count: int, what: str = "texts") -> str:
    return f"There are {count:,} {what}; a few dozen are enough, and at most {MOST_VECTORS:,} are read."


def _beside(path: Path) -> list[str]:
    """The texts in a file beside: the same name with .txt, one a line, or texts.json."""
    lines, listed = path.with_suffix(".txt"), path.with_name("texts.json")
    if lines.is_file():
        return _strings([line for line in lines.read_text(encoding="utf-8-sig").split("\n") if line.strip()])
    if listed.is_file():
        found = json.loads(listed.read_text(encoding="utf-8"))
        return _strings(found.get("texts") if isinstance(found, dict) else found)
    raise ValueError(f"{path.name} has no texts; put them beside it, one a line, in {lines.name}.")


def _strings(texts: Any) -> list[str]:
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not texts:
        raise ValueError("There are no texts.")
    wrong = next((i for i, text in enumerate(texts, start=1) if not isinstance(text, str)), None)
    if wrong:
        raise ValueError(f"Text {wrong} is no text.")
    if len(texts) > MOST_VECTORS:
        raise ValueError(_too_many(len(texts)))
    halves = next((i for i, text in enumerate(texts, start=1) if re.search("[\ud800-\udfff]", text)), None)
    if halves:
        raise ValueError(f"Text {halves} has half of a character, which no model can read.")
    return texts


def _named(names: Sequence[str], wanted: frozenset[str]) -> str:
    """The column whose name says what is wanted."""
    found = [name for name in names if set(words(name)) & wanted]
    if not found:
        kind = "texts" if wanted is TEXTS else "vectors"
        raise ValueError(f"There is no column of {kind}; call it {'text' if wanted is TEXTS else 'embedding'}.")
    return min(found, key=lambda name: (len(words(name)), names.index(name)))
