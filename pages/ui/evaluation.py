"""What the Evaluation page scores, in parts and with progress, and what it says first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import cache, capacity, controls, fitted, layout, piecewise, share
from pages.ui.choice import Choice
from pooling.catalogue import short

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from pooling.datasets import Pair
    from pooling.evaluation import Cell, Grid, Scores


@dataclass(frozen=True, eq=False)
class ScoredPairs:
    """Pairs scored at every layer under every strategy."""

    grid: "Grid"
    scores: "Scores"
    reference: "Cell"
    """The model's own pooling, or what stands in for it."""
    table: "pd.DataFrame"
    """The leaderboard of the chosen layer."""


def score_pairs(pairs: "tuple[Pair, ...]", choice: Choice) -> ScoredPairs:
    """Every layer and strategy from one pass over the pairs, those of the chosen layer compared."""
    from pooling.after import for_direction
    from pooling.evaluation import layer_places
    from pooling.tables import own_strategy
    from pooling.tables.evaluation import leaderboard_table

    encoder, layer, names = cache.encoder(choice.model), choice.layer, [one.name for one in choice.strategies]
    after = for_direction(choice.recipe.after)
    content = piecewise.digest([choice.reading, choice.settings, after, *pairs])
    characters = sum(len(p.text1) + len(p.text2) for p in pairs)
    capacity.take_turn(len(pairs), characters, capacity.PAIRS_TAKE * len(pairs))
    steps = fitted.everywhere(choice, after)
    grid = piecewise.pair_cosines(pairs, choice.reading, choice.settings, after, steps)
    reference = (encoder.layers, own_strategy(encoder.trained_pooling).name)
    sampled = (*((layer, name) for name in names), reference)
    scores = cache.scores(choice.model, content, sampled, pairs, grid)
    pearson = {name: value for (one, name), value in scores.pearson.items() if one == layer}
    table = leaderboard_table(layer_places(scores, grid, layer, names), pearson, strategies=choice.strategies)
    return ScoredPairs(grid, scores, reference, table)


def score_labels(
    texts: tuple[str, ...], labels: tuple[str, ...], choice: Choice
) -> "tuple[pd.DataFrame, Tensor | None]":
    """The leaderboard of labelled texts, and their embeddings under the chosen strategy, where it has any.

    The scores are of the embeddings after the steps, which those that are returned have before them.
    """
    from pooling.after import for_direction, values_after
    from pooling.evaluation import leaderboard
    from pooling.tables.evaluation import label_table

    reading, layer, settings = choice.reading, choice.layer, choice.settings
    after = for_direction(choice.recipe.after)
    key = (choice.model, piecewise.digest([reading, settings, after, texts, labels]), layer)
    numbers = len(texts) * len(choice.strategies) * cache.encoder(choice.model).dim
    capacity.take_turn(len(texts), sum(map(len, texts)), capacity.EMBEDDINGS_TAKE * numbers)
    grid = piecewise.in_parts(texts, len, lambda part, some: cache.vectors(reading, layer, part, settings, some))
    vectors, steps = {name: made for (_, name), made in grid.vectors.items()}, fitted.at_the_layer(choice, after)
    scored = {}
    for name, made in vectors.items():
        ready = values_after(made, steps.get(name, ()))
        scored[name] = cache.label_scores((*key, name), ready, texts, labels, "cosine")
    places = leaderboard(
        {name: one.accuracy for name, one in scored.items()},
        cache.compare_labels(key, scored, texts, labels),
        {name: why for (_, name), why in grid.missing.items()},
    )
    return label_table(places, scored, choice.strategies), vectors.get(choice.strategy.name)


def offer(texts: tuple[str, ...], labels: tuple[str, ...], vectors: "Callable[[], Tensor]") -> None:
    """Have the texts that are evaluated among the files to take along."""
    share.offer_corpus(share.Offer(f"The {len(texts):,} texts that are evaluated", texts, labels, vectors))


def strategies_of(names: "Sequence[str]") -> "Callable[..., None]":
    """What draws dots of strategies, in this order, each of which chooses its strategy when it is pressed."""
    return partial(layout.pressable, choose=lambda dot: controls.take_strategy(list(names), dot.row))


def show_verdict(table: "pd.DataFrame", measure: str, choice: Choice) -> None:
    """The strategy to use, with the code for it."""
    from pooling.after import get_step, in_words
    from pooling.attention_heads import layer_name
    from pooling.notices import evaluation as notices
    from pooling.snippets import for_pooling

    encoder = cache.encoder(choice.model)
    own = encoder.trained_pooling if choice.layer == encoder.layers else None
    after = f", after {in_words(map(get_step, choice.recipe.after))}" if choice.recipe.after else ""
    name = notices.recommended(table, own)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**Verdict for {short(choice.model)}, layer {layer_name(choice.layer)}{after}.** "
            f"{notices.verdict(table, own, measure)}"
        )
        with st.popover("Code for it", icon=":material/code:"):
            recipe = replace(choice.recipe, strategy=name, params=dict(choice.settings).get(name, ()))
            st.code(for_pooling(recipe).code, language="python")


def show_leaderboard(
    table: "pd.DataFrame", measure: str, rows: int, what: str, remarks: Sequence[str], choice: Choice
) -> None:
    """Who is best, who cannot be scored, and what the numbers are."""
    from pooling.attention_heads import head_cards
    from pooling.notices.evaluation import INTERVALS
    from pooling.pictures import evaluation as pictures

    scored = table.loc[table["score"].notna(), "name"]
    picture = pictures.leaderboard(table, measure, rows, what, choice.strategy.name)
    layout.picture(picture, key="leaderboard", draw=strategies_of(scored))
    for card in head_cards():
        if (card["model"], card["layer"]) == (choice.model, choice.layer):
            st.caption(f"The head of trained attention has learned from: {card['data']}. It is at home on such data.")
    for row in table[table["missing"] != ""].to_dict("records"):
        st.caption(f"{row['label']} has no score: {row['missing']}")
    for remark in (INTERVALS, *remarks):
        st.caption(remark)
