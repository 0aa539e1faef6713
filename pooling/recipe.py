"""All that decides an embedding, as one value: in plain names and numbers, to be hashed, written and read."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from pooling.catalogue import ECHO, PLAIN, says_twice, short

if TYPE_CHECKING:
    from pooling.encoders import Layer
    from pooling.registry import Settings, Strategy


class Prompt(TypedDict):
    """A prompt as the keywords of `Encoder.encode` and `embed`."""

    template: str
    pool_template: bool


@dataclass(frozen=True)
class Reading:
    """How texts are read: by which model, in which prompt, and whether the prompt's tokens are pooled."""

    model: str
    template: str = PLAIN
    """The prompt, with `{}` where the text goes."""
    pool_template: bool = True
    """Whether the prompt's tokens are pooled; they are attended to either way."""

    @property
    def prompt(self) -> Prompt:
        """The prompt as keywords."""
        return {"template": self.template, "pool_template": self.pool_template}

    @property
    def plain(self) -> bool:
        """Whether there is no prompt around a text."""
        return self.template == PLAIN


@dataclass(frozen=True)
class Recipe:
    """All that decides an embedding: model, strategy, its parameters, layer, prompt, and the steps after pooling."""

    model: str
    strategy: str
    layer: "Layer"
    template: str = PLAIN
    pool_template: bool = True
    after: tuple[str, ...] = ()
    """Steps after pooling, in order, as `pooling.after` writes them: `l2`, `first:128`."""
    params: "Settings" = ()
    """Parameters of the strategy that are not at their defaults."""
    own: tuple[float, ...] = ()
    """Weights of the reader's own for the tokens of one text, in place of the strategy's."""

    @property
    def reading(self) -> Reading:
        """How texts are read."""
        return Reading(self.model, self.template, self.pool_template)

    @property
    def pooling(self) -> "Strategy":
        """The strategy, its parameters set; or own weights."""
        from pooling.own_weights import own_weights
        from pooling.registry import get_strategy

        return own_weights(self.own) if self.own else get_strategy(self.strategy, **dict(self.params))

    @property
    def plain(self) -> bool:
        """Whether there is no prompt around a text."""
        return self.reading.plain

    @property
    def normalise(self) -> bool:
        """Whether scaling to length 1 is all that is done after pooling."""
        return self.after == ("l2",)

    @property
    def apart(self) -> str:
        """What stands around the text and is read, but not pooled; "" where all is pooled."""
        if says_twice(self.template):
            return "the first copy of the text" + ("" if self.pool_template else " and the prompt")
        return "" if self.plain or self.pool_template else "the prompt"

    def __str__(self) -> str:
        """In words, for a reader."""
        from pooling.attention_heads import layer_name

        averaged = isinstance(self.layer, tuple)
        where = f"layers {layer_name(self.layer)} averaged" if averaged else f"layer {layer_name(self.layer)}"
        prompt = "" if self.plain else ", said twice" if self.template == ECHO else ", in its prompt"
        prompt += f" ({self.apart} read, not pooled)" if self.apart else ""
        named = {("l2",): "L2-normalised", (): "not normalised"}
        steps = named.get(self.after) or f"then {' → '.join(self.after)}"
        return f"{self.pooling.title} pooling of {where} of {short(self.model)}{prompt}, {steps}"
