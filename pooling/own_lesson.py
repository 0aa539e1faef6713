"""A lesson that somebody writes in the page: what was typed, as a link or a file carries it, and its computed answer.

Whoever opens such a link knows its author, this project does not: nothing in it is trusted. Texts are shown as texts,
a model is one of the catalogue, a strategy one of the registry, and everything has a limit.
"""

import base64
import binascii
import hashlib
import json
import math
import unicodedata
import zlib
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from pooling.attention_heads import layer_name
from pooling.catalogue import AVERAGE, DEFAULT, LONGEST_TEMPLATE, PLAIN, all_models, get_model
from pooling.charts.learn import cosines
from pooling.charts.similarity import similarity_heatmap
from pooling.lessons import Lesson, Part, Shown, Strips, Task
from pooling.notices.similarity import about_matrix
from pooling.pictures import Picture
from pooling.registry import all_strategies, get_strategy
from pooling.similarity import Measure, compare, pool_all
from pooling.tables import number
from pooling.tables.attention import token_tables
from pooling.tables.similarity import matrix_table, pair_table

if TYPE_CHECKING:
    from pooling.encoders import Encoder, Layer
    from pooling.types import Pooled, TokenStates

ASKS = {
    "fixed": "A question with its right answer, from you",
    "strategies": "Which strategy puts sentences 1 and 2 nearest to each other?",
    "sentences": "Which sentence is nearest to sentence 1?",
}
"""What can be asked: the right answer of the first is the author's, of the others it is computed."""
LIMITS = {"title": 100, "ground": 4000, "question": 300, "reason": 2000}
SEVERAL_LINES = ("ground", "reason")
MOST_CHOICES, MOST_SENTENCES = 5, 8
LONGEST_CHOICE, LONGEST_SENTENCE, LONGEST_SAID = 200, 300, 600
MOST_BYTES = 2**16
"""Of a lesson that is unpacked."""
UNREADABLE = "This is not a whole lesson: copy its link to the end, or take its file as it was."
TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
TIE = 1e-3
"""Cosines that differ by less are told apart by nobody: numbers are shown with three digits."""
COSINE = Measure("cosine")


@dataclass(frozen=True)
class OwnLesson:
    """What the author of a lesson has typed and chosen."""

    title: str = ""
    ground: str = ""
    """What one has to know to answer."""
    ask: str = "fixed"
    """One of `ASKS`."""
    question: str = ""
    """Empty for that of `ASKS`, where the answer is computed."""
    choices: tuple[str, ...] = ()
    """Of a question of the author's own; some may be empty, and do not count."""
    right: int = 0
    """Which of them, from 0."""
    said: dict[str, str] = field(default_factory=dict)
    """What is said to whoever chose wrongly, by the name of the choice, or by the sentence."""
    reason: str = ""
    """Why the right answer is right."""
    sentences: tuple[str, ...] = ()
    model: str = DEFAULT
    layer: str = ""
    """A number, "first-last" for the average of both, or empty for the last."""
    template: str = PLAIN
    strategy: str = "mean"
    strategies: tuple[str, ...] = ("mean", "max", "cls")
    """The choices where strategies are asked about."""

    @property
    def own(self) -> bool:
        """That it is none of the project's, as of a `Lesson`."""
        return True

    @property
    def named(self) -> dict[str, str]:
        """The choices by name: a strategy's, or the number of a choice or sentence."""
        if self.ask == "strategies":
            return {name: get_strategy(name).label for name in self.strategies}
        if self.ask == "sentences":
            return {str(i): one for i, one in enumerate(self.sentences, start=1) if i > 1}
        return {str(i): one.strip() for i, one in enumerate(self.choices, start=1) if one.strip()}

    def said_to(self, name: str) -> str:
        """What is said to whoever chose that, and was wrong; it goes with a sentence wherever this stands."""
        return self.said.get(self.named[name] if self.ask == "sentences" else name, "")

    @property
    def asked(self) -> str:
        """The question."""
        return self.question or ("" if self.ask == "fixed" else ASKS[self.ask])

    @property
    def pooled_layer(self) -> "Layer":
        """The layer that is pooled."""
        last = get_model(self.model).layers
        if self.layer == AVERAGE:
            return 1, last
        return min(int(self.layer), last) if self.layer else last

    def lacks(self) -> list[str]:
        """What it does not have yet, a sentence each; a lesson that lacks nothing can be taken."""
        lacking = [] if self.title.strip() else ["Give it a title."]
        if not self.asked.strip():
            lacking.append("Write the question.")
        if self.ask == "fixed":
            if len(self.named) < 2:
                lacking.append("Write at least two choices.")
            elif str(self.right + 1) not in self.named:
                lacking.append("Say which choice is right.")
        elif self.ask == "strategies":
            if len(self.sentences) < 2:
                lacking.append("Write two sentences.")
            if len(self.strategies) < 2:
                lacking.append("Choose at least two strategies.")
        elif not 3 <= len(self.sentences) <= MOST_CHOICES + 1:
            lacking.append(f"Write 3 to {MOST_CHOICES + 1} sentences: the first, and those it is compared with.")
        texts = list(self.named.values())
        if len(set(texts)) < len(texts):
            lacking.append("Two choices are the same.")
        return lacking

    @property
    def name(self) -> str:
        """Another for every other lesson."""
        return f"own-{hashlib.sha256(_written(self)).hexdigest()[:12]}"


