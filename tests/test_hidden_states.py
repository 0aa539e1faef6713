"""Hidden States: every layer of a text, and what is read from it."""

import math

import pandas as pd
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch.testing import assert_close

from pooling.charts.hidden_states import cosine_heatmap, drifting_tokens, norm_bars
from pooling.charts.playground import vectors_heatmap
from pooling.datasets import own_topics, sample_sets
from pooling.layers import Background, background, cosines_to_layer_before, hogs, planes, token_cosines
from pooling.notices.hidden_states import about_cosines, about_drift, about_norms, about_reading, readout
from pooling.tables.hidden_states import (
    change_table,
    cosine_table,
    drift,
    furthest_other,
    furthest_word,
    matrix_table,
    norm_table,
    plane_table,
    reading_table,
    shared_words,
    word_names,
)
from pooling.types import TokenStates

MEANINGS = next(s.sentences for s in sample_sets() if s.name == "two_meanings")


def said(tokens: str, vectors=None, special=()) -> TokenStates:
    """One text of the tokens given, each its own direction unless vectors are given."""
    names = tuple(tokens.split())
    hidden = torch.eye(len(names)) if vectors is None else torch.as_tensor(vectors, dtype=torch.float32)
    marked = torch.tensor([[i in special for i in range(len(names))]])
    return TokenStates(hidden[None], torch.ones_like(marked), marked, (names,))


def distances(points: torch.Tensor) -> torch.Tensor:
    return torch.cdist(points.double(), points.double())


# every layer from one forward pass


def test_all_layers_at_once_are_the_layers_one_by_one(encoder):
    texts = ["A spring in the mattress is broken.", "Tulips!"]
    passes = []
    hook = encoder.model.register_forward_hook(lambda *_: passes.append(1))
    layers = encoder.encode_layers(texts)
    hook.remove()
    assert len(passes) == 1
    assert len(layers) == encoder.layers + 1
    for layer, states in enumerate(layers):
        alone = encoder.encode(texts, layer=layer)
        assert_close(states.hidden[states.mask], alone.hidden[alone.mask])
        assert states.hidden.dtype == torch.float32
        assert (states.tokens, states.ids, states.lost) == (alone.tokens, alone.ids, alone.lost)
        assert torch.equal(states.special, alone.special)


def test_a_blank_text_is_refused_by_its_position(encoder):
    with pytest.raises(ValueError, match="Text 2 of 2 is empty"):
        encoder.encode_layers(["One.", " "])


# what one layer says


def test_a_token_hogs_the_norm_from_three_times_the_median_on():
    assert hogs(said("a b c d e", [[1, 0], [0, 1], [1, 0], [3, 0], [0, 3.1]])).tolist() == [False] * 4 + [True]


def test_the_cosine_of_every_two_tokens():
    expected = torch.tensor([[1, 0.6, -1], [0.6, 1, -0.6], [-1, -0.6, 1]])
    assert_close(token_cosines(said("a b c", [[2, 0], [3, 4], [-1, 0]])), expected)


def test_a_token_that_a_layer_leaves_alone_has_cosine_one_to_itself():
    layers = [said("a b", v) for v in ([[1, 0], [0, 1]], [[5, 0], [3, 4]], [[0, 2], [6, 8]])]
    assert_close(cosines_to_layer_before(layers), torch.tensor([[1.0, 0.0], [0.8, 1.0]]))
    assert change_table(layers).columns.tolist() == [1, 2]


def test_a_token_that_hogs_the_norm_is_named_and_explained():
    table = norm_table(said("<s> b c", [[30, 0], [0, 1], [1, 0]], special=[0]))
    assert table["hog"].tolist() == [True, False, False]
    assert table["times_median"].tolist() == [30, 1, 1]
    notice = about_norms(table, 4)
    assert "'<s>' (token 1) hogs the norm: 30.0, 30.0 times the median" in notice
    even = about_norms(norm_table(said("a b", [[1, 0], [0, 2]])), 4)
    assert even.startswith("No token hogs the norm at layer 4: 'b' (token 2) is the longest, 2.00")


def test_the_most_and_the_least_alike_tokens_are_named():
    states = said("x y z", [[1, 0], [1, 0.1], [-1, 0]])
    notice = about_cosines(cosine_table(states), norm_table(states), 3)
    assert "'x' and 'y' point most nearly the same way, cosine 0.995" in notice
    assert "'x' and 'z' least, −1.00. The average of all 3 pairs is −0.333." in notice
    alone = said("x")
    assert "nothing to compare" in about_cosines(cosine_table(alone), norm_table(alone), 0)


