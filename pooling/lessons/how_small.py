"""How small an embedding may be."""

import pandas as pd

from pooling import embed
from pooling.datasets import own_topics
from pooling.encoders import Encoder
from pooling.lessons import Rows, Shown, Task, lesson
from pooling.sizes import NEAREST, Way, measure_labels
from pooling.tables import points

DIM = 384
COMPARED = {
    "first": Way("first", 96, "float32"),
    "bytes": Way("", DIM, "int8"),
    "bits": Way("", DIM, "binary"),
    "whole": Way("", DIM, "float32"),
}
LEVEL = 0.3
"""Neighbours of ten by which two ways may differ and still be called the same."""


@lesson(
    order=130,
    title="How small may it be?",
    ground=f"""
An embedding of {DIM} numbers in **float32**, four bytes each, takes {4 * DIM:,} bytes. A million of them fill
1.5 gigabytes, and there are two ways to a quarter of that. Keep the first 96 **dimensions** as they are and drop the
others; or keep all {DIM} and round each number to one of 256 values, which is one byte (**int8**).

all-MiniLM-L6-v2 was never trained to put what matters into its first dimensions. We look for the ten nearest of some
short texts, and count how many of the ten that whole vectors find are found again.
""",
    question="Both take 384 bytes a text: which keeps more of the neighbours?",
    choices={
        "first": "The first 96 dimensions, unrounded: what is kept is exact.",
        "same": "They keep the same: the same bytes hold the same.",
        "bytes": f"All {DIM} dimensions, one byte each.",
    },
    right="bytes",
    wrong={
        "first": (
            "A number that is not rounded is exact, and that sounds better than one of 256 values. But three of four "
            "numbers are dropped for it, and what they said of a text is gone altogether."
        ),
        "same": (
            "Bytes are what the disk counts. What a byte says depends on what it is spent on: here on the last digits "
            "of few numbers, or on the first digits of all."
        ),
    },
    task=Task("size", "Ask for nine of ten neighbours, then for five, and see how small a vector may be each time."),
    reading=[
        ("Matryoshka Representation Learning", "https://arxiv.org/abs/2205.13147"),
        ("Product quantization for nearest neighbor search", "https://doi.org/10.1109/TPAMI.2010.57"),
    ],
)
def how_small(encoder: Encoder) -> Shown:
    """Neighbours kept in a quarter of the bytes, and in a 32nd."""
    texts, labels = own_topics()
    vectors = embed(texts, encoder, "mean")["mean"]
    # The ranges of the bytes are fitted on every other text, and the neighbours are those of the rest.
    found = measure_labels(texts[::2], labels[::2], vectors[::2], vectors[1::2])
    kept = {name: NEAREST * found.stored[way.name].kept for name, way in COMPARED.items()}
    rows = [(way.label, found.stored[way.name].bytes, points(kept[name])) for name, way in COMPARED.items()]
    table = pd.DataFrame(rows, columns=["stored as", "bytes a text", f"kept of {NEAREST} neighbours"])
    ahead = kept["bytes"] - kept["first"]
    return Shown(
        answer="same" if abs(ahead) < LEVEL else "bytes" if ahead > 0 else "first",
        parts=(
            Rows(
                table,
                f"All {DIM} dimensions in one bit each, of which nothing but the sign is left, keep "
                f"{points(kept['bits'])} of {NEAREST} in {found.stored[COMPARED['bits'].name].bytes} bytes.",
            ),
        ),
        because=(
            f"One byte a number keeps {points(kept['bytes'])} of {NEAREST} neighbours, the first 96 dimensions "
            f"{points(kept['first'])}. Rounding takes a little from every number, and dropping "
            "takes three of four whole."
        ),
        start={"stored-for": "topics"},
    )
