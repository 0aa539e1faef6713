"""Maps of embeddings: one, several side by side, and one that morphs from strategy to strategy."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pooling.charts.playground import shorten
from pooling.charts.theme import OKABE_ITO, figure, strategy_colour
from pooling.tables import number as readable

MARKERS = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "cross",
    "star",
    "triangle-down",
    "x",
    "pentagon",
    "hexagram",
)
MARKERS_3D = ("circle", "square", "diamond", "cross", "x", "circle-open", "square-open", "diamond-open")
MOST_IN_LEGEND = 24
MOST_DRAWN_ONE_BY_ONE = 3000
"""Above, points are drawn by WebGL."""
MOST_NAMED = 12
MOST_MORPHED = 1500
HOVER = "%{hovertext}<extra></extra>"


def hover_text(text: str, label: str, number: int) -> str:
    """A whole text for a hover box, in lines, escaped; the end of a very long one left out."""
    shown = text if len(text) <= 600 else text[:599] + "…"
    lines = textwrap.wrap(shown, 60) if len(shown) > 60 else [shown]
    head = f"<b>{number}</b>" + (f" · {shorten(label, 40)}" if label else "")
    return "<br>".join([head, *map(escape, lines)])


def hover_texts(table: pd.DataFrame) -> list[str]:
    """The hover box of each row of a map's table."""
    return [hover_text(t, la, n) for t, la, n in zip(table["text"], table["label"], table["number"], strict=True)]


