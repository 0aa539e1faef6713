"""How sure a score is: the rows drawn again and again, and intervals that hold for all scores at once."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float, Int

Name = TypeVar("Name", bound=Hashable)
Other = TypeVar("Other", bound=Hashable)

RESAMPLES = 2000
CELLS_AT_ONCE = 2**16
"""Rows times resamples held at a time: half a megabyte a table, which stays in the cache of a core."""
CONFIDENCE = 0.95
TIE = 1e-6
"""Scores that differ by less, a ten-thousandth of a point, are equal but for rounding."""
NEVER_APART = 1e-4
"""Two scores that differ by less in every resample differ by rounding alone."""

Drawn = Float[np.ndarray, "row resample"]
"""How often each row is drawn in each resample."""


class Estimate(NamedTuple):
    """A score or a difference, and its interval; exactly 0 where only rounding is left."""

    value: float
    low: float
    high: float


def clusters(rows: Sequence[Hashable]) -> Int[np.ndarray, " row"]:
    """The number of each row's cluster; equal rows are one cluster, for a copy tells nothing new."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(row, len(numbers)) for row in rows])


def draws(cluster: Int[np.ndarray, " row"], seed: int = 0) -> Iterator[Drawn]:
    """`RESAMPLES` resamples, some at a time; the rows of a cluster are drawn together or not at all.

    Source: https://doi.org/10.1111/j.1467-9868.2007.00593.x (Field and Welsh, 2007)
    """
    random, count = np.random.default_rng(seed), int(cluster.max()) + 1
    at_once = max(1, CELLS_AT_ONCE // len(cluster))
    for start in range(0, RESAMPLES, at_once):
        made = min(at_once, RESAMPLES - start)
        chosen = random.integers(0, count, (made, count)) + count * np.arange(made)[:, None]
        times = np.bincount(chosen.ravel(), minlength=made * count).reshape(made, count)
        yield times.T[cluster].astype(float)


def bootstrap(
    score: Callable[[Drawn], Float[np.ndarray, "name resample"]], cluster: Int[np.ndarray, " row"]
) -> Float[np.ndarray, "name resample"]:
    """Several scores in each resample, all on the same resamples."""
    return np.concatenate([score(drawn) for drawn in draws(cluster)], axis=1)


def drawn_spearman(
    values: Sequence[Float[np.ndarray, " row"]], scores: Float[np.ndarray, " row"], drawn: Drawn
) -> Float[np.ndarray, "name resample"]:
    """Spearman of each of the values with the scores, its ranks taken anew in each resample.

    nan where either is constant there. Such a resample has no correlation: to count it as 0 would
    put a score that nothing has into the interval.
    """
    rows = drawn.sum(axis=0)
    order, ranks, spread = _drawn_ranks(scores, drawn, rows)
    weighted = np.empty_like(ranks)
    weighted[order] = ranks
    weighted *= drawn
    made = np.empty((len(values), drawn.shape[1]))
    for name, one in enumerate(values):
        order, ranks, own_spread = _drawn_ranks(one, drawn, rows)
        with np.errstate(invalid="ignore"):
            made[name] = np.einsum("ij,ij->j", ranks, weighted[order]) / np.sqrt(own_spread * spread)
    return made


def _drawn_ranks(
    values: Float[np.ndarray, " row"], drawn: Drawn, rows: Float[np.ndarray, " resample"]
) -> tuple[Int[np.ndarray, " row"], Drawn, Float[np.ndarray, " resample"]]:
    """The order of the values; in that order, their ranks from the middle one; and the sum of the ranks' squares.

    A row stands there as often as it is drawn, and ties share the mean of their ranks: a tie of t rows
    that ends at rank r has r - (t - 1) / 2. Among n rows the middle is (n + 1) / 2, and the squares add
    up to (n³ - n) / 12, less (t³ - t) / 12 for every tie.
    """
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=-np.inf))
    untied = len(starts) == len(values)
    ties = drawn[order] if untied else np.add.reduceat(drawn[order], starts, axis=0)
    ranks = ties.cumsum(axis=0)
    ranks -= ties / 2
    ranks -= rows / 2
    squares = (rows * (rows * rows - 1) - (ties * (ties * ties - 1)).sum(axis=0)) / 12
    return order, ranks if untied else np.repeat(ranks, np.diff(starts, append=len(values)), axis=0), squares


