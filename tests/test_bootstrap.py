"""How sure a score is: against other libraries and by hand, and in simulations where the truth is known."""

import numpy as np
import pytest
import torch
from scipy.stats import norm, spearmanr, studentized_range
from sklearn.metrics import average_precision_score

from pooling import bootstrap
from pooling.bootstrap import Compared, clusters, compare, drawn_mean, drawn_precision, drawn_spearman, draws
from pooling.datasets import Pair
from pooling.evaluation import Grid, leaderboard, pair_clusters
from pooling.notices import evaluation as notices
from pooling.tables.evaluation import layer_leaderboard

SEVEN = ("mean", "cls", "max", "last_token", "weighted_mean", "mean_sqrt_len", "attention")


def drawn_rows(column: np.ndarray) -> np.ndarray:
    return np.repeat(np.arange(len(column)), column.astype(int))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("drawn_score", "whole", "scores"),
    [
        (drawn_spearman, lambda x, y: spearmanr(x, y).statistic, [0, 1, 1, 5, 3, 2, 2, 4]),
        (drawn_spearman, lambda x, y: spearmanr(x, y).statistic, [3, 7, 1, 5, 0, 2, 6, 4]),
        (drawn_precision, lambda x, y: average_precision_score(y, x), [0, 1, 1, 0, 0, 1, 0, 1]),
    ],
)
@pytest.mark.parametrize("values", [[0.1, 0.4, 0.4, 0.9, 0.2, 0.3, 0.1, 0.8], [0.5, 0.4, 0.6, 0.9, 0.2, 0.3, 0.1, 0.8]])
def test_the_bootstrap_is_scipys_and_scikit_learns_score_of_each_resample(drawn_score, whole, scores, values):
    values, scores = np.array(values), np.array(scores, dtype=float)
    known = 0
    for drawn in draws(np.arange(8)):
        (made,) = drawn_score([values], scores, drawn)
        for column, value in zip(drawn.T, made, strict=True):
            x, y = values[drawn_rows(column)], scores[drawn_rows(column)]
            if len(set(x)) > 1 and len(set(y)) > 1:
                assert value == pytest.approx(whole(x, y), abs=1e-9)
                known += 1
    assert known > 1900
    (alone,) = drawn_score([values], scores, np.ones((8, 1)))
    assert alone[0] == pytest.approx(whole(values, scores))


def test_a_resample_in_which_all_are_the_same_has_no_score():
    values, scores = np.array([0.1, 0.2, 0.3]), np.array([0.0, 1.0, 1.0])
    last_two, first_twice = np.array([[0.0], [1], [2]]), np.array([[3.0], [0], [0]])
    for drawn in (last_two, first_twice):
        assert np.isnan(drawn_spearman([values], scores, drawn)).all()
        assert np.isnan(drawn_precision([values], scores, drawn)).all()


def test_the_mean_of_a_resample_by_hand():
    drawn = np.array([[2.0, 1, 0], [0, 1, 2]])
    assert drawn_mean(np.array([[1.0, 0], [0, 3]]), drawn).tolist() == [[1, 0.5, 0], [0, 1.5, 3]]


def test_resamples_draw_as_many_rows_and_are_the_same_again():
    one, two = (np.concatenate(list(draws(np.arange(70))), axis=1) for _ in range(2))
    assert one.shape == (70, bootstrap.RESAMPLES)
    assert (one.sum(axis=0) == 70).all()
    assert (one == two).all()
    assert one.var() == pytest.approx(1 - 1 / 70, rel=0.02)  # a row is drawn binomially: 70 times 1 in 70


def test_rows_that_are_equal_are_drawn_together():
    cluster = clusters(["a", "b", "a", "c", "b"])
    assert cluster.tolist() == [0, 1, 0, 2, 1]
    drawn = np.concatenate(list(draws(cluster)), axis=1)
    assert (drawn[0] == drawn[2]).all()
    assert (drawn[1] == drawn[4]).all()
    assert (drawn[0] + drawn[1] + drawn[3] == 3).all()
    assert (drawn[0] != drawn[1]).any()


def test_pairs_of_the_same_two_texts_are_one_cluster():
    pairs = [Pair("a", "b", 1.0), Pair("b", "a", 2.0), Pair("a", "c", 1.0), Pair("a", "b", 5.0), Pair("c", "c", 5.0)]
    assert pair_clusters(pairs).tolist() == [0, 0, 1, 0, 2]


def some_pairs(count: int, seed: int = 0) -> tuple[list[Pair], Grid]:
    random = np.random.default_rng(seed)
    scores = random.normal(size=count)
    grid = Grid({(6, name): torch.from_numpy(scores + random.normal(size=count)) for name in SEVEN[:3]})
    return [Pair(f"first {i}", f"second {i}", score) for i, score in enumerate(scores.tolist())], grid


def test_a_hundred_pairs_given_five_times_are_no_surer():
    pairs, grid = some_pairs(100)
    five_times = Grid({cell: cosines.repeat(5) for cell, cosines in grid.vectors.items()})
    once = layer_leaderboard(pairs, grid, 6, SEVEN[:3]).set_index("name")
    repeated = layer_leaderboard(pairs * 5, five_times, 6, SEVEN[:3]).set_index("name")
    for column in ("score", "low", "high", "behind_low", "behind_high"):
        assert repeated[column].tolist() == pytest.approx(once.loc[repeated.index, column].tolist(), abs=0.05)
    assert (once["high"] - once["low"]).min() > 15


# --- Intervals that hold at once --------------------------------------------------------------


def independent(count: int, resamples: int = 100_000) -> dict[int, np.ndarray]:
    random = np.random.default_rng(0)
    return {i: random.normal(scale=1 + i, size=resamples) for i in range(count)}


