"""A reader without a browser: a client that speaks Streamlit's protobuf over a websocket.

    async with visitor(address) as reader:
        run = await reader.open("similarity?strategy=max")
        run = await reader.choose("strategy", "Mean")       # run.seconds, run.exceptions
        reader.texts(), reader.charts(), reader.widgets["strategy"].options

It sends what a browser sends, the state of every widget and the hashes of the messages it keeps,
and does what a browser does before it draws: it reads every message. It draws nothing, and asks
for no reruns of its own: fragments that run every second do not.
"""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit  # noqa: F401  its protobuf modules can only be imported after it
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.state.session_state import STREAMLIT_INTERNAL_KEY_PREFIX

from pooling import get_strategy

ROOT = Path(__file__).parents[2]
PATIENCE = 600.0
"""Seconds after which a run that has not ended is given up."""
ENDS = {ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY}


@dataclass
class Run:
    """One run of the script, as its reader saw it; times in seconds from the request."""

    seconds: float = 0.0
    """Until the last message."""
    first: float = 0.0
    """Until the page's title."""
    bytes: int = 0
    messages: int = 0
    exceptions: list[str] = field(default_factory=list)


class Visitor:
    """A session of one reader.

    Attributes:
        elements: what stands on the page, by its place.
        widgets: the widgets among them, by their key, or their label where they have none.
        query: the part of the address behind the question mark, as the app has set it.
    """

    def __init__(self, socket: websockets.ClientConnection):
        self._socket = socket
        self._pages: dict[str, str] = {}
        self._page = ""
        self._kept: dict[str, ForwardMsg] = {}
        self._states: dict[str, WidgetState] = {}
        self.elements: dict[tuple[int, ...], Element] = {}
        self.widgets: dict[str, Any] = {}
        self.query = ""

    async def open(self, address: str = "") -> Run:
        """Open a page by what stands behind the host in its address: "similarity?strategy=max"."""
        name, _, self.query = address.partition("?")
        self._states.clear()
        ask = BackMsg()
        ask.rerun_script.page_name = name
        return await self._rerun(ask)

    async def go(self, page: str) -> Run:
        """Go to another page by its name in the address, through the navigation; "" for the first."""
        self._page = self._pages[page]
        return await self.rerun()

    async def rerun(self) -> Run:
        """Run the page again."""
        ask = BackMsg()
        ask.rerun_script.page_script_hash = self._page
        return await self._rerun(ask)

    async def choose(self, key: str, value: Any) -> Run:
        """Give a widget another value, and wait for the page: an option as shown, a text, a number, True."""
        self.set(key, value)
        return await self.rerun()

    async def click(self, key: str) -> Run:
        """Press a button."""
        return await self.choose(key, True)

    async def pool(self, strategy: str) -> Run:
        """Press a strategy's button, above the picture or in it; where there is none, just run the page again."""
        if "strategy" in self.widgets:
            return await self.choose("strategy", get_strategy(strategy).label)
        mounted = (e.bidi_component.id for e in self.elements.values() if e.WhichOneof("type") == "bidi_component")
        for picture in (one for one in mounted if one.endswith("-living")):
            act = {"n": 1, "strategy": strategy, "weights": None, "dimension": None}
            state = WidgetState(id=f"{STREAMLIT_INTERNAL_KEY_PREFIX}_{picture}__events")
            state.json_trigger_value = json.dumps([{"event": "act", "value": act}])
            self._states[state.id] = state
        return await self.rerun()

    def set(self, key: str, value: Any) -> None:
        """Give a widget another value that the next run is told."""
        widget = self.widgets[key]
        self._states[widget.id] = _state(widget, value)

    def texts(self) -> list[str]:
        """What is written on the page: titles, paragraphs, captions, warnings, code."""
        made = [getattr(e, e.WhichOneof("type")) for e in self.elements.values() if e.WhichOneof("type")]
        bodies = [getattr(one, "body", None) or getattr(one, "code_text", None) for one in made]
        return [body for body in bodies if isinstance(body, str)]

    def charts(self) -> list[str]:
        """The figures on the page, as JSON."""
        return [e.plotly_chart.spec for e in self.elements.values() if e.WhichOneof("type") == "plotly_chart"]

    async def _rerun(self, ask: BackMsg) -> Run:
        asked = ask.rerun_script
        asked.query_string = self.query
        asked.widget_states.widgets.extend(self._states.values())
        asked.cached_message_hashes.extend(self._kept)
        asked.context_info.color_scheme = "light"
        run, began = Run(), time.perf_counter()
        await self._socket.send(ask.SerializeToString())
        # A button is pressed for one run only.
        once = {"trigger_value", "json_trigger_value"}
        self._states = {i: s for i, s in self._states.items() if s.WhichOneof("value") not in once}
        async with asyncio.timeout(PATIENCE):
            while True:
                data = await self._socket.recv()
                run.bytes += len(data)
                run.messages += 1
                message = ForwardMsg.FromString(data)
                self._read(message, run, began)
                if message.WhichOneof("type") == "script_finished" and message.script_finished in ENDS:
                    break
        run.seconds = time.perf_counter() - began
        self.widgets = dict(self._widgets())
        return run

    def _read(self, message: ForwardMsg, run: Run, began: float) -> None:
        if message.WhichOneof("type") == "ref_hash":
            kept = ForwardMsg()
            kept.CopyFrom(self._kept[message.ref_hash])
            kept.metadata.CopyFrom(message.metadata)
            message = kept
        elif message.metadata.cacheable:
            self._kept[message.hash] = message
        match message.WhichOneof("type"):
            case "new_session":
                self.elements = {}
                self._page = message.new_session.page_script_hash
            case "navigation":
                self._pages = {
                    "" if page.is_default else page.url_pathname: page.page_script_hash
                    for page in message.navigation.app_pages
                }
                self._page = message.navigation.page_script_hash
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
            case "delta" if message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                self.elements[tuple(message.metadata.delta_path)] = element
                kind = element.WhichOneof("type")
                if kind == "heading" and not run.first:
                    run.first = time.perf_counter() - began
                elif kind == "exception":
                    run.exceptions.append(f"{element.exception.type}: {element.exception.message}")

    def _widgets(self) -> Iterator[tuple[str, Any]]:
        """The widgets that stand on the page; what they show becomes what they send."""
        for element in self.elements.values():
            kind = element.WhichOneof("type")
            widget = getattr(element, kind) if kind else None
            sent = SENT.get(widget.DESCRIPTOR.name) if kind else None
            if sent is None:
                continue
            if sent != "trigger_value" and (widget.id not in self._states or widget.set_value):
                self._states[widget.id] = _state(widget, _shown(widget))
            key = widget.id.split("-", 2)[2]
            yield key if key != "None" else widget.label, widget


