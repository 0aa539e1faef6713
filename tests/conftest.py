"""What the tests share: the real model, a running server, a real browser."""

import functools
import inspect
import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

if TYPE_CHECKING:
    from pooling.evaluation import Grid

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # several processes share the cores, and their servers too

# How long an example takes is no finding; and what CI says of a change comes from the change, not from a draw.
settings.register_profile("untimed", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("untimed")

ROOT = Path(__file__).parent.parent
STSB = Path(os.environ.get("POOLING_DATA", ROOT.parent / "shared" / "data")) / "stsb"
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)

needs_stsb = pytest.mark.skipif(
    not STSB.is_dir(), reason=f"the STS Benchmark is not at {STSB}; POOLING_DATA names the folder above it"
)


@pytest.fixture(scope="session")
def encoder():
    """The default model."""
    from pooling import load_encoder
    from pooling.catalogue import DEFAULT

    return load_encoder(DEFAULT, device="cpu")


@pytest.fixture(scope="session")
def benchmark(tmp_path_factory) -> "Grid":
    """The test set of the STS Benchmark, each text once, under the default model; one process computes it for all."""
    from filelock import FileLock

    from pooling import load_encoder
    from pooling.catalogue import DEFAULT
    from pooling.evaluation import distinct_texts, embed_grid
    from pooling.stsb import read_stsb

    shared = tmp_path_factory.getbasetemp()
    kept = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / "benchmark.pickle"
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            texts = distinct_texts(read_stsb(STSB, "test"))
            kept.write_bytes(pickle.dumps(embed_grid(texts, load_encoder(DEFAULT, device="cpu"), [0, 6])))
        return pickle.loads(kept.read_bytes())


@pytest.fixture(autouse=True)
def _nothing_said_yet():
    """What other tests have had written in this process does not count."""
    from pooling import logs

    logs._Private.times.clear()


def few_of_them(folder: Path, *tables: str) -> Path:
    """A copy of the project's own data: every eighth row of some tables, and of what is searched two subjects."""
    import pandas as pd

    from pooling import datasets

    shutil.copytree(datasets.DATA, folder)
    for name in tables:
        pd.read_csv(folder / name)[::8].to_csv(folder / name, index=False)
    for name, lines in (("corpus.jsonl", 20), ("queries.jsonl", 10), ("qrels/test.tsv", 15)):
        kept = (folder / "search" / name).read_text("utf-8").splitlines()[:lines]
        if name == "corpus.jsonl":
            kept = [json.dumps(one | {"text": one["text"][:1000]}) for one in map(json.loads, kept)]
        (folder / "search" / name).write_text("\n".join(kept), "utf-8")
    return folder


@pytest.fixture
def few_texts(monkeypatch, tmp_path):
    """Few of the project's own texts: what is asked is whether a page works, not what it says."""
    from pages.ui import cache
    from pooling import datasets
    from pooling.retrieval import own_search

    def forget():
        datasets.own_pairs.cache_clear()
        datasets.own_topics.cache_clear()
        own_search.cache_clear()
        # Their keys do not name the texts.
        for one in (cache.background, cache.own_leaderboard, cache.bug_costs, cache.computable):
            one.clear()

    monkeypatch.setattr(datasets, "DATA", few_of_them(tmp_path / "data", "pairs.csv", "topics.csv"))
    forget()
    yield
    forget()


SLOW = {
    "AppTest",
    "Popen",
    "STSB",
    "chromium",
    "own_pairs",
    "own_search",
    "own_topics",
    "soak",
    "start_server",
    "subprocess",
}
"""A test that comes by one of these is not quick: the app, its server, a browser, other programs, whole corpora."""


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config) -> None:
    """Four tests at a time where pytest-xdist is installed, two of quick ones; `-n` says otherwise.

    Those of the browser wait much: fewer leave two cores idle.
    """
    alone = hasattr(config, "workerinput") or config.option.usepdb or not config.pluginmanager.hasplugin("xdist")
    if not alone and config.option.numprocesses is None:
        config.option.numprocesses = 2 if config.option.markexpr == "quick" else 4
        config.option.dist = "worksteal"


def pytest_ignore_collect(collection_path, config) -> bool | None:
    """Where quick tests alone are asked for, those of the browser are not even imported."""
    return True if config.option.markexpr == "quick" and "_browser_" in collection_path.name else None


def pytest_configure(config) -> None:
    """Have the shapes and types of every function of `pooling` checked as it runs, where beartype is installed."""
    if find_spec("beartype"):
        install_import_hook("pooling", "beartype.beartype")


