"""A corpus from files to a folder: looked at, begun or gone on with, finished."""

import contextlib
import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor
from tqdm.auto import tqdm

from pooling.corpus import fitting
from pooling.corpus.estimate import Estimate, measured
from pooling.corpus.job import Job, difference
from pooling.corpus.reading import CannotRead, Source, rows
from pooling.corpus.shards import (
    PART,
    Shard,
    finished,
    note_path,
    note_paths,
    read_json,
    shard_paths,
    shards,
    sweep,
    write,
    write_json,
)
from pooling.corpus.work import encoder_of, finish, make_shard, pool, why_not
from pooling.export import MANIFEST

RECIPE, LISTED, LOCK = "recipe.json", "listed.jsonl", ".lock"
SAMPLE = 256
"""Texts that an estimate is measured on."""
Made = Iterator[dict[str, Any]]
Maker = Callable[[Job, Path, Iterator[Shard], Callable[[int], None]], Made]
"""Makes shards, and gives their notes as they come; it reports how many rows it is further."""


class Refused(ValueError):
    """Nothing is made, or nothing more; its text is one sentence that says why."""


@dataclass
class Plan:
    """What reading everything once has shown."""

    rows: int = 0
    texts: int = 0
    """Rows whose text can be embedded, as far as it shows."""
    shards: int = 0
    finished: set[int] = field(default_factory=set)
    there: int = 0
    """Rows of finished shards."""
    sample: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    """What a folder holds in the end."""

    read: int
    rows: int
    cut: int
    left_out: dict[str, int]
    shards: int


def run(
    job: Job,
    sources: Sequence[Source],
    out: Path,
    *,
    maker: Maker | None = None,
    fitted: Sequence[Path] = (),
    say: Callable[[str], None] = print,
) -> Result:
    """Make what is not there yet of a corpus.

    Args:
        job: what is made.
        sources: the files.
        out: the folder.
        maker: has the shards made; by default one after another, here.
        fitted: files of `save_step` with the numbers of steps.
        say: told what goes on, in sentences.

    Raises:
        Refused: when the folder holds something else.
        CannotRead: when a file cannot be read; then nothing was begun.
        NotComputable: when the recipe makes nothing here.
        OSError: when there is no room; the same call goes on.
    """
    encoder = encoder_of(job.recipe.model)
    check(job, out)
    encoder.check_template(job.recipe.template)
    tried = pool(job, encoder, ["word"])
    with alone(out):
        plan = look(job, sources, out)
        begin(job, out, fitted)
        if fitting.lacking(job, out):
            say(f"Fitting {', '.join(fitting.needed(job))} on the first {min(job.fit, plan.texts):,} texts.")
            fitting.fit(job, out, encoder, lambda: pool(job, encoder, first_texts(job, sources)))
        finish(job, out, encoder, tried)
        if plan.there:
            say(f"{plan.there:,} of {plan.rows:,} rows are there already.")
        missing = (one for one in _shards(job, sources) if one.number not in plan.finished)
        unit: dict[str, Any] = {"unit": " rows", "total": plan.rows, "initial": plan.there, "smoothing": 0.1}
        if len(plan.finished) < plan.shards:
            with tqdm(desc="Embedding", **unit) as bar:
                for _ in (maker or one_by_one)(job, out, missing, bar.update):
                    pass
        return complete(job, out, plan)


def one_by_one(job: Job, out: Path, missing: Iterator[Shard], further: Callable[[int], None]) -> Made:
    """Make shards in this process."""
    for shard in missing:
        told = 0

        def report(share: float, size: int = len(shard.rows)) -> None:
            nonlocal told
            further(int(share * size) - told)
            told = int(share * size)

        yield make_shard(job, out, shard, report)
        report(1.0)


def check(job: Job, out: Path) -> None:
    """Whether a folder is free for this, or begun by the same.

    Raises:
        Refused: when it is neither.
    """
    if out.exists() and not out.is_dir():
        raise Refused(f"{out} is a file; name a folder.")
    there = read_json(out / RECIPE)
    if there and note_paths(out):
        if other := difference(there, job.as_json()):
            raise Refused(f"{out} was made with another recipe ({other}); name another folder, or ask for the same.")
    elif not there and out.is_dir() and any(one.name != LOCK and one.suffix != PART for one in out.iterdir()):
        raise Refused(f"{out} is not empty, and was not begun by this command; name another folder.")


