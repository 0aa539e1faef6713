"""A soak: many readers for minutes, each at random on every page, with texts that mean no good.

python -m tests.benchmarks.soak --clients 30 --minutes 10

Each client types a secret of its own and looks for the others' in every message it gets. It fails
when a session sees another's text, a page shows an exception, the log has one or quotes a secret,
or the server does not show every page in the end. The report is printed and written as JSON.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import math
import os
import random
import re
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from pages.ui.navigation import PAGES
from tests.benchmarks.client import SENT, Run, Server, Visitor, apart, server, visitor

HOSTILE = (
    "<script>alert(1)</script> and </textarea><img src=x onerror=alert(1)>",
    '<b onclick="x">bold</b> &lt;i&gt; &amp; <form action=//x>',
    "**bold** _x_ `code` [a](javascript:alert(1)) ![i](//x/y.png) :red[r] :material/bolt: $x^2$ $$\\frac{1}{0}$$",
    "{{7*7}} ${7*7} <%= 7*7 %> {0.__class__} %s %n {} {}",
    "=1+1\n@SUM(A1)\n+cmd|' /C calc'!A0\n-2+3\n\t=x",
    "مرحبا بالعالم \u202e\u2066 שלום \u2069\u202c",
    "\x00\x01\x07\x1b[31mred\x1b[0m\x7f\u0085\u2028\u2029\ufeff\u200b",
    "🎻👩‍👩‍👧‍👦🇪🇺 Z̸͎̈́a̵l̷g̶o̴ ﷽ 𓀀 \U0010ffff",
    "[SEP] [CLS] [PAD] [MASK] <s> </s> <|endoftext|>",
    "../../etc/passwd\n..\\..\\windows\nfile:///etc/shadow",
    "a" * 5000,
    "x " * 50_000,
    "\n".join(f"line {i}" for i in range(200)),
    "one",
    "",
    " \n\t\n ",
    "same\nsame\nsame\nsame\nsame\nsame",
)
ADDRESSES = (
    "similarity?strategy=<b>&layer=-1&sentence=999999&metric=__class__&text=",
    "evaluation?data=topics&model=../../etc/passwd&layer=first-last&text=",
    "projection?map-kind=umap&map-neighbours=1e9&map-distance=nan&map-seed=-5&map-texts=own&text=",
    "attention?temperature=0&head-epochs=9999999999&head-rate=inf&listener=&layer=0&text=",
    "padding_lab?padding=100000&side=up&attention_mask=off&pooling_mask=maybe&text=",
    "detective?vectors-from=pasted&exhibit=99&verdict=on&text=",
    "hidden_states?hidden_other=0&hidden_word=%00&layer=%ED%A0%80&sentence=%F0%9F&text=",
    "?set=negation&show=window&from=99999&dimension=-1&prompt=own&template=%7B%7D%7B%7D&text=",
    "no_such_page?text=",
)
FILES = (
    b"",
    b"text,label\n=1+1,a\n@x,b\n-1,a\n",
    b"one,two,score\n" + b"".join(b"a text %d,another %d,%d\n" % (i, i, i % 5) for i in range(40)),
    b"one,two,score\nx,y,nan\n",
    b'a,b\n"never closed',
    b"\xff\xfe\x00\x00",
    b"a,b\n" + b"x," * 9000 + b"\n",
    b"text,label\n" + b"".join(b"word%d and more,%d\n" % (i % 97, i % 3) for i in range(3000)),
    b"\x00" * 1000,
    b"PK\x03\x04 no zip",
)
NEVER = ("download", "hub")
"""No widget whose key has this in it is touched: nothing is to be asked of a network."""

WAITS = 120.0
"""Seconds that a person waits for a page."""


@dataclass
class Report:
    """What happened; `failures` empty is good."""

    clients: int
    seconds: float
    runs: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    seconds_by_page: dict[str, list[float]] = field(default_factory=dict)
    gave_up: Counter[str] = field(default_factory=Counter)
    """Runs that a client did not wait for the end of, by what it had done."""
    refused: int = 0
    """Messages that the server closed the connection for: not Unicode, or too long."""
    log_lines: Counter[str] = field(default_factory=Counter)
    memory_mb: list[int] = field(default_factory=list)
    """At the first page, and then about ten times."""
    failures: list[str] = field(default_factory=list)

    def text(self) -> str:
        """For people."""
        lines = [f"{self.clients} clients for {self.seconds:.0f} s: {self.runs:,} runs", ""]
        lines += [f"{'page':16} {'runs':>6} {'median s':>9} {'95% s':>7}"]
        for page, spent in sorted(self.seconds_by_page.items()):
            late = sorted(spent)[math.ceil(0.95 * len(spent)) - 1]
            lines.append(f"{page:16} {len(spent):6} {median(spent):9.2f} {late:7.2f}")
        lines += ["", "actions: " + ", ".join(f"{name} {n}" for name, n in self.actions.most_common())]
        lines += [f"given up after {WAITS:.0f} s: {', '.join(f'{k} {n}' for k, n in self.gave_up.items()) or 'none'}"]
        lines += [f"connections closed by the server for what was sent: {self.refused}"]
        lines += [f"memory in MB: {', '.join(map(str, self.memory_mb))}"]
        lines += ["log: " + ("; ".join(f"{n} x {line}" for line, n in self.log_lines.most_common(12)) or "empty")]
        lines += ["", *(f"FAILED: {one}" for one in self.failures[:20])]
        lines += [f"{len(self.failures)} failures" if self.failures else "No failure."]
        return "\n".join(lines)


class Guest(Visitor):
    """A visitor that looks for others' secrets in all it gets, can upload, and can send what is no text."""

    def __init__(self, socket: websockets.ClientConnection, address: str, secret: str, secrets: "re.Pattern[bytes]"):
        super().__init__(socket)
        self._address, self._secret, self._secrets = address, secret.encode(), secrets
        self._session = ""
        self.seen: set[str] = set()
        """Secrets of others."""

    def _read(self, message: ForwardMsg, run: Run, began: float) -> None:
        found = set(self._secrets.findall(message.SerializeToString()))
        self.seen |= {one.decode() for one in found - {self._secret}}
        if message.WhichOneof("type") == "new_session":
            self._session = message.new_session.initialize.session_id
        super()._read(message, run, began)

    async def upload(self, widget: Any, data: bytes) -> Run:
        """Give a file uploader a file."""
        ask = BackMsg()
        ask.file_urls_request.request_id = "1"
        name = f"a{next(iter(widget.type), '.csv')}"  # a browser gives no other kind
        ask.file_urls_request.file_names.append(name)
        ask.file_urls_request.session_id = self._session
        await self._socket.send(ask.SerializeToString())
        while True:
            answer = ForwardMsg.FromString(await self._socket.recv())
            if answer.WhichOneof("type") == "file_urls_response":
                break
        urls = answer.file_urls_response.file_urls[0]
        await asyncio.to_thread(self._put, urls.upload_url, name, data)
        state = WidgetState(id=widget.id)
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.file_id, info.name, info.size = urls.file_id, name, len(data)
        info.file_urls.CopyFrom(urls)
        self._states[widget.id] = state
        return await self.rerun()

    def _put(self, path: str, name: str, data: bytes) -> None:
        with urllib.request.urlopen(f"{self._address}/_stcore/health") as given:
            token = given.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
        head = f'--b\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n\r\n'
        body = head.encode() + data + b"\r\n--b--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=b", "X-Xsrftoken": token}
        headers["Cookie"] = f"_streamlit_xsrf={token}"
        ask = urllib.request.Request(self._address + path, body, headers, method="PUT")
        urllib.request.urlopen(ask, timeout=60).close()

    def uploaders(self) -> list[Any]:
        """The file uploaders on the page."""
        return [e.file_uploader for e in self.elements.values() if e.WhichOneof("type") == "file_uploader"]

    async def send_no_text(self) -> None:
        """What a browser sends for half a character of two halves: bytes that are not UTF-8."""
        ask = BackMsg()
        ask.rerun_script.query_string = "text=\u0800"
        await self._socket.send(ask.SerializeToString().replace(b"\xe0\xa0\x80", b"\xed\xa0\x80"))

    async def send_too_much(self) -> None:
        """A message above the limit."""
        ask = BackMsg()
        ask.rerun_script.query_string = "text=" + "x" * 2_000_000
        await self._socket.send(ask.SerializeToString())


