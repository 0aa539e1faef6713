"""What to notice on the Hidden States page."""

import math
from collections.abc import Sequence

import pandas as pd

from pooling.layers import HOG, Background
from pooling.tables import number

OUTSTANDING = 20.0
"""Times the average size from which a value is worth a word: it rules every length and cosine of its token."""


def about_mixing(layer: int, last: int) -> str:
    """What the vectors of a layer are made from."""
    return (
        "Layer 0 knows each token by itself, in most models with its place, and nothing of its neighbours yet."
        if layer == 0
        else f"Layer {layer} of {last}: each token has taken in what it attends to, {layer} time{'s' * (layer > 1)}."
    )


def about_matrix(matrix: pd.DataFrame, *, least: float = 0.0) -> str:
    """The largest value of a matrix, where that is at least so many times the average size."""
    size = matrix.abs().to_numpy()
    place, times = divmod(int(size.argmax()), matrix.shape[1]), float(size.max() / size.mean())
    if times < least:
        return ""
    return (
        f"The largest value here is {number(float(matrix.iat[place]))}, at token {matrix.index[place[0]]} "
        f"in dimension {matrix.columns[place[1]]}: {number(times)} times the average size."
    )


def about_norms(table: pd.DataFrame, layer: int) -> str:
    """Whose vector is the longest, and why."""
    top = table.loc[table["norm"].idxmax()]
    name = f"{top['token']!r} (token {top['position']})"
    times = number(top["times_median"])
    if top["hog"]:
        return (
            f"{name} hogs the norm: {number(top['norm'])}, {times} times the median. Transformers park attention "
            "that has nowhere to go on one token that every text has, often the first or a separator; its huge "
            "vector says next to nothing about the text, but in a mean it counts as much as its length."
        )
    return (
        f"No token hogs the norm at layer {layer}: {name} is the longest, {number(top['norm'])}, only {times} times "
        f"the median. From {HOG:g} times on it would be marked: such a token would rule a mean."
    )


def about_cosines(cosines: pd.DataFrame, tokens: pd.DataFrame, layer: int) -> str:
    """Which two tokens are most alike."""
    if len(cosines) < 2:
        return "There is one token, and nothing to compare it with."
    values = cosines.to_numpy().tolist()
    pairs = [(values[i][j], i, j) for i in range(len(values)) for j in range(i)]
    high, i, j = max(pairs)
    low, k, m = min(pairs)
    token = tokens["token"].tolist()
    mean = sum(cosine for cosine, _, _ in pairs) / len(pairs)
    return (
        f"At layer {layer}, {token[j]!r} and {token[i]!r} point most nearly the same way, cosine {number(high)}; "
        f"{token[m]!r} and {token[k]!r} least, {number(low)}. "
        f"The average of all {len(pairs):,} pairs is {number(mean)}."
    )


def about_change(change: pd.DataFrame, tokens: pd.DataFrame) -> str:
    """Where meaning changes most."""
    means = change.astype(float).mean()
    step = int(means.idxmin())
    row, column = divmod(int(change.to_numpy().argmin()), change.shape[1])
    return (
        f"Tokens change most on the way to layer {step}, on average; the largest single change is that of "
        f"{tokens['token'].iat[row]!r} (token {tokens['position'].iat[row]}) at layer {change.columns[column]}."
    )


def readout(name: str | None, cosines: Sequence[float] | None, layers: int) -> list[str]:
    """The line over the plane of each layer."""
    if name is None or cosines is None:
        return [f"layer {layer}" for layer in range(layers + 1)]
    return [f"layer {layer}: {name} and {name}, cosine {number(cosine)}" for layer, cosine in enumerate(cosines)]


def about_drift(name: str | None, cosines: Sequence[float] | None, shown: float, layer: int) -> str:
    """How far one word's two vectors are from each other, at the input and at the end."""
    share = "" if math.isnan(shown) else f" At layer {layer} the plane shows {number(100 * shown)}% of the variance."
    if name is None or cosines is None:
        return f"These two sentences share no word, so there is none to follow.{share}"
    first, last = cosines[0], cosines[-1]
    turn = min(range(len(cosines)), key=lambda at: cosines[at])
    if last < first - 0.005:
        moved = "The word is the same; its two vectors drift apart as each takes in its own neighbours"
    elif last > first + 0.005:
        moved = "Its two vectors come closer as they take in their neighbours"
    else:
        moved = "Its two vectors end as far apart as they began"
    furthest = "" if turn in (0, len(cosines) - 1) else f", furthest at layer {turn} ({number(cosines[turn])})"
    return (
        f"Cosine of {name!r} in one sentence and {name!r} in the other: {number(first)} at layer 0, "
        f"{number(last)} at layer {len(cosines) - 1}. {moved}{furthest}.{share}"
    )


def about_reading(table: pd.DataFrame, random_pairs: Background, layer: int, name: str | None) -> str:
    """What a cosine means at this layer."""
    row = table.loc[layer]
    said = (
        f"At layer {layer}, two tokens of unrelated sentences have a cosine of {number(row['mean'])} on average, and "
        f"one pair in twenty is above {number(row['high'])}."
    )
    said += f" A cosine of 0.8 is reached by {_of_pairs(random_pairs.share_above(layer, 0.8))}"
    if name is not None:
        own = random_pairs.share_above(layer, row["word"])
        said += f", that of your two {name!r}, {number(row['word'])}, by {_of_pairs(own)}"
    if math.isnan(row["sentence"]):
        return f"{said}."
    return f"{said}. Two tokens of your first sentence have {number(row['sentence'])} on average."


def _of_pairs(share: float) -> str:
    return f"{100 * share:.1f}% of them" if share > 0 else "fewer than 0.1% of them"
