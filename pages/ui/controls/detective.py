"""The widgets of the Detective page: where texts and vectors come from."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import kept, layout, url
from pages.ui.controls.files import Given, taken
from pooling.catalogue import DEFAULT, short
from pooling.datasets import Exhibit, exhibit_vectors, exhibits

if TYPE_CHECKING:
    import numpy as np

MOST_TEXTS = 64
MOST_CHARACTERS = 40_000
"""Of all texts together."""
LONGEST_TEXT = 5000
SOURCES = {"exhibits": "Show me", "file": "A file", "pasted": "Pasted"}


@dataclass(frozen=True, eq=False)
class Evidence:
    """Texts, and the vectors that something made of them."""

    texts: tuple[str, ...]
    vectors: "np.ndarray"
    exhibit: Exhibit | None = None
    said: str = ""
    """What was left out, if anything."""

    @property
    def digest(self) -> str:
        """What stands for them in a cache: equal for equal ones."""
        made = hashlib.sha256(json.dumps([self.texts, self.vectors.shape]).encode())
        made.update(self.vectors.tobytes())
        return made.hexdigest()


def choose_evidence() -> Evidence | None:
    """The texts and vectors that a reader has chosen or given; None, with what is lacking shown, while there are none.

    Raises:
        ValueError: for what cannot be read, in one sentence; it may quote what was given.
    """
    source = kept.one_of(
        st.segmented_control,
        "Vectors from",
        SOURCES,
        key="vectors-from",
        default="exhibits",
        required=True,
        label_visibility="collapsed",
    )
    if source == "exhibits":
        return _choose_exhibit()
    return bounded(*given) if (given := _give_file() if source == "file" else _paste()) else None


def bounded(texts: Sequence[str], vectors: "np.ndarray") -> Evidence:
    """As many of the texts as are looked at, from the first."""
    if len(texts) != len(vectors):
        return Evidence(tuple(texts), vectors)  # which is refused, in a sentence with both numbers
    most, characters = 0, 0
    for place, text in enumerate(texts[:MOST_TEXTS], start=1):
        if len(text) > LONGEST_TEXT:
            raise ValueError(f"Text {place} has {len(text):,} characters; at most {LONGEST_TEXT:,} are read.")
        characters += len(text)
        most = place if characters <= MOST_CHARACTERS else most
    said = f"Only the first {most} of {len(texts)} texts are looked at, which are enough." if most < len(texts) else ""
    return Evidence(tuple(texts[:most]), vectors[:most], said=said)


def _choose_exhibit() -> Evidence:
    """One of the bundled exhibits, by its number alone: what it is, is to be found out."""
    texts, stories = exhibits()
    numbers = {str(i): f"Exhibit {i}" for i in range(1, len(stories) + 1)}
    chosen = kept.one_of(
        st.pills,
        "Exhibit",
        numbers,
        key="exhibit",
        default="1",
        required=True,
        label_visibility="collapsed",
        on_change=st.session_state.update,
        args=({"verdict": False},),
    )
    st.caption(
        f"Other people's programs made each of them of the same {len(texts)} texts with the model "
        f"{short(DEFAULT)}, and each made one mistake. Look at the clues, guess, then ask."
    )
    exhibit = stories[int(chosen) - 1]
    return Evidence(texts, exhibit_vectors(exhibit.name), exhibit)


def wants_verdict() -> bool:
    """Whether the solution of an exhibit was asked for; until then, a button that does."""
    asked = url.flag("verdict")
    if not asked:
        st.button(
            "Ask the Detective",
            type="primary",
            icon=":material/search:",
            key="ask-verdict",
            on_click=st.session_state.update,
            args=({"verdict": True},),
        )
    return asked


def use_default_model() -> None:
    """A button that goes to the model that made the exhibits."""
    state = {"model": DEFAULT}
    st.button(f"Use {short(DEFAULT)}", key="exhibits-model", on_click=st.session_state.update, args=(state,))


@dataclass
class _Files:
    """The one file of the session, as it was read."""

    uploads: int = 0
    coming: Given | None = None
    name: str = ""
    read: "tuple[list[str], np.ndarray] | None" = None
    refused: str = ""

    def forget(self) -> None:
        """Have no file any more."""
        self.name, self.read, self.refused, self.coming = "", None, "", None

    def take(self, key: str) -> None:
        """Take what was uploaded."""
        if (file := taken(key)) is not None:
            self.forget()
            self.uploads += 1
            self.coming = file


def _give_file() -> "tuple[Sequence[str], np.ndarray] | None":
    """The texts and vectors of a file; a place to give one."""
    from pooling.detect.files import KINDS, read_vectors
    from pooling.files import MOST_BYTES

    files: _Files = st.session_state.setdefault("_vectors_file", _Files())
    if (file := files.coming) is not None:
        try:
            with st.spinner("Reading the file…"):
                if len(file.data) > MOST_BYTES:
                    raise ValueError(f"It has {len(file.data) / 2**20:.1f} MB; at most {MOST_BYTES >> 20} MB are read.")
                files.name, files.read = file.name, read_vectors(file.data, "The file", list)
        except ValueError as wrong:
            files.refused = f"{file.name}: {wrong}"
        files.coming = None  # not before: a run that ends while it reads leaves it to the next
    if files.read is None:
        key = f"vectors-upload-{files.uploads}"
        st.file_uploader(
            f"Texts and the vectors that were made of them: {KINDS}; at most {MOST_BYTES >> 20} MB",
            key=key,
            on_change=files.take,
            args=(key,),
        )
        if files.refused:
            layout.problem(files.refused)
        else:
            _say_forms()
        return None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        layout.plain(f"{files.name}: {len(files.read[1])} vectors of {files.read[1].shape[1]} numbers.")
        st.button("Remove", icon=":material/delete:", key="vectors-remove", on_click=files.forget)
    texts, vectors = files.read
    texts = texts or _texts_apart()
    return (texts, vectors) if texts else None


def _texts_apart() -> list[str]:
    """The texts of a file that has none."""
    from pooling.detect.probes import PROBES

    where = kept.one_of(
        st.segmented_control,
        "The file has vectors and no texts. They were made of",
        {"probes": "The probe texts", "pasted": "Texts that I paste"},
        key="vectors-of",
        default="probes",
        required=True,
    )
    return list(PROBES) if where == "probes" else _paste_texts()


def _paste_texts() -> list[str]:
    # Not in the address: they are the reader's own, and without their vectors a link says nothing.
    typed = st.text_area("Texts, one a line", key="vector-texts", height=140, persist_state="session")
    return [line.removesuffix("\r") for line in typed.split("\n") if line.strip()]


def _paste() -> "tuple[Sequence[str], np.ndarray] | None":
    """Texts and vectors that a reader types."""
    from pooling.detect.files import read_typed

    left, right = st.columns(2)
    with left:
        texts = _paste_texts()
    with right:
        typed = st.text_area(
            "Their vectors: JSON, or the numbers of one a line",
            key="vectors",
            height=140,
            persist_state="session",
            help="All the numbers of each vector, in the order of the texts. Press Ctrl+Enter (⌘+Enter on a Mac).",
        )
    if not texts or not typed.strip():
        st.caption("Blanks at a text's ends count. Give as many vectors as texts, with all their numbers.")
        return None
    return texts, read_typed(typed)


def _say_forms() -> None:
    st.caption(
        "JSON Lines with `text` and `embedding`; a table with a column of texts and one of JSON lists, or one a "
        "dimension; a NumPy archive; or the answer of `/v1/embeddings` as it came. What you give is used for this "
        "page alone, and gone when you leave."
    )


def offer_probes(model: str) -> None:
    """The project's probe texts as a request to a server, and the line that sends it."""
    with st.popover("Ask your own server", icon=":material/terminal:", key="probes"):
        st.markdown(
            "This page never opens an address. Take these texts to your server, and come back with its answer as "
            "**A file**: they are chosen so that what may have gone wrong shows."
        )
        st.download_button(
            "Probe texts (JSON)",
            lambda: probes(model),
            file_name="pooling-probes.json",
            mime="application/json",
            icon=":material/download:",
            key="probes-file",
            on_click="ignore",
        )
        st.code(
            'curl http://localhost:8080/v1/embeddings -H "Content-Type: application/json" '
            "--data-binary @pooling-probes.json -o answer.json",
            language="bash",
            wrap_lines=True,
        )
        st.caption(
            "The file is the body of a request; its `model` is the name that your server has for it. Give it a key by "
            '`-H "Authorization: Bearer …"`. Or have all done by one command where the server can be reached: '
            "`python -m pooling.detect --url ADDRESS --name MODEL-THERE --model NAME`."
        )


def probes(model: str) -> str:
    """The probe texts as the body of a request for embeddings."""
    from pooling.detect.probes import PROBES

    asked = {"model": model, "input": list(PROBES), "encoding_format": "float"}
    return json.dumps(asked, ensure_ascii=False, indent=1)
