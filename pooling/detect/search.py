"""The search: stage by stage, forward passes few and shared, each stage keeping what cannot be told apart."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import product

import torch
from torch import Tensor
from torch.nn.functional import normalize

from pooling.after import run_steps
from pooling.attention_heads import find_head, layers_with_head
from pooling.bugs import BUGS
from pooling.catalogue import PLAIN
from pooling.detect.inputs import (
    Input,
    LayerKey,
    Padding,
    Special,
    States,
    Tokens,
    cut,
    limit,
    states,
    tokenized,
)
from pooling.detect.target import Target
from pooling.encoders import Encoder
from pooling.registry import all_strategies, get_strategy
from pooling.types import TokenStates

CUTS = (32, 64, 100, 128, 200, 254, 255, 256, 300, 384, 500, 510, 512, 1024, 2048)
"""Limits that people set."""
NONE: tuple[Special, ...] = ("none",)
TOKENS_AT_ONCE = 2048
KEPT = 24
"""Explanations that go on into the next stage."""
UNPADDED_BUGS = ("float16_sum", "normalised_before")
"""The museum's bugs that show without padding."""
PADDINGS = (
    Padding("right", attended=False, counted=True),
    Padding("right", attended=True, counted=True),
    Padding("right", attended=False, counted=False),
    Padding("left", attended=False, counted=False),
    Padding("left", attended=False, counted=True),
    Padding("left", attended=True, counted=True),
)


@dataclass(frozen=True)
class Pooler:
    """One way to pool: a strategy with its parameters, on some tokens, or a bug."""

    strategy: str
    params: tuple[tuple[str, float], ...] = ()
    bug: str | None = None
    pooled: str = "all"
    """"all" tokens of the text, its "own" alone, or "padding" too."""
    pool: Callable[[TokenStates], Tensor] = field(compare=False, default=lambda states: states.hidden[:, 0])
    layer: int | None = None
    """The only layer that it belongs to."""


@dataclass(frozen=True)
class Guess:
    """One explanation: all that decides an embedding but what is done after its direction is set."""

    given: Input
    layer: LayerKey
    pooler: Pooler
    steps: tuple[str, ...] = ()
    """Steps that change its direction, so that they are part of the search: `dense`."""
    most: int | None = None
    """Tokens after which texts are cut."""
    padding: Padding | None = None
    batch: int | None = None
    """Texts that were padded to the longest of them; of one padded to a fixed width, that."""
    width: int | None = None


@dataclass(frozen=True, eq=False)
class Fit:
    """A guess and how far it misses each text's vector."""

    guess: Guess
    misses: Tensor
    vectors: Tensor | None = None
    """What it makes of the texts, where that was all of them."""


def poolers(encoder: Encoder) -> list[Pooler]:
    """Every strategy, its parameters at their defaults, with special tokens and without, and bugs without padding."""
    made = []
    for strategy in all_strategies():
        if strategy.needs is None:
            made.append(Pooler(strategy.name, strategy.settings, pool=_pooling(strategy.name)))
            if not strategy.params and strategy.name not in ("mean", "own_tokens"):
                made.append(Pooler(strategy.name, pooled="own", pool=_own(strategy.name)))
    for layer in layers_with_head(encoder.name):
        head = find_head(encoder.name, layer)
        made.append(Pooler("attention", pool=_pooling("attention", head=head), layer=layer))
    return made + [Pooler(b.strategy, bug=b.name, pool=b.pool) for b in BUGS if b.name in UNPADDED_BUGS]


@lru_cache(maxsize=512)
def is_linear(pooler: Pooler) -> bool:
    """Whether its weights depend on which tokens there are, never on their states."""
    if pooler.layer is not None:
        return False
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2, [False] * 2 + [True] * 3])
    special = torch.tensor([[True, False, False, False, True], [True, False, True, False, False], [False] * 5])
    weights = pooler.pool(TokenStates(torch.eye(5).expand(3, -1, -1), mask, special, _blank(mask)))
    if weights.shape != (3, 5):
        return False
    hidden = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(0))
    made = pooler.pool(TokenStates(hidden, mask, special, _blank(mask)))
    return torch.allclose(made, (weights[:, None] @ hidden)[:, 0], atol=1e-5)


