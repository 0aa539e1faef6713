"""The widgets of the Search page."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import kept, layout
from pages.ui.choice import Choice
from pages.ui.controls.files import choose_judged, choose_search_files, choose_texts
from pooling.catalogue import get_model, search_templates
from pooling.datasets import own_topics

if TYPE_CHECKING:
    from pooling.recipe import Reading
    from pooling.retrieval import Chunking, SearchData, Searched


def choose_search_data() -> "SearchData | None":
    """What is searched; None, with what is lacking shown, while there is nothing."""
    names = {
        "own": "100 queries of this project",
        "topics": "256 labelled texts of this project",
        "judged": "My file: a query, a text and its relevance",
        "texts": "My file: a text and a label",
        "files": "My files in BEIR's form",
    }
    name = kept.one_of(
        st.selectbox,
        "Searched",
        names,
        key="searched",
        default="own",
        width=360,
        help="A relevance is a whole number: 0 for not relevant, 1 or more for relevant. Of labelled texts, those "
        "with the label of the query are relevant.",
    )
    return searched(name, "Search these")


def searched(name: str, act: str) -> "SearchData | None":
    """What is searched, by its name; None, with what is lacking shown, while there is nothing.

    Args:
        name: "own", "topics", or a file that is "judged", has labelled "texts", or "files" of BEIR's form.
        act: what a button says that is shown before anything is made of columns that were only guessed.
    """
    from pooling.retrieval import from_pairs, labelled, own_search

    try:
        if name == "own":
            return own_search()
        if name == "files":
            return choose_search_files()
        if name == "judged":
            pairs = choose_judged(act)
            return None if pairs is None else from_pairs(pairs)
        read = own_topics() if name == "topics" else choose_texts(act)
        return None if read is None else labelled(*read)
    except ValueError as wrong:
        layout.problem(str(wrong))
        return None


def choose_prompts(choice: Choice) -> "tuple[Reading, Reading]":
    """How queries are read, and how passages are."""
    from dataclasses import replace

    made = []
    with st.container(horizontal=True, gap="medium"):
        for what, own in zip(("queries", "passages"), search_templates(get_model(choice.model)), strict=True):
            names = {"model": f"The model's: {own}", "none": "No prompt", "sidebar": "As in the sidebar"}
            if own is None:
                del names["model"]
            chosen = kept.one_of(
                st.selectbox,
                f"Prompt of {what}",
                names,
                key=f"prompt-{what}",
                default=next(iter(names)),
                width=360,
            )
            template = own if chosen == "model" and own is not None else "{}"
            plain = replace(choice.reading, template=template, pool_template=True)
            made.append(choice.reading if chosen == "sidebar" else plain)
    queries, passages = made
    return queries, passages


def choose_query(data: "SearchData", searched: "Mapping[str, Searched]", measure: str, *, disabled: bool) -> str:
    """One of the queries, those first on which the ways of searching differ most; at first one about a detail."""
    from pooling.tables.search import spread

    apart = spread(searched, data, measure)
    order = sorted(data.queries, key=lambda query: -apart[query])
    return kept.one_of(
        st.selectbox,
        "Query",
        {query: data.queries[query] for query in order},
        key="asked",
        # The same whatever the ways find, or a link would not know which was meant.
        default=next((query for query in data.queries if data.kinds.get(query) == "detail"), next(iter(data.queries))),
        help="First the queries on which the ways of searching differ most.",
        disabled=disabled,
    )


def choose_own_query() -> str:
    """A query of the reader's own; empty for none."""
    typed = kept.text(
        st.text_input,
        "Or type a query of your own",
        key="own-query",
        max_chars=500,
        placeholder="What do you look for?",
    )
    return typed.strip()


def choose_hit(hits: "Mapping[str, Sequence[int]]", passages: "Sequence[str]") -> int:
    """The number of one of the texts that are found first; at first that of the last way.

    Args:
        hits: the numbers, by what the ways are called.
        passages: all texts.
    """
    from pooling.tables.search import FIRST, short

    names: dict[str, str] = {}
    for way, numbers in hits.items():
        for place, number in enumerate(numbers[:FIRST], start=1):
            names.setdefault(str(number), f"{place} under {way} · {short(passages[number])}")
    *_, last = hits.values()
    return int(kept.one_of(st.selectbox, "One of these texts, token by token", names, key="hit", default=str(last[0])))


def choose_forgetting() -> bool:
    """Whether it is measured what a forgotten prompt costs."""
    title = "Forget the prompts: what does it cost the chosen strategy?"
    return kept.flag(st.toggle, title, key="forget")


def choose_every_layer() -> bool:
    """Whether every layer is searched too, which takes another reading of all texts."""
    return kept.flag(st.toggle, "Search every layer under every strategy", key="every-layer")


def choose_chunking() -> "Chunking | None":
    """How long texts are cut into chunks; None while nobody asks for it, for it takes two readings more."""
    from pooling.retrieval import Chunking

    if not kept.flag(st.toggle, "Compare whole texts with chunks, for the chosen strategy", key="cut"):
        return None
    units = {"sentences": ("Sentences", 1, 20, 4), "tokens": ("Tokens", 16, 200, 64)}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        unit = kept.one_of(
            st.segmented_control,
            "Chunks of",
            {name: one[0] for name, one in units.items()},
            key="cut-by",
            default="sentences",
            required=True,
        )
        title, least, most, usual = units[unit]
        size = kept.number(st.slider, f"{title} a chunk", least, most, key=f"cut-{unit}", default=usual, width=260)
        share = kept.number(st.slider, "of which the next has, in %", 0, 75, key="cut-overlap", default=25, width=260)
    return Chunking("tokens" if unit == "tokens" else "sentences", size, min(size - 1, round(size * share / 100)))
