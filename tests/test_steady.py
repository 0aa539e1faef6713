"""Failures and load end in a sentence, and the log says what happened without a word that anybody typed."""

import logging
import platform
import socket
import subprocess
import sys
import threading
import time
import traceback
import warnings
from collections import Counter

import pytest
import torch

from pages.ui import cache, capacity, maps, sentence, server
from pooling import hub, load_encoder, logs, machine
from pooling.background import Line, Stopped, Work, WorkLine
from pooling.background_training import HeadTraining, trainings
from pooling.catalogue import DEFAULT
from tests.conftest import ROOT
from tests.test_pages import open_page

SECRET = "what only I have written"


@pytest.fixture
def private(monkeypatch):
    """Logging as the app sets it up, and as it was afterwards."""
    before = logging.getLogRecordFactory()
    for place, name in ((threading, "excepthook"), (sys, "excepthook"), (sys, "unraisablehook")):
        monkeypatch.setattr(place, name, getattr(place, name))
    monkeypatch.setattr(traceback, "print_exc", traceback.print_exc)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(logs._Private, "made", None)
    monkeypatch.setattr(logs._Private, "times", Counter())
    logging.setLogRecordFactory(logging.LogRecord)  # an app that ran here before has set it up already
    logs.keep_private()
    yield
    logging.setLogRecordFactory(before)


def quote(text):
    try:
        {}[text]
    except KeyError as error:
        raise ValueError(f"No {text!r}.") from error


def test_a_traceback_in_the_log_names_lines_and_kinds_of_error_and_quotes_nobody(private, caplog):
    try:
        quote(SECRET)
    except ValueError as error:
        logging.getLogger("streamlit.error_util").error("Uncaught: %s", error, exc_info=error)
        logging.getLogger("elsewhere").exception("Again")
    for said in caplog.text.split("Again"):
        assert said.count("in quote\n") == 2
        assert "KeyError (its message is left out)" in said
        assert "ValueError (its message is left out)" in said
    assert SECRET not in caplog.text


def test_a_thread_that_breaks_is_in_the_log_and_quotes_nobody(private, caplog):
    ended = threading.Thread(target=quote, args=(SECRET,), name="one of many")
    ended.start()
    ended.join()
    assert "The thread one of many has ended" in caplog.text
    assert "ValueError (its message is left out)" in caplog.text
    assert SECRET not in caplog.text


def complain(of):
    try:
        quote(of)
    except ValueError:
        logging.getLogger("some.library").exception("Again, %s", of)


def test_the_same_thing_is_written_ten_times_an_hour_and_then_when_it_has_doubled(private, caplog, monkeypatch):
    monkeypatch.setattr(logs.time, "time", lambda: 7 * 3600.0)
    for _ in range(100):
        complain(SECRET)
    again = ["Again, …"] * 10
    again += [f"Again, … (time {n} within the hour; not all are written)" for n in (16, 32, 64)]
    assert caplog.messages == again
    logging.getLogger("some.library").error("Another")
    with pytest.raises(ValueError):
        quote(SECRET)
    monkeypatch.setattr(logs.time, "time", lambda: 8 * 3600.0)
    complain(SECRET)
    assert caplog.messages == [*again, "Another", "Again, …"]


def deep(down):
    if down == 0:
        raise ValueError(SECRET)
    deeper(down - 1)


def deeper(down):
    deep(down)


def test_a_traceback_of_hundreds_of_lines_is_cut_to_its_end(private, caplog):
    try:
        deep(300)
    except ValueError:
        logging.getLogger("some.library").exception("Deep")
    assert caplog.text.count("line ") == logs.LONGEST_TRACEBACK
    assert "raise ValueError(SECRET)" in caplog.text


def test_keeping_private_twice_is_keeping_private_once(private):
    factory = logging.getLogRecordFactory()
    logs.keep_private()
    assert logging.getLogRecordFactory() is factory


def test_what_is_slow_is_in_the_log_with_how_long_it_took_and_what_is_not_is_not(caplog, monkeypatch):
    with logs.timed("a quick step"):
        pass
    monkeypatch.setattr(logs, "SLOW", 0.0)
    with pytest.raises(KeyError), logs.timed("loading a model"):
        raise KeyError(SECRET)
    assert caplog.messages == ["Slow: loading a model took 0.0 s"]


def test_a_page_that_is_slow_or_fails_is_in_the_log_without_its_text(private, caplog, capfd, monkeypatch):
    monkeypatch.setattr(logs, "SLOW", 0.0)

    def fail(*_, **__):
        raise RuntimeError(SECRET)

    monkeypatch.setattr("pooling.apply", fail)
    sentence.weighed.clear()
    shown = open_page("pages/playground.py", text=SECRET)
    assert shown.exception
    assert f"Slow: a run of the page Playground with {DEFAULT} took" in caplog.text
    assert SECRET not in caplog.text + "".join(capfd.readouterr())


# --- Threads that everybody waits for ----------------------------------------------------------


