"""Seeded odd requests, byte by byte: names of files, header fields, JSON bodies, paths and queries."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

#: a small document that is read in an instant
_DOCUMENT = b"<html><body><p>A short text.</p></body></html>"
_ROUTES = (
    *(("GET", path) for path in ("/health", "/ready", "/metrics", "/docs", "/openapi.json", "/gpu/status")),
    *(
        ("GET", f"/api/v1/{path}")
        for path in ("tasks", "tasks/ids", "queue", "overview", "access", "notices")
    ),
    *(("GET", f"/api/v1/tasks/{{id}}{more}") for more in ("", "/result", "/pages/1", "/source", "/search")),
    *(("GET", f"/api/v1/tasks/{{id}}/{more}") for more in ("pages/1.png", "files/images/a.png", "readings")),
    *(("POST", f"/api/v1/tasks/{{id}}/{more}") for more in ("cancel", "retry", "pages/1/redo", "keep")),
    *(("POST", f"/api/v1/tasks/{more}") for more in ("bulk", "download", "")),
    *(
        ("POST", f"/gradio_api/{path}")
        for path in ("queue/join", "call/status", "run/tasks", "cancel", "upload")
    ),
    *(("POST", path) for path in ("/login", "/logout", "/gradio_api/mcp/", "/api/v1/queue/pause/x")),
    ("DELETE", "/api/v1/tasks/{id}"),
    *((method, "/api/v1/tasks/{id}/pages/1/blocks/1") for method in ("GET", "PATCH", "DELETE")),
    ("GET", "/gradio_api/file={text}"),
    ("GET", "/{text}"),
)
_PIECES: tuple[bytes, ...] = (
    *(
        b"\0",
        b"\x01",
        b"\t",
        b"\x7f",
        b"\xff\xfe",
        b"\xc3\x28",
        b"\xed\xa0\x80",
        b"\xe2\x80\xae",
        b"\xef\xbb\xbf",
    ),
    *(
        b"../",
        b"..\\",
        b"/",
        b"\\",
        b"%2e%2e%2f",
        b"%00",
        b"~",
        b"C:",
        b"aux",
        b"-rf",
        b".",
        b" ",
        b"\xc2\xa0",
    ),
    *(
        b'"',
        b"'",
        b"`",
        b"$(id)",
        b";",
        b"<b>",
        b"{{7*7}}",
        b"%s%n",
        b"=?utf-8?B?Li4v?=",
        b"\xf0\x9f\x98\x80",
    ),
    *(
        "中".encode() * 90,
        b"a" * 300,
        b"-1",
        b"1e308",
        b"NaN",
        b"2147483648",
        b"null",
        b"UTF-8''x",
        b"*",
        b",",
    ),
)
#: header fields that make a server wait for more than there is
_FRAMING = ("Transfer-Encoding", "Expect", "Upgrade", "Connection", "Content-Length")
_HEADERS = (
    *(
        "Host",
        "Origin",
        "Referer",
        "Cookie",
        "Authorization",
        "X-Api-Key",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
    ),
    *("X-Forwarded-Host", "X-Request-Id", "Idempotency-Key", "Accept", "Accept-Language", "Accept-Encoding"),
    *("Content-Type", "Content-Encoding", "Range", "If-None-Match", "Sec-Fetch-Site", "Sec-Fetch-Mode"),
    *("X-Gradio-Server", "Forwarded", "TE", *_FRAMING),
)


@dataclass(frozen=True, slots=True)
class Odd:
    """One request: what is odd about it, all of its bytes, and whether its length is as it says."""

    how: str
    data: bytes
    framed: bool = True


def odd(seed: int, index: int, task_id: str = "0" * 32) -> Odd:
    """The ``index``-th request; the same seed gives the same ones."""
    rng = random.Random(f"{seed}/{index}/odd")
    makers: dict[str, Callable[[random.Random, str], bytes]] = {
        "name": _name,
        "headers": _headers,
        "body": _body,
        "path": _path,
    }
    how = rng.choice(tuple(makers))
    data = makers[how](rng, task_id)
    head = data.partition(b"\r\n\r\n")[0].lower()
    odd_frame = how == "headers" and any(name.lower().encode() + b":" in head for name in _FRAMING)
    return Odd(f"{how} {index}", data, not odd_frame)


def _text(rng: random.Random, most: int = 6) -> bytes:
    parts = [
        rng.choice(_PIECES) if rng.random() < 0.6 else rng.randbytes(rng.randrange(1, 9)) for _ in range(most)
    ]
    return b"".join(parts[: rng.randrange(1, most + 1)])


def _line(rng: random.Random) -> bytes:
    return _text(rng).replace(b"\r", b"").replace(b"\n", b"") if rng.random() < 0.9 else _text(rng)


def _name(rng: random.Random, _task: str) -> bytes:
    value = _line(rng)
    form = rng.choice(
        (b'filename="%b"', b"filename=%b", b"filename*=UTF-8''%b", b'filename="x.html"; filename*=%b')
    )
    value = quote(value).encode() if b"*=" in form and rng.random() < 0.5 else value
    disposition = b'Content-Disposition: form-data; name="files"; ' + form.replace(b"%b", value + b".html")
    body = b"--edge\r\n" + disposition + b"\r\n\r\n" + _DOCUMENT + b"\r\n--edge--\r\n"
    return _request(
        "POST", b"/api/v1/tasks", [(b"Content-Type", b"multipart/form-data; boundary=edge")], body
    )


def _headers(rng: random.Random, task: str) -> bytes:
    method, path = _route(rng, task)
    names = rng.choices(_HEADERS, k=rng.randrange(1, 6))
    fields = [(name.encode() if rng.random() < 0.9 else _line(rng), _line(rng)) for name in names]
    return _request(method, path, fields, b"{}" if method == "POST" else b"")


def _body(rng: random.Random, task: str) -> bytes:
    method, path = _route(rng, task, ("POST",))
    kinds = (
        b"application/json",
        b"application/x-www-form-urlencoded",
        b"text/plain",
        b"",
        _text(rng).hex().encode(),
    )
    return _request(method, path, [(b"Content-Type", rng.choice(kinds))], _json(rng, task))


def _path(rng: random.Random, task: str) -> bytes:
    method, path = _route(rng, task)
    extra = quote(_text(rng)).encode() if rng.random() < 0.7 else _line(rng).replace(b" ", b"")
    names = (
        b"since",
        b"limit",
        b"cursor",
        b"q",
        b"wait",
        b"format",
        b"width",
        b"status",
        b"sort",
        b"token",
        b"x",
    )
    return _request(method, path + rng.choice((b"?", b"/", b"?" + rng.choice(names) + b"=")) + extra, [], b"")


def _route(rng: random.Random, task: str, methods: Sequence[str] = ()) -> tuple[str, bytes]:
    method, path = rng.choice([one for one in _ROUTES if not methods or one[0] in methods])
    filled = path.encode().replace(
        b"{id}", task.encode() if rng.random() < 0.7 else quote(_text(rng)).encode()
    )
    method = (
        method if rng.random() < 0.95 else rng.choice(("PUT", "HEAD", "OPTIONS", "TRACE", "PATCH", "GET"))
    )
    return method, filled.replace(b"{text}", quote(_text(rng)).encode())


def _json(rng: random.Random, task: str) -> bytes:
    if rng.random() < 0.15:
        return rng.choice(
            (b"[" * 50_000, b'{"a":' * 20_000, b"1" * 20_000, b'"\\ud800"', b"NaN", b"", b"[1e999]")
        )
    text = json.dumps(_value(rng, task, 4), ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    if rng.random() < 0.2:
        at = rng.randrange(len(text) + 1)
        text = text[:at] + _text(rng) + text[at:]
    return text


def _value(rng: random.Random, task: str, depth: int) -> object:
    kind = rng.randrange(8 if depth else 5)
    keys = (
        "ids",
        "action",
        "data",
        "fn_index",
        "session_hash",
        "event_id",
        "path",
        "url",
        "meta",
        "tier",
        "method",
    )
    if kind == 0:
        return rng.choice((None, True, -1, 0, 2**63, -(2**64), 1e308, 0.1))
    if kind in (1, 2):
        return _text(rng).decode("utf-8", "replace")
    if kind == 3:
        return task
    if kind == 4:
        return rng.choice(
            ("cancel", "delete", "tools/call", "http://127.0.0.1:1/", "/etc/passwd", "gradio.FileData")
        )
    if kind == 5:
        return [_value(rng, task, depth - 1) for _ in range(rng.randrange(6))]
    return {rng.choice(keys): _value(rng, task, depth - 1) for _ in range(rng.randrange(6))}


def _request(method: str, path: bytes, fields: Sequence[tuple[bytes, bytes]], body: bytes) -> bytes:
    given = {name.lower() for name, _ in fields}
    usual = [(b"Host", b"127.0.0.1"), (b"Connection", b"close"), (b"Content-Length", str(len(body)).encode())]
    lines = [method.encode() + b" " + path + b" HTTP/1.1"]
    lines += [b": ".join(one) for one in (*fields, *(one for one in usual if one[0].lower() not in given))]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def answer_to(port: int, made: Odd) -> bytes:
    """What the server sends back until it closes, at most 64 KB; what it sent so far when it says no more.

    A request that is not as long as it says is waited for only a little: the server waits for the rest.
    """
    answer = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=60.0 if made.framed else 1.0) as connection:
        try:
            connection.sendall(made.data)
            while len(answer) < 2**16 and (piece := connection.recv(2**14)):
                answer += piece
        except ConnectionError:
            pass  # it was refused before all of it was sent
        except TimeoutError:
            if made.framed:
                raise
    return bytes(answer)
