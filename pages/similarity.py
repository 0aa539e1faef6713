"""Which sentences become neighbours, and why?"""

from functools import partial
from math import isnan

import streamlit as st

from pages.ui import cache, controls, fitted, layout
from pages.ui.controls.similarity import choose_measure, choose_pair, choose_query, take_pair, take_tokens
from pages.ui.navigation import require_frame

require_frame()

from pages.ui.similarity import show_flips, show_neighbours, show_orders, show_tokens, show_top
from pooling import apply
from pooling.after import for_direction, in_words
from pooling.charts.similarity import colour_scale
from pooling.datasets import own_topics
from pooling.notices import similarity as notices
from pooling.pictures import similarity as pictures
from pooling.similarity import Comparison, Split, pool_all
from pooling.tables import similarity as tables
from pooling.tables.attention import one_token_table
from pooling.types import Embedding, NotComputable

choice = controls.current()
strategy, texts = choice.strategy, choice.texts
states = cache.states(choice.reading, choice.layer, texts)
pooled, missing = pool_all(states, choice.strategies, model=choice.model, layer=choice.layer)
cut = [str(i) for i, lost in enumerate(states.lost, start=1) if lost]
if cut:
    st.warning(
        f"Sentence {', '.join(cut)} is longer than the model's limit of {cache.encoder(choice.model).max_length} "
        "tokens and was cut there; what follows is not in any number below."
    )
if strategy.name in missing:
    controls.offer_another(missing[strategy.name])
    layout.strategy_card(strategy)
    layout.stop()


def corpus() -> dict[str, Embedding]:
    """The bundled sentences' embeddings by strategy."""
    return cache.embeddings_by_strategy(choice.reading, choice.layer, own_topics()[0], choice.settings)


measure = choose_measure(choice)
steps = fitted.at_the_layer(choice, for_direction(choice.recipe.after))
compared = Comparison(states, pooled, steps, measure)
own = compared.scores(strategy.name)

st.header("1 · Every sentence against every sentence", anchor=False)
matrix = tables.matrix_table(own)
scale = colour_scale(matrix, measure)
left, right = st.columns([11, 9])
with left:
    explain = partial(layout.pressable, choose=take_pair, opens="pair1")
    layout.picture(pictures.matrix(matrix, texts, measure), key="similarity", draw=explain)
with right:
    vectors = compared.vectors(strategy.name)
    orders = tables.order_table(vectors, normalise=measure.normalise)
    show_orders(orders, scaled=measure.normalise)
    swaps = {metric: tables.clearest_swap(vectors, metric) for metric in ("dot", "euclidean")}
layout.noticed(
    notices.nothing_to_rank(tables.pair_table(matrix, measure), measure)
    or notices.about_orders(orders, measure.normalise, swaps)
)

st.header("2 · The same sentences under every strategy", anchor=False)
if len(texts) == 1:
    layout.noticed("To see what a strategy changes takes two sentences or more: add some above.")
else:
    titles, drawn = {one.name: one.title for one in choice.strategies}, list(compared.pooled)
    layout.picture(
        pictures.multiples(compared, titles, scale),
        key="multiples",
        draw=partial(layout.pressable, choose=lambda at: controls.take_strategy(drawn, at.trace)),
    )
    for reason in missing.values():
        st.caption(f"Not shown: {reason}")
    agreement, flipped = pictures.agreement(compared, titles, strategy.title, texts)
    if len(texts) > 2:
        choose = partial(layout.pressable, choose=lambda at: controls.take_strategy(drawn, at.row))
        flips = partial(show_flips, flipped, strategy.title)
        layout.picture(agreement, key="strategies", beside=flips, draw=choose)
    else:
        layout.noticed(agreement.said)

st.header("3 · The neighbours of one sentence", anchor=False)
index, query = choose_query(texts)
if query is None:
    row, whose = own[index], f"sentence {index + 1}"
else:
    alone = apply(
        strategy, cache.states(choice.reading, choice.layer, (query,)), model=choice.model, layer=choice.layer
    )
    row, whose = compared.asked(strategy.name, alone.embedding)[0], "your query"
    layout.plain(f"Nearest to your own words, “{query}”. Clear them to see the neighbours of the sentence again.")
neighbours = tables.neighbour_table(row, texts, measure, itself=index if query is None else None)
said = notices.about_neighbours(neighbours, measure, whose)
if len(neighbours):
    most = max(scale[1], float(row.nan_to_num().max()))
    show_neighbours(neighbours, measure, most=most, said=said)
else:
    layout.noticed(said)

layout.arrival("why")
st.header("4 · Why are these two similar?", anchor=False)
first, second = choose_pair(texts)
try:
    split: Split | None = compared.split(strategy.name, first, second)
except NotComputable as reason:
    split = None
    st.info(f"{reason} So their score is not taken apart here.")
if split is not None:
    st.markdown(
        "Each embedding is a sum over its tokens, so the dot product of two is a sum over all pairs of tokens"
        + (": this one, divided by both lengths, is the cosine." if compared.splits_as.is_cosine else ".")
        + (" (A distance does not split this way.)" if measure.metric == "euclidean" else "")
    )
    if isnan(split.score):
        st.info("Nothing is left to split: the steps after pooling leave one of these embeddings with length zero.")
if split is not None and not isnan(split.score):
    names = tables.token_names(states, first), tables.token_names(states, second)
    weighed = [one_token_table(states, pooled[strategy.name], i) for i in (first, second)]
    show_tokens(weighed, (first, second), names, strategy.title)
    picture, top = pictures.contributions(split, *names)
    light = partial(layout.pressable, choose=partial(take_tokens, *names))
    layout.picture(picture, key="contributions", beside=partial(show_top, top), draw=light)

st.header("5 · How much is that? Compared with unrelated sentences", anchor=False)
kinds = own_topics()[1]
unrelated, before = compared.unrelated(strategy.name, corpus()[strategy.name], kinds)
if not len(unrelated):
    st.info(
        "There is no baseline: under this strategy and layer, the steps after pooling leave vectors of length zero to "
        "the bundled sentences."
    )
    layout.stop()
pair = first + 1, second + 1
named = {"strategy": strategy.name, "steps": in_words(steps.get(strategy.name, ()))}
picture = pictures.baseline(matrix, measure, unrelated, before, pair=pair, texts=len(kinds), **named)
layout.picture(picture, key="baseline")
