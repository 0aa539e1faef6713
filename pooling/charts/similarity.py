"""The pictures of the Similarity page."""

import math
import textwrap
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pooling.charts.playground import shorten
from pooling.charts.theme import HIDDEN, IN_CELLS, WEIGHTS, figure, strategy_colour, weight_cells
from pooling.similarity import Measure
from pooling.tables import number

ACROSS = 4
BETWEEN = 0.45
"""Room between two rows of small pictures, for ticks and titles, as a share of a picture."""
NUMBERS_UP_TO = 16
GREY = "#8A949E"
COLOUR_BAR = {"thickness": 10, "outlinewidth": 0}


def colour_scale(matrix: pd.DataFrame, measure: Measure) -> tuple[float, float]:
    """The ends of the colours: fixed where the measure has ends, else as far as this matrix goes."""
    if measure.ends:
        return measure.ends
    most = float(np.nan_to_num(np.abs(matrix.to_numpy())).max()) or 1.0
    return (0.0 if measure.metric == "euclidean" else -most), most


def similarity_heatmap(matrix: pd.DataFrame, texts: Sequence[str], measure: Measure, *, dark: bool) -> go.Figure:
    """Every sentence against every sentence, by short names; the whole text on hover.

    Args:
        matrix: of `pooling.tables.similarity.matrix_table`.
        texts: the sentences.
    """
    count = len(texts)
    names = [f"{i} {shorten(text, 20)}" for i, text in enumerate(texts, start=1)]
    whole = [f"<b>{i}</b> {_wrapped(text)}" for i, text in enumerate(texts, start=1)]
    made = figure(max(7, count) * (44 if count <= 8 else 30 if count <= NUMBERS_UP_TO else 22) + 110)
    cells = {
        "z": matrix.to_numpy(),
        "customdata": [[f"{a}<br>{b}" for b in whole] for a in whole],
        "hovertemplate": f"%{{customdata}}<br>{measure.noun} %{{z:.4f}}<extra></extra>",
        **_colours(measure, colour_scale(matrix, measure), dark),
        **_numbers(matrix, measure),
        **_gaps(count),
        "textfont": {"color": IN_CELLS[dark]},
        "colorbar": COLOUR_BAR,
    }
    numbers_on_weights = "text" in cells and not measure.larger_is_nearer
    made.add_traces(weight_cells(cells) if numbers_on_weights else [go.Heatmap(cells)])
    _name_axes(made, names, names)
    return made


def strategy_multiples(
    matrices: dict[str, pd.DataFrame], scale: tuple[float, float], measure: Measure, *, dark: bool
) -> go.Figure:
    """The matrix under each strategy, side by side on one colour scale.

    Args:
        matrices: a matrix by the strategy's label.
        scale: the ends of the colours, those of the large picture.
    """
    count, down = len(next(iter(matrices.values()))), math.ceil(len(matrices) / ACROSS)
    colours = _colours(measure, scale, dark)
    step = max(1, math.ceil(count / 8))
    axis = {"showgrid": False, "zeroline": False, "ticks": "", "tickvals": list(range(1, count + 1, step))}
    tall = 1 / (down + BETWEEN * (down - 1))
    # Under the pictures: beside them it would leave them no room on a phone.
    bar = COLOUR_BAR | {"orientation": "h", "y": 0, "yanchor": "top", "ypad": 34, "len": 0.5}
    # Written out, not by make_subplots, which takes ten times as long.
    layout: dict[str, Any] = {
        "coloraxis": {"cmin": colours.pop("zmin"), "cmax": colours.pop("zmax"), "colorbar": bar} | colours
    }
    layout["annotations"] = []
    traces = []
    for at, (label, matrix) in enumerate(matrices.items()):
        row, column = divmod(at, ACROSS)
        name = str(at + 1) if at else ""
        left, top = column / ACROSS, 1 - row * (1 + BETWEEN) * tall
        right, bottom = left + 0.88 / ACROSS, max(0, top - tall)
        layout[f"xaxis{name}"] = axis | {
            "domain": [left, right],
            "range": [0.5, count + 0.5],
            "anchor": f"y{name}",
            "tickangle": 0,
        }
        layout[f"yaxis{name}"] = axis | {
            "domain": [bottom, top],
            "range": [count + 0.5, 0.5],
            "anchor": f"x{name}",
            "showticklabels": column == 0,
        }
        layout["annotations"].append(
            {
                "text": escape(label).replace(" ", "<br>", 1),
                "x": (left + right) / 2,
                "y": top,
                "xref": "paper",
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": 12},
            }
        )
        traces.append(
            {
                "type": "heatmap",
                "z": matrix.to_numpy(),
                "x": list(matrix.columns),
                "y": list(matrix.index),
                "xaxis": f"x{name}",
                "yaxis": f"y{name}",
                "coloraxis": "coloraxis",
                "hovertemplate": f"{escape(label)}<br>%{{y}} and %{{x}}: %{{z:.4f}}<extra></extra>",
                **_gaps(count),
            }
        )
    made = figure(down * 230 + 80)
    made.add_traces(traces)
    return made.update_layout(layout | {"margin_t": 52})


