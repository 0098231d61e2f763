"""Nothing that a request names is connected to: headers and methods of MCP, files and routes of Gradio."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.documents import table_csv, text_pdf
from tests.live import LiveServer

pytestmark = pytest.mark.integration

MCP = "/gradio_api/mcp/"
ACCEPT = {"accept": "application/json, text/event-stream"}


@pytest.fixture
def trap() -> Iterator[str]:
    """A host and port that must not be connected to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(BlockingIOError):
            listener.accept()


def headers_to(trap: str) -> list[dict[str, str]]:
    """By each of these headers Gradio, or what stands before it, may take an address for its own."""
    return [
        {"x-gradio-server": f"http://{trap}"},
        {"x-forwarded-host": trap},
        {"x-forwarded-host": f"{trap}, 127.0.0.1"},
        {"host": trap},
        {"x-gradio-server": f"http://{trap}", "x-forwarded-host": trap, "host": trap},
        {"forwarded": f"host={trap}", "x-original-host": trap, "x-forwarded-server": trap},
    ]


def rpc(server: LiveServer, method: str, params: Any, headers: dict[str, str] | None = None) -> Any:
    """What an MCP server answers to a request without a session."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = server.client.post(MCP, json=body, headers={**ACCEPT, **(headers or {})}, timeout=20)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text.partition("data: ")[2])


@pytest.mark.parametrize("number", range(6))
def test_no_header_makes_mcp_connect(server: LiveServer, trap: str, number: int) -> None:
    headers = headers_to(trap)[number]
    for method, params in (
        ("resources/read", {"uri": "file:///x"}),
        ("resources/list", {}),
        ("resources/templates/list", {}),
        ("resources/subscribe", {"uri": "file:///x"}),
        ("prompts/get", {"name": "convert"}),
        ("prompts/list", {}),
        (
            "completion/complete",
            {"ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "a", "value": ""}},
        ),
        ("logging/setLevel", {"level": "debug"}),
    ):
        assert rpc(server, method, params, headers)["error"]["message"] == "Method not found", method
    for progress in ({}, {"_meta": {"progressToken": 1}}):
        called = rpc(server, "tools/call", {"name": "tasks", "arguments": {}, **progress}, headers)
        assert called["result"]["isError"] is False
    assert len(rpc(server, "tools/list", {}, headers)["result"]["tools"]) == 7
    assert rpc(server, "ping", {}, headers)["result"] == {}


def test_only_tools_are_offered(server: LiveServer) -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    offered = rpc(server, "initialize", hello)["result"]["capabilities"]
    assert {name for name, value in offered.items() if value} <= {"tools", "experimental"}
    assert offered.get("prompts") is offered.get("resources") is None


def test_the_address_of_an_answer_is_not_one_that_a_header_names(server: LiveServer, trap: str) -> None:
    task_id = server.end(server.submit("a.pdf", text_pdf(1, seed=95)))["id"]
    for headers in headers_to(trap)[:3]:
        call = {"name": "result", "arguments": {"task_id": task_id}}
        texts = [part["text"] for part in rpc(server, "tools/call", call, headers)["result"]["content"]]
        assert trap not in texts[1] and f"{server.url}/gradio_api/file=" in texts[1]


@pytest.mark.parametrize(
    "path",
    [
        *("x/gradio_api/mcp", "%3C/script%3E%3Cscript%3Ealert(1)%3C/script%3E/gradio_api/mcp"),
        *("http/x", "schema", "sse/x", "x", "%2e%2e/gradio_api/mcp/http"),
    ],
)
def test_mcp_has_no_other_pages(server: LiveServer, path: str) -> None:
    """Gradio's page about its server writes the path into a script: a link could have run one as us."""
    answer = server.client.get(MCP + path, headers={"accept": "text/html"})
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "not_found"


# ---------------------------------------------------------------- files and routes of Gradio


def records(url: str) -> Iterator[Any]:
    """A file as clients write it, with an address in each place."""
    meta = {"_type": "gradio.FileData"}
    yield {"path": url, "meta": meta}
    yield {"path": "a.pdf", "url": url, "meta": meta}
    yield {"path": url, "url": url, "orig_name": url, "is_stream": True, "meta": meta}
    yield {"path": f"/gradio_api/proxy={url}", "url": f"/gradio_api/proxy={url}", "meta": meta}
    yield {"path": f"/gradio_api/file={url}", "meta": meta}
    yield [{"path": url, "meta": meta}]
    yield {"video": {"path": url, "meta": meta}, "subtitles": None}
    yield {"files": [{"file": {"path": url, "url": url, "meta": meta}}], "text": url}
    yield url


