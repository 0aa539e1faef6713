"""Scaling to length 1."""

from torch.nn.functional import normalize

from pooling.after import Parts, Vectors, step


def divided(parts: Parts, shares: Parts) -> Parts:
    """What each token adds is divided by the whole's length."""
    return parts / parts.sum(dim=0).norm()


@step(
    label="L2-normalise",
    formula=r"e' = \frac{e}{\lVert e \rVert_2}",
    source="https://arxiv.org/abs/1503.03832",
    watch_out=(
        "Under cosine similarity it changes nothing; under dot product and distance it changes the order. After the "
        "first k dimensions are taken, the length is no longer 1: take them first."
    ),
    undo="No: the length is gone, and only the direction is left.",
    order=50,
    share=divided,
    torch="embeddings = torch.nn.functional.normalize(embeddings, dim=1)",
    sentence_transformers=(
        "from sentence_transformers.util import normalize_embeddings\n\nembeddings = normalize_embeddings(embeddings)"
    ),
)
def l2(vectors: Vectors) -> Vectors:
    """Every embedding is scaled to length 1."""
    return normalize(vectors, dim=1)
