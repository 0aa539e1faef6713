"""Why a cosine of 0.8 may mean nothing."""

from functools import partial

import numpy as np
import pandas as pd

from pooling.charts.learn import spans
from pooling.datasets import own_pairs
from pooling.encoders import Encoder
from pooling.evaluation import Grid
from pooling.lessons import Shown, Task, lesson
from pooling.pictures import Picture
from pooling.registry import get_strategy
from pooling.tables import number

ASKED = 0.8
LAYER = 4
KINDS = {"unrelated": "unrelated", "paraphrase": "same meaning"}


@lesson(
    order=105,
    title="Is 0.8 a lot?",
    ground=f"""
The **cosine** of two embeddings is 1 where they point the same way and 0 where they stand at a right angle. So 1 sounds
like “the same” and 0 like “nothing in common”.

Two sentences have a cosine of {ASKED}. They were pooled by **max**, from layer {LAYER} of the model.
""",
    question="What does this cosine of 0.8 tell about the two sentences?",
    choices={
        "same": "They mean nearly the same: the most there can be is 1.",
        "topic": "They are on the same topic at least.",
        "low": "They are less alike than most sentences that have nothing in common.",
    },
    right="low",
    wrong={
        "same": (
            "0.8 is near 1, that is true. But here everything is near 1: all these embeddings point nearly the same "
            "way, and what tells texts apart is the little that is left."
        ),
        "topic": (
            "That sounds careful, but it still takes 0 for “nothing in common”. All embeddings share a part here, and "
            "each pair has that much cosine for nothing."
        ),
    },
    task=Task(
        "similarity",
        "Look for the spread of unrelated pairs, then switch Centre on: where are they now?",
    ),
    reading=[
        ("How Contextual are Contextualized Word Representations? On anisotropy", "https://arxiv.org/abs/1909.00512"),
        ("Is Cosine-Similarity of Embeddings Really About Similarity?", "https://arxiv.org/abs/2403.05440"),
    ],
    pairs=True,
)
def anisotropy(encoder: Encoder, cosines: Grid) -> Shown:
    """Where unrelated sentences and paraphrases lie, under two poolings at two layers."""
    kinds, last, rows = np.array([p.kind for p in own_pairs()]), encoder.layers, []
    cells = [(layer, name) for layer in (last, LAYER) for name in ("mean", "max")]
    for layer, name in cells:
        values = cosines.vectors[layer, name].numpy()
        for kind, said in KINDS.items():
            some = values[kinds == kind]
            label = f"{get_strategy(name).label}, layer {layer}, {said}"
            rows.append((name, layer, kind, label, len(some), some.min(), np.median(some), some.max()))
    table = pd.DataFrame(rows, columns=["name", "layer", "kind", "label", "pairs", "low", "middle", "high"])
    beyond = {
        (layer, name): int((cosines.vectors[layer, name].numpy()[kinds == "unrelated"] > ASKED).sum())
        for layer, name in cells
    }
    above, count = beyond[LAYER, "max"], int((kinds == "unrelated").sum())
    row = table.set_index(["layer", "name", "kind"])
    here, there = row.loc[(LAYER, "max", "unrelated")], row.loc[(last, "mean", "unrelated")]
    return Shown(
        answer="low" if above > count / 2 else "topic" if above > count / 20 else "same",
        parts=(
            Picture(
                partial(spans, table, ASKED),
                table,
                f"The same sentences in every row: a bar goes from their lowest cosine to their highest, its dot is "
                f"the middle. The dotted line is {ASKED}: "
                + "; ".join(
                    f"under {get_strategy(name).label.lower()} at layer {layer}, {share} of {count} unrelated "
                    "pairs lie above it"
                    for (layer, name), share in beyond.items()
                )
                + ".",
            ),
        ),
        because=(
            f"Under max at layer {LAYER}, {above} of {count} unrelated pairs have a cosine above {ASKED}; they "
            f"lie from {number(here['low'])} to {number(here['high'])}. Under mean at the last layer the same pairs "
            f"lie from {number(there['low'])} to {number(there['high'])}, so a cosine says little until one knows what "
            "unrelated texts have under the same model, layer and pooling."
        ),
        start={"layer": str(LAYER), "strategy": "max"},
    )
