"""The list of pages, and the guard that puts every page inside the frame of app.py."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import url

if TYPE_CHECKING:
    from pooling.lessons import Lesson


@dataclass(frozen=True)
class PageInfo:
    """A page: the question it answers, and why one would read it after the page before it."""

    file: str
    title: str
    icon: str
    question: str
    answer: str
    why: str
    """Said at the end of the page before, which leads here."""
    greeting: str = ""
    """For whom the app is and what for, where a reader comes in."""
    texts: bool = True
    """Whether it can read the sentences, so that the sidebar offers sample sets."""
    strategy: bool = True
    """Whether it shows the chosen strategy, so that the sidebar says where the model was not trained for it."""


PAGES = (
    PageInfo(
        file="pages/playground.py",
        title="Playground",
        icon="🧮",
        question="How does a matrix of token vectors become one embedding?",
        answer=(
            "A model turns each token, a word or a piece of one, into a vector: a row of the matrix. A pooling "
            "strategy gives every token a weight, some of them another one in each column. Each column then collapses "
            "into one number: the weighted sum of its cells."
        ),
        why="Try what the lessons say on sentences of your own.",
        greeting="For anyone with embeddings: see what pooling does.",
    ),
    PageInfo(
        file="pages/hidden_states.py",
        title="Hidden States",
        icon="🔬",
        question="What does each layer say about each token?",
        answer=(
            "Every layer gives every token a new vector, its hidden state, with more of the context mixed in. The "
            "same word in two sentences starts out nearly the same and drifts apart."
        ),
        why="The rows of the matrix come from the model: see how its layers write them.",
        strategy=False,
    ),
    PageInfo(
        file="pages/attention.py",
        title="Attention",
        icon="👂",
        question="Which tokens does attention pooling listen to, and does a trained head do better?",
        answer=(
            "A head, a few hundred trained numbers, scores every token; a softmax turns the scores into weights that "
            "add up to 1. On pairs like those it learned from it can score above mean pooling; on others it can lose."
        ),
        why="The weights can also be learned: see what a trained head listens to, and whether that scores better.",
        strategy=False,
    ),
    PageInfo(
        file="pages/similarity.py",
        title="Similarity",
        icon="🧲",
        question="Which sentences become neighbours, and why?",
        answer=(
            "Two embeddings are compared by one number. The strategy, and how you measure, decide who is near whom. A "
            "cosine or a dot product splits exactly into what each pair of tokens adds to it."
        ),
        why="Embeddings are made to be compared: see which sentences each strategy brings together.",
    ),
    PageInfo(
        file="pages/projection.py",
        title="Projection",
        icon="🗺️",
        question="Where do the embeddings land on a map?",
        answer=(
            "A map squeezes hundreds of dimensions into two or three. Neighbours can get lost on the way; this page "
            "says how many are kept, and how far to believe what is seen."
        ),
        why="From a handful of sentences to hundreds: see where each strategy puts them.",
    ),
    PageInfo(
        file="pages/evaluation.py",
        title="Evaluation",
        icon="📏",
        question="Which strategy scores best on these pairs, and is the difference real?",
        answer=(
            "The best strategy is the one whose similarities rank pairs of texts most nearly as their scores do. A "
            "lead counts only if it survives when the pairs are drawn again."
        ),
        why="A map shows, but does not decide: score the strategies on pairs that were scored by hand.",
        texts=False,
    ),
    PageInfo(
        file="pages/search.py",
        title="Search",
        icon="🔎",
        question="Which strategy finds the right text, and what does pooling lose?",
        answer=(
            "Most embeddings are made for search: a query is compared with every text, and the nearest come first. No "
            "pooling at all, where every token keeps its vector, is the yardstick; it takes many times the room."
        ),
        why="Alike is not yet an answer: see which strategy finds the text that a query asks for.",
        texts=False,
    ),
    PageInfo(
        file="pages/size.py",
        title="Size",
        icon="📦",
        question="What may a vector cost?",
        answer=(
            "A vector of 384 numbers takes 1,536 bytes. With fewer dimensions and smaller numbers it takes less: what "
            "that costs in scores, and which neighbours it loses, is measured here."
        ),
        why="What finds the right text has to be stored: see how small a vector may be.",
        texts=False,
    ),
    PageInfo(
        file="pages/padding_lab.py",
        title="Padding Lab",
        icon="🧪",
        question="How does padding silently ruin an embedding?",
        answer=(
            "Texts of a batch are filled up to one length with padding tokens. Two masks keep them out, one inside "
            "the model and one in pooling. Forget one, and nothing fails but the embedding."
        ),
        why="The best strategy fails where padding is pooled: see the bugs that nobody notices.",
    ),
    PageInfo(
        file="pages/detective.py",
        title="Detective",
        icon="🕵️",
        question="Which pooling made these vectors?",
        answer=(
            "A server can pool otherwise than its model was trained, and nothing says so. Give texts and the vectors "
            "that were made of them: the recipe that makes the same ones is searched for, with what is wrong with it."
        ),
        why="Such mistakes happen in servers, in silence: find out which one made a vector.",
        texts=False,
        strategy=False,
    ),
    PageInfo(
        file="pages/learn.py",
        title="Learn",
        icon="🎓",
        question="Can you predict what pooling does?",
        answer=(
            "Each lesson asks first. You commit to an answer, and then the real model shows what happens, and why."
        ),
        why="Now predict: lessons that ask first what pooling does, and then show it.",
        texts=False,
        strategy=False,
    ),
)

_run = threading.local()
"""Not in the session's state, which cannot be written any more when a page has stopped."""
ROOT = Path(__file__).parents[2]
TASK = "task"
"""What an address calls the lesson that led to the page."""


