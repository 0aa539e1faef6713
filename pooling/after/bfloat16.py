"""Brain floating point."""

from jaxtyping import BFloat16
from torch import Tensor

from pooling.after import Vectors, step


@step(
    label="bfloat16",
    formula=r"e'_d = \mathrm{round}_{8\,\mathrm{bit}}(e_d)",
    source="https://arxiv.org/abs/1905.12322",
    watch_out="Half the size and the range of float32, but hardly more than two digits. NumPy has no such type.",
    undo="No: what is lost is up to a 256th of each number.",
    order=70,
    stores=True,
    torch="embeddings = embeddings.bfloat16()",
)
def bfloat16(vectors: Vectors) -> BFloat16[Tensor, "text _"]:
    """Every number is rounded to 16 bits, eight of them for its digits."""
    return vectors.bfloat16()
