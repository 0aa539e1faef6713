"""One sentence in a long letter: what pooling loses."""

from functools import partial

import pandas as pd
import torch

from pooling.charts.learn import growing
from pooling.encoders import Encoder
from pooling.lessons import Shown, Task, lesson
from pooling.pictures import Picture
from pooling.registry import get_strategy
from pooling.retrieval import max_sim, token_vectors
from pooling.tables import number
from pooling.types import TokenStates

QUERY = "Where is the key to the boat house?"
NEEDLE = "The key to the boat house is under the blue flowerpot."
BEFORE = (
    "Dear Anna, the children arrived on Friday and they talk about nothing but the sea.",
    "We had rain for two days, so we played cards and baked a plum cake.",
    "On Sunday the sun came back, and Paul swam out to the red buoy.",
    "Grandfather has read all the newspapers and now complains about the government.",
    "The neighbours have painted their fence in a green that hurts the eyes.",
    "My knee is better, and the doctor says that I may dance again in August.",
)
AFTER = (
    "On Wednesday there was a concert in the church with a choir from Norway.",
    "The tomatoes are ripe at last, and we eat them with salt and bread.",
    "Your old bicycle has two new tyres and a bell that can be heard in the next village.",
    "The cat had four kittens in the laundry basket and will not be moved.",
    "Paul wants to become an astronomer, because he saw Saturn through a telescope.",
    "We have ordered wood for the winter, though nobody here believes in winter yet.",
)
WAYS = {"mean": "Mean: one vector", "maxsim": "No pooling: MaxSim"}


@lesson(
    order=127,
    title="A needle in a letter",
    ground=f"""
**Mean** pooling makes one vector of a text, however long it is. One can also leave pooling out: the text keeps a vector
for each of its tokens. **MaxSim** then lets each token of the query look for the token of the text that is nearest to
it, and takes the average of these cosines.

The query is “{QUERY}” The text is one sentence at first: “{NEEDLE}” Then sentences of a letter are put around it, about
rain, kittens and tomatoes, until it is one of {1 + len(BEFORE) + len(AFTER)}.
""",
    question="What becomes of the similarity of query and text, as the letter grows?",
    choices={
        "neither": "It hardly changes, with or without pooling: the sentence is still there.",
        "alike": "It falls alike for both: there is more and more that has nothing to do with the query.",
        "mean": "It falls far for the mean, and much less without pooling.",
    },
    right="mean",
    wrong={
        "neither": (
            "The sentence is still there, but not in a place of its own: in the one vector of the mean it has the "
            "share of its tokens, and all the others have theirs."
        ),
        "alike": (
            "More and more text has nothing to do with the query, that is true. But MaxSim asks each token of the "
            "query for its best partner alone, and those that answer have not gone; whatever else stands there is "
            "passed over."
        ),
    },
    task=Task("search", "Look at the kinds of queries: on which is MaxSim far ahead of the mean?"),
    reading=[
        ("ColBERT: late interaction", "https://arxiv.org/abs/2004.12832"),
        ("On the Theoretical Limitations of Embedding-Based Retrieval", "https://arxiv.org/abs/2508.21038"),
    ],
)
def needle(encoder: Encoder) -> Shown:
    """The similarity of a query to a growing text, under mean and without pooling."""
    mean, asked = get_strategy("mean"), encoder.encode([QUERY])

    def near(text: TokenStates) -> dict[str, float]:
        pooled = torch.cosine_similarity(mean(asked).embedding, mean(text).embedding).item()
        return {"mean": pooled, "maxsim": max_sim(token_vectors(asked), token_vectors(text)).item()}

    rows = []
    for others in range(len(BEFORE) + len(AFTER) + 1):
        before, after = BEFORE[: (others + 1) // 2], AFTER[: others // 2]
        states = encoder.encode([" ".join((*before, NEEDLE, *after))])
        rows.append({"sentences": others + 1, "tokens": int(states.mask.sum())} | near(states))
    table = pd.DataFrame(rows)
    first, last = table.iloc[0], table.iloc[-1]
    without = near(encoder.encode([" ".join((*BEFORE, *AFTER))]))
    fall = {way: first[way] - last[way] for way in WAYS}
    return Shown(
        answer=(
            "neither"
            if max(fall.values()) < 0.1
            else "mean"
            if fall["mean"] > 1.5 * fall["maxsim"]
            else "alike"
            if fall["maxsim"] < 1.5 * fall["mean"]
            else "other"
        ),
        parts=(
            Picture(
                partial(growing, table, WAYS, "sentences", "similarity to the query"),
                table,
                f"The whole letter without the sentence about the key would have {number(without['mean'])} under mean "
                f"and {number(without['maxsim'])} under MaxSim. So the one sentence "
                f"makes a difference of {number(last['mean'] - without['mean'])} under mean, and of "
                f"{number(last['maxsim'] - without['maxsim'])} under MaxSim.",
            ),
        ),
        because=(
            f"From one sentence to {last['sentences']:.0f}, the mean's cosine falls from {number(first['mean'])} to "
            f"{number(last['mean'])} and MaxSim from {number(first['maxsim'])} to {number(last['maxsim'])}. The price: "
            f"MaxSim keeps {last['tokens']:.0f} vectors of this letter in place of one; between the two lies a vector "
            "for every few sentences, which the Search page tries too."
        ),
        start={"strategy": "mean"},
    )
