"""A page that waits: its place in a line, how far the work is, and its answer."""

import time
from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st

from pages.ui import layout
from pooling.background import Line, LineFull, Report, Stopped, Work, WorkLine, place_in_line, waits_for


def answer(line: WorkLine, key: Hashable, do: Callable[[Report], Any], what: str, *, title: str) -> Any:
    """The answer of this key's work; until it comes, the page shows how far it is.

    When the work goes wrong, the page says so and stops there.

    Args:
        key: everything the work reads.
        do: is handed a function to report the share done, which may end it.
        what: what this page is told it waits for,
        title: and what others are.
    """
    place = st.empty()
    while True:
        try:
            work = line.ask(key, lambda: Work(title, do))
        except LineFull as full:
            place.warning(f"{what}: {full}", icon=":material/hourglass:")
            layout.stop()
        with work.waited_for():
            # Each sign of life is also where Streamlit may stop this run for a newer one.
            while not work.ended.wait(0.25):
                running = work.state == "running"
                place.progress(
                    work.share, text=work.says(what) if running else f"{what}: {waits_for(line.ahead(work))}"
                )
        if isinstance(work.error, Stopped):
            continue  # it was given up in the moment that this page came back
        place.empty()
        if work.error is not None:
            layout.problem(f"{what}: this could not be computed. Other settings may work.")
            layout.stop()
        return work.answer


def for_turn(line: Line, ticket: object, what: str) -> None:
    """Show how many are before this page in a line, until its turn comes."""
    place = st.empty()
    while before := line.before(ticket):
        place.progress(0.0, place_in_line(before, what))
        time.sleep(0.5)
    place.empty()
