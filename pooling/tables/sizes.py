"""The tables of the Size page; scores are in points, a hundred times what they are."""

import math

import pandas as pd

from pooling.catalogue import MODELS, Model
from pooling.sizes import NEAREST, Measured
from pooling.tables import number, points

MILLION, HUNDRED_MILLION = 10**6, 10**8
GIB = 2**30


def size_table(found: Measured) -> pd.DataFrame:
    """One row a way of storing that has a score, the fewest bytes first, then the highest score.

    Columns: name, label, shortened, dims, type (with what it is rescored in), bytes (a text), score, low, high, lost,
    lost_low, lost_high (points behind whole vectors in float32, to two decimals; the intervals of all such differences
    hold at once), kept (of `NEAREST` neighbours), verdict ("worse" or "better" than whole ones beyond chance, "same" or
    "open"), front (whether nothing with as few bytes scores as high).
    """
    rows = []
    for name, one in found.stored.items():
        if name not in found.compared.scores:
            continue
        score, low, high = found.compared.score(name)
        lost, least, most = found.compared.lead(found.whole, name)
        same = found.compared.never_apart(found.whole, name)
        verdict = "same" if same else "worse" if least > 0 else "better" if most < 0 else "open"
        kind = f"{one.way.type} + {one.way.rescored}" if one.way.rescored else one.way.type
        ends = [100 * score, 100 * low, 100 * high, *(round(100 * end, 2) + 0.0 for end in (lost, least, most))]
        rows.append(
            (name, one.way.label, one.way.shortened, one.way.dims, kind, one.bytes, *ends, NEAREST * one.kept, verdict)
        )
    columns = ["name", "label", "shortened", "dims", "type", "bytes", "score", "low", "high"]
    columns += ["lost", "lost_low", "lost_high", "kept", "verdict"]
    table = pd.DataFrame(rows, columns=columns).sort_values(["bytes", "score"], ascending=[True, False])
    best = table["score"].cummax()
    table["front"] = (table["score"] >= best) & (best > best.shift(fill_value=-math.inf))
    return table.reset_index(drop=True)


def smallest(table: pd.DataFrame, lose: int, keep: int) -> str:
    """The way with the fewest bytes that loses no more points for sure, and keeps as many neighbours; "" for none.

    Args:
        table: of `size_table`.
        lose: points; the upper end of the interval counts.
        keep: of `NEAREST` neighbours, on average.
    """
    within = table[(table["lost_high"] <= lose) & (table["kept"] >= keep)]
    return "" if within.empty else str(within.iloc[0]["name"])


def landmark_table(table: pd.DataFrame, chosen: str) -> pd.DataFrame:
    """Of `size_table` the front, all dimensions in each number type, and the row that is chosen."""
    return table[table["front"] | (table["shortened"] == "") | (table["name"] == chosen)].reset_index(drop=True)


def cost_table(table: pd.DataFrame, price: int) -> pd.DataFrame:
    """What the rows of `size_table` take for a million and for a hundred million texts.

    Args:
        table: of `size_table`.
        price: of a GiB of memory for a month.
    """
    return pd.DataFrame(
        {
            "stored as": table["label"],
            "bytes a text": table["bytes"],
            "score": table["score"].round(1),
            "points lost": [points(lost) for lost in table["lost"]],
            "95% interval": [
                f"{points(low)} to {points(high)}"
                for low, high in zip(table["lost_low"], table["lost_high"], strict=True)
            ],
            "neighbours kept, of 10": table["kept"].round(1),
            "GiB, a million": [number(size * MILLION / GIB) for size in table["bytes"]],
            "GiB, a hundred million": [number(size * HUNDRED_MILLION / GIB) for size in table["bytes"]],
            "a month, a hundred million": [number(price * size * HUNDRED_MILLION / GIB) for size in table["bytes"]],
        }
    )


def matryoshka_models() -> list[Model]:
    """The models of the catalogue that were trained so that their first dimensions say most."""
    return [model for model in MODELS if model.matryoshka]
