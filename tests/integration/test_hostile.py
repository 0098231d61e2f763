"""Documents that mean harm, through the real server and out again on every way: nothing in them acts."""

from __future__ import annotations

import io
import json
import os
import signal
import socketserver
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.bombs import BOMBS, with_doctype
from tests.documents import many_pages_pdf, picture, text_pdf
from tests.fuzz.campaign import memory_of
from tests.fuzz.seeds import docx, epub, mhtml, odf, ofd, pptx, relations, xlsx, zipped
from tests.harmless import docx_faults, epub_faults, html_faults, latex_faults
from tests.hostile import MARKUP
from tests.live import ENDED, LiveServer

pytestmark = [pytest.mark.integration, pytest.mark.slow]

#: what is taken from the name of the upload: the title of an export
NAME = '"><img src=x onerror="window.__pwned=80">{{7*7}}'
WAYS = ("markdown", "json", "content_list", "html", "docx", "latex", "epub", "docling", "zip")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, stand_in_weights: Path) -> Iterator[LiveServer]:
    data = tmp_path_factory.mktemp("hostile") / "data"
    flags = ("--worker-memory-limit", "900mb", "--task-timeout", "60s", "--engine", "none")
    with LiveServer(data, *flags, "--model-dir", str(stand_in_weights)) as live:
        assert live.process is not None
        yield live
        assert live.process.poll() is None, "the web process that was started still runs"
        assert memory_of(live.process.pid) < 400 * 2**20
        good = live.end(live.submit("good.pdf", text_pdf(seed=99)))
        assert good["status"] == "completed", "the queue goes on after all of them"
        assert live.leftovers() == []


def ways_out(server: LiveServer, task_id: str) -> dict[str, httpx.Response]:
    """Every form of a result, every page and every file of it."""
    at = f"/api/v1/tasks/{task_id}"
    found = {form: server.client.get(f"{at}/result", params={"format": form}) for form in WAYS}
    found |= {"page": server.client.get(f"{at}/pages/1"), "source": server.client.get(f"{at}/source")}
    drawn = server.client.get(f"{at}/pages/1.png")
    assert drawn.status_code in (200, 404) and drawn.headers["content-type"].startswith(
        ("image/png", "application/json")
    )
    with zipfile.ZipFile(io.BytesIO(found["zip"].content)) as archive:
        pictures = [name for name in archive.namelist() if name.startswith("images/")]
    found |= {name: server.client.get(f"{at}/files/{name}") for name in pictures}
    return found


# ---------------------------------------------------------------- what documents say


@pytest.mark.parametrize("name", MARKUP)
def test_nothing_acts_in_any_way_out(server: LiveServer, name: str) -> None:
    task = server.end(server.submit(NAME + Path(name).suffix, MARKUP[name]()))
    assert task["status"] == "completed", task["error"]
    found = ways_out(server, task["id"])
    assert {way: answer.status_code for way, answer in found.items() if answer.status_code != 200} == {}
    faults = {
        "html": html_faults(found["html"].text),
        "latex": latex_faults(found["latex"].text),
        "epub": epub_faults(found["epub"].content),
        "docx": docx_faults(found["docx"].content),
    }
    assert {way: faults_of for way, faults_of in faults.items() if faults_of} == {}
    assert "pwned" in found["markdown"].text, "the words of the document are there, as words"
    for way, answer in found.items():
        _check_headers(way, answer)


def _check_headers(way: str, answer: httpx.Response) -> None:
    """No browser shows it as a page of this server, whatever it is."""
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff", way
    if way == "page":
        assert headers["content-type"] == "application/json"
        return
    assert "sandbox" in headers["content-security-policy"], way
    assert "default-src 'none'" in headers["content-security-policy"], way
    if not way.startswith("images/"):
        assert headers["content-disposition"].startswith("attachment;"), way


