"""Caches around pure functions, one call a body, keyed by everything the call reads.

torch and transformers are imported in here, when first needed: a page's frame stands before. What
the caches may hold adds up to about a gigabyte; the largest holds what ten thousand labelled
texts come to under every strategy, or each rerun would begin from nothing.
"""

import gc
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from pooling.background import Work, WorkLine
from pooling.machine import give_memory_back, keep_little

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from torch import Tensor

    from pages.ui.choice import Choice
    from pooling import Encoder, Strategy, TokenStates
    from pooling.after import Step
    from pooling.background_training import HeadTraining
    from pooling.bootstrap import Compared
    from pooling.datasets import Pair
    from pooling.encoders import Layer, Side
    from pooling.evaluation import Cell, Grid, Scores
    from pooling.files import Table
    from pooling.labels import LabelScores
    from pooling.layers import Background, Planes
    from pooling.lessons import Lesson, Shown
    from pooling.projection import Belief, Map, Metric, Neighbours, Points
    from pooling.recipe import Reading
    from pooling.registry import Settings
    from pooling.retrieval import Chunked, Chunking, SearchData, Searched


@contextmanager
def _nothing_collected() -> "Iterator[None]":
    """While modules are imported none of it is garbage: to look for some takes a sixth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@st.cache_resource(show_spinner=False)
def libraries() -> None:
    """Import the heavy libraries once, and keep the garbage collector from walking them."""
    # Threads that spin for long while they wait for the next matrix take the cores from everybody else's page.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # its own keeps 10 MB that are free
    keep_little()
    with _nothing_collected():
        import pooling.encoders.loading  # noqa: F401

        gc.freeze()


_loaded: "dict[str, Encoder]" = {}


def in_memory(model: str) -> bool:
    """Whether a model is loaded, so that nobody has to wait for it."""
    return model in _loaded


_tidying: threading.Timer | None = None


def tidy_up_later() -> None:
    """Have what the runs of all sessions leave behind given back, beside them: 20 ms, every twenty seconds at most."""
    global _tidying
    if _tidying is None or not _tidying.is_alive():
        _tidying = _give_memory_back_in(20)


def _give_memory_back_in(seconds: float) -> threading.Timer:
    later = threading.Timer(seconds, give_memory_back)
    later.daemon = True
    later.start()
    return later


def _release(evicted: "Encoder") -> None:
    """Give a model's memory back, once nobody is in the middle of using it."""
    for name in [name for name, one in _loaded.items() if one is evicted]:
        del _loaded[name]
    _give_memory_back_in(3)


@st.cache_resource(max_entries=2, show_spinner=False, on_release=_release)
def encoder(model: str) -> "Encoder":
    """The encoder of that name, shared by all sessions."""
    from pooling import load_encoder, logs

    with logs.timed(f"loading {model}"), _nothing_collected():
        _loaded[model] = made = load_encoder(model)
    return made


@st.cache_data(max_entries=512, max_size="64MB", show_spinner="Running the transformer…")
def states(reading: "Reading", layer: "Layer", texts: tuple[str, ...]) -> "TokenStates":
    """The token states of a few texts at a layer, with attention where the layer has one."""
    attention = isinstance(layer, int) and layer > 0
    return encoder(reading.model).encode(texts, layer=layer, attention=attention, **reading.prompt)


@st.cache_data(max_entries=64, max_size="64MB", show_spinner="Running the transformer over the texts…")
def embeddings(
    reading: "Reading", layer: "Layer", texts: tuple[str, ...], strategies: "tuple[tuple[str, Settings], ...]"
) -> "dict[str, Tensor]":
    """Embeddings [text, dim] of a corpus under each strategy, by its name and parameters."""
    from pooling import embed, get_strategy

    chosen = [get_strategy(name, **dict(settings)) for name, settings in strategies]
    return embed(texts, encoder(reading.model), chosen, layer=layer, **reading.prompt)


@st.cache_data(max_entries=8, max_size="32MB", show_spinner="Reading the file…")
def table(digest: str, header: bool | None, _data: bytes) -> "Table":
    """The table in a reader's file, which `digest` stands for."""
    from pooling.files import read_table

    return read_table(_data, header)


@st.cache_resource(show_spinner=False)
def computations(name: str, keep: int) -> WorkLine[Work]:
    """Long computations of that name, one at a time for all sessions; the last answers are kept."""
    return WorkLine(name, most_waiting=60, keep=keep)


