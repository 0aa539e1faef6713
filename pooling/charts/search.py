"""The pictures of the Search page that are its own: a query's tokens and their nearest in a text, and its chunks."""

from html import escape

import pandas as pd
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from pooling.charts.playground import shorten
from pooling.charts.theme import WEIGHTS, figure
from pooling.tables import number

ROW = 26
LONGEST = 16
"""Letters of a token that are shown."""
STYLE = """<style>
ol.pp-chunks{margin:.3rem 0!important;padding:0!important;list-style:none}
.pp-chunks li{margin:0 0 .5rem;padding:.1rem .8rem;overflow-wrap:anywhere;
 border-left:.5rem solid color-mix(in srgb,#0072B2 calc(var(--share)*100%),rgba(128,128,128,.18))}
.pp-chunks b{font-weight:600;font-variant-numeric:tabular-nums}
</style>"""


def join(table: pd.DataFrame) -> go.Figure:
    """The tokens of a query on the left, on the right those of a text that are nearest to one, in the text's order.

    A line is the thicker and the brighter the higher the cosine.

    Args:
        table: of `pooling.tables.search.join_table`.
    """
    asked, place = list(table["token of the query"]), list(table["place in the text"])
    nearest = dict(sorted(zip(place, table["nearest in the text"], strict=True)))
    rows = max(len(asked), len(nearest))
    left = [(i + 0.5) * rows / len(asked) for i in range(len(asked))]
    right = {at: (i + 0.5) * rows / len(nearest) for i, at in enumerate(nearest)}
    made = figure(rows * ROW + 40)
    for row, y in zip(table.itertuples(index=False), left, strict=True):
        one, cosine, at = row[0], float(row[2]), row[3]
        share = max(0.0, min(1.0, cosine))
        made.add_scatter(
            x=[0, 1],
            y=[y, right[at]],
            mode="lines",
            line={"width": 1 + 5 * share, "color": sample_colorscale(WEIGHTS, [0.25 + 0.75 * share])[0]},
            hoverinfo="text",
            text=f"{escape(one)} → {escape(nearest[at])}: {cosine:.3f}",
        )
    for x, names, ys, side in ((0, asked, left, "left"), (1, nearest.values(), right.values(), "right")):
        made.add_scatter(
            x=[x] * len(ys),
            y=list(ys),
            mode="markers+text",
            marker={"size": 7, "color": "#8A949E"},
            text=[escape(shorten(name, LONGEST)) for name in names],
            textposition=f"middle {side}",
            hoverinfo="skip",
        )
    made.update_xaxes(range=[-0.5, 1.5], visible=False)
    made.update_yaxes(range=[rows, 0], visible=False)
    return made


def chunks(table: pd.DataFrame) -> str:
    """HTML of a text in its chunks, each with its cosines to a query; the edge is the stronger the higher they are.

    Args:
        table: of `pooling.tables.search.chunk_table`.
    """
    cosines = table.drop(columns="chunk")
    shares = ((cosines - cosines.min(axis=None)) / (cosines.max(axis=None) - cosines.min(axis=None) or 1)).mean(axis=1)
    rows = []
    for place, (share, text, (_, row)) in enumerate(
        zip(shares, table["chunk"], cosines.iterrows(), strict=True), start=1
    ):
        said = " · ".join(f"{way}: {number(cosine)}" for way, cosine in row.items())
        rows.append(
            f'<li style="--share:{share:.3f}"><b>{place}</b> · {said}<br><span>{escape(text.strip())}</span></li>'
        )
    return f'{STYLE}<ol class="pp-chunks">{"".join(rows)}</ol>'
