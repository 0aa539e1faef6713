"""The rows of a corpus, one after another: Parquet, CSV, JSON Lines or lines of text, in little memory."""

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq

from pooling.columns import quoted

PACKED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
AT_ONCE = 1024
"""Rows of a Parquet file that are unpacked at a time, and objects of JSON Lines among which each column must be."""
LONGEST_LINE = 2**26
"""Characters of a line, or of a cell of a CSV file: what is longer is no line."""
MARKS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


class CannotRead(ValueError):
    """A file cannot be read; its text is one sentence with the file's name."""


class Unreadable(NamedTuple):
    """In place of a text: why there is none."""

    why: str


class Row(NamedTuple):
    """One row of a file."""

    id: Any
    """None where the corpus names no column of ids, and where this row has none."""
    text: Any
    """Whatever stands there, a text or not."""
    file: str
    number: int
    """Which row of its file it is, or which line, from 1."""


@dataclass(frozen=True)
class Source:
    """One file of a corpus."""

    path: str
    system: Any
    """The file system of pyarrow that has it."""
    kind: str
    packed: str | None
    size: int


def find(where: str) -> tuple[list[Source], list[str]]:
    """The files of a corpus by their paths' order, and what else lies in its folder.

    Args:
        where: a file or a folder, or the address of one on a file system that pyarrow knows: `s3://bucket/folder`.

    Raises:
        CannotRead: when there is none.
    """
    try:
        system, path = pa.fs.FileSystem.from_uri(where) if "://" in where else (pa.fs.LocalFileSystem(), where)
        about = system.get_file_info(path)
        if about.type == pa.fs.FileType.NotFound:
            raise CannotRead(f"There is no {where}.")
        alone = about.type == pa.fs.FileType.File
        infos = [about] if alone else system.get_file_info(pa.fs.FileSelector(path, recursive=True))
    except (pa.ArrowException, OSError) as error:
        raise CannotRead(f"{where} cannot be read: {_short(error)}") from error
    found, others = [], []
    if not alone and isinstance(system, pa.fs.LocalFileSystem):
        for link in Path(path).rglob("*"):  # pyarrow passes over those that lead nowhere
            if _kind(link.name)[0] in KINDS and not _aside(link.relative_to(path)) and not link.exists():
                raise CannotRead(f"{link} leads nowhere: mend the link, or take it out of the folder.")
    for info in sorted((one for one in infos if one.type == pa.fs.FileType.File), key=lambda one: one.path):
        if not alone and _aside(PurePosixPath(info.path.removeprefix(path).lstrip("/") or info.base_name)):
            continue
        kind, packed = _kind(info.path)
        if kind in KINDS:
            found.append(Source(info.path, system, kind, packed, info.size))
        else:
            others.append(info.path)
    if not found:
        raise CannotRead(
            f"{where} is none of these, and holds none: {', '.join(KINDS)}, or one of them with .gz, .zst."
        )
    return found, others


def _aside(inside: PurePath) -> bool:
    """Whether a path in a folder is of what other programs keep beside their files."""
    return any(part.startswith((".", "_")) for part in inside.parts)


def _kind(path: str) -> tuple[str, str | None]:
    """The kind of a file by its name's end, and how it is packed."""
    name = PurePosixPath(path.lower())
    packed = PACKED.get(name.suffix)
    return (PurePosixPath(name.stem) if packed else name).suffix, packed


def ids_are_numbers(sources: Sequence[Source], id_column: str) -> bool:
    """Whether ids are kept as whole numbers: row numbers, or what is such in every file; else they are kept as text."""
    if not id_column:
        return True

    def whole(source: Source) -> bool:
        if source.kind not in (".parquet", ".pq"):
            return False
        with _reading(source), source.system.open_input_file(source.path) as file:
            schema = pq.read_schema(file)
            place = schema.get_field_index(id_column)
            return place >= 0 and pa.types.is_integer(schema.types[place]) and schema.types[place] != pa.uint64()

    return all(map(whole, sources))


def rows(sources: Sequence[Source], column: str, id_column: str) -> Iterator[Row]:
    """Every row of some files.

    Raises:
        CannotRead: when a file cannot be read, or has no such column.
    """
    for source in sources:
        with _reading(source):
            yield from KINDS[source.kind](source, column, id_column)


class _reading:
    """Says of which file it is that something is wrong with."""

    def __init__(self, source: Source):
        self.source = source

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, pa.ArrowException | OSError | csv.Error | EOFError):
            raise CannotRead(f"{self.source.path} cannot be read: {_short(error)}") from error


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]


def _parquet(source: Source, column: str, id_column: str) -> Iterator[Row]:
    with source.system.open_input_file(source.path) as opened:
        # By the page, not by the row group: some files are one.
        file = pq.ParquetFile(opened, buffer_size=2**20, pre_buffer=False)
        schema = file.schema_arrow
        _need(source, schema.names, column, id_column)
        kind = schema.field(column).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        is_text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
        if not any(of(kind) for of in is_text):
            raise CannotRead(f"The column {quoted(column)} of {source.path} holds {kind}, not text.")
        wanted, number = list(dict.fromkeys([column, *([id_column] if id_column else [])])), 0
        for batch in file.iter_batches(batch_size=AT_ONCE, columns=wanted, use_threads=False):
            texts = batch.column(batch.schema.get_field_index(column)).to_pylist()
            ids = (
                batch.column(batch.schema.get_field_index(id_column)).to_pylist() if id_column else [None] * len(texts)
            )
            for text, one in zip(texts, ids, strict=True):
                number += 1
                yield Row(one, text, source.path, number)


