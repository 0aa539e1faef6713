"""Reading other people's tables: in every kind that programs write, or what is wrong said with its row."""

import csv
import io
import json
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from pooling.columns import read_pairs
from pooling.files import MOST_BYTES, NO_TABLE, read_table

SCORED = pd.DataFrame(
    {"text1": ["Le café fermé", "a; b, c", "“Ja”"], "text2": ["x\ny", "001", "NA"], "score": [3.0, 7.35, 0.5]}
)
READ = [("Le café fermé", "x\ny", 3.0), ("a; b, c", "001", 7.35), ("“Ja”", "NA", 0.5)]


def written(write, *args, **settings) -> bytes:
    """What a pandas writer, such as `DataFrame.to_parquet`, writes."""
    file = io.BytesIO()
    write(file, *args, **settings)
    return file.getvalue()


def workbook(rows: list[list], *more: str) -> bytes:
    """An Excel file with these cells, and more sheets under these names, in which nothing stands."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        for name in more:
            book.add_worksheet(name)
        sheet = book.add_worksheet("data")
        for place, row in enumerate(rows):
            sheet.write_row(place, 0, row)
    return file.getvalue()


def pairs_of(data: bytes) -> list[tuple]:
    pairs = read_pairs(read_table(data).cells, "text1", "text2", "score")
    return [(pair.text1, pair.text2, pair.score) for pair in pairs]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("index", [False, True])
def test_what_pandas_writes_as_csv_is_read_whatever_separates_and_encodes_it(encoding, separator, decimal, index):
    data = SCORED.to_csv(sep=separator, decimal=decimal, index=index).encode(encoding)
    assert pairs_of(data) == READ
    assert list(read_table(data).cells) == ["text1", "text2", "score"]
    said = " ".join(read_table(data).said)
    assert ("A column without a name numbers the rows; it is left out." in said) == index
    assert ("windows-1252" in said) == (encoding == "cp1252")


@pytest.mark.parametrize("index", [False, True])
def test_what_pandas_writes_as_json_lines_json_parquet_and_excel_is_read(index):
    lines = SCORED.to_json(orient="records", lines=True, force_ascii=False).encode()
    assert pairs_of(lines) == READ
    assert read_table(lines).cells.index.name == "line"
    assert read_table(lines).cells.index.tolist() == [1, 2, 3]
    assert pairs_of(SCORED.to_json(orient="records").encode()) == READ
    named = SCORED.set_index(np.array([7, 9, 12])) if index else SCORED
    for data in (written(named.to_parquet), written(named.to_excel, engine="xlsxwriter", index=index)):
        table = read_table(data)
        assert pairs_of(data) == READ
        assert list(table.cells) == ["text1", "text2", "score"]
        assert table.cells["score"].tolist() == ["3", "7.35", "0.5"]
        assert ("A column without a name numbers the rows; it is left out." in table.said) == index


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("latin-1", "texte,étiquette\nUne très bonne soirée à Paris,ja\nUn café fermé,nein\n"),
        ("cp1252", "text,label\n“Smart quotes” cost €5 – really…,a\nIt’s fine,b\n"),
        ("cp1250", "tekst;etykieta\nZażółć gęślą jaźń, proszę;dobry\nŁódź jest piękna;zły\n"),
        ("cp1251", "текст;метка\nКошка спит на диване;да\nСобака лает громко;нет\n"),
        ("shift_jis", "文,ラベル\n猫が寝ている。,良い\n犬が吠える。,悪い\n"),
        ("gb18030", "文本,标签\n猫在睡觉。,好\n狗在叫。,坏\n"),
    ],
)
def test_letters_that_are_no_utf_8_are_told_by_how_they_look_and_said(encoding, text):
    table = read_table(text.encode(encoding), header=True)
    assert [list(table.cells), *table.cells.to_numpy().tolist()] == list(
        csv.reader(io.StringIO(text), delimiter=";" if ";" in text else ",")
    )
    assert "Its letters are read as" in table.said[0]


def test_a_single_wrong_letter_in_utf_8_is_named_by_its_row_and_not_guessed_at():
    data = "a,b\nÄpfel,süß\nBirnen,köstlich\n".encode() + b"caf\xe9,4\n"
    with pytest.raises(ValueError, match="Row 4 is not UTF-8 text, as the rest is"):
        read_table(data)


def test_excels_own_first_line_says_what_separates_and_is_not_counted():
    table = read_table(b"sep=;\r\ntext,with;score\r\na, b;3,5\r\n")
    assert list(table.cells) == ["text,with", "score"]
    assert table.cells.index.tolist() == [2]


def test_a_comma_in_numbers_is_no_separator_where_another_splits_the_rows_too():
    table = read_table(b"tiger;7,35\nhouse;1,5\nsun;2,5\n")
    assert table.cells.to_numpy().tolist() == [["tiger", "7,35"], ["house", "1,5"], ["sun", "2,5"]]
    sentences = read_table(b"text1;text2;score\nHi, you;Hello, all, there;1\nYes, sir;No;2\nOh;Ah;3\n")
    assert sentences.cells.shape == (3, 3)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_quoted_cells_may_hold_anything_and_rows_are_counted_as_a_spreadsheet_does(delimiter, start):
    text = f'name{delimiter}"a {delimiter} b"\r\n001{delimiter}"x {delimiter}\n""y"""\r\n\r\nNaN{delimiter}\r\n'
    table = read_table(start + text.encode(), header=True)
    assert list(table.cells) == ["name", f"a {delimiter} b"]
    assert table.cells.to_numpy().tolist() == [["001", f'x {delimiter}\n"y"'], ["NaN", ""]]
    assert table.cells.index.tolist() == [2, 4]


