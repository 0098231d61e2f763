"""The routes of other servers as an attacker tries them: names, forms, made-up ids, sources and counts."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import httpx
import pytest

from tests.documents import encrypted_pdf, text_pdf
from tests.live import LiveServer

pytestmark = pytest.mark.integration

PAGE = text_pdf(1, seed=77)
ZIPPED = {"response_format_zip": "true", "return_images": "true", "return_original_file": "true"}
#: routes that take a form with files, and the name of their field for them
FORMS = {"/file_parse": "files", "/tasks": "files", "/convert": "file", "/v1/file_parse": "files"}


def sentence(answer: httpx.Response) -> str:
    """The sentence of an error, in any family's shape."""
    told = answer.json()
    error = told.get("detail") or told["error"]
    assert "Traceback" not in answer.text
    return error if isinstance(error, str) else error["message"]


# ---------------------------------------------------------------- names

NAMES = [
    "../../../etc/cron.d/x.pdf",
    "..\\..\\windows\\x.pdf",
    "/etc/passwd.pdf",
    "C:\\x\\y.pdf",
    "....pdf",
    "..pdf",
    "CON.pdf",
    "a\u202egpj.pdf",
    "x" * 300 + ".pdf",
    "名" * 200 + ".pdf",
    '"><img src=x onerror=alert(1)>.pdf',
    "a\r\nX-Evil: 1.pdf",
    "a;b|c&d$(e)`f`.pdf",
    ".pdf",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_leads_nowhere(server: LiveServer, name: str) -> None:
    answer = server.client.post("/file_parse", files=[("files", (name, PAGE))], data=ZIPPED)
    assert answer.status_code == 200, answer.text
    assert "x-evil" not in answer.headers
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert any(each.endswith(".md") for each in names) and len(names) == len(set(names))
    for each in names:
        parts = PurePosixPath(each).parts
        assert not each.startswith("/") and ".." not in parts and "\\" not in each, each
        assert each.isprintable() and not set(each) & set('<>:"|?*') and parts[0].upper() != "CON"
        assert len(parts[-1].encode()) < 300


def test_names_that_fall_together_stay_apart(server: LiveServer) -> None:
    names = ["a b.pdf", "a_b.pdf", "A_B.pdf", "a b.pdf", "a?b.pdf"]
    files = [("files", (name, PAGE)) for name in names]
    answer = server.client.post("/file_parse", files=files, data=ZIPPED)
    there = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    texts = [name.casefold() for name in there if name.endswith(".md")]
    assert len(texts) == len(set(texts)) >= 5
    results = server.client.post("/file_parse", files=files).json()["results"]
    assert len(results) == 5


# ---------------------------------------------------------------- forms


BAD_FORMS: dict[str, tuple[Callable[[str], dict[str, Any]], tuple[int, ...]]] = {
    "six files where five are taken": (
        lambda field: {"files": [(field, (f"{n}.pdf", PAGE)) for n in range(6)]},
        (413,),
    ),
    "a file that is too large": (
        lambda field: {"files": [(field, ("big.pdf", b"%PDF" + bytes(9 * 2**20)))]},
        (413,),
    ),
    "an empty file": (lambda field: {"files": [(field, ("a.pdf", b""))]}, (422,)),
    "no file": (lambda _: {"files": [("x", (None, b"1"))]}, (422,)),
    "a file in another field": (lambda _: {"files": [("evil", ("a.pdf", PAGE))]}, (422,)),
    "two hundred fields": (
        lambda field: {"files": [(field, ("a.pdf", PAGE))], "data": {f"f{n}": "x" for n in range(200)}},
        (422,),
    ),
    "one field two hundred times": (
        lambda field: {"files": [(field, ("a.pdf", PAGE))], "data": {"lang_list": ["x"] * 200}},
        (422,),
    ),
    "an endless field": (
        lambda field: {"files": [(field, ("a.pdf", PAGE))], "data": {"backend": "x" * 20_000}},
        (422,),
    ),
    "no form": (
        lambda _: {"content": b"--x\r\n", "headers": {"content-type": "multipart/form-data; boundary=y"}},
        (422,),
    ),
    "a form that ends early": (
        lambda field: {
            "content": b'--y\r\nContent-Disposition: form-data; name="%b"; filename="a"\r\n\r\nx'
            % field.encode(),
            "headers": {"content-type": "multipart/form-data; boundary=y"},
        },
        (422,),
    ),
    "a type that is none": (
        lambda _: {"content": b"x", "headers": {"content-type": "x/y; boundary"}},
        (415, 422),
    ),
    "a damaged document": (
        lambda field: {"files": [(field, ("a.pdf", b"%PDF-1.4 nothing"))]},
        (202, 409, 422),
    ),
    "an encrypted document": (
        lambda field: {"files": [(field, ("a.pdf", encrypted_pdf()))]},
        (202, 409, 422),
    ),
    "an unknown type": (
        lambda field: {"files": [(field, ("a.exe", b"MZ" + bytes(99)))]},
        (202, 409, 415, 422),
    ),
}


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("kind", BAD_FORMS)
def test_a_bad_form_is_refused_in_the_familys_shape(server: LiveServer, path: str, kind: str) -> None:
    make, statuses = BAD_FORMS[kind]
    answer = server.client.post(path, **make(FORMS[path]))
    assert answer.status_code in statuses, (answer.status_code, answer.text)
    if answer.status_code != 202 and path != "/v1/file_parse":
        assert sentence(answer).endswith(".")
    assert server.client.get("/ready").status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"start_page_id": "-5"},
        {"start_page_id": "9", "end_page_id": "2"},
        {"start_page_id": "1e9"},
        {"end_page_id": "9" * 400},
        {"parse_method": "../../x"},
        {"return_md": "perhaps"},
        {"tier": "'; DROP TABLE tasks; --"},
        {"start_page_id": "500"},
    ],
)
def test_a_bad_value_is_refused(server: LiveServer, fields: dict[str, str]) -> None:
    answer = server.client.post("/file_parse", files=[("files", ("a.pdf", PAGE))], data=fields)
    assert answer.status_code == 422 and sentence(answer).endswith(".")


