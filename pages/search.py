"""Which strategy finds the right text, and what does pooling lose?"""

from dataclasses import replace

import streamlit as st

from pages.ui import cache, controls, layout
from pages.ui.controls.search import choose_chunking, choose_prompts, choose_query, choose_search_data
from pages.ui.navigation import require_frame

require_frame()

from pages.ui.evaluation import show_verdict, strategies_of
from pages.ui.search import SearchedAll, offer_passages, search_all, search_chunks
from pooling.notices import evaluation as intervals
from pooling.notices import search as notices
from pooling.pictures import evaluation as pictures
from pooling.pictures import search as pictures_of_search
from pooling.retrieval import SearchData
from pooling.tables import search as tables

choice = controls.current(with_texts=False, with_strategy=False)
layout.without_steps(choice)
choice = replace(choice, recipe=replace(choice.recipe, after=()))
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
    for remark in (intervals.INTERVALS, *notices.remarks(data, made.cut, made.limit)):
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


def show_join(made: SearchedAll, data: SearchData, prompts: tuple, query: str) -> None:
    """How no pooling scores the text that it puts first: each token of the query with its nearest."""
    if "maxsim" not in made.searched:
        return
    first = made.searched["maxsim"].ranking.found[list(data.queries).index(query), 0]
    passage = list(data.passages.values())[first]
    st.markdown("**Without pooling, token by token:** the query, and the text that MaxSim puts first")
    both = ((data.queries[query], prompts[0]), (passage, prompts[1]))
    table = tables.join_table(*(cache.states(reading, choice.layer, (text,)) for text, reading in both))
    noticed = notices.about_join(table)
    layout.table(table, key="joined", alt=noticed)
    layout.noticed(noticed, key="joined")


def show_query(made: SearchedAll, data: SearchData) -> str:
    """One query: what each way finds for it, and where its relevant texts stand."""
    st.header("One query, looked at", anchor=False)
    query = choose_query(data, made.searched, MEASURE)
    controls.choose_strategy()
    ways = list(dict.fromkeys([choice.strategy.name, made.use, "maxsim"]))
    hits = tables.hit_table(made.searched, data, query, [way for way in ways if way in made.searched], made.labels)
    layout.table(hits, key="hits", alt=notices.about_query(made.searched, data, query, MEASURE, made.labels))
    st.caption("The first ten under each. ●●: of relevance 2 or more for the query; ●: of relevance 1.")
    st.markdown("**Where its relevant texts stand**")
    places = tables.relevant_table(made.searched, data, query, made.labels)
    layout.table(places, key="places", alt="The place of every relevant text under each strategy.")
    return query


def show_cuts(made: SearchedAll, data: SearchData, prompts: tuple, query: str) -> None:
    """Long texts in chunks: three ways to have vectors of them, compared, and one text with its chunks."""
    st.header("Long texts, cut into chunks", anchor=False)
    chunking = choose_chunking()
    if chunking is None:
        return
    ways = search_chunks(made, data, choice, prompts, chunking)
    if isinstance(ways, str):
        layout.remark(ways)
        return
    noticed = notices.about_cuts(ways.compared, choice.strategy.title, encoder.max_length)
    layout.picture(pictures_of_search.cuts(ways.table, MEASURE, noticed), key="cuts")
    chunks = tables.chunk_table(ways.chunks, ways.queries, data, query)
    st.caption("The relevant text of the query above, chunk by chunk, with each chunk's cosine to the query.")
    layout.table(chunks, key="chunks", alt="The chunks of a relevant text, and how near each is to the query.")


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
    query = show_query(made, data)
    show_join(made, data, prompts, query)
    show_cuts(made, data, prompts, query)
