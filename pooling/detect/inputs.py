"""Texts to token states in every way that a server may read them: prompts, special tokens, masks, padding, a cut."""

import contextlib
import threading
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from pooling.catalogue import ECHO, ONE_WORD, PLAIN, all_models, get_model, split_template
from pooling.encoders import Encoder, Side
from pooling.encoders.loading import positions

Special = Literal["there", "none", "no start", "no end"]
"""What stands of the tokens that the tokenizer adds."""
_causal: weakref.WeakKeyDictionary[Encoder, bool] = weakref.WeakKeyDictionary()
BEFORE_NORM = "before the final norm"
LayerKey = int | tuple[int, ...] | str

INSTRUCTIONS = (
    *("query: {}", "passage: {}", "Query: {}", "Passage: {}", "Document: {}", "document: {}", "Text: {}"),
    *("search_query: {}", "search_document: {}", "classification: {}", "clustering: {}"),
    *("title: none | text: {}", "task: search result | query: {}", "task: sentence similarity | query: {}"),
    "Represent this sentence for searching relevant passages: {}",
    "Represent this sentence for searching relevant passages:{}",
    "Represent this sentence: {}",
    "Represent the document for retrieval: {}",
    "Represent the question for retrieving supporting documents: {}",
    "Represent this question for searching relevant passages: {}",
    "为这个句子生成表示以用于检索相关文章：{}",
    "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: {}",
    "Instruct: Retrieve semantically similar text.\nQuery: {}",
    "Given a web search query, retrieve relevant passages that answer the query: {}",
    "Summarize: {}",
)
"""Prompts that clients and servers put before a text, beside those of the catalogue's models."""


@dataclass(frozen=True)
class Input:
    """How a text becomes what the model reads."""

    template: str = PLAIN
    special: Special = "there"
    lower: bool = False
    flipped: bool = False
    """Under a causal mask where the model's own is full, and the other way round."""

    @property
    def changes(self) -> int:
        """In how many ways it differs from the model's own."""
        return (self.template != PLAIN) + (self.special != "there") + self.lower + self.flipped


@dataclass(frozen=True)
class Padding:
    """What stands beside a text in its batch, and what the model makes of it."""

    side: Side
    attended: bool
    """Whether the attention mask is left out."""
    counted: bool
    """Whether positions are counted over padding."""


class Tokens(NamedTuple):
    """One text as the model reads it."""

    ids: list[int]
    special: list[bool]


class States(NamedTuple):
    """What every layer says of a batch of rows."""

    layers: dict[LayerKey, Tensor]
    mask: Tensor
    special: Tensor


def limit(encoder: Encoder) -> int:
    """Tokens that the model has positions for, whatever its files say it was trained with."""
    return int(min(positions(encoder.model.config.get_text_config()), max(encoder.max_length, 8192)))


def causal(encoder: Encoder) -> bool:
    """Whether a token sees only what stands before it: the first token's state tells, when what follows changes."""
    if encoder not in _causal:
        _causal[encoder] = _looks_causal(encoder)
    return _causal[encoder]


def _looks_causal(encoder: Encoder) -> bool:
    a, b, c = (row.ids[-1] for row in tokenized(encoder, Input(special="none"), ["a", "b", "c"]))
    first = states(encoder, [Tokens([a, other], [False] * 2) for other in (b, c)]).layers[encoder.layers][:, 0]
    return bool((first[0] - first[1]).abs().max() < 1e-5)


def prompts(encoder: Encoder, own: Sequence[str] = ()) -> list[str]:
    """Prompts to try: the reader's, the model's, its chat template, other models' and common instructions."""
    known = [model for model in all_models() if model.name == encoder.name]
    chat = []
    if getattr(encoder.tokenizer, "chat_template", None):
        talk: list[dict[str, str]] = [{"role": "user", "content": PLAIN}]
        with contextlib.suppress(Exception):  # a template of somebody's: whatever it raises, it is left out
            chat = [
                encoder.tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=begun)
                for begun in (True, False)
            ]
    end = encoder.tokenizer.eos_token
    found = [*own, PLAIN, *(text for model in known for _, text in get_model(model.name).prompts), *chat]
    found += [f"{{}}{end}"] if end else []
    found += [text for model in all_models() for _, text in model.prompts]
    found += [ONE_WORD, ECHO, *INSTRUCTIONS]
    return [one for one in dict.fromkeys(found) if len(one.split(PLAIN)) in (2, 3)]


