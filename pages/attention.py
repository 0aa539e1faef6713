"""Which tokens does attention pooling listen to, and does a trained head do better?"""

from functools import partial

import streamlit as st

from pages.ui import cache, controls, layout
from pages.ui.controls.attention import choose_head, choose_listener, choose_training, offer_layer
from pages.ui.navigation import require_frame

require_frame()

import pandas as pd

from pages.ui import trainer
from pooling.attention_heads import layers_with_head
from pooling.charts import attention as charts
from pooling.charts import chips
from pooling.notices.attention import LEARNED, about_heads, about_rows, about_weights
from pooling.pictures import Picture
from pooling.tables import number
from pooling.tables.attention import LISTENERS, cosine_to_mean, heads_table, listen, token_tables, weights_table

choice = controls.current(with_strategy=False)
states = cache.states(choice.reading, choice.layer, choice.texts)
encoder = cache.encoder(choice.model)
attention = next(one for one in choice.strategies if one.name == "attention")
own, ready = trainer.own_head(choice), layers_with_head(choice.model)

st.header("1 · Who listens to what", anchor=False)
sentence, heat, beside = st.columns([5, 5, 3], vertical_alignment="bottom")
with sentence:
    index = controls.choose_sentence(choice.texts)
with heat:
    controls.choose_settings(attention, again=True)
with beside:
    head = own if choose_head(own is not None, choice.layer in ready) else None
pooled, missing = listen(states, head, choice.strategies, model=choice.model, layer=choice.layer)
titles = {one.name: one.title for one in choice.strategies if one.name in LISTENERS}
titles |= {"attention": attention.called("The head" if head is None else "Your head")}
if "attention" in missing:
    offer_layer(missing.pop("attention"), ready, choice.layer)
shown = {name: titles[name] for name in pooled}
table, cosine = weights_table(states, pooled, index), cosine_to_mean(pooled, index)
if cosine is not None:
    beside.metric("Cosine to mean's embedding", number(cosine))
noticed = about_weights(table, titles["attention"])
left_out = tuple(f"{titles[name]} is not shown: {reason}" for name, reason in missing.items())
layout.picture(Picture(partial(charts.weight_bars, table, shown), table, noticed, left_out), key="weights")
st.caption(
    "These are the pooling's weights: the recipe by which token vectors are mixed. They are not a causal attribution: "
    "inside the transformer each token's vector has already read the other tokens."
)

st.header("2 · All your sentences", anchor=False)
listener = choose_listener(shown)
tables = token_tables(states, pooled[listener])
st.html(chips.labelled_strips([(str(i), t) for i, t in enumerate(tables, start=1)], shown[listener]))
rows = pd.concat(tables, keys=range(1, len(tables) + 1), names=["sentence"]).reset_index("sentence")
layout.noticed(about_rows(tables, shown[listener]), rows, key="rows")

st.header("3 · Trained heads against mean: on what?", anchor=False)
scores = heads_table(choice.model)
if scores.empty:
    st.caption("No head ships for this model. Train one below.")
else:
    caption = (
        "Spearman × 100: how well the order of the pairs by cosine agrees with the order of their scores. 100 is the "
        "same order."
    )
    picture = Picture(partial(charts.head_scores, scores), scores, LEARNED, (caption,), about_heads(scores))
    layout.picture(picture, key="heads")

st.header("4 · Train a head yourself", anchor=False)
layout.without_prompt(choice)
layout.without_steps(choice)
st.markdown(
    "An untrained head gives every token the same score, so it **is** mean pooling. Training moves it so that the "
    "cosines of pairs follow their scores; the transformer itself stays as it is."
)
if encoder.trained_pooling == "mean" and choice.layer == encoder.layers:
    st.caption(
        "This model was tuned for mean pooling of this very layer, so little is left to gain. Choose an earlier layer "
        "in the sidebar to see a head gain more."
    )
training = choose_training()
trainer.start(training, choice)
job = trainer.current_job()
if job is not None:
    trainer.watch(job)
    if job.state == "done":
        trainer.show_outcome(job)
        trainer.show_before_and_after(job, choice)
with st.expander("Use a head that you downloaded here", icon=":material/upload:"):
    trainer.bring_back(choice)
