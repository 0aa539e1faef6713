"""The Attention page: its tables, pictures and sentences, and the page at its choices."""

import json

import pandas as pd
import pytest
import torch
from streamlit.testing.v1 import AppTest

from pooling import all_strategies
from pooling.attention_heads import AttentionHead, head_cards
from pooling.catalogue import DEFAULT, MODELS
from pooling.charts import attention as charts
from pooling.charts import chips
from pooling.notices.attention import about_curve, about_heads, about_outcome, about_rows, about_weights
from pooling.tables.attention import (
    cosine_to_mean,
    curve_table,
    heads_table,
    listen,
    one_token_table,
    token_tables,
    weights_table,
)
from pooling.training import Outcome, Progress
from tests.conftest import ROOT, set_layer

TEXTS = ("She plays the violin every evening.", "No.")


@pytest.fixture(scope="module")
def heard(encoder):
    states = encoder.encode(TEXTS, layer=6, attention=True)
    return states, *listen(states, None, model=DEFAULT, layer=6)


def test_every_listener_gives_a_text_weights_that_add_up_to_one(heard):
    states, pooled, missing = heard
    assert missing == {}
    for index, tokens in enumerate((9, 4)):
        table = weights_table(states, pooled, index)
        assert len(table) == tokens
        assert table[["attention", "cls_attention", "mean"]].sum().tolist() == pytest.approx([1, 1, 1])
        assert table["mean"].tolist() == pytest.approx([1 / tokens] * tokens)


def test_a_text_has_the_same_weights_in_a_batch_and_alone(encoder, heard):
    states, pooled, _ = heard
    alone = encoder.encode(TEXTS[1:], layer=6, attention=True)
    table, _ = listen(alone, None, model=DEFAULT, layer=6)
    one = weights_table(alone, table, 0)
    pd.testing.assert_frame_equal(weights_table(states, pooled, 1), one, atol=1e-4, rtol=0)
    assert one_token_table(states, pooled["mean"], 1)["token"].tolist() == ["[CLS]", "no", ".", "[SEP]"]


def test_the_temperature_leads_from_one_token_to_the_mean(encoder):
    states = encoder.encode(TEXTS, layer=4, attention=True)
    heaviest, cosines = [], []
    for temperature in (0.05, 0.2, 1.0, 5.0, 20.0):
        strategies = all_strategies([("attention", (("temperature", temperature),))])
        pooled, _ = listen(states, None, strategies, model=DEFAULT, layer=4)
        heaviest.append(weights_table(states, pooled, 0)["attention"].max())
        cosines.append(cosine_to_mean(pooled, 0))
    assert heaviest == sorted(heaviest, reverse=True)
    assert cosines == sorted(cosines)
    assert heaviest[0] > 0.99
    assert cosines[-1] > 0.999


def test_a_head_of_the_readers_goes_before_the_projects(encoder, heard):
    states, pooled, _ = heard
    mine, _ = listen(states, AttentionHead(encoder.dim), model=DEFAULT, layer=6)
    assert torch.equal(mine["attention"].weights, mine["mean"].weights)
    assert not torch.allclose(pooled["attention"].weights, pooled["mean"].weights, atol=0.01)


@pytest.mark.parametrize(("layer", "missing"), [(3, {"attention"}), (0, {"cls_attention"}), ((1, 6), None)])
def test_what_cannot_listen_at_a_layer_is_named_with_the_reason(encoder, layer, missing):
    states = encoder.encode(TEXTS, layer=layer, attention=isinstance(layer, int) and layer > 0)
    pooled, reasons = listen(states, None, model=DEFAULT, layer=layer)
    assert set(reasons) == (missing or {"attention", "cls_attention"})
    assert set(pooled) | set(reasons) == {"attention", "cls_attention", "mean"}
    assert cosine_to_mean(pooled, 0) is None or "attention" in pooled
    assert charts.weight_bars(weights_table(states, pooled, 0), {name: name for name in pooled}).data


def test_bars_show_the_tables_weights_in_the_texts_order_on_one_scale(heard):
    states, pooled, _ = heard
    table = weights_table(states, pooled, 0)
    made = charts.weight_bars(table, {name: name for name in pooled})
    for bars, name in zip(made.data, pooled, strict=True):
        assert list(bars.x) == pytest.approx((100 * table[name]).tolist())
    assert len({tuple(axis.range) for axis in made.select_xaxes()}) == 1
    assert [t.split()[1] for t in made.layout.yaxis.ticktext][:3] == ["[CLS]", "she", "plays"]
    assert made.layout.yaxis.range[0] > made.layout.yaxis.range[1]


def test_a_token_that_is_html_is_escaped_in_every_picture(encoder):
    states = encoder.encode(["<b>x</b> & <s>"], layer=6, attention=True)
    pooled, _ = listen(states, None, model=DEFAULT, layer=6)
    made = charts.weight_bars(weights_table(states, pooled, 0), {"mean": "Mean"})
    assert not any("<" in name for name in made.layout.yaxis.ticktext)
    strips = chips.labelled_strips([("1 <i>", t) for t in token_tables(states, pooled["mean"])], "mean <i>")
    assert "<i>" not in strips
    assert "&lt;" in strips


