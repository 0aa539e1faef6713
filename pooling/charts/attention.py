"""The pictures of the Attention page: weights side by side, scores of heads, a training's curve."""

from textwrap import wrap

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pooling.charts.playground import shorten
from pooling.charts.theme import Figure, figure, strategy_colour, strategy_look
from pooling.tables import number
from pooling.tables.attention import DATA_SETS

ROW = 26
TALLEST = 1040


def weight_bars(table: pd.DataFrame, labels: dict[str, str]) -> go.Figure:
    """A panel a listener, a bar a token, in the text's order and all on one scale.

    Args:
        table: of `pooling.tables.attention.weights_table`.
        labels: the columns to show, each with its panel's title.
    """
    rows = len(table)
    tall = ROW if rows <= 40 else max(8, TALLEST // rows)
    made = Figure(
        make_subplots(
            rows=1,
            cols=len(labels),
            shared_yaxes=True,
            horizontal_spacing=0.08,  # on a phone, the last number of an axis and the next one's 0% stand apart
            subplot_titles=[f"<b>{label}</b>" for label in labels.values()],
        )
    )
    made.update_layout(figure(rows * tall + 84).layout)
    names = [f"{p} {shorten(t, 12)}" for p, t in zip(table["position"], table["token"], strict=True)]
    for column, name in enumerate(labels, start=1):
        made.add_bar(
            x=100 * table[name],
            y=list(range(rows)),
            orientation="h",
            marker={"color": strategy_colour(name), "opacity": [0.55 if s else 1.0 for s in table["special"]]},
            text=[f"{number(100 * w)}%" for w in table[name]] if tall >= 14 else None,
            textposition="outside",
            cliponaxis=False,
            customdata=names,
            hovertemplate="%{customdata}<br>%{x:.2f}% of the embedding<extra></extra>",
            row=1,
            col=column,
        )
    every = max(1, round(rows / 60))
    made.update_xaxes(
        range=[0, 150 * table[list(labels)].to_numpy().max()],
        ticksuffix="%",
        tickangle=0,
        nticks=3,
        showgrid=True,
        zeroline=True,
    )
    made.update_yaxes(showgrid=False, ticks="", range=[rows - 0.5, -0.5])
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(0, rows, every)),
        ticktext=names[::every],
        tickfont={"family": "monospace"},
        row=1,
        col=1,
    )
    made.update_annotations(font={"size": 13})
    return made


def head_scores(table: pd.DataFrame) -> go.Figure:
    """Mean against the trained head, a row a layer, a panel a data set, both on one scale.

    Args:
        table: of `pooling.tables.attention.heads_table`.
    """
    layers = sorted(table["layer"].unique())
    made = Figure(
        make_subplots(
            rows=1,
            cols=len(DATA_SETS),
            shared_yaxes=True,
            horizontal_spacing=0.1,  # on a phone, the last number of one and the first of the next stand apart
            # In two lines: on a phone two of one line touch.
            subplot_titles=[f"<b>{'<br>'.join(wrap(title, 16))}</b>" for title in DATA_SETS.values()],
        )
    )
    made.update_layout(figure(len(layers) * 48 + 134, top=44).layout)
    made.update_layout(showlegend=True, legend={"orientation": "h", "y": -0.28 - 0.4 / len(layers), "x": 0})
    for column, data in enumerate(DATA_SETS, start=1):
        shown = table[table["data"] == data]
        y = [layers.index(layer) for layer in shown["layer"]]
        for place, row in zip(y, shown.to_dict("records"), strict=True):
            made.add_scatter(
                x=[row["mean"], row["attention"]],
                y=[place, place],
                mode="lines",
                line={"color": "#8A97A3", "width": 3},
                hoverinfo="skip",
                showlegend=False,
                row=1,
                col=column,
            )
        for name, label in (("mean", "Mean"), ("attention", "Attention (trained head)")):
            ahead = shown[name] >= shown["mean" if name == "attention" else "attention"]
            made.add_scatter(
                x=shown[name],
                y=y,
                mode="markers+text",
                marker={
                    "color": strategy_colour(name),
                    "size": 14,
                    "symbol": strategy_look(name).symbol,
                },
                text=[f"{score:.1f}" for score in shown[name]],
                textposition=["middle right" if a else "middle left" for a in ahead],
                cliponaxis=False,
                customdata=shown["scored_on"],
                hovertemplate=label + " %{x:.2f}<br>%{customdata}<extra></extra>",
                name=label,
                legendgroup=name,
                showlegend=column == 1,
                row=1,
                col=column,
            )
    scores = table[["mean", "attention"]].to_numpy()
    made.update_xaxes(range=[scores.min() - 8, min(104, scores.max() + 8)], title={"text": "Spearman × 100"}, nticks=6)
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(layers))),
        ticktext=[f"layer {layer}" for layer in layers],
        range=[len(layers) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
        ticks="",
    )
    made.update_annotations(font={"size": 14})
    return made


def training_curve(table: pd.DataFrame, epochs: int) -> go.Figure:
    """The development score, with mean's as the line to beat, beside the training loss, by epoch.

    Args:
        table: of `pooling.tables.attention.curve_table`.
        epochs: how many there will be: the width of the picture does not change while it grows.
    """
    made = Figure(
        make_subplots(
            rows=1,
            cols=2,
            horizontal_spacing=0.12,
            subplot_titles=["<b>Development score</b>", "<b>Training loss</b>"],
        )
    )
    made.update_layout(figure(300).layout)
    colour, mean = strategy_colour("attention"), table["dev"].iloc[0]
    made.add_scatter(
        x=table["epoch"],
        y=table["dev"],
        mode="lines+markers",
        line={"color": colour, "width": 3},
        marker={
            "size": [15 if best else 8 for best in table["best"]],
            "symbol": ["star" if b else "circle" for b in table["best"]],
        },
        hovertemplate="epoch %{x}<br>Spearman × 100: %{y:.2f}<extra></extra>",
        row=1,
        col=1,
    )
    if pd.notna(mean):
        made.add_hline(
            y=mean,
            line={"color": strategy_colour("mean"), "width": 2, "dash": "dash"},
            annotation={"text": f"mean {mean:.2f}", "yanchor": "top", "xanchor": "right", "x": 1},
            row=1,
            col=1,
        )
        low, high = min(table["dev"].min(), mean), max(table["dev"].max(), mean)
        room = max(0.5, 0.15 * (high - low))
        made.update_yaxes(range=[low - 2 * room, high + room], title={"text": "Spearman × 100"}, row=1, col=1)
    made.add_scatter(
        x=table["epoch"],
        y=table["loss"],
        mode="lines+markers",
        line={"color": colour, "width": 3},
        marker={"size": 8},
        hovertemplate="epoch %{x}<br>loss %{y:.4f}<extra></extra>",
        row=1,
        col=2,
    )
    made.update_yaxes(title={"text": "1 − Pearson"}, row=1, col=2)
    made.update_xaxes(
        range=[-0.4, epochs + 0.4], title={"text": "epoch"}, tick0=0, dtick=-(-epochs // 8), zeroline=False
    )
    made.update_annotations(font={"size": 13})
    return made
