"""Every page for everybody: axe-core's rules in both themes, a table for every chart, the keyboard alone."""

import re

import pytest

from pages.ui.navigation import PAGES

IN_ORDER = """() => [...document.querySelectorAll(
    '[data-testid=stMain] :is(h2, h3, [data-testid=stPlotlyChart], [class*=st-key-table-], [data-testid=stDataFrame])'
)].filter(e => !e.closest('[class*=st-key-table-]') || e.matches('[class*=st-key-table-]')).map(e => ({
    what: e.matches('h2, h3') ? 'heading' : e.matches('[data-testid=stPlotlyChart]') ? 'chart' : 'table',
    says: e.getAttribute('aria-label') || e.querySelector('[aria-label]')?.getAttribute('aria-label') || e.innerText,
}))"""
"""The headings, charts and tables of a page from top to bottom."""

WIDGETS = """() => [...document.querySelectorAll('[class*=st-key-]')]
    .filter(e => e.checkVisibility() && e.querySelector('button:not([disabled]), input:not([disabled]), textarea'))
    .map(e => e.className.match(/st-key-[^ ]+/)[0])"""
"""The keys of what can be used on a page."""

REACHED = """() => {
    const keys = [], here = document.activeElement
    for (let e = here; e; e = e.parentElement) keys.push(...(e.className.match?.(/st-key-[^ ]+/) || []))
    return here === document.body ? null : keys
}"""
"""The keys around what the keyboard is on; nothing at the end of the page."""


@pytest.fixture(params=["light", "dark"])
def themed(request, chromium):
    """A person whose system is light, or dark."""
    from tests.conftest import Reader

    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme=request.param)
    made = Reader(context.new_page())
    yield made
    made.assert_well()
    context.close()


def test_no_page_keeps_anybody_out(server, themed):
    from axe_playwright_python.sync_playwright import Axe

    axe, found, charts = Axe(), {}, 0
    for page in PAGES:
        themed.open(f"{server}/{'' if page is PAGES[0] else page.file.rpartition('/')[2].removesuffix('.py')}")
        themed.page.wait_for_load_state("networkidle")  # the browser fetches its parts when they are first shown
        response = axe.run(themed.page).response
        assert len(response["passes"]) > 20, f"axe-core has not looked at {page.title}"
        for rule in response["violations"]:
            if rule["impact"] in ("serious", "critical"):
                for node in rule["nodes"]:
                    found[page.title, rule["id"], node["html"][:200]] = node["target"]
        charts += assert_every_chart_has_words_and_a_table(themed, page.title)
        assert_the_keyboard_reaches_everything(themed, page.title)
    assert found == {}
    assert charts > 20


def assert_every_chart_has_words_and_a_table(reader, title: str) -> int:
    """How many charts: each says its takeaway, with a number in it, and a table stands before the next heading."""
    waiting, charts = [], 0
    for part in [*reader.page.evaluate(IN_ORDER), {"what": "heading", "says": ""}]:
        if part["what"] == "chart":
            assert re.search(r"\d", part["says"]), f"{title}: a chart says only {part['says']!r}"
            assert len(part["says"].split()) > 5, f"{title}: a chart says only {part['says']!r}"
            waiting.append(part["says"])
            charts += 1
        elif part["what"] == "table":
            waiting = []
        else:
            assert not waiting, f"{title}: no table after {waiting}"
    return charts


def assert_the_keyboard_reaches_everything(reader, title: str) -> None:
    """Tab after Tab, from the top of the page to its end, passes every widget."""
    wanted, reached = set(reader.page.evaluate(WIDGETS)), set()
    assert len(wanted) > 5, title
    for _ in range(200):
        reader.page.keyboard.press("Tab")
        if (keys := reader.page.evaluate(REACHED)) is None:
            break
        reached.update(keys)
    assert wanted <= reached, f"{title}: the keyboard does not reach {wanted - reached}"
