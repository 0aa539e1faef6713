"""The colours, and what every figure has in common."""

from collections.abc import Sequence
from functools import cache
from html import escape
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from pooling.registry import all_strategies

OKABE_ITO = ["#999999", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#0072B2", "#F0E442"]
"""The colour-blind-safe palette of Okabe and Ito, its black made grey to be seen in the dark."""


class Look(NamedTuple):
    """How a strategy is drawn, the same on every page: no two looks differ by colour alone."""

    colour: str
    symbol: str
    dash: str


LOOKS = (
    Look(OKABE_ITO[0], "circle", "dash"),
    Look(OKABE_ITO[1], "square", "solid"),
    Look(OKABE_ITO[2], "diamond", "dashdot"),
    Look(OKABE_ITO[3], "triangle-up", "longdash"),
    Look(OKABE_ITO[4], "x", "dashdot"),
    Look(OKABE_ITO[5], "star", "dot"),
    Look(OKABE_ITO[6], "cross", "longdashdot"),
    Look(OKABE_ITO[7], "triangle-down", "longdash"),
    # As far as can be from those above and from one another, as trichromats and dichromats see them.
    Look("#883322", "hexagon", "dash"),
    Look("#AA33FF", "pentagon", "dash"),
    Look("#005577", "triangle-left", "dot"),
    Look("#AABBAA", "triangle-right", "longdashdot"),
    Look("#776666", "bowtie", "longdashdot"),
    Look("#6622BB", "hourglass", "dashdot"),
    Look("#AA4400", "star-diamond", "dot"),
    Look("#8888FF", "hexagram", "dot"),
)

WEIGHTS = "Cividis"
HIDDEN = {
    # RdBu, blue for negative; in the dark, zero is as dark as the page. No end is so strong that the
    # numbers in the cells, black or white, would be hard to read: 4.5 to 1 or better all along
    False: [[0, "#3A87C0"], [0.25, "#92C5DE"], [0.5, "#F7F7F7"], [0.75, "#F4A582"], [1, "#D24F3F"]],
    True: [[0, "#2277C2"], [0.25, "#2B5F8F"], [0.5, "#171C22"], [0.75, "#9A4A33"], [1, "#CB4B2F"]],
}
INK = {False: "#17212B", True: "#E8EDF2"}
IN_CELLS = {False: "#000000", True: "#FFFFFF"}
BRIGHT = 0.179
"""The luminance from which black is easier to read than white."""
CONFIG = {"displayModeBar": False, "scrollZoom": False}


def strategy_look(name: str) -> Look:
    """A strategy's look: the one it has declared, or the first that nobody has."""
    declared = {s.name: s.colour for s in all_strategies()}
    chosen = declared[name]
    free = [i for i in range(len(LOOKS)) if i not in declared.values()] or list(range(len(LOOKS)))
    without = [one for one, place in declared.items() if place is None]
    place = free[without.index(name) % len(free)] if chosen is None else chosen
    return LOOKS[place % len(LOOKS)]


UNPOOLED = "#7A8794"
"""Of what is no strategy: no pooling."""


def strategy_colour(name: str) -> str:
    """One colour a strategy, the same on every page, and another for what is none."""
    return strategy_look(name).colour if any(one.name == name for one in all_strategies()) else UNPOOLED


def weight_colours(share: float) -> tuple[str, str]:
    """Background and readable text colour of a weight, `share` of the largest one shown."""
    rgb = _weight_scale()[round(255 * max(0.0, min(1.0, share)))]
    red, green, blue = (round(255 * c) for c in rgb)
    return f"#{red:02x}{green:02x}{blue:02x}", IN_CELLS[not _is_bright(rgb)]


def weight_cells(cells: dict[str, Any]) -> list[go.Heatmap]:
    """A heatmap with numbers in the colours of weights, as two: plotly writes all numbers of one in one colour.

    Args:
        cells: what makes the heatmap, with `z`, `text`, `zmin` and `zmax`; `reversescale` for bright lows.
    """
    z, text = np.asarray(cells["z"], dtype=float), np.asarray(cells["text"], dtype=object)
    share = np.clip((np.nan_to_num(z) - cells["zmin"]) / (cells["zmax"] - cells["zmin"]), 0, 1)
    share = 1 - share if cells.get("reversescale") else share
    bright = np.array(
        [[_is_bright(rgb) for rgb in sample_colorscale(WEIGHTS, row, colortype="tuple")] for row in share]
    )
    return [
        go.Heatmap(
            cells
            | {
                "z": np.where(mine, z, np.nan),
                "text": np.where(mine, text, ""),
                "textfont": {"color": ink},
                "colorscale": WEIGHTS,
                "hoverongaps": False,
                "showscale": cells.get("showscale", True) and first,
            }
        )
        for mine, ink, first in ((bright, "#000000", True), (~bright, "#FFFFFF", False))
    ]


class Figure(go.Figure):
    """A figure that can be finished: what is then drawn is neither checked by plotly nor copied again."""

    _finished: dict[str, Any] | None = None

    @property
    def finished(self) -> bool:
        """Whether it is not to be changed any more."""
        return self._finished is not None

    def finish(self, spec: dict[str, Any]) -> None:
        """Be this from now on."""
        self._finished = spec

    def to_dict(self) -> dict[str, Any]:
        """All of it, as plotly's JavaScript takes it."""
        return super().to_dict() if self._finished is None else self._finished


def legible(made: Figure, *, dark: bool) -> Figure:
    """The figure with the ink of the page, not to be changed any more: Streamlit's grey is too faint for small text.

    Its axes are fixed, so that a finger on it moves the page, but where it says what a drag does, as maps do.

    All is laid on what plotly has checked, once: to have it checked, and copied at every look, takes longer than
    all else on a page.
    """
    if made.finished:
        return made
    ink = {"color": INK[dark]}
    label = {"tickfont": ink, "title": {"font": ink}}
    bar = {"colorbar": label}
    spec = made.to_dict()
    layout = spec.setdefault("layout", {})
    axes = {"xaxis", "yaxis"} | {name for name in layout if name.startswith(("xaxis", "yaxis"))}
    fixed = "dragmode" not in layout
    held = {"dragmode": False} if fixed else {}
    _lay(layout, {"font": ink, "coloraxis": bar} | held | dict.fromkeys(axes, label | {"fixedrange": fixed}))
    for trace in spec["data"]:
        if trace["type"] == "heatmap":
            _lay(trace, bar)
    made.finish(spec)
    return made


def _lay(under: dict, over: dict) -> None:
    """Lay settings over others, level by level."""
    for name, value in over.items():
        if isinstance(value, dict):
            _lay(under.setdefault(name, {}), value)
        else:
            under[name] = value


def figure(height: int, *, top: int = 28, **layout: Any) -> Figure:
    """An empty figure with the project's margins; fonts and background come from the app's theme.

    What of the layout is known is given here: plotly takes as long for each later change as for all at once.
    """
    return Figure(
        layout={
            "height": height,
            "margin": {"l": 8, "r": 8, "t": top, "b": 8},
            "hoverlabel": {"font": {"family": "monospace"}},
            "showlegend": False,
            **layout,
        }
    )


@cache
def _weight_scale() -> list[tuple[float, float, float]]:
    """The scale in 256 steps: plotly reads and checks all of it at every question, and each token asks."""
    return sample_colorscale(WEIGHTS, 256, colortype="tuple")


def _is_bright(rgb: Sequence[float]) -> bool:
    """Whether a colour, each part from 0 to 1, is brighter than BRIGHT by WCAG's relative luminance."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return bool(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > BRIGHT)


def to_html(figures: Sequence[go.Figure], text: str, *, dark: bool) -> str:
    """Figures and what to notice in them as one HTML file that needs nothing else, not even a network.

    Outside the app no theme lends a figure its font and background: they are set here.
    """
    back, ink = ("#0F141A" if dark else "#FFFFFF"), INK[dark]
    parts = []
    for i, one in enumerate(figures):
        alone = go.Figure(one).update_layout(
            template="plotly_dark" if dark else "plotly_white",
            paper_bgcolor=back,
            plot_bgcolor=back,
            font={"family": "system-ui, sans-serif", "size": 14, "color": ink},
        )
        parts.append(alone.to_html(full_html=False, include_plotlyjs=i == 0, config=CONFIG))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Pooling Playground</title></head>'
        f'<body style="margin:1.5rem;background:{back};color:{ink};font:16px/1.5 system-ui,sans-serif">'
        f"{''.join(parts)}<p>{escape(text)}</p></body></html>"
    )
