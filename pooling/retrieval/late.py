"""No pooling: every token keeps its vector, and a score joins each token of the query to its best in the passage."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from pooling.types import TokenStates

Tokens = Float[Tensor, "_ dim"]
"""The vectors of one text's tokens, each of length 1."""

FACTORS = (1, 2, 4, 8)
CELLS_AT_ONCE = 2**24
"""Cosines of tokens that are held at a time."""


def token_vectors(states: TokenStates, *, special: bool = True) -> list[Tokens]:
    """The tokens that pooling would pool, one matrix a text, each vector scaled to length 1.

    Args:
        states: of the last layer, or another.
        special: whether tokens that the tokenizer added, such as [CLS] and [SEP], are among them, as in ColBERT;
            without them a text keeps them all the same when it has no others.
    """
    own = states.mask & ~states.special
    mask = states.mask if special else torch.where(own.any(dim=1, keepdim=True), own, states.mask)
    return [normalize(hidden[kept].float(), dim=1).cpu() for hidden, kept in zip(states.hidden, mask, strict=True)]


def leading(states: TokenStates, *, special: bool = True) -> int:
    """How many tokens `merge_tokens` should protect: 1 where a text begins with one that the tokenizer added."""
    return int(special and bool(states.special[0][states.mask[0]][0]))


def merged_tokens(states: TokenStates, factors: Sequence[int], *, special: bool = True) -> dict[int, list[Tokens]]:
    """The token vectors of each text, merged by each of the factors; those of `token_vectors` and `merge_tokens`."""
    protected, texts = leading(states, special=special), token_vectors(states, special=special)
    return {factor: [merge_tokens(one, factor, protected=protected) for one in texts] for factor in factors}


def max_sim(queries: Sequence[Tokens], passages: Sequence[Tokens]) -> Float[Tensor, "query passage"]:
    """The mean, over the tokens of the query, of the cosine to the token of the passage that is nearest.

    ColBERT's sum is this times the number of the query's tokens, which ranks the same.
    Source: https://arxiv.org/abs/2004.12832
    """
    asked, lengths = torch.cat(list(queries)), [len(one) for one in queries]
    begins = np.cumsum([0, *lengths[:-1]])
    made = torch.empty(len(queries), len(passages))
    start, block = 0, max(1, CELLS_AT_ONCE // len(asked))
    while start < len(passages):
        stop, tokens = start + 1, len(passages[start])
        while stop < len(passages) and tokens + len(passages[stop]) <= block:
            tokens += len(passages[stop])
            stop += 1
        some = passages[start:stop]
        cosines = (torch.cat(list(some)) @ asked.T).numpy()
        nearest = np.maximum.reduceat(cosines, np.cumsum([0, *(len(one) for one in some[:-1])]), axis=0)
        sums = np.add.reduceat(nearest, begins, axis=1)
        made[:, start:stop] = torch.from_numpy(sums).T / torch.tensor(lengths)[:, None]
        start = stop
    return made


def nearest_tokens(
    query: Float[Tensor, "token dim"], passage: Tokens
) -> tuple[Int[Tensor, " token"], Float[Tensor, " token"]]:
    """For each token of a query the nearest of a passage, by its number, and their cosine; their mean is `max_sim`."""
    best = (query @ passage.T).max(dim=1)
    return best.indices, best.values


def merge_tokens(tokens: Tokens, factor: int, *, protected: int = 1) -> Tokens:
    """A text's token vectors merged to about one for every `factor` of them: hierarchical token pooling.

    Tokens that lie near each other by cosine become their mean, by Ward's linkage, scaled to length 1 again. The
    first `protected` ones stay, such as [CLS].
    Source: https://arxiv.org/abs/2409.14683

    Raises:
        ValueError: for a factor below 1.
    """
    if factor < 1:
        raise ValueError(f"The factor {factor} would make more tokens; give 1 or more.")
    first, rest = tokens[:protected], tokens[protected:]
    groups = max(1, len(rest) // factor)
    if groups >= len(rest):
        return tokens
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    apart = (1 - rest @ rest.T).clamp(0, 2).double().numpy()
    tree = linkage(squareform(apart, checks=False), method="ward")
    _, group = np.unique(fcluster(tree, groups, "maxclust"), return_inverse=True)
    sums = one_hot(torch.from_numpy(group)).float().T @ rest  # of the mean and of the sum the direction is the same
    return torch.cat([first, normalize(sums, dim=1)])