def drawn_precision(
    values: Sequence[Float[np.ndarray, " row"]], alike: Float[np.ndarray, " row"], drawn: Drawn
) -> Float[np.ndarray, "name resample"]:
    """Average precision of each of the values in each resample; nan where all rows are alike or none is.

    Args:
        values: the higher, the nearer to the top.
        alike: 1 for the rows that should stand at the top, 0 for the others.
        drawn: the resamples.
    """
    rows, found = drawn.sum(axis=0), (drawn * alike[:, None]).sum(axis=0)
    found = np.where((found > 0) & (found < rows), found, np.nan)
    made = np.empty((len(values), drawn.shape[1]))
    for name, one in enumerate(values):
        order = np.argsort(-one, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(one[order])), len(order) - 1)  # the last row of each tie
        hits = (drawn * alike[:, None])[order].cumsum(axis=0)[ends]
        seen = drawn[order].cumsum(axis=0)[ends]
        made[name] = (np.diff(hits, axis=0, prepend=0) * hits / np.maximum(seen, 1)).sum(axis=0) / found
    return made


def drawn_mean(values: Float[np.ndarray, "name row"], drawn: Drawn) -> Float[np.ndarray, "name resample"]:
    """The mean of each of the values in each resample."""
    return values @ drawn / drawn.sum(axis=0)


@dataclass(frozen=True, eq=False)
class Compared(Generic[Name]):
    """Scores on the same rows; the intervals of all scores hold at once, and those of all differences do.

    So whichever two are looked at, and for whatever reason, the interval of their difference keeps
    its promise: the best of many is not believed more than it deserves.
    """

    scores: Mapping[Name, float]
    samples: Mapping[Name, Float[np.ndarray, " resample"]]
    """Each score in each resample, the same resamples for all; nan where it has none."""
    reach: float
    """Standard errors from a score to either end of its interval, the same for all scores."""
    lead_reach: float
    """The same for differences."""
    ends: tuple[float, float]
    """The lowest and the highest score there can be."""

    def score(self, name: Name) -> Estimate:
        """A score and its interval."""
        value, reach = self.scores[name], self.reach * float(np.nanstd(self.samples[name]))
        least, most = self.ends
        return Estimate(value, max(least, value - reach), min(most, value + reach))

    def lead(self, name: Name, other: Name) -> Estimate:
        """By how much a score is higher than another, and the interval of that."""
        value = self.scores[name] - self.scores[other]
        reach = self.lead_reach * float(np.nanstd(self.samples[name] - self.samples[other]))
        return Estimate(*(0.0 if abs(end) < TIE else end for end in (value, value - reach, value + reach)))

    def never_apart(self, name: Name, other: Name) -> bool:
        """Whether two scores are the same, but for rounding, whatever rows are drawn."""
        return _still(self.samples[name] - self.samples[other])

    def renamed(self, names: Mapping[Name, Other]) -> "Compared[Other]":
        """Some of them under other names; the intervals still hold for all."""
        scores = {new: self.scores[name] for name, new in names.items()}
        samples = {new: self.samples[name] for name, new in names.items()}
        return Compared(scores, samples, self.reach, self.lead_reach, self.ends)


def compare(
    scores: Mapping[Name, float],
    samples: Mapping[Name, Float[np.ndarray, " resample"]],
    ends: tuple[float, float] = (0.0, 1.0),
    *,
    against: Name | None = None,
) -> Compared[Name]:
    """Compare scores with each other by their samples, of `bootstrap`.

    Args:
        scores, samples: by name.
        ends: the lowest and the highest score there can be.
        against: a name, where no differences but those from its score are asked for: their intervals are narrower,
            and hold for no others.
    """
    errors = {name: samples[name] - score for name, score in scores.items()}
    if against is None:
        apart = [one - other for one, other in combinations(errors.values(), 2)]
    else:
        apart = [one - errors[against] for name, one in errors.items() if name != against]
    return Compared(scores, samples, _reach(list(errors.values())), _reach(apart), ends)


def _reach(errors: Sequence[Float[np.ndarray, " resample"]]) -> float:
    """How many standard errors an interval must reach to either side for all to hold at once in 95% of resamples.

    What counts of a resample is its largest error, each in its own standard errors (max-|t|).
    Source: https://doi.org/10.1002/bimj.200810425 (Hothorn, Bretz and Westfall, 2008), with the
    bootstrap in place of a normal distribution as in https://doi.org/10.1111/j.1468-0262.2005.00615.x
    (Romano and Wolf, 2005)
    """
    moving = [np.abs(one) / np.nanstd(one) for one in errors if not _still(one)]
    return float(np.nanquantile(np.fmax.reduce(moving), CONFIDENCE)) if moving else 0.0


def _still(errors: Float[np.ndarray, " resample"]) -> bool:
    """Whether nothing but rounding moves them."""
    return not np.nanmax(np.abs(errors), initial=0.0) > NEVER_APART
