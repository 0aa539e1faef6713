"""How does a matrix of token vectors become one embedding?"""

import streamlit as st

from pages.ui import cache, controls, layout
from pages.ui.controls.playground import choose_dimension, current_dimension
from pages.ui.navigation import require_frame

require_frame()

from pooling import apply
from pooling.charts import chips, playground
from pooling.charts.theme import legible
from pooling.notices.playground import about_collapse, about_strategies, about_tokens
from pooling.tables import number, own_strategy, token_table
from pooling.tables.playground import (
    chosen_dimensions,
    collapse_table,
    one_dimension_table,
    strategy_table,
    vector_table,
    winner_table,
    worked_formula,
)

choice = controls.current()
strategy, encoder, dark = choice.strategy, cache.encoder(choice.model), layout.dark()
index = controls.choose_sentence(choice.texts)
own = own_strategy(encoder.trained_pooling)


def weighed() -> tuple:
    """The sentence under this strategy and under all, whatever dimensions are shown."""
    states = cache.states(choice).one(index)
    pooled = apply(strategy, states, model=choice.model, layer=choice.layer)
    tokens = token_table(states, pooled)
    strip = chips.token_strip(tokens, f"Tokens and their weights under {strategy.label}")
    compared, vectors = strategy_table(states, model=choice.model, layer=choice.layer, own=encoder.trained_pooling)
    about = about_strategies(compared, own, trained=encoder.trained_pooling is not None)
    missing = compared.loc[compared["missing"].notna(), ["label", "missing"]].values.tolist()
    prompted = bool(tokens["prompt"].any())
    return states, pooled, tokens, strip, prompted, about_tokens(tokens, strategy), compared, vectors, missing, about


def drawn() -> tuple:
    """The pictures of the dimensions shown, and what is said about them."""
    matrix, winners = collapse_table(states, pooled, dimensions), winner_table(pooled, dimensions)
    heatmap = playground.collapse_heatmap(matrix, tokens, winners, dimension=by_hand, dark=dark)
    limit = playground.colour_range(matrix)
    rows = playground.vectors_heatmap(vector_table(compared, vectors, dimensions), limit, dark=dark)
    bars = playground.cosine_bars(compared, own.label)
    figures = [legible(figure, dark=dark) for figure in (heatmap, rows, bars)]
    terms = one_dimension_table(states, pooled, by_hand)
    formula = worked_formula(strategy, terms, by_hand, pooled.embedding[0, by_hand].item())
    return matrix.reset_index(), about_collapse(matrix, winners, strategy), terms, formula, *figures


st.header("1 · Every token gets a weight", anchor=False)
try:
    kept = cache.kept(("playground", choice.key, index), weighed)
except (LookupError, ValueError) as missing:
    controls.offer_another(str(missing.args[0]))
    layout.strategy_card(strategy)
    layout.stop()
states, pooled, tokens, strip, prompted, noticed, compared, vectors, missing, about = kept
if states.lost[0]:
    st.warning(
        f"This sentence was cut to the model's limit of {encoder.max_length} tokens; its last "
        f"{states.lost[0]} tokens are not in any number below."
    )
st.html(strip)
per_dimension = pooled.weights.shape[2] > 1
st.caption(
    "Below each token: "
    + ("the share of dimensions it won. " if per_dimension else "its weight. ")
    + "Dashed: a special token, added by the tokenizer. Joined: pieces of one word."
    + (" Dotted: the prompt's tokens; pale ones are read but not pooled." if prompted else "")
)
layout.noticed(noticed, tokens, key="tokens")

st.header("2 · Every column collapses into one number", anchor=False)
shown = controls.choose_dimensions(encoder.dim)
key = "playground", choice.key, index, shown
dimensions = cache.kept(key, lambda: chosen_dimensions(states, *shown))
by_hand = current_dimension(encoder.dim, dimensions[0])
matrix, noticed, terms, formula, heatmap, rows, bars = cache.kept((*key, by_hand, dark), drawn)
layout.chart(heatmap, key="collapse", alt=noticed)
st.caption(
    "Each row is a token's hidden state, the vector that the model has made of it; each column is one dimension of "
    "these vectors."
)
layout.noticed(noticed, matrix, key="collapse", figure=heatmap)

st.header("3 · One of these numbers, by hand", anchor=False)
dimension = choose_dimension(encoder.dim, dimensions[0])
st.latex(formula)
layout.noticed(
    f"The weights and values of dimension {dimension}, over {len(terms)} tokens, make "
    f"{number(pooled.embedding[0, dimension])}: "
    "the framed cell of the picture above, when its column is shown. Numbers have three digits.",
    terms,
    key="by-hand",
)

st.header("4 · The same sentence under every strategy", anchor=False)
left, right = st.columns([3, 2])
with left:
    layout.chart(rows, key="vectors", alt=f"The embedding under each strategy, one row each. {about}")
with right:
    layout.chart(bars, key="cosines", alt=about)
st.caption(
    "The cosine says how nearly two vectors point the same way, whatever their lengths: 1 is the same direction, 0 a "
    "right angle."
)
for label, reason in missing:
    st.caption(f"{label} is not shown: {reason}")
layout.noticed(about, compared, key="strategies", figure=[rows, bars])

st.header("5 · The strategy you chose", anchor=False)
layout.strategy_card(strategy)
