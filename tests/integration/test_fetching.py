"""Fetching of addresses as an attacker would have it: confined processes, and a server that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import AppError, FileEmpty
from gradio_app.base.settings import Settings
from gradio_app.machine import sandbox
from gradio_app.store.task import Upload
from gradio_app.web.compat import fetching

pytestmark = pytest.mark.integration

LIMIT = 256 * 1024
OK = b"HTTP/1.1 200 OK\r\n"


def answer(body: bytes = b"", head: bytes = b"") -> bytes:
    return OK + head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def drip(piece: bytes, start: bytes = b"", pause: float = 0.0) -> Callable[[socket.socket], None]:
    """Sends the same for ever, until the other side has gone."""

    def send(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(piece)
            time.sleep(pause)

    return send


class Evil:
    """Answers each path as it is told; ``asked`` are the requests."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.answers: dict[str, bytes | Callable[[socket.socket], None]] = {}
        self.asked: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            request = connection.recv(4096)
            while request.startswith(b"GET ") and b"\r\n\r\n" not in request:
                request += connection.recv(4096)
            if not request.startswith(b"GET "):
                return
            self.asked.append(request)
            found = self.answers.get(request.split(b" ")[1].decode())
            if callable(found):
                found(connection)
            elif found:
                connection.sendall(found)

    def gives(self, found: bytes | Callable[[socket.socket], None], path: str = "/x") -> str:
        """The address at which this is answered."""
        self.answers[path] = found
        return self.url + path

    def leads_to(self, target: str, path: str = "/r") -> str:
        """The address of a redirect."""
        return self.gives(b"HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n" % target.encode(), path)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def evil() -> Iterator[Evil]:
    server = Evil()
    yield server
    server.close()


class Fetched:
    """One data folder, and what is fetched into it."""

    def __init__(self, root: Path) -> None:
        self.folders = Folders(root)
        self.folders.create()
        self.settings = replace(
            Settings.load([], {}), max_file_size=LIMIT, fetch_addresses=frozenset({"localhost", "public"})
        )

    def __call__(self, url: str, *allowed: str) -> Upload:
        settings = self.settings
        if allowed:
            settings = replace(settings, fetch_addresses=frozenset(allowed))
        return asyncio.run(fetching.fetched(settings, self.folders, url))

    def refusal(self, url: str, *allowed: str) -> AppError:
        before = {*self.folders.tmp.iterdir()}
        with pytest.raises(AppError) as caught:
            self(url, *allowed)
        assert caught.value.code in ("option_invalid", "forbidden")
        assert {*self.folders.tmp.iterdir()} == before and not list(self.folders.run.glob("fetch-*"))
        return caught.value


@pytest.fixture
def get(tmp_path: Path) -> Fetched:
    return Fetched(tmp_path / "data")


def test_a_file_with_a_name_and_its_bytes(evil: Evil, get: Fetched) -> None:
    head = b'Content-Disposition: attachment; filename="../../etc/\xc3\xbc pa\x07per.pdf"\r\n'
    found = get(evil.gives(answer(b"%PDF-1.4", head), "/download?id=1"))
    assert (found.name, found.folder, found.path.read_bytes()) == ("ü pa per.pdf", "", b"%PDF-1.4")
    request = evil.asked[0].decode()
    assert request.startswith("GET /download?id=1 HTTP/1.1\r\n")
    assert f"Host: localhost:{evil.port}\r\n" in request and "identity" in request
    assert "cookie" not in request.lower() and "authorization" not in request.lower()


@pytest.mark.parametrize(
    ("path", "head", "name"),
    [
        ("/a/report%20%C3%BC.pdf", b"", "report ü.pdf"),
        ("/..%2f..%2fpasswd", b"", "passwd"),
        ("/", b"Content-Type: text/html; charset=utf-8\r\n", "document.html"),
        ("/paper", b"Content-Type: application/pdf\r\n", "paper.pdf"),
    ],
)
def test_a_name_from_the_address(evil: Evil, get: Fetched, path: str, head: bytes, name: str) -> None:
    assert get(evil.gives(answer(b"x", head), path)).name == name


