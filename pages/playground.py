"""How does a matrix of token vectors become one embedding?"""

import streamlit as st

from pages.ui import cache, controls, layout
from pages.ui.controls.playground import choose_dimension, current_dimension
from pages.ui.navigation import require_frame

require_frame()

from pooling import apply
from pooling.charts import chips, playground
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
strategy, encoder = choice.strategy, cache.encoder(choice.model)
index = controls.choose_sentence(choice.texts)
states = cache.states(choice).one(index)
if states.lost[0]:
    st.warning(
        f"This sentence was cut to the model's limit of {encoder.max_length} tokens; its last "
        f"{states.lost[0]} tokens are not in any number below."
    )

st.header("1 · Every token gets a weight", anchor=False)
try:
    pooled = apply(strategy, states, model=choice.model, layer=choice.layer)
except (LookupError, ValueError) as missing:
    controls.offer_another(str(missing.args[0]))
    layout.strategy_card(strategy)
    layout.stop()
tokens = token_table(states, pooled)
noticed = about_tokens(tokens, strategy)
st.html(chips.token_strip(tokens, f"Tokens and their weights under {strategy.label}"))
st.caption(
    "Below each token: "
    + ("the share of dimensions it won. " if winner_table(pooled, [0]) is not None else "its weight. ")
    + "Dashed: a special token, added by the tokenizer. Joined: pieces of one word."
    + (" Dotted: the prompt's tokens; pale ones are read but not pooled." if tokens["prompt"].any() else "")
)
layout.noticed(noticed, tokens, key="tokens")

st.header("2 · Every column collapses into one number", anchor=False)
shown, start = controls.choose_dimensions(encoder.dim)
dimensions = chosen_dimensions(states, shown, start)
matrix, winners = collapse_table(states, pooled, dimensions), winner_table(pooled, dimensions)
by_hand = current_dimension(encoder.dim, dimensions[0])
noticed = about_collapse(matrix, winners, strategy)
heatmap = cache.drawn(playground.collapse_heatmap, matrix, tokens, winners, dimension=by_hand, dark=layout.dark())
layout.chart(heatmap, key="collapse", alt=noticed)
st.caption(
    "Each row is a token's hidden state, the vector that the model has made of it; each column is one dimension of "
    "these vectors."
)
layout.noticed(noticed, matrix.reset_index(), key="collapse", figure=heatmap)

st.header("3 · One of these numbers, by hand", anchor=False)
dimension = choose_dimension(encoder.dim, dimensions[0])
terms = one_dimension_table(states, pooled, dimension)
value = pooled.embedding[0, dimension].item()
st.latex(worked_formula(strategy, terms, dimension, value))
layout.noticed(
    f"The weights and values of dimension {dimension}, over {len(terms)} tokens, make {number(value)}: "
    "the framed cell of the picture above, when its column is shown. Numbers have three digits.",
    terms,
    key="by-hand",
)

st.header("4 · The same sentence under every strategy", anchor=False)
own = own_strategy(encoder.trained_pooling)
compared, vectors = strategy_table(states, model=choice.model, layer=choice.layer, own=encoder.trained_pooling)
noticed = about_strategies(compared, own, trained=encoder.trained_pooling is not None)
rows = cache.drawn(
    playground.vectors_heatmap,
    vector_table(compared, vectors, dimensions),
    playground.colour_range(matrix),
    dark=layout.dark(),
)
bars = cache.drawn(playground.cosine_bars, compared, own.label)
left, right = st.columns([3, 2])
with left:
    layout.chart(rows, key="vectors", alt=f"The embedding under each strategy, one row each. {noticed}")
with right:
    layout.chart(bars, key="cosines", alt=noticed)
st.caption(
    "The cosine says how nearly two vectors point the same way, whatever their lengths: 1 is the same direction, 0 a "
    "right angle."
)
for row in compared[compared["missing"].notna()].to_dict("records"):
    st.caption(f"{row['label']} is not shown: {row['missing']}")
layout.noticed(noticed, compared, key="strategies", figure=[rows, bars])

st.header("5 · The strategy you chose", anchor=False)
layout.strategy_card(strategy)
