"""The steps after pooling: a row of switches, how many dimensions are kept, a number type."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import url
from pages.ui.controls import handle

if TYPE_CHECKING:
    from pooling import Encoder
    from pooling.after import Step

FLOAT32 = "float32"
"""The number type that embeddings have without a step."""
KEPT = tuple(2**power for power in range(4, 12))
"""How many dimensions can be kept."""


def asked_for(encoder: "Encoder") -> tuple[str, ...]:
    """The steps that are switched on, in their own order and as a recipe writes them, wherever the switches stand."""
    # By hand: they count where they are not drawn too.
    chosen = url.several("after", list(_switches(encoder)), ())
    types = {one.name: one for one in _all_steps() if one.stores}
    number_type = url.choice("type", [FLOAT32, *types], FLOAT32)
    made: list[str] = []
    for name in _switches(encoder):
        if name in chosen:
            count = f":{_choose_count(name, encoder)}" if _switches(encoder)[name].counts else ""
            made += [f"{name}{count}"] * (len(_dense(encoder)) if name == "dense" else 1)
    return (*made, *([number_type] if number_type in types else []))


def choose(encoder: "Encoder", *, again: bool = False) -> None:
    """The switches, read with `asked_for` before.

    Args:
        encoder: whose files may have steps of their own.
        again: a second handle, beside the pictures that they change.
    """
    steps = _switches(encoder)
    chosen = st.pills(
        "After pooling",
        list(steps),
        selection_mode="multi",
        format_func=lambda name: steps[name].label,
        help="\n\n".join(["They are taken in this order.", *(f"**{s.label}.** {s.summary}" for s in steps.values())]),
        label_visibility="collapsed" if again else "visible",
        wrap=True,
        **handle("after", again=again),
    )
    types = {one.name: one for one in _all_steps() if one.stores}
    about = "\n\n".join(f"**{one.label}.** {one.summary}" for one in types.values())
    st.selectbox(
        "Number type",
        [FLOAT32, *types],
        help=f"In which embeddings are stored, and compared.\n\n{about}",
        label_visibility="collapsed" if again else "visible",
        width=140 if again else "stretch",
        **handle("type", again=again),
    )
    for step in (steps[name] for name in steps if name in chosen and steps[name].counts):
        names = {str(count): step.label.replace(" k dimensions", f" {count}") for count in _counts(encoder)}
        st.select_slider(
            step.label,
            list(names),
            format_func=names.__getitem__,
            label_visibility="collapsed",
            width=200 if again else "stretch",
            **handle(step.name, again=again),
        )


def explain(after: tuple[str, ...], lacking: dict[str, str], fitted_on: int) -> None:
    """What the chosen steps do, what to watch out for, and which are left out.

    Args:
        after: the steps that are taken, and
        lacking: why others cannot be.
        fitted_on: how many texts they are fitted on.
    """
    from pooling.after import get_step

    steps = [get_step(one) for one in dict.fromkeys(after)]
    for one in steps:
        st.caption(f"**{one.title}.** {one.summary}", help=f"{one.watch_out}\n\nCan it be undone? {one.undo}")
    if any(one.fits == "corpus" for one in steps):
        st.caption(f"Fitted on {fitted_on:,} texts of this project: its labelled ones, and those of its pairs.")
    for name, reason in lacking.items():
        st.caption(f":material/block: {get_step(name).title} is left out: {reason}")


def _all_steps() -> "list[Step]":
    from pooling.after import all_steps

    return all_steps()


def _switches(encoder: "Encoder") -> "dict[str, Step]":
    """The steps that a model's embeddings can have, by name, but for number types."""

    def possible(step: "Step") -> bool:
        if step.stores or (step.fits == "model" and not _dense(encoder)):
            return False
        return bool(_counts(encoder)) or not step.counts

    return {one.name: one for one in _all_steps() if possible(one)}


def _dense(encoder: "Encoder") -> "list[Step]":
    """The Dense layers of the model's own files."""
    return [one for one in encoder.after if one.fits == "model"]


def _counts(encoder: "Encoder") -> list[int]:
    """How many of the dimensions can be kept, fewer than there are."""
    made = [one.settings["fitted"]["weight"] for one in _dense(encoder)]
    dim = min([encoder.dim, *(len(weight) for weight in made if weight is not None)])
    return [count for count in KEPT if count < dim]


def _choose_count(step: str, encoder: "Encoder") -> str:
    options = [str(count) for count in _counts(encoder)]
    return url.choice(step, options, "128" if "128" in options else options[-1])
