"""The Detective page: its exhibits, what it says of an answer, and what it takes."""

import json

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from pages.ui.controls.detective import MOST_TEXTS, bounded, probes
from pages.ui.navigation import PAGES
from pooling.datasets import exhibit_vectors, exhibits, own_pairs
from pooling.detect import detect, read
from pooling.detect.files import read_vectors
from pooling.detect.probes import PROBES
from pooling.notices import detective as notices
from pooling.tables import detective as tables
from tests.conftest import ROOT
from tests.make_exhibits import MADE, make

TEXTS, STORIES = exhibits()


@pytest.mark.slow
def test_the_exhibits_are_what_other_peoples_programs_make():
    made = make()
    assert list(made) == [story.name for story in STORIES]
    assert set(MADE) == set(made)
    assert len(made) == 8
    for name, vectors in made.items():
        assert np.allclose(vectors, exhibit_vectors(name), atol=1e-5), name
        assert np.isfinite(vectors).all()


@pytest.fixture(scope="module")
def found(encoder):
    """What is found of some exhibits, with all that the page shows."""
    asked = ("length", "first", "cut")
    return {name: detect(TEXTS, exhibit_vectors(name), encoder, whole=True) for name in asked}


@pytest.mark.slow
def test_exhibits_are_found_and_made_again_for_other_texts(found, encoder):
    for name, findings in found.items():
        assert findings.verdict == "exact", name
        again = findings.remake(encoder, TEXTS).numpy()
        assert np.allclose(again, exhibit_vectors(name), atol=1e-4), name
        recipe = tables.recipe_table(findings.matches[0], encoder, 96)
        differs = {"length": "after pooling", "first": "after pooling", "cut": "length limit"}[name]
        assert list(recipe.index[recipe["is"] == "≠ differs"]) == [differs]
        assert differs in notices.differences(recipe)
        assert not notices.is_own(findings.matches[0], encoder)
        assert "sentence-transformers" in notices.mends(recipe, findings.matches[0], encoder).index


@pytest.mark.slow
def test_each_axis_has_what_was_found_and_how_far_all_else_misses(found):
    for name, findings in found.items():
        table = tables.axis_table(findings)
        assert (table.groupby("axis")["found"].sum() == 1).all(), name
        assert table[table["found"]]["explains"].all(), name
        assert set(table["axis"]) >= {"pooling", "layer", "prompt", "special tokens", "length limit", "after pooling"}
        by_name = table[table["axis"] == "pooling"].set_index("name")
        assert not by_name.loc["CLS", "explains"]
        # The sum over √n points where the mean does: only where lengths are left can it be told apart.
        assert by_name.loc["Mean √length", "explains"] == (name != "length")
        limits = table[table["axis"] == "length limit"].set_index("name")
        assert limits[limits["explains"]].index.tolist() == ["64 tokens" if name == "cut" else "none that shows"]
        assert "off by less than 0.001%" in notices.about_alternatives(table)


@pytest.mark.slow
def test_a_recipe_that_ranks_alike_costs_nothing_and_another_is_measured(found, encoder):
    pairs = own_pairs()[:60]
    same = tables.cost(pairs, found["length"].remake, encoder)
    assert same.same
    assert same.lost == pytest.approx(0, abs=1e-6)
    assert notices.about_cost(same).startswith("On these pairs it costs nothing")
    other = tables.cost(pairs, found["first"].remake, encoder)
    assert other.low < other.lost < other.high
    own, theirs = other.table["score"]
    assert own - theirs == pytest.approx(other.lost)


def test_clues_say_whose_texts_differ_and_how_long_the_vectors_are(encoder):
    own = tables.own_embeddings(TEXTS, encoder).numpy()
    clues = tables.clue_table(TEXTS, own, torch.from_numpy(own), encoder)
    assert notices.about_clues(clues).startswith(
        "Each points where the model's own embedding of its text does. All have"
    )
    vectors = exhibit_vectors("cut")
    clues = tables.clue_table(TEXTS, vectors, torch.from_numpy(vectors), encoder)
    assert clues.loc[clues["cosine"] < 0.999, "number"].tolist() == [6]
    assert "Only one differs from the model's own: text 6 (96 tokens)" in notices.about_clues(clues)


def test_an_answer_to_the_probe_texts_comes_back_without_them(encoder):
    asked = json.loads(probes("a-model"))
    assert (asked["model"], asked["input"]) == ("a-model", list(PROBES))
    made = np.arange(2.0 * len(PROBES)).reshape(-1, 2)
    data = [{"index": i, "embedding": row.tolist()} for i, row in enumerate(made)]
    texts, vectors = read_vectors(json.dumps({"data": data}).encode(), "answer.json", list)
    assert texts == []
    assert np.array_equal(vectors, made)
    with pytest.raises(ValueError, match="are of another model"):
        read(list(PROBES), np.ones((len(PROBES), 999)), encoder)
    with pytest.raises(ValueError, match="only 2 of the model's 384 dimensions, too few to tell recipes apart"):
        read(["a", "b"], np.array([[1, 2], [3, 4]]), encoder)


def test_no_more_texts_are_looked_at_than_a_search_can_bear():
    assert len(bounded(["a"] * 100, np.ones((100, 3))).vectors) == MOST_TEXTS
    assert bounded(["a" * 4000] * 20, np.ones((20, 3))).said.startswith("Only the first 10 of 20 texts")
    with pytest.raises(ValueError, match="Text 2 has 6,000 characters; at most 5,000"):
        bounded(["a", "b" * 6000], np.ones((2, 3)))


def test_another_model_is_told_that_the_exhibits_are_not_its_own():
    shown = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    shown.session_state["model"] = "pooling-playground/all-MiniLM-L6-v2-causal"
    shown.switch_page(next(page.file for page in PAGES if page.title == "Detective")).run()
    assert not shown.exception
    assert "The exhibits were made with all-MiniLM-L6-v2" in shown.info[0].value
    shown.button(key="exhibits-model").click().run()
    assert not shown.exception
    assert not shown.info


def test_pasted_texts_stay_out_of_the_address_and_other_vectors_unask_the_cost_of_the_last():
    page, asked = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300), "detective-cost-asked"
    page.switch_page(next(page.file for page in PAGES if page.title == "Detective")).run()
    page.session_state[asked] = True
    page.segmented_control(key="vectors-from").set_value("pasted").run()
    assert not page.session_state[asked]
    for key, typed in (("vector-texts", "a secret"), ("vectors", "1 2")):
        page.session_state[asked] = True
        page.text_area(key=key).set_value(typed).run()
        assert not page.session_state[asked]
    assert not page.exception
    assert page.query_params["vectors-from"] == "pasted"
    assert not {"vector-texts", "vectors"} & set(page.query_params)
    for title in ("Similarity", "Detective"):
        page.query_params.clear()  # as a click in the navigation does
        page.switch_page(next(page.file for page in PAGES if page.title == title)).run()
    assert page.text_area(key="vector-texts").value == "a secret"