def look(job: Job, sources: Sequence[Source], out: Path) -> Plan:
    """Read everything once: whether it can be read, how much it is, and what of it is there already.

    Raises:
        CannotRead: when a file cannot be read.
        Refused: when what is there was made of other texts.
    """
    plan, chance = Plan(), random.Random(0)
    with tqdm(desc="Reading", unit=" rows", leave=False) as bar:
        for shard in _shards(job, sources):
            note = finished(out, shard.number)
            if note and note["read_sha256"] != shard.digest:
                stretch = f"{shard.first + 1:,} to {shard.first + len(shard.rows):,}"
                raise Refused(f"{out} was made of other texts (rows {stretch} differ); name another folder.")
            if note:
                plan.finished.add(shard.number)
                plan.there += len(shard.rows)
            for row in shard.rows:
                if not why_not(row.text):
                    plan.texts += 1
                    if len(plan.sample) < SAMPLE:
                        plan.sample.append(row.text)
                    elif (place := chance.randrange(plan.texts)) < SAMPLE:
                        plan.sample[place] = row.text
            plan.rows += len(shard.rows)
            plan.shards += 1
            bar.update(len(shard.rows))
    if not plan.texts:
        none = "The one row has no text." if plan.rows == 1 else f"None of {plan.rows:,} rows has a text."
        raise CannotRead(none)
    if any(int(path.stem) >= plan.shards for path in note_paths(out)):
        raise Refused(f"{out} was made of more texts than there are now; name another folder.")
    return plan


def begin(job: Job, out: Path, fitted: Sequence[Path]) -> None:
    """Claim a folder, or go on in one: what never became whole is taken away."""
    sweep(out)
    if not note_paths(out):
        for name in ("fitted", "vectors"):
            shutil.rmtree(out / name, ignore_errors=True)
        write_json(out / RECIPE, job.as_json())
        fitting.give(job, out, fitted)


def estimate(job: Job, sources: Sequence[Source], out: Path) -> Estimate:
    """What a corpus will take here, by a sample of it; nothing is written, and steps without numbers are left out."""
    encoder, plan = encoder_of(job.recipe.model), look(job, sources, out)
    pooled: dict[str, Tensor] = pool(job, encoder, ["word"])
    made = pooled if fitting.needed(job) else finish(job, out, encoder, pooled)
    return measured(
        plan.texts,
        plan.sample,
        lambda texts: pool(job, encoder, texts),
        lambda text: encoder.length(text, job.recipe.template),
        sum(one[0].nbytes for one in made.values()),
        job.keep_text,
    )


def first_texts(job: Job, sources: Sequence[Source]) -> list[str]:
    """The first texts of a corpus, as many as steps are fitted on."""
    found: list[str] = []
    for row in rows(sources, job.column, job.id):
        if len(found) == job.fit:
            break
        if not why_not(row.text):
            found.append(row.text)
    return found


def complete(job: Job, out: Path, plan: Plan) -> Result:
    """Write the manifest, and the list of what was left out or cut."""
    kept, left_out, total = [], Counter[str](), Counter[str]()

    def lines() -> Iterator[bytes]:
        for number in range(plan.shards):
            note = read_json(note_path(out, number))
            left_out.update(note["left out"])
            total.update({name: note[name] for name in ("read", "rows", "cut")})
            if note["file"]:
                kept.append({name: note[name] for name in ("file", "rows", "sha256")})
            for one in note["listed"]:
                yield (json.dumps(one, ensure_ascii=False) + "\n").encode("utf-8", "replace")

    sweep(out)  # a worker that was lost may have left what it began
    write(out / LISTED, lines())
    # Vectors without a note: a run was ended between the two, and there are fewer texts now.
    for path in set(shard_paths(out)) - {out / "vectors" / one["file"] for one in kept}:
        path.unlink()
    about = {
        "recipe": job.as_json(),
        "columns": job.about(encoder_of(job.recipe.model)),
        **{name: total[name] for name in ("read", "rows", "cut")},
        "left out": dict(sorted(left_out.items())),
        "shards": kept,
    }
    write_json(out / MANIFEST, about)
    return Result(total["read"], total["rows"], total["cut"], dict(sorted(left_out.items())), len(kept))


@contextlib.contextmanager
def alone(out: Path) -> Iterator[None]:
    """Have a folder for oneself; another run in it is refused, where the system has locks.

    Raises:
        Refused: when another run has it.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / LOCK).open("w") as file:
        if os.name != "nt":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refused(f"Another run is writing into {out}; wait for it, or end it.") from None
            except OSError:
                pass  # a shared folder without locks
        yield


def _shards(job: Job, sources: Sequence[Source]) -> Iterator[Shard]:
    return shards(rows(sources, job.column, job.id), job.rows)
