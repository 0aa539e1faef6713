"""The sentences: a sample set in the sidebar, or what a reader writes in the page, one a line."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import kept, url
from pooling.catalogue import DEFAULT, PLAIN, get_model, short
from pooling.datasets import sample_sets

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from pooling.recipe import Recipe

MOST_CHARACTERS = 1000
MOST_SENTENCES = 32
OWN = "own"
"""What the list of sample sets holds for a text that is none of them."""

_take_place = st.components.v2.component(
    "take_place", js=Path(__file__).with_name("take_place.js").read_text(encoding="utf-8")
)


def chosen_text() -> str:
    """The text of the sentences, wherever its box and the list of sample sets stand."""
    state, sets = st.session_state, _sample_texts()
    first = next(iter(sets))
    # By hand: which sets there are, and which is shown, depends on the text, and the other way round.
    asked = url.choice("set", [*sets, OWN], first)
    url.text("text", sets.get(asked, sets[first]))
    typed = state["text"] or ""
    shown = next((name for name, text in sets.items() if text == typed), OWN)
    if shown == OWN:
        state["_own_text"] = typed
    if shown != asked:
        state["set"] = shown
    url.choice("set", [*sets, OWN], OWN if shown == OWN else first)
    return typed


def choose_sample() -> "DeltaGenerator":
    """The list of sample sets to take another from, after `chosen_text`; the place below it is returned."""
    state, samples = st.session_state, {s.name: s for s in sample_sets()}
    shown = state["set"]
    kept.one_of(
        st.selectbox,
        "Sample sentences",
        [*([OWN] if "_own_text" in state else []), *samples],
        key="set",
        default=OWN if shown == OWN else next(iter(samples)),
        label=lambda name: samples[name].title if name in samples else "Your own sentences",
        on_change=_take_sample,
    )
    return st.container()


def what_to_look_for(recipe: "Recipe") -> str:
    """What the sample set shows on the default model as it comes; where something else is chosen, it says where."""
    shown = next((one.look_for for one in sample_sets() if one.name == st.session_state["set"]), "")
    chosen = recipe.model, recipe.layer, recipe.template, recipe.after
    seen = DEFAULT, get_model(DEFAULT).layers, PLAIN, ()
    return shown if chosen == seen or not shown else f"Seen at the last layer of {short(DEFAULT)}: {shown}"


def _take_sample() -> None:
    """The sentences of the set that was chosen, or those that the reader wrote before."""
    state = st.session_state
    state["text"] = state["_own_text"] if state["set"] == OWN else _sample_texts()[state["set"]]


def _sample_texts() -> dict[str, str]:
    return {s.name: "\n".join(s.sentences) for s in sample_sets()}


def write() -> None:
    """The box to write sentences in, one a line; what breaks a limit is left out, and said so."""
    sets = _sample_texts()
    in_link = url.text("text", sets.get(st.session_state["set"], next(iter(sets.values()))))
    typed = st.text_area(
        "Your sentences, one a line",
        key="text",
        height=104,
        persist_state="session",
        help="Press Ctrl+Enter (⌘+Enter on a Mac), or click elsewhere, to use what you typed.",
    )
    _take_place(data=st.session_state["set"] != OWN, key="take-place")
    for problem in read_sentences(typed or "")[1]:
        st.warning(problem, icon=":material/info:")
    if not in_link:
        st.caption("This text is too long for a link, so the page's address leaves it out.")


def read_sentences(typed: str) -> tuple[tuple[str, ...], list[str]]:
    """The usable sentences of a text, one a line, and a sentence for each thing left out."""
    lines = [line.strip() for line in typed.split("\n")]
    texts = [line for line in lines if line]
    problems = []
    long = [i for i, line in enumerate(texts, start=1) if len(line) > MOST_CHARACTERS]
    if long:
        named = ", ".join(map(str, long[:5])) + (" and others" if len(long) > 5 else "")
        problems.append(
            f"Left out: sentence {named} has more than {MOST_CHARACTERS:,} characters. Shorten it, or "
            "break it into lines."
        )
        texts = [line for line in texts if len(line) <= MOST_CHARACTERS]
    if len(texts) > MOST_SENTENCES:
        problems.append(
            f"Only the first {MOST_SENTENCES} of your {len(texts)} sentences are used. Remove "
            f"{len(texts) - MOST_SENTENCES} to choose which."
        )
    return tuple(texts[:MOST_SENTENCES]), problems