def padded_poolers() -> list[Pooler]:
    """What can be pooled where there is padding: the strategies on all positions, and the museum's bugs."""
    names = [s.name for s in all_strategies() if s.needs is None and s.name != "own_tokens"]
    made = [Pooler(name, pool=_pooling(name)) for name in names]
    made += [
        Pooler(b.strategy, bug=b.name, pool=b.pool) for b in BUGS if b.name not in (*UNPADDED_BUGS, "pooled_twice")
    ]
    named = {b.strategy for b in BUGS if b.name in ("unmasked_mean", "cls_at_index_zero")}
    return made + [Pooler(name, pooled="padding", pool=_everywhere(name)) for name in names if name not in named]


def _pooling(name: str, **params: object) -> Callable[[TokenStates], Tensor]:
    strategy = get_strategy(name)
    return lambda states: strategy(states, **params).embedding


def _own(name: str) -> Callable[[TokenStates], Tensor]:
    """The strategy on a text's own tokens; on all, where it has none."""

    def pool(states: TokenStates) -> Tensor:
        own = states.mask & ~states.special
        own = torch.where(own.any(dim=1, keepdim=True), own, states.mask)
        return get_strategy(name)(replace(states, mask=own)).embedding

    return pool


def _everywhere(name: str) -> Callable[[TokenStates], Tensor]:
    """The strategy on every position, padding too."""
    return lambda states: get_strategy(name)(replace(states, mask=torch.ones_like(states.mask))).embedding


