"""UMAP on exact neighbours by matrix products, against umap-learn's own approximate search.

    python -m tests.benchmarks.umap_neighbours [--texts 10000] [--file ../shared/data/banking77/train.csv]

Both paths in one run, after one warm-up of both; the table is printed. Embeddings of the default model (mean
pooling) are kept in a file of --cache, for they take a minute or two on two cores.
"""

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import pandas as pd
import torch
from pynndescent import NNDescent

from pooling import embed, load_encoder
from pooling.catalogue import DEFAULT
from pooling.encoders.devices import default_device
from pooling.projection import Umap, belief, nearest_neighbours, to_points, umap_map, warm_up

NEIGHBOURS = 15


def own_search(points: torch.Tensor) -> torch.Tensor:
    """The neighbours umap-learn would look for, with its settings (umap.umap_.nearest_neighbors)."""
    total = len(points)
    trees = min(64, 5 + round(total**0.5 / 20))
    rounds = max(5, round(torch.log2(torch.tensor(float(total))).item()))
    found = NNDescent(
        points.numpy(),
        n_neighbors=NEIGHBOURS,
        metric="cosine",
        random_state=42,
        n_trees=trees,
        n_iters=rounds,
        max_candidates=60,
    )
    return torch.from_numpy(found.neighbor_graph[0])


def timed(work):
    """What some work returns, and how many seconds it took."""
    start = time.perf_counter()
    made = work()
    return made, time.perf_counter() - start


def main() -> None:
    """Measure, and print the table."""
    asks = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asks.add_argument("--texts", type=int, default=10_000)
    asks.add_argument("--file", type=Path, default=Path("../shared/data/banking77/train.csv"))
    asks.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "pooling-benchmarks")
    asked = asks.parse_args()
    texts = pd.read_csv(asked.file)["text"].tolist()[: asked.texts]
    kept = asked.cache / f"{asked.file.stem}-{len(texts)}.pt"
    if not kept.is_file():
        asked.cache.mkdir(parents=True, exist_ok=True)
        torch.save(embed(texts, load_encoder(DEFAULT), ["mean"])["mean"], kept)
    points = to_points(torch.load(kept), "cosine")
    warnings.simplefilter("ignore")
    import umap

    warm_up()
    own_search(points[:500])
    nearest_neighbours(points[:500], NEIGHBOURS, "cosine")

    def theirs() -> torch.Tensor:
        fitted = umap.UMAP(n_neighbors=NEIGHBOURS, metric="cosine", random_state=42, force_approximation_algorithm=True)
        return torch.from_numpy(fitted.fit_transform(points.numpy()))

    exact, exact_time = timed(lambda: nearest_neighbours(points, NEIGHBOURS, "cosine"))
    ours, our_fit = timed(lambda: umap_map(points, exact, Umap(neighbours=NEIGHBOURS), "cosine"))
    approximate, approximate_time = timed(lambda: own_search(points))
    their_map, their_time = timed(theirs)
    # umap-learn counts the text itself as its first neighbour
    others = exact.indices[:, : NEIGHBOURS - 1]
    recall = (approximate[:, :, None] == others[:, None, :]).any(dim=1).float().mean().item()
    rows = [
        ("exact, by blocks", exact_time, 1.0, exact_time + our_fit, belief(points, exact, ours)),
        ("umap-learn's own", approximate_time, recall, their_time, belief(points, exact, their_map)),
    ]
    print(f"{len(points):,} texts, {points.shape[1]} dimensions, {NEIGHBOURS} neighbours, on {default_device()}")
    print(f"{'neighbours':18}{'search s':>10}{'recall':>9}{'whole s':>9}{'trust':>8}{'kept':>7}")
    for name, search, share, whole, judged in rows:
        print(f"{name:18}{search:10.2f}{share:9.4f}{whole:9.1f}{judged.trustworthiness:8.4f}{judged.kept:7.3f}")


if __name__ == "__main__":
    main()