def test_equal_weights_have_equal_colours_across_sentences(heard):
    states, pooled, _ = heard
    table = token_tables(states, pooled["mean"])
    strips = chips.labelled_strips([("1", table[0]), ("2", table[0])], "mean")
    assert len({part.split(";")[0] for part in strips.split('style="background:')[1:]}) == 1
    both = chips.labelled_strips([("1", table[0]), ("2", table[1])], "mean")
    assert len({part.split(";")[0] for part in both.split('style="background:')[1:]}) == 2


def test_the_table_of_heads_is_their_cards():
    table = heads_table(DEFAULT)
    assert table["layer"].tolist() == [0, 0, 4, 4, 5, 5, 6, 6]
    assert table["data"].tolist() == ["test", "own"] * 4
    card = next(c for c in head_cards() if (c["model"], c["layer"]) == (DEFAULT, 6))
    row = table[(table["layer"] == 6) & (table["data"] == "test")].iloc[0]
    assert (row["mean"], row["attention"], row["gain"]) == (82.03, 82.93, 0.9)
    assert row["scored_on"] == card["scored_on"]["test"] == "STS Benchmark, test set, 1,379 pairs"
    made = charts.head_scores(table)
    marks = [trace for trace in made.data if trace.mode == "markers+text" and trace.name == "Mean"]
    assert [list(trace.x) for trace in marks] == [table[table["data"] == d]["mean"].tolist() for d in ("test", "own")]
    assert heads_table("no such model").empty


def test_the_sentence_on_heads_says_on_what():
    table = pd.DataFrame(
        [
            {"layer": 4, "data": "test", "mean": 60.0, "attention": 79.5, "gain": 19.5},
            {"layer": 6, "data": "test", "mean": 82.0, "attention": 82.9, "gain": 0.9},
            {"layer": 4, "data": "own", "mean": 60.0, "attention": 63.0, "gain": 3.0},
            {"layer": 6, "data": "own", "mean": 66.0, "attention": 65.0, "gain": -1.0},
        ]
    )
    said = about_heads(table)
    assert (
        "On the STS Benchmark, test set, the head of layer 4 is 19.50 points above mean and that of layer 6 is "
        "0.90 points above it." in said
    )
    assert "On this project's own pairs, the head of layer 4 is 3.00 points above mean and that of layer 6 is" in said
    assert "1.00 points below it" in said
    assert "better" not in said


def test_the_sentences_on_weights_quote_them():
    table = pd.DataFrame(
        {
            "position": [1, 2, 3, 4],
            "token": ["[CLS]", "cat", "sat", "[SEP]"],
            "special": [True, False, False, True],
            "pooled": [True] * 4,
            "attention": [0.1, 0.6, 0.2, 0.1],
            "cls_attention": [0.25] * 4,
            "mean": [0.25] * 4,
        }
    )
    said = about_weights(table)
    assert "The head listens most to 'cat' (token 2) and gives special tokens 20.0% in all." in said
    assert "CLS attention gives every token the same weight." in said
    assert "Mean gives special tokens 50.0%." in said
    assert "Your head, τ 0.2, listens most to 'cat'" in about_weights(table, "Your head, τ 0.2")
    rows = about_rows([table.assign(weight=table["attention"])], "Your head")
    assert rows == (
        "Your head, over your one sentence, gives special tokens 20.0% of the weight. Of the rest, 'cat' gets "
        "the most, 2.40 times an equal share, and 'sat' the least, 0.800 times."
    )
    assert "Of the rest, no token counts more than another." in about_rows([table.assign(weight=0.25)], "Mean")


def test_a_prompt_that_is_only_read_stands_in_the_tables_and_counts_for_nothing(encoder):
    states = encoder.encode(TEXTS, layer=6, attention=True, template="query: {}", pool_template=False)
    pooled, missing = listen(states, None, model=DEFAULT, layer=6)
    assert missing == {}
    table = weights_table(states, pooled, 1)
    assert table["token"].tolist() == ["[CLS]", "query", ":", "no", ".", "[SEP]"]
    assert table["pooled"].tolist() == [True, False, False, True, True, True]
    assert (table.loc[~table["pooled"], ["attention", "cls_attention", "mean"]] == 0).all(axis=None)
    assert "Mean gives special tokens 50.0%." in about_weights(table)
    rows = token_tables(states, pooled["mean"])
    assert [len(one) for one in rows] == [11, 6]
    assert about_rows(rows, "Mean") == (
        "Mean, over all 2 sentences, gives special tokens 36.1% of the weight. Of the rest, no token counts "
        "more than another."
    )


def steps(*dev: float | None) -> list[Progress]:
    best, made = 0, []
    for epoch, score in enumerate(dev):
        best = epoch if (score or 0) > (dev[best] or 0) else best
        made.append(Progress(epoch, 5, None if epoch == 0 else 1 / epoch, score, best, AttentionHead(2)))
    return made


