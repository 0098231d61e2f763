"""Who is not signed in gets nothing from any route, and nobody gets at what is another's, by any way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from gradio_client import Client, handle_file

from gradio_app.base.data_folder import Folders
from gradio_app.base.options import EXPORT_SUFFIX
from gradio_app.base.settings import Settings
from gradio_app.store.store import Store
from gradio_app.web.auth.credentials import Credentials
from gradio_app.web.server import build
from tests.documents import paper_pdf, text_pdf
from tests.integration.conftest import KEY, PASSWORD
from tests.live import LiveServer
from tests.routes import walk

pytestmark = pytest.mark.integration

OPEN = {"/health", "/ready", "/login", "/logout"}
NAME = "payroll of the board.pdf"


def person(server: LiveServer, name: str) -> httpx.Client:
    """A client that is signed in as somebody."""
    return httpx.Client(base_url=server.url, auth=(name, PASSWORD + name), timeout=70)


@pytest.fixture(scope="module")
def server(house: LiveServer) -> LiveServer:
    """Where people sign in by name, alice among them."""
    return house


@pytest.fixture(scope="module")
def task(server: LiveServer) -> dict[str, Any]:
    """A finished task of alice's, with pictures."""
    return server.end(server.submit(NAME, paper_pdf(2)))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """The whole application; its queue does not run."""
    folders = Folders(tmp_path_factory.mktemp("routes"))
    folders.create()
    store = Store(folders.database)
    yield build(Settings.load([], {}), folders, store, Credentials("token"))
    store.close()


@pytest.fixture(scope="module")
def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Method and path of everything that the application serves, Gradio's own routes among it."""
    return sorted({(method, re.sub(r"\{[^}]+\}", "x", path)) for method, path in walk(app.routes)})


def test_the_guard_stands_before_all_that_belongs_to_the_application(app: FastAPI) -> None:
    names = [cast(Any, layer.cls).__name__ for layer in app.user_middleware]
    assert names == ["Forwarded", "RequestIds", "Heads", "Bodies", "Guard", "Polls", "Gate", "Options"]


# ---------------------------------------------------------------- nobody


def test_every_route_asks_who_comes(server: LiveServer, routes: list[tuple[str, str]]) -> None:
    assert len(routes) > 100 and ("POST", "/gradio_api/queue/join") in routes, "Gradio's are among them"
    wrong: list[Any] = []
    with httpx.Client(base_url=server.url, timeout=10) as stranger:
        for method, path in routes:
            answer = stranger.request(method, path)
            if answer.status_code != 401 and path.rstrip("/") not in OPEN:
                wrong.append((method, path, answer.status_code))
            if answer.status_code == 401 and method != "HEAD":
                assert '"code":"unauthorized"' in answer.text, path  # in the shape of its family
    assert wrong == []


@pytest.mark.slow
def test_beyond_loopback_tokens_are_made_and_told_but_not_in_the_log_and_stay_the_same(
    tmp_path: Path,
) -> None:
    printed: list[list[str]] = []
    live = LiveServer(tmp_path / "data", "--host", "0.0.0.0", "--workers", "1")
    with live:
        for _ in range(2):
            assert httpx.get(live.url + "/").status_code == 401
            told = live.data / "sign-in.txt"
            printed.append(re.findall(r"\?token=(\S+)", told.read_text()))
            assert told.stat().st_mode & 0o077 == 0
            assert not any(token in live.log.read_text() for token in printed[-1])
            assert str(told) in live.log.read_text()
            live.stop()
            live.start()
        [shared, admin] = printed[0]
        assert printed[1] == printed[0] and shared != admin
        with httpx.Client(base_url=live.url, timeout=20) as browser:
            browser.get("/", params={"token": shared})
            copied = dict(browser.cookies)
            browser.post("/logout")
            for _ in range(2):
                assert httpx.get(live.url + "/api/v1/queue", cookies=copied).status_code == 401
                live.stop()
                live.start()
        for token, is_admin in ((shared, False), (admin, True)):
            queue = httpx.get(live.url + "/api/v1/queue", headers={"authorization": f"Bearer {token}"}).json()
            assert queue["user"]["admin"] is is_admin
    assert (tmp_path / "data" / "secret").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "path", ["/gradio_api/mcp/", "/gradio_api/mcp/sse", "/gradio_api/mcp/http", "/page/bar.js", "/docs"]
)
def test_mcp_files_and_documents_ask_too(server: LiveServer, path: str) -> None:
    for headers in ({}, {"accept": "text/event-stream"}, {"authorization": "Bearer " + KEY}):
        assert httpx.get(server.url + path, headers=headers).status_code == 401


