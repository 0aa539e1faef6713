"""Texts written for this project: to try things on, and what the words of the field mean."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(__file__).parent / "data"
EXHIBITS = DATA / "exhibits.npz"
"""The vectors of the Detective's exhibits, by their names."""


@dataclass(frozen=True)
class SampleSet:
    """A few sentences with something to look for in them."""

    name: str
    title: str
    look_for: str
    sentences: tuple[str, ...]
    less_like: int = 0
    """The sentence, from 1, that the first can be made less like by the weight of one token,"""
    more_like: int = 0
    """or more like."""


@dataclass(frozen=True)
class Pair:
    """Two texts and how alike people found them: 0 (unrelated) to 5 (the same), or 0 and 1."""

    text1: str
    text2: str
    score: float
    kind: str = ""
    """How the pair was made, where that is known."""


@dataclass(frozen=True)
class Term:
    """A word of the field, and what it means."""

    name: str
    means: str
    forms: tuple[str, ...] = ()
    """Other ways in which it is written."""


@dataclass(frozen=True)
class Exhibit:
    """A mistake that people have made, as the story behind vectors that other programs made with the default model."""

    name: str
    story: str
    """What went wrong, and why nobody saw it."""
    made: str
    """The code that makes it, and in which library."""
    link: str
    """Where it happened; empty where no place is known."""


@dataclass(frozen=True)
class Course:
    """A way through the lessons for a class."""

    name: str
    title: str
    whom: str
    """Whom it is for, a sentence."""
    minutes: int
    talk: int
    """Minutes of these that are left for the end."""
    lessons: tuple[tuple[str, int], ...]
    """The lessons by name, in order, each with its minutes."""
    aims: tuple[str, ...]
    say: tuple[str, ...]
    """What students should be able to say afterwards."""


@cache
def courses() -> tuple[Course, ...]:
    """The ways through the lessons, the shortest first."""
    with (DATA / "course.toml").open("rb") as file:
        paths = tomllib.load(file)["path"]
    return tuple(
        Course(
            **one
            | {"lessons": tuple((name, minutes) for name, minutes in one["lessons"])}
            | {part: tuple(one[part]) for part in ("aims", "say")}
        )
        for one in paths
    )


@cache
def glossary() -> tuple[Term, ...]:
    """The words that pages explain where they use them."""
    with (DATA / "glossary.toml").open("rb") as file:
        terms = tomllib.load(file)["term"]
    return tuple(Term(**one | {"forms": tuple(one.get("forms", ()))}) for one in terms)


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


def own_texts() -> tuple[str, ...]:
    """Every text written for this project, once: the corpus that steps after pooling are fitted on."""
    pairs = [text for pair in own_pairs() for text in (pair.text1, pair.text2)]
    return tuple(dict.fromkeys([*own_topics()[0], *pairs]))


@cache
def exhibits() -> tuple[tuple[str, ...], tuple[Exhibit, ...]]:
    """The texts of the Detective's exhibits, and what each exhibit is."""
    with (DATA / "exhibits.toml").open("rb") as file:
        read = tomllib.load(file)
    return tuple(read["texts"]), tuple(Exhibit(**one) for one in read["exhibit"])


@cache
def exhibit_vectors(name: str) -> np.ndarray:
    """The vectors [text, dim] of an exhibit."""
    with np.load(EXHIBITS) as archive:
        return archive[name]
