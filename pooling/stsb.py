"""The STS Benchmark: 8,628 scored pairs, read from a folder, or brought from the Hub to this machine.

Its texts are not this project's, so none of them ships with it.
"""

import csv
import gzip
import hashlib
import json
import os
import shutil
import threading
import zlib
from pathlib import Path

from huggingface_hub import hf_hub_download

from pooling.catalogue import cache_folder
from pooling.datasets import Pair
from pooling.hub import HubError, plain_errors

REPOSITORY = "mteb/stsbenchmark-sts"
COMMIT = "b0fddb56ed78048fa8b90373c8a3cfc37b684831"
"""The commit that mteb's own task of this benchmark names."""
SCORES = {
    "train": "e003b7c4454d76ae0919b5252f57b4f7b931d312722055f003d31a8bed84f79b",
    "dev": "ee47bc172a59f315dafa9692715b4ee93ebec0df208374371f68dfd8d7689f76",
    "test": "7f3cac7098836f6f12995d705e2a19af97ffaada01c53bfdd4f270eedab8ce7d",
}
"""The SHA-256 of each split's scores, sorted, as the benchmark's own files have them."""
MOST_BYTES = 10 * 2**20

_fetching = threading.Lock()


def read_stsb(folder: Path, split: str) -> list[Pair]:
    """A split ("train", "dev" or "test") of the STS Benchmark, from its folder of .csv files.

    Source: https://ixa2.si.ehu.eus/stswiki (tab-separated, without quoting: score, text, text
    are columns 5 to 7, and some rows carry more).

    Raises:
        FileNotFoundError: when the folder has no such file.
    """
    path = folder / f"sts-{split}.csv"
    if not path.is_file():
        raise FileNotFoundError(f"There is no {path.name} in {folder}; give the STS Benchmark's folder.")
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Pair(row[5].strip(), row[6].strip(), float(row[4])) for row in rows]


def stsb_folder() -> Path | None:
    """The folder of the STS Benchmark, or None: as `POOLING_DATA` names it, or as `fetch_stsb` left it."""
    named = os.environ.get("POOLING_DATA")
    folders = (Path(named), Path(named) / "stsb") if named else ()
    return next((f for f in (*folders, _fetched_folder()) if (f / "sts-test.csv").is_file()), None)


def fetch_stsb() -> Path:
    """Bring the STS Benchmark from the Hub at its pinned commit, whole or not at all: its folder.

    Raises:
        HubError: when it cannot be had, or is not what it must be; one sentence for the reader.
    """
    final = _fetched_folder()
    with _fetching, plain_errors("the STS Benchmark"):
        if final.is_dir():
            return final
        part = final.with_name(final.name + ".part")
        part.mkdir(parents=True, exist_ok=True)
        for split in SCORES:
            name = f"{'validation' if split == 'dev' else split}.jsonl.gz"
            path = hf_hub_download(
                REPOSITORY, name, revision=COMMIT, repo_type="dataset", local_dir=part, etag_timeout=20
            )
            _write(_checked(Path(path), split), part / f"sts-{split}.csv")
            Path(path).unlink()
        shutil.rmtree(part / ".cache", ignore_errors=True)
        part.rename(final)
    return final


def _fetched_folder() -> Path:
    return cache_folder() / "data" / f"stsb-{COMMIT[:8]}"


def _checked(path: Path, split: str) -> list[Pair]:
    """The pairs in a file of JSON lines, when their scores are the benchmark's."""
    try:
        with gzip.open(path) as file:
            data = file.read(MOST_BYTES + 1)
        rows = [json.loads(line) for line in data[:MOST_BYTES].splitlines()]
        pairs = [
            Pair(" ".join(str(row["sentence1"]).split()), " ".join(str(row["sentence2"]).split()), float(row["score"]))
            for row in rows
        ]
    except (gzip.BadGzipFile, EOFError, zlib.error, ValueError, KeyError, TypeError, RecursionError):
        pairs = []
    scores = ",".join(f"{score:.3f}" for score in sorted(pair.score for pair in pairs))
    if hashlib.sha256(scores.encode()).hexdigest() != SCORES[split]:
        path.unlink()
        raise HubError(f"The Hub's file {path.name} does not hold the STS Benchmark's scores; it was not used.")
    return pairs


def _write(pairs: list[Pair], path: Path) -> None:
    lines = (f"\t\t\t\t{pair.score}\t{pair.text1}\t{pair.text2}\n" for pair in pairs)
    path.write_text("".join(lines), encoding="utf-8")
