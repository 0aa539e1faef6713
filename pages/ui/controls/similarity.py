"""The widgets of the Similarity page."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import kept
from pages.ui.controls import after, choose_sentence, numbered
from pages.ui.controls.sentences import MOST_CHARACTERS

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from pages.ui.choice import Choice
    from pages.ui.layout import Pressed
    from pooling.similarity import Measure


def choose_measure(choice: "Choice") -> "Measure":
    """How embeddings are compared, beside the steps that come before."""
    from pages.ui import cache
    from pooling.similarity import METRICS, Measure

    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        metric = kept.one_of(
            st.segmented_control,
            "Compare by",
            METRICS,
            key="metric",
            default="cosine",
            required=True,
            label_visibility="collapsed",
        )
        after.choose(cache.encoder(choice.model), again=True)
    return Measure(metric, choice.recipe.after[-1:] == ("l2",))


def choose_query(texts: tuple[str, ...]) -> tuple[int, str | None]:
    """Whose neighbours to show: the index of a sentence, or a query that was typed instead."""
    sentence, words = st.columns(2)
    with sentence:
        index = choose_sentence(texts)
    with words:
        typed = kept.text(
            st.text_input, "Or search with your own words", key="query", placeholder="e.g. music in the evening"
        )
    query = typed.strip()
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


def take_pair(cell: "Pressed") -> None:
    """Have the pair of a pressed cell of the matrix explained."""
    st.session_state.update(pair1=str(cell.row + 1), pair2=str(cell.column + 1))


def choose_token(key: str, names: list[str]) -> str:
    """A token of a sentence to light up in the picture, by its name; empty for none."""
    options = {"": "No token lit"} | dict(zip(names, names, strict=True))
    return kept.one_of(st.selectbox, "Light a token", options, key=key, default="", label_visibility="collapsed")


def take_tokens(first: list[str], second: list[str], cell: "Pressed") -> None:
    """Have both tokens of a pressed cell lit up."""
    if cell.row < len(first) and cell.column < len(second):
        st.session_state.update(token1=first[cell.row], token2=second[cell.column])


def choose_pair(texts: tuple[str, ...]) -> tuple[int, int]:
    """The indices of two sentences; with one sentence alone, it is compared with itself."""
    state, options = st.session_state, [str(i) for i in range(1, len(texts) + 1)]
    if state.get("_paired", texts) != texts and state.get("pair1") == state.get("pair2"):
        state.pop("pair2", None)  # it was the only sentence
    state["_paired"] = texts
    left, right = st.columns(2)

    def one(column: "DeltaGenerator", title: str, key: str, default: str) -> str:
        return kept.one_of(
            column.selectbox, title, options, key=key, default=default, label=lambda i: numbered(texts, i)
        )

    first = one(left, "First sentence", "pair1", options[0])
    # Where the text changes and leaves one of the two, it is not compared with itself.
    second = one(right, "Second sentence", "pair2", next((i for i in options if i != first), first))
    return int(first) - 1, int(second) - 1
