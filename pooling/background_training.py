"""A training as work in the background: what was asked for, how far it is, its head and its card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from pooling.attention_heads import AttentionHead
from pooling.background import Work, WorkLine
from pooling.datasets import Pair
from pooling.encoders import Encoder, Layer
from pooling.training import Outcome, Progress, held_back_test, train_head

MOST_WAITING = 40


def trainings() -> "WorkLine[HeadTraining]":
    """A line for the trainings of all readers of a server, one at a time."""
    full = f"{MOST_WAITING} trainings are waiting already; try again in a few minutes."
    return WorkLine("training", most_waiting=MOST_WAITING, full=full)


@dataclass(eq=False)
class HeadTraining(Work):
    """One training of a head."""

    encoder: Encoder | None
    """Let go of when the training ends, so that its memory can be given back."""
    layer: Layer
    data: str
    """What it learns from, in the project's own words: a card quotes it."""
    splits: Mapping[str, Sequence[Pair]]
    """The pairs to train on, to choose the epoch by, and held back: train, dev and test."""
    epochs: int = 6
    learning_rate: float = 1e-3
    seed: int = 0
    steps: list[Progress] = field(default_factory=list)
    outcome: Outcome | None = None

    patience = 180.0  # a browser looks once a minute from a tab in the background
    longest = 1800.0
    expected = (ValueError,)
    took_too_long = f"It took more than {longest / 60:.0f} minutes; train on fewer or shorter pairs."

    def __post_init__(self) -> None:
        self.model, self.dim = self._encoder().name, self._encoder().dim
        super().__init__(f"training a head for layer {self.layer} of {self.model}")

    def _encoder(self) -> Encoder:
        if self.encoder is None:
            raise RuntimeError("This training has ended, and let go of its model.")
        return self.encoder

    @property
    def head(self) -> AttentionHead | None:
        """The best head so far."""
        return self.steps[-1].head if self.steps else None

    def broken(self, kind: str) -> str:
        """The sentence for an error that nobody expected."""
        return f"It broke off ({kind}); try fewer pairs, or another layer."

    def end(self, *how: Any) -> None:
        """Be over, and let go of the model."""
        self.encoder = None
        super().end(*how)

    def card(self) -> dict:
        """Where the head comes from, for its download."""
        best = self.steps[-1]
        outcome = self.outcome
        return {
            "model": self.model,
            "layer": self.layer,
            "data": self.data,
            "pairs": {name: len(pairs) for name, pairs in self.splits.items()},
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

    def do(self) -> None:
        """Train and test; what has come of it so far is in `steps` and `outcome`."""
        encoder = self._encoder()

        def tell(what: str, done: float) -> None:
            self.report(done, what)

        # Half of the cores are left to everybody else; the limit holds in this thread alone.
        with threadpool_limits(max(1, torch.get_num_threads() // 2), user_api="openmp"):
            steps = train_head(
                self.splits["train"],
                self.splits["dev"],
                encoder,
                layer=self.layer,
                epochs=self.epochs,
                learning_rate=self.learning_rate,
                seed=self.seed,
                tell=tell,
            )
            for step in steps:
                self.steps.append(step)
            self.outcome = held_back_test(self.splits["test"], encoder, self.steps[-1].head, self.layer, tell=tell)
