"""A lesson of one's own from the form to the class: three acts, Back, a reload, a phone, a room; all of it hostile."""

import re

from playwright.sync_api import expect

from pages.ui.own_lesson import EXAMPLE
from pooling.own_lesson import unpack
from tests.test_browser_accessibility import DARK, serious_findings
from tests.test_browser_playground import WIDER_THAN_THE_SCREEN
from tests.test_browser_room import CLIPBOARD, PHONE, SCREEN, act, see, somebody, vote
from tests.test_own_lesson import HOSTILE

ODD = f"{HOSTILE} a -> b <- c -- d >= e :streamlit: :smile:"
DRAWN = ", ".join(
    f"[data-testid=stMain] {one}"
    for one in ("a[href*=evil]", "a[href^=javascript]", "img[src*=evil]", "img[src$=x]", "script", "[onerror]")
)
"""What must not come of it."""


def test_a_teacher_writes_a_lesson_and_a_class_takes_it(server, chromium):
    with (
        somebody(chromium, **SCREEN, permissions=CLIPBOARD) as teacher,
        somebody(chromium, **PHONE, color_scheme="dark") as student,
    ):
        teacher.open(f"{server}/learn?learn=write")
        beside = teacher.page.locator(".st-key-own-preview")
        found = serious_findings(teacher, "Write a lesson")

        # three acts in a row, each answered: what is right follows the sentences
        for sentences, right in (
            ("\n".join(EXAMPLE.sentences), "Max"),
            ("Stocks fell.\nShares are down.\nIt rains.", "CLS"),
            ("He plays football on Mondays.\nHe plays the violin on Mondays.", "Max"),
        ):
            write(teacher, "sentences", sentences)
            beside.get_by_role("button", name="Mean", exact=True).click()
            expect(beside).to_contain_text(f"{right} (right)", timeout=30_000)
        before = teacher.page.url
        write(teacher, "sentences", "A dog.\nA dog.")
        expect(beside).to_contain_text("nearly the same cosine")
        teacher.page.go_back()
        teacher.wait()
        assert teacher.page.url == before
        expect(beside).to_contain_text("Max (right)")
        assert teacher.page.input_value(".st-key-own-sentences textarea").startswith("He plays football")

        # whatever is typed stands there as it was typed
        write(teacher, "title", HOSTILE[:100])
        write(teacher, "ground", HOSTILE)
        write(teacher, "reason", HOSTILE)
        write(teacher, "question", ODD[:290])
        assert ODD[:290] in words(beside)
        teacher.page.fill(".st-key-own-said-strategies-cls textarea", "typed last")
        act(teacher, "Keep it in this browser")  # straight from the box
        see(teacher, "Kept in this browser.")

        # another over it, and this one again from what the browser keeps, without the address
        teacher.page.get_by_text("Another lesson: kept here").click()
        act(teacher, "A new lesson")
        teacher.wait()
        expect(beside).to_contain_text("Give it a title.")
        for place in range(2):
            write(teacher, f"choice-{place}", "yes")
        expect(beside).to_contain_text("Two choices are the same.")
        act(teacher, "A new lesson")
        expect(beside).not_to_contain_text("Two choices are the same.")
        boxes = teacher.page.locator("[class*=st-key-own-] :is(textarea, input[type=text]:not([role=combobox]))").all()
        assert {box.input_value() for box in boxes} == {""}
        teacher.open(f"{server}/learn?learn=write")
        teacher.page.get_by_text("Another lesson: kept here").click()
        act(teacher, HOSTILE[:20])
        teacher.wait()
        assert teacher.page.input_value(".st-key-own-title input") == HOSTILE[:100]
        assert teacher.page.input_value(".st-key-own-said-strategies-cls textarea") == "typed last"
        assert teacher.page.locator(DRAWN).count() == 0
        act(teacher, "Copy its link")
        teacher.page.get_by_text("Copied.").wait_for()
        link = teacher.page.evaluate("navigator.clipboard.readText()")
        assert unpack(link.partition("own=")[2]).reason == HOSTILE

        # its link, on a phone
        student.open(link)
        student.page.wait_for_function(DARK)
        student.page.get_by_role("button", name="Mean", exact=True).tap()
        see(student, "That is not it.")
        see(student, "Max (right)")
        student.wait()
        assert student.page.evaluate(WIDER_THAN_THE_SCREEN) == []
        assert student.page.locator(DRAWN).count() == 0
        found |= serious_findings(student, "a lesson of one's own, phone, dark")

        # a room, with the lesson that this browser keeps
        act(teacher, "Vote on it in class")
        act(teacher, "Open the room")
        see(teacher, "Join with your phone")
        code = re.search(r"room=(\w+)", teacher.page.url)[1]
        student.page.goto(f"{server}/learn?room={code}")
        act(teacher, "Ask the first question")
        see(student, "<img src=x onerror=alert(1)>")
        vote(student, "B")
        act(teacher, "Show the answer")
        see(teacher, "Right: 1 of 1.")
        see(teacher, "The cosine of sentences 1 and 2")
        see(student, "B is right")
        for one in (teacher, student):
            assert one.page.locator(DRAWN).count() == 0
        assert found == {}


def words(part) -> str:
    """What stands there, without the joiners that keep Streamlit from reading more into it."""
    return " ".join(part.inner_text().replace("\u2060", "").split())


def write(reader, name: str, text: str) -> None:
    """Fill a box of the form, and leave it."""
    box = reader.page.locator(f".st-key-own-{name} :is(input, textarea)")
    box.fill(text)
    box.blur()
    reader.wait()
