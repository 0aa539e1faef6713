"""The Playground, as a person sees it."""

from playwright.sync_api import expect

from tests.conftest import ROOT

HOSTILE = [
    "<script>document.title='owned'</script>",
    "<s> and </s> and [SEP]",
    "costs $x$ and $y$ :red[x] **bold** `code`",
    "<img src=x onerror=\"document.title='owned'\">",
    "مرحبا بالعالم",
    "👩‍👩‍👧 🎻🎻",
    "!!!",
]

WIDER_THAN_THE_SCREEN = """[...document.querySelectorAll('[data-testid=stMain] *')]
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
  .filter(e => !e.closest('svg, .katex, .pp-words, [data-testid=stDataFrame]'))
  .map(e => e.className)"""


def test_the_frame_is_in_the_browser_before_torch_is_imported(start_server, reader, tmp_path):
    gate = tmp_path / "go"
    address = start_server(PYTHONPATH=str(ROOT / "tests" / "slow_torch"), TORCH_MAY_LOAD=str(gate))
    reader.page.goto(address)
    reader.page.wait_for_selector("h1:has-text('How does a matrix')", timeout=30_000)
    reader.page.wait_for_selector("[data-testid=stMain] [data-testid=stSkeletonElement]", timeout=30_000)
    reader.page.wait_for_selector("text=Loading PyTorch and the model", timeout=30_000)
    assert reader.page.locator(".living .tokens").count() == 0
    gate.touch()
    reader.page.wait_for_selector(".living .tokens", timeout=90_000)
    reader.wait()


def test_a_deep_link_shows_what_it_says(server, reader):
    reader.open(server + "/?strategy=last_token&layer=5&set=negation&sentence=3&show=window&from=64&dimension=70")
    assert "Last token pooling" in reader.main()
    assert reader.page.inner_text(".living .formula").startswith("e70 = ")
    assert reader.page.locator(".st-key-text textarea").input_value().startswith("The ")
    for part in (
        "strategy=last_token",
        "layer=5",
        "set=negation",
        "sentence=3",
        "show=window",
        "from=64",
        "dimension=70",
    ):
        assert part in reader.page.url


def test_an_address_with_unknown_values_falls_back(server, reader):
    reader.open(
        server + "/?strategy=../etc&layer=99&model=/etc/passwd&set=%3Cb%3E&sentence=-1&dimension=1e9&show=x&from=x"
    )
    assert "Mean pooling" in reader.main()
    assert "?" not in reader.page.url


def test_hostile_text_is_shown_as_text(server, reader):
    reader.open(server)
    for first in range(len(HOSTILE)):
        reader.type("\n".join(HOSTILE[first:]))
        strip = reader.page.inner_text(".living .tokens")
        assert reader.page.locator(".living .token").count() >= 3, strip
        assert "Pooling" in reader.page.title()
        assert reader.page.locator(".living img, .living script, .living b:not(.name b):not(.cosines b)").count() == 0
        reader.assert_well()
    assert reader.page.locator("[data-testid=stMain] img[src=x]").count() == 0


def test_what_was_typed_stays_in_the_box(server, reader):
    reader.open(server)
    many = "\n".join(f"Sentence number {i}." for i in range(33))
    for typed, said in (
        ("", "There is no sentence to pool"),
        ("\n\n   \n", "There is no sentence to pool"),
        (many, "Only the first 32 of your 33 sentences"),
        ("x" * 100_000 + "\nA short one.", "sentence 1 has more than 1,000 characters"),
        ("x" * 100_000, "There is no sentence to pool"),
    ):
        reader.type(typed)
        assert said in reader.page.inner_text("[data-testid=stApp]")
        assert reader.page.locator(".st-key-text textarea").input_value() == typed
        reader.assert_well()
    reader.type("One sentence.")
    assert reader.page.locator(".living .token").count() == 5


def test_the_address_of_typed_text_opens_the_same_page_elsewhere(server, reader, chromium):
    reader.open(server)
    typed = "Ünïcode & <b>more</b>?\nA second line #2"
    reader.type(typed)
    reader.page.wait_for_url("**text=**")
    other = chromium.new_context().new_page()
    other.goto(reader.page.url)
    other.wait_for_selector(".living .tokens", timeout=60_000)
    expect(other.locator(".st-key-text textarea")).to_have_value(typed)
    other.context.close()


def test_layers_and_dimensions_can_be_walked_with_the_keyboard(server, reader):
    reader.open(server)
    thumb = reader.page.locator(".st-key-layer input[type=range]")
    for _ in range(7):
        thumb.press("ArrowLeft")
        reader.wait()
    assert "layer=0" in reader.page.url
    reader.open(reader.page.url + "&strategy=cls_attention")
    assert "choose a single layer" in reader.main()
    reader.page.get_by_role("button", name="Use mean pooling").click()
    reader.wait()
    assert "Mean pooling" in reader.main()
    for name in ("A window of 32", "All 384", "32 most varied"):
        reader.page.get_by_role("radio", name=name).click()
        reader.wait()
        reader.assert_well()
