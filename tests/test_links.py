"""Every choice that a page offers is in its link, and a link does no more than choose."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import url
from pages.ui.navigation import PAGES
from tests.conftest import ROOT, set_strategy

CHOICES = ("selectbox", "button_group", "select_slider", "slider", "toggle", "checkbox", "number_input", "radio")
TYPED = ("multiselect", "text_input", "text_area", "color_picker", "date_input")
SHOWS_ANOTHER = {
    "hidden_layer": "layer",
    "layers": "layer",
    "after-again": "after",
    "first-again": "first",
    "type-again": "type",
    "attention.temperature-again": "attention.temperature",
}
"""Widgets that are a second handle of another's value."""
CHOSEN = {
    "model": "pooling-playground/all-MiniLM-L6-v2-causal",
    "prompt": "own",
    "map-kind": "pca",
    "layer": "4",
    "present": "",
    "sheet": "",
    "after": "first",
    "type": "float16",
}
"""What is chosen instead of an option's neighbour: what is here, and is quick."""
WRITTEN = {"text": "A first one.\nThe river bank, & more.\nA bank with money.", "template": "query: {}"}


@pytest.fixture
def prepared(monkeypatch, few_texts) -> dict[str, Callable]:
    """What the pages prepare for their links: key -> another value, from the options they offer."""
    found = {}

    def watch(name: str, other: Callable) -> None:
        real = getattr(url, name)

        def watched(key, *args, **options):
            made = real(key, *args, **options)
            found[key] = other(key, *args)
            return made

        monkeypatch.setattr(url, name, watched)

    def next_option(key, options, default, *_):
        return CHOSEN.get(key) or options[(options.index(default) + 1) % len(options)]

    watch("choice", next_option)
    watch("several", lambda key, options, default, *_: CHOSEN.get(key) or next(iter(options)))
    watch("number", lambda key, low, high, default: str(low + 1 if default != low + 1 else low + 2))
    watch("flag", lambda key: CHOSEN.get(key, "on"))
    watch("text", lambda key, default: WRITTEN.get(key, "violin"))
    return found


def open_link(file: str, query: dict[str, str]) -> AppTest:
    made = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300).switch_page(file)
    made.query_params.update(query)
    return made.run()


def address(shown: AppTest) -> dict[str, str]:
    return {key: values[0] if isinstance(values, list) else values for key, values in shown.query_params.items()}


LEFT_OUT = {"set", "weights", "hidden_other", "hidden_word", "listener", "from", "map-kind", "lesson"}
LEFT_OUT |= {"worst", "asked", "cut-sentences", "token1", "token2", "exhibit", "verdict"}
"""What another choice leaves without an option is not chosen: a sample set beside an own text, a sentence beside
itself, weights of another text, a point in 3D, a lesson beside advice, a pair of which another strategy thinks
better, a query of other data, sentences where chunks are of tokens, a token of a score that does not split, an
exhibit beside a file. UMAP, which is compiled first, has its own link in the browser's tests."""


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.title)
def test_every_widget_of_a_page_is_in_its_link_and_comes_back_from_it(page, prepared):
    first = open_link(page.file, {})
    assert address(first) == {}
    assert prepared.keys() >= {"text", "strategy", "layer", "model", "prompt"}
    # Twice, as some choices only bring up others: a window its start, a prompt its tokens.
    asked = dict(prepared)
    second = open_link(page.file, asked)
    asked = {key: asked.get(key, value) for key, value in prepared.items()}
    third = open_link(page.file, asked)
    for shown in (first, second, third):
        assert not shown.exception
        widgets = {widget.key for kind in CHOICES + TYPED for widget in shown.get(kind)} - {None}
        assert {SHOWS_ANOTHER.get(key, key) for key in widgets} <= prepared.keys()
    kept = address(third)
    lost = {key for key in asked if asked[key] != kept.get(key, "")}
    assert {key for key in lost if not key.startswith("map-chosen")} <= LEFT_OUT, (asked, kept)


HOSTILE = [
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "constructor",
    "-1",
    "999999999999999999999",
    "٣",
    "",
    "on,off",
]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.title)
def test_a_link_can_only_choose_among_what_a_page_offers(page, prepared):
    open_link(page.file, {})
    keys = [key for key in prepared if key not in ("text", "template", "query", "map-search", "own-query", "own")]
    bad = dict(zip(keys, HOSTILE * len(keys), strict=False))
    shown = open_link(page.file, bad | {"unknown": "x", "_choice": "x", "_model": "x", "_heads": "x"})
    assert not shown.exception
    assert not set(address(shown)) & {"unknown", "_choice", "_model", "_heads"}
    assert set(address(shown).values()) & set(HOSTILE) <= {""}


def test_a_default_that_a_link_says_stays_in_it_or_back_would_lead_nowhere():
    said = {"strategy": "mean", "layer": "6", "set": "negation", "after": ""}
    shown = open_link(PAGES[0].file, said)
    assert address(shown) == {"strategy": "mean", "layer": "6", "set": "negation"}
    set_strategy(shown, "max")
    assert address(shown)["strategy"] == "max"
    set_strategy(shown, "mean")
    assert address(shown) == {"layer": "6", "set": "negation"}


def test_the_switches_of_older_links_are_steps_after_pooling_now():
    assert address(open_link(PAGES[0].file, {"centre": "on", "normalise": "on"})) == {"after": "centre,l2"}
    assert address(open_link(PAGES[0].file, {"normalise": "yes", "after": "first", "first": "64"})) == {
        "after": "first",
        "first": "64",
    }


def test_a_task_stands_while_its_text_does_and_until_it_is_put_away():
    def task(shown) -> bool:
        return any("Your task." in one.value for one in shown.markdown)

    said = {"set": "negation", "sentence": "2", "task": "negation"}
    shown = open_link(PAGES[0].file, said)
    assert task(shown)
    shown.text_area(key="text").set_value("Another text.").run()
    assert not task(shown)
    assert "task" not in address(shown)
    shown = open_link(PAGES[0].file, said)
    shown.button(key="put-away").click().run()
    assert not task(shown)
    assert address(shown) == {"set": "negation", "sentence": "2"}
    for key, value in said.items():
        shown.query_params[key] = value
    assert task(shown.run()), "where the lesson leads there again"


def test_too_long_a_text_is_left_out_of_the_link_and_the_page_says_so():
    shown = open_link(PAGES[0].file, {"text": "word " * 700, "strategy": "max"})
    assert address(shown) == {"strategy": "max"}
    assert "too long for a link" in " ".join(c.value for c in shown.caption)
