"""Lessons for paper: the questions with room to draw on one side, the answers for the teacher on another."""

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import layout, own_lesson, paper, prose, url
from pages.ui.controls.learn import choose_lessons

if TYPE_CHECKING:
    from pooling.lessons import Lesson, Shown
    from pooling.own_lesson import OwnLesson

SHEET = "sheet"
"""What an address calls it."""
WHO = '<p class="pp-who"><span>Name</span><span>Date</span></p>'
STYLE = f"<style>{Path(__file__).with_name('worksheet.css').read_text(encoding='utf-8')}</style>"


def asked() -> bool:
    """Whether the address asks for a worksheet."""
    return url.flag(SHEET)


def choose(lessons: "Sequence[Lesson | OwnLesson]", default: Sequence[str] = ()) -> "list[Lesson | OwnLesson]":
    """The lessons of a worksheet, in the order in which they are chosen."""
    title = "Lessons on the worksheet, in the order in which you choose them"
    return choose_lessons(title, lessons, default, key="sheet-lessons")


def offer(lessons: "Sequence[Lesson | OwnLesson]", default: Sequence[str]) -> None:
    """The way to a worksheet of some lessons."""
    chosen = choose(lessons, default)
    st.button(
        "Show the worksheet",
        key="sheet-show",
        icon=":material/print:",
        disabled=not chosen,
        on_click=st.session_state.update,
        args=({SHEET: True},),
    )


def show(lessons: "Sequence[Lesson | OwnLesson]", default: Sequence[str], answer: "Callable[[Lesson], Shown]") -> None:
    """The worksheet, on a page that prints."""
    st.html(STYLE)
    with st.container(horizontal=True, key="off-paper-acts"):
        st.button(
            "Back", key="sheet-leave", icon=":material/arrow_back:", on_click=st.session_state.update,
            args=({SHEET: False},),
        )  # fmt: skip
        paper.can_be_printed()
    with st.container(key="off-paper-lessons"):
        try:
            chosen = own_lesson.all_taken(choose(lessons, default))
        except ValueError as error:
            layout.problem(str(error))
            layout.stop()
    st.html(f'<article class="pp-paper"><h1>What does pooling do?</h1>{WHO}{"".join(map(_question, chosen))}</article>')
    st.html(
        '<article class="pp-paper pp-answers"><h1>For the teacher: the answers</h1>'
        + "".join(_answer(one, answer(one)) for one in chosen)
        + "</article>"
    )


def _question(lesson: "Lesson") -> str:
    choices = "".join(f"<li>{prose.line(lesson, text)}</li>" for text in lesson.choices.values())
    return (
        f'<section class="pp-lesson"><h2>{escape(lesson.title)}</h2>{prose.ground(lesson)}'
        f'<div class="pp-asked-of"><p><strong>{prose.line(lesson, lesson.question)}</strong></p>'
        f'<ol class="pp-choices">{choices}</ol>'
        '<div class="pp-empty">Why? Write or draw what you expect.</div></div></section>'
    )


def _answer(lesson: "Lesson", shown: "Shown") -> str:
    choices = {name: prose.label(lesson, text) for name, text in lesson.choices.items()}
    wrong = "\n".join(f"- *{choices[name]}* – {said}" for name, said in lesson.wrong.items() if said)
    said = " – ".join(filter(None, [f"**{choices[lesson.right]}**", shown.because])) + f"\n\n{wrong}"
    return f'<section class="pp-lesson"><h2>{escape(lesson.title)}</h2>{prose.html(lesson, said)}</section>'
