"""The pictures of the Size page."""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from pooling.charts import evaluation
from pooling.charts import sizes as charts
from pooling.notices import sizes as notices
from pooling.pictures import Line, Panel, Picture
from pooling.tables import points


def paths(table: pd.DataFrame, measure: str, chosen: str, shortened: Sequence[str]) -> Picture:
    """Score and neighbours kept against bytes, of `size_table`.

    Args:
        table: of `size_table`.
        measure: what is scored.
        chosen: the name of the way that is marked.
        shortened: the ways of shortening whose paths are drawn.
    """
    noticed = notices.about_paths(table, measure)
    drawn = partial(charts.paths, table, chosen=chosen, shortened=shortened)
    score = partial(drawn, value="score", title=f"{measure} × 100")
    kept = partial(drawn, value="kept", title="kept of 10 nearest neighbours", named=False)
    panels = (
        Panel(score, "size-score", f"The score by the bytes that a text takes. {noticed}"),
        Panel(kept, "size-kept", f"Neighbours kept by the bytes that a text takes. {noticed}"),
    )
    caption = (
        "Each path goes from all dimensions, at its right end, to 16 at its left: solid the first k, dashed PCA, "
        "dotted random directions. The grey band joins the points that nothing as small outscores. Press a point to "
        "choose it; the ring has the chosen one, with the 95% interval of its score."
    )
    return Picture((Line(panels, (6, 5)),), table, noticed, (caption,))


def lost(table: pd.DataFrame, chosen: str) -> Picture:
    """What is lost against whole vectors in float32, of `landmark_table`."""
    title = "points lost, 95% interval"
    draw = partial(evaluation.intervals, table, "lost", "lost_low", "lost_high", title=title, zero=True, chosen=chosen)
    each = [f"{label} {points(one)}" for label, one in zip(table["label"], table["lost"], strict=True)]
    noticed = notices.about_lost(table)
    return Picture(draw, table, noticed, alt=f"Points lost against whole vectors: {'; '.join(each)}. {noticed}")
