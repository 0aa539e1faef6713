"""What all pages share, as a person sees it: the navigation, the app's name, and choices that go along."""

import re

from pages.ui.layout import NAME
from pages.ui.navigation import PAGES
from pooling.datasets import glossary
from tests.test_browser_touch import assert_no_drag_changes_a_chart

STATIC = ", ".join(
    f"[data-testid=stMain] {what}, [data-testid=stSidebarUserContent] {what}"
    for what in (
        "h1",
        "h2",
        "h3",
        "label",
        "[data-testid=stCaptionContainer]",
        "[data-testid=stMarkdownContainer]",
        ".stHtml p:not(.pp-quoted)",
    )
)
"""A page's words: titles, answers, captions, what to notice, names of widgets."""
LINKS = "[data-testid=stTopNavLink], [data-testid=stSidebarNavLink]"


def in_sight(reader) -> list[str]:
    """The pages whose links are on the screen, whole."""
    links = [one for one in reader.page.locator(LINKS).all() if one.is_visible()]
    size, boxes = reader.page.viewport_size, [one.bounding_box() for one in links]
    whole = [
        box["x"] >= 0 and box["x"] + box["width"] <= size["width"] and 0 <= box["y"] < size["height"] - box["height"]
        for box in boxes
    ]
    return [one.inner_text().split("\n")[-1] for one, seen in zip(links, whole, strict=True) if seen]


def test_all_pages_are_in_sight_and_one_tap_away_on_a_phone(server, reader, phone):
    reader.open(server)
    assert in_sight(reader) == [page.title for page in PAGES]
    phone.open(server)
    assert in_sight(phone) == []
    phone.page.tap("[data-testid=stExpandSidebarButton]")
    phone.page.wait_for_timeout(700)
    assert in_sight(phone) == [page.title for page in PAGES]


def assert_named(reader, page) -> None:
    """The app's name and mark stand at the top of a page and in the browser's tab."""
    assert reader.page.title() == f"{page.title} · {NAME}"
    assert reader.page.locator("link[rel*=icon]").first.get_attribute("href").startswith("data:image/svg")
    logo = reader.page.locator(".stLogo:visible")
    assert logo.count() == 1
    shown = logo.evaluate("e => [e.complete, e.naturalWidth, atob(e.src.split(',')[1])]")
    assert shown[0]
    assert shown[1] > 0
    assert NAME in shown[2]
    menu = reader.page.get_by_test_id("stMainMenu").bounding_box()
    assert menu["x"] + menu["width"] <= reader.page.viewport_size["width"]


def test_the_apps_name_and_mark_stand_at_the_top_on_a_phone_too(server, phone):
    phone.open(server)
    assert_named(phone, PAGES[0])


def test_each_page_says_its_name_explains_its_words_keeps_what_is_chosen_and_leads_to_the_next(server, reader):
    reader.open(server + "/?strategy=max&layer=4")
    reader.type("Mine.\nAnd mine.")
    for i, page in enumerate(PAGES):
        after = PAGES[(i + 1) % len(PAGES)]
        assert_named(reader, page)
        assert_every_word_is_explained(reader)
        assert_no_drag_changes_a_chart(reader)
        for box in reader.page.locator(".st-key-text textarea").all():
            assert box.input_value() == "Mine.\nAnd mine."
        end = reader.page.locator(".st-key-next-page")
        assert after.why in end.inner_text()
        assert after.title != page.title
        last = reader.page.locator("[data-testid=stMainBlockContainer] .stElementContainer:visible").last
        assert last.evaluate("e => !!e.closest('.st-key-next-page')")
        end.get_by_role("link", name=f"Next: {after.title}").click()
        reader.page.wait_for_selector(f"h1:has-text('{after.question[:30]}')")
        reader.wait()
        for kept in ("text=Mine.%0AAnd+mine.", "strategy=max", "layer=4"):
            assert kept in reader.page.url
        reader.assert_well()


def explained(reader) -> list[str]:
    """The words that a page's list explains, once it is written."""
    reader.page.wait_for_selector(".pp-words dt", state="attached")
    reader.page.wait_for_timeout(500)
    return reader.page.locator(".pp-words dt").all_text_contents()


def assert_every_word_is_explained(reader) -> None:
    """Each word of the glossary that a page uses is explained on it."""
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
