"""What was found: explanations in plain names, how exactly they fit, and what would tell them apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from torch import Tensor

from pooling.attention_heads import layer_name
from pooling.catalogue import PLAIN
from pooling.encoders import Encoder
from pooling.encoders.tokens import listed
from pooling.registry import get_strategy

if TYPE_CHECKING:
    from pooling.detect.axes import Alternative

Verdict = Literal["exact", "near", "nothing"]
NEAR = 0.99
"""The median cosine from which an explanation counts as near."""
BUGS_IN_WORDS = {
    "attended_padding": "the attention mask is left out, so padding is read",
    "before_final_norm": "the state before the model's final norm",
    "causal_mask": "a causal mask where the model's own is full",
    "full_attention": "full attention where the model's own mask is causal",
    "lower_case": "the text in lower case",
    "no_bos": "the special token before the text is missing",
    "no_eos": "the special token after the text is missing",
    "padding_pooled": "padding is pooled",
    "positions_with_padding": "padding on the left, counted as positions of the text",
    "cls_at_index_zero": "CLS from index 0 under padding on the left",
    "last_by_count": "the last token looked for at mask.sum() − 1 under padding on the left",
    "max_over_zeros": "padding's zeros in the maximum",
    "unmasked_mean": "padding in the mean",
    "positions_over_padding": "positions counted over padding",
    "float16_sum": "the sum kept in float16",
    "normalised_before": "tokens normalised before pooling",
    "pooled_twice": "pooled once more over the batch",
}
"""Mistakes by their names: the museum's, and those that no strategy of pooling can make."""


@dataclass(frozen=True)
class Match:
    """One explanation."""

    strategy: str
    params: tuple[tuple[str, float], ...]
    layer: int | tuple[int, ...]
    template: str
    special_tokens: bool
    max_length: int | None
    """None where no text is long enough to tell."""
    bug: str | None
    """The exhibit's name, or another mistake's; several with a plus."""
    after: tuple[str, ...]
    median: float
    """Of the cosines of what it makes to the vectors."""
    worst: float
    exact: bool
    width: int | None = None
    """Tokens to which every text was padded, where padding counts and it is one width."""

    def as_json(self, layers: int) -> dict[str, Any]:
        """In the words of the command's `--json`."""
        first_last = self.layer == (1, layers)
        layer = "first-last" if first_last else self.layer if isinstance(self.layer, int) else layer_name(self.layer)
        return {
            "strategy": self.strategy,
            "params": dict(self.params),
            "layer": layer,
            "template": self.template,
            "special_tokens": self.special_tokens,
            "max_length": self.max_length,
            "bug": self.bug,
            "after": list(self.after),
            "cosine": {"median": round(self.median, 6), "worst": round(self.worst, 6)},
            "exact": self.exact,
        }

    def __str__(self) -> str:
        title = get_strategy(self.strategy, **dict(self.params)).title
        averaged = isinstance(self.layer, tuple)
        said = [f"{title} pooling of {'layers' if averaged else 'layer'} {layer_name(self.layer)}"]
        said += [] if self.template == PLAIN else [f"each text as {self.template!r}"]
        said += [] if self.special_tokens else ["special tokens left out"]
        said += [f"cut at {self.max_length} tokens"] if self.max_length else []
        said += [BUGS_IN_WORDS[bug] for bug in (self.bug or "").split("+") if bug]
        said += [f"padded to {self.width} tokens"] if self.width else []
        return ", ".join([*said, *(["then " + " → ".join(self.after)] if self.after else [])])


@dataclass(frozen=True)
class Findings:
    """The answer: how it fits, the explanations with the best first, and what to know of it."""

    verdict: Verdict
    matches: tuple[Match, ...]
    tried: int
    layers: int
    """Of the model."""
    said: tuple[str, ...] = ()
    """Sentences: what would tell ties apart, what is odd about single vectors; they may quote texts."""
    alternatives: "tuple[Alternative, ...]" = ()
    """How far else each axis misses, the others being as in the best explanation; where that was asked for."""
    tolerance: float = 0.0
    """How far, of a vector's length, an explanation may miss and still be exact."""
    remake: Callable[[Encoder, Sequence[str]], Tensor] | None = field(default=None, compare=False, repr=False)
    """Embeddings of other texts by the best explanation; in batches as there, where these are part of it."""

    def as_json(self) -> dict[str, Any]:
        """What the command writes."""
        return {
            "verdict": self.verdict,
            "matches": [match.as_json(self.layers) for match in self.matches],
            "tried": self.tried,
        }

    def __str__(self) -> str:
        if not self.matches:
            return "\n".join(self.said or [f"Nothing here explains them; {self.tried:,} explanations were tried."])
        best = self.matches[0]
        cosine = f"cosine {best.median:.6f}, {best.worst:.6f} at worst"
        if self.verdict == "exact":
            first = f"Exact: {best} ({cosine})."
        elif self.verdict == "near":
            first = f"Near: {best} ({cosine})."
        else:
            first = (
                f"Nothing here explains them; {self.tried:,} explanations were tried, and the nearest misses by far: "
                f"{best} ({cosine})."
            )
        ties = [f"As well: {match}." for match in self.matches[1:]] if self.verdict == "exact" else []
        return "\n".join([first, *ties, *self.said])


def numbered(texts: Sequence[int]) -> str:
    """Texts by their numbers, in a sentence: "Text 3", "Texts 1, 2"."""
    return f"{'Text' if len(texts) == 1 else 'Texts'} {listed([str(i + 1) for i in texts])}"
