"""What to notice on the Projection page."""

from collections.abc import Sequence

import pandas as pd

from pooling.labels import LabelScores
from pooling.projection import Belief, Neighbours
from pooling.tables import number


def about_pca(table: pd.DataFrame, shares: tuple[float, ...] | None) -> str:
    """What a PCA map shows, and how much of the whole."""
    if len(table) == 1:
        return "One text is one point, in the middle. Add a second to see a distance."
    if shares is None:
        return (
            f"All {len(table):,} texts have the same embedding, so they share one point. "
            "Choose another strategy or layer."
        )
    first = "x " + number(100 * shares[0]) + "%"
    rest = "".join(f", {axis} {number(100 * share)}%" for axis, share in zip("yz", shares[1:], strict=False))
    hidden = 100 * max(0.0, 1 - sum(shares))
    if hidden < 0.05:
        return f"These axes hold all the variation of these {len(table)} embeddings: {first}{rest}."
    return (
        f"The axes hold {number(100 * sum(shares))}% of the variation of these {len(table):,} embeddings "
        f"({first}{rest}). The other {number(hidden)}% cannot be seen here."
    )


def about_umap(table: pd.DataFrame, neighbours: int) -> str:
    """What a UMAP map shows."""
    return (
        f"UMAP tied each of the {len(table):,} texts to its {neighbours} nearest, itself among them, and laid them "
        "out so that the ties stay short. Who lies beside whom says something; the gaps between clumps and their "
        "sizes say little."
    )


def about_neighbours(table: pd.DataFrame, neighbours: Neighbours) -> str:
    """Where labels and neighbours disagree; nothing to say without labels."""
    if table["label"].nunique() < 2 or len(table) < 3:
        return ""
    labels = table["label"].to_numpy()
    near = neighbours.indices[:, 0].numpy()
    strangers = labels != labels[near]
    if not strangers.any():
        return " Every text's nearest neighbour in the full space has its own label."
    # The most telling stranger is the one that lies nearest to the other label.
    far = neighbours.distances[:, 0].numpy()
    index = min(strangers.nonzero()[0], key=lambda i: far[i])
    return (
        f" {strangers.sum():,} texts are nearest to one with another label: “{_short(table['text'].iloc[index])}” "
        f"({_short(labels[index])}) lies by “{_short(table['text'].iloc[near[index]])}” "
        f"({_short(labels[near[index]])})."
    )


def about_belief(belief: Belief | None, texts: int) -> str:
    """How far to believe a map."""
    if belief is None:
        why = "with fewer than 3 texts there" if texts < 3 else "where all texts share one embedding there"
        return f"No axis has a meaning of its own, and {why} are no neighbours to compare."
    verdict = (
        "You can read neighbourhoods off this map"
        if belief.kept > 0.7
        else "Read whole regions off this map, not single neighbours"
        if belief.trustworthiness > 0.8
        else "Do not read neighbours off this map"
    )
    plural = f"{belief.counted} nearest neighbours" if belief.counted > 1 else "nearest neighbour"
    return (
        f"{verdict}. “Kept” goes by each text's {plural} in the full space. No axis has a meaning of its own: turn or "
        "mirror the map and it says the same."
    )


def about_labels(scores: LabelScores, labels: Sequence[str], strategy: str) -> str:
    """How well the full space separates the labels, against guessing."""
    counts = pd.Series(labels, dtype=object).value_counts()
    if len(counts) < 2:
        return "There is one label only, so there is nothing to separate."
    if scores.accuracy is None:
        return f"Under {strategy} all texts have the same embedding, which separates nothing."
    guess = counts.iloc[0] / len(labels)
    return (
        f"To compare with {strategy}'s 1-NN accuracy: always guessing the most frequent label would have "
        f"{number(guess)}."
    )


def about_strategies(judged: pd.DataFrame) -> str:
    """How unlike the first map the others are."""
    first, others = judged.iloc[0], judged.iloc[1:]
    far = others.loc[others["away from the first"].idxmax()]
    return (
        f"{far['label']}'s map is least like {first['label']}'s: "
        f"{number(far['away from the first'])} away, where 0 is the same map and 1 is nothing in common."
    )


def about_separation(judged: pd.DataFrame) -> str:
    """Who separates the labels best; nothing where none does better."""
    scored = judged[judged["1-NN accuracy"].notna()]
    if len(scored) > 1:
        best = scored.loc[scored["1-NN accuracy"].idxmax()]
        worst = scored.loc[scored["1-NN accuracy"].idxmin()]
        if best["1-NN accuracy"] > worst["1-NN accuracy"]:
            return (
                f"In the full space {best['label']} puts a text of the same label nearest "
                f"{number(100 * best['1-NN accuracy'])}% of the time, {worst['label']} "
                f"{number(100 * worst['1-NN accuracy'])}%."
            )
    return ""


def about_movers(movers: pd.DataFrame) -> str:
    """Which text moved most relative to its neighbours, and whether they are really others."""
    top = movers.iloc[0]
    if top["moved"] == 0:
        return "No text moved."
    kept = f"it keeps {top['neighbours kept']} of its {top['of']} nearest neighbours in the full space"
    text, strategy = _short(top["text"], 60), top["strategy"]
    return f"“{text}” moves most beyond what its neighbours do, under {strategy}. In truth {kept}."


def _short(text: str, length: int = 48) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
