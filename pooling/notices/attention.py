"""What to notice on the Attention page."""

from collections.abc import Sequence

import pandas as pd

from pooling.bootstrap import TIE
from pooling.registry import get_strategy
from pooling.tables import number
from pooling.tables.attention import DATA_SETS
from pooling.training import Outcome


def about_weights(table: pd.DataFrame, head: str = "The head") -> str:
    """Who listens to what; `head` is what to call the head."""
    table, said = table[table["pooled"]], []
    head += "," if "," in head else ""  # the parameter that follows its name
    for name in ("attention", "cls_attention"):
        if name in table:
            top = table.loc[table[name].idxmax()]
            special = f"gives special tokens {number(100 * table.loc[table['special'], name].sum())}% in all"
            who = head if name == "attention" else get_strategy(name).label
            if table[name].max() - table[name].min() < 1e-6:
                said.append(f"{who} gives every token the same weight.")
                continue
            most = f"{who} listens most to {top['token']!r} (token {top['position']})"
            said.append(f"{most} and {special}." if table["special"].any() else f"{most}.")
    if table["special"].any():
        said.append(f"Mean gives special tokens {number(100 * table['special'].mean())}%.")
    return " ".join(said)


def about_rows(tables: Sequence[pd.DataFrame], whose: str) -> str:
    """What the same weights do over all sentences."""
    tables = [table[table["pooled"]] for table in tables]
    every = pd.concat(tables)
    special = number(100 * every.loc[every["special"], "weight"].sum() / len(tables))
    words = pd.concat([t.assign(times=t["weight"] * len(t)) for t in tables])
    words = words[~words["special"]]
    count = "your one sentence" if len(tables) == 1 else f"all {len(tables)} sentences"
    given = f", gives special tokens {special}% of the weight. Of the rest," if every["special"].any() else ":"
    opening = f"{whose}, over {count}{given}"
    if words.empty or words["times"].max() - words["times"].min() < 1e-6:
        return f"{opening} no token counts more than another."
    words = words.sort_values("times")
    top, low = words.iloc[-1], words.iloc[0]
    return (
        f"{opening} {top['token']!r} gets the most, {number(top['times'])} times an equal share, and "
        f"{low['token']!r} the least, {number(low['times'])} times."
    )


LEARNED = "The heads learned from the STS Benchmark's training set, and from nothing of this project."


def about_heads(table: pd.DataFrame) -> str:
    """On what the heads score above mean, and on what below; never better as such."""
    said = []
    for data, title in DATA_SETS.items():
        shown = table[table["data"] == data].sort_values("gain")
        low, high = shown.iloc[0], shown.iloc[-1]
        where = f"On {title[0].lower() + title[1:] if data == 'own' else 'the ' + title}"
        if len(shown) == 1:
            said.append(f"{where}, the head of layer {low['layer']} is {_points(low['gain'])} mean.")
        else:
            said.append(
                f"{where}, the head of layer {high['layer']} is {_points(high['gain'])} mean and that of layer "
                f"{low['layer']} is {_points(low['gain'])} it."
            )
    return " ".join([*said, LEARNED])


def about_curve(table: pd.DataFrame) -> str:
    """How the training went so far, against the line to beat."""
    mean, last = table["dev"].iloc[0], table.iloc[-1]
    if pd.isna(mean):
        return "The development score is undefined: the cosines of these pairs are all the same."
    if len(table) == 1:
        return f"The untrained head is mean pooling: it scores {mean:.2f} on the development pairs, the line to beat."
    best = table[table["best"]].iloc[0]
    if best["epoch"] == 0:
        epochs = "1 epoch" if len(table) == 2 else f"{len(table) - 1} epochs"
        return (
            f"After {epochs} no head scores above mean's {mean:.2f} on the development pairs, so the untrained head is "
            "kept."
        )
    return (
        f"The best epoch on the development pairs is {best['epoch']}: {best['dev']:.2f} against mean's {mean:.2f}. "
        f"The loss went from {table['loss'].iloc[1]:.3f} to {last['loss']:.3f}."
    )


def about_outcome(outcome: Outcome, data: str, best_epoch: int) -> str:
    """What the held-back pairs say, and how sure they are."""
    if best_epoch == 0:
        return "No epoch scored above mean on the development pairs, so your head is the untrained one: mean pooling."
    if outcome.mean is None or outcome.attention is None or outcome.low is None or outcome.high is None:
        return "One of the two gives every pair the same cosine, so there is nothing to compare."
    gain, low, high = (100 * value for value in (outcome.attention - outcome.mean, outcome.low, outcome.high))
    where = f"On the {outcome.pairs:,} held-back pairs of {data}, the head is {_points(gain)} mean"
    if low == high == 0:
        return f"{where}, in every resample of them too."
    if low > 0:
        verdict = "the interval lies above zero: on pairs like these, the head scores higher than mean"
    elif high < 0:
        verdict = "the interval lies below zero: on pairs like these, the head scores lower than mean"
    else:
        verdict = "the interval includes zero: these pairs cannot tell the two apart"
    return (
        f"{where}. With other pairs of this kind the difference could have been {number(low, signed=True)} to "
        f"{number(high, signed=True)} points (95%): {verdict}."
    )


def _points(gain: float) -> str:
    if abs(gain) < 100 * TIE:
        return "level with"
    size = f"{abs(gain):.2f}" if abs(gain) >= 0.01 else number(abs(gain))
    return f"{size} points {'above' if gain > 0 else 'below'}"
