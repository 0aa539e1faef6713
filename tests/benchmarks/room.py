"""A class of a hundred phones in one room, and a soak of many rooms.

    python -m tests.benchmarks room
    python -m tests.benchmarks.room --minutes 10

The second opens rooms, votes, reloads, leaves and comes back at random, and fails when a vote is lost or counted
twice, a phone shows another's vote, a page shows an exception, or memory grows.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from pages.ui.room import phone, screen
from pages.ui.room.results import LETTERS
from pooling.lessons import all_lessons
from tests.benchmarks.app import STRATEGIES
from tests.benchmarks.client import Run, Visitor, apart, server, visitor
from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.memory import resident

PHONES = 100
VOTING = 2.0
"""Seconds within which all of them vote."""
ROUNDS = 4
WATCHED = 12.0
"""Seconds for which another reader is watched, without a room beside and with one."""


class Member(Visitor):
    """A browser in a room: it asks for the part of the page that follows by itself, and says what it keeps."""

    def __init__(self, socket: Any):
        super().__init__(socket)
        self.fragment = ""
        self.own: dict[str, str] = {}
        self.busy = asyncio.Lock()
        """A browser has one run at a time."""
        self._in_part = False

    def _read(self, message: ForwardMsg, run: Run, began: float) -> None:
        before, kind = self.elements, message.WhichOneof("type")
        super()._read(message, run, began)
        if kind == "new_session":
            if self._in_part:
                self.elements, self._in_part = before, False
            else:
                self.fragment = ""
        elif kind == "auto_rerun":
            self.fragment = message.auto_rerun.fragment_id
        elif kind == "delta" and message.delta.fragment_id and message.delta.WhichOneof("type") == "add_block":
            here = tuple(message.metadata.delta_path)
            for place in [one for one in self.elements if one[: len(here)] == here]:
                del self.elements[place]

    async def tick(self) -> Run:
        """What a browser asks for by itself, or after something in that part was pressed."""
        ask = BackMsg()
        ask.rerun_script.page_script_hash = self._page
        if self.fragment:
            ask.rerun_script.fragment_id, self._in_part = self.fragment, True
        return await self._rerun(ask)

    async def press(self, key: str) -> Run:
        """Press a button."""
        self.set(key, True)
        return await self.tick()

    async def come(self, room: str, **own: str) -> "Member":
        """Open a room, as the browser that keeps this of it."""
        self.own = {"room": room, **own}
        await self.open(f"learn?room={room}" + ("&lead=on" if "key" in own else ""))
        [mounted] = {e.bidi_component.id for e in self.elements.values() if _is(e, "room-own")}
        state = WidgetState(id=mounted)
        state.json_value = json.dumps({"own": self.own})
        self._states[state.id] = state
        await self.tick()
        return self

    async def vote(self, letter: str) -> Run:
        """Choose, and see that it is counted."""
        run = await self.press(f"vote-{letter}")
        if f"Counted: {letter}." not in self.page():
            raise Lost(f"a vote for {letter} was not counted: {self.page()[-300:]}")
        return run

    def page(self) -> str:
        """All that is written."""
        html = [e.html.body for e in self.elements.values() if e.WhichOneof("type") == "html"]
        return "\n".join([*self.texts(), *html])


class Lost(AssertionError):
    """What a room must never do."""


def _is(element: Any, key: str) -> bool:
    """Whether an element is the component of that key."""
    return element.WhichOneof("type") == "bidi_component" and element.bidi_component.id.endswith(key)


async def opened(teacher: Member) -> tuple[str, str]:
    """The code and the key of a new room."""
    await teacher.open("learn?learn=room")
    await teacher.press("room-open")
    [copied] = [json.loads(e.bidi_component.json) for e in teacher.elements.values() if _is(e, "room-copy")]
    return re.search(r"room=(\w+)&key=([\w-]+)", copied["link"]).groups()


def answered(teacher: Member) -> int:
    """How many have answered, as the screen says it."""
    return int(re.search(r"<b>(\d+)</b> of \d+ have answered", teacher.page())[1])


def counted(teacher: Member) -> list[list[int]]:
    """What the bars on the screen say: of each choice, its votes in each round."""
    [bars] = [e.html.body for e in teacher.elements.values() if '<div class="pp-votes' in e.html.body]
    return [[int(one) for one in re.findall(r"<b>(\d+)</b> ·", row)] for row in bars.split("<li")[1:]]


def room() -> Iterator[Figure]:
    """A hundred phones in one room, by clients that read what a browser reads but draw nothing, on the same cores."""
    with server() as running:
        yield from apart(_class(running))
        if "Traceback" in running.log.read_text():
            raise RuntimeError(running.log.read_text())


def processor(running: Any) -> float:
    """Seconds of a processor that the server has used."""
    fields = Path(f"/proc/{running.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _class(running: Any) -> list[Figure]:
    made, dice = [], random.Random(0)
    async with AsyncExitStack() as stack:

        async def somebody(kind: type[Visitor] = Member) -> Any:
            return await stack.enter_async_context(visitor(running.address, kind))

        reader, teacher = await somebody(Visitor), await somebody()
        await reader.open()
        code, _ = await opened(teacher)
        lesson = all_lessons()[0]
        letters = LETTERS[: len(lesson.choices)]
        phones = [await (await somebody()).come(code, device=f"{i:032x}") for i in range(PHONES)]
        before = processor(running)
        for _ in range(300):
            await phones[0].tick()
        made.append(Figure("room: a phone's look, nothing changed", (processor(running) - before) / 0.3, "ms CPU"))
        await teacher.press("room-ask-the-first-question")
        for name in STRATEGIES:
            await reader.pool(name)
        alone = await _changes(reader)
        made.append(Figure("another strategy, no room beside: 95th percentile", percentile(alone, 0.95), "ms"))

        stop, looks = asyncio.Event(), []

        async def follow(one: Member) -> None:
            await asyncio.sleep(dice.uniform(0, phone.EVERY))
            while not stop.is_set():
                async with one.busy:
                    await one.tick()
                await asyncio.sleep(phone.EVERY)

        async def watch() -> None:
            while not stop.is_set():
                async with teacher.busy:
                    await teacher.tick()
                    looks.append((time.perf_counter(), answered(teacher)))
                await asyncio.sleep(screen.EVERY)

        async def press(one: Member, letter: str, votes: list[tuple[float, float]]) -> None:
            await asyncio.sleep(dice.uniform(0, VOTING))
            began = time.perf_counter()
            async with one.busy:
                await one.vote(letter)
            votes.append((time.perf_counter(), began))

        followers = [asyncio.create_task(follow(one)) for one in phones]
        beside = await _changes(reader)
        name = f"another strategy, {PHONES} phones beside that wait: 95th percentile"
        made.append(Figure(name, percentile(beside, 0.95), "ms", at_most=200))
        watcher, shown, taken, voting = asyncio.create_task(watch()), [], [], []
        for turn in range(ROUNDS):
            votes: list[tuple[float, float]] = []
            given = [dice.choice(letters) for _ in phones]
            looks.clear()
            others = asyncio.create_task(_changes(reader, VOTING))
            await asyncio.gather(*(press(one, letter, votes) for one, letter in zip(phones, given, strict=True)))
            voting += await others
            while not looks or looks[-1][1] < PHONES:
                await asyncio.sleep(0.1)
            for rank, (done, began) in enumerate(sorted(votes), start=1):
                shown.append(next(at for at, count in looks if count >= rank and at >= began) - began)
                taken.append(done - began)
            async with teacher.busy:
                await teacher.press("room-show-the-votes")
                bars = [row[-1] for row in counted(teacher)]
                if bars != [Counter(given)[letter] for letter in letters]:
                    raise Lost(f"voted {Counter(given)}, counted {bars}")
                await teacher.press("room-discuss-and-vote-again" if turn % 2 == 0 else "room-show-the-answer")
                if turn % 2:
                    await teacher.press("room-next")
                    letters = LETTERS[: len(all_lessons()[1 + turn // 2].choices)]
            for one in phones:
                async with one.busy:
                    await one.tick()
        stop.set()
        await asyncio.gather(*followers, watcher)
        note = f"{len(shown)} votes, {PHONES} within {VOTING:g} s, each counted once"
        made.append(
            Figure("room: a vote is on the screen: 95th percentile", percentile(shown, 0.95), "s", at_most=1, note=note)
        )
        made.append(Figure("room: a vote is on the screen: median", median(shown), "s"))
        made.append(
            Figure("room: a phone says that its vote is counted: 95th percentile", percentile(taken, 0.95), "s")
        )
        name = f"another strategy, while {PHONES} phones vote: 95th percentile"
        made.append(Figure(name, percentile(voting, 0.95), "ms", at_most=200))
    return made


async def _changes(reader: Visitor, seconds: float = WATCHED) -> list[float]:
    """Milliseconds of each change of the strategy by a reader of the Playground."""
    taken, end = [], time.perf_counter() + seconds
    for name in itertools.cycle(STRATEGIES):
        if time.perf_counter() > end:
            return taken
        taken.append(1000 * (await reader.pool(name)).seconds)
        await asyncio.sleep(0.3)
    return taken


GROWS = 5.0
"""Percent by which memory may grow from the soak's second third to its last."""
CLASSES, SIZE = 3, 8
"""Of the soak: classes at once, and phones in each."""
LEFT_OPEN = 20
"""Rooms that are not closed, at most: a server holds twice as many."""


