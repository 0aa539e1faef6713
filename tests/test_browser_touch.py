"""Pages under a finger, on a phone, and under a mouse that drags."""

import pytest

from pages.ui.navigation import PAGES

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
def test_a_swipe_over_a_chart_moves_the_page_and_leaves_the_chart_alone(server, phone, page):
    phone.open(address(server, page))
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


@pytest.mark.parametrize("page", WITH_CHARTS)
def test_a_mouse_that_drags_over_a_chart_changes_nothing_in_it(server, reader, page):
    reader.open(address(server, page))
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
        reader.page.mouse.dblclick(across, down)
        assert chart.evaluate(RANGES) == before
    assert reader.page.get_by_text("zoom back out").count() == 0


def test_a_list_tapped_straight_after_typing_stays_open_and_takes_the_choice(server, phone):
    phone.open(server)
    phone.page.tap("[data-testid=stExpandSidebarButton]")
    phone.page.wait_for_timeout(500)
    box = phone.page.locator(".st-key-strategy [role=combobox]")
    for text, strategy in (("my dog barks", "Max"), ("rain falls\nsnow melts", "Last token"), ("ships sail", "CLS")):
        phone.page.fill(".st-key-text textarea", text)
        box.scroll_into_view_if_needed()
        phone.page.wait_for_timeout(300)
        place = box.bounding_box()
        phone.page.touchscreen.tap(place["x"] + 60, place["y"] + 15)
        phone.wait()
        assert phone.page.locator("[role=listbox]").is_visible(), text
        phone.page.get_by_role("option", name=strategy, exact=True).tap()
        phone.wait()
        assert box.input_value() == strategy
        assert f"{strategy} pooling" in phone.main()
        assert phone.page.locator(".st-key-sentence input").input_value() == f"1 · {text.splitlines()[0]}"
