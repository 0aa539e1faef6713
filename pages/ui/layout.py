"""The parts that every page is laid out with: header, notice, chart with its table, strategy card."""

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from pages.ui.navigation import PageInfo
    from pooling import Strategy


STYLE = """<style>
[data-testid=stMainBlockContainer]{padding-top:3.75rem}
@media (max-width:640px){[class*=st-key-noticed]{flex-wrap:wrap!important}}
</style>"""


def dark() -> bool:
    """Whether the reader sees the dark theme."""
    return st.context.theme.type == "dark"


def header(page: "PageInfo") -> None:
    """The page's question and its answer in a sentence."""
    st.html(STYLE)
    st.title(page.question, anchor=False)
    st.markdown(page.answer)


def noticed(text: str, frame: "pd.DataFrame | None" = None, *, key: str = "") -> None:
    """What to notice in the picture above, and the picture's numbers as a table, folded away.

    The text may quote what a reader typed: it is shown as text.
    """
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, key=f"noticed-{key}"):
        st.html(
            '<p style="margin:0;padding:.5rem .8rem;border-left:4px solid #D55E00;border-radius:.25rem;'
            'background:rgba(213,94,0,.09);overflow-wrap:anywhere">'
            f"<strong>What to notice.</strong> {escape(text)}</p>"
        )
        if frame is not None:
            with st.popover("Table", icon=":material/table:", type="tertiary", key=f"table-{key}"):
                st.dataframe(frame.rename(columns=str), hide_index=True, alt=f"The numbers of: {text}")


def problem(text: str) -> None:
    """What is wrong with what a reader gave, and may quote: it is shown as text."""
    st.html(
        '<p role="alert" style="margin:0;padding:.5rem .8rem;border-left:4px solid #CC3311;border-radius:.25rem;'
        f'background:rgba(204,51,17,.1);overflow-wrap:anywhere">{escape(text)}</p>'
    )


def chart(figure: "go.Figure", *, key: str, alt: str) -> None:
    """A figure, with what it says in a sentence for those who cannot see it."""
    from pooling.charts.theme import CONFIG

    st.plotly_chart(figure, key=key, width="stretch", config=CONFIG, alt=alt)


def strategy_card(strategy: "Strategy") -> None:
    """What a strategy is, when to use it and what to watch out for."""
    with st.container(border=True):
        st.subheader(f"{strategy.label} pooling", anchor=False)
        st.markdown(strategy.summary)
        st.latex(strategy.formula)
        use, watch = st.columns(2)
        use.markdown(f"**:material/check: When to use it.** {strategy.when}")
        watch.markdown(f"**:material/warning: Watch out.** {strategy.watch_out}")
        st.markdown(f"Source: <{strategy.source}>")


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A sign of life, in the page and in the sidebar, while something slow is loaded."""
    above, below, beside = st.container(), st.container(), st.sidebar.container()
    with above, st.spinner(what), below, st.skeleton(height=420), beside, st.skeleton(height=420):
        yield
