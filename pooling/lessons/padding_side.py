"""Where the last token is, when padding stands on the left."""

from dataclasses import replace

import pandas as pd
import torch

from pooling.bugs import last_by_count
from pooling.catalogue import CAUSAL_TWIN
from pooling.datasets import sample_sets
from pooling.encoders import Encoder
from pooling.lessons import Rows, Shown, Strips, Task, lesson
from pooling.registry import get_strategy
from pooling.tables import number, token_table
from pooling.tables.padding_lab import padded_states
from pooling.types import Pooled

TEXT = sample_sets()[0].sentences[0]
PADDING = 4


@lesson(
    order=50,
    title="The last token",
    ground=f"""
A **decoder** is a model that reads from left to right, as those that write text do. Only its last token has read the
whole text, so **last token** pooling takes that token's row. Padding may stand to the right of a text or to its left.

The sentence “{TEXT}” gets {PADDING} padding tokens on the **left**. The code counts the real tokens and looks for the
last one there, with positions counted from 0:

    position = mask.sum() - 1
""",
    question="Whose row does it take?",
    choices={
        "last": "The last token's: the mask leaves padding out of the count.",
        "padding": "A padding token's.",
        "middle": "A token's from the middle of the sentence.",
        "error": "None: the program stops with an error.",
    },
    right="middle",
    wrong={
        "last": (
            "With padding on the right it would be so: there the number of real tokens, less one, is the last "
            "one's position. On the left, padding has pushed every token further to the right."
        ),
        "padding": (
            "Padding stands first, so a position that is too small might fall on it. That happens with as much "
            "padding as the sentence has tokens; here it is less."
        ),
        "error": (
            "An index is refused only where there is no such row. This position exists, and its row looks like "
            "any other."
        ),
    },
    task=Task(
        "padding_lab",
        "The museum's exhibit “The last token is looked for at mask.sum() − 1” is this bug, run on your sentences.",
    ),
    reading=[
        ("Improving Text Embeddings with Large Language Models: the last token", "https://arxiv.org/abs/2401.00368")
    ],
    models=(CAUSAL_TWIN,),
)
def padding_side(decoder: Encoder) -> Shown:
    """The token that is taken, beside the one that should be."""
    states = padded_states(
        TEXT, decoder, layer=decoder.layers, padding=PADDING, side="left", attend_padding=False, pool_padding=False
    )
    length = states.mask.shape[1]
    right = get_strategy("last_token")(states)
    taken = int(states.mask.sum()) - 1
    all_pooled = replace(states, mask=torch.ones_like(states.mask), special=states.special | ~states.mask)
    wrong = Pooled(last_by_count(states), torch.eye(length)[taken][None, :, None])
    cosine = torch.cosine_similarity(right.embedding, wrong.embedding).item()
    rows = []
    for amount in (0, 1, PADDING, 2 * PADDING):
        some = padded_states(
            TEXT, decoder, layer=decoder.layers, padding=amount, side="left", attend_padding=False, pool_padding=False
        )
        truth, found = get_strategy("last_token")(some).embedding, last_by_count(some)
        token = some.tokens[0][int(some.mask.sum()) - 1]
        rows.append((amount, token, torch.cosine_similarity(truth, found).item()))
    table = pd.DataFrame(rows, columns=["padding on the left", "token it takes", "cosine to the right embedding"])
    answer = "last" if taken == length - 1 else "middle" if states.mask[0, taken] else "padding"
    return Shown(
        answer=answer,
        parts=(
            Strips(
                (("should", token_table(states, right)), ("does", token_table(all_pooled, wrong))),
                "last token pooling",
                "The bright token is the one that is taken: above where it should be, below where the code finds it.",
            ),
            Rows(table, "The more padding stands on the left, the further the code is from the last token."),
        ),
        because=(
            f"The sentence has {taken + 1} real tokens, so the code looks at position {taken}, counted from 0 at the "
            f"left edge; but the first {length - taken - 1} positions are padding, and so it finds "
            f"{states.tokens[0][taken]!r}. No error says so, and the cosine to the right embedding is {number(cosine)}."
        ),
        start={"model": decoder.name, "side": "left", "padding": str(PADDING), "strategy": "last_token"},
    )
