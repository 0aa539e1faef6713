"""The widgets of the Projection page."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import kept, url
from pages.ui.controls import current
from pages.ui.controls.files import choose_texts
from pooling.datasets import own_topics

if TYPE_CHECKING:
    from pooling.projection import Metric, Umap

MOST_NEIGHBOURS = 50
MOST_CHOSEN = 500
"""Points chosen on a map that are kept, and go into a link."""


@dataclass(frozen=True)
class Corpus:
    """Texts to map, and a label for each, or no label."""

    name: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]

    @cached_property
    def digest(self) -> str:
        """Different for other texts: a short key for what is computed from them, whatever their labels."""
        return hashlib.sha256("\x1f".join(self.texts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def choose_source() -> str:
    """Whose texts to map: "topics", "own" or "file"."""
    names = {"topics": "Bundled topics", "own": "Your sentences", "file": "A file"}
    return kept.one_of(st.segmented_control, "Texts", names, key="map-texts", default="topics", required=True)


def choose_corpus(source: str) -> Corpus | None:
    """The texts to map; None while a file is asked for and there is none to read."""
    if source == "topics":
        return Corpus(source, *own_topics())
    if source == "own":
        return Corpus(source, current(with_strategy=False).texts, ())
    read = choose_texts("Map these", label=False)
    return read and Corpus("file", *read)


def choose_map() -> tuple[str, int]:
    """How to map: "pca" or "umap", and the number of axes, 2 or 3."""
    from pooling.projection import FEWEST_FOR_UMAP

    kinds = {"pca": "PCA", "umap": "UMAP"}
    kind = kept.one_of(
        st.segmented_control,
        "Map",
        kinds,
        key="map-kind",
        default="pca",
        required=True,
        help=(
            "PCA is a shadow: it turns the cloud of points until the shadow is widest, at once and always the same. "
            "UMAP ties each text to its nearest neighbours and lays the ties out flat, which keeps more of who is "
            f"near whom and loses what is far from what. UMAP needs at least {FEWEST_FOR_UMAP} texts."
        ),
    )
    axes = {"2": "2D", "3": "3D"}
    chosen = kept.one_of(st.segmented_control, "Axes", axes, key="map-axes", default="2", required=True)
    return kind, int(chosen)


def choose_settings(kind: str, axes: int) -> "tuple[Metric, Umap]":
    """What counts as near ("cosine" or "euclidean"), and the settings of a UMAP fit."""
    from pooling.projection import Umap

    metrics: dict[Metric, str] = {"cosine": "Cosine", "euclidean": "Euclidean"}
    distances = ("0.0", "0.05", "0.1", "0.25", "0.5", "0.8")
    # By hand: they stay in the link, and what they were, while PCA is chosen, which has no use for them.
    url.number("map-neighbours", 2, MOST_NEIGHBOURS, Umap.neighbours)
    url.choice("map-distance", distances, str(Umap.distance))
    url.number("map-seed", 0, 9999, Umap.seed)
    with st.popover("Settings", icon=":material/tune:", key="map-settings"):
        metric = kept.one_of(
            st.segmented_control, "What counts as near", metrics, key="map-metric", default="cosine", required=True
        )
        st.caption(
            "Cosine compares directions, as semantic search does: embeddings are scaled to length 1 first. "
            "Euclidean also counts their lengths. It holds for the map and for every neighbour on this page."
        )
        if kind == "umap":
            neighbours = st.slider("Neighbours", 2, MOST_NEIGHBOURS, key="map-neighbours", persist_state="session")
            st.caption("How many each text is tied to. Few: small clumps and detail. Many: the whole picture.")
            distance = st.select_slider("Least distance", distances, key="map-distance", persist_state="session")
            st.caption("How closely points may pack. 0 makes tight clumps; larger spreads them out evenly.")
            seed = st.number_input("Seed", 0, 9999, key="map-seed", persist_state="session")
            st.caption(
                "UMAP moves points by chance. The same seed gives the same picture; what changes with "
                "another seed is not in the data."
            )
            return metric, Umap(neighbours, float(distance), seed, axes)
    return metric, Umap(axes=axes)


def choose_search() -> str:
    """What to ring on the map."""
    placeholder = "a word or a label"
    return kept.text(st.text_input, "Find", key="map-search", placeholder=placeholder, max_chars=100, width=170)


def chosen_points(corpus: Corpus) -> list[int]:
    """The texts of this corpus that were chosen on its map, in this session or in the link."""
    options = {str(i): i for i in range(len(corpus.texts))}
    return [options[i] for i in url.several(_points_key(corpus), options, (), most=MOST_CHOSEN)]


def choose_points(corpus: Corpus, numbers: Sequence[int]) -> None:
    """Keep what was chosen on a map just now, or that nothing is."""
    st.session_state[_points_key(corpus)] = [str(number) for number in numbers]


def map_key(corpus: Corpus) -> str:
    """The key of the large map of these texts."""
    return f"map-{corpus.digest}-{st.session_state.get(f'_{_points_key(corpus)}-turn', 0)}"


def chosen_elsewhere(corpus: Corpus, of: object) -> bool:
    """Whether texts of this corpus were ever chosen by a link, a way back or on another map than the large one.

    Where that one still shows what was chosen on it before, it is drawn from the beginning, by another key.

    Args:
        corpus: the texts.
        of: what the large map is drawn from; with something else its figure forgets what was chosen in it.
    """
    state, key, drawn = st.session_state, _points_key(corpus), map_key(corpus)
    shown = sorted({point["customdata"] for point in state[drawn].selection.points}) if drawn in state else []
    if shown[:MOST_CHOSEN] != chosen_points(corpus):
        state[f"_{key}-elsewhere"] = True
        if shown:
            state[f"_{key}-turn"] = state.get(f"_{key}-turn", 0) + 1
    if state.setdefault(f"_{key}-of", of) != of and chosen_points(corpus):
        state[f"_{key}-elsewhere"] = True
    state[f"_{key}-of"] = of
    return state.get(f"_{key}-elsewhere", False)


def _points_key(corpus: Corpus) -> str:
    return f"map-chosen-{corpus.digest[:8]}"


def choose_compared(first: str, possible: Sequence[str], default: Sequence[str]) -> list[str]:
    """The strategies to set beside the first, five at most; one of them that becomes the first gives up its place."""
    from pooling import get_strategy

    state = st.session_state
    before, state["_map-first"] = state.get("_map-first", first), first
    if before != first and first in state.get("map-with", ()):
        state["map-with"] = [before if name == first else name for name in state["map-with"]]
    others = [name for name in possible if name != first]
    return kept.several(
        st.multiselect,
        f"Set beside {get_strategy(first).label}",
        others,
        key="map-with",
        default=[name for name in default if name in others],
        most=5,
        label=lambda name: get_strategy(name).label,
        placeholder="Choose one to five strategies",
    )


def choose_shown(names: Sequence[str]) -> str:
    """The strategy whose map the moving picture shows, by mouse or keyboard."""
    from pooling import get_strategy

    labels = {name: get_strategy(name).label for name in names}
    return kept.one_of(
        st.segmented_control, "Show the map under", labels, key="map-shown", default=names[0], required=True
    )
