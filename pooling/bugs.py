"""The bug museum: real ways to pool wrongly, each one small function beside the right strategy.

Every bug runs without an error, and most give the right answer for a text that stands alone or
for a batch that is padded on the right: that is why they last.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from pooling.encoders import Encoder, Layer
from pooling.registry import get_strategy
from pooling.types import Embedding, TokenStates

MOST_OF_FLOAT16 = 65504.0
"""The largest number that float16 can hold."""


@dataclass(frozen=True)
class Bug:
    """One wrong way to pool: its line of code, the right one, and where it happened."""

    name: str
    title: str
    wrong_code: str
    right_code: str
    strategy: str
    """The name of the strategy it was meant to be."""
    side: Literal["left", "right"]
    """The padding side under which it shows."""
    unnoticed: str
    """Why nobody sees it."""
    link: str
    """Where it happened; empty where it is too common to name a place."""
    pool: Callable[[TokenStates], Embedding]

    def right(self, states: TokenStates) -> Embedding:
        """What it should have been."""
        return get_strategy(self.strategy)(states).embedding


def unmasked_mean(states: TokenStates) -> Embedding:
    """Padding is averaged in."""
    return states.hidden.mean(dim=1)


def max_over_zeros(states: TokenStates) -> Embedding:
    """Padding is set to zero, and zero wins wherever every real value is negative."""
    return (states.hidden * states.mask[:, :, None]).amax(dim=1)


def cls_at_index_zero(states: TokenStates) -> Embedding:
    """Index 0 is padding when the padding is on the left."""
    return states.hidden[:, 0]


def last_by_count(states: TokenStates) -> Embedding:
    """The number of real tokens is taken for the place of the last one."""
    return states.hidden[torch.arange(len(states)), states.mask.sum(dim=1) - 1]


def positions_over_padding(states: TokenStates) -> Embedding:
    """Positions are counted from the edge of the batch, padding included."""
    position = torch.arange(1, states.mask.shape[1] + 1) * states.mask
    weights = position / position.sum(dim=1, keepdim=True)
    return (weights[:, :, None] * states.hidden).sum(dim=1)


def float16_sum(states: TokenStates) -> Embedding:
    """The sum is kept in float16: it rounds at every step, and ends at 65,504."""
    total = torch.zeros(states.hidden.shape[0], states.hidden.shape[2], dtype=torch.float16)
    for token in (states.hidden * states.mask[:, :, None]).half().unbind(dim=1):
        total = total + token
    return total.float() / states.mask.sum(dim=1, keepdim=True)


def normalised_before(states: TokenStates) -> Embedding:
    """Every token is scaled to length 1 first, so that long and short token vectors count alike."""
    unit = torch.nn.functional.normalize(states.hidden, dim=2) * states.mask[:, :, None]
    return unit.sum(dim=1) / states.mask.sum(dim=1, keepdim=True)


def pooled_twice(states: TokenStates) -> Embedding:
    """What is pooled already, [batch, dim], is pooled once more, over its first axis: the batch."""
    pooled = get_strategy("mean")(states).embedding
    return pooled.mean(dim=0, keepdim=True).expand_as(pooled)


def float16_room(states: TokenStates) -> float:
    """How many times larger the hidden states could be before a sum over a text leaves float16."""
    sums = (states.hidden * states.mask[:, :, None]).sum(dim=1)
    return MOST_OF_FLOAT16 / float(sums.abs().max())


BUGS = (
    Bug(
        name="unmasked_mean",
        title="The mean forgets the mask",
        wrong_code="hidden.mean(dim=1)",
        right_code="(hidden * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)",
        strategy="mean",
        side="right",
        unnoticed="A text on its own has no padding and is right. In a batch, each text's embedding depends "
        "on how long its neighbours are.",
        link="https://github.com/HKUDS/LightRAG/pull/3675",
        pool=unmasked_mean,
    ),
    Bug(
        name="max_over_zeros",
        title="The maximum takes padding's zeros",
        wrong_code="(hidden * mask[:, :, None]).amax(dim=1)",
        right_code="hidden.masked_fill(~mask[:, :, None], -torch.inf).amax(dim=1)",
        strategy="max",
        side="right",
        unnoticed="It uses the mask, so it looks careful. Only dimensions that are negative for every token "
        "are wrong, and only in padded texts.",
        link="https://github.com/facebookresearch/InferSent/issues/51",
        pool=max_over_zeros,
    ),
    Bug(
        name="cls_at_index_zero",
        title="CLS is taken from index 0",
        wrong_code="hidden[:, 0]",
        right_code="hidden[torch.arange(batch), mask.int().argmax(dim=1)]",
        strategy="cls",
        side="left",
        unnoticed="Encoders are padded on the right, where index 0 is right. A tokenizer that pads on the left "
        "hands over [PAD].",
        link="https://github.com/huggingface/sentence-transformers/issues/3208",
        pool=cls_at_index_zero,
    ),
    Bug(
        name="last_by_count",
        title="The last token is looked for at mask.sum() − 1",
        wrong_code="hidden[torch.arange(batch), mask.sum(dim=1) - 1]",
        right_code="hidden[torch.arange(batch), length - 1 - mask.flip(1).int().argmax(dim=1)]",
        strategy="last_token",
        side="left",
        unnoticed="Right for padding on the right and for the longest text of a batch. Decoders are padded on "
        "the left, and there it picks padding or a word in the middle.",
        link="https://github.com/opensearch-project/ml-commons/pull/4744",
        pool=last_by_count,
    ),
    Bug(
        name="positions_over_padding",
        title="Positions are counted over padding",
        wrong_code="position = torch.arange(1, length + 1) * mask",
        right_code="position = mask.cumsum(dim=1) * mask",
        strategy="weighted_mean",
        side="left",
        unnoticed="The weights still add up to 1. With much padding on the left they are nearly equal, and the "
        "result looks like a plausible mean.",
        link="",
        pool=positions_over_padding,
    ),
    Bug(
        name="float16_sum",
        title="The sum leaves float16",
        wrong_code="(hidden.half() * mask[:, :, None]).sum(dim=1) / n  # added up in float16",
        right_code="(hidden.float() * mask[:, :, None]).sum(dim=1) / n",
        strategy="mean",
        side="right",
        unnoticed="Short texts and small hidden states stay below 65,504. A longer text, or a model with large "
        "hidden states, gives inf, and a cosine with it is nan.",
        link="https://github.com/ROCm/MIOpen/issues/2109",
        pool=float16_sum,
    ),
    Bug(
        name="normalised_before",
        title="Tokens are normalised before pooling",
        wrong_code="normalize(hidden, dim=2) then mean",
        right_code="mean, then normalize(embedding, dim=1)",
        strategy="mean",
        side="right",
        unnoticed="The embedding is close to the right one, and has a length that nobody looks at. How close "
        "depends on how unequal the token vectors are.",
        link="",
        pool=normalised_before,
    ),
    Bug(
        name="pooled_twice",
        title="What is pooled already is pooled again",
        wrong_code="mean_pooling(model.encode(texts))  # [batch, dim] read as [length, dim]",
        right_code="model.encode(texts)",
        strategy="mean",
        side="right",
        unnoticed="The shape can still fit, and one text alone stays right. In a batch, every text gets the "
        "same vector.",
        link="https://github.com/opensearch-project/ml-commons/issues/4708",
        pool=pooled_twice,
    ),
)


def cosine_to_truth(bug: Bug, states: TokenStates, index: int = 0) -> float:
    """Cosine of a text's wrong embedding to its right one; nan where the wrong one is not finite."""
    wrong, right = bug.pool(states)[index], bug.right(states)[index]
    return float(torch.cosine_similarity(wrong, right, dim=0))


def wrong_and_right(
    texts: Sequence[str], encoder: Encoder, *, layer: Layer, batch_size: int = 32
) -> dict[str, tuple[Float[Tensor, "text dim"], Float[Tensor, "text dim"]]]:
    """Embeddings of a corpus under every bug and under what it was meant to be.

    Batches hold texts in the caller's order, as naive code makes them, each padded on the side
    under which the bug shows.
    """
    made: dict[str, tuple[list[Tensor], list[Tensor]]] = {bug.name: ([], []) for bug in BUGS}
    for start in range(0, len(texts), batch_size):
        batch = list(texts[start : start + batch_size])
        states = {side: encoder.encode(batch, layer=layer, padding_side=side) for side in ("left", "right")}
        for bug in BUGS:
            made[bug.name][0].append(bug.pool(states[bug.side]))
            made[bug.name][1].append(bug.right(states[bug.side]))
    return {name: (torch.cat(wrong), torch.cat(right)) for name, (wrong, right) in made.items()}