class Soak:
    """All clients, and what they saw."""

    def __init__(self, at: str, clients: int, seconds: float, seed: int, things: int):
        self.at, self.seed = at, seed
        self.report = Report(clients, seconds)
        # A person's secret is one word that no page, sample or file has.
        self.secrets = [f"zq{i:03}{seed % 1000:03}secretxv" for i in range(clients)]
        self.pattern = re.compile(rb"zq\d{6}secretxv")
        self.ends = time.monotonic() + seconds
        self.things = [things] * clients
        """How many more things each client does at most."""

    async def everybody(self) -> None:
        """All clients until the time is over."""
        await asyncio.gather(*(self.client(i) for i in range(self.report.clients)))

    async def client(self, i: int) -> None:
        """One person, who comes back whenever the connection is over."""
        dice = random.Random(f"{self.seed}-{i}")
        await asyncio.sleep(dice.random() * 2)
        stream = f"{self.at.replace('http', 'ws', 1)}/_stcore/stream"
        for visit in itertools.count():
            if self.over(i):
                return
            try:
                async with websockets.connect(
                    stream, subprotocols=["streamlit"], max_size=None, ping_interval=None
                ) as socket:
                    guest = Guest(socket, self.at, self.secrets[i], self.pattern)
                    await self.visit(guest, i, dice, bool(visit))
            except TimeoutError:
                self.report.gave_up["opening"] += 1
            except websockets.ConnectionClosed as closed:
                code = closed.rcvd and closed.rcvd.code
                if code in (1002, 1007, 1009):
                    self.report.refused += 1
                else:
                    self.report.failures.append(f"client {i}: the connection broke ({code})")
            except OSError as error:
                self.report.failures.append(f"client {i}: the server cannot be reached ({error})")
                await asyncio.sleep(1)

    def over(self, i: int) -> bool:
        """Whether a client has done all it will."""
        return time.monotonic() > self.ends or not self.things[i]

    async def visit(self, guest: Guest, i: int, dice: random.Random, again: bool) -> None:
        """Open the app and do one thing after another; a person leaves after some."""
        secret = self.secrets[i]
        page = dice.choice(PAGES[1:]).file[6:-3] if again and dice.random() < 0.5 else ""
        async with asyncio.timeout(WAITS):
            self.note(guest, page, await guest.open(page), secret)
        for _ in range(dice.randrange(10, 60)):
            if self.over(i):
                break
            self.things[i] -= 1
            name, act = self.something(guest, secret, dice)
            self.report.actions[name] += 1
            try:
                async with asyncio.timeout(WAITS):
                    run = await act()
            except TimeoutError:
                self.report.gave_up[name] += 1
                return
            if run is None:
                break
            if name == "page":
                page = self.page_of(guest)
            self.note(guest, page, run, secret)
            await asyncio.sleep(dice.expovariate(2.0))

    @staticmethod
    def page_of(guest: Guest) -> str:
        return next((name for name, hash in guest._pages.items() if hash == guest._page), "")

    def something(
        self, guest: Guest, secret: str, dice: random.Random
    ) -> tuple[str, Callable[[], Awaitable[Run | None]]]:
        """One thing that a person does."""
        mine = f"{secret} is what only I have written.\n{dice.choice(HOSTILE)}\nA third line."
        usable = {k: w for k, w in guest.widgets.items() if not any(word in k.lower() for word in NEVER)}
        usable = {k: w for k, w in usable.items() if not w.disabled}
        kinds = {key: SENT[w.DESCRIPTOR.name] for key, w in usable.items()}
        boxes = [key for key in usable if usable[key].DESCRIPTOR.name in ("TextArea", "TextInput")]
        buttons = [key for key, kind in kinds.items() if kind == "trigger_value"]
        others = [key for key in usable if key not in boxes and key not in buttons]
        roll = dice.random()
        if roll < 0.18:
            return "page", lambda: guest.go(dice.choice(list(guest._pages)))
        if roll < 0.38 and "text" in boxes:
            return "sentences", lambda: guest.choose("text", mine)
        if roll < 0.5 and boxes:
            key, text = dice.choice(boxes), dice.choice((secret, dice.choice(HOSTILE), "query: {}"))
            return "text box", lambda: guest.choose(key, text)
        if roll < 0.58 and buttons:
            return "button", lambda: guest.click(dice.choice(buttons))
        if roll < 0.64 and guest.uploaders():
            uploader, data = dice.choice(guest.uploaders()), dice.choice(FILES)
            return "file", lambda: guest.upload(uploader, data.replace(b"text", secret.encode()))
        if roll < 0.69:
            address = dice.choice(ADDRESSES) + quote(mine[:2000])
            return "page", lambda: guest.open(address)
        if roll < 0.695:
            bad = dice.choice((guest.send_no_text, guest.send_too_much))

            async def send() -> Run:
                await bad()
                return await guest.rerun()

            return "no message", send
        if roll < 0.71:

            async def leave() -> None:
                return None

            return "leave", leave
        if not others:
            return "rerun", guest.rerun
        key = dice.choice(others)
        return "widget", lambda: guest.choose(key, some_value(usable[key], dice))

    def note(self, guest: Guest, page: str, run: Run, secret: str) -> None:
        """Keep what a run was like."""
        name = page.partition("?")[0] or "playground"
        self.report.runs += 1
        self.report.seconds_by_page.setdefault(name, []).append(run.seconds)
        self.report.failures += [f"{name}: an exception on the page: {one}" for one in run.exceptions]
        self.report.failures += [f"{name}: {secret} sees {other}" for other in guest.seen]
        guest.seen.clear()


