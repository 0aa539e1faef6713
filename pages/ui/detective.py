"""What the Detective page computes in turn, and shows of an answer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import cache, controls, layout, navigation, waiting
from pages.ui.choice import Choice
from pages.ui.controls.detective import Evidence
from pooling.catalogue import PLAIN
from pooling.datasets import Exhibit, own_pairs

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from pooling import Encoder
    from pooling.detect import Findings, Match

LOOKS = {
    "exact": ("check_circle", "Found exactly."),
    "near": ("target", "Found nearly."),
    "nothing": ("help", "Not found."),
}


@dataclass(frozen=True, eq=False)
class Case:
    """Vectors, and the model that is thought to have made them."""

    evidence: Evidence
    choice: Choice
    directions: "Tensor"
    """What the vectors stand for: of packed bits one number each."""

    @property
    def encoder(self) -> "Encoder":
        """The model."""
        return cache.encoder(self.choice.model)

    @property
    def key(self) -> tuple[str, str, str]:
        """Everything that the answer depends on."""
        return self.evidence.digest, self.choice.model, self.choice.reading.template

    def clues(self) -> "pd.DataFrame":
        """What can be seen before anybody searches; the session keeps it while it looks at the same vectors."""
        from pooling.tables.detective import clue_table

        key, made = st.session_state.get("_clues", ("", None))
        if key != self.key:
            made = clue_table(self.evidence.texts, self.evidence.vectors, self.directions, self.encoder)
            st.session_state["_clues"] = self.key, made
        return made


def open_case(evidence: Evidence, choice: Choice) -> Case:
    """Look at the numbers before anything is computed of them.

    Raises:
        ValueError: when they cannot be vectors of these texts and this model; one sentence.
    """
    from pooling.detect import read

    targets = read(list(evidence.texts), evidence.vectors, cache.encoder(choice.model))
    return Case(evidence, choice, targets[-1].vectors)


def detected(case: Case) -> "Findings":
    """The answer, computed in turn, once for everybody who asks the same."""
    from pooling.detect import detect

    texts, vectors, encoder = list(case.evidence.texts), case.evidence.vectors, case.encoder
    own = [case.choice.reading.template] if case.choice.reading.template != PLAIN else []
    return waiting.answer(
        cache.computations("detective", keep=48),
        case.key,
        lambda report: detect(texts, vectors, encoder, prompts_too=own, whole=True, report=report),
        "Comparing recipes with these vectors",
        title="other vectors to be explained",
    )


def show_verdict(findings: "Findings", encoder: "Encoder", recipe: "pd.DataFrame | None") -> None:
    """The answer in words, how it differs from the model's own, what ties with it, and what would tell it apart."""
    from pooling.notices.detective import differences, verdict

    icon, title = LOOKS[findings.verdict]
    with st.container(border=True, key="found"):
        st.markdown(f":material/{icon}: **{title}**")
        layout.plain(verdict(findings, encoder))
        if findings.verdict != "nothing" and recipe is not None and (unlike := differences(recipe)):
            layout.plain(unlike)
        for match in findings.matches[1:] if findings.verdict == "exact" else ():
            layout.plain(f"Or, as exactly: {match}.")
        for said in findings.said:
            layout.remark(said)


def show_story(exhibit: Exhibit) -> None:
    """What really made an exhibit."""
    with st.container(border=True, key="story"):
        st.markdown("**What really happened.** " + exhibit.story)
        st.code(exhibit.made, language=None, wrap_lines=True)
        if exhibit.link:
            st.markdown(f"Where it happened: <{exhibit.link}>")


def show_recipe(recipe: "pd.DataFrame", found: "Match") -> None:
    """What was found beside the model's own, and the way to the exhibit of its mistake."""
    from pooling.bugs import BUGS
    from pooling.notices.detective import museum

    titles = {"own": "The model's own", "found": "What made these vectors", "is": "Difference"}
    layout.rows(recipe.rename(columns=titles), "The recipe that was found, beside the model's own:")
    lab = next(page for page in navigation.PAGES if page.title == "Padding Lab")
    if name := museum(found):
        title = next(bug.title for bug in BUGS if bug.name == name)
        navigation.link(lab, f"Museum: {title}", icon=":material/museum:", query={"bug": name})
    elif "attended_padding" in (found.bug or ""):
        masks = {"attention_mask": "off", "pooling_mask": "on"}
        navigation.link(lab, "In the Padding Lab: a forgotten attention mask", icon=":material/science:", query=masks)


def show_cost(case: Case, findings: "Findings") -> None:
    """What the recipe scores on the project's pairs beside the model's own, when that is asked for."""
    from pooling.notices.detective import is_own
    from pooling.pictures.detective import cost as picture
    from pooling.tables.detective import cost

    if is_own(findings.matches[0], case.encoder):
        st.caption("It is the model's own recipe, so it costs nothing and nothing has to be mended.")
        return
    if (remake := findings.remake) is None:
        st.caption("Its cost is not computed: what was taken away from these vectors is not known for other texts.")
        return
    if not controls.ask("Measure what it costs", key="detective-cost"):
        return
    pairs, encoder = own_pairs(), case.encoder
    made = waiting.answer(
        cache.computations("detective", keep=48),
        (*case.key, "cost"),
        lambda report: cost(pairs, remake, encoder, report),
        f"Scoring both recipes on {len(pairs)} pairs",
        title="a recipe to be scored",
    )
    if made is None:
        st.caption("It has no score: under one of the two recipes all pairs are equally alike.")
    else:
        layout.picture(picture(made, len(pairs)), key="detective-costs")


def show_mending(recipe: "pd.DataFrame", found: "Match", encoder: "Encoder") -> None:
    """The flags and lines that make the model's own recipe of what was found."""
    from pooling.notices.detective import READ_IN, mends, right_lines

    for title, wrong, right in right_lines(found):
        st.markdown(f"**{title}**: in code of your own, this line is wrong, and that one is right.")
        left, beside = st.columns(2)
        left.code(wrong, wrap_lines=True)
        beside.code(right, wrap_lines=True)
    if found.bug:
        st.caption(
            "This is a mistake in a program's code, which no flag of these programs mends: look for the place, or "
            "report it with these texts and vectors."
        )
    table = mends(recipe, found, encoder)
    if len(table):
        layout.rows(table, "What makes the model's own recipe of it, in each program:")
        st.caption(READ_IN + " Code has the whole commands for what the sidebar chooses.")
