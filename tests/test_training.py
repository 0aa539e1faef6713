"""Fitting a head: what it starts as, what it learns, who waits, and how a head travels."""

import io
import itertools
import json
import threading
import zipfile

import pytest
import torch
from safetensors.torch import save

from pooling import apply, background_training, get_strategy, training
from pooling.attention_heads import CARD_FILE, HEAD_FILE, AttentionHead, find_head, head_cards, pack_head, unpack_head
from pooling.background import LineFull
from pooling.background_training import MOST_WAITING, HeadTraining, trainings
from pooling.catalogue import DEFAULT, MODELS
from pooling.datasets import Pair, own_pairs
from pooling.evaluation import distinct_texts, pair_cosines, spearman
from pooling.stsb import read_stsb
from pooling.training import Outcome, against_mean, held_back_test, rounded, split_pairs, train_head
from pooling.types import NotComputable, TokenStates
from tests.conftest import STSB, needs_stsb

SLICE, FEW = list(own_pairs("train")[:64]), list(own_pairs("dev")[:24])


def states(*rows: list[list[float]]) -> TokenStates:
    hidden = torch.tensor(rows, dtype=torch.float32)
    mask = torch.ones(hidden.shape[:2], dtype=torch.bool)
    return TokenStates(hidden, mask, torch.zeros_like(mask), (("t",) * hidden.shape[1],) * len(hidden))


def test_an_untrained_head_is_mean_pooling(encoder):
    given = encoder.encode(["A small cat sleeps.", "No."], layer=4)
    untrained = get_strategy("attention")(given, head=AttentionHead(encoder.dim))
    mean = get_strategy("mean")(given)
    assert torch.equal(untrained.weights, mean.weights)
    assert torch.equal(untrained.embedding, mean.embedding)


def test_a_head_weighs_tokens_by_the_softmax_of_their_scores():
    head = AttentionHead(2)
    with torch.no_grad():
        head.query.copy_(torch.tensor([1.0, 0.0]))
        head.mean.copy_(torch.tensor([1.0, 0.0]))
        head.std.copy_(torch.tensor([2.0, 1.0]))
    # scores (1 - 1) / 2 = 0 and (1 + 2 ln 3 - 1) / 2 = ln 3: weights 1 to 3
    pooled = get_strategy("attention")(states([[1.0, 4.0], [1 + 2 * 1.0986123, 8.0]]), head=head)
    assert pooled.weights[0, :, 0].tolist() == pytest.approx([0.25, 0.75])
    assert pooled.embedding[0, 1].item() == pytest.approx(0.25 * 4 + 0.75 * 8)


@pytest.mark.slow
def test_training_lowers_the_loss_and_raises_the_score_of_what_it_learns_from(encoder):
    steps = list(train_head(SLICE, SLICE, encoder, layer=4, epochs=3))
    assert [step.epoch for step in steps] == [0, 1, 2, 3]
    assert steps[0].loss is None
    assert steps[-1].loss < steps[1].loss
    assert steps[-1].best_epoch > 0
    best = steps[steps[-1].best_epoch].dev
    assert best > steps[0].dev + 0.01
    found = against_mean(SLICE, encoder, steps[-1].head, 4)
    assert found.mean == pytest.approx(steps[0].dev, abs=1e-4)
    assert found.attention == pytest.approx(best, abs=1e-4)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_head(encoder):
    def query(seed: int) -> torch.Tensor:
        return list(train_head(FEW, FEW, encoder, layer=5, epochs=2, seed=seed, batch_size=8))[-1].head.query

    first = query(1)
    assert first.abs().max() > 0
    assert torch.equal(first, query(1))
    assert not torch.equal(first, query(2))


def test_pairs_with_one_score_cannot_be_learned_from(encoder):
    with pytest.raises(ValueError, match="development pairs need at least two different scores"):
        next(train_head(SLICE, [Pair("a", "b", 1.0), Pair("c", "d", 1.0)], encoder))


