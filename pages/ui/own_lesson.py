"""A lesson of one's own on Learn: written in the page, carried by its link or its file, kept in this browser alone.

The address holds the lesson itself, as `pooling.own_lesson.pack` packs it; no server stores it.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import cache, copying, device, layout, prose, url
from pooling.catalogue import AVERAGE, LONGEST_TEMPLATE, PLAIN, all_models, get_model, missing, short
from pooling.hub import HubError
from pooling.own_lesson import (
    ASKS,
    LIMITS,
    LONGEST_CHOICE,
    LONGEST_SAID,
    LONGEST_SENTENCE,
    MOST_BYTES,
    MOST_CHOICES,
    MOST_SENTENCES,
    UNREADABLE,
    OwnLesson,
    cleaned,
    from_file,
    pack,
    to_file,
    unpack,
)
from pooling.registry import all_strategies, get_strategy

if TYPE_CHECKING:
    from pooling.lessons import Lesson

KEY = "own"
"""What an address calls it."""
DEVICE = "pooling-own-lessons"
"""Where a browser keeps those that its reader has kept."""
MOST_KEPT = 12
CHOSEN = ("room-lessons", "sheet-lessons")
"""The addresses' keys of choices among lessons."""
BOXES = {*(one.name for one in fields(OwnLesson)), "choice"}
"""What the keys of the form's boxes begin with, after `own-`."""
ACTS = (
    ("keep", "Keep it in this browser", "bookmark"),
    ("room", "Vote on it in class", "how_to_vote"),
    ("lessons", "As students see it", "school"),
)
"""What can be done with a lesson; two of them are views of the page."""
EXAMPLE = OwnLesson(
    title="Near, by which pooling?",
    ground=(
        "Two sentences differ in what she plays. **Mean** averages all tokens, **max** keeps the largest number of "
        "each dimension, and **CLS** takes the first row alone."
    ),
    ask="strategies",
    sentences=("She plays football on Sundays.", "She plays the violin on Sundays."),
    said={
        "mean": "The shared words pull both means the same way; but the words that differ count as much as they do.",
        "cls": "The first row has read the whole sentence, with the words in which it differs.",
    },
)
"""What stands in the form at first: a lesson that works, to be changed."""


def asked() -> str:
    """The lesson that the address carries, packed; empty where it carries none."""
    url.text(KEY, "")
    return st.session_state[KEY] or ""


def given() -> "Lesson | None":
    """The lesson that the address carries; where it cannot be shown, the page says why and ends here."""
    if not (packed := asked()):
        return None
    try:
        return taken(unpack(packed))
    except ValueError as error:
        layout.problem(str(error))
        _leave("All lessons")
        return layout.stop()


def known() -> list[OwnLesson]:
    """The lesson of the address, and those that this browser keeps."""
    there = [one for packed in filter(None, [asked(), *_kept()]) if (one := _read(packed)) and not one.lacks()]
    return list({one.name: one for one in there}.values())


def taken(lesson: OwnLesson) -> "Lesson":
    """A lesson with its answer.

    Raises:
        ValueError: where it has none, in a sentence.
    """
    try:
        with st.spinner("The model runs now, once for everybody.", show_time=True):
            return cache.own_lesson(pack(lesson))
    except (FileNotFoundError, HubError) as error:
        raise ValueError(f"{error} This lesson runs on that model: choose it in the sidebar first.") from error


def all_taken(lessons: "Sequence[Lesson | OwnLesson]") -> "list[Lesson]":
    """Lessons, with their answers those that somebody wrote.

    Raises:
        ValueError: as `taken` does.
    """
    return [taken(one) if isinstance(one, OwnLesson) else one for one in lessons]


def about(lesson: "Lesson") -> None:
    """Beside a lesson that somebody wrote: whose words these are, and where to go from it."""
    st.markdown("**A lesson from its link**")
    st.caption(
        "Its words are its author's, not this app's."
        + (" The numbers are computed here." if lesson.models else "")
        + " The server does not store it."
    )
    st.button(
        "Change it", key="own-change", icon=":material/edit:", type="tertiary",
        on_click=st.session_state.update, args=({"learn": "write"},),
    )  # fmt: skip
    _leave("All lessons")


