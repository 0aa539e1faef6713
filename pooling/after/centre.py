"""Centring."""

from collections.abc import Mapping

import torch
from torch import Tensor

from pooling.after import Parts, Vectors, step


def mean_of(vectors: Vectors) -> dict[str, Tensor]:
    """The mean embedding of a corpus."""
    return {"mean": vectors.float().mean(dim=0)}


def less_its_share(parts: Parts, shares: Parts, *, fitted: Mapping[str, Tensor]) -> Parts:
    """Each token gives its share of the mean."""
    return parts - shares * fitted["mean"]


@step(
    label="Centre",
    formula=r"e' = e - \frac{1}{N}\sum_{i=1}^{N} e_i",
    source="https://arxiv.org/abs/1702.01417",
    watch_out=(
        "The mean is the corpus's: save it, and take the same one from every text, queries too. On a model tuned for "
        "sentences it changes next to nothing."
    ),
    undo="Yes: add the mean again.",
    order=20,
    fits="corpus",
    measure=mean_of,
    share=less_its_share,
    torch='embeddings = embeddings - fitted["mean"]',
    sentence_transformers=(
        "import torch\n"
        "from sentence_transformers.sentence_transformer.modules import Dense\n\n"
        'dim = len(fitted["mean"])\n'
        'centre = Dense(dim, dim, True, torch.nn.Identity(), torch.eye(dim), -fitted["mean"])\n'
        "with torch.inference_mode():\n"
        '    embeddings = centre({"sentence_embedding": embeddings})["sentence_embedding"]'
    ),
)
def centre(vectors: Vectors, *, fitted: Mapping[str, torch.Tensor]) -> Vectors:
    """The mean embedding of a corpus is taken away from each."""
    return vectors - fitted["mean"].to(vectors.device)
