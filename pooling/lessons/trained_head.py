"""A trained attention head, and where it loses."""

from functools import partial

import numpy as np
import pandas as pd

from pooling.catalogue import DEFAULT
from pooling.charts.attention import head_scores
from pooling.charts.evaluation import kind_bars
from pooling.datasets import own_pairs
from pooling.encoders import Encoder
from pooling.evaluation import Grid, rank_gaps, spearman
from pooling.lessons import SCORED, Picture, Shown, TryIt, lesson
from pooling.modules import layers_with_head
from pooling.notices.attention import about_heads
from pooling.tables import number
from pooling.tables.attention import heads_table
from pooling.tables.evaluation import KINDS, kind_table

LAYER = 4


@lesson(
    order=90,
    title="A trained attention head",
    ground=f"""
**Attention pooling** puts a small trained **head** on top of the model. It scores every token, and the scores become
weights. This head learned from the pairs of the STS Benchmark, a public data set. It has never seen the pairs of this
project. Here it works at layer {LAYER}, which nobody tuned, and over all pairs it beats the mean clearly.

{SCORED} The pairs are of several kinds. A **negation** is a sentence and its denial. A **paraphrase** says the same in
other words.
""",
    question="On one kind of pair the head does clearly worse than the mean. On which?",
    choices={
        "paraphrase": "Paraphrases",
        "negation": "Negations",
        "unrelated": "Unrelated pairs",
        "none": "None: a trained head is better on every kind.",
    },
    right="negation",
    reading=[("A Structured Self-attentive Sentence Embedding", "https://arxiv.org/abs/1703.03130")],
    models=(DEFAULT,),
    pairs=True,
)
def trained_head(encoder: Encoder, cosines: Grid) -> Shown:
    """The head against the mean, over all pairs and by kind."""
    pairs = own_pairs()
    heads = heads_table(encoder.name)
    for i, row in heads[heads["data"] == "own"].iterrows():
        for name in ("mean", "attention"):
            heads.loc[i, name] = 100 * (spearman(cosines.vectors[row["layer"], name], pairs) or 0.0)
    heads["gain"] = (heads["attention"] - heads["mean"]).round(2)
    lost = pd.DataFrame(
        {name: np.abs(100 * rank_gaps(cosines.vectors[LAYER, name], pairs)) for name in ("mean", "attention")}
    )
    lost = lost.groupby([p.kind for p in pairs]).mean()
    worse = lost["attention"] - lost["mean"]
    far = worse.idxmax()
    here = heads[(heads["data"] == "own") & (heads["layer"] == LAYER)].iloc[0]
    last = heads[(heads["data"] == "own") & (heads["layer"] == max(layers_with_head(encoder.name)))].iloc[0]
    kinds = kind_table(pairs, cosines.vectors[LAYER, "attention"])
    return Shown(
        answer=far if worse[far] > 1 else "none",
        parts=(
            Picture(
                partial(kind_bars, kinds),
                kinds,
                f"How far the head at layer {LAYER} ranks each kind too high or too low: the mean gap, in % of all "
                f"places. On {KINDS[far]}, the head misses by {number(lost.loc[far, 'attention'])}% of all places, the "
                f"mean by {number(lost.loc[far, 'mean'])}%.",
            ),
            Picture(partial(head_scores, heads), heads, about_heads(heads)),
        ),
        because=(
            f"Over all pairs the head changes the score by {number(here['gain'], signed=True)} points at layer "
            f"{LAYER}, but on {KINDS[far]} it is {number(worse[far])}% of all places further off than the mean. At "
            f"layer {last['layer']}, which was tuned for the mean, a head makes {f'{last["gain"]:+.2f}'.replace('-', '−')} "
            "points: who calls a head better must say on what."
        ),
        try_it=TryIt(
            "See which tokens this head listens to, then train one of your own.",
            "attention",
            {"layer": str(LAYER), "strategy": "attention", "set": "negation"},
        ),
    )
