"""Scores by hand, what can be told apart, and the Evaluation page at its choices."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from streamlit.testing.v1 import AppTest

from pooling import all_strategies, embed, load_encoder
from pooling.after import fit_steps, values_after
from pooling.bootstrap import compare
from pooling.catalogue import DEFAULT, get_model, missing
from pooling.charts import evaluation as charts
from pooling.datasets import Pair, own_pairs, own_texts, own_topics
from pooling.evaluation import (
    CONSTANT,
    Scores,
    average_precision,
    cosine_grid,
    distinct_texts,
    embed_grid,
    grid_layers,
    join_grids,
    leaderboard,
    pair_cosines,
    pearson,
    rank_gaps,
    score_grid,
    spearman,
)
from pooling.labels import label_scores
from pooling.notices import evaluation as notices
from pooling.notices.learn import about_advice
from pooling.pictures.evaluation import grid as grid_picture
from pooling.stsb import read_stsb
from pooling.tables import evaluation as tables
from pooling.tables import points
from pooling.tables.evaluation import layer_leaderboard
from tests.conftest import ROOT, STSB, needs_stsb


def scored(*scores: float) -> list[Pair]:
    return [Pair(f"first {i}", f"second {i}", float(score)) for i, score in enumerate(scores)]


def test_spearman_by_hand():
    # ranks 1 3 2 4 against 1 2 3 4: 1 - 6 * (0 + 1 + 1 + 0) / (4 * 15) = 0.8
    assert spearman(torch.tensor([0.1, 0.8, 0.5, 0.9]), scored(0, 1, 2, 5)) == pytest.approx(0.8)
    assert spearman(torch.tensor([0.9, 0.5, 0.1]), scored(0, 1, 2)) == pytest.approx(-1)
    # ties share their mean rank: 1.5 1.5 3 against 1 2 3 gives 1.5 / sqrt(1.5 * 2)
    assert spearman(torch.tensor([0.1, 0.1, 0.5]), scored(0, 1, 2)) == pytest.approx(1.5 / 3**0.5)


def test_average_precision_by_hand():
    # sorted by cosine the pairs are 1 0 1: precision 1 at the first hit, 2/3 at the second
    pairs = scored(1, 0, 1, 0)
    assert average_precision(torch.tensor([0.9, 0.8, 0.7, 0.1]), pairs) == pytest.approx((1 + 2 / 3) / 2)


def test_pearson_by_hand():
    # deviations -1 0 1 against -1 2 -1 of the mean: no correlation; and a straight line: 1
    assert pearson(torch.tensor([0.1, 0.2, 0.3]), scored(1, 4, 1)) == pytest.approx(0, abs=1e-6)
    assert pearson(torch.tensor([0.1, 0.2, 0.4]), scored(1, 2, 4)) == pytest.approx(1)


@pytest.mark.parametrize("measure", [spearman, pearson, average_precision])
def test_constant_embeddings_get_no_score(measure):
    pairs = scored(0, 1, 1)
    same = torch.ones(6, 4) * torch.tensor([1.0, 2.0, -3.0, 0.5])
    cosines = pair_cosines(pairs, distinct_texts(pairs), same)
    assert measure(cosines, pairs) is None
    assert measure(torch.tensor([0.1, 0.2, 0.3]), scored(2, 2, 2)) is None
    board = leaderboard({"cls": None}, compare({}, {}), {"attention": "no head"})
    assert [(p.name, p.verdict, p.missing) for p in board] == [("cls", "", CONSTANT), ("attention", "", "no head")]


def board_of(scores: dict[str, float], samples: dict[str, np.ndarray]) -> pd.DataFrame:
    return tables.leaderboard_table(leaderboard(scores, compare(scores, samples)))


NOISE = np.linspace(-0.1, 0.1, 101)


def test_the_leaderboard_says_what_can_be_told_apart():
    table = board_of(
        {"mean_sqrt_len": 0.80 + 1.5e-8, "mean": 0.80, "max": 0.79, "cls": 0.5},
        {"mean_sqrt_len": 0.8 + NOISE, "mean": 0.8 + NOISE, "max": 0.79 - NOISE, "cls": 0.5 + NOISE},
    ).set_index("name")
    # The first two are one but for rounding, and so in the order given.
    assert table["verdict"].to_dict() == {"mean_sqrt_len": "best", "mean": "same", "max": "open", "cls": "worse"}
    # Every resample moves mean and cls alike: scores are known to about 0.1, their difference exactly.
    assert table.loc["mean", "high"] - table.loc["mean", "low"] > 15
    assert table.loc["cls", ["behind", "behind_low"]].tolist() == pytest.approx([30, 30])
    assert table["first"].tolist() == pytest.approx([52, 52, 48, 0], abs=1)
    said = notices.about_leaderboard(table.reset_index(), 100, "pairs")
    assert "Level with it in every resample: Mean. Not to be told apart from it: Max. Worse beyond chance: CLS." in said


def test_the_own_pooling_is_recommended_unless_something_is_better_beyond_chance():
    table = board_of({"max": 0.81, "mean": 0.80}, {"max": np.full(101, 0.81), "mean": 0.8 + NOISE})
    assert notices.recommended(table, "mean") == "mean"
    assert notices.recommended(table, None) == "max"
    said = notices.verdict(table, "mean", "Spearman")
    assert said.startswith("Use Mean: 80.0 points of Spearman")
    assert "Max stands 1.0 points higher" in said
    assert "starts at zero" in said
    assert "may be luck" in notices.verdict(table, None, "Spearman")
    sure = board_of({"max": 0.9, "mean": 0.8}, {"max": np.full(9, 0.9), "mean": np.full(9, 0.8)})
    said = notices.verdict(sure, "mean", "Spearman")
    assert said.startswith("Use Max: 90.0 points of Spearman")
    assert "10.0 points ahead of Mean; that is more than chance makes" in said
    assert "The model was trained with Mean. Max comes first in every resample." in said
    assert "These 9 pairs cannot say how sure Max's score is" in notices.about_leaderboard(sure, 9, "pairs")


def test_the_own_pooling_is_beaten_by_the_second_best_too():
    # max swings and cannot be told from mean, but weighted mean is steadily ahead of it
    scores = {"max": 0.9, "weighted_mean": 0.85, "mean": 0.8}
    samples = {"max": 0.9 + 2 * NOISE, "weighted_mean": np.full(101, 0.85), "mean": np.full(101, 0.8)}
    table = board_of(scores, samples)
    assert notices.recommended(table, "mean") == "max"
    said = notices.verdict(table, "mean", "Spearman")
    assert "It is 5.0 points ahead of Weighted mean; that may be luck" in said
    assert "Mean, which the model was trained with, is 10.0 points behind, and worse beyond chance." in said


@pytest.mark.parametrize("gap", [0.0, 1.5e-8])
def test_a_tie_is_called_one_and_nothing_stands_0_points_higher(gap):
    # equal on these data but not in every resample, as two shares of right answers can be
    table = board_of({"max": 0.8 + gap, "mean": 0.8}, {"max": 0.8 - NOISE, "mean": 0.8 + NOISE})
    said = notices.verdict(table, "mean", "accuracy")
    assert said.startswith("Use Mean: 80.0 points of accuracy")
    assert said.endswith("The model was trained with it, and nothing here scores higher. Level with it: Max.")
    assert notices.verdict(table, None, "accuracy").endswith("Level with it: Mean.")
    assert about_advice(table, "mean") == "Mean scores 80.0 here. Nothing stands higher."
    same = board_of({"mean": 0.8, "mean_sqrt_len": 0.8 + gap}, {"mean": 0.8 + NOISE, "mean_sqrt_len": 0.8 + NOISE})
    said = notices.verdict(same, "mean_sqrt_len", "Spearman")
    assert said.startswith("Use Mean √length: 80.0")
    assert said.endswith("nothing here scores higher. Level with it: Mean.")
    scores = {(6, name): one for name, one in {"mean": 0.8, "mean_sqrt_len": 0.8 + gap, "max": 0.7}.items()}
    samples = {cell: score + NOISE for cell, score in scores.items()}
    costs = tables.cost_table(Scores(scores, {}, compare(scores, samples)), (6, "mean"), 6)
    assert costs[["name", "cost", "verdict"]].to_numpy().tolist() == [
        ["mean_sqrt_len", 0, "same"],
        ["max", pytest.approx(10), "worse"],
    ]
    assert notices.about_cost(costs.head(1), "Mean") == (
        "No other strategy here scores below Mean. Level with Mean in every resample: Mean √length."
    )
    grid = tables.grid_table({(0, "mean"): 0.8, (0, "mean_sqrt_len"): 0.8 + gap, (1, "mean"): 0.7}, [0, 1], 1)
    assert "The highest of these 3 numbers is Mean's at layer 0 · input." in notices.about_grid(grid, "Mean")
    labelled = table.assign(silhouette=[30.0, 30 + 100 * gap])
    assert notices.about_labels(labelled) == f"Both measures put {' and '.join(labelled['label'])} first."


def test_something_better_beyond_chance_need_not_be_the_best():
    table = board_of(
        {"max": 0.9, "weighted_mean": 0.85, "mean": 0.8},
        {"max": 0.9 + 2 * NOISE, "weighted_mean": np.full(101, 0.85), "mean": np.full(101, 0.8)},
    )
    assert about_advice(table, "mean") == (
        "Mean scores 80.0 here. Max stands 10.0 points higher; on these pairs something here is better than Mean "
        "beyond chance: try it on yours."
    )


def test_a_first_place_is_never_rounded_up_to_all_resamples():
    often = np.append(np.full(1999, 0.9), 0.7)
    said = notices.verdict(board_of({"max": 0.9, "mean": 0.8}, {"max": often, "mean": np.full(2000, 0.8)}), None, "x")
    assert said.endswith("Max comes first in 99.9% of the resamples.")


def test_pairs_of_equal_texts_are_equally_alike_under_strategies_that_differ_in_length_alone(encoder):
    texts = [text for text in distinct_texts(own_pairs("dev")) if len(text) > 40][:30]
    pairs = [Pair(text, text, float(i)) for i, text in enumerate(texts)] + [Pair(*texts[:2], 9.0)]
    grid = cosine_grid(pairs, encoder, [6])
    for name in ("mean", "mean_sqrt_len", "max"):
        assert grid.vectors[6, name][:-1].tolist() == [1.0] * 30
    places = layer_leaderboard(pairs, grid, 6, ["mean", "mean_sqrt_len"])
    assert places["score"].nunique() == 1
    assert places["verdict"].tolist() == ["best", "same"]


def test_what_is_misjudged_is_counted_without_what_is_not():
    table = pd.DataFrame({"gap": [50.0, -20, 0]})
    assert notices.about_worst(table, "Mean") == (
        "Of the 2 pairs that Mean misjudges most, it holds 1 too alike and 1 too different."
    )
    assert notices.about_worst(table.tail(1), "Mean") == "Mean puts every pair where its score puts it."
    kinds = pd.DataFrame({"kind": ["negation", "related"], "gap": [0.0, 12.5]})
    assert notices.about_kinds(kinds) == (
        "By kind, pairs on one topic stand 12.5% of all places too high on average, negations stand where they should."
    )


def test_gaps_between_the_ranks_by_hand():
    cosines, pairs = torch.tensor([0.9, 0.5, 0.1, 0.3]), scored(0, 1, 2, 3)
    # ranks by cosine 4 3 1 2, by score 1 2 3 4, of 4 places
    assert rank_gaps(cosines, pairs).tolist() == [0.75, 0.25, -0.5, -0.5]
    worst = tables.worst_table(pairs, cosines, most=2)
    assert worst["gap"].tolist() == [75, -50]
    assert worst.index.tolist() == [0, 2]
    assert worst.loc[0, ["place_score", "place_cosine"]].tolist() == [4, 1]
    assert notices.about_halves(worst) == ""
    ties = tables.worst_table(scored(0, 1, 1, 3), cosines)  # the two 1s share places 2 and 3
    assert sorted(ties["place_score"]) == [1, 2.5, 2.5, 4]
    assert notices.about_halves(ties).endswith("share the middle of their places, so a place can end in .5.")
    kinds = [Pair(p.text1, p.text2, p.score, kind) for p, kind in zip(pairs, "aabb", strict=True)]
    assert tables.kind_table(kinds, cosines).to_numpy().tolist() == [["b", 2, -50.0], ["a", 2, 50.0]]


TEXTS = ["A cat sat.", "The violin was played all evening long by her.", "No.", "Trains and buses were late again."]


def test_one_pass_gives_what_separate_passes_give(encoder):
    layers = grid_layers(encoder)
    assert layers == [0, 1, 2, 3, 4, 5, 6, (1, 6), (0, 6)]
    grid = embed_grid(TEXTS, encoder, layers)
    names = [s.name for s in all_strategies() if s.needs is None]
    for layer in layers:
        apart = embed(TEXTS, encoder, names, layer=layer)
        for name in names:
            torch.testing.assert_close(grid.vectors[layer, name], apart[name], atol=2e-5, rtol=1e-4)
    head = embed(TEXTS, encoder, ["attention"])["attention"]
    torch.testing.assert_close(grid.vectors[6, "attention"], head, atol=2e-5, rtol=1e-4)
    for i, text in enumerate(TEXTS):
        alone = encoder.encode([text], layer=3, attention=True)
        pooled = next(s for s in all_strategies() if s.name == "cls_attention")(alone)
        torch.testing.assert_close(grid.vectors[3, "cls_attention"][i], pooled.embedding[0], atol=2e-5, rtol=1e-4)


def test_every_cell_has_a_vector_or_a_reason(encoder):
    layers = grid_layers(encoder)
    grid = embed_grid(TEXTS[:1], encoder, layers)
    cells = {(layer, s.name) for layer in layers for s in all_strategies()}
    assert grid.vectors.keys() | grid.missing.keys() == cells
    assert not grid.vectors.keys() & grid.missing.keys()
    assert "attention" in grid.missing[0, "cls_attention"]
    assert "No attention head" in grid.missing[1, "attention"]


def test_parts_make_the_whole(encoder):
    pairs = own_pairs("dev")[:6]
    whole = cosine_grid(pairs, encoder, [6])
    order = [5, 3, 1, 0, 2, 4]
    parts = [cosine_grid([pairs[i] for i in order[k : k + 2]], encoder, [6]) for k in (0, 2, 4)]
    joined = join_grids(parts, order)
    assert joined.vectors.keys() == whole.vectors.keys()
    for cell, cosines in whole.vectors.items():
        torch.testing.assert_close(joined.vectors[cell], cosines, atol=1e-5, rtol=1e-5)


def test_long_texts_are_counted_as_cut(encoder):
    assert embed_grid(["word " * 400, "short"], encoder, [6]).cut == 1


def test_two_equal_texts_get_a_right_result(encoder):
    pairs = [Pair("A cat.", "A cat.", 5.0), Pair("A cat.", "A violin.", 1.0), Pair("A train.", "A cello.", 0.0)]
    cosines = cosine_grid(pairs, encoder, [6]).vectors[6, "mean"]
    assert cosines[0] == pytest.approx(1, abs=1e-5)
    equal = [Pair("A cat.", "A cat.", score) for score in (0.0, 1.0, 2.0)]
    scores = score_grid(equal, cosine_grid(equal, encoder, [6]), [(6, "mean")])
    assert scores.scores[6, "mean"] is None
    assert not scores.compared.scores


def test_a_published_number_stands_beside_the_one_found():
    table = tables.published_table(DEFAULT, "stsb", True, {(6, "mean"): 0.82034})
    assert table.loc[0, ["published", "here"]].tolist() == ["82.03", "82.03"]
    assert table.loc[1:, "here"].str.startswith("not run").all()
    assert tables.published_table(DEFAULT, "own", True, {})["here"].str.startswith("not run").all()
    assert "not on this machine" in tables.published_table(DEFAULT, "own", False, {}).loc[0, "here"]


@needs_stsb
@pytest.mark.parametrize(
    ("strategy", "layer", "published"), [row[1:] for row in tables.PUBLISHED if row[0] == tables.BERT]
)
def test_published_numbers_of_bert(strategy, layer, published):
    if why := missing(get_model(tables.BERT)):
        pytest.skip(f"{tables.BERT} is not on this machine: {why}")
    bert, pairs = load_encoder(tables.BERT), read_stsb(STSB, "test")
    texts = distinct_texts(pairs)
    found = spearman(pair_cosines(pairs, texts, embed(texts, bert, [strategy], layer=layer)[strategy]), pairs)
    assert round(100 * found, 2) == published


def test_a_figure_shows_its_table():
    table = pd.DataFrame(
        {
            "name": ["mean", "cls"],
            "label": ["Mean", "CLS"],
            "score": [80.0, 50.0],
            "low": [70.0, 40.0],
            "high": [90.0, 60.0],
            "verdict": ["best", "worse"],
        }
    )
    figure = charts.intervals(table, "score", "low", "high", title="Spearman × 100")
    assert list(figure.data[-1].x) == [80, 50]
    assert [list(line.x) for line in figure.data[:-1]] == [[70, 90], [40, 60]]
    assert figure.data[-1].marker.color[1] == "rgba(0,0,0,0)"
    assert figure.layout.yaxis.ticktext == ("Mean  <b>80.0</b>", "CLS  <b>50.0</b>")
    assert figure.layout.xaxis.range == (36, 94)  # the intervals and a little, not all from 0 to 100
    assert charts.intervals(table, "score", "low", "high", title="points", zero=True).layout.xaxis.range[0] < 0
    grid = tables.grid_table({(0, "mean"): 0.5, (1, "mean"): None}, [0, 1], 1)
    figure = charts.grid_heatmap(grid, "1 · last", "Spearman × 100")
    assert [["50.0" in text for text in (*one.text[0], *one.text[1])].count(True) for one in figure.data] == [0, 1]
    assert "50.0" in list(figure.data[1].text[0])  # alone, it is at the dark end


def test_the_grids_colours_tell_57_from_63():
    scores = [-0.04, 0.39, 0.57, 0.58, 0.6, 0.63, 0.66]
    grid = tables.grid_table({(i, "mean"): score for i, score in enumerate(scores)}, [*range(7)], 6)
    low, high = charts.grid_scale(grid)
    assert (low, high) == (20, 70)
    drawn = charts.grid_heatmap(grid, "", "")
    assert (drawn.data[0].zmin, drawn.data[0].zmax) == (20, 70)
    assert charts.grid_scale(tables.grid_table({(0, "mean"): 0.6}, [0], 0)) == (60, 65)
    said = grid_picture(grid, "", "Spearman", "Mean").captions[0]
    assert "The colours go from 20 to 70. What lies below 20 has the darkest." in said


def test_points_have_digits_that_mean_something():
    said = [points(value) for value in (66.123, 6.333, 0.8199, 0.0226, -3.74, -0.8, 0, 0.996, 100)]
    assert said == ["66.1", "6.3", "0.82", "0.02", "−3.7", "−0.80", "0", "1.0", "100.0"]
    assert points(3.2, signed=True) == "+3.2"


def shown(at: AppTest) -> str:
    assert not at.exception
    return " ".join(e.value for e in [*at.markdown, *at.caption, *at.warning, *at.info]) + " ".join(
        e.proto.body for e in at.get("html")
    )


def test_what_repeats_and_what_is_cut_is_said_by_hand():
    graded = [Pair("a", "b", 1.0), Pair("b", "a", 3.0), Pair("c", "d", 2.0)]
    repeats, cut, measure = notices.remarks_on_pairs(graded, 1200, 256)
    assert repeats.startswith("Rows with the two texts of an earlier row: 1.")
    assert cut == "Texts cut to the model's limit of 256 tokens: 1,200."
    assert measure.startswith("Spearman:")
    yes_and_no = [Pair("a", "b", 1.0), Pair("c", "d", 0.0), Pair("e", "f", 0.0), Pair("g", "h", 0.0)]
    (only,) = notices.remarks_on_pairs(yes_and_no, 0, 256)
    assert only.endswith("By chance it is 25.0.")
    assert notices.remarks_on_labels(5, 3)[0].startswith("Rows that repeat an earlier text and its label: 2.")
    assert len(notices.remarks_on_labels(3, 3)) == 1


@pytest.fixture(scope="module")
def page() -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300).run()
    return at.switch_page("pages/evaluation.py").run()


def leaders(page: AppTest) -> dict[str, float]:
    """The strategies and their scores, in the order in which the leaderboard draws them."""
    figure = json.loads(page.get("plotly_chart")[0].proto.spec)
    labels = {s.title: s.name for s in all_strategies()}
    names = [labels[label.removeprefix("▸ ").partition("  <b>")[0]] for label in figure["layout"]["yaxis"]["ticktext"]]
    points = figure["data"][-1]["x"]
    points = np.frombuffer(__import__("base64").b64decode(points["bdata"])) if isinstance(points, dict) else points
    return dict(zip(names, points, strict=True))


def test_the_page_says_what_the_functions_say(page, encoder):
    said = shown(page)
    # As the lesson “Not as it was trained” says: nothing beats the pooling that a model was trained with.
    assert "Verdict for all-MiniLM-L6-v2, layer 6.** Use Mean: 66.1 points" in said
    assert "The model was trained with it, and nothing here is better beyond chance: Weighted mean stands" in said
    assert "All 95% intervals of a chart hold at once" in said
    cosines = cosine_grid(own_pairs(), encoder, [6]).vectors
    scores = {name: 100 * spearman(one, own_pairs()) for (_, name), one in cosines.items()}
    drawn = leaders(page)
    assert list(drawn) == sorted(scores, key=lambda n: -scores[n])
    assert drawn == pytest.approx(scores, abs=0.01)


def test_the_page_scores_what_the_steps_after_pooling_make_of_embeddings(few_texts, encoder):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300).switch_page("pages/evaluation.py")
    at.query_params.update({"after": "l2,centre,first", "first": "64", "type": "binary"})
    said = shown(at.run())
    assert "layer 6, after Centre → First 64 dimensions → L2-normalise → binary.**" in said
    assert any("after=[load_step(Path(" in one.value for one in at.code)
    after, pairs, texts = ["centre", "first:64", "l2", "binary"], own_pairs(), distinct_texts(own_pairs())
    for name in ("mean", "max"):
        steps = fit_steps(after, embed(own_texts(), encoder, name)[name])
        values = values_after(embed(texts, encoder, name)[name], steps)
        assert leaders(at)[name] == pytest.approx(100 * spearman(pair_cosines(pairs, texts, values), pairs), abs=0.01)
    at.session_state["data"] = "topics"
    at.session_state["strategy"] = "max"
    assert "after Centre → First 64 dimensions" in shown(at.run())
    found = label_scores(values_after(embed(own_topics()[0], encoder, "max")["max"], steps), *own_topics(), "cosine")
    assert leaders(at)["max"] == pytest.approx(100 * found.accuracy, abs=0.01)


def test_the_page_at_other_choices(page):
    page.session_state["data"] = "topics"
    assert "1-nearest-neighbour (1-NN) accuracy" in (said := shown(page.run()))
    assert "All 95% intervals of a chart hold at once" in said
    assert "V-measure" not in said  # it moved more with the seed of k-means than with the strategy
    page.session_state["layer"] = "0"
    assert "CLS has no score" in shown(page.run())
    page.session_state["data"] = "own"
    page.session_state["strategy"] = "attention"
    page.session_state["layer"] = "1"
    assert "No attention head was trained" in shown(page.run())
    page.session_state["data"] = "pairs"
    (upload,) = page.run().get("file_uploader")
    assert upload.label.startswith("A table with two texts and a score a row: ")


def test_the_page_needs_no_sentence_and_takes_two_layers():
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    at.query_params["layer"] = "first-last"
    at.query_params["text"] = " "
    said = shown(at.run().switch_page("pages/evaluation.py").run())
    assert "Verdict for all-MiniLM-L6-v2, layer 1+6." in said
    assert "CLS attention has no score" in said


@needs_stsb
def test_the_published_number_stands_on_the_page(monkeypatch):
    monkeypatch.setenv("POOLING_DATA", str(STSB.parent))
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=600).switch_page("pages/evaluation.py")
    at.query_params["data"] = "stsb"
    assert "Verdict for all-MiniLM-L6-v2, layer 6." in shown(at.run())
    table = next(e.value for e in at.dataframe if "published" in e.value)
    assert table.loc[0, ["published", "here"]].tolist() == ["82.03", "82.03"]
