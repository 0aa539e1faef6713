"""Lessons: each asks well, and the live model answers as the lesson says. And which pooling to use."""

import itertools
import re

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr, ttest_rel
from streamlit.testing.v1 import AppTest

from pages.ui import cache, piecewise, url, worksheet
from pages.ui.controls import learn
from pages.ui.navigation import PAGES, address
from pooling import get_strategy, load_encoder
from pooling.catalogue import DEFAULT, all_models, get_model, missing
from pooling.charts import chips
from pooling.datasets import courses, own_pairs
from pooling.evaluation import rank_gaps, score_grid
from pooling.lessons import (
    Rows,
    Shown,
    Strips,
    Sum,
    all_lessons,
    chance,
    get_lesson,
    needle,
    outlier,
    search,
    trained_head,
)
from pooling.lessons.negation import TEXTS
from pooling.pictures import Picture
from pooling.recipe import Reading, Recipe
from pooling.recommend import QUESTIONS, recommend
from pooling.snippets import for_pooling
from tests.conftest import ROOT

LESSONS = all_lessons()
NAMED = {"ids": lambda lesson: lesson.name}


@pytest.fixture(scope="module")
def answers() -> dict[str, Shown]:
    """What every lesson shows on the models in the box."""
    encoders = {name: load_encoder(name, device="cpu") for name in {m for one in LESSONS for m in one.models}}
    grids = {
        name: piecewise.pair_cosines(own_pairs(), Reading(name))
        for name in {one.models[0] for one in LESSONS if one.pairs}
    }
    return {
        one.name: one(*[encoders[m] for m in one.models], *[grids[m] for m in one.models if one.pairs])
        for one in LESSONS
    }


def test_lessons_stand_in_the_order_of_teaching_and_a_new_one_where_its_number_puts_it():
    names = [one.name for one in LESSONS]
    files = {path.stem for path in (ROOT / "pooling" / "lessons").glob("*.py")} - {"__init__"}
    assert set(names) == files
    assert names[0] == "by_hand"
    assert names.index("causal") < names.index("later_tokens") < names.index("prompt")
    assert names.index("echo") == names.index("prompt") + 1


@pytest.mark.parametrize("lesson", LESSONS, **NAMED)
def test_a_lesson_asks_before_it_shows(lesson):
    assert 2 <= len(lesson.choices) <= 5
    assert len(set(lesson.choices.values())) == len(lesson.choices)
    assert lesson.right in lesson.choices
    assert lesson.wrong.keys() == lesson.choices.keys() - {lesson.right}
    assert all(len(said.split()) > 12 for said in lesson.wrong.values()), "each wrong choice has its own answer"
    assert len(set(lesson.wrong.values())) == len(lesson.wrong)
    assert lesson.question.endswith("?")
    assert lesson.reading
    assert all(link.startswith("https://") for _, link in lesson.reading)
    assert all(missing(get_model(name)) is None and get_model(name).source == "box" for name in lesson.models)


@pytest.mark.parametrize("lesson", LESSONS, **NAMED)
def test_the_live_numbers_speak_for_the_right_answer(lesson, answers):
    shown = answers[lesson.name]
    assert shown.answer == lesson.right
    assert len(re.findall(r"[.:?!](?=\s|$)", shown.because.replace(": ", "; "))) == 2, shown.because
    assert re.search(r"\d", shown.because)
    assert shown.parts
    for part in shown.parts:
        match part:
            case Picture():
                assert part.noticed
                assert len(part.rows)
                (small,), (large,) = part.figures(dark=False), part.figures(dark=True, large=True)
                assert large.layout.height > small.layout.height
            case Strips():
                assert "pp-chip" in chips.labelled_strips(part.rows, part.whose)
            case Rows():
                assert len(part.table)
            case Sum():
                assert all(latex.startswith(r"\begin{aligned}") for latex in part.latex)


def test_the_lesson_by_hand_is_right_by_hand(answers):
    pictures = [part for part in answers["by_hand"].parts if isinstance(part, Picture)]
    sums = [part for part in answers["by_hand"].parts if isinstance(part, Sum)]
    # (1+3+2)/3, (-4-2-6)/3, (2+0-5)/3, (0+0+3)/3 and the largest of each column
    for picture, by_hand in zip(pictures, ([2, -4, -1, 1], [3, -2, 2, 3]), strict=True):
        assert picture.rows.iloc[-1, 1:].tolist() == by_hand
    assert r"\frac{1}{3}\big( -4.00 - 2.00 - 6.00\big) \\ &= -4.00" in sums[0].latex[1].replace("(-", "( -")
    assert r"&= -2.00" in sums[1].latex[1]
    assert "up to −12 and divides by the 3 tokens, which makes −4" in answers["by_hand"].because


