"""Every route, function and tool has a decision: who may use it, and with whose documents.

A route that is not in the table fails the test, so that nobody adds one without deciding.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gradio_app.base.data_folder import Folders
from gradio_app.base.settings import Settings
from gradio_app.base.versions import mineru_version
from gradio_app.store.store import Store
from gradio_app.web.auth.credentials import Credentials
from gradio_app.web.server import build
from tests.documents import paper_pdf, text_pdf
from tests.integration.conftest import KEY, TOKEN
from tests.live import LiveServer
from tests.routes import walk

pytestmark = pytest.mark.integration

_BLOCK = "/api/v1/tasks/{task_id}/pages/{page}/blocks/{block}"
#: anybody: without signing in. user: who is signed in. own: its owner and the administrator. begun: who began
#: it, only. some: everybody, and gets what is their own. admin: the administrator. asset: who is signed in,
#: if it exists. none: not served
DECISIONS = {
    "anybody": "GET /health | GET /ready | OPTIONS /health | OPTIONS /ready | GET /shared/{secret}",
    "admin": ("POST /api/v1/queue/pause | POST /api/v1/queue/resume | POST /gpu/offload | POST /gpu/release"),
    "own": (
        "GET /api/v1/tasks/{task_id} | GET /api/v1/tasks/{task_id}/result"
        " | GET /api/v1/tasks/{task_id}/source"
        " | GET /api/v1/tasks/{task_id}/pages/{page} | GET /api/v1/tasks/{task_id}/pages/{page}.png"
        " | GET /api/v1/tasks/{task_id}/files/{path:path} | GET /api/v1/tasks/{task_id}/search"
        " | GET /api/v1/tasks/{task_id}/readings | POST /api/v1/tasks/{task_id}/cancel"
        " | POST /api/v1/tasks/{task_id}/retry | POST /api/v1/tasks/{task_id}/again"
        " | GET /api/v1/tasks/{task_id}/links | POST /api/v1/tasks/{task_id}/links"
        " | POST /api/v1/tasks/{task_id}/links/{link_id}/end | POST /api/v1/tasks/{task_id}/keep"
        " | POST /api/v1/tasks/{task_id}/pages/{page}/redo | DELETE /api/v1/tasks/{task_id}"
        f" | GET {_BLOCK} | PATCH {_BLOCK} | DELETE {_BLOCK}"
        " | GET /gradio_api/file={path_or_url:path} | GET /tasks/{task_id} | GET /tasks/{task_id}/result"
        " | GET /v1/uploads/{upload_id} | PUT /v1/uploads/{upload_id}/content"
        " | POST /v1/uploads/{upload_id}/complete | POST /v1/uploads/{upload_id}/cancel"
        " | GET /v1/parse/jobs/{job_id} | DELETE /v1/parse/jobs/{job_id}"
        " | GET /v1/tasks/{task_id} | GET /v1/tasks/{task_id}/result | DELETE /v1/tasks/{task_id}"
        " | GET /v1/status/poll/{task_id} | GET /v1/result/{task_id}"
        " | GET /v1alpha/status/poll/{task_id} | GET /v1alpha/result/{task_id}"
        " | GET /v1/files/{file_id} | GET /v1/files/{file_id}/content | DELETE /v1/files/{file_id}"
    ),
    "some": (
        "GET /api/v1/tasks | GET /api/v1/tasks/ids | GET /api/v1/events"
        " | POST /api/v1/tasks/bulk | POST /api/v1/tasks/download"
    ),
    "user": (
        "OPTIONS /docs | OPTIONS /metrics | OPTIONS /openapi.json"
        " | OPTIONS /convert | OPTIONS /file_parse | OPTIONS /tasks"
        " | POST /api/v1/tasks | GET /api/v1/queue | GET /api/v1/history | GET /api/v1/cluster"
        " | GET /gpu/status"
        " | GET /metrics | GET /openapi.json | GET /docs | GET / | GET /config | GET /gradio_api/user"
        " | GET /gradio_api/login_check | GET /gradio_api/app_id | GET /gradio_api/info"
        " | POST /file_parse | POST /tasks | POST /convert | POST /v1/file_parse | POST /v1/tasks"
        " | POST /v1/uploads | POST /v1/parse/jobs"
        " | POST /v1/convert/file | POST /v1/convert/source | GET /version | OPTIONS /version"
        " | POST /v1/convert/file/async | POST /v1/convert/source/async"
        " | POST /v1alpha/convert/file | POST /v1alpha/convert/source"
        " | POST /v1alpha/convert/file/async | POST /v1alpha/convert/source/async"
        " | GET /v1/health | GET /v1/tiers | GET /v1/models | GET /v1/models/{model_id}"
        " | GET /gradio_api/openapi.json | GET /gradio_api/startup-events | GET /gradio_api/queue/status"
    ),
    "begun": (
        "POST /gradio_api/queue/join | GET /gradio_api/queue/data | GET /gradio_api/heartbeat/{session_hash}"
        " | POST /gradio_api/cancel | POST /gradio_api/run/{api_name} | POST /gradio_api/api/{api_name}"
        " | POST /gradio_api/call/{api_name} | GET /gradio_api/call/{api_name}/{event_id}"
        " | GET /gradio_api/upload_progress | POST /gradio_api/upload | POST /gradio_api/reset"
    ),
    "asset": (
        "GET /page/{below} | GET /static-offline-docs/{below} | GET /docs/oauth2-redirect"
        " | GET /assets/{path:path} | GET /static/{path:path} | GET /svelte/{path:path} | GET /favicon.ico"
        " | GET /theme.css | GET /manifest.json | GET /robots.txt | GET /pwa_icon | GET /pwa_icon/{size}"
        " | GET /gradio_api/theme.css | GET /gradio_api/mcp/{below}"
        " | GET /gradio_api/mcp/schema | GET /gradio_api/mcp/sse | GET /gradio_api/mcp/messages/{below}"
        # Gradio takes the first part for a function's name and the second for an event's
        " | POST /gradio_api/call/v2/{api_name}"
    ),
}
BY_ROUTE = {route: kind for kind, routes in DECISIONS.items() for route in routes.split(" | ")}
#: what the sign-in page itself is made of
SIGN_IN = {"/login", "/logout"}
FORBIDDEN = (401, 403, 404)


def decision(method: str, path: str) -> str:
    """Of a route of the table; what is not there is to be refused."""
    return BY_ROUTE.get(f"{'GET' if method == 'HEAD' else method} {path.rstrip('/') or '/'}", "none")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """The whole application; its queue does not run."""
    folders = Folders(tmp_path_factory.mktemp("decisions"))
    folders.create()
    store = Store(folders.database)
    yield build(Settings.load([], {}), folders, store, Credentials("token"))
    store.close()


class People:
    """Nobody, two guests with the shared token, a user and the administrator; and what guest A owns."""

    def __init__(self, server: LiveServer, stack: ExitStack) -> None:
        self.server = server
        self._stack = stack
        self.nobody, self.a, self.b = self._client(), self._guest(), self._guest()
        self.user = self._client({"x-api-key": KEY + "bob"})
        self.admin = self._client({"authorization": f"Bearer {KEY}root"})
        self.others, self.signed_in = (self.b, self.user), (self.b, self.user, self.admin, self.a)
        self.task = self._task("a secret.pdf", paper_pdf(2))
        files = [("files", ("draft.pdf", text_pdf(1, seed=904)))]
        [self.upload] = self.a.post("/gradio_api/upload", files=files).json()
        self.picture = self._picture()
        link = self.a.post(f"/api/v1/tasks/{self.task}/links").raise_for_status().json()
        self.secret = link["path"].removeprefix("shared/")
        self.asked = self.a.post("/tasks", files=[("files", ("old.pdf", paper_pdf(2)))]).json()["task_id"]
        self.job = self._job()
        file = [("files", ("docling.pdf", paper_pdf(2)))]
        self.converted = self.a.post("/v1/convert/file/async", files=file).json()["task_id"]
        self._spare = [self._task("spare.pdf", text_pdf(1, seed=900 + n)) for n in range(2)]

    def _client(self, headers: dict[str, str] | None = None) -> httpx.Client:
        return self._stack.enter_context(
            httpx.Client(base_url=self.server.url, headers=headers or {}, timeout=70)
        )

    def _guest(self) -> httpx.Client:
        guest = self._client()
        guest.post("/login", data={"password": TOKEN}).raise_for_status()
        guest.get("/api/v1/queue").raise_for_status()
        return guest

    def _task(self, name: str, data: bytes) -> str:
        sent = self.a.post("/api/v1/tasks", files=[("files", (name, data))]).raise_for_status()
        task_id = sent.json()["tasks"][0]["id"]
        while self.a.get(f"/api/v1/tasks/{task_id}", params={"wait": 20}).json()["status"] != "completed":
            pass
        return task_id

    def _picture(self) -> str:
        text = self.a.get(f"/api/v1/tasks/{self.task}/result").text
        return re.findall(r"images/[\w.-]+", text)[0]

    def _upload(self) -> tuple[str, str]:
        """Ids of an upload of guest A's to MinerU 4's routes, and of its file."""
        new = {"filename": "v.pdf", "bytes": 1, "mime_type": "application/pdf"}
        made = self.a.post("/v1/uploads", json=new).raise_for_status().json()
        self.a.put(made["upload_url"], content=b"x").raise_for_status()
        done = self.a.post(f"/v1/uploads/{made['id']}/complete").raise_for_status().json()
        return made["id"], done["file"]["id"]

    def _job(self) -> str:
        source = {"type": "file_id", "file_id": self._upload()[1]}
        job = self.a.post("/v1/parse/jobs", json={"files": [{"source": source}]}).raise_for_status().json()
        while self.a.get(f"/v1/parse/jobs/{job['job_id']}").json()["status"] in ("queued", "running"):
            pass
        return job["job_id"]

    def begin(self, session: str) -> str:
        """An event of guest A's in a session of theirs."""
        body = {"data": [], "session_hash": session}
        return self.a.post("/gradio_api/call/tasks", json=body).raise_for_status().json()["event_id"]

    def ask(self, client: httpx.Client, method: str, path: str, task_id: str = "") -> tuple[int, str]:
        """Asks for a route with guest A's task, file, session or event; status, and the text of an answer."""
        session = "sessionofa"
        if path == "/gradio_api/call/{api_name}/{event_id}":
            event = self.begin(session)
        else:
            event = self.events.setdefault(session, "") or self.begin(session)
            self.events[session] = event
        given = {
            "task_id": task_id or self.task,
            "secret": self.secret,
            "link_id": "another",
            "page": "1",
            "path": self.picture,
            "path_or_url": self.upload,
            "session_hash": session,
            "api_name": "tasks",
            "event_id": event,
        }
        if path.startswith("/tasks/"):
            given["task_id"] = self.asked
        if path.startswith("/v1/"):
            upload, file = self._upload() if "{upload_id}" in path or method == "DELETE" else ("", "")
            given |= {"task_id": self.job, "job_id": self.job, "upload_id": upload}
            given |= {
                "file_id": file or f"file-{self.task}-markdown",
                "model_id": f"mineru-{mineru_version()}",
            }
        if re.match("/v1(alpha)?/(status|result)/", path):
            given["task_id"] = self.converted
        address = re.sub(r"\{(\w+)(:path)?\}", lambda found: given.get(found[1], "x"), path)
        query = {"q": "marker", "session_hash": session, "upload_id": "upload-of-a"}
        if method == "GET" and path.startswith("/api"):
            query = {"q": "marker"} if path.endswith("search") else {}
        body = self._body(path, session, event)
        with client.stream(method, address, params=query, **body) as answer:
            kind = answer.headers.get("content-type", "")
            return answer.status_code, "" if "event-stream" in kind else answer.read().decode(
                "utf-8", "replace"
            )

    events: dict[str, str] = {}  # noqa: RUF012

    def _body(self, path: str, session: str, event: str) -> dict[str, Any]:
        if path in ("/api/v1/tasks", "/gradio_api/upload"):
            return {"files": [("files", ("b.pdf", text_pdf(1, seed=905)))]}
        if path == "/api/v1/tasks/bulk":
            return {"json": {"action": "cancel", "ids": [self.task]}}
        if path == "/api/v1/tasks/download":
            return {"json": {"ids": [self.task]}}
        if path == "/gradio_api/cancel":
            return {"json": {"session_hash": session, "fn_index": 0, "event_id": event}}
        return {"json": {"data": [], "session_hash": session}} if path.startswith("/gradio_api") else {}

    def delete_spare(self, client: httpx.Client) -> int:
        """Somebody who may deletes a task of guest A's."""
        return client.delete(f"/api/v1/tasks/{self._spare.pop()}").status_code


