"""The search that was written for this project: what its README says of it, and that words alone do not solve it."""

import re
from collections import Counter
from itertools import combinations

import bm25s
import numpy as np
import torch

from pooling.retrieval import compare_searches, evaluate, measure, own_search
from pooling.retrieval.ranking import Found
from tests.conftest import ROOT

KINDS = ("paraphrase", "keyword", "negation", "detail", "question")


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def by_words(scores: np.ndarray) -> dict[str, np.ndarray]:
    """What scores of words find."""
    found = Found(own_search())
    found.add(torch.from_numpy(scores).float(), torch.arange(scores.shape[1]))
    return measure(found.ranking(), own_search())


def test_it_has_facts_paragraphs_and_documents_on_every_subject():
    lengths = {name: len(text.split()) for name, text in own_search().passages.items()}
    subjects = Counter(name.partition("-")[0] for name in lengths)
    assert (len(lengths), len(subjects), set(subjects.values())) == (200, 20, {10})
    for subject in subjects:
        own = sorted(n for name, n in lengths.items() if name.startswith(f"{subject}-"))
        assert max(own[:6]) <= 35, subject  # facts
        assert 40 <= min(own[6:9]) <= max(own[6:9]) <= 130, subject
        assert 600 <= own[9] <= 1500, subject


def test_its_queries_are_of_five_kinds_as_many_each_on_every_subject_with_graded_judgements():
    data = own_search()
    assert Counter(data.kinds.values()) == dict.fromkeys(KINDS, 20)
    assert data.said == ()
    grades = Counter(grade for judged in data.qrels.values() for grade in judged.values())
    assert set(grades) == {1, 2}
    readme = (ROOT / "pooling" / "data" / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| ([012]) \|", readme.partition("## `search/`")[2], re.MULTILINE) == ["2", "1", "0"]
    seen = set()
    for query, kind in data.kinds.items():
        answers = [passage for passage, grade in data.qrels[query].items() if grade == 2]
        assert answers, query
        seen.add((kind, answers[0].partition("-")[0]))
        if kind == "detail":
            assert len(data.passages[answers[0]].split()) >= 600
            assert data.queries[query].endswith("?")
    assert len(seen) == 100


def test_no_text_repeats_another_and_none_is_a_template_filled_in():
    data = own_search()
    texts = [*data.passages.values(), *data.queries.values()]
    assert len({" ".join(words(text)) for text in texts}) == 300
    runs = {
        name: {tuple(words(text)[i : i + 8]) for i in range(len(words(text)) - 7)}
        for name, text in data.passages.items()
    }
    for (one, first), (other, second) in combinations(runs.items(), 2):
        assert not first & second, (one, other)


def test_words_alone_find_less_than_the_default_model_and_more_than_chance_makes(encoder):
    data = own_search()
    passages, queries = list(data.passages.values()), list(data.queries.values())
    quiet = {"stopwords": "en", "show_progress": False}
    index = bm25s.BM25()
    index.index(bm25s.tokenize(passages, **quiet), show_progress=False)
    asked = bm25s.tokenize(queries, return_ids=False, **quiet)
    bags = [set(words(text)) for text in passages]
    overlap = [[len(bag & set(words(query))) / len(bag | set(words(query))) for bag in bags] for query in queries]
    made = {
        "BM25": by_words(np.array([index.get_scores(one) if one else np.zeros(len(passages)) for one in asked])),
        "overlap": by_words(np.array(overlap)),
        "mean": evaluate(data, encoder, ["mean"])["mean"].scores,
    }
    compared = compare_searches({name: one["nDCG@10"] for name, one in made.items()}, queries)
    points = {name: round(100 * compared.score(name).value, 1) for name in made}
    assert points == {"BM25": 49.7, "overlap": 30.7, "mean": 78.2}  # as the README has it
    assert compared.lead("mean", "BM25").low > 0.1
    assert compared.lead("BM25", "overlap").low > 0