def some_value(widget: Any, dice: random.Random) -> Any:
    """A value that the widget offers."""
    kind = widget.DESCRIPTOR.name
    options = [getattr(one, "content", one) for one in getattr(widget, "options", ())]
    if kind == "Checkbox":
        return dice.random() < 0.5
    if kind == "NumberInput":
        return dice.uniform(widget.min, widget.max)
    if kind == "Slider" and not options:
        return [dice.randint(int(widget.min), int(widget.max))]
    if kind == "MultiSelect":
        return dice.sample(options, min(len(options), dice.randrange(4)))
    return dice.choice(options)


def read_log(log: str, secrets: "re.Pattern[bytes]", report: Report) -> None:
    """Each kind of line in the server's log, and what must not be in it."""
    if found := secrets.findall(log.encode()):
        report.failures.append(f"the log quotes what a person typed: {found[0].decode()}")
    refused = "Error deserializing back message"
    blocks = re.split(r"(?m)^(?=\d{4}-\d\d-\d\d |\S*Warning: |  You can now)", log)
    for block in blocks:
        first = next((line for line in block.splitlines() if line.strip()), "")
        if not first:
            continue
        plain = re.sub(r"\d+(\.\d+)?", "N", re.sub(r"^[\d-]+ [\d:.,]+ ", "", first))[:140]
        report.log_lines[plain] += 1
        if "Traceback" in block and refused not in block:
            report.failures.append(f"in the log:\n{block[-3000:]}")


