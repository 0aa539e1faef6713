"""The pictures of the Playground: a matrix collapsing into a vector, and all strategies at once."""

from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pooling.charts.theme import HIDDEN, figure, strategy_colour
from pooling.tables import number

ROW = 26
CELLS_WITH_NUMBERS = 32 * 24


def shorten(token: str, length: int = 14) -> str:
    """A token for an axis: cut, and escaped, for plotly reads labels as HTML."""
    return escape(token if len(token) <= length else token[: length - 1] + "…")


def colour_range(matrix: pd.DataFrame) -> float:
    """The end of the colour scale, the same on both sides of zero; a few outliers may exceed it."""
    return float(np.quantile(np.abs(matrix.to_numpy()), 0.99)) or 1.0


def collapse_heatmap(
    matrix: pd.DataFrame,
    tokens: pd.DataFrame,
    winners: pd.DataFrame | None,
    *,
    dimension: int,
    label: str,
    dark: bool,
) -> go.Figure:
    """Hidden states [token x dimension] over the embedding they become, column for column.

    Args:
        matrix: of `pooling.tables.collapse_table`.
        tokens: of `pooling.tables.token_table`, for the names of the rows.
        winners: of `pooling.tables.winner_table`; the winning cells are marked.
        dimension: the column that is worked out by hand, framed if it is shown.
        label: the strategy's.
    """
    rows, columns = len(matrix) - 1, [str(c) for c in matrix.columns]
    limit = colour_range(matrix)
    tall = row_height(rows)
    made = make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=8 / (rows * tall + ROW + 20),
        row_heights=[rows * tall + 8, ROW + 12],
    )
    made.update_layout(figure(rows * tall + ROW + 104).layout)
    names = [f"{p} {shorten(t)}" for p, t in zip(tokens["position"], tokens["token"], strict=True)]
    scale = {
        "colorscale": HIDDEN[dark],
        "zmin": -limit,
        "zmax": limit,
        "xgap": 1 if len(columns) <= 64 else 0,
        "ygap": 1 if tall >= 16 else 0,
    }
    if rows * len(columns) <= CELLS_WITH_NUMBERS and len(columns) <= 32:
        scale |= {"texttemplate": "%{z:.1f}", "textfont": {"size": 10}}
    hover = "dimension %{x}<br>%{customdata}<br>value %{z:.3f}<extra></extra>"
    x = list(range(len(columns)))
    made.add_heatmap(
        z=matrix.iloc[:-1].to_numpy(),
        x=x,
        y=list(range(rows)),
        customdata=np.repeat(np.array(names, dtype=object)[:, None], len(columns), axis=1),
        hovertemplate=hover.replace("%{x}", "%{text}"),
        text=np.repeat(np.array(columns, dtype=object)[None, :], rows, axis=0),
        colorbar={"thickness": 10, "title": {"text": "value", "side": "right"}, "outlinewidth": 0},
        row=1,
        col=1,
        **scale,
    )
    made.add_heatmap(
        z=matrix.iloc[-1:].to_numpy(),
        x=x,
        y=[0],
        customdata=[[f"embedding ({escape(label)})"] * len(columns)],
        text=[columns],
        hovertemplate=hover.replace("%{x}", "%{text}"),
        showscale=False,
        row=2,
        col=1,
        **scale,
    )
    ink = "#F2F5F7" if dark else "#16202A"
    if winners is not None:
        made.add_scatter(
            x=x,
            y=winners["position"] - 1,
            mode="markers",
            marker={
                "symbol": "square-open",
                "size": 15 if len(columns) <= 64 else 4,
                "color": ink,
                "line": {"width": 2},
            },
            hoverinfo="skip",
            row=1,
            col=1,
        )
    if str(dimension) in columns:
        at = columns.index(str(dimension))
        for row, top in ((1, rows - 0.5), (2, 0.5)):
            made.add_shape(
                type="rect",
                x0=at - 0.5,
                x1=at + 0.5,
                y0=-0.5,
                y1=top,
                row=row,
                col=1,
                line={"color": ink, "width": 2.5 if row == 2 else 1.5, "dash": "solid" if row == 2 else "dot"},
            )
    every = max(1, round(rows / 60))
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(0, rows, every)),
        ticktext=names[::every],
        autorange="reversed",
        showgrid=False,
        zeroline=False,
        ticks="",
        tickfont={"family": "monospace"},
        row=1,
        col=1,
    )
    made.update_yaxes(
        tickmode="array",
        tickvals=[0],
        ticktext=["<b>embedding</b>"],
        showgrid=False,
        zeroline=False,
        ticks="",
        row=2,
        col=1,
    )
    step = max(1, len(columns) // 8)
    made.update_xaxes(showgrid=False, zeroline=False, ticks="", showticklabels=False, row=1, col=1)
    made.update_xaxes(
        tickmode="array",
        tickvals=x[::step],
        ticktext=columns[::step],
        tickangle=0,
        showgrid=False,
        zeroline=False,
        ticks="",
        title={"text": "dimension"},
        row=2,
        col=1,
    )
    return made


def vectors_heatmap(vectors: pd.DataFrame, limit: float, *, dark: bool, row: int = 34) -> go.Figure:
    """Vectors as rows, of strategies or tokens, on one colour scale.

    Args:
        vectors: a row a vector (index: its name, escaped), a column a dimension.
        limit: the end of the colour scale.
        row: the height of a row.
    """
    columns = [str(c) for c in vectors.columns]
    x = list(range(len(columns)))
    made = figure(len(vectors) * row + 72)
    scale = {}
    if row < 34 and len(columns) <= 32 and vectors.size <= CELLS_WITH_NUMBERS:
        scale = {"texttemplate": "%{z:.1f}"}
    made.add_heatmap(
        z=vectors.to_numpy(),
        x=x,
        y=list(range(len(vectors))),
        text=np.repeat(np.array(columns, dtype=object)[None, :], len(vectors), axis=0),
        customdata=np.repeat(np.array(vectors.index, dtype=object)[:, None], len(columns), axis=1),
        hovertemplate="dimension %{text}<br>%{customdata}<br>value %{z:.3f}<extra></extra>",
        colorscale=HIDDEN[dark],
        zmin=-limit,
        zmax=limit,
        xgap=1 if len(columns) <= 64 else 0,
        ygap=3 if row >= 34 else 1 if row >= 16 else 0,
        colorbar={"thickness": 10, "title": {"text": "value", "side": "right"}, "outlinewidth": 0},
        **scale,
    )
    step = max(1, len(columns) // 8)
    made.update_xaxes(
        tickmode="array",
        tickvals=x[::step],
        ticktext=columns[::step],
        tickangle=0,
        showgrid=False,
        zeroline=False,
        ticks="",
        title={"text": "dimension"},
    )
    name_rows(made, list(vectors.index))
    return made


def name_rows(made: go.Figure, names: list[str], **font: str) -> None:
    """Names, escaped, for the rows of a picture from the top; every so many of them when there are many."""
    every = max(1, round(len(names) / 60))
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(0, len(names), every)),
        ticktext=names[::every],
        autorange="reversed",
        showgrid=False,
        zeroline=False,
        ticks="",
        tickfont=font,
    )


