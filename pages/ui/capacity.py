"""What one server can carry: turns for large texts, room for readers, and a sentence where there is none."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.errors import FragmentHandledException

from pages.ui import layout, waiting
from pooling.background import Line, LineFull
from pooling.logs import log
from pooling.machine import free_memory, megabytes, out_of_memory

if TYPE_CHECKING:
    from pooling import Encoder

LARGE = 1500
"""Rows from which a page waits for its turn; the test set of the STS Benchmark comes to 1,478."""
ROW = 100
"""Characters that count as a row, where there are more of them than rows."""
LONG = 2048
"""Tokens of the reader's sentences, padding included, from which a page waits for its turn: 8 of 256."""
AT_ONCE = 2
MOST_WAITING = 30
LEAST_FREE = 100_000_000
"""Bytes of memory that must be free for one more reader."""
EMBEDDINGS_TAKE = 40
"""Bytes for each number of a corpus's embeddings at a page's peak: 9,000 texts took 1.2 GB for maps, 0.9 for scores."""
COPIES = 12
"""Of the sentences' hidden states at a page's peak, beside one a layer in the model."""
PAIRS_TAKE = 10_000
"""Bytes for each pair at a page's peak: its cosines at every layer under every strategy, a few times."""


class Sorry(Exception):
    """No page can be shown; its text is one sentence for the reader."""


_corpora, _sentences = (Line(AT_ONCE, MOST_WAITING) for _ in range(2))
_mine = threading.local()


@contextmanager
def one_run() -> Iterator[None]:
    """A run of the app: it gives its turn back at the end, and what keeps it from a page is a sentence."""
    try:
        yield
    except Sorry as sorry:
        log.error("No page can be shown: %s", str(sorry))
        st.error(str(sorry), icon=":material/memory:")
        # Nothing more is shown, and the run counts as failed: a health check that asks for the page says so.
        raise FragmentHandledException from sorry
    except Exception as error:
        if not out_of_memory(error):
            raise
        log.error("Not enough memory: %s", error)
        layout.problem(
            "The server has not enough memory for this right now. Nothing you typed is lost: try again in a moment, "
            "with fewer or shorter texts, or with a smaller model."
        )
        layout.stop()
    finally:
        for line, ticket in _mine.__dict__.pop("tickets", {}).items():
            line.leave(ticket)


def room_for_one_more() -> None:
    """Stop a new reader with a word, where memory for one more is lacking."""
    if "_choice" not in st.session_state and free_memory() < LEAST_FREE:
        raise Sorry(
            "This server is full right now. Try again in a few minutes; your link keeps your text and your choices."
        )


def take_turn(rows: int, characters: int, needed: int) -> None:
    """Wait until few other pages have large texts in hand; this run has the turn until it ends.

    Stops the page with a sentence when too many wait, or memory is lacking.

    Args:
        rows: texts or pairs; few of them need no turn,
        characters: unless they are long.
        needed: bytes of memory that the page takes for them.
    """
    if max(rows, characters // ROW) >= LARGE:
        _wait(_corpora, "large texts", f"with fewer than {LARGE:,} rows of {ROW} characters")
        _need(f"These {rows:,} rows", needed, "Give fewer rows")


def take_turn_for_steps(needed: int) -> None:
    """The same for steps after pooling that are fitted at every layer under every strategy."""
    _wait(_corpora, "large texts", "without the steps after pooling that are fitted on texts")
    _need("The steps after pooling, for every layer and strategy,", needed, "Leave Whiten and PCA out")


def take_turn_for_sentences(texts: "Sequence[str]", encoder: "Encoder", template: str) -> None:
    """The same for the reader's sentences, whose every token a page shows: few or short ones need no turn."""
    from pooling.encoders.encoder import ATTENTION_BYTES

    # A token has a byte at least, so most sentences are short enough without being taken apart.
    longest = max(len(text.encode(errors="replace")) for text in texts) + len(template.encode(errors="replace")) + 2
    if len(texts) * min(longest, encoder.max_length) < LONG:
        return
    tokens = len(texts) * max(encoder.length(text, template) for text in texts)
    if tokens >= LONG:
        _wait(_sentences, "long sentences", "with fewer or shorter sentences")
        needed = 4 * tokens * encoder.dim * (encoder.layers + 1 + COPIES) + 2 * ATTENTION_BYTES
        _need(
            f"These {len(texts)} sentences" if len(texts) > 1 else "This sentence", needed, "Give fewer or shorter ones"
        )


def _wait(line: Line, what: str, otherwise: str) -> None:
    """Wait in a line, unless this run has its turn there already."""
    tickets = _mine.__dict__.setdefault("tickets", {})
    if line in tickets:
        return
    try:
        line.join(ticket := object())
    except LineFull:
        log.warning("Busy: %d pages wait for their turn", MOST_WAITING)
        st.warning(
            f"The server is busy: {MOST_WAITING} people with {what} are waiting already. Try again in a few "
            f"minutes, or {otherwise}, which need no turn.",
            icon=":material/hourglass:",
        )
        layout.stop()
    tickets[line] = ticket
    waiting.for_turn(line, ticket, what)


def _need(what: str, needed: int, less: str) -> None:
    """Stop the page where memory is lacking."""
    if needed > (free := free_memory()):
        layout.problem(
            f"{what} need about {megabytes(needed)} of memory, and {megabytes(free)} are free on this "
            f"server. {less}, or try again when it is less busy."
        )
        layout.stop()
