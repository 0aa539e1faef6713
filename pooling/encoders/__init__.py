"""Texts to token states to embeddings: the only place that runs a transformer.

`loading` alone imports transformers, which takes seconds: whoever pools states, or names an `Encoder`, does without.
"""

from pooling.encoders.embedding import TruncationWarning, apply, embed
from pooling.encoders.encoder import Encoder, Layer, Side

__all__ = ["Encoder", "Layer", "Side", "TruncationWarning", "apply", "embed"]