def test_texts_that_are_all_the_same_give_a_sentence_and_no_nan(encoder):
    same = [Pair("one", "two", float(i % 3)) for i in range(40)]
    with pytest.raises(ValueError, match="cosines of these pairs are all the same"):
        list(train_head(same, FEW, encoder, epochs=1))


def test_cosines_that_differ_in_the_last_digit_are_the_same(encoder, monkeypatch):
    exact = torch.cosine_similarity

    def rounded(one, two):
        cosines = exact(one, two)
        return cosines + 6e-8 * torch.arange(len(cosines)).remainder(2)

    monkeypatch.setattr(torch, "cosine_similarity", rounded)
    same = [Pair("one", "two", float(i % 3)) for i in range(40)]
    with pytest.raises(ValueError, match="cosines of these pairs are all the same"):
        list(train_head(same, FEW, encoder, epochs=1))


def test_hidden_states_beyond_the_limit_of_memory_are_refused(encoder, monkeypatch):
    monkeypatch.setattr(training, "MOST_STATES", 100_000)
    with pytest.raises(ValueError, match="need more than 0 MB; use fewer or shorter pairs"):
        next(train_head(SLICE, FEW, encoder))


def test_the_interval_of_the_held_back_test_says_what_the_pairs_can_tell(encoder, monkeypatch):
    pairs = [Pair(str(i), f"{i}!", float(i)) for i in range(60)]
    rising = torch.linspace(0, 1, 60)
    noisy = torch.rand(60, generator=torch.Generator().manual_seed(0))

    def outcome(mean: torch.Tensor, attention: torch.Tensor) -> training.Outcome:
        monkeypatch.setattr(training, "head_cosines", lambda *_, **__: {"mean": mean, "attention": attention})
        return held_back_test(pairs, encoder, AttentionHead(encoder.dim), 6)

    same = outcome(rising, rising)
    assert (same.mean, same.attention, same.low, same.high) == pytest.approx((1, 1, 0, 0))
    above = outcome(noisy, rising)
    assert above.attention == pytest.approx(1)
    assert 0 < above.low < above.attention - above.mean < above.high
    flat = outcome(torch.ones(60), rising)
    assert (flat.mean, flat.low, flat.high) == (None, None, None)


def test_a_draw_without_a_correlation_is_left_out_of_the_interval(encoder, monkeypatch):
    # Mean ranks the one pair that is alike last, the head first: -1 against 1, in every draw that has that pair.
    pairs = [Pair(str(i), f"{i}!", float(i == 0)) for i in range(8)]
    first = (torch.arange(8) == 0).double()
    monkeypatch.setattr(training, "head_cosines", lambda *_, **__: {"mean": -first, "attention": first})
    made = held_back_test(pairs, encoder, AttentionHead(encoder.dim), 6)
    assert (made.mean, made.attention, made.low, made.high) == pytest.approx((-1, 1, 2, 2))


def test_pairs_that_repeat_make_the_held_back_test_no_surer(encoder, monkeypatch):
    random = torch.Generator().manual_seed(0)
    pairs = [Pair(str(i), f"{i}!", float(i)) for i in range(60)]
    cosines = {name: torch.arange(60) / 60 + torch.rand(60, generator=random) for name in ("mean", "attention")}

    def width(times: int) -> float:
        repeated = {name: one.repeat(times) for name, one in cosines.items()}
        monkeypatch.setattr(training, "head_cosines", lambda *_, **__: repeated)
        made = held_back_test(pairs * times, encoder, AttentionHead(encoder.dim), 6)
        return made.high - made.low

    assert width(5) == pytest.approx(width(1), rel=0.02)


def test_a_split_shares_no_sentence_and_leaves_no_pair_out():
    chained = [Pair(f"a{i}", f"a{i + 1}", float(i % 4)) for i in range(10)]  # one family: each shares with the next
    single = [Pair(f"b{i}", f"c{i}", float(i % 4)) for i in range(60)]
    parts = split_pairs([*chained, *single])
    assert sorted(map(id, itertools.chain(*parts.values()))) == sorted(map(id, [*chained, *single]))
    texts = [{text for p in part for text in (p.text1, p.text2)} for part in parts.values()]
    assert not texts[0] & texts[1]
    assert not texts[0] & texts[2]
    assert not texts[1] & texts[2]
    assert [len(part) for part in parts.values()] == pytest.approx([49, 10.5, 10.5], abs=1)
    assert parts == split_pairs([*chained, *single])


