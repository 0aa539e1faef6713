"""The Dockerfile's own steps without Docker: its COPYs, RUNs, ENVs, health check and CMD, as it has them.

python -m tests.dockerfile FOLDER    in a fresh virtual environment in FOLDER, packages and all
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, each with what follows it."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


@dataclass
class Image:
    """What the steps have made so far."""

    folder: Path
    """Stands for the file system's root; the app is in its `app`, the home of user 1000 in its `home`."""
    bin: Path
    """Where `python` and what pip installs are."""
    environment: dict[str, str] = field(default_factory=dict)
    user: int | None = None
    health: str = ""
    command: list[str] = field(default_factory=list)
    built: float = 0.0
    """When the last step was done."""

    @property
    def app(self) -> Path:
        return self.folder / "app"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def variables(self, **more: str) -> dict[str, str]:
        """The environment of a container's process, and what CI needs to reach its packages."""
        around = {k: v for k, v in os.environ.items() if not k.startswith(("POOLING_", "STREAMLIT_"))}
        path = {"PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}", "HOME": str(self.home)}
        return around | path | self.environment | more

    def as_user(self, command: list[str]) -> list[str]:
        """A command run as the image's user; as oneself where one may not become another."""
        if os.getuid() != 0 or self.user is None:
            return command
        return ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", *command]


def build(folder: Path, binaries: Path, *, install: bool) -> Image:
    """Go through the Dockerfile; without `install`, what pip would bring is taken to be there."""
    image = Image(folder, binaries)
    image.app.mkdir(parents=True)
    for name, rest in instructions():
        if name == "ARG":
            variable, _, value = rest.partition("=")
            image.environment[variable] = value.strip('"')
        elif name == "COPY":
            source, target = rest.split()
            _copy(ROOT / source, image.app / target)
        elif name == "RUN" and rest.startswith("useradd"):
            assert "--create-home --uid 1000" in rest
            image.home.mkdir()
            if os.getuid() == 0:
                os.chown(image.home, 1000, 1000)
        elif name == "RUN" and (install or not rest.startswith("pip ")):
            program, *arguments = shlex.split(rest)
            # A user's shell may not be let into the home of root, where this Python can be.
            step = [str(image.bin / program), *arguments] if image.user else ["sh", "-c", rest]
            subprocess.run(image.as_user(step), check=True, cwd=image.app, env=image.variables())
        elif name == "ENV":
            image.environment |= dict(pair.split("=", 1) for pair in rest.split())
        elif name == "USER":
            image.user = int(rest)
        elif name == "HEALTHCHECK":
            image.health = rest.partition(" CMD ")[2]
        elif name == "CMD":
            image.command = json.loads(rest)
        else:
            assert name in ("FROM", "WORKDIR", "EXPOSE", "RUN"), name
    for path in [image.app, *image.app.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    image.built = time.time()
    return image


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "secrets.toml"))
    else:
        shutil.copy(source, target)


def main() -> None:
    """Build in a fresh virtual environment, and start the app in it as the Dockerfile does."""
    folder = Path(sys.argv[1]).resolve()
    subprocess.run(["python3", "-m", "venv", folder / "venv"], check=True)
    image = build(folder, folder / "venv" / "bin", install=True)
    folder.chmod(0o755)
    print(" ".join(image.as_user(image.command)), flush=True)
    os.chdir(image.app)
    os.execvpe(image.as_user(image.command)[0], image.as_user(image.command), image.variables(HF_HUB_OFFLINE="1"))


if __name__ == "__main__":
    main()
