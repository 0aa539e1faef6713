"""Caches around pure functions, one call a body, keyed by everything the call reads.

torch and transformers are imported in here, when first needed: a page's frame stands before.
"""

import gc
import threading
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


def _release(_evicted: "Encoder") -> None:
    """Give a model's memory back, once nobody is in the middle of using it."""
    from pooling.machine import give_memory_back

    later = threading.Timer(3, give_memory_back)
    later.daemon = True
    later.start()


@st.cache_resource(max_entries=2, show_spinner=False, on_release=_release)
def encoder(model: str) -> "Encoder":
    """The encoder of that name, shared by all sessions."""
    from pooling import load_encoder

    return load_encoder(model)


def states(choice: "Choice") -> "TokenStates":
    """The token states of the sidebar's sentences."""
    return _token_states(choice.model, choice.texts, choice.layer, choice.template, choice.pool_template)


@st.cache_data(max_entries=512, max_size="128MB", show_spinner="Running the transformer…")
def _token_states(
    model: str, texts: tuple[str, ...], layer: "Layer", template: str, pool_template: bool
) -> "TokenStates":
    """The token states of a few texts at a layer, with attention where the layer has one."""
    attention = isinstance(layer, int) and layer > 0
    return encoder(model).encode(
        texts, layer=layer, attention=attention, template=template, pool_template=pool_template
    )


def embeddings(choice: "Choice", texts: tuple[str, ...], names: tuple[str, ...]) -> "dict[str, Tensor]":
    """Embeddings [text, dim] of a corpus under each strategy named, as the sidebar sets them."""
    return _embeddings(choice.model, texts, choice.layer, names, choice.template, choice.pool_template)


@st.cache_data(max_entries=64, max_size="256MB", show_spinner="Running the transformer over the texts…")
def _embeddings(
    model: str, texts: tuple[str, ...], layer: "Layer", names: tuple[str, ...], template: str, pool_template: bool
) -> "dict[str, Tensor]":
    from pooling import embed

    return embed(texts, encoder(model), names, layer=layer, template=template, pool_template=pool_template)
