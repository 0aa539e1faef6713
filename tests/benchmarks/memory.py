"""What the server takes after every page was used, and whether it grows."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

from pages.ui.navigation import PAGES
from tests.benchmarks.app import STRATEGIES, new_text
from tests.benchmarks.client import Server, server, visitor
from tests.benchmarks.figures import Figure

RERUNS = 1000
SESSIONS = 100
FORGOTTEN = 75
"""Seconds until a session that was closed is forgotten: a little more than `disconnectedSessionTTL`."""


def memory() -> Iterator[Figure]:
    """Resident memory of the server (Linux)."""
    with server() as running:
        yield Figure("memory: before the first visit", resident(running), "MB")
        asyncio.run(_use_every_page(running.address))
        before = resident(running)
        yield Figure("memory: every page used, UMAP included", before, "MB", at_most=900)
        asyncio.run(_go_on(running.address))
        after = resident(running)
        note = f"{after:.0f} MB; every tenth with a new text; the sessions' last reader left {FORGOTTEN} s ago"
        yield Figure(
            f"memory: {RERUNS} reruns and {SESSIONS} sessions later",
            100 * (after / before - 1),
            "% more",
            at_most=5,
            note=note,
        )


def resident(running: Server) -> float:
    """Megabytes (of a million bytes) that the server's process holds."""
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6


async def _use_every_page(address: str) -> None:
    async with visitor(address) as reader:
        await reader.open()
        for page in PAGES:
            await reader.go("" if page is PAGES[0] else Path(page.file).stem)
            for name in STRATEGIES[:3]:
                await reader.pool(name)
        await reader.go("projection")
        await reader.choose("map-kind", "UMAP")


async def _go_on(address: str) -> None:
    """Reruns of one reader here and there, and readers who come and leave."""
    chance = random.Random(0)
    pages = ["", "hidden_states", "attention", "similarity", "padding_lab"]
    async with visitor(address) as reader:
        await reader.open()
        for number in range(RERUNS):
            if number % 50 == 0:
                await reader.go(chance.choice(pages))
            elif number % 10 == 0:
                await new_text(reader, chance)
            else:
                await reader.pool(chance.choice(STRATEGIES))
    for _ in range(SESSIONS):
        async with visitor(address) as reader:
            await reader.open(chance.choice(pages))
    await asyncio.sleep(FORGOTTEN)
