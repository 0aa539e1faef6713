"""The Playground's numbers, and the page at its choices."""

import math
import re

import pytest
import torch
from streamlit.testing.v1 import AppTest

from pages.ui.controls.sentences import read_sentences
from pooling import all_strategies, apply, get_strategy
from pooling.charts.chips import token_strip
from pooling.charts.playground import collapse_heatmap
from pooling.datasets import sample_sets
from pooling.tables import number, readable_token, token_table
from pooling.tables.playground import (
    chosen_dimensions,
    collapse_table,
    one_dimension_table,
    strategy_table,
    weighed_table,
    winner_table,
    worked_formula,
)
from tests.conftest import ROOT, set_layer, set_strategy
from tests.examples import ROWS, states


@pytest.fixture
def app():
    made = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    assert not made.exception
    return made


def figures(app):
    """The figures on the page, as the browser gets them."""
    return [figure.proto.spec for figure in app.get("plotly_chart")]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"), (1.0, "1.00"), (0.66604, "0.666"), (-0.0425, "−0.0425"), (12.345, "12.3"), (123.4, "123"),
        (99999.0, "99999"), (0.9996, "1.00"), (9.996, "10.0"), (999.7, "1000"), (1e-9, "0.000000"), (math.nan, "–"),
    ],
)  # fmt: skip
def test_numbers_have_three_significant_digits(value, shown):
    assert number(value) == shown


def test_a_sign_is_shown_where_it_matters():
    assert number(1.5, signed=True) == "+1.50"
    assert number(-1.5, signed=True) == "−1.50"


@pytest.mark.parametrize(
    ("token", "begins_words", "shown"),
    [
        ("cat", False, ("cat", False)),
        ("##ing", False, ("ing", True)),
        ("Ġword", True, ("word", False)),
        ("ing", True, ("ing", True)),
        ("▁the", True, ("the", False)),
        ("▁", True, ("␣", False)),
    ],
)
def test_tokens_are_shown_as_words_and_their_pieces(token, begins_words, shown):
    assert readable_token(token, begins_words) == shown


@pytest.mark.parametrize("strategy", all_strategies(), ids=lambda s: s.name)
def test_the_terms_shown_add_up_to_the_number_drawn(encoder, strategy):
    one = encoder.encode(["She plays the violin every evening."], attention=True)
    pooled = apply(strategy, one, model=encoder.name, layer=6)
    for dimension in (0, 99, 383):
        terms = one_dimension_table(one, pooled, dimension)
        drawn = float(collapse_table(one, pooled, [dimension]).iloc[-1, 0])
        assert terms["product"].sum() == pytest.approx(drawn, abs=1e-5)
        formula = worked_formula(strategy, terms, dimension, drawn)
        assert formula.count("{") == formula.count("}")
        assert number(drawn).replace("−", "-") in formula


def test_the_worked_formula_is_the_strategys_own():
    one = states(ROWS).one(0)
    shown = {}
    for name in ("cls", "mean", "max", "weighted_mean"):
        strategy = get_strategy(name)
        pooled = strategy(one)
        shown[name] = worked_formula(
            strategy, one_dimension_table(one, pooled, 1), 1, pooled.embedding[0, 1].item()
        ).replace(" ", "")
    assert shown["cls"] == r"\begin{aligned}e_{1}&=-4.00\end{aligned}"
    assert r"\frac{1}{3}\big(-4.00-2.00-6.00\big)\\&=-4.00" in shown["mean"]
    assert r"\max\big({-4.00},\;{-2.00},\;{-6.00}\big)\\&=-2.00" in shown["max"]
    assert r"-0.167\cdot4.00-0.333\cdot2.00" in shown["weighted_mean"]


def test_under_max_the_share_is_the_dimensions_won():
    one = states(ROWS).one(0)
    pooled = get_strategy("max")(one)
    table = token_table(one, pooled)
    assert table["won"].tolist() == [1, 2, 0]
    assert winner_table(pooled, [0, 1, 2])["position"].tolist() == [2, 2, 1]
    assert winner_table(get_strategy("mean")(one), [0]) is None


