"""The pictures of the Playground: a matrix collapsing into a vector, and all strategies at once."""

from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pooling.charts.theme import HIDDEN, IN_CELLS, INK, figure, strategy_colour
from pooling.own_weights import OWN_WEIGHTS
from pooling.tables import number

ROW = 26
MOST_NUMBERED = 33
"""Columns that have numbers in their cells: those shown, and the one asked for."""
CELLS_WITH_NUMBERS = MOST_NUMBERED * 24
EMBEDDING_NAME = "<b>embedding</b>"
PLAIN_AXIS = {"showgrid": False, "zeroline": False, "ticks": ""}
COLOUR_BAR = {"thickness": 10, "title": {"text": "value", "side": "right"}, "outlinewidth": 0}


def dimension_axis(dimensions: pd.Index) -> dict[str, Any]:
    """An axis of dimensions: of neighbours round numbers, of a choice as many of their names as there is room for."""
    numbers = [int(one) for one in dimensions]
    axis = {**PLAIN_AXIS, "type": "category", "title": {"text": "dimension"}}
    if numbers != list(range(numbers[0], numbers[-1] + 1)):
        return axis | {"tickangle": -90, "tickfont": {"size": 10}}
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if len(numbers) <= 9 * step)
    return axis | {"tickangle": 0, "tickvals": [str(one) for one in numbers if one % step == 0]}


def shorten(token: str, length: int = 14) -> str:
    """A token for an axis: cut, and escaped, for plotly reads labels as HTML."""
    return escape(token if len(token) <= length else token[: length - 1] + "…", quote=False)


def colour_range(matrix: pd.DataFrame) -> float:
    """The end of the colour scale, the same on both sides of zero; a few outliers may exceed it."""
    return float(np.quantile(np.abs(matrix.to_numpy()), 0.99)) or 1.0


def collapse_heatmap(
    matrix: pd.DataFrame,
    tokens: pd.DataFrame,
    winners: pd.DataFrame | None,
    *,
    dimension: int,
    dark: bool,
) -> go.Figure:
    """Hidden states [token x dimension] over the embedding they become, column for column.

    Args:
        matrix: of `pooling.tables.collapse_table`.
        tokens: of `pooling.tables.token_table`, for the names of the rows.
        winners: of `pooling.tables.winner_table`; the winning cells are marked.
        dimension: the column that is worked out by hand, framed if it is shown.
    """
    rows, columns = len(matrix) - 1, [str(c) for c in matrix.columns]
    limit = colour_range(matrix)
    tall = row_height(rows)
    # positions make every name its own: plotly merges rows of equal names
    names = [f"{p} {shorten(t)}" for p, t in zip(tokens["position"], tokens["token"], strict=True)]
    gap = np.full((1, len(columns)), np.nan)
    ink = {"color": "#F2F5F7" if dark else "#16202A"}
    frames: list[dict[str, Any]] = []
    if winners is not None:
        squares = [
            f"M{column - 0.45},{row - 0.45}H{column + 0.45}V{row + 0.45}H{column - 0.45}Z"
            for column, row in enumerate(winners["position"] - 1)
        ]
        line = ink | {"width": 2 if len(columns) <= 64 else 0.7}
        frames.append({"type": "path", "path": "".join(squares), "line": line})
    if str(dimension) in columns:
        at = columns.index(str(dimension))
        sides: dict[str, Any] = {"type": "rect", "x0": at - 0.5, "x1": at + 0.5}
        frames += [
            {**sides, "y0": -0.5, "y1": rows - 0.5, "line": ink | {"width": 1.5, "dash": "dot"}},
            {**sides, "y0": rows + 0.5, "y1": rows + 1.5, "line": ink | {"width": 2.5}},
        ]
    made = figure(
        (rows + 2) * tall + 62,
        top=8,
        shapes=frames,
        xaxis=dimension_axis(matrix.columns),
        yaxis={
            **PLAIN_AXIS,
            "type": "category",
            "range": [rows + 1.5, -0.5],
            "tickfont": {"family": "monospace"},
            "tickvals": [*names[:: max(1, round(rows / 60))], EMBEDDING_NAME],
        },
    )
    return made.add_heatmap(
        z=np.concatenate([matrix.iloc[:-1], gap, matrix.iloc[-1:]]).astype("float32"),
        x=columns,
        y=[*names, " ", EMBEDDING_NAME],
        hovertemplate="dimension %{x}<br>%{y}<br>value %{z:.3f}<extra></extra>",
        hoverongaps=False,
        # plotly sizes the numbers to their cells, and leaves out what would be too small to read
        texttemplate="%{z:.1f}"
        if rows * len(columns) <= CELLS_WITH_NUMBERS and len(columns) <= MOST_NUMBERED
        else None,
        textfont={"color": IN_CELLS[dark]},
        colorscale=HIDDEN[dark],
        zmin=-limit,
        zmax=limit,
        xgap=1 if len(columns) <= 64 else 0,
        ygap=1 if tall >= 16 else 0,
        colorbar=COLOUR_BAR,
    )


