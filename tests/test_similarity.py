"""Who is near whom, why, and what the page says about it."""

import dataclasses
import itertools
import math

import pytest
import torch
from streamlit.testing.v1 import AppTest

from pooling import all_strategies, apply, get_strategy
from pooling.after import Step, fit_steps, get_step, values_after
from pooling.charts import similarity as charts
from pooling.datasets import own_topics
from pooling.notices import similarity as notices
from pooling.similarity import (
    METRICS,
    Comparison,
    Measure,
    compare,
    contributions,
    embed_all,
    flips,
    nearest_others,
    pool_all,
    share_less_alike,
    split,
    swapped,
    token_parts,
    unrelated,
)
from pooling.tables import similarity as tables
from pooling.types import NotComputable, TokenStates
from tests.conftest import ROOT

TEXTS = ("She plays the violin every evening.", "A violinist performs each night.", "🎻🎻 <b>x</b> 猫!")
SHORT_AND_LONG = torch.tensor([[1.0, 0.0], [3.0, 4.0], [2.0, 0.0], [0.0, 1.0]])


def centre_by(*mean: float) -> Step:
    return dataclasses.replace(get_step("centre"), fitted={"mean": torch.tensor(mean)})


def compared_by(measure: Measure, *steps: Step) -> Comparison:
    """SHORT_AND_LONG as texts of one token each."""
    every = torch.ones(4, 1, dtype=torch.bool)
    states = TokenStates(SHORT_AND_LONG[:, None], every, ~every, (("a",), ("b",), ("c",), ("d",)))
    return Comparison(states, {"mean": get_strategy("mean")(states)}, {"mean": steps}, measure)


def test_texts_are_compared_by_hand():
    compared = compared_by(Measure("dot"))
    assert compared.scores("mean")[0].tolist() == [1, 3, 2, 0]
    assert compared.asked("mean", torch.tensor([[0.0, 2.0]])).tolist() == [[0, 8, 0, 2]]
    moved = compared_by(Measure("dot"), centre_by(1.0, 0.0))
    assert moved.scores("mean")[1].tolist() == [0, 20, 2, 2]  # (2, 4) with (0, 0), (2, 4), (1, 0), (-1, 1)
    assert moved.asked("mean", torch.tensor([[2.0, 2.0]])).tolist() == [[0, 10, 1, 1]]  # (1, 2) with the same
    first = compared_by(Measure("dot"), centre_by(1.0, 0.0), get_step("first:1"))
    assert first.scores("mean")[1].tolist() == [0, 4, 2, -2]
    assert first.split("mean", 1, 2).parts.tolist() == [[2]]
    stored = compared_by(Measure("dot"), get_step("binary"))  # bits 10, 11, 10, 01, and six of padding
    assert stored.scores("mean")[0].tolist() == [8, 6, 8, 4]
    with pytest.raises(NotComputable, match="After binary an embedding is in general no sum over its tokens"):
        stored.split("mean", 0, 1)


@pytest.mark.parametrize(
    ("measure", "what", "score"),
    [
        (Measure("dot"), "dot product", 3),
        (Measure("dot", normalise=True), "cosine", 0.6),
        (Measure("cosine"), "cosine", 0.6),
        (Measure("euclidean"), "cosine", 0.6),
    ],
)
def test_a_score_is_split_as_a_dot_product_or_else_as_a_cosine(measure, what, score):
    split = compared_by(measure).split("mean", 0, 1)
    assert split.what == what
    assert split.score == pytest.approx(score)
    assert split.parts.tolist() == [[pytest.approx(score)]]
    assert split.special == 0


def test_unrelated_texts_are_those_of_other_labels_with_and_without_the_steps():
    corpus, labels = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]]), ("x", "x", "y")
    plain, before = compared_by(Measure("dot")).unrelated("mean", corpus, labels)
    assert (plain.tolist(), before) == ([0, 0], None)
    moved, before = compared_by(Measure("dot"), centre_by(1.0, 1.0)).unrelated("mean", corpus, labels)
    assert (moved.tolist(), before.tolist()) == ([-3, -2], [0, 0])  # (1, -1) and (0, -1) with (-1, 2)


@pytest.fixture(scope="module")
def states(encoder):
    return encoder.encode(TEXTS, layer=6, attention=True)


