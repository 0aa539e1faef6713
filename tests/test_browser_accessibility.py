"""Every page for everybody: axe-core's rules in both themes, a table for every chart, the keyboard alone."""

import re

from axe_playwright_python.sync_playwright import Axe

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


DARK = """getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor
    .match(/\\d+/g).slice(0, 3).every(part => part < 60)"""
"""Whether the page is dark."""

HEIGHT = "document.querySelector('[data-testid=stMain]').scrollHeight + 200"
"""Of the whole page."""


def test_no_page_keeps_anybody_out(server, reader):
    found, charts = {}, 0
    reader.open(server)
    for page in PAGES:
        reader.page.set_viewport_size({"width": 1440, "height": 900})
        reader.page.emulate_media(color_scheme="light")
        reader.go(page.title)
        reader.page.wait_for_load_state("networkidle")  # the browser fetches its parts when they are first shown
        assert_the_keyboard_reaches_everything(reader, page.title)
        reader.page.set_viewport_size({"width": 1440, "height": reader.page.evaluate(HEIGHT)})  # axe sees no further
        reader.wait()
        assert not reader.page.evaluate(DARK)
        found |= serious_findings(reader, f"{page.title}, light")
        charts += assert_every_chart_has_words_and_a_table(reader, page.title)
        reader.page.emulate_media(color_scheme="dark")
        reader.page.wait_for_function(DARK)
        reader.wait()
        found |= serious_findings(reader, f"{page.title}, dark", ["color-contrast"])  # nothing else has changed
    assert found == {}
    assert charts > 20


def serious_findings(reader, where: str, rules: list[str] | None = None) -> dict[tuple[str, str, str], list[str]]:
    """Where axe-core says that a page keeps somebody out, by all or some rules: page, rule and HTML to the place."""
    response = Axe().run(reader.page, options={"runOnly": rules} if rules else None).response
    assert len(response["passes"]) >= (len(rules) if rules else 20), f"axe-core has not looked at {where}"
    return {
        (where, rule["id"], node["html"][:200]): node["target"]
        for rule in response["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    }


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
    reader.page.evaluate("document.body.tabIndex = -1, document.body.focus()")  # and not from the link that led here
    wanted, reached = set(reader.page.evaluate(WIDGETS)), set()
    assert len(wanted) > 5, title
    for _ in range(200):
        reader.page.keyboard.press("Tab")
        if (keys := reader.page.evaluate(REACHED)) is None:
            break
        reached.update(keys)
    assert wanted <= reached, f"{title}: the keyboard does not reach {wanted - reached}"
