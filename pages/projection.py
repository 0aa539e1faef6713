"""Where do the embeddings land on a map?"""

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import cache, controls, fitted, layout, maps, share
from pages.ui.controls.projection import (
    choose_compared,
    choose_corpus,
    choose_map,
    choose_points,
    choose_search,
    choose_settings,
    choose_shown,
    choose_source,
    chosen_elsewhere,
    chosen_points,
    map_key,
)
from pages.ui.navigation import require_frame

require_frame()

import pandas as pd

from pooling import get_strategy
from pooling.after import for_direction
from pooling.charts import projection as charts
from pooling.labels import distinct_rows
from pooling.notices import projection as notices
from pooling.pictures import Line, Panel, Picture
from pooling.projection import FEWEST_FOR_UMAP, align
from pooling.tables import number
from pooling.tables.projection import found, judgement_table, map_table, mover_table, neighbour_table

if TYPE_CHECKING:
    import plotly.graph_objects as go

SMALL_CORPUS = 1500
"""Texts of a corpus that is chosen from by boxes, and compared unasked."""
MOST_LISTED = 50

choice = controls.current(with_texts=False)
with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    source = choose_source()
    kind, axes = choose_map()
    query = choose_search()
    metric, settings = choose_settings(kind, axes)
corpus = choose_corpus(source)
if corpus is None:
    layout.stop()
missing = cache.not_for_a_corpus(choice, corpus.texts)
strategy = choice.strategy
if strategy.name in missing:
    controls.offer_another(missing[strategy.name])
    layout.stop()
texts, labels = corpus.texts, corpus.labels
if kind == "umap" and len(texts) < FEWEST_FOR_UMAP:
    st.info(
        f"UMAP needs at least {FEWEST_FOR_UMAP} texts and these are {len(texts)}: with so few there are no "
        "neighbourhoods to keep. This is PCA.",
        icon=":material/info:",
    )
    kind = "pca"
usable = {one.name: one for one in choice.strategies if one.name not in missing}
vectors = maps.embeddings(choice, corpus, list(usable.values()))
after = choice.recipe.after
steps = fitted.at_the_layer(choice, for_direction(after) if metric == "cosine" else after)
views = {
    name: maps.View(choice, corpus, one, vectors[name], steps.get(name, ()), metric, kind, settings)
    for name, one in usable.items()
}
view = views[strategy.name]
title = f"The {len(texts):,} texts of the map"
share.offer_corpus(share.Offer(title, texts, labels, lambda: view.pooled))

table = map_table(view.map, texts, labels)
hits = found(table, query)
noticed = (
    notices.about_pca(table, view.pca[1])
    if kind == "pca"
    else notices.about_umap(table, min(settings.neighbours, len(texts) - 1))
) + notices.about_neighbours(table, view.neighbours)
chosen = [] if axes == 3 else chosen_points(corpus)
marked = sorted({*hits, *chosen})
# What is chosen in the figure itself is shown by it, and new rings would undo how it was dragged.
ringed = marked if chosen_elsewhere(corpus, (choice.recipe, metric, kind, settings)) else hits
draw = partial(charts.map_figure, table, strategy.name, marked=ringed)
panel = Panel(draw, f"map-{corpus.digest}-3d" if axes == 3 else map_key(corpus))
choose = partial(choose_points, corpus)
clickable = partial(layout.choice_of_points, boxes=len(texts) <= SMALL_CORPUS, choose=choose)
picture = Picture((Line((panel,)),), table, noticed)
layout.picture(picture, key="map", draw=None if axes == 3 else clickable)
listed = chosen or hits
if listed:
    st.markdown(f"**{'Its' if len(listed) == 1 else 'Their'} nearest neighbours in the full space**")
    near = neighbour_table(table, view.neighbours, listed[:MOST_LISTED], metric, each=10 if len(listed) == 1 else 5)
    layout.table(near, key="neighbours", alt="The nearest neighbours of the chosen texts in the full space.")
    if len(listed) > MOST_LISTED:
        st.caption(f"Of the first {MOST_LISTED} of {len(listed):,} texts.")
elif query:
    st.caption("No text contains that, and no label is that.")
else:
    ways = "Find a word" if axes == 3 else "Click a point, or find a word,"
    if axes == 2 and len(texts) <= SMALL_CORPUS:
        ways = "Click a point, drag a box around several (the tool at its top right), or find a word,"
    st.caption(f"{ways} to list texts with their nearest neighbours.")

