"""The pictures of the Hidden States page."""

from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pooling.charts.playground import name_rows, row_height, shorten
from pooling.charts.theme import HIDDEN, IN_CELLS, INK, figure
from pooling.tables import number

PANEL = {False: "#F3F5F7", True: "#1A222B"}
ACCENT = {False: "#C24E00", True: "#FF8A4C"}
TEXTS = {False: {1: "#0072B2", 2: "#B07800"}, True: {1: "#56B4E9", 2: "#F0C24A"}}
QUIET = {False: "#8A96A3", True: "#7C8A99"}
MOST_LABELS = 40
"""Points of a plane that are labelled; of more, only shared words are."""


def row_names(tokens: pd.DataFrame) -> list[str]:
    """The tokens of one text as names of rows, escaped and numbered, so that no two are the same."""
    return [f"{p} {shorten(t)}" for p, t in zip(tokens["position"], tokens["token"], strict=True)]


def norm_bars(table: pd.DataFrame, *, dark: bool) -> go.Figure:
    """How long each token's vector is; a token that hogs the norm is hatched, special ones are faint.

    Args:
        table: of `pooling.tables.hidden_states.norm_table`.
    """
    tall = row_height(len(table))
    made = figure(len(table) * tall + 130)
    made.add_bar(
        x=table["norm"],
        y=list(range(len(table))),
        orientation="h",
        marker={
            "color": [ACCENT[dark] if hog else QUIET[dark] for hog in table["hog"]],
            "opacity": [0.55 if special and not hog else 1 for special, hog in table[["special", "hog"]].to_numpy()],
            "pattern": {"shape": ["/" if hog else "" for hog in table["hog"]]},
        },
        text=[number(n) for n in table["norm"]] if tall >= 16 else None,
        textposition="outside",
        cliponaxis=False,
        customdata=list(zip(row_names(table), table["times_median"], strict=True)),
        hovertemplate="%{customdata[0]}<br>norm %{x:.3f}<br>%{customdata[1]:.2f} times the median<extra></extra>",
    )
    made.update_xaxes(range=[0, float(table["norm"].max()) * 1.22], title={"text": "norm: the vector's length"})
    name_rows(made, row_names(table), family="monospace")
    return made


def cosine_heatmap(cosines: pd.DataFrame, tokens: pd.DataFrame, *, dark: bool, steps: bool = False) -> go.Figure:
    """Cosines from -1 to 1, a row a token; written in the cells while they fit.

    Args:
        cosines: of `pooling.tables.hidden_states.cosine_table` or `change_table`.
        tokens: of `pooling.tables.token_list`.
        steps: whether the columns are layers, not tokens.
    """
    rows, columns = cosines.shape
    names = row_names(tokens)
    across = [f"layer {c}" for c in cosines.columns] if steps else names
    tall = row_height(rows)
    made = figure(rows * tall + 130)
    fits = columns <= 14 and tall >= 16
    made.add_heatmap(
        z=cosines.to_numpy(),
        x=list(range(columns)),
        y=list(range(rows)),
        text=np.repeat(np.array(across, dtype=object)[None, :], rows, axis=0),
        customdata=np.repeat(np.array(names, dtype=object)[:, None], columns, axis=1),
        hovertemplate="%{customdata}<br>%{text}<br>cosine %{z:.3f}<extra></extra>",
        texttemplate="%{z:.2f}" if fits else None,
        textfont={"color": IN_CELLS[dark]},
        colorscale=HIDDEN[dark],
        zmin=-1,
        zmax=1,
        xgap=1 if columns <= 40 else 0,
        ygap=1 if tall >= 16 else 0,
        colorbar={"thickness": 10, "title": {"text": "cosine", "side": "right"}, "outlinewidth": 0},
    )
    every = max(1, round(columns / (15 if steps else 24)))
    made.update_xaxes(
        tickmode="array",
        tickvals=list(range(0, columns, every)),
        ticktext=(list(map(str, cosines.columns)) if steps else names)[::every],
        tickangle=0 if steps else -60,
        tickfont={"family": "monospace"},
        showgrid=False,
        zeroline=False,
        ticks="",
        title={"text": "from the layer before to layer"} if steps else None,
    )
    name_rows(made, names, family="monospace")
    return made


