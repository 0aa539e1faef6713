"""What the tests promise on a processor, asked of a GPU: parity, training, the pages, memory."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import torch

from pages.ui.navigation import PAGES
from pooling import Encoder, all_strategies, apply, embed, load_encoder, train_head
from pooling.catalogue import CAUSAL_TWIN, DEFAULT
from pooling.datasets import own_pairs, own_topics
from pooling.hub import HubError
from pooling.machine import give_memory_back
from tests.benchmarks.client import server, visitor
from tests.benchmarks.encode import sentence_transformer
from tests.benchmarks.figures import Figure, interleaved, ratio

LAYERS = (6, 4, 0)
TIMES = 10
"""How often the project's own texts are embedded, so that a GPU has something to do."""


def gpu(device: str = "cuda") -> Iterator[Figure]:
    """What the tests promise on a processor, on an NVIDIA GPU (CUDA)."""
    if device == "cuda" and not torch.cuda.is_available():
        yield Figure("CUDA", None, note="no GPU here: PyTorch finds none, and nothing was checked")
        return
    if device == "cuda":
        yield Figure("CUDA", torch.cuda.get_device_properties(0).total_memory / 1e9, "GB", note=torch.version.cuda)
    here, there = load_encoder(DEFAULT, device="cpu"), load_encoder(DEFAULT, device=device)
    yield from _parity(here, there)
    yield from _heads(here, there)
    yield from _against_sentence_transformers(there)
    yield from _two_at_once(there, device)
    if device == "cuda":
        yield from _memory()
    yield from _pages(device)


def _parity(here: Encoder, there: Encoder) -> Iterator[Figure]:
    """The largest distance of any number of any embedding from the processor's, a strategy a line."""
    texts = list(own_topics()[0])
    furthest: dict[str, float] = {}
    for layer in LAYERS:
        able = [s for s in all_strategies() if s.needs != "attention" or layer > 0]
        one, two = (embed(texts, encoder, able, layer=layer) for encoder in (here, there))
        for name in one:
            furthest[name] = max(furthest.get(name, 0.0), (one[name] - two[name]).abs().max().item())
    for name, distance in furthest.items():
        yield Figure(f"{name}: from the processor's, layers {LAYERS}", distance, at_most=1e-4)
    states = there.encode(texts[:3], layer=6)
    worst = max(
        ((pooled.weights * states.hidden).sum(dim=1) - pooled.embedding).abs().max().item()
        for pooled in (apply(s, states, model=DEFAULT, layer=6) for s in all_strategies() if s.needs != "attention")
    )
    yield Figure("weights times hidden states, from the embedding", worst, at_most=1e-4)


def _heads(here: Encoder, there: Encoder) -> Iterator[Figure]:
    """A head trained on each, on the project's own pairs."""
    train, dev = own_pairs("train"), own_pairs("dev")
    one, two = (list(train_head(train, dev, encoder, layer=4, epochs=3))[-1] for encoder in (here, there))
    yield Figure(
        "a head trained: the score's distance from the processor's", 100 * abs(one.dev - two.dev), "points", None, 1
    )
    yield Figure(
        "a head trained: better than untrained", 100 * two.dev, "points", note=f"processor {100 * one.dev:.1f}"
    )


def _against_sentence_transformers(there: Encoder) -> Iterator[Figure]:
    """Cosines and speed beside the other library, in float32 and bfloat16."""
    texts = [f"{text} {i}" for i in range(TIMES) for text in own_topics()[0]]
    theirs = sentence_transformer(there)
    wanted = theirs.encode(texts, convert_to_tensor=True).cpu()
    for half in (False, True):
        name = "bfloat16" if half else "float32"
        try:
            made = embed(texts, there, "mean", normalize_embeddings=True, bfloat16=half)["mean"]
        except ValueError as error:
            yield Figure(f"{name}: beside sentence-transformers", None, note=str(error))
            continue
        cosine = (made * wanted).sum(dim=1).min().item()
        yield Figure(
            f"{name}: lowest cosine with sentence-transformers' float32", cosine, "", 0.99 if half else 0.99999
        )
        ours, their = interleaved(
            3, lambda half=half: embed(texts, there, "mean", bfloat16=half), lambda: theirs.encode(texts)
        )
        speed = f"{len(texts) / min(ours):.0f} texts/s"
        yield Figure(f"{name}: embed / encode in float32", ratio(their, ours), "times", note=speed)


def _two_at_once(there: Encoder, device: str) -> Iterator[Figure]:
    """Two models in two threads: each says what it says alone."""
    texts, models = list(own_topics()[0]), [there, load_encoder(CAUSAL_TWIN, device=device)]
    alone = [embed(texts, model, "mean")["mean"] for model in models]
    together: list[torch.Tensor | None] = [None, None]

    def work(i: int) -> None:
        for _ in range(3):
            together[i] = embed(texts, models[i], "mean")["mean"]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    distance = max((one - two).abs().max().item() for one, two in zip(alone, together, strict=True) if two is not None)
    yield Figure("two models at once, from each alone", distance if None not in together else None, at_most=1e-4)


def _memory() -> Iterator[Figure]:
    """A model's memory is given back, and where there is too little it is said in a sentence."""
    give_memory_back()
    before = torch.cuda.memory_reserved()
    model = load_encoder(CAUSAL_TWIN, device="cuda")
    embed(list(own_topics()[0]), model, "mean")
    held = torch.cuda.memory_reserved()
    del model
    give_memory_back()
    left = (torch.cuda.memory_reserved() - before) / 1e6
    yield Figure("memory left by a model that went", left, "MB", at_most=10, note=f"it had {(held - before) / 1e6:.0f}")
    said = ""
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**24) / torch.cuda.mem_get_info()[1])
    try:
        load_encoder(CAUSAL_TWIN, device="cuda")
    except HubError as error:
        said = str(error)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    yield Figure(
        "too little memory: said in a sentence", float(said.startswith("The memory was not")), "", 1, note=said
    )


def _pages(device: str) -> Iterator[Figure]:
    """Every page by a visitor, the app's models on the device."""
    with server(POOLING_DEVICE=device, NUMBA_DISABLE_JIT="1") as running:
        exceptions, longest = asyncio.run(_visit(running.address))
    broken = running.written.count("Traceback")
    yield Figure("pages: exceptions", float(len(exceptions) + broken), at_most=0, note="; ".join(exceptions)[:200])
    yield Figure("pages: the longest first run", longest, "s")


async def _visit(address: str) -> tuple[list[str], float]:
    exceptions: list[str] = []
    longest = 0.0
    async with visitor(address) as reader:
        for page in PAGES:
            run = await reader.open("" if page is PAGES[0] else Path(page.file).stem)
            exceptions += run.exceptions
            longest = max(longest, run.seconds)
    return exceptions, longest