def test_blank_rows_and_columns_of_a_spreadsheet_are_passed_over_and_counted():
    csv_file = b"text,label,,\r\na,x,,\r\n,,,\r\n \r\nb,y,,\r\n,,,\r\n,,,\r\n"
    excel = workbook([["text", "label"], ["a", "x"], [], ["", " "], ["b", "y"], ["", ""]])
    for data in (csv_file, excel):
        table = read_table(data)
        assert list(table.cells) == ["text", "label"]
        assert table.cells.to_numpy().tolist() == [["a", "x"], ["b", "y"]]
        assert table.cells.index.tolist() == [2, 5]


def test_tabs_with_loose_quotation_marks_and_cells_with_a_blank_before_their_quotation_mark_are_read():
    loose = read_table(b'text\tlabel\n"Well," he said.\tx\nAn inch is 1".\ty\n')
    assert loose.cells["text"].tolist() == ['"Well," he said.', 'An inch is 1".']
    spaced = read_table(b'text, score\n"one, two", 3\n"three", 4\n')
    assert spaced.cells.to_numpy().tolist() == [["one, two", "3"], ["three", "4"]]


def test_a_text_a_line_keeps_its_commas_and_its_first_line():
    table = read_table(b'The dog barked.\nHe came, he saw, and 10,000 fell.\n\n"Yes," she said.\n')
    assert table.cells["column 1"].tolist() == [
        "The dog barked.",
        "He came, he saw, and 10,000 fell.",
        '"Yes," she said.',
    ]
    assert table.cells.index.tolist() == [1, 2, 4]
    assert "Each line is read as one text." in table.said
    assert not table.header
    assert read_table(b"text\nsome words\nmore words\n").cells.shape == (2, 1)


@pytest.mark.parametrize(
    ("data", "header", "sure"),
    [
        (b"tiger,cat,7.35\nbook,paper,7.46\n", False, True),
        (b"word1,word2,score\ntiger,cat,7.35\n", True, True),
        (b"tiger;cat;7,35\nbook;paper;7,46\n", False, True),
        (b"gold,silver,7.35\ntiger,cat,5\n", False, False),
        (b"Wort,Bild,Wert\ntiger,cat,7.35\n", True, True),
        (b"text,label,2019,2020\na,b,1,2\n", False, False),
        (b"0,1,2\ntiger,cat,7.35\n", True, True),
        (b",0,1\n0,tiger,cat\n1,dog,pig\n", True, True),
        (b"0,tiger,cat\n1,dog,pig\n", False, True),
        (b"text,0,1\nyes,0.5,0.2\nno,0.1,0.3\n", True, True),
        (b"text,label,score,2019\na,b,1,2\n", True, False),
        (b"I love it,good\nI hate it,bad\nI like it,good\n", False, False),
        (b"Satz,Klasse\nI hate it,bad\nI like it,good\n", True, False),
        (b"text,label\nI hate it,bad\nI like it,good\n", True, True),
        (b"How far is it to go?\nI like it\n", False, False),
    ],
)
def test_whether_the_first_row_has_names_is_told_by_what_stands_in_it(data, header, sure):
    table = read_table(data)
    assert (table.header, table.sure) == (header, sure)
    assert len(table.cells) == len(data.splitlines()) - header
    assert any("first row" in said for said in table.said) == (not (header and sure))


