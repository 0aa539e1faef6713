"""What every strategy promises, whoever wrote it: the contract over the whole registry."""

import math
import re
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pooling import AttentionHead, TokenStates, all_strategies, get_strategy
from pooling.charts.chips import token_strip
from pooling.charts.playground import collapse_heatmap
from pooling.charts.theme import weight_colours
from pooling.notices.playground import about_collapse, about_tokens
from pooling.registry import Param
from pooling.tables import number, token_table
from pooling.tables.playground import collapse_table, one_dimension_table, winner_table, worked_formula
from pooling.types import NotComputable
from tests.conftest import ROOT
from tests.examples import LOUD, ROWS, SPECIAL, TEXTS, contract, states


def variants():
    """Every strategy as it comes, and with each of its parameters at its ends."""
    for strategy in all_strategies():
        yield strategy
        for param in strategy.params:
            yield from (strategy.at(**{param.name: end}) for end in (param.minimum, param.maximum))


def named(strategy) -> str:
    return "-".join([strategy.name, *(f"{value:g}" for _, value in strategy.settings)])


EVERY = pytest.mark.parametrize("strategy", list(variants()), ids=named)
EACH_ONCE = pytest.mark.parametrize("strategy", all_strategies(), ids=lambda s: s.name)
DIM = len(TEXTS[0][0])


def a_head(dim: int) -> AttentionHead:
    """A head that prefers tokens whose dimensions are large."""
    head = AttentionHead(dim)
    torch.nn.init.constant_(head.query, 0.3)
    torch.nn.init.constant_(head.std, 2.0)
    return head.requires_grad_(False)


def pool(strategy, given_states: TokenStates):
    """Pool, with a head where one is needed."""
    return strategy(
        given_states, **({"head": a_head(given_states.hidden.shape[2])} if strategy.needs == "head" else {})
    )


def close(one, other, tolerance=1e-5):
    torch.testing.assert_close(one, other, atol=tolerance, rtol=0)


@EVERY
def test_the_embedding_is_the_weighted_sum_of_the_hidden_states(strategy):
    given_states = contract(right=2)
    pooled = pool(strategy, given_states)
    hidden = given_states.hidden.masked_fill(~given_states.mask[:, :, None], 0.0)
    close(pooled.embedding, (pooled.weights * hidden).sum(dim=1), 1e-6)


@EVERY
@pytest.mark.parametrize("loud", LOUD)
@pytest.mark.parametrize(("left", "right"), [(0, 1), (3, 0), (0, 7), (5, 0)])
def test_padding_side_and_amount_do_not_change_the_embedding(strategy, loud, left, right):
    plain = [pool(strategy, states([row], special=[s])).embedding[0] for row, s in zip(TEXTS, SPECIAL, strict=True)]
    padded = pool(strategy, contract(left=left, right=right, loud=loud)).embedding
    assert torch.isfinite(padded).all()
    close(padded, torch.stack(plain))


@EVERY
@pytest.mark.parametrize("loud", LOUD)
def test_padding_has_no_weight(strategy, loud):
    given_states = contract(left=2, loud=loud)
    weights = pool(strategy, given_states).weights
    assert torch.isfinite(weights).all()
    assert (weights[~given_states.mask] == 0).all()


@EVERY
def test_a_text_of_one_token_is_that_token(strategy):
    for special in ([], [0]):
        alone = states([[[5.0, -1.0, 7.0]]], right=3, special=[special])
        close(pool(strategy, alone).embedding, torch.tensor([[5.0, -1.0, 7.0]]))


@EVERY
def test_the_order_of_the_batch_does_not_matter(strategy):
    forward = pool(strategy, contract()).embedding
    backward = pool(strategy, states(TEXTS[::-1], special=SPECIAL[::-1])).embedding
    close(forward, backward.flip(0))