def test_cells_that_begin_like_formulas_stay_words(server: LiveServer) -> None:
    """There is no way out that a spreadsheet would open: no CSV, no XLSX."""
    cells = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "=cmd|' /C calc'!A0")
    data = "\n".join(("a,b", *(f'"{cell}",x' for cell in cells))).encode()
    task = server.end(server.submit("cells.csv", data))
    found = ways_out(server, task["id"])
    with zipfile.ZipFile(io.BytesIO(found["zip"].content)) as archive:
        assert set(archive.namelist()) == {"document.md", "middle.json", "content_list.json"}
    with zipfile.ZipFile(io.BytesIO(found["docx"].content)) as archive:
        body = archive.read("word/document.xml").decode()
    assert "=1+1</w:t>" in body and "instrText" not in body and "fldSimple" not in body
    assert html_faults(found["html"].text) == []


# ---------------------------------------------------------------- bombs and broken files


@pytest.mark.parametrize(("name", "make", "ends"), BOMBS, ids=[row[0] for row in BOMBS])
def test_a_bomb_ends_visibly(
    server: LiveServer, name: str, make: Callable[[], bytes], ends: set[str]
) -> None:
    task = server.end(server.submit(name, make()))
    assert (task["error"]["code"] if task["error"] else task["status"]) in ends
    assert server.client.get("/health").status_code == 200
    deadline = time.monotonic() + 10  # the worker's own folders go a moment after the answer
    while server.leftovers() and time.monotonic() < deadline:
        os.sched_yield()
    assert server.leftovers() == []
    server.client.delete(f"/api/v1/tasks/{task['id']}")


def test_ten_thousand_pages_by_range(server: LiveServer) -> None:
    task = server.end(server.submit("long.pdf", many_pages_pdf(10_000), page_range="2,9999-10000"))
    assert (task["status"], task["pages_total"], task["source_pages"]) == ("completed", 3, 10_000)


# ---------------------------------------------------------------- what lies elsewhere


