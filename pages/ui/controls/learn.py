"""The widgets of the Learn page, and what a reader has answered on this device."""

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import streamlit as st

from pages.ui import device, kept, prose, url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pooling.datasets import Course
    from pooling.lessons import Lesson
    from pooling.own_lesson import OwnLesson
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
DEVICE = "pooling-lessons"
"""Where a reader's browser keeps the answers."""
MOST_ANSWERS = 200
STEPS = (
    (-1, "Previous", ":material/arrow_back:", "Left"),
    (1, "Next", ":material/arrow_forward:", "Right"),
)
MARKS = {"open": "○", "first": "✓", "later": "↻", "wrong": "✗"}


@dataclass(frozen=True)
class Answer:
    """What a reader chose in a lesson."""

    first: str
    """The choice at the first try."""
    now: str | None
    """The choice that stands; None once the reader wants to be asked again."""


def choose_lessons(
    title: str, lessons: "Sequence[Lesson | OwnLesson]", default: "Sequence[str]", *, key: str
) -> "list[Lesson | OwnLesson]":
    """Some of the lessons, in the order in which they are chosen."""
    named = {one.name: one for one in lessons}
    names = kept.several(
        st.multiselect,
        title,
        list(named),
        key=key,
        default=list(default),
        most=len(named),
        label=lambda name: prose.title(named[name]),
    )
    return [named[name] for name in names]


def at_top(shown: str) -> None:
    """Have the page begin at its top where it shows something else than before."""
    _top(data=shown, key="lesson-top", width="content", height="content")


def choose_view() -> str:
    """ "lessons", "advice", "course", "room" or "write"."""
    names = {
        "lessons": "Lessons",
        "advice": "Which pooling should I use?",
        "course": "For teachers",
        "room": "Vote in class",
        "write": "Write a lesson",
    }
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


def on_path(lessons: "list[Lesson]", courses: "Sequence[Course]") -> "tuple[list[Lesson], Course | None]":
    """The lessons of the course that the address or a button says, in its order; all, where it says none.

    A link to a lesson that is not on the course leaves the course.
    """
    name = url.choice("path", ["", *(one.name for one in courses)], "")
    course = next((one for one in courses if one.name == name), None)
    st.session_state["_course"] = name
    if course is None:
        return lessons, None
    named = {one.name: one for one in lessons}
    chosen = [named[lesson] for lesson, _ in course.lessons]
    asked = named.get(st.session_state.get("lesson") or st.query_params.get("lesson", ""))
    if asked is not None and asked not in chosen:
        st.session_state["_course"] = url.choice("path", [""], "")
        return lessons, None
    return chosen, course


def begin(course: "Course") -> None:
    """A button to the first lesson of a course."""
    st.button(
        "Begin",
        key=f"begin-{course.name}",
        icon=":material/play_arrow:",
        type="primary",
        on_click=st.session_state.update,
        args=({"learn": "lessons", "path": course.name, "lesson": course.lessons[0][0]},),
    )


def choose_lesson(lessons: "list[Lesson]", *, present: bool) -> "Lesson":
    """The lesson that the address or the buttons say, with buttons for the one before and after it."""
    names = [one.name for one in lessons]
    # One of somebody's own stands in the address itself, and the reader's place among the others is kept.
    place = 0 if lessons[0].own else names.index(url.choice("lesson", names, names[0]))
    with st.container(horizontal=True, vertical_alignment="center", key="lesson-steps"):
        if len(names) > 1:
            st.markdown(f"Lesson {place + 1} of {len(names)}", width="content")
        for step, label, icon, key in STEPS if len(names) > 1 else ():
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
        at_top(names[place])
    return lessons[place]


def remember(lessons: "list[Lesson]") -> None:
    """Keep what was answered in the reader's browser, and take up what that holds from another visit or tab."""
    state = st.session_state
    answers = state.setdefault("_answers", {})
    if told := device.news(DEVICE):
        value, first = told
        state["_answers"] = answers = (answers if first else {}) | _read(value, lessons)
    written = {name: [one.first, one.now] for name, one in sorted(answers.items())}
    device.keep(DEVICE, json.dumps(written) if written else "")


