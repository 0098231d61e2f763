"""Encrypted documents through the real server: what opens them; no file and no log holds a password."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from msoffcrypto.format.ooxml import OOXMLFile
from pypdf import PdfReader, PdfWriter

from tests.documents import text_pdf
from tests.live import LiveServer, files_beneath

pytestmark = pytest.mark.integration

#: what to look for; each password begins so
MARKER = "Geheimwort-0815"
RIGHT, WRONG = f"{MARKER} für Ebbe und Flut", f"{MARKER} of nobody"


def pdf() -> bytes:
    out, writer = io.BytesIO(), PdfWriter(clone_from=PdfReader(io.BytesIO(text_pdf(3, seed=815))))
    writer.encrypt(RIGHT, "owner", algorithm="AES-256")
    writer.write(out)
    return out.getvalue()


def workbook() -> bytes:
    plain, out, book = io.BytesIO(), io.BytesIO(), openpyxl.Workbook()
    sheet = book.create_sheet("ports", 0)
    for row in (["port", "depth"], ["Northquay", "marker 1 stands"]):
        sheet.append(row)
    book.save(plain)
    OOXMLFile(plain).encrypt(RIGHT, out)
    return out.getvalue()


KINDS: dict[str, Callable[[], bytes]] = {"locked.pdf": pdf, "locked.xlsx": workbook}


def retried(server: LiveServer, task: dict[str, Any], **given: Any) -> dict[str, Any]:
    answer = server.client.post(f"/api/v1/tasks/{task['id']}/retry", **given)
    assert answer.status_code == 200, answer.text
    assert MARKER not in answer.text
    return server.end(task["id"])


def code(task: dict[str, Any]) -> str:
    return task["error"]["code"] if task["error"] else task["status"]


def holders(server: LiveServer) -> list[str]:
    """Files of the server, the log among them, in which a password stands."""
    files = [server.log, *files_beneath(server.data)]
    forms = [MARKER.encode(form) for form in ("utf-8", "utf-16-le")]
    return [str(path) for path in files if any(form in path.read_bytes() for form in forms)]


@pytest.mark.parametrize("name", KINDS)
def test_the_password_opens_it_at_once_or_with_a_retry(server: LiveServer, name: str) -> None:
    locked = KINDS[name]()
    task = server.end(server.submit(name, locked, use_cache="false"))
    assert code(task) == "file_encrypted" and "Retry with it" in task["error"]["message"]
    assert code(retried(server, task, json={"password": WRONG})) == "password_wrong"
    assert code(retried(server, task)) == "file_encrypted", "each retry asks anew"
    assert code(retried(server, task, json={"password": RIGHT})) == "completed"
    assert "marker 1 stands" in server.result(task["id"]).decode()
    assert holders(server) == []

    assert code(server.end(server.submit(name, locked))) == "file_encrypted", "no cache knows the content"
    assert code(server.end(server.submit(name, locked, password=WRONG))) == "password_wrong"
    again = server.end(server.submit(name, locked, password=RIGHT))
    assert code(again) == "completed" and not again["receipt"]["cached"]
    assert MARKER not in str(again)
    assert holders(server) == [] and server.leftovers() == []


def test_an_open_document_is_shown_and_read_again_page_by_page(server: LiveServer) -> None:
    task = server.end(server.submit("shown.pdf", pdf(), password=RIGHT, tier="flash"))
    address = f"/api/v1/tasks/{task['id']}"
    picture = server.client.get(f"{address}/pages/2.png")
    assert picture.status_code == 200 and picture.content.startswith(b"\x89PNG")
    assert server.client.get(f"{address}/source").content[:5] == b"%PDF-"
    second = server.client.post(f"{address}/pages/2/redo", json={"tier": "flash"}).json()
    assert code(server.end(second["id"])) == "completed"
    assert server.client.get(f"/api/v1/tasks/{second['id']}/pages/2.png").status_code == 200
    kept = server.client.post(f"/api/v1/tasks/{second['id']}/keep")
    assert kept.status_code == 200 and kept.json()["redone"] == "2"
    assert "marker 2 stands" in server.result(task["id"]).decode()
    stranger = server.end(server.submit("shown.pdf", pdf(), tier="flash", page_range="2"))
    assert code(stranger) == "file_encrypted"


def test_a_password_must_be_a_short_text(server: LiveServer) -> None:
    answer = server.post("long.pdf", pdf(), password="x" * 1001)
    assert answer.json()["error"]["code"] == "option_invalid"
    task = server.end(server.submit("refused.pdf", pdf()))
    for body in (
        b'{"password": "%s"}' % (b"x" * 1001),
        b'{"password": ["a"]}',
        b'{"password": null}',
        b'["a"]',
        b'{"password": "\\ud800"}',
        b'{"password": "' + MARKER.encode(),
    ):
        answer = server.client.post(
            f"/api/v1/tasks/{task['id']}/retry", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.json()["error"]["code"] == "option_invalid", body[:20]
        assert MARKER not in answer.text
    assert server.task(task["id"])["attempt"] == 1
    assert holders(server) == []
