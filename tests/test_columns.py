"""What the columns of a file are: guessed by name, then by kind; read, or what is wrong said with its row."""

import pandas as pd
import pytest

from pooling.columns import first_rows, guess_pairs, guess_texts, read_pairs, read_texts
from pooling.files import read_table

HEAD = b"one,two,score\n"


def table(names: str, *rows: str) -> pd.DataFrame:
    """A table with these names and rows, each written as CSV."""
    return read_table("\n".join([names, *rows]).encode(), header=True).cells


SENTENCES = ["A cat sleeps on a mat.,A dog barks at night.", "She sings.,He plays the drums."] * 3


def scored(*names: str) -> pd.DataFrame:
    return table(",".join(names), *(f"{pair},{i % 3}.5" for i, pair in enumerate(SENTENCES)))


@pytest.mark.parametrize(
    "names",
    [
        ("sentence1", "sentence2", "score"),
        ("Sentence_A", "Sentence_B", "Relatedness-Score"),
        ("text_a", "text_b", "similarity"),
        ("premise", "hypothesis", "label"),
        ("question", "answer", "is_duplicate"),
        ("Word 1", "Word 2", "Human (mean)"),
        ("#1 String", "#2 String", "Quality"),
        ("anchor", "positive", "gold"),
        ("Satz eins", "Satz zwei", "Wert"),
        ("q1", "q2", "rating"),
        ("text_x", "text_y", "sim"),
    ],
)
def test_three_columns_are_told_apart_by_name_or_kind_in_any_order(names):
    cells = scored(*names)
    for order in ([0, 1, 2], [2, 0, 1], [0, 2, 1]):
        columns, sure = guess_pairs(cells[[names[i] for i in order]])
        assert columns == list(names)
        assert sure


def test_the_columns_of_the_sts_benchmark_and_of_sick_are_found_among_others():
    stsb = table(
        "genre,filename,year,score,sentence1,sentence2",
        "main-captions,a-very-long-file-name-of-a-collection.txt,2012,5.0,A plane is taking off.,A plane took off.",
        "main-news,b-very-long-file-name-of-a-collection.txt,2013,1.5,It rains.,She sings.",
        "main-news,b-very-long-file-name-of-a-collection.txt,2014,5.0,It snows.,Snow falls.",
    )
    assert guess_pairs(stsb) == (["sentence1", "sentence2", "score"], True)
    names = "pair_ID,sentence_A,sentence_B,entailment_label,relatedness_score,entailment_AB,sentence_A_original"
    sick = table(
        names,
        "1,A cat sleeps.,A dog barks.,NEUTRAL,4.5,A_neutral_B,The very same cat sleeps.",
        "2,It rains.,It snows.,NEUTRAL,3.2,A_neutral_B,The very same rain rains.",
        "3,He runs.,She runs.,ENTAILMENT,4.5,A_neutral_B,The very same man runs.",
    )
    assert guess_pairs(sick) == (["sentence_A", "sentence_B", "relatedness_score"], True)


def test_without_names_the_column_of_numbers_is_the_score():
    headless = read_table(b"tiger,cat,7.35\nbook,paper,7.46\ncomputer,keyboard,7.62\n")
    assert guess_pairs(headless.cells) == (["column 1", "column 2", "column 3"], True)
    first = read_table(b"7.35;tiger;cat\n7.46;book;paper\n0.5;king;cabbage\n")
    assert guess_pairs(first.cells) == (["column 2", "column 3", "column 1"], True)


def test_numbers_that_count_rows_or_are_years_are_no_scores_where_there_are_better_ones():
    rows = [f"{i},19{i + 80},A text number {i}.,Another number {i}.,{i % 3},{7 * i}" for i in range(6)]
    columns, sure = guess_pairs(table("nr,when,one,two,alike,unknown", *rows))
    assert columns == ["one", "two", "alike"]
    assert sure
    columns, sure = guess_pairs(table("nr,one,two", *(f"{i},text {i},other {i}" for i in range(6))))
    assert columns == ["one", "two", "nr"]
    assert not sure


def test_what_is_not_certain_is_said_to_be_so():
    assert not guess_pairs(scored("one", "two", "score").assign(three="more words"))[1]
    assert not guess_pairs(scored("one", "two", "first").assign(second="1.5"))[1]
    assert not guess_pairs(table("one,two,three", "a,b,c", "d,e,f", "g,h,i"))[1]
    assert not guess_texts(table("title,body,label", "a,b,c", "d,e,f"))[1]
    assert not guess_texts(table("Satz,Klasse", "eins,zwei", "drei,vier"))[1]
    with pytest.raises(ValueError, match="The file has 2 columns; pairs need three: two of texts and one of scores"):
        guess_pairs(table("a,b", "c,d"))
    with pytest.raises(ValueError, match="The file has 1 column; labelled texts need two"):
        guess_texts(table("a", "c"))


