"""The words of a lesson: this project's own as Markdown, those that somebody typed as text with a little of it.

What was typed may be bold, in italics, in code, or a list. It has no links, no pictures and no HTML: these are shown as
they were typed.
"""

import re
from html import escape
from typing import TYPE_CHECKING

import streamlit as st
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from pooling.lessons import Lesson
    from pooling.own_lesson import OwnLesson

OURS = MarkdownIt("commonmark", {"html": False}).enable("table")
TYPED = MarkdownIt("zero", {"html": False, "breaks": True}).enable(
    ["emphasis", "backticks", "list", "newline", "escape"]
)


def html(lesson: "Lesson", text: str) -> str:
    """A text of a lesson as HTML."""
    return (TYPED if lesson.own else OURS).render(text)


def line(lesson: "Lesson", text: str) -> str:
    """A choice, a question or a title as HTML, without a paragraph around it."""
    return escape(text) if lesson.own else OURS.renderInline(text)


def write(lesson: "Lesson", text: str) -> None:
    """A text of a lesson in the page."""
    if not lesson.own:
        st.markdown(text)
    elif text.strip():
        st.html(TYPED.render(text))


def ground(lesson: "Lesson") -> str:
    """What one has to know to answer, as HTML."""
    return html(lesson, lesson.ground) + _sentences(lesson)


def write_ground(lesson: "Lesson") -> None:
    """What one has to know to answer, in the page."""
    write(lesson, lesson.ground)
    if lesson.sentences:
        st.html(_sentences(lesson))


def _sentences(lesson: "Lesson") -> str:
    each = "".join(f'<li style="overflow-wrap:anywhere">{escape(one)}</li>' for one in lesson.sentences)
    return f"<ol>{each}</ol>" if each else ""


def title(lesson: "Lesson | OwnLesson") -> str:
    """A lesson's title in a list, which says of one that somebody wrote that it is none of this app."""
    return lesson.title + (" (written in the page)" if lesson.own else "")


def label(lesson: "Lesson", text: str) -> str:
    """A choice, a question or a title as Markdown; what was typed is shown letter by letter."""
    return escaped(text) if lesson.own else text


def escaped(text: str) -> str:
    """A text as Markdown that shows it letter by letter; an address in it is no link."""
    # What Streamlit would draw as a link, an arrow or an icon is kept from it by a joiner, which nobody sees.
    apart = re.sub(r"(?i)www(?=\.)|https?(?=:)|@|:(?=\w)|[-<>=~](?=[-<>=~])", "\\g<0>\u2060", " ".join(text.split()))
    return re.sub(r"[!-/:-@\[-`{-~]", r"\\\g<0>", apart)
