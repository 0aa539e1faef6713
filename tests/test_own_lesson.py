"""A lesson that somebody writes in the page: what links and files may hold, what is computed, that text stays text."""

import base64
import dataclasses
import json
import zlib
from html.parser import HTMLParser

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as draw
from streamlit.testing.v1 import AppTest

from pages.ui import prose
from pages.ui.own_lesson import EXAMPLE
from pooling.lessons import Strips
from pooling.own_lesson import (
    ASKS,
    LIMITS,
    LONGEST_SENTENCE,
    MOST_BYTES,
    MOST_CHOICES,
    MOST_SENTENCES,
    TURNS,
    OwnLesson,
    computed,
    from_file,
    pack,
    to_file,
    unpack,
)
from pooling.registry import get_strategy
from tests.conftest import ROOT
from tests.test_links import address

HOSTILE = (
    "<img src=x onerror=alert(1)><script>alert(1)</script> [a](javascript:alert(1)) ![b](http://evil.example/x.png) "
    "https://evil.example www.evil.example a@evil.example <http://evil.example> :red[c] :material/home: $x$ `d`"
)
FIXED = OwnLesson(title="T", question="Q?", choices=("", "a", "b"), right=2, said={"2": "no"}, reason="so")
SHOWN = draw.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters=TURNS)
THREE = dataclasses.replace(EXAMPLE, ask="sentences", sentences=("A dog sleeps.", "Stocks fell.", "The dog is asleep."))


def packed(said: object) -> str:
    """What a link would hold that somebody made by hand."""
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(said).encode())).decode().rstrip("=")


@given(
    draw.builds(
        OwnLesson,
        title=draw.text(SHOWN, max_size=50),
        ask=draw.sampled_from(list(ASKS)),
        right=draw.integers(0, MOST_CHOICES - 1),
        choices=draw.lists(draw.sampled_from(["x", "", "ü🙂"]), max_size=MOST_CHOICES).map(tuple),
        sentences=draw.lists(draw.sampled_from(["one.", "二"]), max_size=MOST_SENTENCES).map(tuple),
        layer=draw.sampled_from(["", "0", "6", "first-last"]),
        said=draw.dictionaries(draw.sampled_from("12345"), draw.sampled_from(["because", "so"])),
    )
)
def test_a_link_and_a_file_hold_all_of_a_lesson(lesson):
    assert unpack(pack(lesson)) == lesson
    assert from_file(to_file(lesson)) == lesson
    assert pack(lesson).replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "link",
    [
        "x",
        "äö",
        pack(EXAMPLE)[:-9],
        pack(EXAMPLE) + "!",
        base64.urlsafe_b64encode(zlib.compress(bytes(2**24))).decode(),  # unpacks to 16 MB
        base64.urlsafe_b64encode(zlib.compress(b"[" * 30_000)).decode(),
        packed([]),
        packed({}),
        packed({"lesson": 2}),
        packed({"lesson": 1, "title": 7}),
        packed({"lesson": 1, "sentences": "abc"}),
        packed({"lesson": 1, "said": []}),
        packed({"lesson": 1, "unknown": "x"}),
        packed({"lesson": 1, "model": "/etc/passwd"}),
        packed({"lesson": 1, "model": "http://127.0.0.1/x"}),
    ],
)
def test_any_other_link_is_refused_with_a_sentence(link):
    with pytest.raises(ValueError, match=r"whole lesson|does not have"):
        unpack(link)


def test_a_file_of_another_kind_is_refused_with_a_sentence():
    for data in (b"", b"PK\x03\x04", b'{"cells": []}', b"\xff\xfe"):
        with pytest.raises(ValueError, match="whole lesson"):
            from_file(data)
    with pytest.raises(ValueError, match="another file"):
        from_file(bytes(MOST_BYTES + 1))


def test_what_a_link_holds_is_kept_within_its_limits():
    long = dict.fromkeys(LIMITS, "x" * 9999)
    lesson = unpack(
        packed(
            long
            | {"lesson": 1, "ask": "everything", "right": 10**9, "layer": "-3", "strategy": "steal"}
            | {"choices": ["c", {"a": 1}] * 9, "sentences": ["s" * 999, " ", "\x00\ud800ok"] * 9}
            | {"strategies": ["mean", "mean", "nothing", "max"], "said": {str(i): "t" for i in range(99)}}
        )
    )
    assert {name: len(getattr(lesson, name)) for name in LIMITS} == LIMITS
    assert (lesson.ask, lesson.layer, lesson.strategy, lesson.strategies) == ("fixed", "", "mean", ("mean", "max"))
    assert lesson.right < MOST_CHOICES == len(lesson.choices)
    assert all(isinstance(one, str) for one in lesson.choices)
    assert len(lesson.sentences) <= MOST_SENTENCES
    assert {len(one) for one in lesson.sentences} <= {LONGEST_SENTENCE, 2}
    assert "ok" in lesson.sentences
    assert len(lesson.said) <= 2 * MOST_CHOICES


