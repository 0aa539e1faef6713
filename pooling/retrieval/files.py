"""Search data from files: BEIR's folder, its zip or its three files, TREC's judgements, or a table of judged texts."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pandas as pd

from pooling import datasets
from pooling.columns import LONGEST_PASSAGE, guess_judged, number, quoted, read_judged, words
from pooling.files import Limits, decoded, read_table
from pooling.retrieval.data import MOST_PASSAGES, SearchData, from_pairs, judge, judged_only

MOST_BYTES = 20 * 2**20
MOST_UNPACKED = 4 * MOST_BYTES
MOST_JUDGED = 200_000
LIMITS = Limits(MOST_BYTES, MOST_JUDGED)
HEADER = frozenset({"score", "scores", "relevance", "rel", "label", "grade", "judgement", "judgment", "rating"})
"""Words of a name for the column of relevances."""
KINDS = (".jsonl", ".tsv", ".txt", ".qrels", ".trec")
SPLITS = ("test", "dev", "train")
"""Of several files of judgements the first of these is read."""
WANTED = (
    "Give BEIR's folder as a zip, or its three files (corpus.jsonl, queries.jsonl and the judgements), or a table with "
    "a query, a text and its relevance a row."
)


def load(path: str | Path) -> SearchData:
    """Search data from a folder in BEIR's form, its zip, or a table with a query, a text and its relevance a row.

    Raises:
        OSError: when it cannot be opened.
        ValueError: for whatever is wrong with it, one sentence that may quote it.
    """
    path = Path(path)
    if path.is_dir():
        inside = (one for one in sorted(path.rglob("*")) if one.suffix in KINDS)
        return read_search({one.relative_to(path).as_posix(): one.read_bytes() for one in inside})
    return read_search({path.name: path.read_bytes()})


@cache
def own_search() -> SearchData:
    """The queries, passages and judgements written for this project."""
    return load(datasets.DATA / "search")


def read_search(files: Mapping[str, bytes]) -> SearchData:
    """Search data from the bytes of files by their names: a zip, BEIR's three files, or one table.

    Raises:
        ValueError: for whatever is wrong, one sentence with the file and the line. It may quote them: show it as text.
    """
    files = {name: data for name, data in files.items() if not Path(name).name.startswith((".", "_"))}
    if sum(map(len, files.values())) > MOST_BYTES:
        size = sum(map(len, files.values())) / 2**20
        raise ValueError(f"There are {size:.1f} MB; at most {MOST_BYTES >> 20} MB can be read.")
    if len(files) == 1:
        [data] = files.values()
        if data.startswith(b"PK\3\4") and b"xl/workbook" not in data:
            return _beir(_unzipped(data))
        if not any(part in name.lower() for name in files for part in ("corpus", "queries", "qrels")):
            table = read_table(data, limits=LIMITS)
            return from_table(table.cells, *guess_judged(table.cells)[0])
    return _beir(files)


def from_table(table: pd.DataFrame, query: str, text: str, relevance: str) -> SearchData:
    """Search data from three columns of a table of `read_table`.

    Raises:
        ValueError: as `read_judged` and `SearchData` do.
    """
    return from_pairs(read_judged(table, query, text, relevance))


def _unzipped(data: bytes) -> dict[str, bytes]:
    """The files of a zip that may be search data, up to `MOST_UNPACKED` bytes of them."""
    found: dict[str, bytes] = {}
    left = MOST_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for member in packed.infolist():
                name = member.filename
                if member.is_dir() or "__MACOSX" in name or not name.endswith(KINDS):
                    continue
                with packed.open(member) as file:
                    found[name] = file.read(left + 1)
                if (left := left - len(found[name])) < 0:
                    break
    except Exception:  # what a damaged zip raises, each way of packing decides for itself
        raise ValueError("This zip cannot be unpacked: it is damaged, or has a password. Pack it again.") from None
    if left < 0:
        raise ValueError(f"The zip unpacks to more than {MOST_UNPACKED >> 20} MB, which is too much.")
    return found


def _beir(files: Mapping[str, bytes]) -> SearchData:
    """Search data in BEIR's form."""
    corpus, queries = (_the_file(files, part) for part in ("corpus", "queries"))
    qrels, said = _the_qrels([name for name in files if name not in (corpus, queries)])
    passages, _ = _texts(corpus, files[corpus], "passage")
    asked, kinds = _texts(queries, files[queries], "query")
    judged: dict[str, dict[str, int]] = {}
    for line, query, passage, grade in _judgements(qrels, files[qrels]):
        where = f"Line {line} of {Path(qrels).name}"
        if query not in asked:
            raise ValueError(f"{where} has the query {quoted(query)}, which is not in {Path(queries).name}.")
        if passage not in passages:
            raise ValueError(f"{where} has the passage {quoted(passage)}, which is not in {Path(corpus).name}.")
        judge(judged, query, passage, grade, f"{where}: {quoted(passage)}", quoted(query))
    # Those of other splits are many, and no limit is meant for them.
    ours = {query: text for query, text in asked.items() if any(judged.get(query, {}).values())}
    left = len(asked) - len(ours)
    if left and ours:
        said.append(f"Queries without a relevant passage are left out: {left:,} of {len(asked):,}.")
    kept = {query: judged[query] for query in ours}
    data = SearchData(ours or asked, passages, kept, {q: kinds[q] for q in ours if q in kinds}, tuple(said))
    return judged_only(data)


