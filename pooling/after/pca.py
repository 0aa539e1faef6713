"""The main directions of a corpus."""

from collections.abc import Mapping

import torch
from torch import Tensor

from pooling.after import Parts, Vectors, step
from pooling.after.centre import less_its_share
from pooling.types import NotComputable


def main_directions(vectors: Vectors) -> dict[str, Tensor]:
    """The mean embedding of a corpus and its main directions, the widest first: so many embeddings less one at most.

    Raises:
        ValueError: when there are fewer than two embeddings.
    """
    texts, dim = vectors.shape
    if texts < 2:
        raise ValueError(f"PCA needs two embeddings at least, and {texts} were given.")
    mean = vectors.double().mean(dim=0)
    axes = torch.linalg.eigh((vectors.double() - mean).T.cov()).eigenvectors.flip(1)
    # Either of two opposite directions is one: the largest entry is positive, whoever computes them.
    axes = axes * axes.gather(0, axes.abs().argmax(dim=0, keepdim=True)).sign()
    return {"mean": mean.float(), "axes": axes[:, : min(dim, texts - 1)].float().contiguous()}


def seen_from_there(parts: Parts, shares: Parts, *, count: int, fitted: Mapping[str, Tensor]) -> Parts:
    """Each token gives its share of the mean, and what is left is looked at along the directions."""
    left = less_its_share(parts, shares, fitted=fitted)
    return left @ fitted["axes"][:, :count].to(left.dtype)


@step(
    label="PCA to k dimensions",
    formula=r"e' = U_k^\top (e - \mu), \quad \mathrm{Cov}(e) = U \Lambda U^\top",
    source="https://sbert.net/examples/sentence_transformer/training/distillation/README.html",
    watch_out=(
        "Any model's embeddings can be made shorter so, but what was fitted belongs to them: save it, and give queries "
        "the same. The fewer texts it is fitted on, the more of the directions are chance. The length changes, so "
        "scale to length 1 afterwards."
    ),
    undo="No: what lay in the other directions is gone.",
    order=35,
    fits="corpus",
    counts=True,
    measure=main_directions,
    share=seen_from_there,
    torch='embeddings = (embeddings - fitted["mean"]) @ fitted["axes"][:, :count]',
    sentence_transformers=(
        "import torch\n"
        "from sentence_transformers.sentence_transformer.modules import Dense\n\n"
        'mean, axes = fitted["mean"], fitted["axes"][:, :count]\n'
        "pca = Dense(*axes.shape, True, torch.nn.Identity(), axes.T.contiguous(), -mean @ axes)\n"
        "with torch.inference_mode():\n"
        '    embeddings = pca({"sentence_embedding": embeddings})["sentence_embedding"]'
    ),
)
def pca(vectors: Vectors, *, count: int, fitted: Mapping[str, Tensor]) -> Vectors:
    """Centred, then turned so that the k directions in which a corpus differs most are kept."""
    axes = fitted["axes"]
    if count > axes.shape[1]:
        more = "; fit it on more texts" if axes.shape[1] < axes.shape[0] else ""
        raise NotComputable(f"PCA was fitted to {axes.shape[1]} directions, so {count} cannot be taken{more}.")
    return (vectors - fitted["mean"].to(vectors.device)) @ axes[:, :count].to(vectors.device)
