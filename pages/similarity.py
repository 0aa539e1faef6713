"""Which sentences become neighbours, and why?"""

import streamlit as st

from pages.ui import cache, controls, layout
from pages.ui.controls.similarity import choose_measure, choose_pair, choose_query
from pages.ui.navigation import require_frame

require_frame()

from pooling import apply
from pooling.charts import similarity as charts
from pooling.datasets import own_topics
from pooling.notices import similarity as notices
from pooling.pictures import similarity as pictures
from pooling.similarity import (
    Measure,
    centred,
    compare,
    contributions,
    nearness,
    pool_all,
    special_part,
    token_parts,
    unrelated,
)
from pooling.tables import similarity as tables

choice = controls.current()
strategy = choice.strategy
states = cache.states(choice.reading, choice.layer, choice.texts)
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


def corpus():
    """The bundled sentences' embeddings by strategy."""
    return cache.embeddings_by_strategy(choice.reading, choice.layer, own_topics()[0], choice.settings)


def scores(name, measure):
    """The sentences against each other under a strategy."""
    return compare(vectors[name], vectors[name], measure)


measure, centre = choose_measure()
means = {name: every.mean(dim=0) for name, every in corpus().items()} if centre else {}
vectors = {name: centred(one.embedding, means.get(name)) for name, one in pooled.items()}
embeddings, mean = vectors[strategy.name], means.get(strategy.name)

st.header("1 · Every sentence against every sentence", anchor=False)
matrix = tables.matrix_table(scores(strategy.name, measure))
left, right = st.columns([11, 9])
with left:
    layout.picture(pictures.matrix(matrix, choice.texts, measure), key="similarity")
with right:
    orders = tables.order_table(embeddings, normalise=measure.normalise)
    swaps = {m: tables.clearest_swap(embeddings, m) for m in ("dot", "euclidean")}
    st.markdown("**The nearest sentence by each measure.** ⇄: pairs of neighbours that swap places with cosine.")
    layout.table(
        orders,
        key="orders",
        alt="Each sentence, the length of its embedding, its nearest sentence by each measure, and swaps.",
        columns={
            "sentence": st.column_config.NumberColumn("#", width=32),
            "length": st.column_config.NumberColumn(format="%.2f", width=58),
            "cosine": st.column_config.NumberColumn(width=58),
            "dot": st.column_config.NumberColumn(width=44, help="By dot product."),
            "euclidean": st.column_config.NumberColumn("distance", width=68, help="By Euclidean distance."),
            "dot swaps": st.column_config.NumberColumn("⇄ dot", width=58),
            "euclidean swaps": st.column_config.NumberColumn("⇄ distance", width=80),
        },
    )
    layout.noticed(notices.about_orders(orders, measure.normalise, swaps))

st.header("2 · The same sentences under every strategy", anchor=False)
if len(choice.texts) == 1:
    layout.noticed("To see what a strategy changes takes two sentences or more: add some in the sidebar.")
else:
    labels = {one.name: one.title for one in choice.strategies}
    matrices = {labels[name]: tables.matrix_table(scores(name, measure)) for name in pooled}
    near = {labels[name]: nearness(scores(name, measure), measure) for name in pooled}
    agree, flipped = tables.agreement_table(near), tables.flip_table(near, strategy.title, choice.texts)
    multiples = pictures.multiples(matrices, charts.colour_scale(matrix, measure), measure)
    layout.picture(multiples, key="multiples")
    for reason in missing.values():
        st.caption(f"Not shown: {reason}")
    noticed = notices.about_strategies(agree, flipped, strategy.title, len(choice.texts))
    if len(choice.texts) > 2:

        def show_flips() -> None:
            """Whose nearest neighbour is another under another strategy."""
            st.markdown(f"**Who changes sides**: nearest neighbours that differ from those under {strategy.title}.")
            if flipped.empty:
                st.caption("Nobody.")
            else:
                layout.table(
                    flipped,
                    key="flips",
                    alt="Sentences whose nearest neighbour depends on the strategy.",
                    columns={
                        "own": st.column_config.NumberColumn(f"under {strategy.title}"),
                        "own text": st.column_config.TextColumn(f"under {strategy.title}"),
                    },
                )

        layout.picture(pictures.agreement(agree, noticed), key="strategies", beside=show_flips)
    else:
        layout.noticed(noticed)