def test_the_table_has_each_tokens_weight_beside_its_numbers_over_the_embedding():
    one = states(ROWS).one(0)
    pooled = get_strategy("max")(one)
    table = weighed_table(token_table(one, pooled), collapse_table(one, pooled, [0, 2]))
    assert table["token"].tolist() == [*one.tokens[0], "embedding"]
    assert table["position"].tolist()[:-1] == [1, 2, 3]
    assert table["dimension 2"].tolist() == [*one.hidden[0, :, 2].tolist(), pooled.embedding[0, 2].item()]
    assert table["weight"].tolist()[:-1] == pooled.token_share[0].tolist()


def test_dimensions_are_a_window_the_most_varied_or_all():
    torch.manual_seed(0)
    hidden = torch.randn(1, 5, 100) * 0.01
    hidden[:, :, 40:72] *= 100
    one = states([hidden[0].tolist()])
    assert chosen_dimensions(one, "window", 10) == list(range(10, 42))
    assert chosen_dimensions(one, "window", 99) == list(range(68, 100))
    assert chosen_dimensions(one, "varied") == list(range(40, 72))
    assert chosen_dimensions(one, "all") == list(range(100))


def test_every_strategy_is_compared_or_its_absence_explained(encoder):
    one = encoder.encode(["One sentence."], layer=0)
    table, vectors = strategy_table(one, model=encoder.name, layer=0, own="mean")
    assert list(table["name"]) == [s.name for s in all_strategies()]
    missing = table[table["missing"].notna()]
    assert set(table["name"]) == set(vectors) | set(missing["name"])
    assert "cls_attention" in set(missing["name"])
    assert table.set_index("name").loc["mean", "cosine"] == pytest.approx(1)
    assert table.set_index("name").loc["mean_sqrt_len", "cosine"] == pytest.approx(1)


def test_tokens_are_escaped_in_chips_and_figures(encoder):
    one = encoder.encode(["<script>alert(1)</script> <b>x</b> &amp;"])
    pooled = get_strategy("max")(one)
    tokens = token_table(one, pooled)
    tokens.loc[1, "token"] = "<img src=x onerror=alert(1)>"
    html = token_strip(tokens, '"><script>')
    assert "<img" not in html
    assert "<script" not in html
    dims = [0, 1]
    figure = collapse_heatmap(
        collapse_table(one, pooled, dims), tokens, winner_table(pooled, dims), dimension=0, dark=False
    )
    assert "<img" not in figure.to_json().replace("\\u003c", "<")


def test_sample_sets_are_whole():
    sets = sample_sets()
    assert len(sets) >= 8
    assert len({s.name for s in sets}) == len(sets)
    for one in sets:
        assert 4 <= len(one.sentences) <= 10
        assert read_sentences("\n".join(one.sentences)) == (one.sentences, [])
        assert one.look_for.endswith(".")


def test_what_a_sample_set_shows_is_said_of_the_model_and_layer_on_which_it_was_tried():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    claim = sample_sets()[0].look_for
    for layer, wanted in (("6", claim), ("5", f"Seen at the last layer of all-MiniLM-L6-v2: {claim}"), ("6", claim)):
        set_layer(app, layer)
        app.run()
        assert [one.value for one in app.sidebar.caption if claim in one.value] == [wanted]
    app.text_area(key="text").set_value("My own.").run()
    assert claim not in " ".join(one.value for one in app.sidebar.caption)


def test_the_first_samples_claim_holds(encoder):
    """Mean puts the violin sentences closest; max is swayed by the shared words."""
    texts = sample_sets()[0].sentences[:3]
    one = encoder.encode(texts)
    for name, paraphrase_wins in (("mean", True), ("max", False)):
        vectors = torch.nn.functional.normalize(get_strategy(name)(one).embedding)
        assert (vectors[0] @ vectors[1] > vectors[0] @ vectors[2]) == paraphrase_wins


