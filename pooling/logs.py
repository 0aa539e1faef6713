"""What the log says: what was slow or failed, and never what a person typed."""

import logging
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SLOW = 5.0
"""Seconds from which a step is worth a line."""

log = logging.getLogger("pooling")


def keep_private() -> None:
    """From now on, tracebacks in the log say where and which kind of error, not its message: it may quote a text."""
    made = logging.getLogRecordFactory()
    if made is _Private.made:
        return

    def private(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = made(*args, **kwargs)
        if record.exc_info and record.exc_info[1]:
            record.exc_text = where(record.exc_info[1])  # what a handler finds here, it does not format again
        if isinstance(record.args, tuple):
            record.args = tuple(kind(arg) if isinstance(arg, BaseException) else arg for arg in record.args)
        return record

    _Private.made = private
    logging.setLogRecordFactory(private)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    threading.excepthook = lambda ended: log.error(
        "The thread %s has ended", ended.thread and ended.thread.name, exc_info=ended.exc_value
    )


class _Private:
    made: Any = None


def kind(error: BaseException) -> str:
    """An error's class, which quotes nobody."""
    return type(error).__qualname__


def where(error: BaseException) -> str:
    """The lines of code that an error came through, and its class; the same of the errors that led to it."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = traceback.format_list(traceback.extract_tb(error.__traceback__))
    last = f"Traceback (most recent call last):\n{''.join(lines)}{kind(error)} (its message is left out)"
    return f"{where(before)}\n\nwhich led to\n\n{last}" if before is not None else last


@contextmanager
def timed(*what: str) -> Iterator[list[str]]:
    """Write a line when this has taken long.

    `what` is in the project's own words, never a reader's; more can be added to the list that is yielded.
    """
    began, words = time.monotonic(), list(what)
    try:
        yield words
    finally:
        spent = time.monotonic() - began
        if spent >= SLOW:
            log.warning("Slow: %s took %.1f s", " ".join(words), spent)
