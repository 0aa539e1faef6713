"""The living picture under a hand: mouse, finger, keys, Back."""

import math
import re
from urllib.parse import parse_qs, urlparse

import pytest
import torch
from playwright.sync_api import expect
from torch.nn.functional import cosine_similarity

from pooling import all_strategies, apply, get_strategy
from pooling.datasets import sample_sets
from pooling.own_weights import own_weights
from pooling.tables import number
from tests.conftest import Reader

VIOLIN = 4
"""The row of "violin" in the first sentence that a visitor sees."""


@pytest.fixture
def sentences(encoder):
    return encoder.encode(sample_sets()[0].sentences, attention=True)


class Hand:
    """A reader's hand on the picture."""

    def __init__(self, reader: Reader):
        self.reader, self.page = reader, reader.page
        self.sent: list[object] = []
        self.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: self.sent.append(frame)))

    def open(self, address: str) -> None:
        self.reader.open(address)
        expect(self.page.locator(".living .token").first).to_be_visible()

    def strategy(self, name: str):
        return self.page.locator(f".living .strategies [data-name={name}]")

    def handle(self, row: int = VIOLIN):
        return self.page.locator(".living .handle").nth(row)

    def weights(self) -> list[str]:
        return self.page.locator(".living .weight").all_inner_texts()

    def cosines(self, to: str) -> list[str]:
        return self.page.locator(f".living .to-{to} b").all_inner_texts()

    def formula(self) -> str:
        return self.page.inner_text(".living .formula")

    def own(self) -> list[float]:
        """The weights in the address."""
        return [float(w) for w in parse_qs(urlparse(self.page.url).query)["weights"][0].split(",")]

    def drag(self, by: int) -> None:
        box = self.handle().bounding_box()
        x, y = box["x"] + 20, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + by, y, steps=12)


@pytest.fixture
def hand(reader):
    return Hand(reader)


def shown_dimension(formula: str) -> int:
    return int(re.match(r"e(\d+) = ", formula)[1])


def worked(formula: str) -> tuple[float, float]:
    """What a formula in the picture comes to, computed from the numbers it shows, and what it says."""
    _, *sides = formula.replace("−", "-").replace("×", "*").replace("·", "*").split(" = ")
    made = re.sub(r"√(\d+)", r"sqrt(\1)", sides[0]).replace(";", ",")
    return eval(made, {"sqrt": math.sqrt, "max": max}), float(sides[-1])


def test_every_strategy_is_a_button_that_moves_the_picture_and_tells_the_server_when_it_has_moved(
    server, hand, sentences, encoder
):
    one = sentences.one(0)
    hand.open(server)
    for strategy in [*all_strategies()[2:], *all_strategies()[:2]]:
        hand.strategy(strategy.name).click()
        hand.reader.wait()
        pooled = apply(strategy, one, model=encoder.name, layer=6)
        share = pooled.token_share[0]
        wanted = [f"{100 * s:.1f}%" if strategy.kind == "winners" else number(s) for s in share]
        assert hand.weights() == wanted, strategy.name
        value, said = worked(hand.formula())
        assert said == pytest.approx(pooled.embedding[0, shown_dimension(hand.formula())].item(), rel=0.0051)
        assert value == pytest.approx(said, abs=0.02), hand.formula()
        assert f"{strategy.label} pooling" in hand.reader.main()
        assert ("" if strategy.name == "mean" else f"strategy={strategy.name}") in hand.page.url
        assert hand.page.locator(".js-plotly-plot").count() == 2
        hand.reader.assert_well()


