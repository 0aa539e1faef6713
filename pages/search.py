"""Which strategy finds the right text, and what does pooling lose?"""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import cache, controls, layout
from pages.ui.controls.search import (
    choose_chunking,
    choose_every_layer,
    choose_forgetting,
    choose_hit,
    choose_own_query,
    choose_prompts,
    choose_query,
    choose_search_data,
)
from pages.ui.navigation import require_frame

require_frame()

from pages.ui.controls.evaluation import take_cell
from pages.ui.evaluation import show_verdict, strategies_of
from pages.ui.search import (
    Asked,
    SearchedAll,
    ask,
    forget_prompts,
    offer_passages,
    query_vectors,
    score_layers,
    search_all,
    search_chunks,
)
from pages.ui.similarity import show_top
from pooling import apply
from pooling.charts import search as charts
from pooling.evaluation import Scores, grid_layers
from pooling.notices import evaluation as intervals
from pooling.notices import search as notices
from pooling.pictures import evaluation as pictures
from pooling.pictures import search as pictures_of_search
from pooling.pictures.similarity import contributions
from pooling.retrieval import SearchData
from pooling.similarity import Measure, split
from pooling.tables import evaluation as tables_of_scores
from pooling.tables import own_strategy
from pooling.tables import search as tables
from pooling.tables.similarity import token_names
from pooling.types import NotComputable

if TYPE_CHECKING:
    import pandas as pd

choice = controls.current(with_texts=False, with_strategy=False)
encoder = cache.encoder(choice.model)
MEASURE = "nDCG@10"


def show_leaderboard(made: SearchedAll, data: SearchData) -> None:
    """Every strategy and no pooling in one chart, what pooling loses, and what a text takes."""
    picture = pictures.leaderboard(made.table, MEASURE, len(data.queries), "queries", choice.strategy.name)
    scored = made.table.loc[made.table["score"].notna(), "name"]
    layout.picture(picture, key="searches", draw=strategies_of(scored))
    sizes = tables.size_table(made.table)
    columns = layout.columns_of(sizes, {})
    columns["bytes a text"] = st.column_config.NumberColumn(format="localized")
    said = "The measures of every way of searching, and the bytes that a text takes."
    layout.table(sizes, key="sizes", alt=said, columns=columns)
    for said in notices.about_late(made.table, made.compared, made.use):
        st.markdown(said)
    for row in made.table[made.table["missing"] != ""].to_dict("records"):
        st.caption(f"{row['label']} has no score: {row['missing']}")
    for remark in (intervals.INTERVALS, *notices.remarks(data, made.passages.cut, made.limit)):
        st.caption(remark)
    for remark in data.said:
        layout.remark(remark)


def show_kinds(made: SearchedAll, data: SearchData) -> None:
    """Which kinds of queries each way finds, where they have kinds."""
    if data.kinds:
        st.header("Which kinds of queries?", anchor=False)
        kinds = tables.kind_table(made.searched, data, MEASURE, made.labels)
        layout.table(kinds, key="query-kinds", alt=notices.about_kinds(kinds), columns=layout.columns_of(kinds, {}))
        st.caption(f"{MEASURE} × 100, the mean over the queries of a kind.")


def show_cost(made: SearchedAll) -> None:
    """What each strategy loses against the model's own pooling."""
    st.header("What does it cost to pool wrongly?", anchor=False)
    own, layer = own_strategy(encoder.trained_pooling), choice.layer
    if layer != encoder.layers or own.name not in made.searched:
        st.caption(f"Choose the last layer: its {own.label} is what the others are compared with.")
        return
    if encoder.trained_pooling is None:
        st.caption(f"This model was trained for no pooling, so {own.label} of its last layer stands in for its own.")
    cells = {name: (layer, name) for name in made.searched}
    scores = Scores({}, {}, made.compared.renamed(cells))
    costs = tables_of_scores.cost_table(scores, (layer, own.name), layer, choice.strategies)
    if not costs.empty:
        picture = pictures.cost(costs, f"{own.label}, last layer")
        layout.picture(picture, key="cost", draw=strategies_of(costs["name"]))


def show_forgotten(made: SearchedAll, data: SearchData, prompts: tuple) -> None:
    """What it costs to forget a prompt, where there is one."""
    if all(one.plain for one in prompts) or not choose_forgetting():
        return
    ways = forget_prompts(made, data, choice, prompts)
    if isinstance(ways, str):
        layout.remark(ways)
        return
    noticed = notices.about_forgotten(ways.compared, choice.strategy.title)
    layout.picture(pictures_of_search.ways(ways.table, MEASURE, noticed), key="forgotten")


def show_layers(data: SearchData, prompts: tuple) -> None:
    """Every layer under every strategy, on request."""
    if not choose_every_layer():
        return
    scored = score_layers(data, choice, prompts)
    if isinstance(scored, str):
        layout.remark(scored)
        return
    cosines, scores = scored
    layers, last, names = grid_layers(encoder), encoder.layers, [one.name for one in choice.strategies]
    table = tables_of_scores.grid_table(scores, layers, last, choice.strategies)
    picture = pictures.grid(table, tables_of_scores.layer_title(choice.layer, last), MEASURE, choice.strategy.title)
    layout.picture(picture, key="grid", draw=partial(layout.pressable, choose=partial(take_cell, layers, names)))
    with st.expander("Why are some cells empty?"):
        empty = tables_of_scores.missing_table(cosines, scores, last)
        layout.table(empty, key="empty", alt="Why cells have no score.")


