"""Twelve readers with as much text as the sidebar takes, and one with two short sentences beside them."""

import asyncio
import random
import statistics
from collections.abc import Iterator
from contextlib import AsyncExitStack

from tests.benchmarks.app import SETTLED, WORDS
from tests.benchmarks.client import Server, Visitor, server, visitor
from tests.benchmarks.figures import Figure
from tests.benchmarks.memory import resident

READERS = 12
SENTENCES, CHARACTERS = 32, 1000


def long() -> Iterator[Figure]:
    """Long sentences, by twelve readers in the same instant (Linux)."""
    with server(NUMBA_DISABLE_JIT="1") as running:
        peak, runs, short = asyncio.run(_all_at_once(running))
    yield Figure(f"long sentences, {READERS} readers: memory at its peak", peak, "MB")
    yield Figure("the longest run of theirs, waiting included", max(runs), "s")
    yield Figure("two short sentences meanwhile: median", statistics.median(short), "s", note=f"{len(short)} runs")
    yield Figure("two short sentences meanwhile: the longest", max(short), "s")


def sentences(chance: random.Random) -> str:
    """As many and as long as the sidebar takes."""
    lines = (" ".join(chance.choices(WORDS, k=CHARACTERS // 3)) for _ in range(SENTENCES))
    return "\n".join(f"{chance.random():.6f} {line}"[:CHARACTERS].strip() for line in lines)


async def _all_at_once(running: Server) -> tuple[float, list[float], list[float]]:
    over, peak, short = asyncio.Event(), 0.0, []

    async def watch() -> None:
        nonlocal peak
        while not over.is_set():
            peak = max(peak, resident(running))
            await asyncio.sleep(0.1)

    async def write_little(reader: Visitor) -> None:
        while not over.is_set():
            run = await reader.choose("text", f"My dog barks {len(short)}.\nThe cat sleeps.")
            short.append(run.seconds)
            await asyncio.sleep(1)

    async def write_much(reader: Visitor, number: int) -> float:
        return (await reader.choose("text", sentences(random.Random(number)))).seconds

    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(visitor(running.address)) for _ in range(READERS + 1)]
        for reader in readers:
            await reader.open()
        await asyncio.sleep(SETTLED)
        beside = asyncio.gather(watch(), write_little(readers[0]))
        runs = await asyncio.gather(*(write_much(reader, i) for i, reader in enumerate(readers[1:])))
        over.set()
        await beside
    return peak, runs, short
