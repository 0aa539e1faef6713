"""Rooms in which a class votes: what is asked, who has answered what, and nothing else of anybody.

Neither streamlit nor a clock is in here: every call is told the time, in seconds. All rooms of a process share one
lock, under which nothing takes longer than a look at a few hundred votes.
"""

import re
import secrets
import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pooling.lessons import Lesson

ALPHABET = "ACDEFHJKMNPRTVWXY34679"
"""What codes are made of: no two that are taken for each other on a screen or a sheet of paper."""
CODE = 8
"""Letters of a code: who makes every wrong try that is taken, for three hours, at a server full of rooms, comes upon
one of them once in 10,000 times."""
ALONE = 3 * 3600.0
"""Seconds without anybody after which a room is gone."""
LONGEST = 24 * 3600.0
"""Seconds after which it is gone in any case: a forgotten tab keeps no room for ever."""
UNUSED = 600.0
"""Seconds without anybody after which a room that nobody has voted in gives way to a new one, where all are taken."""
MOST_ROOMS, MOST_PEOPLE = 40, 300
HERE = 15.0
"""Seconds since a phone was heard of in which its owner counts as being here; one that voted counts in any case."""
WRONG_BY_ONE, WRONG_BY_ALL = (10, 600.0), (600, 60.0)
"""Wrong codes that one session, and that all together, may try within so many seconds."""
DEVICE = re.compile(r"[0-9a-f]{32}")
"""What a phone calls itself: numbers it has drawn, which say nothing of it."""


class Refused(Exception):
    """Something cannot be had; its text is a sentence for whoever asked."""


class Ended(Refused):
    """There was a room, and it has ended."""

    def __init__(self) -> None:
        super().__init__("This room has ended.")


class Tries:
    """Wrong tries, of which there may be so many within so many seconds."""

    def __init__(self, most: int, seconds: float):
        self._times: deque[float] = deque(maxlen=most)
        self._seconds = seconds

    def add(self, now: float) -> None:
        """One more."""
        self._times.append(now)

    def too_many(self, now: float) -> bool:
        """Whether the next one has to wait."""
        return len(self._times) == self._times.maxlen and now - self._times[0] < self._seconds


@dataclass
class Question:
    """A lesson as it was asked."""

    lesson: "Lesson"
    votes: list[dict[str, str]] = field(default_factory=lambda: [{}])
    """Of each round, what each phone chose."""
    shown: str = "no"
    """Of the last round: "no", "votes", or "answer" with them."""
    ends: float | None = None
    """When the vote closes by itself."""

    def closed(self, now: float) -> bool:
        """Whether no vote is taken any more."""
        return self.shown != "no" or (self.ends is not None and now >= self.ends)


@dataclass(frozen=True)
class Look:
    """A room as one phone sees it, or the screen: whatever is still secret is not in it."""

    revision: int
    """Another number whenever the teacher has done something."""
    place: int
    """Of the question, from 0; -1 before the first, and their number after the last."""
    questions: int
    lesson: "Lesson | None"
    """Of the question; no room looks into it."""
    round: int
    """1 or 2."""
    shown: str
    """As in `Question`."""
    closed: bool
    left: float | None
    """Seconds until the vote closes by itself."""
    mine: str
    """What this phone chose in this round; empty for nothing."""
    first: str
    """What it chose in the first round, seen from the second."""
    answered: int
    here: int


