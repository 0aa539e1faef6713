"""Every family of transformer pools rightly: on tiny checkpoints with random weights."""

import pytest
import torch

from pooling import all_strategies, get_strategy
from pooling.encoders import apply, embed
from pooling.encoders.loading import read_encoder
from pooling.tables import readable_token, token_table
from tests.tiny_models import DECODERS, FAMILIES, write

TEXTS = ["The cat sat on the mat.", "A dog.", "How do cats purr in the sunny park outside?"]
WITHOUT_HEAD = [s for s in all_strategies() if s.needs != "head"]
ONE_WORD = 'This sentence: "{}" means in one word: "'


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return {family: read_encoder(family, write(family, tmp_path_factory.mktemp(family))) for family in FAMILIES}


@pytest.mark.slow
@pytest.mark.parametrize("template", ["{}", ONE_WORD, "{} {}"])
@pytest.mark.parametrize("family", FAMILIES)
def test_neither_padding_nor_its_side_changes_an_embedding(tiny, family, template):
    encoder = tiny[family]
    for pool_template in (True, False):
        setting = {"layer": 2, "attention": True, "template": template, "pool_template": pool_template}
        alone = [encoder.encode([text], **setting) for text in TEXTS]
        for side in ("left", "right"):
            batch = encoder.encode(TEXTS, padding_side=side, pad_to=60, **setting)
            for strategy in WITHOUT_HEAD:
                together = apply(strategy, batch, model=family, layer=2)
                for i, states in enumerate(alone):
                    one = apply(strategy, states, model=family, layer=2).embedding[0]
                    assert torch.isfinite(one).all()
                    assert torch.allclose(together.embedding[i], one, atol=1e-5), (family, side, strategy.name)
                    assert states.one(0).tokens == batch.one(i).tokens


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("layer", [0, 1, 2, (1, 2)])
def test_a_corpus_and_a_handful_give_the_same_embeddings(tiny, family, layer):
    made = embed(TEXTS, tiny[family], ["mean", "last_token"], layer=layer, template=ONE_WORD)
    states = tiny[family].encode(TEXTS, layer=layer, template=ONE_WORD)
    for name, vectors in made.items():
        strategy = next(s for s in all_strategies() if s.name == name)
        assert torch.allclose(vectors, strategy(states).embedding, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_only_in_a_decoder_a_token_is_blind_to_what_follows(tiny, family):
    one, other = tiny[family].encode(["a cat on the mat", "a cat on the park"]).hidden
    assert ((one[0] - other[0]).abs().max() == 0) == (family in DECODERS)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_prompt_is_told_apart_from_the_text_and_the_special_tokens(tiny, family):
    plain = tiny[family].encode(["sunny park"])
    states = tiny[family].encode(["sunny park"], template='means "{}" in', pool_template=False)
    spelled = "".join(
        readable_token(t, True)[0]
        for t, p, s in zip(states.tokens[0], states.prompt[0], states.special[0], strict=True)
        if not p and not s
    )
    assert spelled.replace("␣", "") in ("sunnypark", '"sunnypark')  # a token may hold a piece of both
    assert states.special.sum() == plain.special.sum()
    assert torch.equal(states.mask, ~states.prompt)
    assert not (states.prompt & states.special).any()
    assert plain.prompt is None


@pytest.mark.parametrize("family", FAMILIES)
def test_the_prompt_is_read_but_not_pooled_where_the_switch_says_so(tiny, family):
    encoder, mean = tiny[family], next(s for s in all_strategies() if s.name == "mean")
    states = encoder.encode(["sunny park"], template="query: {}", pool_template=False).one(0)
    shown = token_table(states, mean(states))
    assert shown["prompt"].any()
    assert (shown.loc[shown["prompt"], "weight"] == 0).all()
    assert shown["weight"].sum() == pytest.approx(1)
    by_hand = states.hidden[0, ~states.prompt[0]].mean(dim=0)
    assert torch.allclose(mean(states).embedding[0], by_hand, atol=1e-6)
    assert not torch.allclose(by_hand, mean(encoder.encode(["sunny park"])).embedding[0], atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_too_long_a_text_is_cut_and_its_prompt_is_not(tiny, family):
    encoder = tiny[family]
    encoder.max_length = 24
    try:
        states = encoder.encode(["sunny park " * 30 + "sunny park"], template='query: "{}" mat.')
        whole = encoder.encode(["sunny park"], template='query: "{}" mat.')
        assert states.hidden.shape[1] == 24
        assert states.lost[0] > 0
        prompts = [[t for t, p in zip(x.ids[0], x.prompt[0], strict=True) if p] for x in (states, whole)]
        assert prompts[0] == prompts[1]
        assert states.ids[0][-2:] == whole.ids[0][-2:]
        with pytest.raises(ValueError, match="no room for the text"):
            encoder.encode(["sunny park"], template="query: " * 30 + "{}")
    finally:
        encoder.max_length = 64


@pytest.mark.parametrize("template", ["no place", "{} and {} and {}", ""])
def test_a_template_with_neither_one_place_nor_two_is_refused(tiny, template):
    with pytest.raises(ValueError, match=r"holds {} once, .* or twice"):
        tiny["bert"].encode(["A cat."], template=template)


def spelled(states, which) -> str:
    """The tokens of a text that are chosen, as text without spaces and special tokens."""
    chosen = which[0] & ~states.special[0]
    shown = [readable_token(t, True)[0] for t, one in zip(states.tokens[0], chosen, strict=True) if one]
    return "".join(shown).replace("␣", "").replace(" ", "")


def test_of_a_text_said_twice_only_the_second_copy_is_pooled_by_hand(tiny):
    bert, mean = tiny["bert"], get_strategy("mean")
    states = bert.encode(["a cat"], template="{} {}")
    assert states.tokens[0] == ("[CLS]", "a", "cat", "a", "cat", "[SEP]")
    assert states.mask[0].tolist() == [True, False, False, True, True, True]
    assert states.prompt[0].tolist() == [False, True, True, False, False, False]
    plain = bert.encode(["a cat a cat"]).hidden[0]
    assert torch.allclose(mean(states).embedding[0], (plain[0] + plain[3] + plain[4] + plain[5]) / 4, atol=1e-6)
    gpt2 = tiny["gpt2"].encode(["a cat"], template="{} {}")
    assert gpt2.tokens[0] == ("a", "Ġcat", "Ġ", "a", "Ġcat")
    assert gpt2.mask[0].tolist() == [False, False, False, True, True], "the space between is no part of the text"
    plain = tiny["gpt2"].encode(["a cat a cat"]).hidden[0]
    assert torch.allclose(mean(gpt2).embedding[0], (plain[3] + plain[4]) / 2, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooled", [True, False])
def test_the_first_copy_is_never_pooled_and_the_prompts_own_tokens_where_the_switch_says_so(tiny, family, pooled):
    states = tiny[family].encode(["sunny park"], template="query: {} means {} in", pool_template=pooled)
    assert spelled(states, states.mask) == ("query:meanssunnyparkin" if pooled else "sunnypark")
    assert spelled(states, states.prompt) == "query:sunnyparkmeansin"
    assert states.mask[states.special].all()
    plain = tiny[family].encode(["query: sunny park means sunny park in"])
    assert torch.allclose(states.hidden, plain.hidden, atol=1e-6)


@pytest.mark.parametrize("family", DECODERS)
def test_the_second_copys_first_token_has_read_the_whole_text(tiny, family):
    vectors = {}
    for template in ("{}", "{} {}"):
        states = tiny[family].encode(["a cat on the mat", "a cat on the park"], template=template)
        first = (states.mask & ~states.special).int().argmax(dim=1)
        vectors[template] = states.hidden[torch.arange(2), first]
    assert (vectors["{}"][0] - vectors["{}"][1]).abs().max() == 0
    assert (vectors["{} {}"][0] - vectors["{} {}"][1]).abs().max() > 1e-3


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("limit", [23, 24])
def test_too_long_a_text_said_twice_is_cut_in_both_copies_alike(tiny, family, limit):
    encoder = tiny[family]
    encoder.max_length = limit
    try:
        text = "sunny park " * 30 + "sunny park"
        states = encoder.encode([text], template="mat {} mat {} mat")
        assert limit - 1 <= states.hidden.shape[1] <= limit
        whole = spelled(states, states.mask | states.prompt)
        first, second = whole.removeprefix("mat").removesuffix("mat").split("mat")
        assert first == second
        assert first != "sunnypark" * 31
        assert ("sunnypark" * 31).startswith(first)
        own = encoder.encode(["mat"]).special.sum()
        assert states.special.sum() == own
        encoder.max_length = 1000
        all_tokens = len(encoder._tokenize([text], "mat {} mat {} mat")[0].ids)
        assert states.lost == ((all_tokens - states.hidden.shape[1]) // 2,)
        encoder.max_length = 12
        with pytest.raises(ValueError, match="no room for the text"):
            encoder.encode([text], template="mat " * 11 + "{} {}")
    finally:
        encoder.max_length = 64


@pytest.mark.parametrize("family", FAMILIES)
def test_two_copies_without_a_space_between_are_pooled_where_the_second_begins(tiny, family):
    states = tiny[family].encode(["park"], template="{}{}")
    assert spelled(states, states.mask), "a token that holds a piece of both is pooled"
    assert states.prompt is None or not (states.mask & states.prompt).any()


def test_a_text_with_braces_stays_as_it_is(tiny):
    one = tiny["gpt2"].encode(["a {} and {0}"], template="query: {}")
    assert "".join(one.tokens[0]).replace("Ġ", " ") == "query: a {} and {0}"


@pytest.mark.parametrize("family", ["roberta", "gpt2", "qwen3", "llama"])
def test_bytes_are_shown_as_the_characters_they_are(tiny, family):
    states = tiny[family].encode(["café 🎻"])
    shown = [readable_token(t, True)[0] for t in states.tokens[0]]
    assert any("é" in t for t in shown), shown
    assert [t for t in shown if "🎻" in t][-1].endswith("🎻 4/4"), shown
    assert not any(c in t for t in shown for c in "ÃðŁ")


def test_bytes_that_are_no_text_are_shown_as_numbers():
    from pooling.token_strings import spell_bytes

    assert spell_bytes(["ĠÃ", "x", "Ċ", "<|end▁of|>"], alphabet=True) == ["<20 C3>", "x", "⏎", "<|end▁of|>"]
    assert spell_bytes(["<0xC3>", "<0xA9>", "é", "▁a"], alphabet=False) == ["é 1/2", "é 2/2", "é", "▁a"]


def test_padding_has_a_name_even_where_the_model_has_none(tiny):
    assert tiny["gpt2"].encode(["A dog."], pad_to=20).tokens[0][-1] == "[PAD]"


def test_what_a_model_was_trained_with_is_read_from_its_files(tmp_path):
    encoder = read_encoder("x", write("qwen3", tmp_path / "x", pooling="lasttoken"))
    assert (encoder.trained_pooling, encoder.normalises) == ("last_token", True)
