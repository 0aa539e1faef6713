"""The tables of the Search page; scores are in points, a hundred times what they are."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity

from pooling.bootstrap import Compared
from pooling.encoders.encoder import Span
from pooling.evaluation import leaderboard
from pooling.registry import Strategy
from pooling.retrieval import Chunked, SearchData, Searched, late_name, nearest_tokens, token_vectors
from pooling.tables.evaluation import leaderboard_table
from pooling.types import TokenStates

MEASURE = "nDCG@10"
FIRST = 10
"""Hits of a query that are listed."""
CUTS = {
    "whole": "One vector a text",
    "alone": "Chunks, read alone",
    "late": "Late chunking",
}
"""What the ways to cut long texts are called."""
FORGOTTEN = {
    "none": "Both prompts",
    "queries": "Without that of queries",
    "passages": "Without that of passages",
    "both": "Without any prompt",
}
"""What is forgotten of the prompts, and what a search is called then."""
LONGEST = 90
"""Characters of a passage in a list."""


def way_labels(strategies: Sequence[Strategy], factors: Sequence[int]) -> dict[str, str]:
    """What each way of searching is called: the strategies, and no pooling with tokens merged by factors."""
    unpooled = {late_name(one): "No pooling (MaxSim)" if one == 1 else f"MaxSim, 1 in {one} tokens" for one in factors}
    return {one.name: one.title for one in strategies} | unpooled


def leaderboards(
    searched: Mapping[str, Searched],
    compared: Compared[str],
    labels: Mapping[str, str],
    missing: Mapping[str, str],
    strategies: Sequence[Strategy],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`leaderboard_table` of all ways of searching, with their other measures and bytes a text; and of the strategies.

    The intervals of both hold for all ways at once.
    """
    scores = {name: one.score(MEASURE) for name, one in searched.items()}
    table = leaderboard_table(leaderboard(scores, compared, missing), labels=labels)
    for at, name in enumerate(("RR", "R@10", "R@100")):
        found = [100 * searched[one].score(name) if one in searched else None for one in table["name"]]
        table.insert(5 + at, name, found)
    table.insert(8, "bytes a text", [searched[one].bytes if one in searched else None for one in table["name"]])
    names = {one.name: one.name for one in strategies if one.name in searched}
    pooled = leaderboard({name: scores[name] for name in names}, compared.renamed(names), missing)
    return table, leaderboard_table(pooled, labels=labels)


def size_table(table: pd.DataFrame) -> pd.DataFrame:
    """The measures of every way of searching, in points, and the bytes that a text takes, of `leaderboards`."""
    made = table.loc[table["score"].notna(), ["label", "score", "RR", "R@10", "R@100", "bytes a text"]]
    made = made.rename(columns={"label": "searched by", "score": MEASURE})
    return made.round(dict.fromkeys(made.columns[1:5], 1) | {"bytes a text": 0})


def spread(searched: Mapping[str, Searched], data: SearchData, measure: str) -> dict[str, float]:
    """How far the best and the worst score of each query lie apart."""
    scores = np.array([one.scores[measure] for one in searched.values()])
    return dict(zip(data.queries, (scores.max(axis=0) - scores.min(axis=0)).tolist(), strict=True))


def kind_table(
    searched: Mapping[str, Searched], data: SearchData, measure: str, labels: Mapping[str, str]
) -> pd.DataFrame:
    """The mean score of each kind of query, kinds across, ways of searching down, the best first."""
    kinds = np.array([data.kinds.get(query, "other") for query in data.queries])
    rows = [
        {"searched by": labels[name], "all": 100 * one.score(measure)}
        | {kind: 100 * one.scores[measure][kinds == kind].mean() for kind in dict.fromkeys(kinds.tolist())}
        for name, one in searched.items()
    ]
    return pd.DataFrame(rows).sort_values("all", ascending=False, ignore_index=True)


def hit_table(
    searched: Mapping[str, Searched], data: SearchData, query: str, ways: Sequence[str], labels: Mapping[str, str]
) -> pd.DataFrame:
    """What is found first for a query in each of some ways, side by side, relevant texts marked."""
    row = list(data.queries).index(query)
    found = {labels[way]: searched[way].ranking.found[row].tolist() for way in ways}
    return listed(found, data, data.relevant(query))


