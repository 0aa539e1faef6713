"""Maps of embeddings: points in two or three dimensions, and how far to believe them.

One glossary more: `axis`, the axes of a map; `rank`, the nearest neighbours of a text, the
nearest first, never the text itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.linalg import orthogonal_procrustes
from torch import Tensor

from pooling import umap_fit
from pooling.catalogue import PLAIN
from pooling.encoders import Encoder, Layer
from pooling.encoders.devices import default_device
from pooling.similarity import pool_all

Metric = Literal["cosine", "euclidean"]
Points = Float[Tensor, "text dim"]
Map = Float[Tensor, "text axis"]

FEWEST_FOR_UMAP = 15
MOST_COUNTED = 10
"""Nearest neighbours that a map is judged by, where there are texts enough."""
BLOCK_CELLS = 8 * 2**20
"""Distances held at a time: 32 MB of float32."""


@dataclass(frozen=True)
class Umap:
    """The settings of a UMAP fit.

    Attributes:
        neighbours: how many neighbours each text is tied to: few show detail, many the whole.
        distance: the least distance of two points on the map, 0 to 1: 0 packs clumps tightly.
        seed: of the random numbers; the same seed gives the same map.
        axes: 2 or 3.
    """

    neighbours: int = 15
    distance: float = 0.1
    seed: int = 42
    axes: int = 2


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest neighbours of every text in the full space, nearest first."""

    indices: Int[Tensor, "text rank"]
    distances: Float[Tensor, "text rank"]
    """Cosine distance, 1 - cosine, or Euclidean distance."""


@dataclass(frozen=True)
class Belief:
    """How far a map can be believed, judged by `counted` nearest neighbours of every text."""

    trustworthiness: float
    """1 when no neighbour on the map is a stranger in the full space; about 0.5 by chance."""
    kept: float
    """Share of the true nearest neighbours that are among the nearest on the map."""
    counted: int


def not_for_a_corpus(encoder: Encoder, layer: Layer, longest: str = "word", *, template: str = PLAIN) -> dict[str, str]:
    """The strategies that a corpus cannot be embedded with at a layer, each with the reason.

    Args:
        encoder: the model.
        layer: the layer.
        longest: the corpus's longest text: attention between very many tokens is not to be had.
        template: the prompt around each text, as in `Encoder.encode`.
    """
    attention = isinstance(layer, int) and layer > 0
    states = encoder.encode([longest], layer=layer, attention=attention, template=template)
    return pool_all(states, model=encoder.name, layer=layer)[1]


def to_points(embeddings: Float[Tensor, "text dim"], metric: Metric) -> Points:
    """Points whose straight-line distances order texts as the metric does.

    For cosine, embeddings scaled to length 1: half their squared distance is 1 - cosine.
    """
    return torch.nn.functional.normalize(embeddings, dim=1) if metric == "cosine" else embeddings


def all_in_one_place(points: Points) -> bool:
    """Whether every text has the same embedding, up to rounding."""
    return bool((points - points[0]).abs().max() <= 1e-5 * points.abs().max().clamp(min=1e-30))