async def every_page(at: str, report: Report) -> None:
    """After all that, a new reader sees every page; what a page has computed so far is kept from try to try."""
    for page in PAGES:
        for _ in range(4):
            with contextlib.suppress(TimeoutError):
                async with visitor(at) as reader:
                    run = await reader.open("" if page is PAGES[0] else page.file[6:-3])
                break
        else:
            report.failures.append(f"in the end, {page.title} does not come")
            continue
        titles = [e.heading.body for e in reader.elements.values() if e.WhichOneof("type") == "heading"]
        if run.exceptions or page.question not in titles:
            report.failures.append(f"in the end, {page.title} is not as it was: {run.exceptions}")


def resident_mb(process: int) -> int:
    """The memory that a process has, on Linux."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


async def watch(running: Server, report: Report, every: float) -> None:
    """Memory, now and then."""
    while True:
        report.memory_mb.append(resident_mb(running.process.pid))
        await asyncio.sleep(every)


def soak(clients: int, seconds: float, *, seed: int = 0, port: int = 0, things: int = 1_000_000) -> Report:
    """Start a server, send everybody for so long, or until each has done so many things, and report."""
    with server(port, HF_HUB_OFFLINE="1") as running:
        soaked = Soak(running.address, clients, seconds, seed, things)

        async def all_of_it() -> None:
            watching = asyncio.create_task(watch(running, soaked.report, max(1.0, seconds / 10)))
            await soaked.everybody()
            await every_page(running.address, soaked.report)
            watching.cancel()

        apart(all_of_it())
        if running.process.poll() is not None:
            soaked.report.failures.append(f"the server has ended with {running.process.returncode}")
        read_log(running.log.read_text(errors="replace"), soaked.pattern, soaked.report)
    return soaked.report


def main() -> None:
    """Run it, print the report and write it."""
    parse = argparse.ArgumentParser(description=main.__doc__)
    parse.add_argument("--clients", type=int, default=30)
    parse.add_argument("--minutes", type=float, default=10.0)
    parse.add_argument("--seed", type=int, default=0)
    parse.add_argument("--port", type=int, default=0)
    parse.add_argument("--out", type=Path, default=Path("soak.json"))
    asked = parse.parse_args()
    report = soak(asked.clients, 60 * asked.minutes, seed=asked.seed, port=asked.port)
    print(report.text())
    asked.out.write_text(json.dumps(vars(report), indent=1, ensure_ascii=False) + "\n")
    raise SystemExit(bool(report.failures))


if __name__ == "__main__":
    main()
