"""How long the Detective takes, as a command, the start of Python and the loading of the model included."""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pooling.detect.probes import PROBES
from tests.benchmarks.figures import Figure, seconds
from tests.other_people import vectors

TEXTS = [*PROBES, "What stands here is the sixteenth text."]


def detect() -> Iterator[Figure]:
    """python -m pooling.detect on sixteen texts with the default model: what is found at once, late, and never."""
    right = vectors(TEXTS)
    cases = {
        "the model's own recipe": right,
        "CLS under a prompt, cut at 97 tokens": vectors(TEXTS, "cls", template="query: {}", max_length=97),
        "nothing that it knows": right + np.random.default_rng(0).normal(0, 0.01, right.shape),
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "vectors.npz"
        for name, made in cases.items():
            np.savez(file, texts=np.array(TEXTS), embeddings=made)
            before = _processor()
            command = [sys.executable, "-m", "pooling.detect", str(file)]
            took = seconds(lambda command=command: subprocess.run(command, check=True, capture_output=True))
            note = f"{_processor() - before:.0f} s of the processor"
            yield Figure(f"Detective, {len(TEXTS)} texts: {name}", took, "s", at_most=20, note=note)


def _processor() -> float:
    """Seconds that the processor has worked for processes that were started here."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