def test_what_no_page_can_show_is_left_out_and_what_has_one_line_stays_in_one():
    odd = "a\tb\nc\x00\ud800\u202ed\u2028\xa0\u3000\u200d"
    lesson = unpack(packed({"lesson": 1, "title": odd, "ground": odd, "sentences": [odd], "said": {odd: odd}}))
    assert lesson.title == lesson.sentences[0] == "a b cd \xa0\u3000\u200d"
    assert lesson.ground == "a b\ncd \xa0\u3000\u200d"
    assert lesson.said == {lesson.title: lesson.ground}
    assert unpack(pack(lesson)) == lesson


def test_a_question_of_ones_own_has_the_answer_of_its_author():
    lesson = computed(FIXED, None)
    assert (lesson.choices, lesson.right, lesson.wrong, lesson.models) == ({"2": "a", "3": "b"}, "3", {"2": "no"}, ())
    assert lesson().because == "so"
    assert lesson().start == {}


def test_the_strategy_of_the_highest_cosine_is_right(encoder):
    lesson = computed(EXAMPLE, encoder)
    states = encoder.encode(EXAMPLE.sentences)
    scores = {
        name: torch.cosine_similarity(*get_strategy(name)(states).embedding, dim=0).item()
        for name in EXAMPLE.strategies
    }
    assert lesson.right == max(scores, key=scores.get) == "max"
    assert lesson().because == "The cosine of sentences 1 and 2: 0.869 (Max), 0.755 (CLS), 0.672 (Mean)."
    assert [round(scores[name], 3) for name in ("max", "cls", "mean")] == [0.869, 0.755, 0.672]
    assert lesson.wrong == {"mean": EXAMPLE.said["mean"], "cls": EXAMPLE.said["cls"]}


def test_the_nearest_sentence_is_right_at_the_layer_and_in_the_prompt_of_the_lesson(encoder):
    lesson = computed(dataclasses.replace(THREE, layer="first-last", template="query: {}"), encoder)
    states = encoder.encode(THREE.sentences, layer=(1, 6), template="query: {}")
    first, *others = get_strategy("mean")(states).embedding
    cosine = [torch.cosine_similarity(first, one, dim=0).item() for one in others]
    assert lesson.right == "3"
    assert [float(number) for number in lesson().because.replace(":", "").split() if number[0] == "0"] == [
        pytest.approx(value, abs=6e-4) for value in sorted(cosine, reverse=True)
    ]
    assert lesson().start == {
        "model": THREE.model, "strategy": "mean", "layer": "first-last", "prompt": "own", "template": "query: {}",
        "text": "\n".join(THREE.sentences),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["mean", "max", "cls", "last_token", "cls_attention"])