# words in two texts


def test_words_are_matched_whole_in_any_case_and_one_occurrence_after_the_other():
    first = said("[CLS] The tu ##lip , the end . [SEP]", special=[0, 8])
    second = said("[CLS] the tu ##lip ##s the tu ##lip . [SEP]", special=[0, 9])
    words = shared_words(first, second)
    assert words.to_dict("records") == [
        {"word": "the", "number": 1, "first": (2,), "second": (2,)},
        {"word": "the", "number": 2, "first": (6,), "second": (6,)},
        {"word": "tulip", "number": 1, "first": (3, 4), "second": (7, 8)},
    ]
    assert word_names(words) == ["the", "the (2)", "tulip"]


def test_a_full_stop_is_no_part_of_the_word_before_it():
    words = shared_words(said("Tu lips Ġopen Ġin Ġspring ."), said("A Ġspring Ġopen s"))
    assert words["word"].tolist() == ["spring"]
    assert (words["first"][0], words["second"][0]) == ((5,), (2,))


def test_the_vectors_of_a_words_pieces_are_averaged():
    first, second = said("tu ##lip", [[2, 0], [0, 2]]), said("tu ##lip", [[3, 0], [3, 0]])
    words = shared_words(first, second)
    assert drift([first], [second], words, 0) == pytest.approx([math.sqrt(0.5)])


def test_the_other_text_is_the_one_that_uses_a_shared_word_most_differently():
    text = said("the spring", [[1, 0], [0, 1]])
    alike = said("a spring", [[1, 0], [0, 1]])
    unlike = said("one spring", [[1, 0], [1, 1]])
    only_the = said("the end", [[-1, 0], [0, 1]])
    assert furthest_other([text, alike, unlike, only_the], 0) == 2
    assert furthest_other([text, alike, only_the], 0) == 1
    assert furthest_other([text, only_the], 0) == 1
    assert furthest_other([said("x"), said("y"), said("z")], 1) == 2
    assert furthest_other([said("x"), said("y"), said("z")], 2) == 0


def test_spring_in_a_mattress_and_spring_in_the_year_drift_apart(encoder):
    layers = [encoder.encode_layers([text]) for text in MEANINGS]
    last = [states[-1] for states in layers]
    assert furthest_other(last, 0) == 2
    apart = {}
    for other in (1, 2, 3):
        words = shared_words(last[0], last[other])
        apart[other] = drift(layers[0], layers[other], words, words["word"].tolist().index("spring"))
    assert apart[2] == pytest.approx([0.963, 0.886, 0.870, 0.851, 0.860, 0.849, 0.691], abs=0.001)
    assert apart[1][-1] > max(apart[2][-1], apart[3][-1])
    assert "0.963 at layer 0, 0.691 at layer 6" in about_drift("spring", apart[2], 0.5, 6)
    assert readout("spring", apart[2], 6)[6] == "layer 6: spring and spring, cosine 0.691"


# the plane


def test_a_layer_that_only_turns_space_moves_no_token_in_the_plane():
    torch.manual_seed(0)
    start, turn = torch.randn(9, 5), torch.linalg.qr(torch.randn(5, 5))[0]
    layers = [start, start @ turn, start @ turn @ turn]
    found = planes([said("a b c d", v[:4]) for v in layers], [said("e f g h i", v[4:]) for v in layers])
    assert_close(found.points[1], found.points[0], atol=1e-5, rtol=0)
    assert_close(found.points[2], found.points[0], atol=1e-5, rtol=0)
    assert_close(found.shown[0], found.shown[2])


def test_what_lies_in_a_plane_keeps_its_distances_there():
    vectors = [[1, 0, 0], [0, 2, 0], [3, 4, 0], [-5, 0, 0]]
    found = planes([said("a b", vectors[:2])], [said("c d", vectors[2:])])
    unit = torch.nn.functional.normalize(torch.tensor(vectors).double(), dim=1)
    assert_close(distances(found.points[0]), distances(unit), atol=1e-5, rtol=0)
    assert found.shown.item() == pytest.approx(1)


