"""How does padding silently ruin an embedding?"""

from functools import partial

import streamlit as st

from pages.ui import cache, controls, layout, url
from pages.ui.controls.padding_lab import choose_padding
from pages.ui.navigation import require_frame

require_frame()

from pooling.bugs import BUGS, float16_room
from pooling.charts import chips, padding_lab
from pooling.notices.padding_lab import about_costs, about_padding, about_together
from pooling.notices.playground import BELOW
from pooling.pictures import Picture
from pooling.similarity import pool_all
from pooling.tables import number, token_table

choice = controls.current()
index = controls.choose_sentence(choice.texts)
text = choice.texts[index]

layout.without_prompt(choice)
layout.without_steps(choice)
st.header("1 · One sentence, and the padding it gets in a batch", anchor=False)
lengths = cache.states(choice.reading, choice.layer, choice.texts).mask.sum(dim=1)
padding, side, attend, pooled = choose_padding(int(lengths.max() - lengths[index]))
states = cache.padded_states(choice.model, choice.layer, text, padding, side, attend, pooled)
made, missing = pool_all(states, choice.strategies, model=choice.model, layer=choice.layer)
strategy = choice.strategy
if strategy.name in missing:
    controls.offer_another(missing[strategy.name])
    layout.stop()
tokens = token_table(states, made[strategy.name])
st.html(chips.token_strip(tokens, f"Tokens, padding and their weights under {strategy.title}"))
st.caption(
    f"Below each token: {BELOW[strategy.kind]}, under {strategy.title}. Empty chips are padding that the pooling "
    "mask leaves out. **Attention mask**: what tokens may look at, inside the model. **Pooling mask**: what is pooled, "
    "after it."
)
alt = f"Tokens, padding and their weights under {strategy.title}."
layout.table_on_demand(tokens, key="padding-tokens", alt=alt)
curve = cache.padding_curve(choice.model, choice.layer, choice.settings, text, side, attend, pooled, padding)
noticed = about_padding(curve, padding, attend=attend, pooled=pooled)
together = tuple(filter(None, [about_together(curve)]))
layout.picture(
    Picture(partial(padding_lab.padding_curves, curve, padding), curve, noticed, together), key="padding-curve"
)

st.header("2 · The bug museum", anchor=False)
st.markdown("Each exhibit ran in somebody's code. The numbers are computed now, on your sentences as one batch.")
damage = cache.museum(choice.model, choice.layer, choice.texts, index).set_index("name")
opened = url.while_it_says("bug", [bug.name for bug in BUGS])  # the Detective leads to one
for bug in BUGS:
    cosine, harmless = damage.loc[bug.name, ["cosine", "harmless"]]
    with st.expander(f"{bug.title}: cosine to the truth {number(cosine)}", expanded=bug.name == opened):
        st.markdown(f"Meant to be **{bug.strategy}** pooling; shows under padding on the **{bug.side}**.")
        wrong, right = st.columns(2)
        wrong.markdown(":material/close: Wrong")
        wrong.code(bug.wrong_code, wrap_lines=True)
        right.markdown(":material/check: Right")
        right.code(bug.right_code, wrap_lines=True)
        st.markdown(f"**The damage here.** 1 − cosine to the right embedding is {number(1 - cosine)}.")
        if harmless:
            st.markdown(f"**Why it does no harm here.** {harmless}")
        if bug.name == "float16_sum":
            st.markdown(
                f"This sentence overflows once hidden states are {number(float16_room(states))} times larger; "
                "until then it only rounds."
            )
        st.markdown(f"**Why it passes unnoticed.** {bug.unnoticed}")
        if bug.link:
            st.markdown(f"Where it happened: <{bug.link}>")

st.header("3 · The score it costs", anchor=False)
st.markdown("The project's own scored pairs, encoded in batches of 32 in their original order.")
if controls.ask("Measure what each bug costs", key="padding-costs"):
    costs = cache.bug_costs(choice.model, choice.layer)
    layout.picture(Picture(partial(padding_lab.cost_bars, costs), costs, about_costs(costs)), key="costs")
