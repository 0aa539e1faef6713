"""The soak in small: strangers at random on every page, and that it would see what it looks for."""

import re
import time

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.benchmarks.client import Run
from tests.benchmarks.soak import Guest, Report, read_log, soak

SECRETS = re.compile(rb"zq\d{6}secretxv")


def test_strangers_with_hostile_texts_see_neither_each_other_nor_an_exception():
    report = soak(clients=3, seconds=300, seed=7, things=6)
    assert report.failures == []
    assert report.runs >= 20, report.text()


def test_anothers_secret_anywhere_in_a_message_is_seen():
    guest = Guest(None, "", "zq000007secretxv", SECRETS)
    message = ForwardMsg()
    message.delta.new_element.plotly_chart.spec = '{"text": ["zq000007secretxv", "… zq001007secretxv"]}'
    guest._read(message, Run(), time.perf_counter())
    assert guest.seen == {"zq001007secretxv"}


def test_a_traceback_or_a_secret_in_the_log_is_a_failure_and_a_slow_page_is_not():
    def failures(log):
        report = Report(1, 1.0)
        read_log(log, SECRETS, report)
        return report.failures

    slow = "2026-01-01 10:00:00,000 WARNING pooling: Slow: a run of the page Playground took 9.1 s\n"
    refused = (
        "2026-01-01 10:00:01.000 Error deserializing back message\nTraceback (most recent call last):\nDecodeError\n"
    )
    broken = "2026-01-01 10:00:02.000 Uncaught app execution\nTraceback (most recent call last):\nKeyError\n"
    assert failures(slow + refused) == []
    assert len(failures(slow + refused + broken + slow)) == 1
    assert failures(slow + "a line with zq001007secretxv") == ["the log quotes what a person typed: zq001007secretxv"]
