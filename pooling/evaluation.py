"""How well embeddings agree with people on scored pairs, and which strategy is the best at it."""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.stats import pearsonr, rankdata, spearmanr
from sklearn.metrics import average_precision_score
from torch import Tensor

from pooling.after import Step, fit_steps, values_after
from pooling.bootstrap import TIE, Compared, bootstrap, clusters, compare, drawn_precision, drawn_spearman
from pooling.catalogue import PLAIN
from pooling.datasets import Pair
from pooling.encoders import Encoder, Layer, apply
from pooling.registry import Strategy, all_strategies
from pooling.types import NotComputable, TokenStates

Name = TypeVar("Name", bound=Hashable)
Cell = tuple[Layer, str]
"""One cell of the grid: a layer, and a strategy's name."""

DECIMALS = 9
"""Of a cosine; what lies beyond them is rounding."""
ROUNDING = 1e-5
"""Cosines that differ by less, all of them, are one."""
CONSTANT = "All its similarities are the same, but for rounding, so there is no ranking to score."


@dataclass
class Grid:
    """What every layer and strategy made of some texts, from one forward pass over them."""

    vectors: dict[Cell, Float[Tensor, "row ..."]] = field(default_factory=dict)
    """One embedding a text, or one cosine a pair."""
    missing: dict[Cell, str] = field(default_factory=dict)
    """Why a cell could not be computed."""
    cut: int = 0
    """Texts longer than the model's limit."""

    def named(self, layer: Layer) -> dict[str, Float[Tensor, "row ..."]]:
        """What there is at one of its layers, by the strategy's name."""
        return {name: made for (one, name), made in self.vectors.items() if one == layer}

    def __or__(self, other: "Grid") -> "Grid":
        """Both, the other's where both have a cell."""
        return Grid(self.vectors | other.vectors, self.missing | other.missing, self.cut)


def grid_layers(encoder: Encoder) -> list[Layer]:
    """Every layer, the average of the first and the last, and the one mistaken for it."""
    last = encoder.layers
    return [*range(last + 1), (1, last), (0, last)]


def embed_grid(
    texts: Sequence[str],
    encoder: Encoder,
    layers: Sequence[Layer] | None = None,
    strategies: Sequence[Strategy] | None = None,
    *,
    template: str = PLAIN,
    pool_template: bool = True,
    look: Callable[[list[int], list[TokenStates]], object] = lambda indices, states: None,
    report: Callable[[float], object] = lambda share: None,
) -> Grid:
    """Embeddings of a corpus at each layer under each strategy, from one forward pass.

    Args:
        texts: the texts; in memory each takes layers x strategies x dim numbers.
        layers: by default those of `grid_layers`.
        strategies: by default all.
        template: a prompt with `{}` where the text goes, and
        pool_template: whether its tokens are pooled, as in `Encoder.encode`.
        look: shown which texts a batch has and the states of each layer, for what else is to be made of them.
        report: told the share of the characters that are done after each batch; it may raise to end it.

    Raises:
        ValueError: for a blank text, no text, or no such layer.
    """
    layers = [encoder.layer(one) for one in layers or grid_layers(encoder)]
    made, done, whole = Grid(), 0, sum(map(len, texts))
    for indices, batch in encoder.stream_layers(texts, layers, template=template, pool_template=pool_template):
        made.cut += sum(lost > 0 for lost in batch[0].lost)
        for layer, states in zip(layers, batch, strict=True):
            for strategy in strategies or all_strategies():
                cell = (layer, strategy.name)
                if cell in made.missing:
                    continue
                try:
                    pooled = apply(strategy, states, model=encoder.name, layer=layer)
                except NotComputable as error:
                    made.missing[cell] = str(error)
                    continue
                if cell not in made.vectors:
                    made.vectors[cell] = torch.empty(len(texts), encoder.dim)
                made.vectors[cell][indices] = pooled.embedding.cpu()
        look(indices, batch)
        done += sum(len(texts[i]) for i in indices)
        report(done / whole)
    return made


def cosine_grid(
    pairs: Sequence[Pair],
    encoder: Encoder,
    layers: Sequence[Layer] | None = None,
    strategies: Sequence[Strategy] | None = None,
    *,
    template: str = PLAIN,
    pool_template: bool = True,
    after: Mapping[Cell, Sequence[Step]] | None = None,
) -> Grid:
    """The cosine of each pair at each layer under each strategy, from one forward pass; see `embed_grid`.

    Args:
        after: the steps after pooling of each cell, fitted; by default none.
    """
    texts = distinct_texts(pairs)
    made = embed_grid(texts, encoder, layers, strategies, template=template, pool_template=pool_template)
    for cell, vectors in made.vectors.items():
        made.vectors[cell] = pair_cosines(pairs, texts, values_after(vectors, (after or {}).get(cell, ())))
    return made


def fit_grid(steps: Sequence[str], grid: Grid, own: Sequence[Step] = ()) -> dict[Cell, list[Step]]:
    """Steps after pooling for each cell, fitted on its embeddings of a corpus; see `fit_steps`."""
    return {cell: fit_steps(steps, vectors, own) for cell, vectors in grid.vectors.items()}


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
    """The cosine similarity of each pair, from one embedding a distinct text.

    In float64 and then rounded, so that pairs of equal texts are equally alike to the last digit:
    ranks would make a difference of their rounding.
    """
    first, second = pair_indices(pairs, texts)
    vectors = embeddings.double()
    return torch.cosine_similarity(vectors[first], vectors[second]).round(decimals=DECIMALS)


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


