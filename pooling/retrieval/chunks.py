"""Long texts in chunks: by sentences or tokens, each read by itself or pooled from one reading of the whole."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pooling.catalogue import PLAIN
from pooling.encoders import Encoder, Layer, apply
from pooling.encoders.encoder import OVERLAP, LongText, Span
from pooling.evaluation import embed_grid
from pooling.registry import Strategy, get_strategy
from pooling.types import NotComputable, TokenStates

_END = re.compile(r"""[.!?…]+["'”’)\]]*(?=\s+["'“‘(\[]*(?![a-zß-öø-ÿ])\w)|[。！？]+[”’）」]*|\n\s*\n""")
_SHORT = re.compile(
    r"(?:\b(?:[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|cf|al|ca|fig|Fig|vol|Vol|pp|approx|e\.g|i\.e|a\.m|p\.m))\.$"
)


@dataclass(frozen=True)
class Chunking:
    """How a text is cut into chunks.

    Raises:
        ValueError: for no size, or an overlap that is not smaller.
    """

    unit: Literal["sentences", "tokens"] = "sentences"
    size: int = 3
    """Sentences or tokens of a chunk; the last may have fewer."""
    overlap: int = 0
    """How many of them two chunks have in common."""
    late: bool = False
    """Whether chunks are pooled from one reading of the whole text, and so know what stands around them."""

    def __post_init__(self) -> None:
        if self.size < 1 or not 0 <= self.overlap < self.size:
            raise ValueError(
                f"Chunks of {self.size} {self.unit} cannot overlap by {self.overlap}; give a size of 1 or more, and an "
                "overlap below it."
            )

    def spans(self, text: str, encoder: Encoder) -> list[Span]:
        """The characters of each chunk of a text; together they hold all that is not blank."""
        parts = sentences(text) if self.unit == "sentences" else encoder.spans(text)
        return grouped(parts, self.size, self.overlap) or [(0, len(text))]


def sentences(text: str) -> list[Span]:
    """The characters of each sentence, by its mark at the end or a blank line; none is blank.

    A mark ends no sentence after an abbreviation or a single letter, nor before a small letter.
    """
    ends = [
        match.end()
        for match in _END.finditer(text)
        if not _SHORT.search(text, max(0, match.start() - 8), match.start() + 1)
    ]
    made = []
    for start, stop in pairwise([0, *ends, len(text)]):
        part = text[start:stop]
        if part.strip():
            made.append((start + len(part) - len(part.lstrip()), start + len(part.rstrip())))
    return made


def grouped(parts: Sequence[Span], size: int, overlap: int = 0) -> list[Span]:
    """Neighbouring parts in groups of `size`, of which two have `overlap` in common; no group lies within another."""
    step = size - overlap
    starts = range(0, max(1, len(parts) - overlap), step)
    return [(parts[i][0], parts[min(i + size, len(parts)) - 1][1]) for i in starts] if parts else []


@dataclass(frozen=True, eq=False)
class Chunked:
    """The chunks of some texts and their embeddings."""

    spans: list[Span]
    """The characters of each chunk in its text."""
    owner: Int[Tensor, " chunk"]
    """The text that each belongs to, in ascending order."""
    vectors: dict[str, Float[Tensor, "chunk dim"]]
    """Strategy -> embeddings, not normalised."""
    missing: dict[str, str]
    """Why a strategy could not be computed."""


def embed_chunks(
    texts: Sequence[str],
    encoder: Encoder,
    strategies: Iterable[Strategy | str],
    chunking: Chunking,
    *,
    layer: Layer = -1,
    template: str = PLAIN,
    overlap: int = OVERLAP,
    report: Callable[[float], Any] = lambda share: None,
) -> Chunked:
    """Embeddings of every chunk of some texts, from one reading for all strategies.

    Late chunking pools the chunk's own tokens alone, without special tokens and prompt: under CLS its first token
    speaks. A text beyond the model's limit is read in parts, and a chunk knows what stands in its part.
    Source of late chunking: https://arxiv.org/abs/2409.04701

    Args:
        texts: the texts.
        encoder: the model.
        strategies: by name or not.
        chunking: how texts are cut; of chunks read by themselves those beyond the model's limit are cut off.
        layer, template: as in `Encoder.encode`; the prompt stands around each text that is read, or each chunk.
        overlap: tokens that two parts of a text beyond the limit have in common.
        report: told the share that is done; it may raise to end it.

    Raises:
        ValueError: as `Encoder.stream_long` or `embed_grid` do.
    """
    chosen = [get_strategy(one) if isinstance(one, str) else one for one in strategies]
    if chunking.late:
        return _late(texts, encoder, chosen, chunking, layer, template, overlap, report)
    spans = [chunking.spans(text, encoder) for text in texts]
    chunks = [text[start:stop] for text, own in zip(texts, spans, strict=True) for start, stop in own]
    made = embed_grid(chunks, encoder, [layer], chosen, template=template, report=report)
    missing = {name: why for (_, name), why in made.missing.items()}
    flat = [span for own in spans for span in own]
    return Chunked(flat, _owners(spans), made.named(encoder.layer(layer)), missing)


def _late(
    texts: Sequence[str],
    encoder: Encoder,
    strategies: Sequence[Strategy],
    chunking: Chunking,
    layer: Layer,
    template: str,
    overlap: int,
    report: Callable[[float], Any],
) -> Chunked:
    spans: list[list[Span]] = [[] for _ in texts]
    made: list[dict[str, Tensor]] = [{} for _ in texts]
    missing: dict[str, str] = {}
    done, whole, layer = 0, sum(map(len, texts)), encoder.layer(layer)
    for read in encoder.stream_long(texts, layer=layer, template=template, overlap=overlap):
        text = texts[read.index]
        parts = sentences(text) if chunking.unit == "sentences" else read.spans
        held = list(_cut_up(read, grouped(parts, chunking.size, chunking.overlap)))
        spans[read.index] = [span for span, _ in held]
        for strategy in strategies:
            if strategy.name in missing:
                continue
            try:
                pooled = [apply(strategy, states, model=encoder.name, layer=layer).embedding for _, states in held]
            except NotComputable as error:
                missing[strategy.name] = str(error)
                continue
            made[read.index][strategy.name] = torch.cat(pooled)
        done += len(text)
        report(done / whole)
    names = [one.name for one in strategies if one.name not in missing]
    vectors = {name: torch.cat([one[name] for one in made if name in one]) for name in names}
    return Chunked([span for own in spans for span in own], _owners(spans), vectors, missing)


def _cut_up(read: LongText, spans: Iterable[Span]) -> Iterator[tuple[Span, TokenStates]]:
    """The tokens of each chunk, of a text that was read as a whole; a chunk without tokens is left out."""
    states = read.states
    for start, stop in spans:
        inside = [i for i, (begin, end) in enumerate(read.spans) if begin < stop and max(end, begin + 1) > start]
        if inside:
            own = slice(inside[0], inside[-1] + 1)
            masks = states.mask[:, own], states.special[:, own]
            yield (start, stop), TokenStates(states.hidden[:, own], *masks, (states.tokens[0][own],))


def _owners(spans: Sequence[Sequence[Span]]) -> Int[Tensor, " chunk"]:
    """The number of each chunk's text."""
    return torch.arange(len(spans)).repeat_interleave(torch.tensor([len(own) for own in spans]))
