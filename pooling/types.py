"""The two things pooling is about: the token states that go in, the embedding that comes out.

One glossary of axes for the whole project:

    batch    the texts of one call, in the caller's order
    length   token positions of the batch, padding included
    dim      dimensions of one hidden state, and so of the embedding
    head     attention heads of the encoder
    key      the token that attention is paid to
    text     the texts of a corpus
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from jaxtyping import Bool, Float
from torch import Tensor

Hidden = Float[Tensor, "batch length dim"]
Mask = Bool[Tensor, "batch length"]
Embedding = Float[Tensor, "batch dim"]
Weights = Float[Tensor, "batch length #dim"]  # one weight a token, or one a token and dimension
Kind = Literal["tokens", "dimensions", "winners"]
"""What weights are: one a token; one a token and dimension; in each dimension 1 for one token and 0 for the others."""


class NotComputable(Exception):
    """Why a strategy makes nothing of these token states, in a sentence that says what to do."""


def on_padding(
    values: Float[Tensor, "batch length any"], mask: Mask, value: float
) -> Float[Tensor, "batch length any"]:
    """Values in float32, another one on padding; the argument itself where nothing is to be changed."""
    values = values.float()
    if mask.all():
        return values
    # A broadcast masked_fill reads every cell's mask; this touches the padding alone.
    values = values.clone()
    values[~mask] = value
    return values


@dataclass(frozen=True, eq=False)
class TokenStates:
    """What one layer of an encoder says about every token of a batch.

    Raises:
        ValueError: when shapes disagree, or a text has no real token. Checked once, here, so
            that no strategy has to guard a division by zero.
    """

    hidden: Hidden
    """Hidden states of one layer; a strategy accumulates them in float32 whatever their type."""
    mask: Mask
    """True: a real token to be pooled, special tokens included. Padding may stand on either side."""
    special: Mask
    """True: added by the tokenizer ([CLS], [SEP], </s>), not part of the text."""
    tokens: tuple[tuple[str, ...], ...]
    """The token strings, padding included, one tuple a text."""
    attention: Float[Tensor, "batch head key"] | None = None
    """What the first real token pays to every token at this layer, per head, when asked for."""
    ids: tuple[tuple[int, ...], ...] = ()
    """The tokens' numbers in the vocabulary; empty when not kept."""
    lost: tuple[int, ...] = ()
    """Tokens cut off at the model's limit, one number a text; empty when not counted."""
    prompt: Mask | None = None
    """True: a token of the prompt template. It was attended to; it is pooled only where `mask` says so."""

    def __post_init__(self) -> None:
        if self.hidden.ndim != 3:
            raise ValueError(f"hidden must be [batch, length, dim], got {list(self.hidden.shape)}.")
        batch, length, _ = self.hidden.shape
        for name in ("mask", "special", *(["prompt"] if self.prompt is not None else [])):
            shape = list(getattr(self, name).shape)
            if shape != [batch, length]:
                raise ValueError(f"{name} must be [{batch}, {length}] like hidden, got {shape}.")
        if [len(row) for row in self.tokens] != [length] * batch:
            rows = [len(row) for row in self.tokens]
            raise ValueError(f"tokens must be {batch} rows of {length}, got rows of {rows}.")
        if self.attention is not None and (self.attention.ndim != 3 or self.attention.shape[::2] != (batch, length)):
            shape = list(self.attention.shape)
            raise ValueError(f"attention must be [{batch}, head, {length}], got {shape}.")
        if self.lost and len(self.lost) != batch:
            raise ValueError(f"lost must have {batch} numbers, got {len(self.lost)}.")
        empty = (~self.mask.any(dim=1)).nonzero().flatten().tolist()
        if empty:
            raise ValueError(f"Text {empty[0] + 1} of {batch} has no real token; leave it out before pooling.")

    def __len__(self) -> int:
        return len(self.hidden)

    @cached_property
    def hidden_or_zero(self) -> Float[Tensor, "batch length dim"]:
        """Hidden states in float32, zero on padding; made once for all strategies."""
        return on_padding(self.hidden, self.mask, 0.0)

    def one(self, index: int) -> "TokenStates":
        """The states of one text, without its padding but with its prompt: a batch of one."""
        real = self.mask[index] if self.prompt is None else self.mask[index] | self.prompt[index]
        positions = real.nonzero().flatten().tolist()
        return TokenStates(
            hidden=self.hidden[index : index + 1, real],
            mask=self.mask[index : index + 1, real],
            special=self.special[index : index + 1, real],
            tokens=(tuple(self.tokens[index][p] for p in positions),),
            attention=None if self.attention is None else self.attention[index : index + 1, :, real],
            ids=tuple(tuple(row[p] for p in positions) for row in self.ids[index : index + 1]),
            lost=self.lost[index : index + 1],
            prompt=None if self.prompt is None else self.prompt[index : index + 1, real],
        )


@dataclass(frozen=True, eq=False)
class Pooled:
    """One embedding a text, and the weights that made it: (weights * hidden).sum(length)."""

    embedding: Embedding
    """Not normalised: pooling does not normalise for you."""
    weights: Weights
    """Zero on padding."""
    kind: Kind = "tokens"
    """What the weights are, as their strategy declares it."""

    @property
    def token_share(self) -> Float[Tensor, "batch length"]:
        """One number a token: its weight, the mean over dimensions; of winners, the share of dimensions won."""
        return self.weights.mean(dim=2)