def pack(lesson: OwnLesson) -> str:
    """A lesson as letters and digits that fit into a link."""
    return base64.urlsafe_b64encode(zlib.compress(_written(lesson), 9)).decode().rstrip("=")


def to_file(lesson: OwnLesson) -> bytes:
    """A lesson as a small JSON file."""
    return json.dumps(json.loads(_written(lesson)), indent=1, ensure_ascii=False).encode()


def unpack(packed: str) -> OwnLesson:
    """The lesson that `pack` has packed.

    Raises:
        ValueError: for anything else, in a sentence for its reader.
    """
    try:
        data = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        unpacking = zlib.decompressobj()
        written = unpacking.decompress(data, MOST_BYTES)
        whole = unpacking.eof
    except (ValueError, zlib.error, binascii.Error):
        whole = False
    if not whole:
        raise ValueError(UNREADABLE)
    return from_file(written)


def from_file(data: bytes) -> OwnLesson:
    """The lesson of such a file; what lies beyond a limit is cut.

    Raises:
        ValueError: for any other file, in a sentence for its reader.
    """
    if len(data) > MOST_BYTES:
        raise ValueError(f"A lesson's file has at most {MOST_BYTES >> 10} KB; this is another file.")
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or said.pop("lesson", None) != 1:
        raise ValueError(UNREADABLE)
    return _read(said)


def _written(lesson: OwnLesson) -> bytes:
    plain = OwnLesson()
    changed = {key: value for key, value in asdict(lesson).items() if value != getattr(plain, key)}
    return json.dumps({"lesson": 1} | changed, ensure_ascii=False, separators=(",", ":")).encode()


