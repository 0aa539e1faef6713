"""The tables of the Playground."""

import math
from collections.abc import Sequence

import pandas as pd
import torch

from pooling.encoders import Layer
from pooling.registry import Strategy, all_strategies
from pooling.similarity import pool_all
from pooling.tables import number, token_table
from pooling.types import Embedding, Pooled, TokenStates

EMBEDDING = "embedding"
"""The name of the row that holds the pooled vector, under the tokens' rows."""


def chosen_dimensions(states: TokenStates, choice: str, start: int = 0) -> list[int]:
    """The dimensions to show of one text.

    Args:
        choice: "window" (32 from `start`), "varied" (the 32 with the largest variance over the
            text's tokens, in their own order) or "all".
    """
    dim = states.hidden.shape[2]
    if choice == "all":
        return list(range(dim))
    if choice == "varied":
        spread = states.hidden[0].var(dim=0, correction=0)
        return sorted(spread.topk(min(32, dim)).indices.tolist())
    start = max(0, min(start, dim - 32))
    return list(range(start, min(start + 32, dim)))


def collapse_table(states: TokenStates, pooled: Pooled, dimensions: Sequence[int]) -> pd.DataFrame:
    """The matrix of one text: a row a token and a last row `EMBEDDING`; a column a dimension."""
    values = torch.cat([states.hidden[0], pooled.embedding])[:, list(dimensions)]
    rows = [*map(str, range(1, states.hidden.shape[1] + 1)), EMBEDDING]
    return pd.DataFrame(values.numpy(), index=pd.Index(rows, name="position"), columns=list(dimensions))


def weighed_table(tokens: pd.DataFrame, matrix: pd.DataFrame) -> pd.DataFrame:
    """The rows of `token_table` beside those of `collapse_table`, whose last is the embedding."""
    named = tokens.convert_dtypes().reindex(range(len(matrix)))
    named.loc[len(tokens), "token"] = EMBEDDING
    return pd.concat(
        [named, matrix.set_axis([f"dimension {d}" for d in matrix], axis=1).reset_index(drop=True)], axis=1
    )


def winner_table(pooled: Pooled, dimensions: Sequence[int]) -> pd.DataFrame | None:
    """Who won each dimension: position (from 1) and dimension; None for weights without winners."""
    if pooled.kind != "winners":
        return None
    winners = pooled.weights[0, :, list(dimensions)].argmax(dim=0) + 1
    return pd.DataFrame({"dimension": list(dimensions), "position": winners.tolist()})


def strategy_table(
    states: TokenStates, strategies: Sequence[Strategy] | None = None, *, model: str, layer: Layer, own: str | None
) -> tuple[pd.DataFrame, dict[str, Embedding]]:
    """Every strategy on one text: its vector, and its cosine to the model's own pooling's.

    Columns: name, label, norm, cosine (to the vector under `own`, or under mean when the model
    has no pooling of its own), missing (why a strategy could not be computed, else None).
    """
    strategies = strategies or all_strategies()
    pooled, missing = pool_all(states, strategies, model=model, layer=layer)
    vectors = {name: one.embedding for name, one in pooled.items()}
    reference = vectors[own or "mean"]
    rows = [
        {
            "name": s.name,
            "label": s.title,
            "norm": vectors[s.name].norm().item() if s.name in vectors else math.nan,
            "cosine": torch.cosine_similarity(vectors[s.name], reference).item() if s.name in vectors else math.nan,
            "missing": missing.get(s.name),
        }
        for s in strategies
    ]
    return pd.DataFrame(rows), vectors


def vector_table(table: pd.DataFrame, vectors: dict[str, Embedding], dimensions: Sequence[int]) -> pd.DataFrame:
    """The vectors of `strategy_table`: a row a strategy (index: its label), a column a dimension."""
    shown = table[table["missing"].isna()]
    values = torch.cat([vectors[name] for name in shown["name"]])[:, list(dimensions)]
    return pd.DataFrame(values.numpy(), index=list(shown["label"]), columns=list(dimensions))


def one_dimension_table(states: TokenStates, pooled: Pooled, dimension: int) -> pd.DataFrame:
    """The sum behind one number of an embedding, over pooled tokens: position, token, weight, value, product."""
    weights = pooled.weights.expand_as(states.hidden)[0, :, dimension]
    values = states.hidden[0, :, dimension].float()
    tokens = token_table(states, pooled)
    return pd.DataFrame(
        {
            "position": tokens["position"],
            "token": tokens["token"],
            "weight": weights.tolist(),
            "value": values.tolist(),
            "product": (weights * values).tolist(),
        }
    )[tokens["pooled"]]


def worked_formula(strategy: Strategy, table: pd.DataFrame, dimension: int, result: float) -> str:
    """LaTeX of one dimension of an embedding, the strategy's formula with a text's own numbers.

    Long sums show their first and last terms; numbers have three significant digits.
    """

    def tex(value: float) -> str:
        return number(value).replace("−", "-")

    def lines(terms: list[str], joiner: str, a_line: int) -> str:
        if len(terms) > 16:
            terms = [*terms[:8], r"\cdots", *terms[-4:]]
        rows = [joiner.join(terms[i : i + a_line]) for i in range(0, len(terms), a_line)]
        text = (joiner + r"\\ &\quad ").join(rows)
        return text.replace("+ -", "- ").replace(r"+ \\ &\quad -", r"\\ &\quad {} - ")

    counted = table[table["weight"] != 0]
    values = [tex(v) for v in counted["value"]]
    products = [
        rf"{tex(w)}\cdot {tex(v)}" if v >= 0 else rf"-{tex(w)}\cdot {tex(-v)}"
        for w, v in zip(counted["weight"], counted["value"], strict=True)
    ]
    filled = (
        strategy.worked.replace("<n>", str(len(counted)))
        .replace("<values>", lines([f"{{{tex(v)}}}" for v in table["value"]], r",\; ", 3))
        .replace("<value sum>", lines(values, " + ", 3))
        .replace("<weight·value sum>", lines(products, " + ", 2))
        .replace("<value>", values[int(counted["weight"].to_numpy().argmax())])
    )
    tail = "" if strategy.worked == "<value>" else rf" \\ &= {tex(result)}"
    return rf"\begin{{aligned}} e_{{{dimension}}} &= {filled}{tail} \end{{aligned}}"
