"""The corpus command on a Ray cluster that loses a worker, its driver and a node."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from pooling import embed
from pooling.corpus.command import main
from tests.benchmarks.workers import simulated
from tests.conftest import ROOT

WORDS = ("a", "red", "violin", "plays", "in", "rain", "near", "an", "old", "harbour", "while", "seven", "ferries", "go")
TEXTS = [" ".join(random.Random(i).choices(WORDS, k=3 + i % 7)) for i in range(240)]
QUIET = os.environ | {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_register_timeout_seconds": "600",  # where other tests are busy too, a worker starts slowly
    "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
}
LONGEST = 900
"""Seconds to wait for a step at most, however busy the machine is."""

needs_ray = pytest.mark.skipif(
    not find_spec("ray"), reason="Ray is not installed; pip install ray==2.60.0 brings it, and changes nothing else"
)


def test_without_ray_the_command_says_how_it_is_installed(tmp_path, monkeypatch):
    monkeypatch.setattr("pooling.corpus.command.find_spec", lambda name: None)
    (tmp_path / "in.txt").write_text("One.\n")
    said = main([str(tmp_path / "in.txt"), str(tmp_path / "out"), "--ray", "local"])
    assert said == "Ray is not installed; run: pip install ray==2.60.0"


@pytest.fixture
def cluster(tmp_path):
    """Two nodes in a network and among processes of their own: nothing reaches them, and they end with this test.

    Of the folder `hidden` they do not see what others do.
    """
    alone = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    alone = alone if os.geteuid() == 0 else [*alone, "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*alone, "ip", "link", "set", "lo", "up"]).returncode:
        pytest.skip("no network namespace can be made here")
    (tmp_path / "hidden").mkdir()
    command = (
        f"ip link set lo up && mount -t tmpfs tmpfs {tmp_path}/hidden && exec {sys.executable} -m tests.ray_cluster"
    )
    process = subprocess.Popen(
        [*alone, "sh", "-c", command], cwd=ROOT, env=QUIET, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    address = next((line.strip() for line in process.stdout if line.startswith("127.0.0.1:")), "")
    assert address, "the cluster did not start"
    yield process, address
    process.kill()
    process.wait()


def inside(process) -> int:
    """The id of the cluster's first process: a child of `unshare`."""
    return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])


def driver(cluster, *arguments, said) -> subprocess.Popen:
    process, address = cluster
    user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
    command = ["nsenter", "--target", str(inside(process)), "--net", *user, sys.executable, "-m", "pooling.corpus"]
    with said.open("a") as file:
        return subprocess.Popen(
            [*command, *map(str, arguments), "--ray", address], cwd=ROOT, env=QUIET, stdout=file, stderr=file
        )


def workers(network: Path) -> list[int]:
    """The processes of a network that make a shard now."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            at_work = b"ray::make_there" in (folder / "cmdline").read_bytes()
            if at_work and (folder / "ns" / "net").readlink() == network:
                found.append(int(folder.name))
        except OSError:  # it has ended
            continue
    return found


@needs_ray
@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_its_driver_and_a_node_makes_what_one_machine_makes(cluster, encoder, tmp_path):
    process, _ = cluster
    corpus, out, said = tmp_path / "in.jsonl", tmp_path / "out", tmp_path / "said.txt"
    corpus.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS), encoding="utf-8")
    arguments = corpus, out, "--after", "l2", "--shard-rows", 4
    network = Path(f"/proc/{inside(process)}/ns/net").readlink()
    report = []

    def wait(shards: int, running: subprocess.Popen) -> None:
        last = time.monotonic() + LONGEST
        while (there := len(list(out.glob("notes/*.json")))) < shards:
            assert running.poll() is None, said.read_text()
            assert time.monotonic() < last, f"{there} shards: {said.read_text()}"
            time.sleep(0.01)
        report.append(f"{there} shards")

    # A folder that the nodes do not share is refused before anything runs.
    running = driver(cluster, corpus, tmp_path / "hidden" / "out", said=tmp_path / "refused.txt")
    assert running.wait(timeout=LONGEST) == 1
    refused = (tmp_path / "refused.txt").read_text()
    assert f"does not see {tmp_path / 'hidden' / 'out'}; name a folder that all nodes share.\n" in refused
    assert not list(tmp_path.glob("hidden/out/vectors/*"))
    running = driver(cluster, *arguments, said=said)
    wait(3, running)
    while not (at_work := workers(network)):
        time.sleep(0.001)
    os.kill(at_work[0], signal.SIGKILL)
    report.append("a worker killed")
    wait(15, running)
    running.kill()
    running.wait()
    report.append("the driver killed, and started again")
    began = len(list(out.glob("notes/*.json")))
    running = driver(cluster, *arguments, said=said)
    wait(max(began + 5, 25), running)
    process.stdin.write("end the second node\n")
    process.stdin.flush()
    assert process.stdout.readline() == "ended\n"
    report.append("a node killed")
    assert running.wait(timeout=LONGEST) == 0, said.read_text()
    print(*report, said.read_text()[-300:], sep="\n")
    assert "Traceback" not in said.read_text()
    table = pq.read_table(out / "vectors")
    assert table["id"].to_pylist() == list(range(len(TEXTS)))
    assert table["text"].to_pylist() == TEXTS
    flat = table["mean"].combine_chunks().flatten().to_numpy().copy()
    wanted = embed(TEXTS, encoder, "mean", normalize_embeddings=True)["mean"]
    torch.testing.assert_close(torch.from_numpy(flat).reshape(wanted.shape), wanted, atol=1e-5, rtol=0)
    # The same files as one machine writes, whose processor computes with one thread as a worker does.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        assert main([str(corpus), str(tmp_path / "one"), *map(str, arguments[2:])]) is None
    finally:
        torch.set_num_threads(threads)

    def files(folder: Path) -> dict[str, bytes]:
        return {str(file.relative_to(folder)): file.read_bytes() for file in folder.glob("**/*") if file.is_file()}

    assert files(out) == files(tmp_path / "one")


def test_a_simulated_corpus_by_hand():
    # Four shards on two workers: 1 s to start, then two rounds of 10 rows at 2 s each.
    assert simulated(40, 2, 10, start=1, each=2, given=0) == 41
    # The third shard has 5 rows and follows the first; reading keeps up until the second.
    assert simulated(25, 2, 10, start=0, each=2, given=1) == 40  # begins at 10, 20 and 30; ends at 30, 40 and 40
    assert simulated(40, 100, 10, start=0, each=0.1, given=1) == 41  # no worker is waited for: reading is all
