"""A strategy's parameters: beside the strategy, in the link, and in every word and picture."""

import json
import re

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui.navigation import PAGES
from pooling import all_strategies, get_strategy
from pooling.catalogue import DEFAULT
from pooling.datasets import own_pairs
from pooling.evaluation import cosine_grid, spearman
from pooling.tables import number
from tests.conftest import ROOT, set_strategy
from tests.test_links import address, open_link

AT = {"strategy": "smooth_max", "smooth_max.temperature": "0.2"}


def words(shown: AppTest) -> str:
    """All that a page says: its texts, tables and pictures."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "warning", "info", "latex", "metric", "expander")
    said = [f"{getattr(one, 'value', '')} {getattr(one, 'label', '')}" for kind in kinds for one in shown.get(kind)]
    said += [one.proto.body for one in shown.get("html")]
    for chart in shown.get("plotly_chart"):
        said += [json.dumps(json.loads(chart.proto.spec), ensure_ascii=False), chart.proto.alt]
    return "\n".join(said)


def temperatures(shown: AppTest, label: str = "Smooth max") -> set[str]:
    """What the page gives as the parameter of this strategy, wherever it does."""
    return set(re.findall(rf"{label}(?: pooling)?, τ ([\d.]+\d|\d+)", words(shown)))


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.title not in ("Hidden States", "Detective", "Learn")], ids=lambda p: p.title
)
def test_every_word_and_picture_speaks_of_the_parameter_that_is_set(page, few_texts):
    shown = open_link(page.file, AT)
    assert not shown.exception
    assert shown.select_slider(key="smooth_max.temperature").value == "0.2"
    assert temperatures(shown) == ({"0.2"} if page.title != "Attention" else set())
    shown.select_slider(key="smooth_max.temperature").set_value("5").run()
    assert not shown.exception
    assert temperatures(shown) == ({"5"} if page.title != "Attention" else set())
    assert address(shown) == AT | {"smooth_max.temperature": "5"}


def test_a_parameter_stands_in_the_sidebar_and_keeps_its_value_while_another_is_chosen():
    shown = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    assert not [one for one in shown.select_slider if "temperature" in str(one.key)]
    assert temperatures(shown) == {"1"}
    set_strategy(shown, "smooth_max")
    shown.select_slider(key="smooth_max.temperature").set_value("0.05").run()
    formula = shown.latex[0].value
    set_strategy(shown, "mean")
    assert temperatures(shown) == {"0.05"}
    assert address(shown) == {"smooth_max.temperature": "0.05"}
    assert shown.latex[0].value != formula
    set_strategy(shown, "smooth_max")
    assert shown.select_slider(key="smooth_max.temperature").value == "0.05"
    assert shown.latex[0].value == formula
    shown.select_slider(key="smooth_max.temperature").set_value("1").run()
    assert address(shown) == {"strategy": "smooth_max"}


def test_on_the_attention_page_the_heads_slider_is_the_sidebars():
    shown = open_link("pages/attention.py", {"layer": "4"})
    assert temperatures(shown, "The head") == set()
    shown.select_slider(key="attention.temperature-again").set_value("0.1").run()
    assert temperatures(shown, "The head") == {"0.1"}
    assert address(shown) == {"layer": "4", "attention.temperature": "0.1"}
    shown.session_state["strategy"] = "attention"
    shown.run()
    assert shown.select_slider(key="attention.temperature").value == "0.1"
    shown.select_slider(key="attention.temperature").set_value("5").run()
    assert shown.select_slider(key="attention.temperature-again").value == "5"
    assert temperatures(shown, "The head") == {"5"}


def test_a_score_is_the_strategys_at_the_parameter_and_its_code_too(encoder, few_texts):
    shown = open_link("pages/evaluation.py", AT | {"smooth_max.temperature": "2"})
    pairs = own_pairs()
    grid = cosine_grid(pairs, encoder, [6], [get_strategy("smooth_max", temperature=2.0)])
    score = number(100 * spearman(grid.vectors[6, "smooth_max"], pairs))
    board = json.loads(shown.get("plotly_chart")[0].proto.spec)
    rows = board["layout"]["yaxis"]["ticktext"]
    shown_scores = dict(row.removeprefix("▸ ").removesuffix("</b>").split("  <b>") for row in rows)
    assert shown_scores.keys() == {s.title for s in all_strategies([("smooth_max", (("temperature", 2.0),))])}
    assert shown_scores["Smooth max, τ 2"] == score


def test_the_app_computes_only_what_a_slider_has_changed_anew(monkeypatch):
    from pages.ui import cache
    from pooling import evaluation
    from pooling.recipe import Reading

    asked, real = [], evaluation.cosine_grid

    def watched(pairs, encoder, layers, strategies, **prompt):
        asked.append(strategies and [s.title for s in strategies])
        return real(pairs, encoder, [6], strategies, **prompt)

    monkeypatch.setattr(evaluation, "cosine_grid", watched)
    cache.cosines.clear()
    reading, pairs = Reading(DEFAULT), own_pairs()[:3]
    plain = cache.cosines(reading, "x", (), (), pairs, dict)
    moved = cache.cosines(reading, "x", (("smooth_max", (("temperature", 0.5),)),), (), pairs, dict)
    cache.cosines.clear()
    assert asked == [None, ["Smooth max, τ 0.5"]]
    assert moved.vectors.keys() == plain.vectors.keys()
    differ = {cell for cell in plain.vectors if not plain.vectors[cell].equal(moved.vectors[cell])}
    assert differ == {(6, "smooth_max")}
    assert get_strategy("smooth_max").title == "Smooth max, τ 1"
