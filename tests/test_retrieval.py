"""Search: rankings and measures against trec_eval, MaxSim and merged tokens against sentence-transformers, chunks."""

import numpy as np
import pytest
import pytrec_eval
import torch
from sentence_transformers import util
from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling
from torch.nn.functional import normalize

from pooling.after import get_step
from pooling.encoders.encoder import Encoder
from pooling.encoders.tokens import Row, pieces
from pooling.evaluation import Grid
from pooling.retrieval import (
    MEASURES,
    Chunking,
    SearchData,
    compare_searches,
    embed_chunks,
    evaluate,
    grid_cosines,
    labelled,
    max_sim,
    measure,
    merge_tokens,
    nearest_texts,
    nearest_tokens,
    query_tokens,
    rank,
    score_cells,
    tells_apart,
    token_vectors,
)
from pooling.retrieval.chunks import grouped, sentences
from pooling.retrieval.ranking import Found
from tests import other_people
from tests.examples import states

TREC = {"nDCG@10": "ndcg_cut_10", "RR": "recip_rank", "R@10": "recall_10", "R@100": "recall_100"}
FERRY = (
    "The ferry leaves the north pier at nine. It takes forty minutes to reach the island. Bicycles travel free of "
    "charge. Dogs must be kept on a lead while they are on deck."
)


def drawn_data(seed: int, queries: int = 12, passages: int = 150) -> SearchData:
    """Queries and passages with grades from -1 to 3, some queries without a relevant passage."""
    random = np.random.default_rng(seed)
    names = [f"d{i}" for i in range(passages)]
    qrels = {
        f"q{i}": {name: int(random.integers(-1, 4)) for name in random.permutation(names)[:25]} for i in range(queries)
    }
    qrels["q1"] = dict.fromkeys(names[:9], 0)
    return SearchData({name: name for name in qrels}, {name: name for name in names}, qrels)


def searched(*texts: str) -> SearchData:
    """A search for the first of some texts."""
    return SearchData({"q": "a question"}, {str(i): text for i, text in enumerate(texts)}, {"q": {"0": 1}})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_measure_of_a_query_is_trec_evals_on_graded_runs_with_ties(seed):
    data = drawn_data(seed)
    random = np.random.default_rng(seed)
    # Few different scores: most places are decided by trec_eval's order of ties.
    scores = torch.from_numpy(random.integers(0, 40, (len(data.queries), len(data.passages)))).float() / 8
    found = Found(data)
    for block in torch.randperm(len(data.passages), generator=torch.manual_seed(seed)).split(17):
        found.add(scores[:, block], block)
    made = measure(found.ranking(), data)
    run = {q: dict(zip(data.passages, row, strict=True)) for q, row in zip(data.queries, scores.tolist(), strict=True)}
    theirs = pytrec_eval.RelevanceEvaluator(dict(data.qrels), set(TREC.values())).evaluate(run)
    assert set(made) == set(TREC) == set(MEASURES)
    for name, other in TREC.items():
        expected = [theirs[query][other] for query in data.queries]
        if name == "RR":  # of a hundred that are kept
            expected = [value if value >= 0.01 else 0 for value in expected]
        assert made[name].tolist() == pytest.approx(expected, abs=1e-6), name
    assert made["nDCG@10"][1] == made["RR"][1] == 0  # nothing is relevant for it


def test_the_measures_of_one_query_by_hand():
    data = SearchData({"q": "?"}, dict.fromkeys("abcd", "x"), {"q": {"a": 2, "c": 1}})
    found = Found(data)
    found.add(torch.tensor([[0.5, 0.9, 0.7, 0.1]]), torch.arange(4))
    made = measure(found.ranking(), data)
    assert found.ranking().found.tolist() == [[1, 2, 0, 3]]
    # The second and the third place hold 1 and 2; at best the first two would hold 2 and 1.
    gained, best = 1 / np.log2(3) + 2 / np.log2(4), 2 + 1 / np.log2(3)
    assert made["nDCG@10"][0] == pytest.approx(gained / best, abs=1e-6)
    assert (made["RR"][0], made["R@10"][0]) == (0.5, 1.0)