def drifting_tokens(
    table: pd.DataFrame, words: pd.DataFrame, *, layer: int, word: int | None, said: list[str], dark: bool
) -> go.Figure:
    """The tokens of two texts in a plane that plays layer by layer in the browser.

    Args:
        table: of `pooling.tables.hidden_states.plane_table`.
        words: of `shared_words`: each is joined by a dotted line.
        layer: the one that is shown first.
        word: the row of the shared word that is followed, joined by a full line.
        said: a line over the picture, for each layer.
    """
    wide, high = (float(table[axis].abs().max()) * 1.2 or 1.0 for axis in ("x", "y"))
    few = len(table[table["layer"] == 0]) <= MOST_LABELS
    by_layer = [_at_layer(now, words, word, said[at], high, few, dark) for at, now in table.groupby("layer")]
    made = figure(600)
    made.add_traces(by_layer[layer])
    made.frames = [go.Frame(name=str(at), data=traces) for at, traces in enumerate(by_layer)]
    moving = {"frame": {"duration": 1100, "redraw": False}, "transition": {"duration": 900, "easing": "cubic-in-out"}}
    at_once = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}, "transition": {"duration": 300}}
    look = {"bgcolor": PANEL[dark], "bordercolor": QUIET[dark], "font": {"color": INK[dark], "size": 14}}
    names = [str(at) for at in range(len(by_layer))]
    made.update_layout(
        margin={"t": 52, "b": 90},
        showlegend=True,
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom", "itemclick": False},
        updatemenus=[
            {
                "type": "buttons",
                "direction": "right",
                "showactive": False,
                "x": 0,
                "xanchor": "left",
                "y": 1,
                "yanchor": "bottom",
                "pad": {"b": 6},
                "buttons": [
                    {
                        "label": "▶ Play",
                        "method": "animate",
                        "args": [None, {"mode": "immediate", "fromcurrent": True} | moving],
                    },
                    {"label": "❚❚ Pause", "method": "animate", "args": [[None], {"mode": "immediate"}]},
                ],
                **look,
            }
        ],
        sliders=[
            {
                "active": layer,
                "x": 0,
                "len": 1,
                "y": 0,
                "pad": {"t": 14, "b": 0},
                "currentvalue": {"visible": False},
                "activebgcolor": ACCENT[dark],
                "tickcolor": QUIET[dark],
                "minorticklen": 0,
                "steps": [{"label": name, "method": "animate", "args": [[name], at_once]} for name in names],
                **look,
            }
        ],
    )
    bare = {"showticklabels": False, "ticks": "", "zeroline": False, "showgrid": False, "fixedrange": True}
    made.update_yaxes(range=[-high, high * 1.2], **bare)
    made.update_xaxes(range=[-wide, wide], scaleanchor="y", **bare)
    return made


