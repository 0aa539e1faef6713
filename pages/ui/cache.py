"""Caches around pure functions, one call a body, keyed by everything the call reads.

torch and transformers are imported in here, when first needed: a page's frame stands before.
"""

import gc
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.worker import Worker

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from pages.ui.controls import Choice
    from pooling import Encoder, TokenStates
    from pooling.encoders import Layer
    from pooling.projection import Belief, LabelScores, Map, Metric, Neighbours, Points


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


@st.cache_resource(show_spinner=False)
def worker(name: str, keep: int) -> Worker:
    """The background thread of that name, shared by all sessions; it keeps its last answers."""
    return Worker(name, keep=keep)


@st.cache_data(max_entries=4, max_size="64MB", show_spinner="Reading the file…")
def table(data: bytes) -> "pd.DataFrame":
    """The table in a reader's file."""
    from pooling.datasets import read_table

    return read_table(data)


@st.cache_data(max_entries=4, max_size="64MB", show_spinner=False)
def texts_of(table: "pd.DataFrame", text: str, label: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The texts, and their labels, in columns of a reader's table."""
    from pooling.datasets import read_texts

    return read_texts(table, text, label)


@st.cache_data(max_entries=64, show_spinner=False)
def not_for_a_corpus(model: str, layer: "Layer") -> dict[str, str]:
    """The strategies that a corpus cannot be embedded with, each with the reason."""
    from pooling.projection import not_for_a_corpus

    return not_for_a_corpus(encoder(model), layer)


# What follows is computed from points that a key stands for: hashing ten thousand of them at
# every rerun would cost more than drawing them. `key` names texts, model, layer, strategy and metric.


@st.cache_data(max_entries=64, max_size="128MB", show_spinner="Finding the exact nearest neighbours…")
def nearest(key: tuple, _points: "Points", count: int, metric: "Metric") -> "Neighbours":
    """The exact nearest neighbours of points."""
    from pooling.projection import nearest

    return nearest(_points, count, metric)


@st.cache_data(max_entries=64, max_size="32MB", show_spinner=False)
def pca_map(key: tuple, _points: "Points", axes: int) -> "tuple[Map, tuple[float, ...] | None]":
    """The PCA map of points."""
    from pooling.projection import pca_map

    return pca_map(_points, axes)


@st.cache_data(max_entries=256, show_spinner="Comparing the map with the full space…")
def belief(key: tuple, _points: "Points", _neighbours: "Neighbours", _made: "Map") -> "Belief | None":
    """How far the map of this key can be believed; here the key also names the map's settings."""
    from pooling.projection import belief

    return belief(_points, _neighbours, _made)


@st.cache_data(max_entries=256, show_spinner="Asking how well the labels are apart…")
def label_scores(
    key: tuple, _points: "Points", _neighbours: "Neighbours", labels: tuple[str, ...], metric: "Metric"
) -> "LabelScores":
    """How well the full space separates labels."""
    from pooling.projection import label_scores

    return label_scores(_points, _neighbours, labels, metric)
