"""The tables of the Detective page."""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from torch import Tensor

from pooling.attention_heads import layer_name
from pooling.catalogue import MODELS, PLAIN
from pooling.datasets import Pair
from pooling.detect.findings import BUGS_IN_WORDS, Findings, Match
from pooling.encoders import Encoder, embed
from pooling.evaluation import Grid, distinct_texts, pair_cosines, score_grid
from pooling.recipe import Recipe
from pooling.registry import get_strategy
from pooling.tables import own_strategy

UNKNOWN = "these texts do not say"
CLUES = {
    "number": "text",
    "text": "what it says",
    "tokens": "tokens",
    "cosine": "cosine to the model's own",
    "length": "length of its vector",
}


def own_recipe(encoder: Encoder) -> Recipe:
    """How the model is meant to be used: its own pooling, or the mean where it has none, and what comes after it."""
    entry = next((model for model in MODELS if model.name == encoder.name), None)
    template = dict(entry.prompts)[entry.prompt] if entry and entry.prompt else PLAIN
    own = own_strategy(encoder.trained_pooling)
    after = tuple(step.written for step in encoder.after)
    return Recipe(encoder.name, own.name, encoder.layers, template, after=after)


def clue_table(texts: Sequence[str], vectors: np.ndarray, directions: Tensor, encoder: Encoder) -> pd.DataFrame:
    """What can be seen of vectors before anybody searches: columns of `CLUES`, one row a text.

    The cosine is that to what the model's own recipe makes of the text, in as many dimensions as there are; nan where
    there are more, or a vector has no direction.

    Args:
        texts: the texts.
        vectors: as they came.
        directions: what they stand for: of packed bits one number each.
        encoder: the model.
    """
    own = own_embeddings(texts, encoder).numpy()
    values = directions.double().numpy()
    cosines = np.full(len(texts), math.nan)
    if values.shape[1] <= own.shape[1]:
        cut = own[:, : values.shape[1]]
        with np.errstate(all="ignore"):
            cosines = (values * cut).sum(axis=1) / np.linalg.norm(values, axis=1) / np.linalg.norm(cut, axis=1)
    return pd.DataFrame(
        {
            "number": range(1, len(texts) + 1),
            "text": list(texts),
            "tokens": [encoder.length(text) for text in texts],
            "cosine": cosines,
            "length": np.linalg.norm(vectors.astype(float), axis=1),
        }
    )


def own_embeddings(texts: Sequence[str], encoder: Encoder, report: Callable[[float], None] | None = None) -> Tensor:
    """Embeddings by the model's own recipe."""
    own = own_recipe(encoder)
    told = report or (lambda share: None)
    with warnings.catch_warnings(action="ignore"):  # of texts that are cut, which a page says by itself
        made = embed(texts, encoder, own.strategy, after=own.after, report=told, **own.reading.prompt)
    return made[own.strategy].float()


def recipe_table(found: Match, encoder: Encoder, longest: int) -> pd.DataFrame:
    """The recipe that was found beside the model's own: columns own, found and is, "≠ differs" where it does.

    Args:
        found: the recipe.
        encoder: the model.
        longest: tokens of the longest text; only what is longer than a limit can show it.
    """
    own = own_recipe(encoder)
    limit = f"{encoder.max_length} tokens"
    most = f"{found.max_length} tokens" if found.max_length else UNKNOWN
    if found.max_length is None and longest > encoder.max_length:
        most = f"more than {encoder.max_length} tokens"
    layer, averaged = layer_name(found.layer), isinstance(found.layer, tuple)
    bugs = [BUGS_IN_WORDS[bug] for bug in (found.bug or "").split("+") if bug]
    rows = {
        "pooling": (own.pooling.title, get_strategy(found.strategy, **dict(found.params)).title),
        "layer": (f"{encoder.layers} (last)", f"{layer} averaged" if averaged else _last(found.layer, encoder)),
        "prompt": (prompt(own.template), prompt(found.template)),
        "special tokens": ("there", "there" if found.special_tokens else "left out"),
        "length limit": (limit, most),
        "mistakes": ("none", "; ".join(bugs) or "none"),
        "after pooling": (steps(own.after), steps(found.after)),
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["own", "found"])
    table["is"] = [
        "? not known" if made == UNKNOWN else "= the same" if made == meant else "≠ differs"
        for meant, made in zip(table["own"], table["found"], strict=True)
    ]
    return table.rename_axis("what")


def prompt(template: str) -> str:
    """A prompt in words."""
    return "none" if template == PLAIN else f"“{template}”"


def steps(after: Sequence[str]) -> str:
    """Steps after pooling in words."""
    return "scaled to length 1 (l2)" if tuple(after) == ("l2",) else " → ".join(after) or "nothing"


def _last(layer: object, encoder: Encoder) -> str:
    return f"{layer} (last)" if layer == encoder.layers else "0 (input)" if layer == 0 else str(layer)


def axis_table(findings: Findings) -> pd.DataFrame:
    """How far each alternative misses: columns axis, name, miss (in % of a vector's length), found, explains."""
    rows = [
        (one.axis, one.name, 100 * one.miss, one.found, one.miss <= findings.tolerance) for one in findings.alternatives
    ]
    return pd.DataFrame(rows, columns=["axis", "name", "miss", "found", "explains"])


@dataclass(frozen=True)
class Cost:
    """What a recipe scores on scored pairs beside the model's own, Spearman × 100."""

    table: pd.DataFrame
    """Columns name, label, score, low, high, and verdict, "worse" where one is that beyond chance."""
    lost: float
    low: float
    high: float
    """The difference, and its 95% interval."""
    same: bool
    """Whether they rank alike, but for rounding, whatever pairs are drawn."""


def cost(
    pairs: Sequence[Pair],
    remake: Callable[[Encoder, Sequence[str]], Tensor],
    encoder: Encoder,
    report: Callable[[float], None] = lambda share: None,
) -> Cost | None:
    """The cost of a recipe; None where it, or the model's own, ranks nothing.

    Args:
        pairs: scored by people.
        remake: makes embeddings of texts by the recipe.
        encoder: the model.
        report: told the share that is done; it may raise to end it.
    """
    texts = distinct_texts(pairs)
    theirs = remake(encoder, texts)
    report(0.5)
    own = own_embeddings(texts, encoder, lambda share: report(0.5 + share / 2))
    cells = {(encoder.layers, "own"): own, (encoder.layers, "found"): theirs}
    grid = Grid({cell: pair_cosines(pairs, texts, vectors) for cell, vectors in cells.items()})
    (meant, found), compared = cells, score_grid(pairs, grid, tuple(cells)).compared
    if not {meant, found} <= compared.scores.keys():
        return None
    labels = {meant: "The model's own recipe", found: "The recipe that was found"}
    lost, low, high = (100 * end for end in compared.lead(meant, found))
    worse = {meant: high < 0, found: low > 0}
    rows = [
        (cell[1], labels[cell], *(100 * end for end in compared.score(cell)), "worse" if worse[cell] else "open")
        for cell in cells
    ]
    table = pd.DataFrame(rows, columns=["name", "label", "score", "low", "high", "verdict"])
    return Cost(table, lost, low, high, compared.never_apart(meant, found))
