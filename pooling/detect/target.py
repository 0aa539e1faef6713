"""The vectors that are to be explained: what their numbers can tell, and how far an embedding misses them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from pooling.after import Step, get_step
from pooling.encoders.tokens import listed

Kind = Literal["numbers", "codes", "bits"]
ROUNDING = 1e-4
"""How far, of a vector's length, two programs that compute the same in float32 may be apart."""
NUMBER_TYPES = {"bfloat16": 5e-3, "float16": 6e-4}
"""Number types to which vectors may have been rounded, and how far from the unrounded that may lead."""
CODES_APART = {True: 0.03, False: 0.15}
"""The same for codes, of a dimension's spread over the texts: where their ranges are these texts', and where not."""


@dataclass(frozen=True, eq=False)
class Target:
    """Vectors from elsewhere, [text, dim], as what they are."""

    vectors: Tensor
    """In float32; of bits 1 or −1, of codes as they are."""
    kind: Kind
    number_type: str | None
    """The step that rounded them, where their numbers show one."""
    tolerance: float
    """How far, of its length, an embedding may miss one and still be it."""
    own_ranges: bool = False
    """Whether the ranges of codes are those of these texts."""

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def dim(self) -> int:
        """Their dimensions; of bits, one each."""
        return self.vectors.shape[1]

    def misses(self, made: Tensor, texts: Sequence[int]) -> Tensor:
        """How far embeddings [..., text, dim] miss the direction of their vectors, between 0 and 2.

        Of codes, whose ranges are a corpus's, what is compared is where each text lies among the others.
        """
        want = self.vectors[list(texts)]
        if made.shape[-1] < self.dim:
            return torch.full(made.shape[:-1], 2.0)
        made = made[..., : self.dim].float()
        if self.kind == "bits":
            undecided = made.abs() < 1e-4 * made.abs().mean(dim=-1, keepdim=True)
            made = torch.where(undecided, want, made.sign())
        if self.kind == "codes":
            if self.own_ranges and len(want) == len(self):
                low, high = made.amin(dim=-2, keepdim=True), made.amax(dim=-2, keepdim=True)
                made = ((made - low) / torch.where(high == low, 1.0, (high - low) / 255)).floor()
            made, want = _among(made), _among(want)
        return (normalize(made, dim=-1) - normalize(want, dim=-1)).norm(dim=-1).nan_to_num(2.0)

    def rounded(self, made: Tensor) -> Tensor:
        """Embeddings in the vectors' own number type."""
        step: Step | None = get_step(self.number_type) if self.number_type in NUMBER_TYPES else None
        return made if step is None else step(made).float()


def _among(vectors: Tensor) -> Tensor:
    """Each dimension less its mean over the texts, over its spread."""
    centred = vectors.float() - vectors.float().mean(dim=-2, keepdim=True)
    spread = centred.square().mean(dim=-2, keepdim=True).sqrt()
    return centred / torch.where(spread == 0, 1.0, spread)


def read_targets(vectors: np.ndarray, texts: int, dims: Sequence[int]) -> list[Target]:
    """What vectors from elsewhere can be, the likelier first, once they are found to be vectors of these texts.

    Args:
        vectors: as they came.
        texts: how many texts there are.
        dims: dimensions that the model's embeddings may have.

    Raises:
        ValueError: when they are not one row of finite numbers a text, or not of this model; one sentence.
    """
    if vectors.ndim != 2:
        raise ValueError("The vectors must be one row of numbers a text.")
    if len(vectors) != texts:
        raise ValueError(f"There are {texts} texts and {len(vectors)} vectors; give one vector a text.")
    broken = [i + 1 for i, row in enumerate(vectors) if not np.isfinite(row).all()]
    if broken:
        raise ValueError(
            f"{_of(broken, 'vector', 'vectors')} {'holds' if len(broken) == 1 else 'hold'} NaN or infinity: "
            "an overflow in float16, or a text that came out empty."
        )
    blank = [i + 1 for i, row in enumerate(vectors) if not row.any()]
    if blank and not (np.isin(vectors, (0, 1)).all() and len(np.unique(vectors)) > 1):
        raise ValueError(f"{_of(blank, 'vector', 'vectors')} {'is' if len(blank) == 1 else 'are'} zero throughout.")
    whole = np.equal(vectors, np.round(vectors)).all()
    values, dim = np.unique(vectors), vectors.shape[1]
    if whole and dim in dims and len(values) <= 2 and set(values) <= {-1, 0, 1}:
        return [Target(torch.from_numpy(np.where(vectors > 0, 1.0, -1.0)).float(), "bits", "binary", 1e-6)]
    packed: list[Target] = []
    if whole and 8 * dim < max(dims) + 8 and abs(values).max() <= 255:
        signed = vectors - 128 * (vectors.min() >= 0)
        bits = get_step("binary").values(torch.from_numpy(signed).to(torch.int8))
        packed = [Target(bits[:, : max(dims)], "bits", "binary", 1e-6)]
        if 8 * dim in [d + -d % 8 for d in dims]:
            return packed
    if dim > max(dims):
        known = " or ".join(map(str, sorted(set(dims))))
        raise ValueError(
            f"The vectors have {dim} dimensions, and this model's embeddings have {known}: they are of another model."
        )
    if whole and abs(values).max() <= 255:
        each = abs(vectors).max(axis=1)
        if (each == 127).all():  # every vector by its own largest number
            step = np.sqrt(dim / 12) / np.linalg.norm(vectors, axis=1).min()
            return [*packed, Target(torch.from_numpy(vectors).float(), "numbers", "int8", float(2 * step))]
        own = bool((vectors.max(axis=0) - vectors.min(axis=0) >= 254).mean() > 0.95)
        return [*packed, Target(torch.from_numpy(vectors).float(), "codes", "int8", CODES_APART[own], own)]
    tensor = torch.from_numpy(vectors.astype(np.float64))
    number_type = next((n for n in NUMBER_TYPES if bool((get_step(n)(tensor.float()).double() == tensor).all())), None)
    tolerance = NUMBER_TYPES.get(number_type or "", ROUNDING)
    if number_type is None and (digits := _decimals(vectors)) is not None:
        tolerance += float(10.0**-digits * np.sqrt(dim) / np.linalg.norm(vectors, axis=1).min())
    return [Target(tensor.float(), "numbers", number_type, tolerance)]


def _decimals(vectors: np.ndarray) -> int | None:
    """How many decimals all numbers have, where these are few."""
    return next(
        (n for n in range(1, 8) if np.abs(vectors - vectors.round(n)).max() < 6e-8 * np.abs(vectors).max()), None
    )


def _of(numbers: Sequence[int], one: str, several: str) -> str:
    named = listed([str(number) for number in numbers])
    return re.sub(r"^.", lambda first: first[0].upper(), f"{one if len(numbers) == 1 else several} {named}")
