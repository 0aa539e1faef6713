"""A picture is one object, and one call draws all of it."""

import ast
from functools import wraps

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from pages.ui.navigation import PAGES
from pooling.charts.playground import vectors_heatmap
from tests.conftest import ROOT
from tests.test_pages import open_page


def test_a_figure_is_told_that_the_page_is_dark_where_it_asks_and_is_drawn_once():
    from pooling.charts.theme import figure
    from pooling.pictures import Line, Panel, Picture

    drawn = []

    def plain():
        drawn.append("plain")
        return figure(100)

    def inked(*, dark):
        drawn.append(f"inked {dark}")
        return figure(100)

    rows = pd.DataFrame({"n": [1]})
    picture = Picture((Line((Panel(plain), Panel(inked)), (2, 1)), Line((Panel(plain),))), rows, "Look.")
    first = picture.figures(dark=True)
    assert drawn == ["plain", "inked True", "plain"]
    assert all(one is again for one, again in zip(first, picture.figures(dark=True), strict=True))
    assert len(drawn) == 3
    assert picture.figures(dark=False)[1] is not first[1]
    assert drawn[3:] == ["plain", "inked False", "plain"]


def two_figures_beside_a_table():
    from functools import partial

    import pandas as pd
    import streamlit as st

    from pages.ui import layout
    from pooling.charts.theme import figure
    from pooling.pictures import Line, Panel, Picture

    def draw(title):
        return figure(100, title=title)

    panels = (
        Panel(partial(draw, "one"), title="**First**"),
        Panel(partial(draw, "two"), key="other", alt="The other. Look <here>."),
    )
    rows = pd.DataFrame({"n": [1, 2]})
    picture = Picture((Line(panels, (2, 1, 1)),), rows, "Look <here>.", captions=("A word.", "And another."))
    layout.picture(picture, key="both", beside=lambda: st.markdown("beside"))


def test_one_call_draws_figures_captions_the_sentence_and_offers_table_and_downloads():
    app = AppTest.from_function(two_figures_beside_a_table, default_timeout=300)
    app.session_state["table-both"] = True
    app.run()
    assert not app.exception
    columns = app.main.columns
    assert [[part.type for part in column][1:] for column in columns] == [
        ["markdown", "plotly_chart"],
        ["plotly_chart"],
        ["markdown"],
    ]
    assert (columns[0].markdown[0].value, columns[2].markdown[0].value) == ("**First**", "beside")
    charts = [part.proto for part in app.get("plotly_chart")]
    assert [one.alt for one in charts] == ["Look <here>.", "The other. Look <here>."]
    assert ["both" in charts[0].id, "other" in charts[1].id] == [True, True]
    assert [caption.value for caption in app.caption] == ["A word.", "And another."]
    assert "Look &lt;here&gt;." in app.get("html")[0].proto.body
    assert app.dataframe[0].value["n"].tolist() == [1, 2]
    assert app.dataframe[0].proto.alt == "The numbers of: Look <here>."
    assert [button.key for button in app.get("download_button")] == ["csv-both", "html-both"]


def one_with_nothing_to_notice():
    import pandas as pd

    from pages.ui import layout
    from pooling.charts.theme import figure
    from pooling.pictures import Picture

    layout.picture(Picture(lambda: figure(100), pd.DataFrame({"n": [1]}), "", alt="One is drawn."), key="one")


def test_where_nothing_stands_out_nothing_is_said_but_to_those_who_cannot_see():
    app = AppTest.from_function(one_with_nothing_to_notice, default_timeout=300).run()
    assert not app.exception
    assert len(app.get("html")) == 0
    assert app.get("plotly_chart")[0].proto.alt == "One is drawn."
    app.session_state["table-one"] = True
    assert app.run().dataframe[0].proto.alt == "The numbers of: One is drawn."


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.title)
def test_what_to_notice_is_never_squeezed_into_a_column(page, few_texts):
    shown = open_page(page.file)
    beside = [part.proto.body for column in shown.main.columns for part in column.get("html")]
    assert page.title == "Learn" or any("What to notice" in part.proto.body for part in shown.get("html"))
    assert not [text for text in beside if "What to notice" in text]


def test_no_page_draws_a_figure_by_itself():
    for file in [*ROOT.glob("pages/*.py"), *ROOT.glob("pages/ui/**/*.py")]:
        calls = [node.func for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)]
        names = {func.attr for func in calls if isinstance(func, ast.Attribute)}
        assert file.name == "layout.py" or not names & {"plotly_chart", "chart"}, file


def test_the_playgrounds_pictures_are_drawn_once_for_everybody(monkeypatch):
    drawn = []

    @wraps(vectors_heatmap)
    def watched(*args, **kwargs):
        drawn.append(kwargs["dark"])
        return vectors_heatmap(*args, **kwargs)

    monkeypatch.setattr("pooling.charts.playground.vectors_heatmap", watched)
    for _ in range(2):
        shown = open_page("pages/playground.py", text="A sentence that nobody has drawn yet.")
        assert not shown.exception
        assert len(shown.get("plotly_chart")) == 2
    assert drawn == [False]
