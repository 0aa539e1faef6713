"""The corpus command: what it reads, what it writes, and what nothing that ends it can spoil."""

import codecs
import contextlib
import gzip
import hashlib
import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import torch

from pooling import catalogue, embed, get_strategy
from pooling.after import fit_steps, get_step, save_step
from pooling.catalogue import DEFAULT, get_model, sha256_of
from pooling.corpus import work
from pooling.corpus.command import main
from pooling.corpus.estimate import Estimate, span
from pooling.encoders.loading import read_encoder
from pooling.export import embeddings, pack_embeddings, ready
from pooling.files import read_table
from pooling.recipe import Recipe
from pooling.snippets import for_corpus
from tests.conftest import ROOT
from tests.tiny_models import write

TEXTS = ["A red bike.", "Rain falls on the harbour, and nobody minds.", 'He said: "go", then left', "Snö – 雪 🎻"]
WORDS = ("a", "red", "violin", "plays", "in", "rain", "near", "an", "old", "harbour", "while", "seven", "ferries", "go")


def some_texts(count: int) -> list[str]:
    chance = random.Random(5)
    return [" ".join(chance.choices(WORDS, k=chance.randint(2, 9))) for _ in range(count)]


def lines(path, texts, **more):
    path.write_text("".join(json.dumps({"text": text} | more) + "\n" for text in texts), encoding="utf-8")
    return path


def table(out) -> pa.Table:
    return pq.read_table(out / "vectors")


def vectors(out, column: str = "mean") -> torch.Tensor:
    """As the README has it with NumPy."""
    found = table(out)[column].combine_chunks()
    return torch.from_numpy(found.flatten().to_numpy().reshape(len(found), -1).copy())


def manifest(out) -> dict:
    return json.loads((out / "manifest.json").read_text(encoding="utf-8"))


def listed(out) -> list[dict]:
    return list(map(json.loads, (out / "listed.jsonl").read_text(encoding="utf-8").splitlines()))


def made(corpus, out, *arguments) -> None:
    assert main([str(corpus), str(out), *map(str, arguments)]) is None


# What is read.


def parquet(path, texts):
    pq.write_table(pa.table({"id": range(10, 10 + len(texts)), "text": texts, "other": texts}), path, row_group_size=2)


def comma(path, texts, **options):
    table = pa.table({"other": texts, "text": texts})
    with pa.output_stream(path, compression="detect" if path.suffix in (".gz", ".zst") else None) as file:
        pa.csv.write_csv(table, file, pa.csv.WriteOptions(**options))


def objects(path, texts):
    with pa.output_stream(path, compression="detect" if path.suffix == ".gz" else None) as file:
        file.write("\n".join(json.dumps({"text": text}) for text in texts).encode())


def text_lines(path, texts):
    path.write_bytes(codecs.BOM_UTF8 + "\r\n".join(texts).encode())


FILES = {
    "some.parquet": parquet,
    "some.csv": comma,
    "some.csv.zst": comma,
    "some.tsv": lambda path, texts: comma(path, texts, delimiter="\t"),
    "semicolons.csv": lambda path, texts: comma(path, texts, delimiter=";"),
    "some.jsonl": objects,
    "some.ndjson.gz": objects,
    "some.txt": text_lines,
}


def test_every_kind_of_file_gives_the_vectors_of_embed(encoder, tmp_path):
    folder = tmp_path / "in"
    (folder / "deeper").mkdir(parents=True)
    wanted = embed(TEXTS, encoder, "mean")["mean"]
    for i, (name, write_file) in enumerate(FILES.items()):
        write_file(folder / ("deeper" if i % 2 else "") / name, TEXTS)
    (folder / "_SUCCESS").touch()
    (folder / "about.md").touch()
    made(folder, tmp_path / "out", "--shard-rows", 5)
    assert table(tmp_path / "out")["text"].to_pylist() == TEXTS * len(FILES)
    assert table(tmp_path / "out")["id"].to_pylist() == list(range(len(TEXTS) * len(FILES)))
    torch.testing.assert_close(vectors(tmp_path / "out"), wanted.repeat(len(FILES), 1), atol=1e-6, rtol=0)
    # One by its name, with ids, and without the texts.
    made(f"file://{folder}/some.parquet", tmp_path / "one", "--id", "id", "--no-text")
    assert table(tmp_path / "one").column_names == ["id", "mean"]
    assert table(tmp_path / "one")["id"].to_pylist() == [10, 11, 12, 13]
    torch.testing.assert_close(vectors(tmp_path / "one"), wanted, atol=1e-6, rtol=0)


