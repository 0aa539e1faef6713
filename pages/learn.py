"""Can you predict what pooling does?"""

from functools import partial

import streamlit as st

from pages.ui import cache, layout, navigation, piecewise, prose
from pages.ui.controls import learn
from pages.ui.navigation import require_frame

require_frame()

from pages.ui import own_lesson, room, worksheet
from pooling import get_strategy
from pooling.catalogue import get_model
from pooling.charts import attention, chips
from pooling.charts.evaluation import intervals
from pooling.datasets import courses, own_pairs
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

in_room = room.asked()
present = learn.presenting() or bool(in_room)
OTHER = ":material/radio_button_unchecked:"
ON_PAPER = [name for name, _ in courses()[0].lessons]
"""Lessons of a worksheet where nobody has chosen."""
HOW = """
**What you need.** A screen, and nothing installed but this app. Open it before the lesson, so that the model is loaded.
*Present to a class*, beside the buttons of each lesson, makes letters large and hides the rest; arrow keys change the
lesson, digits answer, Escape leaves.

**How a lesson goes.** Read what it says before the question, a minute. Have everybody commit to an answer, by hand or
by number of fingers, before anything is shown: a guess that was made is a guess that is corrected. Let two neighbours
who disagree convince each other, and ask again. Then press an answer, best a wrong one that many chose: it says what
they may have thought, and where that goes wrong. Look at the picture together, and ask what would change it.

**With phones.** *Vote in class* opens a room: a code on the screen, one vote a phone, shown when you say so; then the
class talks and votes again.

**Afterwards.** *Try it yourself* opens the page where students go on with sentences of their own, with the task at its
top. Answers are kept in the browser of each device, and nowhere else.
"""


def cosines(model: str) -> Grid:
    """The cosines of the project's own pairs under a model, at every layer and strategy."""
    return piecewise.pair_cosines(own_pairs(), Reading(model))


def compute(lesson: Lesson) -> tuple[tuple[str, ...], Shown]:
    """What the lesson shows, and the models it ran on: the better one where that can be loaded."""
    if lesson.own:
        return lesson.models, lesson()
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
        mark = ":material/check_circle:" if name == lesson.right else ":material/cancel:" if name == chosen else OTHER
        said = " **(right)**" if name == lesson.right else " (your answer)" if name == chosen else ""
        st.markdown(f"{mark} {prose.label(lesson, text)}{said}")
    learn.offer_again(lesson)
    models, shown = compute(lesson)
    with st.container(border=True, key="verdict"):
        if chosen == lesson.right:
            prose.write(lesson, f"**You are right.** {shown.because}")
        else:
            model_said_so = models and not lesson.own and shown.answer == lesson.right
            no = "The model says otherwise." if model_said_so else "That is not it."
            happens = f"\n\n**What happens.** {shown.because}" if shown.because else ""
            prose.write(lesson, f"**{no}** {lesson.wrong[chosen]}{happens}")
        if shown.answer != lesson.right:
            instead = lesson.choices.get(shown.answer, "none of these.")
            st.warning(f"On this model the numbers speak for another answer: {instead}")
    if others := [name for name, said in lesson.wrong.items() if said and name != chosen]:
        with st.expander("And the other answers?" if len(lesson.wrong) > 2 else "And the other answer?"):
            said_of = (f"- **{prose.label(lesson, lesson.choices[name])}** {lesson.wrong[name]}" for name in others)
            prose.write(lesson, "\n".join(said_of))
    for place, part in enumerate(shown.parts):
        show(part, f"{lesson.name}-{place}")
    say_models(lesson, models)
    if shown.start:
        with st.container(horizontal=True, vertical_alignment="center", key="try-it"):
            navigation.open_task(lesson, shown.start)
            st.markdown(lesson.task.what, width="stretch")
    if lesson.reading:
        st.markdown("**Read on:** " + " · ".join(f"[{title}]({link})" for title, link in lesson.reading))
    if not lesson.own:
        learn.lead_on(lessons, lesson)


def reason(lesson: Lesson) -> None:
    """Why the right answer is right, to a class that has voted."""
    models, shown = compute(lesson)
    if shown.because:
        with st.container(border=True):
            prose.write(lesson, shown.because)
    for place, part in enumerate(shown.parts):
        show(part, f"{lesson.name}-{place}")
    say_models(lesson, models)


def teach(lesson: Lesson) -> None:
    """A lesson: what one has to know, the question, and the answer once the reader has given theirs."""
    st.header(prose.label(lesson, lesson.title), anchor=False)
    prose.write_ground(lesson)
    given = learn.answer_of(lesson)
    with st.container(key="lesson-question"):
        st.subheader(prose.label(lesson, lesson.question), anchor=False)
    if given is None or given.now is None:
        if not present:
            runs = lesson.models and not lesson.own
            st.caption("Predict: choose one." + (" The model runs when you have answered." if runs else ""))
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


def for_teachers() -> None:
    """How a lesson goes with a class, and three courses."""
    learn.at_top("course")
    st.header("A course in 20, 45 or 90 minutes", anchor=False)
    st.markdown(HOW)
    titles = {one.name: one.title for one in all_lessons()}
    for one, place in zip(courses(), st.columns(len(courses())), strict=True):
        with place.container(border=True, key=f"course-{one.name}"):
            st.markdown(f"### {one.minutes} minutes\n\n**{one.title}**\n\n{one.whom}")
            learn.begin(one)
            aims, say = ("\n".join(f"- {line}" for line in lines) for lines in (one.aims, one.say))
            order = "\n".join(f"{n}. {titles[name]}, {m} min" for n, (name, m) in enumerate(one.lessons, start=1))
            st.markdown(f"**Aims**\n\n{aims}\n\n**Order**\n\n{order}\n\nThe last {one.talk} minutes are for questions.")
            st.markdown(f"**Afterwards students can say**\n\n{say}")
    st.subheader("A worksheet for paper", anchor=False)
    worksheet.offer([*all_lessons(), *own], ON_PAPER)


if not in_room:
    own_lesson.remember()
view = "lessons" if present or worksheet.asked() else learn.choose_view()
own = own_lesson.known() if view in ("room", "course") or worksheet.asked() else []
lessons, course = learn.on_path(all_lessons(), courses())
given = None if in_room or worksheet.asked() or view != "lessons" else own_lesson.given()
if given:
    lessons, course = [given], None
if not in_room:
    learn.remember(all_lessons())
if in_room:
    room.show(in_room, reason)
elif worksheet.asked():
    learn.at_top(worksheet.SHEET)
    worksheet.show([*all_lessons(), *own], ON_PAPER, lambda one: compute(one)[1])
elif present:
    layout.for_a_class()
    teach(learn.choose_lesson(lessons, present=True))
elif view == "advice":
    advise()
elif view == "course":
    for_teachers()
elif view == "room":
    room.offer([*lessons, *own])
elif view == "write":
    own_lesson.write(teach)
else:
    left, right = st.columns([3, 1], gap="large")
    with left:
        current = learn.choose_lesson(lessons, present=False)
        teach(current)
    with right:
        if given:
            own_lesson.about(given)
        else:
            learn.show_progress(lessons, current, course)
