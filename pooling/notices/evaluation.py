"""What to notice on the Evaluation page."""

import pandas as pd

from pooling.tables import number
from pooling.tables.evaluation import KINDS


def recommended(table: pd.DataFrame, own: str | None) -> str:
    """The name of the strategy to use: the model's own where nothing beats it for sure, else the best.

    Args:
        table: of `leaderboard_table`.
        own: the strategy the model was trained with.
    """
    scored = table[table["verdict"] != ""]
    as_good = scored[scored["verdict"] != "worse"]["name"].tolist()
    return own if own in as_good else scored.iloc[0]["name"]


def verdict(table: pd.DataFrame, own: str | None, measure: str) -> str:
    """The strategy to use for this model on this data, by how much, and how sure that is."""
    scored = table[table["verdict"] != ""].set_index("name")
    best, use = scored.iloc[0], scored.loc[recommended(table, own)]
    score = f"{number(use['score'])} points of {measure}, 95% interval {number(use['low'])} to {number(use['high'])}"
    said = f"Use {use['label']}: {score}."
    if use.name != best.name:
        return (
            f"{said} The model was trained with it, and nothing here is better beyond chance: {best['label']} stands "
            f"{number(best['score'] - use['score'])} points higher, but the 95% interval of that lead, "
            f"{_range(use['behind_low'], use['behind_high'])}, includes zero."
        )
    rivals = scored[~scored["verdict"].isin(["best", "same"])]
    if rivals.empty:
        return f"{said} There is nothing else to compare it with."
    second = rivals.iloc[0]
    trained = ", which the model was trained with" if second.name == own else ""
    lead = f"{number(second['behind'])} points ahead of {second['label']}{trained}"
    between = f"95% interval of the lead is {_range(second['behind_low'], second['behind_high'])}"
    if second["verdict"] == "open":
        said += f" It is {lead}; that may be luck: the {between}, includes zero."
    else:
        said += f" It is {lead}; that is more than chance makes: the {between}."
    return f"{said} It comes first in {number(best['first'])}% of the resamples."


def about_leaderboard(table: pd.DataFrame, rows: int, what: str) -> str:
    """What can and what cannot be told apart from the best."""
    scored = table[table["verdict"] != ""]
    best = scored.iloc[0]
    width = number((best["high"] - best["low"]) / 2)
    said = f"With {rows:,} {what}, a score is known to about ±{width} points; a difference between two strategies, "
    said += "measured on the same resamples, is known better."
    same, open_ = (scored[scored["verdict"] == v]["label"].tolist() for v in ("same", "open"))
    if same:
        said += f" {_list(same)} ranks as {best['label']} does: only the length of the vectors differs."
    if open_:
        said += f" {_list(open_)} cannot be told apart from {best['label']}."
    worse = scored[scored["verdict"] == "worse"]
    if len(worse):
        said += f" Worse beyond chance: {_list(worse['label'].tolist())}."
    return said


def about_cost(table: pd.DataFrame, own: str) -> str:
    """What it costs to pool otherwise than the model was trained."""
    far = table.iloc[-1]
    if far["cost"] <= 0:
        return f"Nothing here costs a point against {own}."
    said = f"Instead of {own}, {far['label']} costs {number(far['cost'])} points, the most of all."
    better = table[table["verdict"] == "better"]
    if len(better):
        first = better.iloc[0]
        said += f" {first['label']} even gains {number(-first['cost'])} on this data, more than chance makes."
    open_ = table[table["verdict"] == "open"]["label"].tolist()
    if open_:
        said += f" {_list(open_)}: no difference that chance could not make."
    return said


def about_grid(table: pd.DataFrame, label: str) -> str:
    """Where in the model the score is, and the two averages of layers that look alike."""
    best_row, best_column = table.stack().idxmax()
    said = (
        f"The highest of these {int(table.notna().sum().sum())} numbers is {number(table.loc[best_row, best_column])}: "
    )
    said += f"{best_column} at layer {best_row}. The best of so many flatters itself a little: check it on other data."
    first_last, trap = table.index[-2:]
    column = label if pd.notna(table.loc[first_last, label]) else table.columns[table.loc[first_last].notna()][0]
    one, two = table.loc[first_last, column], table.loc[trap, column]
    return (
        f"{said} Under {column}, “first-last” scores {number(one)} with layers {first_last.split(' ·')[0]} and "
        f"{number(two)} with layers {trap.split(' ·')[0]}: code that counts the input embeddings as the first layer "
        "measures the second."
    )


def about_worst(table: pd.DataFrame, kinds: pd.DataFrame | None, label: str) -> str:
    """What a strategy gets wrong."""
    alike = int((table["gap"] > 0).sum())
    said = (
        f"Of the {len(table)} pairs that {label} misjudges most, it holds {alike} too alike and {len(table) - alike} "
    )
    said += "too different."
    if kinds is not None:
        low, high = kinds.iloc[0], kinds.iloc[-1]
        said += (
            f" By kind, {KINDS.get(high['kind'], high['kind'])} stand {number(abs(high['gap']))}% of all places too "
            f"{'high' if high['gap'] > 0 else 'low'} on average, {KINDS.get(low['kind'], low['kind'])} "
            f"{number(abs(low['gap']))}% too {'high' if low['gap'] > 0 else 'low'}."
        )
    return said


def about_labels(table: pd.DataFrame) -> str:
    """Whether the three measures of labelled texts agree."""
    scored = table[table["verdict"] != ""]
    tops = {name: scored.loc[scored[column].idxmax(), "label"] for name, column in _MEASURES.items()}
    if len(set(tops.values())) == 1:
        return f"All three measures put {next(iter(tops.values()))} first."
    return (
        "The measures do not agree on the best: "
        + ", ".join(f"{label} by {name}" for name, label in tops.items())
        + "."
    )


_MEASURES = {"1-nearest-neighbour accuracy": "score", "silhouette": "silhouette", "V-measure": "v_measure"}


def _range(low: float, high: float) -> str:
    return f"{number(low, signed=True)} to {number(high, signed=True)}"


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
