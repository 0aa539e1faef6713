"""What the Search page finds, in parts and with progress."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pages.ui import cache, capacity, fitted, layout, piecewise, share
from pages.ui.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from torch import Tensor

    from pooling.after import Step
    from pooling.bootstrap import Compared
    from pooling.evaluation import Cell, Grid
    from pooling.recipe import Reading
    from pooling.retrieval import Chunked, Chunking, SearchData, Searched

LATE_CELLS = 4_000_000
"""Queries times passages up to which they are also searched without pooling."""

CUT_CHARACTERS = 2_000_000
"""Of all passages together, up to which they are also searched in chunks."""
GRID_CELLS = 200_000
"""Queries times passages up to which they are also searched at every layer."""
AGAIN = 20
"""Texts that pooling finds first for a query of the reader's own, which are then ordered without pooling."""


@dataclass(frozen=True, eq=False)
class SearchedAll:
    """A search under every strategy, and without pooling."""

    key: tuple
    """What stands for data, prompts, model, layer and steps in a cache."""
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
    steps: "Mapping[str, list[Step]]"
    """After pooling, by the strategy's name."""
    limit: int
    """Tokens that the model reads of a text."""


def search_all(data: "SearchData", choice: Choice, prompts: "tuple[Reading, Reading]") -> SearchedAll:
    """Every strategy at the chosen layer from one pass over queries and passages, and no pooling from another."""
    from pooling.evaluation import Grid
    from pooling.notices.evaluation import recommended
    from pooling.retrieval import FACTORS, SAME, late_name
    from pooling.tables.search import leaderboards, way_labels

    encoder, layer, after = cache.encoder(choice.model), choice.layer, choice.recipe.after
    queries, passages = list(data.queries.values()), list(data.passages.values())
    numbers = (len(queries) + len(passages)) * len(choice.strategies) * encoder.dim
    rows, characters = len(queries) + len(passages), sum(map(len, [*queries, *passages]))
    capacity.take_turn(rows, characters, capacity.EMBEDDINGS_TAKE * numbers)
    factors = FACTORS if len(queries) * len(passages) <= LATE_CELLS else ()
    asked = _vectors(queries, prompts[0], choice)
    given = _vectors(passages, prompts[1], choice, (prompts[0], queries) if factors else None)
    content, steps = _content(data), fitted.at_the_layer(choice, after)
    key = (content, piecewise.digest([*prompts, choice.settings, after]), layer)
    searched = cache.search_pooled(key, data, asked, given, steps)
    if factors:
        late = Grid({(layer, late_name(factor)): given.vectors[layer, late_name(factor)] for factor in factors})
        searched = searched | cache.search_late(key, data, late, encoder.dim)
    if not searched:
        layout.problem("No strategy finds anything here; choose another layer.")
        layout.stop()
    labels = way_labels(choice.strategies, factors)
    missing = {name: SAME for _, name in given.vectors if name not in searched}
    missing |= {name: why for (_, name), why in given.missing.items()}
    compared = cache.compare_searches(key, searched, queries)
    table, pooled = leaderboards(searched, compared, labels, missing, choice.strategies)
    own = encoder.trained_pooling if layer == encoder.layers else None
    use = recommended(pooled, own)
    return SearchedAll(key, searched, labels, compared, table, pooled, use, asked, given, steps, encoder.max_length)


def score_layers(
    data: "SearchData", choice: Choice, prompts: "tuple[Reading, Reading]"
) -> "tuple[Grid, dict[Cell, float | None]] | str":
    """Every layer under every strategy: the cosines, and nDCG@10; or why that is not computed here."""
    from pooling.after import for_direction

    queries, passages = list(data.queries.values()), list(data.passages.values())
    if len(queries) * len(passages) > GRID_CELLS:
        return "So large a search is not repeated at every layer here; `pooling.retrieval` does it."
    content = (_content(data), piecewise.digest([*prompts, choice.settings, choice.recipe.after]))
    steps = fitted.everywhere(choice, for_direction(choice.recipe.after))
    asked = cache.everywhere(prompts[0], piecewise.digest(queries), choice.settings, queries)

    def part(key: str, some: list) -> "Grid":
        return cache.layer_cosines(prompts[1], choice.settings, key, content, some, asked, steps)

    cosines = piecewise.in_parts(passages, len, part)
    return cosines, cache.cell_scores(content, data, cosines)


