"""Texts to tokens: what is a text, which token belongs to a prompt, and what goes where there is no room."""

import math
import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from pooling.catalogue import PLAIN, split_template

WINDOW_TEXTS, WINDOW_CHARACTERS = 4096, 2**20
"""Of a corpus, tokenized at a time: a short text takes 4 KB as tokens."""


class Row(NamedTuple):
    """One text as tokens."""

    ids: list[int]
    special: list[int]
    """1 for a token that the tokenizer added."""
    prompt: list[bool]
    """Whether a token belongs to the prompt template; of a text said twice, the first copy does."""
    copy: list[bool]
    """Whether it belongs to that first copy, which is never pooled."""
    text: list[bool]
    """Whether it belongs to the text alone, and so may be cut."""
    lost: int
    """Tokens of the text that were cut off."""


def as_texts(texts: Iterable[Any]) -> list[str]:
    """Texts in any kind of list, in its order, as a list: of a pandas Series or a NumPy array the values.

    Raises:
        ValueError: for one string, a table, no text, and what is blank or no text, by its position.
    """
    if isinstance(texts, str | bytes):
        raise ValueError("texts must be a list of texts, not one string; for one text, write [text].")
    if isinstance(texts, Mapping) or getattr(texts, "ndim", 1) != 1:
        raise ValueError(f"texts must be one list of texts, and a {type(texts).__name__} is none; give a column of it.")
    found = list(texts)
    if not found:
        raise ValueError("There is no text to encode; give at least one.")
    wrong = [i for i, text in enumerate(found) if not isinstance(text, str)]
    if wrong:
        named = listed([f"text {i + 1} is {reprlib.repr(found[i])} ({type(found[i]).__name__})" for i in wrong])
        raise ValueError(f"{len(wrong)} of {len(found)} texts are no text: {named}. Leave them out, or make them text.")
    for position, text in enumerate(found, start=1):
        if not text.strip():
            raise ValueError(f"Text {position} of {len(found)} is empty; write something or leave it out.")
    return found


def listed(parts: Sequence[str]) -> str:
    """The first five of some parts of a sentence, and how many more there are."""
    return ", ".join(parts[:5]) + (f", and {len(parts) - 5} more" if len(parts) > 5 else "")


def windows(texts: Sequence[str]) -> Iterator[list[int]]:
    """Indices of a corpus in parts that are tokenized one after another, the texts with the most characters first."""
    window: list[int] = []
    characters = 0
    for i in sorted(range(len(texts)), key=lambda i: -len(texts[i])):
        if window and (len(window) == WINDOW_TEXTS or characters + len(texts[i]) > WINDOW_CHARACTERS):
            yield window
            window, characters = [], 0
        window.append(i)
        characters += len(texts[i])
    yield window


def to_rows(made: Mapping[str, Any], texts: Sequence[str], template: str) -> list[Row]:
    """What a tokenizer made of texts in their prompt, each token with what it belongs to.

    Args:
        made: its ids, special tokens and, where there is a prompt, which characters each token holds.
        texts: the texts alone.
        template: the prompt that stood around each.
    """
    parts = split_template(template)
    rows = []
    for i, (text, ids, special) in enumerate(zip(texts, made["input_ids"], made["special_tokens_mask"], strict=True)):
        nothing = [False] * len(ids)
        prompt, copy, own = nothing, nothing, [not mark for mark in special]
        if template != PLAIN:
            # The text stands before the last part, its first copy after the first.
            first = len(text.join(parts)) - len(parts[-1]) - len(text)
            before = len(parts[0]) if len(parts) > 2 else first
            # A space between the two copies is no word of the prompt's.
            behind = before + len(text) if parts[1].strip() else first
            spans = list(zip(made["offset_mapping"][i], special, strict=True))

            def holds(start: int, stop: int, spans: list = spans) -> list[bool]:
                return [not mark and max(end, begin + 1) > start and begin < stop for (begin, end), mark in spans]

            # A token that holds a piece of both, such as ." before a prompt's end, is pooled as text.
            pooled = holds(first, first + len(text))
            prompt = [not mark and not one for one, mark in zip(pooled, special, strict=True)]
            if len(parts) > 2:
                copy = [a and b for a, b in zip(prompt, holds(before, behind), strict=True)]
            places = (first, before)
            own = [
                not mark and any(place <= begin and end <= place + len(text) for place in places)
                for (begin, end), mark in spans
            ]
        rows.append(Row(ids, special, prompt, copy, own, 0))
    return rows


class Piece(NamedTuple):
    """A part of a text that is longer than a model's limit."""

    row: Row
    """Its tokens, between the prompt's and the tokenizer's own."""
    start: int
    stop: int
    """The text's tokens, from 0, that are taken from this part."""
    places: list[int]
    """Where those stand in the row."""


def pieces(row: Row, limit: int, overlap: int, model: str) -> list[Piece]:
    """A row within a model's limit as one part, a longer one in parts that overlap by so many tokens at least.

    Of two that overlap each gives the half that is farther from its cut end; the last is as full as the others.

    Raises:
        ValueError: when the prompt leaves no room for more than the overlap.
    """
    own = [i for i, mine in enumerate(row.text) if mine]
    room = limit - (len(row.ids) - len(own))
    if len(own) > room and room <= overlap:
        raise ValueError(
            f"Within the {limit} tokens of {model} there is room for {max(0, room)} tokens of the text beside the "
            f"prompt; parts that overlap by {overlap} need more."
        )
    last = max(0, len(own) - room)
    starts = [*range(0, last, max(1, room - overlap)), last]
    borders = [0, *((one + min(room, len(own)) + other) // 2 for one, other in pairwise(starts)), len(own)]
    made = []
    for first, (start, stop) in zip(starts, pairwise(borders), strict=True):
        held = set(own[first : first + room])
        kept = [i for i, mine in enumerate(row.text) if not mine or i in held]
        ids, special = ([one[i] for i in kept] for one in (row.ids, row.special))
        prompt, copy, text = ([one[i] for i in kept] for one in (row.prompt, row.copy, row.text))
        part = Row(ids, special, prompt, copy, text, 0)
        places = [at for at, i in enumerate(kept) if i in held]
        made.append(Piece(part, start, stop, places[start - first : stop - first]))
    return made


def cut(row: Row, limit: int, model: str) -> Row:
    """A row within a model's limit: what goes is the text's end, in both copies alike, not prompt or special tokens.

    Raises:
        ValueError: when the prompt leaves no room for a text.
    """
    over = max(0, len(row.ids) - limit)
    if not over:
        return row
    copies = [[i for i, own in enumerate(row.text) if own and row.copy[i] == first] for first in (True, False)]
    copies = [copy for copy in copies if copy]
    lost = math.ceil(over / max(1, len(copies)))
    if not copies or lost >= min(map(len, copies)):
        raise ValueError(f"The prompt leaves no room for the text within the {limit} tokens of {model}.")
    gone = {i for copy in copies for i in copy[-lost:]}
    kept = [i for i in range(len(row.ids)) if i not in gone]
    ids, special = ([part[i] for i in kept] for part in (row.ids, row.special))
    prompt, copy, text = ([part[i] for i in kept] for part in (row.prompt, row.copy, row.text))
    return Row(ids, special, prompt, copy, text, lost)
