"""The Evaluation page, as a person sees it."""

from playwright.sync_api import expect

from tests.test_browser_files import upload
from tests.test_browser_playground import WIDER_THAN_THE_SCREEN

PAIRS = (
    "one,two,alike\n"
    '"=1+1 & <b>bold</b>, $x$",<script>document.title="owned"</script>,0\n'
    "A cat sleeps.,A kitten is asleep.,1\n"
    "He drove off.,She sang.,0\n"
    "It rains.,There is rain.,1\n"
)


def open_page(reader, address: str) -> None:
    """Open the page and wait for its verdict, through which every pair has to go."""
    reader.page.goto(address)
    reader.page.wait_for_selector("text=Verdict for", timeout=300_000)
    reader.wait()


def test_a_first_visit_shows_a_verdict_and_its_code(server, reader):
    open_page(reader, server + "/evaluation")
    assert "Verdict for all-MiniLM-L6-v2, layer 6." in reader.main()
    expect(reader.page.locator(".js-plotly-plot")).to_have_count(5, timeout=60_000)
    reader.page.get_by_role("button", name="Code for it").click()
    reader.page.wait_for_selector("text=load_encoder(")
    assert "layer=6" in reader.page.inner_text("[data-testid=stPopoverBody] pre")


def test_a_readers_file_is_scored_or_refused_in_a_sentence(server, reader):
    reader.open(server + "/evaluation?data=pairs")
    assert "A table with two texts and a score a row" in reader.main()
    upload(reader, "mine.csv", b"one,two,alike\na,b\n")
    assert "Row 2 has 2 cells where the header has 3" in reader.main()
    upload(reader, "mine.csv", PAIRS.encode())
    assert "average precision" in reader.main()
    assert "an earlier row" not in reader.main()
    upload(reader, "pairs", (PAIRS + "It rains.,There is rain.,1\nA kitten is asleep.,A cat sleeps.,0\n").encode())
    assert "Rows with the two texts of an earlier row: 2. Each counts in the scores" in reader.main()
    upload(reader, "pairs", PAIRS.encode())
    assert reader.page.title() != "owned"
    reader.choose("file-score", "one")
    assert "three different columns" in reader.main()
    reader.assert_well()


def test_labelled_texts_and_a_phone(server, chromium):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = context.new_page()
    page.goto(server + "/evaluation?data=topics")
    page.wait_for_selector(".js-plotly-plot >> nth=2", state="attached", timeout=300_000)
    assert "1-nearest-neighbour (1-NN) accuracy" in page.inner_text("[data-testid=stMain]")
    assert page.evaluate(WIDER_THAN_THE_SCREEN) == []
    context.close()