def contribution_heatmap(contributions: pd.DataFrame, *, what: str, dark: bool) -> go.Figure:
    """What each pair of tokens adds to (or takes from) a similarity, zero in the middle.

    Args:
        contributions: of `pooling.tables.similarity.contribution_table`.
        what: the name of the score that the entries add up to.
    """
    values = contributions.to_numpy()
    rows, columns = values.shape
    most = float(np.abs(values).max()) or 1.0
    first, second = ([shorten(name, 14) for name in names] for names in (contributions.index, contributions.columns))
    made = figure(max(rows, 6) * (30 if rows <= 24 else max(8, 720 // rows)) + 110)
    few = rows <= 24 and columns <= 20
    decimals = min(6, max(0, 1 - math.floor(math.log10(most))))
    made.add_heatmap(
        z=values,
        texttemplate=f"%{{z:.{decimals}f}}" if few else None,
        textfont={"color": IN_CELLS[dark]},
        customdata=[[f"{a} × {b}" for b in second] for a in first],
        hovertemplate=f"%{{customdata}}<br>adds %{{z:.5f}} to the {what}<extra></extra>",
        colorscale=HIDDEN[dark],
        zmin=-most,
        zmax=most,
        colorbar=COLOUR_BAR,
        **_gaps(max(rows, columns)),
    )
    _name_axes(made, first, second)
    return made


def baseline_bars(
    table: pd.DataFrame,
    before: pd.DataFrame | None,
    pairs: pd.DataFrame,
    chosen: tuple[int, int],
    measure: Measure,
    *,
    strategy: str,
    dark: bool,
) -> go.Figure:
    """How unrelated pairs are spread, with the reader's pairs marked under them.

    Args:
        table: of `pooling.tables.similarity.baseline_table`.
        before: the same without the steps after pooling, drawn as an outline, which may leave the picture at the top.
        pairs: of `pooling.tables.similarity.pair_table`.
        chosen: the pair to name, by its sentences' numbers.
        strategy: the strategy's name, for its colour.
    """
    top = float(table["share"].max())
    ink = "#F2F5F7" if dark else "#16202A"
    made = figure(320)
    made.add_bar(
        x=(table["from"] + table["to"]) / 2,
        y=table["share"],
        width=table["to"] - table["from"],
        marker={"color": strategy_colour(strategy), "line": {"width": 0}},
        customdata=table[["from", "to"]],
        hovertemplate="%{y:.1%} of unrelated pairs<br>from %{customdata[0]:.3f} to %{customdata[1]:.3f}<extra></extra>",
    )
    if before is not None:
        made.add_scatter(
            x=(before["from"] + before["to"]) / 2,
            y=before["share"],
            mode="lines",
            line={"color": GREY, "width": 2, "shape": "hvh"},
            name="without the steps",
            hovertemplate="without the steps: %{y:.1%}<extra></extra>",
        )
    known = pairs.dropna(subset="score")
    made.add_scatter(
        x=known["score"],
        y=[-0.06 * top] * len(known),
        mode="markers",
        marker={"symbol": "line-ns-open", "size": 14, "color": ink, "line": {"width": 2}},
        customdata=known[["first", "second", "unrelated"]],
        hovertemplate=(
            "your sentences %{customdata[0]} and %{customdata[1]}: %{x:.4f}<br>"
            "more alike than %{customdata[2]:.1%} of unrelated pairs<extra></extra>"
        ),
    )
    here = known[(known["first"] == min(chosen)) & (known["second"] == max(chosen))]
    low, high = _span(table, before, measure)
    for row in here.to_dict("records"):
        made.add_shape(
            type="line", x0=row["score"], x1=row["score"], y0=-0.06 * top, y1=top, line={"color": ink, "dash": "dot"}
        )
        made.add_annotation(
            x=row["score"],
            y=top,
            text=f"your {row['first']} and {row['second']}: {number(row['score'])}",
            showarrow=False,
            xanchor="right" if row["score"] > (low + high) / 2 else "left",
            yanchor="bottom",
            font={"size": 14},
        )
    made.update_xaxes(title={"text": measure.noun}, zeroline=False, range=[low, high])
    made.update_yaxes(
        title={"text": "share of unrelated pairs"}, tickformat=".0%", range=[-0.12 * top, 1.12 * top], zeroline=True
    )
    return made


def agreement_heatmap(table: pd.DataFrame) -> go.Figure:
    """How the strategies agree on the order of all pairs, × 100, on a scale that begins where the values do."""
    made = figure(len(table) * 34 + 120)
    labels = [escape(str(label)) for label in table.index]
    values = 100 * table.to_numpy()
    least = float(np.nanmin(values)) if not np.isnan(values).all() else 0.0
    cells = {
        "z": values,
        # Two digits: on a phone ten columns have no room for more, and the colours need no bar beside them.
        "text": [["" if np.isnan(v) else f"{v:.0f}".replace("-", "−") for v in row] for row in values],
        "texttemplate": "%{text}",
        "customdata": [[f"{a} and {b}" for b in labels] for a in labels],
        "hovertemplate": "%{customdata}<br>Spearman × 100: %{z:.1f}<extra></extra>",
        "zmin": min(90, math.floor(least / 10) * 10),
        "zmax": 100,
        "showscale": False,
        **_gaps(len(table)),
    }
    made.add_traces(weight_cells(cells))
    _name_axes(made, labels, labels)
    return made


def _wrapped(text: str) -> str:
    """A sentence for a hover box: in lines, cut when very long, escaped."""
    lines = textwrap.wrap(text if len(text) <= 300 else text[:299] + "…", 60)
    return "<br>".join(map(escape, lines))


def _colours(measure: Measure, scale: tuple[float, float], dark: bool) -> dict:
    """Colours of a similarity: zero in the middle; of a distance: bright is near."""
    colours: dict[str, Any]
    if measure.larger_is_nearer:
        colours = {"colorscale": HIDDEN[dark]}
    else:
        colours = {"colorscale": WEIGHTS, "reversescale": True}
    return colours | {"zmin": scale[0], "zmax": scale[1]}


def _numbers(matrix: pd.DataFrame, measure: Measure) -> dict:
    """The values in the cells while they fit; plotly fits their size to the cell's."""
    if len(matrix) > NUMBERS_UP_TO:
        return {}

    def cell(value: float) -> str:
        return f"{value:.2f}".replace("-", "−") if measure.ends else number(value)

    return {"text": [[cell(v) for v in row] for row in matrix.to_numpy()], "texttemplate": "%{text}"}


def _gaps(count: int) -> dict:
    gap = 1 if count <= 40 else 0
    return {"xgap": gap, "ygap": gap}


def _name_axes(made: go.Figure, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Names that are already escaped, on numeric axes: equal names stay apart. A phone has room for twelve columns."""
    for update, names, most in ((made.update_xaxes, columns, 12), (made.update_yaxes, rows, 60)):
        every = math.ceil(len(names) / most)
        update(
            tickmode="array",
            tickvals=list(range(0, len(names), every)),
            range=[-0.5, len(names) - 0.5],
            ticktext=list(names)[::every],
            showgrid=False,
            zeroline=False,
            ticks="",
        )
    made.update_xaxes(autotickangles=[-40, -90])
    made.update_yaxes(range=[len(rows) - 0.5, -0.5])


def _span(table: pd.DataFrame, before: pd.DataFrame | None, measure: Measure) -> tuple[float, float]:
    """The ends of the axis: fixed where the measure has ends, a little wider than the bars."""
    both = [one for one in (table, before) if one is not None]
    low, high = measure.ends or (min(one["from"].min() for one in both), max(one["to"].max() for one in both))
    return low - 0.02 * (high - low), high + 0.02 * (high - low)
