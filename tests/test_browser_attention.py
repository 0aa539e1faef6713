"""The Attention page, as a person sees it: train, stop, wait, take away, bring back."""

import pytest
from playwright.sync_api import expect

from tests.test_browser_files import upload
from tests.test_browser_playground import HOSTILE

PAGE = "/attention?layer=4&head-epochs=4&head-rate=0.003"


def train(reader) -> None:
    reader.page.click(".st-key-train button")
    reader.page.wait_for_selector(".st-key-stop-training button", timeout=60_000)


def finish(reader) -> None:
    """Until the held-back test is shown."""
    reader.page.wait_for_selector("text=Your head, the same pairs", timeout=180_000)
    reader.wait()


@pytest.fixture
def second_reader(chromium):
    from tests.conftest import Reader

    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    made = Reader(context.new_page())
    yield made
    made.assert_well()
    context.close()


def test_a_head_is_trained_live_taken_away_and_brought_back(server, reader, second_reader, tmp_path):
    reader.open(server + PAGE)
    assert "Cosine to mean's embedding" in reader.main()
    train(reader)
    finish(reader)
    seen = reader.main()
    assert "The best epoch on the development pairs is" in seen
    assert "held-back pairs of this project's own pairs" in seen
    assert "Difference, 95%" in seen
    assert "each before the training" in seen
    assert reader.page.locator(".st-key-curve .js-plotly-plot").count() == 1
    assert reader.page.get_by_role("radio", name="Yours", exact=True).get_attribute("aria-checked") == "true"
    assert "Your head" in reader.page.inner_text(".st-key-weights")
    weights = reader.page.inner_text(".st-key-weights")
    trained = (
        "Trained and scored: a head for layer 4 of all-MiniLM-L6-v2, on this project's own pairs, in 4 epochs, at τ 1."
    )
    assert trained in seen
    with reader.page.expect_download() as download:
        reader.page.get_by_role("button", name="Download your head").click()
    download.value.save_as(tmp_path / "head.zip")
    assert download.value.suggested_filename == "all-MiniLM-L6-v2.layer4.zip"

    second_reader.open(server + PAGE)
    assert second_reader.page.get_by_role("radio", name="Yours", exact=True).count() == 0
    second_reader.page.get_by_text("Use a head that you downloaded here").click()
    head = second_reader.page.locator(".st-key-attention-upload input[type=file]")
    head.set_input_files({"name": "bad.zip", "mimeType": "application/zip", "buffer": b"\x80\x04K\x01."})
    expect(second_reader.page.get_by_text("This is not a zip file of a head")).to_be_visible(timeout=60_000)
    head.set_input_files(tmp_path / "head.zip")
    second_reader.wait()
    second_reader.page.wait_for_selector("text=This head is in use on this page", timeout=30_000)
    second_reader.wait()
    assert second_reader.page.inner_text(".st-key-weights") == weights

    reader.page.locator("[data-testid=stMain] [class*=st-key-attention-] [data-testid=stSlider] input").press("End")
    reader.wait()
    assert "and after it, τ" in reader.main(), "and so are the tokens after the training"


def give(reader, rows: list[str], said: str) -> None:
    """Upload a CSV of pairs, and read what the page says then."""
    upload(reader, "pairs.csv", "\n".join(["one,two,score", *rows]).encode())
    reader.page.get_by_text(said).first.wait_for(timeout=60_000)
    reader.wait()


def test_who_comes_second_waits_and_stop_stops(server, reader, second_reader):
    reader.open(server + "/attention?head-pairs=csv")
    second_reader.open(server + "/attention?layer=5&head-epochs=1")
    long = " ".join(f"word{i}" for i in range(40))
    give(reader, [f"{i} {long},{-i} {long},{i % 3}" for i in range(3000)], "2,100 pairs to train on")
    train(reader)
    train(second_reader)
    second_reader.page.wait_for_selector("text=1 person is before you", timeout=30_000)
    # The rest of the app answers meanwhile.
    second_reader.choose("sentence", "2 · A violinist performs each night.")
    assert "violinist" in second_reader.page.inner_text(".st-key-weights")
    assert "1 person is before you" in second_reader.main()
    assert "Encoding the training sentences" in reader.main()
    assert reader.page.locator(".st-key-train button").is_disabled()
    reader.page.click(".st-key-stop-training button")
    reader.page.wait_for_selector("text=You stopped it.", timeout=60_000)
    reader.wait()
    assert reader.page.locator(".st-key-stop-training").count() == 0
    assert reader.page.locator(".st-key-train button").is_enabled()
    finish(second_reader)


def test_a_csv_of_the_readers_is_split_or_refused_in_a_sentence(server, reader):
    reader.open(server + "/attention?head-pairs=csv&head-epochs=2")
    assert reader.page.locator(".st-key-train button").is_disabled()
    give(reader, ["a,b,<b>high</b>", "c,d,1", "e,f,2"], "'<b>high</b>' in column 'score'")
    give(reader, ["a,b,1", "c,d,2", "e,f,3"], "Give more pairs, with different sentences")
    assert reader.page.locator(".st-key-train button").is_disabled()
    rows = [f"The cat number {i} sleeps.,A dog number {i} {'sleeps' if i % 3 else 'barks'}.,{i % 3}" for i in range(60)]
    give(reader, rows, "42 pairs to train on, 9 to choose the best epoch by, 9 held back")
    train(reader)
    finish(reader)
    assert "held-back pairs of a file of the reader's" in reader.main() or "untrained one" in reader.main()


def test_hostile_text_is_shown_as_text(server, reader):
    reader.open(server + "/attention")
    reader.type("\n".join(HOSTILE))
    assert reader.page.locator(".pp-strip").count() == len(HOSTILE)
    assert reader.page.locator("[data-testid=stMain] img[src=x]").count() == 0
    assert "owned" not in reader.page.title()
