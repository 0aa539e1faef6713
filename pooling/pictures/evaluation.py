"""The pictures of the Evaluation page."""

from functools import partial

import pandas as pd

from pooling.charts import evaluation as charts
from pooling.notices import evaluation as notices
from pooling.pictures import Line, Panel, Picture


def leaderboard(table: pd.DataFrame, measure: str, rows: int, what: str, chosen: str) -> Picture:
    """Scores with their intervals beside the distances to the best, which are known better.

    Args:
        table: of `leaderboard_table` or `label_table`.
        measure: the name of the score.
        rows: how many rows count.
        what: what they are: "pairs" or "texts".
        chosen: the name of the strategy that a reader has chosen.
    """
    noticed = notices.about_leaderboard(table, rows, what)
    title = f"{measure} × 100, 95% interval"
    scores = partial(charts.intervals, table, "score", "low", "high", title=title, chosen=chosen)
    title = "points behind the best, 95% interval"
    behind = partial(charts.intervals, table, "behind", "behind_low", "behind_high", title=title, zero=True)
    panels = (
        Panel(scores, "leaderboard", f"The score of each strategy. {noticed}"),
        Panel(behind, "behind", f"How far each strategy is behind the best. {noticed}"),
    )
    return Picture(
        (Line(panels, (6, 5)),), table, noticed, ("Press a dot to choose its strategy; ▸ marks the chosen one.",)
    )


def cost(table: pd.DataFrame, own: str) -> Picture:
    """What each strategy loses against the model's own, of `cost_table`."""
    draw = partial(charts.intervals, table, "cost", "low", "high", title="points lost, 95% interval", zero=True)
    return Picture(draw, table, notices.about_chance(table, own), alt=notices.about_cost(table, own))


def grid(table: pd.DataFrame, chosen: str, measure: str, strategy: str) -> Picture:
    """Every layer under every strategy, of `grid_table`.

    Args:
        chosen: the row of the chosen layer.
        measure: the name of the score.
        strategy: what the chosen strategy is called.
    """
    draw, (low, high) = (
        partial(charts.grid_heatmap, table, chosen, f"{measure} × 100", strategy),
        charts.grid_scale(table),
    )
    below = f" What lies below {low} has the darkest." if table.min().min() < low else ""
    caption = f"{measure} × 100. The colours go from {low} to {high}.{below}"
    press = "Press a cell to choose its layer and strategy."
    return Picture(draw, table.reset_index(), notices.about_grid(table, strategy), (f"{caption} {press}",))


def kinds(table: pd.DataFrame, noticed: str) -> Picture:
    """How far each kind of pair is misplaced, of `kind_table`."""
    return Picture(partial(charts.kind_bars, table), table, noticed, alt=f"{noticed} {notices.about_kinds(table)}")


def silhouette(table: pd.DataFrame) -> Picture:
    """The silhouette under each strategy, of `label_table`."""
    columns, title = ["silhouette"] * 3, "silhouette × 100"
    draw = partial(charts.intervals, table, *columns, title=title)
    return Picture((Line((Panel(draw, "silhouette"),)),), table, notices.about_labels(table))