def _read(said: dict[str, Any]) -> OwnLesson:
    kinds = {one.name: type(getattr(OwnLesson(), one.name)) for one in fields(OwnLesson)}
    if any(
        not isinstance(value, list if kinds.get(name) is tuple else kinds.get(name, ())) for name, value in said.items()
    ):
        raise ValueError(UNREADABLE)
    given: dict[str, Any] = said
    names = [one.name for one in all_strategies()]
    model = given.get("model", DEFAULT)
    if model not in [one.name for one in all_models()]:
        raise ValueError("This lesson was written for a model that this app does not have. Ask its author for another.")
    strategies = [one for one in given.get("strategies", ("mean", "max", "cls")) if one in names]
    layer = given.get("layer", "")
    usable = layer == AVERAGE or (layer.isascii() and layer.isdigit() and len(layer) < 4)
    choices, sentences = (given.get(key, ()) for key in ("choices", "sentences"))
    return OwnLesson(
        **{key: cleaned(given.get(key, ""), most, lines=key in SEVERAL_LINES) for key, most in LIMITS.items()},
        ask=given["ask"] if given.get("ask") in ASKS else "fixed",
        choices=tuple(cleaned(one, LONGEST_CHOICE) for one in choices[:MOST_CHOICES]),
        right=max(0, min(int(given.get("right", 0)), MOST_CHOICES - 1)),
        said={
            cleaned(key, LONGEST_SENTENCE): cleaned(text, LONGEST_SAID, lines=True)
            for key, text in [*given.get("said", {}).items()][: 2 * MOST_CHOICES]
            if cleaned(text, LONGEST_SAID).strip()
        },
        sentences=tuple(filter(None, (cleaned(one, LONGEST_SENTENCE).strip() for one in sentences[:MOST_SENTENCES]))),
        model=model,
        layer=layer if usable else "",
        template=cleaned(given.get("template", PLAIN), LONGEST_TEMPLATE),
        strategy=given["strategy"] if given.get("strategy") in names else "mean",
        strategies=tuple(dict.fromkeys(strategies))[:MOST_CHOICES],
    )


def cleaned(text: object, most: int, *, lines: bool = False) -> str:
    """A text of so many characters at most, in one line or in several, without those that no page can show.

    Spaces stay of the kind they are: French and Japanese have their own. What turns the direction of writing round does
    not: it would mirror words around the text.
    """

    def kept(c: str) -> str:
        if c == "\n" and lines:
            return c
        kind = unicodedata.category(c)
        if c.isspace() and kind != "Zs":
            return " "
        return "" if kind in ("Cc", "Cs") or c in TURNS else c

    return "".join(map(kept, str(text)[:most]))


def computed(own: OwnLesson, encoder: "Encoder | None") -> Lesson:
    """The lesson, its answer computed by the model it names, which one without sentences does not need.

    Raises:
        ValueError: where it lacks something, or nothing can be said to be right, in a sentence.
    """
    if lacking := own.lacks():
        raise ValueError(" ".join(lacking))
    made = _answer(own, encoder)
    names = [name for name in own.named if name != made.answer]
    start = {"model": own.model, "strategy": own.strategy, "text": "\n".join(own.sentences)}
    start |= {"prompt": "own", "template": own.template} if own.template != PLAIN else {"prompt": "none"}
    start |= {"layer": own.layer} if own.layer else {}
    task = Task("similarity", "Go on with these sentences: change a word, and see which numbers follow.")
    return Lesson(
        name=own.name,
        order=0,
        title=own.title,
        ground=own.ground.strip(),
        question=own.asked,
        choices=own.named,
        right=made.answer,
        wrong={name: own.said_to(name) for name in names},
        task=task,
        reading=(),
        models=(own.model,) if own.sentences else (),
        better="",
        pairs=False,
        compute=lambda: Shown(made.answer, made.parts, made.because, start if own.sentences else {}),
        sentences=own.sentences,
        own=True,
    )


