"""What the Search page finds, in parts and with progress."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pages.ui import cache, capacity, layout, piecewise, share
from pages.ui.choice import Choice

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from pooling.bootstrap import Compared
    from pooling.evaluation import Grid
    from pooling.recipe import Reading
    from pooling.retrieval import Chunked, Chunking, SearchData, Searched

LATE_CELLS = 4_000_000
"""Queries times passages up to which they are also searched without pooling."""

CUT_CHARACTERS = 2_000_000
"""Of all passages together, up to which they are also searched in chunks."""


@dataclass(frozen=True, eq=False)
class SearchedAll:
    """A search under every strategy, and without pooling."""

    searched: "dict[str, Searched]"
    labels: dict[str, str]
    """What each way of searching is called."""
    compared: "Compared[str]"
    table: "pd.DataFrame"
    """The leaderboard of all of them, and what a text takes."""
    pooled: "pd.DataFrame"
    """That of the strategies alone."""
    use: str
    """The strategy of the verdict."""
    queries: "Grid"
    passages: "Grid"
    cut: int
    limit: int


def search_all(data: "SearchData", choice: Choice, prompts: "tuple[Reading, Reading]") -> SearchedAll:
    """Every strategy at the chosen layer from one pass over queries and passages, and no pooling from another."""
    from pooling.notices.evaluation import recommended
    from pooling.retrieval import FACTORS
    from pooling.tables.search import leaderboards, way_labels

    encoder, layer = cache.encoder(choice.model), choice.layer
    queries, passages = list(data.queries.values()), list(data.passages.values())
    numbers = (len(queries) + len(passages)) * len(choice.strategies) * encoder.dim
    rows, characters = len(queries) + len(passages), sum(map(len, [*queries, *passages]))
    capacity.take_turn(rows, characters, capacity.EMBEDDINGS_TAKE * numbers)
    asked, given = (
        piecewise.in_parts(texts, len, partial(_vectors, reading, choice))
        for texts, reading in zip((queries, passages), prompts, strict=True)
    )
    content = piecewise.digest([*data.queries.items(), *data.passages.items(), data.qrels])
    key = (content, piecewise.digest([*prompts, choice.settings]), layer)
    searched = cache.search_pooled(key, data, asked, given)
    factors = FACTORS if len(queries) * len(passages) <= LATE_CELLS else ()
    if factors:
        tokens = cache.query_tokens(prompts[0], layer, piecewise.digest(queries), queries)

        def part(key: str, some: list) -> "Grid":
            return cache.late_scores(prompts[1], layer, key, (content, prompts[0]), some, tokens)

        late = piecewise.in_parts(passages, len, part)
        searched = searched | cache.search_late(key, data, late, encoder.dim)
    if not searched:
        layout.problem("No strategy finds anything here; choose another layer.")
        layout.stop()
    labels = way_labels(choice.strategies, factors)
    missing = {name: why for (_, name), why in given.missing.items()}
    compared = cache.compare_searches(key, searched, queries)
    table, pooled = leaderboards(searched, compared, labels, missing, choice.strategies)
    own = encoder.trained_pooling if layer == encoder.layers else None
    use = recommended(pooled, own)
    return SearchedAll(searched, labels, compared, table, pooled, use, asked, given, given.cut, encoder.max_length)


@dataclass(frozen=True, eq=False)
class Cuts:
    """A search of whole texts and of their chunks, read by themselves and as parts of the whole."""

    table: "pd.DataFrame"
    compared: "Compared[str]"
    chunks: "dict[str, Chunked]"
    """Of the ways "alone" and "late"."""
    queries: "Tensor"


def search_chunks(
    made: SearchedAll, data: "SearchData", choice: Choice, prompts: "tuple[Reading, Reading]", chunking: "Chunking"
) -> "Cuts | str":
    """The chosen strategy on whole texts, on chunks and by late chunking; or why that cannot be."""
    from dataclasses import replace

    from pooling.evaluation import leaderboard
    from pooling.retrieval import search
    from pooling.tables.evaluation import leaderboard_table
    from pooling.tables.search import CUTS

    name, layer, passages = choice.strategy.name, choice.layer, tuple(data.passages.values())
    if sum(map(len, passages)) > CUT_CHARACTERS:
        return "So many texts are not cut into chunks here; `pooling.retrieval` does it."
    if name not in made.searched:
        return made.passages.missing.get((layer, name), f"{choice.strategy.title} finds nothing here.")
    queries, chunks = made.queries.vectors[layer, name], {}
    content = piecewise.digest([passages, prompts[1], choice.settings])
    for way in ("alone", "late"):
        cut = replace(chunking, late=way == "late")
        chunks[way] = cache.chunked(prompts[1], layer, choice.strategy.name, content, cut, choice.strategy, passages)
        if name in chunks[way].missing:
            return chunks[way].missing[name]
    searched = {"whole": made.searched[name]} | {
        way: search(queries, one.vectors[name], data, one.owner) for way, one in chunks.items()
    }
    key = (content, piecewise.digest([data.qrels, data.queries, prompts]), layer, name, chunking)
    compared = cache.compare_searches(key, searched, list(data.queries.values()))
    places = leaderboard({way: one.score("nDCG@10") for way, one in searched.items()}, compared)
    return Cuts(leaderboard_table(places, labels=CUTS), compared, chunks, queries)


def _vectors(reading: "Reading", choice: Choice, key: str, some: list) -> "Grid":
    return cache.vectors(reading, choice.layer, key, choice.settings, some)


def offer_passages(data: "SearchData", choice: Choice, given: "Grid") -> None:
    """Have the passages among the files to take along."""

    def vectors() -> "Tensor":
        return piecewise.embeddings(texts, cache.encoder(choice.model), choice.recipe)

    texts = tuple(data.passages.values())
    share.offer_corpus(share.Offer(f"The {len(texts):,} texts that are searched", texts, (), vectors))