def test_what_the_lesson_on_the_echo_pools_is_the_second_copy(answers):
    strips, scores = answers["echo"].parts
    once, twice = (table[~table["special"]] for _, table in strips.rows)
    words = once["token"].tolist()
    assert twice["token"].tolist() == words * 2
    assert twice["pooled"].tolist() == [False] * len(words) + [True] * len(words)
    table = scores.rows.set_index("label")["score"]
    assert table["Mean, twice"] > table["Mean, once"] + 5
    assert f"{table['Mean, twice']:.1f} in place of {table['Mean, once']:.1f}" in answers["echo"].because


def test_the_numbers_of_a_lesson_are_those_of_its_parts(answers):
    table = answers["raw_cls"].parts[0].rows.set_index("name")["score"]
    assert f"mean scores {table['mean']:.1f} and CLS {table['cls']:.1f}" in answers["raw_cls"].because
    assert "SmolLM2 was; it did not run here. Measured elsewhere, on the STS" in answers["prompt"].parts[-1].noticed
    strip = dict(answers["outlier"].parts[0].rows)["dinosaur"].set_index("token")
    assert len(strip) == outlier.TOKENS, "as the lesson says"
    assert f"'dinosaur' wins {100 * strip.loc['dinosaur', 'weight']:.1f}%" in answers["outlier"].because
    words = answers["outlier"].parts[2].table.set_index("word")
    assert words.loc["dinosaur", "share of dimensions"] == strip.loc["dinosaur", "weight"] == strip["weight"].max()
    odd, usual = (words[words["kind"] == kind]["place"] for kind in ("odd", "usual"))
    assert ((odd == 1).sum(), (usual == 1).sum()) == (9, 0), "what the lesson says is what happens, nearly always"


def test_the_winner_of_a_lottery_has_no_lead_elsewhere(answers):
    values, scores = np.random.default_rng(0).integers(0, 5, (3, 20)).astype(float), np.arange(20.0) // 2
    by_scipy = [spearmanr(one, scores).statistic for one in values]
    assert chance._spearman(values, scores) == pytest.approx(by_scipy)
    table = answers["chance"].parts[0].rows
    assert set(table["verdict"]) == {"best", "open"}, "the intervals know better than the order"
    assert (table["others"] > table["others"].iloc[0]).sum() == 6
    assert "6 of the other seven score higher than it" in answers["chance"].parts[0].noticed


def test_where_the_head_is_said_to_be_better_or_worse_it_is_so_by_more_than_chance():
    pairs, grid = own_pairs(), piecewise.pair_cosines(own_pairs(), Reading(DEFAULT))
    cells = [(trained_head.LAYER, name) for name in ("attention", "mean")]
    assert score_grid(pairs, grid, cells).compared.lead(*cells).low > 0
    head, mean = (np.abs(rank_gaps(grid.vectors[cell], pairs)) for cell in cells)
    for kind in {p.kind for p in pairs}:
        of = [p.kind == kind for p in pairs]
        further = ttest_rel(head[of], mean[of]).confidence_interval()
        assert further.low > 0 if kind == "negation" else further.low < 0, kind


def test_what_is_alike_and_what_answers_are_compared_as_the_table_says(answers, encoder):
    table = answers["search"].parts[0].rows
    first = encoder.encode([*search.DESK[0]])
    question, again, answer = get_strategy("mean")(first).embedding
    said = table.iloc[0, 1:].tolist()
    assert said == pytest.approx([torch.cosine_similarity(question, one, dim=0).item() for one in (again, answer)])
    assert (table.iloc[:, 1] > table.iloc[:, 2]).all()


def test_a_needle_is_found_by_the_average_of_each_tokens_best(answers, encoder):
    query, text = (encoder.encode([one]).hidden[0] for one in (needle.QUERY, needle.NEEDLE))
    by_hand = torch.cosine_similarity(query[:, None], text[None], dim=2).amax(dim=1).mean().item()
    table = answers["needle"].parts[0].rows
    assert (table["sentences"].iloc[0], table["maxsim"].iloc[0]) == (1, pytest.approx(by_hand))
    assert table["mean"].iloc[0] == pytest.approx(torch.cosine_similarity(query.mean(0), text.mean(0), dim=0).item())


