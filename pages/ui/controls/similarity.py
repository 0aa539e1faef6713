"""The widgets of the Similarity page."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import kept, url
from pages.ui.controls import MOST_CHARACTERS, choose_sentence, numbered

if TYPE_CHECKING:
    from pooling.similarity import Measure


def choose_measure() -> "tuple[Measure, bool]":
    """How embeddings are compared, and whether they are centred first."""
    from pooling.similarity import METRICS, Measure

    url.choice("metric", list(METRICS), "cosine")
    url.flag("normalise")
    url.flag("centre")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        metric = st.segmented_control(
            "Compare by",
            list(METRICS),
            format_func=METRICS.get,
            key="metric",
            required=True,
            label_visibility="collapsed",
            persist_state="session",
        )
        normalise = st.toggle(
            "L2-normalise",
            key="normalise",
            persist_state="session",
            help=(
                "Scale every embedding to length 1 first. Then dot product and cosine are the same number, "
                "and all three measures give the same order of neighbours."
            ),
        )
        centre = st.toggle(
            "Centre",
            key="centre",
            persist_state="session",
            help=(
                "Remove what all texts have in common first: the mean embedding of the 256 bundled sentences. "
                "It shows most where all cosines are high (a property called anisotropy)."
            ),
        )
    return Measure(metric, normalise), centre


def choose_query(texts: tuple[str, ...]) -> tuple[int, str | None]:
    """Whose neighbours to show: the index of a sentence, or a query that was typed instead."""
    sentence, words = st.columns(2)
    with sentence:
        index = choose_sentence(texts)
    with words:
        url.text("query", "")
        typed = st.text_input(
            "Or search with your own words",
            key="query",
            placeholder="e.g. music in the evening",
            persist_state="session",
        )
    query = (typed or "").strip()
    if typed and not query:
        st.warning("The query is blank: write a few words, or clear the box.", icon=":material/info:")
    if len(query) > MOST_CHARACTERS:
        st.warning(
            f"The query has {len(query):,} characters; shorten it to {MOST_CHARACTERS:,}. Until then the "
            "neighbours are those of the sentence on the left.",
            icon=":material/info:",
        )
        query = ""
    return index, query or None


def choose_pair(texts: tuple[str, ...]) -> tuple[int, int]:
    """The indices of two sentences; with one sentence alone, it is compared with itself."""
    options = [str(i) for i in range(1, len(texts) + 1)]
    chosen = []
    for column, key, default in zip(st.columns(2), ("pair1", "pair2"), (options[0], options[:2][-1]), strict=True):
        chosen.append(
            kept.one_of(
                column.selectbox,
                "First sentence" if key == "pair1" else "Second sentence",
                options,
                key=key,
                default=default,
                label=lambda i: numbered(texts, i),
            )
        )
    return int(chosen[0]) - 1, int(chosen[1]) - 1
