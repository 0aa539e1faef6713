"""A mean that forgets the mask."""

from functools import partial

from pooling.charts.padding_lab import padding_curves
from pooling.datasets import sample_sets
from pooling.encoders import Encoder
from pooling.lessons import Shown, Strips, Task, lesson
from pooling.notices.padding_lab import about_padding
from pooling.pictures import Picture
from pooling.registry import get_strategy
from pooling.tables import number, token_table
from pooling.tables.padding_lab import padded_states, padding_curve

PADDING = 8
TEXT = sample_sets()[0].sentences[0]


@lesson(
    order=20,
    title="Padding and the mask",
    ground=f"""
A model works on several texts at once, a **batch**. All rows of a batch must have the same length, so short texts are
filled up with **padding** tokens, written [PAD]. The **mask** says which tokens are real: 1 for a real token, 0 for
padding. Inside the model the mask works: no real token reads padding. But padding gets hidden states too.

The sentence “{TEXT}” stands in a batch and gets {PADDING} padding tokens. The code averages all rows and forgets the
mask:

    embedding = hidden.mean(dim=1)
""",
    question="What happens to the sentence's embedding?",
    choices={
        "error": "The program stops with an error.",
        "same": "Nothing: the rows of padding hold zeros.",
        "other": "No error, but it is no longer the embedding of this sentence.",
    },
    right="other",
    wrong={
        "error": (
            "An error would be kind. But the rows of padding have the right shape and hold ordinary numbers: "
            "nothing in the program can tell that they mean nothing."
        ),
        "same": (
            "Padding sounds like empty space. But [PAD] is a token and gets a row of its own in every layer; "
            "and even rows of zeros would count when the sum is divided."
        ),
    },
    task=Task("padding_lab", "Move the slider and switch each of the two masks on and off."),
    reading=[("Sentence-BERT: mean pooling", "https://arxiv.org/abs/1908.10084")],
)
def mask(encoder: Encoder) -> Shown:
    """The mean with and without the mask, as padding grows."""
    mean, settings = get_strategy("mean"), {"layer": encoder.layers, "side": "right", "attend_padding": False}
    kept, forgot = (
        padded_states(TEXT, encoder, padding=PADDING, pool_padding=pool_padding, **settings)
        for pool_padding in (False, True)
    )
    curve = padding_curve(TEXT, encoder, pool_padding=True, also=PADDING, **settings)
    curve = curve[curve["name"].isin(("cls", "mean", "max"))]
    cosine = curve.set_index(["name", "padding"]).loc[("mean", PADDING), "cosine"]
    tokens = int(kept.mask.sum())
    return Shown(
        answer="same" if cosine > 0.999 else "other",
        parts=(
            Strips(
                (
                    ("with the mask", token_table(kept, mean(kept))),
                    ("without it", token_table(forgot, mean(forgot))),
                ),
                "Mean",
                "The number below each token is its weight. Without the mask, padding takes a share of the embedding.",
            ),
            Picture(
                partial(padding_curves, curve, PADDING), curve, about_padding(curve, PADDING, attend=False, pooled=True)
            ),
        ),
        because=(
            f"Without the mask, {PADDING} of the {tokens + PADDING} rows in the average are padding, and the cosine to "
            f"the right embedding falls to {number(cosine)} (1 would be the same direction). Nothing warns you, "
            "and the same sentence gets another embedding in every batch."
        ),
        start={"pooling_mask": "off", "padding": str(PADDING), "sentence": "1", "strategy": "mean"},
    )
