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


def embeddings_by_strategy(choice: "Choice", texts: tuple[str, ...]) -> "dict[str, Tensor]":
    """Embeddings [text, dim] of some hundred short texts under every strategy that can be computed."""
    return _embeddings_by_strategy(choice.model, texts, choice.layer)


@st.cache_data(max_entries=16, max_size="128MB", show_spinner="Running the transformer over the bundled texts…")
def _embeddings_by_strategy(model: str, texts: tuple[str, ...], layer: "Layer") -> "dict[str, Tensor]":
    from pooling.similarity import embed_all

    return embed_all(encoder(model), texts, layer)