@st.cache_data(max_entries=512, max_size="64MB", show_spinner=False)
def cosines(
    reading: "Reading",
    content: str,
    settings: "tuple[tuple[str, Settings], ...]",
    after: tuple[str, ...],
    _pairs: "Sequence[Pair]",
    _steps: "Callable[[], Mapping[Cell, list[Step]]]",
) -> "Grid":
    """The cosine of each pair at every layer under every strategy; `content` stands for the pairs.

    What a slider has changed is computed by itself, and laid over what everybody shares; the steps after pooling, which
    `after` names, are asked for where they are needed.
    """
    from pooling import get_strategy
    from pooling.evaluation import cosine_grid

    changed = [get_strategy(name, **dict(values)) for name, values in settings]
    made = cosine_grid(_pairs, encoder(reading.model), None, changed or None, after=_steps(), **reading.prompt)
    return cosines(reading, content, (), after, _pairs, _steps) | made if changed else made


@st.cache_data(max_entries=512, max_size="256MB", show_spinner=False)
def vectors(
    reading: "Reading",
    layer: "Layer",
    content: str,
    settings: "tuple[tuple[str, Settings], ...]",
    _texts: "Sequence[str]",
) -> "Grid":
    """Embeddings of texts at a layer under every strategy, in the way of `cosines`."""
    from pooling import get_strategy
    from pooling.evaluation import embed_grid

    changed = [get_strategy(name, **dict(values)) for name, values in settings]
    made = embed_grid(_texts, encoder(reading.model), [layer], changed or None, **reading.prompt)
    return vectors(reading, layer, content, (), _texts) | made if changed else made


@st.cache_data(max_entries=64, show_spinner=False)
def computable(model: str, after: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, str], int]:
    """Which steps after pooling a model's embeddings can have, why not others, on how many texts they are fitted."""
    from pooling.after import computable
    from pooling.datasets import own_texts

    there, texts = encoder(model), len(own_texts())
    return *computable(after, texts, there.dim, there.after), texts


@st.cache_resource(max_entries=8, show_spinner="Fitting the steps after pooling on the project's own texts…")
def fitted(
    reading: "Reading",
    layer: "Layer",
    settings: "tuple[tuple[str, Settings], ...]",
    after: tuple[str, ...],
    content: str,
    _texts: "Sequence[str]",
) -> "dict[str, list[Step]]":
    """The steps after pooling at a layer under each strategy, with the numbers that they read off a corpus."""
    from pooling.evaluation import fit_grid

    grid = vectors(reading, layer, content, settings, _texts)
    made = fit_grid(after, grid, encoder(reading.model).after)
    return {name: steps for (_, name), steps in made.items()}


@st.cache_resource(max_entries=2, show_spinner=False)
def fitted_everywhere(
    reading: "Reading",
    settings: "tuple[tuple[str, Settings], ...]",
    after: tuple[str, ...],
    content: str,
    _texts: "Sequence[str]",
) -> "dict[Cell, list[Step]]":
    """The same at every layer, from one pass, in the way of `cosines`; to whiten takes a square of the dimensions."""
    from pooling import get_strategy
    from pooling.evaluation import embed_grid, fit_grid

    changed = [get_strategy(name, **dict(values)) for name, values in settings]
    grid = embed_grid(_texts, encoder(reading.model), None, changed or None, **reading.prompt)
    made = fit_grid(after, grid, encoder(reading.model).after)
    return fitted_everywhere(reading, (), after, content, _texts) | made if changed else made


@st.cache_data(max_entries=64, max_size="32MB", show_spinner="Drawing 2,000 resamples…")
def scores(model: str, content: str, sampled: "tuple[Cell, ...]", _pairs: "Sequence[Pair]", _grid: "Grid") -> "Scores":
    """Every cell's score, and some of them compared."""
    from pooling.evaluation import score_grid

    return score_grid(_pairs, _grid, sampled)


@st.cache_data(max_entries=16, show_spinner="Drawing 2,000 resamples…")
def own_leaderboard(model: str, layer: int, _grid: "Grid") -> "pd.DataFrame":
    """The strategies at a layer of a model, scored on the project's own pairs."""
    from pooling import all_strategies
    from pooling.datasets import own_pairs
    from pooling.tables.evaluation import layer_leaderboard

    return layer_leaderboard(own_pairs(), _grid, layer, [s.name for s in all_strategies()])


@st.cache_data(max_entries=64, max_size="64MB", show_spinner=False)
def lesson(name: str, models: tuple[str, ...], _cosines: "Sequence[Grid]") -> "Shown":
    """What a lesson shows, computed once for everybody; the models stand for their cosines."""
    from pooling.lessons import get_lesson

    return get_lesson(name)(*map(encoder, models), *_cosines)


