"""umap-learn, and how it comes to be compiled: by a process that ends, and takes the compiler's memory with it.

numba keeps on disk what it has compiled. A process that only loads it holds some 160 MB less, on
Python 3.11 and an x86 processor, than one that has compiled it.
"""

import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
from jaxtyping import Float, Int32

from pooling.catalogue import cache_folder

# Two fits at once under numba's workqueue threads abort the process: one at a time, whoever asks.
_FITTING = threading.Lock()


def fit(
    points: Float[np.ndarray, "text dim"],
    indices: Int32[np.ndarray, "text rank"],
    distances: Float[np.ndarray, "text rank"],
    start: Float[np.ndarray, "text axis"],
    *,
    metric: str,
    distance: float,
    seed: int,
    report: Callable[[float], None] = lambda done: None,
) -> Float[np.ndarray, "text axis"]:
    """A UMAP fit on neighbours that are known, from a start that is given; one at a time in the process.

    Args:
        points: of the full space.
        indices: the nearest neighbours of every text, itself the first.
        distances: how far they are.
        start: where each text is on the map at first.
        metric: umap-learn's name of the metric.
        distance: the least distance of two points on the map.
        seed: of the random numbers.
        report: is told the share of the fit that is done.
    """
    with _FITTING, warnings.catch_warnings():
        # That a seed means one thread, and that new texts cannot be added to this map.
        warnings.simplefilter("ignore")
        return (
            _umap_learn()
            .UMAP(
                n_neighbors=indices.shape[1],
                n_components=start.shape[1],
                min_dist=distance,
                metric=metric,
                random_state=seed,
                init=start,
                precomputed_knn=(indices, distances, None),
                tqdm_kwds={"disable": False, "file": _Epochs(report), "mininterval": 0.2, "bar_format": "{n}/{total}"},
            )
            .fit_transform(points)
        )


@cache
def _umap_learn() -> ModuleType:
    """umap-learn; those functions are kept on disk too that it compiles anew in every process."""
    import umap
    from umap import layouts, umap_

    for function in (
        umap_.smooth_knn_dist,
        umap_.compute_membership_strengths,
        layouts._nb_optimize_layout_euclidean_single_epoch,
    ):
        if hasattr(function, "enable_caching"):  # not where numba is switched off
            function.enable_caching()
    return umap


def compile_apart() -> None:
    """Have it compiled, some twenty seconds, by a process that lets everything else go first.

    Where that cannot be done, the first fit compiles what is lacking.
    """
    import numba

    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]  # made as numba is loaded
        return
    with suppress(OSError):
        nothing = subprocess.DEVNULL
        command = [sys.executable, "-m", "pooling.umap_fit"]
        with subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=nothing, stderr=nothing):
            import sklearn.metrics  # noqa: F401  what umap-learn imports and need not be compiled, meanwhile


class _Epochs:
    """The file to which umap-learn writes its progress bar: "120/500"."""

    def __init__(self, report: Callable[[float], None]):
        self.report = report

    def write(self, text: str) -> None:
        done, _, total = text.strip().partition("/")
        if done.isdigit() and total.isdigit():
            # An error in here would leave tqdm's lock taken, and with it every progress bar waiting.
            with suppress(Exception):
                self.report(int(done) / int(total))

    def flush(self) -> None:
        pass


@contextmanager
def _alone() -> Iterator[None]:
    """While this lasts no other process compiles: whoever comes later finds on disk what the first has compiled."""
    folder = cache_folder()
    with ExitStack() as held:
        with suppress(ImportError, OSError):  # Windows, and a folder that cannot be written or locked
            import fcntl

            folder.mkdir(parents=True, exist_ok=True)
            fcntl.flock(held.enter_context((folder / "umap.lock").open("a")), fcntl.LOCK_EX)
        yield


def main() -> None:
    """Fit a map of a few points, for what is compiled by it."""
    with suppress(AttributeError):  # Windows
        os.nice(10)
    random = np.random.default_rng(0)
    points = random.normal(size=(20, 8)).astype(np.float32)
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    indices = distances.argsort(axis=1)[:, :5].astype(np.int32)
    distances = np.take_along_axis(distances, indices, axis=1)
    with _alone():
        fit(points, indices, distances, points[:, :2].copy(), metric="euclidean", distance=0.1, seed=0)


if __name__ == "__main__":
    main()
