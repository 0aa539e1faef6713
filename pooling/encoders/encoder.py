"""Texts to token states: the transformer's forward passes."""

import contextlib
import copy
import dataclasses
import inspect
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

from pooling.after import Step
from pooling.catalogue import PLAIN, says_twice, split_template
from pooling.encoders.devices import check_bfloat16
from pooling.encoders.tokens import Piece, Row, as_texts, cut, pieces, to_rows, windows
from pooling.token_strings import spell_bytes
from pooling.token_weights import first_real_token
from pooling.types import TokenStates

Layer = int | tuple[int, ...]
Side = Literal["left", "right"]

TOKEN_BUDGET = {"cpu": 1024, "mps": 16384, "cuda": 65536}
"""Tokens of one batch of a corpus, padding included: on a CPU few, for less padding and what the cache holds."""
LAYERS_BUDGET = {"cpu": 1024, "mps": 4096, "cuda": 16384}
"""The same where several layers are kept."""
ATTENTION_BYTES = 72 * 2**20
"""Of the attention matrices of one batch, every head's and layer's: 4 texts of 256 tokens in the default model."""
MOST_ATTENTION = 2**31
"""Bytes that the attention of one text may take, in all layers together."""
FORWARDS_AT_ONCE = 2
OVERLAP = 32
"""Tokens that two parts of a long text have in common."""

Span = tuple[int, int]
"""Characters of a text: the first, and the one behind the last."""


@dataclasses.dataclass(frozen=True, eq=False)
class LongText:
    """Every token of a text, however long."""

    index: int
    """Which text."""
    states: TokenStates
    """A batch of one: the text's own tokens, without special tokens and prompt."""
    spans: list[Span]
    """The characters that each token stands for."""


