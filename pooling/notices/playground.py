"""What to notice on the Playground."""

import pandas as pd

from pooling.registry import Strategy
from pooling.tables import number


def about_tokens(table: pd.DataFrame, strategy: Strategy) -> str:
    """Which tokens carry this embedding."""
    table = table[table["pooled"]]
    top = table.loc[table["weight"].idxmax()]
    name = f"{top['token']!r} (token {top['position']})"
    even = table["weight"].max() - table["weight"].min() < 1e-6
    if pd.notna(top["won"]):
        dim = int(table["won"].sum())
        words = table[~table["special"]]
        special = number(100 * table.loc[table["special"], "won"].sum() / dim)
        least = words.loc[words["won"].idxmin()] if len(words) else top
        return (
            f"{name} wins {top['won']} of {dim} dimensions, the most; {least['token']!r} wins "
            f"{least['won']}. Special tokens win {special}% of them."
        )
    if even:
        return (
            f"All {len(table)} tokens have the same weight, {number(top['weight'])}; "
            f"{int(table['special'].sum())} of them are special tokens, not words of the text."
        )
    if top["weight"] > 1 - 1e-6:
        return f"{name} alone makes this embedding; the other {len(table) - 1} tokens count for nothing."
    low = table.loc[table["weight"].idxmin()]
    special = number(100 * table.loc[table["special"], "weight"].sum())
    times = f", {number(top['weight'] / low['weight'])} times {low['token']!r}" if low["weight"] > 1e-6 else ""
    return f"{name} carries {number(100 * top['weight'])}% of this embedding{times}. Special tokens carry {special}%."


def about_collapse(matrix: pd.DataFrame, winners: pd.DataFrame | None, strategy: Strategy) -> str:
    """What happens to the columns of the matrix."""
    tokens, embedding = matrix.iloc[:-1], matrix.iloc[-1]
    shown = matrix.shape[1]
    if winners is not None:
        gap = embedding.mean() - tokens.to_numpy().mean()
        return (
            f"In each of these {shown} columns the one marked cell falls through to the embedding. "
            f"Only winners count, so the embedding lies {number(abs(gap))} {'above' if gap > 0 else 'below'} "
            "the average token value."
        )
    shrink = embedding.abs().mean() / tokens.abs().to_numpy().mean()
    if abs(shrink - 1) < 0.005:
        change = "as large as the tokens' own"
    else:
        change = f"{number(shrink)} times the tokens' own on average"
    return (
        f"Each of these {shown} columns collapses into the one number under it by the weights above. "
        f"The embedding's values are {change}: "
        + (
            "where tokens disagree in sign, they cancel out."
            if shrink < 0.995
            else "nothing is averaged away."
            if shrink < 1.005
            else "this sum grows with the length of the text."
        )
    )


def about_strategies(table: pd.DataFrame, own: Strategy, trained: bool) -> str:
    """How far the strategies are from the model's own."""
    others = table[(table["name"] != own.name) & table["missing"].isna()]
    far = others.loc[others["cosine"].idxmin()]
    whose = f"{own.label}, the pooling this model was trained with" if trained else own.label
    same = others[others["cosine"] > 0.99995]["label"].tolist()
    tail = f" {' and '.join(same)} points the same way and differs only in length." if same else ""
    return (
        f"{far['label']} is furthest from {whose}: cosine {number(far['cosine'])}, length {number(far['norm'])}.{tail}"
    )