def _read(value: str, lessons: "list[Lesson]") -> dict[str, Answer]:
    """The answers that a browser says it holds, those of lessons and choices that there are, and of own lessons."""
    try:
        said = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    choices = {one.name: one.choices for one in lessons}
    made = {}
    for name, given in [*said.items()][:MOST_ANSWERS] if isinstance(said, dict) else ():
        match given:
            case [str(first), str() | None as now] if name in choices:
                if first in choices[name] and now in (None, *choices[name]):
                    made[name] = Answer(first, now)
            case [str(first), str() | None as now] if re.fullmatch(r"own-[0-9a-f]{12}", name):
                made[name] = Answer(first[:40], now and now[:40])
    return made


def answer_of(lesson: "Lesson") -> Answer | None:
    """What was answered in a lesson, if anything was."""
    return st.session_state["_answers"].get(lesson.name)


def ask_question(lesson: "Lesson", *, present: bool) -> None:
    """The choices of a lesson as buttons: to press one is to commit."""
    columns = st.columns(2 if present else 1)
    for place, (name, text) in enumerate(lesson.choices.items(), start=1):
        columns[(place - 1) % len(columns)].button(
            prose.label(lesson, text),
            key=f"choice-{lesson.name}-{name.strip('[]')}",
            on_click=_commit,
            args=(lesson.name, name),
            shortcut=str(place) if present else None,
            width="stretch",
            wrap=True,
        )


def lead_on(lessons: "list[Lesson]", lesson: "Lesson") -> None:
    """Where reading ends, a button to the next lesson."""
    place = lessons.index(lesson) + 1
    if place < len(lessons):
        st.button(
            f"Next lesson: {lessons[place].title}",
            key="lesson-on",
            icon=":material/arrow_forward:",
            type="primary",
            on_click=st.session_state.update,
            args=({"lesson": lessons[place].name},),
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
    answers = st.session_state["_answers"]
    answers[lesson] = replace(answers[lesson], now=choice) if lesson in answers else Answer(choice or "", choice)


def mark_of(lesson: "Lesson") -> str:
    """How a lesson stands, as one of `MARKS`: open, right at first, right later or wrong."""
    given = answer_of(lesson)
    if given is None:
        return "open"
    if given.first == lesson.right:
        return "first"
    return "later" if given.now == lesson.right else "wrong"


def show_progress(lessons: "list[Lesson]", current: "Lesson", course: "Course | None") -> None:
    """Every lesson, or those of a course, with how it stands; a click opens it."""
    if course is not None:
        st.markdown(f"**{course.minutes} minutes: {course.title}**")
        st.button(
            "All lessons",
            key="path-leave",
            icon=":material/close:",
            type="tertiary",
            on_click=st.session_state.update,
            args=({"path": ""},),
        )
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
    st.caption(
        "○ open · ✓ right at first try · ↻ right later · ✗ not yet right. It is kept in this browser and nowhere else."
    )
    if done:
        with st.popover("Forget my answers", icon=":material/delete:", type="tertiary"):
            given = st.session_state["_answers"]
            every = f"Forget all {len(given)}" if len(given) > 1 else "Forget it"
            st.button(every, key="lessons-forget", on_click=given.clear)


def choose_answers() -> "Answers":
    """The reader's answers to the four questions of `pooling.recommend`."""
    from pooling.recommend import QUESTIONS

    given = {}
    for place, question in zip([*st.columns(2), *st.columns(2)], QUESTIONS, strict=True):
        key = f"advice-{question.name}"
        first = next(iter(question.answers))
        given[question.name] = kept.one_of(place.radio, question.text, question.answers, key=key, default=first)
    return cast("Answers", given)
