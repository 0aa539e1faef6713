"""The widgets of the Size page."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import kept

if TYPE_CHECKING:
    import pandas as pd

    from pages.ui.layout import Pressed

LIMIT = ""
"""What an address calls the smallest way within the limits: nothing else was chosen."""
SHOWN: Mapping[str, tuple[str, ...]] = {
    "all": ("first", "pca", "random"),
    "first": ("first",),
    "pca": ("pca",),
    "random": ("random",),
}
"""The ways of shortening whose paths are drawn, by what an address calls them."""


def choose_data() -> str:
    """What ways of storing are scored on: "own", "stsb", "topics", "search", or a reader's "pairs" or other files."""
    names = {
        "own": "484 pairs of this project",
        "search": "100 queries of this project",
        "topics": "256 labelled texts of this project",
        "stsb": "STS Benchmark, test set",
        "pairs": "My file: two texts and a score",
        "texts": "My file: a text and a label",
        "judged": "My file: a query, a text and its relevance",
        "files": "My files in BEIR's form",
    }
    help = "Pairs by how well cosines rank them, queries by the texts they find, labelled texts by their nearest text."
    return kept.one_of(st.selectbox, "Scored on", names, key="stored-for", default="own", width=300, help=help)


def choose_limits() -> tuple[int, int]:
    """How many points may be lost, and how many of ten neighbours must be kept."""
    lose = kept.number(
        st.number_input,
        "May lose, points",
        0,
        30,
        key="lose",
        default=2,
        width=140,
        help="The upper end of the 95% interval counts: it loses no more for sure.",
    )
    keep = kept.number(
        st.number_input,
        "Must keep, of 10 neighbours",
        0,
        10,
        key="keep",
        default=8,
        width=190,
        help="On average. A score asks only about the pairs, labels or queries that it has; neighbours are about all "
        "texts.",
    )
    return lose, keep


def choose_price() -> int:
    """What a GiB of memory costs a month."""
    return kept.number(
        st.number_input,
        "A GiB a month costs",
        0,
        1000,
        key="price",
        default=4,
        width=160,
        help="Of memory, in your currency: what you pay. The 4 is a place to start, nobody's price.",
    )


def choose_shortened() -> Sequence[str]:
    """The ways of shortening whose paths are drawn."""
    names = {"all": "All", "first": "First k", "pca": "PCA", "random": "Random"}
    name = kept.one_of(
        st.segmented_control, "Fewer dimensions by", names, key="shortened", default="all", required=True
    )
    return SHOWN[name]


def choose_way(table: "pd.DataFrame") -> str:
    """The name of one of the ways of `size_table`, or `LIMIT` for the smallest within the limits."""
    rows = zip(table["name"], table["label"], table["bytes"], strict=True)
    names = {LIMIT: "The smallest within the limits"}
    names |= {name: f"{label} · {size:,} bytes" for name, label, size in rows}
    return kept.one_of(
        st.selectbox, "Stored as", names, key="stored", default=LIMIT, width=360, help="Or press a point, or a row."
    )


def take_point(names: Sequence[str], point: "Pressed") -> None:
    """Have the way of a pressed point chosen."""
    if 0 <= point.number < len(names):
        st.session_state["stored"] = names[point.number]


def take_row(names: Sequence[str], row: int | None) -> None:
    """Have the way of a row of the table, or of a dot, chosen; the smallest within the limits, where none is marked."""
    st.session_state["stored"] = names[row] if row is not None and row < len(names) else LIMIT


def choose_corpus() -> tuple[int, int]:
    """How many texts a corpus has, and how many machines share them."""
    sizes = {str(10**power): f"{10**power:,}" for power in range(4, 10)}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        texts = kept.one_of(st.select_slider, "Texts", sizes, key="corpus-texts", default=str(10**6), width=320)
        machines = kept.number(st.number_input, "Machines", 1, 10_000, key="machines", default=1, width=140)
    return int(texts), machines
