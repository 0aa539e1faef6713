"""The code a reader takes along gives the embeddings that the page shows."""

import dataclasses
import functools
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pooling import all_strategies, catalogue, get_strategy, load_encoder
from pooling.attention_heads import HEADS
from pooling.catalogue import DEFAULT, ONE_WORD, get_model, model_folder
from pooling.encoders import Encoder
from pooling.encoders.loading import read_encoder
from pooling.export import embeddings, ready
from pooling.recipe import Recipe
from pooling.snippets import (
    for_llama_cpp,
    for_pooling,
    for_sentence_transformers,
    for_tei,
    for_transformers,
    for_vllm,
    snippets,
)
from pooling.types import NotComputable
from tests.conftest import ROOT
from tests.tiny_models import write

CAUSAL = "pooling-playground/all-MiniLM-L6-v2-causal"
TEXTS = [
    "Rain 🎻.",
    'He said: "cost {x} and $5".',
    "A far longer sentence than the others, so that the batch is padded.",
]
HOSTILE = """'"; rm -rf / #\\ {}\n"$(id)`id` \u202e"""


@pytest.fixture(scope="module", autouse=True)
def loaded_once():
    """Models are read from disk once for the same arguments, however many snippets read them."""
    import transformers
    from sentence_transformers.sentence_transformer import modules

    from pooling.encoders import loading

    with pytest.MonkeyPatch.context() as patch:
        readers = [(transformers.AutoModel, "from_pretrained"), (transformers.AutoTokenizer, "from_pretrained")]
        for owner, name in (*readers, (modules, "Transformer"), (loading, "load_encoder")):
            real, kept = getattr(owner, name), {}

            def once(*args, real=real, kept=kept, **options):
                key = repr((args, sorted(options.items(), key=str)))
                if key not in kept:
                    kept[key] = real(*args, **options)
                return kept[key]

            patch.setattr(owner, name, once)
        yield


def run(code: str, folder: object = None) -> torch.Tensor:
    """What the code computes, its repository on the Hub replaced by the folder that holds the same files."""
    here = folder or weights_folder()
    lines = [f"name = {str(here)!r}" if line.startswith("name = ") else line for line in code.splitlines()]
    variables: dict = {}
    exec("\n".join(lines).replace('load_file("', f'load_file("{HEADS}/'), variables)
    return variables["embeddings"].cpu()


@functools.cache
def weights_folder() -> Path:
    return model_folder(get_model(DEFAULT))


@functools.cache
def expected(recipe: Recipe) -> torch.Tensor:
    return ready(embeddings(recipe, load_once(recipe.model), TEXTS), recipe.after)


@functools.cache
def load_once(model: str) -> Encoder:
    return load_encoder(model, device="cpu")


CASES = [
    (DEFAULT, 6, "{}", True, False),
    (DEFAULT, 4, "{}", True, True),
    (DEFAULT, 6, ONE_WORD, True, True),
    (DEFAULT, 4, ONE_WORD, False, False),
    (DEFAULT, (1, 6), "query: {}", True, False),
    (DEFAULT, 0, "{}", True, False),
    (CAUSAL, 6, "{}", True, True),
    (CAUSAL, 6, "{} {}", True, False),
    (CAUSAL, 4, "say {} again: {}.", True, True),
    (DEFAULT, 6, "say {} again: {}.", False, False),
]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "layer", "template", "pooled", "normalise"), CASES, ids=str)
def test_every_python_snippet_gives_the_pages_embeddings(model, layer, template, pooled, normalise):
    ran = 0
    moved = [get_strategy("smooth_max", temperature=0.2), get_strategy("attention", temperature=5.0)]
    for strategy in [*all_strategies(), *moved]:
        recipe = Recipe(model, strategy.name, layer, template, pooled, ("l2",) if normalise else (), strategy.settings)
        try:
            want = expected(recipe)
        except NotComputable:
            assert strategy.needs
            continue
        for make in (for_transformers, for_sentence_transformers, for_pooling):
            snippet = make(recipe, load_once(model), TEXTS)
            if not snippet.code:
                assert make is for_sentence_transformers
                assert strategy.sentence_transformers is None or not pooled or template.count("{}") == 2
                continue
            torch.testing.assert_close(run(snippet.code), want, atol=1e-5, rtol=0, msg=f"{snippet.tool}: {recipe}")
            ran += 1
    assert ran >= 12


