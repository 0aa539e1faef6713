"""The pictures of the Size page: what is left of a score, and of neighbours, against bytes a text."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from pooling.charts.theme import INK, OKABE_ITO, figure

TYPES = {
    "float32": (OKABE_ITO[6], "circle"),
    "float16": (OKABE_ITO[2], "square"),
    "int8": (OKABE_ITO[3], "diamond"),
    "binary": (OKABE_ITO[1], "triangle-up"),
    "binary + int8": (OKABE_ITO[4], "cross"),
    "binary + float32": (OKABE_ITO[5], "x"),
}
"""A colour and a marker for each number type."""
DASHES = {"first": "solid", "pca": "dash", "random": "dot"}
BYTES = (2, 8, 32, 128, 512, 2048, 8192)


def paths(
    table: pd.DataFrame,
    value: str,
    chosen: str,
    *,
    title: str,
    shortened: Sequence[str],
    dark: bool,
    named: bool = True,
) -> go.Figure:
    """A path a number type and a way of shortening, its dimensions falling to the left; the best of all joined behind.

    A point's customdata is its row in the table.

    Args:
        table: of `size_table`.
        value: the column that is drawn: "score" or "kept".
        chosen: the name of the way that is marked.
        title: of the upward axis.
        shortened: the ways of shortening whose paths are drawn.
        dark: whether the page is.
        named: whether what the colours mean stands below.
    """
    row = dict(zip(table["name"], range(len(table)), strict=True))
    ink, drawn = INK[dark], []
    if value == "score":
        front = table[table["front"]]
        band = {"color": ink, "width": 9, "shape": "hv"}
        drawn.append(_trace(front, value, mode="lines", line=band, opacity=0.14, hoverinfo="skip", showlegend=False))
    for kind, (colour, symbol) in TYPES.items():
        own = table[table["type"] == kind]
        for step in shortened:
            path = own[own["shortened"].isin(["", step])].sort_values("dims")
            if path.empty:
                continue
            drawn.append(
                _trace(
                    path,
                    value,
                    mode="lines+markers",
                    line={"color": colour, "width": 2, "dash": DASHES[step]},
                    marker={"size": 9, "symbol": symbol, "color": colour},
                    name=kind,
                    legendgroup=kind,
                    showlegend=step == shortened[0],
                    customdata=[row[name] for name in path["name"]],
                    text=list(path["label"]),
                    hovertemplate="%{text}<br>%{x:,} bytes a text<br>%{y:.1f}<extra></extra>",
                )
            )
    marked = table[table["name"] == chosen]
    ring = {"size": 19, "symbol": "circle-open", "color": ink, "line": {"width": 3}}
    drawn.append(_trace(marked, value, mode="markers", marker=ring, hoverinfo="skip", showlegend=False))
    if value == "score":
        ends = {"array": list(marked["high"] - marked["score"]), "arrayminus": list(marked["score"] - marked["low"])}
        drawn[-1]["error_y"] = {"symmetric": False, "color": ink, "thickness": 1.5, **ends}
    ticks = [one for one in BYTES if table["bytes"].min() <= one <= 1.4 * table["bytes"].max()]
    made = figure(
        430,
        top=12,
        showlegend=named,
        legend={"orientation": "h", "y": -0.16, "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
        xaxis={
            "type": "log",
            "title": {"text": "bytes a text"},
            "tickvals": ticks,
            "ticktext": [f"{one:,}" for one in ticks],
        },
        yaxis={"title": {"text": title}, "nticks": 7},
    )
    return made.add_traces(drawn)


def _trace(rows: pd.DataFrame, value: str, **settings: Any) -> dict[str, Any]:
    """Rows of `size_table` as a trace."""
    return {"type": "scatter", "x": list(rows["bytes"]), "y": list(rows[value]), **settings}
