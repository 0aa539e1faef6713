"""What a corpus takes: seconds, machines, bytes."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


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
