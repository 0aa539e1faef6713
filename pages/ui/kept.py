"""Widgets whose value is kept across pages and stands in the address."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from pages.ui import url
from pages.ui.url import Option


def one_of(
    draw: Callable[..., Any],
    title: str,
    options: Sequence[Option] | Mapping[Option, str],
    *,
    key: str,
    default: Option,
    label: Callable[[str], str] = str,
    **settings: Any,
) -> Option:
    """One of some options, by a widget whose box says what the option is called now.

    Streamlit's browser side keeps the words of the chosen option and sends them back. Where they change and the
    option does not (sentence 1 is another sentence now), the box has to be told; and words that were sent from
    an older list still mean their option.

    Args:
        draw: `st.selectbox`, `st.select_slider`, `st.segmented_control` or `st.radio`, or a column's.
        title: what stands above it.
        options: what can be chosen, by names that an address may hold; a mapping says what each is called.
        key: of the widget, in the session's state and in the address.
        default: the option where nothing was chosen.
        label: what an option is called, where no mapping says it.
        settings: of the widget.
    """
    names = dict(options) if isinstance(options, Mapping) else {option: label(option) for option in options}
    drawn: list[dict[Option, str]] = st.session_state.setdefault("_drawn_names", {}).setdefault(key, [])
    older = {name: option for one in reversed(drawn) for option, name in one.items()}
    sent = st.session_state.get(key)
    if sent not in names and sent in older:
        st.session_state[key] = older[sent]
    value = url.choice(key, list(names), default)
    if drawn and drawn[0].get(value) != names[value]:
        st.session_state[key] = value
    chosen = draw(title, list(names), format_func=names.get, key=key, persist_state="session", **settings)
    if drawn[:1] != [names]:
        drawn[:] = [names, *drawn[:1]]
    return chosen


def several(
    draw: Callable[..., list[str]],
    title: str,
    options: Sequence[str],
    *,
    key: str,
    default: Sequence[str],
    most: int,
    label: Callable[[str], str] = str,
    **settings: Any,
) -> list[str]:
    """Some of the options, `most` at most, by `st.multiselect`; for the arguments see `one_of`."""
    url.several(key, options, default, most=most)
    return draw(title, options, format_func=label, key=key, max_selections=most, persist_state="session", **settings)


def number(
    draw: Callable[..., int], title: str, low: int, high: int, *, key: str, default: int, **settings: Any
) -> int:
    """A whole number within bounds, by `st.slider` or `st.number_input`."""
    url.number(key, low, high, default)
    return draw(title, low, high, key=key, persist_state="session", **settings)


def flag(draw: Callable[..., bool], title: str, *, key: str, **settings: Any) -> bool:
    """Whether something is on, by `st.toggle` or `st.checkbox`; it is off at first."""
    url.flag(key)
    return draw(title, key=key, persist_state="session", **settings)


def text(draw: Callable[..., str | None], title: str, *, key: str, default: str = "", **settings: Any) -> str:
    """What a reader types, by `st.text_input` or `st.text_area`; what is too long for a link is not in it."""
    url.text(key, default)
    return draw(title, key=key, persist_state="session", **settings) or ""


def belongs(key: str, to: object, default: object, by: str = "") -> None:
    """Forget a value that was chosen for something else; one that comes with an address is of what that shows.

    Args:
        key: of the value, in the session's state.
        to: what it is shown for now.
        default: what it is then.
        by: what tells one reason to forget it from another; by default the key.
    """
    before = _chosen_of().get(by or key)
    if key in st.session_state and before not in (None, to):
        st.session_state[key] = default
    chosen_for(by or key, to)


def chosen_for(by: str, to: object) -> None:
    """Say what a value is chosen for just now; None for whatever is shown next."""
    _chosen_of()[by] = to


def _chosen_of() -> dict[str, object]:
    return st.session_state.setdefault("_chosen_of", {})
