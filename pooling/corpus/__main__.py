"""python -m pooling.corpus: what `pooling.corpus.command` does, and a quiet end by Ctrl+C from the first moment."""

import os
import signal
import sys
from types import FrameType


def end(number: int, frame: FrameType | None) -> None:
    """Stop before anything was begun: an import that is broken off would print where it was."""
    os.write(sys.stderr.fileno(), b"\nStopped before anything was read; the same command begins.\n")
    os._exit(130)


if __name__ == "__main__":
    for by in (signal.SIGINT, signal.SIGTERM):
        signal.signal(by, end)
    from pooling.corpus.command import main  # its libraries take seconds

    for by in (signal.SIGINT, signal.SIGTERM):  # a scheduler's way to end a program is taken as Ctrl+C is
        signal.signal(by, signal.default_int_handler)
    sys.exit(main())
