"""What is chosen, as one value: what every page starts from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pooling import Strategy
    from pooling.encoders import Layer
    from pooling.recipe import Reading, Recipe
    from pooling.registry import Settings


@dataclass(frozen=True)
class Choice:
    """What is chosen in the sidebar, and above the pictures."""

    texts: tuple[str, ...]
    recipe: "Recipe"
    settings: "tuple[tuple[str, Settings], ...]" = ()
    """The strategies whose parameters are not at their defaults, chosen or not, with all their parameters."""

    @property
    def model(self) -> str:
        """The model's name."""
        return self.recipe.model

    @property
    def layer(self) -> "Layer":
        """The layer that is pooled."""
        return self.recipe.layer

    @property
    def reading(self) -> "Reading":
        """How texts are read."""
        return self.recipe.reading

    @property
    def strategy(self) -> "Strategy":
        """The strategy, its parameters set."""
        return self.recipe.pooling

    @property
    def strategies(self) -> "list[Strategy]":
        """Every strategy, its parameters set."""
        from pooling import all_strategies

        return all_strategies(self.settings)