@pytest.fixture(scope="module")
def people(house: LiveServer) -> Iterator[People]:
    with ExitStack() as stack:
        yield People(house, stack)


# ---------------------------------------------------------------- routes


def test_every_route_has_a_decision_and_keeps_it(app: FastAPI, people: People) -> None:
    routes = sorted({route for route in walk(app.routes) if route[0] != "HEAD"})
    known = {f"{method} {path.rstrip('/') or '/'}" for method, path in routes}
    assert set(BY_ROUTE) - known == set(), "routes of the table that are gone"
    wrong = [
        f"{method} {path}: {fault}"
        for method, path in routes
        if path.rstrip("/") not in SIGN_IN and (fault := CHECKS[decision(method, path)](people, method, path))
    ]
    assert not wrong, "\n".join(wrong) + " - a new route needs a row in DECISIONS"


def _statuses(people: People, method: str, path: str, clients: Any) -> list[int]:
    return [people.ask(client, method, path)[0] for client in clients]


def _anybody(people: People, method: str, path: str) -> str:
    return "" if people.ask(people.nobody, method, path)[0] in (200, 204) else "anybody may"


def _closed_to_nobody(people: People, method: str, path: str) -> str:
    status, text = people.ask(people.nobody, method, path)
    return "" if status == 401 and "unauthorized" in text else f"nobody got {status}"


