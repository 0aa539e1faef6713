"""Models from the Hub, by the real client, from a small hub on loopback."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import OrderedDict

import pytest
import torch

from pooling import hub, load_encoder
from pooling.catalogue import MODELS, add_model, all_models, downloaded_folder, missing, sha256_of
from pooling.encoders import loading
from pooling.hub import HubError
from tests.conftest import ROOT
from tests.loopback_hub import COMMIT, serving
from tests.tiny_models import write

NAME = "someone/tiny-bert"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write("bert", tmp_path_factory.mktemp("bert"), pooling="mean_tokens")


@pytest.fixture
def served(monkeypatch, tmp_path, checkpoint):
    """A hub with one good model, its folder free to be changed, and an empty cache."""
    monkeypatch.setenv("POOLING_ALLOW_ANY_MODEL", "1")
    monkeypatch.setattr("pooling.catalogue._added", {})
    monkeypatch.setattr("pooling.hub._downloads._by_key", OrderedDict())
    folder = tmp_path / "repository"
    shutil.copytree(checkpoint, folder)
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "modeling_evil.py").write_text("raise SystemExit")
    with serving(monkeypatch, tmp_path / "cache") as made:
        made.repositories[NAME] = folder
        yield made


@pytest.fixture
def entry(served):
    """The good model as an entry of the catalogue."""
    sha256 = sha256_of(served.repositories[NAME] / "model.safetensors")
    model = dataclasses.replace(
        MODELS[0], name=NAME, source="hub", commit=COMMIT, sha256=sha256, package="", layers=2, download=100_000
    )
    add_model(model)
    return model


def get(model):
    return hub.download(hub.look_up(model), loading.check_config)


def nothing_is_kept(model) -> bool:
    return missing(model) is not None and not list(downloaded_folder(model).parent.rglob("*.safetensors"))


def test_a_model_is_downloaded_checked_and_pools_as_it_did_at_home(served, entry, checkpoint):
    with pytest.raises(FileNotFoundError, match=r"not downloaded yet.*python -m pooling.download"):
        load_encoder(NAME)
    seen = []
    folder = hub.download(hub.look_up(entry), loading.check_config, seen.append)
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == [
        "1_Pooling/config.json",
        "config.json",
        "model.safetensors",
        "modules.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert sum(seen) == hub.look_up(entry).size
    loaded, at_home = load_encoder(NAME, device="cpu"), loading.read_encoder("x", checkpoint)
    assert (loaded.trained_pooling, loaded.normalises) == ("mean", True)
    assert torch.equal(loaded.encode(["A cat."]).hidden, at_home.encode(["A cat."]).hidden)
    served.shutdown()  # and from now on without a network
    assert load_encoder(NAME, device="cpu").layers == 2


@pytest.mark.slow
def test_an_interrupted_download_goes_on_where_it_broke_off(served, entry):
    served.cut["model.safetensors"] = [1000]
    assert (get(entry) / "model.safetensors").is_file()
    assert served.asked["model.safetensors"] == 2
    load_encoder(NAME, device="cpu")


def test_a_download_that_keeps_breaking_off_leaves_no_half_file_and_can_be_repeated(served, entry, monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    served.cut["model.safetensors"] = [0] * 20
    with pytest.raises(HubError, match=r"the connection broke|broke off"):
        get(entry)
    assert nothing_is_kept(entry)
    served.cut.clear()
    get(entry)
    assert served.asked["tokenizer.json"] == 1  # what had arrived whole is not fetched again
    load_encoder(NAME, device="cpu")


def test_a_file_that_is_listed_but_missing_is_named_as_such(served, entry):
    plan = hub.look_up(entry)
    (served.repositories[NAME] / "model.safetensors").unlink()
    with pytest.raises(HubError, match=f"A file of {NAME} is missing"):
        hub.download(plan, loading.check_config)
    assert nothing_is_kept(entry)


def test_weights_with_another_hash_than_the_catalogues_are_deleted_unused(served, entry):
    other = dataclasses.replace(entry, sha256="0" * 64)
    with pytest.raises(HubError, match=r"model.safetensors .* does not have the hash"):
        get(other)
    assert nothing_is_kept(other)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_file_with_another_hash_than_the_hub_says_is_deleted_unused(served, entry, file):
    plan = hub.look_up(dataclasses.replace(entry, sha256=""))
    path = served.repositories[NAME] / file
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    with pytest.raises(HubError, match=f"{file} .* does not have the hash"):
        hub.download(plan, loading.check_config)
    assert nothing_is_kept(entry)


def test_weights_that_change_after_the_download_are_not_used(served, entry):
    weights = get(entry) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="they are not used"):
        load_encoder(NAME)


def test_a_repository_with_pickled_weights_alone_is_refused(served, entry):
    (served.repositories[NAME] / "model.safetensors").unlink()
    with pytest.raises(HubError, match="no weights in safetensors"):
        get(entry)
    with pytest.raises(HubError, match="no weights in safetensors"):
        hub.look_up_any(NAME, loading.known_types())
    assert not served.asked


def change_config(served, file="config.json", **changes):
    path = served.repositories[NAME] / file
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


HOSTILE = {"auto_map": {"AutoModel": "modeling_evil.Evil"}}


@pytest.mark.parametrize(
    ("file", "changes", "said"),
    [
        ("config.json", HOSTILE, "run code of its own"),
        ("config.json", {"text_config": HOSTILE}, "run code of its own"),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["evil.Evil", None]}}, "run code of its own"),
        ("config.json", {"_attn_implementation": "someone/kernel"}, "run code of its own"),
        ("config.json", {"quantization_config": {"quant_method": "x"}}, "quantized"),
        ("config.json", {"hidden_size": 163_840, "intermediate_size": 163_840}, "of memory, and .* are free"),
        ("config.json", {"vocab_size": 10**9}, "of memory, and .* are free"),
        ("config.json", {"max_position_embeddings": 10**12}, "of memory, and .* are free"),
        ("config.json", {"num_hidden_layers": 10**9}, "1,000,000,000 layers"),
        ("config.json", {"num_hidden_layers": "many"}, "makes no sense"),
        ("config.json", {"model_type": "../evil"}, "makes no sense"),
    ],
)
def test_a_hostile_config_is_refused_before_any_weights_are_fetched(served, entry, file, changes, said):
    change_config(served, file, **changes)
    with pytest.raises(HubError, match=said):
        get(entry)
    assert served.asked["model.safetensors"] == 0
    assert nothing_is_kept(entry)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize("written", ["{", "[" * 100_000, '{"x": %s}' % ("9" * 5000), '{"x":' * 990 + "1" + "}" * 990])
def test_a_config_that_cannot_be_read_is_refused_in_a_sentence_of_ours(checkpoint, tmp_path, file, written):
    folder = shutil.copytree(checkpoint, tmp_path / "model")
    (folder / file).write_text(written)
    with pytest.raises(HubError, match=r"^The model's config makes no sense to transformers \(\w+\)\.$"):
        loading.check_config(folder)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"config": {"model_type": "bert"} | HOSTILE}, "run code of its own"),
        ({"tags": ["custom_code"]}, "run code of its own"),
        ({"config": {"model_type": "evil"}}, "of a type that cannot be pooled"),
        ({"config": None}, "of a type that cannot be pooled"),
        ({"safetensors": {"parameters": {"F32": 25 * 10**9}, "total": 25 * 10**9}}, "needs about 100.0 GB of memory"),
    ],
)
def test_another_model_is_refused_by_what_the_hub_says_and_nothing_is_downloaded(served, told, said):
    served.info[NAME] = told
    with pytest.raises(HubError, match=said):
        hub.look_up_any(NAME, loading.known_types())
    assert not served.asked


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../../etc", "bert", "a/b/c", "a/..", "./model", "a\\b", "http://x/y", "a/b.git", "a/b\n", ""],
)
def test_a_path_is_no_name_of_a_model(served, name):
    with pytest.raises(HubError, match="looks like owner/name"):
        hub.look_up_any(name, loading.known_types())


def test_another_model_needs_the_operators_leave(served, monkeypatch):
    monkeypatch.delenv("POOLING_ALLOW_ANY_MODEL")
    with pytest.raises(HubError, match="Only models of the catalogue"):
        hub.look_up_any(NAME, loading.known_types())


def test_another_model_is_pinned_to_the_commit_that_was_looked_at(served):
    plan = hub.look_up_any(NAME, loading.known_types())
    assert (plan.model.commit, plan.model.licence, plan.model.kind) == (COMMIT, "mit", "encoder")
    download = hub.start(
        plan.model,
        loading.check_config,
        done=lambda folder: add_model(loading.described(plan.model, folder)),
    )
    assert download.ended.wait(60)
    assert download.error is None
    assert download.done == download.size
    assert (all_models()[-1].layers, all_models()[-1].pooling) == (2, "mean")
    assert load_encoder(NAME, device="cpu").encode(["A cat."]).hidden.shape[2] == 32


def test_the_guide_says_how_to_look_up_a_models_commit_hash_and_size(served, capsys):
    code = re.search(r'python -c "(.+)"', (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))[1]
    exec(code.replace("owner/name", NAME), {})
    weights, said = served.repositories[NAME] / "model.safetensors", capsys.readouterr().out
    for told in (f"commit='{COMMIT}'", f"sha256='{sha256_of(weights)}'", f"download={weights.stat().st_size},"):
        assert told in said
    assert not served.asked


def test_a_licence_that_is_no_name_is_not_repeated(served):
    served.info[NAME] = {"cardData": {"license": "<b>mit</b>"}}
    assert hub.look_up_any(NAME, loading.known_types()).model.licence == "licence unknown"


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "GatedRepo", "accepting its terms"),
        (404, "RepoNotFound", "has no model"),
        (404, "RevisionNotFound", "no longer has the commit"),
        (500, "", r"an error \(500\)"),
    ],
)
def test_what_the_hub_refuses_is_said_in_one_sentence(served, entry, status, code, said):
    served.refuse[f"/api/models/{NAME}/revision/{COMMIT}"] = (status, code)
    with pytest.raises(HubError, match=said) as error:
        get(entry)
    assert str(error.value).count("\n") == 0


def test_no_network_is_said_in_one_sentence(served, entry):
    served.shutdown()
    served.server_close()
    with pytest.raises(HubError, match="The Hub cannot be reached"):
        get(entry)


def test_a_full_disk_is_said_before_anything_is_fetched(served, entry, monkeypatch):
    monkeypatch.setattr("pooling.hub.free_disk", lambda folder: 1_000_000)
    with pytest.raises(HubError, match=r"MB on disk, .* 1 MB are free"):
        get(entry)
    assert not served.asked


def test_a_disk_that_fills_up_on_the_way_is_said_and_leaves_no_half_model(served, entry, monkeypatch):
    really = hub.hf_hub_download

    def fill_up(name, file, **settings):
        if file == "model.safetensors":
            raise OSError(28, "No space left on device")
        return really(name, file, **settings)

    monkeypatch.setattr(hub, "hf_hub_download", fill_up)
    download = hub.start(entry, loading.check_config)
    assert download.ended.wait(60)
    assert download.why == f"The disk is full, so {NAME} was not downloaded."
    assert nothing_is_kept(entry)


@pytest.mark.slow
def test_a_hub_that_hangs_in_the_middle_is_given_up_and_the_download_can_be_repeated(served, entry, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 0.2)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    served.held["model.safetensors"] = threading.Event()
    download = hub.start(entry, loading.check_config)
    assert download.ended.wait(60)
    assert "the connection broke" in download.why
    assert nothing_is_kept(entry)
    served.held.pop("model.safetensors").set()
    again = hub.start(entry, loading.check_config)
    assert again.ended.wait(60)
    assert again.error is None
    assert load_encoder(NAME, device="cpu").layers == 2


@pytest.mark.parametrize("error", [RuntimeError("x"), MemoryError(), SystemExit()])
def test_a_download_that_goes_wrong_in_any_way_has_an_end(served, entry, error):
    def check(folder):
        raise error

    download = hub.start(entry, check)
    assert download.ended.wait(60)
    assert download.why == f"{NAME} could not be downloaded ({type(error).__name__})."
    assert nothing_is_kept(entry)


def test_too_little_memory_is_said_before_a_model_is_loaded(monkeypatch):
    monkeypatch.setattr("pooling.hub.free_memory", lambda: 50_000_000)
    with pytest.raises(HubError, match="needs about 91 MB of memory, and 50 MB are free"):
        load_encoder(MODELS[0].name)


def test_a_download_has_one_end_however_many_ask_for_it(served, entry):
    downloads = [hub.start(entry, loading.check_config) for _ in range(5)]
    assert all(download.ended.wait(60) for download in downloads)
    assert {id(download) for download in downloads} == {id(downloads[0])}
    assert served.asked["model.safetensors"] == 1


def test_the_command_takes_a_catalogue_model_at_its_commit_or_says_why_not(served, tmp_path):
    asked = "BAAI/bge-small-en-v1.5"
    run = subprocess.run(
        [sys.executable, "-m", "pooling.download", asked],
        cwd=ROOT,
        env=os.environ | {"HF_ENDPOINT": served.address, "POOLING_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 1
    assert run.stderr.strip().splitlines()[-1] == f"The Hub has no model {asked}, or it is private."
    assert "Traceback" not in run.stderr