def listed(
    found: Mapping[str, Sequence[int]], data: SearchData, relevant: Mapping[str, int] | None = None
) -> pd.DataFrame:
    """The first hits in each way, by passages' numbers, side by side, those of a relevance marked."""
    names, table = list(data.passages), {}
    for label, numbers in found.items():
        some = [names[i] for i in numbers[:FIRST] if i >= 0]
        table[label] = pd.Series([marked((relevant or {}).get(one, 0)) + short(data.passages[one]) for one in some])
    made = pd.DataFrame(table).fillna("")
    made.insert(0, "place", range(1, len(made) + 1))
    return made


def relevant_table(
    searched: Mapping[str, Searched], data: SearchData, query: str, labels: Mapping[str, str]
) -> pd.DataFrame:
    """The place of each relevant text in each way of searching; "–" for one that is not among those kept."""
    row, names = list(data.queries).index(query), list(data.passages)
    relevant = sorted(data.relevant(query).items(), key=lambda one: -one[1])
    table: dict[str, list[str]] = {"searched by": [labels[name] for name in searched]}
    for n, (passage, grade) in enumerate(relevant[:FIRST], start=1):
        at = names.index(passage)
        column = []
        for one in searched.values():
            found = one.ranking.found[row].tolist()
            column.append(str(found.index(at) + 1) if at in found else "–")
        table[f"{marked(grade)}{n}: {short(data.passages[passage], 50)}"] = column
    return pd.DataFrame(table)


def join_table(query: TokenStates, passage: TokenStates) -> pd.DataFrame:
    """Each token of a query, the token of a text that is nearest to it, their cosine, and where that token stands.

    The mean of the cosines is `max_sim`.

    Args:
        query: a batch of one.
        passage: likewise.
    """
    (asked,), (given,) = token_vectors(query), token_vectors(passage)
    names = [
        [token for token, kept in zip(one.tokens[0], one.mask[0].tolist(), strict=True) if kept]
        for one in (query, passage)
    ]
    nearest, cosines = nearest_tokens(asked, given)
    joined = {"token of the query": names[0], "nearest in the text": [names[1][i] for i in nearest.tolist()]}
    cosine, place = cosines.double().numpy().round(3), (nearest + 1).tolist()
    return pd.DataFrame(joined | {"cosine": cosine, "place in the text": place})


def most_relevant(data: SearchData, query: str) -> int:
    """The number of a query's most relevant text, of several the longest."""
    relevant = data.relevant(query)
    return list(data.passages).index(max(relevant, key=lambda one: (relevant[one], len(data.passages[one]))))


def chunk_table(
    chunks: Mapping[str, Chunked], query: Float[Tensor, " dim"], data: SearchData, passage: int
) -> pd.DataFrame:
    """The chunks of a text, and how near each is to a query's embedding, read alone and late: CUTS' columns, chunk.

    Args:
        chunks: of the ways "alone" and "late".
        query: the embedding.
        data: what is searched.
        passage: the text's number.
    """
    text = list(data.passages.values())[passage]
    made: dict[str, dict[Span, float]] = {}
    for way, one in chunks.items():
        [vectors] = one.vectors.values()
        own = one.owner == passage
        cosines = cosine_similarity(query[None], vectors[own], dim=1).tolist()
        spans = [span for span, mine in zip(one.spans, own.tolist(), strict=True) if mine]
        made[way] = dict(zip(spans, cosines, strict=True))
    spans = sorted(set().union(*made.values()))
    columns = {CUTS[way]: [one.get(span, float("nan")) for span in spans] for way, one in made.items()}
    return pd.DataFrame(columns | {"chunk": [text[start:stop] for start, stop in spans]})


def marked(grade: int) -> str:
    """The mark of a relevant text: two dots for the full answer."""
    return "" if grade < 1 else "● " if grade == 1 else "●● "


def short(text: str, longest: int = LONGEST) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
