"""The pictures of the Detective page."""

from functools import partial

import pandas as pd

from pooling.charts import detective as charts
from pooling.charts.evaluation import intervals
from pooling.notices import detective as notices
from pooling.pictures import Line, Panel, Picture
from pooling.tables.detective import CLUES, Cost


def clues(table: pd.DataFrame) -> Picture:
    """What can be seen before anybody searches, of `clue_table`."""
    noticed, panels = notices.about_clues(table), []
    for column in ("cosine", "length"):
        if table[column].notna().all():
            draw = partial(charts.clues, table, column, CLUES[column])
            panels.append(Panel(draw, f"clue-{column}", f"The {CLUES[column]} of each text. {noticed}"))
    widths = (1,) * len(panels)
    return Picture((Line(tuple(panels), widths),), table.rename(columns=CLUES), noticed)


def alternatives(table: pd.DataFrame, tolerance: float) -> Picture:
    """How far all else misses, of `axis_table`; the tolerance in per cent."""
    caption = (
        "Each row changes one thing of what was found and leaves the rest. What lies left of the dotted line explains "
        "these vectors, as far as rounding lets tell; the text that fits worst counts."
    )
    draw = partial(charts.alternatives, table, tolerance)
    return Picture(draw, table, notices.about_alternatives(table), (caption,))


def cost(made: Cost, pairs: int) -> Picture:
    """What a recipe costs on scored pairs."""
    draw = partial(intervals, made.table, "score", "low", "high", title="Spearman × 100, 95% interval")
    caption = f"On {pairs} pairs of this project that were scored by hand, as the Evaluation page scores them."
    return Picture(draw, made.table, notices.about_cost(made), (caption,))
