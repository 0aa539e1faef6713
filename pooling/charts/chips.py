"""Tokens as chips: the same on every page, every token escaped."""

from collections.abc import Sequence
from html import escape

import pandas as pd

from pooling.charts.theme import weight_colours
from pooling.tables import number

STYLE = """<style>
ol.pp-strip{display:flex;flex-wrap:wrap;row-gap:.55rem;margin:.2rem 0 .1rem -.35rem!important;
 padding:0!important;list-style:none}
.pp-strip li{display:flex;flex-direction:column;text-align:center;margin:0 0 0 .35rem;padding:0;min-width:0}
.pp-strip li.pp-joined{margin-left:1px}
.pp-chip{font:600 1.02rem/1.2 ui-monospace,SFMono-Regular,Menlo,monospace;padding:.34rem .5rem;
 border-radius:.5rem;border:2px solid transparent;max-width:16rem;overflow-wrap:anywhere;unicode-bidi:isolate;
 white-space:pre-wrap}
.pp-joined .pp-chip{border-top-left-radius:0;border-bottom-left-radius:0}
.pp-goes-on .pp-chip{border-top-right-radius:0;border-bottom-right-radius:0}
/* Inside the chip: at its edge, ink that is read on a dark chip is lost on a bright page. */
.pp-special .pp-chip{outline:2px dashed currentColor;outline-offset:-4px;font-weight:400;font-style:italic;
 font-size:.9rem;padding:.42rem .5rem}
.pp-prompt .pp-chip{outline:2px dotted currentColor;outline-offset:-4px;font-weight:400}
.pp-left-out .pp-chip{background:transparent!important;color:inherit!important;opacity:.65}
.pp-lit .pp-chip{outline:3px solid #D55E00;outline-offset:1px}
.pp-row{display:flex;gap:.7rem;margin-bottom:.55rem}
.pp-row>b{padding-top:.5rem;font-weight:600;font-variant-numeric:tabular-nums;white-space:nowrap}
.pp-row>div{min-width:0}
.pp-number{font:.82rem/1.5 ui-monospace,SFMono-Regular,Menlo,monospace;font-variant-numeric:tabular-nums;
 padding:0 .12rem}
</style>"""


def labelled_strips(rows: Sequence[tuple[str, pd.DataFrame]], whose: str) -> str:
    """HTML of several texts' tokens, a strip a row, the same weight in the same colour in all of them.

    Args:
        rows: what stands before each strip, and its table of `pooling.tables.token_table`.
        whose: whose weights they are, for screen readers.
    """
    most = max(table["weight"].max() for _, table in rows)
    width = max(len(label) for label, _ in rows)
    return "".join(
        f'<div class="pp-row"><b style="min-width:{width}ch">{escape(label)}</b>'
        f"<div>{token_strip(table, f'{label}: tokens and their weights under {whose}', most)}</div></div>"
        for label, table in rows
    )


def token_strip(table: pd.DataFrame, label: str, most: float | None = None, *, lit: int | None = None) -> str:
    """HTML of one text's tokens, each shaded by its weight, the number under it.

    Args:
        table: of `pooling.tables.token_table`.
        label: what the strip shows, for screen readers.
        most: the weight at the bright end of the scale; by default this text's largest.
        lit: the position of a token to light up.
    """
    most = max(most or table["weight"].max(), 1e-12)
    joined = [*table["continues"].tolist()[1:], False]
    chips = []
    for row, goes_on in zip(table.to_dict("records"), joined, strict=True):
        back, ink = weight_colours(row["weight"] / most)
        classes = [
            name
            for name, on in (
                ("pp-special", row["special"]),
                ("pp-prompt", row["prompt"]),
                ("pp-left-out", not row["pooled"]),
                ("pp-joined", row["continues"]),
                ("pp-goes-on", goes_on),
                ("pp-lit", row["position"] == lit),
            )
            if on
        ]
        title = escape(about_token(row))
        chips.append(
            f'<li class="{" ".join(classes)}" title="{title}">'
            f'<span class="pp-chip" dir="auto" style="background:{back};color:{ink}">{escape(row["token"])}</span>'
            f'<span class="pp-number">{_share(row)}</span></li>'
        )
    return f'{STYLE}<ol class="pp-strip" aria-label="{escape(label)}">{"".join(chips)}</ol>'


def about_token(row: dict) -> str:
    """What is known of a token of `pooling.tables.token_list` or `token_table`, a line each."""
    about = [
        f"token {row['position']}: {row['token']}",
        "a special token, added by the tokenizer" if row["special"] else "",
        "of the prompt" + ("" if row["pooled"] else ", and not pooled") if row["prompt"] else "",
        "goes on with the word before it" if row["continues"] else "",
        f"id {row['id']}" if row["id"] is not None else "",
        f"norm {number(row['norm'])}",
        f"weight {number(row['weight'])}" if "weight" in row else "",
        f"wins {row['won']} dimensions" if pd.notna(row.get("won")) else "",
    ]
    return "\n".join(part for part in about if part)


def _share(row: dict) -> str:
    """The number under a chip: a weight, or of winners the share of dimensions won."""
    if not row["pooled"]:
        return "–"
    return f"{100 * row['weight']:.1f}%" if pd.notna(row["won"]) else number(row["weight"])