def test_special_tokens_and_hogs_have_no_say_in_the_plane():
    words = [[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0], [1, -1, 0, 0]]
    plain = planes([said("a b", words[:2])], [said("c d", words[2:])])
    loud = planes(
        [said("[CLS] a b", [[0, 0, 9, 0], *words[:2]], special=[0])],
        [said("c d hog", [*words[2:], [0, 0, 0, 99]])],
    )
    assert_close(distances(loud.points[0][[1, 2, 3, 4]]), distances(plain.points[0]), atol=1e-5, rtol=0)
    assert loud.shown.item() == pytest.approx(1)


@pytest.mark.parametrize("special", [(), (0,)])
def test_two_texts_of_one_token_have_a_plane(special):
    found = planes([said("a", [[1, 0]], special)], [said("b", [[0, 1]], special)])
    assert distances(found.points[0])[0, 1].item() == pytest.approx(math.sqrt(2))
    same = planes([said("a", [[1.0]], special)], [said("a", [[1.0]], special)])
    assert same.points.abs().max() == 0
    assert same.shown.isnan().all()
    assert "variance" not in about_drift("a", [1.0, 1.0], same.shown.item(), 0)


def test_every_frame_of_the_plane_has_the_same_marks_so_that_they_can_move():
    first = [said("[CLS] <b>x</b> $y$", torch.randn(3, 4), special=[0]) for _ in range(3)]
    second = [said("[CLS] <b>x</b>", torch.randn(2, 4), special=[0]) for _ in range(3)]
    words = shared_words(first[0], second[0])
    table = plane_table(planes(first, second), first[0], second[0], words)
    assert len(table) == 3 * 5
    made = drifting_tokens(table, words, layer=1, word=0, said=readout("<b>x</b>", [1.0, 0.5, 0.0], 2), dark=False)
    assert [frame.name for frame in made.frames] == ["0", "1", "2"]
    assert {tuple(len(trace.x) for trace in frame.data) for frame in made.frames} == {(0, 3, 3, 2, 1)}
    assert made.data == made.frames[1].data
    assert made.frames[1].data[4].text == ("layer 1: &lt;b&gt;x&lt;/b&gt; and &lt;b&gt;x&lt;/b&gt;, cosine 0.500",)
    assert "<b>x</b>" not in "".join(made.data[2].customdata)
    assert made.data[2].text[1] == "<b>&lt;b&gt;x&lt;/b&gt;</b>"


def test_pictures_escape_tokens():
    states = said("<s> <b>x</b>", special=[0])
    tokens, cosines = norm_table(states), cosine_table(states)
    for made in (
        norm_bars(tokens, dark=True),
        cosine_heatmap(cosines, tokens, dark=True),
        vectors_heatmap(matrix_table(states, [0, 1]).set_axis(["1 &lt;s&gt;", "2 x"]), 1.0, dark=True, row=26),
    ):
        assert "<s>" not in "".join(map(str, made.layout.yaxis.ticktext or made.layout.yaxis.tickvals))
    assert cosine_heatmap(cosines, tokens, dark=False).data[0].zmin == -1


# what a cosine is read against


def test_a_share_of_random_pairs_is_read_from_the_quantiles():
    known = Background(torch.tensor([0.5]), torch.linspace(0, 1, 1001)[None], pairs=10, texts=2)
    assert known.share_above(0, 0.8) == pytest.approx(0.2, abs=0.0011)
    assert known.share_above(0, 1.5) == 0
    assert known.share_above(0, -1.0) == 1


def test_random_pairs_are_tokens_of_different_texts(encoder):
    found = background(encoder, ["Tulips open.", "Bread!"])
    first, second = (encoder.encode_layers([text])[3] for text in ("Tulips open.", "Bread!"))
    cosines = [
        torch.cosine_similarity(a, b, dim=0).item()
        for a in first.hidden[0][~first.special[0]]
        for b in second.hidden[0][~second.special[0]]
    ]
    assert found.pairs == len(cosines) == 5 * 2
    assert found.mean[3].item() == pytest.approx(sum(cosines) / 10, abs=1e-5)
    assert found.quantiles[3, 0].item() == pytest.approx(min(cosines), abs=1e-5)
    assert found.quantiles[3, -1].item() == pytest.approx(max(cosines), abs=1e-5)


