"""Lessons that ask first: predict, then look. One file per lesson, found by itself.

Here is what a lesson is made of; none lives in this file. A lesson is a function from a model to
what the reader sees once they have answered, with the question around it. Adding one is one new
file: the page, its link, its progress and the contract test find it.
"""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd

from pooling.catalogue import DEFAULT, get_model, missing
from pooling.pictures import Picture
from pooling.registry import new_name

SCORED = (
    "This project has pairs of sentences, each with a score that a person gave for how alike the two are. The "
    "**cosine** of two embeddings, 1 at most, says how nearly they point the same way. **Spearman** (× 100) says how "
    "far the cosines put the pairs in the order of those scores: 100 is the very same order, 0 has nothing to do "
    "with it."
)
"""What lessons that score embeddings say before they ask."""


@dataclass(frozen=True)
class Strips:
    """Texts as rows of tokens, each token with its weight."""

    rows: tuple[tuple[str, pd.DataFrame], ...]
    """What stands before each text, and its table of `pooling.tables.token_table`."""
    whose: str
    """Whose weights they are."""
    noticed: str


@dataclass(frozen=True)
class Rows:
    """A small table to be read as it is."""

    table: pd.DataFrame
    noticed: str


@dataclass(frozen=True)
class Sum:
    """Sums written out."""

    title: str
    latex: tuple[str, ...]


Part = Picture | Strips | Rows | Sum
"""What an answer is shown with."""


@dataclass(frozen=True)
class Task:
    """What to do on a page of this app, to go on where the lesson ends."""

    page: str
    what: str
    """A sentence."""
    of: str = ""
    """The sample set that the sentence speaks of, where it does; with others it says nothing."""


@dataclass(frozen=True)
class Shown:
    """What a reader sees once they have answered, computed from the live model."""

    answer: str
    """The choice that the numbers speak for."""
    parts: tuple[Part, ...]
    because: str
    """Two sentences, their numbers from the parts."""
    start: dict[str, str]
    """The state in which the task's page is opened, as an address holds it."""


@dataclass(frozen=True)
class Lesson:
    """A question with its choices; call it with its models, and their scores of pairs, for the answer."""

    name: str
    order: int
    title: str
    ground: str
    """What one has to know to answer: the terms, one idea a sentence."""
    question: str
    choices: dict[str, str]
    """Two to five, by name."""
    right: str
    """The name of the right one."""
    wrong: dict[str, str]
    """For each of the others what somebody who chose it may have thought, and where that goes wrong."""
    task: Task
    reading: tuple[tuple[str, str], ...]
    """Papers: title and address."""
    models: tuple[str, ...]
    """The models it runs on, all of them in the box."""
    better: str
    """A model that shows it better than the first of them, where it is there."""
    pairs: bool
    """Whether it reads the cosines of the project's own pairs under each model."""
    compute: Callable[..., Shown]
    sentences: tuple[str, ...] = ()
    """What is asked about, by their numbers, where `ground` does not say it."""
    own: bool = False
    """Whether somebody wrote it in the page: then its texts are shown as texts, and nothing but its numbers is ours."""

    def __call__(self, *given: Any) -> Shown:
        """The answer: from the encoders of `models_here` and then, if `pairs`, a `Grid` of each."""
        return self.compute(*given)

    def models_here(self) -> tuple[str, ...]:
        """The models that it runs on, on this machine."""
        return (self.better, *self.models[1:]) if self.better and not self.lacks() else self.models

    def lacks(self) -> str | None:
        """What keeps the better model from being used, in a sentence."""
        return missing(get_model(self.better)) if self.better else None


_LESSONS: dict[str, Lesson] = {}


def lesson(
    *,
    order: int,
    title: str,
    ground: str,
    question: str,
    choices: dict[str, str],
    right: str,
    wrong: dict[str, str],
    task: Task,
    reading: Sequence[tuple[str, str]],
    models: Sequence[str] = (DEFAULT,),
    better: str = "",
    pairs: bool = False,
) -> Callable[[Callable[..., Shown]], Lesson]:
    """Put a lesson on the list; its name is its file's. For the arguments see `Lesson`.

    Raises:
        ValueError: when the name or the order is taken, `right` is none of the choices, or `wrong` are not the others.
    """

    def register(compute: Callable[..., Shown]) -> Lesson:
        name = new_name("Lesson", compute, order, _LESSONS.values())
        if right not in choices:
            raise ValueError(f"Lesson {name!r}: the right answer {right!r} is none of its choices.")
        if wrong.keys() != choices.keys() - {right}:
            raise ValueError(f"Lesson {name!r}: every wrong choice, and no other, needs an answer in `wrong`.")
        _LESSONS[name] = Lesson(
            name, order, title, ground, question, choices, right, wrong,
            task, tuple(reading), tuple(models), better, pairs, compute,
        )  # fmt: skip
        return _LESSONS[name]

    return register


@cache
def all_lessons() -> list[Lesson]:
    """Every lesson, in the order of teaching."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return sorted(_LESSONS.values(), key=lambda one: one.order)


def get_lesson(name: str) -> Lesson:
    """The lesson of that name."""
    return next(one for one in all_lessons() if one.name == name)
