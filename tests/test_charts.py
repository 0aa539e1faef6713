"""What all pictures share: colours that can be read."""

import plotly.graph_objects as go
import pytest
from plotly.colors import sample_colorscale

from pooling.charts.theme import HIDDEN, IN_CELLS, INK, figure, legible, weight_cells, weight_colours


def contrast(one: str, other: str) -> float:
    """WCAG's contrast of two colours, #rrggbb."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_as_defined():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("dark", [False, True])
def test_numbers_can_be_read_in_every_cell_of_hidden_states(dark):
    for rgb in sample_colorscale(HIDDEN[dark], [i / 200 for i in range(201)], colortype="tuple"):
        assert contrast("#" + "".join(f"{round(255 * c):02x}" for c in rgb), IN_CELLS[dark]) > 4.5


def test_a_token_can_be_read_at_every_weight():
    for i in range(201):
        assert contrast(*weight_colours(i / 200)) > 4.5


def test_text_beside_pictures_can_be_read_on_the_page():
    assert contrast(INK[False], "#FFFFFF") > 7
    assert contrast(INK[True], "#0F141A") > 7


def test_each_number_on_weights_is_written_once_black_on_bright_and_white_on_dark():
    cells = {"z": [[0.0, 100.0], [float("nan"), 20.0]], "text": [["0", "100"], ["", "20"]], "zmin": 0, "zmax": 100}
    black, white = weight_cells(cells)
    assert (black.textfont.color, white.textfont.color) == ("#000000", "#FFFFFF")
    assert black.text.tolist() == [["", "100"], ["", ""]]
    assert white.text.tolist() == [["0", ""], ["", "20"]]
    assert weight_cells(cells | {"reversescale": True})[0].text.tolist() == [["0", ""], ["", "20"]]


@pytest.mark.parametrize("dark", [False, True])
def test_a_figure_has_the_ink_of_the_page_and_fixed_axes_and_nothing_else_changes(dark):
    made = figure(100, xaxis={"title": {"text": "x"}, "tickfont": {"family": "monospace"}}, yaxis2={"side": "right"})
    made.add_heatmap(z=[[1, 2]], colorbar={"thickness": 10})
    before = made.to_dict()
    spec = legible(legible(made, dark=dark), dark=dark).to_dict()
    ink = {"color": INK[dark]}
    assert spec["layout"]["font"] == ink
    assert spec["layout"]["xaxis"] == {
        "title": {"text": "x", "font": ink},
        "tickfont": {"family": "monospace", **ink},
        "fixedrange": True,
    }
    for axis in ("yaxis", "yaxis2"):
        assert (spec["layout"][axis]["tickfont"], spec["layout"][axis]["title"]["font"]) == (ink, ink)
    assert spec["data"][0]["colorbar"] == {"thickness": 10, "tickfont": ink, "title": {"font": ink}}
    assert {k: v for k, v in spec["data"][0].items() if k != "colorbar"} == {
        k: v for k, v in before["data"][0].items() if k != "colorbar"
    }
    assert go.Figure(spec).to_dict() == spec  # plotly finds nothing wrong with it
    assert made.to_dict() is spec


def test_only_a_figure_that_says_what_a_drag_does_can_be_dragged():
    map_, other = figure(100, dragmode="pan", xaxis={}), figure(100, xaxis={})
    assert legible(other, dark=False).to_dict()["layout"]["dragmode"] is False
    layout = legible(map_, dark=False).to_dict()["layout"]
    assert (layout["dragmode"], layout["xaxis"]["fixedrange"]) == ("pan", False)
