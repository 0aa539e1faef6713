"""The Detective: vectors made by other libraries, and what it says of them."""

import base64
import io
import json
import os
import random
import re
import socket
import threading
import time
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from sentence_transformers import SentenceTransformer

from pooling.detect import detect
from pooling.detect.__main__ import main
from pooling.detect.files import read_file, read_typed, read_vectors
from pooling.detect.probes import PROBES
from pooling.detect.server import ask, ask_probes
from pooling.encoders.loading import read_encoder
from tests.other_people import FOLDER, vectors
from tests.test_after import with_dense
from tests.tiny_models import write

TEXTS = [
    "Rain",
    "Good morning",
    "The weather is lovely today.",
    "A man is eating a piece of bread near the old harbour.",
    "He drove to the stadium and waited until the gates were opened.",
    "THE MINISTER of Finance resigned on Tuesday",
    "What is the capital of Norway?",
    "The ferry leaves at seven, whatever the weather, and on Sundays a second one follows. " * 8,
]
SHORT = TEXTS[:6]
CASES = int(os.environ.get("POOLING_CASES", "3"))
"""How many of the thirty cases drawn by chance are tried: each takes some seconds."""


def found(texts, made, encoder, **settings):
    return detect(texts, made, encoder, **settings)


def best(findings) -> dict:
    """The first match, as the command writes it."""
    return findings.as_json()["matches"][0]


# What sentence-transformers makes.


@pytest.fixture(scope="module")
def theirs():
    return SentenceTransformer(str(FOLDER), device="cpu")


def test_the_models_own_pipeline_is_found_exactly_and_written_in_the_commands_form(encoder, theirs):
    findings = found(TEXTS, theirs.encode(TEXTS), encoder)
    said = findings.as_json()
    assert set(said) == {"verdict", "matches", "tried"}
    assert said["verdict"] == "exact"
    assert said["tried"] > 100
    assert said["matches"][0] == {
        "strategy": "mean",
        "params": {},
        "layer": 6,
        "template": "{}",
        "special_tokens": True,
        "max_length": None,
        "bug": None,
        "after": ["l2"],
        "cosine": {"median": 1.0, "worst": 1.0},
        "exact": True,
    }
    # Scaled to length 1, the mean and the sum over √n are one: a tie, and named as one.
    assert [match["strategy"] for match in said["matches"]] == ["mean", "mean_sqrt_len"]
    assert "embed one text of more than" in str(findings)
    json.dumps(said)


def test_a_tie_is_named_with_a_text_that_tells_it_apart(encoder):
    # Of one word between two special tokens, the own tokens' mean, the maximum of them and their last are one.
    findings = found(["Rain", "Snow"], vectors(["Rain", "Snow"], "own_tokens"), encoder)
    assert findings.verdict == "exact"
    assert {"own_tokens", "last_token"} <= {match.strategy for match in findings.matches}
    assert "to tell them apart, embed 'Good morning'" in str(findings)


# Thirty cases drawn by chance.


def draw(chance: random.Random) -> dict:
    """One combination of the axes."""
    one = {
        "pool": chance.choice(["mean", "cls", "max", "last_token", "weighted_mean", "mean_sqrt_len", "own_tokens"]),
        "layer": chance.choice([6, 6, 6, 5, 4, 3, 0, (1, 6)]),
        "template": chance.choice(["{}", "{}", "{}", "query: {}", "passage: {}", "search_document: {}"]),
        "max_length": chance.choice([256, 256, 128, 97, 64]),
        "steps": chance.choice([("l2",), ("l2",), (), ("first:128", "l2"), ("l2", "float16"), ("binary",)]),
    }
    kind = chance.choice(["right", "right", "right", "no special", "causal", "unmasked", "no end"])
    if kind == "no special" and one["pool"] != "own_tokens":
        one["special"] = False
    if kind == "causal":
        one |= {"causal": True}
    if kind == "unmasked" and one["pool"] == "mean":
        one |= {"pool": "unmasked_mean", "batch": len(TEXTS)}
    if kind == "no end" and one["max_length"] == 256:
        one["end"] = "off"
    if one["layer"] == 0 and one["pool"] in ("cls", "last_token"):
        one["layer"] = 6  # at layer 0 these hardly depend on the text
    return one