def named(function: object, seen: set[object]) -> set[str]:
    """What a test, a fixture or a helper of theirs names, with what is named by the helpers it calls."""
    function = inspect.unwrap(getattr(function, "__func__", function))
    if not isinstance(function, FunctionType) or function in seen:
        return set()
    seen.add(function)
    codes, names = [function.__code__], set()
    while codes:
        code = codes.pop()
        names |= set(code.co_names)
        codes += [const for const in code.co_consts if isinstance(const, CodeType)]
    called = [function.__globals__.get(name) for name in names]
    helpers = [one for one in called if isinstance(one, FunctionType) and one.__module__.startswith("tests.")]
    return names.union(*(named(one, seen) for one in helpers))


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item) -> None:
    """Mark as quick what is not marked as slow, and comes by nothing that is."""
    fixtures = [one.func for several in item._fixtureinfo.name2fixturedefs.values() for one in several]
    seen: set[object] = set()
    comes_by = set(item.fixturenames).union(*(named(one, seen) for one in (item.function, *fixtures)))
    if not item.get_closest_marker("slow") and not comes_by & SLOW:
        item.add_marker(pytest.mark.quick)


def pytest_collection_modifyitems(config, items) -> None:
    """Give each process of xdist, which takes an equal part of this order, its share of slow tests, those first.

    In the browser the fewer tests a file has the longer they are; a long one begun last is waited for by all.
    """
    parts = [[] for _ in range(getattr(config, "workerinput", {}).get("workercount", 1))]
    files = {path: [item for item in items if item.path == path] for path in dict.fromkeys(i.path for i in items)}
    for i, path in enumerate(sorted(files, key=lambda path: ("_browser_" not in path.name, len(files[path])))):
        slow = "_browser_" in path.name
        (parts[i % len(parts)] if slow else min(parts, key=len)).extend(files[path])
    items[:] = [item for part in parts for item in part]


def set_strategy(app, strategy: str) -> None:
    """Choose a strategy in an AppTest, in which the Playground's picture is not drawn, and run the page."""
    app.session_state["strategy"] = strategy
    app.run()


def set_layer(app, layer: str) -> None:
    """Choose a layer in an AppTest, or the average beside the slider."""
    if layer == "first-last":
        app.segmented_control(key="layers").set_value("average")
    else:
        app.session_state["layer"] = layer


class Servers:
    """The app, started as often as asked, each time with a log of its own; little is searched there."""

    def __init__(self, folder: Path):
        self._logs, self._few = folder, few_of_them(folder / "data")
        self._running: dict[str, tuple[subprocess.Popen, Path]] = {}
        self._ended: list[Path] = []

    def __call__(self, *, at: str = "", umap: bool = False, **environment: str) -> str:
        """Start the app on a free port, or where a killed one was; the address is returned once it answers.

        Where nobody asks for UMAP it is not compiled, which takes a core for some seconds.
        """
        port = at.rpartition(":")[2] or str(free_port())
        log = self._logs / f"{port}-{len(self._ended)}.txt"
        command = [sys.executable, "-m", "streamlit", "run", "tests/few_app.py", "--server.headless", "true"]
        command += ["--server.port", port, "--server.address", "127.0.0.1"]
        environment = os.environ | {"NUMBA_DISABLE_JIT": "0" if umap else "1"} | environment
        paths = filter(None, (str(ROOT), environment.get("PYTHONPATH")))
        environment |= {"POOLING_FEW": str(self._few), "PYTHONPATH": os.pathsep.join(paths)}
        with log.open("w") as file:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file)
        address = f"http://127.0.0.1:{port}"
        self._running[address] = process, log
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return address
        pytest.fail(f"the server did not start:\n{log.read_text()}")

    def log(self, address: str) -> str:
        """What a running server has written."""
        return self._running[address][1].read_text()

    def kill(self, address: str) -> None:
        """End a server at once, as a lack of memory or of power does."""
        process, log = self._running.pop(address)
        process.kill()
        process.wait()
        self._ended.append(log)

    def end(self) -> None:
        """Stop all; none may have written a traceback."""
        for process, log in self._running.values():
            process.terminate()
            process.wait()
            self._ended.append(log)
        for log in self._ended:
            assert "Traceback" not in log.read_text(), log.read_text()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="session")
def start_server(tmp_path_factory) -> Iterator[Servers]:
    """Starts the app, and ends it with the tests."""
    servers = Servers(tmp_path_factory.mktemp("servers"))
    yield servers
    servers.end()