def fail(error):
    def work(report):
        raise error

    return work


@pytest.mark.parametrize("error", [ValueError(SECRET), MemoryError(), SystemExit(SECRET), KeyboardInterrupt()])
def test_nothing_that_goes_wrong_in_a_job_ends_the_thread_that_others_wait_for(error, caplog):
    line = WorkLine("steady", keep=4)
    bad = line.ask("bad", lambda: Work("a job", fail(error)), stay=True)
    good = line.ask("good", lambda: Work("another", lambda report: 42), stay=True)
    assert good.ended.wait(10)
    assert (type(bad.error), good.answer) == (type(error), 42)
    assert not isinstance(bad.error, Stopped)
    assert "A background job failed: a job" in caplog.text


@pytest.mark.parametrize("error", [RuntimeError(SECRET), SystemExit(), MemoryError()])
def test_nothing_that_goes_wrong_in_a_training_stops_the_queue(encoder, monkeypatch, error):
    broken = iter([error])

    def train(self):
        if (now := next(broken, None)) is not None:
            raise now

    monkeypatch.setattr(HeadTraining, "do", train)
    queue, both = trainings(), [HeadTraining(encoder, 6, "data", {}) for _ in range(2)]
    for one in both:
        queue.submit(one)
    end = time.monotonic() + 10
    while both[1].active and time.monotonic() < end:
        time.sleep(0.01)
    assert [one.state for one in both] == ["failed", "done"]
    assert SECRET not in both[0].why
    assert both[0].why.endswith(".")


def test_a_full_line_of_jobs_is_a_sentence_on_the_page(monkeypatch):
    gate = threading.Event()
    full = WorkLine("full", most_waiting=1, keep=4)
    for i in range(2):
        full.ask(i, lambda: Work("a job", lambda report: gate.wait(30)), stay=True)
    monkeypatch.setattr(maps, "_fits", lambda: full)
    shown = open_page("pages/projection.py", **{"map-kind": "umap", "map-seed": 77})
    gate.set()
    assert not shown.exception
    assert any("the server is busy, try again in a few minutes" in warning.value for warning in shown.warning)


# --- Turns, room, memory -----------------------------------------------------------------------


MANY = b"text,label\n" + b"".join(b"word %d,%d\n" % (i % 7, i % 2) for i in range(capacity.LARGE))


@pytest.mark.parametrize(("page", "state"), [("evaluation", {"data": "texts"}), ("projection", {"map-texts": "file"})])
def test_a_large_file_at_a_busy_server_is_a_sentence_and_gives_its_turn_back(page, state, monkeypatch):
    monkeypatch.setattr(capacity, "_corpora", turns := Line(at_once=1, most_waiting=0))
    turns.join(mine := object())
    shown = open_page(f"pages/{page}.py", **state)
    shown.file_uploader(key="file-upload-0").set_value(("a.csv", MANY, "text/csv")).run()
    assert not shown.exception
    assert "people with large texts are waiting already" in shown.warning[0].value
    turns.leave(mine)
    monkeypatch.setattr(capacity, "free_memory", lambda: capacity.LEAST_FREE + 1)
    monkeypatch.setattr(capacity, "EMBEDDINGS_TAKE", 4000)
    shown.run()
    assert not shown.exception
    assert any("1,500 rows need about" in html.proto.body for html in shown.get("html"))
    assert not turns.served(), "the turn was kept"


LONG = "\n".join(f"{i} " + "word " * 199 for i in range(32))
PAGES_OF_SENTENCES = ("playground", "hidden_states", "attention", "similarity", "padding_lab")


@pytest.mark.parametrize("page", PAGES_OF_SENTENCES)
def test_long_sentences_wait_for_their_turn_and_a_full_line_is_a_sentence_while_short_ones_wait_for_nobody(
    page, monkeypatch
):
    monkeypatch.setattr(capacity, "_sentences", turns := Line(at_once=1, most_waiting=0))
    turns.join(mine := object())
    shown = open_page(f"pages/{page}.py", text=LONG)
    assert not shown.exception
    assert "people with long sentences are waiting already" in shown.warning[0].value
    assert not shown.get("plotly_chart")
    shown.text_area(key="text").set_value("My dog barks.\nThe cat sleeps.").run()
    assert not shown.warning
    assert shown.get("plotly_chart") or page == "attention"
    turns.leave(mine)
    assert not turns.served(), "a turn was kept"


def test_long_sentences_for_which_memory_lacks_are_a_sentence_that_says_how_much_they_need(monkeypatch):
    shown = open_page("pages/playground.py")
    monkeypatch.setattr(capacity, "free_memory", lambda: 300_000_000)
    shown.text_area(key="text").set_value(LONG).run()
    assert not shown.exception
    # 32 x 202 tokens x 384 dimensions x 4 bytes x (7 layers + 12 copies), and twice 75.5 MB for attention.
    said = "These 32 sentences need about 340 MB of memory, and 300 MB are free on this server."
    assert any(said in html.proto.body for html in shown.get("html"))