def names(case: dict, match: dict) -> bool:
    """Whether a match names what a case was made with."""
    bugs = {"unmasked_mean"} if case["pool"] == "unmasked_mean" else set()
    bugs |= {"causal_mask"} if case.get("causal") else set()
    bugs |= {"no_eos"} if case.get("end") else set()
    pool = "mean" if case["pool"] == "unmasked_mean" else case["pool"]
    return (
        match["strategy"] == pool
        and match["layer"] == ("first-last" if case["layer"] == (1, 6) else case["layer"])
        and match["template"] == case["template"]
        and match["max_length"] in (None, case["max_length"])
        and set((match["bug"] or "").split("+")) - {""} == bugs
        and tuple(match["after"]) == tuple(case["steps"])
        and match["exact"]
    )


@pytest.mark.slow
def test_of_thirty_cases_drawn_by_chance_twenty_nine_are_named_exactly(encoder):
    """Three of them here; POOLING_CASES=30 asks for all."""
    chance = random.Random(17)
    missed = []
    for _ in range(CASES):
        case = draw(chance)
        findings = found(TEXTS, vectors(TEXTS, **case), encoder)
        if not any(names(case, match) for match in findings.as_json()["matches"]):
            missed.append((case, str(findings)))
    assert len(missed) <= CASES // 30, missed


@pytest.mark.slow
def test_of_ten_made_by_another_model_or_with_noise_none_is_explained(encoder, tmp_path):
    chance = np.random.default_rng(17)
    right = vectors(SHORT)
    other = read_other_model(tmp_path)
    cases = [right + chance.normal(0, 0.01 * scale, right.shape) for scale in (1, 2, 3, 5)]
    cases += [chance.normal(size=right.shape) for _ in range(2)]
    cases += [right @ np.linalg.qr(chance.normal(size=(384, 384)))[0], right[:, chance.permutation(384)]]
    cases += [other, np.abs(right)]
    for made in cases if CASES >= 30 else cases[::5]:
        findings = found(SHORT, made, encoder)
        assert findings.verdict == "nothing", str(findings)
        assert "Nothing here explains them" in str(findings)


def read_other_model(folder) -> np.ndarray:
    """Vectors of the same dimensions from other weights."""
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    torch.manual_seed(0)
    model = AutoModel.from_config(AutoConfig.from_pretrained(FOLDER)).eval()
    tokens = AutoTokenizer.from_pretrained(FOLDER)(SHORT, padding=True, return_tensors="pt")
    with torch.no_grad():
        return model(**tokens).last_hidden_state[:, 0].numpy()


# Single axes, and real cases: each names the public thread where it happened.

