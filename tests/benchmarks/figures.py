"""A measured number beside its bar, and ways to measure that a busy machine disturbs alike."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    value: float | None
    """None where it could not be measured here; the note says why."""
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def bar(self) -> str:
        """The bar as it is written; empty for a number without one."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        return f"≤ {self.at_most:g}" if self.at_most is not None else ""

    @property
    def met(self) -> bool | None:
        """Whether the bar was met; None without bar or number."""
        if self.value is None or not self.bar:
            return None
        return self.value >= self.at_least if self.at_least is not None else self.value <= self.at_most

    def line(self) -> str:
        """The figure as a line of the table."""
        value = "-" if self.value is None else f"{self.value:.0f}" if self.value >= 1000 else f"{self.value:.3g}"
        met = {True: "yes", False: "NO", None: ""}[self.met]
        return f"{self.name:62}{value:>8} {self.unit:12}{self.bar:>8} {met:4}{self.note}".rstrip()


def percentile(values: list[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def interleaved(repeats: int, *works: Callable[[], object]) -> list[list[float]]:
    """Seconds of each work, in turn, so that what else the machine does falls on all: ABAB."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for taken, work in zip(times, works, strict=True):
            taken.append(seconds(work))
    return times


def ratio(above: list[float], below: list[float]) -> float:
    """The median of the ratios of neighbours in time."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))
