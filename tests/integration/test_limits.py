"""Limits of the served application: bodies, uploads, event streams, long results, a lost folder."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client

from gradio_app.web.api.changes import MAX_STREAMS
from tests.documents import text_pdf
from tests.live import LiveServer, files_beneath

pytestmark = pytest.mark.integration

LONG = json.dumps({"ids": ["x" * 1000] * 1100, "action": "cancel", "data": []}).encode()
JSON_ROUTES = [
    "/api/v1/tasks/bulk",
    "/api/v1/tasks/download",
    "/api/v1/tasks/x/pages/1/redo",
    "/api/v1/tasks/x/cancel",
    "/gradio_api/run/submit",
    "/gradio_api/api/result",
    "/gradio_api/call/convert",
    "/gradio_api/call/v2/tasks",
    "/gradio_api/queue/join",
    "/gradio_api/cancel",
    "/gradio_api/reset",
    "/gradio_api/mcp/",
    "/gradio_api/upload/x",
]


def pieces() -> Iterator[bytes]:
    """The long body without a length before it."""
    for start in range(0, len(LONG), 2**16):
        yield LONG[start : start + 2**16]


@pytest.mark.parametrize("path", JSON_ROUTES)
@pytest.mark.parametrize("way", ["announced", "chunked"])
def test_no_route_but_those_for_files_takes_long_bodies(server: LiveServer, path: str, way: str) -> None:
    body = LONG if way == "announced" else pieces()
    headers = {"content-type": "application/json"}
    answer = server.client.post(path, content=body, headers=headers)
    if way == "chunked" and answer.status_code in (404, 405):
        return  # it was answered without its body
    assert answer.status_code == 413 and answer.json()["error"]["code"] == "file_too_large", answer.text


def uploaded(server: LiveServer, *files: tuple[str, bytes], field: str = "files") -> httpx.Response:
    listed = [(field, (name, data)) for name, data in files]
    return server.client.post("/gradio_api/upload", files=listed)


def kept(server: LiveServer) -> list[Path]:
    return files_beneath(server.data / "run" / "gradio")


@pytest.mark.parametrize(
    ("files", "status", "code"),
    [
        ([("a.pdf", b"x")] * 6, 413, "too_many_files"),
        ([("a.pdf", b"x"), ("b.pdf", bytes(8 * 2**20 + 1))], 413, "file_too_large"),
        ([("a.pdf", bytes(8 * 2**20))] * 6, 413, "file_too_large"),
    ],
    ids=["one more file", "a larger file", "more than all together"],
)
def test_an_upload_to_gradio_has_the_limits_of_ours(
    server: LiveServer, files: list[tuple[str, bytes]], status: int, code: str
) -> None:
    before = set(kept(server))
    answer = uploaded(server, *files)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert set(kept(server)) == before, "nothing is left of it"


def test_fields_of_an_upload_to_gradio_are_short(server: LiveServer) -> None:
    answer = server.client.post(
        "/gradio_api/upload", data={"note": "x" * 10**6}, files=[("files", ("a.pdf", b"x"))]
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "option_invalid")
    before = set(kept(server))
    assert uploaded(server, ("a.pdf", b"x"), field="other").status_code == 422
    assert set(kept(server)) == before
    assert uploaded(server, *[("a.pdf", b"%d" % n) for n in range(5)]).status_code == 200


@pytest.mark.anyio
async def test_event_streams_opened_at_once_are_as_few_as_one_after_the_other(house: LiveServer) -> None:
    headers = house.client.headers
    limits = httpx.Limits(max_connections=200)
    done = asyncio.Event()

    async with httpx.AsyncClient(base_url=house.url, headers=headers, limits=limits, timeout=30) as client:
        codes: list[int] = []

        async def open_one() -> None:
            async with client.stream("GET", "/api/v1/events", params={"since": 0}) as answer:
                codes.append(answer.status_code)
                await done.wait()

        opened = [asyncio.create_task(open_one()) for _ in range(100)]
        async with asyncio.timeout(30):
            while len(codes) < 100:
                await asyncio.sleep(0.02)
        done.set()
        await asyncio.gather(*opened)
    assert codes.count(200) == MAX_STREAMS and codes.count(429) == 100 - MAX_STREAMS
    async with (
        httpx.AsyncClient(base_url=house.url, headers=headers, timeout=30) as client,
        asyncio.timeout(30),
    ):
        while True:  # the places are given back
            async with client.stream("GET", "/api/v1/events") as answer:
                if answer.status_code == 200:
                    break


def test_no_redirect_leads_to_the_name_in_the_request(house: LiveServer) -> None:
    for path in ("/gradio_api/mcp", "/gradio_api/info/", "/gpu/status/", "/api/v1/queue/", "/docs/", "/page"):
        answer = house.client.get(path, headers={"host": "evil.test"})
        assert "evil.test" not in answer.headers.get("location", ""), path


@pytest.fixture(scope="module")
def long_task(server: LiveServer) -> str:
    """A document with a text of more than a megabyte, with all that JSON writes in another way."""
    rows = "".join(f'<p>{n} "quoted" back\\slash ümläut 漢字 😀 {"word " * 20}</p>' for n in range(9000))
    task = server.end(server.submit("long.html", f"<html><body>{rows}</body></html>".encode()))
    assert task["status"] == "completed", task
    return task["id"]


def test_a_long_result_is_the_same_by_every_way(server: LiveServer, long_task: str) -> None:
    text = server.result(long_task).decode()
    assert "漢字" in json.dumps(
        server.client.get(f"/api/v1/tasks/{long_task}/pages/1").json(), ensure_ascii=False
    )
    assert len(text.encode()) > 2**20
    run = server.client.post("/gradio_api/run/result", json={"data": [long_task]}).json()["data"]
    assert run[0] == text
    queued, archive = Client(server.url, verbose=False).predict(long_task, api_name="/result")
    assert queued == text
    with zipfile.ZipFile(archive) as packed:
        assert packed.read("document.md").decode() == text
    assert not [path for path in kept(server) if path.suffix == ".zip"], "no copy was written"
    call = {"name": "result", "arguments": {"task_id": long_task}}
    order = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    accept = {"accept": "application/json, text/event-stream"}
    told = server.client.post("/gradio_api/mcp/", json=order, headers=accept).text
    message = json.loads(told.partition("data: ")[2].splitlines()[0] if "data: " in told else told)
    assert message["result"]["content"][0]["text"] == text


def test_a_long_document_is_searched_in_a_worker(server: LiveServer, long_task: str) -> None:
    asked = {"q": "BACK\\SLASH ümläut", "limit": 7}
    answer = server.client.get(f"/api/v1/tasks/{long_task}/search", params=asked)
    assert answer.status_code == 200, answer.text
    assert [hit["match"] for hit in answer.json()["hits"]] == ["back\\slash ümläut"] * 7
    assert answer.json()["more"] is True


def test_an_archive_that_was_promised_is_its_owners_and_gone_with_the_task(house: LiveServer) -> None:
    task = house.end(house.submit("own.pdf", text_pdf(1, seed=7)))
    answer = house.client.post("/gradio_api/run/result", json={"data": [task["id"]]}).json()["data"]
    where = f"/gradio_api/file={answer[1]['path']}"
    with house.asked_with("mo-key-of-bob") as bob:
        assert bob.client.get(where).status_code == 404
    got = house.client.get(where)
    assert got.headers["content-type"] == "application/zip"
    assert "document.md" in zipfile.ZipFile(io.BytesIO(got.content)).namelist()
    house.client.delete(f"/api/v1/tasks/{task['id']}")
    assert house.client.get(where).status_code == 404


def test_a_folder_that_was_moved_away_is_told_and_costs_nothing(server: LiveServer) -> None:
    done = server.end(server.submit("before.pdf", text_pdf(1, seed=8)))
    away = server.data.with_name("away")
    server.data.rename(away)
    try:
        ready = server.client.get("/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "storage_unavailable")
        asked = [
            server.post("a.pdf", text_pdf(1, seed=9)),
            uploaded(server, ("a.pdf", b"x")),
            server.client.get(f"/api/v1/tasks/{done['id']}/result"),
            server.client.get(f"/api/v1/tasks/{done['id']}/pages/1"),
            server.client.get(f"/api/v1/tasks/{done['id']}/source"),
            server.client.get(f"/api/v1/tasks/{done['id']}/result", params={"format": "html"}),
        ]
        codes = [(answer.status_code, answer.json()["error"]["code"]) for answer in asked]
        assert codes == [(503, "storage_unavailable")] * len(asked)
        assert not server.data.exists(), "nothing is made where it was"
    finally:
        away.rename(server.data)
    assert server.client.get("/ready").status_code == 200
    assert server.client.get(f"/api/v1/tasks/{done['id']}/result").status_code == 200
    assert server.end(server.submit("after.pdf", text_pdf(1, seed=10)))["status"] == "completed"


def test_uploads_under_way_are_answered_when_the_server_stops(tmp_path: Path) -> None:
    form = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n%PDF'
    got: dict[str, bytes] = {}
    with LiveServer(tmp_path / "data", "--workers", "1") as live:

        def send(path: str, started: threading.Event) -> None:
            head = (
                f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n"
                "Content-Type: multipart/form-data; boundary=b\r\nExpect: 100-continue\r\n\r\n"
            )
            with socket.create_connection(("127.0.0.1", live.port), timeout=20) as sock:
                sock.sendall(head.encode())
                begun = sock.recv(100)
                sock.sendall(form)
                started.set()
                while data := sock.recv(2**16):
                    begun += data
                got[path] = begun

        paths = ("/api/v1/tasks", "/gradio_api/upload")
        begun = [threading.Event() for _ in paths]
        senders = [threading.Thread(target=send, args=each) for each in zip(paths, begun, strict=True)]
        for sender in senders:
            sender.start()
        assert all(event.wait(10) for event in begun)
        live.stop()
        for sender in senders:
            sender.join(10)
        log = live.log.read_text()
    for path in paths:
        answer = got[path].partition(b"HTTP/1.1 100 Continue\r\n\r\n")[2]
        assert answer.startswith(b"HTTP/1.1 503 "), got[path]
        error: Any = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
        assert (error["code"], error["retryable"]) == ("shutting_down", True)
    assert "Traceback" not in log and "Exception in ASGI" not in log
