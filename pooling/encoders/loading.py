"""Models from their files: found, checked, read and put on a device; the only importer of transformers."""

import contextlib
import dataclasses
import json
import math
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_model
from transformers import AutoConfig, AutoModel, AutoModelForTextEncoding, AutoTokenizer, GgufConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES,
    MODEL_MAPPING_NAMES,
)

from pooling.after.dense import own_steps
from pooling.catalogue import Model, cache_folder, get_model, model_folder
from pooling.encoders.devices import check_device, default_device
from pooling.encoders.encoder import Encoder
from pooling.hub import HubError, need_memory, verified_folder
from pooling.machine import disk_full, out_of_memory
from pooling.registry import all_strategies

MOST_LAYERS = 200
SAFE: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}


def load_encoder(model: str, *, device: str | None = None) -> Encoder:
    """Load a model of the catalogue, its weights checked, onto a device.

    Args:
        model: a name from `pooling.catalogue`.
        device: "cuda", "mps" or "cpu"; by default `POOLING_DEVICE`, else the best there is.

    Raises:
        KeyError: for a name that is not in the catalogue.
        FileNotFoundError: when its weights are not on this machine, with the command that brings them.
        ValueError: when its weights are not the known ones, or cannot be read, or the device is not here.
        HubError: when memory does not suffice, or its config is refused.
    """
    entry = get_model(model)
    device = check_device(device) if device else default_device()
    folder = verified_folder(entry) if entry.source == "hub" else model_folder(entry)
    try:
        if entry.source == "hub":
            check_config(folder)
        else:
            need_memory(model, 4 * entry.parameters)
        if folder.suffix == ".gguf":
            folder = _converted(folder, entry)
        return read_encoder(model, folder, device=device, causal=entry.causal)
    except HubError:
        raise
    except Exception as error:
        if out_of_memory(error):
            raise HubError(f"The memory was not enough to load {model}; choose a smaller model.") from error
        if disk_full(error):
            raise HubError(f"The disk is full, so {model} could not be unpacked.") from error
        raise ValueError(f"The files of {model} could not be read ({type(error).__name__}).") from error


def read_encoder(name: str, folder: Path, *, device: str = "cpu", causal: bool = False) -> Encoder:
    """The encoder in a folder of a model's files; `causal` puts it under a causal mask."""
    config = AutoConfig.from_pretrained(folder, **SAFE)
    if causal:
        config.is_decoder = True
    tokenizer = AutoTokenizer.from_pretrained(folder, **SAFE)
    model = _auto_class(config).from_pretrained(
        folder, config=config, use_safetensors=True, dtype=torch.float32, attn_implementation=_attention(config), **SAFE
    )
    return Encoder(
        name,
        model.eval().requires_grad_(False).to(device),
        tokenizer,
        max_length=_max_length(folder, tokenizer, model.config.get_text_config()),
        # Under a mask it was not trained with, what the files say of the pooling no longer holds.
        trained_pooling=None if causal else trained_pooling(folder),
        after=() if causal else own_steps(folder),
    )


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
            shape = _auto_class(config).from_config(
                config, trust_remote_code=False, attn_implementation=_attention(config)
            )
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


def _attention(config: Any) -> str:
    """PyTorch's own attention, where the model's class can take it: MPNet's cannot."""
    found = _auto_class(config)._model_mapping[type(config)]
    return "sdpa" if (found[0] if isinstance(found, tuple) else found)._supports_sdpa else "eager"


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


def positions(config: Any) -> int | float:
    """Tokens that a model has positions for; infinity where it counts them some other way."""
    found = getattr(config, "max_position_embeddings", None) or math.inf
    if getattr(config, "model_type", "") in {"roberta", "xlm-roberta", "camembert", "mpnet"}:
        found -= config.pad_token_id + 1  # position ids start behind the padding's
    return found


def _max_length(folder: Path, tokenizer: Any, config: Any) -> int:
    """Tokens a text may have: the smallest of what the model's files say."""
    own = _json(folder / "sentence_bert_config.json", {}).get("max_seq_length") or math.inf
    return int(min(positions(config), own, tokenizer.model_max_length))


def _json(path: Path, missing: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else missing
