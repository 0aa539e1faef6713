"""The widgets of the Evaluation page."""

import streamlit as st

from pages.ui import url


def choose_scored_data() -> str:
    """What strategies are scored on: "own", "stsb", "topics", or a file of "pairs" or "texts"."""
    names = {
        "own": "484 pairs of this project",
        "stsb": "STS Benchmark, test set",
        "topics": "256 labelled texts of this project",
        "pairs": "My file: two texts and a score",
        "texts": "My file: a text and a label",
    }
    url.choice("data", list(names), "own")
    return st.selectbox(
        "Scored on",
        list(names),
        format_func=names.get,
        key="data",
        persist_state="session",
        width=360,
        help="Scores are how alike people found two texts, on any scale, or 0 and 1 for no and yes.",
    )
