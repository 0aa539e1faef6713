"""How well embeddings agree with people: scored pairs, labelled texts, and how sure a score is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.stats import pearsonr, rankdata, spearmanr
from sklearn import config_context
from sklearn.cluster import KMeans
from sklearn.metrics import average_precision_score, silhouette_score, v_measure_score
from torch import Tensor

from pooling.catalogue import PLAIN
from pooling.datasets import Pair
from pooling.encoders import Encoder, Layer, apply
from pooling.registry import all_strategies

Cell = tuple[Layer, str]
"""One cell of the grid: a layer, and a strategy's name."""

RESAMPLES = 2000
RESAMPLES_AT_ONCE = 250
ROUNDING = 1e-5
SAME = 1e-3
"""Two scores nearer than this in every resample are the same, but for rounding."""
CONSTANT = "All its similarities are the same, but for rounding, so there is no ranking to score."


MOST_LABELS = 200
"""Different labels of labelled texts: k-means takes as many groups."""


@dataclass
class Grid:
    """What every layer and strategy made of some texts, from one forward pass over them."""

    vectors: dict[Cell, Float[Tensor, "row ..."]] = field(default_factory=dict)
    """One embedding a text, or one cosine a pair."""
    missing: dict[Cell, str] = field(default_factory=dict)
    """Why a cell could not be computed."""
    cut: int = 0
    """Texts longer than the model's limit."""


def grid_layers(encoder: Encoder) -> list[Layer]:
    """Every layer, the average of the first and the last, and the one mistaken for it."""
    last = encoder.layers
    return [*range(last + 1), (1, last), (0, last)]


def embed_grid(
    texts: Sequence[str],
    encoder: Encoder,
    layers: Sequence[Layer] | None = None,
    *,
    template: str = PLAIN,
    pool_template: bool = True,
) -> Grid:
    """Embeddings of a corpus at each layer under each strategy, from one forward pass.

    Args:
        texts: the texts; in memory each takes layers x strategies x dim numbers.
        layers: by default those of `grid_layers`.
        template: a prompt with `{}` where the text goes, and
        pool_template: whether its tokens are pooled, as in `Encoder.encode`.

    Raises:
        ValueError: for a blank text, no text, or no such layer.
    """
    layers = [encoder.layer(one) for one in layers or grid_layers(encoder)]
    made = Grid()
    for indices, batch in encoder.stream_layers(texts, layers, template=template, pool_template=pool_template):
        made.cut += sum(lost > 0 for lost in batch[0].lost)
        for layer, states in zip(layers, batch, strict=True):
            for strategy in all_strategies():
                cell = (layer, strategy.name)
                if cell in made.missing:
                    continue
                try:
                    pooled = apply(strategy, states, model=encoder.name, layer=layer)
                except (LookupError, ValueError) as error:
                    if strategy.needs is None:
                        raise
                    made.missing[cell] = str(error.args[0])
                    continue
                if cell not in made.vectors:
                    made.vectors[cell] = torch.empty(len(texts), encoder.dim)
                made.vectors[cell][indices] = pooled.embedding.cpu()
    return made


def cosine_grid(
    pairs: Sequence[Pair],
    encoder: Encoder,
    layers: Sequence[Layer] | None = None,
    *,
    template: str = PLAIN,
    pool_template: bool = True,
) -> Grid:
    """The cosine of each pair at each layer under each strategy, from one forward pass; see `embed_grid`."""
    texts = distinct_texts(pairs)
    made = embed_grid(texts, encoder, layers, template=template, pool_template=pool_template)
    made.vectors = {cell: pair_cosines(pairs, texts, vectors) for cell, vectors in made.vectors.items()}
    return made


def join_grids(parts: Sequence[Grid], order: Sequence[int]) -> Grid:
    """The grids of a corpus's parts as one, row i of them all being row `order[i]` of the corpus."""
    place = torch.tensor(order).argsort()
    return Grid(
        {cell: torch.cat([part.vectors[cell] for part in parts])[place] for cell in parts[0].vectors},
        parts[0].missing,
        sum(part.cut for part in parts),
    )