REAL = {
    "https://github.com/martin-conur/quackformers/pull/83": (
        {"max_length": 128},
        {"strategy": "mean", "max_length": 128},
    ),
    # As in https://github.com/qdrant/fastembed/issues/368, mended by its pull request 436.
    "https://github.com/qdrant/fastembed/issues/384": ({"pool": "cls"}, {"strategy": "cls", "bug": None}),
    "https://github.com/ollama/ollama/issues/8094": ({"steps": ()}, {"after": [], "strategy": "mean"}),
    "https://github.com/HKUDS/LightRAG/pull/3675": (
        {"pool": "unmasked_mean", "batch": 8},
        {"strategy": "mean", "bug": "unmasked_mean"},
    ),
    "https://github.com/huggingface/sentence-transformers/issues/3208": (
        {"pool": "index_0", "batch": 8, "side": "left"},
        {"strategy": "cls", "bug": "cls_at_index_zero+positions_with_padding"},
    ),
    "https://github.com/opensearch-project/ml-commons/pull/4744": (
        {"pool": "last_by_count", "batch": 8, "side": "left"},
        {"strategy": "last_token", "bug": "last_by_count+positions_with_padding"},
    ),
    "a forgotten attention mask": (
        {"pool": "mean", "batch": 8, "masked": False},
        {"strategy": "mean", "bug": "attended_padding"},
    ),
    # The row of another token for that of CLS: issue 14848, mended there.
    "https://github.com/ggml-org/llama.cpp/pull/14927": (
        {"pool": "last_token"},
        {"strategy": "last_token", "bug": None},
    ),
    # A causal mask for full attention, which https://github.com/vllm-project/vllm/pull/14609 had to settle too.
    "https://github.com/huggingface/sentence-transformers/issues/3725": (
        {"causal": True},
        {"strategy": "mean", "bug": "causal_mask"},
    ),
    "padded to a fixed width, and pooled": (
        {"pool": "unmasked_mean", "width": 256},
        {"strategy": "mean", "bug": "unmasked_mean"},
    ),
    "cut at a fixed width, padded to it, and pooled": (
        {"pool": "unmasked_mean", "width": 128},
        {"strategy": "mean", "bug": "unmasked_mean", "max_length": 128},
    ),
    # An instruction added by the client.
    "https://github.com/huggingface/text-embeddings-inference/issues/230": (
        {"template": "Represent this sentence for searching relevant passages: {}"},
        {"template": "Represent this sentence for searching relevant passages: {}"},
    ),
    "codes whose ranges are the texts' own": ({"steps": ("l2", "int8")}, {"after": ["l2", "int8"]}),
    "bits": ({"steps": ("first:128", "binary")}, {"after": ["first:128", "binary"]}),
    "centred": ({"steps": ("centre",)}, {"after": ["centre"], "strategy": "mean"}),
    "rounded": ({"steps": ("l2", "bfloat16")}, {"after": ["l2", "bfloat16"]}),
    "cut first": ({"steps": ("l2", "first:64")}, {"after": ["l2", "first:64"]}),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", REAL)
def test_a_real_mistake_is_named(case, encoder):
    settings, wanted = REAL[case]
    findings = found(TEXTS, vectors(TEXTS, **settings), encoder)
    assert findings.verdict == "exact", str(findings)
    assert {key: best(findings)[key] for key in wanted} == wanted, str(findings)


MEAN_WHATEVER_THE_MODEL = {
    "https://github.com/jundot/omlx/pull/2594": ("bert", "cls_token", "cls"),
    "https://github.com/jundot/omlx/issues/1817": ("qwen3", "lasttoken", "last_token"),
    # embedding-atlas, `extractor(inputs, { pooling: "mean" })`.
    "https://github.com/apple/embedding-atlas/blob/v0.24.0/packages/viewer/src/inference/embedding.ts#L321": (
        "roberta",
        "cls_token",
        "cls",
    ),
}


@pytest.mark.parametrize("case", MEAN_WHATEVER_THE_MODEL)
def test_the_mean_of_a_model_that_was_trained_with_another_pooling_is_named(case, tmp_path):
    family, written, trained = MEAN_WHATEVER_THE_MODEL[case]
    folder = write(family, tmp_path, pooling=written)
    encoder = read_encoder(f"someone/{family}", folder)
    assert encoder.trained_pooling == trained
    texts = ["The cat sat on the mat.", "A dog is running.", "It's so sunny."]
    findings = found(texts, vectors(texts, folder=folder), encoder)
    assert findings.verdict == "exact"
    assert best(findings)["strategy"] == "mean"


def test_quantised_weights_are_near_and_never_exact_and_the_cosine_is_said_by_length(encoder):
    texts = [*SHORT[:5], "The ferry leaves at seven, whatever the weather. " * 4]
    findings = found(texts, vectors(texts, bits=5, template="query: {}"), encoder)
    assert findings.verdict == "near", str(findings)
    assert (best(findings)["strategy"], best(findings)["template"]) == ("mean", "query: {}")
    assert "No text is met exactly; it is near, as after quantisation, noise or another mistake" in str(findings)
    assert re.search(r" of texts up to 6 tokens, .* of texts up to 44 tokens\.", str(findings))


def test_a_server_that_reads_beyond_the_models_own_limit_is_said_to(encoder, theirs):
    # https://github.com/huggingface/text-embeddings-inference/issues/146
    long = "The ferry leaves at seven, whatever the weather, and on Sundays a second one follows. " * 17
    texts = [*SHORT[:4], long]
    findings = found(texts, vectors(texts, max_length=512), encoder)
    assert findings.verdict == "exact"
    assert "Texts are read beyond 256 tokens, the limit that the model's files name." in str(findings)
    assert best(found(texts, theirs.encode(texts), encoder))["max_length"] == 256


def test_dense_layers_that_a_server_skips_are_missed(tmp_path):
    # https://github.com/huggingface/text-embeddings-inference/pull/738
    folder, texts = with_dense(tmp_path, out=24), ["The cat sat on the mat.", "A dog is running.", "It's so sunny."]
    encoder = read_encoder("someone/bert", folder)
    whole = SentenceTransformer(str(folder), device="cpu")
    assert best(found(texts, whole.encode(texts), encoder))["after"] == ["dense", "l2"]
    skipped = SentenceTransformer(modules=[whole[0], whole[1], whole[3]], device="cpu")
    assert best(found(texts, skipped.encode(texts), encoder))["after"] == ["l2"]


def test_a_decoders_state_before_its_final_norm_and_a_missing_end_are_named(tmp_path):
    from transformers import AutoModel, AutoTokenizer

    # https://github.com/ggml-org/llama.cpp/issues/14234, https://github.com/vllm-project/vllm/issues/33167
    folder, texts = write("qwen3", tmp_path), ["The cat sat on the mat.", "A dog is running.", "It's so sunny."]
    encoder = read_encoder("someone/qwen3", folder)
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    kept = []
    model.norm.register_forward_pre_hook(lambda module, given: kept.append(given[0]))
    ends, before = [], []
    for text in texts:
        ids = tokenizer(text, return_tensors="pt").input_ids
        with torch.no_grad():
            ends.append(model(ids[:, :-1]).last_hidden_state[0, -1])
            model(ids)
        before.append(kept[-1][0, -1])
    findings = found(texts, torch.stack(before).numpy(), encoder)
    assert (best(findings)["strategy"], best(findings)["bug"]) == ("last_token", "before_final_norm")
    findings = found(texts, torch.stack(ends).numpy(), encoder)
    assert (best(findings)["strategy"], best(findings)["bug"]) == ("last_token", "no_eos")


def test_a_prompt_of_the_readers_own_is_tried_too(encoder):
    made = vectors(SHORT, template="Tell me, {}, please")
    assert found(SHORT, made, encoder, prompts_too=["Tell me, {}, please"]).matches[0].template == "Tell me, {}, please"


def test_smooth_maxs_temperature_is_found(encoder):
    states = encoder.encode(SHORT)
    scores = (states.hidden / 0.7).masked_fill(~states.mask[:, :, None], -torch.inf)
    made = (scores.softmax(dim=1) * states.hidden).sum(dim=1)
    match = best(found(SHORT, made.numpy(), encoder))
    assert match["strategy"] == "smooth_max"
    assert match["params"]["temperature"] == pytest.approx(0.7, rel=1e-3)


# What is odd about the vectors themselves.


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda v: v[:-1], "There are 6 texts and 5 vectors; give one vector a text."),
        (lambda v: np.where(np.arange(len(v))[:, None] == 2, np.nan, v), "Vector 3 holds NaN or infinity"),
        (
            lambda v: np.concatenate([v, v], axis=1),
            "have 768 dimensions, and this model's embeddings have 384",
        ),
        (lambda v: v * (np.arange(len(v))[:, None] != 1), "Vector 2 is zero throughout."),
        (lambda v: v[0], "The vectors must be one row of numbers a text."),
        (lambda v: np.array([["a"] * 384] * 6), "The vectors must be rows of numbers"),
    ],
)
def test_vectors_that_cannot_be_are_refused_in_a_sentence(spoil, said, encoder):
    with pytest.raises(ValueError, match=said):
        found(SHORT, spoil(vectors(SHORT)), encoder)


