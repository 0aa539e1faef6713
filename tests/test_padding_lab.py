"""The bug museum: each bug is wrong by what is shown, and the right one is right."""

import math

import pytest
import torch
from streamlit.testing.v1 import AppTest

from pooling import TokenStates, get_strategy
from pooling.bugs import BUGS, cosine_to_truth, float16_room, float16_sum
from pooling.catalogue import DEFAULT
from pooling.charts.padding_lab import padding_curves
from pooling.datasets import own_pairs
from pooling.encoders.loading import read_encoder
from pooling.notices.padding_lab import about_padding
from pooling.similarity import pool_all
from pooling.tables import number
from pooling.tables.padding_lab import cost_table, padded_states, padding_curve, why_harmless
from tests.conftest import ROOT
from tests.examples import states
from tests.tiny_models import SIZE, write

POSITIONS = SIZE["max_position_embeddings"]

# Two tokens and two of padding that stand at (9, 9); dimension 1 is negative throughout.
TWO = [[[1.0, -4.0], [3.0, -2.0]]]
WRONG = {
    "unmasked_mean": [(1 + 3 + 18) / 4, (-4 - 2 + 18) / 4],
    "max_over_zeros": [3.0, 0.0],
    "cls_at_index_zero": [9.0, 9.0],
    "last_by_count": [9.0, 9.0],
    # positions 3 and 4 of 7 instead of 1 and 2 of 3
    "positions_over_padding": [(3 * 1 + 4 * 3) / 7, (3 * -4 + 4 * -2) / 7],
    "normalised_before": [
        (1 / math.sqrt(17) + 3 / math.sqrt(13)) / 2,
        (-4 / math.sqrt(17) - 2 / math.sqrt(13)) / 2,
    ],
}
RIGHT = {
    "mean": [2.0, -3.0],
    "max": [3.0, -2.0],
    "cls": [1.0, -4.0],
    "last_token": [3.0, -2.0],
    "weighted_mean": [7 / 3, -8 / 3],
}


def padded(bug) -> TokenStates:
    return states(TWO, left=2 * (bug.side == "left"), right=2 * (bug.side == "right"), loud=9.0)


@pytest.mark.parametrize("bug", BUGS, ids=lambda b: b.name)
def test_each_bug_is_wrong_by_hand_and_its_strategy_right(bug):
    given = padded(bug)
    torch.testing.assert_close(bug.right(given)[0], torch.tensor(RIGHT[bug.strategy]))
    if bug.name in WRONG:
        torch.testing.assert_close(bug.pool(given)[0], torch.tensor(WRONG[bug.name]))
        assert not torch.allclose(bug.pool(given), bug.right(given))


def test_a_bug_that_does_no_harm_says_why():
    by_name = {bug.name: bug for bug in BUGS}
    for bug in BUGS:
        assert cosine_to_truth(bug, padded(bug)) > 0.9995 or why_harmless(bug, padded(bug)) == ""
    longest = states([*TWO, [[2.0, 5.0]]])  # the second is padded by one
    for name in ("unmasked_mean", "max_over_zeros"):
        assert why_harmless(by_name[name], longest, 0).endswith("no padding. Choose a shorter one to see the damage.")
    assert why_harmless(by_name["cls_at_index_zero"], states(TWO)).endswith(
        "Write sentences of different lengths to see the damage."
    )
    assert why_harmless(by_name["pooled_twice"], states(TWO)).startswith("This sentence is alone")
    assert why_harmless(by_name["max_over_zeros"], longest, 1).endswith("in 0 of 2 dimensions.")
    even = states([[[3.0, 4.0], [5.0, 0.0]]])
    assert why_harmless(by_name["normalised_before"], even).startswith(
        "The lengths of its token vectors lie between 5.00 and 5.00"
    )


@pytest.mark.parametrize("bug", [b for b in BUGS if b.name != "normalised_before"], ids=lambda b: b.name)
def test_without_padding_and_alone_no_bug_shows(bug):
    alone = states(TWO)
    torch.testing.assert_close(bug.pool(alone), bug.right(alone), rtol=1e-3, atol=1e-3)


def test_a_float16_sum_of_512_tokens_of_200_is_inf_and_the_right_mean_is_200():
    ones = torch.ones(1, 512, dtype=torch.bool)
    given = TokenStates(torch.full((1, 512, 2), 200.0), ones, ~ones, (("t",) * 512,))
    assert torch.isinf(float16_sum(given)).all()
    torch.testing.assert_close(get_strategy("mean")(given).embedding, torch.full((1, 2), 200.0))
    assert float16_room(given) == pytest.approx(65504 / (512 * 200))


def test_pooled_twice_gives_every_text_the_same_vector():
    bug = next(b for b in BUGS if b.name == "pooled_twice")
    two = states([[[1.0, 0.0]], [[0.0, 1.0]]])
    torch.testing.assert_close(bug.pool(two), torch.full((2, 2), 0.5))
    assert cosine_to_truth(bug, two, 0) == pytest.approx(math.sqrt(0.5))


