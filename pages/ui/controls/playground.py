"""The widgets of the Playground page."""

import streamlit as st

from pages.ui import url


def current_dimension(dim: int, default: int) -> int:
    """The dimension that `choose_dimension` will show, known before it is drawn."""
    return url.number("dimension", 0, dim - 1, default)


def choose_dimension(dim: int, default: int) -> int:
    """One dimension, by number."""
    current_dimension(dim, default)
    return st.number_input(
        f"Dimension, from 0 to {dim - 1}", 0, dim - 1, key="dimension", persist_state="session", width=220
    )
