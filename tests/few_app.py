"""The app with few of the project's own texts to search in: tests ask what its pages do, not what they measure.

Where `POOLING_SLOW` has a number, every part of a computation lasts that many seconds longer.
"""

import os
import time
from pathlib import Path

import streamlit as st

from pages.ui import piecewise, server
from pooling import datasets
from pooling.background import Work


def slowed(do):
    """The same, later."""
    return lambda *args: (time.sleep(float(os.environ["POOLING_SLOW"])), do(*args))[1]


datasets.DATA = Path(os.environ["POOLING_FEW"])
if "POOLING_SLOW" in os.environ:
    in_parts = piecewise.in_parts
    piecewise.in_parts = lambda rows, length, part: in_parts(rows, length, slowed(part))
    Work.do = slowed(Work.do)
app = st.App(Path(__file__).parent.parent / "app.py", lifespan=server.started)
