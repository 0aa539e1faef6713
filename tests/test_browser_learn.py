"""The Learn page, as a person sees it: every lesson done by clicking, its link, and the front of a class."""

from playwright.sync_api import expect

from pooling.datasets import courses
from pooling.lessons import all_lessons
from tests.conftest import Reader
from tests.test_browser_playground import WIDER_THAN_THE_SCREEN

LESSONS = all_lessons()
NARROW = {"width": 390, "height": 844}
CUT = 'e => [...e.querySelectorAll("*")].some(one => one.scrollWidth > one.clientWidth + 1)'
"""Whether something in an element is wider than its place."""
SCROLLED = "document.querySelector('[data-testid=stMain]').scrollTop"


def choose(reader, lesson, choice: str) -> None:
    """Commit to an answer and wait for what the model shows."""
    reader.page.click(f".st-key-choice-{lesson.name}-{choice} button")
    reader.page.get_by_text("Read on:").wait_for(timeout=240_000)
    reader.wait()


def test_lessons_are_done_by_clicking_and_their_answers_survive_a_reload(server, reader):
    by_name = {one.name: one for one in LESSONS}
    reader.open(server + "/learn?learn=course")
    reader.page.click(".st-key-begin-short button")
    course = [by_name[name] for name, _ in courses()[0].lessons]
    for place, lesson in enumerate(course, start=1):
        reader.page.get_by_text(f"Lesson {place} of {len(course)}").wait_for(timeout=30_000)
        expect(reader.page.get_by_test_id("stMain")).to_contain_text(lesson.question)
        shown = reader.page.locator(".js-plotly-plot, .pp-strip")
        expect(shown, "nothing is shown before one commits").to_have_count(0)
        wrong = next(iter(lesson.wrong))
        choose(reader, lesson, wrong if place < 3 else lesson.right)
        said = ("That is not it.", "The model says otherwise.", "You are right.", "You are right.")[place - 1]
        assert said in reader.main()
        assert (lesson.wrong[wrong] in reader.main()) == (place < 3)
        assert "On this model the numbers speak for another answer" not in reader.main()
        link = reader.page.get_by_role("link", name="Try it yourself")
        assert link.get_attribute("href").endswith(f"task={lesson.name}")
        reader.assert_well()
        if place < len(course):
            reader.page.click(".st-key-lesson-on button")
            expect(reader.page.locator(".st-key-lesson-on")).to_have_count(0)
            assert reader.page.evaluate(SCROLLED) == 0, "the next one begins at its top"

    # the device remembers, in another tab too, and a phone shows each kind of picture whole
    reader.page.reload()
    reader.page.get_by_text("4 of 4 answered, 2 right at first try").wait_for(timeout=30_000)
    other = Reader(reader.page.context.new_page())
    other.open(server + "/learn?lesson=search")
    other.page.get_by_text(f"4 of {len(LESSONS)} answered").wait_for(timeout=30_000)
    other.page.set_viewport_size(NARROW)
    for name in ("search", "needle", "anisotropy"):
        other.page.click(f".st-key-open-{name} button")
        choose(other, by_name[name], by_name[name].right)
        assert other.page.evaluate(WIDER_THAN_THE_SCREEN) == []
    other.page.get_by_role("button", name="Forget my answers").click()
    other.page.click(".st-key-lessons-forget button")
    reader.page.get_by_text("0 of 4 answered").wait_for(timeout=30_000)
    assert other.page.evaluate("localStorage.getItem('pooling-lessons')") is None
    other.assert_well()


def test_a_link_shows_the_same_lesson_and_its_experiment_says_the_task_and_the_way_back(server, reader):
    reader.open(server + "/learn?lesson=normalise")
    place, lesson = next((i, one) for i, one in enumerate(LESSONS, start=1) if one.name == "normalise")
    assert f"Lesson {place} of {len(LESSONS)}" in reader.main()
    assert f"0 of {len(LESSONS)} answered" in reader.main()
    choose(reader, lesson, "none")
    reader.page.get_by_role("link", name="Try it yourself").click()
    reader.page.locator(".st-key-metric").wait_for(timeout=60_000)
    reader.wait()
    assert reader.chosen("metric") == "Dot product"
    assert reader.page.locator(".st-key-text textarea").input_value().startswith("Volcano!")
    assert reader.page.url.startswith(server + "/similarity?")
    assert lesson.task.what in reader.page.inner_text(".st-key-task")
    reader.press("metric", "Cosine")
    assert lesson.task.what in reader.page.inner_text(".st-key-task")
    shared = reader.page.url
    reader.page.get_by_role("link", name=f"Back to “{lesson.title}”").click()
    reader.page.wait_for_url("**/learn?lesson=normalise")
    reader.wait()
    assert "You are right." in reader.main()
    reader.go("Similarity")
    assert reader.page.locator(".st-key-task").count() == 0, "the task ends where one goes elsewhere"
    reader.open(shared)
    assert lesson.task.what in reader.page.inner_text(".st-key-task")
    reader.open(server + "/similarity?task=mask")
    assert reader.page.locator(".st-key-task").count() == 0, "the task of another page"


