"""What the living picture is made of: one sentence under every strategy, small enough to be pooled in a browser.

Of a sentence of T tokens a browser needs the columns that it shows and a few Gram matrices: with these it can weigh
the tokens otherwise, and know the new embedding's length and its cosine to every other vector, in T * T steps
whatever the number of dimensions.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pooling.encoders import Layer
from pooling.registry import Strategy
from pooling.similarity import pool_all
from pooling.types import NotComputable, Pooled, TokenStates


@dataclass
class Living:
    """A sentence for the browser: names and texts, and one row of numbers with the place of each array in it."""

    said: dict[str, Any]
    places: dict[str, int] = field(default_factory=dict)
    """Where an array begins in `numbers`; how long it is follows from what is said."""
    parts: list[np.ndarray] = field(default_factory=list)

    def put(self, name: str, values: Tensor) -> None:
        """Append an array of numbers, row after row."""
        self.places[name] = sum(part.size for part in self.parts)
        self.parts.append(values.detach().float().cpu().numpy().astype("<f4").ravel())

    @cached_property
    def numbers(self) -> np.ndarray:
        """All arrays, one behind the other, in float32."""
        return np.concatenate(self.parts)

    @cached_property
    def text(self) -> str:
        """What is said, and the places, as JSON: written once, however often it is sent."""
        return json.dumps(self.said | {"places": self.places})


def living(
    states: TokenStates,
    index: int,
    strategies: Sequence[Strategy],
    *,
    base: str,
    dimensions: Sequence[int],
    model: str,
    layer: Layer,
) -> Living:
    """One of a few sentences under every strategy.

    The arrays, T being the sentence's tokens, D the dimensions shown, S the strategies that can be computed and O the
    other sentences: hidden [T, D]; gram [T (T + 1) / 2], the dot products of its tokens, row after row the upper
    triangle; of each strategy share.NAME [T] and, unless it has one weight a token, weights.NAME [T, D], or the
    winner of each dimension, from 0 [D]; between [S, S] and others [S, O], the cosines of its vectors to one another
    and to the other sentences' under the same strategy; tokens_strategies [T, S] and tokens_others [T, O], dot
    products with these vectors, the others' under `base`; lengths_strategies [S] and lengths_others [O].

    Args:
        states: of all the sentences.
        index: which of them.
        strategies: with their parameters set.
        base: the strategy with whose vectors of the other sentences own weights are compared.
        dimensions: the columns to show.
        model: of the states.
        layer: of the states.

    Raises:
        NotComputable: when `base` cannot be computed here.
    """
    one = states.one(index)
    pooled, missing = pool_all(one, strategies, model=model, layer=layer)
    if base in missing:
        raise NotComputable(missing[base])
    everyone, _ = pool_all(states, strategies, model=model, layer=layer)
    hidden, shown = one.hidden_or_zero[0], list(dimensions)
    other = [i for i in range(len(states.tokens)) if i != index]
    vectors = torch.cat([made.embedding for made in pooled.values()])
    others = torch.stack([everyone[name].embedding[other] for name in pooled])
    based = everyone[base].embedding[other]
    made = Living({"dims": shown, "dim": hidden.shape[1], "others": [i + 1 for i in other]})
    made.said["strategies"] = [_strategy(one, pooled.get(one.name), missing.get(one.name)) for one in strategies]
    made.put("hidden", one.hidden[0][:, shown])
    made.put("gram", (hidden @ hidden.T)[torch.triu_indices(len(hidden), len(hidden)).unbind()])
    for name, of in pooled.items():
        made.put(f"share.{name}", of.token_share[0])
        if of.kind == "winners":
            made.put(f"weights.{name}", of.weights[0, :, shown].argmax(dim=0))
        elif of.kind == "dimensions":
            made.put(f"weights.{name}", of.weights.expand_as(one.hidden)[0, :, shown])
    directions = torch.nn.functional.normalize(vectors)
    made.put("between", directions @ directions.T)
    made.put("others", (torch.nn.functional.normalize(others, dim=2) @ directions[:, :, None])[:, :, 0])
    made.put("tokens_strategies", hidden @ vectors.T)
    made.put("lengths_strategies", vectors.norm(dim=1))
    made.put("tokens_others", hidden @ based.T)
    made.put("lengths_others", based.norm(dim=1))
    return made


def _strategy(strategy: Strategy, pooled: Pooled | None, missing: str | None) -> dict[str, Any]:
    """What is said of a strategy: its names, the kind of its weights, its worked formula, or why it is missing."""
    return {
        "name": strategy.name,
        "label": strategy.label,
        "title": strategy.title,
        "summary": strategy.summary,
        "kind": strategy.kind,
        "worked": in_a_line(strategy.worked),
        "missing": missing,
    }


def in_a_line(worked: str) -> str:
    r"""A strategy's worked formula without LaTeX: `\frac{1}{<n>}\big(<value sum>\big)` is `1/<n> · (<value sum>)`."""
    worked = re.sub(r"\\big(?=[()])", "", worked)
    worked = re.sub(r"\\sqrt\{(.+?)\}", r"√\1", worked)
    worked = re.sub(r"\\frac\{(.+?)\}\{(.+?)\}", r"\1/\2 · ", worked)
    return worked.replace("\\max", "max")
