"""Nothing goes out: a whole run in a network whose only way out is a wire that the test reads."""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from tests.documents import paper_pdf, scan_pdf, text_pdf
from tests.fuzz.seeds import SEEDS, docx, epub, mhtml, odf, pptx, relations
from tests.live import ROOT, LiveServer
from tests.namespaces import Corner, corner

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_NEWNET = 0x40000000
_SCRIPT = """
import sys
from gradio_client import Client, handle_file
client = Client(sys.argv[1], verbose=False, download_files=sys.argv[2] + ".d", analytics_enabled=False)
print(client.predict(handle_file(sys.argv[2]), "flash", "", "auto", api_name="/convert")[0])
"""
#: addresses that nobody has, by number and by name, in both families
AWAY = ("http://192.0.2.7/", "https://away.example.com/", "http://[2001:db8::7]/", "//away.example.com/")


class Wire:
    """What has come out of the namespace."""

    def __init__(self, box: Corner, file: Path) -> None:
        self._box, self._file = box, file
        command = [*box.prefix, sys.executable, str(ROOT / "tests/fakes/way_out.py"), str(file)]
        self._process = subprocess.Popen(command)
        self.until("ready")

    @property
    def packets(self) -> list[str]:
        return self._file.read_text().splitlines()[1:] if self._file.exists() else []

    def until(self, word: str, seconds: float = 30) -> None:
        """Returns when a line with this word was written down."""
        deadline = time.monotonic() + seconds
        while not self._file.exists() or word not in self._file.read_text():
            if self._process.poll() is not None:
                pytest.skip("no TUN device can be had here")
            assert time.monotonic() < deadline, f"no {word!r} in {self.packets}"
            time.sleep(0.02)

    def look_up(self, name: str) -> None:
        """Something inside asks for the address of a name."""
        self._box.run(
            sys.executable,
            "-c",
            f"import socket\ntry: socket.getaddrinfo({name!r}, 80)\nexcept OSError: pass",
        )

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def inside(box: Corner) -> Generator[None]:
    """Sockets that this thread, and threads that it starts, make are in the namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net", "rb") as home, open(f"/proc/{box.pid}/ns/net", "rb") as there:
        assert libc.setns(there.fileno(), _NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert libc.setns(home.fileno(), _NEWNET) == 0


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Corner]:
    with corner("-m", "-n") as made:
        if not shutil.which("ip", path=f"{os.environ['PATH']}:/usr/sbin:/sbin"):
            pytest.skip("iproute2 is not installed (make test-tools)")
        names = tmp_path / "resolv.conf"
        names.write_text("nameserver 10.77.0.53\noptions timeout:1 attempts:1\n")
        made.run("mount", "--bind", str(names), "/etc/resolv.conf")
        yield made


@pytest.fixture
def wire(box: Corner, tmp_path: Path) -> Iterator[Wire]:
    made = Wire(box, tmp_path / "packets")
    yield made
    made.end()


def tempting_page() -> bytes:
    """A page with every sort of thing that a browser would fetch."""
    kinds = (
        '<img src="{0}a.png"><img srcset="{0}b.png 2x"><iframe src="{0}c"></iframe>',
        '<object data="{0}d"></object><embed src="{0}l"><video src="{0}i"></video><base href="{0}">',
        '<link rel="stylesheet" href="{0}e.css"><link rel="preload" href="{0}m">',
        '<script src="{0}f.js"></script><meta http-equiv="refresh" content="0; url={0}n">',
        '<style>@import url("{0}g.css"); body {{ background: url({0}h.png) }}</style>',
        '<svg><image href="{0}j.png"/><use href="{0}k.svg#x"/></svg>',
        '<p style="background: url({0}o)">text</p>',
    )
    body = "".join(kind.format(address) for kind in kinds for address in AWAY)
    return f"<!DOCTYPE html><html><body><h1>Head</h1>{body}<p>End.</p></body></html>".encode()


def tempting_word() -> bytes:
    """Pictures, a template and a frame that are elsewhere."""
    kinds = [(kind, f"{AWAY[0]}{kind}") for kind in ("image", "hyperlink", "attachedTemplate", "frame")]
    draw = "http://schemas.openxmlformats.org/drawingml/2006"
    picture = (
        f'<w:r><w:drawing><a:graphic xmlns:a="{draw}/main"><a:graphicData uri="{draw}/picture">'
        f'<pic:pic xmlns:pic="{draw}/picture"><pic:blipFill><a:blip r:link="rId1"/></pic:blipFill></pic:pic>'
        "</a:graphicData></a:graphic></w:drawing></w:r>"
    )
    return docx(f"<w:p><w:r><w:t>Words.</w:t></w:r>{picture}</w:p>", relations(*kinds, external=True))


def tempting_xml() -> bytes:
    """A type declaration and an entity that are elsewhere, where XML is read."""
    head = f'<!DOCTYPE html SYSTEM "{AWAY[0]}x.dtd" [<!ENTITY e SYSTEM "{AWAY[1]}e">]>'
    return epub(
        f'<p>&e;</p><img src="{AWAY[0]}p.png"/>',
        parts={"more.xhtml": f"<?xml version='1.0'?>{head}<p>&e;</p>"},
    )


def tempting_office() -> bytes:
    frame = f'<draw:frame><draw:image xlink:href="{AWAY[0]}p.png" xlink:actuate="onLoad"/></draw:frame>'
    return odf("text", f"<text:p>Words {frame}</text:p>")


TEMPTING = {
    "page.html": tempting_page,
    "page.mhtml": lambda: mhtml(tempting_page()),
    "word.docx": tempting_word,
    "book.epub": tempting_xml,
    "text.odt": tempting_office,
    "slide.pptx": lambda: pptx(f"{AWAY[0]}picture.png"),
    "table.csv": lambda: f'=IMAGE("{AWAY[0]}p.png"),=WEBSERVICE("{AWAY[1]}")\n1,2\n'.encode(),
}


def test_nothing_goes_out(box: Corner, wire: Wire, stand_in_weights: Path, tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "data", "--model-dir", str(stand_in_weights), "--workers", "2")
    server.prefix = box.prefix
    with inside(box), server:
        load_the_pages(server)
        convert_everything(server)
        use_the_functions(box, server, tmp_path)
        server.client.get("/gpu/status")
        assert server.client.get("/metrics").status_code == 200
    no_models = ("--model-dir", str(tmp_path / "none"), "--builtin-models", str(tmp_path / "none"))
    with inside(box), LiveServer(tmp_path / "bare", *no_models) as bare:
        bare_task = bare.end(bare.submit("scan.pdf", scan_pdf(1)))
        assert bare_task["error"]["code"] == "file_without_text", "and nobody tried to fetch them"
    before = wire.packets
    wire.look_up("control.example.com")  # the wire is read: this comes, and nothing came before it
    wire.until("control")
    assert before == []
    assert {packet.split()[0] for packet in wire.packets} == {"udp"}


def load_the_pages(server: LiveServer) -> None:
    """As a browser without scripts: the page, and all that it names."""
    for path in ("/", "/docs", "/openapi.json"):
        answer = server.client.get(path)
        assert answer.status_code == 200
        for name in set(re.findall(r'(?:src|href)="(/[^"/][^"]*|\./[^"]+)"', answer.text)):
            assert server.client.get(name.removeprefix(".")).status_code < 500


def convert_everything(server: LiveServer) -> None:
    """Every type, and those that want something from elsewhere; then every form of the results."""
    files = {f"seed.{suffix}": data for suffix, data in SEEDS.items()}
    files |= {name: make() for name, make in TEMPTING.items()}
    files |= {"paper.pdf": paper_pdf(2), "scan.pdf": scan_pdf(1), "long.pdf": text_pdf(70)}
    tasks = {name: server.submit(name, data) for name, data in files.items()}
    done = {name: server.end(task_id) for name, task_id in tasks.items()}
    assert {name for name, task in done.items() if task["status"] == "completed"} >= {
        "page.html",
        "scan.pdf",
        "word.docx",
    }
    for name, task in done.items():
        if task["status"] == "completed":
            for form in (
                "markdown",
                "json",
                "content_list",
                "html",
                "docx",
                "latex",
                "epub",
                "docling",
                "zip",
            ):
                answer = server.client.get(f"/api/v1/tasks/{task['id']}/result", params={"format": form})
                assert answer.status_code < 500, (name, form, answer.text)
            server.client.get(f"/api/v1/tasks/{task['id']}/pages/1.png")


def use_the_functions(box: Corner, server: LiveServer, folder: Path) -> None:
    """gradio_client and MCP, as scripts and agents do."""
    path = folder / "script.pdf"
    path.write_bytes(text_pdf(1, seed=3))
    # the client's own library calls its makers, unless it is told not to: that is no business of the server
    quiet = ["env", "HF_HUB_OFFLINE=1", "HF_HUB_DISABLE_TELEMETRY=1"]
    assert "marker 1 " in box.run(*quiet, sys.executable, "-c", _SCRIPT, server.url, str(path))

    async def tools() -> int:
        async with (
            streamable_http_client(f"{server.url}/gradio_api/mcp/") as (reading, writing, _),
            ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            return len((await session.list_tools()).tools)

    assert asyncio.run(tools()) > 0


def test_the_wire_sees_what_goes_out(box: Corner, wire: Wire) -> None:
    """Else the test above would say nothing."""
    assert wire.packets == []
    wire.look_up("control.example.com")
    wire.until("control")
    with inside(box):
        for family, address in ((socket.AF_INET, "192.0.2.7"), (socket.AF_INET6, "2001:db8::7")):
            with socket.socket(family) as knock:
                knock.setblocking(False)
                knock.connect_ex((address, 443))
    wire.until("tcp 192.0.2.7 443")
    wire.until("tcp 2001:db8::7 443")
