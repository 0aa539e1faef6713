"""The living picture: what is sent to the browser suffices, is small, and its tasks are possible."""

import json
import re

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch.nn.functional import cosine_similarity

from pages.ui.living import REACHED, _read_weights
from pooling import all_strategies, apply, get_strategy
from pooling.datasets import sample_sets
from pooling.living import Living, in_a_line, living
from pooling.own_weights import own_weights
from pooling.similarity import pool_all
from pooling.types import NotComputable, TokenStates
from tests.conftest import ROOT
from tests.examples import ROWS, states

TEXTS = ["She plays the violin every evening.", "A violinist performs each night.", "Bread."]


def array(made: Living, name: str, *shape: int) -> np.ndarray:
    """One of the arrays that a browser finds in the numbers."""
    begin = made.places[name]
    return made.numbers[begin : begin + int(np.prod(shape))].reshape(shape)


@pytest.fixture(scope="module")
def sent(encoder):
    """Three sentences as token states, the first of them for the browser, and how it was asked for."""
    given = encoder.encode(TEXTS, attention=True)
    asked = {"base": "weighted_mean", "dimensions": [3, 100, 383], "model": encoder.name, "layer": 6}
    return given, living(given, 0, all_strategies(), **asked), asked


@pytest.mark.parametrize("strategy", all_strategies(), ids=lambda s: s.name)
def test_the_browser_can_pool_under_every_strategy(sent, strategy):
    given, made, asked = sent
    pooled = apply(strategy, given.one(0), model=asked["model"], layer=6)
    length, dims = pooled.weights.shape[1], asked["dimensions"]
    hidden = array(made, "hidden", length, 3)
    share = array(made, f"share.{strategy.name}", length)
    weights = np.repeat(share[:, None], 3, axis=1)
    if strategy.kind == "winners":
        weights = (np.arange(length)[:, None] == array(made, f"weights.{strategy.name}", 3)).astype("float32")
    if strategy.kind == "dimensions":
        weights = array(made, f"weights.{strategy.name}", length, 3)
    assert (weights * hidden).sum(axis=0) == pytest.approx(pooled.embedding[0, dims].numpy(), abs=1e-5)
    assert share == pytest.approx(pooled.token_share[0].numpy(), abs=1e-6)


