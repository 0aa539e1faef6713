"""How alike embeddings are, how the order of neighbours depends on it, and which tokens made it so.

In float64, from float32 embeddings: what is shown adds up to the last digit shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pooling.after import Step, values_after
from pooling.catalogue import PLAIN
from pooling.encoders import Encoder, Layer, apply
from pooling.registry import Strategy, all_strategies
from pooling.types import NotComputable, Pooled, TokenStates

METRICS = {"cosine": "Cosine", "dot": "Dot product", "euclidean": "Euclidean distance"}
NEGLIGIBLE = 1e-5
"""Differences below this share of the largest value are rounding: a tie, or no vector at all."""

Scores = Float[Tensor, "text other"]


@dataclass(frozen=True)
class Measure:
    """How two embeddings are compared: the metric, and whether vectors are first scaled to length 1."""

    metric: str
    normalise: bool = False

    @property
    def label(self) -> str:
        """As a reader sees it."""
        return METRICS[self.metric]

    @property
    def noun(self) -> str:
        """As it reads within a sentence."""
        return self.label if self.metric == "euclidean" else self.label.lower()

    @property
    def larger_is_nearer(self) -> bool:
        """False for a distance."""
        return self.metric != "euclidean"

    @property
    def is_cosine(self) -> bool:
        """Whether the numbers are cosines: a dot product of vectors of length 1 is one."""
        return self.metric == "cosine" or (self.metric == "dot" and self.normalise)

    @property
    def ends(self) -> tuple[float, float] | None:
        """The smallest and largest number possible; None where lengths have no limit."""
        if self.is_cosine:
            return -1.0, 1.0
        return (0.0, 2.0) if self.normalise else None


def compare(
    first: Float[Tensor, "text dim"], second: Float[Tensor, "other dim"], measure: Measure
) -> Float[Tensor, "text other"]:
    """Each of the first embeddings against each of the second.

    A vector of length zero has no direction: its cosines are nan, never a made-up number.
    """
    first, second = first.double(), second.double()
    if measure.normalise or measure.metric == "cosine":
        first, second = unit(first), unit(second)
    if measure.metric == "euclidean":
        return torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist")
    return first @ second.T


def unit(vectors: Float[Tensor, "text dim"]) -> Float[Tensor, "text dim"]:
    """Vectors scaled to length 1; one of length zero becomes nan."""
    return vectors / vectors.norm(dim=1, keepdim=True)


def pool_all(
    states: TokenStates, strategies: Sequence[Strategy] | None = None, *, model: str, layer: Layer
) -> tuple[dict[str, Pooled], dict[str, str]]:
    """The states under every strategy, or those given, and for each that cannot be computed, why."""
    pooled: dict[str, Pooled] = {}
    missing: dict[str, str] = {}
    for strategy in strategies or all_strategies():
        try:
            pooled[strategy.name] = apply(strategy, states, model=model, layer=layer)
        except NotComputable as error:
            missing[strategy.name] = str(error)
    return pooled, missing


def embed_all(
    encoder: Encoder,
    texts: Sequence[str],
    layer: Layer,
    strategies: Sequence[Strategy] | None = None,
    *,
    template: str = PLAIN,
    pool_template: bool = True,
) -> dict[str, Float[Tensor, "text dim"]]:
    """Embeddings of some hundred short texts, in their prompt, under every strategy that can be computed."""
    attention = isinstance(layer, int) and layer > 0
    states = encoder.encode(texts, layer=layer, attention=attention, template=template, pool_template=pool_template)
    pooled, _ = pool_all(states, strategies, model=encoder.name, layer=layer)
    return {name: one.embedding for name, one in pooled.items()}


@dataclass(frozen=True, eq=False)
class Comparison:
    """A few texts under every strategy, to be compared by a measure after steps that follow the pooling."""

    states: TokenStates
    pooled: dict[str, Pooled]
    """By the strategy's name."""
    steps: Mapping[str, Sequence[Step]]
    """The steps, fitted, by the strategy's name; empty for none. A last scaling to length 1 is the measure's."""
    measure: Measure

    def vectors(self, name: str) -> Float[Tensor, "text dim"]:
        """The texts' embeddings under a strategy, after its steps."""
        return values_after(self.pooled[name].embedding, self.steps.get(name, ()))

    def scores(self, name: str) -> Float[Tensor, "text other"]:
        """The texts against each other under a strategy."""
        return compare(self.vectors(name), self.vectors(name), self.measure)

    def asked(self, name: str, query: Float[Tensor, "query dim"]) -> Float[Tensor, "query text"]:
        """Other texts, by their embeddings under a strategy, against these."""
        return compare(values_after(query, self.steps.get(name, ())), self.vectors(name), self.measure)

    @property
    def splits_as(self) -> Measure:
        """What is a sum over pairs of tokens: the dot product, or the cosine where lengths do not count."""
        return Measure("dot" if self.measure.metric == "dot" and not self.measure.normalise else "cosine")

    def split(self, name: str, first: int, second: int) -> "Split":
        """The score of two texts, taken apart into what each pair of their tokens adds to it.

        Raises:
            NotComputable: when an embedding after the steps is no sum over its tokens.
        """
        pooled, steps = self.pooled[name], self.steps.get(name, ())
        return split((self.states, pooled, first), (self.states, pooled, second), self.splits_as, steps)

    def unrelated(
        self, name: str, corpus: Float[Tensor, "text dim"], labels: Sequence[str]
    ) -> tuple[Float[Tensor, " pair"], Float[Tensor, " other"] | None]:
        """The scores of texts of a corpus with different labels; where there are steps, as they are without too."""
        plain = unrelated(compare(corpus, corpus, self.measure), labels)
        if not self.steps.get(name):
            return plain, None
        moved = values_after(corpus, self.steps[name])
        return unrelated(compare(moved, moved, self.measure), labels), plain


