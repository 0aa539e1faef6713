"""CLS pooling."""

from pooling.registry import strategy
from pooling.token_weights import first_token_weights, weighted_sum
from pooling.types import Pooled, TokenStates


@strategy(
    label="CLS",
    formula=r"e = h_1",
    worked=r"<value>",
    source="https://arxiv.org/abs/1810.04805",
    when="The model was trained with it (BGE, many retrieval encoders), or you fine-tune it yourself.",
    watch_out=(
        "In a model not tuned for sentences the first token was never asked to sum them up, and is "
        "poor. Under left padding it is not at index 0; in a decoder it has seen only itself."
    ),
    order=10,
    colour=0,
    torch=(
        "first = mask.argmax(dim=1)  # index 0, unless padding or an unpooled prompt stands there\n"
        "embeddings = hidden[torch.arange(len(hidden)), first]"
    ),
    sentence_transformers="cls",
)
def cls_pooling(states: TokenStates) -> Pooled:
    """The first token speaks for the whole text."""
    return weighted_sum(states, first_token_weights(states.mask))
