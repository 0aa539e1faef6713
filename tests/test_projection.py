"""Maps of embeddings, by hand and against scikit-learn and scipy; the page at its choices."""

import math
import re
import subprocess
import sys
import threading
from html import unescape

import numpy as np
import pytest
import torch
from scipy.spatial import procrustes
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors
from streamlit.testing.v1 import AppTest

from pages.ui import maps
from pooling import embed, projection, umap_fit
from pooling.after import fit_steps, values_after
from pooling.charts import projection as charts
from pooling.datasets import own_texts, own_topics
from pooling.labels import LabelScores, label_scores
from pooling.notices import projection as notices
from pooling.projection import (
    Belief,
    Umap,
    align,
    all_in_one_place,
    belief,
    kept_neighbours,
    moved,
    nearest_neighbours,
    not_for_a_corpus,
    pca_map,
    to_points,
    to_scale,
    umap_map,
)
from pooling.tables import number
from pooling.tables.projection import found, judgement_table, map_table, mover_table, neighbour_table
from tests.conftest import ROOT, set_strategy


def random_points(total: int, dim: int = 12, seed: int = 0) -> torch.Tensor:
    return torch.randn(total, dim, generator=torch.Generator().manual_seed(seed))


def on_a_line(*places: float) -> torch.Tensor:
    return torch.tensor([[place, 0.0] for place in places])


def some_places(total: int) -> torch.Tensor:
    return random_points(total, 2, seed=9)


# ---------------------------------------------------------------- neighbours


def test_the_nearest_neighbours_of_points_on_a_line():
    made = nearest_neighbours(on_a_line(0, 1, 3, 7), 2, "euclidean")
    assert made.indices.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    assert made.distances.tolist() == [[1, 3], [1, 2], [2, 3], [4, 6]]


def test_cosine_neighbours_look_at_directions_only():
    embeddings = torch.tensor([[1.0, 0.0], [0.0, 2.0], [9.0, 9.0], [-3.0, 0.0]])
    made = nearest_neighbours(to_points(embeddings, "cosine"), 3, "cosine")
    assert made.indices[0].tolist() == [2, 1, 3]
    assert made.distances[0].tolist() == pytest.approx([1 - math.sqrt(0.5), 1, 2], abs=1e-6)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("cells", [1, 500, 10**9])
def test_neighbours_are_exact_whatever_the_size_of_a_block(monkeypatch, metric, cells):
    monkeypatch.setattr(projection, "BLOCK_CELLS", cells)
    embeddings = random_points(61)
    made = nearest_neighbours(to_points(embeddings, metric), 7, metric)
    far, near = NearestNeighbors(n_neighbors=7, metric=metric).fit(embeddings.numpy()).kneighbors()
    assert made.indices.tolist() == near.tolist()
    assert np.allclose(made.distances.numpy(), far, atol=1e-5)


def test_near_duplicates_are_told_apart_and_equals_come_in_order():
    far_out = on_a_line(1000, 1000.001, 1000.003, 0, 0, 0)
    made = nearest_neighbours(far_out, 2, "euclidean")
    assert made.indices[0].tolist() == [1, 2]
    assert made.indices[2].tolist() == [1, 0]
    assert made.indices[3:].tolist() == [[4, 5], [3, 5], [3, 4]]


@pytest.mark.parametrize("total", [1, 2, 3])
def test_a_few_texts_have_as_many_neighbours_as_there_are_others(total):
    assert nearest_neighbours(random_points(total), 50, "euclidean").indices.shape == (total, total - 1)


# ---------------------------------------------------------------- PCA


def test_pca_of_three_points_on_a_line():
    made, shares = pca_map(torch.tensor([[1.0, 5.0, 0.0], [3.0, 5.0, 0.0], [5.0, 5.0, 0.0]]), 2)
    assert made.tolist() == [pytest.approx([-2, 0], abs=1e-6), pytest.approx([0, 0]), pytest.approx([2, 0], abs=1e-6)]
    assert shares == pytest.approx((1, 0))


