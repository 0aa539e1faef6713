"""Bring the README up to date: its table from the registry, its picture from the running app.

python -m tests.update_readme            the table
python -m tests.update_readme ADDRESS    the table, and a picture of the app at that address
"""

import re
import sys

from pooling.tables import strategies_for_readme
from tests.conftest import BROWSER, ROOT

PICTURE = "/?strategy=max"


def update_table() -> None:
    """Write the strategies' table between its marks."""
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    marks = r"(<!-- strategies:.*?-->\n).*?(<!-- /strategies -->)"
    table = strategies_for_readme()
    path.write_text(re.sub(marks, lambda m: f"{m[1]}{table}\n{m[2]}", text, flags=re.DOTALL), encoding="utf-8")


def take_picture(address: str) -> None:
    """Photograph the Playground of a running app."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 960}, device_scale_factor=1.5)
        page.goto(address + PICTURE)
        page.wait_for_selector(".js-plotly-plot >> nth=2", state="attached", timeout=90_000)
        page.wait_for_timeout(2000)
        page.screenshot(path=ROOT / ".github" / "playground.png")
        browser.close()


if __name__ == "__main__":
    update_table()
    if len(sys.argv) > 1:
        take_picture(sys.argv[1])
