"""Models from the Hugging Face Hub: looked at before anything is downloaded, pinned, checked, kept.

Only weights in safetensors and the few files that go with them are taken, at one commit, and each
is compared with the hash that the Hub, and for its weights the catalogue, says it has. A model
is there only when all of it is: its folder gets its name at the very end.
"""

import errno
import hashlib
import math
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import tqdm

from pooling import logs
from pooling.background import ANY_NUMBER, Work, WorkLine
from pooling.catalogue import Model, check_weights, downloaded_folder, sha256_of
from pooling.machine import free_disk, free_memory, megabytes

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors|\d+_Dense/model\.safetensors")
BESIDE = re.compile(
    r"(config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|modules|sentence_bert_config)\.json"
    r"|(1_Pooling|\d+_Dense)/config\.json|model\.safetensors\.index\.json|vocab\.txt|merges\.txt"
    r"|(spiece|tokenizer|sentencepiece\.bpe)\.model"
)
LARGEST_BESIDE = 50_000_000
"""Bytes that a file which is not weights may have: the largest vocabularies take 20 MB."""
SPARE_DISK = 200_000_000


class HubError(Exception):
    """A model cannot be had from the Hub; its text is one sentence for the reader."""


@dataclass(frozen=True)
class File:
    """A file of a repository at one commit."""

    name: str
    size: int
    sha256: str
    """As the Hub says; "" for a file small enough to stand in the repository itself."""
    blob: str
    """The git hash of a file in the repository itself."""


