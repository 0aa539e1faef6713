"""The frame around every page: page config, navigation, title, sidebar."""

import streamlit as st

from pages.ui import cache, layout, maps, navigation, takeaway, url
from pages.ui.controls import sidebar

st.set_page_config(page_title="Pooling Playground", page_icon="🧮", layout="wide")
page = navigation.build()
beside_title = layout.header(page)
url.begin()
takeaway.begin()
with layout.waiting("Loading PyTorch and the model, once for everybody; a few seconds."):
    cache.libraries()
    sidebar.load_model()
try:
    with st.sidebar:
        sidebar.draw()
    with beside_title:
        takeaway.draw(page)
    navigation.run_page()
finally:
    url.finish()
    maps.warm_up()
