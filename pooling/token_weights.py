"""Every line that touches a mask, and the one contraction that makes an embedding.

A strategy says how much each token counts; `weighted_sum` turns that into the embedding. No
weight function needs an epsilon: `TokenStates` has refused texts without a real token.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pooling.types import Hidden, Mask, Pooled, TokenStates, Weights, on_padding


def weighted_sum(states: TokenStates, weights: Weights) -> Pooled:
    """Contract hidden states [batch, length, dim] with weights into embeddings [batch, dim].

    The sum runs in float32, so a float16 mean of long texts cannot overflow.
    """
    # 0 * nan would still be nan: what stands on padding must not reach the sum.
    hidden = states.hidden_or_zero
    weights = on_padding(weights, states.mask, 0.0)
    if weights.shape[2] == 1:
        embedding = torch.bmm(weights.transpose(1, 2), hidden)[:, 0]
    else:
        embedding = (weights * hidden).sum(dim=1)
    return Pooled(embedding, weights)


def equal_weights(mask: Mask) -> Weights:
    """1/n for each of a text's n real tokens."""
    real = mask[:, :, None].float()
    return real / real.sum(dim=1, keepdim=True)


def sqrt_length_weights(mask: Mask) -> Weights:
    """1/sqrt(n) for each of a text's n real tokens."""
    real = mask[:, :, None].float()
    return real / real.sum(dim=1, keepdim=True).sqrt()


def position_weights(mask: Mask) -> Weights:
    """t / (1 + 2 + ... + n) for the t-th real token, whichever side the padding is on."""
    position = (mask.cumsum(dim=1) * mask)[:, :, None].float()
    return position / position.sum(dim=1, keepdim=True)


def first_token_weights(mask: Mask) -> Weights:
    """1 for the first real token: index 0 only when no padding stands on the left."""
    return _one_hot(first_real_token(mask), mask)


def last_token_weights(mask: Mask) -> Weights:
    """1 for the last real token: `mask.sum() - 1` only when no padding stands on the left."""
    return _one_hot(mask.shape[1] - 1 - first_real_token(mask.flip(1)), mask)


def winner_weights(hidden: Hidden, mask: Mask) -> Weights:
    """1 for the token that holds the largest value of a dimension (the first, in a tie)."""
    # Padding must lose even where every real value is negative, so it gets -inf and not 0.
    real = on_padding(hidden, mask, -torch.inf)
    winner = real.max(dim=1, keepdim=True).indices  # argmax takes three times as long on a CPU
    return torch.zeros_like(real).scatter_(1, winner, 1.0)


def softmax_weights(scores: Float[Tensor, "batch length"], mask: Mask) -> Weights:
    """A softmax of one score a token, over a text's real tokens."""
    return scores.float().masked_fill(~mask, -torch.inf).softmax(dim=1)[:, :, None]


def share_weights(amounts: Float[Tensor, "batch length"], mask: Mask) -> Weights:
    """Amounts of zero or more, scaled so that a text's real tokens add up to 1."""
    real = amounts.float().masked_fill(~mask, 0.0)[:, :, None]
    return real / real.sum(dim=1, keepdim=True)


def first_real_token(mask: Mask) -> Int[Tensor, " batch"]:
    """The position of each text's first real token."""
    return mask.int().argmax(dim=1)


def _one_hot(position: Int[Tensor, " batch"], mask: Mask) -> Weights:
    return torch.nn.functional.one_hot(position, mask.shape[1])[:, :, None].float()
