"""Search data from other people's files: read as they are, or refused in a sentence that says where and why."""

import io
import random
import zipfile

import pytest

from pooling.datasets import Pair
from pooling.retrieval import SearchData, from_pairs, labelled, load, read_search

CORPUS = b"""{"_id": "d1", "title": "Tides", "text": "The moon pulls the sea.", "metadata": {"url": "x"}}
{"_id": "d2", "title": "", "text": "Bread needs yeast."}
{"_id": 3, "text": "Owls hunt at night."}
{"_id": "d4", "title": "Only a title", "text": ""}
"""
QUERIES = b"""{"_id": "q1", "text": "What makes tides?", "kind": "question"}
{"_id": "q2", "text": "Which birds hunt in the dark?"}
{"_id": "q3", "text": "A query of another split"}
"""
QRELS = b"query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\t3\t1\n"
TREC = b"q1 0 d1 2\nq1 0 d2 -1\nq2 0 3 1\n"


def files(corpus: bytes = CORPUS, queries: bytes = QUERIES, qrels: bytes = QRELS, at: str = "") -> dict[str, bytes]:
    return {f"{at}corpus.jsonl": corpus, f"{at}queries.jsonl": queries, f"{at}qrels/test.tsv": qrels}


def packed(members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as written:
        for name, data in members.items():
            written.writestr(name, data)
    return made.getvalue()


def test_beirs_form_is_read_from_files_a_zip_and_a_folder_whatever_ends_its_lines(tmp_path):
    windows = {name: data.replace(b"\n", b"\r\n") for name, data in files(at="tiny/").items()}
    litter = {"__MACOSX/tiny/._corpus.jsonl": b"\0", "tiny/qrels/train.tsv": QRELS, "tiny/README.md": b"#"}
    for name, data in files().items():
        path = tmp_path / "tiny" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "tiny.zip").write_bytes(packed(windows | litter))
    trec = {"corpus.jsonl": CORPUS, "queries.jsonl": b"\xef\xbb\xbf" + QUERIES, "robust.qrels": TREC}
    read = [read_search(files()), load(tmp_path / "tiny"), load(tmp_path / "tiny.zip"), read_search(trec)]
    for data in read:
        assert data.passages == {
            "d1": "Tides The moon pulls the sea.",
            "d2": "Bread needs yeast.",
            "3": "Owls hunt at night.",
            "d4": "Only a title",
        }
        assert data.queries == {"q1": "What makes tides?", "q2": "Which birds hunt in the dark?"}
        assert data.qrels == {"q1": {"d1": 2, "d2": 0}, "q2": {"3": 1}}
        assert data.kinds == {"q1": "question"}
        assert "Queries without a relevant passage are left out: 1 of 3." in data.said
    assert "Of 2 files of judgements test.tsv is read." in read[2].said


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"corpus": b'{"title": "x", "text": "y"}\n'}, 'corpus.jsonl has no "_id"; each line is like {"_id": "1"'),
        (
            {"corpus": CORPUS + b'{"_id": " ", "text": "y"}\n'},
            'Line 5 of corpus.jsonl has no "_id"; give every passage',
        ),
        (
            {"corpus": CORPUS + b'{"_id": "d2", "text": "y"}\n'},
            "Line 5 of corpus.jsonl has the id 'd2', which an earlier",
        ),
        (
            {"corpus": CORPUS + b'{"_id": "d5", "title": " "}\n'},
            "Line 5 of corpus.jsonl has neither a title nor a text",
        ),
        ({"corpus": b'{"_id": "d1", "title": "y"}\n'}, 'corpus.jsonl has no "text"; each line is like'),
        ({"corpus": CORPUS + b'{"_id": "d5", "text":\n'}, "corpus.jsonl: Line 5 is not valid JSON; give one object"),
        ({"corpus": CORPUS + b'["d5"]\n'}, "corpus.jsonl: Line 5 is no JSON object; give one object a line."),
        (
            {"corpus": CORPUS + b'{"_id": "d5", "text": "%s"}\n' % (b"x" * 50_001)},
            "Line 5 of corpus.jsonl has a text of",
        ),
        (
            {"queries": QUERIES + b'{"_id": "q4", "text": ""}\n'},
            "Line 4 of queries.jsonl has neither a title nor a text",
        ),
        ({"qrels": QRELS + b"q1\td9\t1\n"}, "Line 5 of test.tsv has the passage 'd9', which is not in corpus.jsonl."),
        ({"qrels": QRELS + b"q9\td1\t1\n"}, "Line 5 of test.tsv has the query 'q9', which is not in queries.jsonl."),
        (
            {"qrels": QRELS + b"q1\td1\t1\n"},
            "Line 5 of test.tsv: 'd1' is judged twice for the query 'q1': 2 and 1; keep",
        ),
        (
            {"qrels": QRELS + b"q1\td1\n"},
            "Line 5 of test.tsv cannot be read; write a query, a passage and its relevance",
        ),
        (
            {"qrels": QRELS + b"q1\t\t1\n"},
            "Line 5 of test.tsv cannot be read; write a query, a passage and its relevance",
        ),
        ({"qrels": QRELS + b"q1\td1\thigh\n"}, "Line 5 of test.tsv has the relevance 'high'; write a whole number"),
        ({"qrels": QRELS + b"q1\td1\t0.5\n"}, "Line 5 of test.tsv has the relevance '0.5'; write a whole number"),
        ({"qrels": b"q1 0 d1 x\n"}, "Line 1 of test.tsv has the relevance 'x'; write a whole number"),
        ({"qrels": b"q1\td1\t0\n"}, "No query has a relevant passage; at least one judgement must be 1 or more."),
    ],
)
def test_what_is_wrong_with_beirs_files_is_said_with_the_line(changed, why):
    with pytest.raises(ValueError) as told:
        read_search(files(**changed))
    assert str(told.value).startswith(why)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"corpus.jsonl": CORPUS}, "There is no queries.jsonl. Give BEIR's folder as a zip"),
        ({"queries.jsonl": QUERIES, "qrels.tsv": QRELS}, "There is no corpus.jsonl. Give BEIR's folder as a zip"),
        ({"corpus.jsonl": CORPUS, "queries.jsonl": QUERIES}, "There is no file of judgements, such as qrels/test.tsv."),
        (files() | files(at="b/"), "There are two files corpus.jsonl; give one data set at a time."),
        ({"beir.zip": packed(files())[:-30]}, "This zip cannot be unpacked: it is damaged, or has a password."),
        ({"beir.zip": packed({"a.png": b"x"})}, "There is no corpus.jsonl. Give BEIR's folder as a zip"),
        ({"beir.zip": packed({"corpus.jsonl": b" " * (81 * 2**20)})}, "The zip unpacks to more than 80 MB"),
        ({"corpus.jsonl": b"x" * (21 * 2**20)}, "There are 21.0 MB; at most 20 MB can be read."),
    ],
)
def test_what_is_missing_or_too_much_is_said(given, why):
    with pytest.raises(ValueError) as told:
        read_search(given)
    assert str(told.value).startswith(why)


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_with_any_byte_damaged_is_read_or_refused_in_a_sentence(how):
    whole, chance, refused = packed(files(), how), random.Random(0), 0
    for _ in range(400):
        data = bytearray(whole)
        for place in chance.sample(range(4, len(data)), chance.choice([1, 1, 3])):
            data[place] = chance.randrange(256)
        try:
            read_search({"beir.zip": bytes(data)})
        except ValueError as told:
            refused += str(told).startswith("This zip cannot be unpacked")
    assert refused > 50


