"""The pictures of the Padding Lab."""

import pandas as pd
import plotly.graph_objects as go

from pooling.charts.theme import figure, strategy_look
from pooling.tables import number


def padding_curves(table: pd.DataFrame, padding: int) -> go.Figure:
    """Cosine to the unpadded truth as padding grows, a line a strategy.

    Args:
        table: of `pooling.tables.padding_lab.padding_curve`.
        padding: the amount that is chosen, marked; at the end of the table, where it has no more.
    """
    made = figure(380)
    for name, rows in table.groupby("name", sort=False):
        look = strategy_look(name)
        made.add_scatter(
            x=rows["padding"].astype(str),
            y=rows["cosine"],
            name=rows["label"].iloc[0],
            mode="lines+markers",
            # A solid line is wider and below: it is seen in the gaps of what lies on it.
            line={"color": look.colour, "width": 4 if look.dash == "solid" else 2.5, "dash": look.dash},
            marker={"symbol": look.symbol, "size": 9},
            zorder=-1 if look.dash == "solid" else 0,
            hovertemplate="%{fullData.name}<br>%{x} padding tokens<br>cosine %{y:.4f}<extra></extra>",
        )
    amounts = table["padding"].unique().tolist()
    chosen = amounts.index(min(padding, amounts[-1]))
    made.add_vline(x=chosen, line={"width": 1, "dash": "dot", "color": "#888888"})
    low = min(0.0, float(table["cosine"].min()))
    made.update_layout(showlegend=True, legend={"orientation": "h", "y": -0.22})
    made.update_xaxes(type="category", title={"text": "padding tokens"}, showgrid=False)
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
