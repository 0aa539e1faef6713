"""The tables of the Projection page."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pandas as pd
import torch

from pooling.labels import LabelScores
from pooling.projection import MOST_COUNTED, Belief, Map, Metric, Neighbours, kept_neighbours, moved
from pooling.registry import get_strategy


def map_table(made: Map, texts: Sequence[str], labels: Sequence[str]) -> pd.DataFrame:
    """One row a text: number (from 1), text, label ("" without labels), x, y and, in 3D, z."""
    table = pd.DataFrame({"number": range(1, len(texts) + 1), "text": texts, "label": labels or [""] * len(texts)})
    for axis, name in enumerate("xyz"[: made.shape[1]]):
        table[name] = made[:, axis].numpy()
    return table


def found(table: pd.DataFrame, query: str) -> list[int]:
    """The numbers of the texts that contain a query, or have it as their label, capitals ignored."""
    query = query.strip().casefold()
    if not query:
        return []
    return [
        number
        for number, text, label in zip(table["number"], table["text"], table["label"], strict=True)
        if query in text.casefold() or query == label.casefold()
    ]


def neighbour_table(
    table: pd.DataFrame, neighbours: Neighbours, numbers: Sequence[int], metric: Metric, *, each: int
) -> pd.DataFrame:
    """The nearest neighbours, in the full space, of the texts with these numbers.

    Columns: number, text, rank, cosine or distance, neighbour (its text), its label, its number.
    """
    texts, labels = table["text"].tolist(), table["label"].tolist()
    rows = []
    for number in numbers:
        near = neighbours.indices[number - 1, :each].tolist()
        far = neighbours.distances[number - 1, :each].tolist()
        for rank, (other, distance) in enumerate(zip(near, far, strict=True), start=1):
            rows.append(
                {
                    "number": number,
                    "text": texts[number - 1],
                    "rank": rank,
                    "cosine" if metric == "cosine" else "distance": 1 - distance if metric == "cosine" else distance,
                    "neighbour": texts[other],
                    "its label": labels[other],
                    "its number": other + 1,
                }
            )
    made = pd.DataFrame(rows)
    return made if table["label"].any() else made.drop(columns="its label", errors="ignore")


def judgement_table(
    beliefs: dict[str, Belief | None],
    scores: dict[str, LabelScores],
    apart: dict[str, float],
    titles: Mapping[str, str] = MappingProxyType({}),
) -> pd.DataFrame:
    """One row a strategy: how far to believe its map, and how its full space separates labels.

    Columns: name, label, trustworthiness, neighbours kept, away from the first (Procrustes'
    distance), 1-NN accuracy, silhouette; None where there is no such number.
    """
    return pd.DataFrame(
        [
            {
                "name": name,
                "label": titles.get(name) or get_strategy(name).title,
                "trustworthiness": belief.trustworthiness if belief else None,
                "neighbours kept": belief.kept if belief else None,
                "away from the first": apart[name],
                "1-NN accuracy": scores[name].accuracy,
                "silhouette": scores[name].silhouette,
            }
            for name, belief in beliefs.items()
        ]
    ).astype(dict.fromkeys(("trustworthiness", "neighbours kept", "1-NN accuracy", "silhouette"), float))


def mover_table(
    table: pd.DataFrame,
    maps: dict[str, Map],
    neighbours: dict[str, Neighbours],
    titles: Mapping[str, str] = MappingProxyType({}),
    *,
    most: int = 10,
) -> pd.DataFrame:
    """The texts that moved most between the first strategy's map and another, beyond their neighbours.

    Columns: number, text, label, strategy (under which it moved most), moved (1 is the typical
    distance of a point from the centre of the map), neighbours kept (in the full space), of,
    nearest before, nearest after.
    """
    first, *others = maps
    steps = torch.stack([moved(maps[first], maps[name], neighbours[first]) for name in others])
    most_moved, under = steps.max(dim=0)
    texts = table["text"].tolist()
    kept = {name: kept_neighbours(neighbours[first], neighbours[name]) for name in others}
    rows = []
    for index in most_moved.argsort(descending=True, stable=True)[:most].tolist():
        name = others[under[index]]
        before, after = (neighbours[n].indices[index, :1].tolist() for n in (first, name))
        rows.append(
            {
                "number": index + 1,
                "text": texts[index],
                "label": table["label"].iloc[index],
                "strategy": titles.get(name) or get_strategy(name).title,
                "moved": most_moved[index].item(),
                "neighbours kept": int(kept[name][index]),
                "of": min(MOST_COUNTED, neighbours[first].indices.shape[1]),
                "nearest before": texts[before[0]] if before else "",
                "nearest after": texts[after[0]] if after else "",
            }
        )
    return pd.DataFrame(rows)
