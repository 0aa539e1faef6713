"""What an embedding may cost: the ways to store it, the bytes they take, and what is left of a score and of neighbours.

from pooling.sizes import measure_pairs, ways

found = measure_pairs(pairs, vectors, others)      # vectors by their texts, and what the steps are fitted on
found.stored["first-128-int8"].bytes, found.compared.lead("all-384-float32", "first-128-int8")
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from pooling.after import Step, fit_steps, run_steps
from pooling.bootstrap import Compared, bootstrap, clusters, compare, drawn_mean, drawn_precision, drawn_spearman
from pooling.datasets import Pair, own_texts
from pooling.evaluation import average_precision, binary, bootstrap_pairs, distinct_texts, pair_cosines, spearman
from pooling.labels import distinct_rows
from pooling.projection import all_in_one_place, nearest_neighbours, to_points
from pooling.retrieval import Ranking, SearchData, measure, own_search, rank
from pooling.types import NotComputable

DIMS = (768, 512, 384, 256, 192, 128, 96, 64, 32, 16)
"""How many dimensions are kept, where there are more."""
SHORTENED = {"first": "First", "pca": "PCA", "random": "Random"}
"""The steps that leave fewer dimensions, and what they are called before a number."""
TYPES = ("float32", "float16", "int8", "binary")
RESCORED = ("int8", "float32")
"""The number types by which the first hits of a binary search can be scored again."""
NEAREST = 10
"""Neighbours, or hits, that are counted."""
CANDIDATES = 4 * NEAREST
"""Hits by bits that are scored again."""
MOST_NEIGHBOURS = 2000
"""Texts of pairs whose neighbours are looked for: among each other."""
LONGEST = 200
"""Characters of a text that steps are fitted on: a sentence or two."""

Vectors = Float[Tensor, "text dim"]
Others = Float[Tensor, "other dim"]
Report = Callable[[float], object]


@dataclass(frozen=True)
class Way:
    """One way to store embeddings."""

    shortened: str
    """The step that leaves fewer dimensions; "" for all of them."""
    dims: int
    type: str
    """One of `TYPES`."""
    rescored: str = ""
    """The number type that is stored beside the bits, for the first hits to be scored again; "" for none."""

    @property
    def name(self) -> str:
        """As an address has it."""
        return "-".join(filter(None, [self.shortened or "all", str(self.dims), self.type, self.rescored]))

    @property
    def label(self) -> str:
        """What a reader calls it."""
        again = f", rescored in {self.rescored}" if self.rescored else ""
        return f"{SHORTENED.get(self.shortened, 'All')} {self.dims}, {self.type}{again}"

    @property
    def shortening(self) -> tuple[str, ...]:
        """The steps after pooling that come before the number type: directions of length 1."""
        step = f"{self.shortened}:{self.dims}"
        # What is fitted for PCA are directions; to the others it makes no difference.
        return ("l2",) if not self.shortened else ("l2", step, "l2") if self.shortened == "pca" else (step, "l2")

    @property
    def steps(self) -> tuple[str, ...]:
        """All its steps after pooling, as a recipe has them."""
        return self.shortening if self.type == "float32" else (*self.shortening, self.type)


def ways(dim: int, *, search: bool = False) -> list[Way]:
    """Every way to store embeddings of so many dimensions, the whole ones in float32 first.

    Args:
        dim: of the embeddings.
        search: whether the first hits may be scored again.
    """
    lengths = [("", dim), *((step, dims) for step in SHORTENED for dims in DIMS if dims < dim)]
    types = [*((one, "") for one in TYPES), *(("binary", again) for again in RESCORED if search)]
    return [Way(step, dims, *one) for step, dims in lengths for one in types]


class Fitting:
    """What steps are fitted on: embeddings of other texts than those that are scored."""

    def __init__(self, others: Others):
        self._others = others
        self._pca = fit_steps(("l2", "pca:1"), others)[-1] if len(others) > 1 else None

    def steps(self, way: Way) -> list[Step]:
        """The steps of a way, fitted; of one that is rescored, those of its bits.

        Raises:
            NotComputable: when there are too few embeddings.
        """
        # PCA is fitted once for all numbers of dimensions.
        known = {} if self._pca is None else {f"pca:{way.dims}": replace(self._pca, count=way.dims)}
        return fit_steps([known.get(one, one) for one in way.steps], self._others)


@dataclass(frozen=True)
class Stored:
    """What a way of storing takes, and what it keeps."""

    way: Way
    bytes: int
    """A text, all that is stored of it."""
    score: float | None
    kept: float
    """The share of the nearest neighbours by the whole vectors in float32 that it finds among its own as many."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Every way of storing, scored on the same data, and compared with whole vectors in float32."""

    measure: str
    stored: dict[str, Stored]
    compared: Compared[str]
    """By the ways' names; the intervals of differences hold for all differences from `whole` at once."""
    missing: dict[str, str]
    """Why a way could not be taken."""
    rows: int
    what: str
    """What the rows are: "pairs", "texts" or "queries"."""
    fitting: Fitting

    @property
    def whole(self) -> str:
        """The name of the way that leaves embeddings as they are."""
        return next(iter(self.stored))