@pytest.mark.parametrize(("rows", "characters", "turns"), [(1499, 149_999, 0), (1500, 9000, 1), (30, 150_000, 1)])
def test_a_corpus_waits_for_its_turn_by_its_rows_or_by_its_characters(rows, characters, turns, monkeypatch):
    monkeypatch.setattr(capacity, "_corpora", line := Line())
    with capacity.one_run():
        capacity.take_turn(rows, characters, 0)
        assert len(line.served()) == turns
    assert not line.served()


def test_sentences_are_long_by_their_tokens_in_their_prompt_with_padding(encoder, monkeypatch):
    monkeypatch.setattr(capacity, "_sentences", line := Line())

    def waits(texts, template="{}"):
        with capacity.one_run():
            capacity.take_turn_for_sentences(texts, encoder, template)
            return bool(line.served())

    # With [CLS] and [SEP], 32 x 63 tokens are 2,016 and 32 x 64 are 2,048, though all but one be padding.
    assert not waits(["word " * 61] * 32)
    assert waits(["word " * 62, *["word"] * 31])
    assert waits(["word " * 61] * 32, "query {}")
    # Letters by themselves say little: 250 of them are one unknown word here, or 250 characters of Chinese.
    assert not waits(["x" * 250] * 32)
    assert waits(["好" * 250] * 32)


def test_a_new_reader_is_asked_to_come_back_where_memory_lacks_and_one_who_is_here_stays(monkeypatch):
    here = open_page("pages/playground.py")
    monkeypatch.setattr(capacity, "free_memory", lambda: capacity.LEAST_FREE - 1)
    assert "full right now" in open_page("pages/playground.py").error[0].value
    assert not here.run().error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    ],
)
def test_a_page_that_runs_out_of_memory_says_so_and_lives_on(error, monkeypatch):
    shown = open_page("pages/similarity.py")
    with monkeypatch.context() as patch:
        patch.setattr(cache, "states", lambda *_: fail(error)(None))
        shown.run()
        assert not shown.exception
        assert any("not enough memory" in html.proto.body for html in shown.get("html"))
    assert not shown.run().exception
    assert shown.get("plotly_chart")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "memory was not enough"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "memory was not enough"),
        (OSError(28, "No space left on device"), "The disk is full"),
    ],
)
def test_a_model_that_does_not_fit_into_memory_or_on_the_disk_after_all_is_a_sentence(error, said, monkeypatch):
    def build(*args, **kwargs):
        raise error

    monkeypatch.setattr("pooling.encoders.loading.read_encoder", build)
    with pytest.raises(hub.HubError, match=said):
        load_encoder(DEFAULT, device="cpu")


@pytest.mark.parametrize(
    ("page", "state"),
    [("projection", {"map-texts": "file"}), ("evaluation", {"data": "pairs"}), ("playground", {"text": " "})],
)
def test_a_page_that_stops_early_still_has_what_was_chosen_in_its_address(page, state):
    shown = open_page(f"pages/{page}.py", **state)
    assert not shown.exception
    assert shown.query_params == state


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists a process's sockets")
def test_what_a_server_accepts_after_the_first_run_sends_at_once_and_stays_open():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server.send_at_once()
        with socket.create_connection(listening.getsockname()) as reader, listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            accepted.sendall(b"x")
            assert reader.recv(1) == b"x"


def test_where_free_memory_is_not_known_nobody_is_turned_away(monkeypatch):
    def unknown(name):
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr("pooling.machine.os.sysconf", unknown)
    assert machine.free_memory() > capacity.LEAST_FREE


TWENTY_MEGABYTES_FREED = """
import sys
from pathlib import Path
import numpy as np
from pooling import machine
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
if sys.argv[1] == "keep little":
    machine.keep_little()
np.ones(30 * 2**20, np.uint8)  # once this is freed, glibc keeps what is smaller
before = resident()
np.ones(20 * 2**20, np.uint8)
print(resident() - before)
"""


@pytest.mark.skipif("glibc" not in platform.libc_ver(), reason="only glibc keeps memory in this way")
def test_what_is_freed_goes_back_to_the_system():
    kept = {}
    for way in ("as it is", "keep little"):
        command = [sys.executable, "-c", TWENTY_MEGABYTES_FREED, way]
        kept[way] = int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert kept["as it is"] > 19 * 2**20
    assert kept["keep little"] < 2**20


def test_runs_are_tidied_up_after_once_and_beside_them(monkeypatch):
    timers = []

    class Timer(threading.Timer):
        def start(self):
            timers.append(self)

        def is_alive(self):
            return not self.finished.is_set()

    monkeypatch.setattr(cache.threading, "Timer", Timer)
    monkeypatch.setattr(cache, "_tidying", None)
    for _ in range(3):
        cache.tidy_up_later()
    assert [timer.function for timer in timers] == [machine.give_memory_back]
    assert timers[0].daemon
    timers[0].cancel()
    cache.tidy_up_later()
    assert len(timers) == 2