def test_vectors_in_another_order_are_said_to_be(encoder):
    findings = found(SHORT, vectors(SHORT)[[1, 0, 3, 2, 5, 4]], encoder)
    assert findings.verdict == "nothing"
    assert "not in the order of the texts: 6 of 6 vectors are another text's" in str(findings)


def test_one_vector_for_all_texts_is_said_to_be_and_the_museums_bug_is_named(encoder):
    findings = found(SHORT, np.tile(vectors(SHORT, steps=()).mean(axis=0), (6, 1)), encoder)
    assert "Every text has the same vector" in str(findings)
    assert findings.matches[0].bug == "pooled_twice"
    assert found(SHORT, np.tile(vectors(SHORT)[2], (6, 1)), encoder).verdict == "nothing"


def test_a_text_given_twice_with_two_vectors_is_named(encoder):
    texts = [*SHORT, SHORT[1]]
    made = np.concatenate([vectors(SHORT), vectors(SHORT[1:2]) + 0.02])
    findings = found(texts, made, encoder)
    assert "Texts 2 and 7 are the same and have different vectors" in str(findings)
    assert "6 of 7 texts are explained exactly; text 7 not" in str(findings)


# Files, and the command.


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The same texts and vectors in a file of each kind."""
    folder, made = tmp_path_factory.mktemp("files"), vectors(SHORT)
    rows = [{"text": text, "embedding": row.tolist()} for text, row in zip(SHORT, made, strict=True)]
    (folder / "lines.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = [["text", "embedding"], *([text, json.dumps(row.tolist())] for text, row in zip(SHORT, made, strict=True))]
    (folder / "json.csv").write_text("\n".join(",".join(_quoted(cell) for cell in line) for line in lines))
    wide = [["text", *map(str, range(384))], *([t, *map(repr, r.tolist())] for t, r in zip(SHORT, made, strict=True))]
    (folder / "wide.csv").write_text("\n".join(",".join(_quoted(cell) for cell in line) for line in wide))
    pq.write_table(pa.table({"text": SHORT, "embedding": made.tolist()}), folder / "table.parquet")
    np.savez(folder / "both.npz", texts=np.array(SHORT), embeddings=made)
    np.savez(folder / "alone.npz", embeddings=made)
    (folder / "alone.txt").write_text("\n".join(SHORT))
    data = [{"object": "embedding", "index": i, "embedding": row.tolist()} for i, row in enumerate(made)]
    (folder / "answer.json").write_text(json.dumps({"object": "list", "data": data[::-1], "input": SHORT}))
    return folder, made


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


@pytest.mark.parametrize(
    "name", ["lines.jsonl", "json.csv", "wide.csv", "table.parquet", "both.npz", "alone.npz", "answer.json"]
)
def test_a_file_of_each_kind_is_read(name, written):
    folder, made = written
    texts, read = read_file(folder / name)
    assert texts == SHORT
    assert np.allclose(read, made, atol=1e-7)


def test_an_id_is_no_dimension_and_one_object_is_a_text_with_its_vector():
    for data in (b"text,id1,d0,d1\na,7,1,2\n", b'{"sentence": "a", "embeddings": [1, 2]}\n'):
        texts, read = read_vectors(data, "it", list)
        assert (texts, read.tolist()) == (["a"], [[1, 2]])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"text": "a", "embedding": [1, 2]}\n{"text": "b"', "Line 2 of a.jsonl is not valid JSON."),
        ("a.jsonl", b'{"text": "a", "embedding": [1, 2]}\n{"text": "b", "embedding": [1]}', "Vector 2 has 1 numbers"),
        ("a.jsonl", b'{"text": "a", "embedding": [[1, 2]]}', "one list a token: the server does not pool"),
        ("a.jsonl", b'{"text": "a", "b": [1, 2]}', "There is no column of vectors; call it embedding."),
        ("a.jsonl", b'{"text": 3, "embedding": [1, 2]}', "Text 1 is no text."),
        ("a.csv", b"text,d0,d1\na,1\n", "Row 2 of a.csv has 2 cells where the header has 3."),
        ("a.csv", b'text,embedding\na,"[1, 2]"\nb,\n', "Row 3 of a.csv has no list of numbers in its column "),
        ("a.csv", b"text,d0,d1\na,1,x\n", "a.csv has a cell that is no number: "),
        ("a.bin", b"\xff\xfe\x00", "a.bin is none of these: JSON Lines, CSV, Parquet, NPZ"),
        (
            "a.json",
            b'{"data": [{"embedding": [1, 2]}]}',
            "a.json has no texts; put them beside it",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(name, content, said, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=said):
        read_file(tmp_path / name)


def packed(**arrays) -> bytes:
    """A NumPy archive, compressed."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def test_small_files_that_unpack_to_gigabytes_are_refused_in_a_sentence():
    zeros, table = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zeros, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("embeddings.npy", "w") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (1000, 10**7)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(2**20))
    column = pa.array([[0.0] * 10**6] * 5, pa.list_(pa.float32()))
    pq.write_table(pa.table({"text": ["a"] * 5, "embedding": column}), table, compression="zstd")
    for data in (zeros.getvalue(), table.getvalue()):
        assert len(data) < 2**20
        with pytest.raises(ValueError, match="cannot be read: it is damaged, or takes too much to unpack"):
            read_vectors(data, "a", list)
    with pytest.raises(ValueError, match="There are 1,001 texts; a few dozen are enough"):
        read_vectors(packed(texts=np.array(["a"] * 1001), embeddings=np.ones((1001, 2))), "a", list)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[" * 100_000, "Line 1 of it is not valid JSON."),
        (b'{"text": "a", "embedding": [1' + b"0" * 400 + b", 2]}", "too large for any number type"),
        (b'{"text": "\\ud800", "embedding": [1, 2]}', "Text 1 has half of a character"),
        (b'{"text": "a", "embedding": [true, false]}', "Vector 1 is no list of numbers."),
        (b'{"text": "a", "embedding": "no base64"}', "Vector 1 is no list of numbers."),
        (b"[]", "must have one JSON object a line"),
        (b"text,label\na,b\n", "There is no column of vectors"),
        (b"PK\x03\x04 no zip", "This NPZ file cannot be read"),
    ],
)
def test_hostile_bytes_are_refused_in_a_sentence(data, said):
    with pytest.raises(ValueError, match=said):
        read_vectors(data, "it", list)


