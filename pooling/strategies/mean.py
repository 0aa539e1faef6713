"""Mean pooling."""

from pooling.registry import strategy
from pooling.token_weights import equal_weights, weighted_sum
from pooling.types import Pooled, TokenStates


@strategy(
    label="Mean",
    formula=r"e = \frac{1}{n}\sum_{t=1}^{n} h_t",
    worked=r"\frac{1}{<n>}\big(<value sum>\big)",
    source="https://arxiv.org/abs/1908.10084",
    when="The safe first choice for an encoder, and what most sentence encoders were trained with.",
    watch_out=(
        "Padding must stay out of the sum and out of n; special tokens are counted, as in training. "
        "In a long text the one word that matters is diluted."
    ),
    order=20,
    colour=1,
    torch=("weights = mask / mask.sum(dim=1, keepdim=True)\nembeddings = (weights.unsqueeze(-1) * hidden).sum(dim=1)"),
    sentence_transformers="mean",
)
def mean_pooling(states: TokenStates) -> Pooled:
    """Every token counts the same."""
    return weighted_sum(states, equal_weights(states.mask))
