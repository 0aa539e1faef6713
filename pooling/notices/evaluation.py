"""What to notice on the Evaluation page."""

from collections.abc import Iterable, Sequence

import pandas as pd

from pooling.bootstrap import TIE
from pooling.datasets import Pair
from pooling.evaluation import binary, pair_clusters
from pooling.tables import number, points
from pooling.tables.evaluation import KINDS

INTERVALS = (
    "A resample draws as many rows again, some twice, some never; 2,000 of them show how far scores move by chance. "
    "All 95% intervals of a chart hold at once, so you may choose what to compare after looking. “Behind the best” "
    "means the one that is truly best, whichever that is."
)


def remarks_on_pairs(pairs: Sequence[Pair], cut: int, limit: int) -> list[str]:
    """What to know of scored pairs: which rows repeat, which texts were cut, what the score says.

    Args:
        pairs: the pairs.
        cut: how many texts are longer than the model's limit, and
        limit: the tokens of it.
    """
    said, repeated = [], len(pairs) - len(set(pair_clusters(pairs)))
    if repeated:
        said.append(
            f"Rows with the two texts of an earlier row: {repeated:,}. Each counts in the scores, but a copy tells "
            "nothing new: resamples draw it together with the first."
        )
    if cut:
        said.append(f"Texts cut to the model's limit of {limit} tokens: {cut:,}.")
    if binary(pairs):
        share = 100 * sum(p.score for p in pairs) / len(pairs)
        said.append(f"Average precision: pairs sorted by similarity, how pure is the top? By chance it is {share:.1f}.")
    else:
        said.append(
            "Spearman: how well the order of the pairs by similarity agrees with that by score, from −100 to 100."
        )
    return said


def remarks_on_labels(texts: int, distinct: int) -> list[str]:
    """What to know of labelled texts: which rows repeat, what the scores say.

    Args:
        texts: how many there are.
        distinct: how many of them repeat no other with its label.
    """
    said = []
    if distinct < texts:
        said.append(
            f"Rows that repeat an earlier text and its label: {texts - distinct:,}. They count once: the text "
            "nearest to a copy would be the first of it."
        )
    return [
        *said,
        "1-NN accuracy: how often the nearest other text has the same label. Silhouette, −100 to 100: how much nearer "
        "texts are to their own label's than to the next label's. Both by cosine, in all dimensions.",
    ]


def recommended(table: pd.DataFrame, own: str | None) -> str:
    """The name of the strategy to use: the model's own where nothing beats it for sure, else the best.

    Args:
        table: of `leaderboard_table`.
        own: the strategy the model was trained with.
    """
    scored = table[table["verdict"] != ""]
    as_good = scored[scored["verdict"] != "worse"]["name"].tolist()
    return own if own is not None and own in as_good else scored.iloc[0]["name"]


def verdict(table: pd.DataFrame, own: str | None, measure: str) -> str:
    """The strategy to use for this model on this data, by how much, and how sure that is."""
    scored = table[table["verdict"] != ""].set_index("name")
    best, use = scored.iloc[0], scored.loc[recommended(table, own)]
    said = (
        f"Use {use['label']}: {points(use['score'])} points of {measure}, 95% interval {points(use['low'])} to "
        f"{points(use['high'])}."
    )
    if use["behind"] > 0:
        return (
            f"{said} The model was trained with it, and nothing here is better beyond chance: {best['label']} stands "
            f"{points(use['behind'])} points higher, but {_interval(use)} starts at zero."
        )
    others = scored.drop(use.name)
    if use.name == own:
        said += " The model was trained with it" + (", and nothing here scores higher." if len(others) else ".")
    if others.empty:
        return f"{said} There is nothing else to compare it with."
    level = others[others["behind"] == 0]
    if len(level):
        said += f" Level with it: {_list(level['label'])}."
    lower = others[others["behind"] > 0]
    if lower.empty:
        return said
    second = lower.iloc[0]
    said += f" It is {points(second['behind'])} points ahead of {second['label']}"
    if second["verdict"] == "worse":
        said += f"; that is more than chance makes: {_interval(second)} lies above zero."
    else:
        said += f"; that may be luck: {_interval(second)} starts at zero."
    if own in lower.index and own != second.name:
        trained = lower.loc[own]
        said += (
            f" {trained['label']}, which the model was trained with, is {points(trained['behind'])} points behind, and "
            "worse beyond chance."
        )
    elif own == second.name:
        said += f" The model was trained with {second['label']}."
    first = "every resample" if use["first"] == 100 else f"{number(min(use['first'], 99.9))}% of the resamples"
    return f"{said} {use['label']} comes first in {first}."


