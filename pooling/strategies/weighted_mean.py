"""Position-weighted mean pooling (SGPT)."""

from pooling.registry import strategy
from pooling.token_weights import position_weights, weighted_sum
from pooling.types import Pooled, TokenStates


@strategy(
    label="Weighted mean",
    formula=r"e = \sum_{t=1}^{n} \frac{t}{1+2+\dots+n}\; h_t",
    source="https://arxiv.org/abs/2202.08904",
    when="A causal decoder not tuned for embeddings: later tokens have seen more of the text.",
    watch_out=(
        "Positions must be counted over real tokens only, or the embedding depends on the padding. "
        "In an encoder there is no reason to favour the end of a text."
    ),
    order=50,
    colour=4,
    torch=(
        "weights = mask.cumsum(dim=1) * mask  # 1, 2, 3, ... over pooled tokens, 0 elsewhere\n"
        "weights = weights / weights.sum(dim=1, keepdim=True)\n"
        "embeddings = (weights.unsqueeze(-1) * hidden).sum(dim=1)"
    ),
    sentence_transformers="weightedmean",
)
def weighted_mean_pooling(states: TokenStates) -> Pooled:
    """Later tokens count more: the t-th token has weight t."""
    return weighted_sum(states, position_weights(states.mask))
