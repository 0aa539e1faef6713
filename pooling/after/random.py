"""Directions drawn by chance."""

import numpy
import torch
from torch import Tensor

from pooling.after import Parts, Vectors, step
from pooling.types import NotComputable

SEED = 0


def directions(dim: int, count: int) -> Tensor:
    """As many directions [count, dim] as asked for, the same at every call and with every version of NumPy."""
    drawn = numpy.random.RandomState(SEED).normal(size=(count, dim)) / count**0.5
    return torch.from_numpy(drawn).float()


def projected(parts: Parts, shares: Parts, *, count: int) -> Parts:
    """What each token adds, along the directions."""
    return parts @ directions(parts.shape[1], count).T.to(parts.dtype)


@step(
    label="Random k dimensions",
    formula=r"e' = R e, \quad R_{ij} \sim \mathcal{N}(0, 1/k)",
    source="https://scikit-learn.org/stable/modules/random_projection.html",
    watch_out=(
        "It knows nothing of the texts: a yardstick for the first k dimensions and for PCA, which should keep more. "
        "Queries need the same directions, and have them: the seed is fixed. The length changes, so scale to length 1 "
        "afterwards."
    ),
    undo="No: what lay in all other directions is gone.",
    order=45,
    counts=True,
    share=projected,
    torch=(
        "import numpy\n\n"
        "drawn = numpy.random.RandomState(0).normal(size=(count, embeddings.shape[1])) / count**0.5\n"
        "embeddings = embeddings @ embeddings.new_tensor(drawn).T"
    ),
)
def random(vectors: Vectors, *, count: int) -> Vectors:
    """Every embedding is looked at along k directions that were drawn by chance, once for all."""
    if count > vectors.shape[1]:
        raise NotComputable(f"There are {vectors.shape[1]} dimensions, so {count} random ones would add nothing.")
    return vectors @ directions(vectors.shape[1], count).T.to(vectors.device)