def nearest_neighbours(points: Points, count: int, metric: Metric, *, device: str | None = None) -> Neighbours:
    """The exact nearest neighbours of every text, by matrix products a block of texts at a time.

    Products find the candidates; their distances are then taken from differences, since a product
    loses the digits that tell near-duplicates apart. Of equally near texts the earlier comes first.

    Args:
        points: of `to_points`.
        count: neighbours of each text; at most one fewer than there are texts.
        device: where to compute; by default CUDA when there is one.
    """
    total = len(points)
    count = min(count, total - 1)
    if count < 1:
        return Neighbours(torch.empty(total, 0, dtype=torch.long), torch.empty(total, 0))
    there = points.to(device or default_device())
    # Distances to the centre are smaller numbers, and lose fewer digits.
    there = there - there.mean(dim=0)
    squares = there.square().sum(dim=1)
    candidates = min(count + 8, total - 1)
    rows = max(1, BLOCK_CELLS // max(total, candidates * there.shape[1]))
    found, far = [], []
    for start in range(0, total, rows):
        block = there[start : start + rows]
        squared = squares - 2 * (block @ there.T)  # and + |block|², the same for all of a row
        squared[torch.arange(len(block)), torch.arange(start, start + len(block))] = torch.inf
        near = squared.topk(candidates, largest=False).indices.sort(dim=1).values
        exact = (there[near] - block[:, None]).square().sum(dim=2)
        exact, order = exact.sort(dim=1, stable=True)
        found.append(near.gather(1, order)[:, :count].cpu())
        far.append(exact[:, :count].cpu())
    squared = torch.cat(far)
    return Neighbours(torch.cat(found), squared / 2 if metric == "cosine" else squared.sqrt())


def pca_map(points: Points, axes: int) -> tuple[Map, tuple[float, ...] | None]:
    """The directions in which the points differ most, for any number of them from one.

    Also the share of all variation that each axis shows; None when the points do not vary.
    """
    made = torch.zeros(len(points), axes)
    if all_in_one_place(points):
        return made, None
    left, sizes, right = torch.linalg.svd((points - points.mean(dim=0)).double(), full_matrices=False)
    shown = min(axes, len(sizes))
    # Either sign is right; the largest coefficient is made positive, so that a map never flips.
    biggest = right[:shown].abs().argmax(dim=1, keepdim=True)
    made[:, :shown] = (left[:, :shown] * sizes[:shown] * right[:shown].gather(1, biggest).sign().T).float()
    shares = (sizes.square() / sizes.square().sum())[:shown].tolist()
    return made, (*shares, *[0.0] * (axes - shown))


def umap_map(
    points: Points,
    neighbours: Neighbours,
    settings: Umap,
    metric: Metric,
    *,
    report: Callable[[float], None] = lambda done: None,
) -> Map:
    """A UMAP fit on exact neighbours, started from the PCA map; one at a time in the process.

    The start makes the same seed give the same map, where umap-learn's own start can differ from
    one fit to the next when texts fall into separate groups.

    Args:
        points: of `to_points`, at least `FEWEST_FOR_UMAP`.
        neighbours: of `nearest_neighbours`, with at least `settings.neighbours`, or all there are.
        report: is told the share of the fit that is done; a fit cannot be ended, so raising has no effect.

    Raises:
        ValueError: for too few points.
    """
    total = len(points)
    if total < FEWEST_FOR_UMAP:
        raise ValueError(f"UMAP needs at least {FEWEST_FOR_UMAP} texts, got {total}; use PCA.")
    # UMAP counts a text as its own first neighbour.
    count = min(settings.neighbours, total - 1)
    own = torch.arange(total)[:, None]
    indices = torch.cat([own, neighbours.indices[:, : count - 1]], dim=1).numpy().astype(np.int32)
    distances = torch.cat([torch.zeros(total, 1), neighbours.distances[:, : count - 1]], dim=1).numpy()
    start = pca_map(points, settings.axes)[0].numpy()
    start = start / (np.abs(start).max() or 1)
    start = start + np.random.default_rng(settings.seed).normal(scale=1e-3, size=start.shape)
    fitted = umap_fit.fit(
        points.numpy(),
        indices,
        distances,
        start.astype(np.float32),
        metric=metric,
        distance=settings.distance,
        seed=settings.seed,
        report=report,
    )
    return torch.from_numpy(np.ascontiguousarray(fitted, dtype=np.float32))


def warm_up() -> None:
    """Have umap-learn compiled, which takes some twenty seconds once on a machine, and imported."""
    umap_fit.compile_apart()
    points = torch.randn(FEWEST_FOR_UMAP, 8, generator=torch.Generator().manual_seed(0))
    umap_map(points, nearest_neighbours(points, 5, "euclidean", device="cpu"), Umap(neighbours=5), "euclidean")


def to_scale(points: Map) -> Map:
    """A map moved to its centre and scaled to a typical distance of 1 from there."""
    centred = points - points.mean(dim=0)
    size = centred.square().sum(dim=1).mean().sqrt()
    return centred / size if size > 0 else centred


def align(points: Map, onto: Map) -> tuple[Map, float]:
    """A map turned and mirrored to lie as closely as it can on another, and how far it still is.

    Both are of the same texts and of `to_scale`. The distance is Procrustes': 0 for the same map,
    1 for maps with nothing in common.
    """
    turn, agreement = orthogonal_procrustes(points.double().numpy(), onto.double().numpy())
    likeness = min(1.0, float(agreement) / len(points))
    return points @ torch.from_numpy(turn).float(), 1 - likeness**2


def belief(points: Points, neighbours: Neighbours, made: Map) -> Belief | None:
    """How far a map can be believed; None for fewer than 3 texts, or texts that are all one.

    Args:
        points: of `to_points`.
        neighbours: of `nearest_neighbours` in the full space.
        made: a map of the same texts.

    Trustworthiness is scikit-learn's, computed in blocks: its own takes gigabytes for 10,000 texts.
    Source: https://doi.org/10.1007/3-540-44668-0_68 (Venna and Kaski, 2001)
    """
    total = len(points)
    counted = min(MOST_COUNTED, (total - 1) // 2)
    if counted < 1 or all_in_one_place(points):
        return None
    on_map = nearest_neighbours(made, counted, "euclidean").indices
    true = neighbours.indices[:, :counted]
    kept = (on_map[:, :, None] == true[:, None, :]).any(dim=2).float().mean().item()
    there = (points - points.mean(dim=0)).to(default_device())
    squares = there.square().sum(dim=1)
    rows = max(1, BLOCK_CELLS // total)
    too_far = 0
    for start in range(0, total, rows):
        block = there[start : start + rows]
        squared = squares - 2 * (block @ there.T)
        squared[torch.arange(len(block)), torch.arange(start, start + len(block))] = torch.inf
        near = on_map[start : start + rows].to(there.device)
        for column in range(counted):
            limit = squared.gather(1, near[:, column : column + 1])
            rank = (squared < limit).sum(dim=1) + 1
            too_far += int((rank - counted).clamp(min=0).sum())
    worst = total * counted * (2 * total - 3 * counted - 1) / 2
    return Belief(1 - too_far / worst, kept, counted)


def moved(first: Map, other: Map, neighbours: Neighbours) -> Float[Tensor, " text"]:
    """How far each text moved from one map to another beyond what its neighbours did.

    Args:
        first: a map of `to_scale`.
        other: another of the same texts, of `align`.
        neighbours: of `nearest_neighbours` in the full space of the first; up to `MOST_COUNTED` are used.
    """
    steps = other - first
    near = neighbours.indices[:, :MOST_COUNTED]
    if not near.shape[1]:
        return torch.zeros(len(steps))
    return (steps - steps[near].mean(dim=1)).norm(dim=1)


def kept_neighbours(first: Neighbours, other: Neighbours) -> Int[Tensor, " text"]:
    """How many of a text's nearest neighbours (up to `MOST_COUNTED`) it has under both."""
    a, b = first.indices[:, :MOST_COUNTED], other.indices[:, :MOST_COUNTED]
    return (a[:, :, None] == b[:, None, :]).any(dim=2).sum(dim=1)
