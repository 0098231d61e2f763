"""A page read again by the real parser: the document changes there, and nowhere else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.documents import paper_pdf, word
from tests.live import LiveServer
from tests.marks import first_then_long

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server(vision_server: LiveServer) -> LiveServer:
    return vision_server


def redo(server: LiveServer, task_id: str, page: int, **how: str) -> dict[str, Any]:
    answer = server.client.post(f"/api/v1/tasks/{task_id}/pages/{page}/redo", json=how)
    assert answer.status_code == 201, answer.text
    return server.end(answer.json()["id"])


def keep(server: LiveServer, second: dict[str, Any]) -> dict[str, Any]:
    answer = server.client.post(f"/api/v1/tasks/{second['id']}/keep")
    assert answer.status_code == 200, answer.text
    return answer.json()


def page(server: LiveServer, task_id: str, number: int) -> dict[str, Any]:
    return server.client.get(f"/api/v1/tasks/{task_id}/pages/{number}").json()


@pytest.mark.parametrize("pages", first_then_long(10, 2))
def test_one_page_changes_and_no_other(server: LiveServer, pages: int) -> None:
    task = server.end(server.submit("paper.pdf", paper_pdf(pages, seed=pages), tier="flash"))
    before = [page(server, task["id"], number) for number in range(1, pages + 1)]
    documents = {form: server.result(task["id"], form) for form in ("markdown", "json", "content_list")}
    second = redo(server, task["id"], 2, tier="standard")
    assert (second["status"], second["redo_of"], second["redo_page"]) == ("completed", task["id"], 2)
    listed = server.client.get(f"/api/v1/tasks/{task['id']}/readings").json()["tasks"]
    assert [found["id"] for found in listed] == [second["id"]]
    other = page(server, second["id"], 2)
    assert other["markdown"] != before[1]["markdown"]

    kept = keep(server, second)
    assert (kept["id"], kept["redone"], kept["status"]) == (task["id"], "2", "completed")
    after = [page(server, task["id"], number) for number in range(1, pages + 1)]
    assert after[1] == other
    assert [after[n] for n in range(pages) if n != 1] == [before[n] for n in range(pages) if n != 1]
    assert server.result(task["id"]) != documents["markdown"]
    middle, was = json.loads(server.result(task["id"], "json")), json.loads(documents["json"])
    assert middle["pages"][0] == was["pages"][0] and middle["pages"][1] != was["pages"][1]
    assert middle["extensions"] == was["extensions"], "the sizes of the pages are the same"
    for form in ("html", "docx", "epub", "latex", "zip"):
        assert server.result(task["id"], form)
    pictures = [part for part in server.result(task["id"]).decode().split("](") if part.startswith("images/")]
    for picture in pictures:
        name = picture.split(")")[0]
        assert server.client.get(f"/api/v1/tasks/{task['id']}/files/{name}").status_code == 200, name
    assert server.client.get(f"/api/v1/tasks/{second['id']}").status_code == 404
    assert server.leftovers() == []


def test_read_as_before_it_stays_as_it_was(server: LiveServer) -> None:
    """The model reads page by page. Flash looks at the whole document, so there it may read otherwise."""
    task = server.end(server.submit("again.pdf", paper_pdf(2, seed=11), tier="standard"))
    documents = {form: server.result(task["id"], form) for form in ("markdown", "json", "content_list")}
    kept = keep(server, redo(server, task["id"], 1, tier="standard"))
    assert kept["redone"] == "1"
    assert {form: server.result(task["id"], form) for form in documents} == documents


def test_what_is_refused(server: LiveServer) -> None:
    letter = server.end(server.submit("letter.docx", word()))
    task = server.end(server.submit("two.pdf", paper_pdf(2, seed=12), tier="flash"))
    for task_id, number, how, code in (
        (letter["id"], 1, {}, "page_range_invalid"),
        (task["id"], 3, {}, "page_range_invalid"),
        (task["id"], 0, {}, "option_invalid"),
        (task["id"], 1, {"tier": "best"}, "option_invalid"),
        ("nobody", 1, {}, "not_found"),
    ):
        answer = server.client.post(f"/api/v1/tasks/{task_id}/pages/{number}/redo", json=how)
        assert answer.json()["error"]["code"] == code, answer.text
    assert server.client.post(f"/api/v1/tasks/{task['id']}/keep").json()["error"]["code"] == "conflict"