class _Listener(socketserver.ThreadingTCPServer):
    """Counts who connects."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Note)


class _Note(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Listener)
        self.server.asked.append(self.request.recv(200))
        self.request.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: image/png\r\n\r\n" + picture())


@pytest.fixture
def listener() -> Iterator[_Listener]:
    with _Listener() as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


def _fetching(web: str, secret: Path) -> dict[str, bytes]:
    """Documents that ask for an address of the web, and for a file of this machine."""
    file, found = secret.as_uri(), dict[str, bytes]()
    drawing = (
        '<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/'
        'wordprocessingDrawing"><wp:extent cx="9" cy="9"/><a:graphic xmlns:a="http://schemas.openxmlformats.org/'
        'drawingml/2006/main"><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture">'
        '<pic:pic xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:blipFill>'
        '<a:blip r:link="rId{0}" r:embed="rId{0}"/></pic:blipFill></pic:pic></a:graphicData></a:graphic>'
        "</wp:inline></w:drawing></w:r></w:p>"
    )
    targets = (("image", f"{web}/1.png"), ("image", file), ("attachedTemplate", f"{web}/2.dotm"))
    words = "<w:p><w:r><w:t>Words</w:t></w:r></w:p>"
    found["links.docx"] = docx(
        words + drawing.format(1) + drawing.format(2), relations(*targets, external=True)
    )
    markup = (
        f'<p>Words</p><img src="{web}/3.png"><img src="{file}"><img src="../../../../{secret}">'
        f'<img src="document.html"><iframe src="{file}"></iframe><object data="{web}/4"></object>'
        f'<link rel="stylesheet" href="{web}/5.css"><style>@import "{web}/6.css";</style>'
        f'<script src="{web}/7.js"></script><video poster="{web}/8.png" src="{web}/9.mp4"></video>'
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" href="{file}"/>'
    )
    page = f'<html><head><base href="{web}/"></head><body>{markup}</body></html>'.encode()
    found |= {"links.html": page, "links.mhtml": mhtml(page)}
    inside = f'<p>Words</p><img src="{web}/10.png" alt=""/><img src="{file}" alt=""/>'
    found["links.epub"] = epub(f'{inside}<img src="../../../../..{secret}" alt=""/>')
    frame = '<text:p><draw:frame><draw:image xlink:href="{}"/></draw:frame></text:p>'
    found["links.odt"] = odf("text", "".join(map(frame.format, (f"{web}/11.png", file, f"../../..{secret}"))))
    fields = "".join(
        rf'{{\field{{\*\fldinst INCLUDEPICTURE "{at}"}}{{\fldrslt }}}}' for at in (f"{web}/12", file)
    )
    found["links.rtf"] = ("{\\rtf1 Words" + fields + "}").encode()
    sources = {"sheet.xlsx": (xlsx(), "xl/worksheets/sheet1.xml"), "page.docx": (docx(), "word/document.xml")}
    sources |= {"page.odt": (odf("text"), "content.xml"), "page.epub": (epub(), "c.xhtml")}
    sources |= {"page.pptx": (pptx(), "ppt/slides/slide1.xml"), "page.ofd": (ofd(), "OFD.xml")}
    for number, at in enumerate((f"{web}/13", file)):
        doctype = f'<?xml version="1.0"?><!DOCTYPE a SYSTEM "{at}.dtd" [<!ENTITY e SYSTEM "{at}">]>'
        for name, (data, member) in sources.items():
            found[f"{number}-{name}"] = with_doctype(data, member, doctype, "&e;")
    return found


def test_nothing_elsewhere_is_asked_or_read(server: LiveServer, listener: _Listener, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the-canary-sings")
    web = f"http://127.0.0.1:{listener.server_address[1]}"
    documents = _fetching(web, secret)
    tasks = {name: server.submit(name, data) for name, data in documents.items()}
    completed = 0
    for name, task_id in tasks.items():
        task = server.end(task_id)
        code = task["error"]["code"] if task["error"] else ""
        assert task["status"] == "completed" or code in ("file_corrupt", "file_type_unsupported"), (
            name,
            code,
        )
        if task["status"] == "completed":
            completed += 1
            found = ways_out(server, task_id)
            assert not [way for way, answer in found.items() if b"canary-sings" in answer.content], name
            assert not [way for way in found if way.startswith("images/")], name
            assert html_faults(found["html"].text) == [], name
            assert epub_faults(found["epub"].content) == [], name
            assert docx_faults(found["docx"].content) == [], name
    assert listener.asked == []
    assert completed >= 6, "those that were read are more than those that were refused"


def test_archives_write_nothing_outside(server: LiveServer, tmp_path: Path) -> None:
    """Members that climb, that are absolute, and links: no file appears but our own."""
    climbing = {f"{'../' * 12}{tmp_path}/climbed.xml": b"<a/>", f"{tmp_path}/absolute.xml": b"<a/>"}
    climbing |= {"..\\..\\back.xml": b"<a/>", "word/../../sideways.xml": b"<a/>"}
    makers = {
        "docx": docx(),
        "xlsx": xlsx(),
        "pptx": pptx(),
        "epub": epub(),
        "odt": odf("text"),
        "ofd": ofd(),
    }
    for suffix, data in makers.items():
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        link = zipfile.ZipInfo("word/media/link.png")
        link.external_attr = 0o120777 << 16
        out = io.BytesIO(zipped(parts | climbing))
        with zipfile.ZipFile(out, "a") as archive:
            archive.writestr(link, "/etc/passwd")
        task = server.end(server.submit(f"climb.{suffix}", out.getvalue()))
        code = task["error"]["code"] if task["error"] else ""
        assert task["status"] == "completed" or code in ("file_corrupt", "file_type_unsupported"), suffix
        if not code:
            found = ways_out(server, task["id"])
            assert not [way for way, answer in found.items() if b"root:" in answer.content], suffix
    assert [path.name for path in tmp_path.rglob("*")] == []
    assert not [path for name in ("back", "sideways") for path in server.data.parent.rglob(f"*{name}*")]


@pytest.mark.parametrize(
    "number", ["9" * 30, "9" * 300, "9" * 3000, "-" + "9" * 300, "0x1", "1e9", "١", "%00"]
)
def test_page_numbers_that_are_none(server: LiveServer, number: str) -> None:
    task = server.end(server.submit("one.pdf", text_pdf()))
    for way in (f"pages/{number}", f"pages/{number}.png", f"pages/1.png?width={number}"):
        answer = server.client.get(f"/api/v1/tasks/{task['id']}/{way}")
        assert answer.status_code in (404, 422) and answer.json()["error"]["code"], (way, answer.text)


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    "raw",
    [
        b"nul\0in.pdf",
        b"CON.pdf",
        b"-rf.pdf",
        b".htaccess.pdf",
        b"a;b=c.pdf",
        b"back\\\\slash.pdf",
        b"tab\tin.pdf",
        b"\xff\xfe\xfa.pdf",
        "\u2028line\u2029.pdf".encode(),
        ("😀" * 300 + ".pdf").encode(),
        b"%0d%0aset-cookie: a=b.pdf",
        b"\x1b[31mred.pdf",
        b"'; drop table tasks; --.pdf",
        b"$(touch /tmp/pwned).pdf",
        "اسم.pdf".encode(),
        b"utf-8''x%22.pdf",
    ],
)
def test_odd_names_are_only_shown(server: LiveServer, raw: bytes) -> None:
    head = b'--frontier\r\nContent-Disposition: form-data; name="files"; filename="' + raw + b'"\r\n\r\n'
    body = head + text_pdf() + b"\r\n--frontier--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=frontier"}
    answer = server.client.post("/api/v1/tasks", content=body, headers=headers)
    assert answer.status_code == 201, answer.text
    task = server.end(answer.json()["tasks"][0]["id"])
    assert task["status"] == "completed"
    assert 0 < len(task["name"]) <= 200 and task["name"].isprintable() and "/" not in task["name"]
    for way in ("result", "source", "result?format=zip", "result?format=epub"):
        found = server.client.get(f"/api/v1/tasks/{task['id']}/{way}")
        told = found.headers["content-disposition"]
        assert found.status_code == 200 and "set-cookie" not in found.headers
        assert told.isascii() and told.startswith("attachment; filename=") and told.count('"') == 2
    page = server.client.get(f"/api/v1/tasks/{task['id']}/result", params={"format": "html"}).text
    assert html_faults(page) == []


# ---------------------------------------------------------------- a worker that crashes


def _workers(server: LiveServer) -> list[int]:
    assert server.process is not None
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"gradio_app.workers.main" in _command(int(child))]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _crash_until_ended(server: LiveServer, task_id: str) -> dict[str, Any]:
    """SIGSEGV to every worker, as a library that crashes on this document again and again would."""
    deadline = time.monotonic() + 120
    while (task := server.task(task_id))["status"] not in ENDED and time.monotonic() < deadline:
        for pid in _workers(server) if task["status"] == "processing" else ():
            try:
                os.kill(pid, signal.SIGSEGV)
            except ProcessLookupError:
                continue
    return task


def test_a_document_that_always_crashes_its_worker_is_told_so(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data", "--workers", "1") as server:
        task = _crash_until_ended(server, server.submit("crash.pdf", text_pdf(40)))
        assert (task["status"], task["error"]["code"]) == ("failed", "worker_crashed")
        assert "Traceback" not in json.dumps(task)
        good = server.end(server.submit("good.pdf", text_pdf(1, seed=1)))
        assert good["status"] == "completed"
        again = server.client.post(f"/api/v1/tasks/{task['id']}/retry")
        assert again.status_code == 200
        assert server.end(task["id"])["status"] == "completed", "the same document, when nothing crashes"
        assert server.leftovers() == []


def test_one_crash_costs_a_document_nothing(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data", "--workers", "1") as server:
        task_id = server.submit("once.pdf", text_pdf(64))
        deadline = time.monotonic() + 60
        while server.task(task_id)["status"] != "processing" and time.monotonic() < deadline:
            os.sched_yield()
        for pid in _workers(server):
            os.kill(pid, signal.SIGSEGV)
        task = server.end(task_id)
        assert (task["status"], task["error"]) == ("completed", None)
        assert server.leftovers() == []
