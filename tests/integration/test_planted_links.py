"""Links that a taken-over worker of an older version left in results: no way of reading follows them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.documents import paper_pdf
from tests.live import LiveServer

pytestmark = pytest.mark.integration

SECRET = b"geheim-7261"
FORMATS = ("markdown", "json", "content_list", "html", "docx", "latex", "epub", "zip")


@pytest.fixture(scope="module")
def task(server: LiveServer) -> dict[str, Any]:
    return server.end(server.submit("planted.pdf", paper_pdf(1, seed=91)))


@pytest.fixture
def elsewhere(server: LiveServer, tmp_path: Path, task: dict[str, Any]) -> Path:
    """A copy of the result in which everything is secret; what lies in it by the same name is readable."""
    copy = tmp_path / "elsewhere"
    shutil.copytree(server.data / "tasks" / task["id"] / "result", copy)
    page = b'{"page": 1, "blocks": [{"id": "1", "auxiliary": false, "markdown": "%s"}]}' % SECRET
    for path in copy.rglob("*"):
        if path.is_file():
            path.write_bytes(page if path.parent.name == "pages" else SECRET)
    (copy / "exports").mkdir(exist_ok=True)
    for name in ("document.html", "document.docx", "document.tex", "document.epub"):
        (copy / "exports" / name).write_bytes(SECRET)
    return copy


@pytest.fixture
def result(server: LiveServer, task: dict[str, Any], tmp_path: Path) -> Iterator[Path]:
    """The result; afterwards as it was."""
    folder = server.data / "tasks" / task["id"] / "result"
    shutil.copytree(folder, tmp_path / "kept")
    yield folder
    folder.unlink() if folder.is_symlink() else shutil.rmtree(folder)
    shutil.copytree(tmp_path / "kept", folder)


def answers(server: LiveServer, task_id: str, picture: str) -> dict[str, httpx.Response]:
    """Everything that is made of a result, by every route."""
    at, get = f"/api/v1/tasks/{task_id}", server.client.get
    found = {form: get(f"{at}/result", params={"format": form}) for form in FORMATS}
    found |= {path: get(f"{at}/{path}") for path in ("pages/1", f"files/images/{picture}")}
    found["search"] = get(f"{at}/search", params={"q": "geheim"})
    found["download"] = server.client.post("/api/v1/tasks/download", json={"ids": [task_id]})
    asked = server.client.post("/gradio_api/run/result", json={"data": [task_id]})
    found["gradio"] = asked
    if asked.json().get("data"):
        found["archive"] = get(f"/gradio_api/file={asked.json()['data'][1]['path']}")
    return found


#: what is a link, and what is not served then
PLANTED: dict[str, set[str]] = {
    "document.md": {"markdown", "html", "docx", "latex", "epub"},
    "middle.json": {"json", "html", "docx", "latex", "epub"},
    "content_list.json": {"content_list"},
    "images": {"html", "docx", "latex", "epub"},
    "pages": {"pages/1"},
    "pages/1.json": {"pages/1"},
    "exports": {"html", "docx", "latex", "epub"},
    "exports/document.whole.html": {"html"},
    "exports/document.docx": {"docx"},
    ".": {*FORMATS, "pages/1"},
}


@pytest.mark.parametrize("planted", [*PLANTED, "images/PICTURE"])
def test_nothing_that_a_link_leads_to_is_served(
    server: LiveServer, task: dict[str, Any], result: Path, elsewhere: Path, planted: str
) -> None:
    picture = sorted(path.name for path in (result / "images").iterdir())[0]
    where = result / planted.replace("PICTURE", picture)
    if where.is_dir():
        shutil.rmtree(where)
    else:
        where.parent.mkdir(exist_ok=True)
        where.unlink(missing_ok=True)
    where.symlink_to(elsewhere / where.relative_to(result))
    found = answers(server, task["id"], picture)
    assert [name for name, answer in found.items() if SECRET in answer.content] == []
    refused = {name for name, answer in found.items() if answer.status_code == 404}
    assert refused >= PLANTED.get(planted, {f"files/images/{picture}"})
    told = found.pop("gradio").json().get("error") or "not_found"
    codes = {answer.status_code for answer in found.values()}
    assert codes <= {200, 404, 409} and told.startswith("not_found"), "and nothing is a fault of the server"


def test_a_link_in_a_result_does_not_reach_an_equal_document(
    server: LiveServer, task: dict[str, Any], result: Path, elsewhere: Path
) -> None:
    """The stored result of equal documents is linked: a link there would become the file itself."""
    (result / "document.md").unlink()
    (result / "document.md").symlink_to(elsewhere / "document.md")
    again = server.end(server.submit("planted.pdf", paper_pdf(1, seed=91)))
    assert again["status"] == "completed" and SECRET not in server.result(again["id"])
