"""The living picture in a real browser: what a hand on it sees, frame by frame."""

import statistics
from collections.abc import Iterator
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.client import server
from tests.benchmarks.figures import Figure
from tests.conftest import BROWSER

WATCH = """() => {
  const all = [...document.querySelectorAll('.st-key-living *')]
  const find = (what) => all.map((e) => e.shadowRoot?.querySelector(what)).find(Boolean)
  window.watched = { frames: 0, moved: 0, began: performance.now(), last: null, on: true }
  const look = () => {
    if (!window.watched.on) return
    const now = find('.lit i')?.style.transform ?? null
    window.watched.frames += 1
    window.watched.moved += now !== window.watched.last
    window.watched.last = now
    requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
}"""
STOP = """() => {
  window.watched.on = false
  const { frames, moved, began } = window.watched
  const seconds = (performance.now() - began) / 1000
  return [frames / seconds, moved / seconds]
}"""
PRESS = """async () => {
  const all = [...document.querySelectorAll('.st-key-living *')]
  const handle = all.map((e) => e.shadowRoot?.querySelector('.handle')).find(Boolean), bar = handle.querySelector('i')
  await new Promise(requestAnimationFrame)
  const before = bar.style.transform
  handle.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }))
  let frames = 0
  while (bar.style.transform === before && frames < 60) {
    await new Promise(requestAnimationFrame)
    frames += 1
  }
  return frames
}"""
LETTERS = "a b c d e f g h i j k l m n o p q r s t u v w x y z"


def living() -> Iterator[Figure]:
    """The living picture in Chromium: frames during a drag against frames at rest, messages, keys."""
    if BROWSER is None:
        yield Figure("a drag", None, note="no Chromium or Chrome is installed")
        return
    with server(NUMBA_DISABLE_JIT="1") as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        for words, show, bar in ((30, "varied", 0.9), (254, "all", 0.5)):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            sent: list[object] = []
            page.on("websocket", lambda socket, sent=sent: socket.on("framesent", lambda frame: sent.append(frame)))
            text = " ".join((LETTERS.split() * 10)[:words])
            page.goto(f"{running.address}/?text={quote(text)}&show={show}")
            page.wait_for_selector(".living .token >> nth=5", timeout=60_000)
            page.wait_for_timeout(3000)
            columns = page.get_attribute(".living .cells", "aria-label").split()[-4]
            what = f"{page.locator('.living .token').count()} tokens x {columns if show == 'all' else 32} columns"
            rest, _ = _watched(page, dragging=False)
            before = len(sent)
            frames, moved = _watched(page, dragging=True)
            during = len(sent) - before
            page.mouse.up()
            yield Figure(f"{what}: frames during a drag, of those at rest", frames / rest, "", at_least=bar)
            yield Figure(f"{what}: frames at rest", rest, "a second", note=f"{moved:.0f} a second moved in the drag")
            yield Figure(f"{what}: messages sent during the drag", during, "", at_most=0)
            page.wait_for_timeout(1500)
            presses = [page.evaluate(PRESS) for _ in range(9)]
            yield Figure(f"{what}: from a key to the moved bar", statistics.median(presses), "frames", at_most=1)
            page.close()
        browser.close()


def _watched(page: Page, *, dragging: bool) -> tuple[float, float]:
    """Frames a second, and how many of them showed another weight, for two seconds."""
    box = page.locator(".living .handle").nth(3).bounding_box()
    assert box is not None
    x, y = box["x"] + 10, box["y"] + box["height"] / 2
    if dragging:
        page.mouse.move(x, y)
        page.mouse.down()
    page.evaluate(WATCH)
    for step in range(250):
        if dragging:
            page.mouse.move(x + 5 + step % 50, y)
        page.wait_for_timeout(8)
    made = page.evaluate(STOP)
    return made[0], made[1]