def test_judgements_are_found_whatever_they_are_called_and_lines_end_where_they_end():
    judged = {"corpus.jsonl": CORPUS, "queries.jsonl": QUERIES, "judgements.txt": TREC}
    assert read_search(judged).qrels == read_search(files()).qrels
    trec = {"corpus.jsonl": CORPUS, "queries.jsonl": QUERIES, "qrels.trec": TREC}
    assert read_search({"a.zip": packed(trec)}).qrels == read_search(files()).qrels
    odd = {name: data.replace(b"d1", "d\u20281".encode()) for name, data in files().items()}
    assert read_search(odd).passages["d\u20281"] == "Tides The moon pulls the sea."


def test_a_table_of_judged_texts_is_read_by_its_columns_names():
    rows = b"passage;relevance;query\r\nOwls hunt.;2;night birds\r\nTides rise.;0;night birds\r\nTides rise.;1;moon\r\n"
    data = read_search({"judged.csv": rows})
    assert data.queries == {"q1": "night birds", "q2": "moon"}
    assert data.passages == {"d1": "Owls hunt.", "d2": "Tides rise."}
    assert data.qrels == {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 1}}
    with pytest.raises(ValueError, match=r"Row 2 has the relevance 0\.5 in column 'relevance'; write a whole number"):
        read_search({"judged.csv": b"query,text,relevance\na,b,0.5\nc,d,1\n"})
    with pytest.raises(ValueError, match="The text 'b' is judged twice for the query 'a': 0 and 1; keep one"):
        read_search({"judged.csv": b"query,text,relevance\na,b,0\na,b,1\n"})


def test_queries_without_a_relevant_text_are_left_out_and_said():
    data = from_pairs([Pair("a", "x", 1.0), Pair("b", "x", 0.0), Pair("a", "y", 0.0)])
    assert (list(data.queries.values()), list(data.passages.values())) == (["a"], ["x", "y"])
    assert data.said == ("1 query has no relevant passage and is left out.",)


def test_labelled_texts_search_for_their_own_label():
    data = labelled(["a", "b", "c", "d", "a"], ["x", "x", "y", "x", "x"])
    assert list(data.queries.values()) == ["a", "b", "d"]
    assert [sorted(data.passages[one] for one in data.relevant(query)) for query in data.queries] == [
        ["b", "d"],
        ["a", "d"],
        ["a", "b"],
    ]
    with pytest.raises(ValueError, match="The text 'a' has two labels, 'x' and 'y'"):
        labelled(["a", "a"], ["x", "y"])
    with pytest.raises(ValueError, match="No query has a relevant passage"):
        labelled(["a", "b"], ["x", "y"])
    many = labelled([str(i) for i in range(500)], ["x", "y"] * 250)
    assert (len(many.queries), len(many.passages)) == (200, 500)
    assert many.said == ("Of the 500 texts 200 are drawn by chance as queries.",)


def test_what_does_not_fit_together_is_no_search_data():
    with pytest.raises(ValueError, match="The passage 'b' is empty"):
        SearchData({"q": "x"}, {"a": "x", "b": " "}, {"q": {"a": 1}})
    with pytest.raises(ValueError, match="The passage 'c' is judged for the query 'q', and is not among the passages"):
        SearchData({"q": "x"}, {"a": "x"}, {"q": {"c": 1}})
    with pytest.raises(ValueError, match="There are judgements for a query 'r', which is not among the queries"):
        SearchData({"q": "x"}, {"a": "x"}, {"r": {"a": 1}})
    with pytest.raises(ValueError, match="There are 20,001 passages; at most 20,000 can be searched"):
        SearchData({"q": "x"}, {str(i): "x" for i in range(20_001)}, {"q": {"1": 1}})
