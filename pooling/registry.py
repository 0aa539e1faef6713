"""The register of pooling strategies: what a strategy is, and how it gets on the list.

No strategy lives here. Each is one file in `pooling/strategies/`, found by itself; pickers,
charts, tables, tests and the README read them from `all_strategies()`.
"""

import difflib
import importlib
import math
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, Protocol, runtime_checkable

from pooling.types import Kind, Pooled, TokenStates

Need = Literal["attention", "head"]
Settings = tuple[tuple[str, float], ...]
"""Values of a strategy's parameters, by their names."""


@dataclass(frozen=True)
class Param:
    """One number that a reader may change: a slider in the app, a keyword in code."""

    name: str
    label: str
    default: float
    minimum: float
    maximum: float
    help: str
    symbol: str = ""
    """How a title says it, "τ 0.5"; by default by its label."""
    neutral: float | None = None
    """The value at which the strategy is as if it had no such parameter: there a title leaves it out."""
    ends: tuple[str, str] = ("", "")
    """What the strategy comes to at the minimum and at the maximum, in a word or two."""

    @property
    def values(self) -> tuple[float, ...]:
        """What the slider offers: 1, 2, 5, 10 and so on where the range spans powers of ten, else even steps."""
        if self.minimum > 0 and self.maximum >= 20 * self.minimum:
            steps = _one_two_five(self.minimum, self.maximum)
        else:
            span = self.maximum - self.minimum
            step = next(step for step in _one_two_five(span / 20, span) if 20.001 * step >= span)
            steps = [round(self.minimum + i * step, 6) for i in range(21)]
        inside = [step for step in steps if self.minimum < step < self.maximum]
        return tuple(sorted({self.minimum, self.default, self.maximum, *inside}))


@dataclass(frozen=True)
class Strategy:
    """A pooling strategy: call it with token states to get a `Pooled`.

    `needs` names what it reads beside the hidden states: "attention" (`TokenStates.attention`)
    or "head" (a trained `AttentionHead`, passed as `head=`). Without it, it raises `NotComputable`.
    """

    name: str
    label: str
    summary: str
    formula: str
    worked: str
    source: str
    when: str
    watch_out: str
    order: int
    colour: int | None
    kind: Kind
    needs: Need | None
    params: tuple[Param, ...]
    settings: Settings
    """The value of each parameter, in their order."""
    sentence_transformers: str | None
    torch: str
    pool: Callable[..., Pooled]

    def __call__(self, states: TokenStates, **params: Any) -> Pooled:
        """Pool the states of a batch into one embedding a text, with the parameters given or else as set."""
        self._check(params)
        return replace(self.pool(states, **(dict(self.settings) | params)), kind=self.kind)

    def at(self, **settings: float) -> "Strategy":
        """The strategy with these values of its parameters.

        Raises:
            ValueError: for a parameter it does not have, or a value out of its range.
        """
        unknown = settings.keys() - dict(self.settings).keys()
        if unknown:
            has = ", ".join(param.name for param in self.params) or "none"
            raise ValueError(f"{self.label} has no parameter {min(unknown)!r}; its parameters: {has}.")
        self._check(settings)
        return replace(self, settings=tuple((name, settings.get(name, value)) for name, value in self.settings))

    @property
    def title(self) -> str:
        """The label, and the parameters that make it what it is: "Smooth max, τ 0.5"."""
        return self.called(self.label)

    def called(self, name: str) -> str:
        """Another name, and the same parameters."""
        said = [
            f"{param.symbol or param.label} {value:g}"
            for param, (_, value) in zip(self.params, self.settings, strict=True)
            if value != param.neutral
        ]
        return ", ".join([name, *said])

    def _check(self, settings: Mapping[str, Any]) -> None:
        for param in self.params:
            value = settings.get(param.name, param.default)
            if not param.minimum <= value <= param.maximum:
                raise ValueError(
                    f"{param.name} of {self.label} goes from {param.minimum:g} to {param.maximum:g}, and is not "
                    f"{value:g}."
                )


def _one_two_five(low: float, high: float) -> list[float]:
    """1, 2, 5, 10 and so on, from at most `low` to at least `high`."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    # Read from text: 2 * 10 ** -1 would be 0.2 only nearly.
    return [float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]


@runtime_checkable
class Entry(Protocol):
    """What stands on a list that finds its files by itself: strategies, steps after pooling, lessons."""

    @property
    def name(self) -> str:
        """Its file's."""

    @property
    def order(self) -> int:
        """Its place."""