def test_there_are_seven_bugs_or_more_and_links_are_addresses():
    assert len(BUGS) >= 7
    assert len({b.name for b in BUGS}) == len(BUGS)
    for bug in BUGS:
        assert bug.link == "" or bug.link.startswith("https://github.com/")
        assert bug.pool.__doc__


@pytest.mark.parametrize("side", ["left", "right"])
def test_with_both_masks_padding_moves_nothing(encoder, side):
    table = padding_curve(
        "She plays the violin.", encoder, layer=6, side=side, attend_padding=False, pool_padding=False, also=0
    )
    assert table["cosine"].min() > 0.99999
    assert table["padding"].unique().tolist() == [0, 1, 2, 4, 8, 16, 32, 64]


def test_an_amount_between_the_usual_ones_is_computed_quoted_and_marked(encoder):
    text = "She plays the violin."
    masks = {"attend_padding": True, "pool_padding": True}
    table = padding_curve(text, encoder, layer=6, side="right", **masks, also=5)
    assert table["padding"].unique().tolist() == [0, 1, 2, 4, 5, 8, 16, 32, 64]
    truth, wrong = (
        pool_all(padded_states(text, encoder, layer=6, padding=n, side="right", **masks), model=DEFAULT, layer=6)[0]
        for n in (0, 5)
    )
    at = table[table["padding"] == 5].set_index("name")["cosine"]
    for name, cosine in at.items():
        expected = torch.cosine_similarity(truth[name].embedding, wrong[name].embedding).item()
        assert cosine == pytest.approx(expected, abs=1e-5)
    assert f"falls to a cosine of {number(at.min())} to its truth" in about_padding(table, 5, attend=True, pooled=True)
    assert padding_curves(table, 5).layout.shapes[0].x0 == 4


@pytest.mark.parametrize("words", [3, 2 * POSITIONS], ids=["short", "too long"])
@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2"])
def test_padding_ends_where_the_models_positions_do(family, words, tmp_path):
    tiny, text = read_encoder(family, write(family, tmp_path)), "dog " * words
    length = tiny.encode([text]).hidden.shape[1]
    masks = {"layer": 2, "side": "right", "attend_padding": True, "pool_padding": True}
    assert len(padded_states(text, tiny, padding=POSITIONS, **masks).tokens[0]) == POSITIONS
    table = padding_curve(text, tiny, **masks, also=POSITIONS)
    assert table["padding"].max() == POSITIONS - length
    said = about_padding(table, POSITIONS, attend=True, pooled=True)
    assert said.startswith("Without padding" if length == POSITIONS else "Because")
    assert padding_curves(table, POSITIONS).layout.shapes[0].x0 == table["padding"].nunique() - 1


def test_each_mask_that_is_left_out_does_harm_of_its_own(encoder):
    worst = {}
    for attend, pool in ((True, False), (False, True)):
        table = padding_curve(
            "She plays the violin.", encoder, layer=6, side="right", attend_padding=attend, pool_padding=pool, also=0
        )
        worst[attend, pool] = table[table["name"] == "mean"]["cosine"].iloc[-1]
    assert worst[True, False] < 0.99
    assert worst[False, True] < 0.7
    attended = padded_states("Hello.", encoder, layer=6, padding=3, side="left", attend_padding=True, pool_padding=True)
    assert attended.tokens[0][:3] == ("[PAD]",) * 3
    assert attended.mask.all()


def test_the_cost_of_each_bug_is_measured_on_the_projects_pairs(encoder):
    table = cost_table(own_pairs("test"), encoder, layer=6).set_index("name")
    assert (table["right"] > 50).all()
    assert table.loc["unmasked_mean", "wrong"] < table.loc["unmasked_mean", "right"]
    assert table.loc["last_by_count", "wrong"] < table.loc["last_by_count", "right"] - 5
    assert table.loc["float16_sum", "wrong"] == pytest.approx(table.loc["float16_sum", "right"], abs=0.5)


@pytest.fixture
def app():
    made = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    made.switch_page("pages/padding_lab.py").run()
    assert not made.exception
    return made


def test_the_page_works_at_every_switch(app):
    assert app.title[0].value == "How does padding silently ruin an embedding?"
    for mask in ("attention_mask", "pooling_mask"):
        for value in ("on", "off"):
            for side in ("left", "right"):
                app.segmented_control(key=mask).set_value(value)
                app.segmented_control(key="side").set_value(side)
                app.select_slider(key="padding").set_value("4").run()
                assert not app.exception
    app.select_slider(key="padding").set_value("batch").run()
    app.pills(key="strategy").set_value("max").run()
    app.select_slider(key="layer").set_value("0").run()
    assert not app.exception
    assert len(app.expander) >= len(BUGS)


def test_costs_are_measured_when_asked_for(few_texts, app):
    before = len(app.get("plotly_chart"))
    app.button(key="padding-costs").click().run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == before + 1
