"""A document is corrected by REST: every format says so, and nobody else's document does."""

from __future__ import annotations

import json
import random
import threading
import time
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest

from tests.live import LiveServer

pytestmark = pytest.mark.integration

PAGE = b"""# Annual report

The frist paragraph of this report.

| Year | Sum |
| ---- | --- |
| 2024 | 1O5 |

Another paragraph.
"""
FORMATS = ("markdown", "json", "content_list", "html", "docx", "latex", "epub", "docling", "zip")


def block_path(task: dict[str, Any], block: int) -> str:
    return f"/api/v1/tasks/{task['id']}/pages/1/blocks/{block}"


def said(server: LiveServer, task_id: str, form: str) -> str:
    """What a format says, unpacked."""
    data = server.result(task_id, form)
    if form in ("docx", "epub", "zip"):
        with ZipFile(BytesIO(data)) as archive:
            data = b"\n".join(archive.read(name) for name in archive.namelist())
    return data.decode("utf-8", "replace")


def test_a_paragraph_and_a_cell_are_corrected_everywhere(server: LiveServer) -> None:
    client = server.client
    first = server.end(server.submit("report.md", PAGE))
    task = server.end(server.submit("report.md", PAGE))
    assert task["receipt"]["cached"], "both have the same files"
    for form in FORMATS:
        assert "frist" in said(server, task["id"], form) and "1O5" in said(server, task["id"], form), form

    page = client.get(f"/api/v1/tasks/{task['id']}/pages/1").json()
    number = {
        word: int(block["id"].partition("-")[2])
        for block in page["blocks"]
        for word in ("frist", "1O5")
        if word in block["markdown"]
    }
    text, table = (block_path(task, number[word]) for word in ("frist", "1O5"))
    shown = client.get(text).json()
    assert (shown["text"], shown["level"], shown["original"]) == (
        "The frist paragraph of this report.",
        0,
        None,
    )
    rev = shown["rev"]
    made = client.patch(text, json={"rev": rev, "text": "The first paragraph of this report. <b>$1$</b>"})
    assert made.status_code == 200 and made.json()["rev"] > rev, made.text
    stale = client.patch(table, json={"rev": rev, "cells": [{"row": 1, "cell": 1, "text": "105"}]})
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "conflict")
    shown = client.get(table).json()
    assert [[cell["text"] for cell in row] for row in shown["cells"]] == [["Year", "Sum"], ["2024", "1O5"]]
    change = {"rev": shown["rev"], "cells": [{"row": 1, "cell": 1, "text": "105 | m"}]}
    made = client.patch(table, json=change)
    assert made.status_code == 200, made.text
    assert made.json()["receipt"]["output_sha256"] != task["receipt"]["output_sha256"]

    for form in FORMATS:
        found = said(server, task["id"], form)
        assert "first paragraph" in found and "105" in found, form
        assert "frist" not in found and "1O5" not in found, form
        assert form not in ("markdown", "html") or "<b>$1" not in found
    found = client.get(f"/api/v1/tasks/{task['id']}/search", params={"q": "first paragraph"}).json()
    assert len(found["hits"]) == 1
    page = client.get(f"/api/v1/tasks/{task['id']}/pages/1").json()
    assert sum("original" in block for block in page["blocks"]) == 2 and "frist" not in page["markdown"]

    assert "frist" in said(server, first["id"], "html") and "frist" in said(server, first["id"], "docx")
    other = server.end(server.submit("report.md", PAGE))
    assert other["receipt"]["cached"] and "frist" in said(server, other["id"], "markdown")

    for path in (text, table):
        rev = client.get(path).json()["rev"]
        assert client.delete(path, params={"rev": rev}).status_code == 200
    assert server.result(task["id"]) == server.result(first["id"])
    assert client.delete(text, params={"rev": client.get(text).json()["rev"]}).status_code == 404
    assert server.leftovers() == []


def test_what_is_refused(server: LiveServer) -> None:
    client = server.client
    task = server.end(server.submit("refused.md", PAGE))
    path = block_path(task, 0)
    shown = client.get(path)
    rev = shown.json()["rev"]
    for body, status in (
        ({"text": "x"}, 422),
        ({"rev": rev}, 422),
        ({"rev": rev, "text": "x" * 40_001}, 422),
        ({"rev": rev, "level": 7}, 422),
        ({"rev": rev, "level": -1}, 422),
        ({"rev": rev, "cells": [{"row": 0, "cell": 0, "text": "x"}]}, 422),
        ({"rev": rev + 1, "text": "x"}, 409),
    ):
        answer = client.patch(path, json=body)
        assert answer.status_code == status and answer.json()["error"]["message"], answer.text
    many = [{"row": 0, "cell": 0, "text": "x" * 9000}] * 1000
    assert client.patch(path, json={"rev": rev, "cells": many}).status_code == 413
    for wrong in (block_path(task, 999), f"/api/v1/tasks/{'0' * 32}/pages/1/blocks/1"):
        assert client.get(wrong).status_code == 404
        assert client.patch(wrong, json={"rev": rev, "text": "x"}).status_code == 404
    assert json.loads(server.client.get(f"/api/v1/tasks/{task['id']}").text)["rev"] == task["rev"]


@pytest.mark.slow
def test_kill_after_kill_leaves_one_whole_result(tmp_path: Path) -> None:
    """Wherever the kill falls: all files say the same, that of before or that of after."""
    rng = random.Random(19)
    with LiveServer(tmp_path / "data", "--workers", "1") as server:
        task = server.end(server.submit("report.md", PAGE))
        path, known, took = block_path(task, 1), "frist", 10.0
        for number in range(6):
            rev = server.client.get(path).json()["rev"]
            word, address = f"word{number:02}", f"{server.url}{path}"

            def send(address: str = address, rev: int = rev, word: str = word) -> None:
                try:
                    httpx.patch(address, json={"rev": rev, "text": f"The {word} paragraph."}, timeout=30)
                except httpx.HTTPError:
                    return

            thread, began = threading.Thread(target=send), time.monotonic()
            thread.start()
            # the first is done, and tells how long it takes
            thread.join(rng.uniform(0.5, 1.1) * took if number else took)
            took = took if number else time.monotonic() - began
            server.kill()
            thread.join()
            server.start()
            found = {form: said(server, task["id"], form) for form in ("markdown", "json", "content_list")}
            found["page"] = server.client.get(f"/api/v1/tasks/{task['id']}/pages/1").json()["markdown"]
            after = word in found["markdown"]
            for form, text in found.items():
                assert (word in text) == after and (known in text) != after, (number, form)
            now = server.task(task["id"])
            assert now["receipt"]["output_sha256"] == sha256(found["markdown"].encode()).hexdigest(), number
            other = server.end(server.submit("report.md", PAGE))
            assert "frist" in said(server, other["id"], "markdown"), "nobody is given a corrected result"
            known = word if after else known
        assert server.leftovers() == []
