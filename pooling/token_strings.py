"""What a byte-level tokenizer's tokens say, as text."""

import re
from collections.abc import Sequence
from functools import cache

LONGEST = 4
"""Tokens that one character may be spread over, a byte each."""


def spell_bytes(tokens: Sequence[str], *, alphabet: bool) -> list[str]:
    """Tokens that stand for bytes as text: "ĠcafÃ©" becomes "Ġcafé".

    A leading space stays the mark "Ġ". Where a character is spread over several tokens, each shows
    it with its part: "🎻 1/2". Bytes that are no text show as numbers; a token that does not stand
    for bytes stays as it is.

    Args:
        alphabet: every character of a token is a byte, as in GPT-2; else only "<0xC3>" is one.
    """
    raw = [_bytes_of(token, alphabet) for token in tokens]
    spelled: list[str] = []
    while len(spelled) < len(tokens):
        spelled += _next_spelled(tokens, raw, len(spelled))
    return spelled


def _next_spelled(tokens: Sequence[str], raw: list[bytes | None], start: int) -> list[str]:
    """The token at `start`, with those that finish its character."""
    first = raw[start]
    if first is None:
        return [tokens[start]]
    for stop in range(start + 1, min(start + LONGEST, len(raw)) + 1):
        piece = raw[start:stop]
        if None in piece:
            break
        try:
            return _parts(b"".join(piece).decode("utf-8"), len(piece))  # type: ignore[arg-type]
        except UnicodeDecodeError:
            continue
    return [f"<{first.hex(' ').upper()}>"]


def _parts(text: str, parts: int) -> list[str]:
    mark, text = ("Ġ", text[1:]) if text.startswith(" ") else ("", text)
    text = text.replace("\n", "⏎").replace("\t", "⇥").replace("\r", "␍").replace(" ", "␣")
    if parts == 1:
        return [mark + text]
    return [f"{mark if part == 1 else ''}{text} {part}/{parts}" for part in range(1, parts + 1)]


def _bytes_of(token: str, alphabet: bool) -> bytes | None:
    """The bytes a token stands for; None when it stands for none, as a special token."""
    if single := re.fullmatch(r"<0x([0-9A-F]{2})>", token):
        return bytes.fromhex(single[1])
    if not alphabet:
        return None
    table = _byte_of_character()
    return bytes(table[c] for c in token) if all(c in table for c in token) else None


@cache
def _byte_of_character() -> dict[str, int]:
    """GPT-2's alphabet: printable bytes stand for themselves, the others for U+0100 and up."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(0x100 + i): b for i, b in enumerate(others)}
