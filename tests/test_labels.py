"""How well labels are kept apart: one function, by hand and against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import silhouette_score

from pooling import embed
from pooling.datasets import own_topics
from pooling.labels import LabelScores, check_labels, compare_labels, distinct_rows, label_scores
from pooling.projection import nearest_neighbours, to_points


def on_a_line(*places: float) -> torch.Tensor:
    return torch.tensor(places, dtype=torch.float)[:, None]


def numbered(count: int) -> list[str]:
    return [f"text {i}" for i in range(count)]


def some_texts(count: int, seed: int = 0) -> tuple[torch.Tensor, list[str], list[str]]:
    random = torch.Generator().manual_seed(seed)
    labels = [f"label {i % 4}" for i in range(count)]
    centres = torch.randn(4, 8, generator=random)[torch.arange(count) % 4]
    return centres + torch.randn(count, 8, generator=random), numbered(count), labels


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_silhouette_is_scikit_learns(metric):
    embeddings, texts, labels = some_texts(50)
    made = label_scores(embeddings, texts, labels, metric)
    assert made.silhouette == pytest.approx(silhouette_score(embeddings.numpy(), labels, metric=metric), abs=1e-5)


def test_the_one_nearest_neighbour_by_hand():
    made = label_scores(on_a_line(0, 1, 3, 7), numbered(4), ["a", "a", "b", "b"], "euclidean")
    assert made.right.tolist() == [True, True, False, True]  # the third is nearest to an a
    assert made.accuracy == 0.75


def test_labels_that_lie_apart_score_full_marks():
    two = torch.tensor([[1.0, 0], [1, 0.1], [0, 1], [0.1, 1]])
    apart = label_scores(two, numbered(4), ["a", "a", "b", "b"], "cosine")
    assert apart.accuracy == 1
    assert apart.silhouette > 0.9
    mixed = label_scores(two, numbered(4), ["a", "b", "a", "b"], "cosine")
    assert mixed.accuracy == 0
    assert mixed.silhouette < 0


@pytest.mark.parametrize(("labels", "scores"), [("aaaa", (None, None)), ("abcd", (None, 0.0))])
def test_labels_that_cannot_be_scored_are_not(labels, scores):
    made = label_scores(on_a_line(0, 1, 3, 7), numbered(4), list(labels), "euclidean")
    assert (made.silhouette, made.accuracy) == scores
    equal = label_scores(torch.ones(4, 3), numbered(4), list("aabb"), "cosine")
    assert (equal.silhouette, equal.right) == (None, None)


def test_labels_that_tell_nothing_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="at least two different labels"):
        check_labels(numbered(4), ["a"] * 4)
    with pytest.raises(ValueError, match="No two different texts have the same label"):
        check_labels(numbered(4), list("abcd"))
    with pytest.raises(ValueError, match="No two different texts have the same label"):
        check_labels(["one", "one", "two"], list("aab"))
    check_labels(numbered(3), list("aab"))


def test_near_duplicates_are_told_apart():
    random = torch.Generator().manual_seed(0)
    # Twenty texts in groups of twelve near-duplicates: the nearest is found in float64, one difference at a time.
    groups = torch.randn(20, 1, 384, generator=random) + 1e-4 * torch.randn(20, 12, 384, generator=random)
    embeddings = groups.reshape(240, 384)
    labels = [str(i % 3) for i in range(240)]
    points = to_points(embeddings, "cosine").double()
    far = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(torch.inf)
    right = [labels[i] == labels[j] for i, j in enumerate(far.argmin(dim=1).tolist())]
    assert label_scores(embeddings, numbered(240), labels, "cosine").right.tolist() == right


def test_known_neighbours_change_nothing():
    embeddings, texts, labels = some_texts(60)
    near = nearest_neighbours(to_points(embeddings, "cosine"), 50, "cosine")
    one, two = (label_scores(embeddings, texts, labels, "cosine", known) for known in (None, near))
    assert one.right.tolist() == two.right.tolist()


def test_a_copy_of_a_text_is_no_other_text():
    assert distinct_rows(["one", "two", "one", "one"], ["a", "a", "a", "b"]) == [0, 1, 3]
    embeddings, texts, labels = some_texts(100)
    once = label_scores(embeddings, texts, labels, "cosine")
    near = nearest_neighbours(to_points(embeddings.repeat(5, 1), "cosine"), 50, "cosine")
    five_times = label_scores(embeddings.repeat(5, 1), texts * 5, labels * 5, "cosine", near)
    assert once.accuracy < 0.9
    assert five_times.right.tolist() == once.right.tolist()
    assert five_times.silhouette == pytest.approx(once.silhouette)


def test_a_hundred_texts_given_five_times_are_no_surer():
    embeddings, texts, labels = some_texts(100)
    scored = {"mean": label_scores(embeddings, texts, labels, "cosine")}
    scored["cls"] = label_scores(torch.ones(100, 8), texts, labels, "cosine")
    once = compare_labels(scored, texts, labels)
    assert list(once.scores) == ["mean"]
    assert compare_labels(scored, texts * 5, labels * 5).score("mean") == once.score("mean")
    score = once.score("mean")
    # two standard errors of a share of 100
    assert score.high - score.value == pytest.approx(1.96 * (score.value * (1 - score.value) / 100) ** 0.5, rel=0.1)


def test_a_text_with_two_labels_is_drawn_as_one():
    scored = {"mean": LabelScores(None, np.array([True, True, False, False]))}
    texts = ["one", "one", "two", "two"]
    # Two texts: both rows right, both rows wrong. Resamples have 0, 1/2 or 1, half of them 1/2.
    drawn = compare_labels(scored, texts, list("abab")).samples["mean"]
    assert sorted(set(drawn)) == [0, 0.5, 1]
    assert np.mean(drawn == 0.5) == pytest.approx(0.5, abs=0.05)


def test_the_bundled_topics_are_separated_by_mean_better_than_by_max(encoder):
    texts, labels = own_topics()
    assert len(texts) >= 240
    assert len(set(labels)) == 8
    made = embed(texts, encoder, ["mean", "max"])
    right = {name: label_scores(vectors, texts, labels, "cosine").accuracy for name, vectors in made.items()}
    assert right["mean"] == pytest.approx(0.93, abs=0.01)
    assert right["mean"] > 0.9 > right["max"]