@pytest.fixture(scope="session")
def server(start_server) -> str:
    """The address of a server that all browser tests share."""
    return start_server()


@pytest.fixture(scope="session")
def chromium():
    """A headless browser."""
    if BROWSER is None:
        pytest.skip("no Chromium or Chrome is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        quiet = ["--no-sandbox", "--disable-gpu", "--in-process-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(
            executable_path=BROWSER, args=[*quiet, "--disable-component-update", "--disable-sync"]
        )
        # Spinners that turn are drawn by the processor here.
        browser.new_context = functools.partial(browser.new_context, reduced_motion="reduce")
        yield browser
        browser.close()


QUIET = """() => {
  const running = document.querySelector('[data-testid=stApp]')?.dataset.testScriptState !== 'notRunning'
  if (running || document.querySelector('[data-testid=stSpinner], [data-testid=stSkeleton]')) {
    window.quietSince = undefined
    return false
  }
  window.quietSince ??= performance.now()
  return performance.now() - window.quietSince > 500
}"""
"""A run may end for another that begins at once, so one look is not enough."""


def _buttons(key: str) -> str:
    """Where buttons of this key stand: the strategies' are in the picture on the Playground."""
    return f".st-key-{key}, .st-key-living" if key == "strategy" else f".st-key-{key}"


class Reader:
    """A person at the browser: opens pages, waits for the app, sees what the console says."""

    def __init__(self, page):
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        page.on("requestfailed", lambda request: self.complaints.append(f"not reached: {request.url}"))

    def _console(self, message) -> None:
        # Under a deep link Streamlit looks for its own server at that path before the right one.
        probe = "/_stcore/" in message.location.get("url", "") and "404" in message.text
        if message.type == "error" and not probe:
            self.complaints.append(message.text)

    def open(self, address: str) -> None:
        self.page.goto(address)
        self.page.wait_for_selector("[data-testid=stMain] h1", timeout=60_000)
        self.wait()

    def wait(self) -> None:
        """Until the script has run and nothing is waited for, for half a second on end."""
        self.page.wait_for_timeout(250)
        self.page.evaluate("window.quietSince = undefined")
        self.page.wait_for_function(QUIET, timeout=300_000, polling=100)  # asked at every frame, it would draw them

    def main(self) -> str:
        return self.page.inner_text("[data-testid=stMain]")

    def go(self, title: str) -> None:
        """To another page, within the session."""
        self.page.locator("[data-testid=stHeader]").get_by_text(title, exact=True).click()
        self.page.wait_for_function("title => document.title.startsWith(title)", arg=title)
        self.wait()

    def press(self, key: str, option: str) -> None:
        """Press one of several buttons that stand side by side."""
        self.page.locator(_buttons(key)).get_by_role("radio", name=option, exact=True).click()
        self.wait()

    def chosen(self, key: str) -> str:
        """Which of several buttons is pressed."""
        return self.page.locator(_buttons(key)).locator("[aria-checked=true]").inner_text()

    def choose(self, key: str, option: str) -> None:
        """Choose an option of a select box by the text it shows, once more where the page moved under the pointer."""
        from playwright.sync_api import TimeoutError as NotThere

        self.wait()
        wanted = self.page.get_by_role("option", name=option, exact=True)
        for _ in range(4):
            self.page.click(f".st-key-{key} [data-baseweb=select], .st-key-{key} [role=combobox]")
            try:
                wanted.click(timeout=5_000)
                break
            except NotThere:
                self.page.keyboard.press("Escape")
        else:
            wanted.click(timeout=5_000)
        self.wait()

    def type(self, text: str) -> None:
        """Replace the sentences."""
        self.page.fill(".st-key-text textarea", text)
        self.page.press(".st-key-text textarea", "Control+Enter")
        self.wait()

    def assert_well(self) -> None:
        """No exception in the page, no error in the console."""
        assert self.page.locator("[data-testid=stException]").count() == 0, self.main()
        assert self.complaints == []


@pytest.fixture
def reader(chromium) -> Iterator[Reader]:
    """A person with a fresh browser of 1440 x 900."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    made = Reader(context.new_page())
    yield made
    made.assert_well()
    context.close()


@pytest.fixture
def phone(chromium) -> Iterator[Reader]:
    """A person with a phone of 390 x 844, who touches."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    made = Reader(context.new_page())
    yield made
    made.assert_well()
    context.close()
