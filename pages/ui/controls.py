"""Widgets to plain values: names, numbers, texts. Nothing is computed here."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import url
from pooling.catalogue import DEFAULT, MODELS, get_model
from pooling.datasets import sample_sets

if TYPE_CHECKING:
    from pooling import Encoder, Strategy
    from pooling.encoders import Layer
    from pooling.similarity import Measure

MOST_SENTENCES = 32
MOST_CHARACTERS = 1000


@dataclass(frozen=True)
class Choice:
    """What the sidebar says."""

    texts: tuple[str, ...]
    model: str
    strategy: "Strategy"
    layer: "Layer"


def sidebar() -> None:
    """The choices that every page shares; a page reads them with `current`."""
    from pages.ui import cache

    texts = choose_sentences()
    strategy = choose_strategy()
    layer = choose_layer(model_asked_for())
    model = choose_model()
    show_trained_pooling(cache.encoder(model), strategy, layer)
    st.session_state["_choice"] = Choice(texts, model, strategy, layer)


def current() -> Choice:
    """What the sidebar says; without a sentence, the page stops with a word on what to do."""
    choice: Choice = st.session_state["_choice"]
    if not choice.texts:
        st.info(
            "There is no sentence to pool. Write one in the box of the sidebar, or choose a sample set.",
            icon=":material/edit:",
        )
        st.stop()
    return choice


def choose_sentences() -> tuple[str, ...]:
    """The sentences of the sidebar, one a line, what breaks a limit left out and said so."""
    sets = {s.name: s for s in sample_sets()}
    chosen = url.choice("set", list(sets), next(iter(sets)))
    st.selectbox(
        "Sample sentences",
        list(sets),
        format_func=lambda name: sets[name].title,
        key="set",
        persist_state="session",
        on_change=_take_sample,
    )
    st.caption(sets[chosen].look_for)
    in_link = url.text("text", "\n".join(sets[chosen].sentences))
    typed = st.text_area(
        "Your sentences, one a line",
        key="text",
        height=190,
        persist_state="session",
        help="Press Ctrl+Enter (⌘+Enter on a Mac), or click elsewhere, to use what you typed.",
    )
    texts, problems = read_sentences(typed or "")
    for problem in problems:
        st.warning(problem, icon=":material/info:")
    if not in_link:
        st.caption("This text is too long for a link, so the page's address leaves it out.")
    return texts


def _take_sample() -> None:
    st.session_state["text"] = "\n".join(next(s for s in sample_sets() if s.name == st.session_state["set"]).sentences)


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


def model_asked_for() -> str:
    """The model that `choose_model` will show, known before the sidebar is drawn."""
    return url.choice("model", [m.name for m in MODELS], DEFAULT)


def choose_model() -> str:
    """The name of a model in the catalogue."""
    model_asked_for()
    names = [m.name for m in MODELS]
    name = st.selectbox("Model", names, format_func=_short, key="model", persist_state="session")
    model = get_model(name)
    st.caption(f"{model.why} {model.parameters} parameters, {model.licence}.")
    return name


def choose_strategy() -> "Strategy":
    """A pooling strategy of the registry."""
    from pooling import all_strategies, get_strategy

    names = [s.name for s in all_strategies()]
    url.choice("strategy", names, "mean")
    name = st.selectbox(
        "Pooling strategy",
        names,
        format_func=lambda n: get_strategy(n).label,
        key="strategy",
        persist_state="session",
    )
    return get_strategy(name)


def choose_layer(model: str) -> "Layer":
    """A layer of the model, or its first and last to average."""
    last = get_model(model).layers
    names = {str(i): str(i) for i in range(last + 1)}
    names |= {"0": "0 (input)", str(last): f"{last} (last)", "first-last": f"average of 1 and {last}"}
    url.choice("layer", list(names), str(last))
    name = st.select_slider(
        "Layer",
        list(names),
        format_func=names.get,
        key="layer",
        persist_state="session",
        help=(
            "Which hidden states are pooled: 0 are the input embeddings, before any attention; each "
            "layer after it has mixed in more of the context."
        ),
    )
    return (1, last) if name == "first-last" else int(name)


def show_trained_pooling(encoder: "Encoder", strategy: "Strategy", layer: "Layer") -> None:
    """What the model was trained with, and a mild warning when something else is chosen."""
    from pooling import get_strategy

    if encoder.trained_pooling is None:
        st.badge("Not trained for pooling", icon=":material/help:", color="gray")
        return
    trained = get_strategy(encoder.trained_pooling)
    st.badge(f"Trained with: {trained.label}", icon=":material/model_training:", color="green")
    if strategy.name != trained.name or layer != encoder.layers:
        st.caption(
            f":orange-badge[:material/warning: Off its training] This model was tuned with "
            f"{trained.label} of its last layer, and is calibrated for that alone."
        )


def choose_sentence(texts: tuple[str, ...]) -> int:
    """The index of one sentence."""
    options = [str(i) for i in range(1, len(texts) + 1)]
    url.choice("sentence", options, "1")
    name = st.selectbox(
        "Sentence",
        options,
        format_func=lambda i: f"{i} · {texts[int(i) - 1]}",
        key="sentence",
        persist_state="session",
    )
    return int(name) - 1


def choose_dimensions(dim: int) -> tuple[str, int]:
    """Which dimensions to show: a name for `chosen_dimensions`, and where the window starts."""
    names = {"window": "A window of 32", "varied": "32 most varied", "all": f"All {dim}"}
    url.choice("show", list(names), "varied")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        name = st.segmented_control(
            "Dimensions",
            list(names),
            format_func=names.get,
            key="show",
            required=True,
            label_visibility="collapsed",
            persist_state="session",
        )
        start = 0
        if name == "window":
            url.number("from", 0, dim - 32, 0)
            start = st.slider("from dimension", 0, dim - 32, key="from", persist_state="session", width=360)
    return name, start


def current_dimension(dim: int, default: int) -> int:
    """The dimension that `choose_dimension` will show, known before it is drawn."""
    return url.number("dimension", 0, dim - 1, default)


def choose_dimension(dim: int, default: int) -> int:
    """One dimension, by number."""
    current_dimension(dim, default)
    return st.number_input(
        f"Dimension, from 0 to {dim - 1}", 0, dim - 1, key="dimension", persist_state="session", width=220
    )


def offer_another(reason: str) -> None:
    """Why the chosen strategy cannot be computed, and a button that takes mean pooling instead."""
    st.warning(reason, icon=":material/block:")
    st.button("Use mean pooling", on_click=st.session_state.update, args=({"strategy": "mean"},))


def _short(model: str) -> str:
    return model.rpartition("/")[2]


def choose_measure() -> "tuple[Measure, bool]":
    """How embeddings are compared, and whether they are centred first."""
    from pooling.similarity import METRICS, Measure

    url.choice("metric", list(METRICS), "cosine")
    url.flag("normalise")
    url.flag("centre")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        metric = st.segmented_control(
            "Compare by",
            list(METRICS),
            format_func=METRICS.get,
            key="metric",
            required=True,
            label_visibility="collapsed",
            persist_state="session",
        )
        normalise = st.toggle(
            "L2-normalise",
            key="normalise",
            persist_state="session",
            help=(
                "Scale every embedding to length 1 first. Then dot product and cosine are the same number, "
                "and all three measures give the same order of neighbours."
            ),
        )
        centre = st.toggle(
            "Centre",
            key="centre",
            persist_state="session",
            help=(
                "Remove what all texts have in common first: the mean embedding of the 256 bundled sentences. "
                "It shows most where all cosines are high (a property called anisotropy)."
            ),
        )
    return Measure(metric, normalise), centre


def choose_query(texts: tuple[str, ...]) -> tuple[int, str | None]:
    """Whose neighbours to show: the index of a sentence, or a query that was typed instead."""
    sentence, words = st.columns(2)
    with sentence:
        index = choose_sentence(texts)
    with words:
        url.text("query", "")
        typed = st.text_input(
            "Or search with your own words",
            key="query",
            placeholder="e.g. music in the evening",
            persist_state="session",
        )
    query = (typed or "").strip()
    if typed and not query:
        st.warning("The query is blank: write a few words, or clear the box.", icon=":material/info:")
    if len(query) > MOST_CHARACTERS:
        st.warning(
            f"The query has {len(query):,} characters; shorten it to {MOST_CHARACTERS:,}. Until then the "
            "neighbours are those of the sentence on the left.",
            icon=":material/info:",
        )
        query = ""
    return index, query or None


def choose_pair(texts: tuple[str, ...]) -> tuple[int, int]:
    """The indices of two sentences; with one sentence alone, it is compared with itself."""
    options = [str(i) for i in range(1, len(texts) + 1)]
    chosen = []
    for column, key, default in zip(st.columns(2), ("pair1", "pair2"), (options[0], options[:2][-1]), strict=True):
        url.choice(key, options, default)
        chosen.append(
            column.selectbox(
                "First sentence" if key == "pair1" else "Second sentence",
                options,
                format_func=lambda i: f"{i} · {texts[int(i) - 1]}",
                key=key,
                persist_state="session",
            )
        )
    return int(chosen[0]) - 1, int(chosen[1]) - 1
