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
    zero: bool = False,
    chosen: str = "",
) -> go.Figure:
    """One dot a strategy with its 95% interval, on an axis that fits them; a hollow dot is worse beyond chance.

    Args:
        table: of `leaderboard_table`, `cost_table` or `label_table`.
        value, low, high: its columns for the dot and the ends of the interval; without an
            interval, `low` is `value`.
        title: of the axis.
        zero: whether zero is among what is shown, as a line.
        chosen: the name of the strategy that a reader has chosen, marked.
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
        mode="markers",
        marker={"size": 14, "color": filled, "line": {"color": colours, "width": 3}},
        customdata=[
            [label, f"{points(one)} to {points(two)}"]
            for label, one, two in zip(shown["label"], shown[low], shown[high], strict=True)
        ],
        hovertemplate="%{customdata[0]}<br>%{x:.1f} points"
        + ("<br>95% interval %{customdata[1]}" if low != value else "")
        + "<extra></extra>",
    )
    ends = [*([0.0] if zero else []), *shown[low], *shown[high]]
    room = 0.08 * (max(ends) - min(ends) or 1)
    made.update_xaxes(
        range=[min(ends) - room, max(ends) + room], title={"text": title}, zeroline=zero, zerolinewidth=2, nticks=7
    )
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(shown))),
        # The number stands with the name: beside its dot it would touch the next one's.
        ticktext=[
            f"{'▸ ' if name == chosen else ''}{label}  <b>{points(v)}</b>"
            for name, label, v in zip(shown["name"], shown["label"], shown[value], strict=True)
        ],
        range=[len(shown) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
        ticks="",
    )
    return made


def grid_scale(table: pd.DataFrame) -> tuple[int, int]:
    """The ends of the colours of `grid_table`, in steps of five; its lowest tenth may lie below them."""
    scores = table.stack().dropna()
    low, high = math.floor(scores.quantile(0.1) / 5) * 5, math.ceil(scores.max() / 5) * 5
    return (low, high) if low < high else (low, low + 5)


def grid_heatmap(table: pd.DataFrame, chosen: str, measure: str, column: str = "") -> go.Figure:
    """Layer by strategy, the score in each cell, on a scale that begins where most scores are.

    Args:
        table: of `grid_table`.
        chosen: the row of the layer that the sidebar has, framed.
        measure: what the scores are.
        column: of the strategy that is chosen, whose cell has a frame of its own.
    """
    rows, columns = table.shape
    low, high = grid_scale(table)
    made = figure(rows * ROW + 160)
    cells = {
        "z": table.to_numpy(),
        "x": list(range(columns)),
        "y": list(range(rows)),
        "text": [["" if math.isnan(v) else points(v) for v in row] for row in table.to_numpy()],
        "texttemplate": "%{text}",
        "customdata": [[[layer, label] for label in table.columns] for layer in table.index],
        "hovertemplate": f"layer %{{customdata[0]}}<br>%{{customdata[1]}}<br>{measure} %{{z:.1f}}<extra></extra>",
        "zmin": low,
        "zmax": high,
        "xgap": 2,
        "ygap": 2,
        "showscale": False,  # every cell has its number, and a phone needs the room
    }
    made.add_traces(weight_cells(cells))
    if chosen in table.index:
        y = list(table.index).index(chosen)
        ends = [(-0.5, columns - 0.5)]
        if column in table.columns:
            x = list(table.columns).index(column)
            ends.append((x - 0.5, x + 0.5))
        for left, right in ends:
            sides = {"x0": left, "x1": right, "y0": y - 0.5, "y1": y + 0.5}
            made.add_shape(type="rect", **sides, line={"color": "#D55E00", "width": 3})
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