SENT = {
    "Button": "trigger_value",
    "ButtonGroup": "string_array_value",
    "Checkbox": "bool_value",
    "MultiSelect": "string_array_value",
    "NumberInput": "double_value",
    "Radio": "string_value",
    "Selectbox": "string_value",
    "Slider": "double_array_value",
    "TextArea": "string_value",
    "TextInput": "string_value",
}
"""How the value of a widget is sent, by its kind."""


def _shown(widget: Any) -> Any:
    """The value that a widget shows when it is drawn."""
    options = [getattr(one, "content", one) for one in getattr(widget, "options", ())]
    if widget.set_value:
        raw = next((name for name in ("raw_values", "raw_value") if hasattr(widget, name) and options), "value")
        given = getattr(widget, raw)
        return given if isinstance(given, str | bool | float) else list(given)
    given = widget.default
    if isinstance(given, str | bool | float):
        return given
    if isinstance(given, int):  # the place of an option
        return options[given] if options else None
    return [options[int(one)] if options else one for one in given]


def _state(widget: Any, value: Any) -> WidgetState:
    state = WidgetState(id=widget.id)
    kind = widget.DESCRIPTOR.name
    sent = SENT[kind]
    if kind == "NumberInput" and widget.data_type == widget.INT:
        sent, value = "int_value", int(value)
    if kind == "Slider" and widget.options:
        sent = "string_array_value"
    if sent.endswith("array_value"):
        getattr(state, sent).data.extend(value if isinstance(value, list | tuple) else [value])
    elif value is not None:
        setattr(state, sent, value)
    return state


def apart(visits: Coroutine[Any, Any, Any]) -> Any:
    """What some visits come to, in a thread of their own: a browser's driver may have an event loop in this one."""
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(asyncio.run, visits).result()


@contextlib.asynccontextmanager
async def visitor(address: str, kind: type[Visitor] = Visitor) -> AsyncIterator[Any]:
    """A reader of the app at an address such as http://127.0.0.1:8501."""
    stream = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
    async with websockets.connect(stream, subprotocols=["streamlit"], max_size=None, ping_interval=None) as socket:
        yield kind(socket)


@dataclass
class Server:
    """A running app."""

    address: str
    process: subprocess.Popen
    log: Path
    began: float
    """When it was started, by `time.perf_counter`."""
    written: str = ""
    """Both its streams, once it has ended."""


@contextlib.contextmanager
def server(port: int = 0, script: str = "app.py", **environment: str) -> Iterator[Server]:
    """The app in a process of its own, from the moment it answers until the block ends."""
    if not port:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.txt"
        with log.open("w") as out:
            began = time.perf_counter()
            process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=out, stderr=out)
            try:
                running = Server(f"http://127.0.0.1:{port}", process, log, began)
                _wait_for(f"{running.address}/_stcore/health", process, log)
                yield running
            finally:
                ended = process.poll()
                process.terminate()
                process.wait()
                running.written = log.read_text(errors="replace")
                if ended is not None:
                    raise RuntimeError(f"The server ended by itself, with {ended}:\n{log.read_text()}")


def _wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    while process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"The server did not start:\n{log.read_text()}")
