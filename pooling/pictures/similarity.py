"""The pictures of the Similarity page."""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from pooling.charts import similarity as charts
from pooling.notices import similarity as notices
from pooling.pictures import Line, Panel, Picture
from pooling.similarity import Measure
from pooling.tables import similarity as tables


def matrix(table: pd.DataFrame, texts: Sequence[str], measure: Measure) -> Picture:
    """Every sentence against every sentence, of `matrix_table`."""
    noticed = notices.about_matrix(tables.pair_table(table, measure), measure)
    return Picture(partial(charts.similarity_heatmap, table, texts, measure), table.reset_index(), noticed)


def multiples(matrices: dict[str, pd.DataFrame], scale: tuple[float, float], measure: Measure) -> Picture:
    """The same under every strategy.

    Args:
        matrices: a table of `matrix_table` by the strategy's label.
        scale: the ends of the colours.
    """
    pairs = tables.strategy_pairs(matrices)
    caption = "The colours are those of part 1; what lies beyond them has the last one."
    return Picture(
        partial(charts.strategy_multiples, matrices, scale, measure),
        pairs,
        notices.about_multiples(pairs, measure),
        (caption,) if measure.ends is None else (),
    )


def agreement(table: pd.DataFrame, noticed: str) -> Picture:
    """How the strategies agree, of `agreement_table`, with room beside it."""
    title = "**How the strategies agree** on the order of all pairs (Spearman's rank correlation)."
    panel = Panel(partial(charts.agreement_heatmap, table), "agreement", title=title)
    return Picture((Line((panel,), (1, 1)),), table.reset_index(), noticed)


def contributions(table: pd.DataFrame, what: str, noticed: str) -> Picture:
    """What each pair of tokens adds to a score, of `contribution_table`, with room beside it."""
    panel = Panel(partial(charts.contribution_heatmap, table, what=what))
    return Picture((Line((panel,), (3, 2)),), table.reset_index(), noticed)


def baseline(
    spread: pd.DataFrame,
    before: pd.DataFrame | None,
    pairs: pd.DataFrame,
    chosen: tuple[int, int],
    measure: Measure,
    *,
    strategy: str,
    noticed: str,
    caption: str,
) -> Picture:
    """The reader's pairs among unrelated ones; for the arguments see `baseline_bars`."""
    bars = partial(charts.baseline_bars, spread, before, pairs, chosen, measure, strategy=strategy)
    return Picture(bars, pairs, noticed, (caption,))
