"""The pictures of the Search page that are its own."""

from functools import partial

import pandas as pd

from pooling.charts import evaluation as charts
from pooling.pictures import Picture


def cuts(table: pd.DataFrame, measure: str, noticed: str) -> Picture:
    """The ways to cut long texts, their scores with intervals."""
    draw = partial(charts.intervals, table, "score", "low", "high", title=f"{measure} × 100, 95% interval")
    return Picture(draw, table, noticed)
