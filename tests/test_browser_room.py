"""A room as a class meets it: one screen, phones, reloads and second tabs, a closed teacher, wrong codes."""

import re
from contextlib import contextmanager
from io import BytesIO

import zxingcpp
from PIL import Image
from playwright.sync_api import expect

from pages.ui.room.rooms import ALPHABET, WRONG_BY_ONE
from pooling.lessons import all_lessons
from tests.conftest import Reader
from tests.test_browser_accessibility import DARK, serious_findings
from tests.test_browser_playground import WIDER_THAN_THE_SCREEN

SCREEN = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LESSON = all_lessons()[0]
RIGHT = "ABCDE"[list(LESSON.choices).index(LESSON.right)]
CLIPBOARD = ["clipboard-read", "clipboard-write"]
FRAME = ("stSidebar", "stHeader")


@contextmanager
def somebody(chromium, **settings):
    """A person with a browser of their own."""
    context = chromium.new_context(**settings)
    made = Reader(context.new_page())
    yield made
    made.assert_well()
    context.close()


def see(reader, text: str) -> None:
    expect(reader.page.get_by_test_id("stMain")).to_contain_text(text, timeout=30_000)


def see_anywhere(reader, text: str) -> None:
    reader.page.get_by_text(text).wait_for(timeout=30_000)


def act(reader, name: str) -> None:
    reader.page.get_by_role("button", name=name).click(timeout=30_000)


def vote(reader, letter: str) -> None:
    reader.page.click(f".st-key-vote-{letter} button")
    see(reader, f"Counted: {letter}.")