class Search:
    """One search: its texts, their vectors, and what was tried."""

    def __init__(self, encoder: Encoder, texts: Sequence[str], target: Target, prompts: Sequence[str]):
        self.encoder, self.texts, self.target, self.prompts = encoder, list(texts), target, prompts
        self.tried = 0
        """Explanations that were compared."""
        self.near: list[Fit] = []
        """The nearest of those that were tried on all texts."""
        self.in_vain: set[tuple] = set()
        """Inputs that were held against all texts, cut and padded, without an exact fit."""
        self.everything = list(range(len(texts)))

    @cached_property
    def poolers(self) -> list[Pooler]:
        """What is pooled with, where nothing is padded."""
        return poolers(self.encoder)

    @cached_property
    def quick(self) -> list[Pooler]:
        """Of these the ones that cost little, to look through many inputs."""
        return [one for one in self.poolers if not one.params and not one.bug]

    def rows(self, given: Input, texts: Sequence[int], most: int | None = None) -> list[Tokens]:
        """Some texts as tokens, cut where they are to be and where the model ends."""
        rows = tokenized(self.encoder, given, [self.texts[i] for i in texts])
        return [cut(row, min(most or limit(self.encoder), limit(self.encoder))) for row in rows]

    def plain(self) -> list[Fit]:
        """The explanations that fit every text, read as the model's own files have it, or cut or padded."""
        return self.settle(self.fits(Input(), self.poolers))

    def further(self, report: Callable[[float], None] = lambda share: None) -> list[Fit]:
        """Those that fit when texts are read in any other way; where there are none, the nearest first.

        Args:
            report: told the share of the stages that is done; it may raise to end the search.
        """
        exact: list[Fit] = []
        stages = (self.tuned, self.other_inputs, self.attention, self.padded, self.all_cut)
        for done, stage in enumerate(stages):
            report(0.8 * done / len(stages))
            exact = exact or stage()
        return exact or sorted(self.near, key=lambda fit: float(fit.misses.median()))

    # The stages.

    def tuned(self) -> list[Fit]:
        """A strategy's parameter moved to where it fits best, wherever one of its values is among the nearest."""
        nearest = [fit.guess for fit in self.near if fit.guess.pooler.params and not fit.guess.padding]
        for guess in list({(one.given, one.layer, one.most): one for one in nearest[:6]}.values())[:3]:
            best = min(self.near, key=lambda fit: (fit.guess != guess, float(fit.misses.median())))
            (name, _), hidden = guess.pooler.params[0], self.layer(guess)
            limits = next(one for one in get_strategy(guess.pooler.strategy).params if one.name == name)

            def miss(value: float, name: str = name, guess: Guess = guess, hidden: TokenStates = hidden) -> Tensor:
                vectors = get_strategy(guess.pooler.strategy, **{name: value})(hidden).embedding
                made = dict(self.variants(vectors))[guess.steps]
                return self.target.misses(made, self.everything)

            value = _lowest(lambda one: float(miss(one).median()), limits.minimum, limits.maximum)
            misses = miss(value)
            if misses.median() < best.misses.median():
                strategy = guess.pooler.strategy
                pooler = Pooler(strategy, ((name, value),), pool=_pooling(strategy, **{name: value}))
                self.poolers.append(pooler)
                fit = Fit(replace(guess, pooler=pooler), misses)
                self.near.insert(0, fit)
                if found := self.settle([fit]) if (misses <= self.target.tolerance).any() else []:
                    return found
        return []

    def layer(self, guess: Guess) -> TokenStates:
        """The states of all texts at a guess's layer."""
        rows = self.rows(guess.given, self.everything, guess.most)
        seen = self.states(guess.given, rows)
        return TokenStates(seen.layers[guess.layer], seen.mask, seen.special, _blank(seen.mask))

    def other_inputs(self) -> list[Fit]:
        """Prompts, special tokens, lower case, the other mask: the product of all on short texts, a long one alone."""
        specials = self.specials()
        inputs = [
            Input(template, special, lower, flipped)
            for template, special, lower, flipped in product(self.prompts, specials, (False, True), (False, True))
            if not (flipped and (lower or special != "there") and template != PLAIN)
        ]
        inputs = self.distinct(inputs)
        lengths = [len(row.ids) for row in self.rows(Input(), self.everything)]
        by_length = sorted(self.everything, key=lambda i: lengths[i])
        if self.target.kind == "codes":
            groups = [([one for one in inputs if one.changes <= 1], by_length[:8])]
        else:
            simple = [one for one in inputs if one.changes <= 1]
            groups = [(inputs, by_length[:2])] + ([(simple, by_length[-1:])] if len(by_length) > 2 else [])
        for some, texts in groups:
            if found := self.settle(self.screen(some, texts)):
                return found
        return []

    def attention(self) -> list[Fit]:
        """What the first token pays, which takes a pass of its own."""
        layers = list(range(1, self.encoder.layers + 1))
        strategy, pooler = get_strategy("cls_attention"), Pooler("cls_attention")
        made: dict[tuple[LayerKey, Pooler], Tensor] = {
            (layer, pooler): torch.zeros(len(self.texts), self.encoder.dim) for layer in layers
        }
        for indices, batch in self.encoder.stream_layers(self.texts, layers):
            for layer, given in zip(layers, batch, strict=True):
                if given.attention is not None:
                    made[layer, pooler][indices] = strategy(given).embedding.cpu()
        fits = self.compared(Guess(Input(), 0, pooler, most=self.encoder.max_length), made)
        self.remember(fits)
        return self.exact(fits)

    def padded(self) -> list[Fit]:
        """Batches whose padding is read or pooled, of several sizes, on either side."""
        nearest = sorted(self.near, key=lambda fit: float(fit.misses.median()))
        lefts = dict.fromkeys([(Input(), None), *((fit.guess.given, fit.guess.most) for fit in nearest[:1])])
        for given, most in lefts:
            unlike = self.everything
            for fit in nearest[::-1]:
                if (fit.guess.given, fit.guess.most) == (given, most):
                    unlike = [i for i in self.everything if fit.misses[i] > self.target.tolerance]
            if found := self.padded_as(given, most, unlike, fixed=True):
                return found
        return []

    def all_cut(self) -> list[Fit]:
        """Texts that are all longer than the limit: the shortest, cut everywhere."""
        rows = self.rows(Input(), self.everything)
        shortest = min(self.everything, key=lambda i: len(rows[i].ids))
        length = len(rows[shortest].ids)
        places = [one for one in CUTS if one < length]
        if not places or self.target.kind == "codes":
            return []
        fits = self.cut_at(Input(), shortest, places, self.quick)
        if not any(fit.misses[0] <= self.target.tolerance for fit in fits):
            fits = self.cut_at(Input(), shortest, range(4, length), self.quick)
        return self.settle([fit for fit in fits if fit.misses[0] <= self.target.tolerance][:KEPT])

    # What a stage is made of.

    def specials(self) -> list[Special]:
        """What can be missing of the special tokens that this tokenizer adds."""
        [row] = tokenized(self.encoder, Input(), ["a"])
        ends: list[Special] = ["no start"] if row.special[0] else []
        ends += ["no end"] if row.special[-1] else []
        return ["there", *NONE[: len(ends) // 2], *ends]

    def distinct(self, inputs: Iterable[Input]) -> list[Input]:
        """Inputs of which no two are the same tokens for the texts, the simplest kept."""
        seen: dict[tuple, Input] = {}
        for one in sorted(inputs, key=lambda one: one.changes):
            key = (one.flipped, *(tuple(row.ids) for row in tokenized(self.encoder, one, self.texts[:4])))
            seen.setdefault(key, one)
        return list(seen.values())

    def fits(self, given: Input, poolers: Sequence[Pooler], most: int | None = None) -> list[Fit]:
        """How far every layer and pooler misses each text, by one pass over them."""
        rows = self.rows(given, self.everything, most)
        parts = ((some, self.states(given, [rows[i] for i in some])) for some in _batches(rows))
        return self.compared(Guess(given, 0, poolers[0], most=most), self.together(parts, poolers))

    def together(
        self, parts: Iterable[tuple[list[int], States]], poolers: Sequence[Pooler]
    ) -> dict[tuple[LayerKey, Pooler], Tensor]:
        """The embeddings of all texts, of batches of them, under every layer and pooler."""
        made: dict[tuple[LayerKey, Pooler], Tensor] = {}
        for some, seen in parts:
            for layer, several, vectors in self.pooled(seen, poolers):
                for pooler, one in zip(several, vectors, strict=True):
                    if (layer, pooler) not in made:
                        made[layer, pooler] = torch.zeros(len(self.texts), one.shape[1])
                    made[layer, pooler][some] = one
        return made

    def screen(self, inputs: Sequence[Input], texts: Sequence[int]) -> list[Fit]:
        """Of many inputs those that fit some of a few texts; where none does, the nearest."""
        found: list[Fit] = []
        for flipped in (False, True):
            some = [one for one in inputs if one.flipped == flipped]
            rows = [(one, row) for one in some for row in self.rows(one, texts)]
            for part in _batches([row for _, row in rows], by=len(texts)):
                given = [rows[i][0] for i in part][:: len(texts)]
                seen = self.states(given[0], [rows[i][1] for i in part])
                for layer, several, vectors in self.pooled(seen, self.quick):
                    for steps, one in self.variants(vectors):
                        misses = self.target.misses(one.unflatten(1, (-1, len(texts))), texts)
                        nearest = misses.mean(dim=2).topk(min(2, misses.shape[1]), largest=False).indices.tolist()
                        for pooler, missed, places in zip(several, misses, nearest, strict=True):
                            found += [Fit(Guess(given[i], layer, pooler, steps), missed[i]) for i in places]
                        self.tried += misses[..., 0].numel()
        fitting = [fit for fit in found if fit.misses.min() <= self.target.tolerance]
        return sorted(fitting or found, key=lambda fit: (float(fit.misses.min()), fit.guess.given.changes))[:KEPT]

    def settle(self, fits: Sequence[Fit]) -> list[Fit]:
        """Guesses that fit some texts, each with the cut and the padding that make them fit all; those that then do."""
        whole = [fit for fit in fits if len(fit.misses) == len(self.texts)]
        self.remember(whole)
        if exact := self.exact(whole):
            return exact
        tolerance = self.target.tolerance
        fitting = [fit for fit in fits if fit.misses.min() <= tolerance]
        fitting.sort(key=lambda fit: -int((fit.misses <= tolerance).sum()))
        # Where none fits, the nearest to a few texts is held against all: vectors may be near and never exact.
        fitting = fitting or [fit for fit in fits if len(fit.misses) < len(self.texts)][:1]
        for given, most in list(dict.fromkeys((fit.guess.given, fit.guess.most) for fit in fitting))[:2]:
            key = (given, most, len(self.poolers))
            if key not in self.in_vain:
                self.in_vain.add(key)
                if exact := self.settle_input(given, most):
                    return exact
        return []

    def settle_input(self, given: Input, most: int | None) -> list[Fit]:
        """The guesses with one input that fit all texts, once these are cut or padded as they were."""
        fits = self.fits(given, self.poolers, most)
        self.remember(fits)
        if exact := self.exact(fits):
            return exact
        best = max(fits, key=lambda fit: (int((fit.misses <= self.target.tolerance).sum()), -float(fit.misses.mean())))
        fitting = best.misses <= self.target.tolerance
        if not fitting.any():
            return []
        lengths = [len(row.ids) for row in self.rows(given, self.everything, most)]
        longest = max(lengths[i] for i in self.everything if fitting[i])
        longer = sorted(
            (i for i in self.everything if not fitting[i] and lengths[i] > longest), key=lambda i: lengths[i]
        )
        if longer:
            places = range(longest, lengths[longer[0]])
            usual = [one for one in dict.fromkeys((self.encoder.max_length, *CUTS)) if one in places]
            cuts = self.cut_at(given, longer[0], usual, [best.guess.pooler]) if usual else []
            if not any(fit.misses[0] <= self.target.tolerance for fit in cuts):
                cuts += self.cut_at(given, longer[0], places, [best.guess.pooler])
            for fit in cuts:
                if fit.misses[0] <= self.target.tolerance and fit.guess.layer == best.guess.layer:
                    most = fit.guess.most
                    cut_fits = self.fits(given, self.poolers, most)
                    self.remember(cut_fits)
                    if exact := self.exact(cut_fits):
                        return exact
                    break
        unlike = [i for i in self.everything if not fitting[i]]
        return self.padded_as(given, most, unlike, fixed=False)

    def cut_at(self, given: Input, text: int, places: Sequence[int], poolers: Sequence[Pooler]) -> list[Fit]:
        """How far one text misses when it is cut at each of some places; it stops at the first that fits."""
        [row] = tokenized(self.encoder, given, [self.texts[text]])
        found: list[Fit] = []
        rows = [cut(row, place) for place in places]
        for part in [*_batches(rows)][::-1]:  # the shortest first: they cost least
            for layer, several, vectors in self.pooled(self.states(given, [rows[i] for i in part]), poolers):
                for steps, one in self.variants(vectors):
                    misses = self.target.misses(one[:, :, None], [text])[..., 0]
                    for pooler, missed in zip(several, misses, strict=True):
                        at = int(missed.argmin())
                        found.append(Fit(Guess(given, layer, pooler, steps, places[part[at]]), missed[at : at + 1]))
            if any(fit.misses[0] <= self.target.tolerance for fit in found):
                break
        return sorted(found, key=lambda fit: float(fit.misses[0]))

    def padded_as(self, given: Input, most: int | None, unlike: Sequence[int], *, fixed: bool) -> list[Fit]:
        """One input under every kind of padding, to a fixed width or to the longest of a batch.

        The shortest text that it misses without padding, of those `unlike`, tells whether a kind is worth the others.
        """
        rows = self.rows(given, self.everything, most)
        lengths = [len(row.ids) for row in rows]
        sizes: list[tuple[int | None, int | None]] = []
        few = [min(unlike, key=lambda i: lengths[i])] if self.target.kind != "codes" else self.everything
        if fixed:
            longest, end = max(lengths), min(limit(self.encoder), 512)
            usual = {-(-longest // 8) * 8, 1 << (longest - 1).bit_length(), self.encoder.max_length, 128, 512}
            # One below the longest text is where that is cut, too.
            sizes = [(None, wide) for wide in sorted(usual) if min(lengths[i] for i in few) < wide <= end]
        else:
            sizes = [(size, None) for size in dict.fromkeys([len(rows), 32, 16, 8, 4, 2]) if size <= len(rows)]
        for (batch, width), padding in product(sizes, self.paddings):
            at = width if width and width < max(lengths) else most
            guess = Guess(given, 0, PADDED[0], (), at, padding, batch, width)
            shown = [cut(row, at) for row in rows] if at else rows
            each = self.widths(guess, lengths)
            for texts in (few, self.everything):
                same = (given, padding, tuple((i, len(shown[i].ids), each[i]) for i in texts))
                made = {} if same in self.in_vain else self.together(self.parts(guess, texts, shown), PADDED)
                fits = self.compared(guess, made, texts)
                if not self.exact(fits):
                    self.in_vain.add(same)
                    break
            else:
                self.remember(fits)
                return self.exact(fits)
        return []

    @cached_property
    def paddings(self) -> list[Padding]:
        """Kinds of padding of which no two are the same to this model."""
        takes = self.encoder._takes_positions
        return list(dict.fromkeys(one if takes else replace(one, counted=False) for one in PADDINGS))

    def embedded(
        self, guess: Guess, texts: Sequence[int], poolers: Sequence[Pooler]
    ) -> dict[tuple[LayerKey, Pooler], Tensor]:
        """The embeddings of some texts, read and padded as in a guess, under every layer and several poolers."""
        rows = self.rows(guess.given, self.everything, guess.most)
        return self.together(self.parts(guess, texts, rows), poolers)

    def parts(self, guess: Guess, texts: Sequence[int], rows: Sequence[Tokens]) -> Iterator[tuple[list[int], States]]:
        """Some texts in batches, padded as in a guess, with their states."""
        widths = self.widths(guess, [len(row.ids) for row in rows])
        for wide in dict.fromkeys(widths[i] for i in texts):
            some = [i for i in texts if widths[i] == wide]
            for part in _batches([rows[i] for i in some], wide=wide):
                chosen = [some[i] for i in part]
                yield chosen, self.states(guess.given, [rows[i] for i in chosen], guess.padding, wide)

    def widths(self, guess: Guess, lengths: Sequence[int]) -> list[int]:
        """To how many tokens each text is padded in a guess; 0 where it is not."""
        if guess.padding is None or guess.width:
            return [guess.width or 0] * len(lengths)
        size = guess.batch or len(lengths)
        starts = [i // size * size for i in range(len(lengths))]
        return [max(lengths[start : start + size]) for start in starts]

    def states(self, given: Input, rows: Sequence[Tokens], padding: Padding | None = None, width: int = 0) -> States:
        """The states of rows of one kind of mask, padded so."""
        return states(self.encoder, rows, flipped=given.flipped, padding=padding, width=width)

    def pooled(self, seen: States, poolers: Sequence[Pooler]) -> Iterator[tuple[LayerKey, list[Pooler], Tensor]]:
        """Embeddings [pooler, text, dim] under every layer, those of several poolers at a time."""
        texts, length = seen.mask.shape
        places = torch.eye(length).expand(texts, -1, -1)
        given = TokenStates(places, seen.mask, seen.special, _blank(seen.mask))
        linear = [one for one in poolers if is_linear(one)]
        others = [one for one in poolers if one not in linear and one.layer is None]
        # What a linear pooler makes of an identity matrix are its weights: one product serves all of them.
        weights = torch.stack([one.pool(given) for one in linear], dim=1) if linear else torch.empty(0)
        at_once = max(1, 4 * TOKENS_AT_ONCE // (texts * length))
        keys = list(seen.layers)
        for part in (keys[i : i + at_once] for i in range(0, len(keys), at_once)):
            hidden = torch.stack([seen.layers[layer] for layer in part])
            if linear:
                for layer, vectors in zip(part, weights @ hidden, strict=True):
                    yield layer, linear, vectors.transpose(0, 1)
            # To any other pooler the texts of several layers are one batch.
            mask, special = seen.mask.repeat(len(part), 1), seen.special.repeat(len(part), 1)
            given = TokenStates(hidden.flatten(0, 1), mask, special, _blank(mask))
            made = [(one, one.pool(given).unflatten(0, (-1, texts))) for one in others]
            for some in ([one for one in made if one[1].shape[-1] == dim] for dim in {v.shape[-1] for _, v in made}):
                for layer, vectors in zip(part, torch.stack([v for _, v in some], dim=1), strict=True):
                    yield layer, [pooler for pooler, _ in some], vectors
        for pooler in poolers:
            if pooler.layer in seen.layers and pooler not in linear:
                given = TokenStates(seen.layers[pooler.layer], seen.mask, seen.special, _blank(seen.mask))
                yield pooler.layer, [pooler], pooler.pool(given)[None]

    def variants(self, vectors: Tensor) -> Iterator[tuple[tuple[str, ...], Tensor]]:
        """An embedding as pooled and after the model's Dense layers; before codes, scaled to length 1 or not."""
        names: tuple[str, ...] = ()
        made = [(names, vectors)]
        for step in self.encoder.after:
            if step.name == "dense" and step.fitted and step.fitted["weight"] is not None:
                names, before = (*names, "dense"), made[-1][1]
                made.append((names, run_steps(before.flatten(0, -2), [step]).unflatten(0, before.shape[:-1])))
        for steps, one in made:
            if self.target.kind == "codes":
                yield (*steps, "l2"), normalize(one, dim=-1)
            yield steps, one

    def compared(
        self, guess: Guess, made: dict[tuple[LayerKey, Pooler], Tensor], texts: Sequence[int] | None = None
    ) -> list[Fit]:
        """A guess's embeddings under several layers and poolers against the vectors of some texts, in each variant."""
        texts = self.everything if texts is None else texts
        fits = []
        by_dim: dict[int, list[tuple[LayerKey, Pooler]]] = {}
        for key, vectors in made.items():
            by_dim.setdefault(vectors.shape[1], []).append(key)
        for keys in by_dim.values():
            for steps, several in self.variants(torch.stack([made[key] for key in keys])):
                misses = self.target.misses(several[:, list(texts)], texts)
                for key, vectors, missed in zip(keys, several, misses, strict=True):
                    found = replace(guess, layer=key[0], pooler=key[1], steps=steps)
                    fits.append(Fit(found, missed, vectors if steps else made[key]))
        self.tried += len(fits)
        return fits

    def remember(self, fits: Iterable[Fit]) -> None:
        """Keep the nearest of all that was compared."""
        self.near = sorted([*self.near, *fits], key=lambda fit: float(fit.misses.median()))[:KEPT]

    def exact(self, fits: Iterable[Fit]) -> list[Fit]:
        """Those that fit every text."""
        return [fit for fit in fits if bool((fit.misses <= self.target.tolerance).all())]

    def embed(self, guess: Guess, texts: Sequence[str]) -> Tensor:
        """What a guess makes of other texts, each alone unless padding is part of it."""
        other = Search(self.encoder, texts, self.target, self.prompts)
        rows = other.rows(guess.given, other.everything, guess.most)
        if guess.pooler.strategy == "cls_attention" and isinstance(guess.layer, int):
            seen = self.encoder.encode(texts, layer=guess.layer, attention=True)
            vectors = get_strategy("cls_attention")(seen).embedding
        else:
            vectors = torch.empty(0)
            wide = max(guess.width or 0, *(len(row.ids) for row in rows)) if guess.padding else 0
            for part in _batches(rows, wide=wide):
                made = states(
                    self.encoder,
                    [rows[i] for i in part],
                    flipped=guess.given.flipped,
                    padding=guess.padding,
                    width=wide,
                )
                kept = States({guess.layer: made.layers[guess.layer]}, made.mask, made.special)
                [(_, _, [pooled])] = self.pooled(kept, [guess.pooler])
                vectors = vectors if len(vectors) else pooled.new_empty(len(rows), pooled.shape[1])
                vectors[part] = pooled
        return dict(self.variants(vectors))[guess.steps]


PADDED = padded_poolers()


def _blank(mask: Tensor) -> tuple[tuple[str, ...], ...]:
    """Tokens that nobody reads."""
    return (("",) * mask.shape[1],) * len(mask)


def _lowest(of: Callable[[float], float], low: float, high: float) -> float:
    """Where a function of one positive number is lowest, by golden sections of its logarithm; four digits."""
    a, b = math.log(low), math.log(high)
    ratio = (5**0.5 - 1) / 2
    for _ in range(30):
        c, d = b - ratio * (b - a), a + ratio * (b - a)
        a, b = (a, d) if of(math.exp(c)) < of(math.exp(d)) else (c, b)
    return float(f"{math.exp((a + b) / 2):.4g}")


def _batches(rows: Sequence[Tokens], *, by: int = 1, wide: int = 0) -> Iterator[list[int]]:
    """Rows in parts of so many tokens; rows that belong together, `by` in a row, stay so."""
    groups = [list(range(i, min(i + by, len(rows)))) for i in range(0, len(rows), by)]
    groups.sort(key=lambda group: -max(len(rows[i].ids) for i in group))
    part: list[int] = []
    width = 0
    for group in groups:
        longest = max(wide, width, *(len(rows[i].ids) for i in group))
        if part and longest * (len(part) + len(group)) > TOKENS_AT_ONCE:
            yield part
            part, longest = [], max(wide, *(len(rows[i].ids) for i in group))
        part, width = [*part, *group], longest
    if part:
        yield part
