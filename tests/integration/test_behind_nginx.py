"""The nginx of the documents, for real: TLS, a path of its own, sign-in, uploads, events, gradio_client."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file

from gradio_app.web.auth.users import User, write
from tests.documents import text_pdf
from tests.live import ROOT, LiveServer, free_port

pytestmark = pytest.mark.integration

NAME = "papers.example.org"
EXAMPLE = ROOT / "docs" / "examples" / "nginx.conf"
#: seconds after which those who send nothing are cut off here
SLOW = 1
ALICE = base64.b64encode(b"alice:wonderland").decode()


@dataclass(frozen=True, slots=True)
class Front:
    """What a person sees: an address with TLS, ``plain`` without. ``certificate`` is what it is known by."""

    url: str
    plain: str
    certificate: Path
    server: LiveServer

    def browser(self, auth: tuple[str, str] | None = None) -> httpx.Client:
        context = ssl.create_default_context(cafile=str(self.certificate))
        # the name leads to this machine, as a DNS entry would
        transport = httpx.HTTPTransport(verify=context)
        return httpx.Client(base_url=self.url, transport=transport, auth=auth, timeout=70)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder, port, plain = tmp_path_factory.mktemp("nginx"), free_port(), free_port()
    write(folder / "users.txt", {"alice": User("alice", "wonderland")})
    make_certificate(folder)
    flags = (
        "--users",
        str(folder / "users.txt"),
        "--root-path",
        "/mineru",
        "--allowed-hosts",
        f"{NAME},localhost",
        "--trusted-proxies",
        "127.0.0.1",
    )
    with LiveServer(folder / "data", *flags) as server:
        nginx = start_nginx(folder, port, plain, server.port)
        try:
            plainly = f"http://localhost:{plain}/mineru"
            yield Front(f"https://localhost:{port}/mineru", plainly, folder / "papers.pem", server)
        finally:
            nginx.send_signal(signal.SIGQUIT)
            nginx.wait(20)


def make_certificate(folder: Path) -> None:
    names = f"subjectAltName=DNS:{NAME},DNS:localhost"
    key = ["-newkey", "rsa:2048", "-nodes", "-keyout", "papers.key", "-out", "papers.pem", "-days", "2"]
    command = ["openssl", "req", "-x509", *key, "-subj", f"/CN={NAME}", "-addext", names]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def start_nginx(folder: Path, port: int, plain: int, behind: int) -> subprocess.Popen[bytes]:
    """nginx with the example of the documents; only ports, places and the patience with the slow differ."""
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    assert program, "This test needs nginx: make test-tools (Debian: apt install nginx-light)."
    example = EXAMPLE.read_text("utf-8")
    for theirs, ours in (
        ("listen 80", f"listen 127.0.0.1:{plain}"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        (f"server_name {NAME};\n    ssl", f"server_name {NAME} localhost;\n    ssl"),
        ("client_header_timeout 15s", f"client_header_timeout {SLOW}s"),
        ("client_body_timeout 30s", f"client_body_timeout {SLOW}s"),
        ("http://127.0.0.1:7860", f"http://127.0.0.1:{behind}"),
        ("/etc/ssl/certs/papers.pem", str(folder / "papers.pem")),
        ("/etc/ssl/private/papers.key", str(folder / "papers.key")),
    ):
        assert example.count(theirs) == 1, theirs
        example = example.replace(theirs, ours)
    temporary = "".join(
        f"{kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"daemon off; pid {folder}/pid; events {{}} http {{ access_log off; {temporary}\n{example}\n}}"
    (folder / "nginx.conf").write_text(whole)
    command = [program, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with httpx.Client(verify=ssl.create_default_context(cafile=str(folder / "papers.pem"))) as client:
                client.get(f"https://localhost:{port}/mineru/health")
            return process
        except httpx.TransportError:
            time.sleep(0.05)
    process.kill()
    raise AssertionError(f"nginx did not start: {(folder / 'error.log').read_text()}")


def test_people_sign_in_and_stay_on_tls(front: Front) -> None:
    with front.browser() as browser:
        page = browser.get("/", headers={"accept": "text/html"})
        assert page.status_code == 401 and 'action="/mineru/login"' in page.text
        assert "max-age" in page.headers["strict-transport-security"]
        origin = {"origin": front.url.removesuffix("/mineru"), "accept": "text/html"}
        done = browser.post("/login", data={"username": "alice", "password": "wonderland"}, headers=origin)
        assert done.status_code == 303 and done.headers["location"] == "/mineru/"
        cookie = done.headers["set-cookie"]
        assert "; Secure" in cookie and "; Path=/mineru; " in cookie
        page = browser.get("/", headers={"accept": "text/html"})
        assert page.status_code == 200
        assert set(re.findall(r"http://[\w.:-]+", page.text)) <= {
            "http://www.w3.org",
            "http://HOST",
        }  # the latter in a description
        config = browser.get("/config").json()
        assert config["root"] == front.url
        assert browser.get("/page/bar.js").status_code == 200 and browser.get("/docs").status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.test"}, 403),
        ({"origin": "https://evil.test", "x-forwarded-host": "evil.test"}, 403),
        ({"host": "evil.test"}, 403),
        ({"host": NAME}, 200),
    ],
)
def test_strangers_stay_strangers(front: Front, headers: dict[str, str], status: int) -> None:
    with front.browser() as browser:
        browser.post("/login", data={"username": "alice", "password": "wonderland"})
        assert browser.get("/api/v1/queue", headers=headers).status_code == status


def test_a_program_elsewhere_comes_with_a_key_of_its_own(front: Front) -> None:
    with front.browser(("alice", "wonderland")) as program:
        answer = program.get("/api/v1/queue", headers={"origin": "app://papers"})
        assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == "*"
        asks = {"access-control-request-method": "GET", "origin": "app://papers"}
        assert program.options("/api/v1/queue", headers=asks).status_code == 204


def test_documents_go_in_and_events_come_out_at_once(front: Front) -> None:
    with front.browser(("alice", "wonderland")) as browser, browser.stream("GET", "/api/v1/events") as events:
        lines = events.iter_lines()
        answer = browser.post("/api/v1/tasks", files=[("files", ("a.pdf", text_pdf(2)))])
        task_id = answer.json()["tasks"][0]["id"]
        for line in lines:
            if line.startswith("data: ") and any(
                task["id"] == task_id and task["status"] == "completed"
                for task in json.loads(line[6:])["tasks"]
            ):
                break
        assert "marker 2" in browser.get(f"/api/v1/tasks/{task_id}/result").text
        too_large = browser.post("/api/v1/tasks", files=[("files", ("b.pdf", b"%PDF" + b"x" * (201 << 20)))])
        assert too_large.status_code == 413 and too_large.json()["error"]["code"] == "file_too_large"


def test_gradio_client_comes_through(front: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(front.certificate))  # as a certificate of the system would be
    (tmp_path / "a.pdf").write_bytes(text_pdf(1, seed=3))
    client = Client(
        front.url,
        auth=("alice", "wonderland"),
        verbose=False,
        download_files=tmp_path,
    )
    markdown, archive = client.predict(handle_file(tmp_path / "a.pdf"), api_name="/convert")
    assert "marker 1" in markdown and Path(archive).stat().st_size > 100


def test_the_log_has_the_address_that_people_come_from(front: Front) -> None:
    with front.browser(("alice", "wrong")) as browser:
        assert browser.get("/api/v1/queue", headers={"x-forwarded-for": "6.6.6.6"}).status_code == 401
    log = (front.server.data / "audit.log").read_text().splitlines()
    refused = [json.loads(line) for line in log if '"unauthorized"' in line]
    assert {line["address"] for line in refused} == {"127.0.0.1"}, "what a client made up does not count"


def test_without_tls_there_is_only_the_way_to_it(front: Front) -> None:
    answer = httpx.get(front.plain + "/api/v1/queue?x=1")
    assert answer.status_code == 301
    assert answer.headers["location"] == f"https://{NAME}/mineru/api/v1/queue?x=1"


def test_old_tls_is_refused(front: Front) -> None:
    command = ["openssl", "s_client", "-connect", front.url.split("/")[2], "-servername", NAME]
    for flags, good in ((["-tls1_2"], True), (["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], False)):
        done = subprocess.run([*command, *flags], input=b"", capture_output=True, timeout=20, check=False)
        assert (done.returncode == 0) is good, done.stderr


def test_the_path_without_its_slash_leads_on(front: Front) -> None:
    with front.browser(("alice", "wonderland")) as browser:
        answer = browser.get(front.url, headers={"accept": "text/html"})
        assert answer.status_code == 301 and answer.headers["location"].endswith("/mineru/")


def raw(front: Front, head: str) -> bytes:
    """What comes back for the beginning of a request until nginx closes the connection."""
    host, _, port = front.url.split("/")[2].partition(":")
    context = ssl.create_default_context(cafile=str(front.certificate))
    with (
        socket.create_connection((host, int(port)), timeout=SLOW + 14) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        secure.sendall(head.replace("\n", "\r\n").encode())
        answer = b""
        while some := secure.recv(65536):
            answer += some
        return answer


UPLOAD = (
    f"POST /mineru/api/v1/tasks HTTP/1.1\nHost: localhost\nAuthorization: Basic {ALICE}\n"
    "Content-Type: multipart/form-data; boundary=x\nContent-Length: "
)
FIRST = '--x\nContent-Disposition: form-data; name="files"; filename="a.pdf"\n\n%PDF'


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (UPLOAD + "3000000000\n\n", b"HTTP/1.1 413"),
        ("GET /mineru/health HTTP/1.1\nHost: localhost\nX-Never-Ends:", b""),
        (UPLOAD + "1000\n\n" + FIRST, b""),
    ],
    ids=["too much", "a slow head", "a slow body"],
)
def test_who_sends_too_much_or_nothing_is_cut_off(front: Front, head: str, answer: bytes) -> None:
    assert raw(front, head)[:12] == answer
    with front.browser() as browser:
        assert browser.get("/health").status_code == 200
