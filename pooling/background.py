"""Work in the background: a place in line, how far it is, patience with those who wait for it, an end.

What a page says of it is worded here, and drawn in `pages.ui`.
"""

import math
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, Literal, TypeVar

from pooling import logs
from pooling.machine import give_memory_back

Report = Callable[[float], None]
"""Told the share that is done, 0 to 1; it may raise to end the work."""

ANY_NUMBER = sys.maxsize
TOO_EARLY = 0.03
"""The share from which the time that is left can be told."""


class LineFull(Exception):
    """Too many are waiting."""


class Stopped(Exception):
    """Ends work from inside: somebody stopped it, or nobody waits for it any more."""


class Line:
    """A few at once, the others in the order they came."""

    def __init__(self, at_once: int = 1, most_waiting: int = ANY_NUMBER):
        self._at_once, self._most = at_once, at_once + most_waiting
        self._there: list[Any] = []
        self._lock = threading.Lock()

    def join(self, one: object) -> None:
        """Take the last place.

        Raises:
            LineFull: when there is none.
        """
        with self._lock:
            if len(self._there) >= self._most:
                raise LineFull
            self._there.append(one)

    def leave(self, one: object) -> None:
        """Give the place up, and let the next one in."""
        with self._lock:
            self._there.remove(one)

    def ahead(self, one: object) -> list[Any]:
        """Those in front of it, being served or waiting; none for one that is not there."""
        with self._lock:
            return self._there[: self._there.index(one)] if one in self._there else []

    def before(self, one: object) -> int:
        """How many must leave before its turn; 0 when it is its turn."""
        return max(0, len(self.ahead(one)) - self._at_once + 1)

    def served(self) -> list[Any]:
        """Those whose turn it is."""
        with self._lock:
            return [one for place, one in enumerate(self._there) if place < self._at_once]

    def waiting(self) -> list[Any]:
        """Those whose turn it is not yet."""
        with self._lock:
            return [one for place, one in enumerate(self._there) if place >= self._at_once]


class Work:
    """A piece of work, asked for by one reader or by several; its thread writes it, pages read it.

    Attributes:
        patience: seconds that it goes on when nobody waits for it or looks at it.
        longest: seconds that it may take.
        expected: errors whose text is a sentence for the reader.
    """

    patience, longest = 3.0, math.inf
    expected: tuple[type[Exception], ...] = ()
    left_behind = "Nobody was looking any more, so it was given up for the next in the queue."
    took_too_long = "It took too long."

    def __init__(self, title: str, do: Callable[[Report], Any] | None = None):
        """Say what others are told they wait for, and what is done where `do` is not overridden."""
        self.title, self._do = title, do
        self.state: Literal["waiting", "running", "done", "stopped", "failed"] = "waiting"
        self.doing = ""
        self.share = 0.0
        """How much of what it is doing is done."""
        self.answer: Any = None
        self.error: BaseException | None = None
        self.why = ""
        """Why it stopped or failed, a sentence to show as text."""
        self.stopping = ""
        """Why it shall stop, once it shall."""
        self.ended = threading.Event()
        self.readers = 0
        self.looked_at = self._began = self._doing_since = time.monotonic()
        self._lock = threading.Lock()

    def do(self) -> Any:
        """The work itself, which reports now and then how far it is; what it returns is the answer."""
        if self._do is None:
            raise RuntimeError("This work has ended, and let go of what it did.")
        return self._do(self.report)

    def broken(self, kind: str) -> str:
        """The sentence for an error of this kind that nobody expected."""
        return f"It broke off ({kind})."

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return not self.ended.is_set()

    @property
    def seconds_left(self) -> float | None:
        """Of what it is doing now; None while too little is done to tell."""
        gone = time.monotonic() - self._doing_since
        return gone * (1 - self.share) / self.share if self.share > TOO_EARLY and gone > 1 else None

    def says(self, what: str) -> str:
        """How far it is, in a sentence about `what` it does."""
        if (left := self.seconds_left) is None:
            return f"{what}: {time.monotonic() - self._began:.0f} s so far."
        return f"{what}: {100 * self.share:.0f}% done, about {duration(left)} left."

    def look(self) -> None:
        """Say that somebody still waits for it; who leaves gives it up."""
        self.looked_at = time.monotonic()

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        """While this lasts somebody waits for it, however seldom a busy machine lets them look."""
        with self._lock:
            self.readers += 1
        try:
            yield
        finally:
            with self._lock:
                self.readers -= 1
                self.look()

    def stop(self, why: str = "You stopped it.") -> None:
        """Ask it to end; it does so when it next reports how far it is."""
        self.stopping = self.stopping or why

    def report(self, share: float, doing: str = "") -> None:
        """Say how much is done of what it is doing.

        Raises:
            Stopped: when it shall end.
        """
        now = time.monotonic()
        if now - self._began > self.longest:
            self.stop(self.took_too_long)
        if self.shall_stop():
            raise Stopped
        if doing != self.doing:
            self._doing_since = now
        self.doing, self.share = doing, share

    def shall_stop(self) -> bool:
        """Whether somebody stopped it, or nobody has waited for it for longer than its patience."""
        if not self.readers and time.monotonic() - self.looked_at > self.patience:
            self.stop(self.left_behind)
        return bool(self.stopping)

    def run(self) -> None:
        """Do it; whatever happens is in `state`, `answer`, `error` and `why` afterwards."""
        self.state = "running"
        self._began = self._doing_since = time.monotonic()
        try:
            if self.shall_stop():
                raise Stopped
            with logs.timed(f"in the background, {self.title}"):
                self.answer = self.do()
            self.end("done")
        except Stopped as error:
            self.end("stopped", self.stopping, error)
        except self.expected as error:
            self.end("failed", str(error), error)
        except BaseException as error:  # a page must be told of anything, and the next in the line be served
            logs.log.exception("A background job failed: %s", self.title)
            self.end("failed", self.broken(logs.kind(error)), error)

    def end(
        self, state: Literal["done", "stopped", "failed"], why: str = "", error: BaseException | None = None
    ) -> None:
        """Be over, and let go of what it worked with."""
        self._do, self.why, self.error, self.state = None, why, error, state
        self.ended.set()