def test_a_passage_stands_where_the_nearest_of_its_vectors_stands():
    torch.manual_seed(0)
    data = SearchData({"q": "?", "r": "?"}, {str(i): "x" for i in range(5)}, {"q": {"0": 1}})
    queries, vectors, owner = torch.randn(2, 6), torch.randn(9, 6), torch.tensor([0, 0, 1, 2, 2, 2, 3, 4, 4])
    cosines = torch.cosine_similarity(queries[:, None], vectors[None], dim=2)
    nearest = torch.stack([cosines[:, owner == i].amax(dim=1) for i in range(5)], dim=1)
    made = rank(queries, vectors, data, owner, depth=3)
    assert made.found.tolist() == nearest.argsort(dim=1, descending=True)[:, :3].tolist()
    assert torch.allclose(made.scores, nearest.sort(dim=1, descending=True).values[:, :3], atol=1e-5)


def test_blocks_change_no_ranking(monkeypatch):
    torch.manual_seed(1)
    data, owner = drawn_data(4), torch.arange(150).repeat_interleave(torch.randint(1, 5, (150,)))
    queries, vectors = torch.randn(12, 8), torch.randn(len(owner), 8)
    whole = rank(queries, vectors, data, owner)
    monkeypatch.setattr("pooling.retrieval.ranking.CELLS_AT_ONCE", 12 * 11)
    assert rank(queries, vectors, data, owner).found.equal(whole.found)


def test_a_text_never_finds_itself_and_its_copies_stand_side_by_side():
    data = labelled(["one", "two", "three", "four"], ["x", "x", "y", "y"])
    vectors = torch.tensor([[1.0, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]])
    made = rank(vectors, vectors, data)
    assert made.found.tolist() == [[1, 3, 2, -1], [0, 3, 2, -1], [3, 1, 0, -1], [2, 1, 0, -1]]
    assert measure(made, data)["RR"].tolist() == [1, 1, 1, 1]
    # An id in common is no text in common.
    apart = SearchData({"1": "who?"}, {"1": "she", "2": "he"}, {"1": {"1": 1}})
    assert rank(torch.tensor([[1.0, 0]]), torch.eye(2), apart).found.tolist() == [[0, 1]]


def test_intervals_of_searches_are_over_queries():
    better, worse = np.array([1.0, 0.5, 1.0, 0.9] * 10), np.array([0.1, 0.0, 0.2, 0.1] * 10)
    compared = compare_searches({"a": better, "b": worse}, [str(i) for i in range(40)])
    assert compared.score("a").low < 0.85 < compared.score("a").high
    assert compared.lead("a", "b").low > 0.5


# --- no pooling


def drawn_tokens(lengths: list[int], seed: int) -> list[torch.Tensor]:
    torch.manual_seed(seed)
    return [normalize(torch.randn(length, 16), dim=1) for length in lengths]


def test_maxsim_is_sentence_transformers_own(monkeypatch):
    queries, passages = drawn_tokens([3, 1, 7], 0), drawn_tokens([5, 40, 1, 12, 9], 1)
    theirs = util.mean_maxsim(queries, passages)
    assert torch.allclose(max_sim(queries, passages), theirs, atol=1e-6)
    sums = util.maxsim(queries, passages)
    assert torch.allclose(max_sim(queries, passages) * torch.tensor([[3], [1], [7]]), sums, atol=1e-5)
    monkeypatch.setattr("pooling.retrieval.late.CELLS_AT_ONCE", 11 * 20)
    assert torch.allclose(max_sim(queries, passages), theirs, atol=1e-6)
    places, cosines = nearest_tokens(queries[0], passages[1])
    assert cosines.mean() == pytest.approx(float(theirs[0, 1]), abs=1e-6)
    assert (queries[0] @ passages[1].T).argmax(dim=1).equal(places)


