"""Which room the address names, and what this browser is in it: a phone's number, or the key that leads it."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from pages.ui import layout, navigation, url
from pages.ui.room.rooms import DEVICE, WRONG_BY_ONE, Ended, Refused, Room, Rooms, Tries, tidy

_own = st.components.v2.component("room", js=Path(__file__).with_name("room.js").read_text(encoding="utf-8"))
KEY = "room-own"


@dataclass
class Own:
    """What a session is in a room."""

    device: str = ""
    """What the phone calls itself; empty until it has said so."""
    key: str = ""
    """The teacher's; right, where there is one."""
    keyless: bool = False
    """Whether this browser has said that it has no key."""
    been_here: bool = False
    said: str = ""
    """Why the last vote was not taken."""
    came_from: dict[str, str] = field(default_factory=lambda: {"learn": "room"})
    """The address before: a lesson that somebody wrote stands in it."""


@st.cache_resource(show_spinner=False)
def rooms() -> Rooms:
    """The rooms of this process."""
    return Rooms(os.environ.get("POOLING_ROOMS", ""))


def now() -> float:
    """The time that rooms go by."""
    return time.monotonic()


def of(code: str) -> Own:
    """What this session is in a room."""
    return st.session_state.setdefault("_rooms", {}).setdefault(code, Own())


def asked() -> str:
    """The code of the room that the address names; empty where it names none."""
    given = st.query_params.get("room", "")
    return tidy(given) or "-" if url.while_it_says("room", [given]) else ""


def leading() -> bool:
    """Whether the address asks for the teacher's screen."""
    if st.query_params.get("key"):
        st.query_params["lead"] = "on"
    return bool(url.while_it_says("lead", ["on"]))


def find(code: str) -> Room:
    """The room of that code; a key in the address is taken up, and leaves it: a screen shows addresses.

    Raises:
        Refused: where there is none, or too many codes were tried.
    """
    own, given = of(code), st.query_params.get("key", "")
    room = rooms().find(code, now(), _wrong(), been_here=own.been_here, key=given)
    own.been_here = True
    if given and room.led_with(given):
        own.key = given
    return room


def _wrong() -> Tries:
    return st.session_state.setdefault("_wrong_codes", Tries(*WRONG_BY_ONE))


def ask_browser(code: str, room: Room, *, leads: bool) -> Own:
    """What this browser is in a room, as it says itself within a moment; it keeps a key that it is given."""
    own = of(code)
    # A browser that has no key has said so, and is not asked again: a press would race with what it sends.
    known = bool(own.key or own.keyless if leads else own.device)
    made = _own(
        key=KEY,
        data={"room": code, "key": own.key, "leads": leads, "known": known},
        default={"own": None},
        on_own_change=lambda: None,
        height="content",
    )
    said = made.own
    if isinstance(said, dict) and said.get("room") == code:
        device, key = said.get("device"), said.get("key")
        if not own.device and isinstance(device, str) and DEVICE.fullmatch(device):
            own.device = device
        if leads and not own.key and isinstance(key, str) and key:
            own.key = key if room.led_with(key) else ""
            own.keyless = not own.key
        elif leads and key == "":
            own.keyless = True
    return own


def say(code: str, refused: Refused) -> None:
    """Why somebody is in no room, and where to go from there."""
    if isinstance(refused, Ended):
        st.html(f'<h1 class="pp-asked">{refused}</h1>')
        st.link_button("All lessons, to read on", navigation.address("learn"), icon=":material/school:")
    else:
        layout.problem(str(refused))
    st.button("Join another room", on_click=leave, args=(code,), icon=":material/login:")


def enter(code: str, *, lead: bool = False) -> None:
    """Go to a room, from the next run on."""
    if "room" not in st.query_params:
        of(code).came_from = st.query_params.to_dict()
    st.query_params.from_dict({"room": code} | ({"lead": "on"} if lead else {}))


def leave(code: str) -> None:
    """Go back to where rooms are opened, from the next run on."""
    st.query_params.from_dict(of(code).came_from)
