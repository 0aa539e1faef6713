"""Fit an attention head on scored pairs, the encoder frozen.

The shipped heads are reproduced by this file; see each head's card, `pooling/heads/*.json`:

    python -m pooling.training --data PATH_TO_STSB --layer 6
"""

import argparse
import copy
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from pooling.catalogue import DEFAULT, get_model
from pooling.datasets import Pair, read_stsb
from pooling.encoders import Encoder, load_encoder
from pooling.evaluation import distinct_texts, pair_cosines, pair_indices, spearman
from pooling.modules import AttentionHead, head_path, save_head
from pooling.registry import get_strategy
from pooling.types import TokenStates

BATCHES_AT_ONCE = 256
"""Texts pooled at a time when a whole set is scored."""


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
    """The hidden states of a corpus, one layer, encoded once: text index -> batch of states."""

    def __init__(self, texts: Sequence[str], encoder: Encoder, layer: int):
        self.texts = list(texts)
        self.rows: list[Float[Tensor, "length dim"]] = [torch.empty(0, 0)] * len(self.texts)
        for indices, states in encoder.stream(self.texts, layer=layer):
            for i, hidden, mask in zip(indices, states.hidden, states.mask, strict=True):
                self.rows[i] = hidden[mask].float().cpu()

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
        for start in range(0, len(order), BATCHES_AT_ONCE):
            indices = order[start : start + BATCHES_AT_ONCE]
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
    layer: int = -1,
    epochs: int = 6,
    learning_rate: float = 1e-3,
    batch_size: int = 256,
    seed: int = 0,
) -> Iterator[Progress]:
    """Train an attention head on scored pairs, yielding after each epoch; the last has the best.

    The loss of a batch is 1 - Pearson's correlation between the pairs' cosines and their scores;
    AdamW, weight decay 0.01. The same seed gives the same head on the same machine.

    Raises:
        ValueError: when there are fewer than two pairs, or all scores are the same.
    """
    for name, pairs in (("training", train), ("development", dev)):
        if len({p.score for p in pairs}) < 2:
            raise ValueError(f"The {name} pairs need at least two different scores to learn from.")
    layer = encoder.layer(layer)
    states = CachedStates(distinct_texts(train), encoder, layer)
    dev_states = CachedStates(distinct_texts(dev), encoder, layer)
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
            chosen = order[start : start + batch_size]
            if len(set(scores[chosen].tolist())) < 2:
                continue  # a correlation needs two different scores
            one = attention(states.batch([first[i] for i in chosen]), head=head).embedding
            two = attention(states.batch([second[i] for i in chosen]), head=head).embedding
            cosines = torch.cosine_similarity(one, two)
            batch_loss = 1 - torch.corrcoef(torch.stack([cosines, scores[chosen]]))[0, 1]
            optimiser.zero_grad()
            batch_loss.backward()
            optimiser.step()
            losses.append(batch_loss.item())
        loss, score = sum(losses) / len(losses), development()
        if score is not None and (best_dev is None or score > best_dev):
            best, best_dev, best_epoch = copy.deepcopy(head), score, epoch
        yield Progress(epoch, epochs, loss, score, best_epoch, best)


def score_head(pairs: Sequence[Pair], encoder: Encoder, head: AttentionHead, layer: int) -> float | None:
    """Spearman of the pairs under attention pooling with this head."""
    states = CachedStates(distinct_texts(pairs), encoder, layer)
    return spearman(pair_cosines(pairs, states.texts, states.embed(head)), pairs)


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
    encoder = load_encoder(asked.model, device="cpu")
    layer = encoder.layer(asked.layer)
    train, dev, test = (read_stsb(asked.data, split) for split in ("train", "dev", "test"))
    steps = []
    for step in train_head(train, dev, encoder, layer=layer, epochs=asked.epochs, seed=asked.seed):
        print(f"epoch {step.epoch}: loss {step.loss}, dev Spearman {step.dev}", flush=True)
        steps.append(step)
    head, untrained = steps[-1].head, AttentionHead(encoder.dim)
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
        "spearman": {
            split: {
                "mean": round(100 * (score_head(pairs, encoder, untrained, layer) or 0), 2),
                "attention": round(100 * (score_head(pairs, encoder, head, layer) or 0), 2),
            }
            for split, pairs in (("dev", dev), ("test", test))
        },
    }
    save_head(head, card, asked.out or head_path(asked.model, layer))
    print(card["spearman"])


if __name__ == "__main__":
    main()
