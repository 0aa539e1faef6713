"""The tables of the Attention page."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import torch

from pooling.attention_heads import AttentionHead, head_cards
from pooling.encoders import Layer, apply
from pooling.registry import Strategy, all_strategies
from pooling.tables import token_table
from pooling.training import Progress
from pooling.types import NotComputable, Pooled, TokenStates

LISTENERS = ("attention", "cls_attention", "mean")
"""The strategies whose weights the page puts side by side."""
DATA_SETS = {"test": "STS Benchmark, test set", "own": "This project's own pairs"}


def listen(
    states: TokenStates,
    head: AttentionHead | None,
    strategies: Sequence[Strategy] | None = None,
    *,
    model: str,
    layer: Layer,
) -> tuple[dict[str, Pooled], dict[str, str]]:
    """The states pooled by each of `LISTENERS` that can be, and why the others cannot.

    Args:
        head: a head of the reader's; without one, the project's for this model and layer.
        strategies: of which the listeners are taken, with their parameters; by default as they come.
    """
    found = {strategy.name: strategy for strategy in strategies or all_strategies()}
    pooled: dict[str, Pooled] = {}
    missing: dict[str, str] = {}
    for name in LISTENERS:
        own = {"head": head} if name == "attention" and head is not None else {}
        try:
            pooled[name] = apply(found[name], states, model=model, layer=layer, **own)
        except NotComputable as error:
            missing[name] = str(error)
    return pooled, missing


def token_tables(states: TokenStates, pooled: Pooled) -> list[pd.DataFrame]:
    """The token table of each text of a batch."""
    return [one_token_table(states, pooled, index) for index in range(len(states))]


def one_token_table(states: TokenStates, pooled: Pooled, index: int) -> pd.DataFrame:
    """The token table of one text of a batch, without its padding but with its prompt."""
    real = states.mask[index] if states.prompt is None else states.mask[index] | states.prompt[index]
    place = slice(index, index + 1)
    one = replace(pooled, embedding=pooled.embedding[place], weights=pooled.weights[place, real])
    return token_table(states.one(index), one)


def weights_table(states: TokenStates, pooled: dict[str, Pooled], index: int) -> pd.DataFrame:
    """One row a token of one text: position, token, special, pooled, and a column of weights a listener."""
    tables = {name: one_token_table(states, one, index) for name, one in pooled.items()}
    shared = next(iter(tables.values()))[["position", "token", "special", "pooled"]]
    return shared.assign(**{name: table["weight"] for name, table in tables.items()})


def cosine_to_mean(pooled: dict[str, Pooled], index: int) -> float | None:
    """The cosine of a text's embedding under the head to its embedding under mean; None without a head."""
    if "attention" not in pooled:
        return None
    one, two = (pooled[name].embedding[index] for name in ("attention", "mean"))
    return torch.cosine_similarity(one, two, dim=0).item()


def heads_table(model: str) -> pd.DataFrame:
    """The project's heads for a model, as scored by their cards; a row a layer and a data set.

    Columns: layer, data (its name in `DATA_SETS`), scored_on, mean, attention, gain: Spearman x 100.
    """
    rows = [
        {
            "layer": card["layer"],
            "data": data,
            "scored_on": card["scored_on"][data],
            **card["spearman"][data],
        }
        for card in sorted(head_cards(), key=lambda card: card["layer"])
        if card["model"] == model
        for data in DATA_SETS
    ]
    table = pd.DataFrame(rows, columns=["layer", "data", "scored_on", "mean", "attention"])
    return table.assign(gain=(table["attention"] - table["mean"]).round(2))


def curve_table(steps: Sequence[Progress]) -> pd.DataFrame:
    """One row an epoch: epoch, loss (none before the first), dev (Spearman x 100), best (so far)."""
    best = steps[-1].best_epoch
    return pd.DataFrame(
        {
            "epoch": [step.epoch for step in steps],
            "loss": pd.Series([step.loss for step in steps], dtype=float),
            "dev": pd.Series([None if step.dev is None else 100 * step.dev for step in steps], dtype=float),
            "best": [step.epoch == best for step in steps],
        }
    )
