"""The shards of a corpus by the workers of a Ray cluster: one task a shard, on Ray core.

A task of a worker or a node that is gone is given to another. Actors would wait for their node to come back, and Ray
Data, when it goes on, can write rows twice; this needs neither. Workers write into the folder themselves, so that it
has to be shared, and only this process reads the corpus.
"""

import contextlib
import os
import signal
import socket
import uuid
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before Ray is imported: nothing is told to anybody

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from pooling import hub
from pooling.catalogue import get_model, missing
from pooling.corpus.job import Job
from pooling.corpus.run import Made, Maker, Refused
from pooling.corpus.shards import PART, Shard
from pooling.corpus.work import make_shard
from pooling.encoders.loading import check_config
from pooling.export import LIBRARIES

LOCAL = "local"
TRIES = 20
"""How often a shard may lose its worker: one that takes too much memory would lose every one."""
WAITING = 2
"""Shards given out for each place there is, so that none stands idle and few are held in memory."""
GO_ON = "what is finished stays, and the same command goes on."
PASSED_ON = ("POOLING_CACHE", "HF_HUB_OFFLINE", "HF_HOME")
"""Settings of this process that its workers have too."""


def on_ray(address: str) -> Maker:
    """Has shards made by the cluster at an address, or by one that is started here and ends with this: "local"."""

    def make(job: Job, out: Path, missing: Iterator[Shard], further: Callable[[int], None]) -> Made:
        out = out.resolve()
        try:
            with _whole():
                start(address)
            check_nodes(job, out)
            kind = "GPU" if ray.cluster_resources().get("GPU") else "CPU"
            place: dict[str, Any] = {"num_gpus": 1} if kind == "GPU" else {"num_cpus": 1}
            task = ray.remote(max_retries=TRIES, scheduling_strategy="SPREAD", **place)(make_there)
            given: dict[Any, int] = {}
            for shard in missing:
                given[task.remote(job, out, shard)] = len(shard.rows)
                while len(given) >= WAITING * max(1, int(ray.cluster_resources().get(kind, 1))):
                    yield from _next(given, further)
            while given:
                yield from _next(given, further)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except ray.exceptions.RayError as error:
            raise Refused(f"The cluster at {address} could not go on ({type(error).__name__}); {GO_ON}") from error
        finally:
            ray.shutdown()

    return make


@contextlib.contextmanager
def _whole() -> Iterator[None]:
    """Ctrl+C waits until this is done: Ray can crash when its beginning is broken off."""
    asked: list[int] = []
    before = {by: signal.signal(by, lambda number, frame: asked.append(number)) for by in (SIGINT, SIGTERM)}
    try:
        yield
    finally:
        for by, handler in before.items():
            signal.signal(by, handler)
    if asked:
        raise KeyboardInterrupt


def start(address: str) -> None:
    """Reach a cluster, or start one.

    Raises:
        Refused: when none is there.
    """
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "runtime_env": {"env_vars": passed_on}}
    here: dict[str, Any] = {"address": LOCAL, "include_dashboard": False}
    host, _, port = address.rpartition(":")
    try:
        if host and port.isdecimal():  # where nothing listens Ray itself would try for minutes
            socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
        ray.init(**options, **(here if address == LOCAL else {"address": address}))
    except (OSError, ValueError, RuntimeError) as error:
        raise Refused(f"No Ray cluster was reached at {address}: {str(error).splitlines()[0]}") from error


def check_nodes(job: Job, out: Path) -> None:
    """Whether every node sees the folder, as this process does, and has the same versions and the model.

    Raises:
        Refused: with the first node that does not.
    """
    mark = out / f".{uuid.uuid4().hex}{PART}"
    mark.write_text(mark.name, encoding="utf-8")
    try:
        nodes = [node for node in ray.nodes() if node["Alive"]]
        asked = [
            ray.remote(num_cpus=0, max_retries=0)(look_there)
            .options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False))
            .remote(mark, job.recipe.model)
            for node in nodes
        ]
        for node, one in zip(nodes, asked, strict=True):
            name = node["NodeManagerHostname"]
            try:
                found = ray.get(one)
            except ray.exceptions.RayTaskError as error:
                raise Refused(f"The node {name} cannot run this: {error.cause}") from error
            if found["mark"] != mark.name:
                raise Refused(f"The node {name} does not see {out}; name a folder that all nodes share.")
            if found["versions"] != versions():
                raise Refused(
                    f"The node {name} has {found['versions']}, and here it is {versions()}; install the same."
                )
            if found["missing"]:
                raise Refused(f"On the node {name}: {found['missing']}")
    finally:
        mark.unlink(missing_ok=True)


def look_there(mark: Path, model: str) -> dict[str, Any]:
    """What a node has to say of the folder, its versions and the model."""
    entry = get_model(model)
    return {
        "mark": mark.read_text(encoding="utf-8") if mark.is_file() and os.access(mark.parent, os.W_OK) else "",
        "versions": versions(),
        "missing": "" if entry.source == "hub" else missing(entry) or "",
    }


def versions() -> dict[str, str]:
    """Of what decides a vector's last digits."""
    return {name: version(name) for name in (*LIBRARIES, "pyarrow")}


def make_there(job: Job, out: Path, shard: Shard) -> dict[str, Any]:
    """Make a shard in a worker; a model of the Hub that is not there is downloaded, and checked, once a node."""
    entry = get_model(job.recipe.model)
    if entry.source == "hub" and missing(entry):
        hub.download(hub.look_up(entry), check_config)
    return make_shard(job, out, shard)


def _next(given: dict[Any, int], further: Callable[[int], None]) -> Made:
    """The notes of those shards that are finished next."""
    done, _ = ray.wait(list(given))
    for one in done:
        note = ray.get(one)
        further(given.pop(one))
        yield note