def test_a_lesson_tries_its_own_sentences_and_back_brings_ones_own_again(server, reader):
    reader.open(server + "/?strategy=max&layer=4")
    reader.type("Mine.")
    reader.go("Similarity")
    reader.go("Learn")
    reader.page.click(".st-key-open-normalise button")
    choose(reader, next(one for one in LESSONS if one.name == "normalise"), "none")
    reader.page.get_by_role("link", name="Try it yourself").click()
    reader.page.locator(".st-key-task").wait_for(timeout=60_000)
    reader.wait()
    assert (reader.chosen("strategy"), reader.chosen("layers")) == ("Mean", "One layer")
    assert reader.page.locator(".st-key-text textarea").input_value().startswith("Volcano!")
    assert "layer=" not in reader.page.url
    while "/similarity" in reader.page.url:
        reader.page.go_back()
        reader.wait()
    assert "You are right." in reader.main()
    reader.go("Playground")
    assert reader.page.locator(".st-key-text textarea").input_value() == "Mine."
    assert reader.chosen("strategy") == "Max"
    assert "layer=4" in reader.page.url


def test_at_the_front_of_a_class_keys_lead_through_the_lessons(server, reader):
    number = [lesson.name for lesson in LESSONS].index("mask") + 1
    reader.page.goto(server + "/learn?lesson=mask&present=on")
    reader.page.get_by_text(f"Lesson {number} of {len(LESSONS)}").wait_for(timeout=60_000)
    reader.wait()
    for hidden in ("stSidebar", "stHeader"):
        assert not reader.page.get_by_test_id(hidden).is_visible()
    letters = "el => parseFloat(getComputedStyle(el).fontSize)"
    assert reader.page.get_by_text("What happens to the sentence's embedding?").evaluate(letters) >= 26
    reader.page.keyboard.press("3")
    reader.page.get_by_text("You are right.").wait_for(timeout=60_000)
    reader.page.get_by_text("Read on:").wait_for(timeout=60_000)
    wide = reader.page.viewport_size
    reader.page.set_viewport_size(NARROW)
    reader.wait()
    assert reader.page.evaluate(WIDER_THAN_THE_SCREEN) == []
    reader.page.set_viewport_size(wide)
    reader.wait()
    reader.page.keyboard.press("End")
    reader.page.keyboard.press("ArrowRight")
    reader.page.get_by_text(f"Lesson {number + 1} of {len(LESSONS)}").wait_for(timeout=30_000)
    reader.wait()
    assert reader.page.evaluate(SCROLLED) == 0
    assert f"lesson={LESSONS[number].name}" in reader.page.url
    reader.page.keyboard.press("ArrowLeft")
    reader.page.get_by_text("You are right.").wait_for(timeout=30_000)
    reader.page.keyboard.press("Escape")
    reader.page.get_by_text("Your progress.").wait_for(timeout=30_000)
    reader.wait()
    assert reader.page.get_by_test_id("stSidebar").is_visible()
    assert "present" not in reader.page.url
    # outside the mode the keys do nothing, and never while one types
    reader.page.keyboard.press("ArrowRight")
    reader.wait()
    assert f"Lesson 2 of {len(LESSONS)}" in reader.main()


def test_on_a_phone_no_choice_is_cut_on_its_button(server, phone):
    for lesson in sorted(LESSONS, key=lambda one: max(map(len, one.choices.values())))[-3:]:
        phone.page.goto(f"{server}/learn?lesson={lesson.name}")
        buttons = phone.page.locator(f"[class*=st-key-choice-{lesson.name}-] button")
        expect(buttons).to_have_count(len(lesson.choices), timeout=60_000)
        assert [one.evaluate(CUT) for one in buttons.all()] == [False] * len(lesson.choices), lesson.name
