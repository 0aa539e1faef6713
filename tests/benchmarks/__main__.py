"""How fast, how steady under a class, and how large: measured, beside the bars it should meet.

    python -m tests.benchmarks [encode] [app] [living] [memory] [detect] [--json FILE]

Without a part named, all five; about twenty minutes on two quiet cores. Whatever compares two
things measures them in turn, and takes the median of the ratios of neighbours; seconds and
milliseconds are those of the machine as busy as it is. The part `long` has twelve readers write as
much as they may; the part `budget` looks for the batch size that keeps a device busy (a GPU: its own
figures come from `encode`, under POOLING_DEVICE); the part `gpu` checks on CUDA what the tests promise
on a processor; the part `corpus` measures that command, `scale` with up to a million texts, and
`workers` how it goes with the number of them; the part `search` has one reader search in 20,000
passages; the part `room` a hundred phones vote.
"""

import argparse
import json
import os
import platform
from dataclasses import asdict
from pathlib import Path

import torch

from pooling.encoders.devices import default_device
from tests.benchmarks.app import app
from tests.benchmarks.corpus import corpus, scale
from tests.benchmarks.detect import detect
from tests.benchmarks.encode import NEEDS, budget, encode
from tests.benchmarks.figures import Figure
from tests.benchmarks.gpu import gpu
from tests.benchmarks.living import living
from tests.benchmarks.long import long
from tests.benchmarks.memory import memory
from tests.benchmarks.room import room
from tests.benchmarks.search import search
from tests.benchmarks.workers import workers
from tests.conftest import STSB

PARTS = {
    "encode": encode,
    "app": app,
    "living": living,
    "memory": memory,
    "detect": detect,
    "long": long,
    "budget": budget,
    "gpu": gpu,
    "corpus": corpus,
    "scale": scale,
    "workers": workers,
    "search": search,
    "room": room,
}
USUAL = ("encode", "app", "living", "memory", "detect")


def main() -> None:
    """Measure what is asked for, print each figure as it comes, and write them all."""
    asks = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.partition("\n")[0])
    asks.add_argument("parts", nargs="*", choices=[*PARTS, []], help=f"of {', '.join(PARTS)}; by default {USUAL}")
    asks.add_argument("--json", type=Path, help="write the figures to this file")
    asked = asks.parse_args()
    parts = asked.parts or USUAL
    for part in parts:
        if not all(path.is_file() for path in NEEDS.get(part, ())):
            folder = STSB.parent
            needed = " and ".join(path.relative_to(folder).as_posix() for path in NEEDS[part])
            raise SystemExit(
                f"The part {part} needs {needed} in the folder {folder}; another folder can be named in POOLING_DATA."
            )
    machine = {
        "device": default_device(),
        "processor": torch.cpu.get_capabilities().get("cpu_name", platform.processor()),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "load_before": os.getloadavg()[0],
    }
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    figures: list[Figure] = []
    for part in parts:
        print(f"\n{PARTS[part].__doc__.splitlines()[0]}")
        for figure in PARTS[part]():
            figures.append(figure)
            print(figure.line(), flush=True)
    missed = [figure for figure in figures if figure.met is False]
    print(f"\n{sum(figure.met is True for figure in figures)} bars met, {len(missed)} not.")
    if asked.json:
        rows = [asdict(figure) | {"bar": figure.bar, "met": figure.met} for figure in figures]
        asked.json.write_text(json.dumps({"machine": machine, "figures": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
