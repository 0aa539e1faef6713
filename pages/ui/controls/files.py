"""A reader's own files: kept for the session, offered on every page that takes such data, read as the reader says."""

import hashlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

if TYPE_CHECKING:
    import pandas as pd

    from pooling.datasets import Pair
    from pooling.files import Table
    from pooling.retrieval import SearchData

MOST_FILES = 5
MOST_TOGETHER = 15 * 2**20
"""Bytes of a session's files."""
LIMIT = f"{MOST_FILES} files and {MOST_TOGETHER >> 20} MB"


@dataclass(frozen=True)
class Given:
    """A file of the reader's, with its name in the list."""

    name: str
    data: bytes

    @cached_property
    def key(self) -> str:
        """Different for another content."""
        return hashlib.sha256(self.data).hexdigest()[:32]


def choose_pairs(act: str = "") -> "tuple[Pair, ...] | None":
    """Scored pairs of a file of the reader's; None, with what is lacking shown, while there are none.

    Args:
        act: what a button says that is shown before anything is made of columns that were only guessed.
    """
    from pooling.columns import guess_pairs, read_pairs

    purposes = ("First text", "Second text", "Score")
    pairs = _choose("two texts and a score a row", purposes, guess_pairs, read_pairs, act)
    return None if pairs is None else tuple(pairs)


def choose_judged(act: str) -> "tuple[Pair, ...] | None":
    """Queries, texts and their relevance of a file of the reader's; None, with what is lacking shown, without any.

    Args:
        act: what a button says that is shown before anything is made of columns that were only guessed.
    """
    from pooling.columns import guess_judged, read_judged

    purposes = ("Query", "Text", "Relevance")
    pairs = _choose("a query, a text and its relevance a row", purposes, guess_judged, read_judged, act)
    return None if pairs is None else tuple(pairs)


def choose_texts(act: str, *, label: bool = True) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Texts of a file of the reader's and their labels; None, with what is lacking shown, while there are none.

    Args:
        act: what a button says that is shown before anything is made of columns that were only guessed.
        label: whether labels are needed; they can be left out otherwise.
    """
    from pooling.columns import guess_texts, read_texts

    what = "a text a row, and its label" if label else "a text a row, and a label where there is one"
    return _choose(what, ("Text", "Label"), lambda table: guess_texts(table, label=label), read_texts, act, label)


def _choose(
    what: str,
    purposes: tuple[str, ...],
    guess: "Callable[[pd.DataFrame], tuple[Sequence[str | None], bool]]",
    read: Callable[..., Any],
    act: str,
    needs_all: bool = True,
) -> Any:
    """What `read` makes of a file and of its columns, one for each purpose, which stand beside its first rows."""
    from pages.ui import layout
    from pooling.columns import first_rows

    if (file := _choose_file(what)) is None:
        return None
    rows, choices = st.columns([3, 2], gap="medium")
    try:
        with choices:
            table = _read(file)
            guessed, sure = guess(table.cells)
            chosen = {
                purpose: _choose_column(file, table, purpose, column, optional=purpose == "Label" and not needs_all)
                for purpose, column in zip(purposes, guessed, strict=True)
            }
        with rows:
            for said in table.said:
                layout.remark(said)
            layout.rows(first_rows(table.cells, chosen), "The first rows, as they are understood:")
        made = read(table.cells, *chosen.values())
    except ValueError as wrong:
        layout.problem(str(wrong))
        return None
    confirmed = _state().confirmed
    if act and not (sure and table.sure) and (file.key, purposes) not in confirmed:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(act, type="primary", key="file-act", on_click=confirmed.add, args=((file.key, purposes),))
            st.markdown("This is a guess: look at the rows and choose what is what.")
        return None
    return made


def _choose_column(file: Given, table: "Table", purpose: str, guessed: str | None, *, optional: bool) -> str | None:
    """A column for a purpose, such as "Score"; first its guess."""
    names, name = list(table.cells), f"file-{purpose.lower().replace(' ', '-')}"
    key = f"{name}-{file.key}-{table.header}"
    chosen = st.session_state.get(key, "")
    if chosen not in names and not (optional and chosen is None):
        st.session_state[key] = guessed
    first = None if optional else 0
    with st.container(key=name):
        return st.selectbox(purpose, names, index=first, placeholder="None", key=key, persist_state="session")


def _read(file: Given) -> "Table":
    """The table in a file, its first row taken as it looks, or as the reader has switched."""
    from pages.ui import cache

    table = cache.table(file.key, None, file.data)
    if table.header is None:
        return table
    key = f"file-header-{file.key}"
    st.session_state.setdefault(key, table.header)
    with st.container(key="file-header"):
        header = st.toggle("The first row has the names of the columns", key=key, persist_state="session")
    return table if header == table.header else cache.table(file.key, header, file.data)


@dataclass
class _Files:
    """The files of a session, the oldest first, and what was last said of them."""

    kept: dict[str, Given] = field(default_factory=dict)
    confirmed: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)
    """Files of which the reader has said that their columns were guessed well."""
    uploads: int = 0
    coming: Given | None = None
    refused: str = ""
    dropped: str = ""

    def keep(self, file: Given) -> None:
        """Keep one more, under a name of its own; what is then too much goes, the oldest first."""
        self.kept.pop(file.key, None)
        names = itertools.chain([file.name], (f"{file.name} ({n})" for n in itertools.count(2)))
        taken = {one.name for one in self.kept.values()}
        self.kept[file.key] = Given(next(name for name in names if name not in taken), file.data)
        dropped = []
        while len(self.kept) > MOST_FILES or sum(len(one.data) for one in self.kept.values()) > MOST_TOGETHER:
            dropped.append(self.drop(next(iter(self.kept))).name)
        if dropped:
            self.dropped = f"No longer kept: {', '.join(dropped)}; there is room for {LIMIT}."

    def hush(self) -> None:
        """Say no more of what was refused or dropped."""
        self.refused = self.dropped = ""

    def remove(self, key: str) -> None:
        """Forget a file when its reader asks for it."""
        self.drop(key)

    def drop(self, key: str) -> Given:
        """Forget a file, and what was chosen and said of it."""
        self.hush()
        self.confirmed = {one for one in self.confirmed if one[0] != key}
        for name in [name for name in st.session_state if key in str(name)]:
            del st.session_state[name]
        return self.kept.pop(key)


def _state() -> _Files:
    return st.session_state.setdefault("_files", _Files())


def _choose_file(what: str) -> Given | None:
    """One of the session's files; a place to give one, or another."""
    from pages.ui import layout

    files = _state()
    _take_in(files)
    if not files.kept:
        _ask_for_file(files, what)
    else:
        names = list(reversed(files.kept))
        if st.session_state.get("file") not in names:
            st.session_state["file"] = names[0]
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            key = st.selectbox(
                "Your file",
                names,
                format_func=lambda key: files.kept[key].name,
                key="file",
                on_change=files.hush,
                persist_state="session",
                width=320,
                help="Your files are kept until you leave, and can be used on the pages Attention, Projection, "
                f"Evaluation and Search. There is room for {LIMIT}; then the oldest goes.",
            )
            st.button("Remove", icon=":material/delete:", key="file-remove", on_click=files.remove, args=(key,))
            with st.popover("Another file", icon=":material/upload_file:", key=f"file-more-{files.uploads}"):
                _ask_for_file(files, what)
    if files.refused:
        layout.problem(files.refused)
    if files.dropped:
        layout.remark(files.dropped)
    return files.kept[key] if files.kept else None


