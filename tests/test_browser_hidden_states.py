"""Hidden States, as a person sees it."""

from tests.test_browser_playground import HOSTILE

PAGE = "/hidden_states?set=two_meanings"
PLANE = ".st-key-hidden-plane"


def said(page) -> str:
    """The line that the picture of the plane says over itself."""
    return page.locator(f"{PLANE} g.textpoint text").last.text_content()


def where(page) -> str:
    """Where the picture has drawn the first sentence's tokens."""
    return page.locator(f"{PLANE} g.trace.scatter").nth(2).inner_html()


def test_the_layers_are_walked_with_the_keyboard(server, reader):
    reader.open(server + PAGE)
    assert "each vector at layer 6" in reader.main()
    thumb = reader.page.locator(".st-key-hidden_layer input[type=range]")
    for layer in (5, 4):
        thumb.press("ArrowLeft")
        reader.wait()
        assert f"each vector at layer {layer}" in reader.main()
        assert f"layer={layer}" in reader.page.url
        assert f"layer {layer}: spring and spring" in said(reader.page)
    assert reader.page.locator(".st-key-layer [data-testid=stSliderThumbValue]").inner_text() == "4"


def test_dimensions_can_be_chosen(server, reader):
    reader.open(server + PAGE)
    wide = "document.querySelector('.st-key-hidden-matrix .js-plotly-plot').data[0].x.length"
    for name, columns in (("A window of 32", 32), ("All 384", 384), ("32 most varied", 32)):
        reader.page.get_by_role("radio", name=name).click()
        reader.wait()
        assert reader.page.evaluate(wide) == columns
        reader.assert_well()


def test_the_animation_plays_and_pauses_in_the_browser_alone(server, reader):
    messages = []

    def listen(socket) -> None:
        for direction in ("framesent", "framereceived"):
            socket.on(direction, lambda message: messages.append(message))

    reader.page.on("websocket", listen)
    reader.open(server + PAGE)
    reader.page.locator(PLANE).scroll_into_view_if_needed()
    reader.page.wait_for_timeout(1000)
    assert messages, "the app talks to the browser through a websocket"
    before, at_first = len(messages), where(reader.page)
    assert said(reader.page) == "layer 6: spring and spring, cosine 0.691"
    reader.page.locator(f"{PLANE} .updatemenu-button").first.click()
    text = f"{PLANE} g.textpoint text"
    for line in ("layer 0: spring and spring, cosine 0.963", "layer 1: spring and spring, cosine 0.886"):
        reader.page.locator(text, has_text=line).wait_for(state="attached", timeout=30_000)
    assert where(reader.page) != at_first
    reader.page.locator(f"{PLANE} .updatemenu-button").nth(1).click()
    reader.page.wait_for_timeout(1500)
    paused = said(reader.page), where(reader.page)
    reader.page.wait_for_timeout(3000)
    assert (said(reader.page), where(reader.page)) == paused
    assert paused[0] != "layer 6: spring and spring, cosine 0.691"
    assert len(messages) == before
    # plotly breaks the promise of an animation that is paused, and nobody waits for it
    reader.complaints = [line for line in reader.complaints if line != "page error: undefined"]


def test_another_sentence_and_another_word_can_be_followed(server, reader):
    reader.open(server + PAGE)
    reader.choose("hidden_other", "2 · The watch has a broken spring inside.")
    reader.choose("hidden_word", "broken")
    assert "broken and broken" in said(reader.page)
    assert "hidden_other=2" in reader.page.url
    assert "hidden_word=broken" in reader.page.url
    reader.choose("sentence", "7 · Ducks rest on the muddy bank of the stream.")
    assert "the and the" in said(reader.page)


def test_hostile_tokens_are_shown_as_text(server, reader):
    reader.open(server + "/hidden_states")
    reader.type("\n".join(HOSTILE))
    for sentence in HOSTILE[1:]:
        reader.choose("sentence", f"{HOSTILE.index(sentence) + 1} · {sentence}")
        reader.assert_well()
    assert reader.page.locator("[data-testid=stMain] img[src=x]").count() == 0
    assert reader.page.title() != "owned"
