"""How well embeddings keep the labels of texts apart."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from pooling.bootstrap import Compared, bootstrap, clusters, compare, drawn_mean
from pooling.projection import Metric, Neighbours, all_in_one_place, nearest_neighbours, to_points

Name = TypeVar("Name", bound=Hashable)

NEAR = 50
"""Neighbours that are looked at for the nearest: near-duplicates of a text that can be told apart."""


@dataclass(frozen=True, eq=False)
class LabelScores:
    """How well labels are kept apart; None where that cannot be asked."""

    silhouette: float | None
    """-1 to 1: how much nearer texts are to their own label's than to the nearest other label's."""
    right: Bool[np.ndarray, " text"] | None
    """Whether the nearest other text of each has its label, for the texts of `distinct_rows`."""

    @property
    def accuracy(self) -> float | None:
        """The share of texts whose nearest other text has their label."""
        return None if self.right is None else float(self.right.mean())


def distinct_rows(texts: Sequence[str], labels: Sequence[str]) -> list[int]:
    """The rows that repeat no earlier text with its label: a copy of a text is no other text."""
    first: dict[tuple[str, str], int] = {}
    for row, both in enumerate(zip(texts, labels, strict=True)):
        first.setdefault(both, row)
    return list(first.values())


def check_labels(texts: Sequence[str], labels: Sequence[str]) -> None:
    """Make sure that there is something to keep apart.

    Raises:
        ValueError: when there are fewer than two labels, or none that two texts have.
    """
    kept = [labels[row] for row in distinct_rows(texts, labels)]
    if len(set(kept)) < 2:
        raise ValueError("All texts have the same label; at least two different labels are needed.")
    if len(set(kept)) == len(kept):
        raise ValueError("No two different texts have the same label; at least one label needs two texts.")


def label_scores(
    embeddings: Float[Tensor, "text dim"],
    texts: Sequence[str],
    labels: Sequence[str],
    metric: Metric,
    neighbours: Neighbours | None = None,
) -> LabelScores:
    """Silhouette and leave-one-out 1-nearest-neighbour accuracy in the full space, for the texts of `distinct_rows`.

    Args:
        embeddings: of the texts.
        texts: the earlier one counts where two are equally near.
        labels: of the texts.
        metric: what counts as near.
        neighbours: of all the embeddings, where they are known; at least `NEAR`, or all there are.
    """
    points, rows = to_points(embeddings, metric), distinct_rows(texts, labels)
    kinds, label = np.unique(np.array(labels, dtype=object)[rows], return_inverse=True)
    if len(kinds) < 2 or all_in_one_place(points):
        return LabelScores(None, None)
    if neighbours is None or len(rows) < len(texts):
        points = points[rows]
        neighbours = nearest_neighbours(points, NEAR, metric)
    silhouette = None
    if len(kinds) < len(rows):
        from sklearn import config_context
        from sklearn.metrics import silhouette_score

        with config_context(working_memory=64):
            silhouette = float(silhouette_score(points.numpy(), label, metric=metric))
    return LabelScores(silhouette, label[neighbours.indices[:, 0].numpy()] == label)


def compare_labels(scored: Mapping[Name, LabelScores], texts: Sequence[str], labels: Sequence[str]) -> Compared[Name]:
    """The 1-nearest-neighbour accuracies that there are, compared; rows with the same text are drawn together."""
    right = {name: one.right for name, one in scored.items() if one.right is not None}
    if not right:
        return compare({}, {})
    cluster = clusters([texts[row] for row in distinct_rows(texts, labels)])
    samples = bootstrap(partial(drawn_mean, np.array(list(right.values()), dtype=float)), cluster)
    return compare({name: float(one.mean()) for name, one in right.items()}, dict(zip(right, samples, strict=True)))
