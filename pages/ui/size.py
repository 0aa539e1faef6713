"""What the Size page measures, in the background and with progress."""

from functools import partial
from typing import TYPE_CHECKING

from pages.ui import cache, capacity, layout, piecewise, waiting
from pages.ui.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from pooling.background import Report
    from pooling.corpus.estimate import Estimate
    from pooling.datasets import Pair
    from pooling.evaluation import Grid
    from pooling.retrieval import SearchData
    from pooling.sizes import Measured

MOST_PASSAGES = 5_000
"""Texts that are searched in each of the ways: with these it takes half a minute."""
SAMPLE = 64
"""Texts on which the speed of this machine is measured."""


def measure_pairs(pairs: "tuple[Pair, ...]", choice: Choice) -> "Measured":
    """Every way of storing scored on pairs."""
    from pooling.evaluation import distinct_texts
    from pooling.sizes import measure_pairs

    return _measured(pairs, distinct_texts(pairs), choice, partial(measure_pairs, pairs))


def measure_labels(texts: tuple[str, ...], labels: tuple[str, ...], choice: Choice) -> "Measured":
    """The same on labelled texts."""
    from pooling.sizes import measure_labels

    return _measured((texts, labels), texts, choice, partial(measure_labels, texts, labels))


def measure_search(data: "SearchData", choice: Choice) -> "Measured":
    """The same on a search."""
    from pooling.sizes import measure_search

    queries, passages = tuple(data.queries.values()), tuple(data.passages.values())

    def search(vectors: "Tensor", others: "Tensor", report: "Report") -> "Measured":
        return measure_search(data, vectors[: len(queries)], vectors[len(queries) :], others, report)

    return _measured((queries, passages, data.qrels), (*queries, *passages), choice, search)


def estimate(texts: int, sample: "Sequence[str]", choice: Choice, vector_bytes: int) -> "Estimate":
    """What so many texts take here, as a few of those that are scored say."""
    from pooling import embed
    from pooling.corpus.estimate import measured

    encoder, some = cache.encoder(choice.model), tuple(sample[:: max(1, len(sample) // SAMPLE)][:SAMPLE])

    def speed() -> "Estimate":
        make = partial(
            embed, encoder=encoder, strategies=[choice.strategy], layer=choice.layer, **choice.reading.prompt
        )
        return measured(1, some, make, lambda text: encoder.length(text, choice.reading.template), 0, False)

    key = ("speed", choice.recipe, piecewise.digest(some))
    line = cache.computations("speed", keep=32)
    found = waiting.answer(line, key, lambda report: speed(), "Measuring the speed", title="a speed to be measured")
    return type(found)(texts, found.tokens, found.seconds, found.bytes + vector_bytes)


def _embeddings(texts: "Sequence[str]", choice: Choice) -> "tuple[Tensor, Tensor]":
    """Embeddings of texts and of the others that steps are fitted on, under the chosen strategy."""
    from pooling.sizes import other_texts

    encoder, name = cache.encoder(choice.model), choice.strategy.name
    others = other_texts(texts)
    rows = [*texts, *others]
    numbers = len(rows) * len(choice.strategies) * encoder.dim
    capacity.take_turn(len(rows), sum(map(len, rows)), capacity.EMBEDDINGS_TAKE * numbers)

    def part(key: str, some: list) -> "Grid":
        return cache.vectors(choice.reading, choice.layer, key, choice.settings, some)

    made = []
    for some in (list(texts), others):
        grid = piecewise.in_parts(some, len, part)
        if (choice.layer, name) not in grid.vectors:
            layout.problem(grid.missing.get((choice.layer, name), f"{choice.strategy.title} gives no embedding here."))
            layout.stop()
        made.append(grid.vectors[choice.layer, name])
    return made[0], made[1]


def _measured(
    content: tuple, texts: "Sequence[str]", choice: Choice, do: "Callable[[Tensor, Tensor, Report], Measured]"
) -> "Measured":
    """What `do` measures of embeddings of texts and of others, once for everybody who asks for the same."""
    key = (piecewise.digest(content), choice.reading, choice.layer, choice.strategy.name, choice.strategy.settings)
    line = cache.computations("sizes", keep=16)
    if (work := line.find(key)) and work.answer is not None:
        return work.answer
    vectors, others = _embeddings(texts, choice)
    what = "Storing every text in each of these ways"
    title = "ways of storing to be measured"
    return waiting.answer(line, key, lambda report: do(vectors, others, report), what, title=title)