def write(teach: "Callable[[Lesson], None]") -> None:
    """The form, and beside it the lesson as students see it."""
    st.caption(
        "Write a lesson, try it beside, and give it to your class: as a link, as a small file, or as a vote on their "
        "phones. It stands in this page's address; the server does not store it."
    )
    _others()
    if (packed := asked()) and _read(packed) is None:
        layout.problem(f"{UNREADABLE} The form shows an example.")
    left, right = st.columns(2, gap="large")
    with left:
        lesson = _form()
    url.text(KEY, "")
    made = None
    with right, st.container(border=True, key="own-preview"):
        if lacking := lesson.lacks():
            layout.remark(" ".join(lacking))
        else:
            try:
                made = taken(lesson)
            except ValueError as error:
                layout.problem(str(error))
            else:
                teach(made)
    with left:
        _give(lesson, made)
    _act(lesson, made)


def _form() -> OwnLesson:
    """The boxes and what is in them."""
    state = st.session_state
    if state[KEY] != state.get("_own_drawn") or "own-title" not in state:
        _fill(_read(state[KEY]) or EXAMPLE)
    url.held_by(KEY, [key for key in map(str, state) if key.startswith("own-") and key.split("-")[1] in BOXES])
    made: dict[str, Any] = {}
    made["title"] = _typed(st.text_input, "Title", "title", LIMITS["title"])
    made["ground"] = _typed(
        st.text_area,
        "What one has to know to answer",
        "ground",
        LIMITS["ground"],
        height=140,
        help="\\*\\*bold\\*\\*, \\*italics\\*, lists with - before each line. Links, pictures and HTML stay as typed.",
    )
    ask = made["ask"] = st.selectbox(
        "What you ask", list(ASKS), format_func=ASKS.__getitem__, key="own-ask", persist_state="session"
    )
    fixed = ask == "fixed"
    made["question"] = _typed(
        st.text_input,
        "Your question" if fixed else "The question in your own words, if you like",
        "question",
        LIMITS["question"],
        placeholder="" if fixed else ASKS[ask],
        help=None if fixed else "The highest cosine is right, whatever your words ask.",
    )
    made["sentences"] = _sentences("Sentences, one a line" + (", if it is about some" if fixed else ""))
    if fixed:
        made["choices"], made["right"] = _choices()
    elif ask == "strategies":
        made["strategies"] = tuple(
            st.multiselect(
                "The choices, in the order in which you choose them",
                [one.name for one in all_strategies()],
                format_func=_label,
                key="own-strategies",
                max_selections=MOST_CHOICES,
                persist_state="session",
            )
        )
    if made["sentences"]:
        with st.expander("Model, layer, prompt" + ("" if ask == "strategies" else ", strategy")):
            made |= _settings(ask)
    named = OwnLesson(**made).named
    if named:
        st.markdown("**What you say to whoever chooses it, and is wrong**")
    made["said"] = {}
    for name, text in named.items():
        if not fixed or name != str(made["right"] + 1):
            what = text if ask == "strategies" else f"{'Choice' if fixed else 'Sentence'} {name}"
            key = text if ask == "sentences" else name
            said = _typed(st.text_area, what, f"said-{ask}-{key}", LONGEST_SAID, height=68)
            made["said"] |= {key: said} if said else {}
    if named and not fixed:
        st.caption("What you write for the right one is not shown.")
    made["reason"] = _typed(st.text_area, "Why it is so", "reason", LIMITS["reason"], height=80)
    written = OwnLesson(**made)
    state[KEY] = state["_own_drawn"] = "" if written == EXAMPLE else pack(written)
    return written


def _typed(draw: Callable[..., str | None], title: str, name: str, most: int, **settings: Any) -> str:
    """What stands in a box of the form."""
    typed = draw(title, key=f"own-{name}", persist_state="session", **settings) or ""
    if len(typed) > most:
        st.warning(f"Of this the first {most:,} characters are used, {len(typed) - most:,} are not.")
    return cleaned(typed, most, lines=draw == st.text_area)