@pytest.fixture
def loud():
    """Two texts by hand; the second has one token, and its padding is loud."""
    hidden = torch.tensor([[[1.0, -2.0], [3.0, -4.0]], [[2.0, -1.0], [99.0, 99.0]]])
    mask = torch.tensor([[True, True], [True, False]])
    return TokenStates(hidden, mask, torch.zeros_like(mask), (("a", "b"), ("c", "[PAD]")))


def test_the_three_metrics_by_hand():
    a, b = torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 2.0]])
    assert compare(a, b, Measure("dot")).item() == 8
    assert compare(a, b, Measure("cosine")).item() == pytest.approx(0.8)
    assert compare(a, b, Measure("euclidean")).item() == pytest.approx(math.sqrt(13))
    assert compare(a, b, Measure("dot", normalise=True)).item() == pytest.approx(0.8)
    assert compare(a, b, Measure("euclidean", normalise=True)).item() == pytest.approx(math.sqrt(2 - 1.6))


def test_a_vector_of_length_zero_has_no_cosine_and_no_neighbour():
    vectors = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    scores = compare(vectors, vectors, Measure("cosine"))
    assert scores[0].isnan().all()
    assert scores[1:, 1:].isfinite().all()
    assert nearest_others(scores) == [None, 2, 1]


def test_lengths_flip_the_order_of_dot_product_but_not_of_cosine():
    cosine, dot = (compare(SHORT_AND_LONG, SHORT_AND_LONG, Measure(m)) for m in ("cosine", "dot"))
    # Seen from (1, 0): (2, 0) has cosine 1, (3, 4) has 0.6; the dot products are 2 and 3.
    assert nearest_others(cosine)[0] == 2
    assert nearest_others(dot)[0] == 1
    assert swapped(cosine, dot)[0, 2, 1]
    assert not swapped(cosine, dot)[0, 1, 2]
    assert (0, 2, 1) in flips(cosine, dot)
    table = tables.order_table(SHORT_AND_LONG, normalise=False)
    assert table.loc[0, ["cosine", "dot", "euclidean", "dot swaps"]].tolist() == [3, 2, 3, 1]
    # Seen from (2, 0) the dot products are 2 and 6: the clearer example.
    assert tables.clearest_swap(SHORT_AND_LONG, "dot") == (3, 1, 2)
    said = notices.about_orders(table, False, {"dot": (3, 1, 2), "euclidean": None})
    assert "seen from sentence 3, 1 is nearer than 2 by cosine, but 2 is nearer than 1 by dot product" in said
    assert "Vector 2 has length 5.00; vector 1 has length 1.00." in said


def test_normalised_vectors_have_one_order_under_every_metric(encoder):
    made = embed_all(encoder, TEXTS + own_topics()[0][:9], 6)["max"]
    table = tables.order_table(made, normalise=True)
    assert table["dot swaps"].sum() == table["euclidean swaps"].sum() == 0
    assert tables.order_table(made, normalise=False)["dot swaps"].sum() > 0


def test_ties_within_rounding_do_not_flip():
    one = torch.tensor([[1.0, 0.5, 0.5], [0.5, 1.0, 0.2], [0.5, 0.2, 1.0]])
    other = one + torch.tensor([[0.0, 1e-7, 2e-7], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert nearest_others(one)[0] == 1
    assert nearest_others(other)[0] == 2
    assert flips(one, other) == []


def test_agreement_by_hand():
    one = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]])
    other = torch.tensor([[0.0, 2.0, 1.0], [2.0, 0.0, 3.0], [1.0, 3.0, 0.0]])
    near = {"one": one, "seven": one * 7, "minus": -one, "other": other, "same": torch.ones(3, 3)}
    table = tables.agreement_table(near)
    assert table.loc["one", "seven"] == pytest.approx(1)
    assert table.loc["one", "minus"] == pytest.approx(-1)
    assert table.loc["one", "other"] == pytest.approx(0.5)  # ranks 1 2 3 and 2 1 3: 1 - 6 * 2 / (3 * 8)
    assert table.loc["same"].isna().all()
    assert tables.agreement_table({"a": one * torch.nan, "b": one}).loc["a"].isna().all()
    assert tables.agreement_table({"a": one[:1, :1], "b": one[:1, :1]}).isna().all(axis=None)