LONG = "a category with a name that is a good deal longer than any of the texts"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("text,label", ["text", "label"]),
        ("label,text", ["text", "label"]),
        ("Utterance,Intent", ["Utterance", "Intent"]),
        ("topic,review_text", ["review_text", "topic"]),
        ("Satz,Klasse", ["Satz", "Klasse"]),
        ("Klasse,Satz", ["Satz", "Klasse"]),
        ("text,rating", ["text", "rating"]),
    ],
)
def test_texts_and_labels_are_told_apart_by_name_or_by_what_repeats_and_never_by_length(names, expected):
    first = names.split(",").index(expected[0])
    rows = [(f"ok {i}", LONG if i % 2 else f"{LONG} too") for i in range(8)]
    cells = table(names, *(",".join(row if first == 0 else row[::-1]) for row in rows))
    assert guess_texts(cells) == (expected, True)


def test_numbers_of_classes_are_labels_and_numbers_of_rows_are_not():
    rows = [f"{i},text number {i},{i % 2}" for i in range(8)]
    assert guess_texts(table("id,text,y", *rows)) == (["text", "y"], True)
    assert guess_texts(table("nr,words,k", *rows)) == (["words", "k"], True)
    assert guess_texts(table("id,text", *(f"{i},text {i}" for i in range(8))), label=False) == (["text", None], True)
    assert guess_texts(table("text", "one", "two"), label=False) == (["text", None], True)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (b"a,b,1\nc,d,nan\n", "Row 3 has 'nan' in column 'score', which is not a finite number"),
        (b"a,b,1\nc,d,inf\n", "Row 3 has 'inf' in column 'score', which is not a finite number"),
        (b"a,b,1\nc,d,1_0\n", "Row 3 has '1_0' in column 'score', which is not a finite number"),
        (b"a,b,1\n\nc,d,high\n", "Row 4 has 'high' in column 'score', which is not a finite number"),
        (b'a,b,1.5\nc,d,"2,5"\n', "Row 3 has '2,5' in column 'score', which is not a finite number"),
        (b'a,b,1\nc,d,"2,500,000"\n', "Row 3 has '2,500,000' in column 'score', which is not a finite number"),
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
        read_pairs(read_table(HEAD + rows, header=True).cells, "one", "two", "score")
    assert str(wrong.value).startswith(said)


def test_a_bad_row_of_json_lines_is_named_by_its_line():
    cells = read_table(b'{"text": "a", "label": "x"}\n\n{"text": "b"}\n').cells
    with pytest.raises(ValueError, match=r"Line 3 has nothing in column 'label'; fill it in or remove the row\."):
        read_texts(cells, "text", "label")


def test_pairs_are_read_with_repeats_kept():
    cells = read_table(HEAD + b"a,b,1\na,b,1\n c ,d,-2.5e0\ne,f,TRUE\n").cells
    assert [(p.text1, p.text2, p.score, p.kind) for p in read_pairs(cells, "one", "two", "score")] == [
        ("a", "b", 1.0, ""),
        ("a", "b", 1.0, ""),
        ("c", "d", -2.5, ""),
        ("e", "f", 1.0, ""),
    ]


def test_columns_must_differ_and_exist():
    cells = read_table(HEAD + b"a,b,1\n").cells
    with pytest.raises(ValueError, match="three different columns"):
        read_pairs(cells, "one", "one", "score")
    with pytest.raises(ValueError, match="There is no column 'x'"):
        read_pairs(cells, "one", "x", "score")
    with pytest.raises(ValueError, match="two different columns"):
        read_texts(cells, "one", "one")


def test_a_column_of_numbers_can_be_texts():
    cells = read_table(b"n,label\n1,a\n2,b\n").cells
    assert read_texts(cells, "n", "label") == (("1", "2"), ("a", "b"))
    assert read_texts(cells, "n") == (("1", "2"), ())


def test_the_first_rows_show_texts_as_they_are_and_scores_as_the_numbers_they_are_read_as():
    cells = read_table(b"one;two;score\n a ;007;3,50\nb;c;high\nd;e;1e3\nf;g;1\n").cells
    shown = first_rows(cells, {"First text": "one", "Second text": "two", "Score": "score", "Label": None})
    assert shown.index.tolist() == [2, 3, 4]
    assert list(shown) == ["First text", "Second text", "Score"]
    assert shown.to_numpy().tolist() == [["a", "007", "3.5"], ["b", "c", "high"], ["d", "e", "1000"]]