class Room:
    """A class at its questions; what only the teacher may do or see needs the key."""

    def __init__(self, code: str, lessons: "Sequence[Lesson]", now: float, lock: threading.RLock, most_people: int):
        self.code, self.key = code, secrets.token_urlsafe(24)
        self.opened = self.touched = now
        self._questions = [Question(one) for one in lessons]
        self._place, self._revision = -1, 0
        self._seen: dict[str, float] = {}
        self._lock, self._most_people = lock, most_people

    def led_with(self, key: str) -> bool:
        """Whether this is the teacher's key."""
        return secrets.compare_digest(key.encode("utf-8", "replace"), self.key.encode())

    def join(self, device: str, now: float) -> None:
        """Let a phone in, or hear of it again.

        Raises:
            Refused: where the room is full.
        """
        with self._lock:
            if device not in self._seen and len(self._seen) >= self._most_people:
                voted = {one for question in self._questions for votes in question.votes for one in votes}
                for gone in [one for one, at in self._seen.items() if one not in voted and now - at > HERE]:
                    del self._seen[gone]
                if len(self._seen) >= self._most_people:
                    raise Refused(f"This room is full: it holds {self._most_people} people. Vote with a neighbour.")
            self._seen[device] = self.touched = now

    def look(self, now: float, device: str = "") -> Look:
        """The room at this time, for one phone or for the screen."""
        with self._lock:
            self.touched = now
            here = {one for one, at in self._seen.items() if now - at <= HERE}
            question = self._asked()
            if question is None:
                return Look(
                    self._revision, self._place, len(self._questions), None, 1, "no", True, None, "", "", 0, len(here)
                )
            votes = question.votes[-1]
            open_until = question.ends if not question.closed(now) else None
            return Look(
                revision=self._revision,
                place=self._place,
                questions=len(self._questions),
                lesson=question.lesson,
                round=len(question.votes),
                shown=question.shown,
                closed=question.closed(now),
                left=None if open_until is None else open_until - now,
                mine=votes.get(device, ""),
                first=question.votes[0].get(device, "") if len(question.votes) > 1 else "",
                answered=len(votes),
                here=len(here | votes.keys()),
            )

    def vote(self, device: str, choice: str, *, place: int, round: int, now: float) -> None:
        """Count a phone's choice, in place of the one before.

        Args:
            device: a phone that has joined.
            choice: by name; that it is one of the question's is for the caller to see to.
            place: of the question that the phone has shown.
            round: that it has shown.
            now: the time.

        Raises:
            Refused: where the vote is over, or the phone has not joined.
        """
        with self._lock:
            question = self._asked()
            if question is None or (self._place, len(question.votes)) != (place, round):
                raise Refused("That came too late: the class has gone on.")
            if question.closed(now):
                raise Refused("That came too late: the vote is closed.")
            if device not in self._seen:
                raise Refused("This phone is not in the room yet. Load the page again.")
            question.votes[-1][device] = choice
            self.touched = now

    def votes(self, key: str, place: int | None = None) -> list[Counter[str]]:
        """How often each choice was made, in each round of a question, by default the present one: for the teacher."""
        with self._lock:
            self._need(key)
            question = self._asked() if place is None else self._questions[place]
            return [Counter(votes.values()) for votes in question.votes] if question else []

    def lessons(self) -> "list[Lesson]":
        """What is asked, in its order."""
        return [question.lesson for question in self._questions]

    def was_asked(self, place: int) -> bool:
        """Whether anybody has answered a question."""
        with self._lock:
            return any(self._questions[place].votes)

    def go(self, key: str, place: int, *, seen: int, now: float) -> None:
        """Ask a question, or show it as it was left: -1 is the door, the number of questions the end.

        Here and in what follows `seen` is the revision that the teacher's screen shows: what is pressed twice, or on a
        screen that is behind another, counts for nothing.
        """
        with self._lock:
            self._need(key)
            if seen == self._revision:
                self._place = max(-1, min(place, len(self._questions)))
                self._changed(now)

    def show(self, key: str, what: str, *, seen: int, now: float) -> None:
        """Close the vote and show "votes", or the "answer" with them."""
        with self._lock:
            self._need(key)
            question = self._asked()
            if question is not None and seen == self._revision:
                question.shown, question.ends = what, None
                self._changed(now)

    def again(self, key: str, *, seen: int, now: float) -> None:
        """Have the class vote a second time; the first votes are kept."""
        with self._lock:
            self._need(key)
            question = self._asked()
            if question is not None and seen == self._revision and len(question.votes) == 1:
                question.votes.append({})
                question.shown, question.ends = "no", None
                self._changed(now)

    def close_in(self, key: str, seconds: float | None, *, seen: int, now: float) -> None:
        """Have the vote close by itself after so long, or not."""
        with self._lock:
            self._need(key)
            question = self._asked()
            if question is not None and seen == self._revision:
                question.ends = None if seconds is None else now + seconds
                self._changed(now)

    def gone(self, now: float) -> bool:
        """Whether it has been without anybody for too long."""
        return now - self.touched > ALONE or now - self.opened > LONGEST

    def unused(self, now: float) -> bool:
        """Whether nobody is here, and nobody ever voted."""
        return now - self.touched > UNUSED and not any(any(one.votes) for one in self._questions)

    def _asked(self) -> Question | None:
        return self._questions[self._place] if 0 <= self._place < len(self._questions) else None

    def _need(self, key: str) -> None:
        if not self.led_with(key):
            raise Refused("Only the teacher's own link leads this room.")

    def _changed(self, now: float) -> None:
        self._revision += 1
        self.touched = now


