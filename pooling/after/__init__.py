"""What happens to an embedding after pooling: one file a step, found by itself.

Here is what a step is and how it gets on the list; none lives in this file. A recipe names its steps in order, each as
`written`: `l2`, `first:128`, `pca:128`, `random:128`, `dense`, `centre`, `whiten`, `float16`, `bfloat16`, `int8`,
`binary`.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float, Num
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from pooling.registry import new_name
from pooling.types import NotComputable

Vectors = Float[Tensor, "text _"]
Codes = Num[Tensor, "text _"]
"""Embeddings of any number type, and any number of dimensions."""
Fits = Literal["corpus", "model"]
Parts = Float[Tensor, "token _"]
"""What each token adds to an embedding; the rows add up to it."""
ROUNDING = 1e-5
"""What is shorter than this share of an embedding's length, once a mean is taken away from it, is rounding."""


@dataclass(frozen=True, eq=False)
class Step:
    """A step after pooling: call it with embeddings [text, dim] to get what it makes of them.

    `fits` names where its numbers come from: "corpus" (`fit` reads them off embeddings) or "model" (read from the
    model's files). Until it has them it raises `NotComputable`.
    """

    name: str
    label: str
    summary: str
    formula: str
    source: str
    watch_out: str
    undo: str
    """Whether it can be undone: "Yes" or "No", and why."""
    order: int
    fits: Fits | None
    counts: bool
    """Whether a number belongs to its name, how many dimensions are kept: `first:128`."""
    stores: bool
    """Whether it is a number type, in which embeddings are stored: one at most makes sense, at the end."""
    torch: str
    """The same in plain PyTorch: lines that make `embeddings` anew, of `fitted` and of `count` where it has them."""
    sentence_transformers: str | None
    """The same there, on a tensor of embeddings; None where it has none."""
    run: Callable[..., Codes]
    measure: Callable[[Vectors], Mapping[str, Tensor]] | None
    read: Callable[..., Vectors] | None
    share: Callable[..., Parts] | None
    """What becomes of what each token adds; None where the result is in general no sum over tokens."""
    count: int | None = None
    fitted: Mapping[str, Any] | None = None
    """Its numbers, where it has any."""

    @property
    def written(self) -> str:
        """How a recipe writes it."""
        return f"{self.name}:{self.count}" if self.counts else self.name

    @property
    def title(self) -> str:
        """What a reader calls it: the label, with its number."""
        return self.label.replace(" k ", f" {self.count} ") if self.count else self.label

    @property
    def settings(self) -> dict[str, Any]:
        """What it is set to, as its function's keywords.

        Raises:
            NotComputable: when it has not been fitted.
        """
        if self.fits and self.fitted is None:
            where = "fit it on embeddings first" if self.fits == "corpus" else "a model's own files have its weights"
            raise NotComputable(f"{self.label} has no numbers of its own yet; {where}.")
        return ({"count": self.count} if self.counts else {}) | ({"fitted": self.fitted} if self.fits else {})

    def __call__(self, vectors: Vectors) -> Codes:
        """What it makes of embeddings, in its own number type.

        Raises:
            NotComputable: when it has not been fitted, or makes nothing of so many dimensions.
        """
        return self.run(vectors, **self.settings)

    def fit(self, vectors: Vectors) -> "Step":
        """The step with its numbers taken from the embeddings of a corpus; itself where it needs none.

        Raises:
            ValueError: when they are too few.
        """
        return self if self.measure is None else replace(self, fitted=self.measure(vectors))

    def values(self, made: Codes) -> Vectors:
        """What its result stands for in float32, to be compared: of codes the numbers, of others themselves."""
        return made.float() if self.read is None else self.read(made, **self.settings)

    def parts(self, parts: Parts, shares: Parts) -> Parts:
        """What each token adds to the result, from what it adds to an embedding.

        Args:
            parts: they add up to the embedding.
            shares: how much each token counts, in each dimension or in all; they add up to 1.

        Raises:
            NotComputable: when the result is in general no sum over tokens, or it has not been fitted.
        """
        if self.share is None:
            raise NotComputable(f"After {self.title} an embedding is in general no sum over its tokens any more.")
        return self.share(parts, shares, **self.settings)


