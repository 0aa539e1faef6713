"""A strategy's map of a corpus, and all that is said about it, each computed when first asked for."""

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import cache, capacity, waiting
from pages.ui.controls.projection import MOST_NEIGHBOURS
from pooling.background import Work, WorkLine

if TYPE_CHECKING:
    from torch import Tensor

    from pages.ui.choice import Choice
    from pages.ui.controls.projection import Corpus
    from pooling import Strategy
    from pooling.after import Step
    from pooling.labels import LabelScores
    from pooling.projection import Belief, Map, Metric, Neighbours, Points, Umap

SMALL = 512
"""Texts that are embedded while the reader waits; more, or longer ones, are embedded in the background."""


def embeddings(choice: "Choice", corpus: "Corpus", strategies: "Sequence[Strategy]") -> "dict[str, Tensor]":
    """Embeddings of a corpus under each strategy; of a large one with progress."""
    reading, layer, named = choice.reading, choice.layer, tuple((one.name, one.settings) for one in strategies)
    characters = sum(map(len, corpus.texts))
    if max(len(corpus.texts), characters // capacity.ROW) <= SMALL:
        return cache.embeddings(reading, layer, corpus.texts, named)
    from pooling import embed

    encoder = cache.encoder(choice.model)
    needed = capacity.EMBEDDINGS_TAKE * len(corpus.texts) * len(strategies) * encoder.dim
    capacity.take_turn(len(corpus.texts), characters, needed)
    return waiting.answer(
        cache.computations("embedding", keep=2),
        (corpus.digest, reading, layer, named),
        lambda report: embed(corpus.texts, encoder, strategies, layer=layer, report=report, **reading.prompt),
        f"Embedding {len(corpus.texts):,} texts",
        title="another corpus to be embedded",
    )


def warm_up() -> None:
    """Have UMAP imported and compiled in the background, for all sessions."""
    _fits()


@st.cache_resource(show_spinner=False)
def _fits() -> WorkLine[Work]:
    """The line of those who fit maps, its first the compilation, whoever comes first."""

    def compile_all(_report: object) -> None:
        from pooling.projection import warm_up

        warm_up()
        # What is imported by now stays: full collections, from the one after this work on, take 10 ms, not 200.
        gc.collect()
        gc.freeze()

    line = cache.computations("umap", keep=64)
    first = Work("UMAP's one-time compilation, about twenty seconds", compile_all)
    line.ask("warm-up", lambda: first, stay=True)
    return line


@dataclass(frozen=True, eq=False)
class View:
    """One strategy's map of a corpus."""

    choice: "Choice"
    corpus: "Corpus"
    strategy: "Strategy"
    pooled: "Tensor"
    """The embeddings before the steps after pooling."""
    steps: "Sequence[Step]"
    metric: "Metric"
    kind: str
    settings: "Umap"

    @property
    def _key(self) -> tuple:
        strategy = self.strategy.name, self.strategy.settings
        after = tuple(step.written for step in self.steps)
        return self.corpus.digest, self.choice.reading, self.choice.layer, strategy, after, self.metric

    @cached_property
    def embeddings(self) -> "Tensor":
        """The embeddings after the steps."""
        from pooling.after import values_after

        return values_after(self.pooled, self.steps)

    @cached_property
    def points(self) -> "Points":
        """The points of the full space."""
        from pooling.projection import to_points

        return to_points(self.embeddings, self.metric)

    @cached_property
    def neighbours(self) -> "Neighbours":
        """The exact nearest neighbours in the full space."""
        return cache.nearest_neighbours(self._key, self.points, MOST_NEIGHBOURS, self.metric)

    @cached_property
    def pca(self) -> "tuple[Map, tuple[float, ...] | None]":
        """The PCA map, and the share of the variation that each axis shows."""
        return cache.pca_map(self._key, self.points, self.settings.axes)

    @cached_property
    def map(self) -> "Map":
        """The map asked for, centred and scaled."""
        from pooling.projection import to_scale, umap_map

        if self.kind == "pca":
            return to_scale(self.pca[0])
        points, neighbours = self.points, self.neighbours
        made = waiting.answer(
            _fits(),
            (*self._key, self.settings),
            lambda report: umap_map(points, neighbours, self.settings, self.metric, report=report),
            f"UMAP of {self.strategy.title}, {len(self.points):,} texts",
            title="another UMAP fit",
        )
        return to_scale(made)

    @cached_property
    def belief(self) -> "Belief | None":
        """How far to believe the map."""
        return cache.belief((*self._key, self.kind, self.settings), self.points, self.neighbours, self.map)

    @cached_property
    def scores(self) -> "LabelScores":
        """How well the full space separates the labels."""
        texts, labels = self.corpus.texts, self.corpus.labels or ("",) * len(self.corpus.texts)
        key = *self._key, labels
        return cache.label_scores(key, self.embeddings, texts, labels, self.metric, self.neighbours)