def vectors_heatmap(vectors: pd.DataFrame, limit: float, *, dark: bool, row: int = 34) -> go.Figure:
    """Vectors as rows, of strategies or tokens, on one colour scale.

    Args:
        vectors: a row a vector (index: its name, escaped), a column a dimension.
        limit: the end of the colour scale.
        row: the height of a row.
    """
    columns = [str(c) for c in vectors.columns]
    made = figure(
        len(vectors) * row + 52,
        top=8,
        xaxis=dimension_axis(vectors.columns),
        yaxis={
            **PLAIN_AXIS,
            "type": "category",
            "autorange": "reversed",
            "tickvals": list(vectors.index)[:: max(1, round(len(vectors) / 60))],
        },
    )
    return made.add_heatmap(
        z=vectors.to_numpy(),
        x=columns,
        y=list(vectors.index),
        hovertemplate="dimension %{x}<br>%{y}<br>value %{z:.3f}<extra></extra>",
        colorscale=HIDDEN[dark],
        zmin=-limit,
        zmax=limit,
        xgap=1 if len(columns) <= 64 else 0,
        ygap=3 if row >= 34 else 1 if row >= 16 else 0,
        texttemplate="%{z:.1f}" if row < 34 and len(columns) <= 32 and vectors.size <= CELLS_WITH_NUMBERS else None,
        textfont={"color": IN_CELLS[dark]},
        colorbar=COLOUR_BAR,
    )


def name_rows(made: go.Figure, names: list[str], **font: str) -> None:
    """Names, escaped, for the rows of a picture from the top; every so many of them when there are many."""
    every = max(1, round(len(names) / 60))
    made.update_yaxes(
        **PLAIN_AXIS,
        tickmode="array",
        tickvals=list(range(0, len(names), every)),
        ticktext=names[::every],
        autorange="reversed",
        tickfont=font,
    )


def row_height(rows: int) -> int:
    """The height of a token's row: less where a text has many tokens."""
    return ROW if rows <= 40 else max(8, 1040 // rows)


def cosine_bars(table: pd.DataFrame, own: str, *, dark: bool) -> go.Figure:
    """Cosine of each strategy's vector to the model's own, on the fixed scale from -0.2 to 1, with its length.

    Args:
        table: of `pooling.tables.strategy_table`.
        own: the label of the strategy compared with.
    """
    shown = table[table["missing"].isna()]
    low = min(-0.2, float(shown["cosine"].min()) - 0.1)
    made = figure(
        len(shown) * 34 + 52,
        top=8,
        xaxis={
            "range": [low, 1.95],
            "title": {"text": f"cosine to {own}"},
            "zeroline": True,
            "tickvals": [0, 0.5, 1] if low > -0.5 else [-1, -0.5, 0, 0.5, 1],
        },
        yaxis={**PLAIN_AXIS, "type": "category", "autorange": "reversed"},
    )
    return made.add_bar(
        x=shown["cosine"],
        y=shown["label"],
        orientation="h",
        marker={"color": [INK[dark] if n == OWN_WEIGHTS else strategy_colour(n) for n in shown["name"]]},
        # Two that point the same way are told apart by their lengths.
        text=[f"{number(c)}, length {number(n)}" for c, n in zip(shown["cosine"], shown["norm"], strict=True)],
        textposition="outside",
        cliponaxis=False,
        customdata=shown["norm"],
        hovertemplate="%{y}<br>cosine %{x:.3f}<br>length %{customdata:.2f}<extra></extra>",
    )
