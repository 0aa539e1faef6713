"""The tables of the Evaluation page; scores are in points, a hundred times what they are."""

from collections.abc import Mapping, Sequence

import pandas as pd
from jaxtyping import Float
from scipy.stats import rankdata
from torch import Tensor

from pooling.catalogue import MODELS, short
from pooling.datasets import Pair
from pooling.encoders import Layer
from pooling.evaluation import (
    Cell,
    Grid,
    Place,
    Scores,
    binary,
    layer_places,
    rank_gaps,
    score_grid,
)
from pooling.labels import LabelScores
from pooling.registry import Strategy, all_strategies, get_strategy

BERT = "google-bert/bert-base-uncased"
PUBLISHED: tuple[tuple[str, str, Layer, float], ...] = (
    ("sentence-transformers/all-MiniLM-L6-v2", "mean", 6, 82.03),
    (BERT, "cls", 12, 20.30),
    (BERT, "mean", 12, 47.29),
    (BERT, "mean", (1, 12), 59.05),
    (BERT, "mean", (0, 12), 53.87),
)
"""Model, strategy, layer, and Spearman on the test set of the STS Benchmark, in points."""


KINDS = {
    "paraphrase": "paraphrases",
    "near_duplicate": "near duplicates",
    "detail": "pairs with one detail changed",
    "role_swap": "pairs with swapped roles",
    "negation": "negations",
    "related": "pairs on one topic",
    "overlap": "pairs that share words only",
    "unrelated": "unrelated pairs",
}
"""The kinds of the project's own pairs, as a reader sees them."""

WORST = {
    "gap": "gap, %",
    "place_score": "place by score",
    "place_cosine": "place by similarity",
    "text1": "first text",
    "text2": "second text",
}
"""The columns of `worst_table`, as a reader sees them."""


def measure_name(pairs: Sequence[Pair]) -> str:
    """What the pairs' scores are measured by."""
    return "average precision" if binary(pairs) else "Spearman"


def layer_title(layer: Layer, last: int) -> str:
    """A layer as a row of the grid."""
    if isinstance(layer, tuple):
        return f"{' and '.join(map(str, layer))} · {'miscounted' if 0 in layer else 'first-last'}"
    return "0 · input" if layer == 0 else f"{layer} · last" if layer == last else str(layer)


