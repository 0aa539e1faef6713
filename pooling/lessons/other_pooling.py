"""Trained with one pooling, used with another."""

from functools import partial

from pooling.charts.evaluation import intervals
from pooling.datasets import own_pairs
from pooling.encoders import Encoder
from pooling.evaluation import Grid
from pooling.lessons import SCORED, Shown, Task, lesson
from pooling.notices.evaluation import about_cost
from pooling.pictures import Picture
from pooling.registry import get_strategy
from pooling.tables import number
from pooling.tables.evaluation import cost_table, score_layer

NAMES = ("cls", "mean", "max", "last_token")


@lesson(
    order=110,
    title="Not as it was trained",
    ground=f"""
all-MiniLM-L6-v2 was **tuned** for sentences with **mean** pooling of its last layer: in training, that mean was what
had to be right. You are free to take the same hidden states and pool them otherwise, with CLS, max or the last token.
Nothing fails, and every similarity still looks plausible.

{SCORED}
""",
    question="How many points of Spearman × 100 does the worst of these three cost, against the mean?",
    choices={
        "nothing": "Less than a point: all tokens of the last layer say the same.",
        "some": "One point to five points.",
        "much": "More than five points.",
    },
    right="some",
    wrong={
        "nothing": (
            "Each token has read all the others, so they might all say the same. But training asked for the "
            "right mean, and never that each row be right by itself."
        ),
        "much": (
            "The wrong pooling sounds like the wrong model. But the rows of the last layer have all read the "
            "same text, and share much of what they say."
        ),
    },
    task=Task("evaluation", "Move the layer away from the last one, and watch what the other poolings cost there."),
    reading=[("Sentence-BERT: poolings compared after tuning", "https://arxiv.org/abs/1908.10084")],
    pairs=True,
)
def other_pooling(encoder: Encoder, cosines: Grid) -> Shown:
    """The cost of each pooling that the model was not tuned with."""
    own = encoder.layers, "mean"
    scores = score_layer(own_pairs(), cosines, encoder.layers, NAMES)
    table = cost_table(scores, own, encoder.layers)
    worst, mildest = table.iloc[-1], table.iloc[0]
    return Shown(
        answer="nothing" if worst["cost"] < 1 else "some" if worst["cost"] <= 5 else "much",
        parts=(
            Picture(
                partial(intervals, table, "cost", "low", "high", title="points that it costs, 95% interval", zero=True),
                table,
                about_cost(table, get_strategy("mean").label),
            ),
        ),
        because=(
            f"{worst['label']} costs {number(worst['cost'])} points and {mildest['label']} {number(mildest['cost'])}, "
            "and no error tells you. Read in a model's description which pooling it was trained with, "
            "and use that."
        ),
        start={"strategy": worst["name"]},
    )
