"""What all pages share, as a person sees it: the navigation, and choices that go along."""

import re

import pytest

from pages.ui.navigation import PAGES, address
from pooling.datasets import glossary

STATIC = "h1, h2, h3, label, [data-testid=stCaptionContainer], [data-testid=stMarkdownContainer], .stHtml p"
"""A page's words: titles, answers, captions, what to notice, names of widgets."""


def test_what_is_chosen_is_kept_from_page_to_page(server, reader):
    reader.open(server + "/?strategy=max&layer=4")
    reader.type("Mine.\nAnd mine.")
    for page in (*PAGES[1:], PAGES[0]):
        reader.page.locator("[data-testid=stHeader]").get_by_text(page.section, exact=True).click()
        reader.page.get_by_text(page.title, exact=True).last.click()
        reader.page.wait_for_selector(f"h1:has-text('{page.question[:30]}')")
        reader.wait()
        assert "text=Mine.%0AAnd+mine." in reader.page.url
        for box in reader.page.locator(".st-key-text textarea").all():
            assert box.input_value() == "Mine.\nAnd mine."
        assert "strategy=max" in reader.page.url
        assert "layer=4" in reader.page.url
        reader.assert_well()


def explained(reader) -> list[str]:
    """The words that a page's list explains, once it is written."""
    reader.page.wait_for_selector(".pp-words dt", state="attached")
    reader.page.wait_for_timeout(500)
    return reader.page.locator(".pp-words dt").all_text_contents()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.title)
def test_every_word_of_the_glossary_that_a_page_uses_is_explained_on_it(server, reader, page):
    reader.open(f"{server}/{address(page.file.removeprefix('pages/').removesuffix('.py'))}")
    listed, words = explained(reader), " ".join(reader.page.locator(STATIC).all_inner_texts())
    # Longer terms first: a special token is no token by itself.
    forms = {form: term.name for term in glossary() for form in (term.name, *term.forms)}
    used = set()
    for form in sorted(forms, key=len, reverse=True):
        words, times = re.subn(rf"(?<![\w-]){re.escape(form)}(?!\w)", "·", words, flags=re.IGNORECASE)
        used |= {forms[form]} if times else set()
    assert len(used) > 8
    assert used <= set(listed)
    assert len(set(listed)) == len(listed)


def place_of(reader, term: str) -> tuple[float, float]:
    """Where a term stands first, in the middle of its underline."""
    return reader.page.evaluate(
        """term => {
          const box = [...CSS.highlights.get("pp-term")].find((r) => r.toString().toLowerCase() === term)
            .getBoundingClientRect()
          return [box.left + box.width / 2, box.top + box.height / 2]
        }""",
        term,
    )


def test_a_word_is_explained_where_it_stands_by_mouse_and_in_the_list_by_keyboard(server, reader):
    reader.open(server + "/similarity")
    assert "cosine" in explained(reader)
    reader.page.mouse.move(*place_of(reader, "cosine"))
    said = reader.page.locator("[role=tooltip].pp-meaning")
    assert said.inner_text().startswith("cosine: How nearly two vectors point the same way")
    reader.page.keyboard.press("Escape")
    assert said.count() == 0
    meaning = reader.page.locator(".pp-words dd").first
    assert not meaning.is_visible()
    reader.page.locator(".pp-words summary").focus()
    reader.page.keyboard.press("Enter")
    assert meaning.is_visible()
    # The list stays open while the page changes.
    reader.page.locator("[data-testid=stMain]").get_by_text("Euclidean distance", exact=True).first.click()
    reader.wait()
    assert meaning.is_visible()


def test_a_word_is_explained_by_a_finger_on_it(server, phone):
    phone.open(server + "/similarity")
    assert "dot product" in explained(phone)
    phone.page.touchscreen.tap(*place_of(phone, "dot product"))
    said = phone.page.locator("[role=tooltip].pp-meaning")
    assert said.inner_text().startswith("dot product: Multiply two vectors number by number")
    box = said.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    phone.page.touchscreen.tap(380, 300)
    assert said.count() == 0