def other_texts(scored: Sequence[str]) -> list[str]:
    """The project's own short texts that are not among those scored: what steps are fitted on, to be fair."""
    search = own_search()
    own = [*own_texts(), *search.queries.values(), *search.passages.values()]
    taken = set(scored)
    return [text for text in dict.fromkeys(own) if len(text) <= LONGEST and text not in taken]


def measure_pairs(
    pairs: Sequence[Pair], vectors: Vectors, others: Others, report: Report = lambda share: None
) -> Measured:
    """Every way scored by how well its cosines rank scored pairs.

    Args:
        pairs: the pairs.
        vectors: an embedding of each of `distinct_texts(pairs)`.
        others: embeddings of other texts, which steps are fitted on.
        report: told the share that is done; it may raise to end it.
    """
    texts, alike = distinct_texts(pairs), binary(pairs)
    measure, drawn = (average_precision, drawn_precision) if alike else (spearman, drawn_spearman)
    some = torch.linspace(0, len(texts) - 1, min(len(texts), MOST_NEIGHBOURS)).long()
    store = _Store(vectors, others)
    stored, cosines = {}, {}
    whole = None
    for way, made, size in store.each(ways(vectors.shape[1]), report):
        near = _nearest(made[some])
        whole = near if whole is None else whole
        cosines[way.name] = pair_cosines(pairs, texts, made)
        stored[way.name] = Stored(way, size, measure(cosines[way.name], pairs), _kept(whole, near))
    known = {name: cosines[name] for name, one in stored.items() if one.score is not None}
    samples = bootstrap_pairs(drawn, pairs, known) if known else {}
    name = "average precision" if alike else "Spearman"
    return _measured(name, stored, samples, store, len(pairs), "pairs", (0.0 if alike else -1.0, 1.0))


def measure_labels(
    texts: Sequence[str],
    labels: Sequence[str],
    vectors: Vectors,
    others: Others,
    report: Report = lambda share: None,
) -> Measured:
    """Every way scored by how often the nearest other text has the same label; for the arguments see `measure_pairs`.

    A text that repeats with its label counts once.
    """
    rows = distinct_rows(texts, labels)
    label = np.unique(np.array(labels, dtype=object)[rows], return_inverse=True)[1]
    store = _Store(vectors[rows], others)
    stored, right = {}, {}
    whole = None
    for way, made, size in store.each(ways(vectors.shape[1]), report):
        near, score = _nearest(made), None
        whole = near if whole is None else whole
        if not all_in_one_place(to_points(made, "cosine")):
            right[way.name] = (label[near[:, 0].numpy()] == label).astype(float)
            score = float(right[way.name].mean())
        stored[way.name] = Stored(way, size, score, _kept(whole, near))
    samples = _drawn_means(right, [texts[row] for row in rows])
    return _measured("1-NN accuracy", stored, samples, store, len(rows), "texts")


