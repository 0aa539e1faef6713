"""The corpus command by the number of workers: measured with one and two, and a simulation beyond.

As a program of its own, in a network where nobody else is, it times corpora on a Ray cluster of so many cores:

    unshare --net sh -c 'ip link set lo up && exec python -m tests.benchmarks.workers FOLDER CORES ROWS [ROWS ...]'
"""

import heapq
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from pooling.catalogue import DEFAULT
from pooling.corpus.job import Job
from pooling.corpus.reading import find, rows
from pooling.corpus.run import run
from pooling.corpus.shards import shards
from pooling.recipe import Recipe
from tests.benchmarks.corpus import texts
from tests.benchmarks.figures import Figure, seconds
from tests.conftest import ROOT

SHARD = 1000
JOB = Job((Recipe(DEFAULT, "mean", 6),), rows=SHARD)
SIZES = (2 * SHARD, 8 * SHARD)
"""Rows of the two corpora that are timed: what both take beside their rows is the start."""
ALL = 1_000_000
MANY = (1, 2, 4, 8, 16, 32, 64, 128)


def workers() -> Iterator[Figure]:
    """The corpus command on Ray workers of a core each: one and two, and many as a simulation says (Linux)."""
    if not find_spec("ray"):
        yield Figure("Ray workers", None, note="Ray is not installed: pip install ray==2.60.0")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = find(str(texts(folder / "read.txt", 20 * SHARD)))[0]
        # What the one process does for every row, however many workers there are: it reads, twice, and gives out.
        given = 2 * seconds(lambda: sum(1 for _ in shards(rows(file, JOB.column, JOB.id), SHARD))) / (20 * SHARD)
        once: list[tuple[float, float]] = []
        for cores in (1, 2):
            few, many = _timed(folder, cores)
            each = (many - few) / (SIZES[1] - SIZES[0])
            once.append((few - each * SIZES[0], each))
            note = f"{once[-1][0]:.1f} s to start; {SIZES[0]:,} rows in {few:.1f} s, {SIZES[1]:,} in {many:.1f} s"
            yield Figure(f"{cores} Ray worker{'s' * (cores > 1)}: rows a second, once begun", 1 / each, note=note)
    start, each = once[0]
    yield Figure("one process reads and gives out: rows a second", 1 / given)
    for cores in MANY:
        taken = simulated(ALL, cores, SHARD, start=start, each=each, given=given)
        note = (
            f"simulated: {taken / 60:.1f} min for {ALL:,} rows, {ALL * each / (taken * cores):.2f} of the cores' time"
        )
        yield Figure(f"{cores} Ray workers of a core each: rows a second", ALL / taken, note=note)


def simulated(rows: int, workers: int, shard: int, *, start: float, each: float, given: float) -> float:
    """Seconds until the last of some rows is embedded, where each shard goes to the worker that is free first.

    Args:
        rows: how many there are.
        workers: of a core each, none of which slows another down.
        shard: rows of a shard.
        start: seconds until the first shard can be begun.
        each: of a worker, for a row.
        given: of the one process that reads, for a row, before the row's shard can be begun.
    """
    free, last = [0.0] * workers, 0.0
    for begun in range(0, rows, shard):
        size = min(shard, rows - begun)
        begins = max(heapq.heappop(free), (begun + size) * given)
        last = max(last, begins + size * each)
        heapq.heappush(free, begins + size * each)
    return start + last


def _timed(folder: Path, cores: int) -> list[float]:
    """Seconds of the command for each of the sizes, on a cluster of its own."""
    inside = [sys.executable, "-m", "tests.benchmarks.workers", str(folder), str(cores), *map(str, SIZES)]
    alone = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    command = [*alone, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *inside]
    quiet = os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(folder: str, cores: str, *sizes: str) -> None:
    """Time corpora on a cluster of so many cores, and print the seconds."""
    from ray.cluster_utils import Cluster

    from pooling.corpus.on_ray import on_ray

    little = {"num_cpus": int(cores), "object_store_memory": 160 * 2**20, "include_dashboard": False}
    cluster, taken = Cluster(initialize_head=True, head_node_args=little), []
    for size in map(int, sizes):
        file = find(str(texts(Path(folder) / f"{size}.txt", size)))[0]
        out = Path(folder) / f"{size}-{cores}"
        maker = on_ray(cluster.address)
        taken.append(seconds(lambda file=file, out=out, maker=maker: run(JOB, file, out, maker=maker, say=str)))
    cluster.shutdown()
    print(json.dumps(taken))


if __name__ == "__main__":
    main(*sys.argv[1:])
