"""The tables of the Padding Lab."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from pooling.bugs import BUGS, Bug, cosine_to_truth, wrong_and_right
from pooling.datasets import Pair
from pooling.encoders import Encoder, Layer, Side
from pooling.evaluation import distinct_texts, pair_cosines, spearman
from pooling.registry import Strategy, all_strategies
from pooling.similarity import pool_all
from pooling.tables import number
from pooling.types import Pooled, TokenStates

NO_HARM = 0.9995
"""A cosine to the truth that is written as 1."""
AMOUNTS = (0, 1, 2, 4, 8, 16, 32, 64)


def padded_states(
    text: str, encoder: Encoder, *, layer: Layer, padding: int, side: Side, attend_padding: bool, pool_padding: bool
) -> TokenStates:
    """One text with that much padding, or what the model has positions for, and the two masks on or off.

    Args:
        attend_padding: the attention mask is left out: tokens look at padding.
        pool_padding: the pooling mask is left out: padding is pooled like a token.
    """
    states = encoder.encode(
        [text],
        layer=layer,
        attention=isinstance(layer, int) and layer > 0,
        padding_side=side,
        pad_to=int(min(encoder.length(text) + padding, _positions(encoder))),
        attend_padding=attend_padding,
    )
    if not pool_padding:
        return states
    return replace(states, mask=torch.ones_like(states.mask), special=states.special | ~states.mask)


def _positions(encoder: Encoder) -> int | float:
    """How many tokens, padding included, the model has positions for."""
    positions = getattr(encoder.model.config.get_text_config(), "max_position_embeddings", None) or math.inf
    for name, module in encoder.model.named_modules():
        first = getattr(module, "padding_idx", None)
        if name.endswith("position_embeddings") and first is not None:
            return positions - first - 1  # a RoBERTa's positions start behind the padding's
    return positions


NEAR = 0.01
"""Cosines that a picture cannot tell apart."""


def padding_curve(
    text: str,
    encoder: Encoder,
    *,
    layer: Layer,
    side: Side,
    attend_padding: bool,
    pool_padding: bool,
    also: int,
    strategies: Sequence[Strategy] | None = None,
) -> pd.DataFrame:
    """Cosine of each strategy's embedding to the unpadded truth: columns padding, name, label, cosine.

    Args:
        also: an amount of padding beside `AMOUNTS`; all of them end where the model's positions do.
        strategies: by default all.
    """
    rows = []
    truth: dict[str, Pooled] = {}
    room = int(min(max(*AMOUNTS, also), _positions(encoder) - encoder.length(text)))
    for padding in sorted({min(amount, room) for amount in (*AMOUNTS, also)}):
        states = padded_states(
            text, encoder, layer=layer, padding=padding, side=side,
            attend_padding=attend_padding, pool_padding=pool_padding,
        )  # fmt: skip
        made, _ = pool_all(states, strategies, model=encoder.name, layer=layer)
        truth = truth or made
        for strategy in strategies or all_strategies():
            if strategy.name in made:
                pair = made[strategy.name].embedding, truth[strategy.name].embedding
                cosine = torch.cosine_similarity(*pair).item()
                rows.append((padding, strategy.name, strategy.title, cosine))
    return pd.DataFrame(rows, columns=["padding", "name", "label", "cosine"])


def museum_table(texts: Sequence[str], encoder: Encoder, *, layer: Layer, index: int) -> pd.DataFrame:
    """The damage each bug does to one text of a batch: columns name, title, cosine to the truth, why none."""
    states = {side: encoder.encode(texts, layer=layer, padding_side=side) for side in ("left", "right")}
    rows = [
        (bug.name, bug.title, cosine_to_truth(bug, given, index), why_harmless(bug, given, index))
        for bug in BUGS
        for given in [states[bug.side]]
    ]
    return pd.DataFrame(rows, columns=["name", "title", "cosine", "harmless"])


def curves_together(curves: pd.DataFrame) -> list[list[str]]:
    """The strategies of `padding_curve`, those whose curves lie on each other in one list."""
    groups: list[list[str]] = []
    values = {name: rows["cosine"].to_numpy() for name, rows in curves.groupby("name", sort=False)}
    for name, one in values.items():
        for group in groups:
            if np.allclose(one, values[group[0]], rtol=0, atol=NEAR, equal_nan=True):
                group.append(name)
                break
        else:
            groups.append([name])
    return groups


def cost_table(pairs: Sequence[Pair], encoder: Encoder, *, layer: Layer) -> pd.DataFrame:
    """Spearman x 100 of scored pairs under each bug, in batches of 32, beside the truth.

    Columns: name, title, strategy, right, wrong (nan where a bug leaves nothing to rank).
    """
    texts = distinct_texts(pairs)
    made = wrong_and_right(texts, encoder, layer=layer)
    rows = []
    for bug in BUGS:
        scores = []
        for vectors in reversed(made[bug.name]):
            cosines = pair_cosines(pairs, texts, vectors).nan_to_num(0.0)
            score = spearman(cosines, pairs)
            scores.append(float("nan") if score is None else 100 * score)
        rows.append((bug.name, bug.title, bug.strategy, *scores))
    return pd.DataFrame(rows, columns=["name", "title", "strategy", "right", "wrong"])


def why_harmless(bug: Bug, states: TokenStates, index: int = 0) -> str:
    """Why a bug leaves the direction of a text's embedding as it is, where it does and the reason is known."""
    if not cosine_to_truth(bug, states, index) > NO_HARM:
        return ""
    mask = states.mask[index]
    if bug.name == "pooled_twice":
        return "This sentence is alone, and the mean over a batch of one is that one." if len(states.mask) == 1 else ""
    if bug.name == "normalised_before":
        lengths = states.hidden[index, mask].norm(dim=1)
        low, high = lengths.min().item(), lengths.max().item()
        among = f"The lengths of its token vectors lie between {number(low)} and {number(high)}"
        return f"{among}: so nearly equal, they count alike anyhow." if high < 1.5 * low else ""
    if bug.name == "float16_sum":
        return ""  # it always does something: it rounds
    if mask.all():
        others = "Choose a shorter one" if not states.mask.all() else "Write sentences of different lengths"
        return f"No sentence of the batch is longer than this one, so it has no padding. {others} to see the damage."
    if bug.name == "max_over_zeros":
        below = int((bug.right(states)[index] < 0).sum())
        return f"Zero wins only where every token is below it: in {below} of {states.hidden.shape[2]} dimensions."
    return ""