def measure_search(
    data: SearchData,
    queries: Float[Tensor, "query dim"],
    passages: Float[Tensor, "passage dim"],
    others: Others,
    report: Report = lambda share: None,
) -> Measured:
    """Every way scored by nDCG@10 of its search, also those that score the first hits by bits again.

    Neighbours are the first ten texts that a query finds. For the other arguments see `measure_pairs`.
    """
    store, asked = _Store(torch.cat([queries, passages]), others), len(queries)
    stored, scores = {}, {}
    whole = None
    for way, made, size in store.each(ways(passages.shape[1], search=True), report):
        if not way.rescored:
            ranking = rank(made[:asked], made[asked:], data, depth=NEAREST)
        else:
            second = replace(way, type=way.rescored, rescored="")
            short, _ = store.values(replace(second, type="float32"))
            values, more = store.values(second)
            bits = rank(made[:asked], made[asked:], data, depth=CANDIDATES)
            again, size = rescore(short[:asked], values[asked:], bits), size + more
            ranking = Ranking(again.found[:, :NEAREST], again.scores[:, :NEAREST])
        found = ranking.found
        whole = found if whole is None else whole
        scores[way.name] = measure(ranking, data, ["nDCG@10"])["nDCG@10"]
        stored[way.name] = Stored(way, size, float(scores[way.name].mean()), _kept(whole, found))
    samples = _drawn_means(scores, list(data.queries.values()))
    return _measured("nDCG@10", stored, samples, store, asked, "queries")


def rescore(queries: Float[Tensor, "query dim"], values: Float[Tensor, "passage dim"], found: Ranking) -> Ranking:
    """Hits in the order of their dot products with the queries; -1 stays where there are no more."""
    scores = torch.einsum("qd,qhd->qh", queries, values[found.found.clamp(min=0)])
    scores = scores.masked_fill(found.found < 0, -torch.inf)
    order = scores.argsort(dim=1, descending=True, stable=True)
    return Ranking(found.found.gather(1, order), scores.gather(1, order))


class _Store:
    """Embeddings that are stored in one way after another."""

    def __init__(self, vectors: Vectors, others: Others):
        self._vectors, self.fitting = vectors, Fitting(others)
        self.missing: dict[str, str] = {}
        """Why a way could not be taken."""

    def each(self, every: Sequence[Way], report: Report) -> Iterator[tuple[Way, Vectors, int]]:
        """Each way that can be taken, what it makes of the embeddings, and its bytes a text."""
        for done, way in enumerate(every):
            report(done / (len(every) + 10))  # what is drawn at the end takes some time too
            try:
                made = self.values(way)
            except NotComputable as reason:
                self.missing[way.name] = str(reason)
            else:
                yield way, *made

    def values(self, way: Way) -> tuple[Vectors, int]:
        """What the embeddings stand for once they are stored so, and the bytes that one takes."""
        steps = self.fitting.steps(way)
        codes = run_steps(self._vectors, steps)
        return steps[-1].values(codes), codes.shape[1] * codes.element_size()


def _nearest(values: Vectors) -> Int[Tensor, "text near"]:
    return nearest_neighbours(to_points(values, "cosine"), NEAREST, "cosine").indices


def _kept(whole: Int[Tensor, "row near"], near: Int[Tensor, "row near"]) -> float:
    """The share of the one's neighbours that the other has too."""
    there = whole >= 0
    return float((((whole[:, :, None] == near[:, None, :]).any(dim=2)) & there).sum() / there.sum())


def _drawn_means(
    scores: Mapping[str, Float[np.ndarray, " row"]], texts: Sequence[str]
) -> dict[str, Float[np.ndarray, " resample"]]:
    if not scores:
        return {}
    samples = bootstrap(partial(drawn_mean, np.array(list(scores.values()))), clusters(texts))
    return dict(zip(scores, samples, strict=True))


def _measured(
    measure: str,
    stored: dict[str, Stored],
    samples: Mapping[str, Float[np.ndarray, " resample"]],
    store: _Store,
    rows: int,
    what: str,
    ends: tuple[float, float] = (0.0, 1.0),
) -> Measured:
    scores = {name: one.score for name, one in stored.items() if one.score is not None}
    whole = next(iter(stored))
    compared = compare(scores, samples, ends, against=whole) if whole in scores else compare({}, {})
    return Measured(measure, stored, compared, store.missing, rows, what, store.fitting)
