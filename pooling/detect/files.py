"""Texts and vectors in a file: JSON Lines, CSV, Parquet, NPZ, or the answer of an embeddings server."""

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pooling.columns import TEXTS, quoted, words

MOST_ROWS = 1000
VECTORS = frozenset({"embedding", "embeddings", "vector", "vectors", "values", "dense"})
Read = tuple[list[str], np.ndarray]


def read_file(path: Path) -> Read:
    """The texts and vectors of a file, [text, dim]; of NPZ and of a server's answer the texts may lie beside it.

    Raises:
        ValueError: for what cannot be read, in one sentence.
        OSError: when there is no such file.
    """
    data = path.read_bytes()
    if data.startswith(b"PK"):
        return _npz(data, path)
    if data.startswith(b"PAR1"):
        return _columns(pq.read_table(io.BytesIO(data)))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path.name} is neither text in UTF-8 nor Parquet nor NPZ.") from None
    if text.lstrip().startswith(("{", "[")):
        return _json(text, path)
    return _csv(text, path)


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


def as_array(rows: Sequence[Any]) -> np.ndarray:
    """Rows of numbers as an array.

    Raises:
        ValueError: for a row that is none, or of another length, by its number.
    """
    for place, row in enumerate(rows, start=1):
        flat = isinstance(row, list | tuple | np.ndarray) and len(row) > 0
        if not flat or not all(isinstance(one, int | float | np.number) or one is None for one in row):
            nested = flat and isinstance(row[0], list)
            why = "is one list a token: the server does not pool" if nested else "is no list of numbers"
            raise ValueError(f"Vector {place} {why}.")
        if len(row) != len(rows[0]):
            raise ValueError(f"Vector {place} has {len(row)} numbers where the first has {len(rows[0])}.")
    return np.array([[np.nan if one is None else one for one in row] for row in rows], dtype=np.float64)


def _json(text: str, path: Path) -> Read:
    """A JSON document with texts and vectors, a server's answer, or an object a line."""
    try:
        whole = json.loads(text)
    except ValueError:
        whole = None
    if isinstance(whole, dict) and ("data" in whole or "embeddings" in whole):
        texts = whole.get("input", whole.get("texts"))
        return (_strings(texts) if texts is not None else _beside(path)), read_answer(whole)
    rows = whole if isinstance(whole, list) else [whole] if isinstance(whole, dict) else []
    if whole is None:
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                rows += [json.loads(line)] if line.strip() else []
            except ValueError:
                raise ValueError(f"Line {number} of {path.name} is not valid JSON.") from None
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{path.name} must have one JSON object a line, with text and embedding.")
    names = list(dict.fromkeys(name for row in rows for name in row))
    text_name, vector_name = _named(names, TEXTS), _named(names, VECTORS)
    return _strings([row.get(text_name) for row in rows]), as_array([row.get(vector_name) for row in rows])


def _csv(text: str, path: Path) -> Read:
    """A table with a column of texts, and one of JSON or one a dimension."""
    csv.field_size_limit(2**20)
    header, *rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row] or [[]]
    short = next((place for place, row in enumerate(rows, start=2) if len(row) != len(header)), None)
    if short:
        raise ValueError(
            f"Row {short} of {path.name} has {len(rows[short - 2])} cells where the header has {len(header)}."
        )
    text_name = _named(header, TEXTS)
    place = header.index(text_name)
    texts = _strings([row[place] for row in rows])
    vector = next((name for name in header if set(words(name)) & VECTORS and name != text_name), None)
    if vector is not None and all(row[header.index(vector)].lstrip().startswith("[") for row in rows):
        at = header.index(vector)
        try:
            return texts, as_array([json.loads(row[at]) for row in rows])
        except ValueError as error:
            raise ValueError(f"Column {quoted(vector)} of {path.name} holds no lists of numbers: {error}") from None
    numbered = [i for i, name in enumerate(header) if i != place and re.fullmatch(r"\D{0,20}\d+", name)]
    try:
        return texts, np.array([[float(row[i]) for i in numbered] for row in rows], dtype=np.float64)
    except ValueError as error:
        raise ValueError(
            f"{path.name} has a cell that is no number: {quoted(str(error).rpartition(': ')[2])}."
        ) from None


def _columns(table: pa.Table) -> Read:
    """The columns of a Parquet file."""
    text_name = _named(table.column_names, TEXTS)
    lists = [name for name in table.column_names if pa.types.is_list(t := table.schema.field(name).type)
             or pa.types.is_fixed_size_list(t) or pa.types.is_large_list(t)]  # fmt: skip
    texts = _strings(table[text_name].to_pylist())
    if lists:
        return texts, as_array(table[lists[0]].to_pylist())
    numbered = [name for name in table.column_names if name != text_name and re.fullmatch(r"\D{0,20}\d+", name)]
    return texts, np.column_stack([table[name].to_numpy() for name in numbered]).astype(np.float64)


def _npz(data: bytes, path: Path) -> Read:
    """The arrays of a NumPy archive; nothing pickled is read."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except ValueError:
        raise ValueError(f"{path.name} holds pickled objects, which are never read; save texts as strings.") from None
    numbers = [one for one in arrays.values() if one.ndim == 2 and one.dtype.kind in "fiub"]
    if not numbers:
        raise ValueError(f"{path.name} has no array of numbers with a row a text.")
    strings = [one for one in arrays.values() if one.dtype.kind == "U"]
    return (_strings(strings[0].tolist()) if strings else _beside(path)), numbers[0].astype(np.float64)


def _beside(path: Path) -> list[str]:
    """The texts in a file beside: the same name with .txt, one a line, or texts.json."""
    lines, listed = path.with_suffix(".txt"), path.with_name("texts.json")
    if lines.is_file():
        return _strings([line for line in lines.read_text(encoding="utf-8-sig").splitlines() if line.strip()])
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
    if len(texts) > MOST_ROWS:
        raise ValueError(f"There are {len(texts):,} texts; a few dozen are enough, and at most {MOST_ROWS:,} are read.")
    return texts


def _named(names: Sequence[str], wanted: frozenset[str]) -> str:
    """The column whose name says what is wanted."""
    found = [name for name in names if set(words(name)) & wanted]
    if not found:
        kind = "texts" if wanted is TEXTS else "vectors"
        raise ValueError(f"There is no column of {kind}; call it {'text' if wanted is TEXTS else 'embedding'}.")
    return min(found, key=lambda name: (len(words(name)), names.index(name)))
