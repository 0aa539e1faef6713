"""What else it could have been, one axis at a time: how far each alternative misses, all else being as it was found."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from pooling.after import get_step, run_steps
from pooling.attention_heads import layer_name
from pooling.catalogue import PLAIN
from pooling.detect.inputs import BEFORE_NORM, Input, LayerKey, Padding, causal, limit
from pooling.detect.search import PADDED, Guess, Pooler, Search
from pooling.registry import get_strategy

MOST_TEXTS = 16
"""Texts that the alternatives are compared on."""
LIMITS = (32, 64, 128, 256, 512)
PROMPTS = ("query: {}", "passage: {}", "search_document: {}", "Represent this sentence: {}")
SPECIAL = {"there": "there", "none": "left out", "no start": "the first missing", "no end": "the last missing"}


@dataclass(frozen=True)
class Alternative:
    """One way on one axis."""

    axis: str
    name: str
    miss: float
    """How far off, of a vector's length, at the text that it fits worst."""
    found: bool
    """Whether it is what was found."""


def alternatives(
    search: Search,
    guess: Guess,
    chain: Sequence[str],
    after: Sequence[tuple[tuple[str, ...], float]],
    report: Callable[[float], None],
) -> tuple[Alternative, ...]:
    """The alternatives on each axis, all else being as in a guess; an axis on which there are none is left out.

    Args:
        search: with its texts and vectors.
        guess: what was found, or is the nearest.
        chain: the steps after pooling that were found with it.
        after: chains of steps after pooling, with how far each is off, lengths and all.
        report: told the share that is done.
    """
    texts = search.everything if search.target.kind == "codes" else search.everything[:MOST_TEXTS]
    poolers = list(dict.fromkeys([guess.pooler, *(PADDED if guess.padding else search.quick)]))

    chosen = [get_step(one) for one in chain if one != search.target.number_type]
    want = search.target.vectors[texts]

    def worst(vectors: Tensor) -> float:
        made = dict(search.variants(vectors))[guess.steps][texts]
        if search.target.kind != "numbers" or search.target.number_type == "int8":
            return float(search.target.misses(made, texts).max())
        made = search.target.rounded(run_steps(made, chosen).float())
        return float(((made - want).norm(dim=1) / want.norm(dim=1)).max())

    def miss(other: Guess) -> float:
        made = search.embedded(other, texts, [other.pooler])
        return worst(made[other.layer, other.pooler])

    made: list[Alternative] = []

    def tokens(of: Guess) -> object:
        return of.given.flipped, of.padding, search.rows(of.given, texts, of.most)

    def axis(title: str, ways: Iterable[tuple[str, Guess]]) -> None:
        misses: dict[str, Alternative] = {}
        for name, other in ways:
            if other != guess and tokens(other) == tokens(guess) and other.pooler == guess.pooler:
                continue  # for these texts it is no alternative
            one = Alternative(title, name, miss(other), other == guess)
            if name not in misses or one.found or (one.miss < misses[name].miss and not misses[name].found):
                misses[name] = one
        made.extend(misses.values() if len(misses) > 1 else ())
        report(len({one.axis for one in made}) / 7)

    if guess.pooler.strategy == "cls_attention":
        return ()
    here = search.embedded(guess, texts, poolers)
    pooled: dict[str, Alternative] = {}
    for (layer, pooler), vectors in here.items():
        if layer == guess.layer and (pooler == guess.pooler or not pooler.bug):
            title = get_strategy(pooler.strategy, **dict(pooler.params)).title
            one = Alternative("pooling", title, worst(vectors), pooler == guess.pooler)
            if title not in pooled or one.found or (one.miss < pooled[title].miss and not pooled[title].found):
                pooled[title] = one
    made += pooled.values()
    layers = {layer: vectors for (layer, pooler), vectors in here.items() if pooler == guess.pooler}
    made += [
        Alternative("layer", _layer(layer), worst(vectors), layer == guess.layer)
        for layer, vectors in layers.items()
        if len(layers) > 1 and (isinstance(layer, int) or layer in (guess.layer, BEFORE_NORM))
    ]
    given = guess.given

    def read(**changes: object) -> Guess:
        return replace(guess, given=replace(given, **changes))  # type: ignore[arg-type]

    own = search.prompts[: search.prompts.index(PLAIN)] if PLAIN in search.prompts else []
    prompts = list(dict.fromkeys([PLAIN, given.template, *own[:2], *PROMPTS]))
    axis("prompt", ((_prompt(one), read(template=one)) for one in prompts))
    axis("special tokens", ((SPECIAL[one], read(special=one)) for one in search.specials()))
    mask = "full" if causal(search.encoder) else "causal"
    ways = [("as they are", Input(given.template, given.special)), ("in lower case", replace(given, lower=True))]
    ways += [(f"under a {mask} mask", replace(given, flipped=True))]
    axis("how texts are read", ((name, replace(guess, given=one)) for name, one in ways))
    longest = max(len(row.ids) for row in search.rows(given, texts))
    most = guess.most if guess.most is not None and guess.most < longest else None
    cuts = sorted({one for one in (*LIMITS, most or 0) if 0 < one < longest})
    limits = [(f"{one} tokens", replace(guess, most=guess.most if one == most else one)) for one in cuts]
    limits += [("none that shows", guess if most is None else replace(guess, most=limit(search.encoder)))]
    axis("length limit", limits if cuts else [])
    axis("padding", _padded(guess, len(search.texts)))
    made += [
        Alternative("after pooling", " → ".join(steps) or "nothing", off, tuple(steps) == tuple(chain))
        for steps, off in after
        if len(after) > 1
    ]
    return tuple(made)


def _padded(guess: Guess, texts: int) -> list[tuple[str, Guess]]:
    """Padding left out, read, or pooled, as in the batch that was found, or in one of all texts."""
    named = "unmasked_mean" if guess.pooler.strategy == "mean" else None
    pooling = [
        one
        for one in PADDED
        if one.strategy == guess.pooler.strategy
        and not one.params
        and one.bug == named
        and (named or one.pooled == "padding")
    ]
    plain = [one for one in PADDED if one.strategy == guess.pooler.strategy and not one.bug and one.pooled == "all"]
    if not plain or guess.pooler.pooled == "own":
        return []
    together = replace(guess, batch=guess.batch or (None if guess.width else texts))
    side = guess.padding or Padding("right", attended=False, counted=True)
    ways = {
        "left out": replace(guess, padding=None, batch=None, width=None, pooler=_unpadded(guess, plain[0])),
        "read by the model": replace(together, padding=replace(side, attended=True), pooler=plain[0]),
    }
    for one in pooling[:1]:
        ways["pooled"] = replace(together, padding=replace(side, attended=False), pooler=one)
    if guess.padding and guess not in ways.values():
        ways["as found"] = guess
    return list(ways.items())


def _unpadded(guess: Guess, plain: Pooler) -> Pooler:
    """What pools in a guess, where nothing is padded."""
    return plain if guess.padding else guess.pooler


def _layer(layer: LayerKey) -> str:
    return layer if isinstance(layer, str) else "0 (input)" if layer == 0 else layer_name(layer)


def _prompt(template: str) -> str:
    return "none" if template == PLAIN else repr(template)