def test_what_is_shown_are_the_weights_of_the_lessons_strategy(encoder, name):
    lesson = computed(dataclasses.replace(FIXED, sentences=THREE.sentences, strategy=name), encoder)
    [strips, _matrix] = lesson().parts
    assert isinstance(strips, Strips)
    states = encoder.encode(THREE.sentences, attention=True)
    for i, (_, table) in enumerate(strips.rows):
        share = get_strategy(name)(states.one(i)).token_share[0]
        assert table["weight"].tolist() == pytest.approx(share.tolist(), abs=1e-6)
    assert ("dimensions that it wins" in strips.noticed) == (name == "max")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": " "}, "Give it a title"),
        ({"sentences": ("one",)}, "Write two sentences"),
        ({"strategies": ("max",)}, "at least two strategies"),
        ({"sentences": ("The same.", "The same.")}, "nearly the same cosine, 1.00, so neither alone is right"),
        ({"sentences": ("A dog.", "字" * 300)}, "Sentence 2 has 46 tokens more than the model reads"),
        ({"ask": "sentences"}, "Write 3 to 6 sentences"),
        ({"ask": "sentences", "sentences": ("a", "b", "c", "d", "e", "f", "a")}, "Write 3 to 6 sentences"),
        ({"ask": "sentences", "sentences": ("a", "b", "B")}, "nearly the same cosine"),
        ({"ask": "fixed", "question": ""}, "Write the question. Write at least two choices"),
        ({"ask": "fixed", "question": "?", "choices": ("a", "b"), "right": 4}, "which choice is right"),
        ({"ask": "fixed", "question": "?", "choices": ("a", "a")}, "Two choices are the same"),
        ({"template": "no braces"}, "A prompt holds"),
        ({"strategies": ("mean", "cls_attention"), "layer": "0"}, "needs the attention"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(encoder, change, said):
    with pytest.raises(ValueError, match=said):
        computed(dataclasses.replace(EXAMPLE, **change), encoder)


class Tags(HTMLParser):
    """The tags of a text, with what they carry."""

    def __init__(self, html: str):
        super().__init__()
        self.found: set[tuple[str, tuple]] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.add((tag, tuple(attributes)))

    def handle_data(self, data):
        self.text += data


@given(
    draw.lists(draw.sampled_from([*"<>&\"'*_`[]()!\\\n-1. a", "http://x.y", "<b>", "&lt;", "javascript:"]), max_size=60)
)
def test_what_was_typed_is_never_html(pieces):
    lesson = computed(FIXED, None)
    plain = {(tag, ()) for tag in ("p", "strong", "em", "code", "ul", "ol", "li", "br")}
    for tag, attributes in Tags(prose.html(lesson, "".join(pieces))).found - plain:
        assert tag == "ol", "a list may begin with another number"
        assert [name for name, _ in attributes] == ["start"]
    assert Tags(prose.line(lesson, "".join(pieces))).found == set()


def test_a_little_markdown_is_drawn_and_the_rest_stands_as_typed():
    lesson = computed(FIXED, None)
    made = Tags(prose.html(lesson, f"**bold** *italics*\n\n- one\n- two\n\n{HOSTILE}"))
    assert {tag for tag, _ in made.found} == {"p", "strong", "em", "ul", "li", "code"}
    assert HOSTILE.replace("`", "") in made.text


def open_learn(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/learn.py")
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def words(app: AppTest) -> str:
    return " ".join(one.value for one in app.markdown) + " ".join(str(e.proto.body) for e in app.get("html"))


def test_a_link_shows_its_lesson_and_the_answer_once_one_is_given():
    app = open_learn(own=pack(FIXED))
    assert not app.exception
    choices = [one for one in app.button if one.key.startswith("choice-own-")]
    assert [one.label for one in choices] == ["a", "b"]
    assert "(right)" not in words(app)
    choices[0].click().run()
    assert "b **(right)**" in words(app)
    assert "That is not it.</strong> no" in words(app)
    assert "The model says otherwise" not in words(app)
    app.button(key="own-leave").click().run()
    assert "own" not in app.query_params
    assert not app.exception


def test_a_broken_link_says_what_to_do_and_leads_on():
    for query in ({"own": pack(FIXED)[:-5]}, {"own": packed({"lesson": 1, "title": "t"})}):
        app = open_learn(**query)
        assert not app.exception
        assert "whole lesson" in words(app) or "Write the question" in words(app)
        app.button(key="own-leave").click().run()
        assert "Your progress" in words(app)
    assert "The form shows an example" in words(open_learn(own="broken", learn="write"))


def test_in_the_form_every_act_changes_the_lesson_beside_it_and_the_link():
    app = open_learn(learn="write")
    assert not app.exception
    assert "own" not in app.query_params, "the example is no lesson yet"
    app.text_input(key="own-title").set_value("Mine").run()
    app.text_area(key="own-sentences").set_value("A dog sleeps.\nStocks fell.\nThe dog is asleep.").run()
    app.selectbox(key="own-ask").set_value("sentences").run()
    lesson = unpack(address(app)["own"])
    assert (lesson.title, lesson.ask, len(lesson.sentences)) == ("Mine", "sentences", 3)
    labels = [one.label for one in app.button if one.key.startswith("choice-own-")]
    assert labels == [prose.escaped(text) for text in ("Stocks fell.", "The dog is asleep.")]
    app.selectbox(key="own-ask").set_value("fixed").run()
    assert "Write at least two choices" in words(app)
    app.text_input(key="own-question").set_value("And now?").run()
    app.text_input(key="own-choice-0").set_value("yes").run()
    app.text_input(key="own-choice-1").set_value("no").run()
    assert [one.label for one in app.button if one.key.startswith("choice-own-")] == ["yes", "no"]
    app.text_input(key="own-choice-0").set_value("").run()
    assert "Write at least two choices" in words(app)
    app.button(key="own-new").click().run()
    assert (app.text_input(key="own-title").value, app.text_area(key="own-sentences").value) == ("", "")
    assert not app.exception
