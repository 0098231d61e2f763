"""A stand-in for Hugging Face on 127.0.0.1: lists repositories, serves their files, breaks off on demand."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "c" * 40


class Hub(ThreadingHTTPServer):
    """``repos`` maps an id such as ``opendatalab/x`` to its files; ``asked`` notes method and path.

    While ``broken`` is the name of a file, each answer ends after half of what is left of it.
    """

    daemon_threads = True

    def __init__(self, repos: Mapping[str, Mapping[str, bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos = repos
        self.asked: list[str] = []
        self.broken = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def fetched(self) -> list[str]:
        """Names of the files that were asked for, without their repositories."""
        return [
            path.split("/resolve/")[1].split("/", 1)[1] for path in self.asked if path.startswith("GET /o")
        ]


def _sibling(name: str, content: bytes) -> dict[str, Any]:
    lfs = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 130}
    return {"rfilename": name, "size": len(content), "lfs": lfs}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(f"{self.command} {path}")
        for repo, files in self.server.repos.items():
            if path == f"/api/models/{repo}" or path.startswith(f"/api/models/{repo}/revision/"):
                names = [_sibling(name, content) for name, content in files.items()]
                return self._json({"id": repo, "modelId": repo, "sha": COMMIT, "siblings": names})
            if path.startswith(f"/api/models/{repo}/tree/"):
                return self._json([{"type": "file", "path": name, "size": 1, "oid": "0"} for name in files])
            name = path.removeprefix(f"/{repo}/resolve/").partition("/")[2]
            if path.startswith(f"/{repo}/resolve/") and name in files:
                return self._file(name, files[name])
        self._send(404, b"{}", {})

    def _range(self) -> int:
        """Where the answer begins, as the client asked; 0 without a range."""
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _file(self, name: str, content: bytes) -> None:
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": COMMIT}
        begin = self._range()
        if begin:
            self.server.asked[-1] += f" from {begin}"
        if self.command == "GET" and name == self.server.broken:
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(content) - begin))
            self.end_headers()
            self.wfile.write(content[begin : (begin + len(content)) // 2])
            self.close_connection = True
            return
        self._send(206 if begin else 200, content[begin:], headers)

    def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


@contextmanager
def hub(repos: Mapping[str, Mapping[str, bytes]]) -> Generator[Hub]:
    """A running stand-in; stopped at the end."""
    with Hub(repos) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
