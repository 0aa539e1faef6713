"""The pictures of the Evaluation page: scores with their intervals, the grid, the gaps by kind."""

import math

import pandas as pd
import plotly.graph_objects as go

from pooling.charts.theme import figure, strategy_colour, weight_cells
from pooling.tables import points
from pooling.tables.evaluation import KINDS

ROW = 34


def intervals(
    table: pd.DataFrame,
    value: str,
    low: str,
    high: str,
    *,
    title: str,
    bounds: tuple[float, float] | None = None,
    zero: bool = False,
) -> go.Figure:
    """One dot a strategy with its 95% interval; a hollow dot is worse beyond chance.

    Args:
        table: of `leaderboard_table`, `cost_table` or `label_table`.
        value, low, high: its columns for the dot and the ends of the interval; without an
            interval, `low` is `value`.
        title: of the axis.
        bounds: of the axis; by default what is shown and zero.
        zero: whether to draw the line at zero.
    """
    shown = table[table[value].notna()]
    colours = [strategy_colour(name) for name in shown["name"]]
    filled = [colour if v != "worse" else "rgba(0,0,0,0)" for colour, v in zip(colours, shown["verdict"], strict=True)]
    made = figure(len(shown) * ROW + 72)
    for y, (row, colour) in enumerate(zip(shown.to_dict("records"), colours, strict=True)):
        made.add_scatter(
            x=[row[low], row[high]],
            y=[y, y],
            mode="lines",
            line={"color": colour, "width": 4},
            opacity=0.55,
            hoverinfo="skip",
        )
    made.add_scatter(
        x=shown[value],
        y=list(range(len(shown))),
        mode="markers+text",
        marker={"size": 14, "color": filled, "line": {"color": colours, "width": 3}},
        text=[points(v) for v in shown[value]],
        textposition="top center",
        cliponaxis=False,
        customdata=[
            [label, f"{points(one)} to {points(two)}"]
            for label, one, two in zip(shown["label"], shown[low], shown[high], strict=True)
        ],
        hovertemplate="%{customdata[0]}<br>%{x:.1f} points"
        + ("<br>95% interval %{customdata[1]}" if low != value else "")
        + "<extra></extra>",
    )
    if bounds is None:
        ends = [0.0, *shown[low], *shown[high]]
        room = 0.08 * (max(ends) - min(ends) or 1)
        bounds = (min(ends) - room, max(ends) + room)
    made.update_xaxes(range=bounds, title={"text": title}, zeroline=zero, zerolinewidth=2)
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(shown))),
        ticktext=list(shown["label"]),
        range=[len(shown) - 0.5, -0.7],
        showgrid=False,
        zeroline=False,
        ticks="",
    )
    return made


def grid_heatmap(table: pd.DataFrame, chosen: str, measure: str) -> go.Figure:
    """Layer by strategy, the score in each cell, on the fixed scale from 0 to 100.

    Args:
        table: of `grid_table`.
        chosen: the row of the layer that the sidebar has, framed.
        measure: what the scores are.
    """
    rows, columns = table.shape
    made = figure(rows * ROW + 160)
    cells = {
        "z": table.to_numpy(),
        "x": list(range(columns)),
        "y": list(range(rows)),
        "text": [["" if math.isnan(v) else points(v) for v in row] for row in table.to_numpy()],
        "texttemplate": "%{text}",
        "customdata": [[[layer, label] for label in table.columns] for layer in table.index],
        "hovertemplate": f"layer %{{customdata[0]}}<br>%{{customdata[1]}}<br>{measure} %{{z:.1f}}<extra></extra>",
        "zmin": 0,
        "zmax": 100,
        "xgap": 2,
        "ygap": 2,
        "showscale": False,  # every cell has its number, and a phone needs the room
    }
    made.add_traces(weight_cells(cells))
    if chosen in table.index:
        y = list(table.index).index(chosen)
        made.add_shape(
            type="rect",
            x0=-0.5,
            x1=columns - 0.5,
            y0=y - 0.5,
            y1=y + 0.5,
            line={"color": "#D55E00", "width": 3},
        )
    made.update_xaxes(
        tickmode="array",
        tickvals=list(range(columns)),
        ticktext=list(table.columns),
        tickangle=-90,
        side="top",
        showgrid=False,
        zeroline=False,
        ticks="",
    )
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(rows)),
        ticktext=list(table.index),
        autorange="reversed",
        showgrid=False,
        zeroline=False,
        ticks="",
    )
    return made


def kind_bars(table: pd.DataFrame) -> go.Figure:
    """The mean gap of each kind of pair, left: held too different, right: too alike."""
    made = figure(len(table) * ROW + 72)
    made.add_bar(
        x=table["gap"],
        y=list(range(len(table))),
        orientation="h",
        marker={"color": ["#D55E00" if gap > 0 else "#0072B2" for gap in table["gap"]]},
        text=[points(gap, signed=True) for gap in table["gap"]],
        textposition="outside",
        cliponaxis=False,
        customdata=table["pairs"],
        hovertemplate="%{x:+.1f}% of all places<br>%{customdata} pairs<extra></extra>",
    )
    made.update_xaxes(
        range=[-75, 75],  # the numbers stand beside the bars, on a phone too
        tickvals=[-50, 0, 50],
        title={"text": "← too different · too alike →"},
        zeroline=True,
        zerolinewidth=2,
    )
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(table))),
        ticktext=[KINDS.get(kind, kind) for kind in table["kind"]],
        showgrid=False,
        ticks="",
    )
    return made
