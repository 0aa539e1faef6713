"""What is meant for paper: a button that prints, and nothing of the app around it there."""

from pathlib import Path

import streamlit as st

BUTTON = (
    "button{font:inherit;padding:.4rem .9rem;border:1px solid var(--st-border-color);border-radius:.5rem;"
    "background:none;color:inherit;cursor:pointer}button:focus-visible{outline:2px solid var(--st-primary-color)}"
)
"""How a component draws a button as Streamlit does."""
STYLE = f"<style>{Path(__file__).with_name('paper.css').read_text(encoding='utf-8')}</style>"
_print = st.components.v2.component(
    "print",
    html='<button type="button">Print, or save as PDF</button>',
    css=BUTTON,
    js=Path(__file__).with_name("print.js").read_text(encoding="utf-8"),
)


def can_be_printed() -> None:
    """A button for it, and how the page then looks."""
    st.html(STYLE)
    _print(key="print", width="content", height="content")
