"""What a corpus takes: seconds, machines, bytes."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pooling.machine import megabytes
from pooling.tables import number


@dataclass(frozen=True)
class Estimate:
    """Figures of a sample, for all texts."""

    texts: int
    tokens: float
    """Of a text, on average, special tokens and the prompt included."""
    seconds: float
    """For a thousand texts, on one device."""
    bytes: int
    """Of a text's row: its vectors, and itself where it is kept."""

    def hours(self, machines: int = 1) -> float:
        """For all texts, where machines do not wait for one another."""
        return self.texts * self.seconds / 1000 / 3600 / machines

    def machines(self, hours: float) -> int:
        """How many it takes to be done within some hours."""
        return max(1, -int(-self.hours() // hours))

    @property
    def size(self) -> int:
        """Bytes of all rows, before Parquet packs them."""
        return self.texts * self.bytes


def measured(
    texts: int,
    sample: Sequence[str],
    make: Callable[[Sequence[str]], Any],
    tokens: Callable[[str], int],
    vector_bytes: int,
    keep_text: bool,
) -> Estimate:
    """An estimate for so many texts from a sample of them.

    Args:
        texts: how many there are.
        sample: some of them, drawn by chance.
        make: embeds them.
        tokens: counts those of a text.
        vector_bytes: of all vectors of one text.
        keep_text: whether the texts are kept beside.
    """
    make(sample[:8])  # the first batch takes longer
    began = time.perf_counter()
    make(sample)
    seconds = (time.perf_counter() - began) / len(sample) * 1000
    own = sum(len(text.encode()) for text in sample) / len(sample) if keep_text else 0
    return Estimate(texts, sum(map(tokens, sample)) / len(sample), seconds, round(8 + own + vector_bytes))


def span(hours: float) -> str:
    """A time for a reader: "40 s", "12 min", "3.5 h"."""
    seconds = 3600 * hours
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{hours:,.1f} h"


def estimate_table(found: Estimate, machines: int) -> pd.DataFrame:
    """What a corpus takes on so many machines, a row each: what, how much."""
    rows = {
        "texts": f"{found.texts:,}",
        "tokens a text, special ones and prompt included": number(found.tokens),
        "seconds a thousand texts, on this machine": number(found.seconds),
        "on one such machine": span(found.hours()),
        f"on {machines:,} of them": span(found.hours(machines)),
        "machines, to be done within a day": f"{found.machines(24.0):,}",
        "bytes a text, its number included": f"{found.bytes:,}",
        "bytes of all": megabytes(found.size),
    }
    if machines == 1:
        del rows["on 1 of them"]
    return pd.DataFrame({"what": rows.keys(), "how much": rows.values()})


def about_estimate(found: Estimate, machines: int, device: str) -> str:
    """What a corpus takes, in a sentence.

    Args:
        found: the estimate.
        machines: that share the texts.
        device: what it was measured on.
    """
    many = "such machine" if machines == 1 else "such machines that do not wait for one another"
    return (
        f"{found.texts:,} texts of {number(found.tokens)} tokens, at {number(found.seconds)} s a thousand on this "
        f"{device}, as busy as it is: {span(found.hours(machines))} on {machines:,} {many}, and "
        f"{megabytes(found.size)} of vectors. Longer texts take longer."
    )
