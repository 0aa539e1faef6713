"""Texts to token states: the only place that runs a transformer, and the only importer of one."""

import copy
import inspect
import json
import math
import os
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import AutoConfig, AutoModel, AutoModelForTextEncoding, AutoTokenizer

from pooling.catalogue import get_model, model_folder
from pooling.modules import find_head
from pooling.registry import Strategy, all_strategies, get_strategy
from pooling.token_weights import first_real_token
from pooling.types import Pooled, TokenStates

Layer = int | tuple[int, ...]
Side = Literal["left", "right"]

TOKEN_BUDGET = {"cpu": 4096, "mps": 16384, "cuda": 65536}
"""Tokens of one batch of a corpus, padding included."""
ATTENTION_BUDGET = 4096 * 256
"""Entries of one attention matrix, query times key, computed at a time: all layers make theirs."""
FORWARDS_AT_ONCE = 2


class TruncationWarning(UserWarning):
    """Some texts were longer than the model's limit and were cut."""


def load_encoder(model: str, *, device: str | None = None) -> "Encoder":
    """Load a model of the catalogue, its weights checked, onto a device.

    Args:
        model: a name from `pooling.catalogue`.
        device: "cuda", "mps" or "cpu"; by default `POOLING_DEVICE`, else the best there is.

    Raises:
        KeyError: for a name that is not in the catalogue.
        FileNotFoundError: when the package with its weights is not installed.
        ValueError: when its weights are not the known ones.
    """
    return Encoder(model, model_folder(get_model(model)), device=device or default_device())


