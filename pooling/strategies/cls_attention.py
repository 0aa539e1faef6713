"""Pooling by the attention that the first token pays."""

from pooling.registry import strategy
from pooling.token_weights import share_weights, weighted_sum
from pooling.types import NotComputable, Pooled, TokenStates


@strategy(
    label="CLS attention",
    formula=(
        r"\begin{gathered} e = \sum_{t=1}^{n} a_t\, h_t, \\ "
        r"a_t = \frac{1}{H}\sum_{k=1}^{H} \mathrm{attention}_k(1 \rightarrow t) \end{gathered}"
    ),
    source="https://arxiv.org/abs/1706.03762",
    when="You want the model's own attention as weights and have no labelled pairs to train a head.",
    watch_out=(
        "Attention goes where the next layer needs it, often to [CLS] and [SEP], not to the words "
        "that matter. Layer 0 has none, and in a decoder the first token sees only itself."
    ),
    order=70,
    colour=6,
    torch=(
        "weights = attention * mask\n"
        "weights = weights / weights.sum(dim=1, keepdim=True)\n"
        "embeddings = (weights.unsqueeze(-1) * hidden).sum(dim=1)"
    ),
    needs="attention",
)
def cls_attention_pooling(states: TokenStates) -> Pooled:
    """Each token counts by the attention that the first token pays to it at this layer."""
    if states.attention is None:
        raise NotComputable(
            "CLS attention needs the attention of one transformer layer: layer 0 and an average of layers have none, "
            "and of very long texts it is not kept; choose a single layer from 1 up, shorter texts, or mean pooling."
        )
    return weighted_sum(states, share_weights(states.attention.mean(dim=1), states.mask))