@pytest.mark.parametrize("axes", [2, 3])
def test_pca_is_scikit_learns_up_to_the_signs_of_the_axes(axes):
    points = random_points(40)
    made, shares = pca_map(points, axes)
    theirs = PCA(axes).fit(points.numpy())
    assert np.allclose(np.abs(made.numpy()), np.abs(theirs.transform(points.numpy())), atol=1e-4)
    assert shares == pytest.approx(theirs.explained_variance_ratio_.tolist(), abs=1e-5)


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("total", [1, 2, 3, 4])
def test_pca_works_from_one_text_up(total, axes):
    made, shares = pca_map(random_points(total), axes)
    assert made.shape == (total, axes)
    assert torch.isfinite(made).all()
    assert shares is None if total == 1 else len(shares) == axes
    assert torch.isfinite(to_scale(made)).all()


def test_equal_embeddings_share_one_point():
    points = torch.full((6, 4), 0.3)
    assert all_in_one_place(points)
    assert pca_map(points, 2)[0].unique().tolist() == [0]
    assert pca_map(points, 2)[1] is None


# ---------------------------------------------------------------- UMAP


@pytest.mark.slow
def test_the_same_seed_gives_the_same_map_even_of_separate_groups():
    groups = torch.cat([random_points(20, seed=i) + 100 * i for i in range(3)])
    near = nearest_neighbours(groups, 5, "euclidean")
    one, again, other = (
        umap_map(groups, near, Umap(neighbours=3, seed=seed), "euclidean").tolist() for seed in (1, 1, 2)
    )
    assert one == again
    assert one != other


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("neighbours", [2, 15, 50])
def test_umap_works_from_fifteen_texts_up(neighbours, axes):
    points = to_points(random_points(15), "cosine")
    made = umap_map(points, nearest_neighbours(points, 50, "cosine"), Umap(neighbours=neighbours, axes=axes), "cosine")
    assert made.shape == (15, axes)
    assert torch.isfinite(made).all()


def test_umap_survives_equal_embeddings():
    points = to_points(torch.ones(20, 4), "cosine")
    made = umap_map(points, nearest_neighbours(points, 50, "cosine"), Umap(), "cosine")
    assert torch.isfinite(made).all()


def test_umap_refuses_fewer_texts_with_a_sentence():
    points = to_points(random_points(14), "cosine")
    with pytest.raises(ValueError, match="UMAP needs at least 15 texts, got 14; use PCA"):
        umap_map(points, nearest_neighbours(points, 5, "cosine"), Umap(), "cosine")


def test_a_fit_reports_its_progress():
    points, told = to_points(random_points(30), "cosine"), []
    umap_map(points, nearest_neighbours(points, 15, "cosine"), Umap(), "cosine", report=told.append)
    assert told == sorted(told)
    assert told[-1] == 1


def test_an_error_in_a_report_does_not_stop_the_next_fit_in_another_thread():
    points = to_points(random_points(30), "cosine")

    def fit(report=lambda share: None) -> None:
        umap_map(points, nearest_neighbours(points, 15, "cosine"), Umap(), "cosine", report=report)

    def fail(_share: float) -> None:
        raise OSError

    fit(fail)
    other = threading.Thread(target=fit, daemon=True)
    other.start()
    other.join(60)
    assert not other.is_alive()


