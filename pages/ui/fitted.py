"""The steps after pooling with their numbers, which are fitted on the project's own texts, once for everybody."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pages.ui import cache, capacity, piecewise

if TYPE_CHECKING:
    from pages.ui.choice import Choice
    from pooling.after import Step
    from pooling.evaluation import Cell

    Steps = Mapping[str, list[Step]]


def at_the_layer(choice: "Choice", after: tuple[str, ...]) -> "Steps":
    """The steps at the chosen layer, by the strategy's name; of none there are none."""
    from pooling.after import chosen_steps
    from pooling.datasets import own_texts

    own = cache.encoder(choice.model).after
    if not _needs_a_corpus(after):
        return {one.name: chosen_steps(after, own) for one in choice.strategies} if after else {}
    texts = own_texts()
    return cache.fitted(choice.reading, choice.layer, choice.settings, after, piecewise.digest(texts), texts)


def everywhere(choice: "Choice", after: tuple[str, ...]) -> "Callable[[], Mapping[Cell, list[Step]]]":
    """The steps at every layer under every strategy, once they are asked for; the run has its turn from now on."""
    from pooling.after import chosen_steps
    from pooling.datasets import own_texts
    from pooling.evaluation import grid_layers

    encoder = cache.encoder(choice.model)
    cells = [(layer, one.name) for layer in grid_layers(encoder) for one in choice.strategies]
    if not _needs_a_corpus(after):
        return lambda: dict.fromkeys(cells, chosen_steps(after, encoder.after)) if after else {}
    texts = own_texts()
    numbers = len(texts) * encoder.dim + _needs_a_square(after) * encoder.dim**2
    capacity.take_turn_for_steps(4 * len(cells) * numbers)
    content = piecewise.digest(texts)
    return lambda: cache.fitted_everywhere(choice.reading, choice.settings, after, content, texts)


def _needs_a_square(after: tuple[str, ...]) -> bool:
    """Whether main axes are among what is fitted: a square of the dimensions."""
    return any(one == "whiten" or one.startswith("pca:") for one in after)


def _needs_a_corpus(after: tuple[str, ...]) -> bool:
    from pooling.after import get_step

    return any(get_step(one).fits == "corpus" for one in after)