def _csv(source: Source, column: str, id_column: str) -> Iterator[Row]:
    others_limit = csv.field_size_limit(LONGEST_LINE)  # one for all readers of this process
    try:
        with _text(source) as file:
            first = file.readline(LONGEST_LINE)
            between = max("\t" if source.kind == ".tsv" else ",;\t|", key=first.count)
            lines = _Taken(chain([first], file))
            reader = csv.reader(lines, delimiter=between)
            names = next(reader, [])  # a name may hold a line's end; then the header goes on
            _need(source, names, column, id_column)
            yield from _cells(source, lines.records(reader), names, column, id_column)
            lines.check_closed(between)
    finally:
        csv.field_size_limit(others_limit)


def _cells(source: Source, lines: Iterable[list[str]], names: list[str], column: str, id_column: str) -> Iterator[Row]:
    text, one = names.index(column), names.index(id_column) if id_column else None
    for number, cells in enumerate(filter(None, lines), start=1):
        whole = len(cells) == len(names)
        found = _readable(cells[text]) if whole else Unreadable(f"{len(cells)} cells in place of {len(names)}")
        yield Row(cells[one] if whole and one is not None else None, found, source.path, number)


class _Taken:
    """Lines that remember those of the record that is read now."""

    def __init__(self, lines: Iterable[str]):
        self.left, self.record, self.number = iter(lines), list[str](), 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.left)
        self.record.append(line)
        return line

    def records(self, reader: Iterator[list[str]]) -> Iterator[list[str]]:
        """What a reader makes of these lines; of the last record its lines stay."""
        while True:
            self.number += len(self.record)
            before, self.record = self.record, []
            try:
                found = next(reader)
            except StopIteration:
                self.number, self.record = self.number - len(before), before
                return
            except csv.Error as error:
                raise csv.Error(f"the row of line {self.number + 1}: {error}") from error
            yield found

    def check_closed(self, between: str) -> None:
        """Refuse a file that ends inside quotes: one text had taken all that follows.

        Raises:
            csv.Error: with the line where the record began.
        """
        try:
            list(csv.reader(self.record, delimiter=between, strict=True))
        except csv.Error as error:
            if "end of data" in str(error):
                raise csv.Error(f"a quote that opens in the row of line {self.number + 1} is never closed") from error


def _json_lines(source: Source, column: str, id_column: str) -> Iterator[Row]:
    names: dict[str, None] = {}
    lacking, tried = {*filter(None, (column, id_column))}, 0
    with _text(source) as file:
        for number, line in enumerate(_lines(file), start=1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                found = None
            if number == 1 and (isinstance(found, list) or line.strip() in ("[", "{")):
                raise CannotRead(f"{source.path} is one JSON value as a whole; write one object a line.")
            if not isinstance(found, dict):
                yield Row(None, Unreadable("no JSON object"), source.path, number)
                continue
            if lacking:
                names = dict.fromkeys([*names, *found])
                lacking -= names.keys()
                tried += 1
                if tried == AT_ONCE:
                    _need(source, list(names), column, id_column)
            one = found.get(id_column) if id_column else None
            one = one if one is None or isinstance(one, str) else json.dumps(one, ensure_ascii=False)
            yield Row(one, found.get(column), source.path, number)
    if tried and lacking:
        _need(source, list(names), column, id_column)


def _text_lines(source: Source, column: str, id_column: str) -> Iterator[Row]:
    if id_column:
        raise CannotRead(f"{source.path} has lines and no column {quoted(id_column)}; leave the ids out.")
    with _text(source) as file:
        for number, line in enumerate(_lines(file), start=1):
            yield Row(None, _readable(line.removesuffix("\n")), source.path, number)


KINDS: dict[str, Callable[[Source, str, str], Iterator[Row]]] = {
    ".parquet": _parquet,
    ".pq": _parquet,
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json_lines,
    ".txt": _text_lines,
}


def _text(source: Source) -> io.TextIOWrapper:
    """A file's characters, unpacked; bytes that are no UTF-8 are kept apart as surrogates."""
    opened = source.system.open_input_stream(source.path, compression=source.packed)
    buffered = io.BufferedReader(opened, 2**20)
    for mark, name in MARKS.items():
        if buffered.peek(2).startswith(mark):
            raise CannotRead(f"{source.path} is {name}; save it as UTF-8.")
    csv_too = source.kind in (".csv", ".tsv")
    return io.TextIOWrapper(buffered, "utf-8-sig", "surrogateescape", newline="" if csv_too else None)


def _lines(file: io.TextIOWrapper) -> Iterator[str]:
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise OSError(f"a line has more than {LONGEST_LINE:,} characters")
        yield line


def _readable(text: str) -> str | Unreadable:
    try:
        text.encode()
    except UnicodeEncodeError:
        return Unreadable("not UTF-8")
    return text


def _need(source: Source, names: Sequence[str], *columns: str) -> None:
    for column in filter(None, columns):
        if column not in names:
            there = ", ".join(map(quoted, names[:20])) or "none"
            raise CannotRead(f"{source.path} has no column {quoted(column)}; its columns: {there}.")