def pair_clusters(pairs: Sequence[Pair]) -> Int[np.ndarray, " pair"]:
    """The number of each pair's cluster: the same two texts, in either order, are one, whatever their scores."""
    return clusters([frozenset((p.text1, p.text2)) for p in pairs])


def bootstrap_pairs(
    score: Callable[..., Float[np.ndarray, "name resample"]],
    pairs: Sequence[Pair],
    cosines: Mapping[Name, Float[Tensor, " pair"]],
) -> dict[Name, Float[np.ndarray, " resample"]]:
    """The score of each of the cosines in each resample of the pairs: `drawn_spearman` or `drawn_precision`."""
    values, scores = [one.double().numpy() for one in cosines.values()], np.array([p.score for p in pairs])
    return dict(zip(cosines, bootstrap(partial(score, values, scores), pair_clusters(pairs)), strict=True))


@dataclass(frozen=True)
class Place:
    """Where a strategy stands on a leaderboard; scores from 0 to 1, intervals of `Compared`."""

    name: str
    score: float | None
    low: float = math.nan
    high: float = math.nan
    behind: float = math.nan
    """How far its score is behind the best score here; 0 for a tie."""
    behind_low: float = math.nan
    """The least and the most that it may be behind the one that is truly best, whichever that is."""
    behind_high: float = math.nan
    first: float = math.nan
    """The share of resamples in which it comes first, alone or with others."""
    verdict: str = ""
    """"best", "same" (as the best but for rounding, in every resample), "worse" (something here is better, beyond
    chance) or "open"."""
    missing: str = ""


def leaderboard(
    scores: Mapping[str, float | None], compared: Compared[str], missing: Mapping[str, str] | None = None
) -> list[Place]:
    """Strategies from the best down, ties in the order given, each compared with all others.

    The interval of how far a strategy is behind the best makes no use of who is best in these data:
    it comes from its difference to each of the others, all of which hold at once.
    Source: Edwards and Hsu, Multiple comparisons with the best treatment, JASA 78 (1983)

    Args:
        scores: strategy -> score; None where it has none.
        compared: those that have a score.
        missing: strategy -> why it could not be computed.
    """
    ranked, made = _best_first({name: score for name, score in scores.items() if score is not None}), []
    top = np.fmax.reduce([compared.samples[name] for name in ranked]) if ranked else np.empty(0)
    for name in ranked:
        best, own = ranked[0], compared.score(name)
        leads = [compared.lead(other, name) for other in ranked if other != name]
        behind_low = max([0.0, *(lead.low for lead in leads)])
        same = compared.never_apart(best, name)
        made.append(
            Place(
                name,
                *own,
                behind=max(0.0, compared.lead(best, name).value),
                behind_low=behind_low,
                behind_high=max([0.0, *(lead.high for lead in leads)]),
                first=float(np.mean((compared.samples[name] >= top - TIE)[~np.isnan(top)])),
                verdict="best" if name == best else "same" if same else "worse" if behind_low > 0 else "open",
            )
        )
    made += [Place(name, None, missing=CONSTANT) for name in scores if scores[name] is None]
    return made + [Place(name, None, missing=why) for name, why in (missing or {}).items()]


def _best_first(scores: Mapping[str, float]) -> list[str]:
    """The names from the highest score down; those whose scores differ by rounding alone in the order given."""
    level, above = {}, math.inf
    for name in sorted(scores, key=lambda name: -scores[name]):
        above = level[name] = above if above - scores[name] < TIE else scores[name]
    return sorted(scores, key=lambda name: -level[name])


@dataclass(frozen=True, eq=False)
class Scores:
    """A score of every cell of a grid, and some of them compared."""

    scores: dict[Cell, float | None]
    pearson: dict[Cell, float | None]
    compared: Compared[Cell]


def score_grid(pairs: Sequence[Pair], grid: Grid, sampled: Sequence[Cell]) -> Scores:
    """Spearman (average precision where scores are 0 and 1) and Pearson of each cell of cosines.

    Args:
        pairs: the pairs.
        grid: of `cosine_grid`.
        sampled: the cells to compare; those without a score are left out.
    """
    alike = binary(pairs)
    measure, ends = (average_precision, (0.0, 1.0)) if alike else (spearman, (-1.0, 1.0))
    drawn = drawn_precision if alike else drawn_spearman
    scores = {cell: measure(cosines, pairs) for cell, cosines in grid.vectors.items()}
    asked = {cell: scores.get(cell) for cell in sampled}
    known = {cell: score for cell, score in asked.items() if score is not None}
    samples = bootstrap_pairs(drawn, pairs, {cell: grid.vectors[cell] for cell in known}) if known else {}
    return Scores(
        scores,
        {cell: pearson(cosines, pairs) for cell, cosines in grid.vectors.items()},
        compare(known, samples, ends),
    )


def layer_places(scores: Scores, grid: Grid, layer: Layer, names: Sequence[str]) -> list[Place]:
    """The leaderboard of the strategies named at a layer; their intervals hold for all that `scores` compares."""
    there = [name for name in names if (layer, name) in scores.scores]
    return leaderboard(
        {name: scores.scores[layer, name] for name in there},
        scores.compared.renamed({(layer, name): name for name in there if scores.scores[layer, name] is not None}),
        {name: grid.missing[layer, name] for name in names if (layer, name) in grid.missing},
    )


def rank_gaps(cosines: Float[Tensor, " pair"], pairs: Sequence[Pair]) -> Float[np.ndarray, " pair"]:
    """Rank by similarity minus rank by score, as a share of all ranks: above 0, held too alike."""
    scores = [p.score for p in pairs]
    return (rankdata(cosines.numpy()) - rankdata(scores)) / len(pairs)
