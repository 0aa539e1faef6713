"""Learned pooling: an attention head, and the heads that ship with the project."""

import json
from functools import cache
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pooling.types import Hidden, TokenStates

HEADS = Path(__file__).parent / "heads"


class AttentionHead(nn.Module):
    """One learned query over standardised hidden states: a score a token, softmaxed by the strategy.

    The query starts at zero, so an untrained head gives every token the same score and IS mean
    pooling. After "A Structured Self-attentive Sentence Embedding" (arXiv:1703.03130), with one
    query and no hidden layer.
    """

    def __init__(self, dim: int):
        super().__init__()
        self.query = nn.Parameter(torch.zeros(dim))
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("std", torch.ones(dim))

    def standardise_by(self, states: list[TokenStates]) -> None:
        """Take mean and standard deviation of each dimension from the real tokens of a corpus."""
        count, total, squares = 0, 0.0, 0.0
        for batch in states:
            real = batch.hidden[batch.mask].double()
            count += len(real)
            total = total + real.sum(dim=0)
            squares = squares + real.square().sum(dim=0)
        mean = total / count
        # A dimension that never changes says nothing, and is left as it is.
        variance = (squares / count - mean.square()).clamp(min=0)
        self.mean.copy_(mean)
        self.std.copy_(torch.where(variance > 1e-12, variance, 1.0).sqrt())

    def forward(self, hidden: Hidden) -> Float[Tensor, "batch length"]:
        """One score a token, from hidden states [batch, length, dim] of any type and device."""
        mean, std, query = (x.to(hidden.device) for x in (self.mean, self.std, self.query))
        return ((hidden.float() - mean) / std) @ query


def save_head(head: AttentionHead, card: dict, path: Path) -> None:
    """Write `path` (safetensors) and beside it the card that says where it comes from (JSON)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in head.state_dict().items()}, path)
    path.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def load_head(path: Path) -> AttentionHead:
    """Read a head from a safetensors file."""
    state = load_file(path)
    head = AttentionHead(len(state["query"]))
    head.load_state_dict(state)
    return head.eval().requires_grad_(False)


def head_path(model: str, layer: int) -> Path:
    """Where the head of a model's layer is kept; the model is a name from the catalogue."""
    return HEADS / f"{model.rpartition('/')[2]}.layer{layer}.safetensors"


@cache
def head_cards() -> tuple[dict, ...]:
    """The cards of all heads that ship with the project."""
    return tuple(json.loads(p.read_text(encoding="utf-8")) for p in sorted(HEADS.glob("*.json")))


@cache
def find_head(model: str, layer: int | tuple[int, ...]) -> AttentionHead:
    """The head that ships for this model and layer.

    Raises:
        LookupError: when there is none, saying which layers of the model have one.
    """
    layers = sorted(card["layer"] for card in head_cards() if card["model"] == model)
    if layer in layers:
        return load_head(head_path(model, layer))
    has = f"it has one for layer {', '.join(map(str, layers))}" if layers else "it has none at all"
    raise LookupError(
        f"No attention head was trained for {model} at layer {layer_name(layer)} ({has}); "
        "choose such a layer, or another strategy."
    )


def layer_name(layer: int | tuple[int, ...]) -> str:
    """A layer as a reader sees it: "6", or "1+6" for an average of two."""
    return str(layer) if isinstance(layer, int) else "+".join(map(str, layer))
