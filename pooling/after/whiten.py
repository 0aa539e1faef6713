"""Whitening."""

from collections.abc import Mapping

import torch
from torch import Tensor

from pooling.after import Parts, Vectors, step
from pooling.after.centre import less_its_share

FLAT = 1e-10
"""The share of the widest direction's variance below which a direction does not change."""


def main_axes(vectors: Vectors) -> dict[str, Tensor]:
    """The mean embedding of a corpus and its main axes, the widest first, each divided by its deviation.

    Raises:
        ValueError: when there are no more embeddings than dimensions.
    """
    texts, dim = vectors.shape
    if texts <= dim:
        raise ValueError(f"Whitening {dim} dimensions needs more than {dim} embeddings, and {texts} were given.")
    mean = vectors.double().mean(dim=0)
    variance, axes = torch.linalg.eigh((vectors.double() - mean).T.cov())
    # After a layer norm one direction never changes; stretched to variance 1 it would be rounding alone.
    stretch = torch.where(variance > FLAT * variance[-1], variance, torch.inf).rsqrt()
    return {"mean": mean.float(), "axes": (axes * stretch).flip(1).float()}


def turned(parts: Parts, shares: Parts, *, fitted: Mapping[str, Tensor]) -> Parts:
    """Each token gives its share of the mean, and what is left is turned and stretched as the whole."""
    left = less_its_share(parts, shares, fitted=fitted)
    return left @ fitted["axes"].to(left.dtype)


@step(
    label="Whiten",
    formula=r"e' = \Lambda^{-1/2} U^\top (e - \mu), \quad \mathrm{Cov}(e) = U \Lambda U^\top",
    source="https://arxiv.org/abs/2103.15316",
    watch_out=(
        "Directions that say little get as much weight as those that say much, and the fewer texts it is fitted on, "
        "the more of these are chance: it costs a model that was tuned for sentences much, unless only the first "
        "dimensions are kept, which here are the widest. Save what was fitted."
    ),
    undo="Yes, but for rounding and directions that never change: the axes can be inverted.",
    order=30,
    fits="corpus",
    measure=main_axes,
    share=turned,
    torch='embeddings = (embeddings - fitted["mean"]) @ fitted["axes"]',
    sentence_transformers=(
        "import torch\n"
        "from sentence_transformers.sentence_transformer.modules import Dense\n\n"
        'mean, axes = fitted["mean"], fitted["axes"]\n'
        "whiten = Dense(*axes.shape, True, torch.nn.Identity(), axes.T.contiguous(), -mean @ axes)\n"
        "with torch.inference_mode():\n"
        '    embeddings = whiten({"sentence_embedding": embeddings})["sentence_embedding"]'
    ),
)
def whiten(vectors: Vectors, *, fitted: Mapping[str, Tensor]) -> Vectors:
    """Centred, turned and stretched so that a corpus has variance 1 in every direction, the widest first."""
    return (vectors - fitted["mean"].to(vectors.device)) @ fitted["axes"].to(vectors.device)
