"""Texts to token states: the only place that runs a transformer, and the only importer of one."""

import contextlib
import copy
import dataclasses
import inspect
import json
import math
import os
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Float
from safetensors.torch import save_model
from torch import Tensor
from transformers import AutoConfig, AutoModel, AutoModelForTextEncoding, AutoTokenizer, GgufConfig
from transformers.modeling_utils import PreTrainedModel
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES,
    MODEL_MAPPING_NAMES,
)

from pooling.catalogue import PLAIN, Model, cache_folder, get_model, model_folder, split_template
from pooling.hub import HubError, need_memory, verified_folder
from pooling.machine import disk_full, out_of_memory
from pooling.modules import find_head
from pooling.registry import Strategy, all_strategies, get_strategy
from pooling.token_strings import spell_bytes
from pooling.token_weights import first_real_token
from pooling.types import Pooled, TokenStates

Layer = int | tuple[int, ...]
Side = Literal["left", "right"]

TOKEN_BUDGET = {"cpu": 1024, "mps": 16384, "cuda": 65536}
"""Tokens of one batch of a corpus, padding included: on a CPU few, for less padding and what the cache holds."""
LAYERS_BUDGET = {"cpu": 1024, "mps": 4096, "cuda": 16384}
"""The same where several layers are kept."""
ATTENTION_BYTES = 72 * 2**20
"""Of the attention matrices of one batch, every head's and layer's: 4 texts of 256 tokens in the default model."""
FORWARDS_AT_ONCE = 2
MOST_LAYERS = 200
SAFE: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}


class Row(NamedTuple):
    """One text as tokens."""

    ids: list[int]
    special: list[int]
    """1 for a token that the tokenizer added."""
    prompt: list[bool]
    """Whether a token belongs to the prompt template."""
    text: list[bool]
    """Whether it belongs to the text alone, and so may be cut."""
    lost: int
    """Tokens of the text that were cut off."""


class TruncationWarning(UserWarning):
    """Some texts were longer than the model's limit and were cut."""


def load_encoder(model: str, *, device: str | None = None) -> "Encoder":
    """Load a model of the catalogue, its weights checked, onto a device.

    Args:
        model: a name from `pooling.catalogue`.
        device: "cuda", "mps" or "cpu"; by default `POOLING_DEVICE`, else the best there is.

    Raises:
        KeyError: for a name that is not in the catalogue.
        FileNotFoundError: when its weights are not on this machine, with the command that brings them.
        ValueError: when its weights are not the known ones, or cannot be read.
        HubError: when memory does not suffice, or its config is refused.
    """
    entry = get_model(model)
    folder = verified_folder(entry) if entry.source == "hub" else model_folder(entry)
    try:
        if entry.source == "hub":
            check_config(folder)
        else:
            need_memory(model, 4 * entry.parameters)
        if folder.suffix == ".gguf":
            folder = _converted(folder, entry)
        return Encoder(model, folder, device=device or default_device(), causal=entry.causal)
    except HubError:
        raise
    except Exception as error:
        if out_of_memory(error):
            raise HubError(f"The memory was not enough to load {model}; choose a smaller model.") from error
        if disk_full(error):
            raise HubError(f"The disk is full, so {model} could not be unpacked.") from error
        raise ValueError(f"The files of {model} could not be read ({type(error).__name__}).") from error


def default_device() -> str:
    """`POOLING_DEVICE` if set, else CUDA, else MPS, else the CPU."""
    if wanted := os.environ.get("POOLING_DEVICE"):
        return wanted
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def check_bfloat16(device: torch.device) -> None:
    """Whether a device computes in bfloat16 itself: where it is emulated, it is slower than float32.

    Raises:
        ValueError: when it does not.
    """
    if device.type == "cuda":
        there = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = torch.cpu.get_capabilities() if device.type == "cpu" else {}
        there = any(able.get(name) for name in ("amx_bf16", "avx512_bf16", "bf16"))
    if not there:
        raise ValueError(
            f"This {device.type.upper()} has no bfloat16 of its own (on a CPU: AMX or AVX-512 BF16); leave it out."
        )


