"""What to notice in the Padding Lab."""

import pandas as pd

from pooling.tables import number
from pooling.tables.padding_lab import curves_together


def about_padding(table: pd.DataFrame, padding: int, *, attend: bool, pooled: bool) -> str:
    """What that much padding does to each strategy."""
    padding = min(padding, table["padding"].max())
    if not padding:
        return "Without padding there is nothing to mask: every strategy is at its truth, and no bug can show."
    at = table[table["padding"] == padding]
    worst, best = at.loc[at["cosine"].idxmin()], at.loc[at["cosine"].idxmax()]
    if worst["cosine"] > 0.99999:
        return "With both masks in place, no strategy moves: padding, its amount and its side change nothing."
    causes = [text for text, on in (("tokens look at padding", attend), ("padding is pooled", pooled)) if on]
    return (
        f"Because {' and '.join(causes)}, {worst['label']} falls to a cosine of {number(worst['cosine'])} to its "
        f"truth; {best['label']} keeps {number(best['cosine'])}."
    )


def about_together(table: pd.DataFrame) -> str:
    """Which strategies share one curve of `padding_curve`; nothing where each has its own."""
    labels = dict(zip(table["name"], table["label"], strict=True))
    groups = [[labels[name] for name in group] for group in curves_together(table) if len(group) > 1]
    if not groups:
        return ""
    named = "; ".join(" ≈ ".join(group) for group in groups)
    return f"Grey, with markers side by side: curves that lie on each other. {named}."


def about_costs(table: pd.DataFrame) -> str:
    """Which bug costs most, and how many cost nothing that a score would show."""
    known = table.dropna(subset=["wrong"])
    lost = known["right"] - known["wrong"]
    worst = known.loc[lost.idxmax()]
    quiet = int((lost < 1).sum())
    return (
        f"{worst['title']!r} costs most: {number(worst['right'])} becomes {number(worst['wrong'])}. "
        f"{quiet} of {len(table)} cost less than one point here, and would pass a test that only looks at the score."
    )
