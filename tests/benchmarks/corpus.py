"""The corpus command: what it adds to `embed`, whether its memory grows, and what it costs to go on."""

import dataclasses
import random
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pooling import embed
from pooling.catalogue import DEFAULT, _added, get_model
from pooling.corpus import work
from pooling.corpus.job import Job
from pooling.corpus.reading import find
from pooling.corpus.run import one_by_one, run
from pooling.corpus.shards import Shard
from pooling.encoders.loading import read_encoder
from pooling.recipe import Recipe
from tests.benchmarks.figures import Figure, interleaved, ratio, seconds
from tests.tiny_models import write

WORDS = "a the river bank violin plays evening she old quiet bright under near harbour rain seven ferries".split()  # noqa: SIM905
SPEED = (1000, 4000)
"""Rows whose speed is measured with the default model; it does not change beyond."""
SCALE = (1000, 10_000, 100_000, 1_000_000)
MEMORY = (10_000, 100_000, 1_000_000)
"""Rows whose memory is measured, with a model so small that reading and writing are most of the work."""


def corpus(speed: tuple[int, ...] = SPEED, memory: tuple[int, ...] = MEMORY) -> Iterator[Figure]:
    """The corpus command beside embed alone, its memory, and going on (Linux)."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from _speed(folder, speed)
        yield from _memory(folder, memory)


def scale() -> Iterator[Figure]:
    """Rows a second of the corpus command, the whole of it, against how many short texts there are; an hour or so."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job, encoder = Job((Recipe(DEFAULT, "mean", 6),)), work.encoder_of(DEFAULT)
        embed(["One to begin with."], encoder, "mean")
        for rows in SCALE:
            file = find(str(texts(folder / f"{rows}.txt", rows)))[0]
            taken = seconds(lambda file=file, out=folder / f"{rows}": run(job, file, out, say=lambda said: None))
            yield Figure(f"{rows:,} short texts: rows a second", rows / taken, note=f"{taken:,.1f} s")


def texts(path: Path, rows: int) -> Path:
    """A file of so many short texts."""
    chance = random.Random(rows)
    with path.open("w") as file:
        for _ in range(rows):
            file.write(" ".join(chance.choices(WORDS, k=chance.randint(3, 12))) + "\n")
    return path


def _speed(folder: Path, sizes: tuple[int, ...]) -> Iterator[Figure]:
    job, encoder = Job((Recipe(DEFAULT, "mean", 6),)), work.encoder_of(DEFAULT)
    for rows in sizes:
        file = texts(folder / f"{rows}.txt", rows)
        some = file.read_text().splitlines()
        fresh = iter(range(100))

        def command(file: Path = file, fresh: Iterator[int] = fresh) -> None:
            run(job, find(str(file))[0], folder / f"{file.stem}-{next(fresh)}", say=lambda said: None)

        alone, whole = interleaved(3, lambda some=some: embed(some, encoder, "mean"), command)
        note = f"{rows / min(whole):.0f} rows/s, {1000 * min(whole) / rows:.2f} s a thousand"
        yield Figure(f"corpus of {rows:,} texts: embed / the command", ratio(alone, whole), "times", 0.95, note=note)
        own = [0.0, 0.0]
        for i, work_done in enumerate((partial(embed, some, encoder, "mean"), command)):
            began = time.process_time()
            work_done()
            own[i] = time.process_time() - began
        yield Figure("the same in the processor's own seconds", own[0] / own[1], "times", note=f"{own[1]:.1f} s")
        again = seconds(
            lambda file=file: run(job, find(str(file))[0], folder / f"{file.stem}-0", say=lambda said: None)
        )
        yield Figure(f"going on with {rows:,} texts that are all there", again, "s")


def _memory(folder: Path, sizes: tuple[int, ...]) -> Iterator[Figure]:
    """The largest resident memory while shards are made, less what it was before the first."""
    name = "someone/tiny"
    _added[name] = dataclasses.replace(get_model(DEFAULT), name=name, sha256=name)
    tiny = read_encoder(name, write("bert", folder / "tiny", pooling="mean_tokens"))
    real, work.load_encoder = work.load_encoder, lambda model: tiny
    first = 0.0
    try:
        for rows in sizes:
            held: list[float] = []

            def watched(job: Job, out: Path, missing: Iterator[Shard], further: Callable[[int], None]) -> Iterator[Any]:
                for note in one_by_one(job, out, missing, further):
                    held.append(resident())  # noqa: B023  read before the next size
                    yield note

            job = Job((Recipe(name, "mean", 2),))
            file = texts(folder / f"tiny-{rows}.txt", rows)
            taken = seconds(
                lambda job=job, file=file, watched=watched: run(
                    job, find(str(file))[0], folder / file.stem, maker=watched, say=lambda said: None
                )
            )
            first = first or max(held)
            note = f"{max(held) - first:+.0f} MB beside the first; a tiny model, {rows / taken:.0f} rows/s"
            yield Figure(f"memory at its most, {rows:,} rows", max(held), "MB", at_most=1.1 * first, note=note)
    finally:
        work.load_encoder = real
        del _added[name]


def resident() -> float:
    """Megabytes (of a million bytes) that this process holds."""
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) * 1024 / 1e6