@dataclass(frozen=True, eq=False)
class Ways:
    """One strategy in several ways of searching, compared."""

    table: "pd.DataFrame"
    compared: "Compared[str]"


def forget_prompts(
    made: SearchedAll, data: "SearchData", choice: Choice, prompts: "tuple[Reading, Reading]"
) -> "Ways | str":
    """The chosen strategy with both prompts, and with one or both forgotten; or why that cannot be."""
    from dataclasses import replace

    from pooling.retrieval import search
    from pooling.tables.search import FORGOTTEN

    name, cell = choice.strategy.name, (choice.layer, choice.strategy.name)
    if name not in made.searched:
        return f"{choice.strategy.title} finds nothing here."
    asked, given = made.queries.vectors[cell], made.passages.vectors[cell]
    plain = [replace(one, template="{}", pool_template=True) for one in prompts]
    ways = {"none": (asked, given)}
    if plain[0] != prompts[0]:
        ways["queries"] = _vectors(list(data.queries.values()), plain[0], choice).vectors[cell], given
    if plain[1] != prompts[1]:
        ways["passages"] = asked, _vectors(list(data.passages.values()), plain[1], choice).vectors[cell]
    if len(ways) == 3:
        ways["both"] = ways["queries"][0], ways["passages"][1]
    steps = made.steps.get(name, ())
    searched = {way: search(*vectors, data, steps=steps) for way, vectors in ways.items()}
    return _ways(("forgotten", _content(data), *prompts, choice.recipe, choice.settings), searched, data, FORGOTTEN)


def _ways(key: tuple, searched: "dict[str, Searched]", data: "SearchData", labels: dict[str, str]) -> Ways:
    """Some searches compared; the key names them and the data."""
    from pooling.evaluation import leaderboard
    from pooling.tables.evaluation import leaderboard_table

    compared = cache.compare_searches(key, searched, list(data.queries.values()))
    places = leaderboard({way: one.score("nDCG@10") for way, one in searched.items()}, compared)
    return Ways(leaderboard_table(places, labels=labels), compared)


@dataclass(frozen=True, eq=False)
class Asked:
    """One query that is looked at."""

    text: str
    vector: "Tensor | None"
    """Its embedding under the chosen strategy, after the steps, where that is a way of searching."""
    passage: int
    """The number of the text whose chunks are shown: the most relevant, of a query of the reader's own the nearest."""
    hits: "dict[str, list[int]]"
    """The texts' numbers that the chosen strategy and MaxSim find first, by what these are called."""


def ask(
    made: SearchedAll, data: "SearchData", choice: Choice, prompts: "tuple[Reading, Reading]", text: str
) -> "tuple[dict[str, list[int]], Asked]":
    """The texts nearest to a query of the reader's own, by what the ways are called, and what is looked at of it."""
    from pooling.after import values_after
    from pooling.retrieval import max_sim, query_tokens, token_vectors

    vectors, found, chosen = _vectors([text], prompts[0], choice).vectors, {}, choice.strategy.name
    own, content = {}, piecewise.digest([text])
    for name in dict.fromkeys([chosen, made.use, *(one.name for one in choice.strategies)]):
        if name in made.searched and (choice.layer, name) in vectors:
            steps = made.steps.get(name, ())
            own[name] = values_after(vectors[choice.layer, name], steps)[0]
            texts = made.passages.vectors[choice.layer, name]
            found[made.labels[name]] = cache.nearest(made.key, name, content, AGAIN, own[name], texts, steps)
    pooled = found[made.labels[made.use]]
    passages, encoder = list(data.passages.values()), cache.encoder(choice.model)
    asked = query_tokens([text], encoder, choice.layer, **prompts[0].prompt)
    given = [token_vectors(cache.states(prompts[1], choice.layer, (passages[i],)))[0] for i in pooled]
    order = max_sim(asked, given)[0].argsort(descending=True, stable=True).tolist()
    first, late = next(iter(found)), f"MaxSim, of the first {len(pooled)} of {made.labels[made.use]}"
    found = {first: found.pop(first), late: [pooled[i] for i in order]} | found
    hits = {way: found[way] for way in (first, late) if way == late or chosen in own}
    return found, Asked(text, own.get(chosen), found[first][0], hits)


