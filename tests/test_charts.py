"""What all pictures share: colours that can be read."""

import itertools

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from plotly.colors import sample_colorscale

from pooling import all_strategies, registry
from pooling.charts.chips import STYLE
from pooling.charts.padding_lab import padding_curves
from pooling.charts.playground import dimension_axis
from pooling.charts.similarity import agreement_heatmap
from pooling.charts.theme import (
    HIDDEN,
    IN_CELLS,
    INK,
    LOOKS,
    OKABE_ITO,
    figure,
    legible,
    strategy_look,
    weight_cells,
    weight_colours,
)
from pooling.notices.padding_lab import about_together
from pooling.tables.padding_lab import curves_together


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


SEEN_BY = {
    "trichromats": np.eye(3),
    # Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB.
    "protanopes": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopes": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopes": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def in_oklab(colour: str, seen) -> np.ndarray:
    """A colour as it is seen, in the space where distances are differences (Ottosson, 2020)."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    rgb = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    lab = [
        [0.2104542553, 0.793617785, -0.0040720468],
        [1.9779984951, -2.428592205, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.808675766],
    ]
    return np.array(lab) @ np.cbrt(np.array(lms) @ np.clip(np.array(seen) @ rgb, 0, 1))


@pytest.mark.parametrize("people", SEEN_BY)
def test_looks_differ_in_colour_or_else_in_marker_and_line_whoever_looks(people):
    assert len({look.symbol for look in LOOKS}) == len(LOOKS)
    for one, other in itertools.combinations(LOOKS, 2):
        apart = np.linalg.norm(in_oklab(one.colour, SEEN_BY[people]) - in_oklab(other.colour, SEEN_BY[people]))
        assert apart > 0.11 or one.dash != other.dash, (one, other, apart)


def test_the_looks_beyond_okabe_and_itos_stand_out_from_the_page_in_both_themes():
    for look in LOOKS[len(OKABE_ITO) :]:
        assert contrast(look.colour, "#FFFFFF") > 2
        assert contrast(look.colour, "#0F141A") > 2


def test_every_strategy_keeps_its_look_whoever_comes(monkeypatch):
    before = {s.name: strategy_look(s.name) for s in all_strategies()}
    assert all(s.colour is not None for s in all_strategies())
    assert len(set(before.values())) == len(before)
    assert (before["cls"].colour, before["mean"].colour, before["max"].colour) == ("#999999", "#E69F00", "#56B4E9")
    words = {"label": "x", "formula": "x", "source": "x", "when": "x", "watch_out": "x", "torch": "x"}
    monkeypatch.setattr(registry, "_STRATEGIES", dict(registry._STRATEGIES))

    def add(name: str, **place: int):
        def pool(states):
            """Mine."""

        pool.__module__ = f"pooling.strategies.{name}"
        return registry.strategy(**words, **place)(pool)

    add("first_of_mine", order=1)
    add("last_of_mine", order=999)
    after = {s.name: strategy_look(s.name) for s in all_strategies()}
    assert {name: after[name] for name in before} == before
    assert len(set(after.values())) == len(after) == len(before) + 2
    with pytest.raises(ValueError, match="asks for the colour 1, which 'mean' has"):
        add("another", order=2, colour=1)
    for i in range(20):  # more than there are looks
        add(f"one_more_{i}", order=100 + i)
        assert strategy_look(f"one_more_{i}") in LOOKS


def curves(**cosines: list[float]) -> pd.DataFrame:
    rows = [(amount, name, name.title(), one) for name, many in cosines.items() for amount, one in enumerate(many)]
    return pd.DataFrame(rows, columns=["padding", "name", "label", "cosine"])


def test_curves_that_lie_on_each_other_share_a_line_and_stand_side_by_side_and_are_named():
    table = curves(mean=[1, 0.9], max=[1, 0.5], mean_sqrt_len=[1, 0.905], cls=[1, 0.892])
    assert curves_together(table) == [["mean", "mean_sqrt_len", "cls"], ["max"]]
    line, mean, by_root, cls, alone = padding_curves(table, 1).data
    assert (line.mode, list(line.x), list(line.y)) == ("lines", [0, 1], [1, 0.9])
    assert [one.mode for one in (mean, by_root, cls, alone)] == ["markers"] * 3 + ["lines+markers"]
    assert mean.x[1] < by_root.x[1] == 1 < cls.x[1]
    assert list(by_root.y) == [1, 0.905]  # where it is, not where there is room
    assert about_together(table).endswith(" Mean ≈ Mean_Sqrt_Len ≈ Cls.")
    assert about_together(curves(mean=[1, 0.9], max=[1, 0.5])) == ""
    many = curves(**{one.name: [1.0, 1.0] for one in all_strategies()})
    places = [x for one in padding_curves(many, 1).data[1:] for x in one.x]
    assert len(set(places)) == len(places)
    assert max(places[0::2]) < 0.5 < min(places[1::2])


def test_dimensions_in_a_row_are_marked_at_round_numbers_and_chosen_ones_by_their_names():
    assert dimension_axis(pd.Index(range(64, 96)))["tickvals"] == ["65", "70", "75", "80", "85", "90", "95"]
    assert dimension_axis(pd.Index(range(384)))["tickvals"] == [str(one) for one in range(0, 384, 50)]
    assert dimension_axis(pd.Index([0, 1, 2]))["tickvals"] == ["0", "1", "2"]
    named = dimension_axis(pd.Index([3, 41, 99]))
    assert "tickvals" not in named  # plotly writes as many as there is room for
    assert named["type"] == "category"


def test_agreement_has_two_digits_and_a_scale_that_begins_where_the_values_do():
    table = pd.DataFrame([[1, 0.973], [0.973, 1]], index=["A", "B"], columns=["A", "B"])
    made = agreement_heatmap(table)
    assert (made.data[0].zmin, made.data[0].zmax) == (90, 100)
    assert {text for cells in made.data for row in cells.text for text in row} == {"", "100", "97"}
    assert agreement_heatmap(table.replace(0.973, -0.18)).data[0].zmin == -20
    assert agreement_heatmap(table * np.nan).data[0].zmin == 0


def test_a_chips_dashes_lie_on_the_chip_whatever_is_beside_it():
    rule = next(line for line in STYLE.splitlines() if line.startswith(".pp-special .pp-chip"))
    assert "outline-offset:-4px" in rule
    assert "border" not in rule
