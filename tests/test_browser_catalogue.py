"""The choice of a model and of a prompt, as a person sees it."""

import re

import pytest

from pooling.catalogue import ONE_WORD
from tests.loopback_hub import Hub
from tests.tiny_models import write


@pytest.fixture(scope="module")
def loopback(tmp_path_factory):
    """A hub that has one model nobody knows."""
    made = Hub()
    made.repositories["someone/tiny-gpt2"] = write("gpt2", tmp_path_factory.mktemp("gpt2"))
    yield made
    made.shutdown()


@pytest.fixture(scope="module")
def open_server(start_server, loopback, tmp_path_factory):
    """A server whose Hub is the one on loopback, and where any model may be asked for."""
    cache = str(tmp_path_factory.mktemp("cache"))
    return start_server(HF_ENDPOINT=loopback.address, POOLING_ALLOW_ANY_MODEL="1", POOLING_CACHE=cache)


def sidebar(reader) -> str:
    return reader.page.inner_text("[data-testid=stSidebar]")


def test_a_link_alone_downloads_nothing_and_a_failed_download_keeps_the_model_on_screen(open_server, loopback, reader):
    reader.open(open_server + "/?model=BAAI/bge-small-en-v1.5")
    assert "MIT, 133 MB from the Hugging Face Hub" in sidebar(reader)
    assert "every page uses all-MiniLM-L6-v2" in sidebar(reader)
    assert not loopback.asked
    reader.page.get_by_role("button", name="Download (133 MB)").click()
    reader.page.wait_for_selector("text=The Hub has no model BAAI/bge-small-en-v1.5", timeout=60_000)
    reader.wait()
    assert reader.page.locator(".living .token").count() == 9


def test_another_model_is_shown_before_it_is_downloaded_and_then_used(open_server, loopback, reader):
    reader.open(open_server)
    reader.page.get_by_text("Another model of the Hub").click()
    reader.page.fill(".st-key-any-model input", "../etc/passwd")
    reader.page.press(".st-key-any-model input", "Enter")
    reader.wait()
    assert "looks like owner/name" in sidebar(reader)
    reader.page.fill(".st-key-any-model input", "someone/tiny-gpt2")
    reader.page.press(".st-key-any-model input", "Enter")
    reader.wait()
    assert "Pinned to commit 01234567" in sidebar(reader)
    assert not loopback.asked
    reader.page.get_by_role("button", name=re.compile("^Download")).click()
    reader.page.wait_for_selector("text=It is in the list of models above", timeout=60_000)
    reader.wait()
    reader.choose("model", "Hub · tiny-gpt2")
    assert "2 (last)" in sidebar(reader)
    reader.type("A café 🎻 and `code`.")
    assert "é" in reader.page.inner_text(".living .tokens")
    assert "🎻 4/4" in reader.page.inner_text(".living .tokens")


def test_a_prompt_is_shown_apart_and_left_out_where_the_switch_says_so(server, reader):
    reader.open(server + "/?model=pooling-playground/all-MiniLM-L6-v2-causal&strategy=last_token")
    reader.choose("prompt", "A prompt of your own")
    assert reader.page.input_value(".st-key-template input") == ONE_WORD
    assert reader.page.locator(".living .prompt").count() > 5
    assert reader.page.locator(".living .left-out").count() == 0
    reader.page.get_by_role("radio", name="only read").click()
    reader.wait()
    assert reader.page.locator(".living .left-out").count() == reader.page.locator(".living .prompt").count()
    for typed, said in (("no place", "holds {} once"), ("{} {} {}", "or twice"), ("x" * 301 + "{}", "at most 300")):
        reader.page.fill(".st-key-template input", typed)
        reader.page.press(".st-key-template input", "Enter")
        reader.wait()
        assert said in sidebar(reader)
        assert reader.page.locator(".living .prompt").count() == 0
    reader.page.fill(".st-key-template input", "<b>x</b> {} $y$")
    reader.page.press(".st-key-template input", "Enter")
    reader.wait()
    assert reader.page.locator(".living .prompt").count() > 3


def test_a_decoder_offers_the_text_said_twice_and_shows_the_copy_that_is_left_out(server, reader):
    reader.open(server + "/?model=pooling-playground/all-MiniLM-L6-v2-causal&strategy=mean")
    reader.type("a cat sleeps")
    assert reader.page.locator(".living .prompt").count() == 0
    reader.choose("prompt", "Echo: the text said twice")
    assert "Of the two copies of a text only the second is pooled" in sidebar(reader)
    assert "The prompt's tokens are" not in sidebar(reader), "it has no words of its own"
    left_out = reader.page.locator(".living .left-out")
    assert [text.split()[0] for text in left_out.all_inner_texts()] == ["a", "cat", "sleeps"]
    assert reader.page.locator(".living .prompt").count() == 3
    assert "prompt=echo" in reader.page.url
    reader.open(server + "/")
    reader.page.click(".st-key-prompt [data-baseweb=select], .st-key-prompt [role=combobox]")
    assert reader.page.get_by_role("option", name="Echo: the text said twice").count() == 0, (
        "an encoder reads both ways"
    )
