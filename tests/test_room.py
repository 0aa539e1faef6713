"""Rooms: who may do what, what is counted, and when a room ends. No clock: each test says what time it is."""

import re
import sys
from collections import Counter

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import copying
from pages.ui.room import own, results, screen
from pages.ui.room.rooms import (
    ALONE,
    ALPHABET,
    CODE,
    HERE,
    LONGEST,
    MOST_ROOMS,
    UNUSED,
    WRONG_BY_ALL,
    WRONG_BY_ONE,
    Ended,
    Refused,
    Room,
    Rooms,
    Tries,
    readable,
    tidy,
)
from pooling.lessons import all_lessons
from pooling.tables import to_csv
from tests.conftest import ROOT

ANA, BEN = "a" * 32, "b" * 32
LESSON = all_lessons()[0]


def anyone() -> Tries:
    return Tries(*WRONG_BY_ONE)


def opened(*lessons: str, now: float = 0.0, **limits) -> tuple[Rooms, Room]:
    rooms = Rooms(**limits)
    room = rooms.open(lessons or ("first", "second"), now)
    return rooms, room


def asked(*devices: str, now: float = 0.0) -> Room:
    """A room at its first question, with phones in it."""
    _, room = opened(now=now)
    for device in devices:
        room.join(device, now)
    room.go(room.key, 0, seen=0, now=now)
    return room


def vote(room: Room, device: str, choice: str, *, round: int = 1, place: int = 0, now: float = 1.0) -> None:
    room.vote(device, choice, place=place, round=round, now=now)


def revision(room: Room) -> int:
    return room.look(1.0).revision


def test_a_vote_counts_once_and_its_last_choice_stands():
    room = asked(ANA, BEN)
    vote(room, ANA, "x")
    vote(room, BEN, "x")
    vote(room, ANA, "y")
    vote(room, ANA, "y")
    assert room.votes(room.key) == [Counter({"x": 1, "y": 1})]
    assert (room.look(1.0, ANA).mine, room.look(1.0, BEN).mine) == ("y", "x")
    assert (room.look(1.0).answered, room.look(1.0).here) == (2, 2)


def test_a_second_tab_and_a_reload_are_the_same_vote():
    room = asked(ANA)
    vote(room, ANA, "x")
    room.join(ANA, 2.0)
    assert room.look(2.0, ANA).mine == "x"
    vote(room, ANA, "z")
    assert room.look(2.0, ANA).answered == 1


def test_what_was_chosen_is_secret_until_it_is_shown():
    room = asked(ANA, BEN)
    vote(room, ANA, "x")
    assert "x" not in vars(room.look(1.0, BEN)).values()
    assert "x" not in vars(room.look(1.0)).values()


def test_no_vote_is_taken_when_the_votes_are_shown_the_time_is_up_or_the_class_has_gone_on():
    room = asked(ANA)
    with pytest.raises(Refused, match="gone on"):
        vote(room, ANA, "x", place=1)
    room.close_in(room.key, 30.0, seen=revision(room), now=1.0)
    vote(room, ANA, "x", now=30.9)
    assert room.look(20.0).left == 11.0
    with pytest.raises(Refused, match="vote is closed"):
        vote(room, ANA, "y", now=31.0)
    assert room.look(31.0).closed
    room.close_in(room.key, None, seen=revision(room), now=32.0)
    vote(room, ANA, "y", now=33.0)
    room.show(room.key, "votes", seen=revision(room), now=34.0)
    with pytest.raises(Refused, match="vote is closed"):
        vote(room, ANA, "z", now=34.0)
    assert room.look(34.0, ANA).mine == "y"


def test_a_second_round_begins_with_nothing_and_keeps_the_first():
    room = asked(ANA, BEN)
    vote(room, ANA, "x")
    vote(room, BEN, "y")
    room.again(room.key, seen=revision(room), now=2.0)
    look = room.look(2.0, ANA)
    assert (look.round, look.mine, look.first, look.answered) == (2, "", "x", 0)
    with pytest.raises(Refused, match="gone on"):
        vote(room, ANA, "x", round=1)
    vote(room, ANA, "y", round=2)
    room.again(room.key, seen=revision(room), now=3.0)  # there is no third
    assert room.votes(room.key) == [Counter({"x": 1, "y": 1}), Counter({"y": 1})]
    assert room.look(3.0).round == 2


def test_a_question_is_found_as_it_was_left():
    room = asked(ANA)
    vote(room, ANA, "x")
    room.show(room.key, "answer", seen=revision(room), now=1.0)
    room.go(room.key, 1, seen=revision(room), now=1.0)
    assert (room.look(1.0).lesson, room.look(1.0, ANA).mine, room.look(1.0).shown) == ("second", "", "no")
    room.go(room.key, 0, seen=revision(room), now=1.0)
    assert (room.look(1.0).lesson, room.look(1.0, ANA).mine, room.look(1.0).shown) == ("first", "x", "answer")
    room.go(room.key, 7, seen=revision(room), now=1.0)
    assert (room.look(1.0).place, room.look(1.0).lesson) == (2, None)
    assert [room.was_asked(i) for i in range(2)] == [True, False]


