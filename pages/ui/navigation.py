"""The list of pages, and the guard that puts every page inside the frame of app.py."""

import threading
from dataclasses import dataclass
from pathlib import Path

import streamlit as st


@dataclass(frozen=True)
class PageInfo:
    """A page: the question it answers, and where it stands in the navigation."""

    file: str
    title: str
    icon: str
    section: str
    question: str
    answer: str


PAGES = (
    PageInfo(
        file="pages/playground.py",
        title="Playground",
        icon="🧮",
        section="Explore",
        question="How does a matrix of token vectors become one embedding?",
        answer=(
            "A model turns each token, a word or a piece of one, into a vector: a row of the matrix. A pooling "
            "strategy gives every token a weight. Each column then collapses into one number: the weighted sum of its "
            "cells."
        ),
    ),
    PageInfo(
        file="pages/hidden_states.py",
        title="Hidden States",
        icon="🔬",
        section="Explore",
        question="What does each layer say about each token?",
        answer=(
            "Every layer gives every token a new vector, its hidden state, with more of its neighbours mixed in. The "
            "same word in two sentences starts out nearly the same and drifts apart."
        ),
    ),
    PageInfo(
        file="pages/attention.py",
        title="Attention",
        icon="👂",
        section="Explore",
        question="Which tokens does attention pooling listen to, and does a trained head do better?",
        answer=(
            "A head, a few hundred trained numbers, scores every token; a softmax turns the scores into weights that "
            "add up to 1. On pairs like those it learned from it can score above mean pooling; on others it can lose."
        ),
    ),
    PageInfo(
        file="pages/similarity.py",
        title="Similarity",
        icon="🧲",
        section="Compare",
        question="Which sentences become neighbours, and why?",
        answer=(
            "Two embeddings are compared by one number. The strategy, and how you measure, decide who is near whom. A "
            "cosine or a dot product splits exactly into what each pair of tokens adds to it."
        ),
    ),
    PageInfo(
        file="pages/projection.py",
        title="Projection",
        icon="🗺️",
        section="Compare",
        question="Where do the embeddings land on a map?",
        answer=(
            "A map squeezes hundreds of dimensions into two or three. Neighbours can get lost on the way; this page "
            "says how many are kept, and how far to believe what is seen."
        ),
    ),
    PageInfo(
        file="pages/evaluation.py",
        title="Evaluation",
        icon="📏",
        section="Compare",
        question="Which strategy scores best on these pairs, and is the difference real?",
        answer=(
            "The best strategy is the one whose similarities rank pairs of texts most nearly as their scores do. A "
            "lead counts only if it survives when the pairs are drawn again."
        ),
    ),
    PageInfo(
        file="pages/learn.py",
        title="Learn",
        icon="🎓",
        section="Learn",
        question="Can you predict what pooling does?",
        answer=(
            "Each lesson asks first. You commit to an answer, and then the real model shows what happens, and why."
        ),
    ),
    PageInfo(
        file="pages/padding_lab.py",
        title="Padding Lab",
        icon="🧪",
        section="Learn",
        question="How does padding silently ruin an embedding?",
        answer=(
            "Texts of a batch are filled up to one length with padding tokens. Two masks keep them out, one inside "
            "the model and one in pooling. Forget one, and nothing fails but the embedding."
        ),
    ),
)

_run = threading.local()
"""Not in the session's state, which cannot be written any more when a page has stopped."""
ROOT = Path(__file__).parents[2]
SECTIONS = ("Explore", "Compare", "Learn")


def build() -> PageInfo:
    """Draw the navigation and say which page is asked for."""
    pages = {p: st.Page(ROOT / p.file, title=p.title, icon=p.icon, default=p is PAGES[0]) for p in PAGES}
    grouped = {s: [page for p, page in pages.items() if p.section == s] for s in SECTIONS}
    chosen = st.navigation({s: inside for s, inside in grouped.items() if inside}, position="top")
    st.session_state["_page"] = chosen
    return next(p for p, page in pages.items() if page.title == chosen.title)


def address(page: str, query: str = "") -> str:
    """A link from any other page to one of this app's, whatever path the app is served under."""
    first = page == Path(PAGES[0].file).stem
    return f"./{'' if first else page}{'?' if query else ''}{query}"


def run_page() -> None:
    """Run the chosen page, which may then call `require_frame`."""
    _run.framed = True
    try:
        st.session_state["_page"].run()
    finally:
        _run.framed = False


def require_frame() -> None:
    """The first line of each page: go through app.py, whoever started this file.

    Until app.py has run once in a fresh server, Streamlit answers a deep link by running the
    page's file alone, without sidebar or state.
    """
    if getattr(_run, "framed", False):
        st.session_state["_alone"] = False
        return
    if st.session_state.get("_alone"):
        st.error("This is one page of the app. Start the app with: streamlit run app.py")
        st.stop()
    st.session_state["_alone"] = True
    build()
    st.rerun()
