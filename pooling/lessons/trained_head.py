"""A trained attention head, and where it loses."""

from functools import partial

import numpy as np
import pandas as pd

from pooling.attention_heads import layers_with_head
from pooling.catalogue import DEFAULT
from pooling.charts.attention import head_scores
from pooling.datasets import own_pairs
from pooling.encoders import Encoder
from pooling.evaluation import Grid, rank_gaps, spearman
from pooling.lessons import SCORED, Rows, Shown, Task, lesson
from pooling.notices.attention import about_heads
from pooling.pictures import Picture
from pooling.tables import number
from pooling.tables.attention import heads_table
from pooling.tables.evaluation import KINDS

LAYER = 4


@lesson(
    order=90,
    title="A trained attention head",
    ground=f"""
**Attention pooling** puts a small trained **head** on top of the model. It scores every token, and the scores become
weights. This head learned from the pairs of the STS Benchmark, a public data set. It has never seen the pairs of this
project. Here it works at layer {LAYER}, whose output no tuning asked for, and over all pairs it beats the mean clearly.

{SCORED} The pairs are of several kinds. A **negation** is a sentence and its denial. A **paraphrase** says the same in
other words.
""",
    question="Is there a kind of pair on which this head does clearly worse than the mean?",
    choices={
        "paraphrase": "Yes, paraphrases",
        "negation": "Yes, negations",
        "unrelated": "Yes, unrelated pairs",
        "none": "No: it is as good or better on every kind.",
    },
    right="negation",
    wrong={
        "paraphrase": (
            "Paraphrases share few words, and a head that picks words might seem lost there. The table below "
            "says how far off both are: it is not where this head loses clearly."
        ),
        "unrelated": (
            "A head that listens to few words might find likeness where there is none. The table below says how "
            "far off both are: it is not where this head loses clearly."
        ),
        "none": (
            "It is better over all pairs, and one expects that to hold for each kind. But an average hides its "
            "parts: gains on most kinds can pay for a loss on one."
        ),
    },
    task=Task("attention", "See which tokens this head listens to, then train one of your own."),
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
    clearly = " and ".join(KINDS[kind] for kind in lost.index[worse > 1]) or "no kind"
    here = heads[(heads["data"] == "own") & (heads["layer"] == LAYER)].iloc[0]
    last = heads[(heads["data"] == "own") & (heads["layer"] == max(layers_with_head(encoder.name)))].iloc[0]
    misses = lost.rename(index=KINDS, columns={"mean": "mean, % off", "attention": "head, % off"})
    misses = misses.assign(difference=worse.to_numpy()).sort_values("difference").reset_index(names="kind of pair")
    return Shown(
        answer=far if worse[far] > 1 else "none",
        parts=(
            Rows(
                misses,
                "How far each ranks a kind of pair from where its score ranks it, in % of all places: 0 is right. "
                f"The head is clearly further off, by more than 1%, on {clearly}.",
            ),
            Picture(partial(head_scores, heads), heads, about_heads(heads)),
        ),
        because=(
            f"Over all pairs the head changes the score by {number(here['gain'], signed=True)} points at layer "
            f"{LAYER}, but on {KINDS[far]} it is {number(worse[far])}% of all places further off than the mean. At "
            f"layer {last['layer']}, which was tuned for the mean, a head scores {last['attention']:.2f} and the mean "
            f"{last['mean']:.2f}: who calls a head better must say on what."
        ),
        start={"layer": str(LAYER), "strategy": "attention", "set": "negation"},
    )
