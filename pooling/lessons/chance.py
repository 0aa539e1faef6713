"""The best of eight, and what is left of its lead."""

from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import rankdata

from pooling.charts.evaluation import intervals
from pooling.datasets import own_pairs
from pooling.encoders import Encoder, embed
from pooling.evaluation import Grid, distinct_texts, layer_places, pair_cosines, score_grid
from pooling.lessons import SCORED, Shown, Task, lesson
from pooling.pictures import Picture
from pooling.tables import points
from pooling.tables.evaluation import leaderboard_table

LETTERS = "ABCDEFGH"
FEW = 16
TIMES = 300


@lesson(
    order=115,
    title="The best of eight",
    ground=f"""
Here are eight ways to embed a text, A to H. Each takes the mean of the tokens and then keeps half of its dimensions, a
half **drawn by lot**. No half has a reason to be better than another.

We score all eight on the same {FEW} pairs. One of them comes out first, some points ahead of the others. Then all eight
are scored on pairs that were not used so far.

{SCORED}
""",
    question="How much of the winner's lead is left on the other pairs?",
    choices={
        "all": "About all of it: the pairs were drawn by lot as well.",
        "half": "About half of it.",
        "nothing": "Next to nothing.",
    },
    right="nothing",
    wrong={
        "all": (
            "What pairs drawn by lot say of one strategy, other pairs say on average too. But this one was chosen "
            "because it did best on these, and who does best has had luck there that does not come along."
        ),
        "half": (
            "Part luck, part merit: where strategies really differ it is like that. But no half of the dimensions has "
            "a merit of its own here, so that luck is all there was."
        ),
    },
    task=Task("evaluation", "Which leads on this page are more than chance? Hollow dots are behind beyond it."),
    reading=[("The Benchmark Lottery", "https://arxiv.org/abs/2107.07002")],
)
def chance(encoder: Encoder) -> Shown:
    """Eight halves of the same mean on a few pairs, and on the others."""
    pairs, layer = own_pairs("test"), encoder.layers
    texts = distinct_texts(pairs)
    vectors = embed(texts, encoder, ["mean"])["mean"]
    lots = torch.Generator().manual_seed(0)
    kept = {letter: torch.randperm(encoder.dim, generator=lots)[: encoder.dim // 2] for letter in LETTERS}
    cosines = {letter: pair_cosines(pairs, texts, vectors[:, half]) for letter, half in kept.items()}
    values, scores = np.stack([one.numpy() for one in cosines.values()]), np.array([p.score for p in pairs])
    random = np.random.default_rng(0)
    orders = [random.permutation(len(pairs)) for _ in range(TIMES)]
    few, rest = (
        np.stack([100 * _spearman(values[:, some], scores[some]) for some in parts])
        for parts in ([one[:FEW] for one in orders], [one[FEW:] for one in orders])
    )
    best = few.argmax(axis=1)
    leads = [(one[np.arange(TIMES), best] - one.mean(axis=1)).mean() for one in (few, rest)]
    again = 100 * np.mean(best == rest.argmax(axis=1))
    first = [pairs[i] for i in orders[0][:FEW]]
    grid = Grid({(layer, letter): one[orders[0][:FEW].copy()] for letter, one in cosines.items()})
    places = layer_places(score_grid(first, grid, list(grid.vectors)), grid, layer, list(LETTERS))
    table = leaderboard_table(places, labels={letter: letter for letter in LETTERS})
    table["others"] = [rest[0][LETTERS.index(letter)] for letter in table["name"]]
    winner, behind = table.iloc[0], int((table["others"] > table["others"].iloc[0]).sum())
    apart = int((table["verdict"] == "worse").sum())
    table["name"] = "mean"
    return Shown(
        answer="nothing" if leads[1] < 0.2 * leads[0] else "half" if leads[1] < 0.75 * leads[0] else "all",
        parts=(
            Picture(
                partial(intervals, table, "score", "low", "high", title=f"Spearman × 100 on {FEW} pairs, 95% interval"),
                table,
                f"The first draw of {FEW} pairs: {winner['label']} leads the last one by "
                f"{points(winner['score'] - table['score'].iloc[-1])} points. On the other {len(pairs) - FEW} pairs, "
                f"{behind} of the other seven score higher than it. The intervals hold for all eight at once and tell "
                f"{apart or 'none'} of them from the best.",
            ),
        ),
        because=(
            f"In {TIMES} draws of {FEW} pairs the winner stands {points(leads[0])} points above the mean of the eight, "
            f"and on the other pairs {points(abs(leads[1]))} {'above' if leads[1] > 0 else 'below'} it; there it is "
            f"first again in {again:.0f}% of draws, where drawing lots would make it {100 / len(LETTERS):.1f}%. Who "
            "tries eight and reports the best score reports luck as well; score the one that was chosen on pairs that "
            "did not choose it."
        ),
        start={"strategy": "mean"},
    )


def _spearman(values: Float[np.ndarray, "name row"], scores: Float[np.ndarray, " row"]) -> Float[np.ndarray, " name"]:
    """Spearman's correlation of each of the values with the scores."""
    ranks, wanted = rankdata(values, axis=1), rankdata(scores)
    ranks, wanted = ranks - ranks.mean(axis=1, keepdims=True), wanted - wanted.mean()
    return ranks @ wanted / np.sqrt((ranks**2).sum(axis=1) * (wanted**2).sum())
