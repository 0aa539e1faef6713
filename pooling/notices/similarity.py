"""What to notice on the Similarity page; sentences go by their number."""

import math

import pandas as pd

from pooling.similarity import NEGLIGIBLE, Measure
from pooling.tables import number


def nothing_to_rank(pairs: pd.DataFrame, measure: Measure) -> str:
    """Why no pair is nearer than another; empty where one is.

    Args:
        pairs: of `pooling.tables.similarity.pair_table`.
    """
    known = pairs.dropna(subset="score")
    if pairs.empty:
        return "There is one sentence, and a neighbour takes two: add another line above."
    if known.empty:
        return (
            "No pair can be compared: in each, the steps after pooling leave a vector of length zero, which has no "
            "direction."
        )
    near, far = known["score"].iloc[0], known["score"].iloc[-1]
    if len(pairs) > 1 and abs(near - far) <= NEGLIGIBLE * max(abs(near), 1.0):
        return (
            f"All pairs have the same {measure.noun}, {number(near)}: under this strategy and layer every "
            f"sentence gets the same vector.{_lost(pairs)}"
        )
    return _lost(pairs).strip()


def about_matrix(pairs: pd.DataFrame, measure: Measure) -> str:
    """Who is nearest and who is furthest, of `pooling.tables.similarity.pair_table`."""
    known, odd, what = pairs.dropna(subset="score"), nothing_to_rank(pairs, measure), measure.noun
    if odd and odd != _lost(pairs).strip():
        return odd
    near, far = known.iloc[0], known.iloc[-1]
    if len(pairs) == 1:
        return f"The two sentences have {what} {number(near['score'])}."
    return (
        f"{_two(near)} are nearest ({what} {number(near['score'])}), {_two(far).lower()} furthest apart "
        f"({number(far['score'])}).{_lost(pairs)}"
    )


def about_orders(table: pd.DataFrame, normalise: bool, swaps: dict[str, tuple[int, int, int] | None]) -> str:
    """Whether the measures agree on who is near.

    Args:
        table: of `pooling.tables.similarity.order_table`.
        normalise: whether all vectors were scaled to length 1.
        swaps: for "dot" and "euclidean", of `pooling.tables.similarity.clearest_swap`.
    """
    if len(table) < 3:
        return "To put neighbours in an order takes three sentences or more."
    if normalise:
        return "All three measures give the same order of neighbours, as they must: every vector has length 1."
    if table["length"].max() == 0:
        return "There is no order of neighbours: all vectors have length zero."
    found = next(((metric, swap) for metric in ("dot", "euclidean") if (swap := swaps[metric])), None)
    low, high = table["length"].min(), table["length"].max()
    if found is None:
        return (
            "All three measures give the same order of neighbours for these sentences: the lengths of their vectors, "
            f"{number(low)} to {number(high)}, are too alike to change it."
        )
    metric, (i, near, far) = found
    name = {"dot": "dot product", "euclidean": "distance"}[metric]
    lengths = table.set_index("sentence")["length"]
    return (
        f"The order of neighbours flips: seen from sentence {i}, {near} is nearer than {far} by cosine, but {far} is "
        f"nearer than {near} by {name}. Vector {far} has length {number(lengths[far])}; vector {near} has length "
        f"{number(lengths[near])}. By {name}, {int(table[f'{metric} swaps'].sum())} of "
        f"{len(table) * math.comb(len(table) - 1, 2)} such comparisons flip."
    )


def about_neighbours(table: pd.DataFrame, measure: Measure, whose: str) -> str:
    """The nearest sentence, and how clear it is.

    Args:
        table: of `pooling.tables.similarity.neighbour_table`.
        whose: "sentence 3" or "your query".
    """
    known = table.dropna(subset="score")
    if table.empty:
        return "There is no other sentence yet: add one above, or search with your own words."
    if known.empty:
        return f"A vector of length zero has no direction: {whose} cannot be compared."
    best, score = known.iloc[0], number(known.iloc[0]["score"])
    if len(known) == 1:
        return f"Sentence {best['sentence']} is all that {whose} can be near to: {measure.noun} {score}."
    ahead = abs(best["score"] - known.iloc[1]["score"])
    if ahead <= NEGLIGIBLE * known["score"].abs().max():
        return f"Sentences {best['sentence']} and {known.iloc[1]['sentence']} are equally near to {whose}: {score}."
    return (
        f"Sentence {best['sentence']} is nearest to {whose} ({measure.noun} {score}), {number(ahead)} ahead "
        f"of sentence {known.iloc[1]['sentence']}."
    )