def test_a_press_sends_nothing_while_the_picture_moves(server, chromium):
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="no-preference")
    hand = Hand(Reader(context.new_page()))
    hand.open(server)
    before = len(hand.sent)
    moving = hand.page.evaluate("""async () => {
        const root = document.querySelector('.st-key-living')
        const inside = (what) => [...root.querySelectorAll('*')].map((e) => e.shadowRoot?.querySelector(what))
        const find = (what) => inside(what).find(Boolean)
        find('[data-name=max]').click()
        const seen = new Set()
        let fell = false
        do {
          seen.add(find('.weight').textContent)
          fell ||= !find('.falling').hidden
          await new Promise(requestAnimationFrame)
        } while (!find('.falling').hidden && seen.size < 4)
        return [seen.size, fell]
    }""")
    assert len(hand.sent) == before
    assert moving[0] > 2, "the weights move step by step"
    assert moving[1], "rows fall into the row below"
    hand.reader.wait()
    assert len(hand.sent) == before + 1
    assert hand.page.locator(".living .falling").is_hidden()
    context.close()


def test_a_weight_is_dragged_and_everything_follows_with_no_message_before_it_is_let_go(
    server, hand, sentences, encoder
):
    hand.open(server)
    before, weights = len(hand.sent), hand.weights()
    hand.drag(60)
    hand.page.wait_for_timeout(100)
    assert len(hand.sent) == before
    changed = hand.weights()
    assert [a == b for a, b in zip(weights, changed, strict=True)] == [row != VIOLIN for row in range(9)]
    assert hand.formula().count("×") == 9
    assert hand.page.locator(".living .strategies [aria-checked=true]").count() == 0
    assert hand.page.inner_text(".living .own em") == "your own weights, begun with Mean"
    hand.page.mouse.up()
    hand.reader.wait()
    assert len(hand.sent) == before + 1
    assert hand.weights() == changed
    own = hand.own()
    one, mean = sentences.one(0), get_strategy("mean")(sentences).embedding
    vector = own_weights(own)(one).embedding
    value, said = worked(hand.formula())
    assert said == pytest.approx(vector[0, shown_dimension(hand.formula())].item(), abs=0.002)
    assert value == pytest.approx(said, abs=0.02)
    alone = [apply(s, one, model=encoder.name, layer=6).embedding for s in all_strategies()]
    for shown, to in [
        *zip(hand.cosines("strategies"), alone, strict=True),
        *zip(hand.cosines("others"), mean[1:], strict=True),
    ]:
        wanted = cosine_similarity(vector.flatten(), to.flatten(), dim=0).item()
        assert float(shown.replace("−", "-")) == pytest.approx(wanted, abs=0.006)
    bars = hand.page.locator(".st-key-press-cosines .js-plotly-plot")
    first = bars.evaluate("chart => [chart._fullData[0].y[0], chart._fullData[0].x[0], chart._fullData[0].y.length]")
    assert first[::2] == ["Own weights", len(all_strategies()) + 1], "a row of their own, before the others"
    assert first[1] == pytest.approx(cosine_similarity(vector[0], mean[0], dim=0).item(), abs=1e-3)
    share = own[VIOLIN] / sum(own)
    assert f"'violin' (token 5) carries {number(100 * share)}% of this embedding" in hand.reader.main()


def test_three_acts_and_back(server, hand):
    hand.open(server)
    seen = []
    for act in (
        lambda: (hand.strategy("max").click(), hand.reader.wait()),
        lambda: (hand.drag(50), hand.page.mouse.up(), hand.reader.wait()),
        lambda: (hand.handle(1).dblclick(), hand.reader.wait()),
    ):
        seen.append((hand.weights(), hand.cosines("others"), hand.formula()))
        hand.page.wait_for_timeout(600)
        act()
    assert hand.weights()[1] == "0"
    for before in reversed(seen):
        hand.page.wait_for_timeout(600)
        hand.page.go_back()
        hand.reader.wait()
        assert (hand.weights(), hand.cosines("others"), hand.formula()) == before
    assert hand.page.url == server + "/"


