"""Caches around pure functions, one call a body, keyed by everything the call reads.

torch and transformers are imported in here, when first needed: a page's frame stands before.
"""

import gc
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from torch import Tensor

    from pages.ui.controls import Choice
    from pooling import Encoder, TokenStates
    from pooling.encoders import Layer
    from pooling.layers import Background, Planes


@st.cache_resource(show_spinner=False)
def libraries() -> None:
    """Import the heavy libraries once, and keep the garbage collector from walking them."""
    import pooling.encoders  # noqa: F401

    gc.collect()
    gc.freeze()


@st.cache_resource(max_entries=2, show_spinner=False)
def encoder(model: str) -> "Encoder":
    """The encoder of that name, shared by all sessions."""
    from pooling import load_encoder

    return load_encoder(model)


def states(choice: "Choice") -> "TokenStates":
    """The token states of the sidebar's sentences."""
    return _token_states(choice.model, choice.texts, choice.layer)


@st.cache_data(max_entries=512, max_size="128MB", show_spinner="Running the transformer…")
def _token_states(model: str, texts: tuple[str, ...], layer: "Layer") -> "TokenStates":
    """The token states of a few texts at a layer, with attention where the layer has one."""
    return encoder(model).encode(texts, layer=layer, attention=isinstance(layer, int) and layer > 0)


def embeddings(choice: "Choice", texts: tuple[str, ...], names: tuple[str, ...]) -> "dict[str, Tensor]":
    """Embeddings [text, dim] of a corpus under each strategy named, as the sidebar sets them."""
    return _embeddings(choice.model, texts, choice.layer, names)


@st.cache_data(max_entries=64, max_size="256MB", show_spinner="Running the transformer over the texts…")
def _embeddings(model: str, texts: tuple[str, ...], layer: "Layer", names: tuple[str, ...]) -> "dict[str, Tensor]":
    from pooling import embed

    return embed(texts, encoder(model), names, layer=layer)


@st.cache_data(max_entries=64, max_size="128MB", show_spinner="Running the transformer…")
def layers(model: str, text: str) -> "list[TokenStates]":
    """The token states of one text at every layer, a batch of one each."""
    return encoder(model).encode_layers([text])


@st.cache_data(max_entries=256, max_size="32MB", show_spinner=False)
def planes(model: str, first: str, second: str) -> "Planes":
    """The plane of each layer for the tokens of two texts."""
    from pooling.layers import planes

    return planes(layers(model, first), layers(model, second))


@st.cache_data(max_entries=256, show_spinner=False)
def other_text(model: str, texts: tuple[str, ...], index: int) -> int:
    """The text that shares a word with another and uses it most differently at the last layer."""
    from pooling.tables.hidden_states import furthest_other

    last = encoder(model).encode(texts)
    return furthest_other([last.one(i) for i in range(len(texts))], index)


@st.cache_data(max_entries=16, show_spinner="Comparing the tokens of other sentences, once for everybody…")
def background(model: str) -> "Background":
    """The cosines of tokens of unrelated sentences at each layer."""
    from pooling.datasets import own_topics
    from pooling.layers import background

    return background(encoder(model), own_topics()[0])