def about_leaderboard(table: pd.DataFrame, rows: int, what: str) -> str:
    """What can and what cannot be told apart from the best."""
    scored = table[table["verdict"] != ""]
    best, width = scored.iloc[0], (scored.iloc[0]["high"] - scored.iloc[0]["low"]) / 2
    if width > 0:
        said = (
            f"With {rows:,} {what}, {best['label']}'s score is known to about ±{points(width)} points (95%, as for all "
            "strategies at once)."
        )
    else:
        said = (
            f"These {rows:,} {what} cannot say how sure {best['label']}'s score is: it is the same in every resample."
        )
    same, open_, worse = (scored[scored["verdict"] == one]["label"] for one in ("same", "open", "worse"))
    if len(same):
        said += f" Level with it in every resample: {_list(same)}."
    if len(open_):
        said += f" Not to be told apart from it: {_list(open_)}."
    if len(worse):
        said += f" Worse beyond chance: {_list(worse)}."
    return said


def about_cost(table: pd.DataFrame, own: str) -> str:
    """What it costs to pool otherwise than the model was trained."""
    far = table.iloc[-1]
    if far["cost"] <= 0:
        said = f"No other strategy here scores below {own}."
    else:
        said = f"Instead of {own}, {far['label']} costs {points(far['cost'])} points, the most of all."
    return f"{said} {about_chance(table, own)}".rstrip()


def about_chance(table: pd.DataFrame, own: str) -> str:
    """Which differences of `cost_table` chance could make, and what gains more."""
    said, better = [], table[table["verdict"] == "better"]
    if len(better):
        first = better.iloc[0]
        said.append(f"{first['label']} gains {points(-first['cost'])} points on this data, more than chance makes.")
    same, open_ = (table[table["verdict"] == one]["label"] for one in ("same", "open"))
    if len(same):
        said.append(f"Level with {own} in every resample: {_list(same)}.")
    if len(open_):
        said.append(f"{_list(open_)}: no difference that chance could not make.")
    return " ".join(said)


def about_grid(table: pd.DataFrame, label: str) -> str:
    """Where in the model the score is, and the two averages of layers that look alike."""
    scores = table.stack().dropna()
    # Of equal scores the first: their order would be one of rounding.
    best_row, best_column = scores.index[scores > scores.max() - 100 * TIE][0]
    said = f"The highest of these {len(scores)} numbers is {best_column}'s at layer {best_row}. The best of so many "
    said += "flatters itself a little: check it on other data."
    first_last, trap = table.index[-2:]
    column = label if pd.notna(table.loc[first_last, label]) else table.columns[table.loc[first_last].notna()][0]
    apart = abs(table.loc[first_last, column] - table.loc[trap, column])
    return (
        f"{said} “First-last” means layers {first_last.split(' ·')[0]}: code that counts the input embeddings as the "
        f"first layer measures {trap.split(' ·')[0]}, under {column} {points(apart)} points away."
    )


def about_worst(table: pd.DataFrame, label: str) -> str:
    """What a strategy gets wrong."""
    alike, different = int((table["gap"] > 0).sum()), int((table["gap"] < 0).sum())
    if not alike + different:
        return f"{label} puts every pair where its score puts it."
    return (
        f"Of the {alike + different} pairs that {label} misjudges most, it holds {alike} too alike and {different} "
        "too different."
    )


def about_halves(table: pd.DataFrame) -> str:
    """Why a place of `worst_table` is no whole number, where one is not."""
    if not (table[["place_score", "place_cosine"]] % 1).to_numpy().any():
        return ""
    return " Pairs with the same number share the middle of their places, so a place can end in .5."


def about_kinds(kinds: pd.DataFrame) -> str:
    """Which kinds of pairs are misplaced most, of `kind_table`."""
    low, high = kinds.iloc[0], kinds.iloc[-1]
    return f"By kind, {_misplaced(high)} on average" + (f", {_misplaced(low)}." if len(kinds) > 1 else ".")


def about_labels(table: pd.DataFrame) -> str:
    """Whether the two measures of labelled texts agree."""
    scored = table[table["verdict"] != ""]
    first = {
        name: scored.loc[scored[column] > scored[column].max() - 100 * TIE, "label"].tolist()
        for name, column in _MEASURES.items()
    }
    one, two = first.values()
    if both := [label for label in one if label in two]:
        return f"Both measures put {_list(both)} first."
    return (
        "The measures do not agree on the best: "
        + "; ".join(f"{_list(labels)} by {name}" for name, labels in first.items())
        + "."
    )


_MEASURES = {"1-nearest-neighbour accuracy": "score", "silhouette": "silhouette"}


def _misplaced(kind: pd.Series) -> str:
    """Where a kind of pair stands, among all places."""
    name = KINDS.get(kind["kind"], kind["kind"])
    if kind["gap"] == 0:
        return f"{name} stand where they should"
    return f"{name} stand {number(abs(kind['gap']))}% of all places too {'high' if kind['gap'] > 0 else 'low'}"


def _interval(place: pd.Series) -> str:
    ends = f"{points(place['behind_low'])} to {points(place['behind_high'])}"
    return f"the 95% interval of how far {place['label']} is behind the best, {ends},"


def _list(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
