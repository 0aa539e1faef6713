"""The pictures of the Search page that are its own."""

from functools import partial

import pandas as pd

from pooling.charts import evaluation as charts
from pooling.charts import search
from pooling.notices import search as notices
from pooling.pictures import Picture


def ways(table: pd.DataFrame, measure: str, noticed: str) -> Picture:
    """Several ways of searching under one strategy, their scores with intervals."""
    draw = partial(charts.intervals, table, "score", "low", "high", title=f"{measure} × 100, 95% interval")
    return Picture(draw, table, noticed)


def join(table: pd.DataFrame) -> Picture:
    """Each token of a query joined to its nearest in a text, of `join_table`."""
    caption = "The thicker and the brighter a line, the higher the cosine; tokens that no line reaches are not shown."
    return Picture(partial(search.join, table), table, notices.about_join(table), (caption,))
