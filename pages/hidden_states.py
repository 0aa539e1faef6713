"""What does each layer say about each token?"""

from functools import partial

import streamlit as st

from pages.ui import cache, controls, layout
from pages.ui.controls.hidden_states import (
    choose_hidden_layer,
    choose_other_sentence,
    choose_word,
    offer_two_meanings,
)
from pages.ui.navigation import require_frame

require_frame()

from pooling.charts import hidden_states as charts
from pooling.charts.playground import colour_range, row_height, vectors_heatmap
from pooling.notices.hidden_states import (
    OUTSTANDING,
    about_change,
    about_cosines,
    about_drift,
    about_matrix,
    about_mixing,
    about_norms,
    about_reading,
    readout,
)
from pooling.pictures import Picture
from pooling.tables.hidden_states import (
    change_table,
    cosine_table,
    drift,
    furthest_word,
    matrix_table,
    norm_table,
    plane_table,
    reading_table,
    shared_words,
    word_names,
)
from pooling.tables.playground import chosen_dimensions

choice = controls.current(with_strategy=False)
encoder = cache.encoder(choice.model)
which, where = st.columns([3, 2])
with which:
    index = controls.choose_sentence(choice.texts)
with where:
    layer = choose_hidden_layer(encoder.layers, choice.layer)
prompt = choice.model, choice.reading.template
layers = cache.layers(*prompt, choice.texts[index])
states = layers[layer]
layout.cut(states, encoder)

shown, start = controls.choose_dimensions(encoder.dim)
matrix, tokens = matrix_table(states, chosen_dimensions(states, shown, start)), norm_table(states)
named, limit = matrix.set_axis(charts.row_names(tokens)), colour_range(matrix)
heatmap = partial(vectors_heatmap, named, limit, row=row_height(len(tokens)))
mixed = about_mixing(layer, encoder.layers)
noticed = " ".join(filter(None, ("" if layer else mixed, about_matrix(matrix, least=OUTSTANDING))))
alt = f"{mixed} {about_matrix(matrix)}"
layout.picture(Picture(heatmap, matrix.reset_index(), noticed, alt=alt), key="hidden-matrix")

st.header(f"1 · How long is each vector at layer {layer}, and which are alike?", anchor=False)
st.caption(
    "The norm is a vector's length. The cosine says how nearly two vectors point the same way: 1 is the same "
    "direction, 0 a right angle." + (" Special tokens are faint." if tokens["special"].any() else "")
)
lengths, directions = st.columns([2, 3])
with lengths:
    lengths_said = about_norms(tokens, layer)
    layout.picture(Picture(partial(charts.norm_bars, tokens), tokens, "", alt=lengths_said), key="hidden-norms")
with directions:
    cosines = cosine_table(states)
    heatmap = partial(charts.cosine_heatmap, cosines, tokens)
    alt = about_cosines(cosines, tokens, layer)
    layout.picture(Picture(heatmap, cosines.reset_index(), "", alt=alt), key="hidden-cosines")
if tokens["hog"].any():
    layout.noticed(lengths_said)

st.header("2 · Where does a token's meaning change?", anchor=False)
st.caption("Each token's cosine to itself one layer earlier: near 1, the layer left it as it was.")
change = change_table(layers)
heatmap = partial(charts.cosine_heatmap, change, tokens, steps=True)
layout.picture(Picture(heatmap, change.reset_index(), about_change(change, tokens)), key="hidden-change")

st.header("3 · One word, two sentences", anchor=False)
name, apart = None, None
if len(choice.texts) == 1:
    st.info("Write a second sentence that shares a word with this one to see the word drift.", icon=":material/edit:")
    offer_two_meanings()
else:
    default = cache.other_text(*prompt, choice.texts, index)
    left, middle, right = st.columns([3, 2, 2], vertical_alignment="bottom")
    with left:
        beside = choose_other_sentence(choice.texts, index, default)
    other = cache.layers(*prompt, choice.texts[beside])
    words = shared_words(states, other[0])
    row = None
    if len(words):
        with middle:
            row = choose_word(word_names(words), word_names(words)[furthest_word(layers[-1], other[-1], words)])
        name, apart = word_names(words)[row], drift(layers, other, words, row)
    with right:
        offer_two_meanings()
    found = cache.planes(*prompt, choice.texts[index], choice.texts[beside])
    noticed = about_drift(name, apart, found.shown[layer].item(), layer)
    plane = plane_table(found, states, other[0], words)
    said = readout(name, apart, encoder.layers)
    drifting = partial(charts.drifting_tokens, plane, words, layer=layer, word=row, said=said)
    layout.picture(Picture(drifting, plane, noticed), key="hidden-plane")
    st.caption(
        "Play goes through the layers. At each, all tokens, scaled to length 1, are laid into the plane that shows "
        "most of their variance (PCA), turned to fit the plane of the layer before, so that what moves is the tokens. "
        "Lines join the words that both sentences have"
        + ("; faint: special tokens." if tokens["special"].any() else ".")
    )

st.header("4 · How to read a cosine", anchor=False)
random_pairs = cache.background(choice.model)
st.caption(
    "The token vectors of a transformer often crowd into a cone (anisotropy); then even tokens with nothing in common "
    f"have a positive cosine. Grey: all {random_pairs.pairs:,} pairs of tokens from different texts, of "
    f"{random_pairs.texts} short texts chosen by chance from this app's own. A cosine says something by how far it "
    "stands above them."
)
reading = reading_table(random_pairs, layers, apart)
lines = partial(charts.reading_lines, reading, layer=layer, word=name)
noticed = about_reading(reading, random_pairs, layer, name)
layout.picture(Picture(lines, reading, noticed), key="hidden-reading")
