"""The colours, and what every figure has in common."""

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from pooling.registry import all_strategies

OKABE_ITO = ["#999999", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#0072B2", "#F0E442"]
"""The colour-blind-safe palette of Okabe and Ito, its black made grey to be seen in the dark."""

WEIGHTS = "Cividis"
HIDDEN = {
    # RdBu, blue for negative; in the dark, zero is as dark as the page
    False: [[0, "#2166AC"], [0.25, "#92C5DE"], [0.5, "#F7F7F7"], [0.75, "#F4A582"], [1, "#B2182B"]],
    True: [[0, "#5AB0F2"], [0.25, "#2B5F8F"], [0.5, "#171C22"], [0.75, "#9A4A33"], [1, "#FF8A66"]],
}
CONFIG = {"displayModeBar": False, "scrollZoom": False}


def strategy_colour(name: str) -> str:
    """One colour a strategy, the same on every page, by its place in the registry."""
    names = [s.name for s in all_strategies()]
    return OKABE_ITO[names.index(name) % len(OKABE_ITO)]


def weight_colours(share: float) -> tuple[str, str]:
    """Background and readable text colour of a weight, `share` of the largest one shown."""
    rgb = sample_colorscale(WEIGHTS, [max(0.0, min(1.0, share))], colortype="tuple")[0]
    bright = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] > 0.45
    red, green, blue = (round(255 * c) for c in rgb)
    return f"#{red:02x}{green:02x}{blue:02x}", "#0b1520" if bright else "#ffffff"


def figure(height: int) -> go.Figure:
    """An empty figure with the project's margins; fonts and background come from the app's theme."""
    made = go.Figure()
    made.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        hoverlabel={"font": {"family": "monospace"}},
        showlegend=False,
    )
    return made
