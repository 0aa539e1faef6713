"""The widgets of the Padding Lab page."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import kept

if TYPE_CHECKING:
    from pooling.encoders import Side


def choose_padding(in_batch: int) -> "tuple[int, Side, bool, bool]":
    """Amount and side of the padding, and whether each of the two masks is left out.

    `in_batch` is the padding that the sentence gets beside the reader's longest one.
    """
    from pooling.tables.padding_lab import AMOUNTS

    amounts = {str(a): str(a) for a in AMOUNTS} | {"batch": f"{in_batch}, as in your batch"}
    sides: dict[Side, str] = {"right": "on the right", "left": "on the left"}
    masks = {"on": "No, masked", "off": "Yes, the bug"}
    amount, side = st.columns([3, 2], vertical_alignment="bottom")
    with amount:
        padding = kept.one_of(st.select_slider, "Padding tokens", amounts, key="padding", default="8")
    with side:
        where = kept.one_of(st.segmented_control, "Padding stands", sides, key="side", default="right", required=True)
    one, two = st.columns(2)
    with one:
        attention = kept.one_of(
            st.segmented_control,
            "Attention mask: may tokens look at padding?",
            masks,
            key="attention_mask",
            default="on",
            required=True,
        )
    with two:
        pooling = kept.one_of(
            st.segmented_control,
            "Pooling mask: is padding pooled?",
            masks,
            key="pooling_mask",
            default="off",
            required=True,
        )
    return in_batch if padding == "batch" else int(padding), where, attention == "off", pooling == "off"
