"""Texts to try things on: the sets written for this project, and readers for other people's."""

import csv
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class SampleSet:
    """A few sentences with something to look for in them."""

    name: str
    title: str
    look_for: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Topic:
    """A short text and the topic it is on."""

    label: str
    text: str


@dataclass(frozen=True)
class Pair:
    """Two texts and how alike people found them, from 0 (unrelated) to 5 (the same)."""

    text1: str
    text2: str
    score: float


@cache
def sample_sets() -> tuple[SampleSet, ...]:
    """The sample sets of the sidebar; the first is what a first visit shows."""
    with (DATA / "samples.toml").open("rb") as file:
        sets = tomllib.load(file)["set"]
    return tuple(SampleSet(**one | {"sentences": tuple(one["sentences"])}) for one in sets)


@cache
def topics() -> tuple[Topic, ...]:
    """Short texts on eight topics, for maps and for a baseline of what unrelated texts score."""
    with (DATA / "topics.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Topic(**row) for row in csv.DictReader(file))


def read_stsb(folder: Path, split: str) -> list[Pair]:
    """A split ("train", "dev" or "test") of the STS Benchmark, from its folder of .csv files.

    Source: https://ixa2.si.ehu.eus/stswiki (tab-separated, without quoting: score, text, text
    are columns 5 to 7, and some rows carry more).

    Raises:
        FileNotFoundError: when the folder has no such file.
    """
    path = folder / f"sts-{split}.csv"
    if not path.is_file():
        raise FileNotFoundError(f"There is no {path.name} in {folder}; give the STS Benchmark's folder.")
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Pair(row[5].strip(), row[6].strip(), float(row[4])) for row in rows]
