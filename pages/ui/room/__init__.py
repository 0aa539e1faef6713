"""A room on Learn: a class votes on its phones, one screen shows, everybody looks. Peer instruction over the lessons.

`rooms.py` knows what is asked and who has answered; `phone.py` and `screen.py` show it to a student and to the teacher.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import layout
from pages.ui.controls.learn import choose_lessons
from pages.ui.room import own, phone, screen
from pages.ui.room.own import asked
from pages.ui.room.rooms import MOST_PEOPLE, Refused, tidy

if TYPE_CHECKING:
    from pooling.lessons import Lesson
    from pooling.own_lesson import OwnLesson

__all__ = ["asked", "offer", "show"]

STYLE = f"<style>{Path(__file__).with_name('room.css').read_text(encoding='utf-8')}</style>"
AT_FIRST = 4
"""Lessons that are chosen where nobody has chosen."""


def show(code: str, reason: "Callable[[Lesson], None]") -> None:
    """The room that the address names, to its teacher or to a student."""
    layout.for_a_class()
    st.html(STYLE)
    if own.leading():
        screen.show(code, reason)
    else:
        phone.show(code)


def offer(lessons: "Sequence[Lesson | OwnLesson]") -> None:
    """The way into a room, and the opening of one."""
    st.markdown(
        "The teacher opens a room, and a screen shows its code. Everybody votes on a phone, sees how the class has "
        "voted, talks with the neighbours, votes again, and sees the answer."
    )
    join, lead = st.columns([1, 2], gap="large")
    with join, st.form("room-join", border=True):
        st.subheader("Join", anchor=False)
        _say_once("_room_refused")
        st.text_input("Code on the screen", key="room-code", max_chars=20, placeholder="ACDE-FHJK", autocomplete="off")
        st.form_submit_button("Join", on_click=_join, key="room-join-button")
    with lead, st.container(border=True):
        st.subheader("Open a room", anchor=False)
        first = [one.name for one in lessons[:AT_FIRST]]
        title = "Lessons, in the order in which you choose them"
        chosen = choose_lessons(title, lessons, first, key="room-lessons")
        st.button(
            "Open the room",
            key="room-open",
            type="primary",
            icon=":material/meeting_room:",
            disabled=not chosen,
            on_click=_open,
            args=(chosen,),
        )
        _say_once("_room_full")
        st.caption(
            f"No account and no name. The room keeps the votes in the server's memory alone, for up to {MOST_PEOPLE} "
            "people, until it has been empty for three hours. Each lesson uses its own sentences and model; "
            "*Write a lesson* makes one with yours."
        )


def _join() -> None:
    state = st.session_state
    code = tidy(state["room-code"] or "")
    try:
        own.find(code)
    except Refused as refused:
        state["_room_refused"] = str(refused)
    else:
        own.enter(code)


def _open(lessons: "Sequence[Lesson | OwnLesson]") -> None:
    from pages.ui import own_lesson

    try:
        room = own.rooms().open(own_lesson.all_taken(lessons), own.now())
    except (Refused, ValueError) as refused:
        st.session_state["_room_full"] = str(refused)
        return
    mine = own.of(room.code)
    mine.key, mine.been_here = room.key, True
    own.enter(room.code, lead=True)


def _say_once(key: str) -> None:
    if said := st.session_state.pop(key, ""):
        layout.problem(said)
