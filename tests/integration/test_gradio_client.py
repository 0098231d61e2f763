"""The public functions, called as scripts and agents call them: gradio_client, MCP, plain HTTP."""

from __future__ import annotations

import asyncio
import json
import time
import zipfile
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from tests.documents import encrypted_pdf, paper_pdf, text_pdf
from tests.integration.conftest import TOKEN
from tests.live import LiveServer

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def guarded(house: LiveServer) -> Iterator[LiveServer]:
    """One with a token, asked by somebody who has it."""
    with house.asked_with(TOKEN) as live:
        yield live


@pytest.fixture(scope="module")
def client(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with connect(server, tmp_path_factory.mktemp("downloads")) as found:
        yield found


@pytest.fixture
def document(tmp_path: Path) -> Callable[[str, bytes], Any]:
    """Writes a document and names it as gradio_client wants it."""

    def write(name: str, data: bytes) -> Any:
        path = tmp_path / name
        path.write_bytes(data)
        return handle_file(path)

    return write


@contextmanager
def connect(server: LiveServer, downloads: Path, **options: Any) -> Generator[Client]:
    found = Client(server.url, verbose=False, download_files=downloads, analytics_enabled=False, **options)
    yield found
    found.close()


def refusal(call: Callable[[], Any]) -> str:
    """The message of an error that a call must raise."""
    with pytest.raises(AppError) as raised:
        call()
    return str(raised.value.message)


def call(server: LiveServer, name: str, *values: Any) -> dict[str, Any]:
    """A plain POST, which can send what gradio_client would not."""
    return httpx.post(f"{server.url}/gradio_api/run/{name}", json={"data": list(values)}).json()


def test_the_contract_of_names_and_arguments(client: Client) -> None:
    endpoints = cast(Any, client.view_api(return_format="dict", print_info=False))["named_endpoints"]
    found = {
        name: [(part["parameter_name"], part["parameter_default"]) for part in endpoint["parameters"]]
        for name, endpoint in endpoints.items()
    }
    options = [("tier", "auto"), ("page_range", ""), ("ocr_mode", "auto")]
    by_id = [("task_id", None)]
    assert found == {
        "/submit": [("files", None), *options],
        "/status": by_id,
        "/cancel": by_id,
        "/retry": by_id,
        "/tasks": [],
        "/result": by_id,
        "/convert": [("file", None), *options],
    }


def test_submit_status_result(client: Client, server: LiveServer, document: Any) -> None:
    files = [document("größe & 文.pdf", paper_pdf(2, seed=31)), document("two.pdf", text_pdf(1, seed=32))]
    tasks = client.predict(files, page_range="1", api_name="/submit")
    assert [task["name"] for task in tasks] == ["größe & 文.pdf", "two.pdf"]
    assert tasks[0]["page_range"] == "1"
    assert server.end(tasks[0]["id"])["status"] == "completed"
    assert client.predict(tasks[0]["id"], api_name="/status")["pages_done"] == 1
    assert {task["id"] for task in client.predict(api_name="/tasks")} >= {task["id"] for task in tasks}

    markdown, archive = client.predict(tasks[0]["id"], api_name="/result")
    assert "Here stands marker 1" in markdown and "marker 2" not in markdown
    with zipfile.ZipFile(archive) as found:
        assert found.read("document.md").decode() == markdown
        assert any(name.startswith("images/") for name in found.namelist())


def test_convert_waits_for_the_end(client: Client, document: Any) -> None:
    markdown, archive = client.predict(document("a.pdf", text_pdf(3, seed=33)), api_name="/convert")
    assert "marker 3 stands" in markdown
    assert Path(archive).name == "a.zip"


def test_cancel_and_retry(client: Client, server: LiveServer, document: Any) -> None:
    [task] = client.predict([document("long.pdf", text_pdf(300, seed=34))], api_name="/submit")
    assert client.predict(task["id"], api_name="/cancel")["status"] == "cancelled"
    assert refusal(lambda: client.predict(task["id"], api_name="/cancel")).startswith("conflict: ")
    assert refusal(lambda: client.predict(task["id"], api_name="/result")).startswith("conflict: ")
    again = client.predict(task["id"], api_name="/retry")
    assert again["attempt"] == 2
    assert client.predict(task["id"], api_name="/cancel")["status"] == "cancelled"


def test_errors_begin_with_their_code(client: Client, document: Any) -> None:
    def told(api_name: str, *values: Any) -> str:
        return refusal(lambda: client.predict(*values, api_name=api_name)).partition(": ")[0]

    locked = document("locked.pdf", encrypted_pdf())
    good = document("good.pdf", text_pdf())
    message = refusal(lambda: client.predict(locked, api_name="/convert"))
    assert message.startswith("file_encrypted: The document needs a password")
    assert told("/convert", document("empty.pdf", b"")) == "file_empty"
    assert told("/convert", good, "best") == "option_invalid"
    assert told("/submit", [good], "auto", "0-") == "page_range_invalid"
    assert told("/submit", [good] * 6) == "too_many_files"
    assert told("/submit", []) == "option_invalid"
    assert told("/status", "0" * 32) == "not_found"
    assert told("/result", "../../etc") == "not_found"


def test_files_of_the_machine_are_refused(server: LiveServer, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("do not read me")
    outside = ("/etc/passwd", str(tmp_path / "secret.txt"), str(server.data / "queue.db"), "../../queue.db")
    for path in (*outside, "", "\0", "http://127.0.0.1:1/a.pdf", f"{server.url}/gradio_api/file=/etc/passwd"):
        refused = "option_invalid: This file was not uploaded"
        assert call(server, "submit", [path], "auto", "", "auto")["error"].startswith(refused)
        record = {"path": path, "orig_name": "a.pdf", "meta": {"_type": "gradio.FileData"}}
        # Gradio's own check comes first here, and says nothing
        assert (call(server, "submit", [record], "auto", "", "auto")["error"] or refused).startswith(refused)
        assert (call(server, "convert", record, "auto", "", "auto")["error"] or refused).startswith(refused)
    assert httpx.get(f"{server.url}/gradio_api/file={server.data / 'queue.db'}").status_code == 404
    assert list(server.data.glob("tmp/*")) == []


def test_addresses_are_not_fetched(server: LiveServer) -> None:
    meta = {"_type": "gradio.FileData"}
    for url in (f"{server.url}/health", "http://example.com/a.pdf"):
        record = {"path": url, "url": url, "meta": meta}
        for answer in (
            call(server, "convert", record, "auto", "", "auto"),
            call(server, "submit", [record], "auto", "", "auto"),
            call(server, "status", record),
        ):
            assert answer["error"].startswith("option_invalid: This file was not uploaded")


@pytest.mark.slow
def test_many_wait_at_the_same_time(client: Client, server: LiveServer, document: Any) -> None:
    files = [document(f"{index}.pdf", text_pdf(1, seed=40 + index)) for index in range(20)]
    with ThreadPoolExecutor(20) as threads:
        jobs = [threads.submit(client.predict, file, api_name="/convert") for file in files]
        # meanwhile everything else answers
        assert httpx.get(server.url, timeout=5).status_code == 200
        assert client.predict(api_name="/tasks")
        texts = [job.result(timeout=120)[0] for job in jobs]
    assert all("marker 1 stands" in text for text in texts)
    assert len(set(texts)) == 20


def test_the_token_guards_the_functions(guarded: LiveServer, tmp_path: Path, document: Any) -> None:
    assert httpx.post(f"{guarded.url}/gradio_api/run/tasks", json={"data": []}).status_code == 401
    with connect(guarded, tmp_path, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        markdown, _ = client.predict(document("mine.pdf", text_pdf(1, seed=60)), api_name="/convert")
        assert "marker 1 stands" in markdown
        [task] = [one for one in client.predict(api_name="/tasks") if one["name"] == "mine.pdf"]
        assert task["mine"] is True
    with httpx.Client(base_url=guarded.url) as other:  # a browser has an identity of its own
        assert other.get("/", params={"token": TOKEN}, follow_redirects=True).status_code == 200
        assert other.post("/gradio_api/run/tasks", json={"data": []}).json()["data"] == [[]]
        answer = other.post("/gradio_api/run/status", json={"data": [task["id"]]})
        assert answer.json()["error"].startswith("not_found: ")


def test_converting_again_joins_what_is_under_way(server: LiveServer, document: Any) -> None:
    """As after a restart: nothing is read twice, and the answer is that of the first task."""
    server.client.post("/api/v1/queue/pause").raise_for_status()
    first = server.submit("same.pdf", text_pdf(2, seed=62))
    other = server.submit("same.pdf", text_pdf(2, seed=62), page_range="1")
    path = server.client.post(
        "/gradio_api/upload", files=[("files", ("same.pdf", text_pdf(2, seed=62)))]
    ).json()[0]
    begun = server.client.post(
        "/gradio_api/call/convert", json={"data": [{"path": path}, "auto", "", "auto"]}
    )
    with httpx.stream(
        "GET", f"{server.url}/gradio_api/call/convert/{begun.json()['event_id']}", timeout=60
    ) as events:
        lines = events.iter_lines()
        while (
            f'"join", "user": "local", "address": "127.0.0.1", "outcome": "ok", "task": "{first}"'
            not in (server.data / "audit.log").read_text()
        ):
            time.sleep(0.05)
        server.client.post("/api/v1/queue/resume").raise_for_status()
        told = "\n".join(lines)
    assert "marker 2 stands" in told and "event: complete" in told
    named = [one for one in server.client.get("/api/v1/tasks").json()["tasks"] if one["name"] == "same.pdf"]
    assert {one["id"] for one in named} == {first, other}


def test_mcp_tools(guarded: LiveServer) -> None:
    files = [("files", ("agent.pdf", text_pdf(1, seed=61)))]
    [path] = guarded.client.post("/gradio_api/upload", files=files).json()
    with ThreadPoolExecutor(1) as thread:  # the browser tests may have a loop in this one
        thread.submit(lambda: asyncio.run(_use_tools(guarded, path))).result()


async def _use_tools(server: LiveServer, path: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{server.url}/gradio_api/mcp/"
    async with (
        httpx.AsyncClient(headers=headers, timeout=60) as http,
        streamable_http_client(url, http_client=http) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert set(tools) == {"submit", "status", "cancel", "retry", "tasks", "result", "convert"}
        assert "Markdown" in (tools["convert"].description or "")
        assert tools["convert"].inputSchema["properties"]["tier"]["enum"][0] == "auto"
        address = f"{server.url}/gradio_api/file={path}"
        done = await session.call_tool("convert", {"file": address})
        assert not done.isError and "marker 1 stands" in getattr(done.content[0], "text", "")
        taken = await session.call_tool("submit", {"files": [address], "tier": "flash"})
        [task] = json.loads(getattr(taken.content[0], "text", ""))
        assert not taken.isError and task["name"] == "agent.pdf"
        wrong = await session.call_tool("submit", {"files": ["/etc/passwd"]})
        assert wrong.isError and "option_invalid" in getattr(wrong.content[0], "text", "")
