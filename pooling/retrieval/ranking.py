"""What is found for each query, and how good that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from pooling.bootstrap import Compared, bootstrap, clusters, compare, drawn_mean
from pooling.retrieval.data import SearchData

DEPTH = 100
"""Passages that are kept for each query; what stands behind them counts as not found."""
DECIMALS = 6
"""Of a score; what lies beyond them is rounding, and the same text must not be found twice at different places."""
CELLS_AT_ONCE = 2**24
"""Scores of queries and passages that are held at a time."""
MEASURES = {
    "nDCG@10": "how much of the relevance the first ten hold, the first places counting most",
    "RR": "1 divided by the place of the first relevant text",
    "R@10": "the share of the relevant texts that are among the first ten",
    "R@100": "the share that are among the first hundred",
}
"""What a query's ranking is measured by; all lie between 0 and 1."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """The passages that are found for each query, the best first."""

    found: Int[Tensor, "query hit"]
    """Passages by their number in the data's order; -1 where there are no more."""
    scores: Float[Tensor, "query hit"]


class Found:
    """The best passages of each query so far, from scores that come block by block."""

    def __init__(self, data: SearchData, depth: int = DEPTH):
        names = list(data.passages)
        place = {name: i for i, name in enumerate(names)}
        both = ((row, query) for row, query in enumerate(data.queries) if query in place)
        self._itself = [(row, place[query]) for row, query in both if data.itself(query, query)]
        # Equal scores stand in the order of trec_eval: the passages' names from the last to the first.
        self._turn = torch.empty(len(names), dtype=torch.long)
        self._turn[sorted(range(len(names)), key=names.__getitem__, reverse=True)] = torch.arange(len(names))
        self._depth = min(depth, len(names))
        self._found = torch.empty(len(data.queries), 0, dtype=torch.long)
        self._scores = torch.empty(len(data.queries), 0)

    def add(self, scores: Float[Tensor, "query block"], passages: Int[Tensor, " block"]) -> None:
        """Scores of passages that were not there before, the passages by their numbers."""
        scores = scores.round(decimals=DECIMALS)
        at = {passage: column for column, passage in enumerate(passages.tolist())}
        for row, passage in self._itself:
            if passage in at:
                scores[row, at[passage]] = -torch.inf
        found = torch.cat([self._found, passages.expand(len(scores), -1)], dim=1)
        scores = torch.cat([self._scores, scores], dim=1)
        order = self._turn[found].argsort(dim=1)
        order = order.gather(1, scores.gather(1, order).argsort(dim=1, descending=True, stable=True))
        order = order[:, : self._depth]
        self._found, self._scores = found.gather(1, order), scores.gather(1, order)

    def ranking(self) -> Ranking:
        """What is found by now."""
        nothing = self._scores == -torch.inf
        return Ranking(self._found.masked_fill(nothing, -1), self._scores)


def rank(
    queries: Float[Tensor, "query dim"],
    vectors: Float[Tensor, "vector dim"],
    data: SearchData,
    owner: Int[Tensor, " vector"] | None = None,
    depth: int = DEPTH,
) -> Ranking:
    """Passages by their cosine to each query; where a passage has several vectors, by that of its nearest.

    Args:
        queries: embeddings in the data's order.
        vectors: embeddings of the passages, or of their chunks.
        data: what is searched.
        owner: the number of the passage that each vector belongs to, in ascending order; by default one each.
        depth: passages that are kept for each query.
    """
    found, asked = Found(data, depth), normalize(queries.float(), dim=1)
    owner = torch.arange(len(vectors)) if owner is None else owner
    passages, counts = owner.unique_consecutive(return_counts=True)
    block = max(1, CELLS_AT_ONCE // max(1, len(asked)))
    start = first = 0
    while first < len(passages):
        last = first + max(1, int((counts[first:].cumsum(0) <= block).sum()))
        stop = start + int(counts[first:last].sum())
        scores = asked @ normalize(vectors[start:stop].float(), dim=1).T
        if stop - start > last - first:
            at = torch.arange(last - first).repeat_interleave(counts[first:last])
            best = torch.full((len(asked), last - first), -torch.inf)
            scores = best.scatter_reduce(1, at.expand(len(asked), -1), scores, "amax")
        found.add(scores, passages[first:last])
        start, first = stop, last
    return found.ranking()


def nearest_texts(query: Float[Tensor, " dim"], vectors: Float[Tensor, "text dim"], most: int) -> list[int]:
    """The numbers of the texts nearest to a query by cosine, the best first; of equal ones the earlier first."""
    cosines = (normalize(vectors.float(), dim=1) @ normalize(query.float(), dim=0)).round(decimals=DECIMALS)
    return cosines.argsort(descending=True, stable=True)[:most].tolist()


def measure(
    ranking: Ranking, data: SearchData, names: Sequence[str] = tuple(MEASURES)
) -> dict[str, Float[np.ndarray, " query"]]:
    """Each of `MEASURES` for every query, in the data's order, by trec_eval's rules; 0 where nothing is found.

    A grade counts as it is, in nDCG; from 1 up a passage is relevant for the others.

    Args:
        ranking: of `rank`.
        data: what is searched.
        names: those of the measures that are asked for.
    """
    import ir_measures

    passages, queries = list(data.passages), list(data.queries)
    judged = [
        ir_measures.Qrel(query, passage, grade)
        for query in queries
        for passage, grade in data.qrels.get(query, {}).items()
        if not data.itself(query, passage)
    ]
    run = [
        ir_measures.ScoredDoc(query, passages[passage], score)
        for query, found, scores in zip(queries, ranking.found.tolist(), ranking.scores.tolist(), strict=True)
        for passage, score in zip(found, scores, strict=True)
        if passage >= 0
    ]
    asked = {ir_measures.parse_measure(name): name for name in names}
    place = {query: row for row, query in enumerate(queries)}
    made = {name: np.zeros(len(queries)) for name in names}
    for one in ir_measures.iter_calc(list(asked), judged, run):
        made[asked[one.measure]][place[one.query_id]] = one.value
    return made


def compare_searches(scores: Mapping[str, Float[np.ndarray, " query"]], queries: Sequence[str]) -> Compared[str]:
    """The mean scores of several searches, with intervals over queries that hold for all at once.

    Args:
        scores: of each search, one number a query.
        queries: their texts; equal ones are drawn together.
    """
    if not scores:
        return compare({}, {})
    values = np.array(list(scores.values()))
    samples = bootstrap(partial(drawn_mean, values), clusters(queries))
    return compare({name: float(one.mean()) for name, one in scores.items()}, dict(zip(scores, samples, strict=True)))