def _admin(people: People, method: str, path: str) -> str:
    refused = _statuses(people, method, path, (*people.others, people.a))
    allowed = people.ask(people.admin, method, path)[0]
    people.admin.post("/api/v1/queue/resume")
    fine = refused == [403] * 3 and allowed == 200
    return _closed_to_nobody(people, method, path) or ("" if fine else f"{refused}, admin {allowed}")


def _own(people: People, method: str, path: str) -> str:
    refused = _statuses(people, method, path, people.others)
    if (method, path) == ("DELETE", "/api/v1/tasks/{task_id}"):
        allowed = [people.delete_spare(client) for client in (people.a, people.admin)]
    else:
        allowed = _statuses(people, method, path, (people.a, people.admin))
    fine = refused == [404] * 2 and not set(allowed) & set(FORBIDDEN)
    return _closed_to_nobody(people, method, path) or ("" if fine else f"{refused}, {allowed}")


def _some(people: People, method: str, path: str) -> str:
    if path == "/api/v1/events":
        told = [_first_event(people.server, client) for client in people.signed_in]
    else:
        told = [people.ask(client, method, path)[1] for client in people.signed_in]
    if path == "/api/v1/tasks/bulk":  # it has ended: who may would hear that it cannot be cancelled
        told = [
            text.replace(people.task, "") + (people.task if '"conflict"' in text else "") for text in told
        ]
    if path == "/api/v1/tasks/download":
        told = [people.task if "document.md" in text else "" for text in told]
    has = [people.task in text for text in told]
    fine = has == [False, False, True, True]
    return _closed_to_nobody(people, method, path) or ("" if fine else f"{has}")


