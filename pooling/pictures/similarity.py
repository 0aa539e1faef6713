"""The pictures of the Similarity page."""

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
from jaxtyping import Float
from torch import Tensor

from pooling.charts import similarity as charts
from pooling.notices import similarity as notices
from pooling.pictures import Line, Panel, Picture
from pooling.similarity import Comparison, Measure, Split, nearness
from pooling.tables import similarity as tables


def matrix(table: pd.DataFrame, texts: Sequence[str], measure: Measure) -> Picture:
    """Every sentence against every sentence, of `matrix_table`."""
    alt = notices.about_matrix(tables.pair_table(table, measure), measure)
    caption = "Press a cell to have its pair explained in part 4, whose two boxes choose it as well."
    draw = partial(charts.similarity_heatmap, table, texts, measure)
    return Picture(draw, table.reset_index(), "", (caption,) if len(texts) > 1 else (), alt)


def multiples(compared: Comparison, titles: Mapping[str, str], scale: tuple[float, float]) -> Picture:
    """The same under every strategy.

    Args:
        compared: the sentences.
        titles: what each strategy is called.
        scale: the ends of the colours.
    """
    measure = compared.measure
    matrices = {titles[name]: tables.matrix_table(compared.scores(name)) for name in compared.pooled}
    pairs = tables.strategy_pairs(matrices)
    caption = "The colours are those of part 1; what lies beyond them has the last one."
    return Picture(
        partial(charts.strategy_multiples, matrices, scale, measure),
        pairs,
        notices.about_multiples(pairs, measure),
        ("Press a matrix to choose its strategy.", *((caption,) if measure.ends is None else ())),
    )


def agreement(
    compared: Comparison, titles: Mapping[str, str], own: str, texts: Sequence[str]
) -> tuple[Picture, pd.DataFrame]:
    """How the strategies agree, with room beside it for the sentences that change sides, of `flip_table`.

    Args:
        compared: the sentences.
        titles: what each strategy is called.
        own: what the chosen one is called.
        texts: the sentences, written out.
    """
    near = {titles[name]: nearness(compared.scores(name), compared.measure) for name in compared.pooled}
    table, flipped = tables.agreement_table(near), tables.flip_table(near, own, texts)
    title = "**How the strategies agree** on the order of all pairs (Spearman's rank correlation × 100)."
    panel = Panel(partial(charts.agreement_heatmap, table), "agreement", title=title)
    alt = notices.about_strategies(table, flipped, own, len(texts))
    caption = "Press a cell to choose the strategy of its row."
    return Picture((Line((panel,), (1, 1)),), table.reset_index(), "", (caption,), alt), flipped


def contributions(split: Split, first: Sequence[str], second: Sequence[str]) -> tuple[Picture, pd.DataFrame]:
    """What each pair of tokens adds to a score, with room beside it for those that add most, of `top_pairs`.

    Args:
        split: the score.
        first, second: the tokens of both sentences, of `token_names`.
    """
    table = tables.contribution_table(split.parts, first, second)
    top = tables.top_pairs(table)
    panel = Panel(partial(charts.contribution_heatmap, table, what=split.what))
    noticed = notices.about_contributions(table, split.special, split.score, split.what)
    caption = "Press a cell to light its two tokens above; the boxes beside them do the same."
    return Picture((Line((panel,), (3, 2)),), table.reset_index(), noticed, (caption,)), top


def baseline(
    table: pd.DataFrame,
    measure: Measure,
    unrelated: Float[Tensor, " pair"],
    before: Float[Tensor, " other"] | None,
    *,
    pair: tuple[int, int],
    texts: int,
    strategy: str,
    steps: str,
) -> Picture:
    """The reader's pairs among those of unrelated texts.

    Args:
        table: of `matrix_table`.
        measure: what it is a matrix of.
        unrelated, before: the scores of unrelated pairs, of `Comparison.unrelated`.
        pair: the numbers of two sentences, whose pair is marked.
        texts: how many texts are unrelated.
        strategy: the strategy's name.
        steps: what the steps after pooling are called.
    """
    pairs, numbers = tables.pair_table(table, measure, unrelated), (min(pair), max(pair))
    spread = tables.baseline_table(unrelated, pairs, measure)
    plain = tables.baseline_table(before, pairs, measure) if before is not None else None
    marked = pairs[(pairs["first"] == numbers[0]) & (pairs["second"] == numbers[1])]
    noticed = notices.about_baseline(
        unrelated.mean().item(),
        before.mean().item() if before is not None else None,
        marked.iloc[0] if len(marked) else None,
        measure,
        len(unrelated),
        steps,
    )
    caption = (
        f"Bars: pairs of the {texts} bundled sentences, each on another of eight topics. Short lines below them: your "
        f"own pairs.{' Dotted: the pair of part 4.' if len(marked) else ''}"
        + (f" Grey outline: the same without {steps}." if before is not None else "")
    )
    bars = partial(charts.baseline_bars, spread, plain, pairs, numbers, measure, strategy=strategy)
    return Picture(bars, pairs, noticed, (caption,))
