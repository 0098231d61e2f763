"""Downloads as clients make them: broken off when the result goes, resumed, asked for again, by HEAD."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.documents import paper_pdf, text_pdf
from tests.live import LiveServer

pytestmark = pytest.mark.integration

#: more than the buffers of a connection between two programs hold
MUCH = 24 * 2**20


def big(server: LiveServer, seed: int) -> tuple[str, Path]:
    """A finished task whose zip does not fit into any buffer; its result."""
    task_id = server.end(server.submit("big.pdf", text_pdf(1, seed=seed)))["id"]
    result = server.data / "tasks" / task_id / "result"
    (result / "images").mkdir(exist_ok=True)
    for number in range(3):
        (result / f"images/{number}.png").write_bytes(os.urandom(MUCH // 3))
    return task_id, result


def delete(server: LiveServer, task_id: str) -> None:
    server.client.delete(f"/api/v1/tasks/{task_id}").raise_for_status()


def replace(server: LiveServer, task_id: str) -> None:
    """As keeping a page that was read again does."""
    result = server.data / "tasks" / task_id / "result"
    shutil.copytree(result, result.with_name("new"))
    result.rename(result.with_name("result.old"))
    result.with_name("new").rename(result)
    shutil.rmtree(result.with_name("result.old"))


@pytest.mark.parametrize("change", [delete, replace])
@pytest.mark.parametrize("route", ["one", "many"])
def test_a_zip_whose_result_goes_is_broken_off(server: LiveServer, change: Any, route: str) -> None:
    ids = [big(server, seed)[0] for seed in (71, 72)]
    ask: dict[str, Any] = {"method": "GET", "url": f"/api/v1/tasks/{ids[0]}/result?format=zip"}
    if route == "many":
        ask = {"method": "POST", "url": "/api/v1/tasks/download", "json": {"ids": ids}}
    with server.client.stream(**ask) as answer:
        chunks = answer.iter_bytes(65536)
        assert next(chunks).startswith(b"PK")
        change(server, ids[-1] if route == "many" and change is delete else ids[0])
        with pytest.raises(httpx.RemoteProtocolError):
            list(chunks)
    assert "Traceback" not in server.log.read_text()


def test_one_that_was_deleted_before_is_left_out(server: LiveServer) -> None:
    ids = [server.end(server.submit("a.pdf", text_pdf(1, seed=seed)))["id"] for seed in (73, 74)]
    shutil.rmtree(server.data / "tasks" / ids[1])
    answer = server.client.post("/api/v1/tasks/download", json={"ids": ids})
    assert "a/document.md" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert server.client.post("/api/v1/tasks/download", json={"ids": ids[1:]}).status_code == 409


def test_a_file_is_held_until_it_is_sent(server: LiveServer) -> None:
    task_id, result = big(server, 75)
    whole = (result / "images/0.png").read_bytes()
    with server.client.stream("GET", f"/api/v1/tasks/{task_id}/files/images/0.png") as answer:
        chunks = answer.iter_bytes(65536)
        got = next(chunks)
        delete(server, task_id)
        assert got + b"".join(chunks) == whole


# ---------------------------------------------------------------- asked for again, and resumed


@pytest.fixture(scope="module")
def task(server: LiveServer) -> dict[str, Any]:
    return server.end(server.submit("\u62a5\u544a.pdf", paper_pdf(1, seed=76)))


@pytest.fixture(scope="module")
def routes(server: LiveServer, task: dict[str, Any]) -> list[str]:
    """Every file of a task."""
    at = f"/api/v1/tasks/{task['id']}"
    images = sorted((server.data / "tasks" / task["id"] / "result/images").iterdir())
    forms = ("markdown", "json", "content_list", "html", "docx", "latex", "epub", "docling")
    results = [f"{at}/result?format={form}" for form in forms]
    return [*results, f"{at}/source", f"{at}/pages/1", f"{at}/files/images/{images[0].name}"]


def test_what_a_client_has_is_not_sent_again(
    server: LiveServer, task: dict[str, Any], routes: list[str]
) -> None:
    for route in [*routes, f"/api/v1/tasks/{task['id']}/result?format=zip"]:
        first = server.client.get(route)
        tag = first.headers["etag"]
        for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            again = server.client.get(route, headers={"if-none-match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), route
        other = server.client.get(route, headers={"if-none-match": '"another"'})
        assert (other.status_code, other.content) == (200, first.content)


def test_a_part_can_be_asked_for(server: LiveServer, routes: list[str]) -> None:
    for route in routes:
        whole = server.client.get(route)
        size, tag = len(whole.content), whole.headers["etag"]
        assert whole.headers["accept-ranges"] == "bytes"
        for asked, start, end in (
            ("bytes=0-0", 0, 1),
            ("bytes=3-9", 3, 10),
            ("bytes=5-", 5, size),
            ("bytes=-4", size - 4, size),
            (f"bytes=2-{size * 9}", 2, size),
        ):
            part = server.client.get(route, headers={"range": asked, "if-range": tag})
            assert (part.status_code, part.content) == (206, whole.content[start:end]), (route, asked)
            assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
        for asked in (f"bytes={size}-", "bytes=-0"):
            none = server.client.get(route, headers={"range": asked})
            assert (none.status_code, none.headers["content-range"]) == (416, f"bytes */{size}")
            assert none.json()["error"]["code"] == "option_invalid"
        for asked in ("bytes=", "bytes=-", "bytes=9-3", "bytes=a-b", "pages=1-2", "bytes=0-1,4-5", "0-5"):
            all_of_it = server.client.get(route, headers={"range": asked})
            assert (all_of_it.status_code, all_of_it.content) == (200, whole.content), asked
        stale = server.client.get(route, headers={"range": "bytes=0-0", "if-range": '"another"'})
        assert (stale.status_code, stale.content) == (200, whole.content)


def test_a_zip_that_is_streamed_has_no_parts(server: LiveServer, task: dict[str, Any]) -> None:
    answer = server.client.get(
        f"/api/v1/tasks/{task['id']}/result?format=zip", headers={"range": "bytes=0-9"}
    )
    assert answer.status_code == 200 and answer.headers["accept-ranges"] == "none"


def test_a_name_beyond_ascii_has_one_in_ascii_that_tells_documents_apart(
    server: LiveServer, task: dict[str, Any]
) -> None:
    for form, suffix in (("zip", "zip"), ("markdown", "md"), ("html", "html")):
        answer = server.client.get(f"/api/v1/tasks/{task['id']}/result", params={"format": form})
        wanted = (
            f"filename=\"document-{task['id'][:8]}.{suffix}\"; filename*=UTF-8''%E6%8A%A5%E5%91%8A.{suffix}"
        )
        assert answer.headers["content-disposition"] == f"attachment; {wanted}"


@pytest.fixture
def open_files(server: LiveServer) -> Iterator[None]:
    """A test after which the server has no result open."""
    yield
    assert server.process is not None
    links = [f"/proc/{server.process.pid}/fd/{name}" for name in os.listdir(f"/proc/{server.process.pid}/fd")]
    assert [link for link in map(os.path.realpath, links) if "/tasks/" in link] == []


def test_nothing_stays_open(server: LiveServer, routes: list[str], open_files: None) -> None:
    for route in routes:
        for headers in ({}, {"range": "bytes=0-0"}, {"range": "bytes=999999999-"}, {"if-none-match": "*"}):
            server.client.get(route, headers=headers)
