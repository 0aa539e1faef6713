"""What these poolings miss, and what a weight can do about it."""

from functools import partial

import pandas as pd

from pooling.charts.learn import growing
from pooling.datasets import sample_sets
from pooling.encoders import Encoder
from pooling.lessons import Rows, Shown, Task, lesson
from pooling.pictures import Picture
from pooling.registry import get_strategy
from pooling.similarity import Measure, compare
from pooling.tables import number
from pooling.types import TokenStates

SET = next(one for one in sample_sets() if one.name == "negation")
TEXTS = SET.sentences[:3]
NAMES = ("mean", "max", "cls")
TIMES = (1, 2, 3, 4, 5, 6, 7, 8, 9)
"""How much the word that denies is made to count, of what each other token does."""
ASKED = 5
ACROSS = "times the weight of another token"
LINES = {"mean": "sentence 1 and its denial", "paraphrase": "sentence 1 and its paraphrase"}
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
    wrong={
        "mean": (
            "Under mean each token has its say, and so has “not”. But it is one say among many, and all the "
            "others come from words that both sentences share."
        ),
        "max": (
            "Under max one token can win many dimensions, and you may have hoped that “not” does. Here the "
            "words that both sentences share win most of them."
        ),
        "cls": (
            "[CLS] has read the whole sentence, and could keep apart what one word turns around. In this model "
            "it does not: it has read the shared words too."
        ),
    },
    task=Task(
        "playground",
        "Drag the weight of “not” up in the picture, and watch the cosine to sentence 1 fall.",
        of=SET.name,
    ),
    reading=[("What BERT is not: negation and other tests", "https://arxiv.org/abs/1907.13528")],
)
def negation(encoder: Encoder) -> Shown:
    """The cosine of a sentence to its denial and to its paraphrase, under three strategies."""
    states = encoder.encode(TEXTS)
    rows = []
    for name in NAMES:
        strategy = get_strategy(name)
        vectors = strategy(states).embedding
        scores = compare(vectors, vectors, MEASURE)
        rows.append((name, strategy.label, scores[0, 1].item(), scores[0, 2].item()))
    table = pd.DataFrame(rows, columns=["name", "pooling", "cosine to its denial", "cosine to its paraphrase"])
    ahead = table["cosine to its paraphrase"] - table["cosine to its denial"]
    nearest, nearer = table.loc[ahead.idxmax()], int((ahead < 0).sum())
    denial, paraphrase = (number(nearest[column]) for column in table.columns[2:])
    mean_denial, mean_paraphrase = rows[0][2:]
    raised = pd.DataFrame({ACROSS: TIMES, "mean": [_raised(states, times) for times in TIMES]})
    raised["paraphrase"] = mean_paraphrase
    below = raised.loc[raised["mean"] < mean_paraphrase, ACROSS].min()
    then = raised.set_index(ACROSS)["mean"][ASKED]
    return Shown(
        answer=nearest["name"] if ahead.max() > 0 else "none",
        parts=(
            Rows(
                table.drop(columns="name"), f"The denial is nearer than the paraphrase under {nearer} of {len(rows)}."
            ),
            Picture(
                partial(growing, raised, LINES, ACROSS, "cosine to sentence 1"),
                raised.rename(columns=LINES),
                "The mean of the second sentence, with more and more weight on its “not”. "
                + (
                    "However much of it there is, the denial stays nearer than the paraphrase."
                    if pd.isna(below)
                    else f"From {below:.0f} times the weight of another token on, the denial lies further away than "
                    "the paraphrase."
                ),
            ),
        ),
        because=(
            f"Under {nearest['pooling']}, which comes closest, the denial has cosine {denial} and the paraphrase "
            f"{paraphrase}. In the mean “not” is one token among many: with {ASKED} times the weight of every other "
            f"token it takes the cosine to the denial from {number(mean_denial)} to {number(then)}, "
            f"{'below' if then < mean_paraphrase else 'still not below'} the paraphrase's {number(mean_paraphrase)}; "
            "but none of these poolings knows which word denies."
        ),
        start={"set": SET.name, "sentence": "2", "strategy": "mean"},
    )


def _raised(states: TokenStates, times: int) -> float:
    """The cosine of the first text's mean to the second's, in which the token “not” counts some times as much."""
    weights = get_strategy("mean")(states).weights.clone()
    weights[1, states.tokens[1].index("not")] *= times
    vectors = (weights * states.hidden).sum(dim=1)
    return compare(vectors[:1], vectors[1:2], MEASURE).item()
