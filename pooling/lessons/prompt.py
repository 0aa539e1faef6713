"""What a decoder's last token is asked for."""

from functools import partial

import pandas as pd
import torch

from pooling.catalogue import CAUSAL_TWIN, ONE_WORD, PLAIN, get_model
from pooling.charts.evaluation import intervals
from pooling.datasets import own_pairs, sample_sets
from pooling.encoders import Encoder, embed
from pooling.evaluation import Grid, distinct_texts, pair_cosines
from pooling.lessons import SCORED, Rows, Shown, Strips, Task, lesson
from pooling.pictures import Picture
from pooling.registry import get_strategy
from pooling.tables import number, token_table
from pooling.tables.evaluation import layer_leaderboard

TEXTS = sample_sets()[0].sentences
WRITER = "HuggingFaceTB/SmolLM2-135M-Instruct"
NAMES = ("last_token", "mean")
PAIRS = own_pairs("dev")[::2]
"""A part of the pairs: a model that writes takes its time for each."""
TITLES = {PLAIN: "plain", ONE_WORD: "in the prompt"}


@lesson(
    order=80,
    title="What it is asked for",
    ground=f"""
A **decoder** writes text, one token after the other. The row of its last token holds what it is about to say next.
A **prompt** is text that you put around a sentence before the model reads it, such as

    {ONE_WORD.format("…")}

After this prompt the model is about to say one word that means the sentence. The sentence itself stays as it is.

{SCORED}
""",
    question="Does the prompt change the last token's embedding of a sentence?",
    choices={
        "no": "No: the sentence is the same, so is its embedding.",
        "hardly": "Hardly: the two point nearly the same way, with a cosine above 0.95.",
        "yes": "Yes: it is clearly another embedding.",
    },
    right="yes",
    wrong={
        "no": (
            "A dictionary has one entry for a word, wherever it stands, and so one might think of a sentence. But rows "
            "are made anew in each text, from all that their tokens have read: here from the prompt too."
        ),
        "hardly": (
            "The sentence is still all there, so you may have expected nearly the same row. But the prompt asks "
            "for something, and the last token's row is about what comes next."
        ),
    },
    task=Task("similarity", "Write a prompt of your own in the sidebar, and watch the last token."),
    reading=[("Scaling Sentence Embeddings with Large Language Models", "https://arxiv.org/abs/2307.16645")],
    models=(CAUSAL_TWIN,),
    better=WRITER,
)
def prompt(decoder: Encoder) -> Shown:
    """The last token with and without a prompt: its embeddings, and what they are worth."""
    last, layer = get_strategy("last_token"), decoder.layers
    states = {template: decoder.encode(TEXTS, template=template) for template in TITLES}
    vectors = [last(one).embedding for one in states.values()]
    first, second = vectors
    cosines = torch.cosine_similarity(first, second)
    most = cosines.max().item()
    tables = [layer_leaderboard(PAIRS, _cosines(decoder, template), layer, NAMES) for template in TITLES]
    scored = pd.concat(
        [
            table.assign(label=table["label"] + f", {title}")
            for table, title in zip(tables, TITLES.values(), strict=True)
        ]
    ).sort_values("score", ascending=False, ignore_index=True)
    plain, asked = (table.set_index("name").loc["last_token", "score"] for table in tables)
    writes = decoder.name == WRITER
    return Shown(
        answer="no" if cosines.min() > 0.9999 else "hardly" if most > 0.95 else "yes",
        parts=(
            Strips(
                tuple(
                    (title, token_table(states[template].one(0), last(states[template].one(0))))
                    for template, title in TITLES.items()
                ),
                "last token pooling",
                "The bright token is the one whose row is taken. It has read everything before it.",
            ),
            Rows(
                pd.DataFrame({"sentence": TEXTS, "cosine, plain to prompted": cosines.tolist()}),
                "The same sentence with and without the prompt.",
            ),
            Picture(
                partial(intervals, scored, "score", "low", "high", title="Spearman × 100"),
                scored,
                f"On {len(PAIRS)} pairs, the last token goes from {number(plain)} to {number(asked)} with the prompt."
                + (
                    ""
                    if writes
                    else " This model was never taught to write. SmolLM2 was; it did not run here. "
                    + get_model(WRITER).prompt_effect.replace("Measured on", "Measured elsewhere, on")
                ),
            ),
        ),
        because=(
            "The sentence is the same, but the last token has read the prompt too: the cosine of the two embeddings is "
            f"at most {number(most)}. On the pairs, being asked for one word changes the last token's score by "
            f"{number(asked - plain, signed=True)} points"
            + (
                "."
                if writes
                else "; these weights were never taught to answer, and what a model that was makes of it stands below."
            )
        ),
        start={"model": decoder.name, "strategy": "last_token"}
        | ({"prompt": "one word"} if writes else {"prompt": "own"}),
    )


def _cosines(decoder: Encoder, template: str) -> Grid:
    """The cosine of each pair at the last layer, in a prompt."""
    texts = distinct_texts(PAIRS)
    vectors = embed(texts, decoder, NAMES, template=template)
    return Grid({(decoder.layers, name): pair_cosines(PAIRS, texts, one) for name, one in vectors.items()})
