"""One odd word under max pooling."""

from functools import partial

import pandas as pd

from pooling.charts.playground import collapse_heatmap
from pooling.encoders import Encoder
from pooling.lessons import Rows, Shown, Strips, Task, lesson
from pooling.notices.playground import about_tokens
from pooling.pictures import Picture
from pooling.registry import get_strategy
from pooling.tables import number, token_table
from pooling.tables.playground import chosen_dimensions, collapse_table, winner_table

FRAME = "She bought some bread and {} at the shop."
ODD = (
    "dinosaur", "lightning", "volcano", "parliament", "saxophone",
    "submarine", "thunder", "astronaut", "algebra", "glacier",
)  # fmt: skip
USUAL = ("cheese", "butter", "ham", "honey", "jam", "soup", "milk", "fish", "salt", "tea")
SHOWN = ("cheese", "dinosaur")
TOKENS = 12


@lesson(
    order=40,
    title="One odd word",
    ground=f"""
**Max** pooling looks at each dimension by itself. The token with the largest number there gives it to the embedding:
it **wins** that dimension. A token that wins many dimensions rules the embedding.

The sentence is: “{FRAME.format(SHOWN[1])}” With the model's own tokens, [CLS] before it and [SEP] after it, it has
{TOKENS} tokens. An equal share of the dimensions would be {100 / TOKENS:.0f}%.
""",
    question="How many of the dimensions does “dinosaur”, the odd word, win?",
    choices={
        "less": "Less than an equal share: the model hardly knows what to do with it.",
        "equal": "About an equal share.",
        "double": "Twice an equal share or more.",
        "half": "More than half of all dimensions.",
    },
    right="double",
    wrong={
        "less": (
            "A word out of place might leave the model unsure, with numbers near zero. But max asks only who is "
            "largest, and a row unlike all the others is that more often."
        ),
        "equal": (
            "Equal shares are what mean gives, whatever a token says. Max gives each dimension to the largest number "
            "there, and an odd word's numbers stand out in many."
        ),
        "half": (
            "An odd word rules what we remember of a sentence, so it may seem to rule the embedding too. But it stands "
            "against all the other tokens at once, and each of them is largest somewhere."
        ),
    },
    task=Task("playground", "Put a word of your own in place of the dinosaur, and count what it wins."),
    reading=[("InferSent: sentence embeddings by max pooling", "https://aclanthology.org/D17-1070")],
)
def outlier(encoder: Encoder) -> Shown:
    """Who wins the dimensions, with an odd word in the sentence and with a usual one."""
    strategy, texts, rows = get_strategy("max"), {}, []
    for kind, some in (("odd", ODD), ("usual", USUAL)):
        for word in some:
            states = encoder.encode([FRAME.format(word)])
            shares = token_table(states, strategy(states))
            own = shares.set_index("token").loc[word, "weight"]
            rows.append((word, kind, own, int((shares["weight"] > own).sum()) + 1))
            texts[word] = states, shares
    table = pd.DataFrame(rows, columns=["word", "kind", "share of dimensions", "place"])
    first = table.groupby("kind")["place"].agg(lambda place: int((place == 1).sum()))
    (_, usual), (states, odd) = (texts[word] for word in SHOWN)
    few, many = (table.set_index("word").loc[word, "share of dimensions"] for word in SHOWN)
    equal, dimensions, pooled = 1 / len(odd), chosen_dimensions(states, "varied"), strategy(states)
    matrix, winners = collapse_table(states, pooled, dimensions), winner_table(pooled, dimensions)
    typical = table.groupby("kind")["share of dimensions"].median()
    return Shown(
        answer="half" if many > 0.5 else "double" if many >= 2 * equal else "equal" if many > 0.7 * equal else "less",
        parts=(
            Strips(
                tuple(zip(SHOWN, (usual, odd), strict=True)),
                strategy.label,
                f"Below each token is the share of dimensions that it wins. In the lower row, "
                f"{about_tokens(odd, strategy.kind)}",
            ),
            Picture(
                partial(collapse_heatmap, matrix, odd, winners, dimension=dimensions[0]),
                matrix.reset_index(),
                f"The {len(dimensions)} dimensions in which the tokens differ most. A framed cell is the largest of "
                "its column: it falls through to the embedding.",
            ),
            Rows(
                table.sort_values("share of dimensions", ascending=False, ignore_index=True),
                f"{len(table)} words in the same place. {first['odd']} of {len(ODD)} odd words win more dimensions "
                f"than any other token of the sentence, and {first['usual']} of {len(USUAL)} usual ones; half of the "
                f"odd ones win {number(100 * typical['odd'])}% or more, half of the usual ones "
                f"{number(100 * typical['usual'])}% or more. The sentence was chosen because odd words win so often in "
                "it; in others it is fewer.",
            ),
        ),
        because=(
            f"The odd word {SHOWN[1]!r} wins {number(100 * many)}% of the dimensions; {SHOWN[0]!r}, a usual word in "
            f"the same place, wins {number(100 * few)}%. So it goes for most odd words here, {first['odd']} of "
            f"{len(ODD)} win more than any other token, while under mean each of the {len(odd)} tokens would have "
            f"{number(100 * equal)}%, however odd it is."
        ),
        start={"text": "\n".join(FRAME.format(word) for word in reversed(SHOWN)), "strategy": "max"},
    )