class Soak:
    """Classes that open a room, vote, reload and close it, one after another."""

    def __init__(self, running: Any, seconds: float, seed: int):
        self.running, self.seed = running, seed
        self.ends = time.perf_counter() + seconds
        self.happened: Counter[str] = Counter()
        self.failures: list[str] = []
        self.memory: list[float] = []

    async def all_of_it(self) -> None:
        """Every class until the time is over, and memory now and then."""
        watching = asyncio.create_task(self.watch())
        await asyncio.gather(*(self.classes(i) for i in range(CLASSES)))
        watching.cancel()

    async def watch(self) -> None:
        """Memory, every five seconds."""
        while True:
            self.memory.append(resident(self.running))
            await asyncio.sleep(5)

    async def classes(self, number: int) -> None:
        """One class after another."""
        dice = random.Random(f"{self.seed}-{number}")
        while time.perf_counter() < self.ends and not self.failures:
            try:
                await self.lesson(dice)
            except Exception as error:
                self.failures.append(f"class {number}: {type(error).__name__}: {error}")

    async def lesson(self, dice: random.Random) -> None:
        """A class from the door to its table."""
        async with AsyncExitStack() as stack:

            async def somebody() -> Member:
                return await stack.enter_async_context(visitor(self.running.address, Member))

            teacher = await somebody()
            code, key = await opened(teacher)
            self.happened["rooms"] += 1
            devices = [f"{dice.getrandbits(128):032x}" for _ in range(SIZE)]
            phones = [await (await somebody()).come(code, device=one) for one in devices]
            await teacher.press("room-ask-the-first-question")
            table = []
            for place in range(dice.randint(1, 3)):
                letters = LETTERS[: len(all_lessons()[place].choices)]
                rounds = []
                for turn in range(dice.randint(1, 2)):
                    if turn:
                        await teacher.press("room-discuss-and-vote-again")
                    final: dict[int, str] = {}
                    await asyncio.gather(
                        *(
                            self.votes(stack, phones, i, code, devices[i], letters, final, dice.random())
                            for i in range(SIZE)
                        )
                    )
                    if dice.random() < 0.3:  # the teacher's tab closes, and is opened again by its link
                        teacher = await (await somebody()).come(code, device="f" * 32, key=key)
                        self.happened["teachers who came back"] += 1
                    await teacher.press("room-show-the-votes")
                    rounds.append([Counter(final.values())[letter] for letter in letters])
                    self.compare(counted(teacher), rounds)
                table += [list(row) for row in zip(*rounds, strict=True)]
                await teacher.press("room-show-the-answer")
                self.compare(counted(teacher), rounds)
                await teacher.press("room-next")
            while "How the class has voted" not in teacher.page():
                await teacher.press("room-show-the-answer")
                onward = "room-end" if "room-end" in teacher.widgets else "room-next"
                await teacher.press(onward)
            if dice.random() < 0.9 or self.happened["rooms left open"] == LEFT_OPEN:
                await teacher.press("room-close")
                await phones[0].tick()
                if "This room has ended." not in phones[0].page():
                    raise Lost("a room that was closed is still there")
            else:
                self.happened["rooms left open"] += 1

    async def votes(
        self, stack: AsyncExitStack, phones: list[Member], i: int, code: str, device: str, letters: str,
        final: dict[int, str], chance: float,
    ) -> None:  # fmt: skip
        """What one phone does in a round: votes, changes, reloads, has a second tab, or sleeps."""
        dice = random.Random(chance)
        await phones[i].tick()
        if dice.random() < 0.1:
            self.happened["phones that slept"] += 1
            return
        for _ in range(dice.randint(1, 3)):
            await asyncio.sleep(dice.uniform(0, 0.5))
            final[i] = dice.choice(letters)
            await phones[i].vote(final[i])
            self.happened["votes"] += 1
            if dice.random() < 0.3:
                again = await stack.enter_async_context(visitor(self.running.address, Member))
                await again.come(code, device=device)
                if f"Counted: {final[i]}." not in again.page():
                    raise Lost(f"a phone that loads the page again has lost {final[i]}: {again.page()[-300:]}")
                self.happened["reloads and second tabs"] += 1
                phones[i] = dice.choice([phones[i], again])

    def compare(self, shown: list[list[int]], rounds: list[list[int]]) -> None:
        """Whether the bars are the votes."""
        voted = [list(row) for row in zip(*rounds, strict=True)]
        if shown != voted:
            raise Lost(f"voted {voted}, shown {shown}")
        self.happened["counts compared"] += 1


