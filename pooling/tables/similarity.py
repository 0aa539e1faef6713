"""The tables of the Similarity page; sentences go by their number, from 1."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from pooling.similarity import (
    METRICS,
    NEGLIGIBLE,
    Measure,
    compare,
    flips,
    nearest_others,
    nearness,
    share_less_alike,
    swapped,
)
from pooling.tables import token_list
from pooling.types import TokenStates

BINS = 100


def matrix_table(scores: Float[Tensor, "text other"]) -> pd.DataFrame:
    """Every sentence against every sentence: a row and a column each."""
    rows, columns = (range(1, n + 1) for n in scores.shape)
    return pd.DataFrame(scores.numpy(), index=pd.Index(rows, name="sentence"), columns=list(columns))


def pair_table(matrix: pd.DataFrame, measure: Measure, baseline: Float[Tensor, " pair"] | None = None) -> pd.DataFrame:
    """Every pair of sentences, the most alike first.

    Columns: first, second, score, unrelated (with a baseline, the share of unrelated pairs that
    are less alike).
    """
    table = _pairs(len(matrix), offset=1)
    table["score"] = matrix.to_numpy()[table["first"] - 1, table["second"] - 1]
    table["unrelated"] = [
        math.nan
        if baseline is None or not len(baseline) or math.isnan(score)
        else share_less_alike(score, baseline, measure)
        for score in table["score"].tolist()
    ]
    return table.sort_values("score", ascending=not measure.larger_is_nearer, kind="stable", ignore_index=True)


def neighbour_table(
    scores: Float[Tensor, " text"], texts: Sequence[str], measure: Measure, *, itself: int | None = None
) -> pd.DataFrame:
    """The sentences by how near they are, the nearest first; `itself` is left out: sentence, score, text."""
    table = pd.DataFrame({"sentence": range(1, len(texts) + 1), "score": scores.numpy(), "text": list(texts)})
    if itself is not None:
        table = table.drop(index=itself)
    return table.sort_values("score", ascending=not measure.larger_is_nearer, kind="stable", ignore_index=True)


def order_table(embeddings: Float[Tensor, "text dim"], *, normalise: bool) -> pd.DataFrame:
    """Each sentence's nearest neighbour by each metric, and how often the whole order differs.

    Columns: sentence, length, a metric each (the number of the nearest sentence), and for dot product
    and distance "swaps": of all pairs of its neighbours, how many stand the other way round than by cosine.
    """
    near = _near(embeddings, normalise)
    lengths = embeddings.double().norm(dim=1).numpy()
    table = pd.DataFrame({"sentence": range(1, len(embeddings) + 1), "length": lengths})
    for metric in METRICS:
        table[metric] = [None if n is None else n + 1 for n in nearest_others(near[metric])]
        table[metric] = table[metric].astype("Int64")
    for metric in ("dot", "euclidean"):
        table[f"{metric} swaps"] = swapped(near["cosine"], near[metric]).sum(dim=(1, 2)).tolist()
    return table


def clearest_swap(embeddings: Float[Tensor, "text dim"], metric: str) -> tuple[int, int, int] | None:
    """The clearest change of order between cosine and another metric, by sentences' numbers; None without one.

    Seen from the first, the second is nearer by cosine, the third by the other metric. The clearest
    is the one whose smaller gap, as a share of the metric's largest gap, is the largest.
    """
    near = _near(embeddings, False)
    turned = swapped(near["cosine"], near[metric])
    if not turned.any():
        return None
    gaps = [(near[m][:, :, None] - near[m][:, None, :]).abs().nan_to_num() for m in ("cosine", metric)]
    clear = torch.stack([gap / gap.max() for gap in gaps]).amin(dim=0).where(turned, 0.0)
    i, j, k = (int(n) + 1 for n in np.unravel_index(int(clear.argmax()), clear.shape))
    return i, j, k


def _near(embeddings: Float[Tensor, "text dim"], normalise: bool) -> dict[str, Float[Tensor, "text text"]]:
    measures = {metric: Measure(metric, normalise) for metric in METRICS}
    return {metric: nearness(compare(embeddings, embeddings, m), m) for metric, m in measures.items()}


def token_names(states: TokenStates, index: int) -> list[str]:
    """A text's pooled tokens as a reader sees them, each with its position: "2 violin"."""
    listed = token_list(states.one(index))
    listed = listed[listed["pooled"]]
    return [f"{p} {token}" for p, token in zip(listed["position"], listed["token"], strict=True)]