@st.cache_resource(max_entries=64, show_spinner=False)
def own_lesson(packed: str) -> "Lesson":
    """A lesson that somebody wrote, its answer computed once for everybody."""
    from pooling.own_lesson import computed, unpack

    written = unpack(packed)
    return computed(written, encoder(written.model) if written.sentences else None)


@st.cache_data(max_entries=256, show_spinner="Measuring how well the labels keep apart…")
def label_scores(
    key: tuple,
    _embeddings: "Tensor",
    _texts: "Sequence[str]",
    _labels: "Sequence[str]",
    metric: "Metric",
    _neighbours: "Neighbours | None" = None,
) -> "LabelScores":
    """How well the full space separates labels; the key names texts, labels, model, layer and strategy."""
    from pooling.labels import label_scores

    return label_scores(_embeddings, _texts, _labels, metric, _neighbours)


@st.cache_data(max_entries=64, max_size="32MB", show_spinner="Drawing 2,000 resamples…")
def compare_labels(
    key: tuple, _scored: "dict[str, LabelScores]", _texts: "Sequence[str]", _labels: "Sequence[str]"
) -> "Compared":
    """The strategies compared by 1-NN accuracy; the key names texts, labels, model and layer."""
    from pooling.labels import compare_labels

    return compare_labels(_scored, _texts, _labels)


@st.cache_resource(max_entries=2, show_spinner="Reading the files…")
def search_data(digest: str, _files: "dict[str, bytes]") -> "SearchData":
    """Search data of files."""
    from pooling.retrieval import read_search

    return read_search(_files)


@st.cache_resource(max_entries=8, show_spinner="Ranking the texts for every query…")
def search_pooled(
    key: tuple, _data: "SearchData", _queries: "Grid", _passages: "Grid", _steps: "Mapping[str, list[Step]]"
) -> "dict[str, Searched]":
    """What every strategy finds that tells texts apart; the key names data, prompts, model, layer and steps."""
    from pooling.retrieval import search, tells_apart

    asked = {name: made for (_, name), made in _queries.vectors.items()}
    return {
        name: search(asked[name], made, _data, steps=_steps.get(name, ()))
        for (_, name), made in _passages.vectors.items()
        if name in asked and tells_apart(made)
    }


@st.cache_data(max_entries=256, max_size="4MB", show_spinner=False)
def nearest(
    key: tuple, name: str, content: str, most: int, _query: "Tensor", _passages: "Tensor", _steps: "Sequence[Step]"
) -> list[int]:
    """The passages nearest to one query under a strategy; the key as in `search_pooled`, `content` the query's."""
    from pooling.after import values_after
    from pooling.retrieval import nearest_texts

    return nearest_texts(_query, values_after(_passages, _steps), most)


@st.cache_resource(max_entries=4, show_spinner="Running the transformer over the queries…")
def everywhere(
    reading: "Reading", content: str, settings: "tuple[tuple[str, Settings], ...]", _texts: "Sequence[str]"
) -> "Grid":
    """Embeddings of some texts at every layer under every strategy."""
    from pooling import all_strategies
    from pooling.evaluation import embed_grid

    return embed_grid(_texts, encoder(reading.model), None, all_strategies(settings), **reading.prompt)


@st.cache_data(max_entries=128, max_size="128MB", show_spinner=False)
def layer_cosines(
    reading: "Reading",
    settings: "tuple[tuple[str, Settings], ...]",
    content: str,
    queries: tuple,
    _texts: "Sequence[str]",
    _asked: "Grid",
    _steps: "Callable[[], Mapping[Cell, list[Step]]]",
) -> "Grid":
    """The cosine of each text to each query [text, query] at every layer under every strategy."""
    from pooling import all_strategies
    from pooling.evaluation import embed_grid
    from pooling.retrieval import grid_cosines

    given = embed_grid(_texts, encoder(reading.model), None, all_strategies(settings), **reading.prompt)
    return grid_cosines(given, _asked, _steps())


@st.cache_data(max_entries=16, show_spinner="Ranking the texts at every layer…")
def cell_scores(content: tuple, _data: "SearchData", _cosines: "Grid") -> "dict[Cell, float | None]":
    """The mean nDCG@10 of each cell; the content names data, prompts, parameters and steps."""
    from pooling.retrieval import score_cells

    return score_cells(_cosines, _data)


@st.cache_data(max_entries=8, max_size="64MB", show_spinner="Running the transformer over the queries…")
def query_tokens(reading: "Reading", layer: "Layer", content: str, _queries: "Sequence[str]") -> "list[Tensor]":
    """The token vectors of every query."""
    from pooling.retrieval import query_tokens

    return query_tokens(_queries, encoder(reading.model), layer, **reading.prompt)


