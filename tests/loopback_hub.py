"""A small Hugging Face Hub on loopback: enough of it for the real client, and able to misbehave."""

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import huggingface_hub

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def serving(monkeypatch, cache: Path) -> Iterator["Hub"]:
    """A hub that the real client asks, and an empty cache for what it brings."""
    hub, constants = Hub(), huggingface_hub.constants
    monkeypatch.setattr(constants, "ENDPOINT", hub.address)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.address + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setenv("POOLING_CACHE", str(cache))
    yield hub
    hub.shutdown()
    hub.server_close()


class Hub(ThreadingHTTPServer):
    """Serves folders as repositories, each at the one commit `COMMIT`.

    Attributes:
        repositories: name -> folder.
        info: name -> what the API says besides or instead of what follows from the files.
        refuse: path of a request -> (status, the Hub's error code) to answer with.
        cut: file name -> after how many bytes the connection breaks, once a number.
        held: file name -> an event; its content stops in the middle until that is set.
        asked: how often each file's content was asked for, by its name.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.repositories: dict[str, Path] = {}
        self.info: dict[str, dict] = {}
        self.refuse: dict[str, tuple[int, str]] = {}
        self.cut: dict[str, list[int]] = {}
        self.held: dict[str, threading.Event] = {}
        self.asked: Counter[str] = Counter()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address) -> None:
        """A client that breaks a connection is no news."""


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET(body=False)

    def do_GET(self, body: bool = True) -> None:
        path = unquote(urlsplit(self.path).path)
        if path in self.server.refuse:
            return self.send(self.server.refuse[path][0], {"X-Error-Code": self.server.refuse[path][1]})
        if path.startswith("/api/models/"):
            return self.tell(path.removeprefix("/api/models/"), body)
        name, _, rest = path[1:].partition("/resolve/")
        revision, _, file = rest.partition("/")
        if name not in self.server.repositories:
            return self.send(404, {"X-Error-Code": "RepoNotFound"})
        if revision != COMMIT:
            return self.send(404, {"X-Error-Code": "RevisionNotFound"})
        found = self.server.repositories[name] / file
        if not found.is_file():
            return self.send(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        return self.give(found, file, body)

    def tell(self, asked: str, body: bool) -> None:
        """What the API says of a repository."""
        name, _, revision = asked.partition("/revision/")
        folder = self.server.repositories.get(name)
        if folder is None:
            return self.send(404, {"X-Error-Code": "RepoNotFound"})
        if revision not in ("", COMMIT):
            return self.send(404, {"X-Error-Code": "RevisionNotFound"})
        files = sorted(p for p in folder.rglob("*") if p.is_file())
        config = json.loads((folder / "config.json").read_text()) if (folder / "config.json").is_file() else {}
        told = {
            "id": name,
            "sha": COMMIT,
            "tags": [],
            "gated": False,
            "private": False,
            "cardData": {"license": "mit"},
            "config": {k: config[k] for k in ("architectures", "model_type", "auto_map") if k in config},
            "siblings": [self.sibling(path, folder) for path in files],
        }
        answer = json.dumps(told | self.server.info.get(name, {})).encode()
        return self.send(200, {"Content-Type": "application/json"}, answer if body else b"", len(answer))

    @staticmethod
    def sibling(path: Path, folder: Path) -> dict:
        content = path.read_bytes()
        told: dict = {"rfilename": path.relative_to(folder).as_posix(), "size": len(content)}
        if path.suffix == ".safetensors":
            return told | {
                "lfs": {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 1}
            }
        return told | {"blobId": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()}

    def give(self, path: Path, name: str, body: bool) -> None:
        """A file, or the part of it that was asked for."""
        content = path.read_bytes()
        first = 0
        if wanted := self.headers.get("Range"):
            first = int(wanted.removeprefix("bytes=").partition("-")[0])
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": COMMIT}
        headers |= {"Accept-Ranges": "bytes"}
        if first:
            headers |= {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"}
        if not body:
            return self.send(200, headers, b"", len(content))
        self.server.asked[name] += 1
        sent = content[first:]
        if self.server.cut.get(name):
            cut = self.server.cut[name].pop(0)
            self.send(206 if first else 200, headers, sent[:cut], len(sent))
            self.close_connection = True
            return None
        if name in self.server.held:
            self.send(206 if first else 200, headers, sent[: len(sent) // 2], len(sent))
            self.server.held[name].wait(60)
            self.wfile.write(sent[len(sent) // 2 :])
            return None
        return self.send(206 if first else 200, headers, sent)

    def send(self, status: int, headers: dict[str, str], content: bytes = b"", length: int | None = None) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args) -> None:
        """Quiet."""
