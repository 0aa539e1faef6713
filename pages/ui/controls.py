"""Widgets to plain values: names, numbers, texts. Nothing is computed here."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import url
from pooling.catalogue import DEFAULT, MODELS, get_model
from pooling.datasets import own_pairs, read_pairs, read_table, sample_sets, stsb_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pooling import Encoder, Strategy
    from pooling.datasets import Pair
    from pooling.encoders import Layer

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


TEMPERATURES = ("0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10", "20")


def choose_temperature() -> float:
    """What the head's scores are divided by: from one token to mean."""
    url.choice("temperature", TEMPERATURES, "1")
    names = {"0.05": "0.05 · one token", "1": "1 · as trained", "20": "20 · mean"}
    chosen = st.select_slider(
        "Temperature of the head",
        TEMPERATURES,
        format_func=lambda t: names.get(t, t),
        key="temperature",
        persist_state="session",
        help="The head's scores are divided by it: below 1 the weights sharpen towards one token, above 1 they "
        "flatten towards mean pooling.",
    )
    return float(chosen)


def choose_head(has_own: bool, has_ready: bool) -> bool:
    """Whether to listen with the reader's own head; asked only where there is a choice."""
    if not (has_own and has_ready):
        return has_own
    if st.session_state.pop("_new_head", False) or "attention-head" not in st.session_state:
        st.session_state["attention-head"] = "yours"
    names = {"ready": "Ready-made", "yours": "Yours"}
    chosen = st.segmented_control(
        "Head", list(names), format_func=names.get, key="attention-head", required=True, persist_state="session"
    )
    return chosen == "yours"


def choose_listener(labels: dict[str, str]) -> str:
    """One of several strategies, by name."""
    url.choice("listener", list(labels), next(iter(labels)))
    return st.segmented_control(
        "Whose weights",
        list(labels),
        format_func=labels.get,
        key="listener",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )


def offer_layer(reason: str, layers: list[int], layer: "Layer") -> None:
    """Why there is no head here, and a button for the nearest layer that has one."""
    st.warning(f"{reason} Or train one here, at the foot of this page.", icon=":material/block:")
    if layers:
        wanted = layer if isinstance(layer, int) else layers[-1]
        near = min(layers, key=lambda one: (abs(one - wanted), -one))
        st.button(f"Use layer {near}", on_click=st.session_state.update, args=({"layer": str(near)},))


@dataclass(frozen=True)
class Training:
    """What a reader wants to train a head with."""

    data: str
    """Where the pairs come from, in the project's own words."""
    parts: "dict[str, Sequence[Pair]]"
    settings: dict[str, Any]
    """Epochs, learning rate and seed, as `pooling.jobs.Job` takes them."""


def choose_training() -> Training | None:
    """Pairs to train a head on, and how; None, with the reason shown, while the pairs cannot be used."""
    from pages.ui import cache

    folder = stsb_folder()
    names = {"own": "This project's own pairs", "stsb": "STS Benchmark", "csv": "A CSV of yours"}
    said = {"own": "this project's own pairs", "stsb": "the STS Benchmark", "csv": "a CSV of the reader's"}
    if folder is None:
        del names["stsb"]
    url.choice("head-pairs", list(names), "own")
    data = st.segmented_control(
        "Scored pairs", list(names), format_func=names.get, key="head-pairs", required=True, persist_state="session"
    )
    if data == "csv":
        parts = _pairs_of_a_file()
    elif data == "stsb":
        parts = cache.stsb(folder)
    else:
        parts = {split: own_pairs(split) for split in ("train", "dev", "test")}
    if folder is None and data == "own":
        st.caption("The STS Benchmark joins this list where the server's POOLING_DATA names its folder.")
    url.number("head-epochs", 1, 30, 10)
    url.number("head-seed", 0, 9999, 0)
    rates = ("0.0001", "0.0003", "0.001", "0.003", "0.01")
    url.choice("head-rate", rates, "0.001")
    left, middle, right = st.columns(3)
    epochs = left.slider(
        "Epochs", 1, 30, key="head-epochs", persist_state="session", help="How often it sees every pair."
    )
    rate = middle.select_slider(
        "Learning rate", rates, key="head-rate", persist_state="session", help="How far each step moves the head."
    )
    seed = right.number_input(
        "Seed",
        0,
        9999,
        key="head-seed",
        persist_state="session",
        help="The order of the pairs; the same seed, the same head.",
    )
    if parts is None:
        return None
    st.caption(
        f"{len(parts['train']):,} pairs to train on, {len(parts['dev']):,} to choose the best epoch by, "
        f"{len(parts['test']):,} held back for the test at the end."
    )
    return Training(said[data], parts, {"epochs": epochs, "learning_rate": float(rate), "seed": int(seed)})


def _pairs_of_a_file() -> "dict[str, Sequence[Pair]] | None":
    from pages.ui import cache, layout

    given = st.file_uploader(
        "Two texts and a score a row, with a header; it is split so that no sentence is shared",
        type=["csv", "tsv", "txt"],
        key="attention-csv",
        max_upload_size=5,
    )
    if given is None:
        return None
    try:
        table = read_table(given.getvalue())
        columns = list(table.columns)
        if len(columns) < 3:
            raise ValueError(f"The file has {len(columns)} columns; it needs two of texts and one of scores.")
        chosen = [
            place.selectbox(label, columns, index=i, key=f"attention-column-{i}")
            for i, (place, label) in enumerate(zip(st.columns(3), ("First text", "Second text", "Score"), strict=True))
        ]
        return cache.split_pairs(tuple(read_pairs(table, *chosen)))
    except ValueError as error:
        layout.problem(str(error))
        return None
