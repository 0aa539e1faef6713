"""Hosting: the Dockerfile's steps, read-only, as its user and offline; the README's recipes are what is there."""

import os
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests import dockerfile
from tests.conftest import ROOT, Reader

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """What the Dockerfile makes, with the packages of this Python."""
    import sys

    folder = tmp_path_factory.mktemp("image")
    for above in (folder, *(one for one in folder.parents if one.name.startswith(("pytest-", "popen-")))):
        above.chmod(0o755)  # pytest's own folders, one more for each process, and never what they stand in
    return dockerfile.build(folder, Path(sys.executable).parent, install=False)


@pytest.fixture(scope="module")
def hosted(image):
    """The address of the app, started by the Dockerfile's CMD."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        image.environment["STREAMLIT_SERVER_PORT"] = str(free.getsockname()[1])
    variables = image.variables(HF_HUB_OFFLINE="1", STREAMLIT_SERVER_BASE_URL_PATH="pooling")
    with (image.folder / "log.txt").open("w") as log:
        process = subprocess.Popen(image.as_user(image.command), cwd=image.app, env=variables, stdout=log, stderr=log)
    for _ in range(100):
        if subprocess.run(image.health, shell=True, env=variables, stderr=subprocess.DEVNULL).returncode == 0:
            break
        time.sleep(0.3)
    else:
        pytest.fail(f"not healthy:\n{(image.folder / 'log.txt').read_text()}")
    yield f"http://127.0.0.1:{image.environment['STREAMLIT_SERVER_PORT']}/pooling"
    process.terminate()
    process.wait()
    assert "Traceback" not in (image.folder / "log.txt").read_text()


def test_the_image_runs_the_readmes_command_as_a_user_who_cannot_write_to_it(image):
    assert f"&& {' '.join(image.command)}\n" in README
    assert image.user == 1000
    written = subprocess.run(image.as_user(["touch", str(image.app / "app.py"), str(image.app / "new")]))
    assert os.getuid() == 0 or written.returncode != 0
    assert not (image.app / "new").exists()


def test_it_opens_offline_under_a_path_where_nothing_can_be_written(hosted, image, chromium):
    context = chromium.new_context()
    reader = Reader(context.new_page())
    reader.open(f"{hosted}/similarity?strategy=max")
    assert "Which sentences become neighbours" in reader.main()
    assert "strategy=max" in reader.page.url
    reader.assert_well()
    context.close()
    assert not [path for path in image.app.rglob("*") if path.stat().st_mtime > image.built]


def test_an_image_is_unhealthy_where_nothing_answers(image):
    variables = image.variables(STREAMLIT_SERVER_PORT="9")
    assert subprocess.run(image.health, shell=True, env=variables, stderr=subprocess.DEVNULL).returncode == 1


def test_only_what_the_dockerfile_copies_is_sent_to_docker():
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert sent == {rest.split()[0] for name, rest in dockerfile.instructions() if name == "COPY"}


def test_the_readmes_recipes_name_what_is_there():
    assert int(re.search(r"app_port: (\d+)", README)[1]) == int(dict(dockerfile.instructions())["EXPOSE"])
    assert re.search(r"--build-arg (\w+)=", README)[1] in {
        rest.partition("=")[0] for name, rest in dockerfile.instructions() if name == "ARG"
    }
    from pooling.catalogue import get_model

    for model in re.findall(r"python -m pooling\.download (\w+/\S+?)`?\s", README):
        assert get_model(model)