def test_what_is_pressed_twice_or_on_a_screen_that_is_behind_counts_for_nothing():
    room = asked(ANA)
    behind = revision(room)
    room.show(room.key, "answer", seen=behind, now=1.0)
    room.go(room.key, 1, seen=behind, now=1.0)
    assert room.look(1.0).place == 0
    for _ in range(2):
        room.go(room.key, 1, seen=behind + 1, now=1.0)
    room.again(room.key, seen=behind, now=1.0)
    assert (room.look(1.0).place, room.look(1.0).round) == (1, 1)


@pytest.mark.parametrize("key", ["", "x", "ключ", "\ud800"])
def test_without_the_teachers_key_nothing_is_led_and_no_votes_are_seen(key):
    room = asked(ANA)
    vote(room, ANA, "x")
    now = revision(room)
    for act in (
        lambda: room.go(key, 1, seen=now, now=1.0),
        lambda: room.show(key, "votes", seen=now, now=1.0),
        lambda: room.again(key, seen=now, now=1.0),
        lambda: room.close_in(key, 1.0, seen=now, now=1.0),
        lambda: room.votes(key),
    ):
        with pytest.raises(Refused, match="Only the teacher's own link"):
            act()
    assert revision(room) == now
    assert not room.led_with(key)
    assert len(room.key) >= 32
    assert room.key not in map(str, vars(room.look(1.0, ANA)).values())


def test_codes_are_drawn_and_read_however_they_are_typed():
    rooms = Rooms("AC")
    codes = {rooms.open(["first"], 0.0).code for _ in range(MOST_ROOMS)}
    assert len(codes) == MOST_ROOMS
    assert all(re.fullmatch(f"AC[{ALPHABET}]{{{CODE}}}", code) for code in codes)
    assert not set("0O1IL2Z5SB8UG") & set(ALPHABET)
    code = next(iter(codes))
    for typed in (code.lower(), readable(code), f" {readable(code).lower()} "):
        assert rooms.find(typed, 0.0, anyone()).code == code
    assert tidy("a" * 10_000).__len__() <= 5 * CODE
    with pytest.raises(ValueError, match="cannot begin with 'B'"):
        Rooms("B")


def test_a_room_ends_three_hours_after_the_last_person_and_after_a_day_in_any_case():
    rooms, room = opened()
    room.join(ANA, 1000.0)
    assert rooms.find(room.code, 1000.0 + ALONE, anyone()) is room
    for been_here in (False, True):
        with pytest.raises(Ended):
            rooms.find(room.code, 1001.0 + ALONE, anyone(), been_here=been_here)
    _, room = opened()
    for hour in range(1, 30):
        room.join(ANA, 3600.0 * hour)
    assert not room.gone(LONGEST)
    assert room.gone(LONGEST + 1)


def test_the_teacher_alone_can_close_a_room_and_its_votes_are_gone():
    rooms, room = opened()
    rooms.close(room.code, "x")
    rooms.close("A" * CODE, room.key)
    assert len(rooms) == 1
    rooms.close(room.code, room.key)
    assert len(rooms) == 0
    for been_here in (False, True):  # a phone that loads the page again has not been here
        with pytest.raises(Ended):
            rooms.find(room.code, 0.0, anyone(), been_here=been_here)


def test_who_tries_many_codes_is_let_into_no_room_for_a_while():
    rooms, room = opened()
    mine = anyone()
    for i in range(WRONG_BY_ONE[0]):
        with pytest.raises(Refused, match="no room with this code"):
            rooms.find("A" * CODE, i, mine)
    for code in ("C" * CODE, room.code):
        with pytest.raises(Refused, match="Wait ten minutes"):
            rooms.find(code, 20.0, mine)
    assert rooms.find(room.code, 20.0, anyone()) is room
    assert rooms.find(room.code, 20.0, mine, been_here=True) is room
    assert rooms.find(room.code, 20.0, mine, key=room.key) is room
    assert rooms.find(room.code, WRONG_BY_ONE[1] + 1, mine) is room


def test_many_sessions_that_guess_together_are_held_up_and_those_in_a_room_are_not():
    rooms, room = opened()
    for _ in range(WRONG_BY_ALL[0]):
        with pytest.raises(Refused):
            rooms.find("A" * CODE, 0.0, anyone())
    with pytest.raises(Refused, match="Very many wrong codes"):
        rooms.find(room.code, 1.0, anyone())
    assert rooms.find(room.code, 1.0, anyone(), been_here=True) is room
    assert rooms.find(room.code, 1.0, anyone(), key=room.key) is room
    assert rooms.find(room.code, WRONG_BY_ALL[1] + 1, anyone()) is room