def test_a_class_votes_talks_votes_again_and_sees(server, chromium):
    with (
        somebody(chromium, **SCREEN, permissions=CLIPBOARD) as teacher,
        somebody(chromium, **PHONE) as ana,
        somebody(chromium, **PHONE) as ben,
    ):
        teacher.open(server + "/learn?learn=room&room-lessons=" + ",".join(one.name for one in all_lessons()[:2]))
        act(teacher, "Open the room")
        see(teacher, "Join with your phone")
        see(teacher, "no phone can follow")  # of 127.0.0.1
        code = re.search(r"room=(\w+)", teacher.page.url)[1]
        act(teacher, "My link")
        act(teacher, "Copy my link")
        see_anywhere(teacher, "Copied.")
        key_link = teacher.page.evaluate("navigator.clipboard.readText()")
        key = key_link.partition("key=")[2]
        assert len(key) >= 32
        assert key not in teacher.page.url + teacher.page.inner_text("body"), "the class sees this screen"
        teacher.page.keyboard.press("Escape")
        photograph = Image.open(BytesIO(teacher.page.locator(".pp-qr").screenshot())).convert("RGB")
        from_afar = photograph.resize((120, 120)).rotate(7, expand=True, fillcolor="gray")
        assert [one.text for one in zxingcpp.read_barcodes(from_afar)] == [f"{server}/learn?room={code}"]
        students = f"{server}/learn?room={code.lower()}"
        for one in (ana, ben):
            one.page.goto(students)
            see(one, "You are in.")
            assert not any(one.page.get_by_test_id(part).is_visible() for part in FRAME)
        see(teacher, "2 here")
        act(teacher, "Ask the first question")

        # the first vote, which may be changed; nobody sees what
        for one, letter in ((ana, "A"), (ben, "B")):
            see(one, LESSON.question)
            vote(one, letter)
        vote(ana, "C")
        see(teacher, "2 of 2 have answered")
        assert teacher.page.locator(".pp-bar").count() == 0
        assert ana.page.evaluate(WIDER_THAN_THE_SCREEN) == []
        assert min(box["height"] for box in boxes(ana)) >= 48
        found = serious_findings(ana, "phone, light") | serious_findings(teacher, "screen, light")

        # a reload and a second tab are the same vote
        ana.page.reload()
        see(ana, "Counted: C.")
        second = Reader(ana.page.context.new_page())
        second.page.goto(students)
        see(second, "Counted: C.")
        vote(second, "A")
        see(ana, "Counted: A.")
        second.page.close()
        see(teacher, "2 of 2 have answered")

        # the votes, talk, the second vote
        act(teacher, "Show the votes")
        see(ana, "You chose A. Look at the screen")
        assert bars(teacher) == {"A": ["1"], "B": ["1"]} | {one: ["0"] for one in "CDE"[: len(LESSON.choices) - 2]}
        assert "✓ right" not in teacher.main()
        act(teacher, "Discuss and vote again")
        for one in (ana, ben):
            see(one, "second vote")
            vote(one, RIGHT)
        assert teacher.page.locator(".pp-bar").count() == 0

        # the teacher's tab closes: by the address alone this browser comes back, another needs the link
        lead = teacher.page.url
        teacher.page.reload()
        see(teacher, "2 of 2 have answered")
        ben.page.goto(lead)
        see(ben, "does not have the key")
        assert key not in ben.page.content()
        act(ben, "Join as a student")
        see(ben, f"Counted: {RIGHT}.")
        with somebody(chromium, **SCREEN, color_scheme="dark") as elsewhere:
            elsewhere.page.goto(key_link)
            see(elsewhere, "2 of 2 have answered")
            assert "key=" not in elsewhere.page.url
            act(elsewhere, "Show the answer")
            see(elsewhere, "Right: ")
            elsewhere.page.wait_for_function(DARK)
            elsewhere.wait()
            assert bars(elsewhere)[RIGHT][1] == "2"
            found |= serious_findings(elsewhere, "screen, dark", ["color-contrast"])
            see(teacher, "✓ right")  # the first screen follows
            teacher.page.locator(".js-plotly-plot, .pp-strip").first.wait_for(timeout=60_000)
            see(ana, "your vote")
            see(ana, f"{RIGHT} is right")
            ana.page.emulate_media(color_scheme="dark")
            ana.page.wait_for_function(DARK)
            ana.wait()  # its colours go over into each other
            found |= serious_findings(ana, "phone, dark", ["color-contrast"])
            assert found == {}
            act(teacher, "Next")
            see(elsewhere, "Question 2 of 2")  # and the second, from an answer on

        # what is pressed in a menu closes it; the end: the class's table, also on paper
        see(teacher, "Question 2 of 2")
        act(teacher, "More")
        act(teacher, "Close in 60 s")
        see(teacher, "s left")
        expect(teacher.page.get_by_role("button", name="Close in 60 s")).to_be_hidden()
        see(ana, "s left.")
        act(teacher, "Show the answer")
        act(teacher, "End")
        see(teacher, "How the class has voted")
        with teacher.page.expect_download() as file:
            act(teacher, "Table (CSV)")
        lines = file.value.path().read_text("utf-8-sig").splitlines()
        assert lines[0] == "number,lesson,question,choice,right,first vote,second vote"
        assert len(lines) == 1 + len(LESSON.choices)
        teacher.page.emulate_media(media="print")
        expect(teacher.page.locator(".st-key-room-acts")).to_be_hidden()
        expect(teacher.page.locator(".pp-result")).to_be_visible()
        teacher.page.emulate_media(media="screen")
        see(ana, "That was the last question.")
        act(teacher, "Close the room")
        act(teacher, "Close it")
        see(teacher, "Open a room")
        see(ana, "This room has ended.")


def test_codes_cannot_be_tried_at_will(server, phone):
    phone.open(server + "/learn?learn=room")
    assert serious_findings(phone, "Vote in class") == {}
    box = phone.page.locator(".st-key-room-code input")
    for i in range(WRONG_BY_ONE[0] + 1):
        assert phone.page.evaluate(WIDER_THAN_THE_SCREEN) == []
        box.fill(ALPHABET[i] * 8)
        act(phone, "Join") if i else box.press("Enter")
        see(phone, "no room with this code" if i < WRONG_BY_ONE[0] else "Wait ten minutes")
        phone.wait()
    phone.page.goto(server + "/learn?room=ACDE-FHJK")
    see(phone, "There is no room with this code here.")


def boxes(reader) -> list[dict]:
    return [one.bounding_box() for one in reader.page.locator("[class*=st-key-vote-] button").all()]


def bars(reader) -> dict[str, list[str]]:
    """The numbers beside the bars, by the choice's letter."""
    reader.page.locator(".pp-bar").first.wait_for(timeout=30_000)
    rows = reader.page.locator(".pp-votes li").all()
    return {one.locator(".pp-letter").inner_text(): one.locator(".pp-bar b").all_inner_texts() for one in rows}