def _first_event(server: LiveServer, client: httpx.Client) -> str:
    with client.stream("GET", "/api/v1/events") as answer:
        return next(line for line in answer.iter_lines() if line.startswith(("data: ", ": still")))


def _user(people: People, method: str, path: str) -> str:
    found = _statuses(people, method, path, people.signed_in)
    fine = not set(found) & set(FORBIDDEN)
    return _closed_to_nobody(people, method, path) or ("" if fine else f"{found}")


def _begun(people: People, method: str, path: str) -> str:
    own = people.ask(people.a, method, path)[0] if "upload" in path else 200
    refused = _statuses(people, method, path, (*people.others, people.admin))
    if "upload" not in path:
        own = people.ask(people.a, method, path)[0]
        own = 0 if own in (401, 403) or (own == 404 and "event" not in path) else own
    fine = refused == [404] * 3 and own
    return _closed_to_nobody(people, method, path) or ("" if fine else f"{refused}, own {own}")


def _asset(people: People, method: str, path: str) -> str:
    return _closed_to_nobody(people, method, path)


def _none(people: People, method: str, path: str) -> str:
    found = _statuses(people, method, path, people.signed_in)
    fine = set(found) <= {404, 405}
    return _closed_to_nobody(people, method, path) or ("" if fine else f"{found}")