st.header("How far to believe this picture", anchor=False)
belief, scores = view.belief, view.scores
facts = [
    (
        "Trustworthiness",
        None if belief is None else belief.trustworthiness,
        "1: whoever is near on the map is near in truth. About 0.5: by chance.",
    ),
    (
        "Nearest neighbours kept",
        None if belief is None else belief.kept,
        "Share of the true nearest neighbours that are nearest on the map too.",
    ),
]
if labels:
    facts += [
        (
            "1-NN accuracy",
            scores.accuracy,
            "Not of the map but of the full space: texts whose nearest other text has their label.",
        ),
        (
            "Silhouette",
            scores.silhouette,
            "Full space, −1 to 1: how much nearer a text is to its own label than to the next.",
        ),
    ]
for column, (name, value, meaning) in zip(st.columns(len(facts)), facts, strict=True):
    column.metric(name, "–" if value is None else number(value), border=True)
    column.caption(meaning)
noticed = notices.about_belief(belief, len(texts))
if labels:
    said = notices.about_labels(scores, [labels[row] for row in distinct_rows(texts, labels)], strategy.title)
    noticed += f" {said}"
layout.noticed(noticed)

st.header("The same texts under other strategies", anchor=False)
others = choose_compared(strategy.name, list(usable), ("cls", "max", "mean") if len(texts) <= SMALL_CORPUS else ())
for name in missing:
    st.caption(f"{get_strategy(name).label} is not offered: {missing[name]}")
if not others:
    layout.stop()
first = view.map
aligned = {strategy.name: (first, 0.0)} | {name: align(views[name].map, first) for name in others}
tables = {name: map_table(made, texts, labels) for name, (made, _) in aligned.items()}
labelled = {name: views[name].strategy.title for name in aligned}
judged = judgement_table(
    {name: views[name].belief for name in aligned},
    {name: views[name].scores for name in aligned},
    {name: apart for name, (_, apart) in aligned.items()},
    labelled,
)
noticed = notices.about_strategies(judged)
said = f"{noticed} {notices.about_separation(judged)}".rstrip()
names = list(aligned)
maps_of = [
    Panel(
        partial(charts.map_figure, tables[name], name, height=300, named=False, marked=marked),
        f"beside-{name}-{axes}",
        f"The map under {labelled[name]}. {said}",
        f"**{labelled[name]}**",
    )
    for name in names
]
bars = tuple(
    Panel(partial(charts.score_bars, judged, score), score, said)
    for score in ("1-NN accuracy", "silhouette")
    if labels and judged[score].notna().any()
)
lines = [Line(tuple(maps_of[start : start + 3]), (1, 1, 1)) for start in range(0, len(names), 3)]
noticed = f"Each map is turned and mirrored to lie as closely as it can on the first. {noticed}"
beside = (*lines, Line(bars, (1, 1))) if labels else tuple(lines)


def touch(figure: "go.Figure", *, key: str, alt: str) -> None:
    """A map of which each point can be pressed, or bars of which each chooses its strategy."""
    if key.startswith("beside-"):
        layout.pressable(figure, key=key, alt=alt, choose=lambda at: choose([at.number]))
    else:
        scored = list(judged.loc[judged[key].notna(), "name"])
        layout.pressable(figure, key=key, alt=alt, choose=lambda at: controls.take_strategy(scored, at.row))


points = [] if axes == 3 else ["Press a point to mark its text on every map."]
press = " ".join([*points, *(["Press a bar to choose its strategy."] if bars else [])])
layout.picture(Picture(beside, judged, noticed, (press,) if press else (), said), key="beside", draw=touch)

st.markdown("**Watch them move**")
places = {name: made for name, (made, _) in aligned.items()}
movers = mover_table(table, places, {name: views[name].neighbours for name in aligned}, labelled)
noticed = notices.about_movers(movers)
morph = partial(charts.morph_figure, tables, labelled, shown=choose_shown(names), marked=marked)
panel = Panel(morph, f"morph-{corpus.digest}-{'-'.join(names)}")
places = pd.concat({labelled[name]: charts.sample(one) for name, one in tables.items()}, names=["strategy"])
drawn = f"Of {len(texts):,} texts, {charts.MOST_MORPHED:,} are drawn."
captions = (drawn,) if len(texts) > charts.MOST_MORPHED else ()
layout.picture(Picture((Line((panel,)),), places.reset_index("strategy"), noticed, captions), key="morph")
st.caption(
    "The texts that moved most beyond what their neighbours did, and what they keep of their neighbours in truth:"
)
layout.table(movers, key="movers", alt=noticed)
