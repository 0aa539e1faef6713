"""Share, Code and Export, as a person sees them."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from pages.ui.navigation import PAGES
from pooling import embed
from pooling.after import load_step
from pooling.catalogue import DEFAULT
from pooling.datasets import own_texts
from pooling.export import embeddings
from pooling.recipe import Recipe
from tests.conftest import Reader
from tests.test_browser_playground import WIDER_THAN_THE_SCREEN
from tests.test_browser_similarity import switch

SENTENCES = "A bank by the river.\nThe bank lent money.\n<b>Rain</b> & $sun$."
SIDEBAR = {"text": SENTENCES, "strategy": "weighted_mean", "layer": "4", "prompt": "own", "template": "query: {}"}
SIDEBAR |= {"after": "first,l2", "first": "64", "type": "float16"}
CHOSEN = {
    "Playground": {"sentence": "2", "show": "window", "from": "64", "dimension": "70"},
    "Attention": {
        "sentence": "3",
        "attention.temperature": "0.2",
        "listener": "mean",
        "head-epochs": "3",
        "head-seed": "7",
    },
    "Similarity": {"metric": "dot", "after": "centre,first,l2", "query": "music", "pair1": "3"},
    "Projection": {"map-metric": "euclidean", "map-with": "cls", "map-search": "river"},
}
"""Of every page's widgets test_links has each in the link; here are those that a browser alone has a part in."""
PICTURES = """[...document.querySelectorAll('[data-testid=stMain] .js-plotly-plot')].map(plot =>
  JSON.stringify(plot.data, (key, value) => ['uid', 'selectedpoints'].includes(key) ? undefined : value))"""
NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', {value: undefined}); document.execCommand = () => false"


def address(server: str, page, choices: dict[str, str]) -> str:
    from urllib.parse import urlencode

    place = "" if page is PAGES[0] else page.file.removeprefix("pages/").removesuffix(".py")
    return f"{server}/{place}?{urlencode(choices)}"


def settled(reader) -> tuple[str, list[str]]:
    """The words and the pictures of a page, once both stand still."""
    seen: list = []
    while len(seen) < 2 or seen[-1] != seen[-2]:
        assert len(seen) < 60, "the page does not come to rest"
        reader.wait()
        seen.append((reader.main(), reader.page.evaluate(PICTURES)))
    return seen[-1]


