"""What to notice on the Size page."""

import pandas as pd

from pooling.catalogue import Model, short
from pooling.sizes import NEAREST
from pooling.tables import number, points
from pooling.tables.sizes import GIB, HUNDRED_MILLION, MILLION, matryoshka_models


def verdict(table: pd.DataFrame, name: str, measure: str) -> str:
    """What a way of storing takes, and what it loses against whole vectors in float32, in markdown.

    Args:
        table: of `size_table`.
        name: the way.
        measure: what is scored.
    """
    row, whole = (table[table["name"] == one].iloc[0] for one in (name, _whole(table)))
    if name == whole["name"]:
        return (
            f"**{row['label']}: {row['bytes']:,} bytes a text**, as the model gives it. It scores "
            f"{points(row['score'])} points of {measure}."
        )
    less = whole["bytes"] / row["bytes"]
    of = f"{less:.3g} times less" if less > 1 else f"{1 / less:.3g} times as much"
    return (
        f"**{row['label']}: {row['bytes']:,} bytes a text** in place of {whole['bytes']:,}, {of}. "
        f"{_lost(row, measure)}; {points(row['kept'])} of {NEAREST} nearest neighbours are kept."
    )


def memory(size: int, price: int) -> str:
    """What vectors of so many bytes take in memory, and what that costs a month."""
    million, hundred = (size * texts / GIB for texts in (MILLION, HUNDRED_MILLION))
    return (
        f"A million texts take {number(million)} GiB of memory, {number(million * price)} a month at {price:g} a GiB; "
        f"a hundred million take {number(hundred)} GiB, {number(hundred * price)} a month. These are vectors alone; "
        "ids, texts and the links of an index come on top."
    )


def nothing_small_enough(table: pd.DataFrame, lose: int, keep: int) -> str:
    """Why no way is within the limits, or "" where one is."""
    within = table[(table["lost_high"] <= lose) & (table["kept"] >= keep)]
    whole = _whole(table)
    if len(within) and within.iloc[0]["name"] != whole:
        return ""
    return "Nothing smaller than whole vectors in float32 is within these limits for sure."


def about_paths(table: pd.DataFrame, measure: str) -> str:
    """What shortening and number types cost here, of `size_table`."""
    said, rows = [], table.set_index("name")
    dim = int(rows.loc[_whole(table), "dims"])
    types = {kind: f"all-{dim}-{kind}" for kind in ("int8", "binary")}
    lost = {kind: rows.loc[name] for kind, name in types.items() if name in rows.index}
    if len(lost) == 2:
        said.append(
            f"All {dim} dimensions in one byte each, a quarter of the bytes, {_loses(lost['int8'])}; in one bit each, "
            f"a 32nd, {_loses(lost['binary'])}, and of {NEAREST} neighbours {points(lost['binary']['kept'])} are kept."
        )
    half = next((dims for dims in sorted(set(table["dims"]), reverse=True) if dims <= dim / 3), None)
    named = {"first": "the first", "pca": "PCA's", "random": "random"}
    short = {step: f"{step}-{half}-float32" for step in named if f"{step}-{half}-float32" in rows.index}
    if short:
        kept = [f"{named[step]} {half} keep {points(rows.loc[name, 'kept'])}" for step, name in short.items()]
        said.append(f"Of {NEAREST} neighbours, in float32, {', '.join(kept)}.")
    better = table[table["verdict"] == "better"]
    if len(better):
        best = better.loc[better["score"].idxmax()]
        said.append(
            f"{best['label']} even scores {points(-best['lost'])} points of {measure} more than whole vectors, beyond "
            f"chance, on this data; but it keeps {points(best['kept'])} of {NEAREST} neighbours."
        )
    return " ".join(said)


def about_lost(table: pd.DataFrame) -> str:
    """What is lost or gained for sure, what is not, and of what it cannot be told, of `landmark_table`."""
    acts = {"worse": ("loses", "lose"), "better": ("gains", "gain")}
    ways = table[table["name"] != _whole(table)]
    of = {verdict: list(ways.loc[ways["verdict"] == verdict, "label"]) for verdict in (*acts, "same", "open")}
    sure = [
        f"{_list(of[one])} {many if len(of[one]) > 1 else single}" for one, (single, many) in acts.items() if of[one]
    ]
    said = [f"beyond chance {' and '.join(sure)}" if sure else "none loses or gains more than chance could make"]
    if of["same"]:
        said.append(f"{_list(of['same'])} {'score' if len(of['same']) > 1 else 'scores'} as whole vectors do")
    if of["open"]:
        said.append(f"of {_list(of['open'])} it cannot be told")
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def about_matryoshka(model: Model) -> str:
    """Whether the first dimensions of a model were trained to say most, in markdown."""
    trained = matryoshka_models()
    if model.matryoshka:
        return (
            f"{short(model.name)} was trained so that its first dimensions say most (Matryoshka), down to "
            f"{model.matryoshka}: to keep the first k is meant to be done with it."
        )
    return (
        "That the first k dimensions say most is so only where a model was trained for it (Matryoshka). "
        f"{short(model.name)} was not, as far as this app knows: what its first k keep is as it happens, and a random "
        f"choice is the yardstick. Of this app's models {_list([short(one.name) for one in trained])} was."
    )


def _whole(table: pd.DataFrame) -> str:
    """The name of the way that leaves embeddings as they are."""
    whole = table[(table["shortened"] == "") & (table["type"] == "float32")]
    return str(whole.iloc[0]["name"])


def _lost(row: pd.Series, measure: str) -> str:
    low, high = (row["lost_low"], row["lost_high"]) if row["lost"] >= 0 else (-row["lost_high"], -row["lost_low"])
    ends = f"(95% interval {points(low)} to {points(high)})"
    if row["verdict"] == "same":
        return f"Its {measure} is the same in every resample"
    if row["lost"] < 0:
        sure = "beyond chance" if row["verdict"] == "better" else "which may be chance"
        return f"It gains {points(-row['lost'])} points of {measure}, {sure} {ends}"
    sure = "beyond chance" if row["verdict"] == "worse" else "which may be chance"
    return f"It loses {points(row['lost'])} points of {measure}, {sure} {ends}"


def _loses(row: pd.Series) -> str:
    if row["verdict"] == "same" or max(abs(row["lost_low"]), abs(row["lost_high"])) < 0.5:
        return "lose next to nothing"
    what = f"{'lose' if row['lost'] > 0 else 'gain'} {points(abs(row['lost']))} points"
    return what if row["verdict"] in ("worse", "better") else f"{what}, which may be chance"


def _list(names: "pd.Series | list[str]") -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else str(last)
