"""The first k dimensions."""

from pooling.after import Parts, Vectors, step
from pooling.types import NotComputable


def cut(parts: Parts, shares: Parts, *, count: int) -> Parts:
    """Each token's first k dimensions."""
    return parts[:, :count]


@step(
    label="First k dimensions",
    formula=r"e' = (e_1, \dots, e_k)",
    source="https://arxiv.org/abs/2205.13147",
    watch_out=(
        "A model trained for it (Matryoshka) puts what matters first; any other loses what the rest said. The length "
        "changes, so scale to length 1 afterwards."
    ),
    undo="No: the other dimensions are gone.",
    order=40,
    counts=True,
    share=cut,
    torch="embeddings = embeddings[:, :count]",
    sentence_transformers=(
        "from sentence_transformers.util import truncate_embeddings\n\n"
        "embeddings = truncate_embeddings(embeddings, count)"
    ),
)
def first(vectors: Vectors, *, count: int) -> Vectors:
    """Only the first k dimensions are kept."""
    if count > vectors.shape[1]:
        raise NotComputable(f"There are {vectors.shape[1]} dimensions, so the first {count} cannot be taken.")
    return vectors[:, :count]