@pytest.fixture
def elsewhere(chromium):
    """Somebody else's browser, which cannot copy."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(NO_CLIPBOARD)
    made = Reader(context.new_page())
    yield made
    made.assert_well()
    context.close()


def test_a_pages_link_shows_the_same_in_a_fresh_browser_on_a_fresh_server(server, start_server, reader, elsewhere):
    fresh = start_server()
    reader.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for page in (one for one in PAGES if one.title in CHOSEN):
        reader.open(address(server, page, SIDEBAR | CHOSEN[page.title]))
        if page.title == "Projection":
            settled(reader)
            reader.page.locator("[class*='st-key-map-'] path.point").nth(40).click(force=True)
            reader.page.wait_for_selector("text=Its nearest neighbours in the full space")
            reader.page.mouse.move(0, 0)  # or its words stand over the point
            reader.page.wait_for_selector(".hovertext", state="detached")
        words, pictures = settled(reader)
        assert pictures
        reader.page.get_by_role("button", name="Share", exact=True).click()
        reader.page.wait_for_selector("text=The link is copied.")
        link = reader.page.evaluate("navigator.clipboard.readText()")
        assert link.startswith(server)
        assert all(f"{key}=" in link for key in SIDEBAR | CHOSEN[page.title])
        elsewhere.open(link.replace(server, fresh))
        elsewhere.page.wait_for_selector(".js-plotly-plot", state="attached", timeout=60_000)
        theirs = settled(elsewhere)
        assert theirs[0] == words, page.title
        if page.title != "Projection":  # there a point that was clicked is bright, one of a link has a ring
            assert theirs[1] == pictures, page.title
        reader.assert_well()
    elsewhere.page.get_by_role("button", name="Share", exact=True).click()
    elsewhere.page.wait_for_selector("text=Copy this link:")
    field = elsewhere.page.get_by_label("The link to this page")
    assert field.input_value() == elsewhere.page.url
    assert field.evaluate("e => e.selectionEnd - e.selectionStart") == len(elsewhere.page.url)
    elsewhere.page.keyboard.press("Escape")
    assert not field.is_visible()


def test_the_picture_alone_stands_in_a_slide(server, reader):
    reader.open(server + "/?strategy=max&text=A+%22cat%22+%26+a+dog.")
    reader.page.get_by_role("button", name="Share", exact=True).click()
    html = reader.page.get_by_label("HTML that shows the picture alone").input_value()
    reader.page.set_content(f"<h1>A slide</h1>{html}")
    slide = reader.page.frame_locator("iframe")
    first = slide.locator(".living .token").first
    first.wait_for(timeout=60_000)
    assert [one.split()[0] for one in slide.locator(".living .token").all_inner_texts()][1:4] == ["a", '"', "cat"]
    for hidden in ("[data-testid=stHeader]", "[data-testid=stSidebar]", "h1", ".st-key-text", ".st-key-sentence"):
        assert not slide.locator(hidden).first.is_visible(), hidden
    strip = slide.locator(".living .strategies")
    assert strip.get_by_role("radio", checked=True).inner_text() == "Max"
    below, row = strip.bounding_box(), first.bounding_box()
    assert below["y"] + below["height"] <= row["y"]
    strip.get_by_role("radio", name="Mean", exact=True).click()
    assert strip.get_by_role("radio", checked=True).inner_text() == "Mean"


def close(dialog) -> None:
    dialog.get_by_role("button", name="Close").click()
    dialog.wait_for(state="detached")


def test_code_and_files_go_by_the_choice_and_by_the_steps_after_pooling(server, reader, encoder):
    reader.open(address(server, PAGES[3], {"text": SENTENCES, "strategy": "max"}))
    reader.page.get_by_role("button", name="Export").click()
    dialog = reader.page.get_by_role("dialog")
    dialog.get_by_text("Max pooling of layer 6 of all-MiniLM-L6-v2, not normalised.").wait_for()
    close(dialog)
    switch(reader, "after", "Centre")
    reader.page.get_by_role("button", name="Export").click()
    dialog.get_by_text("Max pooling of layer 6 of all-MiniLM-L6-v2, then centre.").wait_for()
    dialog.get_by_text("with scaling to length 1 alone after the pooling").wait_for()
    with reader.page.expect_download() as coming:
        dialog.locator(".st-key-take-sentences-npz button").click()
    with zipfile.ZipFile(coming.value.path()) as archive:
        (Path(coming.value.path()).parent / "centre").write_bytes(archive.read("centre.safetensors"))
        found = np.load(io.BytesIO(archive.read("embeddings.npz")))["embeddings"]
    want = embeddings(Recipe(DEFAULT, "max", 6), encoder, SENTENCES.splitlines())
    centre = load_step(Path(coming.value.path()).parent / "centre")
    assert found == pytest.approx(centre(want).numpy(), abs=1e-5)
    mean = embed(own_texts(), encoder, "max")["max"].mean(dim=0)
    assert centre.fitted["mean"].numpy() == pytest.approx(mean.numpy(), abs=1e-5)
    close(dialog)
    switch(reader, "after-again", "Centre")
    switch(reader, "after-again", "L2-normalise")
    reader.page.get_by_role("button", name="Code").first.click()
    dialog.get_by_text("functional.normalize").first.wait_for()
    dialog.get_by_role("tab", name="vLLM").click()
    dialog.get_by_text("vLLM pools by CLS, MEAN and LAST only, so it cannot do Max pooling.").wait_for()
    reader.page.keyboard.press("Escape")
    reader.page.get_by_role("button", name="Export").click()
    dialog.get_by_text("Max pooling of layer 6 of all-MiniLM-L6-v2, L2-normalised.").wait_for()
    with reader.page.expect_download() as coming:
        dialog.locator(".st-key-take-sentences-npz button").click()
    with zipfile.ZipFile(coming.value.path()) as archive:
        found = np.load(io.BytesIO(archive.read("embeddings.npz")))["embeddings"]
    assert found == pytest.approx(torch.nn.functional.normalize(want).numpy(), abs=1e-5)
    with reader.page.expect_download() as coming:
        dialog.locator(".st-key-take-model button").click()
    with zipfile.ZipFile(coming.value.path()) as archive:
        assert "all-MiniLM-L6-v2.layer6.max/1_Pooling/config.json" in archive.namelist()
    reader.page.set_viewport_size({"width": 390, "height": 844})
    reader.page.wait_for_timeout(500)
    assert reader.page.evaluate(WIDER_THAN_THE_SCREEN.replace("[data-testid=stMain]", "[role=dialog]")) == []
    close(dialog)
    reader.wait()
    reader.page.get_by_role("button", name="Share", exact=True).press("Enter")
    field = reader.page.get_by_label("The link to this page")
    field.wait_for()
    box = field.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