def test_a_denial_is_told_from_its_paraphrase_by_the_weight_of_one_word(answers, encoder):
    states = encoder.encode(TEXTS)
    safe, not_safe, paraphrase = (states.one(i) for i in range(3))
    assert not_safe.tokens[0][4] == "not"
    plain, same = safe.hidden[0].mean(dim=0), paraphrase.hidden[0].mean(dim=0)
    denial, raised = not_safe.hidden[0].mean(dim=0), not_safe.hidden[0].sum(dim=0) + 4 * not_safe.hidden[0, 4]
    cosines = [torch.cosine_similarity(plain, other, dim=0).item() for other in (denial, raised, same)]
    assert [round(one, 3) for one in cosines] == [0.861, 0.665, 0.675]
    said = "from 0.861 to 0.665, below the paraphrase's 0.675; but none of these poolings knows which word denies."
    assert answers["negation"].because.endswith(said)


def test_a_better_model_is_taken_where_it_is_and_asked_for_where_it_is_not(monkeypatch):
    lesson = get_lesson("raw_cls")
    monkeypatch.setattr("pooling.lessons.missing", lambda model: None)
    assert lesson.models_here() == ("google-bert/bert-base-uncased",)
    monkeypatch.setattr("pooling.lessons.missing", lambda model: f"{model.name} is not there.")
    assert lesson.models_here() == lesson.models
    assert lesson.lacks() == "google-bert/bert-base-uncased is not there."


class Watched:
    """Which keys pages prepare for the address, with the values that they offer."""

    def __init__(self, monkeypatch):
        self.seen: dict[str, set[str] | range | None] = {}
        choice, number, text = url.choice, url.number, url.text
        monkeypatch.setattr(url, "choice", lambda k, options, d: self.see(k, set(options)) or choice(k, options, d))
        monkeypatch.setattr(
            url, "number", lambda k, low, high, d: self.see(k, range(low, high + 1)) or number(k, low, high, d)
        )
        monkeypatch.setattr(url, "text", lambda k, default: self.see(k, None) or text(k, default))

    def see(self, key: str, offered) -> None:
        self.seen[key] = offered


@pytest.mark.parametrize("lesson", LESSONS, **NAMED)
def test_try_it_opens_a_page_of_the_app_with_values_that_it_offers(lesson, answers, few_texts, monkeypatch):
    start, watched = answers[lesson.name].start, Watched(monkeypatch)
    page = next(p for p in PAGES if p.file == f"pages/{lesson.task.page}.py")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    for key, value in start.items():
        app.query_params[key] = value
    app.switch_page(page.file).run()
    assert not app.exception
    assert app.title[0].value == page.question
    for key, value in start.items():
        offered = watched.seen[key]
        assert offered is None or (int(value) if isinstance(offered, range) else value) in offered, key
        assert str(app.session_state[key]) == value


def test_links_are_relative_so_that_they_hold_under_any_path():
    assert address("playground", "set=filler") == "./?set=filler"
    assert address("padding_lab") == "./padding_lab"


@pytest.fixture(scope="module")
def learner():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300).switch_page("pages/learn.py").run()
    assert not app.exception
    return app


def test_every_lesson_is_drawn_with_what_the_reader_chose(answers, monkeypatch):
    monkeypatch.setattr(cache, "lesson", lambda name, models, cosines: answers[name])
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300).switch_page("pages/learn.py").run()
    for lesson, after in itertools.zip_longest(LESSONS, LESSONS[1:]):
        wrong = next(reversed(lesson.wrong))
        app.session_state["lesson"] = lesson.name
        app.session_state["_answers"] = {lesson.name: learn.Answer(lesson.right, wrong)}
        app.run()
        assert not app.exception
        said = words(app)
        assert f"** {lesson.wrong[wrong]}\n\n**What happens.** {answers[lesson.name].because}" in said
        assert ("The model says otherwise." in said) == bool(lesson.models)
        assert all(
            f"- **{lesson.choices[name]}** {lesson.wrong[name]}" in said for name in lesson.wrong if name != wrong
        )
        assert [one.label for one in app.button if one.key == "lesson-on"] == (
            [f"Next lesson: {after.title}"] if after else []
        )


def in_address(app, key: str) -> str:
    value = app.query_params[key]
    return value if isinstance(value, str) else value[0]


def words(app) -> str:
    return "\n".join(part.value for part in app.main.get("markdown"))


