"""One bit a dimension."""

import torch
from jaxtyping import Int8
from torch import Tensor

from pooling.after import Vectors, step

PLACES = 2 ** torch.arange(7, -1, -1)


def signs(codes: Int8[Tensor, "text byte"]) -> Vectors:
    """Each bit as 1 or −1."""
    bits = (codes.int() + 128)[:, :, None] // PLACES % 2
    return bits.flatten(1).float() * 2 - 1


@step(
    label="binary",
    formula=r"e'_d = [\,e_d > 0\,], \quad \text{eight bits a byte, less 128}",
    source="https://sbert.net/examples/sentence_transformer/applications/embedding-quantization/README.html",
    watch_out=(
        "A thirty-second of the size; compared by the number of bits that differ. Where all texts have the same sign "
        "in a dimension it says nothing: centring first may help. A last byte that is not full is filled with zeros."
    ),
    undo="No: of each number the sign alone is left.",
    order=90,
    stores=True,
    read=signs,
    torch=(
        "bits = torch.nn.functional.pad((embeddings > 0).int(), (0, -embeddings.shape[1] % 8))\n"
        "places = 2 ** torch.arange(7, -1, -1)\n"
        "embeddings = ((bits.unflatten(1, (-1, 8)) * places).sum(dim=2) - 128).to(torch.int8)"
    ),
    sentence_transformers=(
        "from sentence_transformers.util.quantization import quantize_embeddings\n\n"
        'embeddings = quantize_embeddings(embeddings, "binary")'
    ),
)
def binary(vectors: Vectors) -> Int8[Tensor, "text byte"]:
    """Of every number only the sign is kept, eight of them a byte."""
    bits = torch.nn.functional.pad((vectors > 0).int(), (0, -vectors.shape[1] % 8))
    return ((bits.unflatten(1, (-1, 8)) * PLACES.to(vectors.device)).sum(dim=2) - 128).to(torch.int8)
