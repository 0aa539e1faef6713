"""The catalogue of models, and what its models score."""

import pytest
import torch

from pooling import embed, load_encoder
from pooling.datasets import read_stsb
from pooling.evaluation import distinct_texts, pair_cosines, spearman
from tests.conftest import STSB, needs_stsb

TWIN = "pooling-playground/all-MiniLM-L6-v2-causal"


@pytest.fixture(scope="module")
def twin():
    return load_encoder(TWIN, device="cpu")


@pytest.mark.parametrize("attention", [False, True], ids=["sdpa", "eager"])
def test_in_the_causal_twin_a_token_does_not_see_what_comes_after_it(twin, encoder, attention):
    texts = ["the cat sat on the mat", "the cat sat on the moon"]
    for model, sees in ((twin, False), (encoder, True)):
        one, other = model.encode(texts, attention=attention).hidden
        differ = (one - other).abs().amax(dim=1) > 0
        assert differ[6:].all()
        assert differ[:6].all() == sees
        assert differ[:6].any() == sees


def test_the_causal_twin_is_not_called_trained_for_any_pooling(twin):
    assert twin.trained_pooling is None
    assert not twin.normalises


@needs_stsb
def test_the_causal_twin_scores_what_is_known(twin):
    pairs = read_stsb(STSB, "test")
    texts = distinct_texts(pairs)
    known = {"mean": 69.60, "max": 72.61, "last_token": 75.60, "weighted_mean": 78.05}
    made = embed(texts, twin, list(known))
    scores = {name: 100 * spearman(pair_cosines(pairs, texts, vectors), pairs) for name, vectors in made.items()}
    assert scores == pytest.approx(known, abs=0.02)


def test_the_first_token_of_the_causal_twin_is_the_same_for_every_text(twin):
    cls = embed(["A guitar.", "It rains in Spain."], twin, ["cls"])["cls"]
    assert torch.equal(cls[0], cls[1])
