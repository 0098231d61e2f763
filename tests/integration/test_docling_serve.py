"""docling-serve's routes, by requests of RAGFlow, Open WebUI, LightRAG, Langflow and docling's own client."""

from __future__ import annotations

import base64
import io
import json
import time
import zipfile
from typing import Any

import httpx
import pytest
from docling_core.types.doc import DoclingDocument  # pyright: ignore[reportPrivateImportUsage]
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.documents import encrypted_pdf, paper_pdf, text_pdf
from tests.integration.conftest import KEY
from tests.live import LiveServer

pytestmark = pytest.mark.integration

PAPER = paper_pdf(1, 180)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def begin(server: LiveServer, name: str, data: bytes, **fields: Any) -> str:
    answer = server.client.post("/v1/convert/file/async", files={"files": (name, data)}, data=fields)
    assert answer.status_code == 200, answer.text
    assert answer.json()["task_type"] == "convert"
    return answer.json()["task_id"]


def ended(server: LiveServer, task_id: str) -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        told = server.client.get(f"/v1/status/poll/{task_id}", params={"wait": 5}).json()
        if told["task_status"] in ("success", "failure"):
            return told
    raise AssertionError("it did not end")


# ---------------------------------------------------------------- the clients, by their own requests


def test_ragflow(server: LiveServer) -> None:
    """With chunking first, which is told to have no effect; then as version v1alpha has it."""
    assert server.client.head("/openapi.json").status_code == 200
    options = {"from_formats": ["pdf"], "to_formats": ["json", "md", "text"]}
    chunking = {"do_chunking": True, "chunking_options": {"max_tokens": 512, "overlap": 50}}
    source = {"filename": "ragflow 报告.pdf", "base64_string": encoded(PAPER)}
    body = {"options": {**options, **chunking}, "sources": [{"kind": "file", **source}]}
    answer = server.client.post("/v1/convert/source", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert not {"results", "chunks"} & found.keys(), "no chunks, which RAGFlow would look for there"
    assert "marker 1" in found["document"]["md_content"] and "marker 1" in found["document"]["text_content"]
    assert found["document"]["filename"] == "ragflow 报告.pdf"
    assert found["status"] == "success" and found["errors"] == [] and found["processing_time"] > 0
    assert [note["code"] for note in found["notes"]] == ["option_without_effect"]
    assert "chunking_options" in found["notes"][0]["message"]
    older = server.client.post("/v1alpha/convert/source", json={"options": options, "file_sources": [source]})
    assert older.json()["document"]["md_content"] == found["document"]["md_content"]


def test_open_webui(server: LiveServer) -> None:
    fields = {
        "image_export_mode": "placeholder",
        "do_ocr": "true",
        "ocr_lang": "en,de",
        "pdf_backend": "dlparse_v4",
    }
    answer = server.client.post(
        "/v1/convert/file", files={"files": ("a.pdf", PAPER, "application/pdf")}, data=fields
    )
    assert answer.status_code == 200, answer.text
    text = answer.json()["document"]["md_content"]
    assert "marker 1" in text and "<!-- image -->" in text and "data:image" not in text
    assert answer.json()["document"]["json_content"] is None


def test_lightrag(server: LiveServer) -> None:
    fields = {
        "pipeline": "standard",
        "target_type": "zip",
        "image_export_mode": "referenced",
        "do_ocr": "true",
        "force_ocr": "false",
        "ocr_engine": "auto",
        "to_formats": ["json", "md"],
    }
    task_id = begin(server, "light rag.pdf", PAPER, **fields)
    assert ended(server, task_id)["task_status"] == "success"
    answer = server.client.get(f"/v1/result/{task_id}")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        names = found.namelist()
        assert {"light rag.json", "light rag.md"} < set(names)
        document = DoclingDocument.model_validate_json(found.read("light rag.json"))
        pictures = [str(item.image.uri) for item in document.pictures if item.image]
        assert pictures and set(pictures) <= set(names)
        for name in pictures:
            assert found.read(name)
    assert len(document.tables) == 1 and document.tables[0].data.num_cols == 2
    assert document.pages[1].size.width == pytest.approx(595, abs=1)


def test_langflow(server: LiveServer) -> None:
    body = {
        "sources": [{"kind": "file", "filename": "flow.pdf", "base64_string": encoded(PAPER)}],
        "options": {"to_formats": ["json"], "image_export_mode": "embedded"},
    }
    answer = server.client.post("/v1/convert/source/async", json=body)
    assert answer.status_code == 200, answer.text
    task_id = answer.json()["task_id"]
    assert ended(server, task_id)["task_status"] == "success"
    content = server.client.get(f"/v1/result/{task_id}").json()["document"]["json_content"]
    document = DoclingDocument.model_validate(content)
    assert document.origin and document.origin.filename == "flow.pdf"
    assert any(str(item.image.uri).startswith("data:image/") for item in document.pictures if item.image)


def test_docling_client(server: LiveServer) -> None:
    """A presigned address is tried first and given up by the words of the answer; then a socket tells."""
    form = {"to_formats": ["json"], "target_type": "presigned_url"}
    refused = server.client.post("/v1/convert/file/async", files={"files": ("c.pdf", PAPER)}, data=form)
    assert refused.status_code == 422
    assert "artifact storage to be configured" in refused.json()["detail"]
    task_id = begin(
        server, "c.pdf", text_pdf(1, 181), to_formats="json", target_type="inbody", page_range=["1", "1"]
    )
    told: list[dict[str, Any]] = []
    with connect(f"ws://127.0.0.1:{server.port}/v1/status/ws/{task_id}") as socket:
        while True:
            try:
                told.append(json.loads(socket.recv(timeout=60)))
            except ConnectionClosed:
                break
            if told[-1]["message"] == "update" and told[-1]["task"]["task_status"] != "success":
                socket.send("next")
    assert told[0]["message"] == "connection"
    assert {each["message"] for each in told[1:]} == {"update"}
    assert [each["task"]["task_status"] for each in told][-1] == "success"
    assert told[-1]["task"]["task_meta"]["num_succeeded"] == 1
    assert server.client.get(f"/v1/result/{task_id}").json()["document"]["json_content"]["name"] == "c"
    assert server.client.get("/version").json()["docling-serve"]
    assert server.client.get("/health").json()["status"] == "healthy"


def test_a_socket_hears_of_changes_and_not_of_other_pages(server: LiveServer) -> None:
    server.client.post("/api/v1/queue/pause")
    try:
        task_id = begin(server, "s.pdf", text_pdf(2, 185))
        address = f"ws://127.0.0.1:{server.port}/v1/status/ws/{task_id}"
        with pytest.raises(InvalidStatus), connect(address, origin=Origin("https://evil.example")):
            pass
        with connect(address) as socket:
            first, second = (json.loads(socket.recv(timeout=30)) for _ in range(2))
            assert [first["message"], second["message"]] == ["connection", "update"]
            for _ in range(3):
                socket.send("next")
            server.client.post("/api/v1/queue/resume")
            told = [json.loads(message) for message in socket]
        assert told[-1]["task"]["task_status"] == "success" and len(told) < 20
    finally:
        server.client.post("/api/v1/queue/resume")


def test_a_socket_of_an_unknown_task_says_so(server: LiveServer) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/v1/status/ws/none") as socket:
        assert json.loads(socket.recv(timeout=30))["error"] == "Task not found."
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=30)


