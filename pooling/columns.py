"""What the columns of other people's tables are: which hold texts, scores or labels, and what they say."""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from pooling.datasets import Pair

LONGEST_TEXT = 5000
"""Characters of one text in a file."""
LONGEST_PASSAGE = 50_000
"""Characters of one text that is searched for: some 8,000 words."""
LOOKED_AT = 1000
"""Rows of a table that its columns are guessed from."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


TEXTS = _set(
    "abstract answer anchor body caption claim comment content context definition description doc document headline "
    "hypothesis message paragraph passage phrase post premise q query question response review s sent sentence "
    "statement string summary term text title tweet utterance word"
)
SCORES = _set(
    "duplicate gold human judgement judgment mean paraphrase quality rating relatedness relevance score sim similarity"
)
LABELS = _set(
    "category class cluster domain emotion genre group intent label lang language section sentiment subject tag target "
    "theme topic type y"
)
QUERIES = _set("ask q query question search topic")
"""Words of a name for the texts that ask, where others answer."""
NEITHER = _set(
    "age count date day file filename fold guid id idx index key len length line month no nr num number page part path "
    "pid position qid rank row size split time timestamp uid unnamed url uuid year"
)
"""Words of a name for what identifies or counts rows."""


def words(name: str) -> tuple[str, ...]:
    """The words of a column's name, in lower case, without what numbers it: "sentence" of `Sentence_1`, `sentenceA`."""
    split = re.findall(r"[^\W\d_]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    return tuple(word for word in split if not word.isdigit() and word not in {"a", "b", "x", "y"}) or tuple(split)


def known(name: str) -> bool:
    """Whether a name is one that people give to a column of texts, scores or labels."""
    return _fit(words(name), TEXTS | SCORES | LABELS | NEITHER) == 2


def _fit(name: Iterable[str], wanted: frozenset[str]) -> int:
    """How well a name says that its column is wanted: 2 wholly, 1 in part, 0 not at all, or that it counts rows."""
    found = [word in wanted or word.removesuffix("s") in wanted for word in name]
    if not all(found) and NEITHER.intersection(name):
        return 0
    return 2 if found and all(found) else int(any(found))


def number(cell: str, comma: bool = True) -> float:
    """The number in a cell, NaN where there is none: `3.5`, `-1e3`, yes and no as `true` and `false`, or `3,5`."""
    text = cell.strip()
    if text.lower() in ("true", "false"):
        return float(text.lower() == "true")
    if comma and text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        made = math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan
    return made if math.isfinite(made) else math.nan


def numbers(cells: Iterable[str]) -> list[float]:
    """The number in each cell, NaN where there is none; a comma is decimal unless other cells have a point."""
    cells = list(cells)
    comma = not any("." in cell and not math.isnan(number(cell)) for cell in cells)
    return [number(cell, comma) for cell in cells]


@dataclass(frozen=True)
class _Column:
    """What is known of a column before a reader has said anything."""

    name: str
    cells: list[str]

    @cached_property
    def words(self) -> tuple[str, ...]:
        return words(self.name)

    @cached_property
    def numbers(self) -> list[float]:
        return [value for value in numbers(self.cells) if not math.isnan(value)]

    @cached_property
    def numeric(self) -> bool:
        return 2 * len(self.numbers) > len(self.cells)

    @cached_property
    def counts(self) -> bool:
        """Whether it identifies or counts rows: by its name, or as whole numbers that never repeat, or as years."""
        if NEITHER.intersection(self.words):
            return True
        whole = self.numeric and all(value.is_integer() for value in self.numbers)
        years = whole and all(1900 <= value <= 2100 for value in self.numbers)
        return years or (whole and len(set(self.numbers)) == len(self.numbers) > 2)

    @cached_property
    def distinct(self) -> int:
        return len(set(self.cells))

    @cached_property
    def length(self) -> float:
        return sum(map(len, self.cells)) / max(1, len(self.cells))

    @property
    def groups(self) -> bool:
        """Whether its values repeat as labels do."""
        return 2 <= self.distinct <= len(self.cells) / 2

    @property
    def holds_text(self) -> bool:
        """Whether it may hold texts, as far as its cells tell."""
        return not self.numeric and not self.counts and not _fit(self.words, LABELS)

    def text(self) -> int:
        """How well its name says that it holds texts."""
        fit = _fit(self.words, TEXTS)
        return fit if fit == 2 or not self.numeric else 0


def _columns(table: pd.DataFrame) -> list[_Column]:
    head = table.head(LOOKED_AT)
    return [_Column(name, [cell.strip() for cell in head[name] if cell.strip()]) for name in table]


def _best(
    columns: list[_Column], by_name: Callable[[_Column], Any], by_kind: Callable[[_Column], Any] = lambda column: 0
) -> tuple[_Column, bool]:
    """The column that comes first, and whether the first order alone says so."""
    first = min(map(by_name, columns))
    same = [column for column in columns if by_name(column) == first]
    return min(same, key=by_kind), len(same) == 1


def guess_pairs(table: pd.DataFrame) -> tuple[list[str], bool]:
    """The columns of the first text, the second and the score, by their names, then by their kind; and whether sure.

    Raises:
        ValueError: for fewer than three columns.
    """
    columns = _columns(table)
    if len(columns) < 3:
        have = "1 column" if len(columns) == 1 else f"{len(columns)} columns"
        raise ValueError(f"The file has {have}; pairs need three: two of texts and one of scores.")
    texts, sure = _two_texts(columns)
    rest = [column for column in columns if column not in texts]
    scores = [column for column in rest if column.numeric] or rest
    score, alone = _best(scores, lambda c: (-_fit(c.words, SCORES), c.counts, -_fit(c.words, LABELS)))
    named = _fit(score.words, SCORES) > 0
    return [*(column.name for column in texts), score.name], sure and alone and score.numeric and (
        named or not score.counts
    )


def _two_texts(columns: list[_Column]) -> tuple[list[_Column], bool]:
    """Two columns of texts in the table's order: of one name, numbered, or of two names, or by what they hold."""
    named = sorted((c for c in columns if c.text()), key=lambda c: -c.text())
    for one in named:
        same = [column for column in named if column.words == one.words]
        if len(same) > 1:
            return same[:2], len(same) == 2
    held = [c for c in columns if c not in named and c.holds_text]
    rest = [c for c in columns if c not in named and c not in held]
    rest.sort(key=lambda c: (c.numeric, c.counts, -c.length))
    found = [*named, *sorted(held, key=lambda c: -c.length), *rest]
    sure = len(named) == 2 or (len(named) < 2 and len(named) + len(held) == 2)
    return sorted(found[:2], key=columns.index), sure


def guess_texts(table: pd.DataFrame, *, label: bool = True) -> tuple[list[str | None], bool]:
    """The columns of the text and its label, by their names, then by their kind; and whether sure.

    Args:
        label: whether there has to be one; else None where no column looks like one.

    Raises:
        ValueError: for a single column where a label is needed.
    """
    columns = _columns(table)
    if label and len(columns) < 2:
        raise ValueError("The file has 1 column; labelled texts need two: one of texts and one of labels.")
    if named := [column for column in columns if column.text()]:
        text, sure = _best(named, lambda c: -c.text(), lambda c: -c.length)
    else:
        held = [column for column in columns if column.holds_text] or columns
        text = min(held, key=lambda c: (-c.distinct, -c.length))
        sure = all(column is text or 2 * column.distinct < text.distinct for column in held)
    rest = [column for column in columns if column is not text]
    labels = [c for c in rest if _fit(c.words, LABELS) or (c.groups and not c.counts)] or (rest if label else [])
    if not labels:
        return [text.name, None], sure
    found, alone = _best(labels, lambda c: -_fit(c.words, LABELS), lambda c: (not c.groups, c.distinct))
    return [text.name, found.name], sure and alone


def guess_judged(table: pd.DataFrame) -> tuple[list[str], bool]:
    """The columns of the query, the text and its relevance; and whether sure.

    Raises:
        ValueError: for fewer than three columns.
    """
    (one, other, score), sure = guess_pairs(table)
    asks = {name: _fit(words(name), QUERIES) for name in (one, other)}
    return [other, one, score] if asks[other] > asks[one] else [one, other, score], sure


def read_pairs(table: pd.DataFrame, text1: str, text2: str, score: str) -> list[Pair]:
    """The scored pairs in three columns of a table.

    Raises:
        ValueError: for a blank or over-long text, a score that is no finite number, fewer than
            three pairs or one score for all of them; one sentence with the row, to show as text.
    """
    if len({text1, text2, score}) < 3:
        raise ValueError("Choose three different columns: two of texts and one of scores.")
    pairs = [
        Pair(one, two, number)
        for one, two, number in zip(_texts(table, text1), _texts(table, text2), _scores(table, score), strict=True)
    ]
    if len(pairs) < 3:
        raise ValueError(f"The file has {len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'}; at least 3 are needed.")
    if len({p.score for p in pairs}) < 2:
        raise ValueError(f"Every pair has the score {pairs[0].score:g}; a ranking needs at least two different scores.")
    return pairs


def read_judged(table: pd.DataFrame, query: str, text: str, relevance: str) -> list[Pair]:
    """Queries, texts and how relevant each is for its query, from three columns of a table.

    Raises:
        ValueError: for a blank or over-long text, or a relevance that is no whole number from 0 up; one sentence with
            the row, to show as text.
    """
    if len({query, text, relevance}) < 3:
        raise ValueError("Choose three different columns: one of queries, one of texts and one of relevance.")
    queries, texts = _texts(table, query), _texts(table, text, LONGEST_PASSAGE)
    scores = _scores(table, relevance)
    for place, score in zip(_places(table), scores, strict=True):
        if score < 0 or not score.is_integer():
            raise ValueError(
                f"{place} has the relevance {score:g} in column {quoted(relevance)}; write a whole number: 0 for not "
                "relevant, 1 or more for relevant."
            )
    return [Pair(*row) for row in zip(queries, texts, scores, strict=True)]


def read_texts(table: pd.DataFrame, text: str, label: str | None = None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The texts in a column of a table, and their labels; no label without a column.

    Raises:
        ValueError: for a blank or over-long text or a blank label; one sentence with the row.
    """
    if text == label:
        raise ValueError("Choose two different columns: one of texts and one of labels.")
    return tuple(_texts(table, text)), tuple(_column(table, label)) if label is not None else ()


def first_rows(table: pd.DataFrame, columns: dict[str, str | None], rows: int = 3) -> pd.DataFrame:
    """The first rows as they are understood, a column for each purpose: a score as the number it is read as.

    Args:
        columns: from a purpose to a column's name, or None where there is none; "Score" holds numbers.
    """
    shown = {}
    for purpose, name in columns.items():
        if name is None:
            continue
        cells = [cell.strip() for cell in table[name]]
        read = numbers(cells)[:rows] if purpose == "Score" else [math.nan] * rows
        shown[purpose] = [
            cell if math.isnan(value) else f"{value:.10g}" for cell, value in zip(cells[:rows], read, strict=False)
        ]
    return pd.DataFrame(shown, index=table.index[:rows])


def _column(table: pd.DataFrame, column: str) -> list[str]:
    """The cells of a column, trimmed; none is blank."""
    if column not in table:
        raise ValueError(f"There is no column {quoted(column)}; choose one of the file's.")
    cells = [cell.strip() for cell in table[column]]
    for place, cell in zip(_places(table), cells, strict=True):
        if not cell:
            raise ValueError(f"{place} has nothing in column {quoted(column)}; fill it in or remove the row.")
    return cells


def _places(table: pd.DataFrame) -> Iterable[str]:
    """Where each row stands in its file: "Row 2", or "Line 1"."""
    return (f"{table.index.name.capitalize()} {number}" for number in table.index)


def _texts(table: pd.DataFrame, column: str, longest: int = LONGEST_TEXT) -> list[str]:
    texts = _column(table, column)
    for place, text in zip(_places(table), texts, strict=True):
        if len(text) > longest:
            raise ValueError(
                f"{place} has a text of {len(text):,} characters in column {quoted(column)}; "
                f"at most {longest:,} are read."
            )
    return texts


def _scores(table: pd.DataFrame, column: str) -> list[float]:
    cells = _column(table, column)
    read = numbers(cells)
    for place, cell, value in zip(_places(table), cells, read, strict=True):
        if math.isnan(value):
            raise ValueError(
                f"{place} has {quoted(cell)} in column {quoted(column)}, which is not a finite number; "
                "write scores like 3.5."
            )
    return read


def quoted(text: str) -> str:
    """What a file says, on one line and cut short, to stand in a sentence."""
    return repr(text if len(text) <= 40 else text[:39] + "…")