def test_the_parts_of_a_dot_product_by_hand(loud):
    mean = get_strategy("mean")(loud)
    first, second = (token_parts(loud, mean, i) for i in (0, 1))
    assert first.tolist() == [[0.5, -1.0], [1.5, -2.0]]
    assert second.tolist() == [[2.0, -1.0]]
    assert contributions(first, second, cosine=False).tolist() == [[2.0], [5.0]]
    # Under max the second token wins the first dimension, the first token the second.
    top = get_strategy("max")(loud)
    assert token_parts(loud, top, 0).tolist() == [[0.0, -2.0], [3.0, 0.0]]
    assert contributions(token_parts(loud, top, 0), second, cosine=False).tolist() == [[2.0], [6.0]]


@pytest.mark.parametrize("strategy", all_strategies(), ids=lambda s: s.name)
@pytest.mark.parametrize("after", [(), ("centre",), ("first:8", "centre", "whiten", "first:5", "l2")], ids=str)
def test_the_parts_of_every_pair_add_up_to_its_score(encoder, states, strategy, after):
    pooled = apply(strategy, states, model=encoder.name, layer=6)
    corpus = embed_all(encoder, own_topics()[0][:40], 6)[strategy.name] if after else pooled.embedding
    steps = fit_steps(after, corpus)
    embeddings = values_after(pooled.embedding, steps)
    for i, j in itertools.combinations_with_replacement(range(len(TEXTS)), 2):
        one, other = (token_parts(states, pooled, k, steps) for k in (i, j))
        assert one.shape[0] == states.mask[i].sum()
        for name in ("cosine", "dot"):
            score = compare(embeddings[[i]], embeddings[[j]], Measure(name)).item()
            parts = contributions(one, other, cosine=name == "cosine")
            assert parts.sum().item() == pytest.approx(score, abs=1e-4)


def test_the_picture_of_a_pair_holds_the_parts_and_they_add_up(encoder, states):
    pooled = apply(get_strategy("mean"), states, model=encoder.name, layer=6)
    parts = contributions(*(token_parts(states, pooled, i) for i in (0, 1)), cosine=True)
    names = [tables.token_names(states, i) for i in (0, 1)]
    table = tables.contribution_table(parts, *names)
    drawn = charts.contribution_heatmap(table, what="cosine", dark=False).data[0].z
    score = torch.cosine_similarity(pooled.embedding[:1], pooled.embedding[1:2]).item()
    assert (drawn == table.to_numpy()).all()
    assert drawn.sum() == pytest.approx(score, abs=1e-4)
    top = tables.top_pairs(table)
    assert (top["first"][0], top["second"][0]) == ("5 violin", "3 violinist")
    assert top["part"][0] == parts.max().item()
    assert tables.top_pairs(table, 1000)["share"].sum() == pytest.approx(1)
    words = parts[1:-1, 1:-1].sum().item()
    whole = split((states, pooled, 0), (states, pooled, 1), Measure("cosine"), ())
    assert whole.score == pytest.approx(score)
    assert torch.equal(whole.parts, parts)
    assert whole.special == pytest.approx(score - words, abs=1e-4)
    assert f"{score:.3f}" in notices.about_contributions(table, 0.1, score, "cosine")


def test_a_prompt_that_is_only_read_has_no_row_in_the_picture_of_a_pair(encoder):
    read = encoder.encode(["No.", "Yes, she does."], layer=6, template="query: {}", pool_template=False)
    pooled = apply(get_strategy("mean"), read, model=encoder.name, layer=6)
    names = [tables.token_names(read, i) for i in (0, 1)]
    assert names[0] == ["1 [CLS]", "4 no", "5 .", "6 [SEP]"]
    parts = contributions(*(token_parts(read, pooled, i) for i in (0, 1)), cosine=True)
    assert tables.contribution_table(parts, *names).shape == (4, 7)


def test_centring_makes_the_anisotropy_of_the_input_embeddings_go(encoder):
    every, labels = own_topics()
    made = embed_all(encoder, every, 0)["mean"]
    cosine = Measure("cosine")
    before = unrelated(compare(made, made, cosine), labels)
    moved = values_after(made, fit_steps(["centre"], made))
    after = unrelated(compare(moved, moved, cosine), labels)
    assert before.mean() > 0.3
    assert abs(after.mean()) < 0.05


def test_unrelated_pairs_are_pairs_of_different_topics_counted_once():
    scores = torch.tensor([[9.0, 1.0, 4.0], [1.0, 9.0, 2.0], [4.0, 2.0, 9.0]])
    assert unrelated(scores, ["a", "a", "b"]).tolist() == [2.0, 4.0]
    assert len(own_topics()[0]) == 256
    assert len(set(own_topics()[1])) == 8
    assert all(text.strip() for text in own_topics()[0])