def test_too_few_pairs_to_split_are_refused():
    with pytest.raises(ValueError, match="the dev part has 2 of 10 pairs"):
        split_pairs([Pair(f"b{i}", f"c{i}", float(i % 4)) for i in range(10)])
    with pytest.raises(ValueError, match="Give more pairs, with different sentences"):
        split_pairs([Pair("the same", f"c{i}", float(i % 4)) for i in range(100)])


# --- Who waits -------------------------------------------------------------------------------


def job(encoder, epochs: int = 2, layer: int = 4) -> HeadTraining:
    parts = {"train": SLICE, "dev": FEW, "test": FEW}
    return HeadTraining(encoder, layer, "this project's own pairs", parts, epochs=epochs)


def wait_for(done, seconds: float = 60) -> None:
    for _ in range(int(seconds * 50)):
        if done():
            return
        threading.Event().wait(0.02)
    pytest.fail("it did not happen")


@pytest.mark.slow
def test_a_job_trains_tests_and_lets_go_of_the_model(encoder):
    one = job(encoder)
    trainings().submit(one)
    wait_for(lambda: not one.active)
    assert (one.state, one.why, one.encoder) == ("done", "", None)
    assert len(one.steps) == 3
    assert one.outcome.pairs == len(FEW)
    assert one.outcome.low <= one.outcome.attention - one.outcome.mean <= one.outcome.high
    assert one.card()["pairs"] == {"train": 64, "dev": 24, "test": 24}


@pytest.mark.slow
def test_a_running_job_stops_when_asked(encoder):
    one = job(encoder, epochs=10_000)
    trainings().submit(one)
    wait_for(lambda: len(one.steps) > 1)
    one.stop()
    wait_for(lambda: not one.active)
    assert (one.state, one.why) == ("stopped", "You stopped it.")
    assert 1 < len(one.steps) < 10_000


@pytest.fixture
def gated(monkeypatch):
    """Trainings that begin at once, note that they did, and end when the gate opens."""
    gate, began = threading.Event(), []

    def train(pairs, dev, encoder, *, layer, tell, **_):
        began.append(layer)
        while not gate.wait(0.01):
            tell("waiting at the gate", 0.0)
        if layer == 99:
            raise RuntimeError("a bug with /secret/path in it")
        yield training.Progress(0, 1, None, 0.5, 0, AttentionHead(4))

    monkeypatch.setattr(background_training, "train_head", train)
    monkeypatch.setattr(background_training, "held_back_test", lambda *_, **__: training.Outcome(3, 0.1, 0.2, 0.0, 0.2))
    return gate, began


@pytest.mark.slow
def test_jobs_run_one_at_a_time_in_the_order_they_came(encoder, gated):
    gate, began = gated
    queue, all_jobs = trainings(), [job(encoder, layer=layer) for layer in (3, 1, 4, 0)]
    for one in all_jobs:
        queue.submit(one)
    wait_for(lambda: began == [3])
    assert [len(queue.ahead(one)) for one in all_jobs] == [0, 1, 2, 3]
    all_jobs[1].stop()
    assert [len(queue.ahead(one)) for one in all_jobs] == [0, 0, 1, 2]
    assert all_jobs[1].state == "stopped"
    assert began == [3]
    gate.set()
    wait_for(lambda: not any(one.active for one in all_jobs))
    assert began == [3, 4, 0]
    assert [one.state for one in all_jobs] == ["done", "stopped", "done", "done"]


