"""The Size page: ways to store embeddings, their bytes and scores by hand, their code, and what the page says."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from pages.ui import size
from pooling import embed
from pooling.after import fit_steps, run_steps, save_step
from pooling.bootstrap import compare
from pooling.catalogue import DEFAULT, MODELS, get_model
from pooling.corpus.estimate import Estimate, about_estimate, estimate_table
from pooling.datasets import Pair, own_pairs, own_topics
from pooling.evaluation import distinct_texts
from pooling.notices import sizes as notices
from pooling.retrieval import Ranking, SearchData, own_search, search
from pooling.sizes import (
    Fitting,
    Measured,
    Stored,
    Way,
    measure_labels,
    measure_pairs,
    measure_search,
    other_texts,
    rescore,
    ways,
)
from pooling.storing import for_faiss, for_numpy
from pooling.tables import points
from pooling.tables import sizes as tables
from tests.conftest import ROOT
from tests.test_evaluation import shown

RANDOM = torch.Generator().manual_seed(0)
TEXTS = torch.randn(60, 32, generator=RANDOM) + 0.2
OTHERS = torch.randn(50, 32, generator=RANDOM) + 0.2
QUERIES = TEXTS[:5] + 0.3 * torch.randn(5, 32, generator=RANDOM)


def test_every_way_has_its_name_its_steps_and_its_bytes():
    made = {way.name: way for way in ways(32, search=True)}
    assert list(made)[:4] == ["all-32-float32", "all-32-float16", "all-32-int8", "all-32-binary"]
    assert len(made) == 4 * 6  # all, and 16 by three steps; four number types, and bits rescored in two
    assert made["first-16-int8"].steps == ("first:16", "l2", "int8")
    assert made["pca-16-float32"].steps == ("l2", "pca:16", "l2")
    assert made["all-32-binary-int8"].label == "All 32, binary, rescored in int8"
    assert {way.dims for way in ways(384)} == {384, 256, 192, 128, 96, 64, 32, 16}
    queries = {f"q{i}": f"query {i}" for i in range(5)}
    data = SearchData(queries, {str(i): f"text {i}" for i in range(60)}, {f"q{i}": {str(i): 1} for i in range(5)})
    stored = measure_search(data, QUERIES, TEXTS, OTHERS).stored
    size = {name: one.bytes for name, one in stored.items()}
    assert [size[f"all-32-{kind}"] for kind in ("float32", "float16", "int8", "binary")] == [128, 64, 32, 4]
    assert [size[f"random-16-{kind}"] for kind in ("float32", "binary", "binary-int8", "binary-float32")] == [
        64,
        2,
        18,
        66,
    ]
    assert stored["all-32-float32"].kept == 1
    # Of 60 texts 40 are looked at again in float32: nearly what is found at once.
    assert stored["all-32-binary"].kept < 0.8 < stored["all-32-binary-float32"].kept


def test_hits_by_bits_are_put_in_the_order_of_their_numbers_by_hand():
    found = Ranking(torch.tensor([[2, 0, 1], [1, -1, -1]]), torch.zeros(2, 3))
    values = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.5, 0.5]])
    again = rescore(torch.tensor([[1.0, 0.0], [1.0, 1.0]]), values, found)
    assert again.found.tolist() == [[0, 2, 1], [1, -1, -1]]
    assert again.scores.tolist() == [[1.0, 0.5, 0.0], [2.0, -torch.inf, -torch.inf]]


def test_whole_vectors_find_what_the_search_page_finds():
    data = own_search()
    vectors = torch.randn(len(data.passages), 8, generator=torch.Generator().manual_seed(1))
    queries = torch.randn(len(data.queries), 8, generator=torch.Generator().manual_seed(2))
    for row, (query, passages) in enumerate(zip(data.queries, data.qrels.values(), strict=True)):
        queries[row] += 2 * vectors[list(data.passages).index(next(iter(passages)))]
        assert query in data.queries
    made = search(queries, vectors, data)
    assert made.score("nDCG@10") > 0.2
    found = measure_search(data, queries, vectors, OTHERS[:, :8])
    assert found.stored[found.whole].score == pytest.approx(made.score("nDCG@10"), abs=1e-6)


def test_steps_are_fitted_on_texts_of_this_project_that_are_not_scored():
    pairs, topics = distinct_texts(own_pairs()), own_topics()[0]
    assert len(other_texts(())) == len({*other_texts(pairs), *pairs}) > 1000
    for scored in (pairs, topics):
        assert not set(other_texts(scored)) & set(scored)
        assert len(other_texts(scored)) > 384  # PCA to 256 dimensions needs more than 256


def test_what_cannot_be_fitted_is_left_out_and_labels_are_scored_by_the_nearest():
    labels = ["a", "b"] * 30
    found = measure_labels([str(i) for i in range(60)], labels, TEXTS, OTHERS[:9])
    assert set(found.missing) == {f"pca-16-{kind}" for kind in ("float32", "float16", "int8", "binary")}
    assert set(found.missing.values()) == {
        "PCA was fitted to 8 directions, so 16 cannot be taken; fit it on more texts."
    }
    unit = torch.nn.functional.normalize(TEXTS, dim=1)
    nearest = (unit @ unit.T).fill_diagonal_(-1).argmax(dim=1)
    right = (nearest % 2 == torch.arange(60) % 2).float().mean()
    assert found.stored[found.whole].score == pytest.approx(float(right))
    same = measure_labels([str(i) for i in range(60)], labels, torch.ones(60, 32), OTHERS)
    assert same.stored[same.whole].score is None
    assert not same.compared.scores


def test_differences_from_one_score_alone_are_known_better_than_all_differences():
    random = np.random.default_rng(0)
    samples = {name: random.normal(size=2000) for name in "abcdef"}
    scores = dict.fromkeys(samples, 0.0)
    alone, all_at_once = compare(scores, samples, (-9.0, 9.0), against="a"), compare(scores, samples, (-9.0, 9.0))
    assert alone.reach == all_at_once.reach
    assert 2.3 < alone.lead_reach < all_at_once.lead_reach - 0.1
    inside = [
        max(abs(samples[name] - samples["a"])[row] / np.std(samples[name] - samples["a"]) for name in "bcdef")
        <= alone.lead_reach
        for row in range(2000)
    ]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.001)


def by_hand() -> Measured:
    """Whole vectors score 0.80; in int8 0.79 to all resamples alike, in bits 0.70, and 4 of 8 numbers 0.81."""
    kinds = {Way("", 8, "float32"): (0.8, 1.0), Way("", 8, "int8"): (0.79, 0.98), Way("", 8, "binary"): (0.7, 0.5)}
    kinds |= {Way("pca", 4, "float32"): (0.81, 0.6)}
    size = {"float32": 32, "int8": 8, "binary": 1}
    random = np.random.default_rng(0)
    noise = random.normal(size=2000) / 100
    stored, samples = {}, {}
    for way, (score, kept) in kinds.items():
        stored[way.name] = Stored(way, size[way.type] * way.dims // 8, score, kept)
        samples[way.name] = score + noise + random.normal(size=2000) / 1000
    scores = {name: one.score for name, one in stored.items()}
    return Measured(
        "Spearman", stored, compare(scores, samples, against="all-8-float32"), {}, 9, "pairs", Fitting(OTHERS)
    )


def test_the_table_its_front_and_the_smallest_within_limits_by_hand():
    table = tables.size_table(by_hand())
    assert table["name"].tolist() == ["all-8-binary", "all-8-int8", "pca-4-float32", "all-8-float32"]
    assert table["front"].tolist() == [True, True, True, False]
    assert table["lost"].tolist() == [10, 1, -1, 0]
    assert table["verdict"].tolist() == ["worse", "worse", "better", "same"]
    assert table["kept"].tolist() == [5, 9.8, 6, 10]
    # 1 point lost, and an interval of some 0.35 to either side.
    limits = {(2, 8): "all-8-int8", (1, 8): "all-8-float32", (2, 5): "all-8-int8", (11, 5): "all-8-binary"}
    assert {given: tables.smallest(table, *given) for given in limits} == limits
    assert tables.smallest(table, -1, 10) == ""
    assert tables.landmark_table(table[~table["front"]], "")["name"].tolist() == ["all-8-float32"]
    costs = tables.cost_table(table, 4)
    # 32 bytes a text: 0.0298 GiB a million, 2.98 a hundred million, 11.9 a month at 4.
    assert costs.iloc[3, -3:].tolist() == ["0.0298", "2.98", "11.9"]
    assert notices.memory(32, 4).startswith(
        "A million texts take 0.0298 GiB of memory, 0.119 a month at 4 a GiB; a hundred million take 2.98 GiB, 11.9"
    )


def test_what_a_way_costs_is_said_with_its_interval():
    table = tables.size_table(by_hand())
    said = notices.verdict(table, "all-8-int8", "Spearman")
    assert said.startswith(
        "**All 8, int8: 8 bytes a text** in place of 32, 4 times less. It loses 1.0 points of Spearman, beyond chance"
    )
    assert said.endswith("9.8 of 10 nearest neighbours are kept.")
    said = notices.verdict(table, "pca-4-float32", "Spearman")
    low, high = -table.loc[2, "lost_high"], -table.loc[2, "lost_low"]
    assert f"It gains 1.0 points of Spearman, beyond chance (95% interval {points(low)} to {points(high)})" in said
    assert "as the model gives it. It scores 80.0 points" in notices.verdict(table, "all-8-float32", "Spearman")
    assert notices.nothing_small_enough(table, 0, 10).startswith("Nothing smaller than whole vectors in float32")
    assert notices.nothing_small_enough(table, 2, 8) == ""
    assert "but it keeps 6.0 of 10 neighbours." in notices.about_paths(table, "Spearman")
    lost = notices.about_lost(table)
    assert lost == "Beyond chance All 8, binary and All 8, int8 lose and PCA 4, float32 gains."
    table["verdict"] = table["verdict"].replace({"better": "same", "worse": "open"})
    assert notices.about_lost(table) == (
        "None loses or gains more than chance could make; PCA 4, float32 scores as whole vectors do; "
        "of All 8, binary and All 8, int8 it cannot be told."
    )


def test_which_models_were_trained_for_their_first_dimensions_is_in_the_catalogue():
    assert [model.name for model in MODELS if model.matryoshka] == ["Qwen/Qwen3-Embedding-0.6B"]
    qwen, own = get_model("Qwen/Qwen3-Embedding-0.6B"), get_model(DEFAULT)
    assert "down to 32: to keep the first k is meant to be done" in notices.about_matryoshka(qwen)
    assert "all-MiniLM-L6-v2 was not" in notices.about_matryoshka(own)
    assert "Of this app's models Qwen3-Embedding-0.6B was." in notices.about_matryoshka(own)


def test_what_a_corpus_takes_by_hand():
    # The README's example: 100 million texts at 2.9 s a thousand.
    found = Estimate(10**8, 10.0, 2.9, 776)
    table = estimate_table(found, 320).set_index("what")["how much"]
    assert table["on one such machine"] == "80.6 h"
    assert table["on 320 of them"] == "15 min"
    assert table["machines, to be done within a day"] == "4"
    assert table["bytes of all"] == "77.6 GB"
    assert "100,000,000 texts of 10.0 tokens, at 2.90 s a thousand" in about_estimate(found, 1, "CPU")
    assert len(estimate_table(found, 1)) == 7


CODED = [way for way in ways(32, search=True) if way.shortened != "first" or way.type in ("float32", "int8")]


@pytest.mark.parametrize("way", CODED, ids=lambda way: way.name)
def test_numpys_code_stores_what_is_measured(way, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (way.type, way.rescored or way.type):
        steps = fit_steps(replace(way, type=name).steps, OTHERS)
        for step in steps:
            if step.fits:
                save_step(step, tmp_path / f"{step.name}.safetensors")
    np.save("embeddings.npy", TEXTS.numpy())
    names: dict = {}
    exec(for_numpy(way, 32).code, names)
    for name, made in ((way.type, names["stored"]), *([(way.rescored, names["beside"])] if way.rescored else [])):
        want = run_steps(TEXTS, fit_steps(replace(way, type=name, rescored="").steps, OTHERS)).numpy()
        made = (made.astype(int) - 128).astype(np.int8) if name == "binary" else made
        assert made.dtype == want.dtype
        # A number that lies on the border of two codes may fall to either.
        apart = np.abs(made.astype(float) - want.astype(float))
        assert apart.max() <= {"int8": 1, "float16": 1e-3}.get(name, 1e-5)
        assert np.mean(apart > 1e-3) < 0.01


@pytest.mark.parametrize("way", CODED, ids=lambda way: way.name)
def test_an_index_of_faiss_finds_what_is_measured(way, tmp_path, monkeypatch):
    compile(for_faiss(way, 32).code, "faiss", "exec")
    pytest.importorskip("faiss")
    import faiss  # noqa: F401  for the faster index, which is only said

    monkeypatch.chdir(tmp_path)
    for step in fit_steps(replace(way, type=way.rescored or way.type).steps, OTHERS):
        if step.fits:
            save_step(step, tmp_path / f"{step.name}.safetensors")
    np.save("embeddings.npy", TEXTS.numpy())
    np.save("queries.npy", QUERIES.numpy())
    snippet = for_faiss(way, 32)
    names: dict = {}
    exec(snippet.code, names)
    queries = {f"q{i}": f"query {i}" for i in range(5)}
    data = SearchData(queries, {f"{99 - i}": f"text {i}" for i in range(60)}, {f"q{i}": {"99": 1} for i in range(5)})
    assert names["hits"].shape == (5, 10)
    short = torch.from_numpy(names["shorten"](TEXTS.numpy()))
    asked = torch.from_numpy(names["shorten"](QUERIES.numpy()))
    if way.type == "binary" and not way.rescored:
        short, asked = short.sign(), asked.sign()
    want = (asked @ short.T).sort(dim=1, descending=True).values[:, :10]
    got = (asked @ short.T).gather(1, torch.from_numpy(names["hits"]))
    # Near ties may change places, and what lies behind 40 candidates of bits is lost.
    assert float((want - got).abs().mean()) < (0.02 if way.type != "binary" or not way.rescored else 0.05)
    assert len(data.passages) == 60
    exec(f"faster = {snippet.said.partition('index = ')[2].partition(', with some')[0]}", names)


@pytest.fixture
def page(few_texts):
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=300).switch_page("pages/size.py").run()


def spec(page: AppTest, place: int) -> dict:
    return json.loads(page.get("plotly_chart")[place].proto.spec)


def test_the_page_says_what_the_functions_say_and_follows_what_is_chosen(page, encoder):
    assert not page.exception
    pairs = tuple(own_pairs())
    texts = distinct_texts(pairs)
    vectors = embed([*texts, *other_texts(texts)], encoder, "mean")["mean"]
    table = tables.size_table(measure_pairs(pairs, vectors[: len(texts)], vectors[len(texts) :]))
    whole, smallest = "all-384-float32", tables.smallest(table, 2, 8)
    said = shown(page)
    assert notices.verdict(table, smallest or whole, "Spearman").split(".")[0] in said
    assert "PCA was fitted to" in said  # the texts of this test are too few for 256 directions
    drawn = {x: y for trace in spec(page, 0)["data"] for x, y in zip(trace["x"], trace["y"], strict=True)}
    assert drawn[1536] == pytest.approx(table.set_index("name").loc[whole, "score"], abs=0.01)
    # Another way, a dearer GiB: box, picture, table and code are of it.
    page.selectbox(key="stored").set_value("first-128-binary")
    page.number_input(key="price").set_value(10).run()
    said = shown(page)
    assert "First 128, binary: 16 bytes a text" in said
    assert "0.149 a month at 10 a GiB" in said
    assert spec(page, 0)["data"][-1]["x"] == [16]
    assert "First 128, binary, as code" in [one.value for one in page.header]
    assert "np.packbits(short > 0, axis=1)" in page.code[1].value
    assert "faiss.IndexBinaryFlat(128)" in page.code[2].value
    assert page.dataframe[0].value["stored as"].tolist().count("First 128, binary") == 1
    address = {key: value if isinstance(value, str) else value[0] for key, value in page.query_params.items()}
    assert address == {"stored": "first-128-binary", "price": "10"}
    # A pooling that gives all texts the same signs; then a search, and the speed of this machine.
    page.session_state["strategy"] = "max"
    assert not page.run().exception
    page.session_state["stored-for"] = "search"
    page.run()
    page.selectbox(key="stored").set_value("all-384-binary-int8").run()
    page.button(key="speed").click().run()
    assert not page.exception
    said = shown(page)
    assert "All 384, binary, rescored in int8: 432 bytes a text" in said
    assert "np.take_along_axis" in page.code[2].value
    assert page.dataframe[-1].value.set_index("what").loc["bytes a text, its number included", "how much"] == "440"


def test_labelled_texts_are_scored_and_what_cannot_be_is_a_sentence(page):
    page.session_state["stored-for"] = "topics"
    assert "1-NN accuracy" in shown(page.run())
    page.session_state["stored-for"] = "texts"
    (upload,) = page.run().get("file_uploader")
    upload.upload("mine.csv", b"text,label\nOne.,a\nTwo.,a\n", "text/csv")
    said = shown(page.run())
    assert not page.exception
    assert "All texts have the same label; at least two different labels are needed." in said


def test_a_search_of_the_readers_own_is_scored_and_what_is_too_large_is_refused(page, monkeypatch):
    page.session_state["stored-for"] = "judged"
    (upload,) = page.run().get("file_uploader")
    rows = [
        f"{query},{text},{int(query == text)}" for query in ("owls", "tides") for text in ("owls", "tides", "bread")
    ]
    upload.upload("judged.csv", "\n".join(["query,text,relevance", *rows]).encode(), "text/csv")
    said = shown(page.run())
    assert not page.exception
    assert "nDCG@10" in said
    assert "All 384, float32" in page.dataframe[0].value["stored as"].tolist()
    monkeypatch.setattr(size, "MOST_PASSAGES", 2)
    assert "There are 3 texts to search in; every way of storing is measured for up to 2 here." in shown(page.run())


def test_pairs_of_zeros_and_ones_are_scored_by_average_precision():
    pairs = [Pair(str(2 * i), str(2 * i + 1), float(i % 2)) for i in range(30)]
    found = measure_pairs(pairs, TEXTS, OTHERS)
    assert found.measure == "average precision"
    assert 0 <= found.stored[found.whole].score <= 1
