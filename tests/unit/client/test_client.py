"""Faults that a real server does not make on demand: restarts, hostile archives, answers that are none."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from mineru_optimized_client import AsyncClient, ServerError, asynchronous
from mineru_optimized_client.folders import _documents, _unpack  # pyright: ignore[reportPrivateUsage]

TASK = {"id": "t1", "name": "a.pdf", "status": "completed", "pages_done": 1, "pages_total": 1}


def client_of(answer: Callable[[httpx.Request], httpx.Response], patience: float = 5.0) -> AsyncClient:
    client = AsyncClient("http://server", "secret", patience)
    client._http = httpx.AsyncClient(  # pyright: ignore[reportPrivateUsage]
        base_url="http://server", headers=client._http.headers, transport=httpx.MockTransport(answer)
    )
    return client


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asynchronous.asyncio, "sleep", sleep)
    return waited


def test_a_repeated_upload_has_the_same_key(tmp_path: Path, no_pauses: list[float]) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7 all of it")
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        assert request.headers["authorization"] == "Bearer secret" and b"all of it" in request.read()
        if len(keys) == 1:
            raise httpx.ReadError("the server is being restarted")
        if len(keys) == 2:
            error = {"error": {"code": "shutting_down"}}
            return httpx.Response(503, headers={"Retry-After": "2"}, json=error)
        return httpx.Response(201, json={"tasks": [TASK]})

    async def run() -> str:
        async with client_of(answer) as client:
            return (await client.submit(path, tier="flash", keep_headers=True)).id

    assert asyncio.run(run()) == "t1" and len(set(keys)) == 1 and len(keys) == 3
    assert no_pauses[1] == 2.0


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (404, {"error": {"code": "not_found", "message": "There is no such task."}}, "not_found"),
        (429, {"error": {"code": "quota_exceeded", "message": "Too many."}}, "quota_exceeded"),
        (500, "<html>", ""),
        (200, {"something": "else"}, ""),
        (200, "text", ""),
    ],
)
def test_answers_that_are_no_task_are_errors(status: int, body: Any, code: str) -> None:
    async def run() -> None:
        async with client_of(lambda _request: httpx.Response(status, json=body)) as client:
            await client.task("t1")

    with pytest.raises(ServerError) as error:
        asyncio.run(run())
    assert error.value.code == code and error.value.message


def test_a_download_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    class Broken(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            yield b"half"
            raise httpx.ReadError("gone")

    async def run() -> None:
        async with client_of(lambda _request: httpx.Response(200, stream=Broken())) as client:
            await client.download("t1", tmp_path / "a.zip")

    with pytest.raises(ServerError, match="broke off"):
        asyncio.run(run())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../out.md", "/etc/out.md", "a/../../out.md", "a\\..\\out.md"])
def test_unsafe_names_of_a_server_are_refused(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr(name, "x")
    with pytest.raises(ServerError, match="unsafe"):
        _unpack(archive, tmp_path / "in")
    assert not (tmp_path / "out.md").exists()


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        entry = zipfile.ZipInfo("document.md")
        entry.external_attr = 0o120777 << 16
        made.writestr(entry, "/etc/passwd")
    (tmp_path / "a.zip").write_bytes(data.getvalue())
    with pytest.raises(ServerError, match="unsafe"):
        _unpack(tmp_path / "a.zip", tmp_path / "in")


def test_files_with_one_name_have_places_of_their_own(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.pdf").touch()
    given = [tmp_path / "x" / "a.pdf", tmp_path / "y" / "a.pdf", tmp_path / "x"]
    assert [place for _, place in _documents(given)] == ["a.pdf", "a.pdf (2)", "x/a.pdf"]


def test_a_damaged_journal_is_begun_anew(tmp_path: Path) -> None:
    from mineru_optimized_client.folders import _Journal  # pyright: ignore[reportPrivateUsage]

    (tmp_path / ".journal.json").write_text("[1, 2")
    journal = _Journal(tmp_path)
    journal.write("a.pdf", "s", "t1", done=True)
    assert json.loads((tmp_path / ".journal.json").read_text())["a.pdf"]["task"] == "t1"
    assert _Journal(tmp_path).is_done("a.pdf", "s") and not _Journal(tmp_path).is_done("a.pdf", "other")
