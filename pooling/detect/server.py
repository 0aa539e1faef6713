"""Asking a server for the vectors of the project's probe texts. Only the command does this."""

import http.client
import json
import threading
import time
from collections.abc import Mapping, Sequence
from queue import Empty, SimpleQueue
from urllib.parse import SplitResult, quote, urlsplit

import numpy as np

from pooling.detect.files import read_answer
from pooling.detect.probes import PROBES

SECONDS = 60.0
MOST_SECONDS = 86_400
MOST_BYTES = 64 * 2**20
MOST_SAID = 3000
"""Bytes that are read of what a server says when it refuses."""


def ask(url: str, name: str, texts: Sequence[str], *, key: str = "", seconds: float = SECONDS) -> np.ndarray:
    """The vectors that a server of OpenAI's form makes of some texts in one request.

    Args:
        url: its whole address, such as http://127.0.0.1:8080/v1/embeddings.
        name: the model's name there.
        texts: what is sent.
        key: sent as a bearer token, where there is one.
        seconds: how long it may take, from the first to the last byte.

    Raises:
        ValueError: for every failure, in one sentence; never with the key in it.
    """
    where, place = _address(url)
    key = key.strip()
    if any(ord(letter) > 255 or not letter.isprintable() for letter in key):
        raise ValueError("The key has a line's end or another character that no key has; look at where it comes from.")
    if not 0 < seconds <= MOST_SECONDS:
        raise ValueError(f"A request may take more than 0 seconds and at most {MOST_SECONDS:,}.")
    body = json.dumps({"model": name, "input": list(texts), "encoding_format": "float"}).encode()
    headers = {"Content-Type": "application/json", "Connection": "close"}
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    try:
        status, data = _answer(where, body, headers, seconds)
    except TimeoutError:
        raise ValueError(f"The server at {place} did not answer within {seconds:g} seconds.") from None
    except http.client.InvalidURL:
        raise ValueError(NO_ADDRESS) from None
    except http.client.IncompleteRead:
        raise ValueError(f"The answer of {place} broke off before its end.") from None
    except http.client.HTTPException as error:
        raise ValueError(f"What answers at {place} is no web server ({type(error).__name__}).") from None
    except (OSError, UnicodeError) as error:
        raise ValueError(f"Nobody answers at {place} ({type(error).__name__}); is the server running?") from None
    if status // 100 != 2:
        said = " ".join(data.decode("utf-8", "replace").split())
        said = (said.replace(key, "…") if key else said)[:300]
        why = {401: "wants a key: name a variable with --key-from", 404: "knows no such address or model"}
        moved = "sends elsewhere, which is not followed" if status // 100 == 3 else "refuses"
        raise ValueError(f"The server at {place} {why.get(status, moved)} (status {status}: {said!r}).")
    if len(data) > MOST_BYTES:
        raise ValueError(f"The answer of {place} has more than {MOST_BYTES >> 20} MB.")
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError(f"The answer of {place} is no JSON; is this the address of /v1/embeddings?") from None
    vectors = read_answer(answer)
    if len(vectors) != len(texts):
        raise ValueError(f"The server at {place} gave {len(vectors)} vectors for {len(texts)} texts.")
    return vectors


NO_ADDRESS = "The address must begin with http:// or https:// and name a host, and a port where there is one."


def _address(url: str) -> tuple[SplitResult, str]:
    """The parts of an address, and its host and port as they are said."""
    try:
        where = urlsplit(url)
        host, port = where.hostname or "", where.port
    except ValueError:  # half of a bracket, or a port that is none
        raise ValueError(NO_ADDRESS) from None
    if where.scheme not in ("http", "https") or not host:
        raise ValueError(NO_ADDRESS)
    port = {"http": 80, "https": 443}[where.scheme] if port is None else port
    return where, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _answer(where: SplitResult, body: bytes, headers: Mapping[str, str], seconds: float) -> tuple[int, bytes]:
    """The status and the first bytes that an address answers with; no other is asked, and no proxy.

    Raises:
        TimeoutError: when all of it together takes longer.
    """
    ended: SimpleQueue[tuple[int, bytes] | Exception] = SimpleQueue()

    def exchange() -> None:
        try:
            ended.put(_exchange(where, body, headers, seconds))
        except Exception as error:
            ended.put(error)

    # A socket's own time limit begins anew with every byte, and there is none for finding the host.
    threading.Thread(target=exchange, daemon=True).start()
    try:
        answer = ended.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _exchange(where: SplitResult, body: bytes, headers: Mapping[str, str], seconds: float) -> tuple[int, bytes]:
    until = time.monotonic() + seconds
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    path, query = (quote(part, safe="/?%:@!$&'()*+,;=~") for part in (where.path or "/", where.query))
    connection = kind(where.hostname or "", where.port, timeout=seconds)
    try:
        connection.request("POST", f"{path}?{query}" if query else path, body, dict(headers))
        response, data = connection.getresponse(), bytearray()
        most = MOST_BYTES if response.status // 100 == 2 else MOST_SAID
        while len(data) <= most and (piece := response.read1(2**16)):
            data += piece
            if time.monotonic() > until:
                raise TimeoutError
        if response.length and len(data) <= most:
            raise http.client.IncompleteRead(b"")
        return response.status, bytes(data)
    finally:
        connection.close()


def ask_probes(
    url: str, name: str, *, key: str = "", seconds: float = SECONDS
) -> tuple[list[str], np.ndarray, list[str]]:
    """The probe texts, their vectors when all are sent at once, and what changes between calls and alone.

    Raises:
        ValueError: as `ask` does.
    """
    texts = list(PROBES)
    together = ask(url, name, texts, key=key, seconds=seconds)
    again = ask(url, name, texts, key=key, seconds=seconds)
    said = []
    if unlike := _unlike(together, again):
        said.append(f"The server is not deterministic: asked twice the same, {_texts(unlike)} came out differently.")
    else:
        alone = np.concatenate([ask(url, name, [text], key=key, seconds=seconds) for text in texts[:4]])
        if unlike := _unlike(together[:4], alone):
            said.append(
                f"What stands beside a text changes it: {_texts(unlike)} came out differently alone than in a batch, "
                "as when padding is read or pooled."
            )
    return texts, together, said


def _unlike(one: np.ndarray, other: np.ndarray) -> list[int]:
    if one.shape != other.shape:
        return list(range(len(one)))
    apart = np.linalg.norm(one - other, axis=1) / np.maximum(np.linalg.norm(one, axis=1), 1e-12)
    return np.flatnonzero(apart > 5e-3).tolist()


def _texts(places: Sequence[int]) -> str:
    return f"text {places[0] + 1}" if len(places) == 1 else f"{len(places)} of the texts"