# ---------------------------------------------------------------- several files, formats, pages


def test_several_files_come_as_one_zip(server: LiveServer) -> None:
    sources = [
        {"kind": "file", "filename": "x/one.html", "base64_string": encoded(b"<p>first</p>")},
        {"kind": "file", "filename": "one.html", "base64_string": encoded(b"<p>second</p>")},
        {"kind": "file", "filename": "bad.pdf", "base64_string": encoded(b"%PDF-1.4 no")},
    ]
    options = {"to_formats": ["md", "html", "doctags", "text"]}
    answer = server.client.post("/v1/convert/source", json={"sources": sources, "options": options})
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        texts = {name: found.read(name).decode() for name in found.namelist()}
    ends = ("md", "html", "doctags", "txt")
    assert set(texts) == {*(f"{stem}.{end}" for stem in ("one", "one (2)") for end in ends), "bad_notes.json"}
    assert "first" in texts["one.md"] and "second" in texts["one (2).md"]
    assert "<text>first</text>" in texts["one.doctags"]
    assert "damaged" in json.loads(texts["bad_notes.json"])[0]["error_message"]


def test_a_range_of_pages(server: LiveServer) -> None:
    form = {"page_range": ["2", "9223372036854775807"]}
    answer = server.client.post("/v1/convert/file", files={"files": ("p.pdf", text_pdf(3, 182))}, data=form)
    text = answer.json()["document"]["md_content"]
    assert "marker 1 " not in text and "marker 2 " in text and "marker 3 " in text


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"sources": []}, 422, "No source"),
        ({"sources": [{"kind": "s3", "bucket": "x"}]}, 422, "of kind file"),
        ({"sources": [{"kind": "file", "filename": "a.pdf"}]}, 422, "base64_string"),
        ({"sources": [{"kind": "file", "filename": "a.pdf", "base64_string": 7}]}, 422, "base64_string"),
        ({"sources": [{"kind": "file", "filename": "a.pdf", "base64_string": "%%%"}]}, 422, "no base64"),
        ({"sources": [{"kind": "file", "filename": "a.pdf", "base64_string": ""}]}, 422, "empty"),
        ({"sources": [{"kind": "http", "url": "http://example.org/"}]}, 403, "fetch_addresses"),
        ({"sources": [{"kind": "file", "base64_string": "eA=="}] * 6}, 413, "files"),
        ({"sources": 7, "options": []}, 422, "No source"),
        ([], 422, "no JSON object"),
        ({"x": "y" * 2**20}, 422, "too long"),
        ({"sources": [{"kind": "file", "base64_string": "eHh4" * 3 * 2**20}]}, 413, "larger"),
        (
            {"sources": [{"kind": "file", "filename": "a.bin", "base64_string": "AAECAw=="}]},
            415,
            "cannot be converted",
        ),
    ],
)
def test_bodies_that_are_refused(server: LiveServer, body: Any, status: int, words: str) -> None:
    answer = server.client.post("/v1/convert/source", json=body)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"] and "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"to_formats": "exe"}, "Formats are"),
        ({"to_formats": "[nothing"}, "no JSON"),
        ({"image_export_mode": "elsewhere"}, "image_export_mode"),
        ({"page_range": "7"}, "two numbers"),
        ({"page_range": ["3", "2"]}, "backwards"),
        ({"do_ocr": "perhaps"}, "true or false"),
        ({"target_type": "s3"}, "inbody or zip"),
        ({"tier": "best"}, "tier"),
    ],
)
def test_options_that_are_refused(server: LiveServer, fields: dict[str, Any], words: str) -> None:
    answer = server.client.post("/v1/convert/file", files={"files": ("a.pdf", PAPER)}, data=fields)
    assert answer.status_code == 422, answer.text
    assert words in answer.json()["detail"]