def search_chunks(
    made: SearchedAll, data: "SearchData", choice: Choice, prompts: "tuple[Reading, Reading]", chunking: "Chunking"
) -> "tuple[Ways, dict[str, Chunked]] | str":
    """The chosen strategy on whole texts, on chunks and by late chunking, with the chunks; or why that cannot be."""
    from dataclasses import replace

    from pooling.after import values_after
    from pooling.retrieval import search
    from pooling.tables.search import CUTS

    name, layer, passages = choice.strategy.name, choice.layer, tuple(data.passages.values())
    if sum(map(len, passages)) > CUT_CHARACTERS:
        return "So many texts are not cut into chunks here; `pooling.retrieval` does it."
    if name not in made.searched:
        return made.passages.missing.get((layer, name), f"{choice.strategy.title} finds nothing here.")
    steps, queries, chunks = made.steps.get(name, ()), query_vectors(made, choice), {}
    content = piecewise.digest([passages, prompts[1], choice.settings])
    for way in ("alone", "late"):
        cut = replace(chunking, late=way == "late")
        cut_up = cache.chunked(prompts[1], layer, choice.strategy.name, content, cut, choice.strategy, passages)
        if name in cut_up.missing:
            return cut_up.missing[name]
        chunks[way] = replace(cut_up, vectors={name: values_after(cut_up.vectors[name], steps)})
    searched = {"whole": made.searched[name]} | {
        way: search(queries, one.vectors[name], data, one.owner) for way, one in chunks.items()
    }
    key = (_content(data), *prompts, choice.recipe, choice.settings, chunking)
    return _ways(key, searched, data, CUTS), chunks


def query_vectors(made: SearchedAll, choice: Choice) -> "Tensor":
    """The queries' embeddings under the chosen strategy, after the steps."""
    from pooling.after import values_after

    name = choice.strategy.name
    return values_after(made.queries.vectors[choice.layer, name], made.steps.get(name, ()))


def _content(data: "SearchData") -> str:
    """What stands for what is searched in a cache."""
    return piecewise.digest([*data.queries.items(), *data.passages.items(), data.qrels])


def _vectors(
    texts: list[str], reading: "Reading", choice: Choice, late: "tuple[Reading, list[str]] | None" = None
) -> "Grid":
    """Embeddings of texts at the chosen layer under every strategy, in parts.

    With queries and how they are read, also the scores of `cache.late_scores` for them.
    """
    if late is None:
        return piecewise.in_parts(
            texts, len, lambda key, some: cache.vectors(reading, choice.layer, key, choice.settings, some)
        )
    asked = (late[0], piecewise.digest(late[1]))
    tokens = cache.query_tokens(late[0], choice.layer, asked[1], late[1])
    made = partial(cache.late_scores, reading, choice.layer)
    return piecewise.in_parts(texts, len, lambda key, some: made(key, choice.settings, asked, some, tokens))


def offer_passages(data: "SearchData", choice: Choice, given: "Grid") -> None:
    """Have the passages among the files to take along."""

    def vectors() -> "Tensor":
        return piecewise.embeddings(texts, cache.encoder(choice.model), choice.recipe)

    texts = tuple(data.passages.values())
    share.offer_corpus(share.Offer(f"The {len(texts):,} texts that are searched", texts, (), vectors))