def test_a_reader_may_take_the_first_row_as_data_or_as_names_whatever_it_looks_like():
    data = b"word1,word2,score\ntiger,cat,7.35\n"
    assert list(read_table(data, header=False).cells) == ["column 1", "column 2", "column 3"]
    assert read_table(data, header=False).cells.index.tolist() == [1, 2]
    headless = b"tiger,cat,7.35\nbook,paper,7.46\n"
    assert list(read_table(headless, header=True).cells) == ["tiger", "cat", "7.35"]
    excel = workbook([["tiger", "cat", 7.35], ["book", "paper", 7]])
    assert not read_table(excel).header
    assert read_table(excel).cells.to_numpy().tolist() == [["tiger", "cat", "7.35"], ["book", "paper", "7"]]
    assert read_table(b'{"text": "a"}\n').header is None


def test_of_several_sheets_the_first_with_a_cell_is_read_and_named():
    table = read_table(workbook([["text"], ["a"]], "empty"))
    assert table.cells["text"].tolist() == ["a"]
    assert "Of the file's 2 sheets this is 'data'." in table.said


def test_cells_of_json_parquet_and_excel_read_as_people_write_them():
    lines = b'{"a": true, "b": 3.0, "c": null}\n\n{"a": 12345678901234567890, "c": ["x", 1], "d": "\\u2028"}\n'
    table = read_table(lines)
    assert table.cells.to_numpy().tolist() == [
        ["true", "3", "", ""],
        ["12345678901234567890", "", '["x", 1]', "\u2028"],
    ]
    assert table.cells.index.tolist() == [1, 3]
    frame = pd.DataFrame({"s": np.array([3.8, 4], "float32"), "k": pd.Categorical(["x", "y"]), "l": [[1], [2]]})
    table = read_table(written(frame.to_parquet))
    assert table.cells.to_numpy().tolist() == [["3.8", "x"], ["4", "y"]]
    assert table.said == ("Left out, as its cells hold lists or bytes: 'l'.",)
    excel = read_table(workbook([["n", "yes"], [3, True], [0.1, False], [1e20, "x"]]))
    assert excel.cells.to_numpy().tolist() == [["3", "true"], ["0.1", "false"], ["1e+20", "x"]]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "The file is empty; it needs the names of its columns and at least one row."),
        (b" \r\n\t\n", "The file is empty; it needs the names of its columns and at least one row."),
        (b",,\n,\n", "The file is empty; it needs the names of its columns and at least one row."),
        (b"a,b\n", "The file has the names of its columns but no row under them."),
        (b"a,b\n\n\n", "The file has the names of its columns but no row under them."),
        (b"a,b\n1,2,3\n", "Row 2 has 3 cells where the header has 2"),
        (b"a,b\n1,2\n\n3\n", "Row 4 has 1 cell where the header has 2"),
        (b"7,b\n1,2\n\n3\n", "Row 4 has 1 cell where row 1 has 2"),
        (b"a,a\n1,2\n", "Two columns are named 'a'; give each its own name."),
        (b"a," + b"x" * 201 + b"\n1,2\n", "The name of column 2 has 201 characters; at most 200 are read."),
        (b'a,b\n1,2\n"3,4\n', "Row 3 cannot be read: a quotation mark is opened and never closed."),
        (b'a,b\n"1"x,2\n', "Row 2 cannot be read: text follows a closing quotation mark"),
        (b'a,b\n"' + b"x" * 200_000 + b'",2\n', "Row 2 cannot be read: a cell is too long."),
        (b"a\n" + b"x\n" * 10_001, "Row 10002 is one too many: at most 10,000 rows"),
        (b"x" * (MOST_BYTES + 1), "The file has 5.0 MB; at most 5 MB can be read."),
        (b"x" * 6 * 2**20, "The file has 6.0 MB; at most 5 MB can be read."),
        ((",".join(f"c{i}" for i in range(101)) + "\n" + "x," * 101).encode(), "The file has 101 columns; at most 100"),
        (b'{"a": 1}\n{"a": \n', "Line 2 is not valid JSON; give one object a line."),
        (b'{"a": 1}\n\n[2]\n', "Line 3 is no JSON object; give one object a line."),
        (b'[{"a": 1}, 2]', "Row 2 is no JSON object; give one object a line."),
        (b'[{"a": 1}, ' + b"[" * 100_000, "The file is not valid JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}\n", "Line 1 is not valid JSON"),
        (b'{"a": 1}\n' * 10_001, "Line 10001 is one too many: at most 10,000 rows can be read."),
        (json.dumps({str(i): i for i in range(101)}).encode(), "The file has 101 columns; at most 100 can be read."),
        (b"{}\n{}\n", "The file has no column with text or numbers."),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", NO_TABLE),
        (b"%PDF-1.7\n1 0 obj\n", NO_TABLE),
        (b"PK\3\4 word/document.xml", NO_TABLE),
        ("a,b\n1,2".encode("utf-16")[:-1], NO_TABLE),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "This is an old Excel file (.xls), or one with a password"),
        (b"PK\3\4 xl/workbook.xml", "This Excel file cannot be read: it is damaged, or takes too much to unpack."),
        (b"PAR1 PAR1", "This Parquet file cannot be read: it is damaged, or takes too much to unpack."),
        (workbook([]), "The file is empty; it needs the names of its columns and at least one row."),
        (workbook([["text"]]), "The file has the names of its columns but no row under them."),
        (workbook([["a"], *[["x"]] * 10_001]), "Row 10002 is one too many: at most 10,000 rows can be read."),
        (written(pd.DataFrame({"a": ["x"] * 10_001}).to_parquet), "Row 10001 is one too many: at most 10,000 rows"),
        (written(pd.DataFrame({"l": [[1]]}).to_parquet), "The file has no column with text or numbers."),
    ],
    ids=lambda value: value[:32] if isinstance(value, str) else "",
)
def test_a_bad_file_is_refused_in_a_sentence(data, said):
    with pytest.raises(ValueError) as wrong:
        read_table(data)
    assert str(wrong.value).startswith(said)
    assert "\n" not in str(wrong.value)