def test_redirects_are_followed_to_the_fifth(evil: Evil, get: Fetched) -> None:
    evil.gives(answer(b"there"), "/5")
    for step in range(5):
        evil.leads_to(f"/{step + 1}", f"/{step}")
    assert get(evil.url + "/0").path.read_bytes() == b"there"
    assert "more than 5 times" in get.refusal(evil.leads_to("/0", "/more")).message
    assert "more than 5 times" in get.refusal(evil.leads_to("/loop", "/loop")).message


@pytest.mark.parametrize(
    "target",
    [
        *(
            "http://127.0.0.1:{port}/x",
            "http://127.1:{port}/x",
            "http://2130706433:{port}/x",
            "http://[::1]:{port}/x",
        ),
        *("http://0x7f000001:{port}/x", "http://0177.0.0.1:{port}/x", "http://0.0.0.0:{port}/x"),
        *(
            "http://[::ffff:127.0.0.1]:{port}/x",
            "http://[::]:{port}/x",
            "http://localhost.localdomain:{port}/x",
        ),
        *(
            "http://169.254.169.254/latest/meta-data",
            "http://[64:ff9b::7f00:1]:{port}/x",
            "file:///etc/passwd",
        ),
        *("ftp://localhost/x", "data:text/plain,x", "http://u:p@localhost:{port}/x", "http://localhost:22/"),
        *(
            "//127.0.0.1:{port}/x",
            "http://localhost:{port}@127.0.0.1:{port}/x",
            "",
            "http://[",
            "\\\\127.0.0.1\\x",
        ),
    ],
)
def test_a_redirect_leads_to_nothing_inside(evil: Evil, get: Fetched, target: str) -> None:
    evil.gives(answer(b"secret"))
    get.refusal(evil.leads_to(target.format(port=evil.port)))
    assert not any(request.startswith(b"GET /x") for request in evil.asked)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "[::1]", "0.0.0.0", "[::ffff:7f00:1]"])
def test_nothing_inside_is_asked_without_its_name(evil: Evil, get: Fetched, host: str) -> None:
    evil.gives(answer(b"secret"))
    assert "not public" in get.refusal(f"http://{host}:{evil.port}/x", "public").message
    assert evil.asked == []


def test_only_named_hosts_without_public(evil: Evil, get: Fetched) -> None:
    assert get(evil.gives(answer(b"x")), "localhost").size == 1
    refused = get.refusal("https://example.org/paper.pdf", "localhost")
    assert refused.status == 403 and "fetch_addresses" in refused.message
    refused = get.refusal(evil.leads_to("https://example.org/paper.pdf"), "localhost")
    assert refused.status == 403 and "fetch_addresses" in refused.message


def test_off_by_default(evil: Evil, get: Fetched) -> None:
    get.settings = replace(get.settings, fetch_addresses=Settings.load([], {}).fetch_addresses)
    assert "fetch_addresses" in get.refusal(evil.gives(answer(b"x"))).message
    assert evil.asked == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (drip(b"x" * 4096, OK + b"\r\n"), "larger than"),
        (
            drip(b"1000\r\n" + b"x" * 4096 + b"\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n"),
            "larger than",
        ),
        (OK + b"Content-Length: 99999999999\r\n\r\nx", "larger than"),
        (OK + b"Content-Length: 1000\r\n\r\nshort", "broke off"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", "answers wrongly"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "answers wrongly"),
        (answer(gzip.compress(bytes(10**7)), b"Content-Encoding: gzip\r\n"), "compressed"),
        (answer(b"x", b"Content-Encoding: br\r\n"), "compressed"),
        (drip(b"X: y\r\n", OK), "answers wrongly"),
        (OK + b"X: " + b"y" * 10**5 + b"\r\n\r\n", "answers wrongly"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "404"),
        (b"HTTP/1.1 500 Oops\r\n\r\n", "500"),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", "304"),
        (b"HTTP/1.1 101 Switching\r\n\r\n", "101"),
        (b"SSH-2.0-OpenSSH\r\n", "answers wrongly"),
        (b"<html>no head</html>", "answers wrongly"),
        (b"", "answers wrongly"),
    ],
)
def test_a_server_that_misbehaves(
    evil: Evil, get: Fetched, found: bytes | Callable[[socket.socket], None], words: str
) -> None:
    assert words in get.refusal(evil.gives(found)).message


