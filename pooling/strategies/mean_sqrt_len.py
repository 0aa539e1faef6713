"""Mean pooling scaled by the square root of the length."""

from pooling.registry import strategy
from pooling.token_weights import sqrt_length_weights, weighted_sum
from pooling.types import Pooled, TokenStates


@strategy(
    label="Mean √length",
    formula=r"e = \frac{1}{\sqrt{n}}\sum_{t=1}^{n} h_t",
    worked=r"\frac{1}{\sqrt{<n>}}\big(<value sum>\big)",
    source="https://arxiv.org/abs/1803.11175",
    when="A longer text should have a longer vector, under dot product or Euclidean distance.",
    watch_out=(
        "It points the same way as the mean, so cosine similarity cannot tell the two apart: only "
        "dot product and distance can."
    ),
    order=60,
    colour=5,
    torch=(
        "weights = mask / mask.sum(dim=1, keepdim=True).sqrt()\n"
        "embeddings = (weights.unsqueeze(-1) * hidden).sum(dim=1)"
    ),
    sentence_transformers="mean_sqrt_len_tokens",
)
def mean_sqrt_len_pooling(states: TokenStates) -> Pooled:
    """The sum of all tokens, divided by the square root of their number."""
    return weighted_sum(states, sqrt_length_weights(states.mask))