def test_no_file_makes_the_server_fetch(server: LiveServer, trap: str) -> None:
    ask = server.client.post
    for url in (f"http://{trap}/a.pdf", f"HTTP://{trap}/a.pdf", f"https://{trap}/a.pdf", f"ftp://{trap}/a"):
        for record in records(url):
            for name in ("submit", "convert", "status"):
                values = [record, *(["auto", "", "auto"] if name != "status" else [])]
                for route in ("run", "api"):
                    answer = ask(f"/gradio_api/{route}/{name}", json={"data": values}, timeout=20)
                    assert answer.status_code >= 400, (route, name, record)
            for number in range(8):  # by number, also the event of the page, which runs in browsers only
                body = {
                    "fn_index": number,
                    "data": [record] * 4,
                    "session_hash": "trap",
                    "event_data": record,
                }
                ask("/gradio_api/queue/join", json=body, timeout=20)
        begun = ask("/gradio_api/call/convert", json={"data": [next(records(url)), "auto", "", "auto"]})
        with contextlib.suppress(KeyError):
            assert "error" in server.client.get(f"/gradio_api/call/convert/{begun.json()['event_id']}").text
        tool = {"name": "convert", "arguments": {"file": url}}
        assert rpc(server, "tools/call", tool)["result"]["isError"] is True
        assert rpc(server, "tools/call", {"name": "submit", "arguments": {"files": [url]}})["result"][
            "isError"
        ]
    with server.client.stream("GET", "/gradio_api/queue/data?session_hash=trap", timeout=20) as events:
        for line in events.iter_lines():
            if "close_stream" in line:
                break


def test_no_route_makes_the_server_fetch(server: LiveServer, trap: str) -> None:
    url = f"http://{trap}/x"
    for path in (
        f"proxy={url}",
        f"proxy={url.replace('/', '%2F')}",
        f"file={url}",
        f"file={url.replace(':', '%3A')}",
        f"file/{url}",
        f"deep_link?session_hash={url}",
        f"custom_component/{trap}/client/component/x",
        f"stream/{trap}/0/0/playlist.m3u8",
        f"vibe-code?url={url}",
        f"load?url={url}",
    ):
        for base in ("/gradio_api/", "/", "/api/"):
            for headers in ({}, headers_to(trap)[4]):
                answer = server.client.get(base + path, headers=headers)
                assert answer.status_code == 404, base + path
    for path in (
        "/",
        "/config",
        "/gradio_api/info",
        "/gradio_api/startup-events",
        "/?view=api&__theme=" + url,
    ):
        for headers in headers_to(trap):
            server.client.get(path, headers=headers)
    for path in ("process_recording", "vibe-edit", "undo-vibe-edit", "vibe-starter-queries", "stream/x"):
        answer = server.client.post(f"/gradio_api/{path}", json={"url": url, "code": url, "prompt": url})
        assert answer.status_code == 404, path
    progress = server.client.get("/gradio_api/upload_progress", params={"upload_id": url}, timeout=20)
    assert progress.status_code == 404


# ---------------------------------------------------------------- documents in the address


def data(kind: str, content: bytes, parameters: str = "") -> str:
    return f"data:{kind}{parameters};base64,{base64.b64encode(content).decode()}"


def test_mcp_takes_a_document_in_its_address(server: LiveServer) -> None:
    pdf = data("application/pdf", text_pdf(1, seed=96))
    read = rpc(server, "tools/call", {"name": "convert", "arguments": {"file": pdf}})["result"]
    assert read["isError"] is False and "marker 1 stands" in read["content"][0]["text"]
    files = [pdf, data("text/csv", table_csv(), ";name=figures%20of%20May.csv")]
    taken = rpc(server, "tools/call", {"name": "submit", "arguments": {"files": files}})["result"]
    tasks = json.loads(taken["content"][0]["text"])
    assert [task["name"] for task in tasks] == ["document.pdf", "figures of May.csv"]
    assert {server.end(task["id"])["status"] for task in tasks} == {"completed"}


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("data:", "option_invalid"),
        ("data:application/pdf;base64", "option_invalid"),
        ("data:application/pdf;base64,%%%", "option_invalid"),
        ("data:application/pdf;base64,A", "option_invalid"),
        ("data:application/pdf;base64,", "file_empty"),
        ("data:application/pdf,", "file_empty"),
    ],
)
def test_what_is_no_document_is_refused(server: LiveServer, address: str, code: str) -> None:
    for name, values in (("convert", {"file": address}), ("submit", {"files": [address]})):
        answer = rpc(server, "tools/call", {"name": name, "arguments": values})["result"]
        assert answer["isError"] is True and code in answer["content"][0]["text"], (name, answer)
    assert httpx.get(server.url + "/health").status_code == 200