@pytest.mark.parametrize("protected", [0, 1])
@pytest.mark.parametrize("factor", [1, 2, 3, 8])
def test_merged_tokens_are_sentence_transformers_own(factor, protected):
    theirs = HierarchicalTokenPooling(factor, num_protected_tokens=protected)
    for tokens in drawn_tokens([1, 2, 9, 60], 2):
        ours = merge_tokens(tokens, factor, protected=protected)
        expected = theirs.pool_one(tokens) if factor > 1 else tokens
        assert ours.shape == expected.shape
        assert torch.allclose(ours, expected, atol=1e-5)
        assert torch.allclose(ours.norm(dim=1), torch.ones(len(ours)), atol=1e-5)


def test_a_factor_below_1_is_refused():
    with pytest.raises(ValueError, match="The factor 0 would make more tokens; give 1 or more"):
        merge_tokens(torch.eye(3), 0)


def test_token_vectors_are_those_that_pooling_pools():
    made = states([[[1.0, 0], [3, 4], [0, 2]], [[0.0, 5]]], right=2, special=[[0], [0]])
    [first, second] = token_vectors(made)
    assert torch.allclose(first, torch.tensor([[1.0, 0], [0.6, 0.8], [0, 1]]))
    assert second.tolist() == [[0, 1]]
    [first, second] = token_vectors(made, special=False)
    assert torch.allclose(first, torch.tensor([[0.6, 0.8], [0, 1]]))
    assert second.tolist() == [[0, 1]]  # it has no other


# --- chunks


def test_sentences_end_where_a_reader_ends_them():
    text = (
        'Dr. Ames paid 3.50 at noon. "Stop!" she said, and left. J. R. Hill stayed, e.g. for lunch. Is it late? Yes… '
        "or no. (Nobody knew.) The end\n\nA title\n\nMore"
    )
    assert [text[start:stop] for start, stop in sentences(text)] == [
        "Dr. Ames paid 3.50 at noon.",
        '"Stop!" she said, and left.',
        "J. R. Hill stayed, e.g. for lunch.",
        "Is it late?",
        "Yes… or no.",
        "(Nobody knew.)",
        "The end",
        "A title",
        "More",
    ]
    assert sentences("雨だ。風だ") == [(0, 3), (3, 5)]


def test_groups_overlap_and_none_lies_within_another():
    parts = [(i, i + 1) for i in range(5)]
    assert grouped(parts, 2) == [(0, 2), (2, 4), (4, 5)]
    assert grouped(parts, 3, 1) == [(0, 3), (2, 5)]
    assert grouped(parts, 4, 3) == [(0, 4), (1, 5)]
    assert grouped(parts, 9, 8) == [(0, 5)]
    with pytest.raises(ValueError, match="Chunks of 3 tokens cannot overlap by 3; give a size of 1 or more"):
        Chunking("tokens", 3, 3)


def test_a_long_row_in_parts_gives_each_token_once_from_where_it_is_farthest_from_a_cut():
    ids = [101, *range(20), 102]
    special = [1, *[0] * 20, 1]
    row = Row(ids, special, [False] * 22, [False] * 22, [not one for one in special], 0)
    made = pieces(row, limit=10, overlap=2, model="m")
    assert [piece.row.ids for piece in made] == [[101, *range(i, i + 8), 102] for i in (0, 6, 12)]
    assert [(piece.start, piece.stop) for piece in made] == [(0, 7), (7, 13), (13, 20)]
    taken = [piece.row.ids[place] for piece in made for place in piece.places]
    assert taken == list(range(20))
    [whole] = pieces(row, limit=22, overlap=20, model="m")
    assert (whole.row.ids, whole.places) == (ids, list(range(1, 21)))
    with pytest.raises(ValueError, match="Within the 10 tokens of m there is room for 8 tokens of the text"):
        pieces(row, limit=10, overlap=8, model="m")