def test_the_share_of_unrelated_pairs_that_are_less_alike_by_hand():
    baseline = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    assert share_less_alike(0.35, baseline, Measure("cosine")) == 0.75
    assert share_less_alike(0.35, baseline, Measure("euclidean")) == 0.25
    assert share_less_alike(0.2, baseline, Measure("dot")) == 0.25  # its equal is not less alike
    assert share_less_alike(0.2, baseline, Measure("euclidean")) == 0.5


def test_the_bars_of_the_baseline_are_its_table_and_hold_every_pair():
    baseline = torch.linspace(-0.2, 0.6, 1000, dtype=torch.float64)
    matrix = tables.matrix_table(torch.tensor([[1.0, 0.7], [0.7, 1.0]], dtype=torch.float64))
    for measure in (Measure("cosine"), Measure("dot"), Measure("euclidean"), Measure("euclidean", True)):
        pairs = tables.pair_table(matrix, measure, baseline)
        table = tables.baseline_table(baseline, pairs, measure)
        assert table["share"].sum() == pytest.approx(1)
        figure = charts.baseline_bars(table, None, pairs, (2, 1), measure, strategy="mean", dark=False)
        assert list(figure.data[0].y) == table["share"].tolist()
        assert list(figure.data[1].x) == [0.7]
        assert figure.layout.annotations[0].text == "your 1 and 2: 0.700"


def test_every_strategy_is_pooled_or_says_why_not(encoder):
    for layer, lacking in (
        (6, set()),
        (0, {"cls_attention"}),
        (1, {"attention"}),
        ((1, 6), {"cls_attention", "attention"}),
    ):
        attention = layer in (1, 6)
        pooled, missing = pool_all(
            encoder.encode(TEXTS, layer=layer, attention=attention), model=encoder.name, layer=layer
        )
        assert set(pooled) | set(missing) == {s.name for s in all_strategies()}
        assert set(missing) == lacking
        assert set(embed_all(encoder, TEXTS, layer)) == set(pooled)


def test_the_pictures_hold_the_numbers_of_the_tables():
    scores = torch.tensor([[1.0, 0.25], [0.25, 1.0]], dtype=torch.float64)
    matrix, measure = tables.matrix_table(scores), Measure("cosine")
    figure = charts.similarity_heatmap(matrix, ["<b>x</b>", "y " * 200], measure, dark=True)
    assert figure.data[0].z.tolist() == scores.tolist()
    assert figure.data[0].text[0] == ["1.00", "0.25"]
    assert (figure.data[0].zmin, figure.data[0].zmax) == (-1, 1)
    assert "&lt;b&gt;x" in figure.layout.yaxis.ticktext[0]
    assert "<b>x" not in figure.data[0].customdata[0][0]
    multiples = charts.strategy_multiples({"Mean": matrix, "Max": matrix * 0.5}, (-1.0, 1.0), measure, dark=False)
    pairs = tables.strategy_pairs({"Mean": matrix, "Max": matrix * 0.5})
    for panel, label in zip(multiples.data, ("Mean", "Max"), strict=True):
        assert panel.coloraxis == "coloraxis"
        assert [panel.z[i - 1][j - 1] for i, j in zip(pairs["first"], pairs["second"], strict=True)] == list(
            pairs[label]
        )


def test_the_list_of_flips_names_both_neighbours():
    mean = torch.tensor([[1.0, 0.9, 0.1], [0.9, 1.0, 0.2], [0.1, 0.2, 1.0]])
    cls = torch.tensor([[1.0, 0.3, 0.8], [0.3, 1.0, 0.2], [0.8, 0.2, 1.0]])
    table = tables.flip_table({"Mean": mean, "CLS": cls}, "Mean", ["a", "b", "c"])
    assert table[["sentence", "strategy", "nearest", "own"]].to_numpy().tolist() == [[1, "CLS", 3, 2], [3, "CLS", 1, 2]]
    agree = tables.agreement_table({"Mean": mean, "CLS": cls})
    said = notices.about_strategies(agree, table, "Mean", 3)
    assert "Under CLS, sentence 1's nearest is 3; under Mean it is 2." in said


