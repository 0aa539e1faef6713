"""What a class has voted, as bars over the choices and as a table; both without anybody's name."""

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from pooling.lessons import Lesson

ROUNDS = ("First vote", "Second vote")
LETTERS = "ABCDE"


def choices(lesson: "Lesson", votes: Sequence[Counter[str]] = (), *, answer: bool = False, mine: str = "") -> str:
    """The choices of a lesson as HTML, each under its letter, with a bar for each vote that is shown.

    Args:
        lesson: the lesson.
        votes: of each round that is shown, how often each choice was made.
        answer: whether the right one is marked.
        mine: the one that its reader chose.
    """
    head = "".join(f'<span class="pp-round">{one}</span>' for one, _ in zip(ROUNDS, votes, strict=False))
    rows = []
    for letter, (name, text) in zip(LETTERS, lesson.choices.items(), strict=False):
        right = answer and name == lesson.right
        mark = ' <strong class="pp-right-said">✓ right</strong>' if right else ""
        mark += ' <strong class="pp-mine">your vote</strong>' if mine and name == mine else ""
        bars = "".join(_bar(one[name], one.total(), i) for i, one in enumerate(votes))
        rows.append(
            f'<li{" class=pp-right" if right else ""}><b class="pp-letter">{letter}</b>'
            f'<span class="pp-choice">{escape(text)}{mark}</span>{bars}</li>'
        )
    head = f'<div class="pp-rounds" aria-hidden="true"><span></span><span></span>{head}</div>' if len(votes) > 1 else ""
    return f'<div class="pp-votes pp-votes-{len(votes)}">{head}<ol>{"".join(rows)}</ol></div>'


def _bar(count: int, total: int, place: int) -> str:
    share = count / total if total else 0.0
    return (
        f'<span class="pp-bar pp-bar-{place}"><i style="width:{100 * share:.1f}%"></i>'
        f'<span><span class="pp-spoken">{ROUNDS[place]}: </span><b>{count}</b> · {share:.0%}</span></span>'
    )


def said(lesson: "Lesson", votes: Sequence[Counter[str]]) -> str:
    """How many were right, in a sentence; nothing where nobody has answered."""
    parts = [f"{one[lesson.right]} of {one.total()}" for one in votes if one.total()]
    if not parts:
        return "Nobody has answered."
    return f"Right: {parts[0]}." if len(parts) < 2 else f"Right: {parts[0]} at first, {parts[1]} after talking."


def table(asked: Sequence[tuple["Lesson", Sequence[Counter[str]]]]) -> pd.DataFrame:
    """The class's table: a row a choice, with how often it was made in the first vote and in the second."""
    return pd.DataFrame(
        [
            {
                "number": place,
                "lesson": lesson.title,
                "question": lesson.question,
                "choice": f"{letter}: {text}",
                "right": "yes" if name == lesson.right else "",
                "first vote": votes[0][name],
                "second vote": votes[1][name] if len(votes) > 1 else None,
            }
            for place, (lesson, votes) in enumerate(asked, start=1)
            for letter, (name, text) in zip(LETTERS, lesson.choices.items(), strict=False)
        ],
        columns=["number", "lesson", "question", "choice", "right", "first vote", "second vote"],
    ).astype({"second vote": "Int64"})