@EVERY
def test_weights_are_of_the_kind_that_is_declared_and_not_negative(strategy):
    pooled = pool(strategy, contract())
    weights = pooled.weights
    assert pooled.kind == strategy.kind
    assert weights.shape == (len(TEXTS), 5, 1 if strategy.kind == "tokens" else DIM)
    assert (weights >= 0).all()
    # Of a text of several tokens: winners take all, other weights do not, at least at the defaults.
    of_first = weights[0]
    takes_all = bool(((of_first == 0) | (of_first == 1)).all() and (of_first.sum(dim=0) == 1).all())
    if strategy.kind == "winners":
        assert takes_all
    if strategy.kind == "dimensions" and strategy.settings == get_strategy(strategy.name).settings:
        assert not takes_all
        assert not torch.allclose(of_first, of_first[:, :1])


@EVERY
def test_nothing_is_written_into_what_was_given(strategy):
    given_states = contract(left=1)
    before = given_states.hidden.clone(), given_states.mask.clone()
    pool(strategy, given_states)
    assert torch.equal(given_states.hidden, before[0])
    assert torch.equal(given_states.mask, before[1])


@EVERY
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_float32(strategy, dtype):
    length = 512  # 512 times 200 is far beyond float16's 65504
    given_states = TokenStates(
        torch.full((1, length, 2), 200.0, dtype=dtype),
        torch.ones(1, length, dtype=torch.bool),
        torch.zeros(1, length, dtype=torch.bool),
        (("t",) * length,),
        torch.full((1, 2, length), 1 / length),
    )
    pooled = pool(strategy, given_states)
    assert pooled.embedding.dtype == torch.float32
    torch.testing.assert_close(pooled.embedding, (200.0 * pooled.weights.sum(dim=1)).expand(1, 2), rtol=1e-5, atol=0)
    given_states = contract(left=2, dtype=dtype)
    exact = TokenStates(
        given_states.hidden.float(),
        given_states.mask,
        given_states.special,
        given_states.tokens,
        given_states.attention,
    )
    close(pool(strategy, given_states).embedding, pool(strategy, exact).embedding)


@pytest.mark.slow
@EVERY
@settings(deadline=None)
@given(
    rows=st.lists(
        st.lists(st.lists(st.floats(-100, 100, width=32), min_size=3, max_size=3), min_size=1, max_size=6),
        min_size=1,
        max_size=4,
    ),
    left=st.integers(0, 4),
)
def test_any_batch_pools_as_its_texts_do_alone(strategy, rows, left):
    special = [[0, len(row) - 1][: len(row)] for row in rows]
    together = pool(strategy, states(rows, left=left, special=special)).embedding
    alone = torch.cat(
        [pool(strategy, states([row], special=[s])).embedding for row, s in zip(rows, special, strict=True)]
    )
    assert torch.isfinite(together).all()
    torch.testing.assert_close(together, alone, atol=1e-3, rtol=1e-5)


@EACH_ONCE
def test_every_strategy_tells_what_a_reader_needs(strategy):
    for said in (strategy.label, strategy.summary, strategy.formula, strategy.when, strategy.watch_out):
        assert said.strip() == said != ""
    assert strategy.source.startswith("https://")
    assert strategy.summary.endswith(".")


@EACH_ONCE
def test_what_a_strategy_needs_is_asked_for_and_never_guessed(strategy):
    bare = states(ROWS)
    bare = TokenStates(bare.hidden, bare.mask, bare.special, bare.tokens)
    if strategy.needs is None:
        strategy(bare)
    else:
        with pytest.raises(NotComputable, match=r"or (use )?mean pooling"):
            strategy(bare)


@EVERY
@pytest.mark.parametrize(("left", "right"), [(0, 3), (3, 0)])
def test_its_code_gives_its_embeddings(strategy, left, right):
    given_states, head = contract(left=left, right=right), a_head(DIM)
    names = {
        "torch": torch,
        "hidden": given_states.hidden,
        "mask": given_states.mask.long(),
        "special": given_states.special,
        **dict(strategy.settings),
    }
    names |= {"attention": given_states.attention.mean(dim=1)} if strategy.needs == "attention" else {}
    names |= {"head": dict(head.state_dict())} if strategy.needs == "head" else {}
    exec(strategy.torch, names)
    close(names["embeddings"], pool(strategy, given_states).embedding)