@pytest.mark.slow
@pytest.mark.parametrize("family", ["gpt2", "llama", "qwen3", "roberta", "t5"])
@pytest.mark.parametrize("template", ["{}", "query: {}", "{} {}"])
def test_the_code_is_right_for_other_families(family, template, tmp_path, monkeypatch):
    name = f"someone/{family}"
    kind = "encoder" if family in ("roberta", "t5") else "decoder"
    entry = dataclasses.replace(get_model("openai-community/gpt2"), name=name, kind=kind, sha256=name)
    monkeypatch.setitem(catalogue._added, name, entry)
    encoder = read_encoder(name, write(family, tmp_path))
    for strategy, layer in (("mean", 2), ("last_token", 1), ("cls", (1, 2)), ("max", 2)):
        recipe = Recipe(name, strategy, layer, template)
        code = for_transformers(recipe, encoder, TEXTS).code
        torch.testing.assert_close(run(code, tmp_path), embeddings(recipe, encoder, TEXTS), atol=1e-5, rtol=0)


@pytest.mark.parametrize("strategy", ["mean", "cls_attention"])
def test_the_code_on_the_page_runs_by_itself(strategy):
    code = for_pooling(Recipe(DEFAULT, strategy, 6, after=("l2",))).code + "assert embeddings.shape == (2, 384)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


def test_code_is_pinned_and_runs_none_of_a_models_own():
    for strategy in all_strategies():
        for model in (DEFAULT, CAUSAL):
            for snippet in snippets(Recipe(model, strategy.name, 6), load_once(model)):
                assert "trust_remote_code=True" not in snippet.code
                assert "--trust-remote-code" not in snippet.code
                if snippet.code and snippet.tool not in ("pooling", "Corpus"):
                    assert get_model(DEFAULT).commit in snippet.code, snippet.tool


@pytest.mark.parametrize(
    ("strategy", "tei", "vllm", "llama_cpp"),
    [("mean", "mean", "MEAN", "mean"), ("cls", "cls", "CLS", "cls"), ("last_token", "last-token", "LAST", "last")],
)
def test_servers_are_told_their_own_names(strategy, tei, vllm, llama_cpp):
    recipe, encoder = Recipe(DEFAULT, strategy, 6, after=("l2",)), load_once(DEFAULT)
    assert f"--pooling {tei} " in for_tei(recipe, encoder).code
    pooler = shlex.split(for_vllm(recipe, encoder).code.splitlines()[0])[-1]
    assert json.loads(pooler) == {"pooling_type": vllm, "use_activation": True}
    assert f"--pooling {llama_cpp} --embd-normalize 2" in for_llama_cpp(recipe, encoder).code
    plain = dataclasses.replace(recipe, after=())
    assert '"normalize": false' in for_tei(plain, encoder).code
    assert "--embd-normalize -1" in for_llama_cpp(plain, encoder).code


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (Recipe(DEFAULT, "max", 6), "pools by cls, mean and last-token only, so it cannot do Max pooling"),
        (Recipe(DEFAULT, "mean", 4), "pools the last layer only, so it cannot pool layer 4"),
        (Recipe(DEFAULT, "mean", (1, 6)), "cannot pool layer 1+6"),
        (Recipe(DEFAULT, "mean", 6, "query: {}", False), "cannot leave them out"),
        (Recipe(DEFAULT, "attention", 6), "cannot do Attention (trained) pooling"),
        (Recipe(CAUSAL, "mean", 6), "cannot run an encoder under a causal mask"),
    ],
)
def test_a_server_that_cannot_says_why(recipe, said):
    snippet = for_tei(recipe, load_once(recipe.model))
    assert snippet.code == ""
    assert said in snippet.said
    assert for_vllm(recipe, load_once(recipe.model)).code == for_llama_cpp(recipe, load_once(recipe.model)).code == ""


@pytest.mark.parametrize("template", ["{} {}", "say {} again: {}."])
def test_the_code_cuts_both_copies_of_a_long_text_as_the_app_does(template):
    recipe, encoder = Recipe(CAUSAL, "mean", 6, template), load_once(CAUSAL)
    texts = ["A short one.", "Snow falls on the old harbour while the ferry waits. " * 30]
    want = embeddings(recipe, encoder, texts)
    torch.testing.assert_close(run(for_transformers(recipe, encoder, texts).code), want, atol=1e-5, rtol=0)