def test_the_cosines_are_to_the_other_sentences_as_they_are_now(server, hand, encoder):
    first, *_ = sample_sets()[0].sentences
    hand.open(server)
    for others in (["A violin.", "Rain falls."], ["A violin."], [], ["One.", "Two.", "A violin."]):
        hand.reader.type("\n".join([first, *others]))
        vectors = get_strategy("mean")(encoder.encode([first, *others])).embedding
        cosines = cosine_similarity(vectors[:1], vectors[1:]).tolist()
        named = hand.page.locator(".living .to-others span").all_inner_texts()
        assert named == [f"{i} · {text}" for i, text in enumerate(others, start=2)]
        assert hand.cosines("others") == [number(one) for one in cosines]


def test_own_weights_go_where_another_layer_makes_the_tokens_count_otherwise(server, hand):
    for strategy, stays in (("cls_attention", False), ("mean", True)):
        hand.open(f"{server}/?strategy={strategy}")
        hand.handle().press("Delete")
        hand.page.wait_for_url("**weights=**")
        hand.reader.wait()
        before = hand.weights()
        layer = hand.page.locator("[data-testid=stSidebar] [data-testid=stSlider] input")
        layer.press("ArrowLeft")
        hand.page.wait_for_url("**layer=5**")
        hand.reader.wait()
        assert hand.page.locator(".living .own").is_visible() is stays
        assert (hand.weights() == before) is stays
        hand.page.go_back()
        hand.page.wait_for_url(lambda address: "layer=" not in address)
        hand.reader.wait()
        assert hand.weights() == before


def test_a_link_with_own_weights_shows_them_as_bars(server, hand):
    hand.open(f"{server}/?weights=0.1,0,0.1,0.1,0.4,0.1,0.1,0.1,0.1")
    bars = hand.page.locator(".living .handle i").all()
    widths = [float(one.evaluate("e => e.style.transform.slice(7, -1)")) for one in bars]
    assert widths[1] == 0
    assert widths[4] == pytest.approx(4 * widths[0])
    assert 0.5 < widths[4] <= 1


def test_reset_and_the_pressed_strategy_take_own_weights_back(server, hand):
    hand.open(server)
    first = hand.weights()
    for back in (hand.page.locator(".living .reset"), hand.strategy("mean")):
        hand.drag(40)
        hand.page.mouse.up()
        hand.reader.wait()
        assert hand.weights() != first
        back.click()
        hand.reader.wait()
        assert hand.weights() == first
        assert "weights" not in hand.page.url


def test_by_keys_alone(server, hand):
    hand.open(server)
    hand.strategy("mean").focus()
    hand.page.keyboard.press("ArrowRight")
    hand.reader.wait()
    assert "strategy=own_tokens" in hand.page.url
    expect(hand.strategy("own_tokens")).to_be_focused()
    hand.handle(0).focus()
    for _ in range(VIOLIN):
        hand.page.keyboard.press("ArrowDown")
    expect(hand.handle()).to_be_focused()
    assert hand.handle().get_attribute("aria-label") == "Weight of violin, token 5"
    before = float(hand.handle().get_attribute("aria-valuenow"))
    messages = len(hand.sent)
    for key in ("ArrowRight", "ArrowRight", "PageUp", "ArrowLeft"):
        hand.page.keyboard.press(key)
    expect(hand.handle()).to_have_attribute("aria-valuenow", f"{before + 11 / 90:.4f}")
    hand.reader.wait()
    hand.page.wait_for_timeout(600)
    hand.reader.wait()
    assert len(hand.sent) == messages + 1, "keys that follow one another are one act"
    expect(hand.handle()).to_be_focused()
    hand.page.keyboard.press("Delete")
    assert hand.weights()[VIOLIN] == "0"
    hand.page.wait_for_timeout(600)
    hand.reader.wait()
    assert hand.own()[VIOLIN] == 0
    column = hand.page.locator(".living .vector")
    column.focus()
    was = hand.formula()
    hand.page.keyboard.press("ArrowRight")
    assert hand.formula() != was
    dimension = shown_dimension(hand.formula())
    assert column.get_attribute("aria-valuetext").startswith(f"dimension {dimension}: ")


