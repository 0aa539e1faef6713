"""Three tokens with four numbers each, pooled entirely by hand."""

from functools import partial

import torch

from pooling.charts.playground import collapse_heatmap
from pooling.lessons import Part, Shown, Sum, Task, lesson
from pooling.notices.playground import about_collapse
from pooling.pictures import Picture
from pooling.registry import get_strategy
from pooling.tables import token_table
from pooling.tables.playground import collapse_table, one_dimension_table, winner_table, worked_formula
from pooling.types import TokenStates

TOKENS = ("birds", "sing", "loudly")
HIDDEN = [[1.0, -4.0, 2.0, 0.0], [3.0, -2.0, 0.0, 0.0], [2.0, -6.0, -5.0, 3.0]]
ASKED = 1
CHOICES = {
    "right": "mean −4, max −2",
    "size": "mean −4, max −6",
    "zero": "mean −4, max 0",
    "sum": "mean −12, max −2",
}


@lesson(
    order=10,
    title="By hand",
    ground="""
A model splits a text into **tokens**: words, or pieces of words. It turns each token into a row of numbers, the
token's **hidden state**. Each column is called a **dimension**. A real model has hundreds of them. This one has four,
numbered from 0.

| token | 0 | 1 | 2 | 3 |
|---|--:|--:|--:|--:|
| birds | 1 | −4 | 2 | 0 |
| sing | 3 | −2 | 0 | 0 |
| loudly | 2 | −6 | −5 | 3 |

**Pooling** makes one row out of these three: the text's **embedding**. **Mean** pooling averages each column.
**Max** pooling takes the largest number of each column.
""",
    question="What do mean and max pooling make of dimension 1, which holds −4, −2 and −6?",
    choices=CHOICES,
    right="right",
    wrong={
        "size": (
            "−6 is the largest in size, and you may have looked for the strongest number. Max compares with the "
            "sign: on the number line, −2 lies furthest to the right."
        ),
        "zero": (
            "Nothing negative seems to count as large, so 0 may have looked like the least that max can give. "
            "But max only takes what is there, and no token holds a 0 in dimension 1."
        ),
        "sum": (
            "−12 is the sum: the first half of a mean. The second half divides by the number of tokens, so that "
            "a text does not get larger numbers just because it has more tokens."
        ),
    },
    task=Task(
        "playground",
        "Do the same with a real model's numbers: point at a column of the picture, or tap it, and its number is "
        "worked out.",
    ),
    reading=[("Sentence-BERT: three ways of pooling compared", "https://arxiv.org/abs/1908.10084")],
    models=(),
)
def by_hand() -> Shown:
    """Every number of two embeddings, written out."""
    every = torch.ones(1, len(TOKENS), dtype=torch.bool)
    states = TokenStates(torch.tensor([HIDDEN]), every, ~every, (TOKENS,))
    parts: list[Part] = []
    made = {}
    for name in ("mean", "max"):
        strategy, dims = get_strategy(name), range(len(HIDDEN[0]))
        pooled = strategy(states)
        made[name] = pooled.embedding[0].tolist()
        matrix, winners = collapse_table(states, pooled, dims), winner_table(pooled, dims)
        sums = [worked_formula(strategy, one_dimension_table(states, pooled, d), d, made[name][d]) for d in dims]
        parts += [
            Picture(
                partial(collapse_heatmap, matrix, token_table(states, pooled), winners, dimension=ASKED),
                matrix.reset_index(),
                f"{strategy.label} pooling: {about_collapse(matrix, pooled)}",
            ),
            Sum(f"{strategy.label}, every dimension by hand", tuple(sums)),
        ]
    column = [row[ASKED] for row in HIDDEN]
    mean, most, total = (f"{v:g}".replace("-", "−") for v in (made["mean"][ASKED], made["max"][ASKED], sum(column)))
    written = {text: name for name, text in CHOICES.items()}
    return Shown(
        answer=written[f"mean {mean}, max {most}"],
        parts=tuple(parts),
        because=(
            f"Mean adds the column up to {total} and divides by the {len(TOKENS)} tokens, which makes "
            f"{mean}. Max takes the largest number, and that is {most}: of negative numbers, the one "
            "nearest to zero."
        ),
        start={"strategy": "max", "dimension": "7"},
    )
