"""The widgets of the Evaluation page."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import streamlit as st

from pages.ui import kept, navigation, url
from pages.ui.controls import find_benchmark, take_strategy
from pages.ui.controls.files import choose_pairs, choose_texts
from pooling.datasets import own_pairs, own_topics

if TYPE_CHECKING:
    import pandas as pd

    from pages.ui.layout import Pressed
    from pooling.datasets import Pair
    from pooling.encoders import Layer


def choose_scored_data() -> str:
    """What strategies are scored on: "own", "stsb", "topics", or a file of "pairs" or "texts"."""
    names = {
        "own": "484 pairs of this project",
        "stsb": "STS Benchmark, test set",
        "topics": "256 labelled texts of this project",
        "pairs": "My file: two texts and a score",
        "texts": "My file: a text and a label",
    }
    return kept.one_of(
        st.selectbox,
        "Scored on",
        names,
        key="data",
        default="own",
        width=360,
        help="Scores are how alike people found two texts, on any scale, or 0 and 1 for no and yes.",
    )


def choose_scored_pairs(data: str) -> "tuple[Pair, ...] | None":
    """The scored pairs of that name; None, with what is lacking shown, while there are none."""
    from pages.ui import cache

    if data == "own":
        return tuple(own_pairs())
    if data == "pairs":
        return choose_pairs("Evaluate these")
    folder = find_benchmark()
    return None if folder is None else tuple(cache.stsb(folder)["test"])


def choose_labelled_texts(data: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The texts of that name and their labels; None, with what is lacking shown, while there are none."""
    return own_topics() if data == "topics" else choose_texts("Evaluate these")


def take_cell(layers: "Sequence[Layer]", names: Sequence[str], cell: "Pressed") -> None:
    """Have the layer and the strategy of a pressed cell of the grid chosen, where they are on offer."""
    take_strategy(names, cell.column)
    layer = layers[cell.row] if cell.row < len(layers) else None
    if isinstance(layer, int):
        st.session_state["layer"] = str(layer)
    elif layer is not None and layer[0] == 1:
        st.session_state["layer"] = "first-last"


def choose_worst(worst: "pd.DataFrame", shared: dict[str, str]) -> str:
    """The name in an address of one of the pairs of `worst_table`, beside a link that opens it; empty for none.

    Args:
        worst: the pairs, of which those are on offer that a link can hold.
        shared: what an address says that holds on every page.
    """
    titles, links = {"": "No pair chosen"}, {}
    for place, row in enumerate(worst.itertuples(), start=1):
        # By its place among all pairs: under another strategy it is another of the worst, or none of them.
        name, texts = str(row.Index), [" ".join(text.split()) for text in (row.text1, row.text2)]
        query = {**shared, "text": "\n".join(texts), "at": "why"}
        if len(urlencode(query)) < url.LONGEST:
            titles[name], links[name] = f"{place} · {' / '.join(texts)}", query
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="explain"):
        chosen = kept.one_of(
            st.selectbox, "Pair", titles, key="worst", default="", label_visibility="collapsed", width=460
        )
        if chosen:
            similarity = navigation.called("similarity")
            navigation.link(similarity, "**Explain this pair**", icon=":material/arrow_forward:", query=links[chosen])
    return chosen


def take_worst(names: Sequence[str], row: int | None) -> None:
    """Have the pair of a marked row of the table chosen; none, where none is marked any more."""
    st.session_state["worst"] = names[row] if row is not None and row < len(names) else ""
