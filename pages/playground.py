"""How does a matrix of token vectors become one embedding?"""

from functools import partial

import streamlit as st

from pages.ui import cache, controls, layout, living, sentence, url
from pages.ui.navigation import require_frame

require_frame()

from pooling.notices.playground import BELOW
from pooling.types import NotComputable

if alone := url.choice("view", ["page", "picture"], "page") == "picture":
    layout.alone()
choice = controls.current(with_strategy=False)
strategy, encoder = choice.strategy, cache.encoder(choice.model)
index = controls.choose_sentence(choice.texts)

try:
    weighed = living.weighed(choice, index)
except NotComputable as reason:
    controls.choose_strategy()
    controls.offer_another(str(reason))
    layout.strategy_card(strategy)
    layout.stop()
tokens = weighed.tokens
layout.cut(weighed.states, encoder)
layout.without_steps(choice)

picture = st.container()
shown = sentence.dimensions(weighed, *controls.choose_dimensions(encoder.dim))
dimension = living.asked_dimension(choice, index, encoder.dim)
shown = sorted({*shown} | ({dimension} if dimension is not None else set()))
with picture:
    living.show(weighed, shown, dimension)
if alone:
    layout.stop()
st.caption(
    "A row is a token's hidden state, the vector that the model has made of it; a column is one dimension. "
    f"The bar of a token is {'the weight that you gave it' if weighed.own else BELOW[strategy.kind]}; cells that count "
    "less are paler."
    + (" Dashed: a special token, added by the tokenizer." if tokens["special"].any() else "")
    + (" Joined: pieces of one word." if tokens["continues"].any() else "")
    + (" Dotted: the prompt's tokens; pale ones are read but not pooled." if tokens["prompt"].any() else "")
    + " With keys: left and right change a weight, Delete takes its token out, up and down go to the next."
)
layout.noticed(weighed.about_tokens, sentence.numbers(weighed, shown), key="tokens")

st.header("The same sentence under every strategy", anchor=False)
layout.picture(
    sentence.drawn(weighed, shown),
    key="strategies",
    draw=partial(layout.pressable, choose=lambda at: controls.take_strategy(list(weighed.vectors), at.row)),
)
if weighed.own:
    st.caption(f"Your own weights stand first. They began with {strategy.title}; another strategy ends them.")

st.header("The strategy you chose", anchor=False)
layout.strategy_card(strategy)