def leaderboard_table(
    places: Sequence[Place],
    pearson: dict[str, float | None] | None = None,
    *,
    strategies: Sequence[Strategy] | None = None,
    labels: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """One row a strategy, the best first; `labels` has what each is called where there are others too.

    Columns: name, label, score, low, high, behind, behind_low, behind_high (points behind the
    best), first (share of resamples in which it comes first), pearson (if given), verdict, missing;
    see `Place`.
    """
    titles = labels or {s.name: s.title for s in strategies or all_strategies()}
    table = pd.DataFrame(
        {
            "name": [p.name for p in places],
            "label": [titles[p.name] for p in places],
            **{
                column: pd.Series([getattr(p, column) for p in places], dtype=float) * 100
                for column in ("score", "low", "high", "behind", "behind_low", "behind_high", "first")
            },
            "verdict": [p.verdict for p in places],
            "missing": [p.missing for p in places],
        }
    )
    if pearson is not None:
        found = [pearson.get(name) for name in table["name"]]
        table.insert(5, "pearson", [None if value is None else 100 * value for value in found])
    return table


def score_layer(pairs: Sequence[Pair], grid: Grid, layer: Layer, names: Sequence[str]) -> Scores:
    """The scores of a grid at one layer, of the strategies named, compared with each other."""
    cells = [(layer, name) for name in names if (layer, name) in grid.vectors]
    return score_grid(pairs, Grid({cell: grid.vectors[cell] for cell in cells}), cells)


def layer_leaderboard(pairs: Sequence[Pair], grid: Grid, layer: Layer, names: Sequence[str]) -> pd.DataFrame:
    """`leaderboard_table` of the strategies named, at one layer of a grid of cosines."""
    return leaderboard_table(layer_places(score_layer(pairs, grid, layer, names), grid, layer, names))


def cost_table(scores: Scores, own: Cell, layer: Layer, strategies: Sequence[Strategy] | None = None) -> pd.DataFrame:
    """What each other strategy at a layer costs against the model's own cell, in points.

    Columns: name, label, cost, low, high (its interval, which holds for all that `scores` compares),
    verdict: "worse" or "better" than the model's own, beyond chance, "same" where they differ by
    rounding alone, else "open".
    """
    rows, compared = [], scores.compared
    for strategy in strategies or all_strategies():
        cell = (layer, strategy.name)
        if cell == own or not {cell, own} <= compared.scores.keys():
            continue
        cost, low, high = (100 * end for end in compared.lead(own, cell))
        same = compared.never_apart(own, cell)
        verdict = "same" if same else "worse" if low > 0 else "better" if high < 0 else "open"
        rows.append((strategy.name, strategy.title, cost, low, high, verdict))
    table = pd.DataFrame(rows, columns=["name", "label", "cost", "low", "high", "verdict"])
    return table.sort_values("cost", ignore_index=True)


def grid_table(
    scores: dict[Cell, float | None],
    layers: Sequence[Layer],
    last: int,
    strategies: Sequence[Strategy] | None = None,
) -> pd.DataFrame:
    """Layers down, strategies across, in points; nan where there is no score."""
    values = {
        s.title: [100 * v if (v := scores.get((layer, s.name))) is not None else None for layer in layers]
        for s in strategies or all_strategies()
    }
    rows = pd.Index([layer_title(one, last) for one in layers], name="layer")
    return pd.DataFrame(values, index=rows, dtype=float)


def missing_table(grid: Grid, scores: dict[Cell, float | None], last: int) -> pd.DataFrame:
    """Every cell without a score, and why: layer, strategy, reason."""
    from pooling.evaluation import CONSTANT

    gone = grid.missing | {cell: CONSTANT for cell, score in scores.items() if score is None}
    rows = [(layer_title(layer, last), get_strategy(name).label, why) for (layer, name), why in gone.items()]
    return pd.DataFrame(rows, columns=["layer", "strategy", "reason"])


def worst_table(pairs: Sequence[Pair], cosines: Float[Tensor, " pair"], most: int = 30) -> pd.DataFrame:
    """The pairs that a strategy misjudges most: the largest gaps between its ranking and that of their scores.

    Rows go by a pair's place in what is given. Columns: gap (places, as % of all; above 0: held too alike), score,
    cosine, place_score and place_cosine (1: most alike; ties share the middle), text1, text2 and, where known, kind.
    """
    table = pd.DataFrame(
        {
            "gap": 100 * rank_gaps(cosines, pairs),
            "score": [p.score for p in pairs],
            "cosine": cosines.tolist(),
            "place_score": rankdata([-p.score for p in pairs]),
            "place_cosine": rankdata((-cosines).tolist()),
            "text1": [p.text1 for p in pairs],
            "text2": [p.text2 for p in pairs],
        }
    )
    if any(p.kind for p in pairs):
        table["kind"] = [p.kind for p in pairs]
    return table.sort_values("gap", key=abs, ascending=False).head(most)


def kind_table(pairs: Sequence[Pair], cosines: Float[Tensor, " pair"]) -> pd.DataFrame:
    """The mean gap of each kind of pair: kind, pairs, gap (as in `worst_table`)."""
    table = pd.DataFrame({"kind": [p.kind for p in pairs], "gap": 100 * rank_gaps(cosines, pairs)})
    made = table.groupby("kind", as_index=False).agg(pairs=("gap", "size"), gap=("gap", "mean"))
    return made.sort_values("gap", ignore_index=True)


def label_table(
    places: Sequence[Place], scored: dict[str, LabelScores], strategies: Sequence[Strategy] | None = None
) -> pd.DataFrame:
    """`leaderboard_table` of 1-NN accuracy, with the silhouette beside it, in points."""
    table = leaderboard_table(places, strategies=strategies)
    found = [scored[name].silhouette if name in scored else None for name in table["name"]]
    table.insert(5, "silhouette", [None if value is None else 100 * value for value in found])
    return table


def published_table(model: str, data: str, stsb: bool, scores: dict[Cell, float | None]) -> pd.DataFrame:
    """Published numbers beside this page's: model, pooling, layer, published, here.

    Args:
        model: the model chosen.
        data: the name of the data chosen; "stsb" is the STS Benchmark.
        stsb: whether the STS Benchmark can be reached.
        scores: of the grid on the data chosen.
    """
    offered = [m.name for m in MODELS]
    rows = []
    for name, strategy, layer, published in PUBLISHED:
        score = scores.get((layer, strategy)) if (name, data) == (model, "stsb") else None
        if score is not None:
            here = f"{100 * score:.2f}"
        elif short(name) not in map(short, offered):
            here = "not run: this app does not have the model"
        elif not stsb:
            here = "not run: the STS Benchmark is not on this machine"
        else:
            here = f"not run: choose {short(name)} and the STS Benchmark"
        rows.append((short(name), get_strategy(strategy).label, layer_title(layer, 0), f"{published:.2f}", here))
    return pd.DataFrame(rows, columns=["model", "pooling", "layer", "published", "here"])
