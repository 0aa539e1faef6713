"""Last-token pooling."""

from pooling.registry import strategy
from pooling.token_weights import last_token_weights, weighted_sum
from pooling.types import Pooled, TokenStates


@strategy(
    label="Last token",
    formula=r"e = h_n",
    worked=r"<value>",
    source="https://arxiv.org/abs/2401.00368",
    when="A causal decoder: its last token is the only one that has seen the whole text.",
    watch_out=(
        "It must be the last real token, whichever side the padding is on. In an encoder it is "
        "[SEP], which was never trained to sum up the text."
    ),
    order=40,
    colour=3,
    torch=(
        "last = mask.shape[1] - 1 - mask.flip(1).argmax(dim=1)  # the last 1 of each row\n"
        "embeddings = hidden[torch.arange(len(hidden)), last]"
    ),
    sentence_transformers="lasttoken",
)
def last_token_pooling(states: TokenStates) -> Pooled:
    """The last real token speaks for the whole text."""
    return weighted_sum(states, last_token_weights(states.mask))
