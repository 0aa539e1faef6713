"""A corpus in parts: rows to shards, and what is kept of each, whole or not at all.

In the folder of a corpus, `vectors/` has one Parquet file a shard, and `notes/` says of each what it was made of and
which SHA-256 it has. A file is written under another name, flushed, and renamed: under its own name it is whole.
"""

import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pooling.catalogue import sha256_of
from pooling.corpus.reading import Row

CHARACTERS = 2**24
"""Of a shard, about: of long texts it has fewer rows."""
PART = ".part"


@dataclass(frozen=True)
class Shard:
    """Rows that are worked on, kept and lost together."""

    number: int
    first: int
    """How many rows stand before it."""
    rows: tuple[Row, ...]

    @property
    def digest(self) -> str:
        """What tells these ids and texts from others, wherever they lie."""
        read = repr([(row.id, row.text) for row in self.rows])
        return hashlib.sha256(read.encode("utf-8", "surrogatepass")).hexdigest()


def shards(rows: Iterable[Row], most: int) -> Iterator[Shard]:
    """Rows in shards of so many, or fewer where they are long."""
    number = first = characters = 0
    held: list[Row] = []
    for row in rows:
        held.append(row)
        characters += len(row.text) if isinstance(row.text, str) else 0
        if len(held) == most or characters >= CHARACTERS:
            yield Shard(number, first, tuple(held))
            number, first, characters, held = number + 1, first + len(held), 0, []
    if held:
        yield Shard(number, first, tuple(held))


def vectors_path(out: Path, number: int) -> Path:
    """Where a shard's vectors are."""
    return out / "vectors" / f"{number:05}.parquet"


def shard_paths(out: Path) -> list[Path]:
    """The shards that are there, whatever else lies beside them."""
    return [one for one in (out / "vectors").glob("*.parquet") if one.stem.isdecimal()]


def note_path(out: Path, number: int) -> Path:
    """Where it is said what a shard was made of."""
    return out / "notes" / f"{number:05}.json"


def note_paths(out: Path) -> list[Path]:
    """The notes that are there, likewise."""
    return [one for one in (out / "notes").glob("*.json") if one.stem.isdecimal()]


def write(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file whole or not at all, whatever ends the process or the machine.

    Raises:
        OSError: when there is no room.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}{PART}")
    try:
        with part.open("wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    if os.name != "nt":  # Windows has no folder to flush
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_json(path: Path, value: Any) -> None:
    """As `write`, a value as JSON."""
    write(path, [(json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "replace")])


def read_json(path: Path) -> dict[str, Any]:
    """What a file of `write_json` says; nothing where there is none, or another."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def finished(out: Path, number: int) -> dict[str, Any]:
    """A shard's note, where its vectors are there and whole; else nothing."""
    note = read_json(note_path(out, number))
    path = vectors_path(out, number)
    if not note or (note["file"] and not (path.is_file() and sha256_of(path) == note["sha256"])):
        return {}
    return note


def sweep(out: Path) -> None:
    """Take away what was begun and never became whole."""
    for part in out.glob(f"**/*{PART}"):
        part.unlink(missing_ok=True)
