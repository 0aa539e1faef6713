"""A model's own Dense layer."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import linear

from pooling.after import Step, Vectors, get_step, step
from pooling.types import NotComputable

ACTIVATIONS: dict[str, type[nn.Module]] = {
    one.__name__: one for one in (nn.Identity, nn.Tanh, nn.ReLU, nn.GELU, nn.SiLU, nn.Sigmoid)
}
KINDS = {"Dense": "dense", "Normalize": "l2"}
"""What follows the pooling in a model's files, and which step it is."""


@step(
    label="Dense layer",
    formula=r"e' = a(W e + b)",
    source="https://arxiv.org/abs/2007.01852",
    watch_out=(
        "It belongs to the model: a server that reads only the transformer's weights leaves it out without a word, and "
        "the embeddings then lie in another space."
    ),
    undo="No, in general: it may have fewer dimensions, and its activation may bend them.",
    order=10,
    fits="model",
    torch=(
        'embeddings = torch.nn.functional.linear(embeddings, fitted["weight"], fitted["bias"])\n'
        'embeddings = fitted["activation"](embeddings)'
    ),
    sentence_transformers=(
        "import torch\n"
        "from sentence_transformers.sentence_transformer.modules import Dense\n\n"
        'out, into = fitted["weight"].shape\n'
        'dense = Dense(into, out, fitted["bias"] is not None, fitted["activation"], fitted["weight"], fitted["bias"])\n'
        "with torch.inference_mode():\n"
        '    embeddings = dense({"sentence_embedding": embeddings})["sentence_embedding"]'
    ),
)
def dense(vectors: Vectors, *, fitted: Mapping[str, Any]) -> Vectors:
    """The model's own trained layer maps the embedding into another space."""
    if fitted["weight"] is None:
        raise NotComputable(fitted["lacks"])
    if fitted["weight"].shape[1] != vectors.shape[1]:
        raise NotComputable(f"The Dense layer takes {fitted['weight'].shape[1]} dimensions, not {vectors.shape[1]}.")
    return fitted["activation"](linear(vectors, fitted["weight"].to(vectors.device), fitted["bias"]))


def own_steps(folder: Path) -> tuple[Step, ...]:
    """What a model's `modules.json` has after its pooling, as steps, their weights read from safetensors alone.

    A Dense layer that cannot be read is named all the same, and says why as it is used.
    """
    path = folder / "modules.json"
    modules = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    kinds = [(str(one["type"]).rpartition(".")[2], str(one.get("path", ""))) for one in modules]
    return tuple(
        replace(get_step("dense"), fitted=_read(folder, inside)) if kind == "Dense" else get_step(KINDS[kind])
        for kind, inside in kinds
        if kind in KINDS
    )


def _read(folder: Path, inside: str) -> dict[str, Any]:
    """The numbers of a Dense layer, or what keeps them from being read."""
    nothing: dict[str, Any] = {"weight": None, "bias": None}
    weights = folder / inside / "model.safetensors"
    if not re.fullmatch(r"[\w-]+", inside, re.ASCII) or not weights.is_file():
        return nothing | {"lacks": "The model's Dense layer is not here in safetensors, so it is left unread."}
    config = json.loads((folder / inside / "config.json").read_text(encoding="utf-8"))
    # Without one it is Tanh there.
    name = str(config.get("activation_function", "torch.nn.Tanh"))
    activation = ACTIVATIONS.get(name.rpartition(".")[2]) if name.startswith("torch.nn.") else None
    if activation is None or config.get("use_residual"):
        return nothing | {"lacks": "The model's Dense layer does more than is known here, so it is left unread."}
    tensors = load_file(weights)
    read = {"weight": tensors["linear.weight"], "bias": tensors.get("linear.bias"), "activation": activation()}
    return read | {"file": f"{inside}/model.safetensors"}
