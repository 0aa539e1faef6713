"""What is drawn can be pressed, by a mouse and by a finger, and Back undoes it."""

import pytest

RINGS = """charts => charts.map(chart =>
  chart._fullData.filter(({marker}) => marker?.symbol === 'circle-open').flatMap(({customdata}) => [...customdata]))"""
SELECTED = """charts => charts.map(chart => chart._fullData.flatMap(
  ({selectedpoints, customdata}) => [...(selectedpoints ?? [])].map(place => customdata[place])))"""


def place_in(reader, key: str, across: float, down: float) -> tuple[float, float]:
    """A place in the area of a chart, in shares of its width and height, brought into sight."""
    area = reader.page.locator(f".st-key-press-{key} .nsewdrag").first
    area.wait_for(state="attached", timeout=90_000)
    reader.wait()
    area.evaluate("e => e.scrollIntoView({block: 'center'})")
    reader.page.wait_for_timeout(300)
    box = area.bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def press(reader, key: str, across: float, down: float) -> None:
    """Click where the pointer says that something can be pressed."""
    place = place_in(reader, key, across, down)
    reader.page.mouse.move(*place)
    reader.page.wait_for_selector(f".st-key-press-{key} .hovertext", state="attached")
    cursor = "e => getComputedStyle(e.querySelector('.nsewdrag')).cursor"
    assert reader.page.locator(f".st-key-press-{key}").evaluate(cursor) == "pointer"
    reader.page.mouse.click(*place)
    reader.page.wait_for_timeout(300)
    reader.wait()


def back(reader) -> str:
    """Go back, and where that is."""
    reader.page.go_back()
    reader.wait()
    return reader.page.url


def test_a_cell_opens_its_pair_a_small_matrix_chooses_its_strategy_and_back_undoes_both(server, reader):
    reader.open(server + "/similarity")
    press(reader, "similarity", 3.5 / 6, 4.5 / 6)  # the fifth row, the fourth column
    box = reader.page.locator(".st-key-pair1")
    assert box.locator("input").input_value() == "5 · A small cat is sleeping on the laptop."
    assert reader.page.locator(".st-key-pair2 input").input_value() == "4 · The kitten is asleep on my keyboard."
    assert 60 < box.bounding_box()["y"] < 900
    press(reader, "multiples", 0.5, 0.5)  # the first of them
    assert "strategy=cls" in reader.page.url
    assert reader.chosen("strategy") == "CLS"
    press(reader, "agreement", 0.5 / 10, 3.5 / 10)  # the fourth row
    assert reader.chosen("strategy") == "Max"
    assert "differ from those under Max" in reader.main()
    assert "strategy=cls" in back(reader)
    assert back(reader).endswith("/similarity?pair1=5&pair2=4")
    assert back(reader).endswith("/similarity")
    assert box.locator("input").input_value() == "1 · She plays the violin every evening."


def test_a_finger_opens_a_pair_too(server, phone):
    phone.open(server + "/similarity")
    numbers = phone.page.locator(".st-key-press-contributions .heatmap-label text")
    numbers.first.wait_for(state="attached", timeout=90_000)
    fonts = "texts => texts.map(e => [parseFloat(getComputedStyle(e).fontSize), e.getBoundingClientRect().width])"
    area = phone.page.locator(".st-key-press-contributions .nsewdrag").bounding_box()
    shown = numbers.evaluate_all(fonts)
    assert len(shown) == 8 * 9
    for size, width in shown:
        assert size >= 9, "large enough to read"
        assert 0 < width < area["width"] / 8, "and in its cell"
    phone.page.touchscreen.tap(*place_in(phone, "similarity", 0.5 / 6, 2.5 / 6))
    phone.page.wait_for_timeout(300)
    phone.wait()
    assert phone.page.url.endswith("/similarity?pair1=3")
    assert phone.page.locator(".st-key-pair2 input").input_value().startswith("1 · ")
    assert 60 < phone.page.locator(".st-key-pair1").bounding_box()["y"] < 844


def test_a_pair_of_tokens_lights_both_chips_by_mouse_and_by_keyboard(server, reader):
    reader.open(server + "/similarity")
    press(reader, "contributions", 2.5 / 8, 4.5 / 9)
    lit = reader.page.locator(".pp-lit .pp-chip")
    assert lit.all_inner_texts() == ["violin", "violinist"]
    reader.page.locator(".st-key-token1 input").focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        reader.page.keyboard.press(key)
    reader.wait()
    assert lit.count() == 2
    assert lit.all_inner_texts() != ["violin", "violinist"]
    reader.open(server + "/similarity?token1=2+she&token2=99+nothing")
    reader.page.locator(".pp-lit").first.wait_for()
    assert lit.all_inner_texts() == ["she"]
    assert "token2" not in reader.page.url


