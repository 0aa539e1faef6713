"""The widgets of the Padding Lab page."""

import streamlit as st

from pages.ui import kept, url


def choose_padding(in_batch: int) -> tuple[int, str, bool, bool]:
    """Amount and side of the padding, and whether each of the two masks is left out.

    `in_batch` is the padding that the sentence gets beside the reader's longest one.
    """
    from pooling.tables.padding_lab import AMOUNTS

    amounts = {str(a): str(a) for a in AMOUNTS} | {"batch": f"{in_batch}, as in your batch"}
    sides = {"right": "on the right", "left": "on the left"}
    url.choice("side", list(sides), "right")
    url.choice("attention_mask", ["on", "off"], "on")
    url.choice("pooling_mask", ["on", "off"], "off")
    amount, side = st.columns([3, 2], vertical_alignment="bottom")
    with amount:
        padding = kept.one_of(
            st.select_slider, "Padding tokens", list(amounts), key="padding", default="8", label=amounts.get
        )
    with side:
        where = st.segmented_control(
            "Padding stands", list(sides), format_func=sides.get, key="side", required=True, persist_state="session"
        )
    one, two = st.columns(2)
    with one:
        attention = st.segmented_control(
            "Attention mask: may tokens look at padding?",
            ["on", "off"],
            format_func={"on": "No, masked", "off": "Yes, the bug"}.get,
            key="attention_mask",
            required=True,
            persist_state="session",
        )
    with two:
        pooling = st.segmented_control(
            "Pooling mask: is padding pooled?",
            ["on", "off"],
            format_func={"on": "No, masked", "off": "Yes, the bug"}.get,
            key="pooling_mask",
            required=True,
            persist_state="session",
        )
    return in_batch if padding == "batch" else int(padding), where, attention == "off", pooling == "off"
