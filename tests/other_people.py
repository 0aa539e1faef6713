"""Vectors made without this project: by plain transformers, as servers and scripts do, mistakes included."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer

from pooling.catalogue import DEFAULT, get_model, model_folder

Pool = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
FOLDER = model_folder(get_model(DEFAULT))


def _mean(hidden, mask, special):
    return (hidden * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)


def _last(hidden, mask, special):
    places = torch.arange(hidden.shape[1]) * mask
    return hidden[torch.arange(len(hidden)), places.argmax(dim=1)]


def _weighted(hidden, mask, special):
    weights = mask.cumsum(dim=1) * mask
    return (hidden * weights[:, :, None]).sum(dim=1) / weights.sum(dim=1, keepdim=True)


POOLS: dict[str, Pool] = {
    "mean": _mean,
    "cls": lambda hidden, mask, special: hidden[torch.arange(len(hidden)), mask.long().argmax(dim=1)],
    "max": lambda hidden, mask, special: hidden.masked_fill(~mask[:, :, None].bool(), -1e9).amax(dim=1),
    "last_token": _last,
    "weighted_mean": _weighted,
    "mean_sqrt_len": lambda hidden, mask, special: _mean(hidden, mask, special) * mask.sum(dim=1, keepdim=True).sqrt(),
    "own_tokens": lambda hidden, mask, special: _mean(hidden, mask * ~special, special),
    "unmasked_mean": lambda hidden, mask, special: hidden.mean(dim=1),
    "max_over_zeros": lambda hidden, mask, special: (hidden * mask[:, :, None]).amax(dim=1),
    "index_0": lambda hidden, mask, special: hidden[:, 0],
    "index_-1": lambda hidden, mask, special: hidden[:, -1],
    "last_by_count": lambda hidden, mask, special: hidden[torch.arange(len(hidden)), mask.sum(dim=1) - 1],
    "normalised_before": lambda hidden, mask, special: _mean(
        torch.nn.functional.normalize(hidden, dim=2), mask, special
    ),
}


@functools.cache
def loaded(folder: Any = FOLDER, causal: bool = False, bits: int = 0):
    """A model and its tokenizer, as anybody loads them; with `bits`, its weights in blocks of 32 have so many."""
    config = AutoConfig.from_pretrained(folder)
    if causal:
        config.is_decoder = True
    model = AutoModel.from_pretrained(folder, config=config).eval()
    for layer in model.modules() if bits else ():
        if isinstance(layer, torch.nn.Linear):
            blocks = layer.weight.data.unflatten(1, (-1, 32))
            low, high = blocks.aminmax(dim=2, keepdim=True)
            step = (high - low) / (2**bits - 1)
            layer.weight.data = (low + step * ((blocks - low) / step).round()).flatten(1)
    return AutoTokenizer.from_pretrained(folder), model


def after(vectors: torch.Tensor, steps: Sequence[str]) -> np.ndarray:
    """What is done to vectors afterwards, as NumPy does it."""
    made = vectors.numpy()
    for step in steps:
        if step == "l2":
            made = made / np.linalg.norm(made, axis=1, keepdims=True)
        elif step.startswith("first:"):
            made = made[:, : int(step[6:])]
        elif step == "float16":
            made = made.astype(np.float16)
        elif step == "bfloat16":
            made = torch.from_numpy(made).bfloat16().float().numpy()
        elif step == "binary":
            made = (np.packbits(made > 0, axis=1) - 128).astype(np.int8)
        elif step == "int8":
            low, high = made.min(axis=0), made.max(axis=0)
            made = (np.clip(np.floor((made - low) / ((high - low) / 255)), 0, 255) - 128).astype(np.int8)
        elif step == "centre":
            made = made - made.mean(axis=0)
    return made


def vectors(
    texts: Sequence[str],
    pool: str = "mean",
    *,
    layer: int | tuple[int, ...] = -1,
    template: str = "{}",
    special: bool = True,
    end: str = "",
    lower: bool = False,
    max_length: int = 256,
    causal: bool = False,
    batch: int = 1,
    side: str = "right",
    masked: bool = True,
    width: int = 0,
    bits: int = 0,
    steps: Sequence[str] = ("l2",),
    folder: Any = FOLDER,
) -> np.ndarray:
    """Vectors of texts by plain transformers.

    Args:
        texts: the texts.
        pool: one of `POOLS`.
        layer: of the hidden states, or several to average.
        template: the prompt.
        special: whether the tokenizer adds its special tokens.
        end: "off" leaves out the last token, which is special.
        lower: whether the text is put in lower case first.
        max_length: where the tokenizer cuts.
        causal: whether a token sees only what stands before it.
        batch: texts at a time, padded to the longest.
        side: where they are padded.
        masked: whether the model is given the attention mask.
        width: tokens to which all are padded; 0 for the longest.
        bits: of the weights; 0 leaves them as they are.
        steps: what is done afterwards.
        folder: the model's.
    """
    tokenizer, model = loaded(folder, causal, bits)
    given = [template.replace("{}", text.lower() if lower else text) for text in texts]
    made = []
    for i in range(0, len(given), batch):
        tokens = tokenizer(
            given[i : i + batch],
            add_special_tokens=special,
            truncation=True,
            max_length=width or max_length,
            padding="max_length" if width else True,
            padding_side=side,
            return_special_tokens_mask=True,
            return_tensors="pt",
        )
        marks = tokens.pop("special_tokens_mask").bool()
        mask = tokens["attention_mask"]
        if end == "off":
            tokens = {name: tensor[:, :-1] for name, tensor in tokens.items()}
            marks, mask = marks[:, :-1], mask[:, :-1]
        inputs = dict(tokens) if masked else {"input_ids": tokens["input_ids"]}
        with torch.no_grad():
            states = model(**inputs, output_hidden_states=True).hidden_states
        hidden = states[layer] if isinstance(layer, int) else torch.stack([states[one] for one in layer]).mean(dim=0)
        made.append(POOLS[pool](hidden, mask, marks))
    return after(torch.cat(made), steps)