def soak(seconds: float, seed: int = 0) -> Soak:
    """The soak, and what happened."""
    with server() as running:
        made = Soak(running, seconds, seed)
        apart(made.all_of_it())
        if "Traceback" in (log := running.log.read_text()):
            made.failures.append(log[-3000:])
    return made


def main() -> None:
    """Run the soak and say what happened."""
    parse = argparse.ArgumentParser(description=main.__doc__)
    parse.add_argument("--minutes", type=float, default=10.0)
    parse.add_argument("--seed", type=int, default=0)
    asked = parse.parse_args()
    made = soak(60 * asked.minutes, asked.seed)
    print(", ".join(f"{name} {count}" for name, count in made.happened.most_common()))
    third = len(made.memory) // 3
    # Of less than five minutes, half is the loading of models and of sessions that are not forgotten yet.
    if asked.minutes >= 5 and not made.failures:
        grown = 100 * (median(made.memory[2 * third :]) / median(made.memory[third : 2 * third]) - 1)
        print(f"memory, the last third beside the one before: {grown:+.1f} %")
        made.failures += [f"memory has grown by {grown:.1f} %"] if grown > GROWS else []
    print("memory in MB:", ", ".join(f"{one:.0f}" for one in made.memory[:: max(1, len(made.memory) // 12)]))
    print("\n".join(f"FAILED: {one}" for one in made.failures) or "No failure.")
    raise SystemExit(bool(made.failures))


if __name__ == "__main__":
    main()