def _answer(own: OwnLesson, encoder: "Encoder | None") -> Shown:
    if encoder is None or not own.sentences:
        return Shown(str(own.right + 1), (), own.reason, {})
    layer, title = own.pooled_layer, get_strategy(own.strategy).label
    encoder.check_template(own.template)
    attention = isinstance(layer, int) and layer > 0
    states = encoder.encode(own.sentences, layer=layer, attention=attention, template=own.template)
    for i, lost in enumerate(states.lost, start=1):
        if lost:
            raise ValueError(f"Sentence {i} has {lost} tokens more than the model reads. Shorten it.")
    asked = own.strategies if own.ask == "strategies" else (own.strategy,)
    pooled, missing = pool_all(states, [get_strategy(name) for name in asked], model=encoder.name, layer=layer)
    for name, why in missing.items():
        raise ValueError(f"{get_strategy(name).label}: {why}")
    matrices = {name: matrix_table(compare(one.embedding, one.embedding, COSINE)) for name, one in pooled.items()}
    strips = partial(_strips, own, states)
    if own.ask == "strategies":
        labels = {name: get_strategy(name).label for name in asked}
        scores = {name: matrices[name].loc[1, 2] for name in asked}
        best = _highest(scores, labels)
        table = pd.DataFrame({"name": asked, "label": labels.values(), "cosine": scores.values()})
        between = "cosine of sentences 1 and 2"
        usual = "What is a high cosine differs from strategy to strategy: the highest is not the best pooling."
        parts: tuple[Part, ...] = (_bars(table, between, usual), strips(pooled[best], best))
        return Shown(best, parts, _because(own, between, scores, labels), {})
    matrix = matrices[own.strategy]
    if own.ask == "sentences":
        labels = {name: f"sentence {name}" for name in own.named}
        scores = {name: matrix.loc[1, int(name)] for name in own.named}
        best = _highest(scores, labels)
        table = pd.DataFrame({"name": own.strategy, "label": own.named.values(), "cosine": scores.values()})
        between = f"cosine to sentence 1 under {title}"
        parts = (_bars(table, between), strips(pooled[own.strategy], own.strategy))
        return Shown(best, parts, _because(own, between, scores, labels), {})
    parts = (strips(pooled[own.strategy], own.strategy),)
    if len(own.sentences) > 1:
        draw = partial(similarity_heatmap, matrix, own.sentences, COSINE)
        parts += (Picture(draw, matrix.reset_index(), about_matrix(pair_table(matrix, COSINE), COSINE)),)
    return Shown(str(own.right + 1), parts, own.reason, {})


def _highest(scores: dict[str, float], called: dict[str, str]) -> str:
    """The choice of the highest cosine."""
    if any(map(math.isnan, scores.values())):
        raise ValueError("One embedding is zero, so it has no cosine. Change a sentence.")
    first, second = sorted(scores, key=scores.__getitem__, reverse=True)[:2]
    if scores[first] - scores[second] < TIE:
        said = f"{called[first]} and {called[second]} have nearly the same cosine, {number(scores[first])}"
        raise ValueError(f"{said[0].upper()}{said[1:]}, so neither alone is right. Change a sentence or a choice.")
    return first


def _because(own: OwnLesson, between: str, scores: dict[str, float], called: dict[str, str]) -> str:
    ordered = sorted(scores, key=scores.__getitem__, reverse=True)
    measured = ", ".join(f"{number(scores[name])} ({called[name]})" for name in ordered)
    return f"{own.reason}\n\nThe {between}: {measured}.".strip()


def _bars(table: pd.DataFrame, between: str, noticed: str = "") -> Picture:
    said = ", ".join(f"{label} {number(value)}" for label, value in zip(table["label"], table["cosine"], strict=True))
    return Picture(partial(cosines, table, between), table.drop(columns="name"), noticed, alt=f"The {between}: {said}.")


def _strips(own: OwnLesson, states: "TokenStates", pooled: "Pooled", name: str) -> Strips:
    """The sentences' tokens with their weights under a strategy."""
    strategy, tables = get_strategy(name), token_tables(states, pooled)
    rows = tuple((str(i), table) for i, table in enumerate(tables, start=1))
    counts = "the share of dimensions that it wins" if pooled.kind == "winners" else "its weight"
    where = f"at layer {layer_name(own.pooled_layer)}"
    where += f", in the prompt “{own.template}”" if own.template != PLAIN else ""
    return Strips(rows, strategy.label, f"Below each token is {counts} under {strategy.label}, {where}.")