def test_the_curve_shows_each_epoch_and_the_line_to_beat():
    table = curve_table(steps(0.6, 0.7, 0.65))
    assert table["dev"].tolist() == pytest.approx([60, 70, 65])
    assert table["best"].tolist() == [False, True, False]
    made = charts.training_curve(table, 5)
    assert list(made.data[0].y) == pytest.approx([60, 70, 65])
    assert list(made.data[1].y)[1:] == pytest.approx([1, 0.5])
    assert made.layout.shapes[0].y0 == pytest.approx(60)
    assert made.layout.xaxis.range == made.layout.xaxis2.range == (-0.4, 5.4)
    assert about_curve(table) == (
        "The best epoch on the development pairs is 1: 70.00 against mean's 60.00. The loss went from 1.000 to 0.500."
    )
    assert "it scores 60.00" in about_curve(curve_table(steps(0.6)))
    assert "no head scores above mean's 60.00" in about_curve(curve_table(steps(0.6, 0.5)))
    undefined = curve_table(steps(None, None))
    assert "undefined" in about_curve(undefined)
    assert charts.training_curve(undefined, 5).data


@pytest.mark.parametrize(
    ("outcome", "best", "said"),
    [
        (Outcome(100, 0.6, 0.65, 0.01, 0.09), 3, "5.00 points above mean"),
        (Outcome(100, 0.6, 0.65, 0.01, 0.09), 3, "+1.00 to +9.00 points (95%): the interval lies above zero"),
        (Outcome(100, 0.6, 0.59, -0.03, 0.01), 3, "cannot tell the two apart"),
        (Outcome(100, 0.6, 0.5, -0.13, -0.01), 3, "1.00 points (95%): the interval lies below zero"),
        (Outcome(100, 0.6, 0.60004, 0.00001, 0.00009), 3, "0.00400 points above mean"),
        (Outcome(100, 0.6, 0.6 + 1.5e-8, -0.01, 0.01), 3, "the head is level with mean. With other pairs"),
        (Outcome(100, 0.6, 0.6 + 1.5e-8, 0.0, 0.0), 3, "level with mean, in every resample of them too."),
        (Outcome(100, None, 0.5), 3, "nothing to compare"),
        (Outcome(100, 0.6, 0.6, 0.0, 0.0), 0, "your head is the untrained one: mean pooling"),
    ],
)
def test_the_verdict_is_no_surer_than_the_pairs(outcome, best, said):
    assert said in about_outcome(outcome, "this project's own pairs", best)


# --- The page --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def app() -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.run()
    return at.switch_page("pages/attention.py").run()


def charted(at: AppTest) -> list[str]:
    return [json.loads(chart.proto.spec)["layout"].get("height") for chart in at.get("plotly_chart")]


def said(at: AppTest) -> str:
    return " ".join(str(e.value) for kind in ("warning", "caption", "info") for e in at.get(kind))


CAUSAL = MODELS[1].name


@pytest.mark.parametrize(
    ("model", "layer", "offered"),
    [
        (DEFAULT, "0", None),
        (DEFAULT, "3", "Use layer 4"),
        (DEFAULT, "6", None),
        (DEFAULT, "first-last", "Use layer 6"),
        (CAUSAL, "0", "Use layer 6"),
        (CAUSAL, "3", "Use layer 6"),
        (CAUSAL, "6", None),
        (CAUSAL, "first-last", "Use layer 6"),
    ],
)
def test_the_page_works_at_every_kind_of_layer(app, model, layer, offered):
    app.session_state["model"] = model
    set_layer(app, layer)
    app.run()
    assert not app.exception
    assert [b.label for b in app.button if b.label.startswith("Use layer")] == ([offered] if offered else [])
    assert ("No attention head was trained" in said(app)) is (offered is not None)
    assert [m.label for m in app.metric] == ([] if offered else ["Cosine to mean's embedding"])
    assert ("CLS attention is not shown" in said(app)) is (layer in ("0", "first-last"))
    assert len(charted(app)) == 2


def test_the_offered_layer_is_taken(app):
    app.session_state["model"], app.session_state["layer"] = DEFAULT, "3"
    app.run()
    next(b for b in app.button if b.label == "Use layer 4").click().run()
    assert app.session_state["layer"] == "4"
    assert len(app.metric) == 1


def test_the_page_takes_any_text(app):
    app.session_state["layer"] = "6"
    many = "\n".join(f"Sentence {i} 🎻 <b>x</b> $y$." for i in range(32))
    for text in ("!", "<b>x</b>", "👩‍👩‍👧 🎻", many):
        app.session_state["text"] = text
        app.run()
        assert not app.exception
        assert len(charted(app)) == 2


def test_where_a_model_has_no_special_tokens_none_are_spoken_of():
    table = pd.DataFrame(
        {
            "token": ["the", "cat"],
            "position": [1, 2],
            "special": [False, False],
            "pooled": [True, True],
            "attention": [0.2, 0.8],
            "mean": [0.5, 0.5],
        }
    )
    assert about_weights(table) == "The head listens most to 'cat' (token 2)."
    assert about_rows([table.assign(weight=table["attention"])], "Your head") == (
        "Your head, over your one sentence: 'cat' gets the most, 1.60 times an equal share, and 'the' the least, "
        "0.400 times."
    )