@pytest.mark.slow
def test_an_exception_in_the_worker_is_a_sentence_and_the_next_is_served(encoder, gated):
    gate, _ = gated
    queue, bad, good = trainings(), job(encoder, layer=99), job(encoder)
    queue.submit(bad)
    queue.submit(good)
    gate.set()
    wait_for(lambda: not good.active)
    assert (bad.state, good.state) == ("failed", "done")
    assert bad.why == "It broke off (RuntimeError); try fewer pairs, or another layer."
    again = job(encoder)
    queue.submit(again)
    wait_for(lambda: again.state == "done")


def test_who_leaves_gives_the_place_up(encoder, gated, monkeypatch):
    gate, _ = gated
    queue, all_jobs = trainings(), [job(encoder) for _ in range(3)]
    for one in all_jobs:
        queue.submit(one)
    for left in all_jobs[:2]:
        left.looked_at -= left.patience + 1
    wait_for(lambda: all_jobs[2].state == "running")
    assert [one.state for one in all_jobs[:2]] == ["stopped", "stopped"]
    assert "Nobody was looking" in all_jobs[0].why
    gate.set()
    wait_for(lambda: all_jobs[2].state == "done")


def test_a_job_that_takes_too_long_is_stopped(encoder, gated, monkeypatch):
    monkeypatch.setattr(HeadTraining, "longest", 0.05)
    one = job(encoder)
    trainings().submit(one)
    wait_for(lambda: not one.active)
    assert "took more than" in one.why


@pytest.mark.slow
def test_a_full_queue_says_so(encoder, gated):
    gate, _ = gated
    queue = trainings()
    all_jobs = [job(encoder) for _ in range(MOST_WAITING + 2)]
    for one in all_jobs[:-1]:
        queue.submit(one)
    with pytest.raises(LineFull, match="40 trainings are waiting already"):
        queue.submit(all_jobs[-1])
    gate.set()
    wait_for(lambda: not any(one.active for one in all_jobs[:-1]))


# --- How a head travels ----------------------------------------------------------------------


def a_head(dim: int = 384) -> AttentionHead:
    head = AttentionHead(dim)
    with torch.no_grad():
        head.query.copy_(torch.linspace(-1, 1, dim))
    return head


CARD = {"model": DEFAULT, "layer": 6}


@pytest.mark.parametrize("layer", [0, 6, (1, 6)])
def test_a_head_comes_back_from_its_download_as_it_went(layer):
    head, card = unpack_head(pack_head(a_head(), CARD | {"layer": layer}))
    assert all(torch.equal(head.state_dict()[k], v) for k, v in a_head().state_dict().items())
    assert card == CARD | {"layer": layer}


