"""How to pool a decoder that no tuning made."""

from functools import partial

from pooling.catalogue import CAUSAL_TWIN
from pooling.charts.evaluation import intervals
from pooling.datasets import own_pairs
from pooling.encoders import Encoder
from pooling.evaluation import Grid
from pooling.lessons import SCORED, Shown, Task, lesson
from pooling.notices.evaluation import about_leaderboard
from pooling.pictures import Picture
from pooling.tables import number
from pooling.tables.evaluation import layer_leaderboard

NAMES = ("mean", "last_token", "weighted_mean", "max")


@lesson(
    order=70,
    title="Pooling a decoder",
    ground=f"""
In a **decoder** each token has read only what stands before it. The first tokens know almost nothing of the text, the
last one has read all of it. **Mean** gives them all the same weight. **Weighted mean** lets later tokens count more:
the second twice as much as the first, the third three times. **Last token** keeps the last row alone.

The decoder here was an encoder: it was tuned while every token could read the whole text, and now its tokens look back
only. No tuning asked for what comes out that way.

{SCORED}
""",
    question="Which of the three ranks the pairs most nearly as the scores do?",
    choices={
        "mean": "Mean: no token is left out.",
        "weighted_mean": "Weighted mean: all tokens, the later ones more.",
        "last_token": "Last token: it alone has read everything.",
    },
    right="weighted_mean",
    wrong={
        "mean": (
            "To leave nothing out sounds fair. But the first tokens have read almost nothing, and in the mean "
            "they count as much as those that have read everything."
        ),
        "last_token": (
            "It has read everything, and you may have taken that for a summary. But no training asked this row "
            "to stand for the whole text."
        ),
    },
    task=Task("evaluation", "Look at every layer, and see where the last token is far behind."),
    reading=[("SGPT: the position-weighted mean", "https://arxiv.org/abs/2202.08904")],
    models=(CAUSAL_TWIN,),
    pairs=True,
)
def later_tokens(decoder: Encoder, cosines: Grid) -> Shown:
    """Three ways to pool a decoder, and max beside them."""
    table = layer_leaderboard(own_pairs(), cosines, decoder.layers, NAMES)
    score = table.set_index("name")["score"].map(number)
    asked = table[table["name"] != "max"]
    return Shown(
        answer=asked.iloc[0]["name"],
        parts=(
            Picture(
                partial(intervals, table, "score", "low", "high", title="Spearman × 100"),
                table,
                about_leaderboard(table, len(own_pairs()), "pairs"),
            ),
        ),
        because=(
            f"Weighted mean scores {score['weighted_mean']}, last token {score['last_token']}, mean {score['mean']}. "
            "Tokens that have read more say more, but one token alone, never asked to sum up, throws the others away."
        ),
        start={"model": decoder.name, "strategy": "weighted_mean"},
    )