class Rooms:
    """All rooms of a process."""

    def __init__(self, prefix: str = "", *, most_rooms: int = MOST_ROOMS, most_people: int = MOST_PEOPLE):
        """Codes begin with the prefix, by which a proxy can tell whose they are.

        Raises:
            ValueError: where it has letters that codes have not.
        """
        if set(prefix) - set(ALPHABET):
            raise ValueError(f"Codes of rooms cannot begin with {prefix!r}: take letters of {ALPHABET}.")
        self._prefix, self._most_rooms, self._most_people = prefix, most_rooms, most_people
        self._rooms: dict[str, Room] = {}
        self._ended: deque[str] = deque(maxlen=10 * MOST_ROOMS)
        self._wrong = Tries(*WRONG_BY_ALL)
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._rooms)

    def open(self, lessons: "Sequence[Lesson]", now: float) -> Room:
        """A new room.

        Raises:
            Refused: where there are as many as the server holds.
        """
        with self._lock:
            self._forget(now)
            if len(self._rooms) >= self._most_rooms:
                unused = [one for one in self._rooms.values() if one.unused(now)]
                if not unused:
                    raise Refused(
                        f"This server holds {self._most_rooms} rooms, and all are in use. Try again later: a room ends "
                        "three hours after the last person has left it."
                    )
                self._end(min(unused, key=lambda one: one.touched).code)
            code = self._prefix + "".join(secrets.choice(ALPHABET) for _ in range(CODE))
            self._rooms[code] = Room(code, lessons, now, self._lock, self._most_people)
            return self._rooms[code]

    def find(self, code: str, now: float, wrong: Tries, *, been_here: bool = False, key: str = "") -> Room:
        """The room of that code.

        Args:
            code: as it was typed.
            now: the time.
            wrong: the wrong tries of whoever asks.
            been_here: whether they were in this room before, so that this is no guess.
            key: the teacher's, so that neither is this.

        Raises:
            Refused: where there is none, or so many wrong codes were tried that no more are looked up.
        """
        with self._lock:
            self._forget(now)
            room = self._rooms.get(tidy(code))
            if been_here or (room and key and room.led_with(key)):
                if room is None:
                    raise Ended
                return room
            if tidy(code) in self._ended:
                raise Ended
            if wrong.too_many(now):
                raise Refused("You have tried many codes that are no room's. Wait ten minutes, then type it once more.")
            if self._wrong.too_many(now):
                raise Refused("Very many wrong codes are being tried right now. Wait a minute, then try once more.")
            if room is None:
                wrong.add(now)
                self._wrong.add(now)
                raise Refused(
                    "There is no room with this code here. Compare it with the code on the screen, and open the "
                    "screen's link itself: where several servers answer at this address, a room is on one of them. A "
                    "room ends three hours after the last person has left it, and when its server starts anew."
                )
            return room

    def close(self, code: str, key: str) -> None:
        """End a room, with all its votes."""
        with self._lock:
            if code in self._rooms and self._rooms[code].led_with(key):
                self._end(code)

    def _forget(self, now: float) -> None:
        for code in [code for code, room in self._rooms.items() if room.gone(now)]:
            self._end(code)

    def _end(self, code: str) -> None:
        del self._rooms[code]
        self._ended.append(code)


def tidy(code: str) -> str:
    """A code as it is kept, however it was typed."""
    return "".join(letter for letter in code[: 5 * CODE].upper() if letter in ALPHABET)


def readable(code: str) -> str:
    """A code as it is shown."""
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))