def test_unknown_fields_are_taken_and_the_model_server_of_a_stranger_is_not_asked(server: LiveServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        stranger.settimeout(0.2)
        url = f"http://127.0.0.1:{stranger.getsockname()[1]}"
        fields = {"server_url": url, "backend": "vlm-http-client", "__proto__": "x", "output_dir": "/etc"}
        answer = server.client.post("/file_parse", files=[("files", ("a.pdf", PAGE))], data=fields)
        assert answer.status_code == 200
        assert any("server_url" in note["message"] for note in answer.json()["notes"])
        with pytest.raises(TimeoutError):
            stranger.accept()


# ---------------------------------------------------------------- sources of MinerU 4

DEEP: Any = json.loads("[" * 200 + "]" * 200)
SOURCES: list[tuple[Any, tuple[int, ...]]] = [
    ({"type": "url", "url": "http://169.254.169.254/latest/meta-data"}, (422,)),
    ({"type": "url", "url": "file:///etc/passwd"}, (422,)),
    ({"type": "local", "path": "/etc/passwd"}, (422,)),
    ({"type": "inline", "name": "a.pdf", "data": "not base64!"}, (422,)),
    ({"type": "inline", "name": "a.pdf", "data": base64.b64encode(bytes(2**20 + 1)).decode()}, (413, 422)),
    ({"type": "inline", "name": "a.pdf", "data": ""}, (422,)),
    ({"type": "file_id", "file_id": "../../queue.db"}, (404,)),
    ({"type": "file_id", "file_id": "file-../../../etc/passwd"}, (404,)),
    ({"type": "file_id", "file_id": "file-" + "0" * 32}, (404,)),
    ({"type": "file_id", "file_id": "file-' OR 1=1 --"}, (404,)),
    ({"type": "magic"}, (422,)),
    (DEEP, (422,)),
]


@pytest.mark.parametrize(("source", "statuses"), SOURCES, ids=range(len(SOURCES)))
@pytest.mark.parametrize("path", ["/v1/parse/jobs", "/v1/tasks"])
def test_a_bad_source_is_refused(
    server: LiveServer, path: str, source: Any, statuses: tuple[int, ...]
) -> None:
    before = server.client.get("/api/v1/tasks", params={"limit": 0}).json()["total"]
    answer = server.client.post(path, json={"files": [{"source": source}]})
    assert answer.status_code in statuses, answer.text
    assert sentence(answer)
    assert server.client.get("/api/v1/tasks", params={"limit": 0}).json()["total"] == before


@pytest.mark.parametrize(
    "more",
    [
        {"output_formats": ["exe"]},
        {"output_formats": ["markdown"] * 30},
        {"callback": {"url": "http://127.0.0.1:1"}},
        {"tier": "best"},
        {"ocr_mode": "x"},
        {"files": []},
        {"files": "x"},
        {"files": [{"source": {"type": "inline", "name": "a", "data": "eA=="}}] * 6},
        {"files": [{"source": {"type": "inline", "name": "a", "data": "eA=="}, "page_range": "9-1"}]},
    ],
)
def test_a_bad_job_is_refused(server: LiveServer, more: dict[str, Any]) -> None:
    good = {"files": [{"source": {"type": "inline", "name": "a.txt", "data": "eA=="}}]}
    answer = server.client.post("/v1/parse/jobs", json=good | more)
    assert answer.status_code in (413, 422), answer.text
    assert "error" in answer.json()


def test_an_upload_keeps_to_what_was_announced(server: LiveServer) -> None:
    def announced(size: int, **more: Any) -> dict[str, Any]:
        new = {"filename": "../x.pdf", "bytes": size, "mime_type": "text/html\r\nX-Evil: 1", **more}
        return server.client.post("/v1/uploads", json=new).raise_for_status().json()

    made = announced(len(PAGE), sha256sum="0" * 64)
    assert made["filename"] == "x.pdf"
    put = made["upload_url"]
    assert server.client.post(f"/v1/uploads/{made['id']}/complete").status_code == 409
    assert server.client.put(put, content=PAGE + b"more").status_code == 413
    assert server.client.put(put, content=PAGE[:-1]).status_code == 422
    assert server.client.put(put, content=b"").status_code == 422
    assert server.client.put(put, content=PAGE).status_code == 200
    assert "SHA-256" in sentence(server.client.post(f"/v1/uploads/{made['id']}/complete"))
    assert server.client.post(f"/v1/uploads/{made['id']}/cancel").json()["status"] == "cancelled"
    for path in ("", "/complete", "/cancel"):
        method = "POST" if path else "GET"
        assert server.client.request(method, f"/v1/uploads/{made['id']}{path}").status_code == 404
    for size in (0, -1, 9 * 2**20, 10**30):
        new = {"filename": "x.pdf", "bytes": size, "mime_type": "a/b"}
        assert server.client.post("/v1/uploads", json=new).status_code in (413, 422)
    kept = [announced(3) for _ in range(5)]
    new = {"filename": "x", "bytes": 3, "mime_type": "a"}
    refused = server.client.post("/v1/uploads", json=new)
    assert refused.status_code == 429 and refused.json()["error"]["code"] == "quota_exceeded"
    assert "1 minute" in sentence(refused)
    # those that were left behind give way, the one that got its bytes the last of all
    server.client.put(kept[0]["upload_url"], content=b"abc").raise_for_status()
    with sqlite3.connect(server.data / "queue.db") as db:
        db.execute("UPDATE requests SET created_at = created_at - 100 WHERE family = 'mineru4_upload'")
    db.close()
    kept += [announced(3) for _ in range(4)]
    assert server.client.post("/v1/uploads", json=new).status_code == 429
    left = [server.client.get(f"/v1/uploads/{each['id']}").status_code for each in kept]
    assert left == [200, *[404] * 4, *[200] * 4]
    for each in (kept[0], *kept[5:]):
        server.client.post(f"/v1/uploads/{each['id']}/cancel").raise_for_status()


def test_what_a_worker_wrote_stays_in_its_place(server: LiveServer) -> None:
    """Its JSON is put into an answer as it is: what is none could write the rest of the answer."""
    files, query = {"files": ("p.pdf", PAGE)}, {"output_formats": ["markdown", "middle_json"]}
    job = server.client.post("/v1/tasks", params=query, files=files).json()
    told = server.client.post("/v1/convert/file/async", files=files, data={"to_formats": "json"}).json()
    paths = f"/v1/tasks/{job['task_id']}/result", f"/v1/result/{told['task_id']}"
    for path in paths:
        while (answer := server.client.get(path)).status_code in (202, 404):
            server._pause()
        assert answer.status_code == 200, answer.text
    newest = server.client.get("/api/v1/tasks").json()["tasks"][:2]
    folders = [server.data / "tasks" / each["id"] / "result" for each in newest]
    places = [path for each in folders for path in (each / "middle.json", *each.glob("exports/*.json"))]
    for written in (b'{}}}], "status": "completed", "x": [{"a": {"b": {', b'"', b'"\xff"', b"[" * 300):
        for place in places:
            place.unlink()
            place.write_bytes(written)
        for path in paths:
            answer = server.client.get(path)
            assert answer.status_code == 500 and "damaged" in sentence(answer), answer.text


IDS = ["x", "%2e%2e%2f%2e%2e%2fqueue.db", "' OR 1=1 --", "0" * 5000, "%00", "job_", "upload_", "名"]


@pytest.mark.parametrize("made_up", IDS, ids=range(len(IDS)))
def test_an_id_that_is_none_is_not_found(server: LiveServer, made_up: str) -> None:
    paths = ("/tasks/{}", "/tasks/{}/result", "/v1/uploads/{}", "/v1/parse/jobs/{}", "/v1/files/{}")
    paths += ("/v1/files/{}/content", "/v1/tasks/{}", "/v1/tasks/{}/result", "/v1/models/{}", "/v1/{}")
    for path in paths:
        answer = server.client.get(path.format(made_up))
        assert answer.status_code in (404, 414) and sentence(answer), (path, answer.text)


# ---------------------------------------------------------------- clients that leave


def test_a_client_that_leaves_loses_nothing(server: LiveServer) -> None:
    document = text_pdf(40, seed=int.from_bytes(os.urandom(3)))
    request = server.client.build_request("POST", "/file_parse", files=[("files", ("gone.pdf", document))])
    body = request.read()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        head = (
            f"POST /file_parse HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: {len(body)}\r\n"
        )
        kind = f"Content-Type: {request.headers['content-type']}\r\n\r\n"
        connection.sendall((head + kind).encode() + body)
        found: list[dict[str, Any]] = []
        while not found:
            found = server.client.get("/api/v1/tasks", params={"q": "gone"}).json()["tasks"]
    assert server.end(found[0]["id"])["status"] == "completed"
    assert b"marker" in server.result(found[0]["id"]).lower() or server.result(found[0]["id"])


def test_who_waits_briefly_is_told_that_it_goes_on(server: LiveServer) -> None:
    document = text_pdf(400, seed=5)
    files = [("files", ("slow.pdf", document))]
    answer = server.client.post(
        "/v1/file_parse", params={"wait_timeout": 1, "page_range": "1-400"}, files=files
    )
    if answer.status_code == 202:  # a quick machine has read it
        told = answer.json()
        cancelled = server.client.delete(f"/v1/tasks/{told['task_id']}")
        assert cancelled.json()["status"] == "canceled"
        result = server.client.get(f"/v1/tasks/{told['task_id']}/result")
        assert result.status_code == 409 and "error" not in result.json()
