"""Search: which pooling finds the right texts, and what no pooling at all would find.

from pooling import load_encoder
from pooling.retrieval import evaluate, own_search

encoder = load_encoder("sentence-transformers/all-MiniLM-L6-v2")
found = evaluate(own_search(), encoder, ["mean", "cls"], late=[1, 2])
found["mean"].score("nDCG@10"), found["maxsim"].scores["RR"]  # the mean over queries; one number a query
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from pooling.after import Step, chosen_steps
from pooling.catalogue import PLAIN
from pooling.encoders import Encoder, Layer
from pooling.evaluation import embed_grid
from pooling.registry import Strategy, all_strategies, get_strategy
from pooling.retrieval.chunks import Chunked, Chunking, embed_chunks
from pooling.retrieval.data import SearchData, from_pairs, labelled
from pooling.retrieval.files import load, own_search, read_search
from pooling.retrieval.late import FACTORS, Tokens, max_sim, merge_tokens, merged_tokens, nearest_tokens, token_vectors
from pooling.retrieval.layers import SAME, grid_cosines, score_cells, tells_apart
from pooling.retrieval.ranking import MEASURES, Found, Ranking, compare_searches, measure, nearest_texts, rank

AT_ONCE = 128
"""Passages whose every token is held at a time."""

__all__ = [
    "FACTORS",
    "MEASURES",
    "SAME",
    "Chunked",
    "Chunking",
    "Ranking",
    "SearchData",
    "Searched",
    "compare_searches",
    "embed_chunks",
    "evaluate",
    "from_pairs",
    "grid_cosines",
    "labelled",
    "late_name",
    "load",
    "max_sim",
    "measure",
    "merge_tokens",
    "merged_tokens",
    "nearest_texts",
    "nearest_tokens",
    "own_search",
    "passage_tokens",
    "query_tokens",
    "rank",
    "read_search",
    "score_cells",
    "search",
    "tells_apart",
    "token_vectors",
]


@dataclass(frozen=True, eq=False)
class Searched:
    """What one way of searching finds, how good that is, and what it takes."""

    ranking: Ranking
    scores: dict[str, Float[np.ndarray, " query"]]
    """Each of `MEASURES` for every query."""
    bytes: float
    """That a passage takes on average: in float32, or in what the steps after pooling make."""

    def score(self, measure: str) -> float:
        """The mean over queries."""
        return float(self.scores[measure].mean())


def evaluate(
    data: SearchData,
    encoder: Encoder,
    strategies: Iterable[Strategy | str] | None = None,
    *,
    layer: Layer = -1,
    query_template: str = PLAIN,
    passage_template: str = PLAIN,
    pool_template: bool = True,
    chunking: Chunking | None = None,
    after: Iterable[Step | str] = (),
    late: Iterable[int] = (),
    special: bool = True,
    report: Callable[[float], Any] = lambda share: None,
) -> dict[str, Searched]:
    """What is found under each strategy by cosine, and without pooling by `max_sim`: "maxsim", "maxsim:2" and so on.

    Args:
        data: what is searched.
        encoder: the model.
        strategies: by name or not; by default all that can be computed. What cannot is left out.
        layer: as in `Encoder.encode`.
        query_template: the prompt around a query, and
        passage_template: around a passage; E5, for one, wants different ones.
        pool_template: whether their tokens are pooled.
        chunking: how passages are cut into chunks, of which the nearest counts; None for one vector a passage, which
            knows nothing of what lies beyond the model's limit. Without effect on `late`.
        after: steps after pooling; those that need numbers of a corpus take them from the passages.
        late: factors by which the tokens of passages are merged, 1 for none.
        special: whether tokens that the tokenizer added count there.
        report: told the share of the passages that is done; it may raise to end it.

    Raises:
        ValueError: as `Encoder.encode` does, or for a factor below 1.
        KeyError: for an unknown strategy or step.
    """
    given = all_strategies() if strategies is None else strategies
    chosen = [get_strategy(one) if isinstance(one, str) else one for one in given]
    queries, passages = list(data.queries.values()), list(data.passages.values())
    prompt: dict[str, Any] = {"template": query_template, "pool_template": pool_template}
    around: dict[str, Any] = {"template": passage_template, "pool_template": pool_template}
    factors = sorted(set(late))
    halves = bool(chosen) + bool(factors)
    made: dict[str, Searched] = {}
    if chosen:

        def half(done: float) -> None:
            report(done / halves)

        owner = None
        if chunking is None:
            vectors = embed_grid(passages, encoder, [layer], chosen, **around, report=half).named(encoder.layer(layer))
        else:
            chunks = embed_chunks(
                passages, encoder, chosen, chunking, layer=layer, template=passage_template, report=half
            )
            vectors, owner = chunks.vectors, chunks.owner
        for name, asked in embed_grid(queries, encoder, [layer], chosen, **prompt).named(encoder.layer(layer)).items():
            if name in vectors:
                made[name] = search(asked, vectors[name], data, owner, chosen_steps(after, encoder.after))
    if factors:
        tokens = query_tokens(queries, encoder, layer, special=special, **prompt)
        scored = {factor: Found(data) for factor in factors}
        held = dict.fromkeys(factors, 0)
        done, whole = 0, sum(map(len, passages))
        for indices, merged in passage_tokens(passages, encoder, factors, layer, special=special, **around):
            for factor, texts in merged.items():
                scored[factor].add(max_sim(tokens, texts), torch.tensor(indices))
                held[factor] += sum(map(len, texts))
            done += sum(len(passages[i]) for i in indices)
            report((halves - 1 + done / whole) / halves)
        for factor, found in scored.items():
            ranking, size = found.ranking(), 4 * encoder.dim * held[factor] / len(passages)
            made[late_name(factor)] = Searched(ranking, measure(ranking, data), size)
    return made


def search(
    queries: Float[Tensor, "query dim"],
    vectors: Float[Tensor, "vector dim"],
    data: SearchData,
    owner: Int[Tensor, " vector"] | None = None,
    steps: Iterable[Step] = (),
) -> Searched:
    """What embeddings find by cosine after some steps, which are fitted on the passages' where they need it.

    Args:
        queries, vectors, data, owner: as in `rank`.
        steps: after pooling, in order.
    """
    stored: Tensor = vectors
    values: Callable[[Tensor], Tensor] = Tensor.float
    for one in steps:
        step = one.fit(stored.float()) if one.fitted is None else one
        stored, queries, values = step(stored.float()), step(queries.float()), step.values
    ranking = rank(values(queries), values(stored), data, owner)
    size = stored.element_size() * stored.shape[1] * len(stored) / len(data.passages)
    return Searched(ranking, measure(ranking, data), size)


def late_name(factor: int) -> str:
    """What `evaluate` calls a search without pooling: "maxsim", or "maxsim:2" where tokens are merged."""
    return "maxsim" if factor == 1 else f"maxsim:{factor}"


def query_tokens(
    queries: Sequence[str], encoder: Encoder, layer: Layer = -1, *, special: bool = True, **prompt: Any
) -> list[Tokens]:
    """The token vectors of every query, in order; a prompt as in `Encoder.encode`."""
    made: dict[int, Tokens] = {}
    for indices, states in encoder.stream(queries, layer=layer, **prompt):
        made |= zip(indices, token_vectors(states, special=special), strict=True)
    return [made[i] for i in range(len(queries))]


def passage_tokens(
    passages: Sequence[str],
    encoder: Encoder,
    factors: Sequence[int] = (1,),
    layer: Layer = -1,
    *,
    special: bool = True,
    **prompt: Any,
) -> Iterator[tuple[list[int], dict[int, list[Tokens]]]]:
    """The token vectors of some passages at a time, merged by each of the factors: which passages, factor -> vectors.

    What lies beyond the model's limit is cut off. All of a corpus's tokens would seldom fit into memory.
    """
    indices: list[int] = []
    merged: dict[int, list[Tokens]] = {factor: [] for factor in factors}
    for some, states in encoder.stream(passages, layer=layer, **prompt):
        indices += some
        for factor, texts in merged_tokens(states, factors, special=special).items():
            merged[factor] += texts
        if len(indices) >= AT_ONCE:
            yield indices, merged
            indices, merged = [], {factor: [] for factor in factors}
    if indices:
        yield indices, merged