def test_the_last_token_of_a_text_said_twice_needs_no_copy_left_out():
    last, mean = (Recipe(DEFAULT, name, 6, "{} {}") for name in ("last_token", "mean"))
    encoder = load_once(DEFAULT)
    code = for_sentence_transformers(last, encoder, TEXTS).code
    torch.testing.assert_close(run(code), expected(last), atol=1e-5, rtol=0)
    for make in (for_tei, for_vllm, for_llama_cpp):
        said = json.loads(shlex.split(make(last, encoder, TEXTS).code)[-1])
        assert said.get("inputs", said.get("input"))[0] == "Rain 🎻. Rain 🎻."
        assert "loses the end of its second copy here; the app cuts both copies alike" in make(last, encoder).said or (
            make is for_llama_cpp
        )
        assert make(mean, encoder).code == ""
        assert "cannot leave out the first" in make(mean, encoder).said
    assert "cannot leave out the first" in for_sentence_transformers(mean, encoder).said


def test_servers_say_what_becomes_of_a_long_text():
    recipe, encoder = Recipe(DEFAULT, "mean", 6), load_once(DEFAULT)
    tei, vllm, llama_cpp = (make(recipe, encoder) for make in (for_tei, for_vllm, for_llama_cpp))
    assert "is cut at its end, unless it is started with --auto-truncate false" in tei.said
    assert "--max-batch-tokens" not in tei.code
    assert json.loads(shlex.split(vllm.code)[-1])["truncate_prompt_tokens"] == 256
    assert "is refused, unless the request cuts it: truncate_prompt_tokens keeps its first 256 tokens" in vllm.said
    assert "--ubatch-size 256" in llama_cpp.code
    assert "A text of more than 256 tokens, its --ubatch-size, is refused and never cut" in llama_cpp.said
    assert "raise --batch-size" not in llama_cpp.said


def test_servers_get_room_for_the_long_texts_of_a_model_that_takes_them(tmp_path, monkeypatch):
    name = "someone/qwen3"
    entry = dataclasses.replace(get_model("Qwen/Qwen3-Embedding-0.6B"), name=name)
    monkeypatch.setitem(catalogue._added, name, entry)
    encoder = read_encoder(name, write("qwen3", tmp_path))
    encoder.model.config.architectures = ["Qwen3ForCausalLM"]
    monkeypatch.setattr(encoder, "max_length", 32768)
    recipe = Recipe(name, "last_token", 2)
    assert "--max-batch-tokens 32768" in for_tei(recipe, encoder).code
    assert json.loads(shlex.split(for_vllm(recipe, encoder).code)[-1])["truncate_prompt_tokens"] == 32768
    assert "--ubatch-size 2048" in for_llama_cpp(recipe, encoder).code
    assert "room for 32,768: for longer texts raise --batch-size too" in for_llama_cpp(recipe, encoder).said


def test_a_prompt_after_the_text_is_said_to_be_lost_where_all_is_cut_at_the_end():
    recipe, encoder = Recipe(DEFAULT, "mean", 6, ONE_WORD), load_once(DEFAULT)
    for make in (for_transformers, for_sentence_transformers, for_tei, for_vllm):
        assert "A text beyond 256 tokens with its prompt loses the end of its prompt here" in make(recipe, encoder).said
        assert "loses" not in make(dataclasses.replace(recipe, template="query: {}"), encoder).said


def test_a_prompt_cannot_break_out_of_the_code():
    recipe, encoder = Recipe(DEFAULT, "mean", 6, HOSTILE), load_once(DEFAULT)
    torch.testing.assert_close(run(for_transformers(recipe, encoder, TEXTS).code), expected(recipe), atol=1e-5, rtol=0)
    for make in (for_tei, for_vllm, for_llama_cpp):
        code = make(recipe, encoder, TEXTS).code
        assert code.isascii()
        body = json.loads(shlex.split(code)[-1])
        wanted = [HOSTILE.replace("{}", text) for text in TEXTS]
        assert body.get("inputs", body.get("input")) == wanted
