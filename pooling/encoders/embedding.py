"""A corpus to embeddings: one forward pass for all strategies."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jaxtyping import Num
from torch import Tensor
from tqdm.auto import tqdm

from pooling.after import Step, chosen_steps, run_steps
from pooling.attention_heads import find_head
from pooling.catalogue import PLAIN
from pooling.encoders.encoder import Encoder, Layer
from pooling.encoders.tokens import as_texts, listed
from pooling.registry import Strategy, all_strategies, get_strategy
from pooling.types import Pooled, TokenStates


class TruncationWarning(UserWarning):
    """Some texts were longer than the model's limit and were cut."""

    def __init__(self, said: str, lost: Mapping[int, int] | None = None):
        super().__init__(said)
        self.lost = dict(lost or {})
        """How many tokens each of them lost, by its place among all."""


def apply(strategy: Strategy, states: TokenStates, *, model: str, layer: Layer, **params: Any) -> Pooled:
    """Pool states of a model's layer, with the trained head where the strategy needs one.

    Raises:
        NotComputable: when it needs a head and none was trained for this model and layer, or attention
            and the states have none.
    """
    if strategy.needs == "head" and "head" not in params:
        params["head"] = find_head(model, layer)
    return strategy(states, **params)


def embed(
    texts: Iterable[Any],
    encoder: Encoder,
    strategies: Strategy | str | Iterable[Strategy | str] | None = None,
    *,
    layer: Layer = -1,
    template: str = PLAIN,
    pool_template: bool = True,
    after: Iterable[Step | str] = (),
    normalize_embeddings: bool = False,
    bfloat16: bool = False,
    progress: bool = False,
    report: Callable[[float], None] = lambda share: None,
) -> dict[str, Num[Tensor, "text dim"]]:
    """Embeddings [text, dim] of a corpus under each strategy, from one forward pass.

    In the caller's order, on the CPU, in float32 unless a step after pooling makes another type of it. Texts longer
    than the model's limit are cut, with a `TruncationWarning` that says which and by how much.

    Args:
        texts: a list, tuple or generator of texts, a pandas Series (by its order, not its index), a NumPy array.
        encoder: of `load_encoder`.
        strategies: one or several, by name or not; by default all that need nothing but hidden states.
        layer: as in `Encoder.encode`; likewise
        template: and
        pool_template: the prompt, and whether its tokens are pooled.
        after: steps after pooling, in order, by name or not: "l2", "first:128", "dense" for the model's own; those of
            `pooling.after` that are fitted on a corpus have to be.
        normalize_embeddings: whether to scale every embedding to length 1, at last.
        bfloat16: whether the model computes in it, about twice as fast where the device has it; pooling does not.
        progress: whether to show a bar of the characters that are done.
        report: told their share after each batch; it may raise to end it.

    Raises:
        ValueError: as `Encoder.encode` does, or for bfloat16 where the device has none.
        NotComputable: for a strategy that needs attention where there is none, or a head that was not trained
            for this model and layer, or a step that has no numbers or makes nothing of so many dimensions.
        KeyError: for an unknown strategy or step.
    """
    texts, layer = as_texts(texts), encoder.layer(layer)
    if strategies is None:
        strategies = [s for s in all_strategies() if s.needs is None]
    given = [strategies] if isinstance(strategies, str | Strategy) else strategies
    chosen = [get_strategy(s) if isinstance(s, str) else s for s in given]
    steps = chosen_steps([*after, *(["l2"] if normalize_embeddings else [])], encoder.after)
    made: dict[str, Tensor] = {}
    lost: dict[int, int] = {}
    done, whole = 0, sum(map(len, texts))
    asked: dict[str, Any] = {"template": template, "pool_template": pool_template, "bfloat16": bfloat16}
    # Where a layer has no attention, the strategy says so.
    asked["attention"] = isinstance(layer, int) and layer > 0 and any(s.needs == "attention" for s in chosen)
    bar = {"desc": f"Embedding {len(texts):,} texts", "unit": " characters", "unit_scale": True}
    with tqdm(total=whole, disable=not progress, **bar) as shown:
        for indices, states in encoder.stream(texts, layer=layer, **asked):
            lost |= {i: n for i, n in zip(indices, states.lost, strict=True) if n}
            for strategy in chosen:
                pooled = apply(strategy, states, model=encoder.name, layer=layer).embedding
                ready = run_steps(pooled, steps).cpu()
                if strategy.name not in made:
                    made[strategy.name] = ready.new_empty(len(texts), ready.shape[1])
                made[strategy.name][indices] = ready
            read = sum(len(texts[i]) for i in indices)
            done += read
            shown.update(read)
            report(done / whole)
    if lost:
        named = listed([f"text {i + 1} lost {n}" for i, n in sorted(lost.items())])
        warnings.warn(
            TruncationWarning(
                f"{len(lost)} of {len(texts)} texts were cut to {encoder.max_length} tokens: {named}.", lost
            ),
            stacklevel=2,
        )
    return made