def _the_file(files: Mapping[str, bytes], part: str) -> str:
    """The name of BEIR's file of that name."""
    found = [name for name in files if Path(name).name.lower() == f"{part}.jsonl"]
    if not found:
        raise ValueError(f"There is no {part}.jsonl. {WANTED}")
    if len(found) > 1:
        raise ValueError(f"There are two files {part}.jsonl; give one data set at a time.")
    return found[0]


def _the_qrels(names: list[str]) -> tuple[str, list[str]]:
    """The name of the file of judgements, and what to say of it."""
    found = (
        [name for name in names if "qrels" in name.lower()]
        or [name for name in names if name.endswith(".tsv")]
        or names
    )
    if not found:
        raise ValueError(f"There is no file of judgements, such as qrels/test.tsv. {WANTED}")
    if len(found) == 1:
        return found[0], []
    by_split = {Path(name).stem.lower(): name for name in found}
    split = next((one for one in SPLITS if one in by_split), None)
    if split is None:
        raise ValueError(f"There are {len(found)} files of judgements; keep one, or name one test.tsv.")
    return by_split[split], [f"Of {len(found)} files of judgements {Path(by_split[split]).name} is read."]


def _texts(name: str, data: bytes, what: str) -> tuple[dict[str, str], dict[str, str]]:
    """The texts in one of BEIR's files by their ids, a title before its text; and the kinds that it names."""
    file, most = Path(name).name, MOST_PASSAGES if what == "passage" else MOST_JUDGED  # queries of all splits
    try:
        table = read_table(data, limits=Limits(MOST_UNPACKED, most)).cells
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    if "_id" not in table or "text" not in table:
        missing = "_id" if "_id" not in table else "text"
        raise ValueError(f'{file} has no "{missing}"; each line is like {{"_id": "1", "text": "…"}}.')
    blank = [""] * len(table)
    titles, kinds = ([*table[one]] if one in table else blank for one in ("title", "kind"))
    found: dict[str, str] = {}
    of_kind: dict[str, str] = {}
    rows = zip(table.index, table["_id"], titles, table["text"], kinds, strict=True)
    for line, one, title, text, kind in rows:
        where, one = f"Line {line} of {file}", one.strip()
        if not one:
            raise ValueError(f'{where} has no "_id"; give every {what} one of its own.')
        if one in found:
            raise ValueError(f"{where} has the id {quoted(one)}, which an earlier line has; give every {what} its own.")
        found[one] = " ".join(part for part in (title.strip(), text.strip()) if part)
        if not found[one]:
            raise ValueError(f"{where} has neither a title nor a text; fill it in or remove the line.")
        if len(found[one]) > LONGEST_PASSAGE:
            raise ValueError(
                f"{where} has a text of {len(found[one]):,} characters; at most {LONGEST_PASSAGE:,} are read."
            )
        if kind.strip():
            of_kind[one] = kind.strip()
    return found, of_kind


def _judgements(name: str, data: bytes) -> Iterator[tuple[int, str, str, int]]:
    """The lines of a file of judgements: BEIR's query, passage, grade with a header, or TREC's with an iteration."""
    file, (text, _) = Path(name).name, decoded(data)
    lines = [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if len(lines) > MOST_JUDGED:
        raise ValueError(f"{file} has {len(lines):,} lines; at most {MOST_JUDGED:,} are read.")
    for place, (line, row) in enumerate(lines):
        cells = [cell.strip() for cell in (row.split("\t") if "\t" in row else row.split())]
        if len(cells) not in (3, 4) or not all(cells):
            raise ValueError(
                f"Line {line} of {file} cannot be read; write a query, a passage and its relevance, with tabs between "
                "them, or TREC's four columns."
            )
        grade = number(cells[-1])
        if place == 0 and grade != grade and HEADER.intersection(words(cells[-1])):
            continue
        if not grade.is_integer():
            raise ValueError(
                f"Line {line} of {file} has the relevance {quoted(cells[-1])}; write a whole number: 0 for not "
                "relevant, 1 or more for relevant."
            )
        yield line, cells[0], cells[-2], int(grade)
