"""Which pooling made these vectors?"""

import streamlit as st

from pages.ui import cache, controls, kept, layout
from pages.ui.controls.detective import choose_evidence, offer_probes, use_default_model, wants_verdict
from pages.ui.navigation import require_frame

require_frame()

from pages.ui.detective import detected, open_case, show_cost, show_mending, show_recipe, show_story, show_verdict
from pooling.catalogue import DEFAULT, short
from pooling.pictures import detective as pictures
from pooling.tables import detective as tables

choice = controls.current(with_texts=False, with_strategy=False)
encoder = cache.encoder(choice.model)
try:
    evidence = choose_evidence()
    offer_probes(choice.model)
    kept.belongs("detective-cost-asked", evidence.digest if evidence else object(), False)
    if evidence is None:
        layout.stop()
    if evidence.said:
        layout.remark(evidence.said)
    if evidence.exhibit and choice.model != DEFAULT:
        st.info(
            f"The exhibits were made with {short(DEFAULT)}, and another model is chosen in the sidebar: "
            "against that one they are compared now.",
            icon=":material/info:",
        )
        use_default_model()
    case = open_case(evidence, choice)
except ValueError as wrong:
    layout.problem(str(wrong))
    layout.stop()

if choice.layer != encoder.layers or choice.recipe.after:
    st.caption(":material/info: The sidebar's layer and steps play no part here: all are tried.")
st.header("1 · The clues", anchor=False)
clues = case.clues()
layout.picture(pictures.clues(clues), key="clues")
if evidence.exhibit and not wants_verdict():
    layout.stop()

st.header("2 · The verdict", anchor=False)
findings = detected(case)
longest = int(clues["tokens"].max())
recipe = tables.recipe_table(findings.matches[0], encoder, longest) if findings.matches else None
show_verdict(findings, encoder, recipe)
if evidence.exhibit:
    show_story(evidence.exhibit)
if recipe is None or findings.verdict == "nothing":
    if findings.alternatives:
        st.header("3 · What else was near", anchor=False)
        table = tables.axis_table(findings)
        layout.picture(pictures.alternatives(table, 100 * findings.tolerance), key="alternatives")
    layout.stop()
found = findings.matches[0]
show_recipe(recipe, found)

st.header("3 · What else would explain them?", anchor=False)
if findings.alternatives:
    table = tables.axis_table(findings)
    layout.picture(pictures.alternatives(table, 100 * findings.tolerance), key="alternatives")
else:
    st.caption("For a recipe of this kind it is not drawn how far all else misses.")

st.header("4 · What it costs, and what mends it", anchor=False)
show_cost(case, findings)
show_mending(recipe, found, encoder)
