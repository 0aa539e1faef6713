"""Make the vectors of the Detective's exhibits anew: python -m tests.make_exhibits.

None is made by this project's code: sentence-transformers' own modules and plain transformers make them, each with a
mistake that people have made. What each is, and where it happened, stands in `pooling/data/exhibits.toml`.
"""

from collections.abc import Callable

import numpy as np
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

from pooling.datasets import EXHIBITS, exhibits
from tests.other_people import FOLDER, vectors


def model(pooling: str = "mean", *, normalise: bool = True, longest: int = 256, first: int | None = None):
    """The default model, put together of sentence-transformers' modules."""
    modules = [Transformer(str(FOLDER), max_seq_length=longest), Pooling(384, pooling)]
    modules += [Normalize()] if normalise else []
    return SentenceTransformer(modules=modules, device="cpu", truncate_dim=first)


MADE: dict[str, Callable[[list[str]], np.ndarray]] = {
    "cls": lambda texts: model("cls").encode(texts),
    "length": lambda texts: model(normalise=False).encode(texts),
    "instruction": lambda texts: model().encode(texts, prompt="query: "),
    "cut": lambda texts: model(longest=64).encode(texts),
    "first": lambda texts: model(first=128).encode(texts),
    "layer": lambda texts: vectors(texts, layer=-2),
    "padding": lambda texts: vectors(texts, "unmasked_mean", batch=len(texts)),
    "attention": lambda texts: vectors(texts, batch=len(texts), masked=False),
}
"""How each is made, by the names that the stories have."""


def make() -> dict[str, np.ndarray]:
    """The vectors of every exhibit, by its name."""
    texts, made = exhibits()
    return {one.name: MADE[one.name](list(texts)).astype(np.float32) for one in made}


if __name__ == "__main__":
    np.savez_compressed(EXHIBITS, **make())
