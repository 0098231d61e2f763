"""The routes of other servers, other people's documents, and keys: of users, of anybody, and of machines."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import httpx
import pytest

from tests.documents import text_pdf
from tests.integration.conftest import KEY, TOKEN, TRUSTED
from tests.integration.test_other_servers_attacked import sentence
from tests.live import LiveServer

pytestmark = pytest.mark.integration

PAGE = text_pdf(1, seed=77)


@pytest.fixture
def alices(house: LiveServer) -> Iterator[dict[str, str]]:
    """Addresses of what alice has: a task, a job, an upload, and an output file."""
    task = house.client.post("/tasks", files=[("files", ("secret.pdf", PAGE))]).json()
    inline = {"type": "inline", "name": "s.pdf", "data": base64.b64encode(PAGE).decode()}
    job = house.client.post("/v1/parse/jobs", json={"files": [{"source": inline}]}).json()
    new = {"filename": "s.pdf", "bytes": len(PAGE), "mime_type": "a/b"}
    upload = house.client.post("/v1/uploads", json=new).json()
    house.client.put(upload["upload_url"], content=PAGE).raise_for_status()
    done = house.client.post(f"/v1/uploads/{upload['id']}/complete").json()
    while not (files := house.client.get(f"/v1/parse/jobs/{job['job_id']}").json()["files"])[0][
        "output_files"
    ]:
        house._pause()
    output = files[0]["output_files"]["markdown"]["file_id"]
    yield {
        "task": f"/tasks/{task['task_id']}",
        "result": f"/tasks/{task['task_id']}/result",
        "job": f"/v1/parse/jobs/{job['job_id']}",
        "job as task": f"/v1/tasks/{job['job_id']}/result",
        "upload": f"/v1/uploads/{upload['id']}",
        "file": f"/v1/files/{done['file']['id']}",
        "output": f"/v1/files/{output}/content",
    }


def test_nobody_reaches_what_is_anothers(house: LiveServer, alices: dict[str, str]) -> None:
    with house.asked_with(KEY + "bob") as bob, house.asked_with(KEY + "root") as root:
        for path in alices.values():
            assert bob.client.get(path).status_code == 404, path
            assert house.client.get(path).status_code == 200, path
            assert root.client.get(path).status_code == 200, path
        assert bob.client.delete(alices["job"]).status_code == 404
        assert bob.client.delete(alices["file"]).status_code == 404
        assert bob.client.put(alices["upload"] + "/content", content=PAGE).status_code == 404
        source = {"type": "file_id", "file_id": alices["file"].rpartition("/")[2]}
        assert bob.client.post("/v1/parse/jobs", json={"files": [{"source": source}]}).status_code == 404
        # the id of one family is none of another
        number = alices["task"].rpartition("/")[2]
        for path in (f"/v1/parse/jobs/job_{number}", f"/v1/uploads/upload_{number}", f"/v1/tasks/{number}"):
            assert house.client.get(path).status_code == 404


KEYS = {
    "bearer": {"authorization": f"Bearer {KEY}alice"},
    "api key": {"x-api-key": f"{KEY}alice"},
    "basic": {"authorization": "Basic " + base64.b64encode(f"any:{KEY}alice".encode()).decode()},
    "the shared token": {"authorization": f"Bearer {TOKEN}"},
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize(
    "origin", [None, "app://obsidian.md", "chrome-extension://abc", "https://x.example", "null"]
)
def test_a_key_opens_from_any_origin(house: LiveServer, kind: str, origin: str | None) -> None:
    headers = KEYS[kind] | ({"origin": origin} if origin else {})
    with httpx.Client(base_url=house.url, headers=headers) as tool:
        assert tool.get("/v1/tiers").status_code == 200
        assert tool.post("/file_parse").status_code == 422


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"x-api-key": "wrong"},
        {"x-api-key": "wrong", "authorization": f"Bearer {KEY}alice"},
        {"authorization": "Basic ///"},
        {"authorization": f"{KEY}alice"},
        {"cookie": f"token={TOKEN}"},
        {"x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1"},
    ],
)
def test_without_a_right_key_each_family_says_so(house: LiveServer, headers: dict[str, str]) -> None:
    with httpx.Client(base_url=house.url, headers=headers) as stranger:
        for method, path in (("POST", "/file_parse"), ("POST", "/convert"), ("GET", "/v1/health")):
            answer = stranger.request(method, path)
            assert answer.status_code == 401 and sentence(answer), path


def test_a_page_of_another_site_cannot_use_a_session(house: LiveServer) -> None:
    with httpx.Client(base_url=house.url) as browser:
        browser.post("/login", data={"password": TOKEN}).raise_for_status()
        assert browser.get("/v1/tiers").status_code == 200
        for path in ("/file_parse", "/tasks", "/convert", "/v1/file_parse", "/v1/uploads"):
            answer = browser.post(path, headers={"origin": "https://x.example"})
            assert answer.status_code == 403 and sentence(answer)


def at(house: LiveServer, address: str) -> httpx.Client:
    """Somebody without a key at this address of the machine."""
    return httpx.Client(base_url=house.url, transport=httpx.HTTPTransport(local_address=address), timeout=70)


def test_a_trusted_machine_needs_no_key_and_owns_its_documents(house: LiveServer) -> None:
    files = [("files", ("ragflow.pdf", PAGE))]
    with at(house, TRUSTED) as tool, at(house, "127.0.0.8") as other, at(house, TRUSTED) as again:
        assert other.post("/tasks", files=files).status_code == 401
        assert tool.post("/tasks", files=files, headers={"x-forwarded-for": TRUSTED}).status_code == 401
        assert other.post("/tasks", files=files, headers={"x-forwarded-for": TRUSTED}).status_code == 401
        task = tool.post("/tasks", files=files).json()
        assert again.get(f"/tasks/{task['task_id']}").status_code == 200
        assert house.client.get(f"/tasks/{task['task_id']}").status_code == 404
        assert tool.get("/api/v1/queue").json()["user"] == {"name": f"client-{TRUSTED}", "admin": False}
        assert tool.post("/api/v1/queue/pause").status_code == 403
    lines = [json.loads(line) for line in (house.data / "audit.log").read_text("utf-8").splitlines()]
    submitted = [line for line in lines if line["user"] == f"client-{TRUSTED}" and line["action"] == "submit"]
    assert len(submitted) == 1 and submitted[0]["address"] == TRUSTED
