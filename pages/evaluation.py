"""Which strategy scores best on these pairs, and is the difference real?"""

from dataclasses import replace

import streamlit as st

from pages.ui import cache, capacity, controls, layout, parts, takeaway
from pages.ui.controls.evaluation import choose_scored_data
from pages.ui.controls.files import choose_pairs, choose_texts
from pages.ui.navigation import require_frame

require_frame()

from pooling.datasets import own_pairs, own_topics
from pooling.evaluation import binary, distinct_texts, grid_layers, layer_places, leaderboard, pair_clusters
from pooling.labels import check_labels, distinct_rows
from pooling.modules import head_cards, layer_name
from pooling.notices import evaluation as notices
from pooling.pictures import evaluation as pictures
from pooling.snippets import for_pooling
from pooling.stsb import stsb_folder
from pooling.tables import evaluation as tables
from pooling.tables import own_strategy

choice = controls.current(with_texts=False)
encoder = cache.encoder(choice.model)
own, layer, strategies = encoder.trained_pooling, choice.layer, choice.strategies
names = [one.name for one in strategies]
trained_here = own if layer == encoder.layers else None
at = f"layer {layer_name(layer)}"


INTERVALS = (
    "A resample draws as many rows again, some twice, some never; 2,000 of them show how far scores move by chance. "
    "All 95% intervals of a chart hold at once, so you may choose what to compare after looking. “Behind the best” "
    "means the one that is truly best, whichever that is."
)


def given(kind: str) -> tuple:
    """What the reader's file holds: pairs, or texts and labels; without one the page stops."""
    read = choose_pairs("Evaluate these") if kind == "pairs" else choose_texts("Evaluate these")
    if read is None:
        layout.stop()
    return read


def benchmark() -> list:
    """The test set of the STS Benchmark; the page stops where it is not on this machine."""
    if (folder := controls.find_benchmark()) is None:
        layout.stop()
    return cache.stsb(folder)["test"]