def row_height(rows: int) -> int:
    """The height of a token's row: less where a text has many tokens."""
    return ROW if rows <= 40 else max(8, 1040 // rows)


def cosine_bars(table: pd.DataFrame, own: str) -> go.Figure:
    """Cosine of each strategy's vector to the model's own, on the fixed scale from -0.2 to 1.

    Args:
        table: of `pooling.tables.strategy_table`.
        own: the label of the strategy compared with.
    """
    shown = table[table["missing"].isna()]
    made = figure(len(shown) * 34 + 72)
    made.add_bar(
        x=shown["cosine"],
        y=list(range(len(shown))),
        orientation="h",
        marker={"color": [strategy_colour(name) for name in shown["name"]]},
        text=[number(c) for c in shown["cosine"]],
        textposition="outside",
        cliponaxis=False,
        customdata=shown[["label", "norm"]],
        hovertemplate="%{customdata[0]}<br>cosine %{x:.3f}<br>length %{customdata[1]:.2f}<extra></extra>",
    )
    made.update_xaxes(
        range=[min(-0.2, float(shown["cosine"].min()) - 0.1), 1.18], title={"text": f"cosine to {own}"}, zeroline=True
    )
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(shown))),
        ticktext=list(shown["label"]),
        autorange="reversed",
        showgrid=False,
        ticks="",
    )
    return made
