"""Environments of their own for programs whose requirements are not this project's."""

import os
import shutil
import subprocess
import tempfile
import venv
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(os.environ.get("POOLING_SERVERS") or Path(tempfile.gettempdir()) / "pooling-servers")


@dataclass(frozen=True)
class Environment:
    """A program of others, and how it is installed."""

    name: str
    requirements: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict)
    """Environment variables while it is installed."""

    @property
    def binaries(self) -> Path:
        """Where its Python and its commands are."""
        return FOLDER / self.name / "bin"

    def install(self) -> None:
        """Make sure that it is there, from the package registry.

        Raises:
            SystemExit: when it cannot be installed; a sentence that names the log.
        """
        done, wanted = FOLDER / self.name / "installed.txt", "\n".join(self.requirements)
        if done.is_file() and done.read_text(encoding="utf-8") == wanted:
            return
        print(f"Installing {wanted.splitlines()[0]} into {FOLDER / self.name}: minutes.", flush=True)
        shutil.rmtree(FOLDER / self.name, ignore_errors=True)
        venv.create(FOLDER / self.name, with_pip=True)
        log = FOLDER / f"{self.name}.log"
        command = ["nice", self.binaries / "python", "-m", "pip", "install", *self.requirements]
        with log.open("w", encoding="utf-8") as said:
            if subprocess.run(command, env=os.environ | self.settings, stdout=said, stderr=said).returncode:
                raise SystemExit(f"{wanted.splitlines()[0]} could not be installed; {log} says why.")
        done.write_text(wanted, encoding="utf-8")


LLAMA = Environment(
    "llama",
    ("llama-cpp-python==0.3.36",),
    {"CMAKE_BUILD_PARALLEL_LEVEL": "1"},  # an sdist: one compiler at a time
)
INFINITY = Environment("infinity", ("infinity-emb[torch,server]==0.0.78", "torch==2.13.0"))
