"""Sentences a second against sentence-transformers, and what pooling costs beside the forward pass."""

import random
import statistics
import time
from collections.abc import Iterator
from functools import partial

import pandas as pd
import torch
from sentence_transformers import SentenceTransformer

from pooling import Encoder, all_strategies, apply, embed, get_strategy, load_encoder
from pooling.catalogue import DEFAULT, get_model, model_folder
from pooling.datasets import Pair
from pooling.encoders.devices import check_bfloat16
from pooling.encoders.encoder import TOKEN_BUDGET
from pooling.evaluation import distinct_texts, pair_cosines, spearman
from pooling.stsb import read_stsb
from tests.benchmarks.figures import Figure, interleaved, ratio
from tests.conftest import STSB

PAIRS, BANK = STSB / "sts-test.csv", STSB.parent / "banking77" / "train.csv"
NEEDS = {"encode": (PAIRS, BANK), "budget": (PAIRS,)}
"""The files of others that a part reads."""
SOME = 1000
"""Texts of those measurements that need no whole corpus."""
PRODUCT = 2048
"""Rows and columns of the matrix product that stands for what the machine can do."""
ONE_PASS = [s.name for s in all_strategies() if s.needs != "attention"]
"""What `embed` makes in one pass at a layer with a trained head."""


def encode() -> Iterator[Figure]:
    """embed against sentence-transformers' encode: the same weights, float32, threads and defaults."""
    encoder = load_encoder(DEFAULT)
    theirs = sentence_transformer(encoder)
    pairs = read_stsb(STSB, "test")
    stsb = distinct_texts(pairs)
    bank = pd.read_csv(BANK)["text"].tolist()
    some = random.Random(0).sample(stsb, SOME)
    embed(some, encoder, ONE_PASS)
    theirs.encode(some)
    for name, texts, repeats in (("STS-B", stsb, 3), ("banking77", bank, 2)):
        ours, their = interleaved(
            repeats, lambda t=texts: embed(t, encoder, ["mean"]), lambda t=texts: theirs.encode(t)
        )
        speed = f"{len(texts) / statistics.median(ours):.0f} against {len(texts) / statistics.median(their):.0f} /s"
        yield Figure(f"{name}, {len(texts):,} texts: embed / encode", ratio(their, ours), "times", 1.15, note=speed)
    one, each = interleaved(
        3,
        lambda: embed(some, encoder, ONE_PASS),
        lambda: [embed(some, encoder, [name]) for name in ONE_PASS],
    )
    yield Figure(f"{len(ONE_PASS)} strategies: one pass each / one for all", ratio(each, one), "times", 6)
    yield from _forward(encoder, some)
    yield from _bfloat16(encoder, stsb, pairs)


def _forward(encoder: Encoder, texts: list[str]) -> Iterator[Figure]:
    """Each batch's forward pass, the pooling of it, and a large matrix product, in turn."""
    square = torch.randn(PRODUCT, PRODUCT, device=encoder.device)
    strategies = [get_strategy(name) for name in ONE_PASS]
    forward = pooling = product = done = products = 0.0
    batches = encoder.stream(texts)
    next(batches)  # before the first batch all texts are tokenized
    while True:
        began = _now(encoder)
        batch = next(batches, None)
        if batch is None:
            break
        states = batch[1]
        passed = _now(encoder)
        for strategy in strategies:
            apply(strategy, states, model=encoder.name, layer=encoder.layers)
        pooled = _now(encoder)
        square @ square
        forward, pooling, product = (
            forward + passed - began,
            pooling + pooled - passed,
            product + _now(encoder) - pooled,
        )
        done += flops(encoder, *states.mask.shape)
        products += 2 * PRODUCT**3
    name = f"pooling under {len(strategies)} strategies / the forward pass"
    yield Figure(name, 100 * pooling / forward, "%", at_most=3)
    reached = f"{done / forward / 1e9:.0f} of {products / product / 1e9:.0f} GFLOP/s, a product of {PRODUCT:,} squared"
    yield Figure(
        "forward pass / the machine's matrix product", 100 * done / forward / (products / product), "%", note=reached
    )


def _bfloat16(encoder: Encoder, texts: list[str], pairs: list[Pair]) -> Iterator[Figure]:
    """Where the device has bfloat16, `embed` in it; where not, what the forward passes alone take under autocast."""
    half, refusal = partial(embed, strategies=["mean"], bfloat16=True), ""
    try:
        check_bfloat16(encoder.device)
    except ValueError as error:
        refusal = f"without pooling, by autocast; embed refuses: {error}"

        def half(some: list[str], encoder: Encoder) -> None:
            with torch.autocast(encoder.device.type, torch.bfloat16):
                list(encoder.stream(some))

    some = texts[: 2 * SOME : 2] if not refusal else texts[:100]
    theirs = sentence_transformer(encoder)
    ours, their = interleaved(3, lambda: half(some, encoder), lambda: theirs.encode(some))
    yield Figure("bfloat16: embed / encode", ratio(their, ours), "times", None if refusal else 2, note=refusal)
    if refusal:
        return
    scores = [
        100 * spearman(pair_cosines(pairs, texts, made(texts, encoder, strategies=["mean"])["mean"]), pairs)
        for made in (embed, half)
    ]
    yield Figure("bfloat16: Spearman's distance from float32", abs(scores[0] - scores[1]), "points", at_most=0.05)


def budget() -> Iterator[Figure]:
    """Sentences a second by the tokens of a batch: where does the device have enough to do?"""
    encoder = load_encoder(DEFAULT)
    kind = encoder.device.type
    usual, texts = TOKEN_BUDGET[kind], distinct_texts(read_stsb(STSB, "test"))
    texts = random.Random(0).sample(texts, SOME) if kind == "cpu" else texts * 20
    sizes = [usual * 2**power // 4 for power in range(1, 6)]

    def embed_in(size: int) -> None:
        TOKEN_BUDGET[kind] = size
        embed(texts, encoder, ["mean"])

    embed_in(usual)
    for size, times in zip(sizes, interleaved(3, *(partial(embed_in, size) for size in sizes)), strict=True):
        yield Figure(f"batches of {size:,} tokens", len(texts) / statistics.median(times), "texts/s")
    TOKEN_BUDGET[kind] = usual


def flops(encoder: Encoder, batch: int, length: int) -> float:
    """Floating-point operations of a forward pass in matrix products, padding included, without the pooler."""
    linear = sum(
        m.in_features * m.out_features
        for n, m in encoder.model.named_modules()
        if isinstance(m, torch.nn.Linear) and "pooler" not in n
    )
    return 2 * batch * length * (linear + 2 * encoder.layers * length * encoder.dim)


def sentence_transformer(encoder: Encoder) -> SentenceTransformer:
    """The other library with the same weights, on the same device."""
    return SentenceTransformer(str(model_folder(get_model(encoder.name))), device=str(encoder.device))


def _now(encoder: Encoder) -> float:
    """The time, once the device has done what it was given."""
    if encoder.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()
