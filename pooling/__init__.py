"""Pooling: how a matrix of token vectors becomes one embedding.

A strategy says how much each token counts; one contraction turns that into the embedding.

    from pooling import embed, load_encoder

    encoder = load_encoder("sentence-transformers/all-MiniLM-L6-v2")
    vectors = embed(["A first text.", "A second one."], encoder, ["mean", "cls"])
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pooling.attention_heads import AttentionHead as AttentionHead
    from pooling.attention_heads import find_head as find_head
    from pooling.encoders import Encoder as Encoder
    from pooling.encoders import TruncationWarning as TruncationWarning
    from pooling.encoders import apply as apply
    from pooling.encoders import embed as embed
    from pooling.encoders.loading import load_encoder as load_encoder
    from pooling.registry import Strategy as Strategy
    from pooling.registry import all_strategies as all_strategies
    from pooling.registry import get_strategy as get_strategy
    from pooling.training import train_head as train_head
    from pooling.types import Pooled as Pooled
    from pooling.types import TokenStates as TokenStates

_HOMES = {
    "AttentionHead": "attention_heads",
    "Encoder": "encoders",
    "Pooled": "types",
    "Strategy": "registry",
    "TokenStates": "types",
    "TruncationWarning": "encoders",
    "all_strategies": "registry",
    "apply": "encoders",
    "embed": "encoders",
    "find_head": "attention_heads",
    "get_strategy": "registry",
    "load_encoder": "encoders.loading",
    "train_head": "training",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: transformers alone takes seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module 'pooling' has no attribute {name!r}")
    return getattr(importlib.import_module(f"pooling.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
