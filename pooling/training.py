"""Fit an attention head on scored pairs, the encoder frozen.

The shipped heads are reproduced by this file; see each head's card, `pooling/heads/*.json`:

    python -m pooling.training --data PATH_TO_STSB --layer 6
"""

import argparse
import copy
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from pooling.attention_heads import AttentionHead, head_path, save_head
from pooling.bootstrap import TIE, compare, drawn_spearman
from pooling.catalogue import DEFAULT, get_model
from pooling.datasets import Pair, own_pairs
from pooling.encoders import Encoder, Layer
from pooling.evaluation import bootstrap_pairs, distinct_texts, pair_cosines, pair_indices, spearman
from pooling.registry import get_strategy
from pooling.stsb import read_stsb
from pooling.types import TokenStates

Tell = Callable[[str, float], None]
"""Told what is being done and how much of it is done, 0 to 1; it may raise to stop the work."""

TEXTS_AT_ONCE = 256
"""Texts pooled at a time when a whole set is scored."""
MOST_STATES = 2**30
"""Bytes of hidden states that are kept for one training."""
SMALLEST_PART = 5
"""Pairs that each part of a split must have."""


def tell_nobody(what: str, done: float) -> None:
    """Let the work go on, and keep its progress to oneself."""


@dataclass(frozen=True)
class Progress:
    """How far the training is: one after each epoch, epoch 0 being the untrained head (mean)."""

    epoch: int
    epochs: int
    loss: float | None
    """Mean of 1 - Pearson over the epoch's batches; None before the first epoch."""
    dev: float | None
    """Spearman on the development pairs."""
    best_epoch: int
    head: AttentionHead
    """The head of the best epoch so far, by the development pairs."""


class CachedStates:
    """The hidden states of a corpus, one layer, encoded once: text index -> batch of states.

    Raises:
        ValueError: when they need more memory than `MOST_STATES`.
    """

    def __init__(
        self, texts: Sequence[str], encoder: Encoder, layer: Layer, *, what: str = "", tell: Tell = tell_nobody
    ):
        self.texts = list(texts)
        self.rows: list[Float[Tensor, "length dim"]] = [torch.empty(0, 0)] * len(self.texts)
        needed = 0
        for indices, states in _streamed(self.texts, encoder, layer, what, tell):
            for i, hidden, mask in zip(indices, states.hidden, states.mask, strict=True):
                self.rows[i] = hidden[mask].float().cpu()
                needed += self.rows[i].nbytes
            if needed > MOST_STATES:
                raise ValueError(
                    f"The hidden states of these {len(self.texts):,} texts need more than {MOST_STATES >> 20} MB; "
                    "use fewer or shorter pairs."
                )

    def batch(self, indices: Sequence[int]) -> TokenStates:
        """The states of these texts, padded on the right; tokens are not kept."""
        rows = [self.rows[i] for i in indices]
        hidden = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        lengths = torch.tensor([len(row) for row in rows])
        mask = torch.arange(hidden.shape[1]) < lengths[:, None]
        tokens = (("",) * hidden.shape[1],) * len(rows)
        return TokenStates(hidden, mask, torch.zeros_like(mask), tokens)

    def batches(self) -> Iterator[tuple[list[int], TokenStates]]:
        """All texts, texts of like length together."""
        order = sorted(range(len(self.rows)), key=lambda i: len(self.rows[i]))
        for start in range(0, len(order), TEXTS_AT_ONCE):
            indices = order[start : start + TEXTS_AT_ONCE]
            yield indices, self.batch(indices)

    @torch.no_grad()
    def embed(self, head: AttentionHead) -> Float[Tensor, "text dim"]:
        """Every text's embedding under the head."""
        attention = get_strategy("attention")
        made = torch.empty(len(self.rows), self.rows[0].shape[1])
        for indices, states in self.batches():
            made[indices] = attention(states, head=head).embedding
        return made