def distinct_texts(pairs: Sequence[Pair]) -> list[str]:
    """Every text of the pairs once, in order of appearance."""
    return list(dict.fromkeys(text for p in pairs for text in (p.text1, p.text2)))


def pair_indices(pairs: Sequence[Pair], texts: Sequence[str]) -> tuple[list[int], list[int]]:
    """Where the first and the second text of each pair stand in `texts`."""
    place = {text: i for i, text in enumerate(texts)}
    return [place[p.text1] for p in pairs], [place[p.text2] for p in pairs]


def pair_cosines(
    pairs: Sequence[Pair], texts: Sequence[str], embeddings: Float[Tensor, "text dim"]
) -> Float[Tensor, " pair"]:
    """The cosine similarity of each pair, from one embedding a distinct text."""
    first, second = pair_indices(pairs, texts)
    return torch.cosine_similarity(embeddings[first], embeddings[second])


def constant(cosines: Float[Tensor, " pair"]) -> bool:
    """Whether cosines differ by no more than rounding: then they rank nothing."""
    return float(cosines.max() - cosines.min()) < ROUNDING


def spearman(cosines: Float[Tensor, " pair"], pairs: Sequence[Pair]) -> float | None:
    """Spearman's rank correlation of cosines and scores; None where either is constant.

    Cosines that differ by no more than rounding count as the same, so that a strategy which
    gives every text one vector gets no score and not a random one.
    """
    scores = [p.score for p in pairs]
    if constant(cosines) or len(set(scores)) < 2:
        return None
    return float(spearmanr(cosines.numpy(), scores).statistic)


def pearson(cosines: Float[Tensor, " pair"], pairs: Sequence[Pair]) -> float | None:
    """Pearson's correlation of cosines and scores; None where either is constant."""
    scores = [p.score for p in pairs]
    if constant(cosines) or len(set(scores)) < 2:
        return None
    return float(pearsonr(cosines.double().numpy(), scores).statistic)


def average_precision(cosines: Float[Tensor, " pair"], pairs: Sequence[Pair]) -> float | None:
    """How near the top the pairs scored 1 stand, sorted by cosine; None where either is constant."""
    scores = [p.score for p in pairs]
    if constant(cosines) or len(set(scores)) < 2:
        return None
    return float(average_precision_score(scores, cosines.numpy()))


def binary(pairs: Sequence[Pair]) -> bool:
    """Whether the scores are 0 and 1: alike or not."""
    return {p.score for p in pairs} == {0.0, 1.0}


def resample(rows: int, resamples: int = RESAMPLES, seed: int = 0) -> Int[np.ndarray, "resample row"]:
    """Bootstrap resamples: how often each row is drawn, in `rows` draws with replacement."""
    return np.random.default_rng(seed).multinomial(rows, np.full(rows, 1 / rows), size=resamples)


