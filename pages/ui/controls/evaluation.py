"""The widgets of the Evaluation page."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import kept
from pages.ui.controls import find_benchmark
from pages.ui.controls.files import choose_pairs, choose_texts
from pooling.datasets import own_pairs, own_topics

if TYPE_CHECKING:
    from pooling.datasets import Pair


def choose_scored_data() -> str:
    """What strategies are scored on: "own", "stsb", "topics", or a file of "pairs" or "texts"."""
    names = {
        "own": "484 pairs of this project",
        "stsb": "STS Benchmark, test set",
        "topics": "256 labelled texts of this project",
        "pairs": "My file: two texts and a score",
        "texts": "My file: a text and a label",
    }
    return kept.one_of(
        st.selectbox,
        "Scored on",
        names,
        key="data",
        default="own",
        width=360,
        help="Scores are how alike people found two texts, on any scale, or 0 and 1 for no and yes.",
    )


def choose_scored_pairs(data: str) -> "tuple[Pair, ...] | None":
    """The scored pairs of that name; None, with what is lacking shown, while there are none."""
    from pages.ui import cache

    if data == "own":
        return tuple(own_pairs())
    if data == "pairs":
        return choose_pairs("Evaluate these")
    folder = find_benchmark()
    return None if folder is None else tuple(cache.stsb(folder)["test"])


def choose_labelled_texts(data: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The texts of that name and their labels; None, with what is lacking shown, while there are none."""
    return own_topics() if data == "topics" else choose_texts("Evaluate these")
