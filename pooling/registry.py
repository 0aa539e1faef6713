"""The register of pooling strategies: what a strategy is, and how it gets on the list.

No strategy lives here. Each is one file in `pooling/strategies/`, found by itself; pickers,
charts, tables, tests and the README read them from `all_strategies()`.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pooling.types import Pooled, TokenStates

Need = Literal["attention", "head"]


@dataclass(frozen=True)
class Param:
    """One number that a reader may change: a slider in the app, a keyword in code."""

    name: str
    label: str
    default: float
    minimum: float
    maximum: float
    help: str


@dataclass(frozen=True)
class Strategy:
    """A pooling strategy: call it with token states to get a `Pooled`.

    `needs` names what it reads beside the hidden states: "attention" (`TokenStates.attention`)
    or "head" (a trained `AttentionHead`, passed as `head=`). Without it, it raises ValueError.
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
    needs: Need | None
    params: tuple[Param, ...]
    sentence_transformers: str | None
    torch: str
    pool: Callable[..., Pooled]

    def __call__(self, states: TokenStates, **params: Any) -> Pooled:
        """Pool the states of a batch into one embedding a text."""
        return self.pool(states, **params)


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
        order: place on the list, and so its colour; unique.
        torch: the same in plain PyTorch, for readers to copy: lines that make `embeddings` [batch, dim] of
            `hidden` [batch, length, dim] and `mask` [batch, length], 1 on tokens to pool and 0 elsewhere; where
            needed, of `attention` [batch, length], what the first token pays, or of `head`'s three vectors.
        worked: LaTeX of one dimension with a text's own numbers; `<n>`, `<value>`, `<values>`,
            `<value sum>` and `<weight·value sum>` are filled in.
        needs: what it reads beside the hidden states.
        params: numbers a reader may change.
        sentence_transformers: the same strategy's `pooling_mode` there, if it has one.

    Raises:
        ValueError: when the name or the order is taken, or the docstring is missing.
    """

    def register(pool: Callable[..., Pooled]) -> Strategy:
        name = pool.__module__.rpartition(".")[2]
        if not pool.__doc__:
            raise ValueError(f"Strategy {name!r} needs a docstring: a reader sees it as its summary.")
        for other in _STRATEGIES.values():
            if other.name == name or other.order == order:
                raise ValueError(f"Strategy {name!r} (order {order}) clashes with {other.name!r}.")
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
            needs=needs,
            params=params,
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


def all_strategies() -> list[Strategy]:
    """Every strategy, in the order of the pickers."""
    _load()
    return sorted(_STRATEGIES.values(), key=lambda s: s.order)


def get_strategy(name: str) -> Strategy:
    """The strategy of that name.

    Raises:
        KeyError: for an unknown name, with the nearest known one.
    """
    _load()
    if name in _STRATEGIES:
        return _STRATEGIES[name]
    near = difflib.get_close_matches(name, _STRATEGIES, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(s.name for s in all_strategies())}."
    raise KeyError(f"No pooling strategy {name!r}. {hint}")
