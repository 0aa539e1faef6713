"""Acts in a row: after each, all that a page says speaks of the same text."""

import re

import pytest

from pooling.datasets import sample_sets

TEXTS = (
    ("my dog barks", "the cat sleeps"),
    ("bread smells", "rain falls", "snow melts"),
    ("a king rules", "the queen waits"),
)
SAMPLES = sample_sets()[1:3]

BOXES = """[...document.querySelectorAll('[data-testid=stMain] [data-testid=stSelectbox] input')]
  .map(i => i.value).filter(v => /^[0-9]+ · /.test(v))"""

DRAWN = {
    "": ".living .tokens",
    "hidden_states": ".st-key-hidden-matrix .ytick",
    "attention": ".st-key-weights .xtick, .st-key-weights .ytick",
    "similarity": ".st-key-contributions .xtick, .st-key-contributions .ytick",
    "padding_lab": ".pp-strip",
}
"""Where a page draws the tokens of the sentences that its boxes name."""


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]{3,}", text.lower())


def assert_boxes_say_what_is_drawn(reader, page, texts):
    boxes = reader.page.evaluate(BOXES)
    assert boxes
    for box in boxes:
        number, _, text = box.partition(" · ")
        assert text == texts[int(number) - 1]
    drawn = "".join(reader.page.locator(DRAWN[page]).all_text_contents())
    said = re.sub(r"[^a-z]", "", drawn.lower())
    for box in boxes[1:] if page == "similarity" else boxes[:1]:
        for word in words(box):
            assert word in said, (box, drawn)


@pytest.mark.parametrize("page", DRAWN)
def test_every_box_names_what_is_drawn_after_each_of_four_texts_in_a_row(server, reader, page):
    reader.open(f"{server}/{page}")
    assert_boxes_say_what_is_drawn(reader, page, sample_sets()[0].sentences)
    for i, texts in enumerate(TEXTS):
        reader.type("\n".join(texts))
        assert_boxes_say_what_is_drawn(reader, page, texts)
        if i == 1 and page != "similarity":
            reader.choose("sentence", "2 · rain falls")
            assert_boxes_say_what_is_drawn(reader, page, texts)
        if i > 1 and page != "similarity":
            assert reader.page.evaluate(BOXES)[0] == f"2 · {texts[1]}"
    for sample in SAMPLES[:1]:
        reader.choose("set", sample.title)
        assert_boxes_say_what_is_drawn(reader, page, sample.sentences)


def test_the_list_of_samples_names_the_text_in_the_box_and_gives_an_own_text_back(server, reader):
    reader.open(f"{server}/?set=negation")
    named = reader.page.locator(".st-key-set input")
    text = reader.page.locator(".st-key-text textarea")
    assert named.input_value() == next(s.title for s in sample_sets() if s.name == "negation")
    for own in ("mine, at first", "mine, later"):
        reader.type(own)
        assert named.input_value() == "Your own sentences"
        assert "set=" not in reader.page.url
        reader.choose("set", SAMPLES[1].title)
        assert (named.input_value(), text.input_value()) == (SAMPLES[1].title, "\n".join(SAMPLES[1].sentences))
        assert f"set={SAMPLES[1].name}" in reader.page.url
        reader.choose("set", "Your own sentences")
        assert (named.input_value(), text.input_value()) == ("Your own sentences", own)


def test_every_word_names_the_same_strategy_and_layer_after_three_acts_and_each_step_back(server, reader):
    def seen() -> tuple[str, str]:
        reader.wait()
        said = reader.main()
        layer = re.search(r"Verdict for all-MiniLM-L6-v2, layer (\d)", said)[1]
        assert reader.page.inner_text(".st-key-layer [data-testid=stSliderThumbValue]").split()[0] == layer
        assert ("layer=" + layer in reader.page.url) is (layer != "6")
        strategy = reader.chosen("strategy")
        assert f"What {strategy} gets wrong" in said
        assert f"under {strategy} " in reader.page.inner_text(".st-key-noticed-grid")
        return strategy, layer

    reader.open(f"{server}/evaluation")
    steps = [seen()]
    reader.press("strategy", "Max")
    steps.append(seen())
    reader.page.locator(".st-key-layer input[type=range]").press("ArrowLeft")
    steps.append(seen())
    reader.press("strategy", "Last token")
    steps.append(seen())
    assert steps == [("Mean", "6"), ("Max", "6"), ("Max", "5"), ("Last token", "5")]
    for step in reversed(steps[:-1]):
        reader.page.go_back()
        assert seen() == step


def test_back_takes_the_last_choice_back_and_leaves_a_page_where_nothing_is_left_to_take_back(server, reader):
    def seen() -> tuple[str, ...]:
        reader.wait()
        boxes = [reader.page.locator(f".st-key-{key} input").input_value() for key in ("set", "sentence")]
        boxes.insert(0, reader.chosen("strategy"))
        assert f"{boxes[0]} pooling" in reader.main() or "/similarity" in reader.page.url
        assert_boxes_say_what_is_drawn(reader, "" if "similarity" not in reader.page.url else "similarity", texts())
        return *boxes, reader.page.url.removeprefix(server)

    def texts() -> list[str]:
        return reader.page.locator(".st-key-text textarea").input_value().splitlines()

    reader.open(server)
    steps = [seen()]
    for choose, key, option in (
        (reader.press, "strategy", "Max"),
        (reader.choose, "sentence", "3 · She plays football every evening."),
        (reader.press, "strategy", "CLS"),
    ):
        choose(key, option)
        steps.append(seen())
    reader.type("my dog barks\nthe cat sleeps")
    steps.append(seen())
    assert len(set(steps)) == 5
    for step in reversed(steps[:-1]):
        reader.page.go_back()
        assert seen() == step
    reader.page.go_forward()
    assert seen() == steps[1]

    reader.go("Similarity")
    reader.page.wait_for_selector("h1:has-text('Which sentences become neighbours')")
    assert seen()[0] == "Max"
    reader.press("strategy", "CLS")
    reader.page.go_back()
    assert seen()[0] == "Max"
    reader.page.go_back()
    reader.page.go_back()
    reader.page.wait_for_selector("h1:has-text('How does a matrix')")
    assert seen() == steps[1]
