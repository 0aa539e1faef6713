"""The widgets of the Attention page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import kept
from pages.ui.controls import find_benchmark
from pages.ui.controls.files import choose_pairs
from pooling.datasets import own_pairs

if TYPE_CHECKING:
    from pooling.datasets import Pair
    from pooling.encoders import Layer


def choose_head(has_own: bool, has_ready: bool) -> bool:
    """Whether to listen with the reader's own head; asked only where there is a choice."""
    if not (has_own and has_ready):
        return has_own
    if st.session_state.pop("_new_head", False) or "attention-head" not in st.session_state:
        st.session_state["attention-head"] = "yours"
    names = {"ready": "Ready-made", "yours": "Yours"}
    chosen = st.segmented_control(
        "Head", list(names), format_func=names.__getitem__, key="attention-head", required=True, persist_state="session"
    )
    return chosen == "yours"


def choose_listener(labels: dict[str, str]) -> str:
    """One of several strategies, by name."""
    return kept.one_of(
        st.segmented_control,
        "Whose weights",
        labels,
        key="listener",
        default=next(iter(labels)),
        required=True,
        label_visibility="collapsed",
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
    splits: "Mapping[str, Sequence[Pair]]"
    settings: dict[str, Any]
    """Epochs, learning rate and seed, as `HeadTraining` takes them."""


def choose_training() -> Training | None:
    """Pairs to train a head on, and how; None, with the reason shown, while the pairs cannot be used."""
    from pages.ui import cache, layout

    names = {"own": "This project's own pairs", "stsb": "STS Benchmark", "csv": "A file of yours"}
    said = {"own": "this project's own pairs", "stsb": "the STS Benchmark", "csv": "a file of the reader's"}
    splits: Mapping[str, Sequence[Pair]] | None
    data = kept.one_of(st.segmented_control, "Scored pairs", names, key="head-pairs", default="own", required=True)
    if data == "csv":
        pairs = choose_pairs()
        try:
            splits = cache.split_pairs(pairs) if pairs else None
        except ValueError as too_few:
            layout.problem(str(too_few))
            splits = None
    elif data == "stsb":
        splits = cache.stsb(folder) if (folder := find_benchmark()) else None
    else:
        splits = {split: own_pairs(split) for split in ("train", "dev", "test")}
    rates = ("0.0001", "0.0003", "0.001", "0.003", "0.01")
    left, middle, right = st.columns(3)
    often = "How often it sees every pair."
    epochs = kept.number(left.slider, "Epochs", 1, 30, key="head-epochs", default=10, help=often)
    far = "How far each step moves the head."
    rate = kept.one_of(middle.select_slider, "Learning rate", rates, key="head-rate", default="0.001", help=far)
    order = "The order of the pairs; the same seed, the same head."
    seed = kept.number(right.number_input, "Seed", 0, 9999, key="head-seed", default=0, help=order)
    if splits is None:
        return None
    st.caption(
        f"{len(splits['train']):,} pairs to train on, {len(splits['dev']):,} to choose the best epoch by, "
        f"{len(splits['test']):,} held back for the test at the end."
    )
    return Training(said[data], splits, {"epochs": epochs, "learning_rate": float(rate), "seed": int(seed)})
