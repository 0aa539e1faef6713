"""The widgets of the Learn page, and what a reader has answered this session."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import streamlit as st

from pages.ui import kept, url

if TYPE_CHECKING:
    from pooling.lessons import Lesson
    from pooling.recommend import Answers

_top = st.components.v2.component(
    "lesson_top",
    js="""
let shown
export default function ({ data }) {
  if (shown && shown !== data) document.querySelector("[data-testid=stMain]").scrollTo(0, 0)
  shown = data
}
""",
)
"""Another lesson begins at its top, however far down the last one was read."""
MARKS = {"open": "○", "first": "✓", "later": "↻", "wrong": "✗"}


@dataclass(frozen=True)
class Answer:
    """What a reader chose in a lesson."""

    first: str
    """The choice at the first try."""
    now: str | None
    """The choice that stands; None once the reader wants to be asked again."""


def choose_view() -> str:
    """ "lessons" or "advice"."""
    names = {"lessons": "Lessons", "advice": "Which pooling should I use?"}
    return kept.one_of(
        st.segmented_control,
        "What to do here",
        names,
        key="learn",
        default="lessons",
        required=True,
        label_visibility="collapsed",
    )


def presenting() -> bool:
    """Whether the page is shown to a class."""
    return url.flag("present")


def choose_lesson(lessons: "list[Lesson]", *, present: bool) -> "Lesson":
    """The lesson that the address or the buttons say, with buttons for the one before and after it."""
    names = [one.name for one in lessons]
    place = names.index(url.choice("lesson", names, names[0]))
    with st.container(horizontal=True, vertical_alignment="center", key="lesson-steps"):
        st.markdown(f"Lesson {place + 1} of {len(names)}", width="content")
        for step, label, icon, key in (
            (-1, "Previous", ":material/arrow_back:", "Left"),
            (1, "Next", ":material/arrow_forward:", "Right"),
        ):
            there = place + step
            st.button(
                label,
                key=f"lesson-{label.lower()}",
                icon=icon,
                disabled=not 0 <= there < len(names),
                on_click=st.session_state.update,
                args=({"lesson": names[there % len(names)]},),
                shortcut=key if present else None,
            )
        st.button(
            "Leave" if present else "Present to a class",
            key="lesson-present",
            icon=":material/close:" if present else ":material/slideshow:",
            type="tertiary",
            on_click=st.session_state.update,
            args=({"present": not present},),
            shortcut="Esc" if present else None,
            help=None
            if present
            else "Large type and no sidebar. Arrow keys change the lesson, digits answer, Escape leaves.",
        )
        _top(data=names[place], key="lesson-top", width="content")
    return lessons[place]


def answer_of(lesson: "Lesson") -> Answer | None:
    """What was answered in a lesson, if anything was."""
    return st.session_state.get("_answers", {}).get(lesson.name)


def ask_question(lesson: "Lesson", *, present: bool) -> None:
    """The choices of a lesson as buttons: to press one is to commit."""
    columns = st.columns(2 if present else 1)
    for place, (name, text) in enumerate(lesson.choices.items(), start=1):
        columns[(place - 1) % len(columns)].button(
            text,
            key=f"choice-{lesson.name}-{name.strip('[]')}",
            on_click=_commit,
            args=(lesson.name, name),
            shortcut=str(place) if present else None,
            width="stretch",
        )


def offer_again(lesson: "Lesson") -> None:
    """A button that takes the answer back; the first try stays what it was."""
    st.button(
        "Ask me again",
        key="lesson-again",
        icon=":material/replay:",
        type="tertiary",
        on_click=_commit,
        args=(lesson.name, None),
    )


def _commit(lesson: str, choice: str | None) -> None:
    answers = st.session_state.setdefault("_answers", {})
    answers[lesson] = replace(answers[lesson], now=choice) if lesson in answers else Answer(choice or "", choice)


def mark_of(lesson: "Lesson") -> str:
    """How a lesson stands, as one of `MARKS`: open, right at first, right later or wrong."""
    given = answer_of(lesson)
    if given is None:
        return "open"
    if given.first == lesson.right:
        return "first"
    return "later" if given.now == lesson.right else "wrong"


def show_progress(lessons: "list[Lesson]", current: "Lesson") -> None:
    """Every lesson with how it stands; a click opens it."""
    stands = {one.name: mark_of(one) for one in lessons}
    done, first = sum(s != "open" for s in stands.values()), sum(s == "first" for s in stands.values())
    st.markdown(f"**Your progress.** {done} of {len(lessons)} answered, {first} right at first try.")
    with st.container(gap=None, key="lesson-list"):
        for place, one in enumerate(lessons, start=1):
            title = f"{MARKS[stands[one.name]]} {place} · {one.title}"
            st.button(
                f"**{title}**" if one is current else title,
                key=f"open-{one.name}",
                type="tertiary",
                on_click=st.session_state.update,
                args=({"lesson": one.name},),
            )
    st.caption("○ open · ✓ right at first try · ↻ right later · ✗ not yet right. It is kept until you close this tab.")


def choose_answers() -> "Answers":
    """The reader's answers to the four questions of `pooling.recommend`."""
    from pooling.recommend import QUESTIONS

    given = {}
    for place, question in zip([*st.columns(2), *st.columns(2)], QUESTIONS, strict=True):
        key = f"advice-{question.name}"
        first = next(iter(question.answers))
        given[question.name] = kept.one_of(place.radio, question.text, question.answers, key=key, default=first)
    return cast("Answers", given)
