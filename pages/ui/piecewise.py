"""A long computation over many texts, a part at a time, with how far it is and the time left."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pooling.background import duration

if TYPE_CHECKING:
    from torch import Tensor

    from pooling import Encoder
    from pooling.after import Step
    from pooling.datasets import Pair
    from pooling.evaluation import Cell, Grid
    from pooling.recipe import Reading, Recipe
    from pooling.registry import Settings

AT_ONCE = 128
"""Pairs or texts of one part."""


def in_parts(rows: Sequence[Any], length: Callable[[Any], int], part: Callable[[str, list], "Grid"]) -> "Grid":
    """What `part` makes of all rows, computed for some at a time, the longest first.

    Each part is cached by its content: who comes back, or has the same data, waits for none.

    Args:
        rows: pairs or texts.
        length: the characters of a row, which the time depends on.
        part: from the content's digest and some rows to their grid.
    """
    from pooling.evaluation import join_grids

    order = sorted(range(len(rows)), key=lambda i: -length(rows[i]))
    whole, done, made, place, began = sum(map(length, rows)), 0, [], st.empty(), time.monotonic()
    for start in range(0, len(order), AT_ONCE):
        chosen = [rows[i] for i in order[start : start + AT_ONCE]]
        spent = time.monotonic() - began
        if start == 0:
            place.progress(
                0.0, f"Sending {len(rows):,} rows through the transformer, every layer and strategy at once."
            )
        elif spent > 0.5:
            left = spent * (whole - done) / done
            place.progress(
                done / whole,
                f"{start:,} of {len(rows):,} rows have been through the transformer, every layer and strategy at once; "
                f"about {duration(left)} left.",
            )
        made.append(part(digest(chosen), chosen))
        done += sum(map(length, chosen))
    place.empty()
    return join_grids(made, order)


def pair_cosines(
    pairs: "Sequence[Pair]",
    reading: "Reading",
    settings: "tuple[tuple[str, Settings], ...]" = (),
    after: tuple[str, ...] = (),
    steps: "Callable[[], Mapping[Cell, list[Step]]]" = dict,
) -> "Grid":
    """The cosine of each pair at every layer under every strategy, after the steps, in parts."""
    from pages.ui import cache

    def part(key: str, some: list) -> "Grid":
        return cache.cosines(reading, key, settings, after, some, steps)

    return in_parts(pairs, lambda p: len(p.text1) + len(p.text2), part)


def embeddings(texts: "Sequence[str]", encoder: "Encoder", recipe: "Recipe") -> "Tensor":
    """Embeddings [text, dim] of many texts by a recipe, whatever strategy it names; a few texts at a time."""
    import torch

    from pooling.evaluation import embed_grid

    chosen, made = (encoder.layer(recipe.layer), recipe.strategy), []
    for start in range(0, len(texts), AT_ONCE):
        some = texts[start : start + AT_ONCE]
        grid = embed_grid(some, encoder, [recipe.layer], [recipe.pooling], **recipe.reading.prompt)
        made.append(grid.vectors[chosen])
    return torch.cat(made)


def digest(rows: Sequence[Any]) -> str:
    """What stands for some rows in a cache: equal for equal rows."""
    return hashlib.sha256(repr(list(rows)).encode()).hexdigest()
