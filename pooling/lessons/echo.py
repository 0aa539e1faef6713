"""What a decoder makes of a text that it has read before."""

from functools import partial

import pandas as pd
import torch

from pooling.catalogue import CAUSAL_TWIN, ECHO, PLAIN
from pooling.charts.evaluation import intervals
from pooling.datasets import own_pairs, sample_sets
from pooling.encoders import Encoder
from pooling.evaluation import cosine_grid
from pooling.lessons import SCORED, Shown, Strips, Task, lesson
from pooling.pictures import Picture
from pooling.registry import get_strategy
from pooling.tables import number, token_table
from pooling.tables.evaluation import layer_leaderboard

SET = sample_sets()[0]
NAMES = ("mean", "weighted_mean", "last_token")
TITLES = {PLAIN: "once", ECHO: "twice"}


@lesson(
    order=85,
    title="Said twice",
    ground=f"""
In a **decoder** a token reads only what stands before it. The first tokens of a sentence know nothing of its end, and
**mean** pooling gives them as much weight as the last.

Now the sentence is said twice, and the second copy follows the first:

    {ECHO.format(SET.sentences[0], SET.sentences[0])}

The tokens of the first copy are left out. **Mean** is taken of the second copy, which has the same words.

{SCORED}
""",
    question="What does this do to the mean's score?",
    choices={
        "same": "Nothing: the same words have the same mean.",
        "worse": "It falls: the model was never taught to read a text twice.",
        "better": "It rises: each token of the second copy has read the whole sentence.",
    },
    right="better",
    wrong={
        "same": (
            "It would be so if a word always had the same row. But a row depends on all that its token has "
            "read, and the second copy has read the first."
        ),
        "worse": (
            "Nobody taught it to read a text twice, that is true. But it has to do nothing new: each token "
            "looks back, as always, and now the whole sentence stands there."
        ),
    },
    task=Task("playground", "See which tokens are pooled, then choose No prompt in the sidebar."),
    reading=[("Repetition Improves Language Model Embeddings", "https://arxiv.org/abs/2402.15449")],
    models=(CAUSAL_TWIN,),
)
def echo(decoder: Encoder) -> Shown:
    """The mean of a sentence said once and of its second copy, and what each is worth."""
    pairs, mean = own_pairs(), get_strategy("mean")
    states = {template: decoder.encode(SET.sentences[:1], template=template) for template in TITLES}
    layer = decoder.layers
    grids = {template: cosine_grid(pairs, decoder, [layer], template=template) for template in TITLES}
    tables = {template: layer_leaderboard(pairs, grid, layer, NAMES) for template, grid in grids.items()}
    scored = pd.concat(
        [table.assign(label=table["label"] + f", {TITLES[template]}") for template, table in tables.items()]
    ).sort_values("score", ascending=False, ignore_index=True)
    score = {template: table.set_index("name")["score"] for template, table in tables.items()}
    once, twice = (scores["mean"] for scores in score.values())
    last = (scores["last_token"] for scores in score.values())
    first, second = (mean(one).embedding for one in states.values())
    alike = torch.cosine_similarity(first, second).item()
    return Shown(
        answer="same" if alike > 0.9999 else "better" if twice > once else "worse",
        parts=(
            Strips(
                tuple((TITLES[template], token_table(one, mean(one))) for template, one in states.items()),
                "mean pooling",
                "The same words are pooled. The pale ones are the first copy, which is read and left out.",
            ),
            Picture(
                partial(intervals, scored, "score", "low", "high", title="Spearman × 100"),
                scored,
                f"On {len(pairs)} pairs, the mean goes from {number(once)} to {number(twice)} when the text is said "
                "twice, and the last token, which had read everything before, from "
                f"{' to '.join(map(number, last))}.",
            ),
        ),
        because=(
            f"The two means of the sentence above have a cosine of {number(alike)}, so the same words are not the same "
            f"rows; said twice, the mean scores {number(twice)} in place of {number(once)}. It takes twice the tokens "
            "and no training."
        ),
        start={"model": decoder.name, "strategy": "mean", "prompt": "echo"},
    )