def test_nothing_is_shown_before_one_commits_and_the_first_try_counts(learner):
    assert not learner.get("plotly_chart")
    _, second, third = LESSONS[:3]
    assert f"0 of {len(LESSONS)} answered" in words(learner)
    learner.button(key="choice-by_hand-zero").click().run()
    assert f"**That is not it.** {LESSONS[0].wrong['zero']}" in words(learner), "no model ran, so none says otherwise"
    assert len(learner.get("plotly_chart")) == 2
    assert f"1 of {len(LESSONS)} answered, 0 right at first try" in words(learner)
    learner.button(key="lesson-on").click().run()
    assert in_address(learner, "lesson") == second.name
    assert not learner.get("plotly_chart")
    wrong = next(iter(second.wrong))
    learner.button(key=f"choice-{second.name}-{wrong}").click().run()
    assert f"**The model says otherwise.** {second.wrong[wrong]}" in words(learner)
    learner.button(key="lessons-forget").click().run()
    assert f"0 of {len(LESSONS)} answered" in words(learner)
    learner.session_state["_answers"] = {"by_hand": learn.Answer("zero", "zero")}
    learner.run()
    learner.button(key=f"choice-{second.name}-{second.right}").click().run()
    assert "You are right." in words(learner)
    assert f"2 of {len(LESSONS)} answered, 1 right at first try" in words(learner)
    learner.button(key="lesson-previous").click().run()
    assert "That is not it." in words(learner)
    learner.button(key="lesson-again").click().run()
    assert not learner.get("plotly_chart")
    learner.button(key="choice-by_hand-right").click().run()
    assert f"2 of {len(LESSONS)} answered, 1 right at first try" in words(learner)
    assert [learner.button(key=f"open-{name}").label for name in ("by_hand", second.name, third.name)] == [
        "**↻ 1 · By hand**",
        f"✓ 2 · {second.title}",
        f"○ 3 · {third.title}",
    ]
    assert not learner.exception


def test_what_a_browser_holds_counts_only_where_it_is_an_answer():
    for held in ("", "{", "[]", "7", '{"mask": "same"}', '{"mask": ["<b>", null]}', '{"gone": ["a", "a"]}'):
        assert learn._read(held, LESSONS) == {}
    held = '{"by_hand": ["zero", null], "mask": ["same", 3], "causal": ["worse", "same", "same"]}'
    assert learn._read(held, LESSONS) == {"by_hand": learn.Answer("zero", None)}


@pytest.mark.parametrize("course", courses(), ids=lambda one: one.name)
def test_a_course_is_as_long_as_it_says_and_in_the_order_of_teaching(course):
    names = [name for name, _ in course.lessons]
    assert names == [one.name for one in LESSONS if one.name in names]
    assert sum(minutes for _, minutes in course.lessons) + course.talk == course.minutes
    assert all(minutes < 10 for _, minutes in course.lessons)
    assert all(line.endswith((".", "?")) for line in (*course.aims, *course.say, course.whom))


def test_a_teacher_begins_a_course_and_next_follows_it():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    app.query_params["learn"] = "course"
    app.switch_page("pages/learn.py").run()
    assert [one.value for one in app.header] == ["A course in 20, 45 or 90 minutes"]
    assert len(words(app).split()) < 1200, "read in five minutes"
    short = courses()[0]
    app.button(key="begin-short").click().run()
    assert (in_address(app, "path"), "learn" in app.query_params) == ("short", False)
    for place, (name, _) in enumerate(short.lessons, start=1):
        assert f"Lesson {place} of {len(short.lessons)}" in words(app)
        assert [one.key for one in app.button if str(one.key).startswith("open-")] == [
            f"open-{lesson}" for lesson, _ in short.lessons
        ]
        assert app.session_state["lesson"] == name
        if place < len(short.lessons):
            app.button(key="lesson-next").click().run()
    assert app.button(key="lesson-next").disabled
    app.button(key="path-leave").click().run()
    assert f"Lesson {[one.name for one in LESSONS].index(short.lessons[-1][0]) + 1} of {len(LESSONS)}" in words(app)
    for lesson, shown in (("mask", "Lesson 2 of 4"), ("chance", f"of {len(LESSONS)}")):
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
        app.query_params["path"], app.query_params["lesson"] = "short", lesson
        app.switch_page("pages/learn.py").run()
        assert shown in words(app)
        assert ("path" in app.query_params) == (lesson == "mask"), "a lesson that is not on the course leaves it"
    assert not app.exception


