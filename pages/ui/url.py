"""The reader's choices in the address: seeded from it once, written to it after each run.

Streamlit's own `bind="query-params"` writes a widget's label, not its name, and cannot leave out
a text that is too long for a link; here an address holds names, and only what is not the default.
Nothing from an address is used unless it is among the options that the page offers.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import streamlit as st

Option = TypeVar("Option", bound=str)
LONGEST = 3000
"""Characters of a text in a link, percent-encoded: what mail and chat programs leave whole."""


OLDER = {"after": {"centre": "centre", "normalise": "l2"}}
"""Switches in older links, by the widget that has each of them among its options now."""
JUST_NOW = 0.5
"""Seconds after an address was written in which a browser may still send the one before."""


@dataclass
class _Written:
    """What the last run wrote to the address."""

    page: str
    address: dict[str, str]
    chosen: dict[str, Any]
    """The value of each widget that it was written from."""
    at: float


def begin(page: str) -> None:
    """Start collecting the choices of this run; where a link or the way back led here, the address's are taken up."""
    state = st.session_state
    if _went_back(page):
        seen, all_keys = state["_in_url"], set().union(*state["_in_url"].values())
        # A link may lead to a page that was not seen yet, or to a choice that was not drawn there.
        for key in seen.get(page, all_keys) | (all_keys & st.query_params.to_dict().keys()):
            state.pop(key, None)
    state["_turned"] = "_written" in state and state["_written"].page != page
    state["_url"], state["_url_page"] = {}, page
    state.setdefault("_in_url", {})[page] = set()
    state["_not_in_url"] = False


def _went_back(page: str) -> bool:
    """Whether the address is neither the one that was written last nor older by a widget's or a page's change."""
    state, came, last = st.session_state, st.query_params.to_dict(), st.session_state.get("_written")
    if last is None:
        return False
    if page != last.page:
        # A click in the navigation leaves the address empty, and a step back behind what is then written.
        state.setdefault("_clicked", {})[page] = not came
        return bool(came)
    if not came and state.get("_clicked", {}).get(page):
        return False
    kept = all(state.get(key) == value for key, value in last.chosen.items())
    return came != last.address and kept and time.monotonic() - last.at > JUST_NOW


def choice(key: str, options: Sequence[Option], default: Option) -> Option:
    """Prepare a choice widget of this key: its value, from the state, the address or the default."""
    if st.session_state.get(key) not in options:
        asked = st.query_params.get(key)
        st.session_state[key] = asked if key not in st.session_state and asked in options else default
    _keep(key, st.session_state[key], default)
    return st.session_state[key]


def several(key: str, options: Collection[str], default: Sequence[str], *, most: int | None = None) -> list[str]:
    """Prepare a widget of this key that takes several options; an address joins them with commas."""
    if key not in st.session_state:
        asked = st.query_params.get(key)
        older = [name for switch, name in OLDER.get(key, {}).items() if st.query_params.get(switch) == "on"]
        st.session_state[key] = older or (list(default) if asked is None else asked.split(","))
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
    if fits:
        _keep(key, value, default)
    else:
        st.session_state["_url"].pop(key, None)
    st.session_state["_not_in_url"] |= not fits
    return fits


def held_by(key: str, boxes: Collection[str]) -> None:
    """Say which widgets fill the text of this key: what is typed in them is no step back."""
    state = st.session_state
    if key in state:
        state["_in_url"][state["_url_page"]].update(boxes)


def while_it_says(key: str, options: Collection[str]) -> str:
    """The option that the address says; no session keeps it, so what leads to an address without it ends it."""
    asked = st.query_params.get(key, "")
    value = asked if asked in options else ""
    _keep(key, value, "")
    return value


def chosen() -> dict[str, str]:
    """What this run has for the address so far, but for the texts."""
    return {key: value for key, value in st.session_state["_url"].items() if key not in ("set", "text")}


def lacks_a_text() -> bool:
    """Whether a text of this run was too long for a link."""
    return st.session_state["_not_in_url"]


def finish() -> None:
    """Write this run's choices to the address, if they changed."""
    state = st.session_state
    if "_url" not in state:
        return
    if st.query_params.to_dict() != state["_url"]:
        st.query_params.from_dict(state["_url"])
    page = state["_url_page"]
    if not state["_url"] and "_written" in state and state["_written"].page != page:
        state["_clicked"][page] = False
    chosen = {key: state.get(key) for key in state["_in_url"][page]}
    state["_written"] = _Written(page, dict(state["_url"]), chosen, time.monotonic())


def _keep(key: str, value: str, default: str) -> None:
    state = st.session_state
    seen = state["_in_url"][state["_url_page"]]
    if state["_turned"] and key in state and key not in seen:
        # Of a widget whose value was once set here, and not by the reader, Streamlit forgets it with the page.
        state[key] = state[key]
    seen.add(key)
    # A default that the address says stays in it: to write it anew would put a step into the way back.
    if value != default or (value and st.query_params.get(key) == value):
        state["_url"][key] = value
    else:
        state["_url"].pop(key, None)
