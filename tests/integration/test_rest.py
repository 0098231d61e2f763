"""The contract's routes, over HTTP, with a real server."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack

import httpx
import pytest

from tests.documents import table_csv, text_pdf, web_page, word
from tests.integration.conftest import TOKEN
from tests.live import LiveServer

pytestmark = pytest.mark.integration

TASK_KEYS = set(
    "id seq name owner mine status kind tier page_range ocr_mode priority source_pages pages_total "
    "pages_done pages_failed position eta_seconds created_at started_at finished_at attempt error receipt "
    "notes rev folder parent redo_of redo_page redone".split()
)


def test_a_task_has_the_contracts_fields(server: LiveServer) -> None:
    answer = server.post("a.pdf", text_pdf())
    assert answer.status_code == 201 and answer.elapsed.total_seconds() < 1
    task = answer.json()["tasks"][0]
    assert task.keys() == TASK_KEYS
    done = server.end(task["id"])
    assert done["receipt"]["input_sha256"] and done["receipt"]["output_sha256"]
    assert done["receipt"]["versions"]["mineru"] == "4.0.12"
    assert done["mine"] is True and done["error"] is None and done["notes"] == []
    assert done["receipt"].keys() >= {"coverage", "readers"}


def test_several_files_at_once(server: LiveServer) -> None:
    files = [("files", (f"{index}.pdf", text_pdf(seed=index))) for index in range(3)]
    tasks = server.client.post("/api/v1/tasks", files=files).json()["tasks"]
    assert [task["name"] for task in tasks] == ["0.pdf", "1.pdf", "2.pdf"]
    assert all(server.end(task["id"])["status"] == "completed" for task in tasks)
    too_many = server.client.post("/api/v1/tasks", files=files * 2)
    assert too_many.status_code == 413 and too_many.json()["error"]["code"] == "too_many_files"


def test_an_idempotency_key_repeats_the_answer(server: LiveServer) -> None:
    first = server.submit("a.pdf", text_pdf(seed=7), key="abc")
    assert server.submit("a.pdf", text_pdf(seed=7), key="abc") == first
    other = server.post("b.pdf", text_pdf(seed=8), key="abc")
    assert other.status_code == 409 and other.json()["error"]["code"] == "conflict"


def test_listing_pages_and_deltas(server: LiveServer) -> None:
    for index in range(5):
        server.end(server.submit(f"list{index}.csv", table_csv() + str(index).encode()))
    seen: list[str] = []
    cursor = ""
    while True:
        answer = server.client.get("/api/v1/tasks", params={"limit": 2, "cursor": cursor}).json()
        seen += [task["id"] for task in answer["tasks"]]
        cursor = answer["next"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) >= 5
    rev = server.client.get("/api/v1/tasks").json()["rev"]
    assert server.client.get("/api/v1/tasks", params={"since": rev}).status_code == 204
    task_id = server.submit("new.csv", b"a,b\n5,6\n")
    news = server.client.get("/api/v1/tasks", params={"since": rev}).json()
    assert [task["id"] for task in news["tasks"]] == [task_id] and news["rev"] > rev
    server.end(task_id)
    rev = server.client.get("/api/v1/tasks").json()["rev"]
    assert server.client.delete(f"/api/v1/tasks/{task_id}").status_code == 204
    news = server.client.get("/api/v1/tasks", params={"since": rev}).json()
    assert news["deleted"] == [task_id] and news["tasks"] == []
    assert server.client.get("/api/v1/tasks", params={"since": 2**50}).json()["reset"] is True
    only = server.client.get("/api/v1/tasks", params={"status": "failed,cancelled"}).json()["tasks"]
    assert {task["status"] for task in only} <= {"failed", "cancelled"}
    assert server.client.get("/api/v1/tasks", params={"status": "odd"}).status_code == 422
    for cursor in ("abc", "-1", "²", "9" * 20):
        assert server.client.get("/api/v1/tasks", params={"cursor": cursor}).status_code == 422


def test_waiting_answers_when_the_task_ends(server: LiveServer) -> None:
    task_id = server.submit("wait.pdf", text_pdf(seed=99))
    began = time.monotonic()
    task = server.client.get(f"/api/v1/tasks/{task_id}", params={"wait": 50}).json()
    assert task["status"] == "completed" and time.monotonic() - began < 45


def test_cancel_retry_and_their_conflicts(server: LiveServer) -> None:
    task_id = server.submit("long.pdf", text_pdf(300, seed=3))
    while server.task(task_id)["status"] in ("pending", "queued"):
        pass
    cancelled = server.client.post(f"/api/v1/tasks/{task_id}/cancel")
    assert cancelled.json()["status"] == "cancelled" and cancelled.elapsed.total_seconds() < 1
    again = server.client.post(f"/api/v1/tasks/{task_id}/cancel")
    assert again.status_code == 409 and again.json()["error"]["code"] == "conflict"
    retried = server.client.post(f"/api/v1/tasks/{task_id}/retry").json()
    assert (retried["status"], retried["attempt"]) == ("queued", 2)
    assert server.client.post(f"/api/v1/tasks/{task_id}/retry").status_code == 409
    assert server.client.delete(f"/api/v1/tasks/{task_id}").status_code == 204
    assert server.client.get(f"/api/v1/tasks/{task_id}").status_code == 404


def test_pause_and_resume(server: LiveServer) -> None:
    assert server.client.post("/api/v1/queue/pause").json()["status"] == "paused"
    task_id = server.submit("paused.pdf", text_pdf(seed=55))
    while server.task(task_id)["status"] == "pending":
        pass
    assert server.task(task_id)["status"] == "queued" and server.task(task_id)["position"] == 1
    assert server.client.post("/api/v1/queue/resume").json()["status"] in ("running", "idle")
    assert server.end(task_id)["status"] == "completed"


def test_events_tell_what_happens(server: LiveServer) -> None:
    rev = server.client.get("/api/v1/tasks").json()["rev"]
    task_id = server.submit("event.docx", word("for events"))
    statuses: list[str] = []
    with httpx.stream("GET", f"{server.url}/api/v1/events", params={"since": rev}, timeout=60) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                tasks = json.loads(line[6:])["tasks"]
                statuses += [task["status"] for task in tasks if task["id"] == task_id]
            if "completed" in statuses:
                break
    assert statuses[-1] == "completed"


def test_the_queue_the_probes_and_the_metrics(server: LiveServer) -> None:
    server.end(server.submit("m.html", web_page()))
    queue = server.client.get("/api/v1/queue").json()
    assert queue["status"] in ("idle", "running") and queue["counts"]["completed"] >= 1
    assert queue["eta_seconds"] >= 0
    health = server.client.get("/health").json()
    assert (health["status"], health["protocol_version"]) == ("healthy", 2), "as MinerU's clients want it"
    assert server.client.get("/ready").status_code == 200
    text = server.client.get("/metrics").text
    assert 'mineru_app_tasks{status="completed"}' in text and "mineru_app_pages_parsed_total" in text


def test_openapi_has_every_route_of_the_contract(server: LiveServer) -> None:
    paths = server.client.get("/openapi.json").json()["paths"]
    parts = "cancel retry result pages/{page} pages/{page}.png source files/{path}".split()
    wanted = {f"/api/v1/tasks/{{task_id}}/{part}" for part in parts}
    wanted |= set("/api/v1/tasks /api/v1/tasks/{task_id} /api/v1/queue /api/v1/queue/pause".split())
    wanted |= set("/api/v1/queue/resume /api/v1/events /health /ready /metrics".split())
    assert wanted <= paths.keys()
    form = paths["/api/v1/tasks"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    fields = "files tier page_range ocr_mode priority use_cache keep_headers password"
    assert set(form["properties"]) == set(fields.split())
    docs = server.client.get("/docs").text
    assert "https://" not in docs.replace("https://fastapi.tiangolo.com/img/favicon.png", "")


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/tasks/none", "/api/v1/tasks/none/result"])
def test_unknown_addresses_have_the_usual_shape(server: LiveServer, path: str) -> None:
    answer = server.client.get(path)
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error.keys() == {"code", "message", "retryable", "request_id"}
    assert error["request_id"] == answer.headers["x-request-id"]


def test_the_history_counts_what_was_done_also_when_it_is_deleted(server: LiveServer) -> None:
    def done() -> tuple[int, int]:
        found = server.client.get("/api/v1/history", params={"hours": 2}).json()
        assert found["engine"] == [] and found["hour"] * 3600 <= time.time()
        rows = [row for row in found["tasks"] if (row["tier"], row["status"]) == ("flash", "completed")]
        return sum(row["tasks"] for row in rows), sum(row["pages"] for row in rows)

    tasks, pages = done()
    task_id = server.submit("counted.pdf", text_pdf(3, seed=123), use_cache="false")
    server.end(task_id)
    server.client.delete(f"/api/v1/tasks/{task_id}").raise_for_status()
    assert done() == (tasks + 1, pages + 3)
    for hours in ("0", "-1", "9000", "x"):
        assert server.client.get("/api/v1/history", params={"hours": hours}).status_code == 422


def test_with_a_token_each_browser_sees_its_own(house: LiveServer) -> None:
    with ExitStack() as stack:
        assert httpx.get(f"{house.url}/api/v1/tasks").status_code == 401
        assert httpx.get(f"{house.url}/health").status_code == 200
        browsers = [
            stack.enter_context(httpx.Client(base_url=house.url, follow_redirects=True)) for _ in range(2)
        ]
        for browser in browsers:
            assert browser.get("/api/v1/queue", params={"token": TOKEN}).status_code == 200
            assert browser.get("/api/v1/queue").status_code == 200
        ann, bob = browsers
        files = [("files", ("secret-name.pdf", text_pdf(200)))]
        task = ann.post("/api/v1/tasks", files=files).json()["tasks"][0]
        assert task["mine"] and task["name"] == "secret-name.pdf"
        seen = bob.get("/api/v1/tasks").json()["tasks"]
        assert [(row["mine"], row["name"], row["owner"]) for row in seen] == [(False, "", "")]
        assert "secret-name" not in bob.get("/api/v1/tasks", params={"since": 0}).text
        for method, path in (
            ("GET", ""), ("GET", "/result"), ("GET", "/source"), ("GET", "/pages/1"), ("GET", "/pages/1.png"),
            ("GET", "/files/images/a.png"), ("POST", "/cancel"), ("POST", "/retry"), ("DELETE", ""),
        ):  # fmt: skip
            assert bob.request(method, f"/api/v1/tasks/{task['id']}{path}").status_code == 404, path
        assert bob.post("/api/v1/queue/pause").status_code == 403
        assert ann.post(f"/api/v1/tasks/{task['id']}/cancel").json()["status"] == "cancelled"
        assert bob.get("/api/v1/tasks").json()["tasks"] == [], "of others only what is not ended"


@pytest.mark.slow
def test_nothing_is_left_after_two_hundred_mixed_jobs(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("mixed") / "data"
    kinds = [
        ("a.csv", table_csv()), ("b.html", web_page()), ("c.pdf", text_pdf()), ("d.txt", b"no"),
        ("e.pdf", b"%PDF-1.4 broken"), ("f.docx", word()), ("g.pdf", text_pdf(70)), ("h.bin", b"\x00\x01"),
    ]  # fmt: skip
    with LiveServer(data) as server:
        ids = [server.submit(f"{index}-{kinds[index % 8][0]}", kinds[index % 8][1]) for index in range(200)]
        for task_id in ids[6::40]:
            server.client.post(f"/api/v1/tasks/{task_id}/cancel")
        ended = [server.end(task_id)["status"] for task_id in ids]
        assert {"completed", "failed"} <= set(ended)
        assert server.leftovers() == []
        assert list((data / "run" / "gradio").rglob("*")) == []
        for task_id in ids:
            assert server.client.delete(f"/api/v1/tasks/{task_id}").status_code == 204
        assert list((data / "tasks").iterdir()) == [] and list((data / "sources").iterdir()) == []
