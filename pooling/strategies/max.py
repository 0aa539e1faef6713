"""Max pooling."""

from pooling.registry import strategy
from pooling.token_weights import weighted_sum, winner_weights
from pooling.types import Pooled, TokenStates


@strategy(
    label="Max",
    formula=r"e_d = \max_{t}\; h_{t,d}",
    worked=r"\max\big(<values>\big)",
    source="https://arxiv.org/abs/1705.02364",
    when="One strong feature anywhere in the text should show, as in keyword-like matching.",
    watch_out=(
        "One odd token can win many dimensions and change the embedding. Padding filled with zeros "
        "wins wherever every real value is negative."
    ),
    order=30,
    colour=2,
    kind="winners",
    torch="embeddings = hidden.masked_fill(mask.unsqueeze(-1) == 0, -torch.inf).amax(dim=1)",
    sentence_transformers="max",
)
def max_pooling(states: TokenStates) -> Pooled:
    """In each dimension the largest value wins; its token takes that dimension alone."""
    return weighted_sum(states, winner_weights(states.hidden, states.mask))