def value_of(latex: str) -> tuple[float, float]:
    """What a worked formula comes to, computed from the numbers it shows, and what it says it comes to."""
    _, *sides = re.sub(r"\\begin{aligned}|\\end{aligned}|\\quad|\\big|\\;", "", latex).split("&=")
    made = sides[0].replace(r"\cdot", "*").replace("{}", "").replace("&", "").replace(r"\\", "")
    made = re.sub(r"\\sqrt{([^{}]*)}", r"sqrt(\1)", made)
    made = re.sub(r"\\frac{([^{}]*)}{([^{}]*)}", r"((\1)/(\2))", made)
    made = re.sub(r"\\(max|exp)", r"\1", made).replace("{", "(").replace("}", ")")
    made = re.sub(r"\)\s*\(", ")*(", made)
    assert "\\" not in made, f"This test cannot work out {made!r}; teach it."
    return eval(made, {"sqrt": math.sqrt, "exp": math.exp, "max": lambda *of: max(of)}), float(
        sides[-1].replace(r"\\", "")
    )


def test_a_worked_formula_is_worked_out_from_what_it_shows():
    shown = r"\begin{aligned} e_{1} &= \frac{1}{\sqrt{4}}\big(-4.00 \\ &\quad {} - 2.00 + 1.00\big) \\ "
    shown += r"&= -2.50 \end{aligned}"
    assert value_of(shown) == (-2.5, -2.5)
    assert value_of(r"\begin{aligned} e_{0} &= \max\big({-4.00},\; {-2.00}\big) \\ &= -2.00 \end{aligned}") == (-2, -2)
    assert value_of(r"\begin{aligned} e_{0} &= -0.167\cdot 4.00 \\ &= -0.668 \end{aligned}") == (-0.668, -0.668)


@EVERY
@pytest.mark.parametrize("index", range(len(TEXTS)))
def test_its_worked_formula_comes_to_what_it_says(strategy, index):
    one = contract(left=1).one(index)
    pooled = pool(strategy, one)
    for dimension in range(DIM):
        terms, drawn = one_dimension_table(one, pooled, dimension), pooled.embedding[0, dimension].item()
        computed, said = value_of(worked_formula(strategy, terms, dimension, drawn))
        # Of three digits: at most half a per cent of a weight, and as much of a value.
        rounding = 0.0101 * terms["product"].abs().sum()
        assert said == pytest.approx(drawn, rel=0.0051, abs=1e-6)
        assert computed == pytest.approx(said, abs=rounding + 1e-6)


def quoted(pattern: str, said: str) -> list[float]:
    """The numbers that a sentence gives where it says this."""
    return [float(found.replace("−", "-")) for found in re.findall(pattern, said)]


@EVERY
@pytest.mark.parametrize("index", range(len(TEXTS)))
def test_what_is_said_of_its_weights_is_true_of_them(strategy, index):
    one = contract(right=1).one(index)
    pooled = pool(strategy, one)
    weights, special = pooled.weights[0].expand(-1, DIM), one.special[0]
    share = weights.mean(dim=1) / weights.mean(dim=1).sum()
    said = about_tokens(token_table(one, pooled), strategy.kind)
    top = int(re.search(r"\(token (\d+)\)", said)[1]) - 1 if "(token " in said else None
    assert top is None or share[top] == share.max()
    assert ("win" in said) == (strategy.kind == "winners" and len(share) > 1), said
    for won, dim in re.findall(r"wins (\d+) of (\d+) dimensions", said):
        assert (int(won), int(dim)) == (int((weights.argmax(dim=0) == top).sum()), DIM)
    for number_said in quoted(r"([\d.]+)% of this embedding", said):
        assert number_said == pytest.approx(100 * share.max().item(), rel=0.0051)
    for number_said in quoted(r"[Ss]pecial tokens (?:carry|win) ([\d.]+)%", said):
        assert number_said == pytest.approx(100 * share[special].sum().item(), rel=0.0051, abs=1e-3)
    for counted in quoted(r"(\d+)(?: of the \d+)? tokens have the same weight", said):
        assert (share > 0).sum() == counted
        assert share[share > 0].max() - share[share > 0].min() < 1e-6
    assert quoted(r"same weight, ([\d.]+\d)", said) in (
        [],
        [pytest.approx(weights.mean(dim=1).max().item(), rel=0.0051)],
    )
    if "alone makes" in said:
        assert share.max() == pytest.approx(1, abs=1e-5)
    matrix = collapse_table(one, pooled, range(DIM))
    said = about_collapse(matrix, pooled)
    assert ("winners" in said) == ("marked cell" in said) == (strategy.kind == "winners")
    differ = not torch.allclose(weights, weights[:, :1])
    assert ("from column to column" in said) == (differ and strategy.kind != "winners")
    for total in quoted(r"add up to ([\d.]+\d)", said):
        assert total == pytest.approx(weights.sum(dim=0).mean().item(), rel=0.0051)
        assert total != 1
    for times in quoted(r"values are ([\d.]+) times", said):
        values = pooled.embedding[0].abs().mean() / one.hidden[0].abs().mean()
        assert times == pytest.approx(values.item(), rel=0.0051)
    if "larger values" in said:
        mine = (weights * one.hidden[0].abs()).sum() / weights.sum()
        assert mine > one.hidden[0].abs().mean()


