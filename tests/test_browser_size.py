"""The Size page, as a person sees it: a point, a dot and a row choose what is shown, and Back takes it back."""

from tests.test_browser_playground import WIDER_THAN_THE_SCREEN

SHOWN = ".st-key-press-size-score .js-plotly-plot"


def press(reader, label: str, chart: str = SHOWN) -> None:
    """Press the point of that way of storing, by mouse or by finger."""
    x, y = reader.page.evaluate(
        """([chart, label]) => {
          const plot = document.querySelector(chart), { xaxis, yaxis } = plot._fullLayout
          const trace = plot.data.find((one) => one.text?.includes(label)), at = trace.text.indexOf(label)
          plot.scrollIntoView({ block: "center" })
          const now = plot.querySelector(".nsewdrag").getBoundingClientRect()
          return [now.left + xaxis.d2p(trace.x[at]), now.top + yaxis.d2p(trace.y[at])]
        }""",
        [chart, label],
    )
    touches = reader.page.evaluate("navigator.maxTouchPoints") > 0
    (reader.page.touchscreen.tap if touches else reader.page.mouse.click)(x, y)
    reader.wait()


def test_a_point_and_a_row_choose_what_is_said_drawn_and_coded_and_back_takes_it_back(server, reader):
    reader.open(server + "/size?shortened=first")
    reader.page.wait_for_selector(f"{SHOWN} .point", state="attached", timeout=240_000)
    reader.wait()
    before = reader.main()
    assert "bytes a text in place of 1,536" in before
    press(reader, "First 32, binary")
    assert "stored=first-32-binary" in reader.page.url
    assert "First 32, binary: 4 bytes a text in place of 1,536, 384 times less" in reader.main()
    assert "First 32, binary, as code" in reader.main()
    press(reader, "All 384, binary", ".st-key-press-size-kept .js-plotly-plot")
    assert "All 384, binary: 48 bytes a text" in reader.main()
    reader.page.click(".st-key-stored [role=combobox]")
    reader.page.keyboard.type("All 384, int8")  # of so long a list only a part is drawn
    reader.page.get_by_role("option", name="All 384, int8 · 384 bytes", exact=True).click()
    reader.wait()
    assert "All 384, int8: 384 bytes a text" in reader.main()
    reader.page.get_by_role("tab", name="faiss").click()
    assert "faiss.ScalarQuantizer.QT_8bit" in reader.page.locator("[data-testid=stTabs] pre:visible").inner_text()
    reader.page.locator("[data-testid=stDataFrame]").first.click(position={"x": 16, "y": 52})
    reader.wait()
    assert "stored=pca-16-binary" in reader.page.url
    assert "PCA 16, binary: 2 bytes a text" in reader.main()
    back = (("all-384-int8", "All 384, int8: 384"), ("all-384-binary", "All 384, binary: 48"))
    for name, said in (*back, ("first-32-binary", "First 32, binary: 4")):
        reader.page.wait_for_timeout(700)  # an address that was written just now is no step back
        reader.page.go_back()
        reader.page.wait_for_url(f"**stored={name}**")
        reader.wait()
        assert said in reader.main()
    reader.page.wait_for_timeout(700)
    reader.page.go_back()
    reader.page.wait_for_url("**/size?shortened=first")
    reader.wait()
    assert before.partition("as code")[0] in reader.main()


def test_on_a_phone_a_finger_chooses_and_nothing_is_wider_than_the_screen(server, phone):
    phone.open(server + "/size?shortened=first")
    phone.page.wait_for_selector(f"{SHOWN} .point", state="attached", timeout=240_000)
    phone.wait()
    press(phone, "First 32, binary")
    assert "First 32, binary: 4 bytes a text" in phone.main()
    assert phone.page.evaluate(WIDER_THAN_THE_SCREEN) == []
