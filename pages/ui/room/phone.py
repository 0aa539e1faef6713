"""A student's phone: the question, large, and one vote."""

from html import escape

import streamlit as st

from pages.ui import navigation, prose
from pages.ui.room import own, results
from pages.ui.room.rooms import Look, Refused, Room, readable
from pooling.lessons import Lesson

EVERY = 2.0
"""Seconds between two looks at the room: each takes the server about 3 ms, whether anything has changed or not."""


@st.fragment(run_every=EVERY)
def show(code: str) -> None:
    """The room as this phone sees it; it follows by itself."""
    if own.asked() != code:  # left by a press in here
        st.rerun()
    with st.container(key="room-phone"):
        try:
            room = own.find(code)
            mine = own.ask_browser(code, room, leads=False)
            if not mine.device:
                st.caption("One moment…")
                return
            room.join(mine.device, own.now())
        except Refused as refused:
            own.say(code, refused)
            return
        look = room.look(own.now(), mine.device)
        if look.place < 0:
            _say("You are in.", "Keep this page open: the first question comes by itself.")
        elif look.place >= look.questions:
            _say("That was the last question.", "Thank you. You may close this page.")
            st.link_button("All lessons, to read on", navigation.address("learn"), icon=":material/school:")
        elif look.lesson:
            _ask(room, look, look.lesson, mine)
        st.caption(f"Room {readable(code)}")


def _ask(room: Room, look: Look, lesson: Lesson, mine: own.Own) -> None:
    which = f"Question {look.place + 1} of {look.questions}"
    if look.round > 1:
        which += " · second vote"
    st.caption(which)
    st.html(f'<h1 class="pp-asked">{escape(lesson.question)}</h1>')
    if not look.closed and not look.mine and look.first:
        st.caption(f"Talk with your neighbours, then vote again. At first you chose {_letter(lesson, look.first)}.")
    if look.closed:
        st.html(results.choices(lesson, answer=look.shown == "answer", mine=look.mine))
    else:
        for letter, (name, text) in zip(results.LETTERS, lesson.choices.items(), strict=False):
            chosen = name == look.mine
            st.button(
                f"**{letter}** · {prose.label(lesson, text)}",
                key=f"vote-{letter}",
                type="primary" if chosen else "secondary",
                icon=":material/how_to_vote:" if chosen else None,
                on_click=_vote,
                args=(room, look, mine, name),
                width="stretch",
            )
    st.html(f'<p class="pp-counted" role="status">{escape(_state(lesson, look, mine))}</p>')
    if lesson.ground or lesson.sentences:
        with st.expander("What the question is about"):
            prose.write_ground(lesson)


def _vote(room: Room, look: Look, mine: own.Own, choice: str) -> None:
    mine.said = ""
    try:
        room.vote(mine.device, choice, place=look.place, round=look.round, now=own.now())
    except Refused as refused:
        mine.said = str(refused)


def _state(lesson: Lesson, look: Look, mine: own.Own) -> str:
    """What has become of the vote."""
    chose = f"You chose {_letter(lesson, look.mine)}." if look.mine else "You have not voted."
    if look.shown == "answer":
        right = _letter(lesson, lesson.right)
        return f"{chose} {right} is right; " + ("look at the screen." if lesson.own else "the reason is on the screen.")
    if look.shown == "votes":
        return f"{chose} Look at the screen: it shows how all have voted."
    if look.closed:
        return f"{chose} Time is up."
    left = "" if look.left is None else f" {look.left:.0f} s left."
    if mine.said and not look.mine:
        return f"{mine.said}{left}"
    if look.mine:
        until = "" if look.left is not None else " until the votes are shown"
        return f"Counted: {_letter(lesson, look.mine)}. You may change it{until}.{left}"
    return f"Tap your answer.{left}"


def _letter(lesson: Lesson, choice: str) -> str:
    return dict(zip(lesson.choices, results.LETTERS, strict=False)).get(choice, "")


def _say(title: str, text: str) -> None:
    st.html(f'<h1 class="pp-asked">{escape(title)}</h1><p class="pp-counted" role="status">{escape(text)}</p>')
