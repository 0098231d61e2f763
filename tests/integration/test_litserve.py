"""The service without a queue: real LitServe on the processor, two workers, real documents."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from gradio_app.commands.api import client
from tests.chaos.processes import workers
from tests.documents import encrypted_pdf, paper_pdf, text_pdf, word
from tests.live import ROOT, files_beneath, free_port
from tests.unit.parsing.test_containers import packed
from tests.unit.parsing.test_mails import letter

pytestmark = pytest.mark.integration

KEY = "a key for the service"
#: a name that the service may be called by
HOST = "papers.example"


class Service:
    """A service on a port of its own, and short ways to ask it."""

    def __init__(self, folder: Path, *flags: str, key: str = "", hosts: str = "") -> None:
        self.port, self.folder, self.log = free_port(), folder, folder / "log"
        folder.mkdir(parents=True, exist_ok=True)
        self.flags = [
            "--port",
            str(self.port),
            "--data-dir",
            str(folder / "data"),
            "--accelerator",
            "cpu",
            *flags,
        ]
        more = {"MINERU_APP_API_KEY": key, "MINERU_APP_ALLOWED_HOSTS": hosts}
        self.env = {**os.environ, **{name: text for name, text in more.items() if text}}
        headers = {"X-API-Key": key} if key else {}
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=90, headers=headers)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gradio_app", "api", *self.flags],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline, pause = time.monotonic() + 120, threading.Event().wait
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.client.get("/health").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            pause(0.1)
        raise AssertionError(self.log.read_text()[-3000:])

    def stop(self) -> None:
        """SIGTERM, and what is left of it after that."""
        self.client.close()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            finally:
                if self.process.poll() is None:
                    os.killpg(self.process.pid, signal.SIGKILL)
            deadline, pause = time.monotonic() + 10, threading.Event().wait
            while any(self._is_of(one) for one in psutil.process_iter(["cmdline", "status"])):
                assert time.monotonic() < deadline, "processes are left"
                pause(0.05)

    def _is_of(self, process: psutil.Process) -> bool:
        told = " ".join(process.info["cmdline"] or ())
        return process.info["status"] != psutil.STATUS_ZOMBIE and str(self.folder / "data") in told

    def predict(self, data: bytes, **options: Any) -> httpx.Response:
        body = {"file": base64.b64encode(data).decode(), "options": options}
        return self.client.post("/predict", json=body)


@contextmanager
def running(folder: Path, *flags: str, key: str = "", hosts: str = "") -> Iterator[Service]:
    service = Service(folder, *flags, key=key, hosts=hosts)
    try:
        service.start()
        yield service
    finally:
        service.stop()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("lit"), "--workers-per-device", "2", key=KEY, hosts=HOST) as found:
        yield found


def files_of(answer: dict[str, Any]) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(base64.b64decode(answer["archive"]))).namelist())


def left(service: Service) -> list[str]:
    """Files of documents that were read."""
    found = [*service.folder.glob("data/api/*/tasks/*"), *service.folder.glob("data/api/*/tmp/*")]
    return [str(path) for path in (*found, *service.folder.glob("data/api/*/sources/*"))]


def test_a_document_comes_back_with_everything(service: Service) -> None:
    answer = service.predict(paper_pdf(3), tier="flash", name="paper.pdf")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert "marker 3" in told["markdown"] and told["pages"] == 3 and told["tier"] == "flash"
    assert {block["page_idx"] for block in told["content_list"]} == {0, 1, 2}
    assert {"document.md", "middle.json", "content_list.json"} <= files_of(told)
    assert any(name.startswith("images/") for name in files_of(told))
    assert left(service) == []


def test_in_parts_and_as_older_clients_ask(service: Service) -> None:
    old = {"backend": "flash", "method": "txt", "lang": "en", "start_page_id": 0, "end_page_id": 69}
    told = service.predict(text_pdf(90), **old).json()
    assert told["pages"] == 70 and "marker 70" in told["markdown"] and "marker 71" not in told["markdown"]
    unused = {"code": "option_without_effect", "pages": "", "message": "lang has no effect."}
    assert told["notes"] == [unused]
    assert service.predict(word(), name="letter.docx", archive=False).json()["archive"] is None
    told = service.predict(text_pdf(1), backend="pipeline").json()
    assert told["tier"] == "basic" and "marker 1" in told["markdown"]
    assert left(service) == []


def test_an_archive_is_refused_and_a_mail_is_read_without_what_is_attached(service: Service) -> None:
    refused = service.predict(packed({"a.txt": b"Alpha"}), name="box.zip").json()["error"]
    assert refused["code"] == "file_type_unsupported" and "gradio mode" in refused["message"]
    mail = letter()
    mail.add_attachment(text_pdf(), "application", "pdf", filename="paper.pdf")
    told = service.predict(mail.as_bytes(), name="mail.eml").json()
    assert "The plain text." in told["markdown"] and "paper.pdf" in told["notes"][0]["message"]


def test_two_at_once(service: Service) -> None:
    with ThreadPoolExecutor(6) as several:
        answers = list(several.map(lambda seed: service.predict(text_pdf(2, seed=seed)), range(6)))
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len({answer.json()["markdown"] for answer in answers}) == 6 and left(service) == []


def test_errors_have_codes(service: Service) -> None:
    for data, options, status, code in (
        (encrypted_pdf(), {}, 422, "file_encrypted"),
        (b"nothing known", {}, 415, "file_type_unsupported"),
        (b"", {}, 422, "file_empty"),
        (text_pdf(1), {"page_range": "9"}, 422, "page_range_invalid"),
        (text_pdf(1), {"tier": "best"}, 422, "option_invalid"),
        (text_pdf(1), {"server_url": "http://169.254.169.254"}, 422, "option_invalid"),
        (text_pdf(1), {"tier": "standard"}, 503, "engine_unavailable"),
    ):
        answer = service.predict(data, **options)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    for body in (b"{", b"[]", b"{}", b'{"file": 7}'):
        answer = service.client.post("/predict", content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "option_invalid"), answer.text
    assert left(service) == []


def test_nobody_without_the_key(service: Service) -> None:
    with httpx.Client(base_url=service.client.base_url) as stranger:
        assert stranger.get("/health").status_code == 200
        for path in ("/predict", "/info", "/docs", "/openapi.json"):
            answer = stranger.get(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized"), path
        assert stranger.get("/info", headers={"Authorization": f"Bearer {KEY}"}).status_code == 200
        assert stranger.get("/info", headers={"X-API-Key": KEY + "x"}).status_code == 401
    assert service.process
    for pid in workers(service.folder / "data/api"):
        assert KEY.encode() not in Path(f"/proc/{pid}/environ").read_bytes()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": f"{HOST}:8000"}, 200),
        ({"Host": "rebound.example"}, 403),
        ({"Host": "papers.example.evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
    ],
)
def test_neither_made_up_names_nor_other_sites(
    service: Service, headers: dict[str, str], status: int
) -> None:
    for path in ("/info", "/health"):
        assert service.client.get(path, headers=headers).status_code == status
    if status == 403:
        for path in ("/predict", "/health"):
            answer = service.client.post(path, content=b"{}", headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def head_of(service: Service, *lines: str, body: bytes = b"") -> bytes:
    """What the service answers to a request whose body does not come, or only its beginning."""
    head = ["POST /predict HTTP/1.1", f"Host: 127.0.0.1:{service.port}", f"X-API-Key: {KEY}", *lines]
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as raw:
        raw.sendall("\r\n".join([*head, "", ""]).encode() + body)
        return b"".join(iter(lambda: raw.recv(4096), b""))  # it closes the connection


def test_a_body_that_is_said_to_be_too_large_is_refused_before_it_comes(service: Service) -> None:
    told = head_of(service, "Content-Type: application/json", "Content-Length: 99000000000")
    assert told.startswith(b"HTTP/1.1 413") and b'"file_too_large"' in told, told


@pytest.mark.slow
def test_a_body_that_grows_too_large_is_refused_on_its_way(tmp_path: Path) -> None:
    with running(tmp_path, hosts=HOST) as service:

        def pieces() -> Iterator[bytes]:
            yield b'{"file": "'
            for _ in range(400):
                yield b"A" * 2**20

        answer = service.client.post("/predict", content=pieces(), headers={"Host": "localhost"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "file_too_large")
        assert service.client.get("/info", headers={"Host": "rebound.example"}).status_code == 403


def test_the_documentation_loads_nothing_from_outside(service: Service) -> None:
    page = service.client.get("/docs")
    assert page.status_code == 200 and "swagger" in page.text
    wanted = re.findall(r"""(?:src|href)=["']([^"']+)|url: '([^']+)""", page.text)
    addresses = [first or second for first, second in wanted]
    assert len(addresses) >= 3
    for address in addresses:
        assert address.startswith("/") and not address.startswith("//"), address
        assert service.client.get(address).status_code == 200, address
    assert service.client.get("/redoc").status_code == 404
    assert "://" not in re.sub(r"http://(127.0.0.1|www.w3.org)", "", page.text)


def test_guesses_are_limited_by_address(service: Service) -> None:
    """One who guesses from another address keeps nobody out (all of 127.0.0.0/8 is this machine)."""
    guesser = httpx.HTTPTransport(local_address="127.0.0.9")
    url = service.client.base_url
    with httpx.Client(base_url=url, transport=guesser, timeout=20) as stranger:
        found = [
            stranger.post("/predict", headers={"X-API-Key": f"guess {number}"}).status_code
            for number in range(30)
        ]
        assert found[:5] == [401] * 5 and found[-1] == 429, found
        answer = stranger.get("/info", headers={"Authorization": f"Bearer {KEY}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "quota_exceeded")
        assert int(answer.headers["Retry-After"]) >= 1
    assert service.client.get("/info").status_code == 200


@pytest.mark.slow
def test_results_are_kept_where_one_says(tmp_path: Path) -> None:
    with running(tmp_path, "--output-dir", str(tmp_path / "out")) as service:
        told = service.predict(paper_pdf(1), name="paper.pdf").json()
        assert told["archive"] is None and Path(told["output_dir"]).parent == tmp_path / "out"
        assert (Path(told["output_dir"]) / "document.md").read_text() == told["markdown"]
        assert (
            json.loads((Path(told["output_dir"]) / "content_list.json").read_text()) == told["content_list"]
        )


def convert(service: Service, source: Path, out: Path, *flags: str) -> subprocess.Popen[str]:
    """The client's command, on its way."""
    url = f"http://127.0.0.1:{service.port}"
    command = [sys.executable, "-m", "gradio_app", "client", str(source), "--server", url, "--json"]
    return subprocess.Popen(
        [*command, "--output", str(out), "--tier", "flash", *flags],
        cwd=ROOT,
        env=service.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def reports(client: subprocess.Popen[str]) -> dict[str, dict[str, Any]]:
    told, said = client.communicate(timeout=240)
    assert told, said
    found = [json.loads(line) for line in told.splitlines()]
    return {Path(report["file"]).name: report for report in found}


@pytest.mark.slow
def test_a_folder_of_a_hundred_survives_a_restart(tmp_path: Path) -> None:
    source, out = tmp_path / "papers", tmp_path / "out"
    for number in range(100):
        path = source / f"year {number % 3}" / f"paper {number}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text_pdf(1 + number % 2, seed=number))
    (source / "year 1" / "locked.pdf").write_bytes(encrypted_pdf())
    (source / "notes.py").write_text("not sent")
    pause = threading.Event().wait
    with running(tmp_path / "service", "--workers-per-device", "2", key=KEY) as service:
        client = convert(service, source, out)
        while sum(path.name == "document.md" for path in files_beneath(out)) < 5:
            assert client.poll() is None
            pause(0.05)
        assert service.process is not None
        os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait(10)
        service.start()
        found = reports(client)
        assert len(found) == 101 and client.returncode == 1
        assert {name for name, report in found.items() if report["status"] != "completed"} == {"locked.pdf"}
        assert found["locked.pdf"]["error"]["code"] == "file_encrypted"
        for number in range(100):
            text = (out / f"year {number % 3}" / f"paper {number}.pdf" / "document.md").read_text()
            assert f"marker {1 + number % 2}" in text
        assert list(out.rglob("*.part")) == []

        (source / "year 0" / "paper 3.pdf").write_bytes(text_pdf(1, seed=999))
        again = reports(convert(service, source, out))
        counts = [
            sum(r["status"] == status for r in again.values())
            for status in ("completed", "skipped", "failed")
        ]
        assert counts == [1, 99, 1] and again["paper 3.pdf"]["status"] == "completed"


def test_results_are_not_mixed(tmp_path: Path) -> None:
    """Neither with what a broken run has left, nor with those of a document of the same name."""
    left, target = tmp_path / "a.pdf.part" / "images" / "old.png", tmp_path / "a.pdf"
    left.parent.mkdir(parents=True)
    left.touch()
    client._write({"markdown": "new", "content_list": []}, target, {"sha256": "1"})
    assert {path.name for path in target.rglob("*")} == {"document.md", "content_list.json", "source.json"}
    for year in ("one", "two"):
        (tmp_path / year).mkdir()
        (tmp_path / year / "b.pdf").write_bytes(text_pdf(1))
    with pytest.raises(SystemExit, match="same place"):
        client.main([str(tmp_path / "one"), str(tmp_path / "two"), "--output", str(tmp_path / "out")])


def test_a_service_that_never_answers_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(text_pdf(1))
    absent = Service(tmp_path / "absent")
    (report,) = reports(convert(absent, tmp_path / "a.pdf", tmp_path / "out", "--patience", "1")).values()
    assert report["status"] == "failed" and report["error"]["code"] == "engine_unavailable"
    assert "does not answer" in report["error"]["message"]


def test_the_example_in_the_documents(service: Service, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "multi-gpu.md").read_text("utf-8")
    example = page.partition("```python\n")[2].partition("```")[0]
    example = example.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{service.port}")
    (tmp_path / "paper.pdf").write_bytes(text_pdf(1))
    done = subprocess.run(
        [sys.executable, "-c", example.replace('key=""', f"key={KEY!r}")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert "marker 1" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--host", "0.0.0.0"], "needs a key"),
        (["--devices", "none"], "auto or a number"),
        (["--workers-per-device", "0"], "invalid choice"),
    ],
)
def test_flags_that_cannot_be(flags: list[str], told: str) -> None:
    command = [sys.executable, "-m", "gradio_app", "api", *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and told in done.stderr
