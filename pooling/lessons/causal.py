"""What a causal mask leaves of the first token."""

from functools import partial

from pooling.catalogue import CAUSAL_TWIN, DEFAULT
from pooling.charts.similarity import colour_scale, strategy_multiples
from pooling.datasets import sample_sets
from pooling.encoders import Encoder
from pooling.lessons import Shown, Task, lesson
from pooling.pictures import Picture
from pooling.registry import get_strategy
from pooling.similarity import Measure, compare
from pooling.tables import number
from pooling.tables.similarity import matrix_table, strategy_pairs

SET = sample_sets()[0]
MEASURE = Measure("cosine")


@lesson(
    order=60,
    title="Causal or bidirectional",
    ground="""
In an **encoder** every token looks at the whole text, to its left and to its right: its attention is
**bidirectional**. In a **decoder** a token looks only at itself and at what stands before it: its attention is
**causal**.

Here is one model twice, the same numbers inside, once with each kind of attention. The first token of every text is
[CLS].
""",
    question="Under causal attention, what does CLS pooling make of six different sentences?",
    choices={
        "worse": "Six embeddings that are somewhat worse.",
        "same": "The same embedding for all six.",
        "better": "Six embeddings that lie further apart than before.",
    },
    right="same",
    wrong={
        "worse": (
            "It would be so if [CLS] lost a part of what it reads. It loses all: it stands first, and before it "
            "there is nothing."
        ),
        "better": (
            "You may have thought that a token which is mixed with nothing stays clear. But only what a token "
            "has read can make it differ from text to text, and this one has read the same in all six: itself."
        ),
    },
    task=Task("similarity", "Choose Last token or Weighted mean, and see the sentences come apart."),
    reading=[
        ("LLM2Vec: making a decoder bidirectional", "https://arxiv.org/abs/2404.05961"),
        ("Repetition Improves Language Model Embeddings", "https://arxiv.org/abs/2402.15449"),
    ],
    models=(CAUSAL_TWIN, DEFAULT),
)
def causal(decoder: Encoder, encoder: Encoder) -> Shown:
    """Every sentence against every other, under CLS and last token, with each kind of attention."""
    matrices = {}
    for model, kind in ((encoder, "bidirectional"), (decoder, "causal")):
        states = model.encode(SET.sentences)
        for name in ("cls", "last_token"):
            strategy = get_strategy(name)
            vectors = strategy(states).embedding
            matrices[f"{strategy.label} {kind}"] = matrix_table(compare(vectors, vectors, MEASURE))
    pairs = strategy_pairs(matrices)
    others = pairs[pairs["first"] != pairs["second"]]
    low, high = others.min(), others.max()
    least, most = others["CLS causal"].min(), others["CLS bidirectional"].min()
    scale = colour_scale(next(iter(matrices.values())), MEASURE)
    return Shown(
        answer="same" if least > 0.9999 else "worse" if least > most else "better",
        parts=(
            Picture(
                partial(strategy_multiples, matrices, scale, MEASURE),
                pairs,
                "Each square compares the six sentences with each other. Under causal attention, CLS gives every pair "
                f"a cosine of {number(least)}; the last token still tells them apart, from "
                f"{number(low['Last token causal'])} to {number(high['Last token causal'])}.",
            ),
        ),
        because=(
            "A causal [CLS] sees only itself, so its row is the same before every text and every cosine is "
            f"{number(least)}. With bidirectional attention it reads the whole text, and the same model gives cosines "
            f"from {number(low['CLS bidirectional'])} to {number(high['CLS bidirectional'])}."
        ),
        start={"model": decoder.name, "strategy": "cls", "set": SET.name},
    )
