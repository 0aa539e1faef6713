"""Asking a server for the vectors of the project's probe texts. Only the command does this."""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from pooling.detect.files import read_answer
from pooling.detect.probes import PROBES

SECONDS = 60.0
MOST_BYTES = 64 * 2**20


class _NoOther(urllib.request.HTTPRedirectHandler):
    """Nothing is asked but the address that was given."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def ask(url: str, name: str, texts: Sequence[str], *, key: str = "", seconds: float = SECONDS) -> np.ndarray:
    """The vectors that a server of OpenAI's form makes of some texts in one request.

    Args:
        url: its whole address, such as http://127.0.0.1:8080/v1/embeddings.
        name: the model's name there.
        texts: what is sent.
        key: sent as a bearer token, where there is one.
        seconds: how long it may take.

    Raises:
        ValueError: for every failure, in one sentence; never with the key in it.
    """
    where = urlsplit(url)
    if where.scheme not in ("http", "https") or not where.hostname:
        raise ValueError("The address must begin with http:// or https:// and name a host.")
    body = json.dumps({"model": name, "input": list(texts), "encoding_format": "float"}).encode()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoOther())
    place = f"{where.hostname}:{where.port or {'http': 80, 'https': 443}[where.scheme]}"
    try:
        with opener.open(urllib.request.Request(url, body, headers), timeout=seconds) as response:
            data = response.read(MOST_BYTES + 1)
    except urllib.error.HTTPError as error:
        said = " ".join(error.read(300).decode("utf-8", "replace").split())
        why = {401: "wants a key: name a variable with --key-from", 404: "knows no such address or model"}
        moved = "sends elsewhere, which is not followed" if 300 <= error.code < 400 else "refuses"
        raise ValueError(
            f"The server at {place} {why.get(error.code, moved)} (status {error.code}: {said!r})."
        ) from None
    except TimeoutError:
        raise ValueError(f"The server at {place} did not answer within {seconds:g} seconds.") from None
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise ValueError(f"The server at {place} did not answer within {seconds:g} seconds.") from None
        raise ValueError(f"Nobody answers at {place} ({type(reason).__name__}); is the server running?") from None
    if len(data) > MOST_BYTES:
        raise ValueError(f"The answer of {place} has more than {MOST_BYTES >> 20} MB.")
    try:
        vectors = read_answer(json.loads(data))
    except RecursionError:
        raise ValueError(f"The answer of {place} is no JSON of embeddings.") from None
    except json.JSONDecodeError:
        raise ValueError(f"The answer of {place} is no JSON; is this the address of /v1/embeddings?") from None
    if len(vectors) != len(texts):
        raise ValueError(f"The server at {place} gave {len(vectors)} vectors for {len(texts)} texts.")
    return vectors


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