def test_by_a_finger(server, phone):
    hand = Hand(phone)
    hand.open(server)
    hand.handle().scroll_into_view_if_needed()
    touch = hand.page.context.new_cdp_session(hand.page)

    def finger(kind: str, *at: float) -> None:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": at[0], "y": at[1]}] if at else []})

    box, messages = hand.handle().bounding_box(), len(hand.sent)
    x, y = box["x"] + 10, box["y"] + box["height"] / 2
    finger("touchStart", x, y)
    for step in range(1, 11):
        finger("touchMove", x + 4 * step, y)
    hand.page.wait_for_timeout(100)
    assert len(hand.sent) == messages
    heavier = hand.weights()
    assert float(heavier[VIOLIN]) > 0.3
    finger("touchEnd")
    phone.wait()
    assert hand.own()[VIOLIN] == pytest.approx(float(heavier[VIOLIN]), abs=0.001)
    # A finger that goes up on a bar moves the page, and no weight.
    scrolled = "document.querySelector('[data-testid=stMain]').scrollTop"
    hand.page.evaluate(f"{scrolled} = 0")
    hand.page.wait_for_timeout(300)
    box = hand.handle().bounding_box()
    x, y = box["x"] + 10, box["y"] + box["height"] / 2
    finger("touchStart", x, y)
    for step in range(1, 16):
        finger("touchMove", x, y - 20 * step)
        hand.page.wait_for_timeout(20)
    finger("touchEnd")
    phone.wait()
    assert hand.page.evaluate(scrolled) > 100
    assert hand.weights() == heavier


def test_what_is_pointed_at_is_lit_and_said_and_a_click_keeps_the_column(server, hand, sentences):
    hand.open(server)
    box = hand.page.locator(".living .cells").bounding_box()
    cell, row = box["width"] / 32, box["height"] / 9
    first = hand.formula()
    hand.page.mouse.move(box["x"] + 10.5 * cell, box["y"] + (VIOLIN + 0.5) * row)
    assert hand.page.locator(".living .token.lit").all_inner_texts()[0].startswith("violin")
    said = hand.page.inner_text(".living .said")
    assert said.startswith("“violin”, token 5 of 9: weight 0.111, value ")
    dimension = shown_dimension(hand.formula())
    value = sentences.one(0).hidden[0, VIOLIN, dimension].item()
    assert said.endswith(f"value {number(value)} in dimension {dimension}.")
    assert "dimension" not in hand.page.url
    hand.page.mouse.click(box["x"] + 10.5 * cell, box["y"] + 2.5 * row)
    hand.reader.wait()
    assert hand.page.url.endswith(f"?dimension={dimension}")
    hand.page.mouse.move(5, 5)
    assert shown_dimension(hand.formula()) == dimension
    hand.strategy("max").click()
    hand.reader.wait()
    assert shown_dimension(hand.formula()) == dimension, "one column under another strategy"
    hand.reader.choose("sentence", "2 · A violinist performs each night.")
    assert "dimension" not in hand.page.url, "no dimension sticks to the next sentence"
    hand.page.go_back()
    hand.reader.wait()
    assert shown_dimension(hand.formula()) == dimension
    assert first != hand.formula()


