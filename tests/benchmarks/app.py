"""What a reader waits for: the first visit, a rerun, a new text, alone and in a class of thirty."""

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack

from tests.benchmarks.client import Run, Visitor, server, visitor
from tests.benchmarks.figures import Figure, percentile

CLASS = 30
THINKING = (2.0, 8.0)
"""Seconds, evenly spread, from one page to a reader's next act."""
LESSON = 30.0
SETTLED = 30.0
"""Seconds after the first visit: UMAP is then compiled, which happens once on a machine, in the background."""
BURSTS = 3
STRATEGIES = ("cls", "mean", "max", "last_token", "weighted_mean", "mean_sqrt_len")
WORDS = ["a", "the", "river", "bank", "violin", "plays", "evening", "she", "old", "quiet", "bright", "under", "near"]


def app() -> Iterator[Figure]:
    """The app, by clients that read what a browser reads but draw nothing, on the same cores."""
    yield from _first_visit()
    with server() as running:
        figures = asyncio.run(_visits(running.address))
        yield from figures
        if "Traceback" in running.log.read_text():
            raise RuntimeError(running.log.read_text())


def _first_visit() -> Iterator[Figure]:
    """A server that has just started, and its first reader."""
    frames, pages, starts = [], [], []

    async def visit(address: str) -> Run:
        async with visitor(address) as reader:
            return await reader.open()

    for _ in range(3):
        with server() as running:
            asked = time.perf_counter()
            run = asyncio.run(visit(running.address))
            frames.append(run.first)
            pages.append(run.seconds)
            starts.append(asked - running.began + run.first)
    yield Figure("first visit: frame and title", statistics.median(frames), "s", at_most=1.5)
    yield Figure("first visit: the whole Playground", statistics.median(pages), "s", at_most=6)
    yield Figure("from the server's process to the first title", statistics.median(starts), "s")


async def _visits(address: str) -> list[Figure]:
    made = []
    async with visitor(address) as reader:
        await reader.open()
        await asyncio.sleep(SETTLED)
        for name in STRATEGIES:
            await reader.pool(name)
        alone = [(await reader.pool(name)).seconds for _ in range(10) for name in STRATEGIES]
        made.append(_median("another strategy, alone: median", alone, 30))
        texts = [(await reader.choose("text", _text(random.Random(i)))).seconds for i in range(20)]
        made.append(_median("a new text, alone: median", texts))
        made += await _size(reader)
        await reader.open("learn?learn=write")
        written = [(await reader.choose("own-sentences", _text(random.Random(100 + i)))).seconds for i in range(12)]
        made.append(_median("an own lesson, other sentences, alone: median", written, 300))
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(visitor(address)) for _ in range(CLASS)]
        for reader in readers:
            await reader.open()
        for name, act, bar in (("another strategy", other_strategy, 200), ("a new text", new_text, 1500)):
            spread = await _lesson(readers, act)
            every = f"{len(spread)} acts in {LESSON:.0f} s, {THINKING[0]:.0f} to {THINKING[1]:.0f} s between a reader's"
            made.append(
                Figure(
                    f"{name}, {CLASS} readers: 95th percentile",
                    _ms(percentile(spread, 0.95)),
                    "ms",
                    at_most=bar,
                    note=every,
                )
            )
            made.append(_median(f"{name}, {CLASS} readers: median", spread))
            at_once = [
                run.seconds
                for i in range(BURSTS)
                for run in await asyncio.gather(*(act(r, random.Random(1000 * i + n)) for n, r in enumerate(readers)))
            ]
            made.append(
                Figure(
                    f"{name}, {CLASS} readers in the same instant: 95th percentile",
                    _ms(percentile(at_once, 0.95)),
                    "ms",
                )
            )
    return made


async def _size(reader: Visitor) -> list[Figure]:
    """The Size page: all its texts embedded, every way of storing measured, and then one after another looked at."""
    first = await reader.open("size")
    again = await reader.choose("strategy", "CLS")
    looked = [(await reader.choose("shortened", name)).seconds for name in ("First k", "PCA", "Random", "All") * 3]
    return [
        Figure("Size, its first visit: all texts embedded, 88 ways measured", first.seconds, "s", at_most=20),
        Figure("Size, another strategy: 88 ways measured", again.seconds, "s", at_most=8),
        _median("Size, another look at what is measured, alone: median", looked, 150),
    ]


async def _lesson(readers: list[Visitor], act: Callable) -> list[float]:
    """Seconds of each act of readers who think for a random time in between, each waiting for its page."""
    end, taken = time.perf_counter() + LESSON, []

    async def study(number: int, reader: Visitor) -> None:
        chance = random.Random(number)
        await asyncio.sleep(chance.uniform(0, THINKING[1]))
        while time.perf_counter() < end:
            taken.append((await act(reader, chance)).seconds)
            await asyncio.sleep(chance.uniform(*THINKING))

    await asyncio.gather(*(study(number, reader) for number, reader in enumerate(readers)))
    return taken


async def other_strategy(reader: Visitor, chance: random.Random) -> Run:
    return await reader.pool(chance.choice(STRATEGIES))


async def new_text(reader: Visitor, chance: random.Random) -> Run:
    return await reader.choose("text", _text(chance))


def _text(chance: random.Random) -> str:
    """Four sentences that nobody wrote before."""
    return "\n".join(" ".join(chance.choices(WORDS, k=10)) + f" {chance.random():.6f}." for _ in range(4))


def _median(name: str, taken: list[float], bar: float | None = None) -> Figure:
    return Figure(name, _ms(statistics.median(taken)), "ms", at_most=bar)


def _ms(taken: float) -> float:
    return 1000 * taken
