"""Lessons: each asks well, and the live model answers as the lesson says. And which pooling to use."""

import itertools
import re

import pytest
import torch
from streamlit.testing.v1 import AppTest

from pages.ui import piecewise, url
from pages.ui.navigation import PAGES, address
from pooling import get_strategy, load_encoder
from pooling.catalogue import all_models, get_model, missing
from pooling.charts import chips
from pooling.datasets import own_pairs
from pooling.lessons import Rows, Shown, Strips, Sum, all_lessons, get_lesson
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
    strip = dict(answers["outlier"].parts[0].rows)["dinosaur"].set_index("token")
    assert len(strip) == 14  # as the question says
    assert f"'dinosaur' wins {100 * strip.loc['dinosaur', 'weight']:.1f}%" in answers["outlier"].because


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
def test_try_it_opens_a_page_of_the_app_with_values_that_it_offers(lesson, answers, monkeypatch):
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
    assert "The model says otherwise." in words(learner)
    assert len(learner.get("plotly_chart")) == 2
    assert f"1 of {len(LESSONS)} answered, 0 right at first try" in words(learner)
    learner.button(key="lesson-next").click().run()
    assert in_address(learner, "lesson") == second.name
    assert not learner.get("plotly_chart")
    learner.button(key=f"choice-{second.name}-{second.right}").click().run()
    assert "You are right." in words(learner)
    assert f"2 of {len(LESSONS)} answered, 1 right at first try" in words(learner)
    learner.button(key="lesson-previous").click().run()
    assert "The model says otherwise." in words(learner)
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
