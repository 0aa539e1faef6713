"""Embeddings of a corpus: python -m pooling.corpus IN OUT --model NAME --strategy mean,max --after l2,float16.

IN is a file or a folder of Parquet, CSV, JSON Lines or lines of text (.gz and .zst too), or the address of one, such as
s3://bucket/folder. OUT becomes a folder with vectors/*.parquet, a manifest, and a list of what was left out or cut.
Whatever ends it, the same command goes on.
"""

import argparse
import dataclasses
import errno
import re
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from pooling.after import get_step
from pooling.catalogue import AVERAGE, DEFAULT, PLAIN, get_model, sha256_of, split_template
from pooling.corpus import fitting
from pooling.corpus.estimate import Estimate, span
from pooling.corpus.job import ROWS_A_SHARD, Job, fitted_in, read_recipe
from pooling.corpus.reading import CannotRead, find, ids_are_numbers
from pooling.corpus.run import LISTED, Maker, Result, estimate, run
from pooling.corpus.work import encoder_of
from pooling.hub import HubError
from pooling.machine import free_disk, megabytes, out_of_memory
from pooling.recipe import Recipe
from pooling.registry import get_strategy
from pooling.types import NotComputable

OF_A_RECIPE = ("model", "strategy", "layer", "prompt", "prompt_not_pooled", "after")
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
GO_ON = "{}, and the same command goes on."


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = argparse.ArgumentParser("python -m pooling.corpus", description=__doc__)
    made.add_argument("corpus", metavar="IN", help="a file or a folder of texts, or its address")
    made.add_argument("out", metavar="OUT", type=Path, help="the folder to write")
    made.add_argument("--model", help=f"a model of the catalogue ({DEFAULT})")
    made.add_argument("--strategy", help="one or several, as mean,max or smooth_max:temperature=0.2 (the model's own)")
    made.add_argument("--layer", help="from 0 to the last, -1; or several to average, as 1,6 (-1)")
    made.add_argument("--prompt", help='what stands around each text, as "query: {}"')
    made.add_argument("--prompt-not-pooled", action="store_true", default=None, help="read the prompt, pool the text")
    made.add_argument("--after", help="steps after pooling, in order, as l2,first:256,float16")
    made.add_argument(
        "--recipe", type=Path, metavar="FILE", help="in place of these six: the app's Export, or its manifest"
    )
    made.add_argument("--fitted", type=Path, action="append", default=[], metavar="FILE", help=(
        "the numbers of a step that is fitted on a corpus (centre, whiten, pca, int8), of pooling.after.save_step"
    ))  # fmt: skip
    made.add_argument("--fit", type=int, default=0, metavar="N", help="or fit such steps on the first N texts")
    made.add_argument("--column", default="text", help="the column of the texts (%(default)s)")
    made.add_argument("--id", default="", help="the column of ids (by default rows are numbered from 0)")
    made.add_argument("--no-text", action="store_true", help="keep the vectors and ids alone")
    made.add_argument("--bfloat16", action="store_true", help="compute in bfloat16, where the device has it")
    made.add_argument("--shard-rows", type=int, default=ROWS_A_SHARD, help="rows of a file, at most (%(default)s)")
    made.add_argument("--estimate", action="store_true", help="say what it will take, and make nothing")
    made.add_argument(
        "--ray", default="", metavar="ADDRESS", help='have a Ray cluster make it; "local" starts one here'
    )
    return made


def main(arguments: list[str] | None = None) -> str | int | None:
    """Run the command; what went wrong, in a sentence, or None."""
    parse = parser()
    asked = parse.parse_args(arguments)
    if asked.recipe and (both := [name for name in OF_A_RECIPE if getattr(asked, name) is not None]):
        parse.error(f"--recipe has it all; leave out {', '.join('--' + name.replace('_', '-') for name in both)}")
    if asked.shard_rows < 1 or asked.fit < 0:
        parse.error("--shard-rows and --fit take numbers from 1 up")
    if asked.ray and not find_spec("ray"):
        return "Ray is not installed; run: pip install ray==2.60.0"
    if re.match(r"\w{2,}:/", asked.out.as_posix()):
        return f"OUT is a folder of this machine, or one that is mounted here; {asked.out} is an address."
    if asked.out.resolve().is_relative_to(Path(asked.corpus.removeprefix("file://")).resolve()):
        return f"{asked.out} lies in {asked.corpus}, and would be read as texts; name a folder beside it."
    try:
        with tempfile.TemporaryDirectory() as folder:
            if asked.recipe and not asked.fitted:
                asked.fitted = fitted_in(asked.recipe, Path(folder))
            print(made(asked))
    except KeyboardInterrupt:
        print("\nStopped. What is finished stays; the same command goes on.", file=sys.stderr)
        return 130
    except OSError as error:
        if error.errno in FULL:
            return f"There is no room left in {asked.out}. What is finished stays; {GO_ON.format('make room')}"
        return f"{error.filename or asked.out}: {error.strerror}" if error.strerror else str(error)
    except (CannotRead, ValueError, NotComputable, HubError) as error:
        return str(error)
    except KeyError as error:
        return str(error.args[0])
    except (MemoryError, RuntimeError) as error:
        if out_of_memory(error):
            return (
                "The memory was not enough. What is finished stays; close other programs, and the same command goes on."
            )
        raise
    return None


