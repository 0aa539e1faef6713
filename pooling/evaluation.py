"""How well embeddings agree with people: scores of scored pairs."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from scipy.stats import spearmanr
from torch import Tensor

from pooling.datasets import Pair


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


def spearman(cosines: Float[Tensor, " pair"], pairs: Sequence[Pair]) -> float | None:
    """Spearman's rank correlation of cosines and scores; None where either is constant.

    Cosines that differ by no more than rounding count as the same, so that a strategy which
    gives every text one vector gets no score and not a random one.
    """
    scores = [p.score for p in pairs]
    if float(cosines.max() - cosines.min()) < 1e-5 or len(set(scores)) < 2:
        return None
    return float(spearmanr(cosines.numpy(), scores).statistic)
