"""The [CLS] of an encoder that was not tuned for sentences."""

from functools import partial

from pooling.catalogue import DEFAULT
from pooling.charts.evaluation import intervals
from pooling.datasets import own_pairs
from pooling.encoders import Encoder
from pooling.evaluation import Grid
from pooling.lessons import SCORED, Shown, Task, lesson
from pooling.notices.evaluation import about_leaderboard
from pooling.pictures import Picture
from pooling.tables import number
from pooling.tables.evaluation import layer_leaderboard

STAND_IN = 4
"""The layer of a tuned model that stands in for an untuned one: no tuning asked for its output."""


@lesson(
    order=30,
    title="The first token",
    ground=f"""
An **encoder** such as BERT puts a token of its own, [CLS], before every text. **CLS** pooling takes that token's row
and forgets all others. In its first training nobody asked [CLS] to sum up a sentence. Later training, called
**tuning**, may ask it to.

A model works in **layers**, one after the other: each writes the rows of all tokens anew. Here we pool a layer whose
rows **no tuning asked for**: the last one of bert-base-uncased where that model is installed, else layer {STAND_IN} of
the 6 of all-MiniLM-L6-v2. Tuning that model changed all its layers, but only what the last one makes was ever pooled.

{SCORED}
""",
    question="Here, which embedding ranks the pairs more nearly as the scores do?",
    choices={
        "cls": "CLS: it is made to stand for the whole text.",
        "same": "Both about the same, within two points.",
        "mean": "Mean: the average of all tokens.",
    },
    right="mean",
    wrong={
        "cls": (
            "Its place before every text makes it look like a summary. Only training can make it one, and here "
            "none has asked for it."
        ),
        "same": (
            "Both have read the whole text, so they might be worth the same. But the mean holds something of "
            "each word for certain, while one row holds what training asked it to hold."
        ),
    },
    task=Task(
        "evaluation", "Move the layer in the sidebar to the last one, which tuning asked for, and see CLS catch up."
    ),
    reading=[
        ("Sentence-BERT: raw BERT makes poor sentence embeddings", "https://arxiv.org/abs/1908.10084"),
        ("On the Sentence Embeddings from Pre-trained Language Models", "https://arxiv.org/abs/2011.05864"),
    ],
    models=(DEFAULT,),
    better="google-bert/bert-base-uncased",
    pairs=True,
)
def raw_cls(encoder: Encoder, cosines: Grid) -> Shown:
    """CLS against mean where no tuning asked for either."""
    layer = encoder.layers if encoder.trained_pooling is None else STAND_IN
    table = layer_leaderboard(own_pairs(), cosines, layer, ("cls", "mean", "max"))
    scores = table.set_index("name")
    ahead = scores.loc["mean", "score"] - scores.loc["cls", "score"]
    return Shown(
        answer="same" if abs(ahead) < 2 else "mean" if ahead > 0 else "cls",
        parts=(
            Picture(
                partial(intervals, table, "score", "low", "high", title="Spearman × 100"),
                table,
                about_leaderboard(table, len(own_pairs()), "pairs"),
            ),
        ),
        because=(
            f"At layer {layer}, mean scores {number(scores.loc['mean', 'score'])} and CLS "
            f"{number(scores.loc['cls', 'score'])}, {number(abs(ahead))} points {'less' if ahead > 0 else 'more'}. "
            "A token that was never asked to sum up a sentence does not do it by itself; the average at least holds "
            "something of every word."
        ),
        start={"model": encoder.name, "layer": str(layer), "strategy": "cls"},
    )
