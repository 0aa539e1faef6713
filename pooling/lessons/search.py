"""What is most alike is not what one searches for."""

from functools import partial

import pandas as pd

from pooling.charts.learn import pulls
from pooling.encoders import Encoder, embed
from pooling.lessons import Shown, Task, lesson
from pooling.pictures import Picture
from pooling.similarity import Measure, compare
from pooling.tables import number

DESK = (
    ("How do I reset my password?", "How can I change a password that I forgot?",
     "Press the link below the login box and follow the mail that we send you."),
    ("Why is my parcel late?", "Why has my package not arrived yet?",
     "A strike at the airport holds up deliveries by up to five days."),
    ("Can I send the shoes back?", "Is it possible to return shoes?",
     "Whatever does not fit is taken back within thirty days, free of charge."),
    ("When do you open on Saturday?", "What are your opening hours on Saturdays?",
     "At the weekend our doors are open from ten to four."),
    ("Do you deliver to Norway?", "Can you ship to Norway?",
     "We send parcels to all of Europe."),
    ("How can I pay?", "Which ways of payment do you accept?",
     "We take cards, bank transfers, and cash at the counter."),
    ("Is the coat waterproof?", "Does this coat keep out the rain?",
     "Its fabric stays dry for hours, even in a downpour."),
    ("What does a repair cost?", "How expensive is it to have something repaired?",
     "In the first two years we mend it for nothing, later for twenty euros an hour."),
)  # fmt: skip
"""A question, the same question from somebody else, and the answer."""
COLUMNS = {"repeated": "the same question, asked again", "answer": "its answer"}


@lesson(
    order=124,
    title="Alike is not an answer",
    ground=f"""
A help desk keeps {2 * len(DESK)} texts: the answers to {len(DESK)} questions, and the same {len(DESK)} questions as
somebody else has asked them before. For example

- “{DESK[2][2]}”
- “{DESK[2][1]}”

Now the {len(DESK)} questions are asked once more, such as “{DESK[2][0]}” Each is compared by **cosine** with all
{2 * len(DESK)} texts, under **mean** pooling, and the text with the highest cosine is shown to the one who asks.
""",
    question=f"How many of the {len(DESK)} are shown an answer?",
    choices={
        "all": "Seven or all eight: an answer is about the same thing as its question.",
        "half": "Some: between two and six.",
        "few": "One or none.",
    },
    right="few",
    wrong={
        "all": (
            "The answer is about the same thing, that is true. But another question about it is alike in that and in "
            "being a question, and often in its words."
        ),
        "half": (
            "Some answers use the words of their question, so some might win. But the question asked again is alike "
            "in every way, and it stands there for each of them."
        ),
    },
    task=Task("search", "Choose a query that is a question, and look at what comes first under each strategy."),
    reading=[
        ("BEIR: search is many tasks", "https://arxiv.org/abs/2104.08663"),
        ("E5: different prompts for queries and passages", "https://arxiv.org/abs/2212.03533"),
    ],
)
def search(encoder: Encoder) -> Shown:
    """What is nearest to a question: its answer, or the same question from somebody else."""
    asked, repeated, answers = (list(texts) for texts in zip(*DESK, strict=True))
    vectors = embed([*asked, *repeated, *answers], encoder, ["mean"])["mean"]
    count = len(DESK)
    scores = compare(vectors[:count], vectors[count:], Measure("cosine"))
    again, given = scores[:, :count], scores[:, count:]
    table = pd.DataFrame({"text": asked, "repeated": again.diagonal().tolist(), "answer": given.diagonal().tolist()})
    nearest = scores.argmax(dim=1)
    shown = int((nearest >= count).sum())
    right = int((given.argmax(dim=1) == nearest.new_tensor(range(count))).sum())
    means = table[["repeated", "answer"]].mean()
    return Shown(
        answer="few" if shown <= 1 else "half" if shown <= 6 else "all",
        parts=(
            Picture(
                partial(pulls, table, COLUMNS),
                table.rename(columns={"text": "question"} | COLUMNS),
                f"Each question has a cosine of {number(means['repeated'])} with the same question asked again, and of "
                f"{number(means['answer'])} with its answer, on average. Among the answers alone, the right one comes "
                f"first for {right} of {count}.",
            ),
        ),
        because=(
            f"{shown} of {count} are shown an answer and {count - shown} a question: nothing is more like a question "
            f"than the same one again. With the answers alone to search in, {right} of {count} find theirs: similarity "
            "ranks what is alike, and search has to rank what answers."
        ),
        start={"strategy": "mean"},
    )
