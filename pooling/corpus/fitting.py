"""Steps after pooling that have numbers of their corpus: fitted on its first texts, or given, and kept beside it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from torch import Tensor

from pooling.after import Step, chosen_steps, fit_steps, get_step, load_step, pack_step
from pooling.corpus.job import Job
from pooling.corpus.shards import write
from pooling.encoders import Encoder
from pooling.recipe import Recipe


def needed(job: Job) -> list[str]:
    """The steps of a job that have numbers of their corpus."""
    return [one for one in job.recipe.after if get_step(one).fits == "corpus"]


def path(out: Path, recipe: Recipe, place: int) -> Path:
    """Where the numbers of a recipe's step are kept, as `save_step` writes them."""
    return out / "fitted" / f"{recipe.strategy}.{place}.{recipe.after[place]}.safetensors"


def steps(out: Path, encoder: Encoder, recipe: Recipe) -> list[Step]:
    """The steps of a recipe, with the numbers that are kept beside its corpus."""
    numbered = [
        load_step(file) if (file := path(out, recipe, place)).is_file() else one
        for place, one in enumerate(recipe.after)
    ]
    return chosen_steps(numbered, encoder.after)


def give(job: Job, out: Path, files: Sequence[Path]) -> None:
    """Keep the numbers in some files of `save_step` beside the corpus."""
    written = {load_step(file).written: file.read_bytes() for file in files}
    for recipe in job.recipes:
        for place, one in enumerate(recipe.after):
            if one in written and not path(out, recipe, place).is_file():
                write(path(out, recipe, place), [written[one]])


def lacking(job: Job, out: Path) -> bool:
    """Whether there are steps whose numbers are not kept yet."""
    return any(
        get_step(one).fits == "corpus" and not path(out, recipe, place).is_file()
        for recipe in job.recipes
        for place, one in enumerate(recipe.after)
    )


def fit(job: Job, out: Path, encoder: Encoder, pooled: Callable[[], Mapping[str, Tensor]]) -> None:
    """Fit what is lacking, each step on what those before it make of embeddings, and keep its numbers.

    Raises:
        NotComputable: when the embeddings are too few.
    """
    if not lacking(job, out):
        return
    vectors = pooled()
    for recipe in job.recipes:
        for place, one in enumerate(fit_steps(steps(out, encoder, recipe), vectors[recipe.strategy], encoder.after)):
            if one.fits == "corpus" and not path(out, recipe, place).is_file():
                write(path(out, recipe, place), [pack_step(one)])


def given(files: Sequence[Path]) -> dict[str, Step]:
    """The steps in some files of `save_step`, as they are written.

    Raises:
        ValueError: when a file is none.
    """
    found = {}
    for file in files:
        try:
            one = load_step(file)
        except Exception as error:  # whatever safetensors or the names in it are
            raise ValueError(f"{file} holds no step that pooling.after.save_step wrote.") from error
        found[one.written] = one
    return found
