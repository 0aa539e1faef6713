"""The colours, and what every figure has in common."""

from collections.abc import Sequence
from html import escape

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


def figure(height: int, *, top: int = 28) -> go.Figure:
    """An empty figure with the project's margins; fonts and background come from the app's theme."""
    made = go.Figure()
    made.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": top, "b": 8},
        hoverlabel={"font": {"family": "monospace"}},
        showlegend=False,
    )
    return made


def to_html(figures: Sequence[go.Figure], text: str, *, dark: bool) -> str:
    """Figures and what to notice in them as one HTML file that needs nothing else, not even a network.

    Outside the app no theme lends a figure its font and background: they are set here.
    """
    back, ink = ("#0F141A", "#E8EDF2") if dark else ("#FFFFFF", "#17212B")
    parts = []
    for i, one in enumerate(figures):
        alone = go.Figure(one).update_layout(
            template="plotly_dark" if dark else "plotly_white",
            paper_bgcolor=back,
            plot_bgcolor=back,
            font={"family": "system-ui, sans-serif", "size": 14},
        )
        parts.append(alone.to_html(full_html=False, include_plotlyjs=i == 0, config=CONFIG))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Pooling Playground</title></head>'
        f'<body style="margin:1.5rem;background:{back};color:{ink};font:16px/1.5 system-ui,sans-serif">'
        f"{''.join(parts)}<p>{escape(text)}</p></body></html>"
    )