def _sentences(title: str) -> tuple[str, ...]:
    most = MOST_SENTENCES * (LONGEST_SENTENCE + 1)
    lines = [line.strip() for line in _typed(st.text_area, title, "sentences", most, height=120).split("\n")]
    lines = [line for line in lines if line]
    if len(lines) > MOST_SENTENCES:
        st.warning(f"Only the first {MOST_SENTENCES} of your {len(lines)} sentences are used.", icon=":material/info:")
    if any(len(line) > LONGEST_SENTENCE for line in lines):
        st.warning(f"Of a sentence the first {LONGEST_SENTENCE} characters are used.", icon=":material/info:")
    return tuple(line[:LONGEST_SENTENCE] for line in lines[:MOST_SENTENCES])


def _choices() -> tuple[tuple[str, ...], int]:
    """The choices of a question of one's own, with a box more than there are, and which is right."""
    state = st.session_state
    last = max((i for i in range(MOST_CHOICES) if state.get(f"own-choice-{i}")), default=-1)
    boxes = range(min(MOST_CHOICES, max(2, last + 2)))
    texts = tuple(_typed(st.text_input, f"Choice {i + 1}", f"choice-{i}", LONGEST_CHOICE) for i in boxes)
    if state.get("own-right") not in boxes:
        state["own-right"] = 0
    right = st.segmented_control(
        "The right one",
        boxes,
        format_func=lambda i: f"Choice {i + 1}",
        key="own-right",
        required=True,
        persist_state="session",
    )
    return texts, right or 0


def _settings(ask: str) -> dict[str, Any]:
    """How the sentences are embedded."""
    state = st.session_state
    here = [one.name for one in all_models() if missing(one) is None or one.name == state["own-model"]]
    model = st.selectbox("Model", here, format_func=short, key="own-model", persist_state="session")
    last = get_model(model).layers
    layers = {"": "The last"} | {str(i): str(i) for i in range(last)} | {AVERAGE: f"Average of 1 and {last}"}
    if state["own-layer"] not in layers:
        state["own-layer"] = ""
    layer = st.selectbox(
        "Layer", list(layers), format_func=layers.__getitem__, key="own-layer", persist_state="session"
    )
    made = {"model": model, "layer": layer}
    made["template"] = _typed(st.text_input, "Prompt, with {} for the sentence", "template", LONGEST_TEMPLATE) or PLAIN
    if ask != "strategies":
        names = [one.name for one in all_strategies()]
        made["strategy"] = st.selectbox(
            "Strategy", names, format_func=_label, key="own-strategy", persist_state="session"
        )
    return made


def _fill(lesson: OwnLesson) -> None:
    """Have the boxes show a lesson; what it has nothing for is emptied, or the browser would keep the words there."""
    state = st.session_state
    said = {f"said-{lesson.ask}-{name}": text for name, text in lesson.said.items()}
    boxes: dict[str, Any] = {name: getattr(lesson, name) for name in (*LIMITS, "ask", "right", "model", "layer")}
    boxes |= {"template": lesson.template, "strategy": lesson.strategy, "strategies": list(lesson.strategies)}
    boxes |= {"sentences": "\n".join(lesson.sentences)}
    boxes |= {f"choice-{i}": "" for i in range(MOST_CHOICES)} | {f"choice-{i}": c for i, c in enumerate(lesson.choices)}
    boxes |= {key.removeprefix("own-"): "" for key in map(str, state) if key.startswith("own-said-")} | said
    state.update({f"own-{name}": value for name, value in boxes.items()})


def _give(lesson: OwnLesson, made: "Lesson | None") -> None:
    """The ways in which others get it."""
    st.markdown("**Give it to your class**")
    packed = pack(lesson)
    if len(packed) > url.LONGEST:
        st.warning(
            "It is too long for the address, and for a link: take its file, or keep it in this browser. Without either "
            "it is gone when you load the page again.",
            icon=":material/info:",
        )
    elif made:
        address = copying.here()
        copying.button("Copy its link", f"{address}?{KEY}={packed}", key="own-copy")
        if copying.only_here(address):
            st.caption("You have opened the app by an address that means this machine alone, and so does the link.")
    with st.container(horizontal=True):
        st.download_button(
            "As a file",
            lambda: to_file(lesson),
            file_name="pooling-lesson.json",
            mime="application/json",
            icon=":material/download:",
            key="own-file",
            on_click="ignore",
        )
        for act, label, icon in ACTS:
            if made or act == "keep":
                st.button(label, key=f"own-{act}", icon=f":material/{icon}:", on_click=_ask_for, args=(act,))
    if said := st.session_state.pop("_own_said", ""):
        st.caption(said)


