"""Cosine, dot product and vectors of length 1."""

from functools import partial

from pooling.charts.similarity import similarity_heatmap
from pooling.datasets import sample_sets
from pooling.encoders import Encoder
from pooling.lessons import Picture, Rows, Shown, TryIt, lesson
from pooling.notices.similarity import about_orders
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

Here are six texts, two of one word and four long ones. From each text, all pairs of other texts are put in an order,
the nearer one first. Cosine and dot product disagree on some of these orders.
""",
    question="Now every embedding is normalised. On how many orders do cosine and dot product still disagree?",
    choices={
        "all": "On as many as before.",
        "some": "On fewer, but on some.",
        "none": "On none.",
    },
    right="none",
    reading=[("Is Cosine-Similarity of Embeddings Really About Similarity?", "https://arxiv.org/abs/2403.05440")],
)
def normalise(encoder: Encoder) -> Shown:
    """Who is nearest by each measure, before normalising and after."""
    vectors = get_strategy("mean")(encoder.encode(SET.sentences)).embedding
    before, after = (order_table(vectors, normalise=on) for on in (False, True))
    swaps = {metric: clearest_swap(vectors, metric) for metric in ("dot", "euclidean")}
    disagree = [int(table["dot swaps"].sum()) for table in (before, after)]
    measure = Measure("dot")
    matrix = matrix_table(compare(vectors, vectors, measure))
    low, high = before["length"].min(), before["length"].max()
    return Shown(
        answer="none" if not disagree[1] else "some" if disagree[1] < disagree[0] else "all",
        parts=(
            Rows(before, f"As they are. {about_orders(before, False, swaps)}"),
            Rows(after, f"Normalised. {about_orders(after, True, swaps)}"),
            Picture(
                partial(similarity_heatmap, matrix, SET.sentences, measure),
                matrix.reset_index(),
                "The dot products before normalising: the diagonal is each length, squared.",
            ),
        ),
        because=(
            f"Before, the lengths run from {number(low)} to {number(high)}, and {disagree[0]} orders differ between "
            f"cosine and dot product. With length 1 for all, the dot product is the cosine, and {disagree[1]} differ."
        ),
        try_it=TryIt(
            "Switch L2-normalise on and off, and compare the orders.",
            "similarity",
            {"set": SET.name, "metric": "dot", "strategy": "mean"},
        ),
    )
