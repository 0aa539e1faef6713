"""Reading other people's tables: what is wrong is said with its row."""

import pytest

from pooling.datasets import (
    MOST_BYTES,
    guess_columns,
    own_pairs,
    own_topics,
    read_pairs,
    read_table,
    read_texts,
)

HEAD = b"one,two,score\n"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "The file is empty; it needs a header and at least one row."),
        (b" \r\n\t\n", "The file is empty; it needs a header and at least one row."),
        (b"a,b\n", "The file has a header but no row under it."),
        (b"a,b\n\n\n", "The file has a header but no row under it."),
        (b"a,b\n1,2,3\n", "Row 2 has 3 cells where the header has 2"),
        (b"a,b\n1,2\n\n3\n", "Row 4 has 1 cell where the header has 2"),
        (b"a,b\n1,2\ncaf\xe9,4\n", "Row 3 is not UTF-8 text; save the file as CSV UTF-8"),
        ("a,b\n1,2".encode("utf-16"), "Row 1 is not UTF-8 text"),
        (b"a,a\n1,2\n", "Row 1, the header, names two columns 'a'"),
        (b"a, \n1,2\n", "Row 1, the header, has no name for column 2"),
        (b'a,b\n1,2\n"3,4\n', "Row 3 cannot be read: a quotation mark is opened and never closed."),
        (b'a,b\n"1"x,2\n', "Row 2 cannot be read: text follows a closing quotation mark"),
        (b'a,b\n"' + b"x" * 200_000 + b'",2\n', "Row 2 cannot be read: a cell is too long."),
        (b"a\n" + b"x\n" * 10_001, "Row 10002 is one too many: at most 10,000 rows"),
        (b"x" * (MOST_BYTES + 1), "The file has 5.0 MB; at most 5 MB can be read."),
        (b"x" * 6 * 2**20, "The file has 6.0 MB; at most 5 MB can be read."),
        (",".join(f"c{i}" for i in range(101)).encode(), "Row 1 names 101 columns; at most 100 can be read."),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_a_bad_file_is_refused_in_a_sentence(data, said):
    with pytest.raises(ValueError) as wrong:
        read_table(data)
    assert str(wrong.value).startswith(said)
    assert "\n" not in str(wrong.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_a_table_is_read_whatever_separates_it(delimiter, start):
    text = f'name{delimiter}"a {delimiter} b"\r\n001{delimiter}"x {delimiter}\n""y"""\r\n\r\nNaN{delimiter}\r\n'
    table = read_table(start + text.encode())
    assert list(table) == ["name", f"a {delimiter} b"]
    assert table.to_numpy().tolist() == [["001", f'x {delimiter}\n"y"'], ["NaN", ""]]
    assert table.index.tolist() == [2, 4]


def test_ten_thousand_rows_are_read():
    assert len(read_table(b"a\n" + b"x\n" * 10_000)) == 10_000


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (b"a,b,1\nc,d,nan\n", "Row 3 has 'nan' in column 'score', which is not a finite number"),
        (b"a,b,1\nc,d,inf\n", "Row 3 has 'inf' in column 'score', which is not a finite number"),
        (b"a,b,1\nc,d,1_0\n", "Row 3 has '1_0' in column 'score', which is not a finite number"),
        (b"a,b,1\n\nc,d,high\n", "Row 4 has 'high' in column 'score', which is not a finite number"),
        (b"a,b,1\nc,d, \n", "Row 3 has nothing in column 'score'; fill it in or remove the row."),
        (b"a,b,1\n  ,d,2\n", "Row 3 has nothing in column 'one'; fill it in or remove the row."),
        (b"a," + b"x" * 5001 + b",1\n", "Row 2 has a text of 5,001 characters in column 'two'; at most 5,000"),
        (b"a,b,1\nc,d,2\n", "The file has 2 pairs; at least 3 are needed."),
        (b"a,b,1\n", "The file has 1 pair; at least 3 are needed."),
        (b"a,b,2.5\nc,d,2.5\ne,f,2.50\n", "Every pair has the score 2.5; a ranking needs at least two"),
    ],
)
def test_bad_pairs_are_refused_in_a_sentence(rows, said):
    with pytest.raises(ValueError) as wrong:
        read_pairs(read_table(HEAD + rows), "one", "two", "score")
    assert str(wrong.value).startswith(said)


def test_pairs_are_read_with_repeats_kept():
    pairs = read_pairs(read_table(HEAD + b"a,b,1\na,b,1\n c ,d,-2.5e0\n"), "one", "two", "score")
    assert [(p.text1, p.text2, p.score, p.kind) for p in pairs] == [
        ("a", "b", 1.0, ""),
        ("a", "b", 1.0, ""),
        ("c", "d", -2.5, ""),
    ]


def test_columns_must_differ_and_exist():
    table = read_table(HEAD + b"a,b,1\n")
    with pytest.raises(ValueError, match="three different columns"):
        read_pairs(table, "one", "one", "score")
    with pytest.raises(ValueError, match="There is no column 'x'"):
        read_pairs(table, "one", "x", "score")
    with pytest.raises(ValueError, match="two different columns"):
        read_texts(table, "one", "one")


def test_a_column_of_numbers_can_be_texts():
    assert read_texts(read_table(b"n,label\n1,a\n2,b\n"), "n", "label") == (("1", "2"), ("a", "b"))
    assert read_texts(read_table(b"n,label\n1,a\n2,b\n"), "n") == (("1", "2"), ())


def test_columns_are_guessed():
    scored = read_table(b"id,score,text,other\n7,1,a long text,another one\n8,2,a longer text,yet another one\n")
    assert guess_columns(scored, texts=2, numeric=True)[:2] == ["text", "other"]
    assert guess_columns(scored, texts=2, numeric=True)[2] in ("id", "score")
    labelled = read_table(b"n,text,topic\n1,a long text,sport\n2,a longer text,sport\n")
    assert guess_columns(labelled, texts=1, numeric=False) == ["text", "topic"]
    assert guess_columns(read_table(b"a\nx\n"), texts=2, numeric=True) == ["a", "a", "a"]


def test_the_own_data_is_what_its_readme_says():
    assert len(own_pairs()) == 484
    assert [len(own_pairs(split)) for split in ("train", "dev", "test")] == [264, 89, 131]
    assert {p.kind for p in own_pairs()} >= {"negation", "role_swap"}
    assert len(set(own_topics()[1])) == 8
    assert len(own_topics()[0]) >= 240
