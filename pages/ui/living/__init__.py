"""The living picture of the Playground: a sentence that is pooled in the browser, under the reader's hand.

The sentence's numbers are sent once (`pooling.living`); `pool.js` pools them, `living.js` draws. What the reader does
comes back as one act, after the movement has ended: the strategy, own weights, and the dimension worked out.
"""

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import cache, kept, layout, navigation, sentence, share, url
from pages.ui.choice import Choice
from pooling.datasets import sample_sets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pages.ui.sentence import Weighed
    from pooling.living import Living

KEY = "living"
REACHED = 0.05
"""By how much one weight is to move a cosine in a sample set's task."""


def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _script() -> str:
    """Both modules as one: a browser gets a component's code as a text that can import nothing."""
    return re.sub(r"^import .*\n|^export (?=function)", "", _file("pool.js") + _file("living.js"), flags=re.MULTILINE)


_picture = st.components.v2.component("living", html=_file("living.html"), css=_file("living.css"), js=_script())


def weighed(choice: Choice, index: int) -> "Weighed":
    """A sentence under the strategy, or under the reader's own weights.

    Own weights are of one text read in one way, and began as what its tokens count under one strategy: where another
    strategy, layer or parameter makes them count otherwise, they are gone.

    Raises:
        NotComputable: where the strategy needs what is not there, such as a head.
    """
    kept.belongs("weights", (choice.texts[index], choice.reading, choice.recipe.strategy), "")
    made = sentence.weighed(choice, index)
    kept.belongs("weights", tuple(made.tokens["weight"].round(4)), "", by="began")
    url.text("weights", "")
    own = _read_weights(st.session_state["weights"].split(","))
    if not own or len(own) != len(made.tokens):
        st.session_state["weights"] = ""
        url.text("weights", "")  # an address does not keep what is nothing
        return made
    share.offer_own_weights(choice.texts[index], own)
    return sentence.weighed(choice, index, own)


def asked_dimension(choice: Choice, index: int, dim: int) -> int | None:
    """The dimension that the reader has clicked, of this sentence at this layer."""
    kept.belongs("dimension", (choice.texts[index], choice.reading, choice.layer), "")
    asked = url.choice("dimension", ["", *map(str, range(dim))], "")
    return int(asked) if asked else None


def show(weighed: "Weighed", dimensions: "Sequence[int]", dimension: int | None) -> None:
    """The picture of a sentence in these dimensions, one of them worked out below."""
    from pooling.charts.theme import HIDDEN, IN_CELLS

    dark, state = layout.dark(), st.session_state
    made = _living(weighed, weighed.choice, weighed.index, tuple(dimensions))
    now = {
        "strategy": weighed.choice.recipe.strategy,
        "own": list(weighed.own) or None,
        "dimension": dimension,
        "task": _task(weighed.choice, weighed.index),
        "hints": state.setdefault("_hints", not st.query_params),
        "ack": state.setdefault("_acts", 0),
        "colours": HIDDEN[dark],
        "ink": IN_CELLS[dark],
    }
    state["_living"] = weighed.choice, weighed.index, len(weighed.tokens)
    _picture(
        key=KEY,
        data={"sentence": made.text, "now": now, "numbers": made.numbers},
        on_act_change=_acted,
        width="stretch",
    )


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Choice: repr})
def _living(_weighed: "Weighed", choice: Choice, index: int, dimensions: tuple[int, ...]) -> "Living":
    from pooling.charts.chips import about_token
    from pooling.charts.playground import colour_range
    from pooling.charts.theme import strategy_colour
    from pooling.living import living
    from pooling.tables import token_list
    from pooling.tables.playground import collapse_table

    states = cache.states(choice.reading, choice.layer, choice.texts)
    made = living(
        states,
        index,
        choice.strategies,
        base=choice.recipe.strategy,
        dimensions=dimensions,
        model=choice.model,
        layer=choice.layer,
    )
    tokens = token_list(_weighed.states)
    made.said |= {
        "id": f"{hash((choice.texts[index], index, choice.reading, choice.layer)):x}",
        "tokens": [
            {
                "token": row["token"],
                "position": row["position"],
                "special": row["special"],
                "prompt": row["prompt"],
                "pooled": row["pooled"],
                "joined": row["continues"],
                "about": about_token(row),
            }
            for row in tokens.to_dict("records")
        ],
        "others": [{"number": i, "text": choice.texts[i - 1]} for i in made.said["others"]],
        "limit": colour_range(collapse_table(_weighed.states, _weighed.pooled, dimensions).iloc[:-1]),
    }
    for one in made.said["strategies"]:
        one["colour"] = strategy_colour(one["name"])
    return made


def _task(choice: Choice, index: int) -> dict[str, Any] | None:
    """What to try with the weights of a sample set's first sentence."""
    chosen = next((one for one in sample_sets() if one.sentences == choice.texts), None)
    if chosen is None or index or navigation.TASK in url.chosen():  # a lesson's task comes first
        return None
    other, how = (chosen.less_like, "less") if chosen.less_like else (chosen.more_like, "more")
    return {
        "other": other,
        "less": how == "less",
        "text": f"Try it: make this sentence {how} like {other} · “{choice.texts[other - 1]}” by moving one weight, "
        f"by {REACHED:g} of cosine.",
        "reached": REACHED,
    }


def _acted() -> None:
    """Take over what the reader did: whatever the browser sends, only what the page offers."""
    from pooling import all_strategies

    state = st.session_state
    act, (choice, index, tokens) = state[KEY].act, state["_living"]
    if not isinstance(act, dict) or act.get("strategy") not in [one.name for one in all_strategies()]:
        return
    state["strategy"] = act["strategy"]
    weights = _read_weights(act["weights"]) if isinstance(act.get("weights"), list) else None
    state["weights"] = ",".join(f"{w:g}" for w in weights) if weights and len(weights) == tokens else ""
    state["dimension"] = str(act["dimension"]) if isinstance(act.get("dimension"), int) else ""
    kept.chosen_for("weights", (choice.texts[index], choice.reading, act["strategy"]))
    kept.chosen_for("began", None)
    state["_acts"] = act["n"] if isinstance(act.get("n"), int) else state["_acts"] + 1


def _read_weights(given: "Sequence[object]") -> tuple[float, ...] | None:
    """Numbers from 0 to 1, or None where one is something else."""
    try:
        made = tuple(float(one) for one in given if isinstance(one, str | int | float))
    except ValueError:
        return None
    return made if len(made) == len(given) and all(math.isfinite(w) and 0 <= w <= 1 for w in made) else None
