"""A search of as many passages as the page takes, while a class reads."""

import asyncio
import io
import json
import random
import re
import zipfile
from collections.abc import Iterator
from contextlib import AsyncExitStack

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from pooling.retrieval.data import MOST_PASSAGES
from tests.benchmarks.app import CLASS, SETTLED, WORDS, _lesson, other_strategy
from tests.benchmarks.client import Run, Server, server, visitor
from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.memory import resident
from tests.benchmarks.soak import Guest

QUERIES = 100
NOBODY = re.compile(b"(?!)")


class Searcher(Guest):
    """A visitor who notes what a page says of how far it is."""

    told: list[str]

    def _read(self, message: ForwardMsg, run: Run, began: float) -> None:
        if message.WhichOneof("type") == "delta" and message.delta.new_element.WhichOneof("type") == "progress":
            self.told.append(message.delta.new_element.progress.text)
        super()._read(message, run, began)


def search() -> Iterator[Figure]:
    """A search of 20,000 short passages, and thirty readers beside it (Linux)."""
    with server() as running:
        yield from asyncio.run(_search(running))


def packed(passages: int, queries: int) -> bytes:
    """A data set of BEIR's form in which each query has one relevant passage."""
    chance, made = random.Random(0), io.BytesIO()
    texts = [" ".join(chance.choices(WORDS, k=chance.randint(6, 20))) + f" {i}." for i in range(passages)]
    corpus = [{"_id": f"d{i}", "title": "", "text": text} for i, text in enumerate(texts)]
    asked = [{"_id": f"q{i}", "text": texts[i].rpartition(" ")[0]} for i in range(queries)]
    judged = ["query-id\tcorpus-id\tscore", *(f"q{i}\td{i}\t1" for i in range(queries))]
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("corpus.jsonl", "\n".join(map(json.dumps, corpus)))
        file.writestr("queries.jsonl", "\n".join(map(json.dumps, asked)))
        file.writestr("qrels/test.tsv", "\n".join(judged))
    return made.getvalue()


async def _search(running: Server) -> list[Figure]:
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(visitor(running.address)) for _ in range(CLASS)]
        for reader in readers:
            await reader.open()
        await asyncio.sleep(SETTLED)
        alone = await _lesson(readers, other_strategy)
        searcher = await stack.enter_async_context(
            visitor(running.address, lambda socket: Searcher(socket, running.address, "none", NOBODY))
        )
        searcher.told = []
        await searcher.open("search?searched=files")
        peak, over = 0.0, asyncio.Event()

        async def watch() -> None:
            nonlocal peak
            while not over.is_set():
                peak = max(peak, resident(running))
                await asyncio.sleep(0.5)

        async def read() -> list[float]:
            taken: list[float] = []
            while not over.is_set():
                taken += await _lesson(readers, other_strategy)
            return taken

        beside = asyncio.gather(watch(), read())
        [uploader] = searcher.uploaders()
        run = await searcher.upload(uploader, packed(MOST_PASSAGES, QUERIES))
        over.set()
        assert not run.exceptions, run.exceptions
        assert any("Verdict" in text for text in searcher.texts()), searcher.texts()
        _, during = await beside
    left = sum("left" in text for text in searcher.told)
    note = f"{left} times it said how far it was and what was left, as: {searcher.told[-1]}"
    return [
        Figure(f"another strategy, {CLASS} readers, before: 95th percentile", 1000 * percentile(alone, 0.95), "ms"),
        Figure(f"search of {MOST_PASSAGES:,} passages while they read on", run.seconds, "s", note=note),
        Figure(
            f"another strategy, {CLASS} readers, meanwhile: 95th percentile",
            1000 * percentile(during, 0.95),
            "ms",
            note=f"{len(during)} acts, half of them within {1000 * percentile(during, 0.5):.0f} ms",
        ),
        Figure("memory at its most", peak, "MB"),
    ]