def test_vectors_come_packed_as_openais_client_has_them_or_without_texts_or_typed():
    made = np.array([[0.5, -2.0], [1.5, 4.0]])
    data = [{"index": i, "embedding": base64.b64encode(row.astype("<f4")).decode()} for i, row in enumerate(made)]
    texts, read = read_vectors(json.dumps({"data": data}).encode(), "it", list)
    assert texts == []
    assert np.array_equal(read, made)
    for typed in ("[[0.5, -2], [1.5, 4]]", "[0.5, -2]\n[1.5, 4]\n", "0.5, -2\n1.5, 4", "0.5 -2e0\n\n1.5 4.0"):
        assert np.array_equal(read_typed(typed), made)
    with pytest.raises(ValueError, match=r"Vector 1 has '\.\.\.', which is no number; paste all numbers"):
        read_typed("0.5 ... 4")


def test_of_several_arrays_the_one_called_vectors_is_read():
    others = {"input_ids": np.ones((2, 4), int), "attention_mask": np.ones((2, 4), int)}
    texts, read = read_vectors(packed(**others, texts=np.array(["a", "b"]), embeddings=np.eye(2)), "it", list)
    assert (texts, read.tolist()) == (["a", "b"], [[1, 0], [0, 1]])


def test_a_line_ends_at_its_end_and_nowhere_within_a_text(tmp_path):
    line = '{"text": "a\u2028b\x85c", "embedding": [1, 2]}'
    texts, _ = read_vectors(f"{line}\r\n{line}\n".encode(), "it", list)
    assert texts == ["a\u2028b\x85c"] * 2
    (tmp_path / "a.txt").write_bytes("a\u2028b\r\nc\r\n".encode())
    np.savez(tmp_path / "a.npz", embeddings=np.eye(2))
    assert read_file(tmp_path / "a.npz")[0] == ["a\u2028b", "c"]
    assert read_typed("[1, 2]\r\n[3, 4]\r\n").tolist() == [[1, 2], [3, 4]]