class Encoder:
    """A frozen transformer with its tokenizer; safe to share between threads.

    Attributes:
        name: the model's name.
        layers: number of transformer layers L; hidden states exist for layers 0..L.
        dim: dimensions of a hidden state.
        max_length: tokens a text may have, special tokens included.
        trained_pooling: name of the strategy it was trained with, None when nothing says so.
        after: what its own files do after pooling, as steps.
        longest_attention: tokens a text may have for its attention to be given; of a longer one it would be too large.
    """

    def __init__(
        self,
        name: str,
        model: Any,
        tokenizer: Any,
        *,
        max_length: int,
        trained_pooling: str | None = None,
        after: Sequence[Step] = (),
    ):
        self.name, self.model, self.tokenizer = name, model, tokenizer
        self.max_length, self.trained_pooling, self.after = max_length, trained_pooling, tuple(after)
        self.device = torch.device(model.device)
        config = model.config.get_text_config()
        self.layers, self.dim = config.num_hidden_layers, config.hidden_size
        # Every head of every layer has a number for each two tokens.
        self.longest_attention = int((MOST_ATTENTION / (4 * self.layers * config.num_attention_heads)) ** 0.5)
        # One fast tokenizer called by two threads at once can answer with wrong lengths.
        self._tokenizer_lock = threading.Lock()
        self._eager_lock = threading.Lock()
        self._forwards = threading.BoundedSemaphore(FORWARDS_AT_ONCE)

    @property
    def normalises(self) -> bool:
        """Whether its own pipeline scales embeddings to length 1."""
        return any(step.name == "l2" for step in self.after)

    def encode(
        self,
        texts: Iterable[Any],
        *,
        layer: Layer = -1,
        attention: bool = False,
        padding_side: Side = "right",
        pad_to: int = 0,
        template: str = PLAIN,
        pool_template: bool = True,
        attend_padding: bool = False,
    ) -> TokenStates:
        """The token states of a handful of texts, all in one batch, on the CPU in float32.

        Args:
            texts: the texts; none may be blank.
            layer: 0 (input embeddings) to L, -1 for L, or several to average, such as (1, L).
            attention: also give what the first real token attends to at that layer, in texts of up to
                `longest_attention` tokens.
            padding_side: where shorter texts are padded.
            pad_to: pad to at least this many tokens.
            template: a prompt with `{}` where the text goes; too long a text is cut, never the prompt. With `{}`
                twice the text is said twice: its first copy is attended to, and never pooled.
            pool_template: whether the prompt's tokens are pooled; they are attended to either way.
            attend_padding: the bug of leaving the attention mask out: padding is read like text.

        Raises:
            ValueError: for what is blank or no text (naming its position), no text, no such layer, or a
                template without `{}` or with no room for the text.
        """
        layer = self._with_attention(layer) if attention else self.layer(layer)
        rows = self._tokenize(as_texts(texts), template)
        width = max(pad_to, *(len(row.ids) for row in rows))
        step = max(1, self._at_once_with_attention(width)) if attention else len(rows)
        parts = [
            self._forward(rows[i : i + step], [layer], padding_side, width, attention, pool_template, attend_padding)[0]
            for i in range(0, len(rows), step)
        ]
        prompts = [part.prompt for part in parts if part.prompt is not None]
        attentions = [part.attention for part in parts if part.attention is not None]
        return TokenStates(
            hidden=torch.cat([part.hidden for part in parts]).float().cpu(),
            mask=torch.cat([part.mask for part in parts]).cpu(),
            special=torch.cat([part.special for part in parts]).cpu(),
            tokens=tuple(row for part in parts for row in part.tokens),
            attention=torch.cat(attentions).cpu() if attentions else None,
            ids=tuple(row for part in parts for row in part.ids),
            lost=tuple(lost for part in parts for lost in part.lost),
            prompt=torch.cat(prompts).cpu() if prompts else None,
        )

    def encode_layers(
        self, texts: Iterable[Any], *, template: str = PLAIN, pool_template: bool = True
    ) -> list[TokenStates]:
        """The token states of a few texts at every layer, 0 to L, from one forward pass, on the CPU in float32.

        Raises:
            ValueError: as `encode` does.
        """
        rows = self._tokenize(as_texts(texts), template)
        width = max(len(row.ids) for row in rows)
        made = self._forward(rows, range(self.layers + 1), "right", width, pool_template=pool_template)
        return [
            dataclasses.replace(
                states,
                hidden=states.hidden.float().cpu(),
                mask=states.mask.cpu(),
                special=states.special.cpu(),
                prompt=None if states.prompt is None else states.prompt.cpu(),
            )
            for states in made
        ]

    def stream(
        self,
        texts: Iterable[Any],
        *,
        layer: Layer = -1,
        attention: bool = False,
        template: str = PLAIN,
        pool_template: bool = True,
        bfloat16: bool = False,
    ) -> Iterator[tuple[list[int], TokenStates]]:
        """The token states of a corpus, a batch at a time, on the encoder's device.

        Texts of like length share a batch, the longest first, so that little is padding and
        too large a batch fails at once; they are tokenized some thousand at a time. `indices` say
        which texts, by the caller's order. Attention and the template work as in `encode`. In
        bfloat16 the model computes faster and coarser; what it says comes in float32 all the same.

        Raises:
            ValueError: as `encode` does, or for bfloat16 where the device has none.
        """
        if bfloat16:
            check_bfloat16(self.device)
        layer = self._with_attention(layer) if attention else self.layer(layer)
        budget = TOKEN_BUDGET[self.device.type]
        for indices, rows, width in self._batches(texts, template, budget, attention):
            made = self._forward(rows, [layer], "right", width, attention, pool_template, bfloat16=bfloat16)
            yield indices, made[0]

    def stream_layers(
        self,
        texts: Iterable[Any],
        layers: Sequence[Layer],
        *,
        template: str = PLAIN,
        pool_template: bool = True,
    ) -> Iterator[tuple[list[int], list[TokenStates]]]:
        """As `stream`, for several layers from one forward pass; with attention where a layer has one.

        Raises:
            ValueError: as `encode` does.
        """
        layers = [self.layer(layer) for layer in layers]
        for indices, rows, width in self._batches(texts, template, LAYERS_BUDGET[self.device.type], True):
            yield indices, self._forward(rows, layers, "right", width, True, pool_template)

    def stream_long(
        self, texts: Iterable[Any], *, layer: Layer = -1, template: str = PLAIN, overlap: int = OVERLAP
    ) -> Iterator[LongText]:
        """Every token of each text: one beyond the model's limit is read in parts that overlap, the longest text first.

        A token that two parts have is taken from the one in which it is farther from the cut.

        Raises:
            ValueError: as `encode` does; for a prompt that says the text twice; where the prompt leaves no room.
        """
        texts, layer = as_texts(texts), self.layer(layer)
        if says_twice(template):
            raise ValueError("A prompt that says the text twice cannot be read in parts; use {} once.")
        before, budget = len(split_template(template)[0]), TOKEN_BUDGET[self.device.type]
        for window in windows(texts):
            rows, offsets = self._take_apart([texts[i] for i in window], template, offsets=True)
            order = sorted(range(len(rows)), key=lambda at: -len(rows[at].ids))
            waiting: list[tuple[int, Piece]] = [
                (at, piece) for at in order for piece in pieces(rows[at], self.max_length, overlap, self.name)
            ]
            hidden: dict[int, list[Tensor]] = {}
            while waiting:
                width = len(waiting[0][1].row.ids)
                batch, waiting = waiting[: max(1, budget // width)], waiting[max(1, budget // width) :]
                width = max(len(piece.row.ids) for _, piece in batch)
                made = self._forward([piece.row for _, piece in batch], [layer], "right", width)[0]
                for one, (at, piece) in zip(made.hidden, batch, strict=True):
                    hidden.setdefault(at, []).append(one[piece.places].float().cpu())
                unfinished = waiting[0][0] if waiting else None
                for at in [at for at in hidden if at != unfinished]:
                    own = [i for i, mine in enumerate(rows[at].text) if mine]
                    spans = [(offsets[at][i][0] - before, offsets[at][i][1] - before) for i in own]
                    states = self._own_tokens(torch.cat(hidden.pop(at)), [rows[at].ids[i] for i in own])
                    if states is not None:
                        yield LongText(window[at], states, spans)

    def _own_tokens(self, hidden: Tensor, ids: list[int]) -> TokenStates | None:
        """A text's own tokens as a batch of one; None for a text of which the tokenizer left nothing."""
        if not ids:
            return None
        mask = torch.ones(1, len(ids), dtype=torch.bool)
        return TokenStates(hidden[None], mask, ~mask, (self._spell(ids, [True] * len(ids)),), ids=(tuple(ids),))

    def spans(self, text: str) -> list[Span]:
        """The characters of a text that each of its tokens stands for, however many; special tokens left out.

        Raises:
            ValueError: for a blank text, or a tokenizer that cannot say.
        """
        rows, offsets = self._take_apart(as_texts([text]), PLAIN, offsets=True)
        return [span for span, own in zip(offsets[0], rows[0].text, strict=True) if own]

    def length(self, text: str, template: str = PLAIN) -> int:
        """How many tokens of a text in its prompt the model reads, special tokens included, its limit at most.

        Raises:
            ValueError: for a blank text, or a template as in `encode`.
        """
        return len(self._tokenize(as_texts([text]), template)[0].ids)

    def check_template(self, template: str) -> None:
        """Whether a prompt can be put around any text.

        Raises:
            ValueError: when it holds `{}` neither once nor twice, leaves no room for a text, or cannot be told apart.
        """
        self._tokenize(["x " * self.max_length], template)

    def layer(self, layer: Layer) -> Layer:
        """A layer, or several to average, as numbers from 0 to L.

        Raises:
            ValueError: when the model has no such layer.
        """
        if isinstance(layer, tuple) and layer:
            return tuple(self.layer(one) for one in layer)  # type: ignore[misc]
        if isinstance(layer, int) and -1 <= layer <= self.layers:
            return self.layers if layer == -1 else layer
        raise ValueError(f"{self.name} has layers 0 to {self.layers}, not {layer!r}.")

    def _with_attention(self, layer: Layer) -> int:
        """A layer that has attention, as a number.

        Raises:
            ValueError: when it has none.
        """
        layer = self.layer(layer)
        if not (isinstance(layer, int) and layer > 0):
            raise ValueError("Attention belongs to one transformer layer; choose one from 1 up.")
        return layer

    def _batches(
        self, texts: Iterable[Any], template: str, budget: int, attention: bool
    ) -> Iterator[tuple[list[int], list[Row], int]]:
        """A corpus in batches of so many tokens, the longest first: which texts, their tokens, and the width."""
        texts = as_texts(texts)
        for window in windows(texts):
            rows = self._tokenize([texts[i] for i in window], template)
            order = sorted(range(len(rows)), key=lambda i: -len(rows[i].ids))
            start = 0
            while start < len(order):
                width = max(1, len(rows[order[start]].ids))  # without a token there is padding alone, and a refusal
                size = min(budget // width, self._at_once_with_attention(width)) if attention else budget // width
                chosen = order[start : start + max(1, size)]
                yield [window[i] for i in chosen], [rows[i] for i in chosen], width
                start += len(chosen)

    def _at_once_with_attention(self, width: int) -> int:
        """Texts of so many tokens whose attention is computed at a time: it comes for all layers at once."""
        heads = self.model.config.get_text_config().num_attention_heads
        return ATTENTION_BYTES // (4 * heads * self.layers * width**2)

    def _tokenize(self, texts: list[str], template: str) -> list[Row]:
        """Each text as tokens, in its prompt, within the model's limit."""
        return [cut(row, self.max_length, self.name) for row in self._take_apart(texts, template)[0]]

    def _take_apart(
        self, texts: list[str], template: str, *, offsets: bool = False
    ) -> tuple[list[Row], list[list[Span]]]:
        """Each text as tokens, in its prompt; where they are asked for, the characters of both that each stands for."""
        parts, wrapped = split_template(template), template != PLAIN
        if (wrapped or offsets) and not self.tokenizer.is_fast:
            what = "a prompt from its text; use no prompt" if wrapped else "which characters a token stands for"
            raise ValueError(f"The tokenizer of {self.name} cannot tell {what}.")
        with self._tokenizer_lock:
            made = self.tokenizer(
                [text.join(parts) for text in texts],
                padding=False,
                truncation=False,
                return_attention_mask=False,
                return_special_tokens_mask=True,
                return_offsets_mapping=wrapped or offsets,
                verbose=False,
            )
        return to_rows(made, texts, template), made["offset_mapping"] if offsets else []

    def _inputs(self, rows: list[Row], side: Side, width: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Model inputs, and masks [batch, width] of what tokens belong to, padded by hand on either side."""
        pad = self.tokenizer.pad_token_id or 0

        def padded(parts: Iterable[list], blank: int) -> Tensor:
            padding = [[blank] * (width - len(row.ids)) for row in rows]
            pieces = zip(parts, padding, strict=True) if side == "right" else zip(padding, parts, strict=True)
            return torch.tensor([first + second for first, second in pieces])

        ids = padded([row.ids for row in rows], pad)
        mask = padded([[1] * len(row.ids) for row in rows], 0).bool()
        marks = {name: padded([getattr(row, name) for row in rows], 0).bool() for name in ("special", "prompt", "copy")}
        inputs = {"input_ids": ids, "attention_mask": mask.long()}
        if self._takes_positions:
            # Left unsaid, most models count padding on the left as positions of the text.
            inputs["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)
        on = self.device
        return {k: v.to(on) for k, v in inputs.items()}, {k: v.to(on) for k, v in marks.items()}

    def _forward(
        self,
        rows: list[Row],
        layers: Sequence[Layer],
        side: Side,
        width: int,
        attention: bool = False,
        pool_template: bool = True,
        attend_padding: bool = False,
        bfloat16: bool = False,
    ) -> list[TokenStates]:
        """One forward pass: the states of each layer asked for, on the encoder's device."""
        inputs, marks = self._inputs(rows, side, width)
        attention = attention and width <= self.longest_attention
        real = inputs["attention_mask"].bool()
        if attend_padding:
            inputs["attention_mask"] = torch.ones_like(inputs["attention_mask"])
            inputs.pop("position_ids", None)
        only_last = list(layers) == [self.layers]
        lower = torch.autocast(self.device.type, torch.bfloat16) if bfloat16 else contextlib.nullcontext()
        with self._forwards, torch.no_grad(), lower:
            model = self._eager if attention else self.model
            out = model(**inputs, output_hidden_states=not only_last, output_attentions=attention, **self._no_cache)
        # The last hidden state is after the final norm, in models that have one.
        hidden = {self.layers: out.last_hidden_state.float()}
        if not only_last:
            hidden |= {number: states.float() for number, states in enumerate(out.hidden_states[:-1])}
        ids = inputs["input_ids"].tolist()
        mask = real & ~marks["copy" if pool_template else "prompt"]
        first = torch.arange(len(rows)), slice(None), first_real_token(mask)
        shared: dict[str, Any] = {
            "mask": mask,
            "special": marks["special"],
            "tokens": tuple(map(self._spell, ids, real.tolist())),
            "ids": tuple(map(tuple, ids)),
            "lost": tuple(row.lost for row in rows),
            "prompt": marks["prompt"] if marks["prompt"].any() else None,
        }
        made = []
        for layer in layers:
            if isinstance(layer, tuple):
                made.append(TokenStates(torch.stack([hidden[one] for one in layer]).mean(dim=0), **shared))
            else:
                paid = out.attentions[layer - 1][first] if attention and layer > 0 else None
                made.append(TokenStates(hidden[layer], attention=paid, **shared))
        return made

    def _spell(self, ids: list[int], real: list[bool]) -> tuple[str, ...]:
        """The tokens of a row as text: bytes decoded, padding by its name."""
        tokens = self.tokenizer.convert_ids_to_tokens(ids)
        if self._byte_decoder:
            tokens = spell_bytes(tokens, alphabet="ByteLevel" in self._byte_decoder)
        if self.tokenizer.pad_token_id is None:
            tokens = [token if is_real else "[PAD]" for token, is_real in zip(tokens, real, strict=True)]
        return tuple(tokens)

    @cached_property
    def _byte_decoder(self) -> str:
        """How tokens that stand for bytes are read: "ByteLevel" in GPT-2, "ByteFallback" in Llama; "" for none."""
        decoder = getattr(getattr(self.tokenizer, "backend_tokenizer", None), "decoder", None)
        state = decoder.__getstate__().decode() if decoder is not None else ""
        return state if "Byte" in state else ""

    @property
    def _eager(self) -> torch.nn.Module:
        """The same weights, not a copy, with attention computed so that it can be read."""
        with self._eager_lock:
            if "_eager_model" not in self.__dict__:
                tensors = (*self.model.parameters(), *self.model.buffers())
                eager = copy.deepcopy(self.model, {id(tensor): tensor for tensor in tensors})
                eager.set_attn_implementation("eager")
                self._eager_model = eager
            return self._eager_model

    @cached_property
    def _no_cache(self) -> dict[str, bool]:
        """Keys and values are kept for the next token only by models that write; here none does."""
        return {"use_cache": False} if "use_cache" in inspect.signature(self.model.forward).parameters else {}

    @cached_property
    def _takes_positions(self) -> bool:
        """Whether positions are passed in; a RoBERTa counts its own, from the padding token."""
        if "position_ids" not in inspect.signature(self.model.forward).parameters:
            return False
        tables = (m for n, m in self.model.named_modules() if n.endswith("position_embeddings"))
        return all(getattr(table, "padding_idx", None) is None for table in tables)
