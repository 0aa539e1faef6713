"""Widgets to plain values: names, numbers, texts. Nothing is computed here.

Here is what several pages share; the sidebar's and each page's own are in the file of their name.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import kept, layout, url
from pages.ui.choice import Choice
from pages.ui.controls import sentences

if TYPE_CHECKING:
    from pathlib import Path

    from pooling import Strategy
    from pooling.registry import Param, Settings

DEFAULT_STRATEGY = "mean"


def current(*, with_texts: bool = True, with_strategy: bool = True) -> Choice:
    """What is chosen in the sidebar and, by the widgets that are drawn here, in the page.

    Without a sentence, a page that needs one stops with a word on what to do; one that shows long ones waits here for
    its turn.

    Args:
        with_texts: whether the page reads the sentences.
        with_strategy: whether it reads the strategy.
    """
    from pages.ui import cache, capacity

    choice: Choice = st.session_state["_choice"]
    if with_texts:
        sentences.write()
    if with_strategy:
        choose_strategy()
    if with_texts and not choice.texts:
        st.info(
            "There is no sentence to pool. Write one in the box above, or choose a sample set in the sidebar.",
            icon=":material/edit:",
        )
        layout.stop()
    if with_texts:
        capacity.take_turn_for_sentences(choice.texts, cache.encoder(choice.model), choice.reading.template)
    return choice


def choose_strategy() -> None:
    """A pooling strategy of the registry, read with `chosen_strategy`."""
    from pooling import all_strategies

    labels = {one.name: one.label for one in all_strategies()}
    with st.container(key="strategy-row"):
        kept.one_of(
            st.pills,
            "Pooling strategy",
            labels,
            key="strategy",
            default=DEFAULT_STRATEGY,
            required=True,
            label_visibility="collapsed",
        )


def chosen_strategy() -> "Strategy":
    """The strategy that is chosen, wherever its buttons stand."""
    from pooling import all_strategies, get_strategy

    return get_strategy(url.choice("strategy", [one.name for one in all_strategies()], DEFAULT_STRATEGY))


def choose_sentence(texts: tuple[str, ...]) -> int:
    """The index of one sentence."""
    options = [str(i) for i in range(1, len(texts) + 1)]
    name = kept.one_of(
        st.selectbox,
        "Sentence",
        options,
        key="sentence",
        default="1",
        label=lambda i: numbered(texts, i),
        label_visibility="collapsed",
    )
    return int(name) - 1


def numbered(texts: tuple[str, ...], number: str) -> str:
    """What a sentence is called in a list: its number, from 1, and itself."""
    return f"{number} · {texts[int(number) - 1]}"


def choose_dimensions(dim: int) -> tuple[str, int]:
    """Which dimensions to show: a name for `chosen_dimensions`, and where the window starts."""
    names = {"window": "A window of 32", "varied": "32 most varied", "all": f"All {dim}"}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        name = kept.one_of(
            st.segmented_control,
            "Dimensions",
            names,
            key="show",
            default="varied",
            required=True,
            label_visibility="collapsed",
        )
        start = 0
        if name == "window" and dim > 32:
            start = kept.number(st.slider, "from dimension", 0, dim - 32, key="from", default=0, width=360)
    return name, start


def settings_key(strategy: "Strategy", param: "Param") -> str:
    """The key of a parameter's slider, in the state and in the link."""
    return f"{strategy.name}.{param.name}"


def chosen_settings() -> "tuple[tuple[str, Settings], ...]":
    """The strategies whose parameters are not at their defaults, by their sliders, drawn or not."""
    from pooling import all_strategies

    made = []
    for strategy in all_strategies():
        # By hand: a strategy's settings count where its sliders are not drawn too.
        options = [[f"{value:g}" for value in param.values] for param in strategy.params]
        chosen = tuple(
            (param.name, float(url.choice(settings_key(strategy, param), names, f"{param.default:g}")))
            for param, names in zip(strategy.params, options, strict=True)
        )
        if chosen != strategy.settings:
            made.append((strategy.name, chosen))
    return tuple(made)


def choose_settings(strategy: "Strategy", *, again: bool = False) -> None:
    """A slider for each parameter of a strategy, read with `chosen_settings`.

    Args:
        again: a second handle, beside the picture that it changes.
    """
    for param in strategy.params:
        said = {param.minimum: param.ends[0], param.maximum: param.ends[1]}
        names = {f"{value:g}": " · ".join(filter(None, [f"{value:g}", said.get(value)])) for value in param.values}
        st.select_slider(
            param.label,
            list(names),
            format_func=names.__getitem__,
            help=param.help,
            **handle(settings_key(strategy, param), again=again),
        )


def handle(key: str, *, again: bool) -> dict[str, Any]:
    """What makes a widget the first handle of the value of this key, or a second one elsewhere."""
    if not again:
        return {"key": key, "persist_state": "session"}
    state, other = st.session_state, f"{key}-again"
    state[other] = state[key]

    def take_over() -> None:
        state[key] = state[other]

    return {"key": other, "on_change": take_over}


def take_strategy(names: Sequence[str], place: int) -> None:
    """Have one of the strategies that are drawn, in their order, chosen: it was pressed."""
    from pooling import all_strategies

    if place < len(names) and names[place] in [one.name for one in all_strategies()]:
        st.session_state["strategy"] = names[place]


def offer_another(reason: str) -> None:
    """Why the chosen strategy cannot be computed, and a button that takes mean pooling instead."""
    st.warning(reason, icon=":material/block:")
    st.button("Use mean pooling", on_click=st.session_state.update, args=({"strategy": "mean"},))


def find_benchmark() -> "Path | None":
    """The folder of the STS Benchmark; where this machine has none, a button that brings it from the Hub."""
    from pooling.hub import HubError
    from pooling.stsb import fetch_stsb, stsb_folder

    if folder := stsb_folder():
        return folder
    st.info(
        "The STS Benchmark is not on this machine. Its 8,628 pairs come from the Hugging Face Hub in a small file; its "
        "scores are CC BY-SA 4.0, its texts have licences of their own.",
        icon=":material/download:",
    )
    if st.button("Bring the STS Benchmark", key="stsb-fetch"):
        try:
            with st.spinner("Downloading the STS Benchmark…"):
                fetch_stsb()
        except HubError as error:
            st.error(str(error), icon=":material/error:")
        else:
            st.rerun()
    return None


def ask(label: str, *, key: str) -> bool:
    """A button that stays pressed for the session, and in a link: something slow is done only when asked for."""
    asked = f"{key}-asked"
    pressed = url.flag(asked)
    st.button(label, key=key, on_click=st.session_state.update, args=({asked: True},), disabled=pressed)
    return pressed