def tokenized(encoder: Encoder, given: Input, texts: Sequence[str]) -> list[Tokens]:
    """Each text as tokens, uncut."""
    parts = split_template(given.template)
    with encoder._tokenizer_lock:
        made = encoder.tokenizer(
            [(text.lower() if given.lower else text).join(parts) for text in texts],
            add_special_tokens=given.special != "none",
            padding=False,
            truncation=False,
            return_attention_mask=False,
            return_special_tokens_mask=True,
            verbose=False,
        )
    rows = []
    for ids, marks in zip(made["input_ids"], made["special_tokens_mask"], strict=True):
        special = [bool(mark) and given.special != "none" for mark in marks]
        start = int(given.special == "no start" and special[:1] == [True])
        stop = len(ids) - int(given.special == "no end" and special[-1:] == [True])
        rows.append(Tokens(ids[start:stop], special[start:stop]))
    return rows


def cut(row: Tokens, most: int) -> Tokens:
    """A row as a tokenizer cuts it: the end of what is no special token goes."""
    over = len(row.ids) - most
    if over <= 0:
        return row
    own = [i for i, special in enumerate(row.special) if not special]
    gone = set(own[max(0, len(own) - over) :])
    kept = [i for i in range(len(row.ids)) if i not in gone]
    return Tokens([row.ids[i] for i in kept], [row.special[i] for i in kept])


def states(
    encoder: Encoder,
    rows: Sequence[Tokens],
    *,
    flipped: bool = False,
    padding: Padding | None = None,
    width: int = 0,
) -> States:
    """One forward pass: the states of every layer, averages of some, and those before the final norm.

    Args:
        encoder: the model.
        rows: texts as tokens.
        flipped: whether the other attention mask is used, see `Input`.
        padding: how shorter rows are padded; on the right, and not seen, by default.
        width: to how many tokens, the longest row's at least.
    """
    width = max(width, *(len(row.ids) for row in rows))
    left = padding is not None and padding.side == "left"
    pad = encoder.tokenizer.pad_token_id or 0

    def padded(values: list, blank: Any) -> list:
        beside = [blank] * (width - len(values))
        return beside + values if left else values + beside

    ids = torch.tensor([padded(row.ids, pad) for row in rows])
    mask = torch.tensor([padded([True] * len(row.ids), False) for row in rows])
    special = torch.tensor([padded(row.special, False) for row in rows])
    seen = torch.ones_like(mask) if padding is not None and padding.attended else mask
    inputs: dict[str, Tensor] = {"input_ids": ids, "attention_mask": seen.long()}
    if encoder._takes_positions and not (padding is not None and padding.counted):
        inputs["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)
    if flipped:
        inputs["attention_mask"] = _other_mask(seen, full=causal(encoder))
    inputs = {name: tensor.to(encoder.device) for name, tensor in inputs.items()}
    with encoder._forwards, torch.no_grad(), _before_norm(encoder) as before:
        out = encoder.model(**inputs, output_hidden_states=True, **encoder._no_cache)
    last = encoder.layers
    layers: dict[LayerKey, Tensor] = {i: hidden.float().cpu() for i, hidden in enumerate(out.hidden_states[:-1])}
    layers[last] = out.last_hidden_state.float().cpu()
    several = [(1, last), (0, last), (last - 1, last), tuple(range(max(0, last - 3), last + 1)), tuple(range(last + 1))]
    for some in dict.fromkeys(several):
        if len(set(some)) > 1:
            layers[some] = torch.stack([layers[one] for one in some]).mean(dim=0)
    if before:
        layers[BEFORE_NORM] = before[0].float().cpu()
    return States(layers, mask, special)


def _other_mask(seen: Tensor, *, full: bool) -> Tensor:
    """Which token sees which, as an amount added to scores; each sees itself, or padding's rows would be nothing."""
    length = seen.shape[1]
    order = torch.ones(length, length, dtype=torch.bool)
    allowed = (order if full else order.tril()) & seen[:, None, :] | torch.eye(length, dtype=torch.bool)
    return torch.where(allowed, 0.0, torch.finfo(torch.float32).min)[:, None]


@contextlib.contextmanager
def _before_norm(encoder: Encoder) -> Iterator[list[Tensor]]:
    """What comes into the model's final norm during a forward pass of this thread; nothing where it has none."""
    kept: list[Tensor] = []
    norm = next((m for n, m in encoder.model.named_children() if n in ("norm", "ln_f", "final_norm")), None)
    if norm is None:
        yield kept
        return
    thread = threading.get_ident()

    def keep(module: torch.nn.Module, given: tuple[Tensor, ...]) -> None:
        if threading.get_ident() == thread:  # others may use the same model meanwhile
            kept.append(given[0])

    hook = norm.register_forward_pre_hook(keep)
    try:
        yield kept
    finally:
        hook.remove()
