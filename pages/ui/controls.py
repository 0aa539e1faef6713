"""Widgets to plain values: names, numbers, texts. Nothing is computed here."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import url
from pooling.catalogue import DEFAULT, MODELS, get_model
from pooling.datasets import MOST_BYTES, MOST_ROWS, own_topics, sample_sets

if TYPE_CHECKING:
    from pooling import Encoder, Strategy
    from pooling.encoders import Layer
    from pooling.projection import Umap

MOST_SENTENCES = 32
MOST_CHARACTERS = 1000
MOST_NEIGHBOURS = 50


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


@dataclass(frozen=True)
class Corpus:
    """Texts to map, and a label for each, or no label."""

    name: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]

    @cached_property
    def digest(self) -> str:
        """Different for other texts: a short key for what is computed from them, whatever their labels."""
        return hashlib.sha256("\x1f".join(self.texts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def choose_source() -> str:
    """Whose texts to map: "topics", "own" or "file"."""
    names = {"topics": "Bundled topics", "own": "Your sentences", "file": "A file"}
    url.choice("map-texts", list(names), "topics")
    return st.segmented_control(
        "Texts", list(names), format_func=names.get, key="map-texts", required=True, persist_state="session"
    )


def choose_corpus(source: str) -> Corpus | None:
    """The texts to map; None while a file is asked for and there is none to read."""
    if source == "topics":
        return Corpus(source, *own_topics())
    return Corpus(source, current().texts, ()) if source == "own" else _corpus_of_file()


def _corpus_of_file() -> Corpus | None:
    """Texts and labels in two columns of a reader's table, chosen by name."""
    from pages.ui import cache, layout

    upload, columns = st.columns([3, 2])
    file = upload.file_uploader(
        f"A CSV or TSV file with a header: at most {MOST_ROWS:,} rows and {MOST_BYTES >> 20} MB",
        type=["csv", "tsv", "txt"],
        key="map-file",
    )
    if file is None:
        return None
    try:
        table = cache.table(file.getvalue())
        names = list(table.columns)
        longest = table.head(200).map(len).mean().to_numpy().argmax()
        with columns:
            text = st.selectbox("Column with the texts", names, index=int(longest), key="map-text-column")
            label = st.selectbox(
                "Column with labels",
                [name for name in names if name != text],
                index=None,
                placeholder="No labels",
                key="map-label-column",
                help="Texts with the same label get one colour and one marker.",
            )
        return Corpus("file", *cache.texts_of(table, text, label))
    except ValueError as error:
        layout.problem(str(error))
        return None


def choose_map() -> tuple[str, int]:
    """How to map: "pca" or "umap", and the number of axes, 2 or 3."""
    from pooling.projection import FEWEST_FOR_UMAP

    kinds = {"pca": "PCA", "umap": "UMAP"}
    url.choice("map-kind", list(kinds), "pca")
    kind = st.segmented_control(
        "Map",
        list(kinds),
        format_func=kinds.get,
        key="map-kind",
        required=True,
        persist_state="session",
        help=(
            "PCA is a shadow: it turns the cloud of points until the shadow is widest, at once and always the same. "
            "UMAP ties each text to its nearest neighbours and lays the ties out flat, which keeps more of who is "
            f"near whom and loses what is far from what. UMAP needs at least {FEWEST_FOR_UMAP} texts."
        ),
    )
    axes = {"2": "2D", "3": "3D"}
    url.choice("map-axes", list(axes), "2")
    chosen = st.segmented_control(
        "Axes", list(axes), format_func=axes.get, key="map-axes", required=True, persist_state="session"
    )
    return kind, int(chosen)


def choose_settings(kind: str, axes: int) -> tuple[str, "Umap"]:
    """What counts as near ("cosine" or "euclidean"), and the settings of a UMAP fit."""
    from pooling.projection import Umap

    metrics = {"cosine": "Cosine", "euclidean": "Euclidean"}
    distances = ("0.0", "0.05", "0.1", "0.25", "0.5", "0.8")
    url.choice("map-metric", list(metrics), "cosine")
    url.number("map-neighbours", 2, MOST_NEIGHBOURS, Umap.neighbours)
    url.choice("map-distance", distances, str(Umap.distance))
    url.number("map-seed", 0, 9999, Umap.seed)
    with st.popover("Settings", icon=":material/tune:", key="map-settings"):
        metric = st.segmented_control(
            "What counts as near",
            list(metrics),
            format_func=metrics.get,
            key="map-metric",
            required=True,
            persist_state="session",
        )
        st.caption(
            "Cosine compares directions, as semantic search does: embeddings are scaled to length 1 first. "
            "Euclidean also counts their lengths. It holds for the map and for every neighbour on this page."
        )
        if kind == "umap":
            neighbours = st.slider("Neighbours", 2, MOST_NEIGHBOURS, key="map-neighbours", persist_state="session")
            st.caption("How many each text is tied to. Few: small clumps and detail. Many: the whole picture.")
            distance = st.select_slider("Least distance", distances, key="map-distance", persist_state="session")
            st.caption("How closely points may pack. 0 makes tight clumps; larger spreads them out evenly.")
            seed = st.number_input("Seed", 0, 9999, key="map-seed", persist_state="session")
            st.caption(
                "UMAP moves points by chance. The same seed gives the same picture; what changes with "
                "another seed is not in the data."
            )
            return metric, Umap(neighbours, float(distance), seed, axes)
    return metric, Umap(axes=axes)


def choose_search() -> str:
    """What to ring on the map."""
    url.text("map-search", "")
    return st.text_input(
        "Find",
        key="map-search",
        placeholder="a word or a label",
        max_chars=100,
        width=170,
        persist_state="session",
    )


def choose_compared(first: str, possible: Sequence[str], default: Sequence[str]) -> list[str]:
    """The strategies to set beside the first, five at most."""
    from pooling import get_strategy

    others = [name for name in possible if name != first]
    url.several("map-with", others, [name for name in default if name in others], most=5)
    return st.multiselect(
        f"Set beside {get_strategy(first).label}",
        others,
        format_func=lambda name: get_strategy(name).label,
        key="map-with",
        max_selections=5,
        placeholder="Choose one to five strategies",
        persist_state="session",
    )