def train_head(
    train: Sequence[Pair],
    dev: Sequence[Pair],
    encoder: Encoder,
    *,
    layer: Layer = -1,
    epochs: int = 6,
    learning_rate: float = 1e-3,
    batch_size: int | None = None,
    seed: int = 0,
    tell: Tell = tell_nobody,
) -> Iterator[Progress]:
    """Train an attention head on scored pairs, yielding after each epoch; the last has the best.

    The loss of a batch is 1 - Pearson's correlation between the pairs' cosines and their scores;
    AdamW, weight decay 0.01. The same seed gives the same head on the same machine.

    Args:
        batch_size: pairs of one step; by default 256, and fewer for fewer than 2048 pairs.
        tell: told how far the encoding and each epoch are.

    Raises:
        ValueError: when all scores of a set are the same, or the loss is no number.
    """
    for name, pairs in (("training", train), ("development", dev)):
        if len({p.score for p in pairs}) < 2:
            raise ValueError(f"The {name} pairs need at least two different scores to learn from.")
    layer = encoder.layer(layer)
    batch_size = batch_size or min(256, max(16, len(train) // 8))
    states = CachedStates(distinct_texts(train), encoder, layer, what="Encoding the training sentences", tell=tell)
    dev_states = CachedStates(distinct_texts(dev), encoder, layer, what="Encoding the development sentences", tell=tell)
    head = AttentionHead(encoder.dim)
    head.standardise_by([batch for _, batch in states.batches()])
    attention = get_strategy("attention")
    first, second = pair_indices(train, states.texts)
    scores = torch.tensor([p.score for p in train])
    optimiser = torch.optim.AdamW(head.parameters(), lr=learning_rate, weight_decay=0.01)
    shuffle = random.Random(seed)

    def development() -> float | None:
        return spearman(pair_cosines(dev, dev_states.texts, dev_states.embed(head)), dev)

    best, best_dev, best_epoch, loss = copy.deepcopy(head), development(), 0, None
    yield Progress(0, epochs, loss, best_dev, best_epoch, best)
    for epoch in range(1, epochs + 1):
        order = list(range(len(train)))
        shuffle.shuffle(order)
        losses = []
        for start in range(0, len(order), batch_size):
            tell(f"Epoch {epoch} of {epochs}", start / len(order))
            chosen = order[start : start + batch_size]
            if len(set(scores[chosen].tolist())) < 2:
                continue  # a correlation needs two different scores
            one = attention(states.batch([first[i] for i in chosen]), head=head).embedding
            two = attention(states.batch([second[i] for i in chosen]), head=head).embedding
            cosines = torch.cosine_similarity(one, two)
            batch_loss = 1 - torch.corrcoef(torch.stack([cosines, scores[chosen]]))[0, 1]
            # Equal vectors can have cosines that differ in their last digit, by where in memory they lie.
            all_the_same = cosines.max() - cosines.min() < 1e-6
            if all_the_same or not batch_loss.isfinite():
                raise ValueError(
                    f"In epoch {epoch} there is no loss: the cosines of these pairs are all the same, "
                    "or the learning rate is too large."
                )
            optimiser.zero_grad()
            batch_loss.backward()
            optimiser.step()
            losses.append(batch_loss.item())
        loss, score = sum(losses) / len(losses) if losses else None, development()
        if score is not None and (best_dev is None or score > best_dev + TIE):
            best, best_dev, best_epoch = copy.deepcopy(head), score, epoch
        yield Progress(epoch, epochs, loss, score, best_epoch, best)


@dataclass(frozen=True)
class Outcome:
    """Mean against a head on the same pairs; Spearman, None where cosines are constant."""

    pairs: int
    mean: float | None
    attention: float | None
    low: float | None = None
    """The lower end of the difference's 95% interval, attention minus mean."""
    high: float | None = None


@torch.no_grad()
def head_cosines(
    pairs: Sequence[Pair],
    encoder: Encoder,
    layer: Layer,
    heads: Mapping[str, AttentionHead],
    *,
    what: str = "",
    tell: Tell = tell_nobody,
) -> dict[str, Float[Tensor, " pair"]]:
    """The cosine of each pair under each head, from one pass over the texts, none of it kept."""
    attention = get_strategy("attention")
    texts = distinct_texts(pairs)
    made = {name: torch.empty(len(texts), encoder.dim) for name in heads}
    for indices, states in _streamed(texts, encoder, layer, what, tell):
        for name, head in heads.items():
            made[name][indices] = attention(states, head=head).embedding.cpu()
    return {name: pair_cosines(pairs, texts, embeddings) for name, embeddings in made.items()}


def against_mean(
    pairs: Sequence[Pair], encoder: Encoder, head: AttentionHead, layer: Layer, *, tell: Tell = tell_nobody
) -> Outcome:
    """Mean pooling against a head on pairs that it was not trained on, without an interval."""
    heads = {"mean": AttentionHead(encoder.dim), "attention": head}
    cosines = head_cosines(pairs, encoder, layer, heads, tell=tell)
    return Outcome(len(pairs), spearman(cosines["mean"], pairs), spearman(cosines["attention"], pairs))


def held_back_test(
    pairs: Sequence[Pair], encoder: Encoder, head: AttentionHead, layer: Layer, *, tell: Tell = tell_nobody
) -> Outcome:
    """Mean pooling against a head on held-back pairs, with the difference's 95% interval.

    A paired bootstrap: both scores are taken of the same resamples of the pairs. What differs is the
    pairs, not the training; the interval says nothing on seeds.
    """
    heads = {"mean": AttentionHead(encoder.dim), "attention": head}
    cosines = head_cosines(pairs, encoder, layer, heads, what="Encoding the test sentences", tell=tell)
    mean, attention = spearman(cosines["mean"], pairs), spearman(cosines["attention"], pairs)
    if mean is None or attention is None:
        return Outcome(len(pairs), mean, attention)
    tell("Drawing the test pairs again and again", 0.0)
    drawn = bootstrap_pairs(drawn_spearman, pairs, cosines)
    gain = compare({"mean": mean, "attention": attention}, drawn, (-1.0, 1.0)).lead("attention", "mean")
    return Outcome(len(pairs), mean, attention, gain.low, gain.high)


def split_pairs(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """Seven tenths to train on, the rest halved into development and test; no sentence is shared.

    Pairs with a sentence in common stay together, through any number of others; the split is the
    same each time.

    Raises:
        ValueError: when a part would be too small or have one score only, to show as text.
    """
    texts = distinct_texts(pairs)
    first, second = pair_indices(pairs, texts)
    links = coo_array((np.ones(len(pairs)), (first, second)), shape=(len(texts), len(texts)))
    families = connected_components(links, directed=False)[1][first]
    members: dict[int, list[Pair]] = {}
    for family, pair in zip(families.tolist(), pairs, strict=True):
        members.setdefault(family, []).append(pair)
    order = list(members.values())
    random.Random(0).shuffle(order)
    wanted = {"train": 0.7, "dev": 0.15, "test": 0.15}
    splits: dict[str, list[Pair]] = {name: [] for name in wanted}
    for family in sorted(order, key=len, reverse=True):
        emptiest = min(wanted, key=lambda name: len(splits[name]) / wanted[name])
        splits[emptiest].extend(family)
    for name, part in splits.items():
        if len(part) < SMALLEST_PART or len({p.score for p in part}) < 2:
            raise ValueError(
                f"Split so that no sentence is shared, the {name} part has {len(part)} of {len(pairs)} pairs and "
                f"{len({p.score for p in part})} different scores; it needs {SMALLEST_PART} pairs and two scores. "
                "Give more pairs, with different sentences."
            )
    return splits


def _streamed(
    texts: Sequence[str], encoder: Encoder, layer: Layer, what: str, tell: Tell
) -> Iterator[tuple[list[int], TokenStates]]:
    """`Encoder.stream`, telling after each batch how much of the characters is done: long texts take longer."""
    done, whole = 0, sum(map(len, texts))
    tell(what, 0.0)
    for indices, states in encoder.stream(texts, layer=layer):
        yield indices, states
        done += sum(len(texts[i]) for i in indices)
        tell(what, done / whole)


def main() -> None:
    """Train the head of one layer on the STS Benchmark and write it with its card."""
    parse = argparse.ArgumentParser(description=main.__doc__)
    parse.add_argument("--data", type=Path, required=True, help="folder with sts-train.csv, -dev, -test")
    parse.add_argument("--model", default=DEFAULT)
    parse.add_argument("--layer", type=int, default=6)
    parse.add_argument("--epochs", type=int, default=6)
    parse.add_argument("--seed", type=int, default=0)
    parse.add_argument("--out", type=Path, help="safetensors file to write (default: pooling/heads)")
    asked = parse.parse_args()
    from pooling.encoders.loading import load_encoder  # with transformers, which nothing else here needs

    encoder = load_encoder(asked.model, device="cpu")
    layer = encoder.layer(asked.layer)
    train, dev, test = (read_stsb(asked.data, split) for split in ("train", "dev", "test"))
    steps = []
    for step in train_head(train, dev, encoder, layer=layer, epochs=asked.epochs, seed=asked.seed):
        print(f"epoch {step.epoch}: loss {step.loss}, dev Spearman {step.dev}", flush=True)
        steps.append(step)
    head = steps[-1].head
    sets = {"dev": dev, "test": test, "own": own_pairs()}
    card = {
        "model": asked.model,
        "weights_sha256": get_model(asked.model).sha256,
        "layer": layer,
        "data": "STS Benchmark, training set; epoch chosen on the development set",
        "pairs": len(train),
        "seed": asked.seed,
        "epochs": asked.epochs,
        "best_epoch": steps[-1].best_epoch,
        "command": (
            f"python -m pooling.training --data STSB_FOLDER --model {asked.model} "
            f"--layer {layer} --epochs {asked.epochs} --seed {asked.seed}"
        ),
        "scored_on": {
            "dev": f"STS Benchmark, development set, {len(dev):,} pairs",
            "test": f"STS Benchmark, test set, {len(test):,} pairs",
            "own": f"this project's own pairs, all splits, {len(sets['own'])} pairs, none of them trained on",
        },
        "spearman": {name: rounded(against_mean(pairs, encoder, head, layer)) for name, pairs in sets.items()},
    }
    save_head(head, card, asked.out or head_path(asked.model, layer))
    print(card["spearman"])


def rounded(outcome: Outcome) -> dict[str, float | None]:
    """The two scores as a card has them: times 100, two decimals."""
    scores = {"mean": outcome.mean, "attention": outcome.attention}
    return {name: None if score is None else round(100 * score, 2) for name, score in scores.items()}


if __name__ == "__main__":
    main()