@st.cache_data(max_entries=512, max_size="256MB", show_spinner=False)
def late_scores(
    reading: "Reading",
    layer: "Layer",
    content: str,
    settings: "tuple[tuple[str, Settings], ...]",
    queries: tuple,
    _texts: "Sequence[str]",
    _tokens: "list[Tensor]",
) -> "Grid":
    """As `vectors`, and from the same pass, for no pooling, the score of each text for each query, and its tokens.

    These are [text, query + 1], by factor. `queries` stands for the queries' tokens.
    """
    import torch

    from pooling import get_strategy
    from pooling.evaluation import embed_grid
    from pooling.retrieval import FACTORS, late_name, max_sim, merged_tokens

    if changed := [get_strategy(name, **dict(values)) for name, values in settings]:
        made = embed_grid(_texts, encoder(reading.model), [layer], changed, **reading.prompt)
        return late_scores(reading, layer, content, (), queries, _texts, _tokens) | made
    late = {factor: torch.empty(len(_texts), len(_tokens) + 1) for factor in FACTORS}

    def look(indices: list[int], batch: "list[TokenStates]") -> None:
        for factor, tokens in merged_tokens(batch[0], FACTORS).items():
            kept = torch.tensor([[len(one)] for one in tokens])
            late[factor][indices] = torch.cat([max_sim(_tokens, tokens).T, kept], dim=1)

    made = embed_grid(_texts, encoder(reading.model), [layer], **reading.prompt, look=look)
    made.vectors |= {(layer, late_name(factor)): scores for factor, scores in late.items()}
    return made


@st.cache_resource(max_entries=8, show_spinner="Ranking the texts for every query…")
def search_late(key: tuple, _data: "SearchData", _scores: "Grid", dim: int) -> "dict[str, Searched]":
    """What is found without pooling, in the way of `search_pooled`, of the scores and lengths of `late_scores`."""
    import torch

    from pooling.retrieval import Searched, measure
    from pooling.retrieval.ranking import Found

    made = {}
    for (_, name), both in _scores.vectors.items():
        found = Found(_data)
        found.add(both[:, :-1].T.contiguous(), torch.arange(len(both)))
        ranking = found.ranking()
        made[name] = Searched(ranking, measure(ranking, _data), 4 * dim * float(both[:, -1].mean()))
    return made


@st.cache_resource(max_entries=8, show_spinner="Running the transformer over the chunks…")
def chunked(
    reading: "Reading",
    layer: "Layer",
    strategy: str,
    content: str,
    chunking: "Chunking",
    _strategy: "Strategy",
    _texts: "Sequence[str]",
) -> "Chunked":
    """The chunks of texts and their embeddings under a strategy; the content's digest names its settings too."""
    from pooling.retrieval import embed_chunks

    return embed_chunks(_texts, encoder(reading.model), [_strategy], chunking, layer=layer, template=reading.template)


@st.cache_data(max_entries=32, max_size="32MB", show_spinner="Drawing 2,000 resamples…")
def compare_searches(key: tuple, _searched: "dict[str, Searched]", _queries: "Sequence[str]") -> "Compared":
    """The ways of searching compared by nDCG@10 over queries; the key as in `search_pooled`."""
    from pooling.retrieval import compare_searches

    return compare_searches({name: one.scores["nDCG@10"] for name, one in _searched.items()}, _queries)


@st.cache_resource(show_spinner=False)
def trainings() -> "WorkLine[HeadTraining]":
    """The trainings of all sessions, one after another."""
    from pooling.background_training import trainings

    return trainings()


@st.cache_resource(max_entries=1, show_spinner=False)
def stsb(folder: "Path") -> "dict[str, list[Pair]]":
    """The STS Benchmark, read once and shared: nobody may change it."""
    from pooling.stsb import read_stsb

    return {split: read_stsb(folder, split) for split in ("train", "dev", "test")}


@st.cache_data(max_entries=8, max_size="32MB", show_spinner="Splitting the pairs…")
def split_pairs(pairs: "tuple[Pair, ...]") -> "dict[str, list[Pair]]":
    """Pairs as train, dev and test parts that share no sentence."""
    from pooling.training import split_pairs

    return split_pairs(pairs)


@st.cache_data(max_entries=32, max_size="48MB", show_spinner="Running the transformer…")
def layers(model: str, template: str, text: str) -> "list[TokenStates]":
    """The token states of a text in its prompt at every layer, a batch of one each."""
    return encoder(model).encode_layers([text], template=template)


@st.cache_data(max_entries=256, max_size="32MB", show_spinner=False)
def planes(model: str, template: str, first: str, second: str) -> "Planes":
    """The plane of each layer for the tokens of two texts."""
    from pooling.layers import planes

    return planes(layers(model, template, first), layers(model, template, second))


