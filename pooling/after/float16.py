"""Half precision."""

from jaxtyping import Float16
from torch import Tensor

from pooling.after import Vectors, step


@step(
    label="float16",
    formula=r"e'_d = \mathrm{round}_{11\,\mathrm{bit}}(e_d)",
    source="https://arxiv.org/abs/1710.03740",
    watch_out="Half the size, about three digits. A number above 65,504 becomes infinite: scale to length 1 before.",
    undo="No, but what is lost is a two-thousandth of each number at most.",
    order=60,
    stores=True,
    torch="embeddings = embeddings.half()",
)
def float16(vectors: Vectors) -> Float16[Tensor, "text _"]:
    """Every number is rounded to 16 bits, eleven of them for its digits."""
    return vectors.half()