_STEPS: dict[str, Step] = {}


def step(
    *,
    label: str,
    formula: str,
    source: str,
    watch_out: str,
    undo: str,
    order: int,
    torch: str,
    sentence_transformers: str | None = None,
    fits: Fits | None = None,
    counts: bool = False,
    stores: bool = False,
    measure: Callable[[Vectors], Mapping[str, Tensor]] | None = None,
    read: Callable[..., Vectors] | None = None,
    share: Callable[..., Parts] | None = None,
) -> Callable[[Callable[..., Codes]], Step]:
    """Put a function on the list of steps; its name is its file's, its summary its docstring.

    Args:
        label: what a switch shows.
        formula: LaTeX, with e for the embedding and e' for what becomes of it.
        source: address of the paper, or of what defines it.
        watch_out: what goes wrong with it, a sentence or two.
        undo: whether it can be undone, and why.
        order: place on the list; unique.
        torch: the same in plain PyTorch, for readers to copy; see `Step`.
        sentence_transformers: the same there.
        fits: where its numbers come from; its function has them as `fitted`.
        counts: whether a number belongs to it; its function has it as `count`.
        stores: whether it is a number type, in which embeddings are stored.
        measure: reads its numbers off the embeddings of a corpus.
        read: makes numbers of its codes again; it has the function's keywords.
        share: makes of what each token adds, and of how much it counts, what it adds to the result; likewise.

    Raises:
        ValueError: when the name or the order is taken, or the docstring is missing.
    """

    def register(run: Callable[..., Codes]) -> Step:
        name = new_name("Step", run, order, _STEPS.values())
        if not run.__doc__:
            raise ValueError(f"Step {name!r} needs a docstring: a reader sees it as its summary.")
        _STEPS[name] = Step(
            name, label, run.__doc__.strip().splitlines()[0], formula, source, watch_out, undo, order, fits, counts,
            stores, torch, sentence_transformers, run, measure, read, share,
        )  # fmt: skip
        return _STEPS[name]

    return register


@cache
def _load() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")


def all_steps() -> list[Step]:
    """Every step, in the order in which they make sense; none fitted, none with its number."""
    _load()
    return sorted(_STEPS.values(), key=lambda one: one.order)


def get_step(written: str) -> Step:
    """The step that is written so: `l2`, `first:128`.

    Raises:
        KeyError: for an unknown name, with the nearest known one.
        ValueError: for a number that is missing, is too many or is none.
    """
    _load()
    name, colon, number = written.partition(":")
    if name not in _STEPS:
        near = difflib.get_close_matches(name, _STEPS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(one.name for one in all_steps())}."
        raise KeyError(f"No step {name!r} after pooling. {hint}")
    found = _STEPS[name]
    if not found.counts and not colon:
        return found
    if not found.counts:
        raise ValueError(f"The step {name} has no number, so {written!r} is none; write {name}.")
    if not (number.isascii() and number.isdecimal()) or not int(number):
        raise ValueError(f"The step {name} needs a number of dimensions, such as {name}:128, and has {number!r}.")
    return replace(found, count=int(number))


def chosen_steps(steps: Iterable[Step | str], own: Iterable[Step] = ()) -> list[Step]:
    """Steps by their names or not; `dense` is the model's own, the next one each time.

    Args:
        steps: in the order in which they are taken.
        own: what the model's own files name.

    Raises:
        KeyError: as `get_step` does; likewise
        ValueError: as it does.
        NotComputable: for a step with the model's numbers where the model has no such step.
    """
    left = [one for one in own if one.fits == "model"]
    made = []
    for one in steps:
        found = get_step(one) if isinstance(one, str) else one
        if found.fits == "model" and found.fitted is None:
            if not left:
                raise NotComputable(f"The model's files name no further {found.label}; leave the step out.")
            found = left.pop(0)
        made.append(found)
    return made


