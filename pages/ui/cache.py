"""Caches around pure functions, one call a body, keyed by everything the call reads.

torch and transformers are imported in here, when first needed: a page's frame stands before.
"""

import gc
import threading
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from pandas import DataFrame
    from torch import Tensor

    from pages.ui.controls import Choice
    from pooling import Encoder, Pooled, TokenStates
    from pooling.encoders import Layer, Side


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


def padded(
    choice: "Choice", text: str, padding: int, side: "Side", attend: bool, pooled: bool
) -> "tuple[TokenStates, dict[str, Pooled], dict[str, str]]":
    """One text with padding: its states, what each strategy makes of them, and what could not be made."""
    from pooling.tables.padding_lab import pool_all

    states = _padded_states(choice.model, choice.layer, text, padding, side, attend, pooled)
    return states, *pool_all(states, model=choice.model, layer=choice.layer)


@st.cache_data(max_entries=256, max_size="32MB", show_spinner="Running the transformer…")
def _padded_states(
    model: str, layer: "Layer", text: str, padding: int, side: "Side", attend: bool, pooled: bool
) -> "TokenStates":
    from pooling.tables.padding_lab import padded_states

    return padded_states(
        text, encoder(model), layer=layer, padding=padding, side=side, attend_padding=attend, pool_padding=pooled
    )


def padding_curve(choice: "Choice", text: str, side: "Side", attend: bool, pooled: bool) -> "DataFrame":
    """Cosine of each strategy's embedding to the unpadded truth as padding grows."""
    return _padding_curve(choice.model, choice.layer, text, side, attend, pooled)


@st.cache_data(max_entries=256, show_spinner="Padding the sentence more and more…")
def _padding_curve(model: str, layer: "Layer", text: str, side: "Side", attend: bool, pooled: bool) -> "DataFrame":
    from pooling.tables import padding_lab as tables

    return tables.padding_curve(
        text, encoder(model), layer=layer, side=side, attend_padding=attend, pool_padding=pooled
    )


def museum(choice: "Choice", index: int) -> "DataFrame":
    """The damage of each bug to one of the reader's sentences, all of them one batch."""
    return _museum(choice.model, choice.layer, choice.texts, index)


@st.cache_data(max_entries=256, show_spinner="Running the transformer…")
def _museum(model: str, layer: "Layer", texts: tuple[str, ...], index: int) -> "DataFrame":
    from pooling.tables.padding_lab import museum_table

    return museum_table(texts, encoder(model), layer=layer, index=index)


def bug_costs(choice: "Choice") -> "DataFrame":
    """Spearman of the project's own pairs under each bug, beside the truth."""
    return _bug_costs(choice.model, choice.layer)


@st.cache_data(max_entries=32, show_spinner="Encoding the project's own pairs under every bug; some seconds…")
def _bug_costs(model: str, layer: "Layer") -> "DataFrame":
    from pooling.datasets import own_pairs
    from pooling.tables.padding_lab import cost_table

    return cost_table(own_pairs(), encoder(model), layer=layer)
