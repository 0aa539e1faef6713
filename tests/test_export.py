"""Files that a reader takes along: what is in them, and that they give the same embeddings again."""

import csv
import io
import json
import re
import shlex
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from sentence_transformers import SentenceTransformer

from pooling import embed, get_strategy, load_encoder
from pooling.after import fit_steps, load_step
from pooling.catalogue import DEFAULT, get_model, model_folder, sha256_of
from pooling.encoders.loading import read_encoder, trained_pooling
from pooling.export import FORMATS, embeddings, model_files, pack_embeddings, pack_model, ready, save_model
from pooling.recipe import Recipe
from pooling.types import NotComputable
from tests.tiny_models import write

CAUSAL = "pooling-playground/all-MiniLM-L6-v2-causal"
TEXTS = [
    "=1+1",
    "A cell, with a comma\tand a tab\nand a line.",
    '"quoted" 🎻',
    "A plain sentence that is a good deal longer.",
]
LABELS = ["@a", "b", "b", "a"]
RECIPE = Recipe(DEFAULT, "max", 4, "query: {}", after=("l2",))


def opened(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def vectors(encoder):
    return embeddings(RECIPE, encoder, TEXTS)


@pytest.fixture(scope="module")
def exported(encoder, vectors):
    """The files of each format."""
    return {kind: opened(pack_embeddings(kind, RECIPE, encoder, TEXTS, LABELS, vectors)) for kind in FORMATS}


def test_every_format_gives_every_number_back(exported, vectors):
    want = ready(vectors, RECIPE.after).numpy()
    assert np.linalg.norm(want, axis=1) == pytest.approx(1)
    rows = list(csv.reader(io.StringIO(exported["csv"]["embeddings.csv"].decode("utf-8-sig"))))
    assert rows[0] == ["text", "label", *map(str, range(384))]
    assert (np.array([row[2:] for row in rows[1:]], dtype=np.float32) == want).all()
    table = pq.read_table(io.BytesIO(exported["parquet"]["embeddings.parquet"]))
    assert table["text"].to_pylist() == TEXTS
    assert table["label"].to_pylist() == LABELS
    assert (np.array(table["embedding"].to_pylist(), dtype=np.float32) == want).all()
    assert (np.load(io.BytesIO(exported["npz"]["embeddings.npz"]))["embeddings"] == want).all()
    assert json.loads(exported["npz"]["texts.json"]) == {"texts": TEXTS, "labels": LABELS}
    assert (np.loadtxt(io.BytesIO(exported["projector"]["vectors.tsv"]), dtype=np.float32) == want).all()


def test_no_spreadsheet_runs_a_cell_and_the_projector_has_a_line_a_text(exported, encoder, vectors):
    rows = list(csv.reader(io.StringIO(exported["csv"]["embeddings.csv"].decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == ["'=1+1", *TEXTS[1:]]
    assert rows[1][1] == "'@a"
    lines = exported["projector"]["metadata.tsv"].decode().splitlines()
    assert lines[:3] == ["text\tlabel", "'=1+1\t'@a", "A cell, with a comma and a tab and a line.\tb"]
    plain = opened(pack_embeddings("projector", RECIPE, encoder, TEXTS, [], vectors))
    assert len(plain["metadata.tsv"].decode().splitlines()) == len(TEXTS)


def test_every_manifest_says_how_the_embeddings_were_made(exported, encoder):
    for files in exported.values():
        said = json.loads(files["manifest.json"])
        model = get_model(DEFAULT)
        assert (said["model"], said["commit"], said["weights_sha256"]) == (DEFAULT, model.commit, model.sha256)
        assert (said["layer"], said["strategy"], said["after"], said["template"]) == (4, "max", ["l2"], "query: {}")
        assert said["versions"].keys() == {"python", "torch", "transformers", "numpy"}
        assert said["texts"] == len(TEXTS)
        again = Recipe(
            **{key: said[key] for key in ("model", "strategy", "layer", "template")}, after=tuple(said["after"])
        )
        assert again == RECIPE
    inside = pq.read_schema(io.BytesIO(exported["parquet"]["embeddings.parquet"])).metadata[b"manifest"]
    assert json.loads(inside)["strategy"] == "max"


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(DEFAULT, "mean", 6, after=("l2",)),
        Recipe(DEFAULT, "max", 4),
        Recipe(DEFAULT, "weighted_mean", (1, 6), "query: {}", after=("l2",)),
        Recipe(DEFAULT, "last_token", 6),
        Recipe(DEFAULT, "cls", 0, "query: {}"),
        Recipe(DEFAULT, "mean_sqrt_len", 6),
        Recipe(CAUSAL, "weighted_mean", 6),
    ],
    ids=str,
)
def test_the_model_folder_is_loaded_by_sentence_transformers_and_agrees(recipe, tmp_path):
    encoder = load_encoder(recipe.model, device="cpu")
    with zipfile.ZipFile(io.BytesIO(pack_model(recipe, encoder))) as archive:
        archive.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    readme = (folder / "README.md").read_text(encoding="utf-8")
    command = shlex.split(re.search(r"^    (hf download .*)$", readme, re.MULTILINE)[1])
    model = get_model(DEFAULT)
    assert command == ["hf", "download", DEFAULT, "model.safetensors", "--revision", model.commit, "--local-dir", "."]
    assert "Apache-2.0" in readme
    # The command brings this very file: the package has it from there, and the hash is the catalogue's.
    shutil.copy(model_folder(model) / "model.safetensors", folder)
    assert sha256_of(folder / "model.safetensors") in readme
    theirs = SentenceTransformer(str(folder), device="cpu").encode(TEXTS, convert_to_tensor=True)
    torch.testing.assert_close(theirs, ready(embeddings(recipe, encoder, TEXTS), recipe.after), atol=1e-5, rtol=0)
    assert trained_pooling(folder) == recipe.strategy


@pytest.mark.parametrize("family", ["gpt2", "qwen3", "roberta"])
def test_a_folder_written_whole_works_for_other_families(family, tmp_path):
    name = "openai-community/gpt2"
    encoder = read_encoder(name, write(family, tmp_path / "from"))
    recipe = Recipe(name, "mean", 1, "query: {}")
    save_model(recipe, encoder, tmp_path / "to")
    theirs = SentenceTransformer(str(tmp_path / "to"), device="cpu").encode(TEXTS, convert_to_tensor=True)
    torch.testing.assert_close(theirs, embeddings(recipe, encoder, TEXTS), atol=1e-5, rtol=0)
    assert str(tmp_path) not in (tmp_path / "to" / "config.json").read_text()


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (Recipe(DEFAULT, "attention", 6), "no Attention \\(trained\\) pooling"),
        (Recipe(DEFAULT, "mean", 6, "{} in one word"), "before a text only"),
        (Recipe(DEFAULT, "mean", 6, "query: {}", False), "cannot leave out just the prompt's tokens"),
    ],
)
def test_what_sentence_transformers_cannot_do_is_no_folder(encoder, recipe, said):
    with pytest.raises(ValueError, match=said):
        model_files(recipe, encoder)