st.header("3 · The neighbours of one sentence", anchor=False)
index, query = choose_query(choice.texts)
if query is None:
    row, whose = scores(strategy.name, measure)[index], f"sentence {index + 1}"
else:
    alone = cache.states(choice.reading, choice.layer, (query,))
    asked = apply(strategy, alone, model=choice.model, layer=choice.layer)
    row, whose = compare(centred(asked.embedding, mean), embeddings, measure)[0], "your query"
neighbours = tables.neighbour_table(row, choice.texts, measure, itself=index if query is None else None)
noticed = notices.about_neighbours(neighbours, measure, whose)
if len(neighbours):
    layout.table(
        neighbours,
        key="neighbours",
        alt=noticed,
        columns={
            "sentence": st.column_config.NumberColumn("#", width=40),
            "score": st.column_config.ProgressColumn(
                measure.label,
                format="%.3f",
                min_value=0,
                max_value=max(charts.colour_scale(matrix, measure)[1], float(row.nan_to_num().max())),
                width=160,
            ),
            "text": st.column_config.TextColumn(width=600),
        },
    )
layout.noticed(noticed)

st.header("4 · Why are these two similar?", anchor=False)
first, second = choose_pair(choice.texts)
as_cosine = measure.metric != "dot" or measure.normalise
what = "cosine" if as_cosine else "dot product"
score = compare(embeddings[[first]], embeddings[[second]], Measure(what.split()[0])).item()
st.markdown(
    "Each embedding is a sum over its tokens, so the dot product of two is a sum over all pairs of tokens"
    + (": this one, divided by both lengths, is the cosine." if as_cosine else ".")
    + (" (A distance does not split this way.)" if measure.metric == "euclidean" else "")
)
if score != score:
    st.info("Nothing is left to split: one of these embeddings has length zero after centring.")
else:
    one, other = (token_parts(states, pooled[strategy.name], i, mean) for i in (first, second))
    parts = contributions(one, other, cosine=as_cosine)
    names = [tables.token_names(states, i) for i in (first, second)]
    table = tables.contribution_table(parts, *names)
    top = tables.top_pairs(table)
    noticed = notices.about_contributions(table, top, special_part(parts, states, first, second), score, what)

    def show_top() -> None:
        """The pairs of tokens with the largest parts of the score."""
        st.markdown("**The pairs of tokens that count most**")
        layout.table(
            top,
            key="top",
            alt="The pairs of tokens with the largest parts of the score.",
            columns={
                "part": st.column_config.NumberColumn(format="%.4f"),
                "share": st.column_config.NumberColumn("of the score", format="percent"),
            },
        )

    layout.picture(pictures.contributions(table, what, noticed), key="contributions", beside=show_top)

st.header("5 · How much is that? Compared with unrelated sentences", anchor=False)
everything, kinds = corpus()[strategy.name], own_topics()[1]
plain = unrelated(compare(everything, everything, measure), kinds)
moved = centred(everything, mean)
baseline = unrelated(compare(moved, moved, measure), kinds) if centre else plain
if not len(baseline):
    st.info(
        "There is no baseline: after centring, every bundled sentence has a vector of length zero under this "
        "strategy and layer."
    )
    layout.stop()
pairs = tables.pair_table(matrix, measure, baseline)
spread = tables.baseline_table(baseline, pairs, measure)
before = tables.baseline_table(plain, pairs, measure) if centre else None
numbers = sorted((first + 1, second + 1))
chosen = pairs[(pairs["first"] == numbers[0]) & (pairs["second"] == numbers[1])]
noticed = notices.about_baseline(
    baseline.mean().item(),
    plain.mean().item() if centre else None,
    chosen.iloc[0] if len(chosen) else None,
    measure,
    len(baseline),
)
caption = (
    f"Bars: pairs of the {len(kinds)} bundled sentences, each on another of eight topics. Short lines below them: "
    "your own pairs. Dotted: the pair of part 4." + (" Grey outline: the same without centring." if centre else "")
)
picture = pictures.baseline(
    spread, before, pairs, tuple(numbers), measure, strategy=strategy.name, noticed=noticed, caption=caption
)
layout.picture(picture, key="baseline")
