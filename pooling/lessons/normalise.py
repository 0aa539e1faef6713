"""Cosine, dot product and vectors of length 1."""

from functools import partial

import pandas as pd

from pooling.charts.similarity import similarity_heatmap
from pooling.datasets import sample_sets
from pooling.encoders import Encoder
from pooling.lessons import Rows, Shown, Task, lesson
from pooling.notices.similarity import about_orders
from pooling.pictures import Picture
from pooling.registry import get_strategy
from pooling.similarity import Measure, compare
from pooling.tables import number
from pooling.tables.similarity import clearest_swap, matrix_table, order_table

SET = next(one for one in sample_sets() if one.name == "short_and_long")


@lesson(
    order=100,
    title="Cosine, dot product, length",
    ground="""
Two embeddings are compared by one number. The **dot product** multiplies them dimension by dimension and adds up; it
grows when a vector gets longer. The **cosine** divides it by both lengths, so that only the direction counts.
**Normalising** scales a vector to length 1.

Here are six texts, two of one word and four long ones. For each of them we look for the nearest of the others, once by
cosine and once by dot product. For some of the six the two disagree.
""",
    question="Now every embedding is normalised. For how many of the six do they still disagree?",
    choices={
        "all": "For as many as before.",
        "some": "For fewer, but for some.",
        "none": "For none.",
    },
    right="none",
    wrong={
        "all": (
            "The two disagree because the dot product favours long vectors. Once all have length 1, there is no "
            "longer one to favour."
        ),
        "some": (
            "It would be so if normalising only brought the lengths nearer to each other. It makes them equal, "
            "and a cosine then divides by 1."
        ),
    },
    task=Task("similarity", "Switch L2-normalise on and off, and compare the orders."),
    reading=[("Is Cosine-Similarity of Embeddings Really About Similarity?", "https://arxiv.org/abs/2403.05440")],
)
def normalise(encoder: Encoder) -> Shown:
    """Who is nearest by each measure, before normalising and after."""
    vectors = get_strategy("mean")(encoder.encode(SET.sentences)).embedding
    before, after = (order_table(vectors, normalise=on) for on in (False, True))
    table = pd.DataFrame(
        {
            "text": before["sentence"],
            "length": before["length"],
            "nearest by cosine": before["cosine"],
            "by dot product": before["dot"],
            "by dot product, normalised": after["dot"],
        }
    )
    apart = [int((one["cosine"] != one["dot"]).sum()) for one in (before, after)]
    swaps = {metric: clearest_swap(vectors, metric) for metric in ("dot", "euclidean")}
    measure = Measure("dot")
    matrix = matrix_table(compare(vectors, vectors, measure))
    low, high = before["length"].min(), before["length"].max()
    return Shown(
        answer="none" if not apart[1] else "some" if apart[1] < apart[0] else "all",
        parts=(
            Rows(table, about_orders(before, False, swaps)),
            Picture(
                partial(similarity_heatmap, matrix, SET.sentences, measure),
                matrix.reset_index(),
                "The dot products before normalising. The diagonal is each length, squared: a long vector has "
                "large dot products with many.",
            ),
        ),
        because=(
            f"Before, the lengths run from {number(low)} to {number(high)}, and cosine and dot product disagree for "
            f"{apart[0]} of {len(table)} texts. With length 1 for all, dot product is cosine, and they disagree "
            f"for {apart[1]}."
        ),
        start={"set": SET.name, "metric": "dot", "strategy": "mean"},
    )
