"""The pictures of the Padding Lab."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pooling.charts.theme import figure, strategy_look
from pooling.tables import number
from pooling.tables.padding_lab import curves_together

SHARED = "#8A949E"
"""The line of several strategies at once."""


def padding_curves(table: pd.DataFrame, padding: int) -> go.Figure:
    """Cosine to the unpadded truth as padding grows, a line a strategy; one for those that lie on each other.

    Args:
        table: of `pooling.tables.padding_lab.padding_curve`.
        padding: the amount that is chosen, marked; at the end of the table, where it has no more.
    """
    made = figure(380)
    amounts = table["padding"].unique().tolist()
    places = np.arange(len(amounts))
    for together in curves_together(table):
        apart = 0.8 / max(6, len(together))
        curve = table[table["name"] == together[0]]["cosine"]
        if len(together) > 1:
            made.add_scatter(
                x=places, y=curve, mode="lines", line={"color": SHARED, "width": 2}, hoverinfo="skip", showlegend=False
            )
        for beside, name in enumerate(together):
            rows, look = table[table["name"] == name], strategy_look(name)
            made.add_scatter(
                # Markers of curves that lie on each other stand side by side.
                x=places + apart * (beside - (len(together) - 1) / 2),
                y=rows["cosine"],
                name=rows["label"].iloc[0],
                mode="lines+markers" if len(together) == 1 else "markers",
                line={"color": look.colour, "width": 2.5, "dash": look.dash},
                marker={"symbol": look.symbol, "size": 9, "color": look.colour},
                customdata=rows["padding"],
                hovertemplate="%{fullData.name}<br>%{customdata} padding tokens<br>cosine %{y:.4f}<extra></extra>",
            )
    chosen = amounts.index(min(padding, amounts[-1]))
    made.add_vline(x=chosen, line={"width": 1, "dash": "dot", "color": "#888888"})
    low = min(0.0, float(table["cosine"].min()))
    made.update_layout(showlegend=True, legend={"orientation": "h", "y": -0.22})
    made.update_xaxes(
        tickvals=list(range(len(amounts))),
        ticktext=[str(amount) for amount in amounts],
        range=[-0.5, len(amounts) - 0.5],
        title={"text": "padding tokens"},
        showgrid=False,
        zeroline=False,
    )
    made.update_yaxes(range=[low - 0.05, 1.05], title={"text": "cosine to the truth"})
    return made


def cost_bars(table: pd.DataFrame) -> go.Figure:
    """Spearman under each bug beside the truth, on one scale from 0.

    Args:
        table: of `pooling.tables.padding_lab.cost_table`.
    """
    made = figure(len(table) * 46 + 70)
    for column, colour, pattern in (("right", "#009E73", ""), ("wrong", "#D55E00", "/")):
        made.add_bar(
            x=table[column],
            y=table["title"],
            name=column,
            orientation="h",
            marker={"color": colour, "pattern": {"shape": pattern}},
            text=[number(value) for value in table[column]],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}<br>%{fullData.name}: %{x:.2f}<extra></extra>",
        )
    made.update_layout(barmode="group", showlegend=True, legend={"orientation": "h", "y": 1.08})
    made.update_xaxes(range=[min(0.0, float(table["wrong"].min()) - 5), 100], title={"text": "Spearman × 100"})
    made.update_yaxes(type="category", autorange="reversed", automargin=True, ticks="")
    return made