def in_words(steps: Iterable[Step]) -> str:
    """What a reader calls some steps, in their order."""
    return " → ".join(one.title for one in steps)


def run_steps(vectors: Vectors, steps: Iterable[Step]) -> Codes:
    """Embeddings after all the steps, in the last one's number type.

    Raises:
        NotComputable: when one has not been fitted, or makes nothing of so many dimensions.
    """
    made: Codes = vectors
    for one in steps:
        made = one(made if made.dtype == vectors.dtype else made.float())
    return made


def values_after(vectors: Vectors, steps: Iterable[Step]) -> Vectors:
    """What embeddings after the steps stand for, to be compared; exactly zero where a mean leaves rounding alone.

    Raises:
        NotComputable: as `run_steps` does.
    """
    for one in steps:
        before, vectors = vectors, one.values(one(vectors))
        if "mean" in (one.fitted or {}):
            left = (before - one.settings["fitted"]["mean"]).norm(dim=1)
            vectors = vectors.masked_fill((left <= ROUNDING * before.norm(dim=1))[:, None], 0.0)
    return vectors


def fit_steps(steps: Iterable[Step | str], vectors: Vectors, own: Iterable[Step] = ()) -> list[Step]:
    """Steps as `chosen_steps` has them, each with numbers of its own fitted on what those before make of a corpus.

    Args:
        steps: in the order in which they are taken; those that are fitted stay as they are.
        vectors: the embeddings of the corpus.
        own: what the model's own files name.

    Raises:
        KeyError: as `chosen_steps` does; likewise
        ValueError: as it does.
        NotComputable: as it does, or when the corpus is too small, or a step makes nothing of so many dimensions.
    """
    made = []
    for one in chosen_steps(steps, own):
        if one.fits == "corpus" and one.fitted is None:
            try:
                one = one.fit(vectors)
            except ValueError as few:
                raise NotComputable(str(few)) from few
        vectors = values_after(vectors, [one])
        made.append(one)
    return made


def computable(
    steps: Iterable[str], texts: int, dim: int, own: Iterable[Step] = ()
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Those of the steps that can be taken of so many dimensions, fitted on so many texts; and why others cannot."""
    kept: list[str] = []
    lacking: dict[str, str] = {}
    own = tuple(own)
    for one in steps:
        try:
            fit_steps([*kept, one], torch.zeros(texts, dim), own)
        except NotComputable as reason:
            lacking[one] = str(reason)
        else:
            kept.append(one)
    return tuple(kept), lacking


def for_direction(steps: Iterable[str]) -> tuple[str, ...]:
    """The steps but for a last scaling to length 1, which no direction shows: cosines are the same without it."""
    steps = tuple(steps)
    return steps[:-1] if steps[-1:] == ("l2",) else steps


def pack_step(step: Step) -> bytes:
    """The numbers of a step that was fitted on a corpus, in safetensors, for `load_step`.

    Raises:
        NotComputable: when it has not been fitted.
    """
    numbers = step.settings.get("fitted") or {}
    return save({name: tensor.contiguous() for name, tensor in numbers.items()}, {"step": step.written})


def save_step(step: Step, path: Path) -> None:
    """Write what `pack_step` makes of a step.

    Raises:
        NotComputable: when it has not been fitted.
    """
    path.write_bytes(pack_step(step))


def load_step(path: Path) -> Step:
    """The step in a file of `save_step`."""
    with safe_open(path, "pt") as file:
        found = get_step(file.metadata()["step"])
        return replace(found, fitted={name: file.get_tensor(name) for name in file.keys()}) if found.fits else found  # noqa: SIM118
