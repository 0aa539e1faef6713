"""Learned pooling: an attention head, and the heads that ship with the project."""

import io
import json
import lzma
import zipfile
import zlib
from functools import cache
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save, save_file
from torch import Tensor, nn

from pooling.types import Hidden, NotComputable, TokenStates

HEADS = Path(__file__).parent / "heads"
MOST_HEAD_BYTES = 2**20
"""Of a head from elsewhere, and of its card; a head of 4,096 dimensions has 49,152."""
HEAD_FILE, CARD_FILE = "head.safetensors", "head.json"


class AttentionHead(nn.Module):
    """One learned query over standardised hidden states: a score a token, softmaxed by the strategy.

    The query starts at zero, so an untrained head gives every token the same score and IS mean
    pooling. After "A Structured Self-attentive Sentence Embedding" (arXiv:1703.03130), with one
    query and no hidden layer.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, dim: int):
        super().__init__()
        self.query = nn.Parameter(torch.zeros(dim))
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("std", torch.ones(dim))

    def standardise_by(self, states: list[TokenStates]) -> None:
        """Take mean and standard deviation of each dimension from the real tokens of a corpus."""
        count = 0
        total = squares = torch.zeros(len(self.query), dtype=torch.float64, device=states[0].hidden.device)
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


def pack_head(head: AttentionHead, card: dict) -> bytes:
    """A head and its card as one zip file, for `unpack_head`."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(HEAD_FILE, save({k: v.contiguous() for k, v in head.state_dict().items()}))
        archive.writestr(CARD_FILE, json.dumps(card, indent=2) + "\n")
    return made.getvalue()


def unpack_head(data: bytes) -> tuple[AttentionHead, dict]:
    """A head and its card from the bytes of a zip file of `pack_head`, nothing in them trusted.

    Raises:
        ValueError: for anything else than three finite float32 vectors of one length in
            safetensors, and a card that names a model and a layer; one sentence, to show as text.
    """
    if len(data) > 2 * MOST_HEAD_BYTES:
        raise ValueError(f"The file has {len(data) / 2**20:.1f} MB; a head and its card have less than 1 MB.")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        weights, written = (_member(archive, name) for name in (HEAD_FILE, CARD_FILE))
        state = load(weights)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, EOFError, OSError):
        raise ValueError("This is not a zip file of a head; upload what this page gave you to download.") from None
    except (SafetensorError, KeyError):
        raise ValueError(f"{HEAD_FILE} in the zip file is not in the safetensors format, so it is not read.") from None
    try:
        card = json.loads(written)
    except (ValueError, RecursionError):  # a number of thousands of digits, and brackets within brackets, too
        raise ValueError(
            f"The card {CARD_FILE} in the zip file is not JSON that can be read; download the head again."
        ) from None
    return _checked_head(state), _checked_card(card)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """A file of the archive, unpacked no further than it may be large."""
    if name not in archive.namelist():
        raise ValueError(f"The zip file has no {name}; upload what this page gave you to download.")
    with archive.open(name) as file:
        data = file.read(MOST_HEAD_BYTES + 1)
    if len(data) > MOST_HEAD_BYTES:
        raise ValueError(f"{name} in the zip file has more than {MOST_HEAD_BYTES >> 20} MB; a head is smaller.")
    return data


def _checked_head(state: dict[str, Tensor]) -> AttentionHead:
    if set(state) != {"query", "mean", "std"}:
        raise ValueError("The head must hold the three vectors query, mean and std, and nothing else.")
    shapes = {name: list(vector.shape) for name, vector in state.items()}
    if any(len(shape) != 1 or shape != shapes["query"] or not shape[0] for shape in shapes.values()):
        raise ValueError(f"The head's three vectors must have one length, not {str(shapes)[:100]}.")
    if any(vector.dtype != torch.float32 for vector in state.values()):
        raise ValueError("The head's numbers must be float32.")
    if not all(vector.isfinite().all() for vector in state.values()) or not (state["std"] > 0).all():
        raise ValueError("The head holds a number that is not finite, or a deviation that is not above zero.")
    head = AttentionHead(shapes["query"][0])
    head.load_state_dict(state)
    return head.eval().requires_grad_(False)


def _checked_card(card: object) -> dict:
    """The card, its layer a number or, for an average, a tuple of numbers."""
    if not isinstance(card, dict) or not isinstance(card.get("model"), str):
        raise ValueError(f"The card {CARD_FILE} does not say which model the head is for.")
    layer = card.get("layer")
    if not all(type(one) is int and 0 <= one < 1000 for one in (layer if isinstance(layer, list) else [layer])):
        raise ValueError(f"The card {CARD_FILE} does not say which layer the head is for.")
    return card | {"layer": tuple(layer)} if isinstance(layer, list) else card


def head_path(model: str, layer: int | tuple[int, ...]) -> Path:
    """Where the head of a model's layer is kept; the model is a name from the catalogue."""
    return HEADS / f"{model.rpartition('/')[2]}.layer{layer_name(layer)}.safetensors"


@cache
def head_cards() -> tuple[dict, ...]:
    """The cards of all heads that ship with the project."""
    return tuple(json.loads(p.read_text(encoding="utf-8")) for p in sorted(HEADS.glob("*.json")))


def layers_with_head(model: str) -> list[int]:
    """The layers of a model that have a head of the project's."""
    return sorted(card["layer"] for card in head_cards() if card["model"] == model)


@cache
def find_head(model: str, layer: int | tuple[int, ...]) -> AttentionHead:
    """The head that ships for this model and layer.

    Raises:
        NotComputable: when there is none, saying which layers of the model have one.
    """
    layers = layers_with_head(model)
    if layer in layers:
        return load_head(head_path(model, layer))
    has = f"it has one for layer {', '.join(map(str, layers))}" if layers else "it has none at all"
    remedy = "choose such a layer, or another strategy" if layers else "choose another strategy"
    raise NotComputable(f"No attention head was trained for {model} at layer {layer_name(layer)} ({has}); {remedy}.")


def layer_name(layer: int | tuple[int, ...]) -> str:
    """A layer as a reader sees it: "6", or "1+6" for an average of two."""
    return str(layer) if isinstance(layer, int) else "+".join(map(str, layer))
