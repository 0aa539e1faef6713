"""The teacher's screen, which the class sees: the way in, each question with its votes, the class's table."""

from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from html import escape
from typing import Any

import segno
import streamlit as st

from pages.ui import copying, layout, paper, prose
from pages.ui.controls.learn import at_top
from pages.ui.room import own, results
from pages.ui.room.rooms import Look, Refused, Room, readable
from pooling.lessons import Lesson
from pooling.tables import to_csv

EVERY = 0.5
"""Seconds between two counts of who has answered."""
EVERY_STILL = 4.0
"""Seconds between two looks whether another screen of the teacher's has gone on."""
TIMES = (30, 60, 120)


def show(code: str, reason: Callable[[Lesson], None]) -> None:
    """The room as its teacher leads it; a second screen follows.

    All of it is one fragment. Beside a fragment that runs by itself a run of the page is not safe: where the one begins
    as the other ends, Streamlit 1.67 clears parts of the page that were just drawn.

    Args:
        code: of the room.
        reason: shows why a lesson's right answer is right.
    """
    try:
        room = own.find(code)
    except Refused as refused:
        own.say(code, refused)
        return
    mine = own.ask_browser(code, room, leads=True)
    if mine.key:
        draw = _still if _is_still(room.look(own.now())) else _counting
        draw(code, mine.key, reason)
    elif mine.keyless:
        layout.problem(
            "This browser does not have the key of this room. Open your own link to it, which was under “My link” "
            "at the door, or join as a student."
        )
        st.button("Join as a student", on_click=own.enter, args=(code,))
    else:
        st.caption("One moment…")


@st.fragment(run_every=EVERY)
def _counting(code: str, key: str, reason: Callable[[Lesson], None]) -> None:
    """The screen while people come in and vote."""
    _screen(code, key, reason, still=False)


@st.fragment(run_every=EVERY_STILL)
def _still(code: str, key: str, reason: Callable[[Lesson], None]) -> None:
    """The screen while nothing is counted, and only another screen of the teacher's can change it."""
    _screen(code, key, reason, still=True)


def _screen(code: str, key: str, reason: Callable[[Lesson], None], *, still: bool) -> None:
    if own.asked() != code:  # left by a press in here
        st.rerun()
    try:
        room = own.find(code)
    except Refused as refused:
        own.say(code, refused)
        return
    look = room.look(own.now())
    if _is_still(look) != still:
        st.rerun()
    with st.container(key="room-screen"):
        at_top(f"{code} {look.place}")
        _draw(room, look, key)
        if still and look.lesson:
            reason(look.lesson)


def _is_still(look: Look) -> bool:
    """Whether nothing is counted: an answer stands there, or the class's table."""
    return look.shown == "answer" or look.place >= look.questions


def _draw(room: Room, look: Look, key: str) -> None:
    if look.place < 0:
        _door(room, look, key)
    elif look.place >= look.questions:
        _end(room, look, key)
    elif look.lesson:
        _question(room, look, look.lesson, key)


def link(code: str, key: str = "") -> str:
    """The address of a room."""
    return f"{copying.here()}?room={code}{'&key=' if key else ''}{key}"


@lru_cache(maxsize=64)
def qr(address: str) -> str:
    """An address as a QR code, dark on light in either theme: cameras want it so."""
    image = segno.make(address, error="m", micro=False).svg_data_uri(border=3, dark="#000", light="#fff", omitsize=True)
    return f'<div class="pp-qr"><img src="{escape(image)}" alt="QR code of the students\' link"></div>'


def _door(room: Room, look: Look, key: str) -> None:
    """How to come in."""
    address = link(room.code)
    words, code = st.columns([3, 2], gap="large", vertical_alignment="center")
    with words:
        shown = address.removeprefix("https://").removeprefix("http://")
        st.html(
            '<h1 class="pp-asked">Join with your phone</h1><ol class="pp-join"><li>Scan the square, or open<br>'
            f'<b class="pp-address">{escape(shown)}</b></li><li>Keep the page open: the questions come by themselves.'
            "</li></ol><p>No account and no name: only the answers are kept, and they are gone with the room.</p>"
            f'<p class="pp-code">{readable(room.code)}</p>'
            "<p>The room's code, to type on the page Learn under “Vote in class”.</p>"
        )
        if copying.only_here(address):
            st.warning(
                "You have opened the app by an address that means this machine alone, so no phone can follow. Open it "
                "by the Network URL that the server prints, such as `http://192.168.1.20:8501`, and open a room there.",
                icon=":material/wifi_off:",
            )
    code.html(qr(address))
    do = partial(_button, room, look, key)
    with st.container(horizontal=True, vertical_alignment="center", key="room-acts"):
        _count(f"<b>{look.here}</b> here")
        with st.popover("My link", icon=":material/key:", type="tertiary", key="room-more"):
            st.markdown(
                "With this link you lead the room from any browser: keep it to yourself. This browser needs none. "
                "Without anybody in it the room lasts three hours."
            )
            copying.button("Copy my link", link(room.code, key), key="room-copy")
        do("Ask the first question", "go", "play_arrow", primary=True, shortcut="Right", place=0)


