"""Mean pooling of a text's own tokens."""

from pooling.registry import strategy
from pooling.token_weights import equal_weights, weighted_sum
from pooling.types import Pooled, TokenStates


@strategy(
    label="Mean, own tokens",
    formula=(
        r"\begin{gathered} e = \frac{1}{|T|}\sum_{t \in T} h_t, \\ "
        r"T = \{t : t \text{ is not special}\} \end{gathered}"
    ),
    worked=r"\frac{1}{<n>}\big(<value sum>\big)",
    source="https://arxiv.org/abs/2010.05731",
    when="An encoder not tuned for sentences, or a layer before its last: [CLS] and [SEP] may say little of the text.",
    watch_out=(
        "A model tuned with the plain mean had its special tokens in it, so there is little to gain by leaving them "
        "out. A text of special tokens alone keeps them; a prompt's tokens count where they are pooled."
    ),
    order=25,
    colour=8,
    torch=(
        "own = mask * ~special\n"
        "own = torch.where(own.any(dim=1, keepdim=True), own, mask)  # a text of special tokens alone keeps them\n"
        "weights = own / own.sum(dim=1, keepdim=True)\n"
        "embeddings = (weights.unsqueeze(-1) * hidden).sum(dim=1)"
    ),
)
def own_tokens_pooling(states: TokenStates) -> Pooled:
    """Every token of the text counts the same; those that the tokenizer adds, such as [CLS], do not count."""
    own = states.mask & ~states.special
    return weighted_sum(states, equal_weights(own | states.mask & ~own.any(dim=1, keepdim=True)))
