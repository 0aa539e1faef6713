"""Smooth max pooling."""

import torch

from pooling.registry import Param, strategy
from pooling.token_weights import weighted_sum
from pooling.types import Pooled, TokenStates, on_padding


@strategy(
    label="Smooth max",
    formula=(
        r"\begin{gathered} e_d = \sum_{t=1}^{n} w_{t,d}\, h_{t,d}, \\ "
        r"w_{t,d} = \mathrm{softmax}_t\!\left(\frac{h_{t,d}}{\tau}\right) \end{gathered}"
    ),
    source="https://arxiv.org/abs/1804.10070",
    when="You want large values to count more, but no single token to take a dimension alone.",
    watch_out=(
        "Mean and max are the two ends of τ, and neither end need be the best. Which τ is depends on how large the "
        "hidden states are: choose it for the model and layer, on data like yours."
    ),
    order=35,
    colour=9,
    kind="dimensions",
    torch=(
        "scores = (hidden / temperature).masked_fill(mask.unsqueeze(-1) == 0, -torch.inf)\n"
        "embeddings = (scores.softmax(dim=1) * hidden).sum(dim=1)"
    ),
    params=(
        Param(
            name="temperature",
            label="Temperature τ",
            default=1.0,
            minimum=0.02,
            maximum=50.0,
            help="The values are divided by it before the softmax: near 0 the largest takes all, as under max; the "
            "larger it is, the more alike all tokens count, as under mean.",
            symbol="τ",
            ends=("max", "mean"),
        ),
    ),
)
def smooth_max_pooling(states: TokenStates, *, temperature: float = 1.0) -> Pooled:
    """In each dimension a softmax over the tokens' own values, divided by τ, says how much each token counts."""
    scores = on_padding(states.hidden.float() / temperature, states.mask, -torch.inf)
    return weighted_sum(states, scores.softmax(dim=1))