@dataclass(frozen=True)
class Plan:
    """What a download would bring: a model pinned to a commit, and its files."""

    model: Model
    files: tuple[File, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def any_model_allowed() -> bool:
    """Whether models that are not in the catalogue may be asked for: `POOLING_ALLOW_ANY_MODEL=1`."""
    return os.environ.get("POOLING_ALLOW_ANY_MODEL") == "1"


def look_up(model: Model) -> Plan:
    """What the Hub has at a catalogue model's commit; nothing is downloaded.

    Raises:
        HubError: when it cannot be had, with the reason.
    """
    info = _ask(model.name, model.commit)
    if info.sha != model.commit:
        raise HubError(f"The Hub no longer has the commit {model.commit[:8]} of {model.name}.")
    return Plan(model, _needed_files(model.name, info.siblings or []))


def look_up_any(name: str, known_types: dict[str, bool]) -> Plan:
    """What the Hub has under a name that is not in the catalogue; nothing is downloaded.

    Args:
        name: a repository, "owner/name"; never a path.
        known_types: the model types that can be loaded, and whether each is a decoder.

    Raises:
        HubError: when it cannot be had or is not safe to have, with the reason.
    """
    if not any_model_allowed():
        raise HubError("Only models of the catalogue are on offer here.")
    if not REPOSITORY.fullmatch(name) or ".." in name or "--" in name or name.endswith(".git"):
        raise HubError("A model's name on the Hub looks like owner/name, with letters, digits, and - _ . in it.")
    info = _ask(name, None)
    config = info.config or {}
    if "auto_map" in config or "custom_code" in (info.tags or []):
        raise HubError(f"{name} wants to run code of its own, and that is never done here.")
    if str(config.get("model_type")) not in known_types:
        raise HubError(f"{name} is of a type that cannot be pooled here; it needs a known text encoder or decoder.")
    files = _needed_files(name, info.siblings or [])
    weights = sum(file.size for file in files if WEIGHTS.fullmatch(file.name))
    total = info.safetensors.total if info.safetensors else weights // 2
    need_memory(name, 4 * max(total, weights // 4))
    licence = str((info.card_data or {}).get("license") or "")
    single = [file.sha256 for file in files if file.name == "model.safetensors"]
    model = Model(
        name=name,
        source="hub",
        commit=info.sha or "",
        sha256=single[0] if single else "",
        kind="decoder" if known_types[config["model_type"]] else "encoder",
        layers=0,
        pooling=None,
        normalises=False,
        max_length=0,
        parameters=total,
        download=weights,
        licence=licence if re.fullmatch(r"[\w.-]{1,40}", licence, re.ASCII) else "licence unknown",
        why="Not of the catalogue: added by someone here.",
    )
    return Plan(model, files)


def need_memory(name: str, needed: int) -> None:
    """Make sure that a model of so many bytes fits into memory.

    Raises:
        HubError: when it does not.
    """
    free = free_memory()
    if needed > 0.9 * free:
        raise HubError(f"{name} needs about {megabytes(needed)} of memory, and {megabytes(free)} are free.")


def download(plan: Plan, check: Callable[[Path], None], progress: Callable[[int], None] = lambda new: None) -> Path:
    """Bring a model's files onto this machine, or nothing: what does not pass is not kept.

    What arrived whole before an interruption is not fetched again.

    Args:
        check: looks at the files beside the weights before these are fetched, and raises HubError.
        progress: told the bytes that are new.

    Raises:
        HubError: when it cannot be had, with the reason.
    """
    model = plan.model
    final = downloaded_folder(model)
    with _LOCK[model.name], plain_errors(model.name):
        if final.is_dir():
            return final
        free = free_disk(final)
        if plan.size + SPARE_DISK > free:
            raise HubError(
                f"{model.name} takes {megabytes(plan.size)} on disk, with {megabytes(SPARE_DISK)} to spare, and "
                f"{megabytes(free)} are free."
            )
        part = final.with_name(final.name + ".part")
        small = [file for file in plan.files if not WEIGHTS.fullmatch(file.name)]
        for file in small:
            _fetch(file, model, part, progress)
        check(part)
        for file in plan.files:
            if file not in small:
                _fetch(file, model, part, progress)
        shutil.rmtree(part / ".cache", ignore_errors=True)
        part.rename(final)
    return final


def verified_folder(model: Model) -> Path:
    """The folder of a downloaded model, its weights checked again.

    Raises:
        FileNotFoundError: when it was not downloaded.
        ValueError: when its weights are no longer what they were.
    """
    folder = downloaded_folder(model)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{model.name} is not downloaded yet ({megabytes(model.download)}, {model.licence}); "
            f"run: python -m pooling.download {model.name}"
        )
    if model.sha256:
        check_weights(folder / "model.safetensors", model, f"Delete {folder} and download it again.")
    return folder


class Download(Work):
    """A download that goes on whoever looks at it.

    Attributes:
        size: bytes of all its files.
        done: of these, how many have come.
    """

    patience, expected = math.inf, (HubError,)

    def __init__(self, model: Model, check: Callable[[Path], None], done: Callable[[Path], None]):
        super().__init__(f"downloading {model.name}")
        self._model, self._check, self._done = model, check, done
        self.size, self.done = model.download, 0

    def do(self) -> None:
        """Look the model up, bring its files, and say so."""
        try:
            plan = look_up(self._model)
            self.size = plan.size
            self._done(download(plan, self._check, self._count))
        except HubError as error:
            logs.log.warning("A download failed: %s", str(error))
            raise

    def broken(self, kind: str) -> str:
        """The sentence for an error that nobody expected."""
        return f"{self._model.name} could not be downloaded ({kind})."

    def _count(self, new: int) -> None:
        self.done += new
        self.report(min(1.0, self.done / max(1, self.size)))


class _Locks(dict):
    def __missing__(self, name: str) -> Any:
        return self.setdefault(name, threading.Lock())


_LOCK = _Locks()
_downloads: WorkLine[Download] = WorkLine("download", at_once=ANY_NUMBER, keep=ANY_NUMBER)


def current_download(name: str) -> Download | None:
    """The download of that model, under way or ended."""
    return _downloads.find(name)


def start(
    model: Model, check: Callable[[Path], None], *, done: Callable[[Path], None] = lambda folder: None
) -> Download:
    """Download a model in the background; one download a model, however many ask for it.

    Args:
        check: as in `download`.
        done: called with the folder once everything is there.
    """
    with _LOCK["start"]:
        if (last := current_download(model.name)) and not last.active:
            _downloads.forget(model.name)
        return _downloads.ask(model.name, lambda: Download(model, check, done))


def _ask(name: str, commit: str | None) -> Any:
    with plain_errors(name):
        return HfApi().model_info(name, revision=commit, files_metadata=True, timeout=20)


def _needed_files(name: str, siblings: list) -> tuple[File, ...]:
    """The files to download; a repository without safetensors has none to offer."""
    found = [
        File(one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs else "", one.blob_id or "")
        for one in siblings
        if WEIGHTS.fullmatch(one.rfilename) or BESIDE.fullmatch(one.rfilename)
    ]
    names = {file.name for file in found}
    if "model.safetensors" in names:
        found = [f for f in found if not re.match(r"model-\d|model\.safetensors\.index", f.name)]
    elif "model.safetensors.index.json" not in names:
        raise HubError(f"{name} has no weights in safetensors; other formats can carry code, and are not read.")
    if "config.json" not in names:
        raise HubError(f"{name} has no config.json: it is not a model that transformers can read.")
    if any(f.size > LARGEST_BESIDE for f in found if not WEIGHTS.fullmatch(f.name)):
        raise HubError(f"{name} has a tokenizer or config of an unlikely size, and is not downloaded.")
    return tuple(sorted(found, key=lambda file: file.size))


def _fetch(file: File, model: Model, folder: Path, progress: Callable[[int], None]) -> None:
    class Bar(tqdm):
        def update(self, n: Any = 1) -> bool | None:
            progress(int(n or 0))
            return super().update(n)

    path = Path(
        hf_hub_download(model.name, file.name, revision=model.commit, local_dir=folder, tqdm_class=Bar, etag_timeout=20)
    )
    expected = model.sha256 if file.name == "model.safetensors" and model.sha256 else file.sha256
    if expected:
        right = sha256_of(path) == expected
    else:
        content = path.read_bytes()
        git = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        right = not file.blob or git == file.blob
    if not right:
        path.unlink()
        raise HubError(f"{file.name} of {model.name} does not have the hash it must have; it was deleted, not used.")


@contextmanager
def plain_errors(name: str) -> Iterator[None]:
    """Whatever can go wrong with the Hub, as one sentence."""
    try:
        yield
    except GatedRepoError as error:
        raise HubError(
            f"{name} can be had only after accepting its terms on its page at the Hub, and with your token in HF_TOKEN."
        ) from error
    except RepositoryNotFoundError as error:
        raise HubError(f"The Hub has no model {name}, or it is private.") from error
    except RevisionNotFoundError as error:
        raise HubError(f"The Hub no longer has the commit of {name} that is used here.") from error
    except LocalEntryNotFoundError as error:
        raise HubError(f"The Hub cannot be reached, so {name} cannot be downloaded; check the network.") from error
    except EntryNotFoundError as error:
        raise HubError(f"A file of {name} is missing on the Hub.") from error
    except HfHubHTTPError as error:
        raise HubError(
            f"The Hub answered with an error ({error.response.status_code}) when asked for {name}; try again later."
        ) from error
    except (httpx2.HTTPError, ConnectionError, TimeoutError) as error:
        raise HubError(
            f"The Hub cannot be reached, or the connection broke, so {name} was not downloaded; try again."
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise HubError(f"The disk is full, so {name} was not downloaded.") from error
        if "Consistency check failed" in str(error):
            raise HubError(f"The download of {name} broke off; try again.") from error
        raise HubError(f"{name} could not be stored on this machine ({type(error).__name__}).") from error