def plain_states(encoder: Encoder, ids: list[int]) -> torch.Tensor:
    """The last hidden states of some tokens between the special ones, by plain transformers."""
    tokenizer, model = other_people.loaded()
    with torch.no_grad():
        inputs = torch.tensor([[tokenizer.cls_token_id, *ids, tokenizer.sep_token_id]])
        return model(input_ids=inputs).last_hidden_state[0, 1:-1]


def test_late_chunks_are_the_means_of_their_tokens_in_one_reading(encoder):
    made = embed_chunks([FERRY], encoder, ["mean", "cls_attention"], Chunking(size=2, overlap=1, late=True))
    tokenizer, _ = other_people.loaded()
    tokens = tokenizer(FERRY, add_special_tokens=False, return_offsets_mapping=True)
    hidden = plain_states(encoder, tokens["input_ids"])
    assert [FERRY[start:stop][:9] for start, stop in made.spans] == ["The ferry", "It takes ", "Bicycles "]
    for (start, stop), vector in zip(made.spans, made.vectors["mean"], strict=True):
        inside = [start <= begin and end <= stop for begin, end in tokens["offset_mapping"]]
        assert torch.allclose(vector, hidden[torch.tensor(inside)].mean(dim=0), atol=1e-5)
    assert "attention" in made.missing["cls_attention"]
    # Read by itself a chunk says something else: it has not seen what “It” is.
    alone = embed_chunks([FERRY], encoder, ["mean"], Chunking(size=2, overlap=1))
    [own] = encoder.encode([FERRY[slice(*alone.spans[1])]]).hidden
    assert alone.spans == made.spans
    assert torch.allclose(alone.vectors["mean"][1], own.mean(dim=0), atol=1e-5)
    assert torch.cosine_similarity(alone.vectors["mean"][1], made.vectors["mean"][1], dim=0) < 0.95


def test_a_text_beyond_the_limit_is_read_in_parts_that_overlap(encoder):
    long = " ".join([FERRY] * 10)
    tokenizer, _ = other_people.loaded()
    ids = tokenizer(long, add_special_tokens=False)["input_ids"]
    assert 254 < len(ids) < 2 * 254 - 32
    read = {one.index: one for one in encoder.stream_long([FERRY, long])}
    assert read[1].states.ids[0] == tuple(ids)
    second = len(ids) - 254
    border = (254 + second) // 2
    expected = torch.cat(
        [plain_states(encoder, ids[:254])[:border], plain_states(encoder, ids[second:])[border - second :]]
    )
    assert torch.allclose(read[1].states.hidden[0], expected, atol=1e-4)
    start, stop = read[1].spans[300]
    assert long[start:stop].lower() == read[1].states.tokens[0][300]
    # In its prompt a short text has the states that `encode` gives, and the same characters.
    prompted = next(iter(encoder.stream_long([FERRY], template="about boats: {}")))
    whole = encoder.encode([FERRY], template="about boats: {}", pool_template=False)
    own = whole.mask[0] & ~whole.special[0]
    assert torch.allclose(prompted.states.hidden[0], whole.hidden[0][own], atol=1e-5)
    assert prompted.spans == read[0].spans == encoder.spans(FERRY)
    with pytest.raises(ValueError, match="A prompt that says the text twice cannot be read in parts"):
        next(iter(encoder.stream_long([FERRY], template="{} {}")))


