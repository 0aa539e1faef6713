"""What to notice on the Similarity page; sentences go by their number."""

import math

import pandas as pd

from pooling.similarity import SAME, Measure
from pooling.tables import number


def about_matrix(pairs: pd.DataFrame, measure: Measure) -> str:
    """Who is nearest and who is furthest.

    Args:
        pairs: of `pooling.tables.similarity.pair_table`.
    """
    known = pairs.dropna(subset="score")
    if pairs.empty:
        return "There is one sentence, and a neighbour takes two: add another line in the sidebar."
    if known.empty:
        return (
            "No pair can be compared: centring left vectors of length zero, because under this strategy and "
            "layer these texts all get the corpus mean itself."
        )
    near, far = known.iloc[0], known.iloc[-1]
    lost = len(pairs) - len(known)
    tail = f" {lost} pairs have no score: a vector of length zero has no direction." if lost else ""
    what = measure.label.lower()
    if len(pairs) == 1:
        return f"The two sentences have {what} {number(near['score'])}.{tail}"
    if abs(near["score"] - far["score"]) <= SAME * max(abs(near["score"]), 1.0):
        return (
            f"All pairs have the same {what}, {number(near['score'])}: under this strategy and layer every "
            f"sentence gets the same vector.{tail}"
        )
    return (
        f"{_two(near)} are nearest ({what} {number(near['score'])}), {_two(far)} furthest apart "
        f"({number(far['score'])}).{tail}"
    )


def about_orders(table: pd.DataFrame, normalise: bool) -> str:
    """Whether the measures agree on who is near.

    Args:
        table: of `pooling.tables.similarity.order_table`.
    """
    if len(table) < 3:
        return "An order of neighbours takes three sentences or more."
    swaps = int(table["swaps"].sum())
    of = len(table) * math.comb(len(table) - 1, 2)
    if not swaps:
        return "Cosine and dot product give the same order of neighbours" + (
            ", and so does the distance: every vector has length 1." if normalise else " for these sentences."
        )
    row = table.loc[table["clear"].idxmax()]
    near, far = row["example"].split(", ")
    lengths = {name: table.loc[table["sentence"] == int(name), "length"].item() for name in (near, far)}
    longer = "the longer vector" if lengths[far] > lengths[near] else "the shorter vector"
    if lengths[far] == lengths[near]:
        longer = "as long a vector"
    return (
        f"The order of neighbours flips: seen from sentence {row['sentence']}, {near} is nearer than {far} by cosine "
        f"and {far} nearer than {near} by dot product, for {far} has {longer} (length {number(lengths[far])} against "
        f"{number(lengths[near])}). {swaps} of {of} such comparisons flip."
    )


def about_neighbours(table: pd.DataFrame, measure: Measure, whose: str) -> str:
    """The nearest sentence, and how clear it is.

    Args:
        table: of `pooling.tables.similarity.neighbour_table`.
        whose: "sentence 3" or "your query".
    """
    known = table.dropna(subset="score")
    if table.empty:
        return "There is no other sentence yet: add one in the sidebar, or search with your own words."
    if known.empty:
        return f"A vector of length zero has no direction: {whose} cannot be compared."
    best, score = known.iloc[0], number(known.iloc[0]["score"])
    if len(known) == 1:
        return f"Sentence {best['sentence']} is all that {whose} can be near to: {measure.label.lower()} {score}."
    ahead = abs(best["score"] - known.iloc[1]["score"])
    if ahead <= SAME * known["score"].abs().max():
        return f"Sentences {best['sentence']} and {known.iloc[1]['sentence']} are equally near to {whose}: {score}."
    return (
        f"Sentence {best['sentence']} is nearest to {whose} ({measure.label.lower()} {score}), {number(ahead)} ahead "
        f"of sentence {known.iloc[1]['sentence']}."
    )


def about_contributions(contributions: pd.DataFrame, top: pd.DataFrame, special: float, score: float, what: str) -> str:
    """That the parts add up to the score, and which are the largest.

    Args:
        contributions: of `pooling.tables.similarity.contribution_table`.
        top: of `pooling.tables.similarity.top_pairs`.
        special: the sum of all entries with a special token in them.
        score: the similarity, from the embeddings.
        what: its name.
    """
    rows, columns = contributions.shape
    total, best = contributions.to_numpy().sum(), top.iloc[0]
    return (
        f"The {rows} × {columns} entries add up to {number(total)}; the {what} of the two embeddings is "
        f"{number(score)}. The pair {best['first']} × {best['second']} alone "
        f"{'adds' if best['part'] >= 0 else 'takes away'} {number(abs(best['part']))}. Pairs with a special token, "
        f"which is no word of the text, make {number(special)}."
    )


def about_baseline(mean: float, before: float | None, pair: pd.Series | None, measure: Measure, count: int) -> str:
    """What unrelated texts score, and so how much a score of the reader's means.

    Args:
        mean: of the unrelated pairs.
        before: the same without centring, when centred.
        pair: a row of `pooling.tables.similarity.pair_table`.
        count: number of unrelated pairs.
    """
    what = measure.label.lower()
    text = f"{count:,} pairs of sentences on different topics have {what} {number(mean)} on average."
    if before is not None:
        text += f" Without centring it was {number(before)}."
    elif measure.is_cosine and mean > 0.3:
        text += " All vectors point much the same way, so a high cosine says little here: try Centre."
    if pair is not None and pair["score"] == pair["score"]:
        text += (
            f" {_two(pair)} have {number(pair['score'])}: more alike than "
            f"{_percent(pair['unrelated'])} of unrelated pairs."
        )
    return text


def about_strategies(agree: pd.DataFrame, flipped: pd.DataFrame, own: str, count: int) -> str:
    """Whether the choice of strategy changes who is near whom.

    Args:
        agree: of `pooling.tables.similarity.agreement_table`.
        flipped: of `pooling.tables.similarity.flip_table`.
        own: the label of the chosen strategy.
        count: number of sentences.
    """
    if count < 3:
        return "An order to agree on takes three sentences or more: add some in the sidebar."
    others = agree[own].drop(own).dropna()
    if others.empty:
        return f"{own} has no order of pairs that another strategy could agree with."
    text = (
        f"{others.idxmin()} agrees least with {own} on the order of all {math.comb(count, 2)} pairs (rank correlation "
        f"{number(others.min())}), {others.idxmax()} most ({number(others.max())})."
    )
    if flipped.empty:
        return text + " Every sentence keeps its nearest neighbour under all of them."
    row = flipped.iloc[0]
    return text + (
        f" Under {row['strategy']}, sentence {row['sentence']}'s nearest is {row['nearest']}; under {own} it is "
        f"{row['own']}."
    )


def _two(pair: pd.Series) -> str:
    return f"Sentences {int(pair['first'])} and {int(pair['second'])}"


def _percent(share: float) -> str:
    """A share, never rounded up to all."""
    return f"{number(min(100 * share, 99.99))}%" if share < 1 else "all"