def contribution_table(
    parts: Float[Tensor, "token other"], first: Sequence[str], second: Sequence[str]
) -> pd.DataFrame:
    """What each pair of tokens adds to a similarity: a row a token of the first text."""
    return pd.DataFrame(parts.numpy(), index=pd.Index(first, name="token"), columns=list(second))


def top_pairs(contributions: pd.DataFrame, count: int = 10) -> pd.DataFrame:
    """The pairs of tokens that add or take away the most, if anything: first, second, part, share of the score."""
    values = contributions.to_numpy()
    sizes = np.abs(values).ravel()
    order = np.argsort(-sizes, kind="stable")[:count]
    order = order[sizes[order] > NEGLIGIBLE * sizes.max()]
    rows, columns = np.unravel_index(order, values.shape)
    part = values[rows, columns]
    return pd.DataFrame(
        {
            "first": contributions.index[rows],
            "second": contributions.columns[columns],
            "part": part,
            "share": part / values.sum(),
        }
    )


def baseline_table(baseline: Float[Tensor, " pair"], pairs: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """How unrelated pairs are spread over `BINS` bins that hold the reader's pairs too: from, to, share."""
    every = np.concatenate([baseline.numpy(), pairs["score"].dropna().to_numpy(dtype=float)])
    # Rounding may carry a cosine past 1.
    low, high = measure.ends or (float(every.min()), float(every.max()))
    low, high = min(low, float(every.min())), max(high, float(every.max()))
    counts, edges = np.histogram(baseline.numpy(), bins=BINS, range=(low, high))
    return pd.DataFrame({"from": edges[:-1], "to": edges[1:], "share": counts / len(baseline)})


def strategy_pairs(matrices: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The score of every pair under every strategy: first, second, a column a strategy."""
    table = _pairs(len(next(iter(matrices.values()))), offset=0)
    scores = {label: matrix.to_numpy()[table["first"] - 1, table["second"] - 1] for label, matrix in matrices.items()}
    return table.assign(**scores)


def _pairs(count: int, offset: int) -> pd.DataFrame:
    """All pairs of sentences, by number; with offset 0, each with itself too."""
    first, second = np.triu_indices(count, offset)
    return pd.DataFrame({"first": first + 1, "second": second + 1})


def agreement_table(near: dict[str, Float[Tensor, "text text"]]) -> pd.DataFrame:
    """How two strategies agree on the order of all pairs (Spearman): a row and a column each.

    Values that differ by rounding are a tie. nan where a strategy has one value only, or a pair
    without a score.
    """
    columns = {}
    for name, matrix in near.items():
        values = matrix[tuple(torch.triu_indices(len(matrix), len(matrix), offset=1))]
        most = values.abs().amax().item() if len(values) else math.nan
        columns[name] = np.round(values.numpy() / (most or math.nan) / NEGLIGIBLE)
    table = pd.DataFrame(columns)
    table.loc[:, table.isna().any()] = math.nan
    return table.corr("spearman").rename_axis(index="strategy")


def flip_table(near: dict[str, Float[Tensor, "text text"]], own: str, texts: Sequence[str]) -> pd.DataFrame:
    """Where a sentence's nearest neighbour is another than under the strategy `own`.

    Columns: sentence, strategy, nearest, own (nearest under `own`), text, nearest text, own text.
    """
    rows = [
        (i + 1, strategy, there + 1, here + 1, texts[i], texts[there], texts[here])
        for strategy, matrix in near.items()
        if strategy != own
        for i, here, there in flips(near[own], matrix)
    ]
    columns = ["sentence", "strategy", "nearest", "own", "text", "nearest text", "own text"]
    return pd.DataFrame(rows, columns=columns).sort_values("sentence", kind="stable", ignore_index=True)