class Split(NamedTuple):
    """A score as a sum over pairs of tokens."""

    what: str
    """The name of the score: "cosine" or "dot product"."""
    score: float
    parts: Float[Tensor, "token other"]
    special: float
    """What the pairs with a special token on either side add."""


def split(
    first: tuple[TokenStates, Pooled, int],
    second: tuple[TokenStates, Pooled, int],
    measure: Measure,
    steps: Sequence[Step],
) -> Split:
    """The score of two texts, taken apart into what each pair of their tokens adds to it.

    Args:
        first: the states and the embeddings of some texts, and which of them.
        second: likewise, of the same texts or of others.
        measure: the dot product, or the cosine.
        steps: after pooling.

    Raises:
        NotComputable: when an embedding after the steps is no sum over its tokens.
    """
    both = first, second
    one, other = (token_parts(states, pooled, index, steps) for states, pooled, index in both)
    parts = contributions(one, other, cosine=measure.is_cosine)
    left, right = (values_after(pooled.embedding[[index]], steps) for _, pooled, index in both)
    words = [~states.special[index, states.mask[index]] for states, _, index in both]
    special = float(parts.sum() - parts[words[0]][:, words[1]].sum())
    return Split(measure.noun, compare(left, right, measure).item(), parts, special)


def nearness(scores: Scores, measure: Measure) -> Scores:
    """Scores turned so that larger is nearer."""
    return scores if measure.larger_is_nearer else -scores


def nearest_others(near: Float[Tensor, "text text"]) -> list[int | None]:
    """The nearest other text of each, the first in a tie; None where there is none to compare."""
    others = near.masked_fill(torch.eye(len(near), dtype=torch.bool), -torch.inf)
    others = others.masked_fill(others.isnan(), -torch.inf)
    return [int(row.argmax()) if row.max() > -torch.inf else None for row in others]


def swapped(one: Float[Tensor, "text text"], other: Float[Tensor, "text text"]) -> Bool[Tensor, "text text text"]:
    """Seen from text i, whether `one` has j nearer than k and `other` has k nearer than j.

    Ties within rounding are in no order, and so never swapped.
    """
    itself = torch.eye(len(one), dtype=torch.bool)

    def before(near: Tensor) -> Tensor:
        known = near.masked_fill(itself, torch.nan)
        gap = known[:, :, None] - known[:, None, :]
        return gap > NEGLIGIBLE * known.nan_to_num().abs().max()

    return before(one) & before(other).transpose(1, 2)


def flips(one: Float[Tensor, "text text"], other: Float[Tensor, "text text"]) -> list[tuple[int, int, int]]:
    """Texts whose nearest neighbour differs: (text, nearest under `one`, nearest under `other`)."""
    turned = swapped(one, other)
    return [
        (i, a, b)
        for i, (a, b) in enumerate(zip(nearest_others(one), nearest_others(other), strict=True))
        if a is not None and b is not None and turned[i, a, b]
    ]


def token_parts(
    states: TokenStates, pooled: Pooled, index: int, steps: Iterable[Step] = ()
) -> Float[Tensor, "token _"]:
    """What each real token of a text adds to its embedding after some steps; the rows add up to it.

    Where a step takes a mean away, each token gives its share of it, by its weight in each dimension.

    Raises:
        NotComputable: when a step makes something of the embedding that is no sum over its tokens.
    """
    real = states.mask[index]
    weights = pooled.weights[index, real].double()
    parts = weights * states.hidden[index, real].double()
    shares = weights / weights.sum(dim=0)
    for step in steps:
        parts = step.parts(parts, shares)
        if parts.shape[1] != shares.shape[1]:
            shares = shares.mean(dim=1, keepdim=True)
    return parts


def contributions(
    first: Float[Tensor, "token dim"], second: Float[Tensor, "other dim"], *, cosine: bool
) -> Float[Tensor, "token other"]:
    """A similarity split into what each pair of tokens adds to it; the entries add up to the score.

    Both embeddings are sums over tokens, so their dot product is a sum over pairs of tokens:
    sum_i a_i · sum_j b_j = sum_ij a_i · b_j. The cosine is this divided by both lengths.

    Args:
        first: of `token_parts`; likewise the second.
        cosine: the parts of the cosine, not of the dot product.
    """
    dots = first @ second.T
    return dots / (first.sum(dim=0).norm() * second.sum(dim=0).norm()) if cosine else dots


def unrelated(scores: Float[Tensor, "text text"], labels: Sequence[str]) -> Float[Tensor, " pair"]:
    """The scores of all pairs of texts with different labels, ascending, those that are nan left out."""
    kinds = sorted(set(labels))
    kind = torch.tensor([kinds.index(label) for label in labels])
    different = (kind[:, None] != kind[None, :]).triu()
    values = scores[different]
    return values[values.isfinite()].sort().values


def share_less_alike(score: float, baseline: Float[Tensor, " pair"], measure: Measure) -> float:
    """The share of unrelated pairs that are less alike than a pair of this score."""
    below = torch.searchsorted(baseline, score, right=not measure.larger_is_nearer).item() / len(baseline)
    return below if measure.larger_is_nearer else 1 - below