@EVERY
@pytest.mark.parametrize("index", range(len(TEXTS)))
def test_its_pictures_are_of_its_weights(strategy, index):
    one = contract(left=2).one(index)
    pooled = pool(strategy, one)
    table, dims = token_table(one, pooled), range(DIM)
    strip = token_strip(table, "x")
    assert strip.count("<li") == len(table)
    assert "nan" not in strip
    assert ("wins" in strip) == (strategy.kind == "winners")
    assert (
        strip.count(f"background:{weight_colours(1.0)[0]}") == (table["weight"] > 0.999 * table["weight"].max()).sum()
    )
    for weight in pooled.weights[0].mean(dim=1).tolist():
        below = f"{100 * weight:.1f}%" if strategy.kind == "winners" else number(weight)
        assert f'<span class="pp-number">{below}</span>' in strip
    matrix, winners = collapse_table(one, pooled, dims), winner_table(pooled, dims)
    made = collapse_heatmap(matrix, table, winners, dimension=0, dark=False)
    marks = [shape.path for shape in made.layout.shapes if shape.type == "path"]
    assert len(marks) == (strategy.kind == "winners")
    for place, row in zip(range(DIM), re.findall(r"M[-\d.]+,([-\d.]+)", marks[0]), strict=True) if marks else ():
        assert pooled.weights[0, round(float(row)), place] == 1
    assert made.data[0].z[-1] == pytest.approx(pooled.embedding[0].tolist())


@EACH_ONCE
def test_its_parameters_can_be_slid_and_are_said_and_checked(strategy):
    assert strategy.settings == tuple((param.name, param.default) for param in strategy.params)
    for param in strategy.params:
        assert (param.values[0], param.values[-1]) == (param.minimum, param.maximum)
        assert param.default in param.values
        assert list(param.values) == sorted(param.values)
        assert len(param.values) <= 30
        assert param.help.endswith(".")
        other = next(value for value in param.values if value not in (param.default, param.neutral))
        set_so = strategy.at(**{param.name: other})
        assert set_so.title.startswith(strategy.label)
        assert f"{other:g}" in set_so.title
        moved = pool(set_so, contract()).embedding - pool(strategy, contract()).embedding
        assert moved.abs().max() > 1e-3
        close(pool(strategy, contract()).embedding, pool(set_so, contract()).embedding - moved)
        for wrong in (param.minimum - 1, param.maximum + 1, math.nan):
            with pytest.raises(ValueError, match=f"{param.name} of .* goes from"):
                strategy.at(**{param.name: wrong})
            with pytest.raises(ValueError, match=f"{param.name} of .* goes from"):
                strategy(contract(), **{param.name: wrong})


def test_a_parameter_that_is_not_there_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"Mean has no parameter 'temprature'; its parameters: none\."):
        get_strategy("mean", temprature=2.0)
    with pytest.raises(ValueError, match=r"its parameters: temperature\."):
        get_strategy("attention", temprature=2.0)