def test_a_search_by_strategies_chunks_steps_and_tokens(encoder):
    passages = ["She plays the violin in a quartet.", "The glacier lost a metre of ice.", FERRY]
    data = SearchData(
        {"m": "a musician", "i": "melting ice", "d": "Are bicycles free on the boat?"},
        {str(i): text for i, text in enumerate(passages)},
        {"m": {"0": 2}, "i": {"1": 1}, "d": {"2": 1}},
    )
    told: list[float] = []
    made = evaluate(data, encoder, ["mean", "cls"], late=(1, 4), report=told.append)
    assert list(made) == ["mean", "cls", "maxsim", "maxsim:4"]
    assert made["mean"].ranking.found[:, 0].tolist() == [0, 1, 2]
    assert [made[name].score("RR") for name in ("mean", "maxsim")] == [1, 1]
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    lengths = [encoder.length(text) for text in passages]
    assert made["mean"].bytes == 4 * 384
    assert made["maxsim"].bytes == pytest.approx(4 * 384 * sum(lengths) / 3)
    kept = [1 + (length - 1) // 4 for length in lengths]  # [CLS] is not merged
    assert made["maxsim:4"].bytes == pytest.approx(4 * 384 * sum(kept) / 3)
    small = evaluate(data, encoder, ["mean"], after=["l2", "binary"])["mean"]
    assert (small.bytes, small.ranking.found[:, 0].tolist()) == (48, [0, 1, 2])
    chunked = evaluate(data, encoder, ["mean"], chunking=Chunking(size=1, late=True))["mean"]
    assert chunked.bytes == 4 * 384 * 6 / 3
    assert chunked.ranking.found[:, 0].tolist() == [0, 1, 2]
    asked = evaluate(data, encoder, ["mean"], query_template="query: {}", passage_template="passage: {}")["mean"]
    [vector] = encoder.encode(["query: a musician"]).hidden
    [other] = encoder.encode([f"passage: {passages[0]}"]).hidden
    cosine = torch.cosine_similarity(vector.mean(dim=0), other.mean(dim=0), dim=0)
    assert asked.ranking.scores[0, 0] == pytest.approx(float(cosine), abs=1e-5)


def test_the_tokens_of_queries_keep_their_order(encoder):
    made = query_tokens(["a", "a much longer query than the others", "two words"], encoder)
    assert [len(one) for one in made] == [
        encoder.length(text) for text in ("a", "a much longer query than the others", "two words")
    ]
    assert query_tokens(["a"], encoder, special=False)[0].shape == (1, 384)


def test_each_cell_of_a_grid_is_scored_by_hand_and_one_vector_for_all_texts_has_no_score():
    data = searched("right", "wrong", "wrong again")
    asked = {(1, "mean"): [[1.0, 0]], (1, "max"): [[1.0, 0]], (0, "cls"): [[2.0, 2]], (1, "cls"): [[1.0, 0]]}
    given = {
        (1, "mean"): [[3.0, 0], [0, 1], [-1, 0]],
        (1, "max"): [[0.0, 1], [3, 4], [-1, 0]],
        (0, "cls"): [[1.0, 1]] * 3,
        (2, "cls"): [[1.0, 0]] * 3,
    }
    queries, passages = (Grid({cell: torch.tensor(one) for cell, one in some.items()}) for some in (asked, given))
    cosines = grid_cosines(passages, queries)
    assert cosines.vectors[1, "max"].tolist() == [[0.0], [pytest.approx(0.6)], [-1.0]]
    found = score_cells(cosines, data)
    assert found == {(1, "mean"): 1.0, (1, "max"): pytest.approx(1 / np.log2(3)), (0, "cls"): None}
    after = grid_cosines(passages, queries, {(1, "max"): [get_step("first:1")]})
    assert after.vectors[1, "max"].tolist() == [[0.0], [1.0], [-1.0]]


def test_the_nearest_texts_of_a_query_by_hand():
    vectors = torch.tensor([[0.0, 2], [3, 3], [5, 0], [1, 1]])
    assert nearest_texts(torch.tensor([1.0, 0]), vectors, 3) == [2, 1, 3]
    assert tells_apart(vectors)
    assert not tells_apart(vectors[[1, 3]])
    assert tells_apart(vectors[:1])
