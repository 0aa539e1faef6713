"""A film strip of a room: one screen and six phones in real browsers, a row a step.

    python -m tests.film_room FOLDER

It writes room-light.png and room-dark.png into the folder, and fails where a browser complains.
"""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.benchmarks.client import server
from tests.conftest import BROWSER, Reader

FIRST, SECOND = "ABBCAB", "AABAAA"
HEIGHT, GAP = 420, 12
"""Pixels of a row, and between two."""


def film(browser: Browser, address: str, theme: str) -> Image.Image:
    """A class at its first question, in one theme."""

    def reader(**settings) -> Reader:
        return Reader(browser.new_context(color_scheme=theme, reduced_motion="reduce", **settings).new_page())

    def see(one: Reader, text: str) -> None:
        one.page.get_by_text(text).first.wait_for(timeout=60_000)

    def act(name: str) -> None:
        screen.page.get_by_role("button", name=name).click(timeout=60_000)

    def take() -> None:
        screen.page.wait_for_timeout(1500)
        shots = [Image.open(io.BytesIO(one.page.screenshot())) for one in (screen, *phones)]
        rows.append([one.resize((one.width * HEIGHT // one.height, HEIGHT)) for one in shots])

    rows: list[list[Image.Image]] = []
    screen = reader(viewport={"width": 1440, "height": 900})
    phones = [reader(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) for _ in FIRST]
    screen.open(f"{address}/learn?learn=room")
    act("Open the room")
    see(screen, "Join with your phone")
    for one in phones:
        one.page.goto(screen.page.url.replace("&lead=on", ""))
        see(one, "You are in.")
    take()
    act("Ask the first question")
    for votes, next_act in ((FIRST, "Show the votes"), (SECOND, "Show the answer")):
        for one, letter in zip(phones, votes, strict=True):
            see(one, "Tap your answer.")
            one.page.click(f".st-key-vote-{letter} button")
            see(one, "Counted:")
        take()
        act(next_act)
        for one in phones:
            see(one, "on the screen" if votes == SECOND else "Look at the screen")
        if votes == FIRST:
            take()
            act("Discuss and vote again")
    screen.page.locator(".js-plotly-plot").first.wait_for(timeout=60_000)
    take()
    for one in (screen, *phones):
        one.assert_well()
    width = sum(shot.width + GAP for shot in rows[0])
    strip = Image.new("RGB", (width, len(rows) * (HEIGHT + GAP)), "#888")
    for i, row in enumerate(rows):
        for n, shot in enumerate(row):
            strip.paste(shot, (sum(one.width + GAP for one in row[:n]), i * (HEIGHT + GAP)))
    return strip


def main() -> None:
    """Film a class in both themes."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with server() as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        for theme in ("light", "dark"):
            film(browser, running.address, theme).save(folder / f"room-{theme}.png")
        browser.close()


if __name__ == "__main__":
    main()
