"""The tables of the Similarity page, their columns laid out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import layout
from pages.ui.controls.similarity import choose_token

if TYPE_CHECKING:
    import pandas as pd

    from pooling.similarity import Measure


def show_orders(orders: "pd.DataFrame", *, scaled: bool) -> None:
    """Each sentence's nearest one by each measure, of `order_table`; `scaled` where lengths are made 1 after it."""
    st.markdown("**The nearest sentence by each measure.** ⇄: pairs of neighbours that swap places with cosine.")
    layout.table(
        orders,
        key="orders",
        alt="Each sentence, the length of its embedding, its nearest sentence by each measure, and swaps.",
        columns={
            "sentence": st.column_config.NumberColumn("#", width=32),
            "length": st.column_config.NumberColumn(
                "length before" if scaled else None, format="%.2f", width=90 if scaled else 58
            ),
            "cosine": st.column_config.NumberColumn(width=58),
            "dot": st.column_config.NumberColumn(width=44, help="By dot product."),
            "euclidean": st.column_config.NumberColumn("distance", width=68, help="By Euclidean distance."),
            "dot swaps": st.column_config.NumberColumn("⇄ dot", width=58),
            "euclidean swaps": st.column_config.NumberColumn("⇄ distance", width=80),
        },
    )


def show_flips(flipped: "pd.DataFrame", own: str) -> None:
    """Whose nearest neighbour is another than under the strategy called `own`, of `flip_table`."""
    st.markdown(f"**Who changes sides**: nearest neighbours that differ from those under {own}.")
    if flipped.empty:
        st.caption("Nobody.")
        return
    layout.table(
        flipped,
        key="flips",
        alt="Sentences whose nearest neighbour depends on the strategy.",
        columns={
            "own": st.column_config.NumberColumn(f"under {own}"),
            "own text": st.column_config.TextColumn(f"under {own}"),
        },
    )


def show_neighbours(neighbours: "pd.DataFrame", measure: "Measure", *, most: float, said: str) -> None:
    """The sentences by how near they are, of `neighbour_table`, beside bars that end at `most`."""
    layout.table(
        neighbours,
        key="neighbours",
        alt=said,
        columns={
            "sentence": st.column_config.NumberColumn("#", width=40),
            "score": st.column_config.ProgressColumn(
                measure.label, format="%.3f", min_value=0, max_value=most, width=160
            ),
            "text": st.column_config.TextColumn(width=600),
        },
    )


def show_tokens(
    tokens: "Sequence[pd.DataFrame]", pair: tuple[int, int], names: tuple[list[str], list[str]], strategy: str
) -> None:
    """The tokens of two sentences, one of each lit up.

    Args:
        tokens: their tables of `pooling.tables.token_table`.
        pair: the indices of the two sentences.
        names: of their tokens, of `pooling.tables.similarity.token_names`.
        strategy: whose weights are shown.
    """
    from pooling.charts.chips import token_strip

    for key, index, table, listed in zip(("token1", "token2"), pair, tokens, names, strict=True):
        box, strip = st.columns([1, 4], vertical_alignment="center")
        with box:
            lit = choose_token(key, listed)
        position = int(lit.split()[0]) if lit else None
        label = f"Sentence {index + 1}: tokens and their weights under {strategy}"
        strip.html(token_strip(table, label, lit=position))


def show_top(top: "pd.DataFrame") -> None:
    """The pairs of tokens with the largest parts of a score, of `top_pairs`."""
    st.markdown("**The pairs of tokens that count most**")
    layout.table(
        top,
        key="top",
        alt="The pairs of tokens with the largest parts of the score.",
        columns={
            "part": st.column_config.NumberColumn(format="%.4f"),
            "share": st.column_config.NumberColumn("of the score", format="percent"),
        },
    )
