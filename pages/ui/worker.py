"""One background thread that does long jobs in turn, while the pages that wait for them stay alive."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st

from pages.ui import layout
from pooling import logs
from pooling.machine import give_memory_back

Report = Callable[[float], None]

PATIENCE = 3.0
"""Seconds that a job goes on when no page waits for it: a rerun asks again at once."""
MOST_WAITING = 60


class QueueFull(Exception):
    """Too many jobs are waiting."""


class Abandoned(Exception):
    """No page waits for this job any more."""


class Job:
    """A piece of work, asked for by one page or by several."""

    def __init__(self, work: Callable[[Report], Any], title: str):
        self.work = work
        self.title = title
        self.ended = threading.Event()
        self.started: float | None = None
        self.share = 0.0
        self.answer: Any = None
        self.error: BaseException | None = None
        self.readers = 0
        self.left = time.monotonic()

    @property
    def abandoned(self) -> bool:
        """Whether nobody has waited for it for a while."""
        return not self.readers and time.monotonic() - self.left > PATIENCE

    def run(self) -> None:
        """Do the work; whatever goes wrong is kept for those who wait."""
        self.started = time.monotonic()
        try:
            if self.abandoned:
                raise Abandoned
            with logs.timed(f"in the background, {self.title}"):
                self.answer = self.work(self._report)
        except Abandoned as error:
            self.error = error
        except BaseException as error:  # nothing may end the thread that everybody waits for
            logs.log.exception("A background job failed: %s", self.title)
            self.error = error
        finally:
            self.work = None  # it may hold a model
            self.ended.set()

    def _report(self, share: float) -> None:
        self.share = share
        if self.abandoned:
            raise Abandoned


class Worker:
    """A daemon thread with a queue; the same key is the same job, and the last answers are kept."""

    def __init__(self, name: str, *, keep: int):
        self._keep = keep
        self._jobs: OrderedDict[Hashable, Job] = OrderedDict()
        self._queue: list[Job] = []
        self._change = threading.Condition()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def ask(self, key: Hashable, work: Callable[[Report], Any], *, title: str, stay: bool = False) -> Job:
        """The job of this key, queued when it is not there yet.

        Args:
            key: everything the work reads.
            work: is handed a function to report the share done, which may end it.
            title: what others are told they wait for.
            stay: do it though no page waits.

        Raises:
            QueueFull: when `MOST_WAITING` jobs are waiting already.
        """
        with self._change:
            job = self._jobs.get(key)
            if job is None or job.error is not None:
                if len(self._queue) > MOST_WAITING:
                    raise QueueFull
                job = self._jobs[key] = Job(work, title)
                job.readers += stay
                self._queue.append(job)
                self._change.notify()
            job.left = time.monotonic()
            self._jobs.move_to_end(key)
            ended = [k for k, j in self._jobs.items() if j.ended.is_set()]
            for old in ended[: -self._keep]:
                del self._jobs[old]
            return job

    def answer(self, key: Hashable, work: Callable[[Report], Any], what: str, *, title: str) -> Any:
        """The answer of this key's job; until it comes, the page shows how far it is.

        When the work goes wrong, the page says so and stops there.
        """
        place = st.empty()
        while True:
            try:
                job = self.ask(key, work, title=title)
            except QueueFull:
                place.warning(f"{what}: the server is busy, try again in a few minutes.", icon=":material/hourglass:")
                layout.stop()
            with self._change:
                job.readers += 1
            try:
                # Each sign of life is also where Streamlit may stop this run for a newer one.
                while not job.ended.wait(0.25):
                    place.progress(job.share, text=self._says(job, what))
            finally:
                with self._change:
                    job.readers -= 1
                    job.left = time.monotonic()
            if isinstance(job.error, Abandoned):
                continue  # it was given up in the moment that this page came back
            place.empty()
            if job.error is not None:
                layout.problem(f"{what}: this could not be computed. Other settings may work.")
                layout.stop()
            return job.answer

    def _says(self, job: Job, what: str) -> str:
        if job.started is None:
            with self._change:
                before = self._queue[: self._queue.index(job)] if job in self._queue else []
            waits_for = f"{len(before)} others" if len(before) > 1 else before[0].title if before else "its turn"
            return f"{what}: waiting for {waits_for}."
        spent = time.monotonic() - job.started
        if job.share < 0.03 or spent < 2:
            return f"{what}: {spent:.0f} s so far."
        left = spent * (1 - job.share) / job.share
        about = f"{left:.0f} s" if left < 90 else f"{left / 60:.0f} minutes"
        return f"{what}: {100 * job.share:.0f}% done, about {about} left."

    def _work(self) -> None:
        while True:
            with self._change:
                while not self._queue:
                    self._change.wait()
                job = self._queue[0]
            job.run()
            give_memory_back()
            with self._change:
                self._queue.remove(job)