def test_a_row_and_a_bar_choose_their_strategy(server, reader):
    reader.open(server)
    press(reader, "vectors", 0.5, 3.5 / 10)
    assert reader.chosen("strategy") == "Max"
    press(reader, "cosines", 0.2, 6.5 / 10)
    assert reader.chosen("strategy") == "Weighted mean"
    assert back(reader).endswith("?strategy=max")


def test_a_cell_of_the_grid_goes_to_its_layer_and_strategy_and_a_dot_to_its_strategy(server, reader):
    reader.open(server + "/evaluation")
    press(reader, "grid", 2.5 / 10, 4.5 / 9)
    assert "strategy=own_tokens&layer=4" in reader.page.url
    assert "Verdict for all-MiniLM-L6-v2, layer 4." in reader.main()
    assert back(reader).endswith("/evaluation")
    dots = reader.page.locator(".st-key-press-leaderboard path.point")
    dot = dots.last  # the worst of all
    dot.evaluate("e => e.scrollIntoView({block: 'center'})")
    reader.page.wait_for_timeout(300)
    box = dot.bounding_box()
    reader.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    reader.page.wait_for_timeout(300)
    reader.wait()
    assert "What CLS gets wrong" in reader.main()


def test_a_worst_pair_opens_on_the_similarity_page_in_the_same_session_and_back_undoes_it(server, reader):
    reader.open(server + "/evaluation?layer=4")
    table = reader.page.locator("[data-testid=stDataFrame]:visible").first
    table.evaluate("e => e.scrollIntoView({block: 'center'})")
    reader.page.wait_for_timeout(500)
    box = table.bounding_box()
    reader.page.mouse.click(box["x"] + 15, box["y"] + 52)  # the first row
    reader.wait()
    pair = reader.page.locator(".st-key-worst input")
    chosen = pair.input_value()
    assert chosen.startswith("1 · ")
    pair.focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):  # by keyboard another
        reader.page.keyboard.press(key)
    reader.wait()
    assert pair.input_value() != chosen
    assert back(reader).count("worst=") == 1
    assert pair.input_value() == chosen
    evaluation = reader.page.url
    reader.page.locator(".st-key-explain a").click()
    reader.page.wait_for_function("document.title.startsWith('Similarity')")
    reader.wait()
    texts = reader.page.locator(".st-key-text textarea")
    assert " / ".join(texts.input_value().splitlines()) == chosen.removeprefix("1 · ")
    assert "layer=4" in reader.page.url
    assert 60 < reader.page.locator(".st-key-pair1").bounding_box()["y"] < 900
    assert len(reader.page.context.pages) == 1
    assert back(reader) == evaluation
    assert pair.input_value() == chosen


@pytest.mark.parametrize("which", ["large", "beside"])
def test_a_point_that_is_chosen_is_marked_on_every_map(server, reader, which):
    reader.open(server + "/projection")
    maps = {"large": "[class*='st-key-map-']", "beside": "[class*='st-key-press-beside-cls']"}
    point = reader.page.locator(f"{maps[which]} path.point").nth(40)
    point.wait_for(state="attached", timeout=90_000)
    reader.wait()
    point.evaluate("e => e.scrollIntoView({block: 'center'})")
    reader.page.wait_for_timeout(500)
    box = point.bounding_box()
    reader.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    reader.page.wait_for_timeout(300)
    reader.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    reader.page.wait_for_selector("text=Its nearest neighbours in the full space")
    reader.wait()
    assert "map-chosen" in reader.page.url
    chosen = int(reader.page.url.rpartition("map-chosen-")[2].partition("=")[2])
    kinds = ("press-beside-", "morph-", "map-")
    beside, moving, large = (reader.page.locator(f"[class*='st-key-{kind}'] .js-plotly-plot") for kind in kinds)
    assert beside.evaluate_all(RINGS) == [[chosen]] * 3
    assert moving.evaluate_all(RINGS) == [[chosen]]
    # Where it was pressed in the large map itself, that fades all others.
    assert large.evaluate_all(SELECTED if which == "large" else RINGS) == [[chosen]]
    back(reader)
    assert beside.evaluate_all(RINGS) == [[]] * 3
    assert large.evaluate_all(RINGS) == large.evaluate_all(SELECTED) == [[]]
    reader.page.go_forward()
    reader.wait()
    assert beside.evaluate_all(RINGS) == [[chosen]] * 3
    assert large.evaluate_all(RINGS) == [[chosen]]
