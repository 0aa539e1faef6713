"""What lies between mean and max."""

from functools import partial

import torch

from pooling.charts.evaluation import intervals
from pooling.datasets import own_pairs
from pooling.encoders import Encoder
from pooling.evaluation import Grid, distinct_texts, layer_places, pair_cosines, score_grid
from pooling.lessons import SCORED, Shown, Task, lesson
from pooling.pictures import Picture
from pooling.registry import get_strategy
from pooling.tables import points
from pooling.tables.evaluation import leaderboard_table

STEPS = {f"τ = {tau:g}": tau for tau in (0.2, 0.5, 1.0, 2.0, 5.0, 20.0)}
ENDS = {"Max": "max", "Mean": "mean"}
CLEAR = 0.1
"""Points; a score that is nearer to an end than this does not lie beyond it."""


@lesson(
    order=45,
    title="Between mean and max",
    ground=f"""
**Max** pooling takes the largest number of each dimension and forgets the rest. **Mean** takes all of them alike.
**Smooth max** stands in between: in each dimension, the larger a token's number is, the more weight it gets. How much
more is set by a knob, **τ** (tau). With τ near 0 the largest gets all the weight, which is max. With a large τ all get
the same, which is the mean.

{SCORED}
""",
    question="We turn τ from max to mean. What does the score do on the way?",
    choices={
        "steady": "It goes evenly from max's score to mean's.",
        "between": "It is highest somewhere in between.",
        "dip": "It is lowest somewhere in between: half of each is neither.",
    },
    right="between",
    wrong={
        "steady": (
            "The weights go from one end to the other in small steps, and so it may seem that the score does. But "
            "weights in between say something that neither end says, and nothing holds their score between the two."
        ),
        "dip": (
            "Halfway houses are often worse than either house. But this is no mixture of two embeddings: large "
            "numbers count more, as under max, and no token is thrown away, as under mean."
        ),
    },
    task=Task(
        "playground", "Move τ in the sidebar from 0.02 to 50, and watch one winner a column become equal shares."
    ),
    reading=[("Adaptive pooling operators: between mean and max", "https://arxiv.org/abs/1804.10070")],
)
def between(encoder: Encoder) -> Shown:
    """The score of smooth max at some τ, with max and mean at its ends."""
    pairs, layer, smooth = own_pairs(), encoder.layers, get_strategy("smooth_max")
    texts = distinct_texts(pairs)
    made = {name: torch.empty(len(texts), encoder.dim) for name in ("Max", *STEPS, "Mean")}
    for indices, states in encoder.stream(texts, layer=layer):
        for name, vectors in made.items():
            settings = {"temperature": STEPS[name]} if name in STEPS else {}
            pool = smooth if name in STEPS else get_strategy(ENDS[name])
            vectors[indices] = pool(states, **settings).embedding.cpu()
    grid = Grid({(layer, name): pair_cosines(pairs, texts, vectors) for name, vectors in made.items()})
    scores = score_grid(pairs, grid, list(grid.vectors))
    table = leaderboard_table(layer_places(scores, grid, layer, list(made)), labels={name: name for name in made})
    table = table.set_index("name").loc[list(made)].reset_index()
    table["name"] = [ENDS.get(name, "smooth_max") for name in made]
    score = table.set_index("label")["score"]
    inside, outside = score[list(STEPS)], score[list(ENDS)]
    best, worst = inside.idxmax(), inside.idxmin()
    lead = {name: [100 * end for end in scores.compared.lead((layer, best), (layer, name))] for name in ENDS}
    sure = "more than chance can make" if lead["Mean"][1] > 0 else "no more than chance can make"
    return Shown(
        answer=(
            "between"
            if inside[best] > outside.max() + CLEAR
            else "dip"
            if inside[worst] < outside.min() - CLEAR
            else "steady"
        ),
        parts=(
            Picture(
                partial(intervals, table, "score", "low", "high", title="Spearman × 100"),
                table,
                f"From max at the top to mean at the bottom. On these {len(pairs)} pairs the score is highest at "
                f"{best}, {points(lead['Max'][0])} points above max and {points(lead['Mean'][0])} above mean.",
            ),
        ),
        because=(
            f"At {best} smooth max scores {points(inside[best])}, max {points(outside['Max'])} and mean "
            f"{points(outside['Mean'])}. Its lead over mean has the 95% interval "
            f"{points(lead['Mean'][1], signed=True)} to {points(lead['Mean'][2], signed=True)}, {sure}: a knob that is "
            "turned until the score is best has to be tried on other pairs."
        ),
        start={"strategy": "smooth_max"},
    )
