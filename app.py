"""The app: `streamlit run app.py`."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

if get_script_run_ctx(suppress_warning=True):
    from pages.ui import frame

    frame.show()
else:
    from pages.ui import server

    # The server imports this file, once, and takes what has this name; each run then executes it.
    app = st.App(__file__, lifespan=server.started)
