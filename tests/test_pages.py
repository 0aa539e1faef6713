"""Every page on every model that is on this machine, and what all pages share."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui.navigation import PAGES, SECTIONS
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
    if get_model(model).parameters > 1e8:  # it takes minutes for all
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
    assert shown.text_area(key="text").value == text


@pytest.mark.parametrize("strategy", ["mean", "max", "attention"])
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.title)
def test_every_page_works_with_a_prompt_that_is_only_read(page, strategy, few_texts):
    template = 'This sentence: "{}" means in one word: "'
    shown = open_page(page.file, prompt="own", template=template, pool_prompt="no", strategy=strategy)
    assert not shown.exception
    assert shown.text_input(key="template").value == template
    assert shown.segmented_control(key="pool_prompt").value == "no"
    assert shown.selectbox(key="strategy").value == strategy


def test_pages_stand_in_their_sections_and_their_address_is_their_file():
    assert {page.section for page in PAGES} <= set(SECTIONS)
    assert [page.section for page in PAGES] == sorted((p.section for p in PAGES), key=SECTIONS.index)
    assert {page.file for page in PAGES} == {str(f.relative_to(ROOT)) for f in (ROOT / "pages").glob("*.py")}
