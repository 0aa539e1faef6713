"""One odd word under max pooling."""

from functools import partial

from pooling.charts.playground import collapse_heatmap
from pooling.datasets import sample_sets
from pooling.encoders import Encoder
from pooling.lessons import Shown, Strips, Task, lesson
from pooling.notices.playground import about_tokens
from pooling.pictures import Picture
from pooling.registry import get_strategy
from pooling.tables import number, token_table
from pooling.tables.playground import chosen_dimensions, collapse_table, winner_table

SET = next(one for one in sample_sets() if one.name == "odd_word_out")
PLACES = {"cheese": 0, "dinosaur": 2}
"""A usual word and an odd one, and the sentence that each stands in."""
TOKENS = 14


@lesson(
    order=40,
    title="One odd word",
    ground=f"""
**Max** pooling looks at each dimension by itself. The token with the largest number there gives it to the embedding:
it **wins** that dimension. A token that wins many dimensions rules the embedding.

The sentence is: “{SET.sentences[PLACES["dinosaur"]]}” With the model's own tokens, [CLS] before it and [SEP] after it,
it has {TOKENS} tokens. An equal share of the dimensions would be {100 / TOKENS:.0f}%.
""",
    question="How many of the dimensions does “dinosaur”, the odd word, win?",
    choices={
        "less": "Less than an equal share: the model hardly knows what to do with it.",
        "equal": "About an equal share.",
        "double": "Twice an equal share or more.",
        "half": "More than half of all dimensions.",
    },
    right="double",
    task=Task("playground", "Put a word of your own in place of the dinosaur, and count what it wins."),
    reading=[("InferSent: sentence embeddings by max pooling", "https://aclanthology.org/D17-1070")],
)
def outlier(encoder: Encoder) -> Shown:
    """Who wins the dimensions, with an odd word and with a usual one."""
    strategy = get_strategy("max")
    states = [encoder.encode([SET.sentences[place]]) for place in PLACES.values()]
    tables = {word: token_table(one, strategy(one)) for word, one in zip(PLACES, states, strict=True)}
    (usual, few), (odd, many) = ((word, t.set_index("token").loc[word, "weight"]) for word, t in tables.items())
    equal = 1 / len(tables[odd])
    dimensions = chosen_dimensions(states[1], "varied")
    pooled = strategy(states[1])
    matrix, winners = collapse_table(states[1], pooled, dimensions), winner_table(pooled, dimensions)
    return Shown(
        answer="half" if many > 0.5 else "double" if many >= 2 * equal else "equal" if many > 0.7 * equal else "less",
        parts=(
            Strips(
                tuple(tables.items()),
                strategy.label,
                f"Below each token is the share of dimensions that it wins. In the lower row, "
                f"{about_tokens(tables[odd], strategy.kind)}",
            ),
            Picture(
                partial(collapse_heatmap, matrix, tables[odd], winners, dimension=dimensions[0]),
                matrix.reset_index(),
                f"The {len(dimensions)} dimensions in which the tokens differ most. A framed cell is the largest of "
                "its column: it falls through to the embedding.",
            ),
        ),
        because=(
            f"The odd word {odd!r} wins {number(100 * many)}% of the dimensions; {usual!r}, a usual word in the same "
            f"place, wins {number(100 * few)}%. Under mean each of the {len(tables[odd])} tokens would have "
            f"{number(100 * equal)}%, however odd it is."
        ),
        start={"set": SET.name, "sentence": str(PLACES[odd] + 1), "strategy": "max"},
    )
