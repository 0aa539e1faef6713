"""The frame around every page: page config, navigation, title, sidebar."""

import streamlit as st

from pages.ui import cache, controls, layout, navigation, url

st.set_page_config(page_title="Pooling Playground", page_icon="🧮", layout="wide")
page = navigation.build()
layout.header(page)
url.begin()
with layout.waiting("Loading PyTorch and the model, once for everybody; a few seconds."):
    cache.libraries()
    controls.load_model()
try:
    with st.sidebar:
        controls.sidebar()
    navigation.run_page()
finally:
    url.finish()
