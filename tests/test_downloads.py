"""Every table as a CSV file that a spreadsheet can open safely, every figure as an HTML file."""

import csv
import io

import pandas as pd
import plotly.graph_objects as go
import pytest

from pages.ui import layout
from pages.ui.navigation import PAGES
from pooling.charts.theme import to_html
from pooling.tables import to_csv
from tests.test_pages import open_page


def cells(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", '=HYPERLINK("x","y")'])
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text):
    assert cells(to_csv(pd.DataFrame({"text": [text]}))) == [["text"], [f"'{text}"]]
    assert cells(to_csv(pd.DataFrame({text: [1]})))[0] == [f"'{text}"]


@pytest.mark.parametrize("text", ["plain", "a=b", "'=1", "3-2", "−1", "", '猫, "مرحبا"\nthe next line'])
def test_harmless_text_comes_back_as_it_was(text):
    assert cells(to_csv(pd.DataFrame({"text": [text], "n": [1]})))[1] == [text, "1"]


def test_numbers_stay_numbers_in_full_precision():
    table = pd.DataFrame({"n": [-1, 2], "x": [-0.1234567890123, float("nan")], "mixed": ["-1", -1], 7: [True, None]})
    assert cells(to_csv(table)) == [
        ["n", "x", "mixed", "7"],
        ["-1", "-0.1234567890123", "'-1", "True"],
        ["2", "", "-1", ""],
    ]


def test_an_empty_table_is_a_header():
    assert cells(to_csv(pd.DataFrame({"a": [], "b": []}))) == [["a", "b"]]


def test_the_file_of_figures_needs_no_network_and_shows_text_as_text():
    figure = go.Figure().add_bar(y=[1, 2], text=["</script><script>alert(1)</script>", "b"])
    page = to_html([figure, figure], "Notice <b>this</b>", dark=True)
    assert page.count('class="plotly-graph-div"') == 2
    assert "<script src=" not in page
    assert "<script>alert(1)" not in page
    assert "Notice &lt;b&gt;this&lt;/b&gt;" in page
    assert "#0F141A" in page
    assert figure.layout.paper_bgcolor is None


@pytest.mark.parametrize(
    ("file", "state"),
    [
        *((page.file, {}) for page in PAGES),
        ("pages/evaluation.py", {"data": "topics"}),
        ("pages/projection.py", {"map-axes": "3", "map-search": "music", "text": ""}),
    ],
)
def test_every_figure_and_every_table_of_a_page_can_be_downloaded(file, state, few_texts, monkeypatch):
    drawn, offered, tables, folded = [], [], [], []

    def watch(name, note):
        shown = getattr(layout, name)
        monkeypatch.setattr(layout, name, lambda *args, **kwargs: (note(*args, **kwargs), shown(*args, **kwargs))[1])

    watch("chart", lambda figure, **_: drawn.append(figure))
    watch("choice_of_points", lambda figure, **_: drawn.append(figure))
    watch("table", lambda frame, *, key, figure=(), **_: tables.append((key, figure)))
    watch("noticed", lambda text, frame=None, *, key="", **_: folded.append(f"table-{key}") if frame is not None else 0)
    page = open_page(file, **state)
    assert not page.exception
    for key in folded:
        page.session_state[key] = True
    drawn.clear(), tables.clear()
    page.run()
    assert not page.exception
    assert {f"table-{key}" for key, _ in tables} >= set(folded)
    assert len(drawn) == len(page.get("plotly_chart"))
    assert len(tables) == len(page.dataframe)
    for _, figure in tables:
        offered += figure if isinstance(figure, (list, tuple)) else [figure]
    assert [figure.layout.title.text for figure in drawn if not any(figure is one for one in offered)] == []
    buttons = {button.key for button in page.get("download_button")}
    assert {f"csv-{key}" for key, _ in tables} <= buttons
    assert {f"html-{key}" for key, figure in tables if figure != ()} <= buttons


def test_a_reader_downloads_a_table_and_its_picture(server, reader, chromium, tmp_path):
    reader.open(server + "/similarity?text=%3D1%2B1%20is%20two.%0AA%20cat%20sleeps.%0A%40home%20with%20a%20kitten.")
    page = reader.page
    with page.expect_download() as download:
        page.locator(".st-key-csv-neighbours button").click()
    assert download.value.suggested_filename == "pooling-neighbours.csv"
    download.value.save_as(tmp_path / "table.csv")
    rows = cells((tmp_path / "table.csv").read_bytes())
    assert rows[0] == ["sentence", "score", "text"]
    assert sorted(row[2] for row in rows[1:]) == ["'@home with a kitten.", "A cat sleeps."]
    assert -1 <= float(rows[1][1]) <= 1

    page.locator(".st-key-table-similarity button").click()
    with page.expect_download() as download:
        page.locator(".st-key-html-similarity button").click()
    download.value.save_as(tmp_path / "picture.html")
    alone = chromium.new_page()
    alone.route("http*://**", lambda route: pytest.fail(f"the file asked for {route.request.url}"))
    alone.goto((tmp_path / "picture.html").as_uri())
    alone.wait_for_selector(".js-plotly-plot .heatmaplayer image", state="attached")
    assert "1 =1+1 is two." in alone.text_content(".yaxislayer-above")
    assert "are nearest" in alone.inner_text("body > p")
    alone.close()


def test_the_playground_offers_its_tables_and_pictures(server, reader):
    reader.open(server)
    for key, files in {
        "tokens": ["csv"],
        "strategies": ["csv", "html"],
    }.items():
        reader.page.locator(f".st-key-table-{key} button").first.click()
        for kind in files:
            with reader.page.expect_download() as download:
                reader.page.locator(f".st-key-{kind}-{key} button").click()
            assert download.value.suggested_filename == f"pooling-{key}.{kind}"
        reader.page.keyboard.press("Escape")
