"""Trainings that run one after another in the background, first come, first served."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from threadpoolctl import threadpool_limits

from pooling import logs
from pooling.datasets import Pair
from pooling.encoders import Encoder, Layer
from pooling.modules import AttentionHead
from pooling.training import Outcome, Progress, Tell, held_back_test, train_head

MOST_WAITING = 40
ABANDONED_AFTER = 180.0
"""Seconds without anybody looking; a browser looks once a minute from a tab in the background."""
LONGEST = 1800.0
"""Seconds a training may take."""


class QueueFull(Exception):
    """Too many trainings are waiting."""


class _Stopped(Exception):
    """Ends a training from inside."""


@dataclass(eq=False)
class Job:
    """One training: what was asked for, and how far it is. Written by the worker, read by pages."""

    encoder: Encoder | None
    """Let go of when the job ends, so that its memory can be given back."""
    layer: Layer
    data: str
    """What it learns from, in the project's own words: a card quotes it."""
    parts: dict[str, Sequence[Pair]]
    """The pairs to train on, to choose the epoch by, and held back: train, dev and test."""
    epochs: int = 6
    learning_rate: float = 1e-3
    seed: int = 0
    state: Literal["waiting", "running", "done", "stopped", "failed"] = "waiting"
    doing: str = ""
    share: float = 0.0
    """How much of what it is doing is done."""
    doing_since: float = 0.0
    steps: list[Progress] = field(default_factory=list)
    outcome: Outcome | None = None
    why: str = ""
    """Why it stopped or failed, a sentence to show as text."""
    looked_at: float = field(default_factory=time.monotonic)
    stopping: str = ""
    """Why it shall stop, once it shall."""

    def __post_init__(self) -> None:
        self.model, self.dim = self.encoder.name, self.encoder.dim

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("waiting", "running")

    @property
    def head(self) -> AttentionHead | None:
        """The best head so far."""
        return self.steps[-1].head if self.steps else None

    @property
    def seconds_left(self) -> float | None:
        """Of what it is doing now; None while too little is done to tell."""
        gone = time.monotonic() - self.doing_since
        return gone * (1 - self.share) / self.share if self.share > 0.05 and gone > 1 else None

    def look(self) -> None:
        """Say that somebody still waits for it; who leaves gives it up."""
        self.looked_at = time.monotonic()

    def stop(self, why: str = "You stopped it.") -> None:
        """Ask it to end; a running one does so within a batch."""
        self.stopping = self.stopping or why

    def stop_if_left(self) -> None:
        """Ask it to end when nobody has looked for long."""
        if time.monotonic() - self.looked_at > ABANDONED_AFTER:
            self.stop("Nobody was looking any more, so it was given up for the next in the queue.")

    def end(self, state: Literal["done", "stopped", "failed"], why: str = "") -> None:
        """Be over, and let go of the model."""
        self.encoder, self.why, self.state = None, why, state

    def card(self) -> dict:
        """Where the head comes from, for its download."""
        best = self.steps[-1]
        outcome = self.outcome
        return {
            "model": self.model,
            "layer": self.layer,
            "data": self.data,
            "pairs": {name: len(pairs) for name, pairs in self.parts.items()},
            "seed": self.seed,
            "epochs": self.epochs,
            "learning_rate": self.learning_rate,
            "best_epoch": best.best_epoch,
            "spearman": {
                "dev": {"mean": self.steps[0].dev, "attention": self.steps[best.best_epoch].dev},
                "test": outcome
                and {
                    "mean": outcome.mean,
                    "attention": outcome.attention,
                    "difference_95%": [outcome.low, outcome.high],
                },
            },
        }

    def run(self) -> None:
        """Train and test; whatever happens is in `state` and `why` afterwards."""
        self.state = "running"
        began = time.monotonic()

        def tell(what: str, done: float) -> None:
            now = time.monotonic()
            self.stop_if_left()
            if now - began > LONGEST:
                self.stop(f"It took more than {LONGEST / 60:.0f} minutes; train on fewer or shorter pairs.")
            if self.stopping:
                raise _Stopped
            if what != self.doing:
                self.doing_since = now
            self.doing, self.share = what, done

        try:
            # Half of the cores are left to everybody else; the limit holds in this thread alone.
            named = f"training a head for layer {self.layer} of {self.model}"
            with logs.timed(named), threadpool_limits(max(1, torch.get_num_threads() // 2), user_api="openmp"):
                self._train_and_test(tell)
            self.end("done")
        except _Stopped:
            self.end("stopped", self.stopping)
        except ValueError as error:
            self.end("failed", str(error))
        except BaseException as error:  # a page must be told of anything, and the next in the queue be served
            logs.log.exception("A training failed")
            self.end("failed", f"It broke off ({type(error).__name__}); try fewer pairs, or another layer.")

    def _train_and_test(self, tell: Tell) -> None:
        steps = train_head(
            self.parts["train"],
            self.parts["dev"],
            self.encoder,
            layer=self.layer,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            seed=self.seed,
            tell=tell,
        )
        for step in steps:
            self.steps.append(step)
        self.outcome = held_back_test(self.parts["test"], self.encoder, self.steps[-1].head, self.layer, tell=tell)


class JobQueue:
    """One worker for all readers of a server: jobs run one at a time, in the order they came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None

    def submit(self, job: Job) -> None:
        """Put a job at the end.

        Raises:
            QueueFull: when `MOST_WAITING` jobs are waiting already.
        """
        with self._lock:
            self._drop_given_up()
            if len(self._waiting) >= MOST_WAITING:
                raise QueueFull(f"{MOST_WAITING} trainings are waiting already; try again in a few minutes.")
            self._waiting.append(job)
            if self._running is None:
                self._running = self._waiting.popleft()
                threading.Thread(target=self._work, name="training", daemon=True).start()

    def before(self, job: Job) -> int:
        """How many people are before this one: those waiting in front of it, and the one served."""
        with self._lock:
            self._drop_given_up()
            if job not in self._waiting:
                return 0
            return self._waiting.index(job) + (self._running is not None)

    def _work(self) -> None:
        while self._running is not None:
            self._running.run()
            with self._lock:
                self._drop_given_up()
                self._running = self._waiting.popleft() if self._waiting else None

    def _drop_given_up(self) -> None:
        """Take out who was stopped, or is not looked at any more, before their turn."""
        for job in list(self._waiting):
            job.stop_if_left()
            if job.stopping:
                self._waiting.remove(job)
                job.end("stopped", job.stopping)