def test_fits_asked_for_at_once_are_done_one_at_a_time():
    points = to_points(random_points(40), "cosine")
    near = nearest_neighbours(points, 15, "cosine")
    alone = umap_map(points, near, Umap(), "cosine").tolist()
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(umap_map(points, near, Umap(), "cosine").tolist()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [alone] * 4


COMPILED_APART = """
from pooling import umap_fit
umap_fit.compile_apart()
from numba.core import event
class Compiling(event.Listener):
    def on_start(self, one):
        print("compiled here:", one.data["dispatcher"].py_func.__qualname__)
    def on_end(self, one):
        pass
event.register("numba:compile", Compiling())
import torch
from pooling.projection import Umap, nearest_neighbours, to_points, umap_map
for metric, axes, total in (("cosine", 2, 15), ("euclidean", 3, 300)):
    points = to_points(torch.randn(total, 384), metric)
    print(umap_map(points, nearest_neighbours(points, 15, metric), Umap(axes=axes), metric).shape)
"""


def test_what_is_compiled_apart_is_not_compiled_by_the_process_that_fits():
    shapes = ["torch.Size([15, 2])", "torch.Size([300, 3])"]
    ran = subprocess.run([sys.executable, "-c", COMPILED_APART], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-2:] == shapes
    # Two short functions umap-learn compiles whenever it is imported.
    assert set(ran.stdout.splitlines()) <= {"compiled here: tau_rand_int", "compiled here: tau_rand", *shapes}


def test_the_first_map_waits_for_what_is_compiled_apart(monkeypatch):
    asked = []

    class Line:
        def ask(self, key, work, **how):
            asked.append(key)

    maps._fits.clear()
    monkeypatch.setattr(maps.cache, "computations", lambda name, keep: Line())
    assert isinstance(maps._fits(), Line)
    maps.warm_up()
    assert asked == ["warm-up"]
    maps._fits.clear()


def test_one_process_compiles_at_a_time_and_the_next_begins_when_it_has_ended(monkeypatch, tmp_path):
    monkeypatch.setenv("POOLING_CACHE", str(tmp_path))
    monkeypatch.setattr(umap_fit.os, "nice", lambda by: None)
    began = threading.Event()
    monkeypatch.setattr(umap_fit, "fit", lambda *given, **settings: began.set())
    with umap_fit._alone():
        other = threading.Thread(target=umap_fit.main, daemon=True)
        other.start()
        assert not began.wait(0.5)
    assert began.wait(30)
    other.join()
    (tmp_path / "umap.lock").unlink()
    (tmp_path / "umap.lock").mkdir()  # nothing can be locked: it is compiled all the same
    began.clear()
    umap_fit.main()
    assert began.is_set()


def test_a_fit_compiles_what_is_lacking_where_no_process_can_be_started(monkeypatch):
    monkeypatch.setattr(projection.umap_fit.sys, "executable", "/nowhere")
    projection.warm_up()
    points = to_points(random_points(15), "cosine")
    assert umap_map(points, nearest_neighbours(points, 5, "cosine"), Umap(neighbours=5), "cosine").shape == (15, 2)


# ---------------------------------------------------------------- aligning and moving


@pytest.mark.parametrize("axes", [2, 3])
def test_a_map_that_was_turned_mirrored_and_scaled_is_brought_back(axes):
    first = to_scale(random_points(30, axes))
    turn = torch.linalg.qr(random_points(axes, axes, seed=3))[0]
    for change in (turn, -turn):
        back, apart = align(to_scale(5 * first @ change + 7), first)
        assert torch.allclose(back, first, atol=1e-5)
        assert apart == pytest.approx(0, abs=1e-5)


def test_the_distance_after_aligning_is_scipys():
    first, other = to_scale(random_points(30, 2)), to_scale(random_points(30, 2, seed=1))
    assert align(other, first)[1] == pytest.approx(procrustes(first.numpy(), other.numpy())[2], abs=1e-6)


def test_a_map_without_any_spread_is_as_far_away_as_can_be():
    first = to_scale(random_points(5, 2))
    back, apart = align(torch.zeros(5, 2), first)
    assert back.abs().max() == 0
    assert apart == 1


def test_a_text_that_moves_with_its_neighbours_has_not_moved():
    first = on_a_line(0, 1, 2, 3)
    near = nearest_neighbours(first, 1, "euclidean")
    assert moved(first, first + 5, near).tolist() == [0, 0, 0, 0]
    last_moves = first + torch.tensor([[0.0, 0.0]] * 3 + [[3.0, 4.0]])
    assert moved(first, last_moves, near).tolist() == [0, 0, 0, 5]


def test_kept_neighbours_are_counted():
    assert kept_neighbours(
        nearest_neighbours(on_a_line(0, 1, 2.5, 7), 1, "euclidean"),
        nearest_neighbours(on_a_line(0, 1, 6, 7), 1, "euclidean"),
    ).tolist() == [1, 1, 0, 1]


# ---------------------------------------------------------------- how far to believe


@pytest.mark.parametrize("total", [3, 4, 8, 21, 22, 90])
def test_trustworthiness_is_scikit_learns(monkeypatch, total):
    monkeypatch.setattr(projection, "BLOCK_CELLS", 400)
    points, made = random_points(total), some_places(total)
    judged = belief(points, nearest_neighbours(points, 50, "euclidean"), made)
    assert judged.counted == min(10, (total - 1) // 2)
    theirs = trustworthiness(points.numpy(), made.numpy(), n_neighbors=judged.counted)
    assert judged.trustworthiness == pytest.approx(theirs, abs=1e-6)


def test_a_map_that_is_the_full_space_keeps_every_neighbour():
    points = random_points(40, 2)
    assert belief(points, nearest_neighbours(points, 50, "euclidean"), points) == Belief(1.0, 1.0, 10)


def test_neighbours_kept_by_hand():
    points, made = on_a_line(0, 1, 3, 7), on_a_line(0, 1, 7, 3)
    # counted is 1; nearest 1 0 1 2 in truth and 1 0 3 1 on the map: two of four
    assert belief(points, nearest_neighbours(points, 3, "euclidean"), made).kept == 0.5


def test_where_there_is_nothing_to_compare_there_is_no_belief():
    two, equal = random_points(2), torch.ones(9, 3)
    assert belief(two, nearest_neighbours(two, 50, "euclidean"), some_places(2)) is None
    assert belief(equal, nearest_neighbours(equal, 50, "euclidean"), some_places(9)) is None


def test_a_strategy_that_a_corpus_cannot_have_is_named_with_the_reason(encoder):
    assert not_for_a_corpus(encoder, encoder.layers) == {}, "as on the Evaluation page"
    assert "No attention head was trained" in not_for_a_corpus(encoder, 1)["attention"]
    input_layer = not_for_a_corpus(encoder, 0)
    assert list(input_layer) == ["cls_attention"]
    assert "needs the attention of one transformer layer" in input_layer["cls_attention"]


def test_a_corpus_with_a_text_too_long_for_attention_has_all_other_strategies(encoder, monkeypatch):
    monkeypatch.setattr(encoder, "longest_attention", 20)
    assert not_for_a_corpus(encoder, 6, "cat " * 18) == {}  # and [CLS] and [SEP]: 20 tokens
    for longest, template in (("cat " * 19, "{}"), ("cat " * 9, "query: {} {}")):
        made = not_for_a_corpus(encoder, 6, longest, template=template)
        assert list(made) == ["cls_attention"]
        assert "shorter texts" in made["cls_attention"]


# ---------------------------------------------------------------- tables, charts, notices

HOSTILE = "<img src=x onerror=alert(1)> %{x} & </s> " + "very " * 200 + "long"


def a_table(total: int = 6, labels: tuple[str, ...] = (), axes: int = 2):
    return map_table(random_points(total, axes), [f"Text {i}" for i in range(1, total + 1)], labels)


def test_found_looks_into_texts_and_whole_labels_without_capitals():
    table = a_table(4, ("art", "Art", "ARTS", "b"))
    assert found(table, " text 2 ") == [2]
    assert found(table, "art") == [1, 2]
    assert found(table, "TEXT") == [1, 2, 3, 4]
    assert found(table, "  ") == found(table, "nothing") == []


def test_the_neighbour_table_lists_neighbours_of_the_full_space():
    table = a_table(4, ("a", "a", "b", "b"))
    near = nearest_neighbours(on_a_line(0, 1, 3, 7), 3, "euclidean")
    made = neighbour_table(table, near, [3], "euclidean", each=2)
    assert made["neighbour"].tolist() == ["Text 2", "Text 1"]
    assert made["its number"].tolist() == [2, 1]
    assert made["its label"].tolist() == ["a", "a"]
    assert made["distance"].tolist() == [2, 3]
    assert neighbour_table(a_table(1), nearest_neighbours(random_points(1), 5, "cosine"), [1], "cosine", each=5).empty


def test_every_text_is_drawn_once_where_its_table_says():
    table = a_table(30, tuple("abc"[i % 3] for i in range(30)))
    made = charts.map_figure(table, "mean", marked=[2, 5], dark=True)
    drawn = {n: (x, y) for t in made.data[:3] for n, x, y in zip(t.customdata, t.x, t.y, strict=True)}
    assert drawn == {r.number: (r.x, r.y) for r in table.itertuples()}
    assert list(made.data[3].customdata) == [2, 5]
    assert len({(t.marker.color, t.marker.symbol) for t in made.data[:3]}) == 3
    assert [t.name for t in made.data[:3]] == ["a", "b", "c"]


def test_labels_have_their_own_colour_and_marker():
    styles = list(charts.label_styles([f"{i:03}" for i in range(90)]).values())
    assert len({tuple(s.values()) for s in styles[:80]}) == 80
    assert len({s["color"] for s in styles[:8]}) == len({s["symbol"] for s in styles[:8]}) == 8
    in_space = list(charts.label_styles([str(i) for i in range(8)], in_space=True).values())
    assert len({s["symbol"] for s in in_space}) == 8


def test_a_text_is_shown_on_hover_whole_in_lines_and_escaped():
    shown = charts.hover_text(HOSTILE[:300], "<b>", 7)
    assert "<img" not in shown
    assert "&lt;b&gt;" in shown
    lines = unescape(shown).split("<br>")[1:]
    assert re.sub(r"\s+", "", "".join(lines)) == re.sub(r"\s+", "", HOSTILE[:300])
    assert max(map(len, lines)) <= 60
    assert len(charts.hover_text("x" * 100_000, "", 1)) < 800


def test_beside_few_points_stand_their_texts_escaped():
    table = map_table(some_places(3), [HOSTILE, "b", "c"], ())
    made = charts.map_figure(table, "mean", dark=False)
    assert made.data[0].text[0].startswith("&lt;img src=x")
    assert len(made.data[0].textposition) == 3
    assert charts.map_figure(a_table(13), "mean", dark=False).data[0].text is None


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("labels", [0, 3, 40])
@pytest.mark.parametrize("total", [1, 2, 40])
def test_a_morph_has_a_frame_a_strategy_with_every_text_in_it(total, labels, axes):
    named = tuple(str(i % labels) for i in range(total)) if labels else ()
    maps = {
        name: map_table(random_points(total, axes, seed), ["a"] * total, named)
        for name, seed in (("mean", 1), ("cls", 2))
    }
    made = charts.morph_figure(maps, {"mean": "Mean", "cls": "CLS"}, shown="mean")
    assert [frame.name for frame in made.frames] == ["Mean", "CLS"]
    for frame, table in zip(made.frames, maps.values(), strict=True):
        assert sorted(x for trace in frame.data for x in trace.x) == sorted(table["x"])
    assert [list(step.args[0]) for step in made.layout.sliders[0].steps] == [["Mean"], ["CLS"]]


def test_a_large_corpus_is_drawn_by_webgl_and_morphs_as_a_sample():
    table = a_table(4000).assign(text="a")
    assert charts.map_figure(table, "mean", dark=False).data[0].type == "scattergl"
    made = charts.morph_figure({"mean": table, "cls": table}, {"mean": "Mean", "cls": "CLS"}, shown="cls")
    assert len(made.data[0].x) == charts.MOST_MORPHED


def test_judgements_and_movers_and_what_is_said_of_them():
    table = a_table(5, tuple("aabbb"))
    first, other = to_scale(on_a_line(0, 1, 3, 7, 8)), to_scale(on_a_line(0, 9, 3, 7, 8))
    near = {"mean": nearest_neighbours(first, 4, "euclidean"), "cls": nearest_neighbours(other, 4, "euclidean")}
    movers = mover_table(table, {"mean": first, "cls": other}, near)
    assert movers["number"].iloc[0] == 2
    assert movers["strategy"].iloc[0] == "CLS"
    assert movers["nearest before"].iloc[0] == "Text 1"
    assert movers["nearest after"].iloc[0] == "Text 5"
    assert "“Text 2” moves most" in notices.about_movers(movers)
    judged = judgement_table(
        {"mean": Belief(1.0, 1.0, 2), "cls": None},
        {"mean": LabelScores(0.5, np.array([True] * 4 + [False])), "cls": LabelScores(None, None)},
        {"mean": 0.0, "cls": 0.25},
    )
    assert judged["trustworthiness"].isna().tolist() == [False, True]
    assert "CLS's map is least like Mean's: 0.250 away" in notices.about_strategies(judged)
    assert charts.score_bars(judged, "silhouette").data[0].x.tolist() == [0.5]


# ---------------------------------------------------------------- the page

FIFTEEN = "\n".join(own_topics()[0][::17][:15])


def page(**choices) -> AppTest:
    # UMAP is compiled once on a machine, and lets everything else go first.
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=600)
    at.switch_page("pages/projection.py")
    for key, value in choices.items():
        at.query_params[key.replace("map_", "map-")] = value
    return at.run()


def said(at: AppTest) -> str:
    return " ".join(str(e.proto.body) for e in at.get("html")) + " ".join(e.value for e in at.info)


def test_who_becomes_the_first_gives_up_its_place_beside_it_to_who_was(few_texts):
    at = page(map_texts="own", text=FIFTEEN)
    for strategy, beside in (("max", ["cls", "mean"]), ("cls", ["max", "mean"]), ("weighted_mean", ["max", "mean"])):
        set_strategy(at, strategy)
        assert at.multiselect(key="map-with").value == beside
    set_strategy(at, "mean")
    assert at.multiselect(key="map-with").value == ["max", "weighted_mean"]
    assert not at.exception


@pytest.mark.parametrize(("total", "axes"), [(1, "2"), (1, "3"), (2, "2"), (3, "2"), (4, "3")])
def test_the_page_maps_any_number_of_sentences(total, axes):
    at = page(map_texts="own", map_axes=axes, text="\n".join(FIFTEEN.split("\n")[:total]))
    assert not at.exception
    assert len(at.get("plotly_chart")) == 5  # the map, three beside each other, the morph


def test_below_fifteen_sentences_umap_is_pca_with_the_reason():
    at = page(map_texts="own", map_kind="umap")
    assert not at.exception
    assert "UMAP needs at least 15 texts and these are 6" in said(at)
    assert "The axes hold" in said(at)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_from_fifteen_sentences_umap_is_umap(metric):
    at = page(map_texts="own", map_kind="umap", map_metric=metric, text=FIFTEEN)
    assert not at.exception
    assert "UMAP tied each of the 15 texts to its 14 nearest" in said(at)


@pytest.mark.parametrize(
    "choices",
    [
        {"layer": "0", "strategy": "cls"},
        {"layer": "first-last", "strategy": "max"},
        {"map_with": ""},
        {"map_with": "cls,max,last_token,attention,weighted_mean", "map_search": "music"},
        {"map_with": "nonsense,<b>", "map_kind": "x", "map_axes": "9", "map_seed": "99999999", "map_search": "<b>"},
        {"map_texts": "own", "text": "<b>x</b>\n<b>x</b>\n🎻\n[SEP] $x$ :red[x]", "map_search": "<b>"},
        {"map_texts": "file"},
    ],
    ids=str,
)
def test_the_page_stands_at_its_choices(choices):
    at = page(**choices)
    assert not at.exception


def test_the_page_maps_what_the_steps_after_pooling_make_of_embeddings(few_texts, encoder):
    texts, labels = own_topics()
    steps = fit_steps(["centre", "first:32"], embed(own_texts(), encoder, "max")["max"])
    values = values_after(embed(texts, encoder, "max")["max"], steps)
    for metric in ("cosine", "euclidean"):
        at = page(strategy="max", after="centre,first", first="32", map_metric=metric, map_with="", map_kind="pca")
        want = label_scores(values, texts, labels, metric)
        assert [at.metric[i].value for i in (2, 3)] == [number(want.accuracy), number(want.silhouette)]


def test_every_strategy_maps_a_corpus_where_its_layer_lets_it():
    at = page(strategy="cls_attention")
    assert not at.exception
    assert not at.warning
    assert at.get("plotly_chart")
    assert "CLS attention" in "".join(part.value for part in at.get("markdown"))


def test_a_strategy_without_a_corpus_offers_another():
    at = page(strategy="cls_attention", layer="0")
    assert not at.exception
    assert "needs the attention of one transformer layer" in at.warning[0].value
    assert "Use mean pooling" in [button.label for button in at.button]
