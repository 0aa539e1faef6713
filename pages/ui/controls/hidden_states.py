"""The widgets of the Hidden States page."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import kept
from pages.ui.controls import numbered
from pooling.datasets import sample_sets

if TYPE_CHECKING:
    from pooling.encoders import Layer


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
    name = kept.one_of(
        st.selectbox,
        "Compare with",
        options,
        key="hidden_other",
        default=str(default + 1),
        label=lambda i: numbered(texts, i),
    )
    return int(name) - 1


def choose_word(names: list[str], default: str) -> int:
    """The index of a word that two sentences share."""
    word = kept.one_of(st.selectbox, "Follow the word", names, key="hidden_word", default=default)
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