def show_query(made: SearchedAll, data: SearchData, prompts: tuple) -> Asked:
    """One query: what each way finds for it, and where its relevant texts stand."""
    st.header("One query, looked at", anchor=False)
    above, typed = st.container(), choose_own_query()
    with above:
        query = choose_query(data, made.searched, MEASURE, disabled=bool(typed))
    controls.choose_strategy()
    if typed:
        found, asked = ask(made, data, choice, prompts, typed)
        said = f"The texts that each way finds first for your own query, “{typed}”."
        layout.plain(f"{said} Clear it to look at the query above again.")
        show_hits(tables.listed(found, data), said)
        st.caption("The first ten under each: nobody has judged what is relevant for your query.")
        return asked
    ways = dict.fromkeys([choice.strategy.name, "maxsim", made.use, *(one.name for one in choice.strategies)])
    hits = tables.hit_table(made.searched, data, query, [way for way in ways if way in made.searched], made.labels)
    show_hits(hits, notices.about_query(made.searched, data, query, MEASURE, made.labels))
    st.caption("The first ten under each. ●●: of relevance 2 or more for the query; ●: of relevance 1.")
    st.markdown("**Where its relevant texts stand**")
    places = tables.relevant_table(made.searched, data, query, made.labels)
    layout.table(places, key="places", alt="The place of every relevant text under each strategy.")
    row, name = list(data.queries).index(query), choice.strategy.name
    vector = query_vectors(made, choice)[row] if name in made.searched else None
    found = {way: made.searched[way].ranking.found[row].tolist() for way in (name, "maxsim") if way in made.searched}
    firsts = {made.labels[way]: [i for i in numbers if i >= 0] for way, numbers in found.items()}
    return Asked(data.queries[query], vector, tables.most_relevant(data, query), firsts)


def show_hits(hits: "pd.DataFrame", said: str) -> None:
    """What each way finds first, side by side."""
    place = {"place": st.column_config.NumberColumn("#", pinned=True, width=40)}
    texts = dict.fromkeys(hits.columns[1:], st.column_config.TextColumn(width=330))
    layout.table(hits, key="hits", alt=said, columns=place | texts)


def show_hit(made: SearchedAll, data: SearchData, prompts: tuple, asked: Asked) -> None:
    """One of the texts that are found, token by token: its score under the chosen strategy, and without pooling."""
    if not asked.hits:
        return
    passages, name = list(data.passages.values()), choice.strategy.name
    passage = passages[choose_hit(asked.hits, passages)]
    layout.plain(tables.short(passage, 400), quoted=True)
    both = [cache.states(one, choice.layer, (text,)) for text, one in zip((asked.text, passage), prompts, strict=True)]
    if asked.vector is not None:
        pooled = [apply(choice.strategy, states, model=choice.model, layer=choice.layer) for states in both]
        first, second = ((states, one, 0) for states, one in zip(both, pooled, strict=True))
        st.markdown(f"**Under {choice.strategy.title}:** what each pair of tokens adds to the cosine")
        try:
            parts = split(first, second, Measure("cosine"), made.steps.get(name, ()))
        except NotComputable as reason:
            layout.remark(f"{reason} So their score is not taken apart here.")
        else:
            picture, top = contributions(parts, *(token_names(states, 0) for states in both))
            layout.picture(replace(picture, captions=()), key="parts", beside=partial(show_top, top))
    st.markdown("**Without pooling:** each token of the query, and the token of the text that is nearest to it")
    layout.picture(pictures_of_search.join(tables.join_table(*both)), key="joined")


def show_cuts(made: SearchedAll, data: SearchData, prompts: tuple, asked: Asked) -> None:
    """Long texts in chunks: three ways to have vectors of them, compared, and one text with its chunks."""
    st.header("Long texts, cut into chunks", anchor=False)
    chunking = choose_chunking()
    if chunking is None:
        return
    cut = search_chunks(made, data, choice, prompts, chunking)
    if isinstance(cut, str):
        layout.remark(cut)
        return
    ways, chunked = cut
    noticed = notices.about_cuts(ways.compared, choice.strategy.title, encoder.max_length)
    layout.picture(pictures_of_search.ways(ways.table, MEASURE, noticed), key="cuts")
    if asked.vector is not None:
        chunks = tables.chunk_table(chunked, asked.vector, data, asked.passage)
        layout.remark(f"One text in its chunks, each with its cosine to the query “{asked.text}”.")
        layout.noticed(notices.about_chunks(chunks), chunks, key="chunks")
        st.html(charts.chunks(chunks))


if data := choose_search_data():
    prompts = choose_prompts(choice)
    made = search_all(data, choice, prompts)
    offer_passages(data, choice, made.passages)
    passages = replace(choice.recipe, template=prompts[1].template, pool_template=prompts[1].pool_template)
    show_verdict(made.pooled, MEASURE, replace(choice, recipe=passages))
    if prompts[0] != prompts[1]:
        layout.remark("The code there embeds passages; a query has the prompt that stands above.")
    show_leaderboard(made, data)
    show_kinds(made, data)
    asked = show_query(made, data, prompts)
    show_hit(made, data, prompts, asked)
    show_cost(made)
    show_forgotten(made, data, prompts)
    show_layers(data, prompts)
    show_cuts(made, data, prompts, asked)