def test_token_pairs_of_the_apps_own_texts_have_the_cosines_that_the_page_names(encoder):
    found = background(encoder, own_topics()[0])
    # every pair of the whole corpus gives these to 0.01: the sample stands for it
    assert found.mean.tolist() == pytest.approx([0.066, 0.151, 0.181, 0.193, 0.213, 0.233, 0.039], abs=0.01)
    layers = encoder.encode_layers([MEANINGS[0]])
    table = reading_table(found, layers, [0.9] * 7)
    assert (table["low"] < table["mean"]).all()
    assert (table["mean"] < table["high"]).all()
    inside = cosine_table(layers[6]).iloc[1:-1, 1:-1].to_numpy()
    assert table["sentence"][6] == pytest.approx((inside.sum() - len(inside)) / (len(inside) * (len(inside) - 1)))
    assert "by fewer than 0.1% of them, that of your two 'spring', 0.900" in about_reading(table, found, 6, "spring")


def test_one_token_has_no_pair_to_average(encoder):
    found = background(encoder, ["Tulips open.", "Bread!"])
    table = reading_table(found, [said("[CLS] x", special=[0])] * 7, None)
    assert table["sentence"].isna().all()
    assert "nan" not in about_reading(table, found, 2, None)


# the page


@pytest.fixture(scope="module")
def page() -> AppTest:
    opened = AppTest.from_file("../app.py", default_timeout=120).run()
    return opened.switch_page("pages/hidden_states.py").run()


def show(page: AppTest, text: str, **choices: str) -> str:
    """Everything the page says in words after a change."""
    page.text_area(key="text").set_value(text)
    for key, value in choices.items():
        page.select_slider(key=key).set_value(value)
    page.run()
    assert not page.exception
    return " ".join(element.proto.body for element in page.get("html"))


def test_the_page_and_the_sidebar_hold_one_layer(page):
    text = "\n".join(MEANINGS)
    assert "taken in what it attends to" not in show(page, text, hidden_layer="2"), "that is nothing to notice"
    assert "at layer 2" in page.header[0].value
    assert page.select_slider(key="layer").value == "2"
    assert "Layer 0 knows each token by itself" in show(page, text, layer="0")
    assert page.select_slider(key="hidden_layer").value == "0"
    page.segmented_control(key="layers").set_value("average")
    show(page, text)
    assert "at layer 6" in page.header[0].value
    assert any("averages two layers" in c.value for c in page.caption)
    show(page, text, hidden_layer="5")
    assert "at layer 5" in page.header[0].value
    assert page.select_slider(key="layer").value == "5"


@pytest.mark.parametrize(
    "text",
    [
        "Alone.",
        "x",
        "Same here.\nSame here.",
        "🎻🎻\n<b>x</b> $y$\n<script>1</script>",
        "\u200b\n\u200b",
        "\n".join(f"Sentence number {i}." for i in range(32)),
        "no words shared\n!!!",
        "مرحبا\nمرحبا بالعالم",
        "word " * 199 + "\n" + "word " * 199,
    ],
)
def test_the_page_shows_any_sentences(page, text):
    many = "\n" in text
    shown = show(page, text, layer="3")
    assert len(page.get("plotly_chart")) == 5 + many
    assert ("Cosine of" in shown or "share no word" in shown) is many


def test_one_word_with_two_meanings_is_one_click_away(page):
    show(page, "Alone.", layer="6")
    next(b for b in page.button if b.label == "Try one word with two meanings").click().run()
    assert not page.exception
    assert page.selectbox(key="hidden_word").value == "spring"
    shown = " ".join(element.proto.body for element in page.get("html"))
    assert "0.963 at layer 0, 0.691 at layer 6" in shown


def test_a_word_that_is_not_shared_any_more_is_not_followed(page):
    show(page, "A broken spring.\nThe spring has broken.")
    page.selectbox(key="hidden_word").select("broken").run()
    assert "Cosine of &#x27;broken&#x27;" in show(page, "A broken spring.\nThe spring has broken.")
    assert "Cosine of &#x27;spring&#x27;" in show(page, "A dry spring.\nThe spring is dry")
    assert page.selectbox(key="hidden_other").options == ["2 · The spring is dry"]


def test_tables_hold_the_numbers_of_the_pictures(encoder):
    states = encoder.encode_layers(["Tulips open."])[4]
    table = matrix_table(states, [5, 7])
    assert isinstance(table, pd.DataFrame)
    assert table.columns.tolist() == [5, 7]
    assert table.index.tolist() == list(range(1, states.hidden.shape[1] + 1))
    assert table.loc[3, 7] == states.hidden[0, 2, 7].item()
    assert furthest_word(states, states, shared_words(states, states)) in (0, 1)