def test_rooms_and_people_have_a_number_and_who_is_gone_makes_room():
    rooms, first = opened(most_rooms=2, most_people=2)
    second = rooms.open(["first"], 1.0)
    with pytest.raises(Refused, match="holds 2 rooms"):
        rooms.open(["first"], UNUSED)
    first.join(ANA, 0.0)
    first.go(first.key, 0, seen=0, now=0.0)
    vote(first, ANA, "x")
    third = rooms.open(["first"], UNUSED + 2)
    assert rooms.find(first.code, UNUSED + 2, anyone()) is first, "it was voted in"
    with pytest.raises(Refused):
        rooms.find(second.code, UNUSED + 2, anyone())
    assert len(rooms) == 2
    third.join(ANA, 0.0)
    third.join(BEN, 0.0)
    with pytest.raises(Refused, match="holds 2 people"):
        third.join("c" * 32, HERE)
    third.go(third.key, 0, seen=0, now=0.0)
    vote(third, ANA, "x")
    third.join("c" * 32, HERE + 1)
    with pytest.raises(Refused, match="not in the room"):
        vote(third, BEN, "x")
    assert third.look(HERE + 1).answered == 1


def test_a_full_room_at_its_last_question_stays_small():
    lessons = [one.name for one in all_lessons()]
    _, room = opened(*lessons)
    for i in range(300):
        room.join(f"{i:032x}", 0.0)
    for place in range(len(lessons)):
        room.go(room.key, place, seen=revision(room), now=0.0)
        for round in (1, 2):
            for device in list(room._seen):
                vote(room, device, "x", place=place, round=round)
            if round == 1:
                room.again(room.key, seen=revision(room), now=0.0)
    held = sum(sys.getsizeof(votes) for one in room._questions for votes in one.votes) + 300 * 100
    assert held < 1_000_000


def test_the_table_and_the_bars_say_what_was_voted():
    right = LESSON.right
    wrong = next(name for name in LESSON.choices if name != right)
    votes = [Counter({right: 1, wrong: 3}), Counter({right: 4})]
    table = results.table([(LESSON, votes), (all_lessons()[1], [Counter()])])
    row = table[(table.number == 1) & (table.right == "yes")].iloc[0]
    assert (row["first vote"], row["second vote"]) == (1, 4)
    assert table[table.number == 2]["second vote"].isna().all()
    assert len(to_csv(table).splitlines()) == 1 + len(table)
    assert results.said(LESSON, votes) == "Right: 1 of 4 at first, 4 of 4 after talking."
    shown = results.choices(LESSON, votes, answer=True)
    assert "width:25.0%" in shown
    assert "width:75.0%" in shown
    assert shown.count("✓ right") == 1
    assert "✓ right" not in results.choices(LESSON, votes)
    assert max(len(one.choices) for one in all_lessons()) <= len(results.LETTERS)


def test_a_screen_knows_an_address_that_no_phone_can_reach():
    alone = ("http://localhost:8501/learn", "http://127.0.0.1/learn", "http://[::1]:80/learn", "http://0.0.0.0:1/")
    assert all(map(copying.only_here, alone))
    assert not any(map(copying.only_here, ("http://192.168.1.20:8501/learn", "https://a.example/pooling/learn")))
    assert screen.qr("https://a.example/learn?room=A").startswith('<div class="pp-qr"><img src="data:image/svg+xml')


@pytest.mark.parametrize(
    "address", [{"room": "<b>"}, {"room": "A" * 9999}, {"room": "ACDE-FHJK", "key": "x", "lead": "on"}]
)
def test_a_room_that_is_not_here_is_a_sentence_and_the_key_leaves_the_address(address):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/learn.py")
    app.query_params.update(address)
    app.run()
    assert not app.exception
    assert any("There is no room with this code here." in one.proto.body for one in app.get("html"))
    assert "key" not in app.query_params


def test_a_lesson_of_the_list_is_opened_as_a_room_and_the_key_stays_with_its_session():
    own.rooms.clear()
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/learn.py")
    app.query_params["learn"] = "room"
    app.run()
    app.button(key="room-open").click().run()
    assert not app.exception
    [room] = own.rooms()._rooms.values()
    assert app.query_params["room"] in (room.code, [room.code])
    assert "key" not in app.query_params
    assert room.lessons() == all_lessons()[:4]
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/learn.py")
    other.query_params.update({"room": room.code, "lead": "on"})
    other.run()
    assert room.key not in str(other.main)
    assert not [one for one in other.button if one.key.startswith("room-")]
    own.rooms.clear()