def test_where_findings_cannot_be_written_is_said_before_anything_is_searched(written, tmp_path, monkeypatch):
    monkeypatch.setattr("pooling.detect.__main__.load_encoder", lambda name: pytest.fail("searched"))
    for out in (tmp_path / "no" / "x.json", tmp_path):
        said = main([str(written[0] / "lines.jsonl"), "--json", str(out)])
        assert said == f"{out} cannot be written: give a file in a folder that is there with --json."


def test_nothing_pickled_is_read(tmp_path):
    np.savez(tmp_path / "a.npz", texts=np.array(["a", None], dtype=object), embeddings=np.ones((2, 3)))
    with pytest.raises(ValueError, match="pickled objects, which are never read"):
        read_file(tmp_path / "a.npz")


def test_the_command_says_and_writes_what_it_found(written, tmp_path, capsys, encoder, monkeypatch):
    monkeypatch.setattr("pooling.detect.__main__.load_encoder", lambda name: encoder)
    folder, _ = written
    assert main([str(folder / "lines.jsonl"), "--json", str(tmp_path / "out.json")]) is None
    assert capsys.readouterr().out.startswith("Exact: Mean pooling of layer 6, then l2 (cosine 1.000000")
    assert json.loads((tmp_path / "out.json").read_text())["matches"][0]["after"] == ["l2"]
    assert main([str(folder / "nowhere.jsonl")]).endswith("nowhere.jsonl: No such file or directory")
    assert "does not hold {} once or twice" in main([str(folder / "lines.jsonl"), "--prompt", "hello"])