CHECKS: dict[str, Callable[[People, str, str], str]] = {
    "anybody": _anybody,
    "admin": _admin,
    "own": _own,
    "some": _some,
    "user": _user,
    "begun": _begun,
    "asset": _asset,
    "none": _none,
}


# ---------------------------------------------------------------- functions and tools


#: by name: the arguments that have to do with guest A, and what others hear
FUNCTIONS: dict[str, tuple[Callable[[People], list[Any]], str]] = {
    "status": (lambda people: [people.task], "not_found"),
    "cancel": (lambda people: [people.task], "not_found"),
    "retry": (lambda people: [people.task], "not_found"),
    "result": (lambda people: [people.task], "not_found"),
    "tasks": (lambda _people: [], ""),
    "submit": (lambda people: [[{"path": people.upload}], "auto", "", "auto"], "was not uploaded"),
    "convert": (lambda people: [{"path": people.upload}, "auto", "", "auto"], "was not uploaded"),
}


def test_every_function_keeps_to_its_decision(people: People) -> None:
    names = people.a.get("/gradio_api/info").json()["named_endpoints"]
    assert {name.strip("/") for name in names} == set(FUNCTIONS), "a new function needs a row"
    for name, (arguments, refusal) in FUNCTIONS.items():
        body = {"data": arguments(people)}
        asked = [client.post(f"/gradio_api/run/{name}", json=body) for client in people.signed_in]
        assert people.nobody.post(f"/gradio_api/run/{name}", json=body).status_code == 401
        texts = [answer.text for answer in asked]
        if refusal:
            assert [refusal in text for text in texts] == [True, True, False, False], (name, texts)
        else:  # one's own, for the administrator too
            assert [people.task in text for text in texts] == [False, False, False, True], name


def test_every_tool_keeps_to_its_decision(people: People) -> None:
    tools = _mcp(people.a, "tools/list", {})["tools"]
    assert {tool["name"] for tool in tools} == set(FUNCTIONS), "a new tool needs a row"
    assert people.nobody.post("/gradio_api/mcp/", json={}).status_code == 401
    for name in ("status", "cancel", "retry", "result"):
        call = {"name": name, "arguments": {"task_id": people.task}}
        told = [json.dumps(_mcp(client, "tools/call", call)) for client in people.signed_in]
        assert ["not_found" in text for text in told] == [True, True, False, False], (name, told)
    listed = [json.dumps(_mcp(client, "tools/call", {"name": "tasks"})) for client in people.signed_in]
    assert [people.task in text for text in listed] == [False, False, False, True]
    address = f"{people.server.url}/gradio_api/file={people.upload}"
    for name, files in (("submit", {"files": [address]}), ("convert", {"file": address})):
        call = {"name": name, "arguments": files}
        told = [json.dumps(_mcp(client, "tools/call", call)) for client in people.others]
        assert all("was not uploaded" in text for text in told), (name, told)


def _mcp(client: httpx.Client, method: str, params: dict[str, Any]) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    headers = {"accept": "application/json, text/event-stream"}
    answer = client.post("/gradio_api/mcp/", json=body, headers=headers)
    data = next(line for line in answer.text.splitlines() if line.startswith("data: "))
    return json.loads(data.removeprefix("data: "))["result"]
