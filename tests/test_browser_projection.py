"""The Projection page, as a person sees it."""

import csv
import urllib.request
from pathlib import Path

import pytest

from pooling.datasets import own_topics
from tests.test_browser_files import upload

MAP = "[class*='st-key-map-'] .js-plotly-plot"


@pytest.fixture
def table_file(tmp_path):
    """Write a reader's table."""

    def write(rows: list[list[str]], name: str = "texts.csv") -> str:
        path = tmp_path / name
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter="\t" if name.endswith("tsv") else ",").writerows(rows)
        return str(path)

    return write


def give(reader, path: str) -> None:
    """Upload a file of this machine."""
    upload(reader, Path(path).name, Path(path).read_bytes())


def test_two_browsers_fit_umap_at_once_while_other_pages_answer(start_server, chromium, reader):
    address = start_server(umap=True)
    pages = [chromium.new_context(viewport={"width": 1440, "height": 900}).new_page() for _ in range(2)]
    for seed, page in enumerate(pages, start=1):
        page.goto(f"{address}/projection?map-kind=umap&map-seed={seed}", wait_until="commit")
    reader.open(address)
    reader.page.wait_for_selector(".living .token >> nth=3", timeout=90_000)
    for page in pages:
        page.wait_for_selector("text=UMAP tied each of the 256 texts", timeout=120_000)
        page.wait_for_selector("text=Watch them move", timeout=120_000)
        assert page.locator("[data-testid=stException]").count() == 0
        page.context.close()
    assert urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).status == 200


def test_clicking_and_boxing_list_texts_with_their_neighbours(server, reader):
    reader.open(server + "/projection")
    points = reader.page.locator(f"{MAP} path.point")
    points.first.wait_for(state="attached")
    area = reader.page.locator(f"{MAP} .nsewdrag").first.bounding_box()
    point = points.first.bounding_box()
    place = point["x"] + point["width"] / 2, point["y"] + point["height"] / 2
    reader.page.mouse.move(*place)
    reader.page.wait_for_selector(f"{MAP} .hoverlayer text >> nth=0", state="attached")
    assert own_topics()[0][32] in reader.page.locator(f"{MAP} .hoverlayer").first.text_content()
    reader.page.mouse.click(*place)
    reader.page.wait_for_selector("text=Its nearest neighbours in the full space")
    reader.wait()
    reader.page.locator(f"{MAP} .modebar-btn[data-val=select]").click()
    reader.page.mouse.move(area["x"] + area["width"] * 0.4, area["y"] + area["height"] * 0.3)
    reader.page.mouse.down()
    reader.page.mouse.move(area["x"] + area["width"] * 0.6, area["y"] + area["height"] * 0.6, steps=6)
    reader.page.mouse.up()
    reader.page.wait_for_selector("text=Their nearest neighbours in the full space")
    reader.wait()


def test_a_chosen_point_is_marked_on_the_map_of_each_strategy(server, reader):
    reader.open(server + "/projection?map-texts=own")
    points = reader.page.locator(f"{MAP} >> nth=0").locator("path.point")
    points.first.wait_for(state="attached")
    count = points.count()
    at = points.nth(2).bounding_box()
    reader.page.mouse.click(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    reader.page.wait_for_selector("text=Its nearest neighbours in the full space")
    reader.wait()
    for strategy in ("Max", "CLS", "Mean"):
        reader.press("strategy", strategy)
        assert "Its nearest neighbours in the full space" in reader.main()
        assert points.count() == count + 1, "a ring"


def test_a_search_rings_what_it_finds(server, reader):
    reader.open(server + "/projection")
    points = reader.page.locator(f"{MAP} >> nth=0").locator("path.point")
    points.first.wait_for(state="attached")
    assert points.count() == len(own_topics()[0])
    reader.page.fill(".st-key-map-search input", "MUSIC")
    reader.page.press(".st-key-map-search input", "Enter")
    reader.page.wait_for_selector("text=Their nearest neighbours in the full space")
    reader.wait()
    hits = sum(label == "music" or "music" in text.lower() for text, label in zip(*own_topics(), strict=True))
    assert points.count() == len(own_topics()[0]) + hits
    assert "map-search=MUSIC" in reader.page.url


def test_the_morph_plays_in_the_browser(server, reader):
    reader.open(server + "/projection?map-texts=own")
    morph = reader.page.locator("[class*='st-key-morph-'] .js-plotly-plot")
    morph.locator("path.point").first.wait_for(state="attached")
    morph.scroll_into_view_if_needed()
    places = "g => [...g.querySelectorAll('path.point')].map(p => p.getAttribute('transform')).join()"
    before = morph.evaluate(places)
    morph.get_by_text("Play").click()
    reader.page.wait_for_timeout(4000)
    assert morph.evaluate(places) != before


def test_a_file_is_mapped_by_the_columns_chosen(server, reader, table_file):
    texts, labels = own_topics()
    rows = [["id", "sentence", "topic"]] + [
        [str(i), *row] for i, row in enumerate(zip(texts[::9], labels[::9], strict=True))
    ]
    reader.open(server + "/projection?map-texts=file")
    give(reader, table_file(rows, "texts.tsv"))
    assert f"of these {len(rows) - 1} embeddings" in reader.main()
    reader.choose("file-label", "topic")
    assert "nearest to one with another label" in reader.main() or "has its own label" in reader.main()


def test_a_bad_file_is_answered_in_a_sentence(server, reader, table_file):
    reader.open(server + "/projection?map-texts=file")
    for rows, said in (
        ([["text"]], "has the names of its columns but no row under them"),
        ([["text"], *[["a text"]] * 10_001], "at most 10,000 rows"),
        ([["text", "label"], ["one", "a"], ["two"]], "Row 3 has 1 cell where the header has 2"),
        ([["text", "label"], ["one", "a"], ["", "b"]], "Row 3 has nothing in column 'text'"),
    ):
        give(reader, table_file(rows))
        reader.page.get_by_role("alert").get_by_text(said).wait_for(timeout=30_000)


def test_hostile_texts_in_a_file_are_shown_as_text(server, reader, table_file):
    bad = ["<img src=x onerror=\"document.title='owned'\">", "</s> [SEP] $x$ :red[x]", "=1+1", "%{x} <b>b</b>"]
    reader.open(server + "/projection?map-texts=file")
    give(reader, table_file([["<b>text</b>", "%{y}"], *[[text, f"<i>{i}</i>"] for i, text in enumerate(bad)]]))
    reader.choose("file-label", "%{y}")
    assert reader.page.locator("[data-testid=stMain] img[src=x]").count() == 0
    assert "owned" not in reader.page.title()
    drawn = reader.page.locator(f"{MAP} >> nth=0").inner_text()
    assert "<img src=x" in drawn
