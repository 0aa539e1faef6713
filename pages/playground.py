"""How does a matrix of token vectors become one embedding?"""

import streamlit as st

from pages.ui import cache, controls, layout, sentence
from pages.ui.controls.playground import choose_dimension, current_dimension
from pages.ui.navigation import require_frame

require_frame()

from pooling.notices.playground import BELOW
from pooling.tables import number
from pooling.types import NotComputable

choice = controls.current()
strategy, encoder = choice.strategy, cache.encoder(choice.model)
index = controls.choose_sentence(choice.texts)

st.header("1 · Every token gets a weight", anchor=False)
try:
    weighed = sentence.weighed(choice, index)
except NotComputable as reason:
    controls.offer_another(str(reason))
    layout.strategy_card(strategy)
    layout.stop()
states, pooled, tokens = weighed.states, weighed.pooled, weighed.tokens
layout.cut(states, encoder)
st.html(weighed.strip)
st.caption(
    f"Below each token: {BELOW[strategy.kind]}. "
    "Dashed: a special token, added by the tokenizer. Joined: pieces of one word."
    + (" Dotted: the prompt's tokens; pale ones are read but not pooled." if tokens["prompt"].any() else "")
)
layout.noticed(weighed.about_tokens, tokens, key="tokens")

st.header("2 · Every column collapses into one number", anchor=False)
shown = sentence.dimensions(weighed, *controls.choose_dimensions(encoder.dim))
by_hand = current_dimension(choice, index, encoder.dim, shown[0])
drawn = sentence.drawn(weighed, sorted({*shown, by_hand}), by_hand)
layout.picture(drawn.matrix, key="collapse")

st.header("3 · One of these numbers, by hand", anchor=False)
dimension = choose_dimension(choice, index, encoder.dim)
st.latex(drawn.formula)
layout.noticed(
    f"The weights and values of dimension {dimension}, over {len(drawn.terms)} tokens, make "
    f"{number(pooled.embedding[0, dimension])}: "
    "the framed cell of the picture above. Numbers have three digits.",
    drawn.terms,
    key="by-hand",
)

st.header("4 · The same sentence under every strategy", anchor=False)
layout.picture(drawn.strategies, key="strategies")

st.header("5 · The strategy you chose", anchor=False)
layout.strategy_card(strategy)