def test_own_weights_need_no_hidden_states_for_their_cosines(sent):
    """What the browser computes from Gram matrices is what pooling with these weights gives."""
    given, made, asked = sent
    one = given.one(0)
    length = one.hidden.shape[1]
    weights = np.linspace(0, 1, length).astype("float32") ** 2
    vector = own_weights(weights.tolist())(one).embedding
    upper = array(made, "gram", length * (length + 1) // 2)
    gram = np.zeros((length, length), "float32")
    gram[np.triu_indices(length)] = upper
    gram += np.triu(gram, 1).T
    size = np.sqrt(weights @ gram @ weights)
    assert size == pytest.approx(vector.norm().item(), rel=1e-5)
    pooled, _ = pool_all(given, model=asked["model"], layer=6)
    names = [one["name"] for one in made.said["strategies"]]
    alone, _ = pool_all(one, model=asked["model"], layer=6)
    products, lengths = (
        array(made, "tokens_strategies", length, len(names)),
        array(made, "lengths_strategies", len(names)),
    )
    for at, name in enumerate(names):
        assert weights @ products[:, at] / (size * lengths[at]) == pytest.approx(
            cosine_similarity(vector, alone[name].embedding).item(), abs=1e-5
        )
    products, lengths = array(made, "tokens_others", length, 2), array(made, "lengths_others", 2)
    for at, other in enumerate([1, 2]):
        assert weights @ products[:, at] / (size * lengths[at]) == pytest.approx(
            cosine_similarity(vector[0], pooled["weighted_mean"].embedding[other], dim=0).item(), abs=1e-5
        )


def test_the_cosines_of_the_strategies_are_those_of_their_vectors(sent):
    given, made, asked = sent
    alone, _ = pool_all(given.one(0), model=asked["model"], layer=6)
    everyone, _ = pool_all(given, model=asked["model"], layer=6)
    count = len(alone)
    between, others = array(made, "between", count, count), array(made, "others", count, 2)
    for i, (name, one) in enumerate(alone.items()):
        for j, other in enumerate(alone.values()):
            assert between[i, j] == pytest.approx(cosine_similarity(one.embedding, other.embedding).item(), abs=1e-5)
        for at, text in enumerate([1, 2]):
            wanted = cosine_similarity(one.embedding[0], everyone[name].embedding[text], dim=0).item()
            assert others[i, at] == pytest.approx(wanted, abs=1e-5)


def test_a_sentence_alone_and_one_with_a_prompt_are_sent_whole(encoder):
    given = encoder.encode(["Bread."], template="query: {} now", pool_template=False)
    made = living(given, 0, all_strategies(), base="mean", dimensions=[0], model=encoder.name, layer=6)
    length = len(given.one(0).tokens[0])
    assert made.said["others"] == []
    assert array(made, "share.mean", length)[~given.one(0).mask[0].numpy()].tolist() == [0, 0, 0]
    missing = {one["name"]: one["missing"] for one in made.said["strategies"] if one["missing"]}
    assert set(missing) == {"cls_attention"}


def test_a_strategy_that_cannot_be_computed_is_refused_as_base_with_its_reason(encoder):
    given = encoder.encode(["Bread."], layer=0)
    with pytest.raises(NotComputable, match="choose a single layer"):
        living(given, 0, all_strategies(), base="cls_attention", dimensions=[0], model=encoder.name, layer=0)


def test_512_tokens_of_a_large_model_cost_under_a_megabyte():
    torch.manual_seed(0)
    length, others = 512, 6
    large = TokenStates(
        hidden=torch.randn(others, length, 1024),
        mask=torch.ones(others, length, dtype=torch.bool),
        special=torch.zeros(others, length, dtype=torch.bool),
        tokens=(("word",) * length,) * others,
    )
    made = living(large, 0, all_strategies(), base="mean", dimensions=range(32), model="", layer=24)
    assert {"max", "smooth_max", "mean"} <= {one["name"] for one in made.said["strategies"] if not one["missing"]}
    assert made.numbers.nbytes + len(json.dumps(made.said | {"places": made.places})) < 1_000_000


@pytest.mark.parametrize("strategy", all_strategies(), ids=lambda s: s.name)
def test_its_worked_formula_reads_in_a_line(strategy):
    line = in_a_line(strategy.worked)
    assert not re.search(r"[\\{}]", re.sub(r"<[\w· ]+>", "", line))
    assert re.findall(r"<[\w· ]+>", line) == re.findall(r"<[\w· ]+>", strategy.worked)


def test_a_formula_in_a_line_keeps_what_it_says():
    assert in_a_line(r"\frac{1}{\sqrt{<n>}}\big(<value sum>\big)") == "1/√<n> · (<value sum>)"
    assert in_a_line(r"\max\big(<values>\big)") == "max(<values>)"


@pytest.mark.parametrize("chosen", sample_sets(), ids=lambda s: s.name)
def test_every_sample_set_has_a_task_that_one_weight_can_do(encoder, chosen):
    """Under mean pooling, the default."""
    assert bool(chosen.less_like) != bool(chosen.more_like)
    other, sign = (chosen.less_like, -1) if chosen.less_like else (chosen.more_like, 1)
    given = encoder.encode([chosen.sentences[0], chosen.sentences[other - 1]])
    one, goal = given.one(0), get_strategy("mean")(given).embedding[1:]
    count = len(one.tokens[0])

    def cosine(weights):
        return cosine_similarity(own_weights(weights)(one).embedding, goal).item()

    equal = [1 / count] * count
    changed = [cosine([*equal[:t], w, *equal[t + 1 :]]) for t in range(count) for w in (0.0, 0.2, 0.5, 1.0)]
    assert max(sign * (one - cosine(equal)) for one in changed) > REACHED + 0.01


def test_own_weights_are_for_one_text_of_as_many_tokens():
    one = states(ROWS).one(0)
    made = own_weights([0.0, 2.0, 0.5])(one)
    assert made.embedding[0].tolist() == (2 * one.hidden[0, 1] + 0.5 * one.hidden[0, 2]).tolist()
    assert made.kind == "tokens"
    with pytest.raises(ValueError, match="These 2 weights are for one text of as many tokens, and not for 1 of 3"):
        own_weights([1.0, 1.0])(one)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (["0.5", "1", "0"], (0.5, 1.0, 0.0)),
        ([0.25, 1], (0.25, 1.0)),
        ([""], None),
        (["1.1"], None),
        (["-0.1"], None),
        (["nan"], None),
        (["inf"], None),
        ([None], None),
        ([[0.5]], None),
    ],
)
def test_weights_from_outside_are_numbers_from_0_to_1_or_nothing(given, read):
    assert _read_weights(given) == read


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


def noticed(app: AppTest) -> str:
    return " ".join(one.proto.body for one in app.get("html"))


def test_a_link_opens_a_sentence_under_its_own_weights():
    app = opened(text="Bread.", weights="0,0.5,0.25,0")
    assert "carries 66.7%" in noticed(app)
    assert dict(app.query_params)["weights"] == "0,0.5,0.25,0"


@pytest.mark.parametrize("weights", ["0.5", "1,1,1,7", "a,b,c,d", "0,0,0,0,0,0,0"])
def test_a_link_with_other_weights_shows_the_strategy(weights):
    app = opened(text="Bread.", weights=weights)
    assert "All 4 tokens have the same weight" in noticed(app)


def test_own_weights_go_with_another_sentence_another_text_and_another_strategy():
    for act in (
        lambda app: app.selectbox(key="sentence").set_value("2"),
        lambda app: app.text_area(key="text").set_value("Cake.\nBread."),
        lambda app: app.session_state.__setitem__("strategy", "max"),
    ):
        app = opened(text="Bread.\nCake.", weights="0,0.5,0.25,0")
        act(app)
        app.run()
        assert "weights" not in dict(app.query_params)
        assert "carries 66.7%" not in noticed(app)


def test_where_every_weight_is_0_it_is_said_that_nothing_is_left():
    assert "Every weight is 0" in noticed(opened(text="Bread.", weights="0,0,0,0"))