def test_a_slider_goes_by_powers_of_ten_or_in_even_steps():
    words = {"name": "x", "label": "x", "default": 1.0, "help": "x"}
    assert Param(**words, minimum=0.05, maximum=20.0).values == (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
    assert Param(**words | {"default": 0.1}, minimum=0.0, maximum=0.4).values[:6] == (0, 0.02, 0.04, 0.06, 0.08, 0.1)
    assert Param(**words | {"default": 0.3}, minimum=0.0, maximum=0.45).values == tuple(i / 20 for i in range(10))
    assert Param(**words | {"default": 2.0}, minimum=1.0, maximum=4.0).values[:4] == (1, 1.2, 1.4, 1.6)
    assert Param(**words | {"default": 0.0}, minimum=-1.0, maximum=1.0).values[9:12] == (-0.1, 0, 0.1)


def test_an_unknown_strategy_is_answered_with_the_nearest():
    with pytest.raises(KeyError, match=r"No pooling strategy .last_tokn.\. Did you mean .last_token.\?"):
        get_strategy("last_tokn")
    with pytest.raises(KeyError, match="There are: cls, mean, "):
        get_strategy("zzz")


# By hand, over ROWS[0]: (1, -4, 2), (3, -2, 0), (2, -6, -5).


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cls", [1, -4, 2]),
        ("mean", [2, -4, -1]),
        ("max", [3, -2, 2]),
        ("last_token", [2, -6, -5]),
        # weights 1/6, 2/6, 3/6: (1+6+6)/6, (-4-4-18)/6, (2+0-15)/6
        ("weighted_mean", [13 / 6, -26 / 6, -13 / 6]),
        ("mean_sqrt_len", [6 / math.sqrt(3), -12 / math.sqrt(3), -3 / math.sqrt(3)]),
        # heads average to (1 + 1/3)/2 = 2/3, 1/6, 1/6
        ("cls_attention", [4 / 6 + 3 / 6 + 2 / 6, -16 / 6 - 2 / 6 - 6 / 6, 8 / 6 + 0 - 5 / 6]),
    ],
)
def test_numbers_by_hand(name, expected):
    embedding = get_strategy(name)(states(ROWS, left=2)).embedding[0]
    close(embedding, torch.tensor(expected, dtype=torch.float32))


def test_own_tokens_by_hand():
    # (1.5 - 2 + 0.25) / 3 and so on: the three tokens between the special ones
    embedding = get_strategy("own_tokens")(contract(left=1)).embedding
    close(embedding[0], torch.tensor([-0.25 / 3, -10.25 / 3, -2 / 3, 3.5 / 3]))
    # special tokens alone: their mean
    close(embedding[1], torch.tensor([2.0, -3.5, 0.0, 1.5]))
    close(embedding[2:], torch.tensor([[5.0, -1.0, 7.0, -3.0], [4.0, -3.5, 0.5, 1.5]]))


def test_own_tokens_leave_out_a_prompt_that_is_only_read_and_say_when_there_is_nothing_but_special_tokens(encoder):
    strategy = get_strategy("own_tokens")
    table = token_table(one := encoder.encode(["no rain"], template="query: {}"), strategy(one))
    assert table["token"][table["weight"] > 0].tolist() == ["query", ":", "no", "rain"]
    table = token_table(one := encoder.encode(["no rain"], template="query: {}", pool_template=False), strategy(one))
    assert table["token"][table["weight"] > 0].tolist() == ["no", "rain"]
    assert about_tokens(table, strategy.kind) == (
        "2 of the 4 tokens have the same weight, 0.500; the others count for nothing. Special tokens carry 0%."
    )
    nothing = encoder.encode(["\u200b"])
    assert nothing.special.all()
    assert about_tokens(token_table(nothing, strategy(nothing)), strategy.kind) == (
        "All 2 tokens have the same weight, 0.500; 2 of them are special tokens, not words of the text."
    )


def test_smooth_max_by_hand():
    # exp of the values: 1 and 3 in the first dimension, alike in the second; halved by τ = 1/2 they are 1 and 9
    two = states([[[0.0, 5.0], [math.log(3), 5.0]]], right=1)
    for temperature, weight in ((1.0, 3 / 4), (0.5, 9 / 10)):
        pooled = get_strategy("smooth_max", temperature=temperature)(two)
        close(pooled.weights[0, :2], torch.tensor([[1 - weight, 0.5], [weight, 0.5]]))
        close(pooled.embedding, torch.tensor([[weight * math.log(3), 5.0]]))


