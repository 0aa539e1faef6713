"""The parts that every page is laid out with: header, picture, notice, table, strategy card."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import streamlit as st

from pages.ui import url
from pooling.datasets import glossary

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from streamlit.delta_generator import DeltaGenerator

    from pages.ui.choice import Choice
    from pages.ui.navigation import PageInfo
    from pooling import Encoder, Strategy, TokenStates
    from pooling.pictures import Picture

NAME = "Pooling Playground"
MARK = Path(__file__).with_name("mark.svg")
"""Rows of a matrix that collapse into one."""

STYLE = """<style>
[data-testid=stMainBlockContainer]{padding-top:3.75rem}
[data-testid=stTopNavLink]{padding-inline:.4rem}
@media (max-width:1800px){[data-testid=stTopNavLink]>span:has([data-testid=stIconEmoji]){display:none}}
[data-testid=stTopNavLink]:focus-visible{outline:2px solid var(--st-primary-color,#0072b2)}
.st-key-heading{overflow:visible!important}
.st-key-lesson-list button{justify-content:flex-start;text-align:left}
.st-key-take-place{position:absolute;width:0!important}
.st-key-task{padding:.15rem 1rem}
[data-testid=stMain]:has(.st-key-task) .st-key-page-header>.stElementContainer{display:none}
.st-key-try-it a{border:1px solid;border-radius:.5rem}
.katex-display{overflow-y:hidden;padding:.25rem}
[data-testid^=stBase][data-testid$=-primary]:enabled,[data-tag]>span{color:light-dark(#fff,#0f141a)}
[class*=st-key-]{scroll-margin-top:7rem}
/* Numbers in cells: plotly takes a digit to be as wide as it is high. What stays too small is in the table alone. */
.heatmap-label text:is([style*="size: 1px"],[style*="size: 2px"],[style*="size: 3px"],[style*="size: 4px"]){
 display:none}
.heatmap-label text[style*="size: 5px"]{font-size:9px!important}
.heatmap-label text:is([style*="size: 6px"],[style*="size: 7px"]){font-size:10px!important}
.heatmap-label text:is([style*="size: 8px"],[style*="size: 9px"]){font-size:11px!important}
[class*=st-key-press-] .js-plotly-plot:has(.hovertext) .drag{cursor:pointer!important}
::highlight(pp-term){text-decoration:underline dotted 1px;text-underline-offset:.25em}
.pp-on-term *{cursor:help!important}
.pp-words{font-size:.875rem}
.pp-words summary{cursor:pointer;opacity:.8}
.pp-words summary span{display:inline-block;max-width:calc(100% - 10rem);vertical-align:bottom;white-space:nowrap;
 overflow:hidden;text-overflow:ellipsis}
.pp-words dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1rem;margin:.6rem 0}
.pp-words dt{font-weight:600}
.pp-words dd{margin:0}
.pp-meaning{position:fixed;z-index:1000001;max-width:min(22rem,calc(100vw - 16px));padding:.5rem .7rem;
 border-radius:.4rem;font-size:.875rem;line-height:1.4;pointer-events:none;color:light-dark(#0e1720,#e8edf2);
 background:light-dark(#fff,#1a222b);box-shadow:0 2px 10px rgba(0,0,0,.3)}
@media (max-width:640px){.pp-words dl{grid-template-columns:1fr;gap:0}.pp-words dd{margin-bottom:.5rem}}
[data-testid=stLayoutWrapper]:has(>.st-key-strategy-row){position:sticky;top:3.75rem;z-index:90;
padding-block:.4rem;margin-block:-.4rem;background:light-dark(#fff,#0f141a)}
.st-key-strategy-row [role=radiogroup]{gap:.3rem}
.st-key-strategy-row button{padding:.2rem .65rem;min-height:1.9rem}
@media (max-width:640px){[class*=st-key-noticed],.st-key-heading,.st-key-task{flex-wrap:wrap!important}
.st-key-heading{gap:0}
[data-testid=stToolbar] :has(>[data-testid=stMainMenu]){min-width:0}
.st-key-page-header h1{font-size:1.5rem;padding:0}
.st-key-page-header>.stElementContainer p{font-size:.95rem;line-height:1.45}
.st-key-strategy-row button{padding:.15rem .5rem;font-size:.8rem}}
</style>"""


LONGEST_CELL = 140
ROWS_STYLE = """<style>
.pp-rows{width:100%;border-collapse:collapse;font-size:.875rem;overflow-wrap:anywhere}
.pp-rows caption{text-align:left;padding-bottom:.3rem;opacity:.8}
.pp-rows :is(th,td){padding:.3rem .5rem;text-align:left;vertical-align:top}
.pp-rows tr{border-bottom:1px solid rgba(128,128,128,.35)}
.pp-rows th{font-weight:600;overflow-wrap:normal}
.pp-rows tbody th{opacity:.7;font-weight:400;width:1%}
</style>"""


FOR_A_CLASS = """<style>
[data-testid=stSidebar],[data-testid=stHeader],.st-key-page-header,.st-key-next-page,.st-key-words{display:none!important}
[data-testid=stMainBlockContainer]{padding:.5rem 1rem 2rem}
[data-testid=stMain] [data-testid=stVerticalBlock]{gap:.6rem}
.st-key-lesson-question h3{font-size:1.25rem}
[data-testid=stMain] pre code{white-space:pre-wrap!important}
@media (min-width:641px){html{font-size:clamp(20px,1.6vw,34px)!important}
[data-testid=stMainBlockContainer]{padding-inline:2.5rem}}
</style>"""


ALONE = """<style>
[data-testid=stSidebar],[data-testid=stHeader],.st-key-next-page,.st-key-task,
[data-testid=stMain] .stElementContainer:not(.st-key-living){display:none!important}
[data-testid=stMainBlockContainer]{padding:.5rem}
.st-key-living{--header:0px;--edge:.5rem}
[data-testid=stMain] [data-testid=stVerticalBlock]{gap:0}
</style>"""


_lists_stay_open = st.components.v2.component(
    "open_lists", js=Path(__file__).with_name("open_lists.js").read_text(encoding="utf-8")
)


_words = st.components.v2.component(
    "words",
    html='<details class="pp-words"><summary>Words on this page: <span></span></summary><dl></dl></details>',
    js=Path(__file__).with_name("words.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


_hears_presses = st.components.v2.component(
    "pressed", js=Path(__file__).with_name("pressed.js").read_text(encoding="utf-8"), isolate_styles=False
)


_comes_into_sight = st.components.v2.component(
    "arrival", js=Path(__file__).with_name("arrival.js").read_text(encoding="utf-8"), isolate_styles=False
)


def for_a_class() -> None:
    """Large type, and neither sidebar nor header: what is left is read from the last row."""
    st.html(FOR_A_CLASS)


def alone() -> None:
    """The living picture and nothing else, for a frame in somebody's slide or page."""
    st.html(ALONE)


def dark() -> bool:
    """Whether the reader sees the dark theme."""
    return st.context.theme.type == "dark"


def brand(page: "PageInfo") -> None:
    """The app's name with its mark, at the top of every page and in the browser's tab."""
    mark = MARK.read_text(encoding="utf-8")
    st.set_page_config(page_title=f"{page.title} · {NAME}", page_icon=mark, layout="wide")
    # An image knows nothing of the page's colours.
    ink = st.get_option(f"theme.{'dark' if dark() else 'light'}.textColor")
    name = f'<text x="42" y="23" font-family="sans-serif" font-size="20" font-weight="700" fill="{ink}">{NAME}</text>'
    st.logo(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 250 32">{mark}{name}</svg>')


def header(page: "PageInfo") -> "DeltaGenerator":
    """The page's question and its answer in a sentence; the place beside the question is returned."""
    st.html(STYLE)
    with st.container(key="page-header"):
        with st.container(horizontal=True, vertical_alignment="center", gap="medium", wrap=False, key="heading"):
            st.title(page.question, anchor=False, width="stretch")
            beside = st.container(width="content")
            _lists_stay_open(key="open-lists", width="content", height="content")
        if page.greeting:
            st.caption(page.greeting)
        st.markdown(page.answer)
    return beside


def arrival(name: str) -> None:
    """What follows can be led to: an address that says so brings it into sight."""
    if url.while_it_says("at", [name]):
        _comes_into_sight(key=f"arrival-{name}", height="content")


def words() -> None:
    """What the words of the field mean that stand on this page: where each stands first, and in a list at its end."""
    _words(key="words", data=_glossary(), height="content")


@cache
def _glossary() -> str:
    """The glossary as JSON: each run sends it, and none of it changes."""
    return json.dumps([vars(term) for term in glossary()])


def picture(
    shown: "Picture",
    *,
    key: str,
    large: bool = False,
    beside: Callable[[], None] | None = None,
    draw: "Callable[..., None] | None" = None,
) -> None:
    """A picture, whole: its figures, each with an alt, its captions, what to notice, the table and the downloads.

    Args:
        shown: the picture.
        key: its name on the page, and its figure's, unless that has one of its own.
        large: for the last row of a hall.
        beside: draws what stands in the column that the figures leave free.
        draw: draws a figure that does more than be looked at, such as `choice_of_points`.
    """
    figures = shown.figures(dark=dark(), large=large)
    left = iter(figures)
    for line in shown.lines:
        places: Sequence[AbstractContextManager] = st.columns(line.widths) if len(line.widths) > 1 else [nullcontext()]
        for panel, place in zip(line.panels, places, strict=False):
            with place:
                if panel.title:
                    st.markdown(panel.title)
                (draw or chart)(next(left), key=panel.key or key, alt=panel.alt or shown.said)
    if beside is not None:
        with places[-1]:
            beside()
    for caption in shown.captions:
        st.caption(caption)
    noticed(shown.noticed, shown.rows, key=key, figure=figures, said=shown.said)


def noticed(
    text: str,
    frame: "pd.DataFrame | None" = None,
    *,
    key: str = "",
    figure: "go.Figure | Sequence[go.Figure]" = (),
    said: str = "",
) -> None:
    """What to notice in the picture above, if anything, and the picture's numbers as a table, folded away.

    With the table come the downloads: it as CSV, the figure (or the several) as one HTML file.
    The text may quote what a reader typed: it is shown as text.

    Args:
        said: what the picture says in words; by default what there is to notice.
    """
    said = said or text
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, key=f"noticed-{key}" if key else None):
        if text:
            st.html(
                '<p style="margin:0;padding-left:.8rem;border-left:3px solid rgba(128,128,128,.45);'
                f'overflow-wrap:anywhere"><strong>What to notice.</strong> {escape(text)}</p>'
            )
        if frame is not None:
            table_on_demand(frame, key=key, alt=f"The numbers of: {said}", figure=figure, noticed=said)


def table_on_demand(frame: "pd.DataFrame", *, key: str, **settings: Any) -> None:
    """A button that opens a table, which is made when it is opened.

    Not a fragment: inside another one that runs every second, a fragment's place on the page can get lost.
    """
    folded = st.popover("Table", icon=":material/table:", type="tertiary", key=f"table-{key}", on_change="rerun")
    if folded.open:
        with folded:
            table(frame, key=key, **settings)


def table(
    frame: "pd.DataFrame",
    *,
    key: str,
    alt: str,
    columns: dict | None = None,
    figure: "go.Figure | Sequence[go.Figure]" = (),
    noticed: str = "",
    marked: int | None = None,
    choose: Callable[[int | None], None] | None = None,
) -> None:
    """A table and its download as CSV; with figures, theirs as HTML. Files are made when asked for.

    Streamlit's own download would leave formulas in the cells, and is switched off in config.toml.

    Args:
        marked: the row that is chosen.
        choose: is told, before the page runs again, of the row that a reader marks, or that none is any more.
    """
    from pooling.charts.theme import to_html
    from pooling.tables import to_csv

    rows: dict[str, Any] = {} if choose is None else _marked_rows(f"rows-{key}", marked, choose)
    st.dataframe(frame.rename(columns=str), hide_index=True, column_config=columns, alt=alt, **rows)
    figures, is_dark = list(figure) if isinstance(figure, (list, tuple)) else [figure], dark()
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "CSV",
            lambda: to_csv(frame),
            file_name=f"pooling-{key}.csv",
            mime="text/csv",
            icon=":material/download:",
            type="tertiary",
            key=f"csv-{key}",
            on_click="ignore",
        )
        if figures:
            st.download_button(
                "Picture (HTML)",
                lambda: to_html(figures, noticed, dark=is_dark),
                file_name=f"pooling-{key}.html",
                mime="text/html",
                icon=":material/download:",
                type="tertiary",
                key=f"html-{key}",
                on_click="ignore",
            )


def _marked_rows(key: str, marked: int | None, choose: Callable[[int | None], None]) -> dict[str, Any]:
    """What makes the rows of a table markable, one at a time, with that of `marked` as it is now."""
    state, wanted = st.session_state, [] if marked is None else [marked]
    if key not in state or state[key]["selection"]["rows"] != wanted:
        state[key] = {"selection": {"rows": wanted}}

    def told() -> None:
        # What was marked here comes back with the next act, whatever that is, as if a reader had marked it.
        if (rows := state[key]["selection"]["rows"]) != wanted:
            choose(next(iter(rows), None))

    return {"key": key, "selection_mode": "single-row", "on_select": told}


def stop() -> NoReturn:
    """End this run of the page here. After `st.stop` nothing can be written, so the address is written before it."""
    url.finish()
    st.stop()


def problem(text: str) -> None:
    """What is wrong with what a reader gave, and may quote: it is shown as text."""
    st.html(
        '<p role="alert" style="margin:0;padding:.5rem .8rem;border-left:4px solid #CC3311;border-radius:.25rem;'
        f'background:rgba(204,51,17,.1);overflow-wrap:anywhere">{escape(text)}</p>'
    )


def remark(text: str) -> None:
    """A quiet sentence that may quote what a reader gave: it is shown as text."""
    st.html(f'<p style="margin:0;font-size:.875rem;opacity:.8;overflow-wrap:anywhere">{escape(text)}</p>')


def plain(text: str, *, quoted: bool = False) -> None:
    """A sentence that may quote what a reader gave: it is shown as text.

    Args:
        quoted: that it is all somebody else's, whose words are no terms of the glossary.
    """
    st.html(f'<p class="{"pp-quoted" * quoted}" style="margin:0;overflow-wrap:anywhere">{escape(text)}</p>')


def rows(frame: "pd.DataFrame", title: str) -> None:
    """A few rows of a reader's file, shown as text, long ones cut, under the number that each has there."""

    def row(kind: str, first: object, cells: "Sequence[object]") -> str:
        texts = [text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…" for text in map(str, cells)]
        return f"<tr><th>{escape(str(first))}</th>" + "".join(f"<{kind}>{escape(t)}</{kind}>" for t in texts) + "</tr>"

    lines = [row("td", number, cells) for number, *cells in frame.itertuples(name=None)]
    st.html(
        f'{ROWS_STYLE}<table class="pp-rows"><caption>{escape(title)}</caption><thead>'
        f"{row('th', str(frame.index.name).capitalize(), list(frame))}</thead><tbody>{''.join(lines)}</tbody></table>"
    )


def chart(figure: "go.Figure", *, key: str, alt: str) -> None:
    """A figure of a picture, with what it says in a sentence for those who cannot see it."""
    from pooling.charts.theme import CONFIG, legible

    st.plotly_chart(legible(figure, dark=dark()), key=key, width="stretch", config=CONFIG, alt=alt)


class Pressed(NamedTuple):
    """What of a figure was pressed."""

    trace: int
    """Its place among the figure's traces."""
    row: int
    """Of a heatmap's cell; of a bar or a point, its place in the trace."""
    column: int
    number: int
    """The point's customdata, where that is a whole number; else -1."""


def pressable(figure: "go.Figure", *, key: str, alt: str, choose: Callable[[Pressed], None], opens: str = "") -> None:
    """A figure of which each cell, bar or point can be pressed, which `choose` is told before the page runs again.

    Plotly's heatmaps tell Streamlit nothing (streamlit#8760): a component beside the figure listens.

    Args:
        opens: the key of a widget that is brought into sight then.
    """

    def pressed() -> None:
        told = st.session_state[f"pressed-{key}"].pressed
        if isinstance(told, dict) and all(isinstance(told.get(one), int) for one in Pressed._fields):
            choose(Pressed(*(told[one] for one in Pressed._fields)))

    with st.container(key=f"press-{key}", gap=None):
        chart(figure, key=key, alt=alt)
        _hears_presses(key=f"pressed-{key}", data=opens, on_pressed_change=pressed, height="content")


def columns_of(frame: "pd.DataFrame", titles: dict[str, str]) -> dict:
    """Columns of numbers with one decimal, columns of texts wide enough to read, under their titles."""
    from pandas.api.types import is_float_dtype

    return {
        name: st.column_config.NumberColumn(titles.get(name), format="%.1f" if name != "cosine" else "%.3f")
        if is_float_dtype(frame[name])
        else st.column_config.TextColumn(titles.get(name), width="large" if str(name).startswith("text") else None)
        for name in frame
    }


def choice_of_points(
    figure: "go.Figure", *, key: str, alt: str, boxes: bool, choose: "Callable[[list[int]], None]"
) -> None:
    """A figure whose points can be clicked, and boxed; `choose` is given the customdata of the chosen ones."""
    from pooling.charts.theme import CONFIG, legible

    tools = [
        ["select2d", "lasso2d", "zoom2d", "pan2d", "resetScale2d"] if boxes else ["zoom2d", "pan2d", "resetScale2d"]
    ]

    def chosen() -> None:
        points = st.session_state[key].selection.points
        choose(sorted({point["customdata"] for point in points if "customdata" in point}))

    st.plotly_chart(
        legible(figure, dark=dark()),
        key=key,
        width="stretch",
        config=CONFIG | {"displayModeBar": True, "displaylogo": False, "modeBarButtons": tools},
        alt=alt,
        on_select=chosen,
        selection_mode=("points", "box", "lasso") if boxes else "points",
    )


def cut(states: "TokenStates", encoder: "Encoder") -> None:
    """Say of a text, a batch of one, what was cut off at the model's limit."""
    if states.lost[0]:
        st.warning(
            f"This sentence was cut to the model's limit of {encoder.max_length} tokens; its last "
            f"{states.lost[0]} tokens are not in any number below."
        )


def without_prompt(choice: "Choice") -> None:
    """Say where a prompt of the sidebar is left out."""
    if not choice.reading.plain:
        st.caption(":material/info: Your prompt is left out here: texts are taken as they are.")


def without_steps(choice: "Choice") -> None:
    """Say where the sidebar's steps after pooling are left out."""
    if choice.recipe.after:
        st.caption(":material/info: Your steps after pooling are left out here: embeddings are as they are pooled.")


def strategy_card(strategy: "Strategy") -> None:
    """What a strategy is, when to use it and what to watch out for."""
    with st.container(border=True):
        st.subheader(strategy.called(f"{strategy.label} pooling"), anchor=False)
        st.markdown(strategy.summary)
        st.latex(strategy.formula)
        use, watch = st.columns(2)
        use.markdown(f"**:material/check: When to use it.** {strategy.when}")
        watch.markdown(f"**:material/warning: Watch out.** {strategy.watch_out}")
        st.markdown(f"Source: <{strategy.source}>")


@contextmanager
def waiting(what: str, *, slow: bool) -> Iterator[None]:
    """A sign of life, in the page and in the sidebar, while something slow is loaded; room for it in any case."""
    above, below, beside = st.container(), st.container(), st.sidebar.container()
    if not slow:
        yield
        return
    with above, st.spinner(what), below, st.skeleton(height=420), beside, st.skeleton(height=420):
        yield
