"""The reader's choices in the address: seeded from it once, written to it after each run.

Streamlit's own `bind="query-params"` writes a widget's label, not its name, and cannot leave out
a text that is too long for a link; here an address holds names, and only what is not the default.
Nothing from an address is used unless it is among the options that the page offers.
"""

from collections.abc import Collection, Sequence
from urllib.parse import quote

import streamlit as st

LONGEST = 3000
"""Characters of a text in a link, percent-encoded: what mail and chat programs leave whole."""


def begin() -> None:
    """Start collecting the choices of this run."""
    st.session_state["_url"] = {}
    st.session_state["_not_in_url"] = False


def choice(key: str, options: Sequence[str], default: str) -> str:
    """Prepare a choice widget of this key: its value, from the state, the address or the default."""
    if st.session_state.get(key) not in options:
        asked = st.query_params.get(key)
        st.session_state[key] = asked if key not in st.session_state and asked in options else default
    _keep(key, st.session_state[key], default)
    return st.session_state[key]


def several(key: str, options: Collection[str], default: Sequence[str], *, most: int) -> list[str]:
    """Prepare a widget of this key that takes several options; an address joins them with commas."""
    if key not in st.session_state:
        asked = st.query_params.get(key)
        st.session_state[key] = list(default) if asked is None else asked.split(",")
    st.session_state[key] = [name for name in dict.fromkeys(st.session_state[key]) if name in options][:most]
    _keep(key, ",".join(st.session_state[key]), ",".join(default))
    return st.session_state[key]


def number(key: str, low: int, high: int, default: int) -> int:
    """Prepare a number widget of this key, held within its bounds."""
    if key not in st.session_state:
        asked = st.query_params.get(key, "")
        st.session_state[key] = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else default
    st.session_state[key] = max(low, min(high, st.session_state[key]))
    _keep(key, str(st.session_state[key]), str(default))
    return st.session_state[key]


def flag(key: str) -> bool:
    """Prepare a switch of this key, off unless the address has it on."""
    if key not in st.session_state:
        st.session_state[key] = st.query_params.get(key) == "on"
    _keep(key, "on" if st.session_state[key] else "", "")
    return st.session_state[key]


def text(key: str, default: str) -> bool:
    """Prepare a text widget of this key; say whether its text fits into a link."""
    if key not in st.session_state:
        st.session_state[key] = st.query_params.get(key, default)
    value = st.session_state[key] or ""
    fits = len(value) <= LONGEST and len(quote(value)) <= LONGEST
    st.session_state["_not_in_url"] |= not fits
    _keep(key, value if fits else default, default)
    return fits


def lacks_a_text() -> bool:
    """Whether a text of this run was too long for a link."""
    return st.session_state["_not_in_url"]


def finish() -> None:
    """Write this run's choices to the address, if they changed."""
    wanted = st.session_state.get("_url", {})
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def _keep(key: str, value: str, default: str) -> None:
    if value != default:
        st.session_state["_url"][key] = value