def test_what_is_no_text_or_too_long_is_counted_and_listed_and_stops_nothing(encoder, tmp_path):
    rows = [{"text": "one"}, {"text": ""}, {"text": " \n"}, {"text": None}, {"other": 1}, {"text": 3}, {"text": ["a"]}]
    rows += [{"text": "\ud800"}, {"text": "word " * 400}, {"text": "x" * 1_000_001}, {"text": "two"}]
    corpus = tmp_path / "in.jsonl"
    written = "".join(json.dumps({"id": f"n{i}"} | row) + "\n" for i, row in enumerate(rows)) + '{"text": \n\n'
    corpus.write_text(written + '{"id": 12, "text": "three"}\n', encoding="utf-8")
    made(corpus, tmp_path / "out", "--id", "id", "--shard-rows", 4)
    assert table(tmp_path / "out")["id"].to_pylist() == ["n0", "n8", "n10", "12"]
    wanted = embed(["one", "word " * 254, "two", "three"], encoder, "mean")["mean"]
    torch.testing.assert_close(vectors(tmp_path / "out"), wanted, atol=1e-5, rtol=0)
    about = manifest(tmp_path / "out")
    assert (about["read"], about["rows"], about["cut"]) == (13, 4, 1)
    long = "longer than 1,000,000 characters"
    assert about["left out"] == {"empty": 2, long: 1, "no JSON object": 1, "not UTF-8": 1, "not text": 2, "null": 2}
    found = listed(tmp_path / "out")
    assert [one["row"] for one in found] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 12]
    assert found[0] == {"id": "n1", "file": str(corpus), "row": 2, "left out": "empty"}
    assert found[7] == {"id": "n8", "file": str(corpus), "row": 9, "cut": 146}


def test_bytes_that_are_no_text_and_rows_of_another_width_are_listed(tmp_path):
    corpus = tmp_path / "in.csv"
    corpus.write_bytes(b'text,n\r\n"one,\r\ntwo",1\r\ngr\xfcn,2\r\nthree\r\nfour,5,6\r\nfive,7\r\n')
    made(corpus, tmp_path / "out")
    assert table(tmp_path / "out")["text"].to_pylist() == ["one,\r\ntwo", "five"]
    assert table(tmp_path / "out")["id"].to_pylist() == [0, 4]
    said = {one["row"]: one["left out"] for one in listed(tmp_path / "out")}
    assert said == {2: "not UTF-8", 3: "1 cells in place of 2", 4: "3 cells in place of 2"}


def test_a_text_that_no_tokenizer_makes_a_token_of_is_found_among_the_others(tmp_path, monkeypatch):
    folder = write("bert", tmp_path / "model", pooling="mean_tokens")
    settings = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(settings | {"post_processor": None}))  # no [CLS] and [SEP]
    encoder = read_encoder("someone/bert", folder)
    monkeypatch.setitem(catalogue._added, "someone/bert", _renamed("someone/bert"))
    monkeypatch.setattr(work, "load_encoder", lambda model: encoder)
    texts = ["The cat sat.", "A dog.", "\x01\x02", "A mat.", "query: dogs"]
    work.encoder_of.cache_clear()
    try:
        made(lines(tmp_path / "in.jsonl", texts), tmp_path / "out", "--model", "someone/bert")
    finally:
        work.encoder_of.cache_clear()
    assert table(tmp_path / "out")["id"].to_pylist() == [0, 1, 3, 4]
    assert [one["id"] for one in listed(tmp_path / "out")] == [2]
    wanted = embed(texts[:2] + texts[3:], encoder, "mean")["mean"]
    torch.testing.assert_close(vectors(tmp_path / "out"), wanted, atol=1e-6, rtol=0)