def test_what_gradio_has_and_we_do_not_use_does_not_exist(server: LiveServer) -> None:
    for path in (
        "/gradio_api/proxy=http://127.0.0.1:1/",
        "/gradio_api/file=http://127.0.0.1:1/x",
        "/gradio_api/dev/reload",
        "/gradio_api/runs",
        "/gradio_api/vibe-code",
        "/gradio_api/token",
        "/monitoring",
        "/deep_link",
        "/gradio_api/deep_link",
        "/gradio_api/stream/x/1/1/playlist.m3u8",
        "/gradio_api/custom_component/x/client/component/index.js",
    ):
        assert server.client.get(path).status_code == 404, path


# ---------------------------------------------------------------- somebody else


def doors(task_id: str) -> list[tuple[str, str]]:
    """Every route that has to do with one task."""
    here = f"/api/v1/tasks/{task_id}"
    formats = ("markdown", "json", "content_list", "zip", *EXPORT_SUFFIX)
    reads = [
        here,
        f"{here}?wait=1",
        f"{here}/pages/1",
        f"{here}/pages/1.png",
        f"{here}/pages/1/blocks/1",
        f"{here}/search?q=marker",
        f"{here}/source",
        f"{here}/readings",
        f"{here}/links",
        f"{here}/files/images/x.png",
    ]
    reads += [f"{here}/result?format={form}" for form in formats]
    return [("GET", path) for path in reads] + [
        ("POST", f"{here}/cancel"),
        ("POST", f"{here}/retry"),
        ("POST", f"{here}/pages/1/redo"),
        ("POST", f"{here}/keep"),
        ("POST", f"{here}/again"),
        ("POST", f"{here}/links"),
        ("POST", f"{here}/links/x/end"),
        ("PATCH", f"{here}/pages/1/blocks/1"),
        ("DELETE", f"{here}/pages/1/blocks/1"),
        ("DELETE", here),
    ]


def test_every_route_of_a_task_is_in_the_list(routes: list[tuple[str, str]]) -> None:
    known = {
        (
            method,
            re.sub(
                r"/pages/1|/blocks/1|/files/.*|\?.*",
                lambda m: {"/p": "/pages/x", "/b": "/blocks/x", "/f": "/files/x"}.get(m[0][:2], ""),
                path,
            ),
        )
        for method, path in doors("x")
    }
    assert {(method, path) for method, path in routes if path.startswith("/api/v1/tasks/x")} - {
        ("HEAD", "")
    } <= known


def test_to_another_user_a_task_does_not_exist(server: LiveServer, task: dict[str, Any]) -> None:
    with person(server, "bob") as bob:
        for method, path in doors(task["id"]):
            refused, missing = (
                bob.request(method, address, headers={"X-Request-Id": "same"})
                for address in (path, path.replace(task["id"], "0" * 32))
            )
            assert refused.status_code == 404, path
            assert refused.json() == missing.json() and refused.json()["error"]["code"] == "not_found"
        told = json.dumps(
            [bob.get("/api/v1/tasks").json(), bob.get("/api/v1/tasks", params={"since": 0}).json()]
        )
        receipt = task["receipt"]
        for secret in ("payroll", receipt["input_sha256"], receipt["output_sha256"], task["id"]):
            assert secret not in told
    assert server.task(task["id"]) | {"rev": 0} == task | {"rev": 0}, "nothing has changed"


def test_of_others_one_sees_that_they_wait_and_no_name(server: LiveServer) -> None:
    with person(server, "root") as admin, person(server, "bob") as bob:
        admin.post("/api/v1/queue/pause").raise_for_status()
        task_id = server.submit(NAME, text_pdf(3, seed=5))
        [seen] = [one for one in bob.get("/api/v1/tasks").json()["tasks"] if one["id"] == task_id]
        assert seen["name"] == "" and seen["owner"] == "" and not seen["mine"] and seen["page_range"] == ""
        assert seen["receipt"] is None and seen["error"] is None
        with httpx.stream(
            "GET", f"{server.url}/api/v1/events", auth=("bob", PASSWORD + "bob"), timeout=20
        ) as events:
            lines = events.iter_lines()
            body = next(line for line in lines if line.startswith("data: "))
        assert task_id in body and "payroll" not in body and "alice" not in body
        assert admin.get(f"/api/v1/tasks/{task_id}").json()["name"] == NAME, "the admin sees all"
        admin.post("/api/v1/queue/resume").raise_for_status()
        server.end(task_id)
        assert task_id not in bob.get("/api/v1/tasks").text, "what has ended is gone"
        told = bob.get("/api/v1/tasks", params={"since": seen["rev"]}).json()
        assert task_id in told["deleted"] and task_id not in json.dumps(told["tasks"])
        assert task_id not in bob.get("/api/v1/tasks", params={"since": 1}).text
        assert told["queue"]["counts"].get("completed", 0) == len(
            bob.get("/api/v1/tasks", params={"status": "completed", "limit": 1000}).json()["tasks"]
        )


