"""Weights that a reader gives the tokens of one text, as a strategy that is on no list."""

from collections.abc import Sequence

import torch

from pooling.registry import Strategy
from pooling.token_weights import weighted_sum
from pooling.types import Pooled, TokenStates

OWN_WEIGHTS = "own_weights"
"""The name of the reader's own weights as a strategy."""


def own_weights(weights: Sequence[float]) -> Strategy:
    """A strategy for one text alone: these weights, one a token, prompt and special tokens included."""

    def pool(states: TokenStates) -> Pooled:
        given = torch.tensor(weights)[None, :, None]
        if states.mask.shape != given.shape[:2]:
            raise ValueError(
                f"These {len(weights)} weights are for one text of as many tokens, and not for "
                f"{len(states.tokens)} of {states.mask.shape[1]}."
            )
        return weighted_sum(states, given)

    return Strategy(
        name=OWN_WEIGHTS,
        label="Own weights",
        summary="Each token counts as much as you say.",
        formula=r"e = \sum_{t=1}^{n} w_t\, h_t",
        worked="<weight·value sum>",
        source="",
        when="You want to see what a token does to the embedding of one text.",
        watch_out="They are made for one text and say nothing about another.",
        order=0,
        colour=None,
        kind="tokens",
        needs=None,
        params=(),
        settings=(),
        sentence_transformers=None,
        torch=f"weights = torch.tensor({list(weights)})  # your own, one a token\nembeddings = weights @ hidden",
        pool=pool,
    )