def test_a_manifest_names_the_parameters_whether_a_slider_moved_them_or_not(encoder):
    for params, said in (((), {"temperature": 1.0}), ((("temperature", 0.5),), {"temperature": 0.5})):
        recipe = Recipe(DEFAULT, "smooth_max", 6, params=params)
        files = opened(pack_embeddings("npz", recipe, encoder, TEXTS, [], embeddings(recipe, encoder, TEXTS)))
        manifest = json.loads(files["manifest.json"])
        assert manifest["params"] == said
        assert f"Smooth max, τ {said['temperature']:g} pooling of layer 6" in manifest["description"]
        found = np.load(io.BytesIO(files["embeddings.npz"]))["embeddings"]
        want = get_strategy("smooth_max", **said)(encoder.encode(TEXTS)).embedding
        assert found == pytest.approx(want.numpy(), abs=1e-6)


def test_the_head_stays_with_the_project_and_the_manifest_names_it(encoder):
    files = opened(pack_embeddings("npz", Recipe(DEFAULT, "attention", 6), encoder, ["A."], [], torch.zeros(1, 384)))
    assert json.loads(files["manifest.json"])["head"] == "all-MiniLM-L6-v2.layer6.safetensors"


def test_what_was_fitted_is_in_the_zip_file_and_gives_the_same_again(encoder, vectors, tmp_path):
    recipe = replace(RECIPE, after=("centre", "first:128", "int8"))
    steps = fit_steps(recipe.after, vectors)
    files = opened(pack_embeddings("npz", recipe, encoder, TEXTS, [], vectors, steps))
    said = json.loads(files["manifest.json"])
    assert said["after"] == ["centre", "first:128", "int8"]
    assert said["fitted"] == ["centre.safetensors", "int8.safetensors"]
    for name in said["fitted"]:
        (tmp_path / name).write_bytes(files[name])
    again = [load_step(tmp_path / "centre.safetensors"), "first:128", load_step(tmp_path / "int8.safetensors")]
    made = embed(TEXTS, encoder, "max", layer=4, template="query: {}", after=again)["max"].numpy()
    found = np.load(io.BytesIO(files["embeddings.npz"]))["embeddings"]
    assert found.dtype == made.dtype == np.int8
    assert np.abs(found.astype(int) - made).max() <= 1  # a number on the border of two codes may fall to either
    with pytest.raises(NotComputable, match="fit it on embeddings first"):
        pack_embeddings("npz", recipe, encoder, TEXTS, [], vectors)
