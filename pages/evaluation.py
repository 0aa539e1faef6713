"""Which strategy scores best on these pairs, and is the difference real?"""

from functools import partial

import streamlit as st

from pages.ui import cache, controls, layout, piecewise, url
from pages.ui.controls.evaluation import (
    choose_labelled_texts,
    choose_scored_data,
    choose_scored_pairs,
    choose_worst,
    take_cell,
    take_worst,
)
from pages.ui.navigation import require_frame

require_frame()

from pages.ui.evaluation import (
    ScoredPairs,
    offer,
    score_labels,
    score_pairs,
    show_leaderboard,
    show_verdict,
    strategies_of,
)
from pooling.after import for_direction
from pooling.attention_heads import layer_name
from pooling.evaluation import distinct_texts, grid_layers
from pooling.labels import check_labels, distinct_rows
from pooling.notices import evaluation as notices
from pooling.pictures import evaluation as pictures
from pooling.stsb import stsb_folder
from pooling.tables import evaluation as tables
from pooling.tables import own_strategy

choice = controls.current(with_texts=False, with_strategy=False)
shared = url.chosen()
encoder, layer, strategy = cache.encoder(choice.model), choice.layer, choice.strategy


def refuse(reason: str) -> None:
    """Say why this data cannot be evaluated, and stop."""
    layout.problem(reason)
    layout.stop()


def evaluate_pairs(data: str, pairs: tuple) -> None:
    """Scored pairs: the chosen layer compared, then the cost, every layer, the errors."""
    made, measure = score_pairs(pairs, choice), tables.measure_name(pairs)
    if not (made.table["verdict"] != "").any():
        refuse(
            "No strategy ranks these pairs: under each, all similarities are the same. Are the two texts of every "
            "pair equal? Give pairs that differ, or choose another layer."
        )
    texts = tuple(distinct_texts(pairs))
    offer(texts, (), lambda: piecewise.embeddings(texts, encoder, choice.recipe))
    show_verdict(made.table, measure, choice)
    remarks = notices.remarks_on_pairs(pairs, made.grid.cut, encoder.max_length)
    show_leaderboard(made.table, measure, len(pairs), "pairs", remarks, choice)
    st.header("What does it cost to pool wrongly?", anchor=False)
    show_cost(made)
    st.header("Every layer under every strategy", anchor=False)
    controls.choose_strategy()
    show_grid(made, measure)
    st.header(f"What {strategy.title} gets wrong", anchor=False)
    show_errors(made, pairs)
    st.header("Published numbers" + (", and the same here" if stsb_folder() else ""), anchor=False)
    plain = made.scores.scores if choice.reading.plain and not for_direction(choice.recipe.after) else {}
    published = tables.published_table(choice.model, data, stsb_folder() is not None, plain)
    layout.table(published, key="published", alt="Published scores, and the same computed here.")
    st.caption("Spearman × 100 on the test set of the STS Benchmark.")


def show_cost(made: ScoredPairs) -> None:
    """What each strategy loses against the model's own pooling."""
    label = own_strategy(encoder.trained_pooling).label
    costs = tables.cost_table(made.scores, made.reference, layer, choice.strategies)
    if encoder.trained_pooling is None:
        st.caption(f"This model was trained for no pooling, so {label} of its last layer stands in for its own.")
    if costs.empty:
        st.caption(f"{label} has no score here to compare with.")
    else:
        layout.picture(pictures.cost(costs, f"{label}, last layer"), key="cost", draw=strategies_of(costs["name"]))


def show_grid(made: ScoredPairs, measure: str) -> None:
    """Where in the model the score is."""
    scores, last = made.scores.scores, encoder.layers
    layers, names = grid_layers(encoder), [one.name for one in choice.strategies]
    table = tables.grid_table(scores, layers, last, choice.strategies)
    picture = pictures.grid(table, tables.layer_title(layer, last), measure, strategy.title)
    layout.picture(picture, key="grid", draw=partial(layout.pressable, choose=partial(take_cell, layers, names)))
    with st.expander("Why are some cells empty?"):
        empty = tables.missing_table(made.grid, scores, last)
        layout.table(empty, key="empty", alt="Why cells have no score.")


def show_errors(made: ScoredPairs, pairs: tuple) -> None:
    """The pairs that the chosen strategy misjudges most, and their kinds where these are known."""
    cell = layer, strategy.name
    if made.scores.scores.get(cell) is None:
        unscored = f"{strategy.title} has no score at layer {layer_name(layer)}."
        controls.offer_another(made.grid.missing.get(cell, unscored))
        return
    worst = tables.worst_table(pairs, made.grid.vectors[cell])
    kinds = tables.kind_table(pairs, made.grid.vectors[cell]) if "kind" in worst else None
    noticed = notices.about_worst(worst, strategy.title)
    if kinds is None:
        layout.noticed(noticed, key="kinds")
    else:
        st.caption(
            "How far similarity ranks each kind of pair above or below where its score ranks it: the mean gap, in % "
            "of all places."
        )
        layout.picture(pictures.kinds(kinds, noticed), key="kinds")
    st.caption(
        f"The {len(worst)} pairs with the largest gap between the place their score gives them and the place "
        f"similarity gives them; place 1 is the most alike.{notices.about_halves(worst)} Mark a row, or choose its "
        "pair here, to have it explained on the Similarity page."
    )
    chosen, names = choose_worst(worst, shared), [str(pair) for pair in worst.index]
    layout.table(
        worst,
        key="worst",
        alt=noticed,
        columns=layout.columns_of(worst, tables.WORST),
        marked=names.index(chosen) if chosen else None,
        choose=partial(take_worst, names),
    )


def evaluate_labels(texts: tuple, labels: tuple) -> None:
    """Labelled texts: do texts of one label lie together under a strategy?"""
    try:
        check_labels(texts, labels)
    except ValueError as wrong:
        refuse(str(wrong))
    table, vectors = score_labels(texts, labels, choice)
    if not (table["verdict"] != "").any():
        refuse("Under every strategy all these texts get the same vector. Give texts that differ.")
    if vectors is not None:
        offer(texts, labels, lambda: vectors)
    show_verdict(table, "1-nearest-neighbour (1-NN) accuracy", choice)
    distinct = len(distinct_rows(texts, labels))
    show_leaderboard(table, "1-NN accuracy", distinct, "texts", notices.remarks_on_labels(len(texts), distinct), choice)
    scored = table.loc[table["silhouette"].notna(), "name"]
    layout.picture(pictures.silhouette(table), key="labels", draw=strategies_of(scored))


data = choose_scored_data()
if data in ("topics", "texts"):
    if read := choose_labelled_texts(data):
        evaluate_labels(*read)
elif pairs := choose_scored_pairs(data):
    evaluate_pairs(data, pairs)