def test_documents_that_cannot_be_read(server: LiveServer) -> None:
    for name, data, status in (("e.pdf", encrypted_pdf(), 422), ("d.pdf", b"%PDF-1.4 nothing", 422)):
        answer = server.client.post("/v1/convert/file", files={"files": (name, data)})
        assert answer.status_code == status and isinstance(answer.json()["detail"], str)
        task_id = begin(server, name, data)
        told = ended(server, task_id)
        assert told["task_status"] == "failure" and told["error_message"] == answer.json()["detail"]
        assert server.client.get(f"/v1/result/{task_id}").json()["detail"] == answer.json()["detail"]


def test_no_result_before_the_end_and_none_after_a_cancel(server: LiveServer) -> None:
    server.client.post("/api/v1/queue/pause")
    try:
        task_id = begin(server, "w.pdf", text_pdf(2, 183))
        early = server.client.get(f"/v1/result/{task_id}")
        assert early.status_code == 404 and "Task result not found" in early.json()["detail"]
        waited = server.client.get(f"/v1/status/poll/{task_id}", params={"wait": 0.2}).json()
        assert waited["task_status"] == "pending"
        listed = server.client.get("/api/v1/tasks", params={"q": "w.pdf"}).json()["tasks"]
        server.client.post(f"/api/v1/tasks/{listed[0]['id']}/cancel")
        assert ended(server, task_id)["task_status"] == "failure"
        assert server.client.get(f"/v1/result/{task_id}").status_code == 409
        server.client.delete(f"/api/v1/tasks/{listed[0]['id']}")
        assert server.client.get(f"/v1/status/poll/{task_id}").status_code == 404
    finally:
        server.client.post("/api/v1/queue/resume")


def test_a_client_that_goes_away_costs_nothing(server: LiveServer) -> None:
    server.client.post("/api/v1/queue/pause")
    try:
        with pytest.raises(httpx.ReadTimeout):
            server.client.post("/v1/convert/file", files={"files": ("gone.pdf", text_pdf(1, 184))}, timeout=1)
        (task,) = server.client.get("/api/v1/tasks", params={"q": "gone.pdf"}).json()["tasks"]
    finally:
        server.client.post("/api/v1/queue/resume")
    assert server.end(task["id"])["status"] == "completed"


def test_nobody_sees_requests_of_others(house: LiveServer) -> None:
    task_id = begin(house, "mine.html", b"<p>mine</p>")
    assert ended(house, task_id)["task_status"] == "success"
    with house.asked_with(KEY + "bob") as bob:
        for path in (f"/v1/result/{task_id}", f"/v1/status/poll/{task_id}", f"/v1alpha/result/{task_id}"):
            assert bob.client.get(path).status_code == 404
    address = f"ws://127.0.0.1:{house.port}/v1/status/ws/{task_id}"
    with connect(address, additional_headers={"X-Api-Key": KEY + "bob"}) as socket:
        assert json.loads(socket.recv(timeout=30))["error"] == "Task not found."
    with connect(address, additional_headers={"X-Api-Key": KEY + "alice"}) as socket:
        assert json.loads(socket.recv(timeout=30))["task"]["task_status"] == "success"
    for refused in ({}, {"Origin": "https://evil.example", "Cookie": "x=y"}):
        with pytest.raises(InvalidStatus), connect(address, additional_headers=refused):
            pass
    assert httpx.get(f"{house.url}/v1/result/{task_id}").status_code == 401
    assert isinstance(httpx.get(f"{house.url}/v1/result/{task_id}").json()["detail"], str)


def test_nothing_is_left_of_refused_requests(server: LiveServer) -> None:
    assert server.leftovers() == []
