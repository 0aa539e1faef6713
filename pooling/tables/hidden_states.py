"""The tables of the Hidden States page."""

from collections.abc import Sequence

import pandas as pd
import torch

from pooling.layers import Background, Planes, cosines_to_layer_before, hogs, token_cosines
from pooling.tables import lettered, token_list
from pooling.types import TokenStates


def matrix_table(states: TokenStates, dimensions: Sequence[int]) -> pd.DataFrame:
    """Hidden states of one text: a row a token (index: its position), a column a dimension."""
    return _by_position(states.hidden[0, :, list(dimensions)], list(dimensions))


def norm_table(states: TokenStates) -> pd.DataFrame:
    """The tokens of one text, with how many times the median norm each has, and whether it hogs the norm."""
    table = token_list(states)
    table["times_median"] = table["norm"] / states.hidden[0].norm(dim=1).median().item()
    table["hog"] = hogs(states).tolist()
    return table.drop(columns=["id", "pooled"])


def cosine_table(states: TokenStates) -> pd.DataFrame:
    """The cosine of every two tokens of one text; index and columns are positions."""
    cosines = token_cosines(states)
    return _by_position(cosines, list(range(1, len(cosines) + 1)))


def change_table(layers: Sequence[TokenStates]) -> pd.DataFrame:
    """Each token's cosine to itself one layer earlier: a row a token (index: its position), a column a layer."""
    return _by_position(cosines_to_layer_before(layers), list(range(1, len(layers))))


def shared_words(first: TokenStates, second: TokenStates) -> pd.DataFrame:
    """The words that two texts share: their first occurrence in each, the second in each, and so on.

    Case does not count; what has neither letter nor digit is no word. Columns: word, number (of
    the occurrence), first and second (tuples of positions, from 1: a word may have several pieces).
    """
    here, there = _words(token_list(first)), _words(token_list(second))
    rows = [
        {"word": "".join(pieces), "number": number, "first": one, "second": other}
        for pieces, places in here.items()
        for number, (one, other) in enumerate(zip(places, there.get(pieces, []), strict=False), start=1)
    ]
    return pd.DataFrame(rows, columns=["word", "number", "first", "second"])


def word_names(words: pd.DataFrame) -> list[str]:
    """A name for each of `shared_words`: the word, numbered when it occurs again."""
    return [
        word if number == 1 else f"{word} ({number})"
        for word, number in zip(words["word"], words["number"], strict=True)
    ]


def furthest_other(texts: Sequence[TokenStates], index: int) -> int:
    """The text to compare one with: the one that uses a word they share most differently.

    Args:
        texts: the states of each text, a batch of one.
        index: the text that is given; the next one is the answer when no other shares a word.
    """
    found = [
        (*_telling(texts[index], states, words, furthest_word(texts[index], states, words)), other)
        for other, states in enumerate(texts)
        if other != index and len(words := shared_words(texts[index], states))
    ]
    return min(found)[-1] if found else (index + 1) % len(texts)


def furthest_word(first: TokenStates, second: TokenStates, words: pd.DataFrame) -> int:
    """The row of the word of `shared_words` that two texts use most differently."""
    return min(range(len(words)), key=lambda row: _telling(first, second, words, row))


def _telling(first: TokenStates, second: TokenStates, words: pd.DataFrame, row: int) -> tuple[bool, float]:
    """Smaller for a word that tells more: short words, often "a" or "of", come last."""
    return len(words["word"][row]) < 4, drift([first], [second], words, row)[0]


def drift(first: Sequence[TokenStates], second: Sequence[TokenStates], words: pd.DataFrame, row: int) -> list[float]:
    """The cosine between a shared word's vectors in two texts, layer by layer; pieces are averaged."""
    here, there = ([p - 1 for p in words[text][row]] for text in ("first", "second"))
    return [
        torch.cosine_similarity(a.hidden[0, here].mean(dim=0), b.hidden[0, there].mean(dim=0), dim=0).item()
        for a, b in zip(first, second, strict=True)
    ]


def plane_table(found: Planes, first: TokenStates, second: TokenStates, words: pd.DataFrame) -> pd.DataFrame:
    """The tokens of two texts in the plane of each layer.

    Columns: layer, text (1 or 2), position, token, special, x, y, shared (the row of
    `shared_words` that it belongs to, or -1).
    """
    shared = {
        (text, position): row
        for text, column in ((1, "first"), (2, "second"))
        for row, positions in enumerate(words[column])
        for position in positions
    }
    tokens = pd.concat(
        [token_list(states).assign(text=text) for text, states in ((1, first), (2, second))], ignore_index=True
    )
    tokens["shared"] = [shared.get(key, -1) for key in zip(tokens["text"], tokens["position"], strict=True)]
    tokens = tokens[["text", "position", "token", "special", "shared"]]
    return pd.concat(
        [
            tokens.assign(layer=layer, x=points[:, 0].tolist(), y=points[:, 1].tolist())
            for layer, points in enumerate(found.points)
        ],
        ignore_index=True,
    )


def reading_table(
    random_pairs: Background, layers: Sequence[TokenStates], word: Sequence[float] | None
) -> pd.DataFrame:
    """What to read a cosine against, layer by layer.

    Columns: layer, mean, low and high (of random pairs; 5 and 95 in a hundred lie below), sentence
    (mean over every two tokens of the reader's own text that are not special; nan when there is
    one), word (the cosine of the word that is followed, if one is).
    """

    def inside(states: TokenStates) -> float:
        real = ~states.special[0]
        count = int(real.sum())
        apart = torch.triu_indices(count, count, 1)
        return token_cosines(states)[real][:, real][apart[0], apart[1]].mean().item()

    table = pd.DataFrame(
        {
            "layer": range(len(layers)),
            "mean": random_pairs.mean.tolist(),
            "low": random_pairs.quantiles[:, 50].tolist(),
            "high": random_pairs.quantiles[:, 950].tolist(),
            "sentence": [inside(states) for states in layers],
        }
    )
    return table if word is None else table.assign(word=word)


def _words(tokens: pd.DataFrame) -> dict[tuple[str, ...], list[tuple[int, ...]]]:
    """The positions of each word's occurrences, by its pieces in lower case."""
    found: dict[tuple[str, ...], list[tuple[int, ...]]] = {}
    word: list[tuple[str, int]] = []

    def close() -> None:
        if word:
            found.setdefault(tuple(piece for piece, _ in word), []).append(tuple(place for _, place in word))
            word.clear()

    columns = (tokens[name].tolist() for name in ("position", "token", "continues", "special", "prompt"))
    for position, token, continues, special, prompt in zip(*columns, strict=True):
        of_a_word = not (special or prompt) and lettered(token)
        if not (continues and of_a_word):
            close()
        if of_a_word:
            word.append((token.casefold(), position))
    close()
    return found


def _by_position(values: torch.Tensor, columns: list[int]) -> pd.DataFrame:
    index = pd.Index(range(1, len(values) + 1), name="position")
    return pd.DataFrame(values.numpy(), index=index, columns=columns)