@pytest.mark.parametrize(
    "path", ["/api/v1/queue/pause", "/api/v1/queue/resume", "/gpu/offload", "/gpu/release"]
)
def test_what_touches_everybody_is_for_the_admin(server: LiveServer, path: str) -> None:
    refused = server.client.post(path)
    assert refused.status_code == 403 and refused.json()["error"]["code"] == "forbidden"
    with person(server, "root") as admin:
        assert admin.post(path).status_code == 200
        admin.post("/api/v1/queue/resume")


# ---------------------------------------------------------------- through Gradio


def gradio(server: LiveServer, name: str, folder: Path) -> Client:
    return Client(server.url, auth=(name, PASSWORD + name), verbose=False, download_files=str(folder))


def test_each_api_name_keeps_to_ones_own(server: LiveServer, task: dict[str, Any], tmp_path: Path) -> None:
    alice, bob = gradio(server, "alice", tmp_path), gradio(server, "bob", tmp_path)
    names = set(server.client.get("/gradio_api/info").json()["named_endpoints"])
    for api_name in ("/status", "/cancel", "/retry", "/result"):
        with pytest.raises(Exception, match="not_found"):
            bob.predict(task["id"], api_name=api_name)
    assert bob.predict(api_name="/tasks") == []
    assert task["id"] in {one["id"] for one in alice.predict(api_name="/tasks")}
    assert names == {"/submit", "/status", "/cancel", "/retry", "/tasks", "/result", "/convert"}, (
        "all were tried"
    )
    (tmp_path / "mine.pdf").write_bytes(text_pdf(1, seed=77))
    for api_name in ("/submit", "/convert"):
        file = handle_file(tmp_path / "mine.pdf")
        bob.predict([file] if api_name == "/submit" else file, api_name=api_name)
    assert "mine.pdf" not in {one["name"] for one in alice.predict(api_name="/tasks")}


def test_files_that_gradio_keeps_are_their_owners(server: LiveServer, task: dict[str, Any]) -> None:
    files = [("files", ("draft.pdf", text_pdf(1, seed=78)))]
    [upload] = server.client.post("/gradio_api/upload", files=files).json()
    result = server.client.post("/gradio_api/run/result", json={"data": [task["id"]]}).json()["data"]
    for path in (upload, result[1]["path"]):
        assert server.client.get(f"/gradio_api/file={path}").status_code == 200
        with person(server, "bob") as bob, person(server, "root") as admin:
            assert bob.get(f"/gradio_api/file={path}").status_code == 404
            assert bob.get(f"/gradio_api/file/{path}").status_code == 404
            assert bob.get(f"/gradio_api/file={path.replace('/', '%2F')}").status_code == 404
            assert admin.get(f"/gradio_api/file={path}").status_code == 200
    with person(server, "bob") as bob:
        taken = bob.post("/gradio_api/run/submit", json={"data": [[{"path": upload}], "auto", "", "auto"]})
        assert taken.json()["error"].startswith("option_invalid: This file was not uploaded")


# ---------------------------------------------------------------- what is written about it


def test_the_audit_log_tells_who_did_what_and_nothing_else(server: LiveServer, task: dict[str, Any]) -> None:
    server.client.get(f"/api/v1/tasks/{task['id']}/result")
    with person(server, "bob") as bob:
        bob.get(f"/api/v1/tasks/{task['id']}/source")
        bob.post(f"/api/v1/tasks/{task['id']}/cancel")
        bob.delete(f"/api/v1/tasks/{task['id']}")
        own = bob.post("/api/v1/tasks", files=[("files", ("b.pdf", text_pdf(1, seed=79)))]).json()["tasks"][
            0
        ]["id"]
        bob.get(f"/api/v1/tasks/{own}", params={"wait": 50})
        bob.delete(f"/api/v1/tasks/{own}")
    httpx.get(server.url + "/", headers={"authorization": "Bearer wrong-secret"})
    text = (server.data / "audit.log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    told = {(line["action"], line["user"], line.get("task"), line["outcome"]) for line in lines}
    assert {
        ("submit", "alice", task["id"], "ok"),
        ("read", "alice", task["id"], "ok"),
        ("read", "bob", task["id"], "not_found"),
        ("cancel", "bob", task["id"], "not_found"),
        ("delete", "bob", task["id"], "not_found"),
        ("submit", "bob", own, "ok"),
        ("delete", "bob", own, "ok"),
        ("sign_in", "", None, "unauthorized"),
    } <= told
    # other tests of this server come from other addresses of the machine
    assert all(line["address"].startswith("127.0.0.") and line["time"] for line in lines)
    log = text + server.log.read_text()
    for secret in (NAME, "marker 1 ", KEY, PASSWORD, "wrong-secret", "mineru_session"):
        assert secret not in log, f"{secret!r} is in a log"
