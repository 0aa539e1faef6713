"""What these poolings miss, and what a weight can do about it."""

from functools import partial

import pandas as pd

from pooling.charts.similarity import colour_scale, strategy_multiples
from pooling.datasets import sample_sets
from pooling.encoders import Encoder
from pooling.lessons import Rows, Shown, Task, lesson
from pooling.pictures import Picture
from pooling.registry import get_strategy
from pooling.similarity import Measure, compare
from pooling.tables import number
from pooling.tables.similarity import matrix_table, strategy_pairs
from pooling.types import TokenStates

SET = next(one for one in sample_sets() if one.name == "negation")
TEXTS = SET.sentences[:3]
NAMES = ("mean", "max", "cls")
TIMES = 5
"""How much the word that denies is made to count, of what each other token does."""
MEASURE = Measure("cosine")


@lesson(
    order=120,
    title="A word that hardly counts",
    ground=f"""
Three sentences:

1. {TEXTS[0]}
2. {TEXTS[1]}
3. {TEXTS[2]}

The first and the third mean nearly the same. The second denies the first. Pooling can only mix what the model has put
into its tokens.
""",
    question="Under which pooling does the first sentence lie nearer to the third than to its denial?",
    choices={
        "mean": "Mean",
        "max": "Max",
        "cls": "CLS",
        "none": "None of these three.",
    },
    right="none",
    task=Task("similarity", "Write a denial of your own, and look for a layer or a strategy that keeps it away."),
    reading=[("What BERT is not: negation and other tests", "https://arxiv.org/abs/1907.13528")],
)
def negation(encoder: Encoder) -> Shown:
    """The cosine of a sentence to its denial and to its paraphrase, under three strategies."""
    states = encoder.encode(TEXTS)
    matrices, rows = {}, []
    for name in NAMES:
        strategy = get_strategy(name)
        vectors = strategy(states).embedding
        scores = compare(vectors, vectors, MEASURE)
        matrices[strategy.label] = matrix_table(scores)
        rows.append((name, strategy.label, scores[0, 1].item(), scores[0, 2].item()))
    table = pd.DataFrame(rows, columns=["name", "pooling", "cosine to its denial", "cosine to its paraphrase"])
    ahead = table["cosine to its paraphrase"] - table["cosine to its denial"]
    nearest = table.loc[ahead.idxmax()]
    denial, paraphrase = (number(nearest[column]) for column in table.columns[2:])
    raised, (mean_denial, mean_paraphrase) = _raised(states), rows[0][2:]
    scale = colour_scale(next(iter(matrices.values())), MEASURE)
    return Shown(
        answer=nearest["name"] if ahead.max() > 0 else "none",
        parts=(
            Rows(table.drop(columns="name"), "The first sentence against the other two."),
            Picture(
                partial(strategy_multiples, matrices, scale, MEASURE),
                strategy_pairs(matrices),
                "Every sentence against every other, on one scale of colours.",
            ),
        ),
        because=(
            f"Under {nearest['pooling']}, which comes closest, the denial has cosine {denial} and the paraphrase "
            f"{paraphrase}: “not” is one token among many. With {TIMES} times the weight of every other token it takes "
            f"the denial's mean from {number(mean_denial)} to {number(raised)}, "
            f"{'below' if raised < mean_paraphrase else 'still not below'} the paraphrase's {number(mean_paraphrase)}; "
            "but none of these poolings knows which word denies."
        ),
        start={"set": SET.name, "strategy": "mean"},
    )


def _raised(states: TokenStates) -> float:
    """The cosine of the first text's mean to the second's, in which the token “not” counts `TIMES` as much."""
    weights = get_strategy("mean")(states).weights.clone()
    weights[1, states.tokens[1].index("not")] *= TIMES
    vectors = (weights * states.hidden).sum(dim=1)
    return compare(vectors[:1], vectors[1:2], MEASURE).item()
