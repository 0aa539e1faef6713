"""Token states for tests: small, worked out by hand, and with padding that shouts."""

from collections.abc import Sequence

import torch

from pooling import TokenStates

LOUD = (float("nan"), float("inf"), -float("inf"), 99.0, -99.0)
"""What may stand on padding, and must reach no embedding."""


def states(
    rows: list[list[list[float]]],
    *,
    left: int = 0,
    right: int = 0,
    loud: float = 99.0,
    special: Sequence[Sequence[int]] = (),
    dtype: torch.dtype = torch.float32,
) -> TokenStates:
    """A batch from rows of token vectors, with `left` and `right` columns of loud padding more.

    Args:
        special: of each row, the places of its special tokens; by default it has none.
    """
    length = max(map(len, rows))
    dim = len(rows[0][0])
    hidden = torch.full((len(rows), left + length + right, dim), loud, dtype=dtype)
    mask = torch.zeros(hidden.shape[:2], dtype=torch.bool)
    added = torch.zeros_like(mask)
    attention = torch.full((len(rows), 2, hidden.shape[1]), loud)
    for row, vectors in enumerate(rows):
        start = left + (length - len(vectors) if left else 0)
        hidden[row, start : start + len(vectors)] = torch.tensor(vectors).to(dtype)
        mask[row, start : start + len(vectors)] = True
        # padding is special too, as tokenizers have it
        added[row] = ~mask[row]
        added[row, [start + place for place in (special[row] if special else ())]] = True
        # one head looks only at the first token, the other at all alike
        attention[row, 0, start : start + len(vectors)] = 0.0
        attention[row, 0, start] = 1.0
        attention[row, 1, start : start + len(vectors)] = 1 / len(vectors)
    tokens = tuple(tuple(f"t{i}" for i in range(hidden.shape[1])) for _ in rows)
    return TokenStates(hidden, mask, added, tokens, attention)


# Two texts: three tokens and one. Dimension 1 is negative throughout: a max that forgets the mask
# takes the padding's zero there.
ROWS = [[[1.0, -4.0, 2.0], [3.0, -2.0, 0.0], [2.0, -6.0, -5.0]], [[5.0, -1.0, 7.0]]]

# The contract's texts: words between special tokens, special tokens alone, one token, one word between special
# tokens. Dimension 1 is negative throughout.
TEXTS = [
    [[0.5, -1.0, 4.0, 0.0], [1.5, -4.0, 2.0, -0.5], [-2.0, -0.25, 1.0, 3.0], [0.25, -6.0, -5.0, 1.0], [2.5, -3, 1, -2]],
    [[3.0, -2.0, 0.5, 1.0], [1.0, -5.0, -0.5, 2.0]],
    [[5.0, -1.0, 7.0, -3.0]],
    [[-1.0, -2.0, 2.0, 0.5], [4.0, -3.5, 0.5, 1.5], [2.0, -0.5, -1.5, -4.0]],
]
SPECIAL = [[0, 4], [0, 1], [], [0, 2]]


def contract(**settings: object) -> TokenStates:
    """The contract's texts as a batch; settings as of `states`."""
    return states(TEXTS, special=SPECIAL, **settings)
