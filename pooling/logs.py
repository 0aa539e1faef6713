"""What the log says: what was slow or failed, and never what a person typed."""

import logging
import sys
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, ClassVar

SLOW = 5.0
"""Seconds from which a step is worth a line."""
WRITTEN = 10
"""How often the same thing is written within an hour; after that, when its number has doubled."""
LONGEST_TRACEBACK, LONGEST_CHAIN = 50, 5
NOBODYS = -1
"""A level below that of every handler: what has it is written by none."""

log = logging.getLogger("pooling")


def keep_private() -> None:
    """From now on the log quotes nobody, and the same thing said again and again is counted rather than written."""
    made = logging.getLogRecordFactory()
    if made is _Private.made:
        return

    def private(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = made(*args, **kwargs)
        error = record.exc_info[1] if record.exc_info else None
        ours = record.name.partition(".")[0] == log.name
        words = [arg for arg in record.args if isinstance(arg, str)] if ours and isinstance(record.args, tuple) else []
        if ours and isinstance(record.args, tuple):
            record.args = tuple(kind(arg) if isinstance(arg, BaseException) else arg for arg in record.args)
        else:
            record.msg, record.args = _without_quotes(record), ()
        if error is not None:
            # What a handler finds here it does not format again.
            record.exc_info, record.exc_text = None, where(error)
        if (times := _said_again(record, error, words)) > 1:
            record.msg = f"{record.msg} (time {times:,} within the hour; not all are written)"
        elif not times:
            record.levelno = NOBODYS
        return record

    _Private.made = private
    logging.setLogRecordFactory(private)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Whatever else Python writes by itself, with the error's message or the text of a warning.
    threading.excepthook = lambda ended: log.error(
        "The thread %s has ended", ended.thread and ended.thread.name, exc_info=ended.exc_value
    )
    sys.excepthook = lambda _, error, __: log.critical("The program has ended", exc_info=error)
    sys.unraisablehook = lambda met: log.error("An error that nobody could be told of", exc_info=met.exc_value)
    traceback.print_exc = lambda *_, **__: log.error("An error was printed", exc_info=True)
    warnings.showwarning = lambda _, sort, file, line, *__: log.warning("%s at %s:%d", sort.__name__, file, line)


class _Private:
    made: Any = None
    hour = 0
    times: ClassVar[Counter] = Counter()


def _said_again(record: logging.LogRecord, error: BaseException | None, words: list[str]) -> int:
    """1 for what is to be written, 0 for what is not, and from the eleventh time on, when it is, which time it is.

    What comes from the same line of code, with the same kind of error from the same line, is the same thing.
    """
    if (hour := int(time.time() // 3600)) != _Private.hour:
        _Private.hour = hour
        _Private.times.clear()
    thing = [record.pathname, record.lineno, *words]
    if error is not None:
        thing += [kind(error), *((one.filename, one.lineno) for one in traceback.extract_tb(error.__traceback__, -1))]
    # Without a lock: an error met while garbage is collected comes in the middle of this.
    _Private.times[tuple(thing)] = times = _Private.times[tuple(thing)] + 1
    return 1 if times <= WRITTEN else times if times.bit_count() == 1 else 0


def _without_quotes(record: logging.LogRecord) -> str:
    """What a library says, of which only words that stand in its code, numbers and kinds of error quote nobody."""
    if isinstance(record.msg, BaseException):
        return kind(record.msg)
    frame: FrameType | None = sys._getframe(2)
    while frame and (frame.f_code.co_filename, frame.f_lineno) != (record.pathname, record.lineno):
        frame = frame.f_back
    given = record.args
    given = {k: _quiet(v) for k, v in given.items()} if isinstance(given, Mapping) else tuple(map(_quiet, given or ()))
    if frame and record.msg in frame.f_code.co_consts:
        with suppress(TypeError, ValueError, KeyError):
            return record.msg % given if given else record.msg
    return f"{record.pathname}:{record.lineno} (what it says is left out)"


def _quiet(given: object) -> object:
    if isinstance(given, BaseException):
        return kind(given)
    return given if given is None or isinstance(given, int | float) else "…"


def kind(error: BaseException) -> str:
    """An error's class, which quotes nobody."""
    return type(error).__qualname__


def where(error: BaseException) -> str:
    """The lines of code that an error came through, the last of many, and its class; the same of what led to it."""
    chain: list[BaseException] = []
    led: BaseException | None = error
    while led is not None and len(chain) < LONGEST_CHAIN:
        chain.append(led)
        led = led.__cause__ or (None if led.__suppress_context__ else led.__context__)
    return "\n\nwhich led to\n\n".join(map(_lines, reversed(chain)))


def _lines(error: BaseException) -> str:
    lines = traceback.format_list(traceback.extract_tb(error.__traceback__, limit=-LONGEST_TRACEBACK))
    return f"Traceback (most recent call last):\n{''.join(lines)}{kind(error)} (its message is left out)"


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
