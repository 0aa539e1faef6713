"""One sentence under one strategy, and its pictures: computed once for everybody, looked at and not changed."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import cache
from pages.ui.choice import Choice

if TYPE_CHECKING:
    import pandas as pd

    from pooling import Pooled, TokenStates
    from pooling.pictures import Picture
    from pooling.types import Embedding


@dataclass(frozen=True, eq=False)
class Weighed:
    """A sentence under one strategy and, to compare, under all."""

    choice: Choice
    index: int
    states: "TokenStates"
    pooled: "Pooled"
    tokens: "pd.DataFrame"
    strip: str
    about_tokens: str
    compared: "pd.DataFrame"
    vectors: "dict[str, Embedding]"
    missing: list[tuple[str, str]]
    """The strategies that make nothing of it, each with the reason."""
    about_strategies: str


@dataclass(frozen=True, eq=False)
class Drawn:
    """The pictures of some dimensions, and one of these worked out."""

    matrix: "Picture"
    terms: "pd.DataFrame"
    formula: str
    strategies: "Picture"


@st.cache_resource(max_entries=32, show_spinner="Running the transformer…")
def weighed(choice: Choice, index: int) -> Weighed:
    """One of the sidebar's sentences under its strategy.

    Raises:
        NotComputable: where the strategy needs what is not there, such as a head.
    """
    from pooling import apply
    from pooling.charts import chips
    from pooling.notices.playground import about_strategies, about_tokens
    from pooling.tables import own_strategy, token_table
    from pooling.tables.playground import strategy_table

    strategy = choice.strategy
    states = cache.states(choice.reading, choice.layer, choice.texts).one(index)
    trained = cache.encoder(choice.model).trained_pooling
    pooled = apply(strategy, states, model=choice.model, layer=choice.layer)
    tokens = token_table(states, pooled)
    compared, vectors = strategy_table(states, choice.strategies, own=trained, model=choice.model, layer=choice.layer)
    return Weighed(
        choice,
        index,
        states,
        pooled,
        tokens,
        chips.token_strip(tokens, f"Tokens and their weights under {strategy.title}"),
        about_tokens(tokens, strategy),
        compared,
        vectors,
        list(compared.loc[compared["missing"].notna(), ["label", "missing"]].itertuples(index=False, name=None)),
        about_strategies(compared, own_strategy(trained), trained=trained is not None),
    )


def dimensions(weighed: Weighed, shown: str, start: int) -> list[int]:
    """The dimensions to show of a sentence, by the name of a choice and where a window starts."""
    return _dimensions(weighed, weighed.choice, weighed.index, shown, start)


@st.cache_resource(max_entries=256, show_spinner=False)
def _dimensions(_weighed: Weighed, choice: Choice, index: int, shown: str, start: int) -> list[int]:
    from pooling.tables.playground import chosen_dimensions

    return chosen_dimensions(_weighed.states, shown, start)


def drawn(weighed: Weighed, shown: list[int], by_hand: int) -> Drawn:
    """The pictures of a sentence in the dimensions shown, one of them worked out by hand."""
    return _drawn(weighed, weighed.choice, weighed.index, shown, by_hand)


@st.cache_resource(max_entries=32, show_spinner=False)
def _drawn(_weighed: Weighed, choice: Choice, index: int, shown: list[int], by_hand: int) -> Drawn:
    from pooling.charts import playground
    from pooling.notices.playground import about_collapse
    from pooling.pictures import Line, Panel, Picture
    from pooling.tables import own_strategy
    from pooling.tables.playground import (
        collapse_table,
        one_dimension_table,
        vector_table,
        winner_table,
        worked_formula,
    )

    states, pooled, compared = _weighed.states, _weighed.pooled, _weighed.compared
    own = own_strategy(cache.encoder(choice.model).trained_pooling)
    matrix, winners = collapse_table(states, pooled, shown), winner_table(pooled, shown)
    terms = one_dimension_table(states, pooled, by_hand)
    vectors, limit = vector_table(compared, _weighed.vectors, shown), playground.colour_range(matrix)
    heatmap = partial(playground.collapse_heatmap, matrix, _weighed.tokens, winners, dimension=by_hand)
    caption = (
        "Each row is a token's hidden state, the vector that the model has made of it; each column is one dimension of "
        "these vectors."
    )
    about = _weighed.about_strategies
    rows = partial(playground.vectors_heatmap, vectors, limit)
    bars = partial(playground.cosine_bars, compared, own.label)
    alt = f"The embedding under each strategy, one row each. {about}"
    side_by_side = Line((Panel(rows, "vectors", alt), Panel(bars, "cosines")), (3, 2))
    captions = (
        "The cosine says how nearly two vectors point the same way, whatever their lengths: 1 is the same direction, "
        "0 a right angle.",
        *(f"{label} is not shown: {reason}" for label, reason in _weighed.missing),
    )
    return Drawn(
        Picture(heatmap, matrix.reset_index(), about_collapse(matrix, pooled), (caption,)),
        terms,
        worked_formula(choice.strategy, terms, by_hand, pooled.embedding[0, by_hand].item()),
        Picture((side_by_side,), compared, about, captions),
    )