def _at_layer(
    now: pd.DataFrame, words: pd.DataFrame, word: int | None, said: str, high: float, few: bool, dark: bool
) -> list[go.Scatter]:
    """One layer's traces: shared words joined, the followed word joined, both texts, a line of text."""
    place = {(row.text, row.position): (row.x, row.y) for row in now.itertuples()}
    joined: dict[bool, list[tuple[float | None, float | None]]] = {False: [], True: []}
    for row, (one, other) in enumerate(zip(words["first"], words["second"], strict=True)):
        for a, b in zip(one, other, strict=True):
            joined[row == word] += [place[1, a], place[2, b], (None, None)]
    traces = [
        go.Scatter(
            x=[x for x, _ in ends],
            y=[y for _, y in ends],
            mode="lines",
            line={"color": ACCENT[dark] if followed else QUIET[dark], "width": 3 if followed else 1.5}
            | ({} if followed else {"dash": "dot"}),
            hoverinfo="skip",
            showlegend=False,
        )
        for followed, ends in joined.items()
    ]
    for text, symbol, side in ((1, "circle", "top center"), (2, "diamond", "bottom center")):
        mine = now[now["text"] == text]
        shared, chosen = mine["shared"] >= 0, mine["shared"] == (-2 if word is None else word)
        traces.append(
            go.Scatter(
                x=mine["x"],
                y=mine["y"],
                mode="markers+text",
                text=[
                    f"<b>{shorten(token)}</b>" if bold else shorten(token) if few else ""
                    for token, bold in zip(mine["token"], shared, strict=True)
                ],
                textposition=side,
                textfont={
                    "size": [16 if c else 13 for c in chosen],
                    "color": [QUIET[dark] if s else INK[dark] for s in mine["special"]],
                },
                marker={
                    "symbol": symbol,
                    "color": TEXTS[dark][text],
                    "opacity": [0.35 if s else 1 for s in mine["special"]],
                    "size": [17 if c else 12 if s else 9 for c, s in zip(chosen, shared, strict=True)],
                    "line": {"color": ACCENT[dark], "width": [3 if c else 0 for c in chosen]},
                },
                name="first sentence" if text == 1 else "second",
                customdata=[f"{p} {escape(t)}" for p, t in zip(mine["position"], mine["token"], strict=True)],
                hovertemplate="%{customdata}<extra></extra>",
            )
        )
    traces.append(
        go.Scatter(
            x=[0],
            y=[high * 1.1],
            mode="text",
            text=[escape(said)],
            textfont={"size": 16, "color": INK[dark]},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    return traces


def reading_lines(table: pd.DataFrame, *, layer: int, word: str | None, dark: bool) -> go.Figure:
    """What a cosine is worth, layer by layer: random pairs of tokens, and the reader's own.

    Args:
        table: of `pooling.tables.hidden_states.reading_table`.
        layer: the one that the page shows, marked.
        word: the name of the word that is followed.
    """
    made = figure(420)
    made.add_scatter(
        x=table["layer"], y=table["low"], mode="lines", line={"width": 0}, hoverinfo="skip", showlegend=False
    )
    made.add_scatter(
        x=table["layer"],
        y=table["high"],
        mode="lines",
        line={"width": 0},
        fill="tonexty",
        fillcolor="rgba(138,150,163,.28)",
        name="nine in ten random pairs",
        hovertemplate="19 in 20 random pairs are below %{y:.3f}<extra></extra>",
        showlegend=True,
    )
    for column, name, colour, symbol in (
        ("mean", "random pairs, mean", QUIET[dark], "circle"),
        ("sentence", "tokens of your first sentence, mean", TEXTS[dark][1], "square"),
        ("word", f"{escape(word or '')}, in both sentences", ACCENT[dark], "diamond"),
    ):
        if column in table:
            made.add_scatter(
                x=table["layer"],
                y=table[column],
                mode="lines+markers",
                line={"color": colour, "width": 3},
                marker={"symbol": symbol, "size": 9},
                name=name,
                hovertemplate="layer %{x}: %{y:.3f}<extra></extra>",
            )
    made.add_vline(x=layer, line={"color": INK[dark], "width": 1.5, "dash": "dot"})
    made.update_layout(
        margin={"t": 8},
        showlegend=True,
        legend={"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0, "itemclick": False},
    )
    lowest = float(table.drop(columns="layer").min().min())
    made.update_yaxes(range=[-1 if lowest < -0.25 else -0.25, 1.04], title={"text": "cosine"}, zeroline=True)
    made.update_xaxes(
        tickmode="array",
        tickvals=list(range(0, len(table), max(1, len(table) // 12))),
        title={"text": "layer"},
        showgrid=False,
        zeroline=False,
    )
    return made
