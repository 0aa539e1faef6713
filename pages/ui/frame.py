"""The frame around every page."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.ui import cache, capacity, layout, maps, navigation, server, share, url
from pages.ui.controls import sidebar
from pooling import logs


def show() -> None:
    """The app's name, navigation, title, sidebar, the page, and what to read after it."""
    server.begin()
    page = navigation.build()
    layout.brand(page)
    with logs.timed(f"a run of the page {page.title}") as what, capacity.one_run():
        beside_title = layout.header(page)
        url.begin(page.title)
        share.begin()
        capacity.room_for_one_more()
        if (run := get_script_run_ctx()) and server.was_refused(run.session_id):
            st.warning(
                "Your file was not taken: this server holds as many files as it can. Try again in a few minutes, or "
                "with a smaller file.",
                icon=":material/upload_file:",
            )
        slow = not cache.in_memory(sidebar.model_to_load())
        with layout.waiting("Loading PyTorch and the model, once for everybody; a few seconds.", slow=slow):
            cache.libraries()
            sidebar.load_model()
        what.append(f"with {sidebar.model_in_use()}")
        try:
            with st.sidebar:
                sidebar.draw(page)
            with beside_title:
                share.draw(page)
            navigation.say_task(page)
            body = st.container()
            layout.words()  # before the page, which may stop
            navigation.lead_on(page)
            with body:
                navigation.run_page()
        finally:
            url.finish()
            maps.warm_up()
            cache.tidy_up_later()