Job = TypeVar("Job", bound=Work)


class WorkLine(Generic[Job]):
    """Work in the order it came, each in a thread of its own when its turn is."""

    def __init__(
        self,
        name: str,
        *,
        at_once: int = 1,
        most_waiting: int = ANY_NUMBER,
        keep: int = 0,
        full: str = "the server is busy, try again in a few minutes.",
    ):
        """Say how much of what has ended is kept under its key, and what a reader is told when the line is full."""
        self._name, self._keep, self._full = name, keep, full
        self._line = Line(at_once, most_waiting)
        self._by_key: OrderedDict[Hashable, Job] = OrderedDict()
        self._change = threading.RLock()

    def submit(self, work: Job) -> None:
        """Put work at the end of the line.

        Raises:
            LineFull: when too many are waiting; its text is for the reader.
        """
        with self._change:
            self._drop_given_up()
            try:
                self._line.join(work)
            except LineFull:
                raise LineFull(self._full) from None
            self._serve()

    def ask(self, key: Hashable, make: Callable[[], Job], *, stay: bool = False) -> Job:
        """The work of this key, made and put in line when it is not there yet, or went wrong.

        Args:
            key: everything the work reads.
            make: the work.
            stay: do it though nobody waits.

        Raises:
            LineFull: as `submit` does.
        """
        with self._change:
            work = self._by_key.get(key)
            if work is None or work.error is not None:
                work = make()
                work.readers += stay
                self.submit(work)
                self._by_key[key] = work
            work.look()
            self._by_key.move_to_end(key)
            ended = [one for one, other in self._by_key.items() if not other.active]
            for old in ended[: max(0, len(ended) - self._keep)]:
                del self._by_key[old]
            return work

    def find(self, key: Hashable) -> Job | None:
        """The work of this key, under way or ended."""
        return self._by_key.get(key)

    def forget(self, key: Hashable) -> None:
        """Have the work of this key done anew when it is asked for next."""
        with self._change:
            self._by_key.pop(key, None)

    def ahead(self, work: Job) -> list[Job]:
        """The work in front of this, waiting or under way."""
        with self._change:
            self._drop_given_up()
            return self._line.ahead(work)

    def _drop_given_up(self) -> None:
        """Take out what was stopped, or is not waited for any more, before its turn."""
        for work in [one for one in self._line.waiting() if one.shall_stop()]:
            self._line.leave(work)
            work.end("stopped", work.stopping, Stopped())

    def _serve(self) -> None:
        for work in [one for one in self._line.served() if one.state == "waiting"]:
            work.state = "running"
            try:
                threading.Thread(target=self._run, args=(work,), name=self._name, daemon=True).start()
            except RuntimeError as error:  # the machine has no thread left; the next are asked for later
                self._line.leave(work)
                work.end("failed", work.broken(logs.kind(error)), error)

    def _run(self, work: Job) -> None:
        work.run()
        with self._change:
            self._line.leave(work)
            self._drop_given_up()
            self._serve()
        give_memory_back()


def duration(seconds: float) -> str:
    """Time for a reader: "45 s", "3 minutes"."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"


def place_in_line(before: int, what: str = "") -> str:
    """How many people are before a reader, with `what`, in a sentence."""
    people = "1 person is" if before == 1 else f"{before} people are"
    return f"{people} before you{f' with {what}' if what else ''}. Keep this page open; your place is kept."


def waits_for(ahead: Sequence[Work]) -> str:
    """What work waits for, which is known by its title."""
    return f"waiting for {f'{len(ahead)} others' if len(ahead) > 1 else ahead[0].title if ahead else 'its turn'}."
