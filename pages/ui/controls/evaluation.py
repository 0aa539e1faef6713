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


def choose_columns(key: str, columns: list[str], guesses: dict[str, str]) -> list[str]:
    """A column of the table for each purpose, such as "Score"; first its guess."""
    chosen = []
    for place, (purpose, guess) in zip(st.columns(len(guesses)), guesses.items(), strict=True):
        name = f"{key}-{purpose.lower().replace(' ', '-')}"
        url.choice(name, columns, guess)
        chosen.append(place.selectbox(purpose, columns, key=name, persist_state="session"))
    return chosen