def say(verdict: str, name: str) -> None:
    """The verdict, with the code for it."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Verdict for {choice.model.rpartition('/')[2]}, {at}.** {verdict}")
        with st.popover("Code for it", icon=":material/code:"):
            recipe = replace(choice.recipe, strategy=name, params=dict(choice.settings).get(name, ()))
            st.code(for_pooling(recipe).code, language="python")


def offer(texts: tuple, labels: tuple, vectors) -> None:
    """Have the texts that are evaluated among the files to take along."""
    takeaway.offer_corpus(takeaway.Offer(f"The {len(texts):,} texts that are evaluated", texts, labels, vectors))


def show_leaderboard(table, measure: str, rows: int, what: str) -> None:
    """Who is best, and who cannot be scored."""
    layout.picture(pictures.leaderboard(table, measure, rows, what), key="leaderboard")
    for card in head_cards():
        if (card["model"], card["layer"]) == (choice.model, layer):
            st.caption(f"The head of trained attention has learned from: {card['data']}. It is at home on such data.")
    for row in table[table["missing"] != ""].to_dict("records"):
        st.caption(f"{row['label']} has no score: {row['missing']}")


def evaluate_pairs(data: str, pairs: tuple) -> None:
    """Scored pairs: every layer and strategy from one pass, then the chosen layer in detail."""
    measure, content = tables.measure_name(pairs), parts.digest([choice.reading, choice.settings, *pairs])
    characters = sum(len(p.text1) + len(p.text2) for p in pairs)
    capacity.take_turn(len(pairs), characters, capacity.PAIRS_TAKE * len(pairs))
    grid = parts.pair_cosines(pairs, choice.reading, choice.settings)
    reference = (encoder.layers, own_strategy(own).name)
    sampled = (*((layer, name) for name in names), reference)
    scores = cache.scores(choice.model, content, sampled, pairs, grid)
    places = layer_places(scores, grid, layer, names)
    pearson = {name: v for (one, name), v in scores.pearson.items() if one == layer}
    table = tables.leaderboard_table(places, pearson, strategies=strategies)
    if not (table["verdict"] != "").any():
        layout.problem(
            "No strategy ranks these pairs: under each, all similarities are the same. Are the two texts of every "
            "pair equal? Give pairs that differ, or choose another layer."
        )
        layout.stop()
    texts = tuple(distinct_texts(pairs))
    offer(texts, (), lambda: parts.embeddings(texts, encoder, choice.recipe))
    say(notices.verdict(table, trained_here, measure), notices.recommended(table, trained_here))
    show_leaderboard(table, measure, len(pairs), "pairs")
    st.caption(INTERVALS)
    repeated = len(pairs) - len(set(pair_clusters(pairs)))
    if repeated:
        st.caption(
            f"Rows with the two texts of an earlier row: {repeated:,}. Each counts in the scores, but a copy tells "
            "nothing new: resamples draw it together with the first."
        )
    if grid.cut:
        st.caption(f"Texts cut to the model's limit of {encoder.max_length} tokens: {grid.cut:,}.")
    if binary(pairs):
        share = 100 * sum(p.score for p in pairs) / len(pairs)
        st.caption(f"Average precision: pairs sorted by similarity, how pure is the top? By chance it is {share:.1f}.")
    else:
        st.caption("Spearman: how well the order of the pairs by similarity agrees with people's, from −100 to 100.")

    st.header("What does it cost to pool wrongly?", anchor=False)
    label = own_strategy(own).label
    costs = tables.cost_table(scores, reference, layer, strategies)
    if own is None:
        st.caption(f"This model was trained for no pooling, so {label} of its last layer stands in for its own.")
    if costs.empty:
        st.caption(f"{label} has no score here to compare with.")
    else:
        layout.picture(pictures.cost(costs, f"{label}, last layer"), key="cost")

    st.header("Every layer under every strategy", anchor=False)
    table = tables.grid_table(scores.scores, grid_layers(encoder), encoder.layers, strategies)
    chosen = tables.layer_title(layer, encoder.layers)
    layout.picture(pictures.grid(table, chosen, measure, choice.strategy.title), key="grid")
    with st.expander("Why are some cells empty?"):
        layout.table(
            tables.missing_table(grid, scores.scores, encoder.layers), key="empty", alt="Why cells have no score."
        )

    st.header(f"What {choice.strategy.title} gets wrong", anchor=False)
    chosen = (layer, choice.strategy.name)
    if scores.scores.get(chosen) is None:
        controls.offer_another(grid.missing.get(chosen, f"{choice.strategy.title} has no score at {at}."))
    else:
        worst = tables.worst_table(pairs, grid.vectors[chosen])
        kinds = tables.kind_table(pairs, grid.vectors[chosen]) if "kind" in worst else None
        noticed = notices.about_worst(worst, kinds, choice.strategy.title)
        if kinds is None:
            layout.noticed(noticed, key="kinds")
        else:
            st.caption(
                "How far similarity ranks each kind of pair above or below where people rank it: the mean gap, in % "
                "of all places."
            )
            layout.picture(pictures.kinds(kinds, noticed), key="kinds")
        st.caption(
            f"The {len(worst)} pairs with the largest gap between the place people give them and the place "
            "similarity gives them; place 1 is the most alike."
        )
        layout.table(worst, key="worst", alt=noticed, columns=layout.columns_of(worst, tables.WORST))

    st.header("Published numbers, and the same here", anchor=False)
    plain = scores.scores if choice.reading.plain else {}
    published = tables.published_table(choice.model, data, stsb_folder() is not None, plain)
    layout.table(published, key="published", alt="Published scores, and the same computed here.")
    st.caption("Spearman × 100 on the test set of the STS Benchmark.")


def evaluate_labels(texts: tuple, labels: tuple) -> None:
    """Labelled texts: do texts of one label lie together under a strategy?"""
    try:
        check_labels(texts, labels)
    except ValueError as wrong:
        layout.problem(str(wrong))
        layout.stop()
    reading, settings = choice.reading, choice.settings
    key = (choice.model, parts.digest([reading, settings, texts, labels]), layer)
    capacity.take_turn(
        len(texts), sum(map(len, texts)), capacity.EMBEDDINGS_TAKE * len(texts) * len(names) * encoder.dim
    )
    grid = parts.in_parts(texts, len, lambda part, some: cache.vectors(reading, layer, part, settings, some))
    scored = {
        name: cache.label_scores((*key, name), vectors, texts, labels, "cosine")
        for (_, name), vectors in grid.vectors.items()
    }
    places = leaderboard(
        {name: one.accuracy for name, one in scored.items()},
        cache.compare_labels(key, scored, texts, labels),
        {name: why for (_, name), why in grid.missing.items()},
    )
    table = tables.label_table(places, scored, strategies)
    if not (table["verdict"] != "").any():
        layout.problem("Under every strategy all these texts get the same vector. Give texts that differ.")
        layout.stop()
    for (_, name), vectors in grid.vectors.items():
        if name == choice.strategy.name:
            offer(texts, labels, lambda vectors=vectors: vectors)
    said = notices.verdict(table, trained_here, "1-nearest-neighbour (1-NN) accuracy")
    say(said, notices.recommended(table, trained_here))
    distinct = len(distinct_rows(texts, labels))
    show_leaderboard(table, "1-NN accuracy", distinct, "texts")
    st.caption(INTERVALS)
    if distinct < len(texts):
        st.caption(
            f"Rows that repeat an earlier text and its label: {len(texts) - distinct:,}. They count once: the text "
            "nearest to a copy would be the first of it."
        )
    st.caption(
        "1-NN accuracy: how often the nearest other text has the same label. Silhouette, −100 to 100: how much nearer "
        "texts are to their own label's than to the next label's. Both by cosine, in all dimensions."
    )
    layout.picture(pictures.silhouette(table), key="labels")


data = choose_scored_data()
if data in ("topics", "texts"):
    evaluate_labels(*(own_topics() if data == "topics" else given("texts")))
else:
    pairs = own_pairs() if data == "own" else given("pairs") if data == "pairs" else benchmark()
    evaluate_pairs(data, tuple(pairs))