def label_styles(labels: Iterable[str], *, in_space: bool = False) -> dict[str, dict[str, Any]]:
    """A colour and a marker for each label; on a flat map no two of the first 80 are alike."""
    markers = MARKERS_3D if in_space else MARKERS
    return {
        name: {"color": OKABE_ITO[i % 8], "symbol": markers[(i // 8 + i) % len(markers)]}
        for i, name in enumerate(sorted(set(labels)))
    }


def map_figure(
    table: pd.DataFrame,
    strategy: str,
    *,
    marked: Sequence[int] = (),
    dark: bool,
    height: int = 520,
    named: bool = True,
) -> go.Figure:
    """One map: a point a text, coloured and marked by label, or in the strategy's colour.

    Args:
        table: of `pooling.tables.projection.map_table`; a point's customdata is its number.
        strategy: the name of the strategy, for its colour.
        marked: numbers of the texts to ring, those found by a search.
        named: write the texts beside the points while they are few, show the legend, and let the map be dragged;
            one in space can always be turned.
    """
    in_space = "z" in table
    made = figure(height)
    if not named:
        made.update_layout(margin={"t": 4})
    with_text = named and len(table) <= MOST_NAMED
    beside = dict(zip(table["number"], _text_places(table), strict=True)) if with_text else {}
    for points in _traces(table, strategy, large=named):
        if with_text:
            points |= {
                "mode": "markers+text",
                "text": [shorten(t, 30) for t in points["meta"]],
                "textposition": [beside[n] for n in points["customdata"]],
            }
        del points["meta"]
        made.add_trace(_scatter(points, table))
    if marked:
        made.add_trace(_scatter(_rings(table, marked, dark), table))
    labels = table["label"].nunique()
    _frame(made, table, room=0.2 if with_text else 0.06)
    made.update_layout(
        showlegend=named and 1 < labels <= MOST_IN_LEGEND,
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "itemsizing": "constant"},
    )
    if in_space or named:
        # in Streamlit a click chooses a point only while no box is being drawn
        made.update_layout(dragmode="orbit" if in_space else "pan")
    return made


def morph_figure(
    maps: dict[str, pd.DataFrame],
    names: dict[str, str],
    *,
    shown: str,
    dark: bool = False,
    marked: Sequence[int] = (),
    height: int = 520,
) -> go.Figure:
    """One map that moves from strategy to strategy, played in the browser; 3D maps from the front.

    Args:
        marked: numbers of the texts to ring.
        maps: name of a strategy to a table of `map_table`, all of the same texts and aligned.
        names: the strategies' labels.
        shown: the one that is shown first.
    """
    maps = {name: sample(table).drop(columns="z", errors="ignore") for name, table in maps.items()}
    whole = pd.concat(maps.values())
    made = figure(height)
    frames = {
        name: [*_traces(table, name, large=True), *([_rings(table, marked, dark)] if marked else [])]
        for name, table in maps.items()
    }
    for points in frames[shown]:
        made.add_trace(go.Scatter({k: v for k, v in points.items() if k != "meta"}))
    made.frames = [
        go.Frame(
            name=names[name],
            data=[{k: points[k] for k in ("x", "y", "marker")} for points in traces],
            traces=list(range(len(traces))),
        )
        for name, traces in frames.items()
    ]
    _frame(made, whole)
    pace = {
        "frame": {"duration": 1800, "redraw": False},
        "transition": {"duration": 1100, "easing": "cubic-in-out"},
        "mode": "immediate",
    }
    made.update_layout(
        showlegend=1 < whole["label"].nunique() <= MOST_IN_LEGEND,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "itemsizing": "constant"},
        margin={"b": 96},
        updatemenus=[
            {
                "type": "buttons",
                "direction": "left",
                "x": 0,
                "y": -0.04,
                "xanchor": "left",
                "yanchor": "top",
                "pad": {"t": 14},
                "showactive": False,
                "bgcolor": "#00688B",
                "font": {"color": "#FFFFFF"},
                "buttons": [
                    {"label": "▶ Play", "method": "animate", "args": [None, pace | {"fromcurrent": False}]},
                    {"label": "❚❚", "method": "animate", "args": [[None], {"mode": "immediate"}]},
                ],
            }
        ],
        sliders=[
            {
                "x": 0.34,
                "len": 0.64,
                "y": -0.02,
                "yanchor": "top",
                "active": list(maps).index(shown),
                "currentvalue": {"visible": False},
                "transition": pace["transition"],
                "steps": [{"label": names[name], "method": "animate", "args": [[names[name]], pace]} for name in maps],
            }
        ],
    )
    return made


def score_bars(judged: pd.DataFrame, column: str) -> go.Figure:
    """One score of each strategy, from 0 (or below) to 1.

    Args:
        judged: of `pooling.tables.projection.judgement_table`.
        column: the score's.
    """
    shown = judged[judged[column].notna()]
    made = figure(len(shown) * 34 + 72)
    made.add_bar(
        x=shown[column],
        y=list(range(len(shown))),
        orientation="h",
        marker={"color": [strategy_colour(name) for name in shown["name"]]},
        text=[readable(value) for value in shown[column]],
        textposition="outside",
        cliponaxis=False,
        customdata=shown[["label"]],
        hovertemplate="%{customdata[0]}<br>%{x:.3f}<extra></extra>",
    )
    made.update_xaxes(range=[min(0.0, float(shown[column].min()) - 0.12), 1.14], title={"text": column}, zeroline=True)
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(shown))),
        ticktext=list(shown["label"]),
        autorange="reversed",
        showgrid=False,
        ticks="",
    )
    return made


def sample(table: pd.DataFrame, most: int = MOST_MORPHED) -> pd.DataFrame:
    """At most so many rows, evenly spaced."""
    if len(table) <= most:
        return table
    return table.iloc[np.linspace(0, len(table) - 1, most).round().astype(int)]


