"""What a person sends reaches neither stream of the server, whatever goes wrong with it; and no log grows for ever."""

import asyncio
import time
from contextlib import suppress

import pytest
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from pages.ui.navigation import PAGES
from tests.benchmarks.client import Visitor, apart, server, visitor

SECRET = "my private sentence 4711"


WITHOUT_DATA = {"search": "searched=judged", "size": "stored-for=judged", "detective": "vectors-from=file"}
"""What keeps pages from computing what this is not about: they wait for a file."""


class Sender(Visitor):
    """A visitor who sends what no browser does."""

    fragment = session = ""
    """The first fragment on the page, and the session's own id."""

    def _read(self, message, run, began) -> None:
        self.fragment = self.fragment or message.delta.fragment_id
        self.session = self.session or message.new_session.initialize.session_id
        super()._read(message, run, began)

    async def send(self, ask: BackMsg) -> None:
        await self._socket.send(ask.SerializeToString())

    async def choose_wrongly(self, wrong: WidgetState):
        """A rerun with this in place of a widget's value."""
        self._states[wrong.id] = wrong
        return await self.rerun()


def wrong_values(widget_id: str) -> list[WidgetState]:
    """The secret as each kind of value that can hold it."""
    made = [WidgetState(id=widget_id) for _ in range(5)]
    made[0].string_value = SECRET
    made[1].string_array_value.data.append(SECRET)
    made[2].json_value = f'"{SECRET}"'
    made[3].bytes_value = SECRET.encode()
    made[4].file_uploader_state_value.uploaded_file_info.add(file_id=SECRET, name=SECRET)
    return made


def log_of(visit, until: str = "", **environment) -> str:
    """What a server of its own has written, to both streams, by the end of a visit, and until it says something."""
    with server(HF_HUB_OFFLINE="1", NUMBA_DISABLE_JIT="1", **environment) as running:
        apart(visit(running.address))
        for _ in range(60):
            time.sleep(1)  # for what is written after the last answer
            if until in running.log.read_text():
                break
    return running.written


def test_no_value_of_a_wrong_kind_for_any_kind_of_widget_is_in_the_log_and_the_server_lives_on():
    tried = set()

    async def visit(address):
        for page in PAGES:
            name = "" if page is PAGES[0] else page.file[6:-3]
            name += f"?{WITHOUT_DATA[name]}" if name in WITHOUT_DATA else ""
            async with visitor(address) as reader:
                assert not (await reader.open(name)).exceptions
                shown = [getattr(one, one.WhichOneof("type")) for one in reader.elements.values()]
            there = {one.DESCRIPTOR.name: one.id for one in shown if getattr(one, "id", "").startswith("$$ID")}
            for kind in there.keys() - tried:
                async with visitor(address, Sender) as reader:  # of its own: what it sends stays with its session
                    await reader.open(name)
                    for wrong in wrong_values(there[kind]):
                        await reader.choose_wrongly(wrong)
            tried.update(there)
        async with visitor(address) as reader:
            assert not (await reader.open()).exceptions

    log = log_of(visit)
    assert {"Button", "NumberInput", "Selectbox", "Slider", "TextArea", "FileUploader", "PlotlyChart"} <= tried
    assert SECRET not in log
    assert "ValueError (its message is left out)" in log


def test_no_message_that_makes_no_sense_is_in_the_log_of_a_fresh_server():
    async def visit(address):
        stream = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
        headers = {"Origin": f"http://{SECRET.replace(' ', '-')}.example"}
        with pytest.raises(websockets.InvalidStatus):
            async with websockets.connect(stream, additional_headers=headers):
                pass
        for sent in (SECRET.encode(), SECRET, b"\x0a\xff" + SECRET.encode()):
            async with websockets.connect(f"{stream}?{SECRET.replace(' ', '+')}", subprotocols=["streamlit"]) as socket:
                await socket.send(sent)
                with suppress(websockets.ConnectionClosed):
                    while True:
                        await socket.recv()

    log = log_of(visit)
    assert SECRET not in log
    assert SECRET.replace(" ", "-") not in log
    assert SECRET.replace(" ", "+") not in log


def test_no_name_in_a_message_of_the_right_kind_is_in_the_log():
    async def visit(address):
        async with visitor(address, Sender) as reader:
            await reader.open()
            strange = BackMsg()
            strange.rerun_script.fragment_id = SECRET
            await reader.send(strange)
            strange = BackMsg()
            strange.backend_operation_request.request_id = SECRET
            await reader.send(strange)
            strange.backend_operation_request.session_id = reader.session
            await reader.send(strange)
            strange.backend_operation_request.deferred_file.file_id = SECRET
            await reader.send(strange)
            strange = BackMsg()
            strange.rerun_script.page_name = strange.rerun_script.query_string = SECRET
            await reader._rerun(strange)
            strange.rerun_script.page_script_hash = SECRET
            await reader._rerun(strange)
            await reader.choose_wrongly(WidgetState(id=f"$$ID-{SECRET}-{SECRET}", string_value=SECRET))

    log = log_of(visit)
    assert SECRET not in log
    assert "Backend operation request … has no payload" in log


STAGES = {
    "script": "InScript",
    "callback": "InCallback",
    "fragment": "InFragment",
    "parallel fragment": "InParallelFragment",
    "dialog": "InDialog",
    "cache": "InCache",
    "thread": "InThread",
    "dropped": "WhenDropped",
    "printed": "Printed",
    "download": "InDownload",
}
QUIETLY = {
    "task": "asyncio/base_events.py",
    "held": "AtTheSessionsEnd",
    "warning": "UserWarning at ",
    "library": "A library met … and 7 more",
}
"""Stages of which no error is uncaught."""


def test_an_error_at_any_stage_of_a_run_is_in_the_log_by_its_kind_and_quotes_nobody_in_either_stream():
    async def visit(address):
        async with visitor(address, Sender) as reader:
            await reader.open()
            await reader.choose("typed", SECRET)
            boxes = reader.widgets
            for stage in STAGES | QUIETLY:
                reader.widgets = boxes  # of a run whose callback has failed there are none
                await reader.choose("callback" if stage == "callback" else "stage", stage)
                if stage == "fragment":
                    again = BackMsg()
                    again.rerun_script.fragment_id = reader.fragment
                    await reader._rerun(again)
            ask = BackMsg()
            ask.backend_operation_request.session_id = reader.session
            buttons = [one.download_button for one in reader.elements.values() if one.HasField("download_button")]
            ask.backend_operation_request.deferred_file.file_id = buttons[0].deferred_file_id
            await reader.send(ask)
            await asyncio.sleep(5)  # the file is made in a thread of its own, which nothing here hears of
            await reader.rerun()  # after it: a button that is drawn anew forgets the file it was asked for

    log = log_of(visit, until=STAGES["download"], script="tests/failing_app.py")
    assert "4711" not in log
    for said in STAGES.values():
        assert f"{said} (its message is left out)" in log, said
    for said in QUIETLY.values():
        assert said in log, said


def test_thousands_of_values_of_a_wrong_kind_are_some_lines_in_the_log():
    async def visit(address):
        async with visitor(address, Sender) as reader:
            await reader.open("attention")
            box = reader.widgets["head-seed"].id
            for _ in range(150):
                await reader.choose_wrongly(wrong_values(box)[0])

    log = log_of(visit)
    # Ten, then the 16th, 32nd, 64th and 128th; twice as many, should the hour end in between.
    assert 10 <= log.count("ValueError (its message is left out)") <= 28
    assert "within the hour; not all are written)" in log