@st.cache_data(max_entries=256, show_spinner=False)
def other_text(model: str, template: str, texts: tuple[str, ...], index: int) -> int:
    """The text that shares a word with another and uses it most differently at the last layer."""
    from pooling.tables.hidden_states import furthest_other

    last = encoder(model).encode(texts, template=template)
    return furthest_other([last.one(i) for i in range(len(texts))], index)


@st.cache_data(max_entries=16, show_spinner="Comparing the tokens of other sentences, once for everybody…")
def background(model: str) -> "Background":
    """The cosines of tokens of unrelated sentences at each layer."""
    from pooling.datasets import own_topics
    from pooling.layers import background

    return background(encoder(model), own_topics()[0])


def not_for_a_corpus(choice: "Choice", texts: "Sequence[str]") -> dict[str, str]:
    """The strategies that a corpus cannot be embedded with, each with the reason."""
    longest = max(texts, key=lambda text: len(text.encode("utf-8", "surrogatepass")))
    return _not_for_a_corpus(choice.model, choice.layer, choice.reading.template, longest)


@st.cache_data(max_entries=64, max_size="8MB", show_spinner=False)
def _not_for_a_corpus(model: str, layer: "Layer", template: str, longest: str) -> dict[str, str]:
    from pooling.projection import not_for_a_corpus

    return not_for_a_corpus(encoder(model), layer, longest, template=template)


# What follows is computed from points that a key stands for: hashing ten thousand of them at
# every rerun would cost more than drawing them. `key` names texts, model, layer, strategy and metric.


@st.cache_data(max_entries=64, max_size="64MB", show_spinner="Finding the exact nearest neighbours…")
def nearest_neighbours(key: tuple, _points: "Points", count: int, metric: "Metric") -> "Neighbours":
    """The exact nearest neighbours of points."""
    from pooling.projection import nearest_neighbours

    return nearest_neighbours(_points, count, metric)


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


@st.cache_data(max_entries=16, max_size="48MB", show_spinner="Running the transformer over the bundled texts…")
def embeddings_by_strategy(
    reading: "Reading", layer: "Layer", texts: tuple[str, ...], settings: "tuple[tuple[str, Settings], ...]"
) -> "dict[str, Tensor]":
    """Embeddings [text, dim] of some hundred short texts under every strategy that can be computed."""
    from pooling import all_strategies
    from pooling.similarity import embed_all

    return embed_all(encoder(reading.model), texts, layer, all_strategies(settings), **reading.prompt)


@st.cache_data(max_entries=256, max_size="32MB", show_spinner="Running the transformer…")
def padded_states(
    model: str, layer: "Layer", text: str, padding: int, side: "Side", attend: bool, pooled: bool
) -> "TokenStates":
    """One text with padding, and each of the two masks on or off."""
    from pooling.tables.padding_lab import padded_states

    return padded_states(
        text, encoder(model), layer=layer, padding=padding, side=side, attend_padding=attend, pool_padding=pooled
    )


@st.cache_data(max_entries=256, show_spinner="Padding the sentence more and more…")
def padding_curve(
    model: str,
    layer: "Layer",
    settings: "tuple[tuple[str, Settings], ...]",
    text: str,
    side: "Side",
    attend: bool,
    pooled: bool,
    also: int,
) -> "pd.DataFrame":
    """Cosine of each strategy's embedding to the unpadded truth as padding grows, `also` at one amount."""
    from pooling import all_strategies
    from pooling.tables import padding_lab as tables

    masks = {"attend_padding": attend, "pool_padding": pooled}
    strategies = all_strategies(settings)
    return tables.padding_curve(text, encoder(model), layer=layer, side=side, also=also, strategies=strategies, **masks)


@st.cache_data(max_entries=256, show_spinner="Running the transformer…")
def museum(model: str, layer: "Layer", texts: tuple[str, ...], index: int) -> "pd.DataFrame":
    """The damage of each bug to one of the reader's sentences, all of them one batch."""
    from pooling.tables.padding_lab import museum_table

    return museum_table(texts, encoder(model), layer=layer, index=index)


@st.cache_data(max_entries=32, show_spinner="Encoding the project's own pairs under every bug; some seconds…")
def bug_costs(model: str, layer: "Layer") -> "pd.DataFrame":
    """Spearman of the project's own pairs under each bug, beside the truth."""
    from pooling.datasets import own_pairs
    from pooling.tables.padding_lab import cost_table

    return cost_table(own_pairs(), encoder(model), layer=layer)