def test_intervals_reach_as_far_as_theory_says():
    samples = {name: one / (1 + name) for name, one in independent(7).items()}
    made = compare(dict.fromkeys(range(7), 0.0), samples)
    # The largest of seven independent normals, and Tukey's range of seven.
    assert made.reach == pytest.approx(norm.ppf((1 + 0.95 ** (1 / 7)) / 2), abs=0.02)
    assert made.lead_reach == pytest.approx(studentized_range.ppf(0.95, 7, np.inf) / 2**0.5, abs=0.02)
    two = compare(dict.fromkeys(range(2), 0.0), {i: samples[i] for i in range(2)})
    assert two.lead_reach == pytest.approx(norm.ppf(0.975), abs=0.02)


def test_an_interval_is_as_wide_as_its_own_standard_error():
    made = compare({0: 0.5, 3: 0.2}, {0: 0.5 + independent(4)[0] / 100, 3: 0.2 + independent(4)[3] / 100})
    score, lead = made.score(3), made.lead(0, 3)
    assert score.value - score.low == pytest.approx(made.reach * 0.04, rel=0.01)
    assert lead.value == pytest.approx(0.3)
    assert lead.high - lead.value == pytest.approx(made.lead_reach * (0.01**2 + 0.04**2) ** 0.5, rel=0.01)
    assert made.lead(3, 0) == pytest.approx((-lead.value, -lead.high, -lead.low))


def test_all_intervals_hold_at_once_in_95_of_100_resamples():
    samples = {name: 0.5 + one / 100 for name, one in independent(5, 2000).items()}
    made = compare(dict.fromkeys(samples, 0.5), samples)
    inside = [
        abs(samples[i] - samples[j]) <= made.lead(i, j).high - made.lead(i, j).value for i in range(5) for j in range(i)
    ]
    assert np.mean(np.all(inside, axis=0)) == pytest.approx(0.95, abs=0.001)


def test_an_interval_ends_where_scores_end():
    made = compare({"a": 0.98}, {"a": np.linspace(0.8, 1.0, 100)}, (-1.0, 1.0))
    assert made.score("a").high == 1.0
    assert made.score("a").low < 0.9


def test_a_difference_of_rounding_is_none():
    samples = np.linspace(0.6, 0.8, 100)
    made = compare({"a": 0.7, "b": 0.7 + 1.5e-8}, {"a": samples, "b": samples + 1.5e-8})
    assert made.lead("b", "a") == (0, 0, 0)
    assert made.never_apart("a", "b")
    assert made.reach == compare({"a": 0.7}, {"a": samples}).reach


def test_how_far_a_strategy_is_behind_the_best_by_hand():
    still, swinging = np.zeros(100), np.tile([-0.05, 0.05], 50)
    scores = {"cls": 0.6, "mean": 0.8, "max": 0.79}
    samples = {"cls": 0.6 + still, "mean": 0.8 + swinging, "max": 0.79 + still}
    board = leaderboard(scores, Compared(scores, samples, 2.0, 2.0, (0.0, 1.0)))
    assert [p.name for p in board] == ["mean", "max", "cls"]
    # mean leads max by 0.01 ± 0.10 and cls by 0.20 ± 0.10; max leads cls by exactly 0.19
    mean, maximum, cls = board
    assert (mean.low, mean.high) == pytest.approx((0.7, 0.9))
    assert (mean.behind, mean.behind_low, mean.behind_high) == pytest.approx((0, 0, 0.09))
    assert (maximum.behind, maximum.behind_low, maximum.behind_high) == pytest.approx((0.01, 0, 0.11))
    # whoever is best, cls is 0.19 behind max for sure, and at most 0.30 behind mean
    assert (cls.behind, cls.behind_low, cls.behind_high) == pytest.approx((0.2, 0.19, 0.3))
    assert [p.verdict for p in board] == ["best", "open", "worse"]
    assert [p.first for p in board] == [0.5, 0.5, 0]


def equally_good(draw: int, better: float = 0.0) -> tuple[list[Pair], Grid]:
    """300 pairs, and seven strategies that know people's scores equally well; but for the last, if it is better."""
    random = np.random.default_rng(draw)
    scores, shared = random.normal(size=(2, 300))
    noise = 0.3 * random.normal(size=(7, 300))
    misled = np.where(np.arange(7) == 6, 1 - better, 1.0)[:, None]
    cosines = scores + misled * shared + noise
    pairs = [Pair(f"{i}", f"{i}!", score) for i, score in enumerate(scores.tolist())]
    return pairs, Grid({(6, name): torch.from_numpy(one) for name, one in zip(SEVEN, cosines, strict=True)})


def claims(draws: int, better: float = 0.0) -> tuple[int, int]:
    """In how many draws the verdict prefers another strategy to the model's own, and calls any worse than another."""
    beaten = worse = 0
    for draw in range(draws):
        table = layer_leaderboard(*equally_good(draw, better), 6, SEVEN)
        said = notices.verdict(table, "mean", "Spearman")
        beaten += not said.startswith("Use Mean:")
        worse += (table["verdict"] == "worse").any()
    return beaten, worse


@pytest.mark.slow
def test_where_all_are_equally_good_the_page_claims_otherwise_in_at_most_5_of_100_draws(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 500)  # so many take ten seconds, and say the same
    beaten, worse = claims(400)
    assert beaten <= 0.05 * 400
    assert worse <= 0.05 * 400


def test_where_one_is_better_the_page_says_so(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 500)
    beaten, _ = claims(20, better=0.5)
    assert beaten >= 18