def test_sentences_are_read_a_line_each_and_limits_are_said():
    assert read_sentences("") == ((), [])
    assert read_sentences("  a \r\n\n b") == (("a", "b"), [])
    texts, problems = read_sentences("\n".join(["x" * 1001, "ok", "y" * 2000]))
    assert texts == ("ok",)
    assert "sentence 1, 3 has more than 1,000 characters" in problems[0]
    texts, problems = read_sentences("\n".join(f"s{i}" for i in range(40)))
    assert len(texts) == 32
    assert "first 32 of your 40" in problems[0]


def test_the_page_shows_its_question_the_living_picture_two_figures_and_the_card(app):
    assert app.title[0].value == "How does a matrix of token vectors become one embedding?"
    assert len(figures(app)) == 2
    assert [one.key for one in app.get("bidi_component") if one.key == "living"]
    assert "mean pooling" in " ".join(h.value for h in app.subheader).lower()


@pytest.mark.parametrize("layer", ["0", "1", "5", "6", "first-last"])
def test_every_strategy_and_layer_works_or_says_why(app, layer):
    set_layer(app, layer)
    for strategy in all_strategies():
        set_strategy(app, strategy.name)
        assert not app.exception
        said = " ".join(w.value for w in app.warning)
        assert len(figures(app)) == 2 or "choose" in said, (strategy.name, layer)


@pytest.mark.parametrize("show", ["window", "varied", "all"])
def test_every_choice_of_dimensions_works(app, show):
    app.segmented_control(key="show").set_value(show).run()
    if show == "window":
        app.slider(key="from").set_value(352).run()
    app.session_state["dimension"] = "383"
    app.run()
    assert not app.exception
    assert app.query_params["dimension"] == "383"


def test_switching_strategy_sentence_or_dimension_runs_no_forward_pass(app, monkeypatch):
    from pooling.encoders import Encoder

    def forward(*_, **__):
        raise AssertionError("a forward pass was run")

    monkeypatch.setattr(Encoder, "_forward", forward)
    set_strategy(app, "max")
    app.selectbox(key="sentence").set_value("2").run()
    app.segmented_control(key="show").set_value("all").run()
    app.session_state["dimension"] = "7"
    app.run()
    assert not app.exception
    app.text_area(key="text").set_value("A sentence nobody has typed before.").run()
    assert app.exception, "new text must run the transformer"


@pytest.mark.parametrize("name", [s.name for s in sample_sets()])
def test_every_sample_set_works(app, name):
    app.selectbox(key="set").set_value(name).run()
    assert not app.exception
    wanted = next(s for s in sample_sets() if s.name == name)
    assert app.text_area(key="text").value == "\n".join(wanted.sentences)


def test_a_shorter_text_keeps_the_page_alive(app):
    app.selectbox(key="sentence").set_value("6").run()
    app.text_area(key="text").set_value("Only one.").run()
    assert not app.exception
    assert app.selectbox(key="sentence").value == "1"


def test_a_page_file_started_on_its_own_says_how_to_start():
    alone = AppTest.from_file(str(ROOT / "pages" / "playground.py"), default_timeout=60).run()
    assert not alone.exception or "Start this app" in str(alone.error)
    assert isinstance(alone.error[0].value, str)
    assert "streamlit run app.py" in alone.error[0].value


def test_the_figure_shows_the_values_of_the_table(encoder):
    one = encoder.encode(["One sentence."])
    pooled = get_strategy("max")(one)
    dims = chosen_dimensions(one, "varied")
    matrix, winners = collapse_table(one, pooled, dims), winner_table(pooled, dims)
    figure = collapse_heatmap(matrix, token_table(one, pooled), winners, dimension=dims[3], dark=True)
    cells = figure.data[0]
    assert (cells.z[:-2] == matrix.iloc[:-1].to_numpy()).all()
    assert (cells.z[-1] == matrix.iloc[-1].to_numpy()).all()
    assert cells.zmin == -cells.zmax
    corners = re.findall(r"M([-\d.]+),([-\d.]+)", figure.layout.shapes[0].path)
    assert [cells.z[round(float(y))][round(float(x))] for x, y in corners] == matrix.iloc[-1].tolist()
