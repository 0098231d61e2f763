"""Clients that few people test with: HEAD and OPTIONS of probes, names from .NET, PowerShell and aiohttp."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from tests.documents import table_csv, text_pdf
from tests.integration.conftest import TOKEN
from tests.live import LiveServer

pytestmark = pytest.mark.integration

#: these differ from answer to answer
CHANGING = {"date", "x-request-id", "content-length", "transfer-encoding", "set-cookie", "connection"}
STATIC = (
    *(
        "/health",
        "/ready",
        "/metrics",
        "/gpu/status",
        "/docs",
        "/openapi.json",
        "/",
        "/config",
        "/page/bar.js",
    ),
    *(
        "/api/v1/queue",
        "/api/v1/tasks",
        "/api/v1/tasks?since=0&limit=100",
        "/api/v1/history",
        "/api/v1/cluster",
    ),
    *("/nothing", "/api/nothing", "/api/v1/tasks/nothing", "/docs/nothing", "/page/nothing", "/gpu/nothing"),
    *("/health/x", "/gradio_api/info", "/gradio_api/nothing", "/gradio_api/file=nothing", "/assets/nothing"),
)


@pytest.fixture(scope="module")
def task(server: LiveServer) -> dict[str, Any]:
    return server.end(server.submit("a.pdf", text_pdf(1, seed=98)))


def of_task(task: dict[str, Any]) -> list[str]:
    at = f"/api/v1/tasks/{task['id']}"
    formats = ("markdown", "json", "html", "zip", "nothing")
    some = (
        "",
        "?wait=1",
        "/pages/1",
        "/pages/9",
        "/pages/1.png",
        "/source",
        "/search?q=marker",
        "/files/x",
        "/readings",
    )
    return [*(at + each for each in some), *(f"{at}/result?format={form}" for form in formats)]


def test_head_is_get_without_a_body(server: LiveServer, task: dict[str, Any]) -> None:
    for path in [*STATIC, *of_task(task)]:
        get, head = server.client.get(path), server.client.head(path)
        assert (head.status_code, head.content) == (get.status_code, b""), path
        told = [{k: v for k, v in each.headers.items() if k not in CHANGING} for each in (get, head)]
        assert told[1] == told[0], path
        if "content-length" in get.headers and "set-cookie" not in get.headers and "metrics" not in path:
            lengths = int(head.headers["content-length"]), int(get.headers["content-length"])
            assert abs(lengths[0] - lengths[1]) < 64, path  # times are told in answers


def test_head_ends_where_get_goes_on(server: LiveServer) -> None:
    head = server.client.head("/api/v1/events", timeout=10)
    assert head.status_code == 200 and head.headers["content-type"].startswith("text/event-stream")
    for _ in range(30):  # more than one person may follow at once
        assert server.client.head("/api/v1/events", timeout=10).status_code == 200


def test_head_needs_who_get_needs(house: LiveServer) -> None:
    with httpx.Client(base_url=house.url) as stranger:
        for path in STATIC:
            wanted = 200 if path in ("/health", "/ready") else 401
            assert stranger.head(path).status_code == wanted, path
        assert stranger.options("/api/v1/queue").status_code == 401
        assert stranger.options("/health").headers["allow"] == "GET, HEAD, OPTIONS"
        assert stranger.head("/", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/health", "GET, HEAD, OPTIONS"),
        ("/ready", "GET, HEAD, OPTIONS"),
        ("/metrics", "GET, HEAD, OPTIONS"),
        ("/api/v1/tasks", "GET, HEAD, OPTIONS, POST"),
        ("/api/v1/tasks/x", "DELETE, GET, HEAD, OPTIONS"),
        ("/api/v1/tasks/x/retry", "OPTIONS, POST"),
        ("/gpu/release", "OPTIONS, POST"),
        ("/docs", "GET, HEAD, OPTIONS"),
        ("/page/bar.js", "GET, HEAD, OPTIONS"),
        ("/", "GET, HEAD, OPTIONS"),
        ("/gradio_api/upload", "OPTIONS, POST"),
    ],
)
def test_options_tell_what_a_route_takes(server: LiveServer, path: str, allow: str) -> None:
    answer = server.client.options(path)
    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, allow, b"")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "path",
    ["/nothing", "/api/nothing", "/gpu/nothing", "/health/nothing", "/docs/x", "/gradio_api/vibe-edit"],
)
def test_what_does_not_exist_says_so_in_one_shape(server: LiveServer, method: str, path: str) -> None:
    answer = server.client.request(method, path)
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "not_found"


def test_a_wrong_method_is_told_in_the_same_shape(server: LiveServer) -> None:
    for method, path in (
        ("POST", "/health"),
        ("PUT", "/metrics"),
        ("DELETE", "/gpu"),
        ("POST", "/openapi.json"),
    ):
        answer = server.client.request(method, path)
        assert answer.json()["error"]["code"] in ("not_found", "option_invalid"), path


# ---------------------------------------------------------------- names


def posted(server: LiveServer, path: str, disposition: str, data: bytes) -> httpx.Response:
    head = f"Content-Disposition: form-data; {disposition}\r\nContent-Type: application/octet-stream"
    body = b"--edge\r\n" + head.encode() + b"\r\n\r\n" + data + b"\r\n--edge--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=edge"}
    return server.client.post(path, content=body, headers=headers)


ENCODED = "=?utf-8?B?" + base64.b64encode("\u62a5\u544a???.csv".encode()).decode() + "?="


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (f"name=files; filename=\"{ENCODED}\"; filename*=utf-8''%E6%8A%A5%E5%91%8A.csv", "\u62a5\u544a.csv"),
        (f'name="files"; filename="{ENCODED}"', "\u62a5\u544a???.csv"),
        ("name=\"files\"; filename*=UTF-8''%C3%BC.csv", "ü.csv"),
        ('name="files"; filename="%C3%BC.csv"', "ü.csv"),
        ('name="files"; filename="C:\\papers\\a.csv"', "a.csv"),
    ],
)
def test_a_name_is_right_by_rest_and_by_gradio(server: LiveServer, written: str, name: str) -> None:
    answer = posted(server, "/api/v1/tasks", written, table_csv())
    assert answer.status_code == 201, answer.text
    [task] = answer.json()["tasks"]
    assert (task["name"], task["folder"]) == (name, "")
    assert server.end(task["id"])["status"] == "completed"
    [path] = posted(server, "/gradio_api/upload", written, table_csv()).json()
    submitted = {"data": [[{"path": path}], "auto", "", "auto"]}
    [[task]] = server.client.post("/gradio_api/run/submit", json=submitted).json()["data"]
    kept = name.replace("?", "")  # Gradio leaves signs out that a file system may not take
    assert task["name"] in (name, kept) and task["folder"] == ""
