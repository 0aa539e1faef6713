"""What is searched: queries, the texts to find, and how relevant each is for each query."""

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pooling.columns import quoted
from pooling.datasets import Pair

MOST_PASSAGES = 20_000
MOST_QUERIES = 2_000
LABELLED_QUERIES = 200
"""Labelled texts that are taken as queries: each has as many relevant texts as its label has others."""


@dataclass(frozen=True, eq=False)
class SearchData:
    """Queries, passages and judgements, each by its id; a text that is not judged for a query is not relevant.

    Raises:
        ValueError: when ids do not fit, a text is blank, no query has a relevant passage, or there is too much; one
            sentence that may quote them. Checked once, here.
    """

    queries: Mapping[str, str]
    passages: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    """Of each query the passages that were judged: 0 is not relevant, more is more relevant."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """The kind of each query, where that is known."""
    said: tuple[str, ...] = ()
    """What was assumed or left out, in sentences; they may quote the data: show them as text."""

    def __post_init__(self) -> None:
        for what, texts in (("query", self.queries), ("passage", self.passages)):
            for name, text in texts.items():
                if not text.strip():
                    raise ValueError(f"The {what} {quoted(name)} is empty; write something or leave it out.")
        for query, judged in self.qrels.items():
            if query not in self.queries:
                raise ValueError(f"There are judgements for a query {quoted(query)}, which is not among the queries.")
            for passage in judged:
                if passage not in self.passages:
                    raise ValueError(
                        f"The passage {quoted(passage)} is judged for the query {quoted(query)}, and is not among the "
                        "passages."
                    )
        if not any(self.relevant(query) for query in self.queries):
            raise ValueError("No query has a relevant passage; at least one judgement must be 1 or more.")
        if len(self.passages) > MOST_PASSAGES:
            raise ValueError(f"There are {len(self.passages):,} passages; at most {MOST_PASSAGES:,} can be searched.")
        if len(self.queries) > MOST_QUERIES:
            raise ValueError(f"There are {len(self.queries):,} queries; at most {MOST_QUERIES:,} can be asked.")

    def relevant(self, query: str) -> dict[str, int]:
        """The passages that are relevant for a query, with their grades; not the query itself."""
        judged = self.qrels.get(query, {})
        return {passage: grade for passage, grade in judged.items() if grade > 0 and not self.itself(query, passage)}

    def itself(self, query: str, passage: str) -> bool:
        """Whether a passage is the query itself: of the same id, and with its text; it is never counted as found."""
        return query == passage and self.queries[query] in self.passages[passage]


def judged_only(data: SearchData) -> SearchData:
    """Without the queries that have no relevant passage: whatever is found for them, it scores nothing.

    More than `MOST_QUERIES` others are never kept; what is left out is said.
    """
    kept = {query: text for query, text in data.queries.items() if data.relevant(query)}
    left = len(data.queries) - len(kept)
    if not left:
        return data
    named = "1 query has" if left == 1 else f"{left:,} queries have"
    return replace(
        data,
        queries=kept,
        qrels={query: data.qrels[query] for query in kept},
        said=(*data.said, f"{named} no relevant passage and {'is' if left == 1 else 'are'} left out."),
    )


def from_pairs(pairs: Iterable[Pair]) -> SearchData:
    """Queries and texts of pairs whose score is the relevance of the second text for the first.

    Raises:
        ValueError: as `SearchData` does; for a relevance that is no whole number from 0 up, or two for one pair.
    """
    queries: dict[str, str] = {}
    passages: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    for pair in pairs:
        if not (math.isfinite(pair.score) and pair.score >= 0 and float(pair.score).is_integer()):
            raise ValueError(f"The relevance {pair.score:g} is no whole number from 0 up.")
        query = queries.setdefault(pair.text1, f"q{len(queries) + 1}")
        passage = passages.setdefault(pair.text2, f"d{len(passages) + 1}")
        judge(qrels, query, passage, int(pair.score), f"The text {quoted(pair.text2)}", f"{quoted(pair.text1)}")
    return judged_only(
        SearchData(
            {name: text for text, name in queries.items()}, {name: text for text, name in passages.items()}, qrels
        )
    )


def judge(qrels: dict[str, dict[str, int]], query: str, passage: str, grade: int, what: str, whom: str) -> None:
    """Add a judgement; below 0, as TREC has it for spam, is not relevant.

    Raises:
        ValueError: where the same was judged otherwise before.
    """
    grade, judged = max(0, grade), qrels.setdefault(query, {})
    if judged.setdefault(passage, grade) != grade:
        raise ValueError(f"{what} is judged twice for the query {whom}: {judged[passage]} and {grade}; keep one.")


def labelled(texts: Sequence[str], labels: Sequence[str], seed: int = 0) -> SearchData:
    """Labelled texts, of which those with the same label are relevant for each other.

    Of more than `LABELLED_QUERIES` some are drawn to be queries; a text that repeats counts once.

    Raises:
        ValueError: as `SearchData` does; where a text has two labels.
    """
    of_text: dict[str, str] = {}
    for text, label in zip(texts, labels, strict=True):
        if of_text.setdefault(text, label) != label:
            raise ValueError(f"The text {quoted(text)} has two labels, {quoted(of_text[text])} and {quoted(label)}.")
    passages = {str(i): text for i, text in enumerate(of_text, start=1)}
    members: dict[str, list[str]] = {}
    for name, text in passages.items():
        members.setdefault(of_text[text], []).append(name)
    asking = [name for name, text in passages.items() if len(members[of_text[text]]) > 1]
    said = []
    if len(asking) > LABELLED_QUERIES:
        drawn = set(random.Random(seed).sample(asking, LABELLED_QUERIES))
        said = [f"Of the {len(asking):,} texts {LABELLED_QUERIES} are drawn by chance as queries."]
        asking = [name for name in asking if name in drawn]
    queries = {name: passages[name] for name in asking}
    qrels = {name: {one: 1 for one in members[of_text[text]] if one != name} for name, text in queries.items()}
    return SearchData(queries, passages, qrels, said=tuple(said))
