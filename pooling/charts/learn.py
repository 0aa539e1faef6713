"""The pictures that only lessons draw."""

import pandas as pd
import plotly.graph_objects as go

from pooling.charts.playground import name_rows, shorten
from pooling.charts.theme import figure, strategy_colour
from pooling.tables import number

ROW = 34


def spans(table: pd.DataFrame, at: float) -> go.Figure:
    """Where the cosines of some kinds of pairs lie, a bar from the lowest to the highest with a dot in the middle.

    Args:
        table: name (a strategy's, for its colour), label, pairs, low, middle, high; a row a bar.
        at: the cosine that is asked about, as a line.
    """
    made = figure(len(table) * ROW + 72)
    for y, row in enumerate(table.to_dict("records")):
        colour = strategy_colour(row["name"])
        made.add_scatter(
            x=[row["low"], row["high"]],
            y=[y, y],
            mode="lines",
            line={"color": colour, "width": 8},
            opacity=0.5,
            hoverinfo="skip",
        )
    made.add_scatter(
        x=table["middle"],
        y=list(range(len(table))),
        mode="markers",
        marker={"size": 14, "color": [strategy_colour(name) for name in table["name"]]},
        customdata=table[["label", "pairs", "low", "high"]],
        hovertemplate=(
            "%{customdata[0]}<br>the middle of %{customdata[1]} pairs: %{x:.3f}<br>"
            "all from %{customdata[2]:.3f} to %{customdata[3]:.3f}<extra></extra>"
        ),
    )
    made.add_vline(x=at, line={"width": 2, "dash": "dot", "color": "#888888"})
    low = min(0.0, float(table["low"].min()))
    made.update_xaxes(range=[low - 0.04, 1.04], title={"text": "cosine"}, zeroline=True)
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(table))),
        ticktext=[
            f"{label}  <b>{number(middle)}</b>" for label, middle in zip(table["label"], table["middle"], strict=True)
        ],
        range=[len(table) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
        ticks="",
    )
    return made


def pulls(table: pd.DataFrame, columns: dict[str, str]) -> go.Figure:
    """What a few texts are nearer to: two dots a row, joined, one filled and one hollow.

    Args:
        table: text, and two columns of cosines.
        columns: those two, and what each is called.
    """
    made = figure(len(table) * ROW + 110)
    (first, said), (second, other) = columns.items()
    for y, row in enumerate(table.to_dict("records")):
        made.add_scatter(
            x=[row[first], row[second]],
            y=[y, y],
            mode="lines",
            line={"color": "#8A949E", "width": 2},
            hoverinfo="skip",
            showlegend=False,
        )
    for column, name, colour, symbol in (
        (first, said, "#D55E00", "circle"),
        (second, other, "#0072B2", "diamond-open"),
    ):
        made.add_scatter(
            x=table[column],
            y=list(range(len(table))),
            mode="markers",
            name=name,
            marker={"size": 13, "color": colour, "symbol": symbol, "line": {"width": 2, "color": colour}},
            customdata=table["text"],
            hovertemplate="%{customdata}<br>%{fullData.name}: %{x:.3f}<extra></extra>",
        )
    made.update_layout(showlegend=True, legend={"orientation": "h", "y": -0.25})
    made.update_xaxes(title={"text": "cosine to the question"}, range=[0, 1.02], zeroline=False)
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(table))),
        ticktext=list(table["text"]),
        range=[len(table) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
        ticks="",
    )
    return made


def cosines(table: pd.DataFrame, axis: str) -> go.Figure:
    """A few cosines as bars, each with its number.

    Args:
        table: name (a strategy's, for its colour), label (a text is one), cosine; a row a bar.
        axis: between what they are.
    """
    made = figure(len(table) * ROW + 72)
    made.add_bar(
        x=table["cosine"],
        y=list(range(len(table))),
        orientation="h",
        marker={"color": [strategy_colour(name) for name in table["name"]]},
        customdata=[shorten(label, 60) for label in table["label"]],
        hovertemplate="%{customdata}<br>cosine %{x:.3f}<extra></extra>",
    )
    low = min(0.0, float(table["cosine"].min()))
    made.update_xaxes(range=[low - 0.02, 1.02], title={"text": axis}, zeroline=True)
    rows = table.to_dict("records")
    name_rows(made, [f"{shorten(one['label'], 24)}  <b>{number(one['cosine'])}</b>" for one in rows])
    return made


def growing(table: pd.DataFrame, labels: dict[str, str], across: str, up: str) -> go.Figure:
    """How some cosines change as a text or a weight grows, a line each.

    Args:
        table: what grows, and a column a line.
        labels: what each line is called; by a strategy's name, or another for what is none.
        across: the column of what grows, which names that axis.
        up: the title of the other.
    """
    made = figure(340)
    for place, (name, label) in enumerate(labels.items()):
        made.add_scatter(
            x=table[across],
            y=table[name],
            name=label,
            mode="lines+markers",
            line={"color": strategy_colour(name), "width": 3, "dash": "dash" if place else "solid"},
            marker={"size": 9, "symbol": "square" if place else "circle"},
            hovertemplate="%{fullData.name}<br>%{x} " + across + ": %{y:.3f}<extra></extra>",
        )
    made.update_layout(showlegend=True, legend={"orientation": "h", "y": -0.25})
    made.update_xaxes(title={"text": across}, dtick=1, zeroline=False)
    made.update_yaxes(title={"text": up}, range=[0, 1], zeroline=False)
    return made