def about_contributions(contributions: pd.DataFrame, special: float, score: float, what: str) -> str:
    """That the parts add up to the score, and what special tokens make of it.

    Args:
        contributions: of `pooling.tables.similarity.contribution_table`.
        special: the sum of all entries with a special token in them.
        score: the similarity, from the embeddings.
        what: its name.
    """
    rows, columns = contributions.shape
    total = contributions.to_numpy().sum()
    made = f" Pairs with a special token, which is no word of the text, make {number(special)} of it."
    return (
        f"The {rows} × {columns} entries add up to {number(total)}; the {what} of the two embeddings is "
        f"{number(score)}.{made if special else ''}"
    )


def about_baseline(
    mean: float, before: float | None, pair: pd.Series | None, measure: Measure, count: int, steps: str = ""
) -> str:
    """What unrelated texts score, and so how much a score of the reader's means.

    Args:
        mean: of the unrelated pairs.
        before: the same without the steps after pooling, where there are some.
        pair: a row of `pooling.tables.similarity.pair_table`.
        count: number of unrelated pairs.
        steps: what the steps are called.
    """
    what = measure.noun
    text = f"{count:,} pairs of sentences on different topics have {what} {number(mean)} on average."
    if before is not None:
        text += f" Without {steps} it was {number(before)}."
    elif measure.is_cosine and 1 - mean < NEGLIGIBLE:
        text += " All vectors point the same way, so a cosine says nothing here."
    elif measure.is_cosine and mean > 0.3:
        text += " All vectors point much the same way, so a high cosine says little here: try Centre."
    if pair is not None and pair["score"] == pair["score"]:
        share = pair["unrelated"]
        more = f"more alike than {_percent(share)} of them" if share else "no more alike than any of them"
        text += f" {_two(pair)} have {number(pair['score'])}: {more}."
    return text


def about_multiples(table: pd.DataFrame, measure: Measure) -> str:
    """How high the numbers are under each strategy.

    Args:
        table: of `pooling.tables.similarity.strategy_pairs`.
    """
    means = table[table["first"] != table["second"]].drop(columns=["first", "second"]).mean().dropna()
    if means.empty:
        return "The steps after pooling leave nothing to compare, under any strategy."
    return (
        f"On average a pair has {measure.noun} {number(means.max())} under {means.idxmax()}, {number(means.min())} "
        f"under {means.idxmin()}: a number says little before you know what is usual for its strategy (part 5)."
    )


def about_strategies(agree: pd.DataFrame, flipped: pd.DataFrame, own: str, count: int) -> str:
    """Whether the choice of strategy changes who is near whom.

    Args:
        agree: of `pooling.tables.similarity.agreement_table`.
        flipped: of `pooling.tables.similarity.flip_table`.
        own: the label of the chosen strategy.
        count: number of sentences.
    """
    if count < 3:
        return "To agree on an order of neighbours takes three sentences or more: add some above."
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


def _lost(pairs: pd.DataFrame) -> str:
    """How many pairs cannot be compared, where some cannot."""
    lost = pairs["score"].isna().sum()
    return f" {lost} pairs have no score: a vector of length zero has no direction." if lost else ""


def _two(pair: pd.Series) -> str:
    return f"Sentences {int(pair['first'])} and {int(pair['second'])}"


def _percent(share: float) -> str:
    """A share above 0, never rounded up to all of them or down to none."""
    return "all" if share == 1 else f"{min(max(100 * share, 0.1), 99.9):.1f}%"