def _ask_for_file(files: _Files, what: str) -> None:
    """An uploader, which is a new and empty one after each file. What a file is, its content tells and not its name."""
    from pooling.files import KINDS, MOST_BYTES, MOST_ROWS

    key = f"file-upload-{files.uploads}"
    st.file_uploader(
        f"A table with {what}: {KINDS}, at most {MOST_ROWS:,} rows and {MOST_BYTES >> 20} MB",
        key=key,
        on_change=_given,
        args=(files, key),
    )


def _given(files: _Files, key: str) -> None:
    """Take what was uploaded."""
    if (file := taken(key)) is not None:
        files.uploads += 1
        files.coming = file


def taken(key: str) -> Given | None:
    """What was uploaded by this widget; Streamlit forgets it: it would keep it as long as the session too.

    When a run is not finished Streamlit says again that there is an upload, and hands what is no file any more.
    """
    upload = st.session_state[key]
    return Given(upload.name[:80], _taken(upload)) if isinstance(upload, UploadedFile) else None


def _taken(upload: UploadedFile) -> bytes:
    """What was uploaded, which Streamlit forgets."""
    context = get_script_run_ctx()
    data = upload.getvalue()
    if context and isinstance(manager := context.uploaded_file_mgr, MemoryUploadedFileManager):
        manager.remove_file(context.session_id, upload.file_id)
    return data


def _take_in(files: _Files) -> None:
    """Keep what was uploaded just now, if it can be read."""
    from pages.ui import cache

    if (file := files.coming) is None:
        return
    files.hush()
    try:
        cache.table(file.key, None, file.data)
    except ValueError as wrong:
        files.refused = f"{file.name}: {wrong}"
    else:
        files.keep(file)
        st.session_state["file"] = file.key
    files.coming = None  # not before: a run that ends while it reads leaves it to the next


@dataclass
class _Parts:
    """The files of one search, which may come one after another."""

    files: dict[str, bytes] = field(default_factory=dict)
    uploads: int = 0

    def take(self, key: str) -> None:
        """Take what was uploaded just now; what was there under its name goes."""
        if uploads := [upload for upload in st.session_state[key] if isinstance(upload, UploadedFile)]:
            self.uploads += 1
            self.files |= {upload.name[:80]: _taken(upload) for upload in uploads}

    def forget(self) -> None:
        """Forget them when their reader asks for it."""
        self.files = {}


def choose_search_files() -> "SearchData | None":
    """Search data of files in BEIR's form; None, with what is lacking shown, while there is none."""
    from pages.ui import cache, layout
    from pooling.retrieval.files import MOST_BYTES

    parts, made = st.session_state.setdefault("_search_files", _Parts()), None
    if parts.files:
        digest = hashlib.sha256(repr(sorted(parts.files.items())).encode()).hexdigest()
        try:
            made = cache.search_data(digest, parts.files)
        except ValueError as wrong:
            layout.problem(str(wrong))
            if sum(map(len, parts.files.values())) > MOST_BYTES:
                parts.forget()
    if made is None:
        key = f"search-upload-{parts.uploads}"
        st.file_uploader(
            "BEIR's folder as a zip, or its three files: corpus.jsonl, queries.jsonl, and the judgements as TSV or in "
            f"TREC's form; at most {MOST_BYTES >> 20} MB",
            accept_multiple_files=True,
            max_upload_size=MOST_BYTES >> 20,
            key=key,
            on_change=parts.take,
            args=(key,),
        )
    if parts.files:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            layout.remark(f"Your files, kept until you leave: {', '.join(parts.files)}.")
            st.button("Remove", icon=":material/delete:", key="search-remove", on_click=parts.forget)
    return made