def test_smooth_max_goes_from_max_to_mean():
    given_states = contract(left=1)
    near, far = (get_strategy("smooth_max", temperature=end)(given_states).embedding for end in (0.02, 50.0))
    close(near, get_strategy("max")(given_states).embedding, 1e-4)
    close(far, get_strategy("mean")(given_states).embedding, 0.3)


def test_attention_by_hand():
    head = AttentionHead(3)
    with torch.no_grad():
        head.query.copy_(torch.tensor([math.log(2.0), 0.0, 0.0]))
        head.mean.copy_(torch.tensor([1.0, 0.0, 0.0]))
    # standardised first dimension 0, 2, 1: scores 0, 2 log 2, log 2: weights 1/7, 4/7, 2/7
    pooled = get_strategy("attention")(states(ROWS), head=head)
    close(pooled.weights[0, :, 0], torch.tensor([1.0, 4.0, 2.0]) / 7)
    close(pooled.embedding[0], torch.tensor([1 + 12 + 4, -4 - 8 - 12, 2 + 0 - 10]) / 7)


def test_an_untrained_head_is_mean_pooling():
    mean = get_strategy("mean")(states(ROWS)).embedding
    close(get_strategy("attention")(states(ROWS), head=AttentionHead(3)).embedding, mean)


def test_temperature_goes_from_one_token_to_the_mean():
    head = AttentionHead(3)
    torch.nn.init.constant_(head.query, 1.0)  # scores -1, 1, -9: the second token
    attention = get_strategy("attention")
    close(attention(states(ROWS), head=head, temperature=0.05).embedding[0], torch.tensor(ROWS[0][1]))
    torch.nn.init.constant_(head.query, 1e-3)  # scores -0.001, 0.001, -0.009
    close(attention(states(ROWS), head=head, temperature=20.0).embedding[0], torch.tensor([2.0, -4.0, -1.0]), 1e-2)


def test_max_shares_are_the_dimensions_won():
    pooled = get_strategy("max")(states(ROWS))
    close(pooled.token_share[0], torch.tensor([1 / 3, 2 / 3, 0.0]))


REFUSED = {
    "hidden=good.hidden[0]": "hidden must be [batch, length, dim], got [3, 3]",
    "mask=good.mask[:, :2]": "mask must be [2, 3] like hidden, got [2, 2]",
    "special=good.special[:1]": "special must be [2, 3] like hidden, got [1, 3]",
    "tokens=good.tokens[:1]": "tokens must be 2 rows of 3, got rows of [3]",
    "mask=good.mask & torch.tensor([[True], [False]])": "Text 2 of 2 has no real token",
    "attention=good.attention[:, :, :2]": "attention must be [2, head, 3], got [2, 2, 2]",
    "lost=(1,)": "lost must have 2 numbers, got 1",
}


def test_token_states_refuse_what_does_not_fit():
    # In a process of its own: here, the type checker of the tests would be there first.
    code = "import torch\nfrom dataclasses import replace\nfrom tests.examples import ROWS, states\n"
    code += "good = states(ROWS)\n"
    for change in REFUSED:
        code += f"try:\n    replace(good, {change})\nexcept ValueError as error:\n    print(error)\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    for sentence, said in zip(REFUSED.values(), done.stdout.splitlines(), strict=True):
        assert sentence in said


def test_a_strategy_without_docstring_or_with_a_taken_place_is_refused():
    from pooling.registry import strategy

    words = {"label": "x", "formula": "x", "source": "x", "when": "x", "watch_out": "x", "torch": "x"}

    def pooling_of_mine(states):
        return None

    with pytest.raises(ValueError, match="needs a docstring"):
        strategy(**words, order=999)(pooling_of_mine)
    pooling_of_mine.__doc__ = "Mine."
    with pytest.raises(ValueError, match="clashes with 'mean'"):
        strategy(**words, order=20)(pooling_of_mine)
