"""Every page on every model that is on this machine, and what all pages share."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui.navigation import PAGES
from pooling.catalogue import all_models, get_model, missing
from tests.conftest import ROOT

READY = [model.name for model in all_models() if model.source != "hub" and missing(model) is None]


def open_page(file: str, **state: str) -> AppTest:
    made = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    for key, value in state.items():
        made.session_state[key] = value
    return made.switch_page(file).run()


@pytest.mark.parametrize("model", READY)
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.title)
def test_every_page_works_on_every_model_that_is_here(page, model, request):
    if get_model(model).parameters > 1e8 or page.title in ("Search", "Size"):  # it takes minutes for all
        request.getfixturevalue("few_texts")
    shown = open_page(page.file, model=model)
    assert not shown.exception
    assert shown.title[0].value == page.question
    assert shown.selectbox(key="model").value == model


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.title)
@pytest.mark.parametrize(
    "text", ["One sentence.", "", "\n".join(f"Sentence number {i}." for i in range(40)), "[SEP] <b>x</b> 🎻"]
)
def test_every_page_works_with_a_prompt_and_any_text(page, text, few_texts):
    shown = open_page(page.file, text=text, prompt="own", template="query: {}")
    assert not shown.exception
    assert shown.session_state["text"] == text


@pytest.mark.parametrize("strategy", ["mean", "max", "attention"])
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.title)
def test_every_page_works_with_a_prompt_that_is_only_read(page, strategy, few_texts):
    template = 'This sentence: "{}" means in one word: "'
    shown = open_page(page.file, prompt="own", template=template, pool_prompt="no", strategy=strategy)
    assert not shown.exception
    assert shown.text_input(key="template").value == template
    assert shown.segmented_control(key="pool_prompt").value == "no"
    assert shown.session_state["strategy"] == strategy


READS = {
    "Playground": ["text"],  # its picture has the strategies
    "Hidden States": ["text"],
    "Attention": ["text"],
    "Similarity": ["text", "strategy"],
    "Projection": ["strategy"],
    "Evaluation": ["strategy"],
    "Search": ["strategy"],
    "Size": ["strategy"],
    "Padding Lab": ["text", "strategy"],
    "Detective": [],
    "Learn": [],
}
"""What of the two stands in a page as it opens: what it reads."""


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.title)
def test_the_sentences_and_the_strategy_stand_in_the_pages_that_read_them_and_nowhere_else(page, few_texts):
    shown = open_page(page.file, strategy="max", text="Mine.")
    boxes = [one.key for one in (*shown.main.text_area, *shown.main.pills)]
    assert [key for key in boxes if key in ("text", "strategy")] == READS[page.title]
    assert not {one.key for one in (*shown.sidebar.text_area, *shown.sidebar.pills)} & {"text", "strategy"}
    beside = {one.key for one in (*shown.sidebar.selectbox, *shown.sidebar.select_slider)}
    assert {"layer", "model", "prompt"} <= beside
    # In the sidebar too: a map can be one of the sentences, and the Playground's picture has the strategies.
    assert ("set" in beside) == ("text" in READS[page.title] or page.title == "Projection")
    warned = any("Off its training" in one.value for one in shown.sidebar.caption)
    assert warned == ("strategy" in READS[page.title] or page.title == "Playground")
    assert (shown.session_state["strategy"], shown.session_state["text"]) == ("max", "Mine.")


def test_a_map_of_ones_own_sentences_has_the_box_to_write_them():
    shown = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    shown.query_params["map-texts"] = "own"
    shown.switch_page("pages/projection.py").run()
    assert not shown.exception
    assert [one.key for one in shown.main.text_area] == ["text"]


@pytest.mark.parametrize("page", ["pages/playground.py", "pages/hidden_states.py"])
def test_the_last_layer_ends_its_slider_and_the_average_is_a_choice_beside_it(page):
    shown = open_page(page)
    assert all(slider.options[-1] == "6 (last)" for slider in shown.select_slider if "layer" in slider.key)
    shown.select_slider(key="layer").set_value("4").run()
    shown.segmented_control(key="layers").set_value("average").run()
    assert not shown.exception
    assert shown.query_params["layer"] in ("first-last", ["first-last"])
    assert "layer" not in [slider.key for slider in shown.select_slider]
    shown.segmented_control(key="layers").set_value("one").run()
    assert shown.select_slider(key="layer").value == "6"
    assert "layer" not in shown.query_params


def test_the_address_of_every_page_is_its_file():
    assert {page.file for page in PAGES} == {str(f.relative_to(ROOT)) for f in (ROOT / "pages").glob("*.py")}