def made(asked: argparse.Namespace) -> str:
    """Make what is asked for, or estimate it; what there is to say in the end."""
    sources, others = find(asked.corpus)
    for other in others[:5]:
        print(f"Left alone, for it is no kind of file that is read here: {other}")
    if len(others) > 5:
        print(f"And {len(others) - 5:,} more.")
    job = dataclasses.replace(the_job(asked), numbered=ids_are_numbers(sources, asked.id))
    if asked.estimate:
        return said_before(job, estimate(job, sources, asked.out), asked.out)
    maker: Maker | None = None
    if asked.ray:
        from pooling.corpus.on_ray import on_ray

        maker = on_ray(asked.ray)
    return said_after(run(job, sources, asked.out, maker=maker, fitted=asked.fitted), asked.out)


def the_job(asked: argparse.Namespace) -> Job:
    """What is asked for, checked as far as it can be before anything is read.

    Raises:
        ValueError: for what cannot be meant, in a sentence.
        KeyError: for an unknown model, strategy or step.
    """
    recipes = [read_recipe(asked.recipe)] if asked.recipe else the_recipes(asked)
    if recipes[0].own:
        raise ValueError(
            "These are weights for the tokens of one sentence, and say nothing of others; export a strategy."
        )
    split_template(recipes[0].template)
    encoder = encoder_of(recipes[0].model)
    layer = encoder.layer(recipes[0].layer)
    steps = [one for one in recipes[0].after if get_step(one).fits == "corpus"]
    given = fitting.given(asked.fitted)
    if unknown := [one for one in given if one not in steps]:
        raise ValueError(f"--fitted has numbers of {', '.join(unknown)}, which --after does not name.")
    if given and len(recipes) > 1:
        raise ValueError("The numbers of --fitted are of one strategy's vectors; give one strategy, or --fit N.")
    if (lacking := [one for one in steps if one not in given]) and not asked.fit:
        raise ValueError(
            f"{', '.join(lacking)} needs numbers of a corpus: say --fit 10000 to take them from its first 10,000, "
            "or give a file of pooling.after.save_step with --fitted."
        )
    return Job(
        tuple(dataclasses.replace(one, layer=layer) for one in recipes),
        column=asked.column,
        id=asked.id,
        keep_text=not asked.no_text,
        bfloat16=asked.bfloat16,
        fit=asked.fit if lacking else 0,
        fitted=tuple(map(sha256_of, asked.fitted)),
        rows=asked.shard_rows,
    )


def the_recipes(asked: argparse.Namespace) -> list[Recipe]:
    """One recipe a strategy."""
    model = get_model(asked.model or DEFAULT)
    written = asked.strategy or encoder_of(model.name).trained_pooling
    if not written:
        raise ValueError(f"Nothing says which pooling {model.name} was trained with; name one with --strategy.")
    strategies = [read_strategy(one) for one in written.split(",")]
    names = [name for name, _ in strategies]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"The strategy {twice[0]} is there twice, and would be one column; run the command twice.")
    try:
        layers = [int(one) for one in (asked.layer or "-1").replace(AVERAGE, f"1,{model.layers}").split(",")]
    except ValueError:
        raise ValueError(
            f"--layer takes whole numbers, 0 to the last or -1 for it, or several to average, as 1,6; {asked.layer!r} "
            "is none of these."
        ) from None
    return [
        Recipe(
            model.name,
            name,
            layers[0] if len(layers) == 1 else tuple(layers),
            template=asked.prompt or PLAIN,
            pool_template=not asked.prompt_not_pooled,
            after=tuple(filter(None, map(str.strip, (asked.after or "").split(",")))),
            params=params,
        )
        for name, params in strategies
    ]


def read_strategy(written: str) -> tuple[str, tuple[tuple[str, float], ...]]:
    """A strategy and its parameters: `mean`, `smooth_max:temperature=0.2`.

    Raises:
        ValueError: for a parameter it does not have.
        KeyError: for an unknown strategy.
    """
    name, *params = written.strip().split(":")
    if wrong := [one for one in params if "=" not in one]:
        raise ValueError(f"The parameter {wrong[0]!r} has no value; write {name}:name=value.")
    settings = {}
    for key, _, value in (one.partition("=") for one in params):
        try:
            settings[key] = float(value)
        except ValueError:
            raise ValueError(f"The parameter {key!r} of {name} takes a number, and {value!r} is none.") from None
    return get_strategy(name, **settings).name, tuple(settings.items())


def counted(count: int, noun: str) -> str:
    """So many of something: "1 text", "2,000 texts"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def said_before(job: Job, found: Estimate, out: Path) -> str:
    """An estimate in sentences."""
    device = encoder_of(job.recipe.model).device.type.upper()
    kept = "vectors, ids and texts" if job.keep_text else "vectors and ids"
    room = free_disk(out)
    said = (
        f"{counted(found.texts, 'text')} of {found.tokens:.3g} tokens on average, as a sample of them says.\n"
        f"{found.seconds:.3g} s a thousand on this {device}: {span(found.hours())} on one such machine, "
        f"{span(found.hours(10))} on ten.\n"
        f"{megabytes(found.size)} of {kept}; {out} has room for {megabytes(room)}."
    )
    if found.size > room:
        said += "\nThat is not enough, unless Parquet packs it well: make room, or keep less with --no-text or --after."
    return said


def said_after(made: Result, out: Path) -> str:
    """What there is in the end, in sentences."""
    left_out = ", ".join(f"{count:,} {why}" for why, count in made.left_out.items())
    said = f"{counted(made.rows, 'text')} in {counted(made.shards, 'file')}: {out / 'vectors'}."
    if made.left_out or made.cut:
        said += (
            f"\n{sum(made.left_out.values()):,} left out{f' ({left_out})' if left_out else ''}, {made.cut:,} cut at "
        )
        said += f"the model's limit: {out / LISTED} lists them."
    return said
