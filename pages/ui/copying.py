"""Links to this page: their address, and a button that copies one without showing it."""

from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from pages.ui import paper

LONGEST = 500
"""Characters of an address; what a browser says of itself may be anything."""
_copy = st.components.v2.component(
    "copy",
    html='<button type="button"></button> <span role="status"></span><input readonly hidden aria-label="The link">',
    css=paper.BUTTON + "input{font:inherit;width:100%;margin-top:.4rem}",
    js=Path(__file__).with_name("copying.js").read_text(encoding="utf-8"),
)


def here() -> str:
    """The address of this page as other machines reach it, if they reach this one by what its own browser calls it."""
    at = st.context.url or f"http://{st.context.headers.get('Host', '')}/learn"
    return at.partition("?")[0][:LONGEST]


def only_here(address: str) -> bool:
    """Whether an address means another machine on every machine."""
    host = urlsplit(address).hostname or ""
    return host in ("localhost", "::1", "0.0.0.0") or host.startswith("127.")


def button(label: str, link: str, *, key: str) -> None:
    """The button."""
    _copy(key=key, data={"label": label, "link": link}, height="content")
