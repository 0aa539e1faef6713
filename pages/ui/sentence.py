"""One sentence under one strategy, and its pictures: computed once for everybody, looked at and not changed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

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
    about_tokens: str
    compared: "pd.DataFrame"
    """Of `strategy_table`; the reader's own weights, where there are any, come first."""
    vectors: "dict[str, Embedding]"
    missing: list[tuple[str, str]]
    """The strategies that make nothing of it, each with the reason."""
    about_strategies: str
    """Of the strategies alone."""
    own: tuple[float, ...] = ()
    """The reader's own weights, one a token, in place of the strategy's."""
    number: int = field(default_factory=count().__next__)
    """Its own: what is made of it, which is never changed, needs no other key."""


_BY_NUMBER: dict[str | type[Any], Callable[[Any], Any]] = {Weighed: lambda one: one.number}


@st.cache_resource(max_entries=32, show_spinner="Running the transformer…", hash_funcs={Choice: repr})
def weighed(choice: Choice, index: int, own: tuple[float, ...] = ()) -> Weighed:
    """One of the reader's sentences under their strategy, or under own weights that began with it.

    Raises:
        NotComputable: where the strategy needs what is not there, such as a head.
    """
    from pooling import apply
    from pooling.notices.playground import about_strategies, about_tokens
    from pooling.tables import own_strategy, token_table
    from pooling.tables.playground import strategy_table

    states = cache.states(choice.reading, choice.layer, choice.texts).one(index)
    trained = cache.encoder(choice.model).trained_pooling
    pooling = replace(choice.recipe, own=own).pooling
    pooled = apply(pooling, states, model=choice.model, layer=choice.layer)
    tokens = token_table(states, pooled)
    strategies = [pooling, *choice.strategies] if own else choice.strategies
    compared, vectors = strategy_table(states, strategies, own=trained, model=choice.model, layer=choice.layer)
    return Weighed(
        choice,
        index,
        states,
        pooled,
        tokens,
        about_tokens(tokens, pooled.kind),
        compared,
        vectors,
        list(compared.loc[compared["missing"].notna(), ["label", "missing"]].itertuples(index=False, name=None)),
        about_strategies(compared[1:] if own else compared, own_strategy(trained), trained=trained is not None),
        own,
    )


@st.cache_resource(max_entries=256, show_spinner=False, hash_funcs=_BY_NUMBER)
def dimensions(weighed: Weighed, shown: str, start: int) -> list[int]:
    """The dimensions to show of a sentence, by the name of a choice and where a window starts."""
    from pooling.tables.playground import chosen_dimensions

    return chosen_dimensions(weighed.states, shown, start)


@st.cache_resource(max_entries=32, show_spinner=False, hash_funcs=_BY_NUMBER)
def numbers(weighed: Weighed, shown: list[int]) -> "pd.DataFrame":
    """A sentence's tokens, each with its weight and its hidden state in the dimensions shown, over their embedding."""
    from pooling.tables.playground import collapse_table, weighed_table

    return weighed_table(weighed.tokens, collapse_table(weighed.states, weighed.pooled, shown))


@st.cache_resource(max_entries=32, show_spinner=False, hash_funcs=_BY_NUMBER)
def drawn(weighed: Weighed, shown: list[int]) -> "Picture":
    """The sentence under every strategy, in the dimensions shown."""
    from pooling.charts import playground
    from pooling.notices.playground import about_twins
    from pooling.pictures import Line, Panel, Picture
    from pooling.tables import own_strategy
    from pooling.tables.playground import collapse_table, vector_table

    compared, about = weighed.compared, weighed.about_strategies
    own = own_strategy(cache.encoder(weighed.choice.model).trained_pooling)
    limit = playground.colour_range(collapse_table(weighed.states, weighed.pooled, shown))
    rows = partial(playground.vectors_heatmap, vector_table(compared, weighed.vectors, shown), limit)
    bars = partial(playground.cosine_bars, compared, own.label)
    alt = f"The embedding under each strategy, one row each. {about}"
    side_by_side = Line((Panel(rows, "vectors", alt), Panel(bars, "cosines")), (3, 2))
    captions = (
        "The cosine says how nearly two vectors point the same way, whatever their lengths: 1 is the same direction, "
        "0 a right angle. Press a row or a bar to choose its strategy.",
        *(f"{label} is not shown: {reason}" for label, reason in weighed.missing),
    )
    twins = about_twins(compared[1:] if weighed.own else compared, own)
    return Picture((side_by_side,), compared, twins, captions, about)