def new_name(what: str, function: Callable[..., Any], order: int, others: Iterable[Entry]) -> str:
    """The name of a new entry of such a list: that of the function's file.

    Raises:
        ValueError: when the name or the order is taken.
    """
    name = function.__module__.rpartition(".")[2]
    for other in others:
        if other.name == name or other.order == order:
            raise ValueError(f"{what} {name!r} (order {order}) clashes with {other.name!r}.")
    return name


_STRATEGIES: dict[str, Strategy] = {}


def strategy(
    *,
    label: str,
    formula: str,
    source: str,
    when: str,
    watch_out: str,
    order: int,
    torch: str,
    colour: int | None = None,
    kind: Kind = "tokens",
    worked: str = "<weight·value sum>",
    needs: Need | None = None,
    params: tuple[Param, ...] = (),
    sentence_transformers: str | None = None,
) -> Callable[[Callable[..., Pooled]], Strategy]:
    """Put a pooling function on the list; its name is its file's, its summary its docstring.

    Args:
        label: what a picker shows.
        formula: LaTeX, with h_t for hidden states, e for the embedding, n for the real tokens.
        source: address of the paper.
        when: when to use it, a sentence or two.
        watch_out: what goes wrong with it, a sentence or two.
        order: place on the list; unique.
        torch: the same in plain PyTorch, for readers to copy: lines that make `embeddings` [batch, dim] of
            `hidden` [batch, length, dim] and `mask` [batch, length], 1 on tokens to pool and 0 elsewhere; where
            needed, of `special` [batch, length], True on tokens that the tokenizer added, of `attention`
            [batch, length], what the first token pays, of `head`'s three vectors, and of parameters by their names.
        colour: place in the palette of `pooling.charts.theme`, unique; without one, the first that is free.
        kind: what its weights are: "tokens" (one a token), "dimensions" (one a token and dimension) or "winners"
            (in each dimension 1 for one token, 0 for the others). What the app says of them follows from it.
        worked: LaTeX of one dimension with a text's own numbers; filled in are `<values>` (of all pooled tokens)
            and, of the tokens whose weight is not zero, `<n>` (how many), `<value sum>`, `<weight·value sum>` and
            `<value>` (the one of the largest weight).
        needs: what it reads beside the hidden states.
        params: numbers a reader may change, keywords of the function.
        sentence_transformers: the same strategy's `pooling_mode` there, if it has one.

    Raises:
        ValueError: when the name, the order or the colour is taken, or the docstring is missing.
    """

    def register(pool: Callable[..., Pooled]) -> Strategy:
        name = new_name("Strategy", pool, order, _STRATEGIES.values())
        if not pool.__doc__:
            raise ValueError(f"Strategy {name!r} needs a docstring: a reader sees it as its summary.")
        for other in _STRATEGIES.values():
            if colour is not None and other.colour == colour:
                raise ValueError(f"Strategy {name!r} asks for the colour {colour}, which {other.name!r} has.")
        made = Strategy(
            name=name,
            label=label,
            summary=pool.__doc__.strip().splitlines()[0],
            formula=formula,
            worked=worked,
            source=source,
            when=when,
            watch_out=watch_out,
            order=order,
            colour=colour,
            kind=kind,
            needs=needs,
            params=params,
            settings=tuple((param.name, param.default) for param in params),
            sentence_transformers=sentence_transformers,
            torch=torch,
            pool=pool,
        )
        _STRATEGIES[name] = made
        return made

    return register


@cache
def _load() -> None:
    package = importlib.import_module("pooling.strategies")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"pooling.strategies.{module.name}")


def all_strategies(settings: Iterable[tuple[str, Settings]] = ()) -> list[Strategy]:
    """Every strategy, in the order of the pickers; those named with these parameters."""
    _load()
    changed = dict(settings)
    return [s.at(**dict(changed.get(s.name, ()))) for s in sorted(_STRATEGIES.values(), key=lambda s: s.order)]


def get_strategy(name: str, **settings: float) -> Strategy:
    """The strategy of that name, with these values of its parameters.

    Raises:
        KeyError: for an unknown name, with the nearest known one.
        ValueError: as `Strategy.at` does.
    """
    _load()
    if name in _STRATEGIES:
        return _STRATEGIES[name].at(**settings)
    near = difflib.get_close_matches(name, _STRATEGIES, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(s.name for s in all_strategies())}."
    raise KeyError(f"No pooling strategy {name!r}. {hint}")
