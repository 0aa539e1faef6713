"""What the layers of an encoder say about tokens: pure functions on the states of every layer.

A text's layers are a list of `TokenStates`, of a batch of one without padding, from layer 0 (input
embeddings) to L: see `Encoder.encode_layers`. More axes:

    layer    0 to L
    token    the tokens of one text, or of several in a row
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from scipy.linalg import eigh, orthogonal_procrustes
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from pooling.encoders import Encoder
from pooling.types import TokenStates

HOG = 3.0
"""A token hogs the norm when its vector is this many times as long as the median token's."""


def hogs(states: TokenStates) -> Bool[Tensor, " token"]:
    """The tokens of a text whose vector is more than `HOG` times as long as the median token's."""
    norms = states.hidden[0].norm(dim=1)
    return norms > HOG * norms.median()


def token_cosines(states: TokenStates) -> Float[Tensor, "token token"]:
    """The cosine of every two tokens of a text."""
    directions = normalize(states.hidden[0], dim=1)
    return (directions @ directions.T).clamp(-1, 1)


def cosines_to_layer_before(layers: Sequence[TokenStates]) -> Float[Tensor, "token step"]:
    """Each token's cosine to itself one layer earlier, from layer 1 to L."""
    hidden = torch.stack([states.hidden[0] for states in layers])
    return cosine_similarity(hidden[1:], hidden[:-1], dim=2).T


@dataclass(frozen=True, eq=False)
class Planes:
    """The tokens of two texts in a plane, layer by layer."""

    points: Float[Tensor, "layer token 2"]
    """The tokens of the first text, then those of the second."""
    shown: Float[Tensor, " layer"]
    """The share of the layer's variance that its plane shows; nan where all tokens are the same."""


def planes(first: Sequence[TokenStates], second: Sequence[TokenStates]) -> Planes:
    """A PCA plane a layer for the tokens of two texts, each turned to lie on the one before.

    Vectors are scaled to length 1 first, so that a distance stands for a cosine. Special tokens,
    and tokens that hog the norm, are put into the plane but have no say in it, unless there are
    no others. A plane may be turned and mirrored freely: that changes no distance in it, and of
    all such views the one is taken that moves the tokens least (orthogonal Procrustes).
    """
    points: list[Tensor] = []
    shown: list[Tensor] = []
    for one, other in zip(first, second, strict=True):
        directions = normalize(torch.cat([one.hidden[0], other.hidden[0]]), dim=1).double()
        voters = ~torch.cat([one.special[0] | hogs(one), other.special[0] | hogs(other)])
        voters = voters if voters.any() else torch.ones_like(voters)
        centred = directions - directions[voters].mean(dim=0)
        axes, variance = _main_axes(centred[voters])
        plane = centred @ axes
        if points:
            turn, _ = orthogonal_procrustes(plane.numpy(), points[-1].numpy())
            plane = plane @ torch.from_numpy(turn)
        points.append(plane)
        shown.append(variance)
    return Planes(torch.stack(points).float(), torch.stack(shown).float())


def _main_axes(centred: Float[Tensor, "token dim"]) -> tuple[Float[Tensor, "dim 2"], Float[Tensor, ""]]:
    """The two directions of the largest variance (PCA), and their share of all variance.

    An eigenproblem of the smaller side: many times faster than all singular vectors.
    """
    tokens, dim = centred.shape
    square = centred @ centred.T if tokens < dim else centred.T @ centred
    size = len(square)
    values, vectors = map(torch.from_numpy, eigh(square.numpy(), subset_by_index=[max(0, size - 2), size - 1]))
    axes = centred.T @ vectors if tokens < dim else vectors
    axes = normalize(torch.nn.functional.pad(axes.flip(1), (0, 2 - axes.shape[1])), dim=0)
    return axes, values.sum() / centred.square().sum()


@dataclass(frozen=True, eq=False)
class Background:
    """Cosines of tokens that have nothing to do with each other: what a cosine is read against."""

    mean: Float[Tensor, " layer"]
    quantiles: Float[Tensor, "layer quantile"]
    """From the smallest cosine to the largest, in steps of a thousandth of the pairs."""
    pairs: int
    texts: int

    def share_above(self, layer: int, cosine: float) -> float:
        """The share of the pairs that are at least as close, to a thousandth."""
        steps = self.quantiles.shape[1] - 1
        below = torch.searchsorted(self.quantiles[layer].contiguous(), cosine).item()
        return max(0, steps - below) / steps


def background(encoder: Encoder, texts: Sequence[str], *, sample: int = 64, seed: int = 0) -> Background:
    """The cosines of every two tokens that come from different texts, at each layer.

    Special tokens are left out: they are the same in every text.

    Args:
        encoder: the model.
        texts: a corpus.
        sample: how many of its texts are compared, chosen by chance.
        seed: of that chance.
    """
    chosen = random.Random(seed).sample(list(texts), min(sample, len(texts)))
    layers: list[list[Tensor]] = [[] for _ in range(encoder.layers + 1)]
    owner: list[Tensor] = []
    for start in range(0, len(chosen), 16):
        batch = encoder.encode_layers(chosen[start : start + 16])
        words = batch[0].mask & ~batch[0].special
        owner.append(words.nonzero()[:, 0] + start)
        for kept, states in zip(layers, batch, strict=True):
            kept.append(normalize(states.hidden[words], dim=1))
    whose = torch.cat(owner)
    apart = (whose[:, None] < whose).nonzero(as_tuple=True)
    steps = torch.linspace(0, 1, 1001)
    means, quantiles = [], []
    for kept in layers:
        directions = torch.cat(kept)
        cosines = (directions @ directions.T)[apart]
        means.append(cosines.mean())
        quantiles.append(cosines.quantile(steps))
    return Background(torch.stack(means), torch.stack(quantiles), len(apart[0]), len(chosen))
