"""Work in the background: turns, keys, patience, ends, and what a page says of it."""

import threading

import pytest

from pooling import background
from pooling.background import Line, LineFull, Stopped, Work, WorkLine, duration, place_in_line, waits_for


def test_turns_come_in_the_order_of_arrival_and_a_full_line_takes_nobody():
    turns, tickets = Line(at_once=2, most_waiting=2), [object() for _ in range(5)]
    for ticket in tickets[:4]:
        turns.join(ticket)
    with pytest.raises(LineFull):
        turns.join(tickets[4])
    assert [turns.before(ticket) for ticket in tickets[:4]] == [0, 0, 1, 2]
    turns.leave(tickets[1])
    assert [turns.before(tickets[i]) for i in (0, 2, 3)] == [0, 0, 1]
    turns.leave(tickets[2])
    assert turns.before(tickets[3]) == 0
    turns.join(tickets[4])


def ask(line, key, do, *, stay=True):
    return line.ask(key, lambda: Work("some work", do), stay=stay)


def test_a_key_is_done_once_and_the_line_goes_on_after_a_failure():
    line, done = WorkLine("test", keep=4), []

    def fail(_report) -> None:
        raise OSError("broken")

    broken = ask(line, "broken", fail)
    works = [ask(line, "one", lambda report: done.append(1) or 7) for _ in range(3)]
    assert works[0].ended.wait(5)
    assert works[0] is works[1] is works[2]
    assert (works[0].answer, done) == (7, [1])
    assert isinstance(broken.error, OSError)
    assert broken.why == "It broke off (OSError)."
    assert ask(line, "broken", lambda report: 8) is not broken


def test_work_that_nobody_waits_for_is_given_up(monkeypatch):
    monkeypatch.setattr(Work, "patience", -1)
    left = ask(WorkLine("test", keep=4), "left", lambda report: 1, stay=False)
    assert left.ended.wait(5)
    assert left.answer is None
    assert left.error is not None


def test_work_that_somebody_waits_for_is_not_given_up_however_seldom_they_look(monkeypatch):
    gate = threading.Event()
    work = Work("some work", lambda report: (gate.wait(30) and report(0.5)) or 7)
    with work.waited_for():
        WorkLine("test").submit(work)
        monkeypatch.setattr(Work, "patience", -1)
        gate.set()
        assert work.ended.wait(5)
    assert work.answer == 7


@pytest.mark.slow
def test_only_the_last_answers_are_kept():
    line = WorkLine("test", keep=2)
    for key in range(5):
        assert ask(line, key, lambda report: 1).ended.wait(5)
    first = ask(line, 0, lambda report: 2)
    assert first.ended.wait(5)
    assert first.answer == 2


def test_what_is_forgotten_is_done_anew_and_what_is_not_is_found():
    line = WorkLine("test", keep=2)
    first = ask(line, "one", lambda report: 1)
    assert first.ended.wait(5)
    assert line.find("one") is first
    line.forget("one")
    assert line.find("one") is None
    assert ask(line, "one", lambda report: 2) is not first


def test_a_place_given_up_while_waiting_goes_to_the_next_and_a_full_line_says_so_in_its_words():
    gate = threading.Event()
    line = WorkLine("test", most_waiting=2, full="two wait already.")
    works = [Work(f"work {i}", lambda report: gate.wait(30)) for i in range(4)]
    for work in works:
        work.readers = 1
    for work in works[:3]:
        line.submit(work)
    with pytest.raises(LineFull, match=r"^two wait already\.$"):
        line.submit(works[3])
    assert [line.ahead(work) for work in works[:3]] == [[], works[:1], works[:2]]
    works[1].stop()
    line.submit(works[3])
    assert (works[1].state, works[1].why) == ("stopped", "You stopped it.")
    assert isinstance(works[1].error, Stopped)
    assert line.ahead(works[3]) == [works[0], works[2]]
    gate.set()
    assert works[3].ended.wait(5)
    assert works[3].state == "done"


def test_as_many_run_at_once_as_there_is_room_for():
    together = threading.Barrier(3)
    line, works = WorkLine("test", at_once=3), [Work("some work", lambda report: together.wait(30)) for _ in range(3)]
    for work in works:
        line.submit(work)
    assert all(work.ended.wait(5) for work in works)
    assert {work.answer for work in works} == {0, 1, 2}


def test_a_machine_without_a_thread_left_is_a_sentence_and_the_next_is_served(monkeypatch):
    line, work = WorkLine("test"), Work("some work", lambda report: 1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", lambda thread: (_ for _ in ()).throw(RuntimeError("no thread")))
        line.submit(work)
    assert (work.state, work.why) == ("failed", "It broke off (RuntimeError).")
    assert ask(line, "next", lambda report: 2).ended.wait(5)


def test_what_a_page_says_of_work_and_of_a_place_in_line(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(background.time, "monotonic", lambda: now[0])
    work = Work("another map", lambda report: None)
    work.readers = 1
    now[0] = 112.0
    assert work.says("A map") == "A map: 12 s so far."
    work.report(0.25, "")
    # A quarter took 12 s, so three quarters take 36 s.
    assert work.says("A map") == "A map: 25% done, about 36 s left."

    now[0] = 114.0
    work.report(0.01, "the second half")
    assert work.seconds_left is None
    assert (duration(89.4), duration(90.0), duration(200.0)) == ("89 s", "2 minutes", "3 minutes")
    assert place_in_line(1) == "1 person is before you. Keep this page open; your place is kept."
    assert place_in_line(3, "large texts").startswith("3 people are before you with large texts. Keep")
    assert [waits_for(ahead) for ahead in ([], [work], [work, work])] == [
        "waiting for its turn.",
        "waiting for another map.",
        "waiting for 2 others.",
    ]
