"""Why encoders are pooled by their mean and decoders by their last token."""

from functools import partial

import pandas as pd

from pooling.catalogue import CAUSAL_TWIN, DEFAULT
from pooling.charts.evaluation import intervals
from pooling.datasets import own_pairs
from pooling.encoders import Encoder
from pooling.evaluation import Grid
from pooling.lessons import SCORED, Shown, Task, lesson
from pooling.pictures import Picture
from pooling.tables import points
from pooling.tables.evaluation import layer_leaderboard, score_layer

NAMES = ("mean", "last_token")


@lesson(
    order=65,
    title="Mean or last token?",
    ground=f"""
Many guides say: pool an **encoder** by its **mean**, and a **decoder** by its **last token**. In an encoder every token
has read the whole text. In a decoder each token has read only what stands before it, so the last one alone has read
all of it.

Here is one model twice, the same numbers inside. Once each token looks both ways, as in an encoder; the model was tuned
so, for its mean. Once each token looks back only, as in a decoder.

{SCORED}
""",
    question="Each time, which of the two poolings ranks the pairs more nearly as the scores do?",
    choices={
        "mean": "Mean, both times: the model was tuned for it.",
        "last": "The last token, both times: a text ends there.",
        "flip": "Mean where tokens look both ways, and the last token where they look back only.",
    },
    right="flip",
    wrong={
        "mean": (
            "The model was tuned for the mean, that is true. But it was tuned with tokens that look both ways; once "
            "they look back only, the mean takes rows that have read almost nothing as seriously as the others."
        ),
        "last": (
            "Where a text ends, it may seem to be summed up. But where tokens look both ways the last row has read no "
            "more than any other, and the mean has all of them."
        ),
    },
    task=Task("evaluation", "Go from layer to layer: on which of them does the rule hold for this decoder?"),
    reading=[
        ("Sentence-BERT: the mean of an encoder", "https://arxiv.org/abs/1908.10084"),
        ("Improving Text Embeddings with Large Language Models: the last token", "https://arxiv.org/abs/2401.00368"),
    ],
    models=(CAUSAL_TWIN, DEFAULT),
    pairs=True,
)
def rule(decoder: Encoder, encoder: Encoder, backwards: Grid, both_ways: Grid) -> Shown:
    """Mean against last token, with each kind of attention."""
    pairs, tables, leads = own_pairs(), [], {}
    for model, cosines, title in ((encoder, both_ways, "both ways"), (decoder, backwards, "back only")):
        layer = model.layers
        table = layer_leaderboard(pairs, cosines, layer, NAMES)
        tables.append(table.assign(label=table["label"] + f", {title}"))
        leads[title] = score_layer(pairs, cosines, layer, NAMES).compared.lead((layer, "mean"), (layer, "last_token"))
    table = pd.concat(tables, ignore_index=True)
    encodes, decodes = (lead.value > 0 for lead in leads.values())

    def ahead(title: str) -> str:
        value, low, high = (100 * end for end in leads[title])
        who = "mean leads" if value > 0 else "the last token leads"
        ends = (low, high) if value > 0 else (-high, -low)
        return f"{who} by {points(abs(value))} points (95% interval {' to '.join(map(points, ends))})"

    return Shown(
        answer="flip" if encodes and not decodes else "mean" if encodes else "last" if not decodes else "neither",
        parts=(
            Picture(
                partial(intervals, table, "score", "low", "high", title="Spearman × 100"),
                table,
                "The same model and the same pairs: only where tokens may look has changed. A hollow dot is behind "
                "the other one of its kind by more than chance can make.",
            ),
        ),
        because=(
            f"Where tokens look both ways {ahead('both ways')}; where they look back only {ahead('back only')}. The "
            "rule follows who has read what, and it is not the whole story: what a row was trained for, or asked for "
            "by a prompt, counts as well, as the next lessons show."
        ),
        start={"model": decoder.name, "strategy": "last_token"},
    )