def _traces(table: pd.DataFrame, strategy: str, *, large: bool) -> Iterator[dict[str, Any]]:
    """A trace a label; one for all without labels, or with too many for a legend."""
    in_space = "z" in table
    styles = label_styles(table["label"], in_space=in_space)
    crowded = len(table) > MOST_MORPHED
    size: float = (
        (14 if len(table) <= 32 else 10 if len(table) <= 400 else 6 if not crowded else 5) if large else 6 - crowded
    )
    if in_space:
        size /= 2
        # the crosses of a 3D plot are drawn larger than its other markers
        styles = {
            n: look | {"size": size * 0.5} if look["symbol"] in ("x", "cross") else look for n, look in styles.items()
        }
    edge = {"width": 0 if crowded else 0.6 if large else 0.3, "color": "rgba(90,100,110,.9)"}
    looks: list[tuple[pd.DataFrame, dict[str, Any], str]]
    if len(styles) == 1:
        looks = [(table, {"color": strategy_colour(strategy), "symbol": "circle"}, "")]
    elif len(styles) <= MOST_IN_LEGEND:
        looks = [(table[table["label"] == name], style, name) for name, style in styles.items()]
    else:
        own = [styles[name] for name in table["label"]]
        looks = [(table, {key: [style[key] for style in own] for key in ("color", "symbol")}, "")]
    for rows, style, name in looks:
        yield {
            "x": rows["x"],
            "y": rows["y"],
            **({"z": rows["z"]} if in_space else {}),
            "mode": "markers",
            "name": shorten(name, 24),
            "marker": {"size": size, "line": edge, "opacity": 0.9} | style,
            "customdata": rows["number"],
            "hovertext": hover_texts(rows),
            "hovertemplate": HOVER,
            "meta": rows["text"].tolist(),
        }


def _rings(table: pd.DataFrame, marked: Sequence[int], dark: bool) -> dict[str, Any]:
    """A trace of rings around some texts."""
    rows, in_space, crowded = table[table["number"].isin(marked)], "z" in table, len(table) > MOST_MORPHED
    return {
        **{axis: rows[axis] for axis in ("x", "y", "z") if axis in rows},
        "mode": "markers",
        "marker": {
            "symbol": "circle-open",
            "size": 14 if in_space else 10 if crowded else 17,
            "color": _ink(dark),
            "line": {"width": 1.5 if crowded else 3},
        },
        "customdata": rows["number"],
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _scatter(points: dict[str, Any], table: pd.DataFrame) -> go.Scatter | go.Scattergl | go.Scatter3d:
    if "z" in points:
        return go.Scatter3d(points)
    return go.Scattergl(points) if len(table) > MOST_DRAWN_ONE_BY_ONE else go.Scatter(points)


def _text_places(table: pd.DataFrame) -> list[str]:
    """On which side of each point its text stands: away from the points close by."""
    places = table[["x", "y"]].to_numpy()
    close = 0.15 * (np.ptp(places, axis=0).max() or 1.0)
    sides = []
    for own in places:
        away = places - own
        away = away[(np.abs(away).max(axis=1) <= close) & np.abs(away).any(axis=1)]
        if not (away[:, 1] > 0).any():
            sides.append("top center")
        elif not (away[:, 1] < 0).any():
            sides.append("bottom center")
        else:
            sides.append("middle right" if away[:, 0].mean() < 0 else "middle left")
    return sides


def _frame(made: go.Figure, table: pd.DataFrame, *, room: float = 0.06) -> None:
    """Axes of one scale, without numbers: they mean nothing. `room` is left at each side."""
    plain = {"showticklabels": False, "showgrid": False, "zeroline": False, "ticks": ""}
    if "z" in table:
        plain |= {"showgrid": True, "showbackground": False, "showspikes": False, "title": ""}
        made.update_layout(
            scene={
                "xaxis": plain,
                "yaxis": plain,
                "zaxis": plain,
                "aspectmode": "data",
                "camera": {"eye": {"x": 1, "y": 1, "z": 0.7}},
            }
        )
        return
    for axis, update in (("x", made.update_xaxes), ("y", made.update_yaxes)):
        low, high = float(table[axis].min()), float(table[axis].max())
        side = room * (high - low) or 1.0
        update(range=[low - side, high + side], **plain)
    made.update_yaxes(scaleanchor="x")
    made.update_layout(plot_bgcolor="rgba(128,140,150,.07)")


def _ink(dark: bool) -> str:
    return "#F2F5F7" if dark else "#16202A"
