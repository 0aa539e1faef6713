"""Parquet, Excel and NumPy files as text and numbers, read by a process that can neither take much memory nor long.

All are packed, and other people's native code unpacks them: a workbook of 5 KB with one cell in the last corner of its
sheet has calamine ask for 500 GB and abort. What ends here is that process and not the app.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

MOST_ROWS = 10_000
MOST_CHARACTERS = 20 * 2**20
"""Of all cells together."""
MOST_VECTORS = 1000
"""Of a file of texts and vectors."""
MOST_NUMBERS = 2 * 10**6
"""Of all vectors together."""
MOST_MEMORY = 512 * 2**20
MOST_SECONDS = 15
"""Of a processor; on a busy server they take some times as long."""

_ONE_AT_A_TIME = threading.Lock()


def unpack(kind: str, data: bytes) -> dict[str, Any]:
    """What is in a "parquet" or "excel" file: `names` or None, `rows` of (number, cells), and what is to be `said`.

    No row is blank, and no cell at the end of one. Of too many rows two more than `MOST_ROWS` are given.

    Raises:
        ValueError: when the file cannot be read within the limits; one sentence.
    """
    read = _unpacked(kind, data)
    return read | {"rows": [(number, cells) for number, cells in read["rows"]]}


def unpack_vectors(kind: str, data: bytes) -> dict[str, Any]:
    """What is in a "lists" (Parquet) or "npz" file: `columns` of texts or numbers by their names, and its `rows`.

    Of too many rows there are no columns. `pickled` says whether something was left out for being that.

    Raises:
        ValueError: when the file cannot be read within the limits; one sentence.
    """
    return _unpacked(kind, data)


def _unpacked(kind: str, data: bytes) -> dict[str, Any]:
    """What the process that reads it says of a file."""
    name, instead = {
        "parquet": ("Parquet", "Save its table as CSV UTF-8"),
        "excel": ("Excel", "Save its table as CSV UTF-8"),
        "lists": ("Parquet", "Save it as JSON Lines"),
        "npz": ("NPZ", "Save it as JSON Lines"),
    }[kind]
    command = [sys.executable, "-m", "pooling.unpack", kind]
    with _ONE_AT_A_TIME, suppress(subprocess.SubprocessError, ValueError):
        done = subprocess.run(
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[1],
            timeout=4 * MOST_SECONDS,
            check=True,
        )
        return json.loads(done.stdout)
    raise ValueError(
        f"This {name} file cannot be read: it is damaged, or takes too much to unpack. {instead} and try again."
    )


def parquet(data: bytes) -> dict[str, Any]:
    """The columns of a Parquet file that hold text, numbers, dates or yes and no; rows are counted from 1."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(data))
    fields = list(file.schema_arrow)
    plain = [field.name for field in fields if not (pa.types.is_nested(field.type) or "binary" in str(field.type))]
    left_out = [field.name for field in fields if field.name not in plain]

    def rows() -> Iterator[list[str]]:
        for batch in file.iter_batches(batch_size=1000, columns=plain, use_threads=False):
            columns = [column.cast(pa.string()).to_pylist() for column in batch.columns]
            yield from ([cell or "" for cell in row] for row in zip(*columns, strict=True))

    said = [f"Left out, as its cells hold lists or bytes: {short(name)}." for name in left_out[:3]]
    return {"names": plain, "rows": _kept(rows()), "said": said}


def lists(data: bytes) -> dict[str, Any]:
    """The columns of a Parquet file that hold texts, numbers, or a list of numbers in each cell."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(data))
    if file.metadata.num_rows > MOST_VECTORS:
        return {"rows": file.metadata.num_rows, "columns": {}}
    columns: dict[str, list] = {}
    left = MOST_NUMBERS
    for field in file.schema_arrow:
        kind = getattr(field.type, "value_type", field.type)
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_string(field.type)
                or pa.types.is_large_string(field.type)):  # fmt: skip
            continue
        cells: list[Any] = []
        for batch in file.iter_batches(batch_size=50, columns=[field.name], use_threads=False):
            column = batch.column(0)
            if not pa.types.is_string(kind) and not pa.types.is_large_string(kind):
                left -= len(column.flatten()) if hasattr(column, "flatten") else len(column)
            if left < 0:
                raise ValueError("too many numbers")
            cells += column.to_pylist()
        columns[field.name] = cells
    return {"rows": file.metadata.num_rows, "columns": columns}


def npz(data: bytes) -> dict[str, Any]:
    """The arrays of a NumPy archive that hold texts, or a row of numbers a text; nothing pickled is read."""
    import io
    import zipfile

    import numpy as np

    columns, most, pickled, left = {}, 0, False, MOST_NUMBERS
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                read = np.lib.format.read_array_header_1_0
                if np.lib.format.read_magic(file) != (1, 0):
                    read = np.lib.format.read_array_header_2_0
                shape, _, dtype = read(file)
            pickled |= dtype.hasobject
            texts, numbers = len(shape) == 1 and dtype.kind == "U", len(shape) == 2 and dtype.kind in "fiub"
            if not (texts or numbers):
                continue
            most = max(most, shape[0])
            if most > MOST_VECTORS:
                return {"rows": most, "columns": {}, "pickled": pickled}
            left -= shape[0] * (shape[1] if numbers else dtype.itemsize // 4)
            if left < 0:
                raise ValueError("too many numbers")
            with archive.open(name) as file:
                columns[name.removesuffix(".npy")] = np.lib.format.read_array(file, allow_pickle=False).tolist()
    return {"rows": most, "columns": columns, "pickled": pickled}


def excel(data: bytes) -> dict[str, Any]:
    """The first sheet of a workbook that has a cell; rows are counted as the spreadsheet does."""
    import io

    from python_calamine import CalamineWorkbook, SheetTypeEnum

    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    names = [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    sheets = (book.get_sheet_by_name(name) for name in names)
    sheet = next((sheet for sheet in sheets if sheet.height), None)
    rows = ([excel_cell(value) for value in row] for row in sheet.iter_rows()) if sheet else ()
    said = [f"Of the file's {len(names)} sheets this is {short(sheet.name)}."] if sheet and len(names) > 1 else []
    return {"names": None, "rows": _kept(rows), "said": said}


def short(name: str) -> str:
    """A name that a file gives, to stand in a sentence."""
    return repr(name[:40])


def excel_cell(value: Any) -> str:
    """A cell as it reads in the sheet: a spreadsheet knows whole numbers only as fractions."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _kept(rows: Iterable[list[str]]) -> list[tuple[int, list[str]]]:
    """The rows with a cell, each with its number, up to the first that is one too many."""
    left, kept = MOST_CHARACTERS, []
    filled = ((number, row) for number, row in enumerate(rows, start=1) if any(map(str.strip, row)))
    for number, row in islice(filled, MOST_ROWS + 2):
        while not row[-1].strip():
            row.pop()
        if (left := left - sum(map(len, row))) < 0:
            raise ValueError("too much text")
        kept.append((number, row))
    return kept


def main() -> None:
    """Read a file from standard input, and write what is in it as JSON."""
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limits, macOS not all
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    read = {"parquet": parquet, "excel": excel, "lists": lists, "npz": npz}[sys.argv[1]]
    sys.stdout.write(json.dumps(read(sys.stdin.buffer.read())))


if __name__ == "__main__":
    main()