def default_device() -> str:
    """`POOLING_DEVICE` if set, else CUDA, else MPS, else the CPU."""
    if wanted := os.environ.get("POOLING_DEVICE"):
        return wanted
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


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

    def __init__(self, name: str, folder: Path, *, device: str = "cpu"):
        safe: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
        config = AutoConfig.from_pretrained(folder, **safe)
        auto = AutoModelForTextEncoding if config.is_encoder_decoder else AutoModel
        self.name = name
        self.device = torch.device(device)
        self.tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
        self.model = auto.from_pretrained(
            folder, use_safetensors=True, dtype=torch.float32, attn_implementation="sdpa", **safe
        )
        self.model.eval().requires_grad_(False).to(self.device)
        text_config = self.model.config.get_text_config()
        self.layers = text_config.num_hidden_layers
        self.dim = text_config.hidden_size
        self.max_length = _max_length(folder, self.tokenizer, text_config)
        self.trained_pooling = trained_pooling(folder)
        self.normalises = any("Normalize" in m["type"] for m in _json(folder / "modules.json", []))
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
    ) -> TokenStates:
        """The token states of a handful of texts, all in one batch, on the CPU in float32.

        Args:
            texts: the texts; none may be blank.
            layer: 0 (input embeddings) to L, -1 for L, or several to average, such as (1, L).
            attention: also give what the first real token attends to at that layer.
            padding_side: where shorter texts are padded.
            pad_to: pad to at least this many tokens.

        Raises:
            ValueError: for a blank text (naming its position), no text, or no such layer.
        """
        layer = self.layer(layer)
        if attention and not (isinstance(layer, int) and layer > 0):
            raise ValueError("Attention belongs to one transformer layer; choose one from 1 up.")
        rows = self._tokenize(texts)
        width = max(pad_to, *(len(ids) for ids, _, _ in rows))
        # Attention comes for all layers at once, and its memory grows with the width squared.
        step = max(1, ATTENTION_BUDGET // width**2) if attention else len(rows)
        parts = [
            self._forward(rows[i : i + step], layer, padding_side, width, attention) for i in range(0, len(rows), step)
        ]
        return TokenStates(
            hidden=torch.cat([part.hidden for part in parts]).float().cpu(),
            mask=torch.cat([part.mask for part in parts]).cpu(),
            special=torch.cat([part.special for part in parts]).cpu(),
            tokens=tuple(row for part in parts for row in part.tokens),
            attention=torch.cat([part.attention for part in parts]).cpu() if attention else None,
            ids=tuple(row for part in parts for row in part.ids),
            lost=tuple(lost for part in parts for lost in part.lost),
        )

    def stream(self, texts: Sequence[str], *, layer: Layer = -1) -> Iterator[tuple[list[int], TokenStates]]:
        """The token states of a corpus, a batch at a time, on the encoder's device.

        Texts of like length share a batch, the longest first, so that little is padding and
        too large a batch fails at once. `indices` say which texts, by the caller's order.

        Raises:
            ValueError: for a blank text (naming its position), no text, or no such layer.
        """
        layer = self.layer(layer)
        rows = self._tokenize(texts)
        order = sorted(range(len(rows)), key=lambda i: -len(rows[i][0]))
        start = 0
        while start < len(order):
            width = len(rows[order[start]][0])
            stop = start + max(1, TOKEN_BUDGET[self.device.type] // width)
            indices = order[start:stop]
            yield indices, self._forward([rows[i] for i in indices], layer, "right", width)
            start = stop

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

    def _tokenize(self, texts: Sequence[str]) -> list[tuple[list[int], list[int], int]]:
        """Token ids, special-token flags and number of tokens lost of each text."""
        if isinstance(texts, str):
            raise ValueError("texts must be a list of texts, not one string.")
        if not texts:
            raise ValueError("There is no text to encode; give at least one.")
        for position, text in enumerate(texts, start=1):
            if not text.strip():
                raise ValueError(f"Text {position} of {len(texts)} is empty; write something or leave it out.")
        with self._tokenizer_lock:
            whole = self._ids(texts, truncation=False)
            long = [i for i, (ids, _) in enumerate(whole) if len(ids) > self.max_length]
            cut = self._ids([texts[i] for i in long], truncation=True) if long else []
        kept = whole.copy()
        for index, row in zip(long, cut, strict=True):
            kept[index] = row
        return [(*row, len(all_[0]) - len(row[0])) for row, all_ in zip(kept, whole, strict=True)]

    def _ids(self, texts: Sequence[str], *, truncation: bool) -> list[tuple[list[int], list[int]]]:
        made = self.tokenizer(
            list(texts),
            padding=False,
            truncation=truncation,
            max_length=self.max_length if truncation else None,
            return_attention_mask=False,
            return_special_tokens_mask=True,
            verbose=False,
        )
        return list(zip(made["input_ids"], made["special_tokens_mask"], strict=True))

    def _inputs(self, rows: list, side: Side, width: int) -> tuple[dict[str, Tensor], Tensor]:
        """Model inputs and special-token mask [batch, width], padded by hand on either side."""
        pad = self.tokenizer.pad_token_id or 0
        ids = torch.full((len(rows), width), pad)
        mask = torch.zeros(len(rows), width, dtype=torch.bool)
        special = torch.zeros(len(rows), width, dtype=torch.bool)
        for row, (tokens, flags, _) in enumerate(rows):
            place = slice(0, len(tokens)) if side == "right" else slice(width - len(tokens), width)
            ids[row, place] = torch.tensor(tokens)
            special[row, place] = torch.tensor(flags, dtype=torch.bool)
            mask[row, place] = True
        inputs = {"input_ids": ids, "attention_mask": mask.long()}
        if self._takes_positions:
            # Left unsaid, most models count padding on the left as positions of the text.
            inputs["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)
        return {k: v.to(self.device) for k, v in inputs.items()}, special.to(self.device)

    def _forward(self, rows: list, layer: Layer, side: Side, width: int, attention: bool = False) -> TokenStates:
        inputs, special = self._inputs(rows, side, width)
        mask = inputs["attention_mask"].bool()
        last = layer == self.layers
        with self._forwards, torch.no_grad():
            model = self._eager if attention else self.model
            out = model(**inputs, output_hidden_states=not last, output_attentions=attention)
        if isinstance(layer, tuple):
            hidden = torch.stack([out.hidden_states[one] for one in layer]).mean(dim=0)
        else:
            hidden = out.last_hidden_state if last else out.hidden_states[layer]
        paid = None
        if attention:
            paid = out.attentions[layer - 1][torch.arange(len(rows)), :, first_real_token(mask)]
        ids = inputs["input_ids"].tolist()
        return TokenStates(
            hidden=hidden,
            mask=mask,
            special=special,
            tokens=tuple(tuple(self.tokenizer.convert_ids_to_tokens(row)) for row in ids),
            attention=paid,
            ids=tuple(map(tuple, ids)),
            lost=tuple(lost for _, _, lost in rows),
        )

    @property
    def _eager(self) -> torch.nn.Module:
        """The same weights, not a copy, with attention computed so that it can be read."""
        with self._eager_lock:
            if "_eager_model" not in self.__dict__:
                config = copy.deepcopy(self.model.config)
                config._attn_implementation = "eager"
                eager = type(self.model)(config)
                eager.load_state_dict(self.model.state_dict(), assign=True)
                self._eager_model = eager.eval().requires_grad_(False).to(self.device)
            return self._eager_model

    @cached_property
    def _takes_positions(self) -> bool:
        """Whether positions are passed in; a RoBERTa counts its own, from the padding token."""
        if "position_ids" not in inspect.signature(self.model.forward).parameters:
            return False
        tables = (m for n, m in self.model.named_modules() if n.endswith("position_embeddings"))
        return all(getattr(table, "padding_idx", None) is None for table in tables)


def apply(strategy: Strategy, states: TokenStates, *, model: str, layer: Layer, **params: Any) -> Pooled:
    """Pool states of a model's layer, with the trained head where the strategy needs one.

    Raises:
        LookupError: when it needs a head and none was trained for this model and layer.
        ValueError: when it needs attention and the states have none.
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
    report: Callable[[float], None] = lambda share: None,
) -> dict[str, Float[Tensor, "text dim"]]:
    """Embeddings [text, dim] of a corpus under each strategy, from one forward pass.

    By default under every strategy that needs nothing but hidden states. In the caller's order,
    not normalised, on the CPU in float32. Texts longer than the model's limit are cut, with a
    `TruncationWarning` that says which and by how much. `report` is told, after each batch, the
    share of the characters that are done, and may raise to end it.

    Raises:
        ValueError: for a blank text, no text, no such layer, or a strategy that needs attention.
        LookupError: when a strategy needs a head that was not trained for this model and layer.
    """
    layer = encoder.layer(layer)
    if strategies is None:
        strategies = [s for s in all_strategies() if s.needs is None]
    chosen = [get_strategy(s) if isinstance(s, str) else s for s in strategies]
    made = {s.name: torch.empty(len(texts), encoder.dim) for s in chosen}
    lost: dict[int, int] = {}
    done, whole = 0, sum(map(len, texts))
    for indices, states in encoder.stream(texts, layer=layer):
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


def _max_length(folder: Path, tokenizer: Any, config: Any) -> int:
    """Tokens a text may have: the smallest of what the model's files say."""
    positions = getattr(config, "max_position_embeddings", None) or math.inf
    if getattr(config, "model_type", "") in {"roberta", "xlm-roberta", "camembert", "mpnet"}:
        positions -= config.pad_token_id + 1  # position ids start behind the padding's
    own = _json(folder / "sentence_bert_config.json", {}).get("max_seq_length") or math.inf
    return int(min(positions, own, tokenizer.model_max_length))


def _json(path: Path, missing: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else missing