def test_a_worksheet_asks_on_one_page_and_answers_on_another():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300).switch_page("pages/learn.py")
    app.session_state["learn"] = "course"
    app.run()
    assert app.multiselect(key="sheet-lessons").value == [name for name, _ in courses()[0].lessons]
    app.multiselect(key="sheet-lessons").set_value(["by_hand"])
    app.button(key="sheet-show").click().run()
    assert not app.exception
    asked, answered = (one.proto.body for one in app.get("html") if "<section" in one.proto.body)
    lesson = get_lesson("by_hand")
    for text in (lesson.title, lesson.question, *lesson.choices.values(), "<td>birds</td>", "pp-empty"):
        assert text in asked
    assert not any(said[:40] in asked for said in lesson.wrong.values())
    assert f"<strong>{lesson.choices[lesson.right]}</strong>" in answered
    assert all(said[:40] in answered for said in lesson.wrong.values())
    assert ".pp-answers{break-before:page" in worksheet.STYLE
    app.multiselect(key="sheet-lessons").set_value([]).run()
    assert not app.exception
    app.button(key="sheet-leave").click().run()
    assert app.multiselect(key="sheet-lessons").value == []
    assert app.button(key="sheet-show").disabled


def test_an_unknown_lesson_falls_back_to_the_first():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    app.query_params["lesson"], app.query_params["present"] = "../../etc", "1"
    app.switch_page("pages/learn.py").run()
    assert not app.exception
    assert f"Lesson 1 of {len(LESSONS)}" in words(app)
    assert "lesson" not in app.query_params
    assert "present" not in app.query_params


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
@pytest.mark.parametrize("tuned", ["tuned", "raw"])
@pytest.mark.parametrize("labels", ["none", "pairs"])
@pytest.mark.parametrize("compare", ["cosine", "dot", "length"])
def test_every_answer_to_the_four_questions_has_its_recommendation(kind, tuned, labels, compare):
    advice = recommend(kind, tuned, labels, compare)
    expected = {
        ("encoder", "tuned"): "mean",
        ("decoder", "tuned"): "last_token",
        ("encoder", "raw"): "attention" if labels == "pairs" else "mean",
        ("decoder", "raw"): "attention" if labels == "pairs" else "weighted_mean",
    }[kind, tuned]
    if (expected, compare) == ("mean", "length"):
        expected = "mean_sqrt_len"
    assert advice.strategy == expected
    assert advice.normalise == (compare == "dot")
    assert ("Scale every embedding to length 1" in advice.check) == (compare == "dot")
    assert get_model(advice.model).kind == kind or (kind, tuned) == ("decoder", "tuned")
    assert (get_model(advice.model).pooling is not None) == (tuned == "tuned") or advice.layer < get_model(
        advice.model
    ).layers
    assert advice.example in [model.name for model in all_models()]
    after = ("l2",) if advice.normalise else ()
    code = for_pooling(Recipe(advice.example, advice.strategy, advice.layer, after=after)).code
    compile(code, "code", "exec")


def test_the_recommendation_agrees_with_the_registry():
    assert "encoder" in get_strategy(recommend("encoder", "raw", "none", "cosine").strategy).when
    assert "not tuned" in get_strategy(recommend("decoder", "raw", "none", "cosine").strategy).when
    assert "decoder" in get_strategy(recommend("decoder", "tuned", "none", "cosine").strategy).when
    assert "scored pairs" in get_strategy(recommend("encoder", "raw", "pairs", "cosine").strategy).when
    assert "longer" in get_strategy(recommend("encoder", "raw", "none", "length").strategy).when


def test_the_four_questions_are_in_the_address_and_recommend():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    app.query_params["learn"], app.query_params["advice-kind"], app.query_params["advice-tuned"] = (
        "advice",
        "decoder",
        "raw",
    )
    app.switch_page("pages/learn.py").run()
    assert not app.exception
    assert "Use Weighted mean pooling" in [one.value for one in app.header]
    assert '["weighted_mean"]' in app.code[0].value
    app.radio(key="advice-labels").set_value("pairs")
    app.radio(key="advice-compare").set_value("dot").run()
    assert not app.exception
    assert "Use Attention (trained) pooling" in [one.value for one in app.header]
    assert "normalize_embeddings=True" in app.code[0].value
    assert in_address(app, "advice-compare") == "dot"
    assert len(app.get("plotly_chart")) == 2


def test_the_questions_offer_what_recommend_takes():
    for given in itertools.product(*(question.answers for question in QUESTIONS)):
        assert recommend(*given).reason