def test_the_task_of_each_sample_set_is_shown_and_done_within_a_few_keys_and_noticed(server, hand):
    hand.open(server)
    task = hand.page.locator(".living .task")
    expect(task).to_have_text(
        re.compile("^Try it: make this sentence less like 3 · “She plays football every evening.”")
    )
    hand.handle().focus()
    for _ in range(4):
        hand.page.keyboard.press("PageUp")
    expect(task).to_have_text(re.compile(r"^Done: 0.636 is now 0\.\d+, by the weight of “violin” alone\.$"))
    hand.page.wait_for_timeout(600)
    hand.reader.wait()
    expect(task).to_have_class(re.compile("done"))
    hand.handle(1).focus()
    hand.page.keyboard.press("PageUp")
    expect(task).to_have_text(re.compile(r"^0\.636 is now 0\.\d+, by 2 weights\. Reset, and try it with one\.$"))
    hand.page.locator(".living .reset").click()
    hand.reader.wait()
    expect(task).to_have_text(re.compile(r"^Try it: .+ It is 0\.636\.$"))
    hand.strategy("max").click()
    hand.reader.wait()
    expect(task).to_be_hidden()  # its weights are not one a token
    hand.strategy("mean").click()
    hand.reader.wait()
    for chosen in sample_sets()[1::3]:  # all are possible, as test_living knows
        hand.reader.choose("set", chosen.title)
        other = chosen.less_like or chosen.more_like
        expect(task).to_contain_text(f"{other} · “{chosen.sentences[other - 1]}”")


def test_hints_are_there_at_the_first_visit_until_they_are_dismissed_for_good(server, hand):
    hand.open(server)
    hints = hand.page.locator(".living .hints")
    expect(hints).to_be_visible()
    hand.strategy("max").click()
    hand.reader.wait()
    expect(hints).to_be_visible()
    hand.page.locator(".living .dismiss").click()
    expect(hints).to_be_hidden()
    hand.open(server)
    expect(hints).to_be_hidden()


def test_a_shared_link_has_no_hints_in_its_way_and_a_task_leaves_the_formula_in_sight(server, hand):
    hand.open(f"{server}/?task=by_hand")
    expect(hand.page.locator(".living .hints")).to_be_hidden()
    expect(hand.page.locator(".st-key-task")).to_be_visible()
    box = hand.page.locator(".living .formula").bounding_box()
    assert box["y"] + box["height"] <= hand.page.viewport_size["height"]


def test_code_and_files_carry_own_weights(server, hand, sentences, encoder):
    hand.open(server)
    hand.drag(60)
    hand.page.mouse.up()
    hand.reader.wait()
    own = hand.own()
    hand.page.click(".st-key-take-code button")
    code = hand.page.locator("[role=dialog] [data-testid=stCode]").first
    expect(code).to_contain_text(f"weights = torch.tensor({own})")
    expect(hand.page.locator("[role=dialog]")).to_contain_text("Own weights pooling of layer 6")
    expect(code).to_contain_text(sample_sets()[0].sentences[0])
    hand.page.keyboard.press("Escape")
    hand.reader.wait()
    hand.page.click(".st-key-take-files button")
    with hand.page.expect_download() as waiting:
        hand.page.click(".st-key-take-own-weights-npz button")
    import io
    import json
    import zipfile

    import numpy as np

    with zipfile.ZipFile(waiting.value.path()) as made:
        vectors = np.load(io.BytesIO(made.read("embeddings.npz")))["embeddings"]
        manifest = json.loads(made.read("manifest.json"))
    assert manifest["own"] == own
    wanted = own_weights(own)(sentences.one(0)).embedding
    assert torch.allclose(torch.tensor(vectors), wanted, atol=1e-5)
    hand.page.keyboard.press("Escape")
    hand.reader.wait()


def test_a_strategy_that_cannot_be_computed_here_says_why_and_is_not_taken(server, hand):
    hand.open(f"{server}/?layer=0")
    hand.strategy("cls_attention").click(force=True)
    expect(hand.page.locator(".living .said")).to_contain_text("choose")
    assert "strategy" not in hand.page.url
    assert hand.strategy("mean").get_attribute("aria-checked") == "true"


def test_long_texts_have_a_picture_whose_vector_stays_in_sight(server, hand):
    hand.open(server)
    hand.reader.type("word " * 150)
    assert hand.page.locator(".living .token").count() == 152
    box = hand.page.locator(".living .vector").bounding_box()
    grid = hand.page.locator(".living .scroller").bounding_box()
    assert grid["height"] < 600
    assert box["y"] == pytest.approx(grid["y"] + grid["height"] + 6, abs=3)
    hand.reader.assert_well()
