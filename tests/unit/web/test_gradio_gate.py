"""The gate before Gradio: odd paths and headers, and whose room the records of owners take."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from gradio_app.web.auth.credentials import Identity
from gradio_app.web.ui import file_owners
from gradio_app.web.ui.file_owners import Owners
from gradio_app.web.ui.gradio_gate import Gate
from gradio_app.web.ui.late_results import Late

pytestmark = pytest.mark.anyio

ALICE, BOB = Identity("alice", admin=False), Identity("bob", admin=False)
MARKUP = "</script><script>alert(1)</script>"


async def reaches(path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str]]:
    """The answer to a request of alice's, and the headers that Gradio saw."""
    seen: dict[str, str] = {}

    async def gradio(scope: Any, receive: Any, send: Any) -> None:
        seen.update({name.decode(): value.decode() for name, value in scope["headers"]})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await Gate(gradio, Owners(), Late())(scope | {"identity": ALICE}, receive, send)

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://mineru.test") as client:
        return (await client.get(path, headers=headers)).status_code, seen


@pytest.mark.parametrize("path", ["\0", "/x\0.pdf", "~", "a" * 5000, "\n"])
async def test_an_odd_path_is_nobodys_file(path: str) -> None:
    assert await reaches(f"/gradio_api/file={quote(path)}") == (404, {})


@pytest.mark.parametrize("name", ["x-forwarded-proto", "host"])
async def test_no_header_becomes_a_part_of_a_script(name: str) -> None:
    """Gradio writes the address of its MCP server into a page, as these headers say it."""
    for path in ("/gradio_api/mcp", "/gradio_api/mcp/http", "/"):
        assert MARKUP not in str(await reaches(path, {name: MARKUP}))
    good = {"x-forwarded-proto": "https, http", "host": "[::1]:7860"}
    _, seen = await reaches("/gradio_api/mcp", good)
    assert {each: seen[each] for each in good} == good


def test_one_person_takes_the_room_of_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_owners, "_MOST", 40)
    monkeypatch.setattr(file_owners, "_MOST_EACH", 10, raising=False)
    owners = Owners()
    owners.add("/upload", ALICE)
    owners.add("/shared", ALICE)
    owners.add("/shared", BOB)
    for number in range(200):
        assert owners.may_begin("session", f"{number}", BOB)
    assert owners.may("/upload", ALICE) and owners.may("/shared", ALICE)
    assert not owners.may("/shared", BOB), "their own oldest goes"
    assert owners.may_use("session", "199", BOB) and not owners.may_use("session", "189", BOB)


def test_all_together_take_no_more_than_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_owners, "_MOST", 40)
    owners = Owners()
    for number in range(200):
        owners.add("/shared", Identity(f"guest-{number}", admin=False))
        assert owners.may_begin("session", f"{number}", Identity(f"guest-{number}", admin=False))
    assert owners.may_use("session", "199", Identity("guest-199", admin=False))
    assert not owners.may_use("session", "100", Identity("guest-100", admin=False))
