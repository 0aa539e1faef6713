"""What every strategy promises, whoever wrote it: the contract over the whole registry."""

import math
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pooling import AttentionHead, TokenStates, all_strategies, get_strategy
from tests.conftest import ROOT
from tests.examples import LOUD, ROWS, states

EVERY = pytest.mark.parametrize("strategy", all_strategies(), ids=lambda s: s.name)


def pool(strategy, given_states: TokenStates):
    """Pool with a head that prefers tokens whose dimensions are large, where one is needed."""
    if strategy.needs != "head":
        return strategy(given_states)
    head = AttentionHead(given_states.hidden.shape[2])
    torch.nn.init.constant_(head.query, 0.3)
    return strategy(given_states, head=head)


def close(one, other, tolerance=1e-5):
    torch.testing.assert_close(one, other, atol=tolerance, rtol=0)


@EVERY
def test_the_embedding_is_the_weighted_sum_of_the_hidden_states(strategy):
    given_states = states(ROWS, right=2)
    pooled = pool(strategy, given_states)
    hidden = given_states.hidden.masked_fill(~given_states.mask[:, :, None], 0.0)
    close(pooled.embedding, (pooled.weights * hidden).sum(dim=1), 1e-6)


@EVERY
@pytest.mark.parametrize("loud", LOUD)
@pytest.mark.parametrize(("left", "right"), [(0, 1), (3, 0), (0, 7), (5, 0)])
def test_padding_side_and_amount_do_not_change_the_embedding(strategy, loud, left, right):
    plain = [pool(strategy, states([row])).embedding[0] for row in ROWS]
    padded = pool(strategy, states(ROWS, left=left, right=right, loud=loud)).embedding
    close(padded, torch.stack(plain))


@EVERY
@pytest.mark.parametrize("loud", LOUD)
def test_padding_has_no_weight(strategy, loud):
    given_states = states(ROWS, left=2, loud=loud)
    weights = pool(strategy, given_states).weights
    assert torch.isfinite(weights).all()
    assert (weights[~given_states.mask] == 0).all()


@EVERY
def test_a_text_of_one_token_is_that_token(strategy):
    close(pool(strategy, states([[[5.0, -1.0, 7.0]]], right=3)).embedding, torch.tensor([[5.0, -1.0, 7.0]]))


@EVERY
def test_the_order_of_the_batch_does_not_matter(strategy):
    forward = pool(strategy, states(ROWS)).embedding
    backward = pool(strategy, states(ROWS[::-1])).embedding
    close(forward, backward.flip(0))


@EVERY
def test_weights_are_not_negative_and_fit_the_glossary(strategy):
    weights = pool(strategy, states(ROWS)).weights
    assert weights.shape in {(2, 3, 1), (2, 3, 3)}
    assert (weights >= 0).all()


@EVERY
def test_nothing_is_written_into_what_was_given(strategy):
    given_states = states(ROWS, left=1)
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
    embedding = pool(strategy, given_states).embedding
    assert embedding.dtype == torch.float32
    factor = math.sqrt(length) if strategy.name == "mean_sqrt_len" else 1
    torch.testing.assert_close(embedding, torch.full((1, 2), 200.0 * factor), rtol=1e-5, atol=0)


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
    together = pool(strategy, states(rows, left=left)).embedding
    alone = torch.cat([pool(strategy, states([row])).embedding for row in rows])
    torch.testing.assert_close(together, alone, atol=1e-3, rtol=1e-5)


@EVERY
def test_every_strategy_tells_what_a_reader_needs(strategy):
    for said in (strategy.label, strategy.summary, strategy.formula, strategy.when, strategy.watch_out):
        assert said.strip() == said != ""
    assert strategy.source.startswith("https://")
    assert strategy.summary.endswith(".")


@EVERY
def test_what_a_strategy_needs_is_asked_for_and_never_guessed(strategy):
    bare = states(ROWS)
    bare = TokenStates(bare.hidden, bare.mask, bare.special, bare.tokens)
    if strategy.needs is None:
        strategy(bare)
    else:
        with pytest.raises(ValueError, match=r"or (use )?mean pooling"):
            strategy(bare)


def test_an_unknown_strategy_is_answered_with_the_nearest():
    with pytest.raises(KeyError, match=r"No pooling strategy .last_tokn.\. Did you mean .last_token.\?"):
        get_strategy("last_tokn")
    with pytest.raises(KeyError, match="There are: cls, mean, max"):
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
    close(attention(states(ROWS), head=head, temperature=1e6).embedding[0], torch.tensor([2.0, -4.0, -1.0]), 1e-3)


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
