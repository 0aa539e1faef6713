"""Bring the README up to date: its tables from the registry and the catalogue, its picture from the running app.

python -m tests.update_readme            the tables
python -m tests.update_readme ADDRESS    the tables, and a picture of the app at that address
"""

import sys

from pooling.tables import models_for_readme, strategies_for_readme
from tests.conftest import BROWSER, ROOT

TABLES = {"strategies": strategies_for_readme, "models": models_for_readme}
PICTURE = "/?strategy=max"


def update_tables() -> None:
    """Write each table between its marks."""
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    for name, made in TABLES.items():
        start, end = text.index("\n", text.index(f"<!-- {name}:")) + 1, text.index(f"<!-- /{name} -->")
        text = f"{text[:start]}{made()}\n{text[end:]}"
    path.write_text(text, encoding="utf-8")


def take_picture(address: str) -> None:
    """Photograph the Playground of a running app."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 960}, device_scale_factor=1.5)
        page.goto(address + PICTURE)
        page.wait_for_selector(".living .token >> nth=0", timeout=90_000)
        page.wait_for_timeout(2000)
        page.screenshot(path=ROOT / ".github" / "playground.png")
        browser.close()


if __name__ == "__main__":
    update_tables()
    if len(sys.argv) > 1:
        take_picture(sys.argv[1])