def test_neighbours_are_sorted_nearest_first_by_every_metric():
    row = torch.tensor([0.0, 3.0, 1.0], dtype=torch.float64)
    near = tables.neighbour_table(row, ["me", "b", "c"], Measure("dot"), itself=0)
    far = tables.neighbour_table(row, ["me", "b", "c"], Measure("euclidean"), itself=0)
    assert near["text"].tolist() == ["b", "c"]
    assert far["text"].tolist() == ["c", "b"]
    assert "Sentence 3 is nearest to your query (Euclidean distance 1.00)" in notices.about_neighbours(
        far, Measure("euclidean"), "your query"
    )


def page(**state) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90)
    for key, value in state.items():
        app.session_state[key] = value
    app.switch_page("pages/similarity.py").run()
    assert not app.exception, app.exception
    return app


def said(app: AppTest) -> str:
    alts = [one.proto.alt for one in (*app.get("plotly_chart"), *app.dataframe)]
    return " ".join([*alts, *(str(one.proto.body) for one in app.get("html"))]) + " ".join(
        one.value for kind in (app.warning, app.info, app.caption, app.markdown) for one in kind
    )


def test_no_text_leaves_a_sentence_compared_with_itself_unasked(few_texts):
    app = page(pair1="2", pair2="5")
    for text, pair in (("One.\nTwo.", "21"), ("Alone.", "11"), ("One.\nTwo.\nThree.", "12"), ("Alone.", "11")):
        app.text_area(key="text").set_value(text).run()
        assert app.selectbox(key="pair1").value + app.selectbox(key="pair2").value == pair
    app.text_area(key="text").set_value("One.\nTwo.").run()
    app.selectbox(key="pair2").set_value("1").run()
    app.text_area(key="text").set_value("One, and more.\nTwo.").run()
    assert not app.exception


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("after", [[], ["l2", "centre"]], ids=["plain", "normalised and centred"])
def test_the_page_at_every_measure(metric, after, few_texts):
    app = page(metric=metric, after=after)
    assert len(app.get("plotly_chart")) == 5
    assert "What to notice" in said(app)
    assert ("Without Centre it was" in said(app)) == bool(after)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"text": "Only one."}, "There is one sentence, and a neighbour takes two"),
        ({"text": "Twice.\nTwice."}, "The two sentences have cosine 1.00"),
        ({"text": "Twice.\nTwice.\nOnce more."}, "Sentences 1 and 2 are nearest (cosine 1.00)"),
        ({"layer": "0", "strategy": "cls"}, "every sentence gets the same vector"),
        ({"layer": "0", "strategy": "cls"}, "All vectors point the same way, so a cosine says nothing here."),
        ({"layer": "0", "strategy": "cls"}, "have 1.00: no more alike than any of them."),
        ({"layer": "0", "strategy": "cls", "after": ["centre"]}, "There is no baseline"),
        (
            {"layer": "0", "strategy": "cls", "after": ["centre"], "metric": "euclidean"},
            "every sentence gets the same vector",
        ),
        ({"after": ["whiten"]}, "Whiten is left out: Whitening 384 dimensions needs more than 384 embeddings"),
        ({"after": ["first"], "first": "32", "type": "int8"}, "After int8 an embedding is in general no sum over"),
        ({"after": ["first", "l2"], "type": "binary"}, "Without First 128 dimensions → L2-normalise → binary it was"),
        ({"layer": "first-last"}, "Not shown: CLS attention needs the attention of one transformer layer"),
        ({"layer": "3", "strategy": "attention"}, "No attention head was trained"),
        ({"query": "   "}, "The query is blank"),
        ({"query": "x" * 1001}, "The query has 1,001 characters; shorten it to 1,000"),
        ({"query": "=1+1 <b>music</b>"}, "is nearest to your query"),
        ({"query": "a <b>song</b>"}, "Nearest to your own words, “a &lt;b&gt;song&lt;/b&gt;”"),
        ({"text": "\n".join(f"Sentence {i} <s>." for i in range(32))}, "all 496 pairs"),
        ({"text": "a b " * 249 + "\nA short one."}, "Sentence 1 is longer than the model's limit of 256 tokens"),
        ({"pair1": "2", "pair2": "2"}, "add up to 1.00; the cosine of the two embeddings is 1.00"),
    ],
)
def test_the_page_at_its_edges(state, words, few_texts):
    assert words in said(page(**state))