def test_servers_without_an_end(evil: Evil, get: Fetched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow bodies and heads, interim answers without end, and silence: all at the same time."""
    monkeypatch.setattr(fetching, "SECONDS", 1.5)
    slow = {
        "/body": drip(b"x", OK + b"\r\n", 0.2),
        "/head": drip(b"x", OK + b"X: ", 0.2),
        "/interim": drip(b"HTTP/1.1 100 Continue\r\n\r\n"),
        "/silence": drip(b"", b"", 0.2),
    }

    async def all_of_them() -> list[Upload | BaseException]:
        addresses = [evil.gives(found, path) for path, found in slow.items()]
        each = (fetching.fetched(get.settings, get.folders, address) for address in addresses)
        return await asyncio.gather(*each, return_exceptions=True)

    began = time.monotonic()
    for refused in asyncio.run(all_of_them()):
        assert isinstance(refused, fetching.FetchFailed), refused
        assert "too slow" in refused.message or "answers wrongly" in refused.message
    assert time.monotonic() - began < 15
    assert not list(get.folders.run.glob("fetch-*"))


def test_an_empty_file_is_told_as_such(evil: Evil, get: Fetched) -> None:
    with pytest.raises(FileEmpty):
        get(evil.gives(answer(b"")))


def test_tls_is_checked(evil: Evil, get: Fetched) -> None:
    assert "answers wrongly" in get.refusal(evil.url.replace("http:", "https:") + "/x").message


TRIES = """
import json, os, socket, sys
sys.path.insert(0, {root!r})
from gradio_app.machine import fetch
fetch._confine({folder!r}, {port}, "auto")
done = dict()
def tried(name, does):
    try:
        does()
        done[name] = True
    except OSError:
        done[name] = False
tried("own folder", lambda: open({folder!r} + "/new", "w").close())
tried("data", lambda: open({secret!r}).read())
tried("write outside", lambda: open({outside!r}, "w").close())
tried("program", lambda: os.posix_spawn("/bin/true", ["true"], dict()))
tried("local socket", lambda: socket.socket(socket.AF_UNIX))
tried("its port", lambda: socket.create_connection(("127.0.0.1", {port}), 2).close())
tried("another port", lambda: socket.create_connection(("127.0.0.1", {other}), 2).close())
print(json.dumps(done))
"""


def test_the_process_has_neither_documents_nor_other_ports(evil: Evil, tmp_path: Path) -> None:
    if sandbox.missing():
        pytest.skip(f"no {sandbox.missing()} here")
    (tmp_path / "secret").write_text("x")
    (tmp_path / "own").mkdir()
    other = Evil()
    code = TRIES.format(
        root=str(Path(fetching.__file__).parents[3]),
        folder=str(tmp_path / "own"),
        secret=str(tmp_path / "secret"),
        outside=str(tmp_path / "outside"),
        port=evil.port,
        other=other.port,
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, check=True, timeout=60)
    other.close()
    allowed = {name for name, worked in json.loads(done.stdout).items() if worked}
    ports = {"another port"} if int(sandbox.found()["landlock"]) < 4 else set[str]()
    assert allowed == {"own folder", "its port", *ports}
