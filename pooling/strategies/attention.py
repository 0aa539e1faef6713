"""Attention pooling with a trained head."""

from pooling.attention_heads import AttentionHead
from pooling.registry import Param, strategy
from pooling.token_weights import softmax_weights, weighted_sum
from pooling.types import NotComputable, Pooled, TokenStates


@strategy(
    label="Attention (trained)",
    formula=(
        r"\begin{gathered} e = \sum_{t=1}^{n} \alpha_t\, h_t, \\ "
        r"\alpha = \mathrm{softmax}_t\!\left(\frac{q \cdot z_t}{\tau}\right), \quad "
        r"z_t = \frac{h_t - \mu}{\sigma} \end{gathered}"
    ),
    source="https://arxiv.org/abs/1703.03130",
    when="You have scored pairs like your own data: a head tuned on them can beat the mean.",
    watch_out=(
        "A head is trained for one model and one layer, and is better only on data like its "
        "training data: on other texts it can lose to the mean."
    ),
    order=80,
    colour=7,
    torch=(
        'scores = ((hidden - head["mean"]) / head["std"]) @ head["query"] / temperature\n'
        "weights = scores.masked_fill(mask == 0, -torch.inf).softmax(dim=1)\n"
        "embeddings = (weights.unsqueeze(-1) * hidden).sum(dim=1)"
    ),
    needs="head",
    params=(
        Param(
            name="temperature",
            label="Temperature τ",
            default=1.0,
            minimum=0.05,
            maximum=20.0,
            help="The head's scores are divided by it: below 1 the weights sharpen towards one token, above 1 they "
            "flatten towards mean pooling.",
            symbol="τ",
            neutral=1.0,
            ends=("one token", "mean"),
        ),
    ),
)
def attention_pooling(states: TokenStates, *, head: AttentionHead | None = None, temperature: float = 1.0) -> Pooled:
    """A small trained head decides how much each token counts."""
    if head is None:
        raise NotComputable(
            "Attention pooling needs a head trained for this model and layer, and got none; "
            "train one, choose a layer that has one, or use mean pooling."
        )
    scores = head(states.hidden) / temperature
    return weighted_sum(states, softmax_weights(scores, states.mask))