def _renamed(name):
    import dataclasses

    return dataclasses.replace(get_model(DEFAULT), name=name, sha256=name)


# Without the time of day, which would be in the test's name.
BROKEN_OFF = gzip.compress(b'{"text": "one"}\n' * 999, mtime=0)[:-30]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("some.parquet", b"PAR1 and no more", "some.parquet cannot be read: "),
        (
            "some.jsonl.gz",
            BROKEN_OFF,
            "some.jsonl.gz cannot be read: ",
        ),
        ("some.jsonl", b'[{"text": "one"}]', "is one JSON value as a whole; write one object a line."),
        ("some.json", b'{\n  "text": "one"\n}\n', "is one JSON value as a whole; write one object a line."),
        ("some.jsonl", b'{"a": 1}\n{"b": 2}\n', "some.jsonl has no column 'text'; its columns: 'a', 'b'."),
        (
            "some.jsonl",
            b'{"a": 1}\n' * 1024 + b'{"text": "late"}\n',
            "some.jsonl has no column 'text'; its columns: 'a'.",
        ),
        (
            "some.csv",
            b'text,n\r\n"a\r\nb",1\r\n\r\n"c ""d",2\r\n"e,3\r\nf,4\r\n',
            "some.csv cannot be read: a quote that opens in the row of line 6 is never closed",
        ),
        ("some.csv", b"a,b\r\n1,2\r\n", "some.csv has no column 'text'; its columns: 'a', 'b'."),
        ("some.csv", "text\r\nß\r\n".encode("utf-16"), "some.csv is UTF-16; save it as UTF-8."),
        ("some.csv", b"", "some.csv has no column 'text'; its columns: none."),
        ("some.txt", b"\n \n", "None of 2 rows has a text."),
        ("some.pdf", b"%PDF", "is none of these, and holds none: .parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_before_anything_is_computed(tmp_path, name, data, said):
    folder = tmp_path / "in"
    folder.mkdir()
    if "None of" not in said and "none of" not in said:
        text_lines(folder / "a.txt", TEXTS)
    (folder / name).write_bytes(data)
    assert said in main([str(folder), str(tmp_path / "out")])
    assert not list(tmp_path.glob("out/vectors/*"))
    assert not (tmp_path / "out" / "recipe.json").exists()


def test_a_link_that_leads_nowhere_is_named_and_nulls_alone_are_counted(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    text_lines(folder / "a.txt", TEXTS)
    (folder / "b.jsonl").symlink_to("/nowhere")
    assert main([str(folder), str(tmp_path / "out")]) == (
        f"{folder / 'b.jsonl'} leads nowhere: mend the link, or take it out of the folder."
    )
    (folder / "b.jsonl").unlink()
    pq.write_table(pa.table({"text": pa.nulls(2)}), folder / "none.parquet")
    pq.write_table(pa.table({"text": pa.array(["one", "two"], pa.string_view())}), folder / "views.parquet")
    (folder / "first.jsonl").write_text('{"other": 1}\n{"text": "three"}\n')
    made(folder, tmp_path / "out", "--shard-rows", 2)
    assert manifest(tmp_path / "out")["rows"] == len(TEXTS) + 3
    assert sum(manifest(tmp_path / "out")["left out"].values()) == 3


def test_what_others_keep_beside_the_shards_stays(tmp_path):
    corpus, out = lines(tmp_path / "in.jsonl", TEXTS), tmp_path / "out"
    made(corpus, out)
    (out / "vectors" / "mine.parquet").write_text("mine")
    (out / "vectors" / ".ipynb_checkpoints").mkdir()
    made(corpus, out)
    assert (out / "vectors" / "mine.parquet").read_text() == "mine"


def test_a_column_of_numbers_and_a_damaged_page_are_said_too(tmp_path):
    pq.write_table(pa.table({"text": [1, 2]}), tmp_path / "numbers.parquet")
    said = main([str(tmp_path / "numbers.parquet"), str(tmp_path / "out")])
    assert said == f"The column 'text' of {tmp_path / 'numbers.parquet'} holds int64, not text."
    assert main([str(tmp_path / "nowhere"), str(tmp_path / "out")]) == f"There is no {tmp_path / 'nowhere'}."
    parquet(tmp_path / "some.parquet", some_texts(3000))
    data = bytearray((tmp_path / "some.parquet").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 500] = bytes(500)
    (tmp_path / "some.parquet").write_bytes(data)
    assert "some.parquet cannot be read: " in main([str(tmp_path / "some.parquet"), str(tmp_path / "out")])


# What is made.


def test_several_strategies_a_prompt_and_steps_are_those_of_embed(encoder, tmp_path):
    asked = ["--strategy", "mean,smooth_max:temperature=0.2", "--layer", "1,6", "--prompt", "query: {}"]
    asked += ["--prompt-not-pooled", "--after", "l2,first:256,float16"]
    made(lines(tmp_path / "in.jsonl", TEXTS), tmp_path / "out", *asked)
    wanted = embed(
        TEXTS,
        encoder,
        ["mean", get_strategy("smooth_max", temperature=0.2)],
        layer=(1, 6),
        template="query: {}",
        pool_template=False,
        after=["l2", "first:256", "float16"],
    )
    for name in ("mean", "smooth_max"):
        found = vectors(tmp_path / "out", name)
        assert found.dtype == torch.float16
        assert table(tmp_path / "out").schema.field(name).type == pa.list_(pa.float16(), 256)
        torch.testing.assert_close(found, wanted[name], atol=1e-3, rtol=0)
    about = manifest(tmp_path / "out")
    assert about["columns"]["smooth_max"]["params"] == {"temperature": 0.2}
    assert about["recipe"]["weights"] == about["columns"]["mean"]["weights_sha256"] == get_model(DEFAULT).sha256
    assert {"python", "torch", "transformers", "numpy"} <= set(about["columns"]["mean"]["versions"])
    [shard] = about["shards"]
    assert shard == {"file": "00000.parquet", "rows": 4, "sha256": sha256_of(tmp_path / "out/vectors/00000.parquet")}
    inside = pq.read_schema(tmp_path / "out/vectors/00000.parquet").metadata[b"manifest"]
    assert json.loads(inside) == about["columns"]


@pytest.fixture
def one_thread():
    """Whatever stands beside a text in its batch, its last digit is the same."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_steps_with_numbers_of_a_corpus_are_fitted_on_its_first_texts_or_given(encoder, one_thread, tmp_path):
    texts = some_texts(40)
    corpus = lines(tmp_path / "in.jsonl", texts)
    pooled = embed(texts, encoder, ["mean", "max"])
    steps = {}
    for name in pooled:
        centre = get_step("centre").fit(pooled[name][:30])
        steps[name] = [centre, get_step("int8").fit(centre(pooled[name][:30]))]
    asked = ["--after", "centre,int8", "--fit", 30, "--shard-rows", 16]
    made(corpus, tmp_path / "out", "--strategy", "mean,max", *asked)
    for name in pooled:
        wanted = steps[name][1](steps[name][0](pooled[name]))
        found = vectors(tmp_path / "out", name)
        assert found.dtype == torch.int8
        assert (found.int() - wanted.int()).abs().max() <= 1
        assert (found == wanted).float().mean() > 0.999
    # The same numbers, from files.
    files = [tmp_path / "centre.safetensors", tmp_path / "int8.safetensors"]
    for step, file in zip(steps["mean"], files, strict=True):
        save_step(step, file)
    given = [part for file in files for part in ("--fitted", file)]
    made(corpus, tmp_path / "given", "--after", "centre,int8", *given)
    assert (vectors(tmp_path / "given") == vectors(tmp_path / "out")).float().mean() > 0.999
    for wrong, said in (
        (["--after", "l2,int8"], "int8 needs numbers of a corpus: say --fit 10000"),
        (["--after", "l2", *given], "--fitted has numbers of centre, int8, which --after does not name."),
        (["--after", "centre,int8", "--strategy", "mean,max", *given], "are of one strategy's vectors"),
        (["--after", "whiten", "--fit", 20], "needs more than 384 embeddings, and 20 were given"),
        (["--after", "pca:128", "--fit", 8], "fitted to 7 directions, so 128 cannot be taken; fit it on more texts."),
        (["--after", "centre", "--fitted", corpus], "holds no step that pooling.after.save_step wrote."),
    ):
        assert said in main([str(corpus), str(tmp_path / "wrong"), *map(str, wrong)])


def test_the_recipe_of_an_export_gives_the_exports_vectors(encoder, tmp_path):
    recipe = Recipe(DEFAULT, "smooth_max", (1, 6), "query: {}", False, ("l2",), (("temperature", 0.2),))
    pooled = embeddings(recipe, encoder, TEXTS)
    zipped = tmp_path / "export.zip"
    zipped.write_bytes(pack_embeddings("npz", recipe, encoder, TEXTS, (), pooled))
    corpus = lines(tmp_path / "in.jsonl", TEXTS)
    made(corpus, tmp_path / "out", "--recipe", zipped)
    torch.testing.assert_close(vectors(tmp_path / "out", "smooth_max"), ready(pooled, recipe.after), atol=1e-6, rtol=0)
    plain = tmp_path / "manifest.json"
    plain.write_text(json.dumps(manifest(tmp_path / "out")["columns"]["smooth_max"]), encoding="utf-8")
    made(corpus, tmp_path / "out", "--recipe", plain)  # the same again: nothing to do
    assert "no manifest.json of the app's Export" in main([str(corpus), str(tmp_path / "o"), "--recipe", str(corpus)])
    # With it come the numbers that its steps were fitted to.
    recipe = Recipe(DEFAULT, "mean", 6, after=("centre", "int8"))
    steps = fit_steps(recipe.after, embeddings(recipe, encoder, some_texts(40)))
    pooled = embeddings(recipe, encoder, TEXTS)
    zipped.write_bytes(pack_embeddings("npz", recipe, encoder, TEXTS, (), pooled, steps))
    made(corpus, tmp_path / "fitted", "--recipe", zipped)
    found, wanted = vectors(tmp_path / "fitted"), ready(pooled, steps)
    assert (found.int() - wanted.int()).abs().max() <= 1
    assert (found == wanted).float().mean() > 0.99


def test_the_command_in_the_code_dialog_runs_and_gives_the_choices_vectors(encoder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines(tmp_path / "texts.jsonl", TEXTS)
    params = (("temperature", 0.2),)
    for i, recipe in enumerate(
        [
            Recipe(DEFAULT, "mean", 6, after=("l2",)),
            Recipe(DEFAULT, "smooth_max", (1, 6), 'it\'s "{}"', False, ("l2", "first:128"), params),
        ]
    ):
        command = shlex.split(for_corpus(recipe, encoder).code.replace(" vectors ", f" made{i} "))
        assert command[:3] == ["python", "-m", "pooling.corpus"]
        assert main(command[3:]) is None
        found = vectors(tmp_path / f"made{i}", recipe.strategy)
        torch.testing.assert_close(found, ready(embeddings(recipe, encoder, TEXTS), recipe.after), atol=1e-6, rtol=0)
    assert "one sentence" in for_corpus(Recipe(DEFAULT, "mean", 6, own=(1.0,)), encoder).said


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--strategy", "maen"], "Did you mean 'mean'?"),
        (["--strategy", "mean,mean"], "The strategy mean is there twice"),
        (["--strategy", "smooth_max:temperature"], "has no value; write smooth_max:name=value."),
        (["--layer", "7"], "has layers 0 to 6, not 7."),
        (["--layer", "last"], "--layer takes whole numbers, 0 to the last or -1 for it"),
        (["--strategy", "smooth_max:temperature=x"], "'temperature' of smooth_max takes a number, and 'x' is none."),
        (["--after", "l2, first:500"], "There are 384 dimensions, so the first 500 cannot be taken."),
        (["--model", "BAAI/bge-small-en-v1.5"], "BAAI/bge-small-en-v1.5 is not downloaded yet"),
        (["--after", "first:500"], "There are 384 dimensions, so the first 500 cannot be taken."),
        (["--strategy", "cls_attention", "--layer", "0"], "attention"),
        (["--prompt", "query"], "A prompt holds {} once"),
        (["--prompt", "word " * 300 + "{}"], "The prompt leaves no room for the text"),
        (["--model", "someone/else"], "No model 'someone/else' in the catalogue."),
        (["--id", "key"], "has no column 'key'"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence_and_leaves_the_folder_free(tmp_path, asked, said):
    corpus = lines(tmp_path / "in.jsonl", TEXTS[:2])
    assert said in main([str(corpus), str(tmp_path / "out"), *asked])
    made(corpus, tmp_path / "out")


def test_an_estimate_is_arithmetic_and_writes_nothing(tmp_path, capsys):
    one = Estimate(texts=36_000_000, tokens=12.0, seconds=2.0, bytes=1544)
    assert (one.hours(), one.hours(4), one.size) == (20.0, 5.0, 55_584_000_000)
    assert (one.machines(20.0), one.machines(6.0), one.machines(100.0)) == (1, 4, 1)
    assert (span(0.01), span(0.5), span(20.0)) == ("36 s", "30 min", "20.0 h")
    readmes = Estimate(texts=100_000_000, tokens=10.0, seconds=2.9, bytes=8 + 2 * 384 + 50)
    assert (round(readmes.hours(), 1), span(readmes.hours(320)), readmes.size) == (80.6, "15 min", 82_600_000_000)
    made(lines(tmp_path / "in.jsonl", ["A red bike.", "", "Rain."]), tmp_path / "out", "--estimate", "--after", "l2")
    said = capsys.readouterr().out
    assert "2 texts of 5 tokens on average" in said  # [CLS] a red bike . [SEP], and [CLS] rain . [SEP]
    assert not (tmp_path / "out").exists()


# What ends it, and what goes on.


@pytest.fixture(scope="module")
def forked(tmp_path_factory):
    """Runs the command in a process of its own; `end` is called with its id, and may end it."""
    command = [sys.executable, "-m", "tests.forked_corpus"]
    quiet = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=quiet, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    said = tmp_path_factory.mktemp("said") / "said.txt"
    said.touch()  # who is killed at once writes nothing

    def run(*arguments, end=lambda child: None, **limits) -> tuple[int, str]:
        asked = {"arguments": list(map(str, arguments)), "said": str(said)} | limits
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        end(int(process.stdout.readline()))
        return int(process.stdout.readline()), said.read_text()

    yield run
    process.stdin.close()
    process.wait()


MANY = some_texts(240)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return lines(tmp_path_factory.mktemp("many") / "in.jsonl", MANY)


def assert_whole(out, encoder) -> None:
    """Every row is there once, with the vector of `embed`, and nothing that was begun is left."""
    assert table(out)["id"].to_pylist() == list(range(len(MANY)))
    assert table(out)["text"].to_pylist() == MANY
    torch.testing.assert_close(vectors(out), embed(MANY, encoder, "mean")["mean"], atol=1e-5, rtol=0)
    about = manifest(out)
    assert (about["read"], about["rows"]) == (len(MANY), len(MANY))
    for one in about["shards"]:
        assert sha256_of(out / "vectors" / one["file"]) == one["sha256"]
    assert not list(out.glob("**/*.part"))


def test_killed_at_twenty_random_moments_no_row_is_lost_and_none_is_twice(forked, many, encoder, tmp_path):
    chance, out, ends, there = random.Random(time.time_ns()), tmp_path / "out", [], [0]

    def done() -> int:
        return len(list(out.glob("notes/*.json")))

    def kill(child: int) -> None:
        when = chance.choice(["at the start", "after some shards", "after some shards", "as a file is written"])
        more = chance.randint(0, 4)
        last = time.monotonic() + 20
        if when != "at the start":
            while done() < there[-1] + more and time.monotonic() < last:
                time.sleep(0.001)
        if when == "as a file is written":
            while not list(out.glob("*/*.part")) and time.monotonic() < last:
                pass
        else:
            time.sleep(chance.random() / 20)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        ends.append(f"{when}, {more} more")

    for _ in range(20):
        code, said = forked(many, out, "--shard-rows", 4, end=kill)
        assert code in (-signal.SIGKILL, 0), said
        ends[-1] += "" if code else " (had ended)"
        there.append(done())
        assert there[-1] >= there[-2]  # what was finished stays so
    print("killed", *ends, f"shards there after each: {there}", sep="\n")
    assert sum("had ended" in end for end in ends) <= 5
    assert there[-1] >= 5
    code, said = forked(many, out, "--shard-rows", 4)
    assert code == 0, said
    assert_whole(out, encoder)
    # As if nothing had happened.
    assert forked(many, tmp_path / "at once", "--shard-rows", 4)[0] == 0
    assert {path.name: path.read_bytes() for path in (out / "vectors").iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "at once" / "vectors").iterdir()
    }


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_where_it_is_asked_to_and_goes_on(forked, many, encoder, tmp_path, by):
    out = tmp_path / "out"

    def stop(child: int) -> None:
        while len(list(out.glob("notes/*.json"))) < 3:
            time.sleep(0.001)
        os.kill(child, by)

    code, said = forked(many, out, "--shard-rows", 4, end=stop)
    assert code == 130
    assert said.endswith("Stopped. What is finished stays; the same command goes on.\n")
    assert "Traceback" not in said
    assert not list(out.glob("**/*.part"))
    if by == signal.SIGINT:
        code, said = forked(many, out, "--shard-rows", 4)
        assert code == 0
        assert "of 240 rows are there already." in said
        assert_whole(out, encoder)


def test_ctrl_c_while_the_libraries_are_imported_ends_it_without_a_traceback(many, tmp_path):
    command = [sys.executable, "-m", "pooling.corpus", many, tmp_path / "out"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while "libtorch" not in Path(f"/proc/{process.pid}/maps").read_text():
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert said == "\nStopped before anything was read; the same command begins.\n"
    assert process.returncode == 130


def test_where_there_is_no_room_it_says_so_and_goes_on_once_there_is(forked, many, encoder, tmp_path):
    out = tmp_path / "out"
    # 60 rows take 92 KB; the notes and the recipe have room.
    code, said = forked(many, out, "--shard-rows", 60, most_bytes=50_000)
    assert code == 1
    assert f"There is no room left in {out}. What is finished stays; make room, and the same command goes on." in said
    assert "Traceback" not in said
    assert not list(out.glob("**/*.part"))
    assert not list(out.glob("vectors/*"))
    assert forked(many, out, "--shard-rows", 60)[0] == 0
    assert_whole(out, encoder)


def test_a_full_disk_is_said_and_with_more_room_the_same_command_goes_on(forked, many, encoder, tmp_path):
    arguments = many, tmp_path / "out", "--shard-rows", 60
    code, said = forked(*arguments, sizes=["250k", "2m"], kept=str(tmp_path / "kept"))
    if code == 77:
        pytest.skip(f"only root may make a disk of its own: {said}")
    assert code == 0, said
    assert "There is no room left in" in said
    assert "with 250k, ended with 1: ['00000.parquet', '00001.parquet']" in said
    assert "120 of 240 rows are there already." in said
    assert_whole(tmp_path / "kept", encoder)


def test_a_damaged_shard_is_made_again_and_the_others_are_not(tmp_path):
    corpus = lines(tmp_path / "in.jsonl", TEXTS)
    out = tmp_path / "out"
    made(corpus, out, "--shard-rows", 2)
    first, second = sorted((out / "vectors").iterdir())
    wanted, kept = second.read_bytes(), first.stat().st_mtime_ns
    second.write_bytes(wanted[:-1])
    (out / "vectors" / "00000.parquet.abc.part").write_bytes(b"begun")
    made(corpus, out, "--shard-rows", 2)
    assert second.read_bytes() == wanted
    assert first.stat().st_mtime_ns == kept
    assert sorted((out / "vectors").iterdir()) == [first, second]


def test_another_recipe_other_texts_and_a_folder_of_something_else_are_refused(tmp_path):
    corpus, out = lines(tmp_path / "in.jsonl", TEXTS), tmp_path / "out"
    made(corpus, out)
    before = {path: path.read_bytes() for path in out.glob("**/*") if path.is_file()}
    for asked, said in (
        (["--layer", "5"], "another recipe (layer 6, not 5)"),
        (["--strategy", "max"], "another recipe (strategy mean, not max)"),
        (["--after", "l2"], "another recipe (--after none, not l2)"),
        (["--no-text"], "another recipe (texts kept: yes, not no)"),
        (["--shard-rows", "50"], "another recipe (--shard-rows 8192, not 50)"),
        (["--prompt", "query: {}"], "another recipe (--prompt {}, not query: {})"),
        (["--bfloat16"], "another recipe (bfloat16: no, not yes)"),
    ):
        assert said in main([str(corpus), str(out), *asked])
    lines(corpus, [*TEXTS[:3], "Another one."])
    assert f"{out} was made of other texts (rows 1 to 4 differ); name another folder." == main([str(corpus), str(out)])
    assert {path: path.read_bytes() for path in out.glob("**/*") if path.is_file()} == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("Dear")
    assert "is not empty, and was not begun by this command" in main([str(corpus), str(tmp_path / "mine")])
    assert "would be read as texts" in main([str(tmp_path), str(out)])
    assert "would be read as texts" in main([tmp_path.as_uri(), str(out)])
    assert "is an address" in main([str(corpus), "s3://bucket/out"])
    assert "is a file; name a folder." in main([str(corpus), str(tmp_path / "mine" / "letter.txt")])


def test_two_runs_do_not_write_into_one_folder_at_once(tmp_path):
    from pooling.corpus.run import alone

    corpus, out = lines(tmp_path / "in.jsonl", TEXTS), tmp_path / "out"
    with alone(out):
        assert main([str(corpus), str(out)]) == f"Another run is writing into {out}; wait for it, or end it."
    made(corpus, out)


# What reads it.


def test_numpy_duckdb_sentence_transformers_and_the_projection_page_read_it(encoder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = some_texts(60)
    made(lines(tmp_path / "in.jsonl", texts), "vectors", "--after", "l2", "--shard-rows", 40)
    readme = (ROOT / "README.md").read_text(encoding="utf-8").partition("<b>Read the vectors</b>")[2]
    there: dict = {}
    for code in re.findall(r"```python\n(.*?)```", readme.partition("</details>")[0], re.DOTALL)[:3]:
        exec(code, there)
    wanted = embed(texts, encoder, "mean", normalize_embeddings=True)["mean"]
    assert np.abs(there["vectors"] - wanted.numpy()).max() < 1e-6
    nearest = [texts[i] for i in (wanted @ wanted[0]).argsort(descending=True)[:3]]
    assert [row[1] for row in there["nearest"]] == nearest
    assert [texts[one["corpus_id"]] for one in there["hits"][0]] == nearest
    read = read_table((tmp_path / "vectors" / "vectors" / "00001.parquet").read_bytes())
    assert read.cells["text"].tolist() == texts[40:]
    assert read.said == ("Left out, as its cells hold lists or bytes: 'mean'.",)


def test_its_hash_tells_a_shard_whatever_its_path():
    from pooling.corpus.reading import Row
    from pooling.corpus.shards import Shard

    one, two = (Shard(0, 0, (Row(1, "a", path, 1),)) for path in ("/here", "/there"))
    assert one.digest == two.digest == hashlib.sha256(b"[(1, 'a')]").hexdigest()
