"""What to notice on the Playground."""

import pandas as pd
import torch

from pooling.registry import Strategy
from pooling.tables import number
from pooling.types import Kind, Pooled

BELOW = {
    "tokens": "its weight",
    "dimensions": "its weight, the mean over all dimensions",
    "winners": "the share of dimensions it won",
}
"""What the number below a token is, by the kind of a strategy's weights."""


def about_tokens(table: pd.DataFrame, kind: Kind) -> str:
    """Which tokens carry this embedding, by weights of this kind."""
    table = table[table["pooled"]]
    top, low = table.loc[table["weight"].idxmax()], table.loc[table["weight"].idxmin()]
    name, total = f"{top['token']!r} (token {top['position']})", table["weight"].sum()
    if total == 0:
        return "Every weight is 0: no token is left, and the embedding is 0 in every dimension."
    if len(table) == 1:
        return f"{name} is the only token, so it alone makes this embedding."
    marked, special = table["special"].any(), number(100 * table.loc[table["special"], "weight"].sum() / total)
    carried = f" Special tokens carry {special}%." if marked else ""
    if kind == "winners":
        words = table[~table["special"]]
        least = words.loc[words["won"].idxmin()] if len(words) else top
        return (
            f"{name} wins {top['won']} of {int(table['won'].sum())} dimensions, the most; {least['token']!r} wins "
            f"{least['won']}." + (f" Special tokens win {special}% of them." if marked else "")
        )
    average = ", the mean over its dimensions" if kind == "dimensions" else ""
    counted = table[table["weight"] > 1e-6 * total]
    if len(counted) == 1:
        return f"{name} alone makes this embedding; the other {len(table) - 1} tokens count for nothing."
    if counted["weight"].max() - counted["weight"].min() < 1e-6:
        same = f"the same weight, {number(top['weight'])}{average}"
        if len(counted) < len(table):
            return f"{len(counted)} of the {len(table)} tokens have {same}; the others count for nothing.{carried}"
        added = f"; {int(table['special'].sum())} of them are special tokens, not words of the text" if marked else ""
        return f"All {len(table)} tokens have {same}{added}."
    times = f", {number(top['weight'] / low['weight'])} times {low['token']!r}" if low["weight"] > 1e-6 * total else ""
    return f"{name} carries {number(100 * top['weight'] / total)}% of this embedding{average}{times}.{carried}"


def about_collapse(matrix: pd.DataFrame, pooled: Pooled) -> str:
    """What happens to the columns of the matrix of one text.

    Args:
        matrix: of `collapse_table`.
        pooled: the text's embedding and its weights, which say how the columns collapse.
    """
    tokens, embedding = matrix.iloc[:-1], matrix.iloc[-1]
    shown, weights = matrix.shape[1], pooled.weights[0]
    if pooled.kind == "winners":
        gap = embedding.mean() - tokens.to_numpy().mean()
        return (
            f"In each of these {shown} columns the one marked cell falls through to the embedding. "
            f"Only winners count, so the embedding lies {number(abs(gap))} {'above' if gap > 0 else 'below'} "
            "the average token value."
        )
    shrink = embedding.abs().mean() / tokens.abs().to_numpy().mean()
    if abs(shrink - 1) < 0.005:
        change = "as far from zero as the tokens' own"
    else:
        change = f"{number(shrink)} times as far from zero as the tokens' own"
    total = weights.sum(dim=0).mean().item()
    differ = not torch.allclose(weights, weights[:, :1])
    by = "by weights that differ from column to column" if differ else "by one weight a token"
    if abs(total - 1) > 1e-3:
        why = f": the weights add up to {number(total)}, not to 1"
    elif int((weights > 0).any(dim=1).sum()) == 1:
        why = ": they are one token's, and nothing is averaged away"
    elif abs(shrink - 1) < 0.005:
        why = ""
    elif shrink < 1:
        why = ": where tokens disagree in sign, they cancel out"
    else:
        why = ": tokens with larger values have the larger weights"
    return (
        f"Each of these {shown} columns collapses into the one number under it {by}. The embedding's values are on "
        f"average {change}{why}."
    )


def about_strategies(table: pd.DataFrame, own: Strategy, trained: bool) -> str:
    """How far the strategies are from the model's own."""
    others = table[(table["name"] != own.name) & table["missing"].isna()]
    far = others.loc[others["cosine"].idxmin()]
    whose = f"{own.label}, the pooling this model was trained with" if trained else own.label
    said = f"{far['label']} is furthest from {whose}: cosine {number(far['cosine'])}, length {number(far['norm'])}."
    return f"{said} {about_twins(table, own)}".rstrip()


def about_twins(table: pd.DataFrame, own: Strategy) -> str:
    """Which strategies point the same way as the model's own, and which give the same embedding."""
    others = table[(table["name"] != own.name) & table["missing"].isna()]
    near = others[others["cosine"] > 0.99995]
    as_long = (near["norm"] / table.set_index("name").loc[own.name, "norm"] - 1).abs() < 1e-3
    longer, same = near[~as_long]["label"].tolist(), near[as_long]["label"].tolist()
    said = []
    if longer:
        said.append(f"{_listed(longer, 'points', 'point')} the same way as {own.label}; only the length differs.")
    if same:
        said.append(f"{_listed(same, 'gives', 'give')} the same embedding as {own.label} here.")
    return " ".join(said)


def _listed(names: list[str], one: str, several: str) -> str:
    """Names, and a verb in their number."""
    return f"{names[0]} {one}" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} {several}"