def build() -> PageInfo:
    """Draw the navigation and say which page is asked for."""
    pages = {p: st.Page(ROOT / p.file, title=p.title, icon=p.icon, default=p is PAGES[0]) for p in PAGES}
    chosen = st.navigation(list(pages.values()), position="top")
    st.session_state["_page"], st.session_state["_pages"] = chosen, pages
    return next(p for p, page in pages.items() if page.title == chosen.title)


def link(page: PageInfo, label: str, *, icon: str, query: dict[str, str] | None = None) -> None:
    """A link to another page within the session, in a state that `query` says as an address does."""
    st.page_link(st.session_state["_pages"][page], label=label, icon=icon, query_params=query)


def open_task(lesson: "Lesson", start: dict[str, str]) -> None:
    """A link to the page of a lesson's task, which says it there, unless somebody's own lesson set it."""
    query = start if lesson.own else start | {TASK: lesson.name}
    link(called(lesson.task.page), "**Try it yourself**", icon=":material/science:", query=query)


def say_task(page: PageInfo) -> None:
    """The task that a lesson has led here with, and the way back; it goes with the address that says it."""
    state = st.session_state
    if st.query_params.get(TASK) in (None, state.get("_put_away")):
        state.pop("_put_away", None)
        return
    from pooling.lessons import all_lessons

    lessons = {
        one.name: one
        for one in all_lessons()
        if called(one.task.page) is page and one.task.of in ("", state.get("set"))
    }
    if lesson := lessons.get(url.while_it_says(TASK, lessons)):
        with st.container(horizontal=True, vertical_alignment="center", border=True, wrap=False, key="task"):
            st.markdown(f"**Your task.** {lesson.task.what}", width="stretch")
            back = f"Back to “{lesson.title}”"
            course = st.session_state.get("_course")  # which the address of this page does not hold
            query = {"lesson": lesson.name} | ({"path": course} if course else {})
            link(called("learn"), back, icon=":material/arrow_back:", query=query)
            st.button(
                "Done",
                icon=":material/close:",
                help="Put the task away",
                type="tertiary",
                key="put-away",
                on_click=state.update,
                kwargs={"_put_away": lesson.name},
            )


def called(name: str) -> PageInfo:
    """The page of that name, as an address has it."""
    return next(page for page in PAGES if Path(page.file).stem == name)


def lead_on(page: PageInfo) -> None:
    """The page to read after this one, and why."""
    after = PAGES[(PAGES.index(page) + 1) % len(PAGES)]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", border=True, key="next-page"):
        link(after, f"**Next: {after.title}**", icon=":material/arrow_forward:")
        st.markdown(after.why, width="stretch")


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
