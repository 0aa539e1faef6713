"""What may a vector cost?"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from pages.ui import cache, controls, layout
from pages.ui.controls import size as widgets
from pages.ui.controls.evaluation import choose_labelled_texts, choose_scored_pairs
from pages.ui.controls.search import searched
from pages.ui.navigation import require_frame

require_frame()

from pages.ui import size
from pooling.after import pack_step
from pooling.catalogue import get_model
from pooling.corpus.estimate import about_estimate, estimate_table
from pooling.evaluation import distinct_texts
from pooling.labels import check_labels
from pooling.notices import sizes as notices
from pooling.notices.evaluation import INTERVALS
from pooling.pictures import sizes as pictures
from pooling.sizes import Measured, Way, other_texts
from pooling.storing import for_faiss, for_model, for_numpy
from pooling.tables import sizes as tables

choice = controls.current(with_texts=False, with_strategy=False)
layout.without_steps(choice)
choice = replace(choice, recipe=replace(choice.recipe, after=()))
encoder = cache.encoder(choice.model)


def measure(data: str) -> tuple[Measured, Sequence[str]] | None:
    """Every way of storing on data of that name, and its texts; None while there is none."""
    if data in ("search", "judged", "files"):
        if (asked := searched("own" if data == "search" else data, "Measure these")) is None:
            return None
        if len(asked.passages) > size.MOST_PASSAGES:
            layout.problem(
                f"There are {len(asked.passages):,} texts to search in; every way of storing is measured for up to "
                f"{size.MOST_PASSAGES:,} here. Give fewer, or use pooling.sizes.measure_search."
            )
            return None
        return size.measure_search(asked, choice), [*asked.queries.values(), *asked.passages.values()]
    if data in ("topics", "texts"):
        if (read := choose_labelled_texts(data)) is None:
            return None
        try:
            check_labels(*read)
        except ValueError as wrong:
            layout.problem(str(wrong))
            return None
        return size.measure_labels(*read, choice), read[0]
    if (pairs := choose_scored_pairs(data)) is None:
        return None
    return size.measure_pairs(pairs, choice), distinct_texts(pairs)


def show_code(way: Way, found: Measured) -> None:
    """The recipe as code for three tools, and what was fitted as files."""
    made = (for_model(way, choice.recipe, encoder), for_numpy(way, encoder.dim), for_faiss(way, encoder.dim))
    for tab, snippet in zip(st.tabs([one.tool for one in made]), made, strict=True):
        with tab:
            if snippet.code:
                # In colours some of it would be too faint to read.
                st.code(snippet.code, language=None, wrap_lines=True)
            st.caption(snippet.said)
    again = replace(way, type=way.rescored, rescored="") if way.rescored else way
    steps = [step for step in found.fitting.steps(again) if step.fits]
    with st.container(horizontal=True, gap="small"):
        for step in steps:
            st.download_button(
                f"{step.name}.safetensors",
                partial(pack_step, step),
                file_name=f"{step.name}.safetensors",
                mime="application/octet-stream",
                icon=":material/download:",
                key=f"take-{step.name}",
                on_click="ignore",
            )


def show_estimate(way: Way, bytes_a_text: int, texts: Sequence[str]) -> None:
    """What it takes to embed a corpus, once somebody asks for it."""
    st.header("A corpus of yours: how long, and how large?", anchor=False)
    st.caption(
        f"Stored as {way.label}. {size.SAMPLE} of the texts that are scored here are embedded, to see how fast this "
        "server is."
    )
    many, machines = widgets.choose_corpus()
    if controls.ask("Measure the speed here", key="speed"):
        found = size.estimate(many, texts, choice, bytes_a_text)
        table = estimate_table(found, machines)
        device = encoder.device.type.upper()
        said = about_estimate(found, machines, device)
        layout.table(table, key="estimate", alt=said)
        st.caption(
            f"Measured on this {device}, as busy as it is now. Longer texts take longer; machines are supposed not to "
            "wait for one another."
        )


with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    data = widgets.choose_data()
    lose, keep = widgets.choose_limits()
    price = widgets.choose_price()
controls.choose_strategy()
if (read := measure(data)) is None:
    layout.stop()
found, texts = read
if not found.compared.scores:
    layout.problem(
        "Nothing can be scored here: under this strategy all similarities are the same. Choose another strategy, or "
        "another layer."
    )
    layout.stop()
table = tables.size_table(found)
within = tables.smallest(table, lose, keep) or found.whole
with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    chosen = widgets.choose_way(table) or within
    shortened = widgets.choose_shortened()
row = table[table["name"] == chosen].iloc[0]
way, names = found.stored[chosen].way, list(table["name"])
with st.container(border=True):
    verdict = notices.verdict(table, chosen, found.measure)
    st.markdown(f"{choice.strategy.title}, stored as {verdict} {notices.memory(int(row['bytes']), price)}")
    if chosen == within and (said := notices.nothing_small_enough(table, lose, keep)):
        st.caption(said)
press = partial(layout.pressable, choose=partial(widgets.take_point, names))
layout.picture(pictures.paths(table, found.measure, chosen, shortened), key="sizes", draw=press)

st.header("What is lost, and how sure is that?", anchor=False)
front = tables.landmark_table(table, chosen)
take = partial(widgets.take_row, list(front["name"]))
layout.picture(
    pictures.lost(front, chosen), key="lost", draw=partial(layout.pressable, choose=lambda dot: take(dot.row))
)
costs = tables.cost_table(front, price)
said = "What each of these takes and keeps; a row that is marked is chosen."
marked = list(front["name"]).index(chosen)
layout.table(costs, key="stored", alt=said, columns=layout.columns_of(costs, {}), marked=marked, choose=take)
st.caption(
    f"Scored on {found.rows:,} {found.what}. PCA's directions and the ranges of int8 are fitted on "
    f"{len(other_texts(texts)):,} short texts of this project that are not among them. Neighbours kept: of the ten "
    "that whole vectors in float32 "
    + ("find first for a query." if found.what == "queries" else "have next to a text.")
)
st.caption(f"{INTERVALS.partition(' All 95%')[0]} All differences from whole vectors in float32 hold at once.")
if found.missing:
    reasons = dict.fromkeys(found.missing.values())
    st.caption(f"Left out: {' '.join(reasons)}")

st.header(f"{way.label}, as code", anchor=False)
st.markdown(notices.about_matryoshka(get_model(choice.model)))
show_code(way, found)
show_estimate(way, int(row["bytes"]), texts)
