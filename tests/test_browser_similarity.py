"""The Similarity page, as a person sees it."""

from tests.test_browser_playground import HOSTILE

CHARTS = 5


def open_whole(reader, address: str) -> None:
    """Open the page and wait for its last picture: on a busy machine a run may not have begun at first."""
    reader.open(address)
    reader.page.wait_for_selector(".st-key-baseline .js-plotly-plot", timeout=90_000)
    reader.wait()


def switch(reader, key: str, step: str) -> None:
    """Turn a step after pooling on or off, in the sidebar or in the page."""
    reader.page.locator(f".st-key-{key}").get_by_role("button", name=step).click()
    reader.wait()


def test_every_measure_and_switch_can_be_chosen(server, reader):
    open_whole(reader, server + "/similarity?set=short_and_long")
    assert "The order of neighbours flips" in reader.main()
    for name in ("Dot product", "Euclidean distance", "Cosine"):
        reader.page.get_by_role("radio", name=name).click()
        reader.wait()
        assert reader.page.locator(".js-plotly-plot").count() == CHARTS
    switch(reader, "after-again", "L2-normalise")
    assert "All three measures give the same order of neighbours, as they must" in reader.main()
    switch(reader, "after", "Centre")
    assert "Without Centre it was" in reader.main()
    assert "after=l2%2Ccentre" in reader.page.url
    reader.press("strategy", "Max")
    assert "Without Centre it was" in reader.main()
    for key in ("after", "after-again"):
        assert reader.page.locator(f".st-key-{key} [aria-pressed=true]").all_inner_texts() == ["Centre", "L2-normalise"]
    switch(reader, "after-again", "Centre")
    assert "Without Centre it was" not in reader.main()
    assert "strategy=max&after=l2" in reader.page.url
    reader.page.go_back()
    reader.wait()
    assert "Without Centre it was" in reader.main()
    assert reader.chosen("strategy") == "Max"
    switch(reader, "after", "First k dimensions")
    reader.choose("type-again", "binary")
    assert "After binary an embedding is in general no sum over its tokens any more" in reader.main()
    assert "Without Centre → First 128 dimensions → L2-normalise → binary it was" in reader.main()


def test_a_query_finds_its_sentence_and_a_pair_that_is_chosen_is_explained(server, reader):
    open_whole(reader, server + "/similarity?pair1=4")
    for typed, said in (
        ("a spaceship takes off", "Sentence 6 is nearest to your query"),
        ("x" * 1001, "The query has 1,001 characters"),
        ("<img src=x onerror=\"document.title='owned'\">", "nearest to your query"),
        ("", "nearest to sentence 1"),
    ):
        reader.page.fill(".st-key-query input", typed)
        reader.page.press(".st-key-query input", "Enter")
        reader.wait()
        assert said in reader.page.content(), typed[:20]
        reader.assert_well()
    assert "owned" not in reader.page.title()
    reader.page.locator(".st-key-pair2").scroll_into_view_if_needed()  # a menu closes when its page scrolls
    reader.wait()
    reader.choose("pair2", "5 · A small cat is sleeping on the laptop.")
    assert "The 10 × 11 entries add up to 0.587; the cosine of the two embeddings is 0.587." in reader.main()
    assert "Sentences 4 and 5 have 0.587: more alike than all of them." in reader.main()
    assert "pair1=4&pair2=5" in reader.page.url


def test_no_text_breaks_the_page(server, reader):
    open_whole(reader, server + "/similarity")
    many = [f"Sentence number {i}." for i in range(32 - len(HOSTILE))]
    for texts in (["One."], ["Twice.", "Twice."], HOSTILE + many):
        reader.type("\n".join(texts))
        assert "5 · How much is that?" in reader.main()
        reader.assert_well()
    assert "owned" not in reader.page.title()
    assert reader.page.locator("[data-testid=stMain] img[src=x]").count() == 0


def test_an_address_with_unknown_values_falls_back(server, reader):
    open_whole(reader, server + "/similarity?metric=../etc&normalise=1&centre=%3Cb%3E&pair1=99&pair2=-1&query=%20")
    assert "Sentences 1 and 2 are nearest (cosine 0.757)" in reader.page.content()
    assert "metric" not in reader.page.url
    assert "pair" not in reader.page.url
