"""A picture is one object, and one call draws all of it."""

import ast
from functools import wraps

import pandas as pd
from streamlit.testing.v1 import AppTest

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
