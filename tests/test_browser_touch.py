"""Pages under a finger, on a phone, and under a mouse that drags."""

import pytest

from pages.ui.navigation import PAGES
from tests.test_browser_playground import WIDER_THAN_THE_SCREEN

CHARTS = ".js-plotly-plot"
RANGES = """e => Object.entries(e._fullLayout).filter(([name]) => /^[xy]axis[0-9]*$/.test(name))
  .map(([name, axis]) => [name, ...axis.range])"""
WITH_CHARTS = [page.file.removeprefix("pages/").removesuffix(".py") for page in PAGES if page.title != "Learn"]


def address(server: str, page: str) -> str:
    return f"{server}/{'' if page == 'playground' else page}"


def swipe(reader, x: float, y: float, up: float) -> float:
    """A finger put down and moved up; how far the page has moved."""
    top = "document.querySelector('[data-testid=stMain]').scrollTop"
    before, session = reader.page.evaluate(top), reader.page.context.new_cdp_session(reader.page)

    def touch(kind: str, *points: dict) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", {"x": x, "y": y})
    for step in range(1, 11):
        reader.page.wait_for_timeout(16)  # a frame
        touch("touchMove", {"x": x, "y": y - up * step / 10})
    touch("touchEnd")
    reader.page.wait_for_timeout(300)
    return reader.page.evaluate(top) - before


def is_map(chart) -> bool:
    return chart.evaluate("e => e._fullLayout.dragmode") is not False


@pytest.mark.parametrize("page", WITH_CHARTS)
def test_a_page_fits_a_phone_and_a_swipe_over_a_chart_moves_it_and_leaves_the_chart_alone(server, phone, page):
    phone.open(address(server, page) + "?set=languages&sentence=8&strategy=attention")
    phone.page.wait_for_selector(CHARTS, state="attached", timeout=90_000)
    phone.wait()
    # a slider's input is invisible, for the keyboard alone, and may reach further than the slider
    assert phone.page.evaluate(WIDER_THAN_THE_SCREEN.replace("svg,", "svg, input[type=range],")) == []
    assert phone.page.evaluate("document.documentElement.scrollWidth") == 390
    charts = [phone.page.locator(CHARTS).nth(i) for i in range(phone.page.locator(CHARTS).count())]
    held = [is_map(chart) for chart in charts]
    assert sum(held) == (page == "projection")
    for chart in [chart for chart, one in zip(charts, held, strict=True) if not one]:
        chart.evaluate("e => e.scrollIntoView({block: 'center'})")
        phone.page.wait_for_timeout(200)
        box, before = chart.bounding_box(), chart.evaluate(RANGES)
        moved = swipe(phone, box["x"] + box["width"] / 2, max(250, min(box["y"] + box["height"] / 2, 600)), 100)
        assert moved > 60
        assert chart.evaluate(RANGES) == before


def assert_no_drag_changes_a_chart(reader) -> None:
    """A mouse that drags over a chart changes nothing in it."""
    reader.page.wait_for_load_state("networkidle")  # the browser fetches plotly when it is first shown
    for i in range(reader.page.locator(CHARTS).count()):
        chart = reader.page.locator(CHARTS).nth(i)
        if is_map(chart):
            continue
        chart.evaluate("e => e.scrollIntoView({block: 'center'})")
        reader.page.wait_for_timeout(200)
        box, before = chart.bounding_box(), chart.evaluate(RANGES)
        across, down = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        reader.page.mouse.move(across, down)
        reader.page.mouse.down()
        reader.page.mouse.move(across + 60, down + 40, steps=5)
        reader.page.mouse.up()
        if chart.locator("xpath=ancestor::*[contains(@class, 'st-key-press-')]").count() == 0:  # there it is a press
            reader.page.mouse.dblclick(across, down)
        assert chart.evaluate(RANGES) == before
    assert reader.page.get_by_text("zoom back out").count() == 0


def test_a_list_tapped_straight_after_typing_stays_open_and_takes_the_choice(server, phone):
    phone.open(server)
    box = phone.page.locator(".st-key-sentence [role=combobox]")
    for text in ("a dog runs\na cat sleeps", "rain falls\nsnow is white\nice cracks", "ships sail\ntrains stop"):
        phone.page.fill(".st-key-text textarea", text)
        box.scroll_into_view_if_needed()
        phone.page.wait_for_timeout(300)
        tap(phone, box)
        phone.wait()
        assert phone.page.locator("[role=listbox]").is_visible(), text
        sentence = f"2 · {text.splitlines()[1]}"
        phone.page.get_by_role("option", name=sentence, exact=True).tap()
        phone.wait()
        assert phone.page.locator("[role=listbox]").count() == 0
        assert box.input_value() == sentence
        assert sentence.split()[-1] in phone.page.inner_text(".living .tokens")


def tap(reader, locator) -> None:
    """A finger on the middle of what is in sight."""
    box = locator.bounding_box()
    reader.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def in_sight(reader, locator) -> bool:
    """Whether all of it is on the screen, below the header."""
    box = locator.bounding_box()
    return box["y"] >= 60 and box["y"] + box["height"] <= reader.page.viewport_size["height"]


def test_two_taps_show_own_words_under_another_strategy_with_the_picture_in_sight(server, phone):
    phone.open(server)
    box, strip = phone.page.locator(".st-key-text textarea"), phone.page.locator(".living .tokens")
    mine = phone.page.get_by_role("radio", name="Max", exact=True)
    assert all(in_sight(phone, one) for one in (box, mine, strip))
    tap(phone, box)
    phone.page.keyboard.type("my dog barks")
    tap(phone, mine)
    phone.wait()
    assert box.input_value() == "my dog barks"
    assert phone.chosen("strategy") == "Max"
    assert "bark" in strip.inner_text()
    assert "Max pooling" in phone.main()
    assert in_sight(phone, strip)
    assert phone.page.get_by_test_id("stExpandSidebarButton").is_visible(), "the sidebar was never opened"
    # what one has written is not taken away by the next press
    tap(phone, box)
    phone.page.keyboard.press("End")
    phone.page.keyboard.type(" loudly")
    tap(phone, phone.page.get_by_role("radio", name="CLS", exact=True))
    phone.wait()
    assert box.input_value() == "my dog barks loudly"
    assert "CLS pooling" in phone.main()


@pytest.mark.parametrize(("page", "picture"), [("playground", "living"), ("similarity", "noticed-multiples")])
def test_the_strategies_stay_in_sight_beside_a_picture_further_down(server, phone, page, picture):
    phone.open(address(server, page))
    buttons = phone.page.locator(".st-key-strategy, .living .strategies")
    phone.page.locator(f".st-key-{picture}").evaluate("e => e.scrollIntoView({block: 'end'})")
    phone.page.wait_for_timeout(300)
    assert in_sight(phone, buttons)
    tap(phone, phone.page.get_by_role("radio", name="Max", exact=True))
    phone.wait()
    assert phone.chosen("strategy") == "Max"
    assert in_sight(phone, buttons)
    assert "strategy=max" in phone.page.url
