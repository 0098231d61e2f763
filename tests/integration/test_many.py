"""Many documents at once: listed, searched, cancelled, deleted, downloaded; folders keep their structure."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.documents import text_pdf
from tests.integration.conftest import KEY
from tests.live import LiveServer

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server(house: LiveServer) -> LiveServer:
    """Where people sign in by name, alice among them."""
    return house


@pytest.fixture
def bob(server: LiveServer) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=server.url, headers={"authorization": f"Bearer {KEY}bob"}, timeout=70
    ) as client:
        yield client


@pytest.fixture
def root(server: LiveServer) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=server.url, headers={"authorization": f"Bearer {KEY}root"}, timeout=70
    ) as client:
        yield client


@pytest.fixture
def held(root: httpx.Client) -> Iterator[None]:
    """Nothing begins meanwhile."""
    root.post("/api/v1/queue/pause").raise_for_status()
    yield
    root.post("/api/v1/queue/resume").raise_for_status()


def send(client: httpx.Client, *names: str, seed: int = 1) -> list[str]:
    """Small documents of different content, in one request; their ids."""
    files = [("files", (name, text_pdf(1, seed=seed + index))) for index, name in enumerate(names)]
    answer = client.post("/api/v1/tasks", files=files)
    assert answer.status_code == 201, answer.text
    return [task["id"] for task in answer.json()["tasks"]]


def bulk(client: httpx.Client, action: str, ids: list[str]) -> dict[str, Any]:
    answer = client.post("/api/v1/tasks/bulk", json={"action": action, "ids": ids})
    assert answer.status_code == 200, answer.text
    return answer.json()


def clear(client: httpx.Client) -> None:
    found = client.get("/api/v1/tasks/ids", params={"mine": True}).json()["ids"]
    if ids := [task_id for some in found.values() for task_id in some]:
        assert bulk(client, "delete", ids)["failed"] == []


def listed(client: httpx.Client, **params: Any) -> dict[str, Any]:
    answer = client.get("/api/v1/tasks", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_folder_keeps_its_structure_from_upload_to_zip(server: LiveServer) -> None:
    names = (
        "thesis/chapter 1/intro.pdf",
        "thesis/chapter 2/intro.pdf",
        "thesis/../../etc/x.pdf",
        "loose.pdf",
    )
    ids = send(server.client, *names, seed=100)
    tasks = [server.end(task_id) for task_id in ids]
    assert [(task["folder"], task["name"]) for task in tasks] == [
        ("thesis/chapter 1", "intro.pdf"),
        ("thesis/chapter 2", "intro.pdf"),
        ("thesis/etc", "x.pdf"),
        ("", "loose.pdf"),
    ]
    ways: list[Any] = [{"json": {"ids": ids}}, {"data": {"ids": ids}}, {"data": {"ids": ",".join(ids)}}]
    for way in ways:
        answer = server.client.post("/api/v1/tasks/download", **way)
        assert answer.headers["content-type"] == "application/zip"
        assert answer.headers["content-disposition"].startswith('attachment; filename="documents.zip"')
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            markdown = [name for name in archive.namelist() if name.endswith("document.md")]
            assert markdown == [
                "thesis/chapter 1/intro/document.md",
                "thesis/chapter 2/intro/document.md",
                "thesis/etc/x/document.md",
                "loose/document.md",
            ]
            assert archive.read(markdown[0]) == server.result(ids[0])
    assert listed(server.client, q="chapter intro")["total"] == 2
    clear(server.client)


def test_the_folder_counts_when_a_request_is_repeated(server: LiveServer) -> None:
    data = text_pdf(1, seed=120)
    first = server.post("a/same.pdf", data, key="folder")
    again = server.post("a/same.pdf", data, key="folder")
    assert first.json()["tasks"][0]["id"] == again.json()["tasks"][0]["id"]
    assert server.post("b/same.pdf", data, key="folder").status_code == 409
    clear(server.client)


def test_waiting_documents_are_cancelled_and_deleted_together(
    server: LiveServer, bob: httpx.Client, held: None
) -> None:
    ids = [task_id for turn in range(3) for task_id in send(server.client, *(["w.pdf"] * 50), seed=50 * turn)]
    [theirs] = send(bob, "theirs.pdf", seed=999)
    cancelled = bulk(server.client, "cancel", [*ids, theirs, "no-such-task", ids[0]])
    assert cancelled["done"] == 150 and set(cancelled["ids"]) == set(ids)
    refused = {each["id"]: each["error"]["code"] for each in cancelled["failed"]}
    assert refused == {theirs: "not_found", "no-such-task": "not_found"}
    assert listed(server.client, status="cancelled", mine=True)["total"] == 150
    assert bob.get(f"/api/v1/tasks/{theirs}").json()["status"] in ("pending", "queued")

    twice = bulk(server.client, "cancel", ids[:2])
    assert twice["done"] == 0 and {each["error"]["code"] for each in twice["failed"]} == {"conflict"}
    assert bulk(server.client, "retry", ids[:3])["done"] == 3
    assert {server.task(task_id)["status"] for task_id in ids[:3]} <= {"pending", "queued"}
    deleted = bulk(server.client, "delete", ids)
    assert deleted["done"] == 150 and deleted["failed"] == []
    assert server.task(ids[0])["error"]["code"] == "not_found"
    assert not [path for path in (server.data / "tasks").iterdir() if path.name in set(ids)]
    lines = [json.loads(line) for line in (server.data / "audit.log").read_text().splitlines()]
    of_it = [line for line in lines if ids[5] in (line.get("task"), *line.get("tasks", []))]
    told = [(line["action"], line["outcome"], line.get("count", 1)) for line in of_it]
    assert told == [("submit", "ok", 1), ("cancel", "ok", 150), ("delete", "ok", 150)]
    assert of_it[1]["refused"] == {"not_found": 2} and set(of_it[2]["tasks"]) == set(ids)
    clear(bob)


def test_what_runs_is_stopped_too(server: LiveServer) -> None:
    running = server.submit("long.pdf", text_pdf(600, seed=130), use_cache="false")
    server.until(running, pages_done=1)
    assert bulk(server.client, "cancel", [running])["ids"] == [running]
    assert server.task(running)["status"] == "cancelled"
    assert bulk(server.client, "delete", [running])["done"] == 1
    assert server.leftovers() == []


def test_nobody_gets_at_what_is_anothers_through_the_lists(
    server: LiveServer, bob: httpx.Client, root: httpx.Client, held: None
) -> None:
    ids = send(server.client, "board/payroll of the board.pdf", "zebra.pdf", seed=140)
    for params in ({"q": "payroll"}, {"q": "board"}, {"q": ".pdf"}, {"mine": True}):
        found = listed(bob, **params)
        assert (found["tasks"], found["total"], found["counts"]) == ([], 0, {}), params
        assert bob.get("/api/v1/tasks/ids", params=params).json() == {"ids": {}, "more": False}
    for sort in ("name", "newest", "oldest", "pages", "finished"):
        seen = listed(bob, sort=sort)
        assert "payroll" not in json.dumps(seen) and "board" not in json.dumps(seen)
        assert seen["total"] == 2, "that they wait is seen"
    assert bob.get("/api/v1/tasks/ids").json()["ids"] == {}
    for action in ("cancel", "retry", "delete"):
        answer = bulk(bob, action, ids)
        missing = bulk(bob, action, ["0" * 32])
        assert answer["done"] == 0 and {each["id"] for each in answer["failed"]} == set(ids)
        assert {json.dumps(each["error"]) for each in (*answer["failed"], *missing["failed"])} == {
            json.dumps(missing["failed"][0]["error"])
        }
    same = {"X-Request-Id": "same"}
    refused = bob.post("/api/v1/tasks/download", json={"ids": ids}, headers=same)
    absent = bob.post("/api/v1/tasks/download", json={"ids": ["0" * 32]}, headers=same)
    assert refused.status_code == 409 and refused.json() == absent.json()
    assert listed(root, q="payroll")["total"] == 1, "the administrator sees all"
    assert listed(root, q="payroll", mine=True)["total"] == 0
    clear(server.client)


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"action": "explode", "ids": ["x"]},
        {"action": "cancel", "ids": []},
        {"action": "cancel", "ids": ["x"] * 10_001},
        {"action": "cancel", "ids": [1]},
        {"action": "cancel", "ids": "x"},
        {"action": "cancel", "ids": ["x" * 65]},
    ],
)
def test_a_bulk_order_that_makes_no_sense_is_refused(server: LiveServer, order: Any) -> None:
    answer = server.client.post("/api/v1/tasks/bulk", json=order)
    assert answer.status_code == 422 or answer.json()["error"]["code"] == "option_invalid"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/json", b'{"ids": "x"}'),
        ("application/json", b'{"ids": [1]}'),
        ("application/json", b'{"ids": []}'),
        ("application/json", b'{"ids": ' + b"[" * 100_000),
        ("application/x-www-form-urlencoded", b""),
        ("application/x-www-form-urlencoded", b"ids=%ff\xff"),
        ("application/x-www-form-urlencoded", b"ids=" + b"x," * 10_001),
        ("text/plain", b"\x00"),
    ],
)
def test_so_is_a_download_of_nothing(server: LiveServer, kind: str, body: bytes) -> None:
    answer = server.client.post("/api/v1/tasks/download", content=body, headers={"content-type": kind})
    assert answer.status_code in (409, 422) and "error" in answer.json(), answer.text
    too_long = b"ids=" + b"x" * (1 << 20)
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert server.client.post("/api/v1/tasks/download", content=too_long, headers=form).status_code == 413


def test_lists_that_make_no_sense_are_refused(server: LiveServer) -> None:
    for params in ({"sort": "size"}, {"status": "odd"}, {"cursor": "100"}, {"cursor": "!!"}, {"limit": 1001}):
        answer = server.client.get("/api/v1/tasks", params=params)
        assert answer.status_code in (400, 422) and answer.json()["error"]["code"] == "option_invalid"
