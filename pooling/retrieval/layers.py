"""A search at every layer under every strategy, from one pass over the texts."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from pooling.after import Step, values_after
from pooling.evaluation import ROUNDING, Cell, Grid
from pooling.retrieval.data import SearchData
from pooling.retrieval.ranking import Found, measure

SAME = "It gives every text the same vector here, so what is found first means nothing."


def tells_apart(vectors: Float[Tensor, "text dim"]) -> bool:
    """Whether some embeddings point another way than the others, beyond rounding; one alone is told from nothing."""
    directions = normalize(vectors.float(), dim=1)
    return len(vectors) < 2 or bool((directions - directions[:1]).abs().max() > ROUNDING)


def grid_cosines(passages: Grid, queries: Grid, steps: Mapping[Cell, Sequence[Step]] | None = None) -> Grid:
    """The cosine of each passage to each query [passage, query], in each cell that both have.

    Args:
        passages: of `embed_grid`; some of those that are searched, or all.
        queries: likewise.
        steps: after pooling, of each cell, fitted; by default none.
    """
    made = Grid(missing=queries.missing | passages.missing, cut=passages.cut)
    for cell, vectors in passages.vectors.items():
        if cell in queries.vectors:
            after = (steps or {}).get(cell, ())
            given, asked = (normalize(values_after(one, after), dim=1) for one in (vectors, queries.vectors[cell]))
            made.vectors[cell] = given @ asked.T
    return made


def score_cells(cosines: Grid, data: SearchData, name: str = "nDCG@10") -> dict[Cell, float | None]:
    """The mean of one of `MEASURES` over the queries in each cell; None where all cosines are the same.

    Args:
        cosines: of `grid_cosines`, a row each passage of the data and a column each query.
        data: what is searched.
    """
    made: dict[Cell, float | None] = {}
    everything = torch.arange(len(data.passages))
    for cell, one in cosines.vectors.items():
        if len(one) > 1 and bool((one.amax(dim=0) - one.amin(dim=0)).max() < ROUNDING):
            made[cell] = None
            continue
        found = Found(data)
        found.add(one.T.contiguous(), everything)
        made[cell] = float(measure(found.ranking(), data, [name])[name].mean())
    return made
