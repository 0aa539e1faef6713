"""One byte a dimension."""

from collections.abc import Mapping

import torch
from jaxtyping import Int8
from torch import Tensor

from pooling.after import Vectors, step

Bytes = Int8[Tensor, "text dim"]


def range_of(vectors: Vectors) -> dict[str, Tensor]:
    """The smallest and the largest value of each dimension in a corpus."""
    return {"low": vectors.float().amin(dim=0), "high": vectors.float().amax(dim=0)}


def _width(low: Tensor, high: Tensor) -> Tensor:
    """How much of a dimension one code stands for; 1 where it never changes."""
    width = (high - low) / 255
    return torch.where(width == 0, 1.0, width)


def middles(codes: Bytes, *, fitted: Mapping[str, Tensor]) -> Vectors:
    """The middle of what each code stands for."""
    return fitted["low"] + (codes.float() + 128.5) * _width(fitted["low"], fitted["high"])


@step(
    label="int8",
    formula=(
        r"e'_d = \left\lfloor 255\,\frac{e_d - \min_d}{\max_d - \min_d} \right\rfloor - 128, "
        r"\quad \text{between} -128 \text{ and } 127"
    ),
    source="https://sbert.net/examples/sentence_transformer/applications/embedding-quantization/README.html",
    watch_out=(
        "A quarter of the size. The ranges are the corpus's: save them, and give queries the same. What lies outside "
        "is cut off."
    ),
    undo="No, but what is lost is a 255th of each dimension's range at most.",
    order=80,
    stores=True,
    fits="corpus",
    measure=range_of,
    read=middles,
    torch=(
        'width = (fitted["high"] - fitted["low"]) / 255\n'
        "width = torch.where(width == 0, 1.0, width)\n"
        'embeddings = ((embeddings - fitted["low"]) / width).floor().clamp(0, 255) - 128\n'
        "embeddings = embeddings.to(torch.int8)"
    ),
    sentence_transformers=(
        "import numpy\n"
        "from sentence_transformers.util.quantization import quantize_embeddings\n\n"
        'ranges = numpy.stack([fitted["low"].numpy(), fitted["high"].numpy()])\n'
        'embeddings = quantize_embeddings(embeddings, "int8", ranges=ranges)'
    ),
)
def int8(vectors: Vectors, *, fitted: Mapping[str, Tensor]) -> Bytes:
    """Each dimension's range over a corpus is cut into 256 equal parts, and the part's number is kept."""
    low, high = fitted["low"].to(vectors.device), fitted["high"].to(vectors.device)
    return (((vectors - low) / _width(low, high)).floor().clamp(0, 255) - 128).to(torch.int8)
