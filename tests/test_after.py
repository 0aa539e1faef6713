"""What every step after pooling promises, whoever wrote it, and one example of each worked by hand."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sentence_transformers.sentence_transformer.modules import Dense
from sentence_transformers.util.quantization import quantize_embeddings

from pooling import embed
from pooling.after import (
    all_steps,
    chosen_steps,
    computable,
    fit_steps,
    for_direction,
    get_step,
    in_words,
    load_step,
    run_steps,
    save_step,
    values_after,
)
from pooling.after.dense import own_steps
from pooling.catalogue import DEFAULT
from pooling.encoders.loading import read_encoder
from pooling.evaluation import distinct_texts, pair_cosines, spearman
from pooling.export import manifest
from pooling.recipe import Recipe
from pooling.sizes import Way
from pooling.snippets import for_pooling, for_sentence_transformers, for_tei, for_transformers
from pooling.stsb import read_stsb
from pooling.types import NotComputable
from tests.conftest import STSB, needs_stsb
from tests.tiny_models import write

CORPUS = torch.randn(40, 12, generator=torch.Generator().manual_seed(0)) * torch.linspace(3, 0.5, 12) + 0.3
SOME = CORPUS[:5] * 0.9
LAYER = {"weight": CORPUS[:7] / 5, "bias": CORPUS[0, :7], "activation": torch.nn.Tanh()}


def ready(step):
    """A step with a number and with numbers of its own, where it needs them."""
    step = get_step(f"{step.name}:7") if step.counts else step
    return dataclasses.replace(step, fitted=LAYER) if step.fits == "model" else step.fit(CORPUS)


EVERY = pytest.mark.parametrize("step", [ready(step) for step in all_steps()], ids=lambda step: step.name)


def close(one, other, tolerance=1e-6):
    torch.testing.assert_close(one, other, atol=tolerance, rtol=0)


def test_the_steps_are_found_by_themselves_and_written_as_everywhere():
    names = ["dense", "centre", "whiten", "pca:7", "first:7", "random:7", "l2", "float16", "bfloat16", "int8", "binary"]
    assert [ready(step).written for step in all_steps()] == names
    assert [get_step(name).written for name in names] == names


@EVERY
def test_a_step_says_what_it_is(step):
    for said in (step.label, step.summary, step.formula, step.watch_out, step.torch):
        assert said.strip()
    assert step.source.startswith("https://")
    assert step.undo.startswith(("Yes", "No"))
    assert step.watch_out.endswith(".")


@EVERY
def test_a_text_is_one_row_whatever_stands_beside_it_and_the_argument_stays(step):
    before = SOME.clone()
    whole = step(SOME)
    assert len(whole) == len(SOME)
    assert whole.dtype == {"float16": torch.float16, "bfloat16": torch.bfloat16}.get(
        step.name, torch.int8 if step.name in ("int8", "binary") else torch.float32
    )
    for row in range(len(SOME)):
        close(step(SOME[row : row + 1]).float(), whole[row : row + 1].float(), 1e-5)
    close(step(SOME.flip(0)).flip(0).float(), whole.float(), 1e-5)
    assert torch.equal(SOME, before)


@EVERY
def test_what_it_stands_for_are_numbers_to_compare(step):
    values = step.values(step(SOME))
    assert values.dtype == torch.float32
    assert values.isfinite().all()


@EVERY
@pytest.mark.parametrize("tool", ["torch", "sentence_transformers"])
def test_its_code_gives_what_it_gives(step, tool):
    code = getattr(step, tool)
    if code is None:
        assert step.name in ("float16", "bfloat16", "random")
        return
    names = {"torch": torch, "embeddings": SOME.clone(), "count": step.count, "fitted": step.fitted}
    exec(code, names)
    made = torch.as_tensor(names["embeddings"])
    assert made.dtype == step(SOME).dtype
    close(made.float().detach(), step(SOME).float(), 1e-5)


@EVERY
def test_what_was_fitted_is_saved_and_read_again(step, tmp_path):
    if step.fits == "model":
        return  # its numbers are the model's
    save_step(step, tmp_path / "step.safetensors")
    again = load_step(tmp_path / "step.safetensors")
    assert again.written == step.written
    assert torch.equal(again(SOME), step(SOME))


def test_by_hand_l2():
    close(get_step("l2")(torch.tensor([[3.0, -4.0]])), torch.tensor([[0.6, -0.8]]))


def test_by_hand_first():
    close(get_step("first:2")(torch.tensor([[3.0, -4.0, 5.0]])), torch.tensor([[3.0, -4.0]]))


def test_by_hand_dense():
    numbers = {"weight": torch.tensor([[1.0, 2.0]]), "bias": torch.tensor([0.5]), "activation": torch.nn.ReLU()}
    dense = dataclasses.replace(get_step("dense"), fitted=numbers)
    close(dense(torch.tensor([[3.0, -1.0], [-3.0, 1.0]])), torch.tensor([[1.5], [0.0]]))


def test_by_hand_centre():
    centre = get_step("centre").fit(torch.tensor([[1.0, 0.0], [3.0, 4.0]]))
    close(centre(torch.tensor([[2.0, 5.0]])), torch.tensor([[0.0, 3.0]]))


def test_by_hand_whiten():
    # Mean (1, 0); variance 16 · 2 / 3 along the first axis, 4 · 2 / 3 along the second.
    corpus = torch.tensor([[5.0, 0.0], [-3.0, 0.0], [1.0, 2.0], [1.0, -2.0]])
    made = get_step("whiten").fit(corpus)(torch.tensor([[5.0, 2.0]]))
    close(made.abs(), torch.tensor([[4 / math.sqrt(32 / 3), 2 / math.sqrt(8 / 3)]]))


def test_by_hand_pca():
    # Mean (1, 0), and most of the variance along the first axis: (5, 2) is 4 from the mean there, 2 along the second.
    corpus = torch.tensor([[5.0, 0.0], [-3.0, 0.0], [1.0, 2.0], [1.0, -2.0]])
    for count, made in ((1, [[4.0]]), (2, [[4.0, 2.0]])):
        close(get_step(f"pca:{count}").fit(corpus)(torch.tensor([[5.0, 2.0]])), torch.tensor(made))


def test_pca_and_random_projection_are_scikit_learns():
    from sklearn.decomposition import PCA
    from sklearn.random_projection import GaussianRandomProjection

    theirs = PCA(7).fit(CORPUS.numpy()).transform(SOME.numpy())
    close(ready(get_step("pca:7"))(SOME).abs(), torch.from_numpy(theirs).abs(), 1e-4)  # an axis may point either way
    theirs = GaussianRandomProjection(7, random_state=0).fit(CORPUS.numpy()).transform(SOME.numpy())
    close(get_step("random:7")(SOME), torch.from_numpy(theirs).float(), 1e-5)


def test_by_hand_random():
    # NumPy's legacy stream of the seed 0 never changes: 1.7640523, 0.4001572, 0.9787380.
    close(get_step("random:1")(torch.tensor([[1.0, 2.0, -1.0]])), torch.tensor([[1.7640523 + 0.8003144 - 0.9787380]]))


def test_by_hand_float16_and_bfloat16():
    # 1 + 1/2048 lies between two neighbours in float16, 1 + 1/256 in bfloat16: both go to the even one.
    numbers = torch.tensor([[1 + 2**-11, 1 + 2**-8, 70000.0]])
    assert get_step("float16")(numbers).tolist() == [[1.0, 1 + 2**-8, math.inf]]
    assert get_step("bfloat16")(numbers).tolist() == [[1.0, 1.0, 70144.0]]


def test_by_hand_int8():
    # One code is 510 / 255 = 2 wide in the first dimension; the second never changes, and one is 1 wide.
    int8 = get_step("int8").fit(torch.tensor([[-255.0, 0.5], [255.0, 0.5]]))
    made = int8(torch.tensor([[-255.0, 0.5], [0.0, 0.5], [255.0, 0.5], [999.0, -9.0]]))
    assert made.tolist() == [[-128, -128], [-1, -128], [127, -128], [127, -128]]
    assert int8.values(made)[:3, 0].tolist() == [-254.0, 0.0, 256.0]


def test_by_hand_binary():
    numbers = torch.tensor([[1.0, -1.0, 0.0, 2.0, -3.0, 0.1, -0.1, 5.0]])  # bits 1001 0101: 149, less 128
    assert get_step("binary")(numbers).tolist() == [[21]]
    assert get_step("binary").values(get_step("binary")(numbers)).tolist() == [[1, -1, -1, 1, -1, 1, -1, 1]]
    assert get_step("binary")(numbers[:, :4]).tolist() == [[0b10010000 - 128]]


@pytest.mark.parametrize("precision", ["int8", "binary"])
def test_codes_are_those_of_sentence_transformers(precision):
    for dim in (12, 8):
        step = get_step(precision).fit(CORPUS[:, :dim])
        theirs = quantize_embeddings(SOME[:, :dim].numpy(), precision, calibration_embeddings=CORPUS[:, :dim].numpy())
        assert np.array_equal(step(SOME[:, :dim]).numpy(), theirs)


def test_whitening_gives_variance_one_the_widest_direction_first_and_nothing_where_nothing_changes():
    flat = torch.cat([CORPUS, CORPUS[:, :1]], dim=1)  # thirteen dimensions, twelve directions
    made = get_step("whiten").fit(flat)(flat)
    close(made.T.cov(), torch.diag(torch.tensor([1.0] * 12 + [0.0])), 1e-3)
    axes = get_step("whiten").fit(flat).fitted["axes"]
    assert (axes[:, :12].norm(dim=0).diff() > 0).all()  # the narrower a direction, the more it is stretched


@pytest.mark.parametrize(
    ("written", "error", "said"),
    [
        ("whitten", KeyError, "after pooling. Did you mean 'whiten'?"),
        ("zzzz", KeyError, "There are: dense, centre, whiten, pca, first, random, l2, float16"),
        ("first", ValueError, "needs a number of dimensions, such as first:128, and has ''"),
        ("first:0", ValueError, "has '0'"),
        ("first:x", ValueError, "has 'x'"),
        ("l2:3", ValueError, "The step l2 has no number, so 'l2:3' is none; write l2."),
    ],
)
def test_what_is_no_step_is_said(written, error, said):
    with pytest.raises(error, match=said.replace("(", r"\(")):
        get_step(written)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (lambda: get_step("whiten")(SOME), "Whiten has no numbers of its own yet; fit it on embeddings first"),
        (lambda: get_step("dense")(SOME), "a model's own files have its weights"),
        (lambda: get_step("first:13")(SOME), "There are 12 dimensions, so the first 13 cannot be taken"),
        (lambda: get_step("random:13")(SOME), "There are 12 dimensions, so 13 random ones would add nothing"),
        (lambda: get_step("pca:5").fit(SOME)(SOME), "PCA was fitted to 4 directions, so 5 cannot be taken"),
        (lambda: fit_steps(["pca:1"], SOME[:1]), "PCA needs two embeddings at least, and 1 were given"),
        (lambda: ready(get_step("dense"))(SOME[:, :4]), "The Dense layer takes 12 dimensions, not 4"),
        (lambda: chosen_steps(["dense"]), "The model's files name no further Dense layer"),
    ],
)
def test_what_cannot_be_done_is_said(run, said):
    with pytest.raises(NotComputable, match=said):
        run()


def test_too_few_embeddings_cannot_be_whitened():
    said = "Whitening 12 dimensions needs more than 12 embeddings, and 5 were given"
    with pytest.raises(ValueError, match=said):
        get_step("whiten").fit(SOME)
    with pytest.raises(NotComputable, match=said):
        fit_steps(["centre", "whiten"], SOME)
    taken, lacking = computable(["dense", "centre", "whiten", "first:99", "l2"], len(SOME), 12)
    assert taken == ("centre", "l2")
    assert [lacking.keys(), said in lacking["whiten"]] == [{"dense", "whiten", "first:99"}, True]
    assert computable(["centre", "whiten"], 13, 12) == (("centre", "whiten"), {})


def test_each_step_is_fitted_on_what_those_before_it_make_of_the_corpus():
    # (0, 0) and (4, 2) less their mean are (-2, -1) and (2, 1): that is the range of the first dimension then.
    centre, first, int8 = fit_steps(["centre", "first:1", "int8"], torch.tensor([[0.0, 0.0], [4.0, 2.0]]))
    assert centre.fitted["mean"].tolist() == [2, 1]
    assert (first.count, int8.fitted["low"].tolist(), int8.fitted["high"].tolist()) == (1, [-2], [2])
    again = get_step("centre").fit(SOME)
    assert fit_steps([again], CORPUS)[0] is again


def test_what_a_mean_leaves_of_an_embedding_is_zero_where_it_is_rounding_alone():
    embeddings = torch.tensor([[1.0, 5.0], [3.0, 5.0], [2.0, 5.00001]])
    centre = get_step("centre").fit(torch.tensor([[2.0, 5.0]]))
    assert values_after(embeddings, [centre]).tolist() == [[-1, 0], [1, 0], [0, 0]]
    same = torch.full((20, 3), 0.1) + torch.rand(20, 3, generator=torch.Generator().manual_seed(0)) * 1e-7
    assert not values_after(same, fit_steps(["whiten"], same)).any()  # nothing is stretched that is no difference
    assert values_after(embeddings, []) is embeddings


@EVERY
def test_what_each_token_adds_adds_up_to_what_the_step_makes_or_is_no_sum(step):
    shares = torch.tensor([[0.5], [0.3], [0.2]]).double()
    tokens = SOME[:3].double() * shares
    whole = values_after(tokens.sum(dim=0, keepdim=True).float(), [step])[0]
    if step.name in ("centre", "whiten", "pca", "first", "random", "l2"):
        close(step.parts(tokens, shares).sum(dim=0).float(), whole, 1e-5)
        return
    with pytest.raises(NotComputable, match=f"After {step.title} an embedding is in general no sum over its tokens"):
        step.parts(tokens, shares)


def test_which_steps_are_number_types_and_what_is_said_of_several():
    assert [one.name for one in all_steps() if one.stores] == ["float16", "bfloat16", "int8", "binary"]
    assert in_words(map(get_step, ("centre", "first:128", "l2"))) == "Centre → First 128 dimensions → L2-normalise"
    assert for_direction(("first:8", "l2")) == ("first:8",)
    assert for_direction(("l2", "int8")) == ("l2", "int8")


def with_dense(folder, *, activation="torch.nn.modules.activation.Tanh", weights="model.safetensors", out=8, **more):
    """A tiny model that has a Dense layer between pooling and scaling."""
    write("bert", folder, pooling="mean_tokens")
    kinds = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Dense", "2_Dense"), ("Normalize", "3_Normalize")]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True})
    )
    (folder / "2_Dense").mkdir()
    config = {"in_features": 32, "out_features": out, "bias": True, "activation_function": activation}
    (folder / "2_Dense" / "config.json").write_text(json.dumps(config | more))
    torch.manual_seed(1)
    layer = Dense(32, out)
    save_file({k: v.detach() for k, v in layer.state_dict().items()}, folder / "2_Dense" / weights)
    return folder


def test_a_models_own_steps_give_what_sentence_transformers_gives(tmp_path):
    from sentence_transformers import SentenceTransformer

    folder, texts = with_dense(tmp_path), ["The cat sat on the mat.", "A dog."]
    encoder = read_encoder("someone/bert", folder)
    assert [step.written for step in encoder.after] == ["dense", "l2"]
    assert encoder.normalises
    made = embed(texts, encoder, "mean", after=["dense", "l2"])["mean"]
    theirs = SentenceTransformer(str(folder), device="cpu").encode(texts, convert_to_tensor=True)
    assert made.shape == (2, 8)
    close(made, theirs, 1e-5)
    assert not torch.allclose(embed(texts, encoder, "mean", after=["l2"])["mean"][:, :8], theirs, atol=0.05)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"weights": "pytorch_model.bin"}, "is not here in safetensors"),
        ({"activation": "someone.else.Evil"}, "does more than is known here"),
        ({"activation": "torch.nn.modules.activation.Threshold"}, "does more than is known here"),
        ({"use_residual": True}, "does more than is known here"),
    ],
)
def test_a_dense_layer_that_cannot_be_read_is_named_and_says_so_when_it_is_used(settings, said, tmp_path):
    encoder = read_encoder("someone/bert", with_dense(tmp_path, **settings))
    assert [step.written for step in encoder.after] == ["dense", "l2"]
    assert embed(["A dog."], encoder, "mean")["mean"].shape == (1, 32)
    with pytest.raises(NotComputable, match=said):
        embed(["A dog."], encoder, "mean", after=["dense"])


def test_a_dense_layers_path_cannot_leave_the_models_folder(tmp_path):
    folder = with_dense(tmp_path / "model")
    (folder / "2_Dense").rename(tmp_path / "elsewhere")
    text = (folder / "modules.json").read_text().replace("2_Dense", "../elsewhere")
    (folder / "modules.json").write_text(text)
    assert own_steps(folder)[0].fitted["weight"] is None


def test_embed_takes_the_steps_in_order_and_the_last_one_says_the_type(encoder):
    texts = ["A first text.", "A second one, which is longer."]
    mean = embed(texts, encoder, "mean")["mean"]
    cut = torch.nn.functional.normalize(mean[:, :128], dim=1)
    close(embed(texts, encoder, "mean", after=["first:128", "l2"])["mean"], cut)
    assert embed(texts, encoder, "mean", after=["l2", "first:128"])["mean"].norm(dim=1).max() < 0.9
    codes = embed(texts, encoder, ["mean", "cls"], after=["l2", "binary"])
    assert [(one.dtype, tuple(one.shape)) for one in codes.values()] == [(torch.int8, (2, 48))] * 2
    close(embed(texts, encoder, "mean", after=[get_step("centre").fit(mean)])["mean"].mean(dim=0), torch.zeros(384))
    close(embed(texts, encoder, "mean", after=["first:128"], normalize_embeddings=True)["mean"], cut)


def test_steps_after_a_step_that_makes_codes_go_on_in_float32():
    made = run_steps(SOME, [get_step("float16"), get_step("l2")])
    assert made.dtype == torch.float32


def test_a_recipe_names_its_steps_in_words_and_in_the_manifest(encoder):
    recipe = Recipe(DEFAULT, "mean", 6, after=("first:128", "l2"))
    assert str(recipe) == "Mean pooling of layer 6 of all-MiniLM-L6-v2, then first:128 → l2"
    assert str(dataclasses.replace(recipe, after=("l2",))).endswith("all-MiniLM-L6-v2, L2-normalised")
    assert manifest(recipe, encoder)["after"] == ("first:128", "l2")
    assert not recipe.normalise
    assert Recipe(DEFAULT, "mean", 6, after=("l2",)).normalise


def run(code: str, folder) -> torch.Tensor:
    lines = [f"name = {str(folder)!r}" if line.startswith("name = ") else line for line in code.splitlines()]
    names: dict = {}
    exec("\n".join(lines), names)
    return torch.as_tensor(names["embeddings"])


@pytest.mark.parametrize(
    "after", [("first:128", "l2"), ("l2", "float16"), ("centre", "binary"), ("l2", "int8")], ids=str
)
def test_the_code_of_a_recipe_with_steps_gives_its_embeddings(after, encoder, tmp_path, monkeypatch):
    from pooling.catalogue import get_model, model_folder

    monkeypatch.chdir(tmp_path)
    texts = ["A first text.", "A second one, which is longer.", "A third."]
    vectors = embed(texts, encoder, "mean", after=["l2"])["mean"]
    fitted = [get_step(one) if get_step(one).fits is None else get_step(one).fit(vectors) for one in after]
    for step in fitted:
        if step.fits:
            save_step(step, tmp_path / f"{step.name}.safetensors")
    want = embed(texts, encoder, "mean", after=fitted)["mean"]
    recipe = Recipe(DEFAULT, "mean", 6, after=after)
    for make in (for_transformers, for_sentence_transformers, for_pooling):
        made = run(make(recipe, encoder, texts).code, model_folder(get_model(DEFAULT)))
        # A number that lies on the border of two codes may fall to either.
        apart = (made.float() - want.float()).abs()
        assert made.dtype == want.dtype
        assert apart.max() <= (1 if after[-1] == "int8" else 1e-3), make
    assert "alone, not for " + " → ".join(after) in for_tei(recipe, encoder).said


def test_the_code_with_own_weights_takes_the_steps_too(encoder):
    from pooling.catalogue import get_model, model_folder

    recipe = Recipe(DEFAULT, "mean", 6, after=("first:8", "l2"), own=(0.0, 1.0, 3.0, 0.0))
    want = torch.nn.functional.normalize(recipe.pooling(encoder.encode(["Two words"])).embedding[:, :8], dim=1)
    for make in (for_transformers, for_pooling):
        close(run(make(recipe, encoder, ["Two words"]).code, model_folder(get_model(DEFAULT))), want, 1e-5)


def test_the_code_reads_a_models_dense_layer_from_its_repository(tmp_path, monkeypatch):
    from pooling import catalogue

    name = "someone/bert"
    entry = dataclasses.replace(catalogue.get_model("thenlper/gte-small"), name=name)
    monkeypatch.setitem(catalogue._added, name, entry)
    encoder = read_encoder(name, with_dense(tmp_path))
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda repo, file, revision: tmp_path / file)
    texts = ["The cat sat.", "A dog is running in the park."]
    for after in (("dense", "l2"), ("dense",)):
        recipe = Recipe(name, "mean", 2, after=after)
        want = embed(texts, encoder, "mean", after=after)["mean"]
        for make in (for_transformers, for_sentence_transformers):
            close(run(make(recipe, encoder, texts).code, tmp_path).detach(), want, 1e-5)


@needs_stsb
def test_after_pooling_the_benchmark_says_what_each_step_costs(encoder, benchmark):
    pairs = read_stsb(STSB, "test")
    texts = distinct_texts(pairs)
    mean = benchmark.vectors[6, "mean"]
    others = embed(distinct_texts(read_stsb(STSB, "dev")), encoder, "mean", after=["l2"])["mean"]
    chains = {(): 82.03, ("first:256",): 81.89, ("first:128",): 80.68, ("first:64",): 79.21, ("first:32",): 76.67}
    chains |= {Way("first", 128, "float32").steps: 80.68, Way("", 384, "int8").steps: 82.04}
    chains |= {Way("", 384, "binary").steps: 80.84, Way("pca", 128, "float32").steps: 81.47}
    chains |= {Way("pca", 64, "float32").steps: 78.86, Way("random", 128, "float32").steps: 80.60}
    chains |= {("l2", "int8"): 82.04, ("binary",): 80.86, ("l2", "whiten"): 80.28, ("l2", "whiten", "first:128"): 81.40}
    few = get_step("whiten").fit(others[:400])
    assert 100 * spearman(pair_cosines(pairs, texts, few(mean)), pairs) < 65  # of 384 directions most are chance
    for after, score in chains.items():
        values = values_after(mean, fit_steps(after, others))
        assert 100 * spearman(pair_cosines(pairs, texts, values), pairs) == pytest.approx(score, abs=0.05), after
