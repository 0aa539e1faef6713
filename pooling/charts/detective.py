"""The pictures of the Detective page."""

import math
from html import escape

import pandas as pd
import plotly.graph_objects as go

from pooling.charts.theme import figure
from pooling.tables import number

ROW = 20
LEAST, MOST = 1e-5, 200
"""Per cent of a vector's length; what is nearer or farther is drawn there."""
FITS, MISSES = "#0072B2", "#D55E00"
LONGEST_NAME = 28


def clues(table: pd.DataFrame, column: str, title: str) -> go.Figure:
    """A bar a text: its cosine to the model's own embedding, or its vector's length.

    Args:
        table: of `pooling.tables.detective.clue_table`.
        column: what is drawn.
        title: of the axis.
    """
    values = table[column]
    made = figure(len(table) * 26 + 70)
    made.add_bar(
        x=values,
        y=table["number"],
        orientation="h",
        marker={"color": FITS if column == "cosine" else "#009E73"},
        text=[f"{value:.4f}" if column == "cosine" else number(value) for value in values],
        textposition="auto",
        hovertemplate="text %{y}<br>%{x}<extra></extra>",
    )
    low, high = min(0.0, float(values.min())), max(1.0, float(values.max()))
    made.update_xaxes(range=[1.05 * low, 1.1 * high], title={"text": title}, nticks=6)
    made.update_yaxes(
        tickmode="array",
        tickvals=table["number"],
        ticktext=[f"text {i} · {n} tokens" for i, n in zip(table["number"], table["tokens"], strict=True)],
        autorange="reversed",
        showgrid=False,
        ticks="",
    )
    return made


def alternatives(table: pd.DataFrame, tolerance: float) -> go.Figure:
    """How far each alternative misses on a scale of powers of ten, axis under axis; left of the line it explains.

    Args:
        table: of `pooling.tables.detective.axis_table`.
        tolerance: how far off an explanation may be, in per cent.
    """
    labels: list[str] = []
    places: list[int] = []
    for axis, rows in table.groupby("axis", sort=False):
        labels.append(f"<b>{escape(str(axis))}</b>")
        for name in rows["name"]:
            places.append(len(labels))
            cut = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
            labels.append(escape(" ".join(cut.split()), quote=False))
    shown = table.assign(y=places, x=table["miss"].clip(LEAST, MOST))
    made = figure(len(labels) * ROW + 90)
    kinds = (
        ("found", shown["found"], "star", FITS, 15),
        ("explains as well", ~shown["found"] & shown["explains"], "circle-open", FITS, 11),
        ("does not explain", ~shown["found"] & ~shown["explains"], "x", MISSES, 9),
    )
    for name, chosen, symbol, colour, size in kinds:
        rows = shown[chosen]
        made.add_scatter(
            x=rows["x"],
            y=rows["y"],
            name=name,
            mode="markers",
            marker={"symbol": symbol, "size": size, "color": colour, "line": {"width": 2, "color": colour}},
            customdata=[
                [axis, escape(name, quote=False), number(miss)]
                for axis, name, miss in zip(rows["axis"], rows["name"], rows["miss"], strict=True)
            ],
            hovertemplate="%{customdata[0]}: %{customdata[1]}<br>%{customdata[2]}% off<extra></extra>",
        )
    made.add_vline(x=max(tolerance, LEAST), line={"width": 1.5, "dash": "dot", "color": "#888888"})
    made.update_xaxes(
        type="log",
        range=[math.log10(LEAST) - 0.3, math.log10(MOST) + 0.6],
        tickvals=[LEAST, 0.01, 10],
        ticktext=["0", "0.01%", "10%"],
        tickangle=0,
        title={"text": "how far off, of a vector's length"},
    )
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(labels))),
        ticktext=labels,
        range=[len(labels) - 0.4, -0.6],
        showgrid=True,
        zeroline=False,
        ticks="",
    )
    made.update_layout(showlegend=True, legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0})
    return made
