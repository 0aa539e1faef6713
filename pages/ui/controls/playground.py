"""The widgets of the Playground page."""

import streamlit as st

from pages.ui import url
from pages.ui.choice import Choice


def current_dimension(choice: Choice, index: int, dim: int, default: int) -> int:
    """The dimension that `choose_dimension` will show, known before it is drawn.

    It is the one that was asked for, in the box or in a link, of this very sentence at this layer; of another, the
    default.
    """
    state = st.session_state
    if "dimension" not in state:
        state["_dimension_asked_of"] = _sentence(choice, index) if "dimension" in st.query_params else None
    if state["_dimension_asked_of"] != _sentence(choice, index):
        state["_dimension_asked_of"] = None
        state["dimension"] = default  # in each run: one that ends before the box is drawn has not told the browser
    return url.number("dimension", 0, dim - 1, default)


def choose_dimension(choice: Choice, index: int, dim: int) -> int:
    """One dimension, by number; `current_dimension` has prepared it."""
    return st.number_input(
        f"Dimension, from 0 to {dim - 1}",
        0,
        dim - 1,
        key="dimension",
        persist_state="session",
        width=220,
        on_change=st.session_state.update,
        args=({"_dimension_asked_of": _sentence(choice, index)},),
    )


def _sentence(choice: Choice, index: int) -> tuple:
    return choice.texts[index], choice.reading, choice.layer