def bootstrap_spearman(
    cosines: Float[Tensor, " pair"], pairs: Sequence[Pair], counts: Int[np.ndarray, "resample pair"]
) -> Float[np.ndarray, " resample"]:
    """Spearman in each resample, its ranks taken anew; nan where a resample is constant."""
    scores = np.array([p.score for p in pairs])
    made = []
    for drawn in np.array_split(counts, max(1, len(counts) // RESAMPLES_AT_ONCE)):
        one, two = _weighted_ranks(cosines.numpy(), drawn), _weighted_ranks(scores, drawn)
        # The mean rank of n rows is (n + 1) / 2, ties or not.
        one, two = one - (len(pairs) + 1) / 2, two - (len(pairs) + 1) / 2
        with np.errstate(invalid="ignore"):
            spread = np.sqrt((drawn * one**2).sum(axis=1) * (drawn * two**2).sum(axis=1))
            made.append((drawn * one * two).sum(axis=1) / spread)
    return np.concatenate(made)


def bootstrap_precision(
    cosines: Float[Tensor, " pair"], pairs: Sequence[Pair], counts: Int[np.ndarray, "resample pair"]
) -> Float[np.ndarray, " resample"]:
    """Average precision in each resample; nan where a resample has one kind of pair only."""
    order = np.argsort(-cosines.numpy(), kind="stable")
    _, ends = np.unique(-cosines.numpy()[order], return_index=True)
    ends = np.append(ends[1:], len(order)) - 1  # the last row of each run of ties
    same = np.array([p.score for p in pairs])[order]
    made = []
    for drawn in np.array_split(counts[:, order], max(1, len(counts) // RESAMPLES_AT_ONCE)):
        found = (drawn * same).cumsum(axis=1)[:, ends]
        seen = drawn.cumsum(axis=1)[:, ends]
        gained = np.diff(found, axis=1, prepend=0)
        total = np.where((found[:, -1] > 0) & (found[:, -1] < seen[:, -1]), found[:, -1], np.nan)
        made.append((gained * found / np.maximum(seen, 1)).sum(axis=1) / total)
    return np.concatenate(made)


def _weighted_ranks(
    values: Float[np.ndarray, " row"], counts: Int[np.ndarray, "resample row"]
) -> Float[np.ndarray, "resample row"]:
    """The rank of each row's value where row i stands there counts[i] times; ties share the mean."""
    order = np.argsort(values, kind="stable")
    _, starts, group = np.unique(values[order], return_index=True, return_inverse=True)
    size = np.add.reduceat(counts[:, order], starts, axis=1)
    ranks = np.empty(counts.shape)
    ranks[:, order] = (size.cumsum(axis=1) - (size - 1) / 2)[:, group]
    return ranks


@dataclass(frozen=True)
class Place:
    """Where a strategy stands on a leaderboard; scores from 0 to 1."""

    name: str
    score: float | None
    low: float = math.nan
    high: float = math.nan
    behind: float = math.nan
    """How far behind the best; with the ends of its own interval, from the paired bootstrap."""
    behind_low: float = math.nan
    behind_high: float = math.nan
    first: float = math.nan
    """The share of resamples in which it comes first."""
    verdict: str = ""
    """"best", "same" (but for rounding), "open" (cannot be told apart from the best) or "worse"."""
    missing: str = ""


def leaderboard(
    scores: dict[str, float | None],
    samples: dict[str, Float[np.ndarray, " resample"]],
    missing: dict[str, str] | None = None,
) -> list[Place]:
    """Strategies from the best down, each with its 95% interval and compared with the best.

    Args:
        scores: strategy -> score; None where it has none.
        samples: strategy -> its score in each resample, the same resamples for all.
        missing: strategy -> why it could not be computed.
    """
    ranked = sorted((n for n in scores if scores[n] is not None), key=lambda n: -scores[n])
    made = []
    best = ranked[0] if ranked else ""
    top = np.max([samples[name] for name in ranked], axis=0) if ranked else 0
    for name in ranked:
        lost = samples[best] - samples[name]
        behind_low, behind_high = interval(lost)
        same = np.nanmax(np.abs(lost)) < SAME
        made.append(
            Place(
                name,
                scores[name],
                *interval(samples[name]),
                scores[best] - scores[name],
                behind_low,
                behind_high,
                float(np.mean(samples[name] >= top - ROUNDING)),
                "best" if name == best else "same" if same else "open" if behind_low <= 0 else "worse",
            )
        )
    made += [Place(name, None, missing=CONSTANT) for name in scores if scores[name] is None]
    return made + [Place(name, None, missing=why) for name, why in (missing or {}).items()]


def interval(samples: Float[np.ndarray, " resample"]) -> tuple[float, float]:
    """The middle 95% of bootstrap samples."""
    low, high = np.nanpercentile(samples, [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True, eq=False)
class Scores:
    """A score of every cell of a grid, and the bootstrap samples of some."""

    scores: dict[Cell, float | None]
    pearson: dict[Cell, float | None]
    samples: dict[Cell, Float[np.ndarray, " resample"]]


def score_grid(pairs: Sequence[Pair], grid: Grid, sampled: Sequence[Cell]) -> Scores:
    """Spearman (average precision where scores are 0 and 1) and Pearson of each cell of cosines.

    Args:
        pairs: the pairs.
        grid: of `cosine_grid`.
        sampled: the cells to bootstrap, all on the same resamples; those without a score are left out.
    """
    measure, sample = (average_precision, bootstrap_precision) if binary(pairs) else (spearman, bootstrap_spearman)
    scores = {cell: measure(cosines, pairs) for cell, cosines in grid.vectors.items()}
    counts = resample(len(pairs))
    return Scores(
        scores,
        {cell: pearson(cosines, pairs) for cell, cosines in grid.vectors.items()},
        {
            cell: sample(grid.vectors[cell], pairs, counts)
            for cell in dict.fromkeys(sampled)
            if scores.get(cell) is not None
        },
    )


def rank_gaps(cosines: Float[Tensor, " pair"], pairs: Sequence[Pair]) -> Float[np.ndarray, " pair"]:
    """Rank by similarity minus rank by score, as a share of all ranks: above 0, held too alike."""
    scores = [p.score for p in pairs]
    return (rankdata(cosines.numpy()) - rankdata(scores)) / len(pairs)


@dataclass(frozen=True, eq=False)
class LabelScores:
    """How well embeddings keep labels apart."""

    silhouette: float
    """-1 to 1: how much nearer texts are to their own label's than to the nearest other label's."""
    neighbour: Float[np.ndarray, " text"]
    """1 where a text's nearest other text has its label, else 0."""
    v_measure: float
    """0 to 1: how well k-means, told only how many labels there are, finds them again."""

    @property
    def accuracy(self) -> float:
        """The share of texts whose nearest other text has their label."""
        return float(self.neighbour.mean())


def label_scores(embeddings: Float[Tensor, "text dim"], labels: Sequence[str]) -> LabelScores | None:
    """Silhouette, leave-one-out 1-NN and k-means V-measure by cosine; None for one vector for all.

    Raises:
        ValueError: when there are fewer than two labels, more than `MOST_LABELS`, or none that occurs twice.
    """
    kinds, label = np.unique(labels, return_inverse=True)
    if len(kinds) > MOST_LABELS:
        raise ValueError(f"There are {len(kinds):,} different labels; at most {MOST_LABELS} can be told apart here.")
    if len(kinds) < 2:
        raise ValueError("All texts have the same label; at least two different labels are needed.")
    if len(kinds) == len(labels):
        raise ValueError("No label occurs twice; at least one label needs two texts.")
    unit = torch.nn.functional.normalize(embeddings.float())
    if float((unit - unit[0]).abs().max()) < ROUNDING:
        return None
    points = unit.numpy()
    with config_context(working_memory=64):
        silhouette = silhouette_score(points, label, metric="cosine")
    clusters = KMeans(len(kinds), n_init=4, random_state=0).fit_predict(points)
    neighbour = label[nearest_others(unit).numpy()] == label
    return LabelScores(float(silhouette), neighbour.astype(float), float(v_measure_score(label, clusters)))


def nearest_others(unit: Float[Tensor, "text dim"]) -> Int[Tensor, " text"]:
    """The nearest other text of each, by the dot product of unit vectors; the first, in a tie."""
    made = []
    for start in range(0, len(unit), 1024):
        near = unit[start : start + 1024] @ unit.T
        near[torch.arange(len(near)), torch.arange(start, start + len(near))] = -torch.inf
        made.append(near.argmax(dim=1))
    return torch.cat(made)


def bootstrap_mean(
    values: Float[np.ndarray, " row"], counts: Int[np.ndarray, "resample row"]
) -> Float[np.ndarray, " resample"]:
    """The mean of the values in each resample."""
    return counts @ values / len(values)