# A server on loopback.


class Served(BaseHTTPRequestHandler):
    """Answers as `server.reply` says, and keeps what it was asked."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, body, self.headers.get("Authorization")))
        status, answer = self.server.reply(body["input"])
        if answer is None:
            self.server.waiting.wait(5)
            return
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()
        self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def log_message(self, *args):
        pass


def reply(made) -> dict:
    return {"data": [{"index": i, "embedding": row} for i, row in enumerate(np.asarray(made).tolist())]}


@pytest.fixture
def served():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    server.asked, server.waiting = [], threading.Event()
    server.address = f"http://127.0.0.1:{server.server_port}/v1/embeddings"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.waiting.set()
    server.shutdown()
    server.server_close()


def numbers(texts) -> np.ndarray:
    return np.array([[len(text), 1.0 + text.count("a")] for text in texts])


def test_a_server_is_sent_the_probe_texts_and_its_key(served):
    served.reply = lambda texts: (200, reply(numbers(texts)))
    texts, made, said = ask_probes(served.address, "its-name", key="secret")
    assert (texts, said) == (list(PROBES), [])
    assert np.array_equal(made, numbers(PROBES))
    path, body, authorised = served.asked[0]
    assert (path, body["model"], body["input"], authorised) == ("/v1/embeddings", "its-name", texts, "Bearer secret")


def test_a_server_that_changes_its_mind_or_pools_padding_is_named(served):
    calls = iter(range(99))
    served.reply = lambda texts: (200, reply(numbers(texts) + next(calls)))
    assert ask_probes(served.address, "m")[2][0].startswith("The server is not deterministic: asked twice the same")
    served.reply = lambda texts: (200, reply(numbers(texts) + max(map(len, texts))))
    assert ask_probes(served.address, "m")[2][0].startswith("What stands beside a text changes it")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, b"no key"), r"wants a key: name a variable with --key-from \(status 401: 'no key'\)"),
        ((404, b""), "knows no such address or model"),
        ((500, b"oh"), "refuses .status 500: 'oh'"),
        ((302, b""), "sends elsewhere, which is not followed"),
        ((200, b"<html>"), "is no JSON; is this the address of /v1/embeddings"),
        ((200, {"object": "list"}), "holds no embeddings"),
        ((200, reply([[1.0, 2.0]])), "gave 1 vectors for 2 texts"),
        ((200, None), "did not answer within 0.5 seconds"),
    ],
)
def test_each_failure_of_a_server_is_one_sentence(served, answer, said):
    served.reply = lambda texts: answer
    with pytest.raises(ValueError, match=said) as raised:
        ask(served.address, "m", ["a", "b"], key="secret", seconds=0.5)
    assert "secret" not in str(raised.value)
    assert len(served.asked) == 1


@pytest.fixture
def raw():
    """The address of a server that writes some pieces, one every `pause` seconds, whatever it is asked."""
    listening = socket.create_server(("127.0.0.1", 0))

    def start(pieces: Iterable[bytes], pause: float = 0.0) -> str:
        def serve() -> None:
            with suppress(OSError):
                connection, _ = listening.accept()
                with connection:
                    asked = connection.makefile("rb")
                    headers = list(iter(asked.readline, b"\r\n"))
                    asked.read(int(next(line for line in headers if b"Length" in line).split()[1]))
                    for piece in pieces:
                        connection.sendall(piece)
                        time.sleep(pause)

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/v1/embeddings"

    yield start
    listening.close()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"220 mail.example ESMTP\r\n", r"What answers at 127\.0\.0\.1:\d+ is no web server \(BadStatusLine\)\."),
        (b"", "is no web server .RemoteDisconnected"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 101 + b"\r\n{}", "is no web server .HTTPException"),
        (b"HTTP/1.1 200 OK\r\na: " + b"b" * 70_000 + b"\r\n\r\n{}", "is no web server .LineTooLong"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}",
            r"The answer of 127\.0\.0\.1:\d+ broke off before its end",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "broke off before its end"),
        (b"HTTP/1.1 200 OK\r\n\r\n\xff\xfe\xfa", "is no JSON; is this the address"),
        (b"HTTP/1.1 200 OK\r\n\r\n[[" + b"1" * 5000 + b"]]", "is no JSON; is this the address"),
        (b"HTTP/1.1 403 No\r\n\r\nbad key secret", r"refuses \(status 403: 'bad key …'\)"),
    ],
)
def test_what_answers_as_no_server_should_is_one_sentence(raw, answer, said):
    with pytest.raises(ValueError, match=said) as raised:
        ask(raw([answer]), "m", ["a", "b"], key="secret", seconds=10.0)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("before", [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", b"HTTP/1.1 200 OK\r\na: "])
def test_a_server_that_drips_is_waited_for_no_longer_than_one_that_is_silent(raw, before):
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"did not answer within 0\.6 seconds"):
        ask(raw([before, *[b"1"] * 20], pause=0.2), "m", ["a"], seconds=0.6)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("key", ["sk-a\nb", "sk-a\rb", "sk-a\0", "sk-\u2028b", "sk-€", "sk-\udc80"])
def test_a_key_that_is_none_is_refused_unsaid(key):
    with pytest.raises(ValueError, match=r"^The key has a line's end or another character that no key has") as raised:
        ask("http://127.0.0.1:1/v1/embeddings", "m", ["a"], key=key)
    assert "sk-" not in str(raised.value)


def test_a_keys_blanks_are_left_out_and_letters_of_an_address_are_written_for_the_web(served):
    served.reply = lambda texts: (200, reply(numbers(texts)))
    ask(served.address.replace("/v1", "/é b") + "?q=ü", "m", ["a"], key=" secret\r\n")
    path, _, authorised = served.asked[0]
    assert (path, authorised) == ("/%C3%A9%20b/embeddings?q=%C3%BC", "Bearer secret")


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(seconds):
    with pytest.raises(ValueError, match="A request may take more than 0 seconds and at most 86,400"):
        ask("http://127.0.0.1:1", "m", ["a"], seconds=seconds)


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "localhost:8080", "http://", "http://a:b/", "http://a:99999", "http://[::1", "http://a b/"],
)
def test_an_address_that_is_none_is_said(address):
    with pytest.raises(
        ValueError, match=r"^The address must begin with http:// or https:// and name a host, and a port"
    ):
        ask(address, "m", ["a"])


def test_an_address_where_nobody_listens_is_said():
    with pytest.raises(ValueError, match=r"Nobody answers at \[::1\]:1 \("):
        ask("http://[::1]:1/v1/embeddings", "m", ["a"])
    with pytest.raises(ValueError, match=r"Nobody answers at a\.\.b:80 \("):
        ask("http://a..b", "m", ["a"])
    with pytest.raises(ValueError, match=r"Nobody answers at 127\.0\.0\.1:1 \(ConnectionRefusedError\)"):
        ask("http://127.0.0.1:1/v1/embeddings", "m", ["a"])
