"""What all pictures share: colours that can be read."""

import itertools

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from plotly.colors import sample_colorscale

from pooling import all_strategies, registry
from pooling.charts.padding_lab import padding_curves
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


def test_lines_that_lie_on_one_another_are_both_seen():
    rows = [(amount, name, name, 1.0) for name in ("mean", "mean_sqrt_len") for amount in (0, 1)]
    made = padding_curves(pd.DataFrame(rows, columns=["padding", "name", "label", "cosine"]), 1)
    mean, by_root = made.data
    assert (mean.line.dash, by_root.line.dash) == ("solid", "dot")
    assert mean.zorder < by_root.zorder
    assert mean.marker.symbol != by_root.marker.symbol
    assert mean.line.color != by_root.line.color