@pytest.mark.slow
def test_ten_thousand_rows_and_a_hundred_columns_are_read_of_every_kind():
    rows = pd.DataFrame({"text": [f"text {i}" for i in range(10_000)]})
    wide = pd.DataFrame([[f"x{i}" for i in range(100)]], columns=[f"c{i}" for i in range(100)])
    for frame in (rows, wide):
        for data in (
            frame.to_csv(index=False).encode(),
            frame.to_json(orient="records", lines=True).encode(),
            written(frame.to_parquet),
            written(frame.to_excel, engine="xlsxwriter", index=False),
        ):
            assert read_table(data).cells.shape == frame.shape


def corner() -> bytes:
    """A workbook of two cells, in the first corner and in the last: 17 billion cells for who keeps them all."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "text")
        sheet.write(1_048_575, 16_383, "z")
    return file.getvalue()


def inflated() -> bytes:
    """A workbook with one text of 600 MB."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook([["text"]]))) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            start, mark, end = old.read(name).partition(b"<t>text")
            with new.open(name, "w") as packed:
                packed.write(start + mark)
                for _ in range(600 if mark else 0):
                    packed.write(b"x" * 1_000_000)
                packed.write(end)
    return file.getvalue()


def repeated() -> bytes:
    """A Parquet file with one text of four million letters, ten thousand times."""
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 10_000, pa.int32()), pa.array(["x" * 4_000_000]))
    return written(lambda file: pq.write_table(pa.table({"text": texts}), file, compression="zstd"))


@pytest.mark.slow
@pytest.mark.parametrize("bomb", [corner, inflated, repeated])
def test_a_small_file_that_unpacks_to_gigabytes_is_a_sentence_and_ends_no_server(bomb):
    data = bomb()
    assert len(data) < MOST_BYTES
    with pytest.raises(ValueError, match=r"cannot be read: it is damaged, or takes too much to unpack\."):
        read_table(data)


def test_a_workbook_cannot_read_files_of_the_server():
    book = workbook([["text"], ["a"]])
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name.endswith("sharedStrings.xml"):
                text = text.replace(b"<sst ", b'<!DOCTYPE s [<!ENTITY e SYSTEM "file:///etc/passwd">]><sst ')
                text = text.replace(b"<t>a</t>", b"<t>&e;</t>")
            new.writestr(name, text)
    try:
        read = str(read_table(file.getvalue()).cells)
    except ValueError as refused:
        read = str(refused)
    assert "root:" not in read
