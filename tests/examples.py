"""Token states for tests: small, worked out by hand, and with padding that shouts."""

import torch

from pooling import TokenStates

LOUD = (float("nan"), float("inf"), -float("inf"), 99.0, -99.0)
"""What may stand on padding, and must reach no embedding."""


def states(rows: list[list[list[float]]], *, left: int = 0, right: int = 0, loud: float = 99.0) -> TokenStates:
    """A batch from rows of token vectors, with `left` and `right` columns of loud padding more."""
    length = max(map(len, rows))
    dim = len(rows[0][0])
    hidden = torch.full((len(rows), left + length + right, dim), loud)
    mask = torch.zeros(hidden.shape[:2], dtype=torch.bool)
    attention = torch.full((len(rows), 2, hidden.shape[1]), loud)
    for row, vectors in enumerate(rows):
        start = left + (length - len(vectors) if left else 0)
        hidden[row, start : start + len(vectors)] = torch.tensor(vectors)
        mask[row, start : start + len(vectors)] = True
        # one head looks only at the first token, the other at all alike
        attention[row, 0, start : start + len(vectors)] = 0.0
        attention[row, 0, start] = 1.0
        attention[row, 1, start : start + len(vectors)] = 1 / len(vectors)
    tokens = tuple(tuple(f"t{i}" for i in range(hidden.shape[1])) for _ in rows)
    return TokenStates(hidden, mask, torch.zeros_like(mask), tokens, attention)


# Two texts: three tokens and one. Dimension 1 is negative throughout: a max that forgets the mask
# takes the padding's zero there.
ROWS = [[[1.0, -4.0, 2.0], [3.0, -2.0, 0.0], [2.0, -6.0, -5.0]], [[5.0, -1.0, 7.0]]]