def _ask_for(act: str) -> None:
    # A box that was just left changes in the same run: what is done is done to the lesson as it is then.
    st.session_state["_own_act"] = act


def _act(lesson: OwnLesson, made: "Lesson | None") -> None:
    """Do what was asked for by one of the buttons."""
    state = st.session_state
    if act := state.pop("_own_act", ""):
        state[KEY] = state["_own_drawn"] = pack(lesson)
        if act == "keep":
            state["_own_said"] = _keep(lesson)
        elif made:
            state["_own_next"] = {"learn": act} | ({"room-lessons": [made.name]} if act == "room" else {})
        st.rerun()


def _others() -> None:
    """The lessons that this browser keeps, one from a file, an empty one."""
    with st.expander("Another lesson: kept here, from a file, or a new one", icon=":material/folder_open:"):
        for packed in _kept():
            lesson, key = _read(packed), hashlib.sha256(packed.encode()).hexdigest()[:12]
            title = prose.escaped(lesson.title) or "Without a title" if lesson else "Not to be opened by this app"
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button(
                    title,
                    key=f"own-open-{key}",
                    type="tertiary",
                    disabled=lesson is None,
                    on_click=_open,
                    args=(packed,),
                )
                st.button(
                    "Remove",
                    key=f"own-remove-{key}",
                    icon=":material/delete:",
                    type="tertiary",
                    on_click=_remove,
                    args=(packed,),
                )
        st.file_uploader("A lesson's file", type="json", key="own-upload", on_change=_take_file, max_upload_size=1)
        if said := st.session_state.pop("_own_refused", ""):
            layout.problem(said)
        st.button("A new lesson", key="own-new", icon=":material/add:", on_click=_open, args=(pack(OwnLesson()),))


def _take_file() -> None:
    upload = st.session_state["own-upload"]
    if upload is None:
        return
    try:
        _open(pack(from_file(upload.read(MOST_BYTES + 1))))
    except ValueError as error:
        st.session_state["_own_refused"] = str(error)


def _open(packed: str) -> None:
    st.session_state[KEY] = packed


def _leave(label: str) -> None:
    st.button(label, key="own-leave", icon=":material/close:", type="tertiary", on_click=_open, args=("",))


def _keep(lesson: OwnLesson) -> str:
    """Keep a lesson, in place of one of the same title; say what was done."""
    kept = _kept()
    others = [packed for packed in kept if (one := _read(packed)) is None or one.title != lesson.title]
    if len(others) >= MOST_KEPT:
        return f"This browser keeps {MOST_KEPT} lessons already: remove one above."
    st.session_state["_own_kept"] = [pack(lesson), *others]
    return "Kept in this browser" + (", in place of the one of this title." if len(others) < len(kept) else ".")


def _remove(packed: str) -> None:
    st.session_state["_own_kept"] = [one for one in _kept() if one != packed]


def remember() -> None:
    """Before anything is drawn: what was asked for in the form, the address's lesson, those that the browser keeps."""
    state = st.session_state
    state.update(state.pop("_own_next", {}))
    asked()
    linked = state.setdefault("_own_linked", {key: st.query_params.get(key, "") for key in CHOSEN})
    if told := device.news(DEVICE):
        value, first = told
        state["_own_kept"] = list(dict.fromkeys([*(_kept() if first else ()), *_readable(value)]))[:MOST_KEPT]
        # Which lessons an address chooses is known only now, where they are kept in this browser.
        state.update({key: said.split(",") for key, said in linked.items() if "own-" in said})
        state["_own_linked"] = {}
    device.keep(DEVICE, json.dumps(_kept()) if _kept() else "")


def _kept() -> list[str]:
    return st.session_state.setdefault("_own_kept", [])


def _readable(value: str) -> list[str]:
    """What a browser says it keeps that may be lessons, if not of this server's models."""
    try:
        said = json.loads(value)
    except (ValueError, RecursionError):
        return []
    return [one for one in said if isinstance(one, str) and len(one) < MOST_BYTES] if isinstance(said, list) else []


def _read(packed: str) -> OwnLesson | None:
    """A lesson; None where that is none."""
    try:
        return unpack(packed) if packed else None
    except ValueError:
        return None


def _label(name: str) -> str:
    return get_strategy(name).label
