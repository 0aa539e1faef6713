"""Can you predict what pooling does?"""

from functools import partial

import streamlit as st

from pages.ui import cache, layout, navigation, piecewise
from pages.ui.controls import learn
from pages.ui.navigation import require_frame

require_frame()

from pooling import get_strategy
from pooling.catalogue import get_model
from pooling.charts import attention, chips
from pooling.charts.evaluation import intervals
from pooling.datasets import own_pairs
from pooling.evaluation import Grid
from pooling.hub import HubError
from pooling.lessons import Lesson, Part, Rows, Shown, Strips, Sum, all_lessons
from pooling.notices.attention import about_heads
from pooling.notices.learn import about_advice
from pooling.pictures import Picture
from pooling.recipe import Reading, Recipe
from pooling.recommend import Advice, recommend
from pooling.snippets import for_pooling
from pooling.tables import number
from pooling.tables.attention import heads_table

present = learn.presenting()


def cosines(model: str) -> Grid:
    """The cosines of the project's own pairs under a model, at every layer and strategy."""
    return piecewise.pair_cosines(own_pairs(), Reading(model))


def compute(lesson: Lesson) -> tuple[tuple[str, ...], Shown]:
    """What the lesson shows, and the models it ran on: the better one where that can be loaded."""
    for models in (lesson.models_here(), lesson.models):
        try:
            with st.spinner("The model runs now, once for everybody.", show_time=True):
                return models, cache.lesson(lesson.name, models, [cosines(m) for m in models] if lesson.pairs else [])
        except (FileNotFoundError, HubError, ValueError) as error:
            reason = str(error)
    layout.problem(f"{reason} Try again in a moment.")
    return layout.stop()


def show(part: Part, key: str) -> None:
    """A part of an answer, drawn as the other pages draw it."""
    match part:
        case Picture():
            layout.picture(part, key=key, large=present)
        case Strips():
            st.html(chips.labelled_strips(part.rows, part.whose))
            layout.noticed(part.noticed)
        case Rows() if present:
            st.table(part.table.map(lambda cell: number(cell) if isinstance(cell, float) else cell))
            layout.noticed(part.noticed)
        case Rows():
            decimals = st.column_config.NumberColumn(format="%.3f")
            columns = dict.fromkeys(part.table.select_dtypes("float"), decimals)
            layout.table(part.table, key=key, alt=part.noticed, columns=columns)
            layout.noticed(part.noticed)
        case Sum():
            with st.expander(part.title, expanded=True):
                for i, latex in enumerate(part.latex):
                    if i % 2 == 0:
                        beside = st.columns(2)
                    beside[i % 2].latex(latex)


def say_models(lesson: Lesson, models: tuple[str, ...]) -> None:
    """What the numbers come from, and which model would show it better."""
    if models:
        st.caption(f"Computed with {' and '.join(models)}.")
    if lesson.better and lesson.better not in models:
        lacks = lesson.lacks() or f"{lesson.better} could not be loaded."
        if get_model(lesson.better).source == "hub":
            lacks += " Choose it in the sidebar to download it."
        st.caption(f":material/info: {lesson.better} would show this better. {lacks}")


def answer(lesson: Lesson, chosen: str) -> None:
    """The choices with their marks, the verdict, and what the live model shows."""
    for name, text in lesson.choices.items():
        mark = ":material/check_circle:" if name == lesson.right else ":material/cancel:" if name == chosen else "○"
        said = " **(right)**" if name == lesson.right else " (your answer)" if name == chosen else ""
        st.markdown(f"{mark} {text}{said}")
    learn.offer_again(lesson)
    models, shown = compute(lesson)
    with st.container(border=True):
        st.markdown(
            f"**{'You are right.' if chosen == lesson.right else 'The model says otherwise.'}** {shown.because}"
        )
        if shown.answer != lesson.right:
            st.warning(f"On this model the numbers speak for another answer: {lesson.choices.get(shown.answer)}")
    for place, part in enumerate(shown.parts):
        show(part, f"{lesson.name}-{place}")
    say_models(lesson, models)
    with st.container(horizontal=True, vertical_alignment="center", key="try-it"):
        navigation.open_task(lesson, shown.start)
        st.markdown(lesson.task.what, width="stretch")
    st.markdown("**Read on:** " + " · ".join(f"[{title}]({link})" for title, link in lesson.reading))


def teach(lesson: Lesson) -> None:
    """A lesson: what one has to know, the question, and the answer once the reader has given theirs."""
    st.header(lesson.title, anchor=False)
    st.markdown(lesson.ground)
    given = learn.answer_of(lesson)
    with st.container(key="lesson-question"):
        st.markdown(f"### {lesson.question}")
    if given is None or given.now is None:
        if not present:
            st.caption("Predict: choose one. The model runs when you have answered.")
        learn.ask_question(lesson, present=present)
    else:
        answer(lesson, given.now)


def show_code(advice: Advice) -> None:
    """The recommendation as code."""
    layer = -1 if advice.example != advice.model else advice.layer
    recipe = Recipe(advice.example, advice.strategy, layer, after=("l2",) if advice.normalise else ())
    st.code(for_pooling(recipe).code, language="python")


def advise() -> None:
    """Four questions, and the pooling to use."""
    advice = recommend(**learn.choose_answers())
    strategy = get_strategy(advice.strategy)
    st.header(f"Use {strategy.label} pooling", anchor=False)
    st.markdown(f"{advice.reason}\n\n**Check first.** {advice.check}")
    st.markdown(f"### What the scores say\n\n{advice.stand_in}")
    table = cache.own_leaderboard(advice.model, advice.layer, cosines(advice.model))
    title = "Spearman × 100, 95% interval"
    draw = partial(intervals, table, "score", "low", "high", title=title)
    layout.picture(Picture(draw, table, about_advice(table, advice.shown)), key="advice")
    if advice.strategy == "attention":
        heads = heads_table(advice.model)
        layout.picture(Picture(partial(attention.head_scores, heads), heads, about_heads(heads)), key="advice-heads")
    st.markdown("### The code")
    show_code(advice)
    layout.strategy_card(strategy)
    address = navigation.address("evaluation", f"strategy={advice.strategy}&data=pairs")
    st.link_button("Find out on your own pairs", address, icon=":material/open_in_new:")


lessons = all_lessons()
if present:
    layout.for_a_class()
    teach(learn.choose_lesson(lessons, present=True))
elif learn.choose_view() == "advice":
    advise()
else:
    left, right = st.columns([3, 1], gap="large")
    with left:
        current = learn.choose_lesson(lessons, present=False)
        teach(current)
    with right:
        learn.show_progress(lessons, current)