def zipped(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr({"head": HEAD_FILE, "card": CARD_FILE}.get(name, name), data)
    return made.getvalue()


def weights(**changed: torch.Tensor) -> bytes:
    return save(a_head(4).state_dict() | changed)


GOOD_CARD = json.dumps(CARD).encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a zip file of a head"),
        (b"\x80\x04 a pickle", "not a zip file of a head"),
        (pack_head(a_head(), CARD)[:-40], "not a zip file of a head"),
        (b"x" * (3 << 20), "The file has 3.0 MB"),
        (zipped(card=GOOD_CARD), "has no head.safetensors"),
        (zipped(head=weights()), "has no head.json"),
        (zipped(head=b"\x80\x04K\x01.", card=GOOD_CARD), "not in the safetensors format"),
        (zipped(head=b"\0" * (30 << 20), card=GOOD_CARD), "has more than 1 MB"),
        (zipped(head=weights(), card=b"{" * 100_000), "is not JSON"),
        (zipped(head=weights(), card=b"\xff"), "is not JSON"),
        (zipped(head=weights(), card=b'{"model": "m", "layer": %s}' % (b"9" * 5000)), "is not JSON that can be read"),
        (zipped(head=weights(), card=b'{"model": "m", "layer": 6, "n": -%s}' % (b"9" * 5000)), "that can be read"),
        (zipped(head=weights(), card=b'{"model": "m", "layer": %s}' % (b"9" * 4000)), "does not say which layer"),
        (zipped(head=weights(), card=b'{"model": "m", "layer": [0, -1]}'), "does not say which layer"),
        (zipped(head=weights(), card=b"[]"), "does not say which model"),
        (zipped(head=weights(), card=b'{"model": "m", "layer": "../x"}'), "does not say which layer"),
        (zipped(head=weights(), card=b'{"model": "m", "layer": true}'), "does not say which layer"),
        (zipped(head=weights(query=torch.zeros(5)), card=GOOD_CARD), "must have one length"),
        (zipped(head=weights(query=torch.zeros(2, 2)), card=GOOD_CARD), "must have one length"),
        (zipped(head=weights(query=torch.zeros([1] * 60), mean=torch.zeros([1] * 60)), card=GOOD_CARD), "one length"),
        (zipped(head=weights(more=torch.zeros(4)), card=GOOD_CARD), "three vectors query, mean and std"),
        (zipped(head=weights(query=torch.zeros(4, dtype=torch.float64)), card=GOOD_CARD), "must be float32"),
        (zipped(head=weights(query=torch.full((4,), torch.nan)), card=GOOD_CARD), "not finite"),
        (zipped(head=weights(mean=torch.full((4,), torch.inf)), card=GOOD_CARD), "not finite"),
        (zipped(head=weights(std=torch.zeros(4)), card=GOOD_CARD), "not above zero"),
    ],
)
def test_a_file_that_is_no_head_gives_one_sentence(data, said):
    with pytest.raises(ValueError, match=said) as raised:
        unpack_head(data)
    assert len(str(raised.value)) < 300


# --- The heads that ship ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def encoders(encoder):
    from pooling import load_encoder

    return {m.name: encoder if m.name == DEFAULT else load_encoder(m.name, device="cpu") for m in MODELS[:2]}


def test_the_heads_that_ship_are_those_promised():
    assert {(card["model"].rpartition("/")[2], card["layer"]) for card in head_cards()} == {
        ("all-MiniLM-L6-v2", 0),
        ("all-MiniLM-L6-v2", 4),
        ("all-MiniLM-L6-v2", 5),
        ("all-MiniLM-L6-v2", 6),
        ("all-MiniLM-L6-v2-causal", 6),
    }
    for card in head_cards():
        assert f"--model {card['model']} --layer {card['layer']} " in card["command"]


@pytest.mark.parametrize("card", head_cards(), ids=lambda c: f"{c['model'].rpartition('/')[2]}-{c['layer']}")
def test_a_shipped_head_scores_on_our_own_pairs_what_its_card_says(encoders, card):
    found = against_mean(own_pairs(), encoders[card["model"]], find_head(card["model"], card["layer"]), card["layer"])
    assert rounded(found) == pytest.approx(card["spearman"]["own"], abs=0.02)


@needs_stsb
@pytest.mark.parametrize("layer", [0, 6])
def test_a_shipped_head_scores_on_the_sts_benchmark_what_its_card_says(benchmark, layer):
    card = next(c for c in head_cards() if (c["model"], c["layer"]) == (DEFAULT, layer))
    pairs = read_stsb(STSB, "test")
    texts, made = distinct_texts(pairs), benchmark.named(layer)
    scores = (spearman(pair_cosines(pairs, texts, made[name]), pairs) for name in ("mean", "attention"))
    found = Outcome(len(pairs), *scores)
    assert rounded(found) == pytest.approx(card["spearman"]["test"], abs=0.02)
    published = {0: 55.60, 6: 82.03}
    assert rounded(found)["mean"] == pytest.approx(published[layer], abs=0.02)


def test_a_shipped_head_is_found_by_model_and_layer(encoder):
    given = encoder.encode(["A cat."], layer=4)
    pooled = apply(get_strategy("attention"), given, model=DEFAULT, layer=4)
    assert pooled.weights.sum().item() == pytest.approx(1)
    with pytest.raises(NotComputable, match=r"it has one for layer 0, 4, 5, 6"):
        find_head(DEFAULT, 3)
