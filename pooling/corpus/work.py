"""One shard: texts to vectors to a file. It needs nothing but the shard and the folder, wherever it runs."""

import hashlib
import io
import json
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from pooling.after import Codes, run_steps
from pooling.corpus import fitting
from pooling.corpus.job import Job
from pooling.corpus.reading import Unreadable
from pooling.corpus.shards import Shard, note_path, vectors_path, write, write_json
from pooling.encoders import Encoder, TruncationWarning, embed
from pooling.encoders.encoder import TOKEN_BUDGET
from pooling.encoders.loading import load_encoder
from pooling.types import NotComputable

LONGEST_TEXT = 1_000_000
"""Characters; a longer text is more likely a file than a text, and would take gigabytes as tokens."""
FEWEST_TOKENS = 1024
"""Of a batch: where memory lacks for so many, fewer are of no help."""


@cache
def encoder_of(model: str) -> Encoder:
    """A model, loaded once a process."""
    return load_encoder(model)


def why_not(text: Any) -> str:
    """Why a cell is no text that can be embedded, in a word or two; "" where it can."""
    if isinstance(text, Unreadable):
        return text.why
    if text is None:
        return "null"
    if not isinstance(text, str):
        return "not text"
    if not text.strip():
        return "empty"
    if len(text) > LONGEST_TEXT:
        return f"longer than {LONGEST_TEXT:,} characters"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "not UTF-8"
    return ""


def make_shard(job: Job, out: Path, shard: Shard, report: Callable[[float], None] = lambda share: None) -> dict:
    """Embed a shard's texts, write their vectors and what is to be said of them, and return that.

    Raises:
        OSError: when there is no room.
    """
    encoder = encoder_of(job.recipe.model)
    why = [why_not(row.text) for row in shard.rows]
    good = [i for i, reason in enumerate(why) if not reason]
    made, lost, failed = _embedded(job, encoder, [shard.rows[i].text for i in good], report)
    for place, reason in failed.items():
        why[good[place]] = reason
    kept = [i for i in good if not why[i]]
    lost = {good[place]: tokens for place, tokens in lost.items()}
    ids = [shard.first + i if not job.id else _id(job, row.id) for i, row in enumerate(shard.rows)]
    listed = [
        {"id": ids[i], "file": row.file, "row": row.number} | ({"left out": why[i]} if why[i] else {"cut": lost[i]})
        for i, row in enumerate(shard.rows)
        if why[i] or i in lost
    ]
    file, sha256 = "", ""
    if kept:
        texts = [shard.rows[i].text for i in kept] if job.keep_text else []
        data = _parquet(job, encoder, [ids[i] for i in kept], texts, finish(job, out, encoder, made))
        write(vectors_path(out, shard.number), [data])
        file, sha256 = vectors_path(out, shard.number).name, hashlib.sha256(data).hexdigest()
    note = {
        "shard": shard.number,
        "file": file,
        "sha256": sha256,
        "read": len(shard.rows),
        "rows": len(kept),
        "left out": dict(sorted(Counter(filter(None, why)).items())),
        "cut": len(lost),
        "read_sha256": shard.digest,
        "listed": listed,
    }
    write_json(note_path(out, shard.number), note)
    return note


def pool(job: Job, encoder: Encoder, texts: Sequence[str], report: Callable[[float], None] = lambda share: None) -> Any:
    """Embeddings under each strategy before the steps after pooling, in batches that memory has room for."""
    recipe, kind = job.recipe, encoder.device.type
    while True:
        try:
            return embed(
                texts,
                encoder,
                [one.pooling for one in job.recipes],
                layer=recipe.layer,
                bfloat16=job.bfloat16,
                report=report,
                **recipe.reading.prompt,
            )
        except torch.OutOfMemoryError:
            if TOKEN_BUDGET[kind] // 2 < FEWEST_TOKENS:
                raise
            TOKEN_BUDGET[kind] //= 2
            torch.cuda.empty_cache()


def finish(job: Job, out: Path, encoder: Encoder, pooled: Mapping[str, Tensor]) -> dict[str, Codes]:
    """Embeddings after the steps of their recipes; what Parquet has no type for, in float32."""
    made = {
        recipe.strategy: run_steps(pooled[recipe.strategy], fitting.steps(out, encoder, recipe))
        for recipe in job.recipes
    }
    return {name: one.float() if one.dtype == torch.bfloat16 else one for name, one in made.items()}


def _embedded(
    job: Job, encoder: Encoder, texts: Sequence[str], report: Callable[[float], None]
) -> tuple[dict[str, Tensor], dict[int, int], dict[int, str]]:
    """Embeddings of all texts that have one, tokens that a text lost by its place, and why others have none."""
    if not texts:
        return {}, {}, {}
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", TruncationWarning)
            made = pool(job, encoder, texts, report)
        lost: dict[int, int] = {}
        for met in said:
            lost |= met.message.lost if isinstance(met.message, TruncationWarning) else {}
        return made, lost, {}
    except (ValueError, NotComputable) as error:
        # One text in thousands can be what no tokenizer makes a token of: it is found by halves.
        if len(texts) == 1:
            return {}, {}, {0: str(error)}
    half = len(texts) // 2
    one, two = (_embedded(job, encoder, part, lambda share: None) for part in (texts[:half], texts[half:]))
    both = {name: torch.cat([part[0][name] for part in (one, two) if part[0]]) for name in one[0] or two[0]}
    return (
        both,
        one[1] | {half + place: tokens for place, tokens in two[1].items()},
        one[2] | {half + place: why for place, why in two[2].items()},
    )


def _id(job: Job, value: Any) -> Any:
    """An id in the type that all ids have."""
    if value is None or job.numbered:
        return value
    return str(value).encode("utf-8", "replace").decode()


def _parquet(job: Job, encoder: Encoder, ids: list, texts: list[str], vectors: Mapping[str, Codes]) -> bytes:
    """The columns id, text where it is kept, and a list of fixed size a strategy, with how they were made."""
    columns: dict[str, Any] = {"id": pa.array(ids, pa.int64() if job.numbered else pa.string())}
    columns |= {"text": pa.array(texts, pa.string())} if texts else {}
    for name, made in vectors.items():
        flat = pa.array(made.contiguous().numpy().ravel())
        columns[name] = pa.FixedSizeListArray.from_arrays(flat, made.shape[1])
    about = json.dumps(job.about(encoder), ensure_ascii=False)
    written = io.BytesIO()
    table = pa.table(columns).replace_schema_metadata({"manifest": about})
    # Numbers hardly repeat: a dictionary of them only takes time.
    pq.write_table(table, written, use_dictionary=False, compression="zstd")
    return written.getvalue()