class Encoder:
    """A frozen transformer with its tokenizer; safe to share between threads.

    Attributes:
        name: the model's name.
        layers: number of transformer layers L; hidden states exist for layers 0..L.
        dim: dimensions of a hidden state.
        max_length: tokens a text may have, special tokens included.
        trained_pooling: name of the strategy it was trained with, None when nothing says so.
        normalises: whether its own pipeline scales embeddings to length 1.
    """

    def __init__(self, name: str, folder: Path, *, device: str = "cpu", causal: bool = False):
        config = AutoConfig.from_pretrained(folder, **SAFE)
        if causal:
            config.is_decoder = True
        self.name = name
        self.device = torch.device(device)
        self.tokenizer = AutoTokenizer.from_pretrained(folder, **SAFE)
        self.model: PreTrainedModel = _auto_class(config).from_pretrained(
            folder, config=config, use_safetensors=True, dtype=torch.float32, attn_implementation="sdpa", **SAFE
        )
        self.model.eval().requires_grad_(False).to(self.device)
        text_config = self.model.config.get_text_config()
        self.layers = text_config.num_hidden_layers
        self.dim = text_config.hidden_size
        self.max_length = _max_length(folder, self.tokenizer, text_config)
        # Under a mask it was not trained with, what the files say of the pooling no longer holds.
        self.trained_pooling = None if causal else trained_pooling(folder)
        modules = [] if causal else _json(folder / "modules.json", [])
        self.normalises = any("Normalize" in m["type"] for m in modules)
        # One fast tokenizer called by two threads at once can answer with wrong lengths.
        self._tokenizer_lock = threading.Lock()
        self._eager_lock = threading.Lock()
        self._forwards = threading.BoundedSemaphore(FORWARDS_AT_ONCE)

    def encode(
        self,
        texts: Sequence[str],
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
            attention: also give what the first real token attends to at that layer.
            padding_side: where shorter texts are padded.
            pad_to: pad to at least this many tokens.
            template: a prompt with `{}` where the text goes; too long a text is cut, never the prompt.
            pool_template: whether the prompt's tokens are pooled; they are attended to either way.
            attend_padding: the bug of leaving the attention mask out: padding is read like text.

        Raises:
            ValueError: for a blank text (naming its position), no text, no such layer, or a
                template without exactly one `{}` or with no room for the text.
        """
        layer = self.layer(layer)
        if attention and not (isinstance(layer, int) and layer > 0):
            raise ValueError("Attention belongs to one transformer layer; choose one from 1 up.")
        rows = self._tokenize(texts, template)
        width = max(pad_to, *(len(row.ids) for row in rows))
        step = max(1, self._with_attention(width)) if attention else len(rows)
        parts = [
            self._forward(rows[i : i + step], [layer], padding_side, width, attention, pool_template, attend_padding)[0]
            for i in range(0, len(rows), step)
        ]
        prompts = [part.prompt for part in parts if part.prompt is not None]
        return TokenStates(
            hidden=torch.cat([part.hidden for part in parts]).float().cpu(),
            mask=torch.cat([part.mask for part in parts]).cpu(),
            special=torch.cat([part.special for part in parts]).cpu(),
            tokens=tuple(row for part in parts for row in part.tokens),
            attention=torch.cat([part.attention for part in parts]).cpu() if attention else None,
            ids=tuple(row for part in parts for row in part.ids),
            lost=tuple(lost for part in parts for lost in part.lost),
            prompt=torch.cat(prompts).cpu() if prompts else None,
        )

    def encode_layers(
        self, texts: Sequence[str], *, template: str = PLAIN, pool_template: bool = True
    ) -> list[TokenStates]:
        """The token states of a few texts at every layer, 0 to L, from one forward pass, on the CPU in float32.

        Raises:
            ValueError: as `encode` does.
        """
        rows = self._tokenize(texts, template)
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
        texts: Sequence[str],
        *,
        layer: Layer = -1,
        template: str = PLAIN,
        pool_template: bool = True,
        bfloat16: bool = False,
    ) -> Iterator[tuple[list[int], TokenStates]]:
        """The token states of a corpus, a batch at a time, on the encoder's device.

        Texts of like length share a batch, the longest first, so that little is padding and
        too large a batch fails at once. `indices` say which texts, by the caller's order. The
        template works as in `encode`. In bfloat16 the model computes faster and coarser; what it
        says comes in float32 all the same.

        Raises:
            ValueError: as `encode` does, or for bfloat16 where the device has none.
        """
        if bfloat16:
            check_bfloat16(self.device)
        layer = self.layer(layer)
        rows = self._tokenize(texts, template)
        budget = TOKEN_BUDGET[self.device.type]
        for indices, width in _batches(rows, lambda width: budget // width):
            chosen = [rows[i] for i in indices]
            made = self._forward(chosen, [layer], "right", width, pool_template=pool_template, bfloat16=bfloat16)
            yield indices, made[0]

    def stream_layers(
        self,
        texts: Sequence[str],
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
        rows = self._tokenize(texts, template)
        budget = LAYERS_BUDGET[self.device.type]
        for indices, width in _batches(rows, lambda width: min(budget // width, self._with_attention(width))):
            chosen = [rows[i] for i in indices]
            yield indices, self._forward(chosen, layers, "right", width, True, pool_template)

    def length(self, text: str, template: str = PLAIN) -> int:
        """How many tokens of a text in its prompt the model reads, special tokens included, its limit at most.

        Raises:
            ValueError: for a blank text, or a template as in `encode`.
        """
        return len(self._tokenize([text], template)[0].ids)

    def check_template(self, template: str) -> None:
        """Whether a prompt can be put around any text.

        Raises:
            ValueError: when it has not exactly one `{}`, leaves no room for a text, or cannot be told apart.
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

    def _with_attention(self, width: int) -> int:
        """Texts of so many tokens whose attention is computed at a time: it comes for all layers at once."""
        heads = self.model.config.get_text_config().num_attention_heads
        return ATTENTION_BYTES // (4 * heads * self.layers * width**2)

    def _tokenize(self, texts: Sequence[str], template: str) -> list[Row]:
        """Each text as tokens, in its prompt, within the model's limit."""
        if isinstance(texts, str):
            raise ValueError("texts must be a list of texts, not one string.")
        if not texts:
            raise ValueError("There is no text to encode; give at least one.")
        for position, text in enumerate(texts, start=1):
            if not text.strip():
                raise ValueError(f"Text {position} of {len(texts)} is empty; write something or leave it out.")
        before, after = split_template(template)
        wrapped = bool(before or after)
        if wrapped and not self.tokenizer.is_fast:
            raise ValueError(f"The tokenizer of {self.name} cannot tell a prompt from its text; use no prompt.")
        with self._tokenizer_lock:
            made = self.tokenizer(
                [before + text + after for text in texts],
                padding=False,
                truncation=False,
                return_attention_mask=False,
                return_special_tokens_mask=True,
                return_offsets_mapping=wrapped,
                verbose=False,
            )
        rows = []
        for i, (text, ids, special) in enumerate(
            zip(texts, made["input_ids"], made["special_tokens_mask"], strict=True)
        ):
            prompt, own = [False] * len(ids), [not mark for mark in special]
            if wrapped:
                first, stop = len(before), len(before) + len(text)
                spans = list(zip(made["offset_mapping"][i], special, strict=True))
                # A token that holds a piece of both, such as ." before a prompt's end, is pooled as text.
                prompt = [not mark and (max(end, start + 1) <= first or start >= stop) for (start, end), mark in spans]
                own = [not mark and first <= start and end <= stop for (start, end), mark in spans]
            rows.append(self._cut(Row(ids, special, prompt, own, 0)))
        return rows

    def _cut(self, row: Row) -> Row:
        """A row within the model's limit: what goes is the end of the text, not prompt or special tokens."""
        lost = max(0, len(row.ids) - self.max_length)
        if not lost:
            return row
        text = [i for i, own in enumerate(row.text) if own and not row.prompt[i]]
        if lost >= len(text):
            raise ValueError(
                f"The prompt leaves no room for the text within the {self.max_length} tokens of {self.name}."
            )
        gone = set(text[-lost:])
        kept = [i for i in range(len(row.ids)) if i not in gone]
        return Row(*([part[i] for i in kept] for part in row[:4]), lost)

    def _inputs(self, rows: list[Row], side: Side, width: int) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Model inputs, special-token mask and prompt mask [batch, width], padded by hand on either side."""
        pad = self.tokenizer.pad_token_id or 0

        def padded(parts: Iterable[list], blank: int) -> Tensor:
            padding = [[blank] * (width - len(row.ids)) for row in rows]
            pieces = zip(parts, padding, strict=True) if side == "right" else zip(padding, parts, strict=True)
            return torch.tensor([first + second for first, second in pieces])

        ids = padded([row.ids for row in rows], pad)
        mask = padded([[1] * len(row.ids) for row in rows], 0).bool()
        special = padded([row.special for row in rows], 0).bool()
        prompt = padded([row.prompt for row in rows], 0).bool()
        inputs = {"input_ids": ids, "attention_mask": mask.long()}
        if self._takes_positions:
            # Left unsaid, most models count padding on the left as positions of the text.
            inputs["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)
        return {k: v.to(self.device) for k, v in inputs.items()}, special.to(self.device), prompt.to(self.device)

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
        inputs, special, prompt = self._inputs(rows, side, width)
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
        mask = real if pool_template else real & ~prompt
        first = torch.arange(len(rows)), slice(None), first_real_token(mask)
        shared: dict[str, Any] = {
            "mask": mask,
            "special": special,
            "tokens": tuple(map(self._spell, ids, real.tolist())),
            "ids": tuple(map(tuple, ids)),
            "lost": tuple(row.lost for row in rows),
            "prompt": prompt if prompt.any() else None,
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


def _batches(rows: list[Row], size: Callable[[int], int]) -> Iterator[tuple[list[int], int]]:
    """Indices of the rows in batches, the longest first, and the width of each batch."""
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i].ids))
    start = 0
    while start < len(order):
        width = len(rows[order[start]].ids)
        indices = order[start : start + max(1, size(width))]
        yield indices, width
        start += len(indices)


def apply(strategy: Strategy, states: TokenStates, *, model: str, layer: Layer, **params: Any) -> Pooled:
    """Pool states of a model's layer, with the trained head where the strategy needs one.

    Raises:
        NotComputable: when it needs a head and none was trained for this model and layer, or attention
            and the states have none.
    """
    if strategy.needs == "head" and "head" not in params:
        params["head"] = find_head(model, layer)
    return strategy(states, **params)


def embed(
    texts: Sequence[str],
    encoder: Encoder,
    strategies: Iterable[Strategy | str] | None = None,
    *,
    layer: Layer = -1,
    template: str = PLAIN,
    pool_template: bool = True,
    bfloat16: bool = False,
    report: Callable[[float], None] = lambda share: None,
) -> dict[str, Float[Tensor, "text dim"]]:
    """Embeddings [text, dim] of a corpus under each strategy, from one forward pass.

    By default under every strategy that needs nothing but hidden states. In the caller's order,
    not normalised, on the CPU in float32. Texts longer than the model's limit are cut, with a
    `TruncationWarning` that says which and by how much. The template works as in `Encoder.encode`.
    With `bfloat16` the model computes in it, about twice as fast where the device has it; pooling stays in float32.
    `report` is told, after each batch, the share of the characters that are done, and may raise to
    end it.

    Raises:
        ValueError: as `Encoder.encode` does, or for bfloat16 where the device has none.
        NotComputable: for a strategy that needs attention, or a head that was not trained for this model and layer.
    """
    layer = encoder.layer(layer)
    if strategies is None:
        strategies = [s for s in all_strategies() if s.needs is None]
    chosen = [get_strategy(s) if isinstance(s, str) else s for s in strategies]
    made = {s.name: torch.empty(len(texts), encoder.dim) for s in chosen}
    lost: dict[int, int] = {}
    done, whole = 0, sum(map(len, texts))
    asked: dict[str, Any] = {"template": template, "pool_template": pool_template, "bfloat16": bfloat16}
    for indices, states in encoder.stream(texts, layer=layer, **asked):
        lost |= {i + 1: n for i, n in zip(indices, states.lost, strict=True) if n}
        for strategy in chosen:
            pooled = apply(strategy, states, model=encoder.name, layer=layer)
            made[strategy.name][indices] = pooled.embedding.cpu()
        done += sum(len(texts[i]) for i in indices)
        report(done / whole)
    if lost:
        named = ", ".join(f"text {i} lost {n}" for i, n in sorted(lost.items())[:5])
        more = f", and {len(lost) - 5} more" if len(lost) > 5 else ""
        warnings.warn(
            f"{len(lost)} of {len(texts)} texts were cut to {encoder.max_length} tokens: {named}{more}.",
            TruncationWarning,
            stacklevel=2,
        )
    return made


def trained_pooling(folder: Path) -> str | None:
    """The strategy a model was trained with, by its 1_Pooling/config.json; None if it has none.

    Reads the old keys (`pooling_mode_mean_tokens: true`) and the new (`pooling_mode: "mean"`). A
    model that concatenates several modes has no strategy here, and None is the answer.
    """
    config = _json(folder / "1_Pooling" / "config.json", {})
    if not config:
        return None
    modes = config.get("pooling_mode")
    if modes is None:
        old = {"cls_token": "cls", "mean_tokens": "mean", "max_tokens": "max"}
        old |= {"weightedmean_tokens": "weightedmean"}
        on = [k.removeprefix("pooling_mode_") for k, v in config.items() if v is True]
        modes = [old.get(k, k) for k in on if f"pooling_mode_{k}" in config]
    modes = [modes] if isinstance(modes, str) else modes
    known = {s.sentence_transformers: s.name for s in all_strategies() if s.sentence_transformers}
    return known.get(modes[0]) if len(modes) == 1 else None


def known_types() -> dict[str, bool]:
    """The model types that can be loaded, and whether each writes from left to right (a decoder)."""
    decoders = set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES) - set(MODEL_FOR_MASKED_LM_MAPPING_NAMES)
    text = {*decoders, *MODEL_FOR_MASKED_LM_MAPPING_NAMES, *MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES}
    return {kind: kind in decoders for kind in sorted(text & set(MODEL_MAPPING_NAMES))}


def described(model: Model, folder: Path) -> Model:
    """An entry for a model that is not in the catalogue, completed from its files."""
    layers = AutoConfig.from_pretrained(folder, **SAFE).get_text_config().num_hidden_layers
    return dataclasses.replace(model, layers=layers, pooling=trained_pooling(folder))


def check_config(folder: Path) -> None:
    """Look at a model's config before its weights are fetched, and again before they are loaded.

    Raises:
        HubError: when it names code to run, asks for more than the machine has, or makes no sense.
    """
    try:
        for name in ("config.json", "tokenizer_config.json", "1_Pooling/config.json", "modules.json"):
            for key, value in _entries(_json(folder / name, {})):
                code = key.endswith("implementation") and isinstance(value, str) and "/" in value
                if key == "auto_map" or code:
                    raise HubError("The model wants to run code of its own, and that is never done here.")
                if key == "quantization_config":
                    raise HubError("The model's weights are quantized, and such weights are not read here.")
        config = AutoConfig.from_pretrained(folder, **SAFE)
        text = config.get_text_config()
        if not 0 < text.num_hidden_layers <= MOST_LAYERS or text.num_attention_heads > 1024:
            raise HubError(f"The model's config asks for {text.num_hidden_layers:,} layers: not a model for here.")
        # On the device "meta" a model has shapes but takes no memory.
        with torch.device("meta"):
            shape = _auto_class(config).from_config(config, trust_remote_code=False, attn_implementation="sdpa")
    except HubError:
        raise
    except Exception as error:
        raise HubError(f"The model's config makes no sense to transformers ({type(error).__name__}).") from error
    weights = 4 * sum(one.numel() for one in shape.parameters())
    need_memory("The model", weights + sum(one.nbytes for one in shape.buffers()))


def _entries(node: Any) -> Iterator[tuple[str, Any]]:
    """Every key and value of a JSON document, however deep."""
    for key, value in node.items() if isinstance(node, dict) else ():
        yield key, value
        yield from _entries(value)
    for value in node if isinstance(node, list) else ():
        yield from _entries(value)


def _auto_class(config: Any) -> Any:
    """Of a T5, an encoder and a decoder, only the first is wanted; its config need not say so."""
    return AutoModelForTextEncoding if type(config) in AutoModelForTextEncoding._model_mapping else AutoModel


_converting = threading.Lock()


def _converted(gguf: Path, model: Model) -> Path:
    """The folder with a GGUF file's model in safetensors, its weights unpacked; made once."""
    final = cache_folder() / "converted" / f"{model.name.replace('/', '--')}-{model.sha256[:16]}"
    with _converting:
        if final.is_dir():
            return final
        need_memory(model.name, 8 * model.parameters)
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=final.parent) as temporary:
            made = Path(temporary) / "model"
            read: dict[str, Any] = SAFE | {"gguf_file": gguf.name}
            AutoTokenizer.from_pretrained(gguf.parent, **read).save_pretrained(made)
            unpacked = AutoModel.from_pretrained(
                gguf.parent, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True), **read
            )
            unpacked.config.save_pretrained(made)
            save_model(unpacked, str(made / "model.safetensors"), metadata={"format": "pt"})
            # Another process may have been faster: its folder is as good.
            with contextlib.suppress(FileExistsError, OSError):
                made.rename(final)
    return final


def _max_length(folder: Path, tokenizer: Any, config: Any) -> int:
    """Tokens a text may have: the smallest of what the model's files say."""
    positions = getattr(config, "max_position_embeddings", None) or math.inf
    if getattr(config, "model_type", "") in {"roberta", "xlm-roberta", "camembert", "mpnet"}:
        positions -= config.pad_token_id + 1  # position ids start behind the padding's
    own = _json(folder / "sentence_bert_config.json", {}).get("max_seq_length") or math.inf
    return int(min(positions, own, tokenizer.model_max_length))


def _json(path: Path, missing: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else missing