def _question(room: Room, look: Look, lesson: Lesson, key: str) -> None:
    place, shown = look.place, look.shown
    with st.container(horizontal=True, vertical_alignment="center", key="room-top"):
        st.markdown(f"Question {place + 1} of {look.questions} · {prose.label(lesson, lesson.title)}", width="stretch")
        if left := _time(look):
            st.html(f'<span class="pp-left" role="timer">{left}</span>', width="content")
        st.html(f'<span class="pp-code">{readable(room.code)}</span>', width="content")
        st.html(qr(link(room.code)), width="content")
    question = f'<h1 class="pp-asked">{escape(lesson.question)}</h1>'
    if shown == "no":
        ground, asked = st.columns([5, 6], gap="large")
        with ground:
            prose.write_ground(lesson)
        asked.html(question + results.choices(lesson))
    else:
        votes = room.votes(key)
        said = f'<p class="pp-counted">{escape(results.said(lesson, votes))}</p>' if shown == "answer" else ""
        st.html(question + results.choices(lesson, votes, answer=shown == "answer") + said)
    do = partial(_button, room, look, key)
    more = f"room-more-{look.revision}"  # another one once something is pressed in it: it is closed then
    with st.container(horizontal=True, vertical_alignment="center", key="room-acts"):
        _count(_how_many(look))
        if shown == "no":
            with st.popover("More", icon=":material/more_horiz:", type="tertiary", key=more):
                for seconds in TIMES:
                    do(f"Close in {seconds} s", "close_in", "timer", quiet=True, seconds=seconds)
                if look.left is not None or look.closed:
                    do("No timer", "close_in", "timer_off", quiet=True, seconds=None)
                do("Skip this question", "go", "skip_next", quiet=True, place=place + 1)
        do("Back", "go", "arrow_back", quiet=True, shortcut="Left", place=place - 1)
        if shown != "answer" and look.round == 1:
            do("Discuss and vote again", "again", "forum")
        if shown == "no":
            do("Show the answer", "show", "lightbulb", what="answer")
            do("Show the votes", "show", "bar_chart", primary=True, shortcut="Right", what="votes")
        elif shown == "votes":
            do("Show the answer", "show", "lightbulb", primary=True, shortcut="Right", what="answer")
        else:
            onward = "End" if place + 1 == look.questions else "Next"
            do(onward, "go", "arrow_forward", primary=True, shortcut="Right", place=place + 1)


def _how_many(look: Look) -> str:
    """How many have answered, and never what."""
    return f"<b>{look.answered}</b> of {look.here} have answered" if look.here else "Nobody has joined yet"


def _time(look: Look) -> str:
    """How long the vote is open, where it closes by itself."""
    if look.left is not None:
        return f"<b>{look.left:.0f}</b> s left"
    return "time is up" if look.closed and look.shown == "no" else ""


def _count(said: str) -> None:
    st.html(f'<p class="pp-count" role="status">{said}</p>')


def _end(room: Room, look: Look, key: str) -> None:
    """What the class has voted, to keep and to print."""
    asked = [(one, room.votes(key, i)) for i, one in enumerate(room.lessons()) if room.was_asked(i)]
    st.html('<h1 class="pp-asked">How the class has voted</h1>')
    if not asked:
        st.markdown("Nobody has answered a question.")
    for number, (lesson, votes) in enumerate(asked, start=1):
        st.html(
            f'<section class="pp-result"><h2>{number} · {escape(lesson.question)}</h2>'
            f"{results.choices(lesson, votes, answer=True)}<p>{escape(results.said(lesson, votes))}</p></section>"
        )
    do = partial(_button, room, look, key)
    with st.container(horizontal=True, vertical_alignment="center", key="room-acts"):
        if asked:
            st.download_button(
                "Table (CSV)",
                lambda: to_csv(results.table(asked)),
                file_name="pooling-class.csv",
                mime="text/csv",
                icon=":material/download:",
                key="room-csv",
                on_click="ignore",
            )
            paper.can_be_printed()
        do("Back to the last question", "go", "arrow_back", shortcut="Left", place=look.questions - 1)
        with st.popover("Close the room", icon=":material/close:", type="tertiary", key="room-more"):
            st.markdown("The room ends for everybody, and its votes are gone: take the table first.")
            st.button("Close it", key="room-close", type="primary", on_click=_close, args=(room.code, key))


def _close(code: str, key: str) -> None:
    own.rooms().close(code, key)
    own.leave(code)


def _button(
    room: Room,
    look: Look,
    key: str,
    label: str,
    act: str,
    icon: str,
    *,
    primary: bool = False,
    quiet: bool = False,
    shortcut: str | None = None,
    **given: Any,
) -> None:
    """A button by which the teacher does something with the room."""
    st.button(
        label,
        key=f"room-{label.lower().replace(' ', '-')}",
        icon=f":material/{icon}:",
        type="primary" if primary else "tertiary" if quiet else "secondary",
        shortcut=shortcut,
        on_click=_do,
        args=(room, act, key, given | {"seen": look.revision}),
    )


def _do(room: Room, act: str, key: str, given: dict[str, Any]) -> None:
    with suppress(Refused):  # a room that has ended says so in the run that follows
        getattr(room, act)(key, now=own.now(), **given)
