"""Widgets with one option chosen, which is kept across pages and stands in the address."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages.ui import url


def one_of(
    draw: Callable[..., str],
    title: str,
    options: Sequence[str],
    *,
    key: str,
    default: str,
    label: Callable[[str], str] = str,
    **settings: Any,
) -> str:
    """One of some options, by a widget whose box says what the option is called now.

    Streamlit's browser side keeps the words of the chosen option and sends them back. Where they change and the
    option does not (sentence 1 is another sentence now), the box has to be told; and words that were sent from
    an older list still mean their option.

    Args:
        draw: `st.selectbox`, `st.select_slider` or `st.segmented_control`, or a column's.
        title: what stands above it.
        options: what can be chosen, by names that an address may hold.
        key: of the widget, in the session's state and in the address.
        default: the option where nothing was chosen.
        label: what an option is called.
        settings: of the widget.
    """
    names = {option: label(option) for option in options}
    drawn: list[dict[str, str]] = st.session_state.setdefault("_drawn_names", {}).setdefault(key, [])
    older = {name: option for one in reversed(drawn) for option, name in one.items()}
    sent = st.session_state.get(key)
    if sent not in names and sent in older:
        st.session_state[key] = older[sent]
    value = url.choice(key, options, default)
    if drawn and drawn[0].get(value) != names[value]:
        st.session_state[key] = value
    chosen = draw(title, options, format_func=names.get, key=key, persist_state="session", **settings)
    if drawn[:1] != [names]:
        drawn[:] = [names, *drawn[:1]]
    return chosen
