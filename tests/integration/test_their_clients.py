"""Clients that were written for other servers, from PyPI and unchanged, read documents with this one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.environment import DOCLING, PYTHON, why_missing
from tests.documents import paper_pdf, scan_pdf, text_pdf, word
from tests.live import LiveServer

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(bool(why_missing()), reason=f"no clients here: {why_missing()}"),
]

#: of each document: words of it, and whether it has a table
DOCUMENTS = {
    "paper.pdf": (paper_pdf(2, seed=181), "marker 2", True),
    "letter.docx": (word("Words of a letter."), "Words of a letter", True),
    "scan.pdf": (scan_pdf(1, seed=182, lines=4), "Sheet 1 of scan 182", False),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One of our own, which is killed and started again."""
    data = tmp_path_factory.mktemp("clients") / "data"
    with LiveServer(data, "--workers", "2", "--shard-pages-flash", "8") as live:
        yield live


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("documents")
    for name, (data, _, _) in DOCUMENTS.items():
        (found / name).write_bytes(data)
    (found / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    (found / "long.pdf").write_bytes(text_pdf(200, seed=183))
    return found


def begun(server: LiveServer, *command: str | Path) -> subprocess.Popen[str]:
    where = {"MINERU_API_MODE": "local", "MINERU_LOCAL_ENDPOINT": server.url, "DOCLING_ENDPOINT": server.url}
    where |= {"MINERU_POLL_INTERVAL_SECONDS": "0.2", "DOCLING_FORCE_OCR": "false", "NO_COLOR": "1"}
    return subprocess.Popen(
        [*map(str, command)],
        env={**os.environ, **where},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def ended(client: subprocess.Popen[str], code: int = 0) -> str:
    said, _ = client.communicate(timeout=120)
    assert client.returncode == code, said
    return said


def test_docling_convert_remote(server: LiveServer, folder: Path, tmp_path: Path) -> None:
    command = [DOCLING, "convert-remote", "--service-url", server.url, "--output", tmp_path]
    ended(begun(server, *command, "--to", "md", "--to", "json", *(folder / name for name in DOCUMENTS)))
    for name, (_, words, has_table) in DOCUMENTS.items():
        stem = name.partition(".")[0]
        text = (tmp_path / f"{stem}.md").read_text("utf-8")
        assert words in text and ("|--" in text) == has_table, text
        document = json.loads((tmp_path / f"{stem}.json").read_text("utf-8"))
        assert bool(document["tables"]) == has_table
        assert bool(document["pictures"]) == (name != "scan.pdf")
    said = ended(begun(server, *command, folder / "bad.pdf"), code=1)
    assert "bad.pdf failed to convert" in " ".join(said.split()), said


#: waits for the socket to break off, and polls then
_LATER = """
import sys
from docling.service_client import DoclingServiceClient
url, path = sys.argv[1:]
with DoclingServiceClient(url, http_retries=12) as client:
    job = client.submit(path)
    print("submitted", flush=True)
    print(job.result().document.export_to_markdown())
"""


def test_doclings_client_outlives_a_restart(server: LiveServer, folder: Path) -> None:
    client = begun(server, PYTHON, "-c", _LATER, server.url, folder / "long.pdf")
    assert client.stdout and client.stdout.readline() == "submitted\n"
    server.kill()
    server.start()
    said = ended(client)
    assert "report, page 1\n" in said and "report, page 200\n" in said


KINDS = ("MinerURawClient", "DoclingRawClient")
_RAW = """
import asyncio, json, sys
from pathlib import Path
from lightrag.parser.external.docling.client import DoclingRawClient
from lightrag.parser.external.mineru.client import MinerURawClient
out, paths = Path(sys.argv[1]), [Path(path) for path in sys.argv[2:]]
for path in paths:
    for kind in (MinerURawClient, DoclingRawClient):
        folder = out / kind.__name__ / path.stem
        try:
            asyncio.run(kind().download_into(folder, path))
        except Exception as error:
            print(kind.__name__, path.name, "failed:", error)
"""


def test_both_of_lightrags_clients(server: LiveServer, folder: Path, tmp_path: Path) -> None:
    paths = [folder / name for name in (*DOCUMENTS, "bad.pdf")]
    said = ended(begun(server, PYTHON, "-c", _RAW, tmp_path, *paths))
    failed = [line for line in said.splitlines() if " failed: " in line]
    assert [line.split()[:2] for line in failed] == [[kind, "bad.pdf"] for kind in KINDS], said
    assert all("damaged" in line for line in failed)
    for name, (_, words, has_table) in DOCUMENTS.items():
        stem = name.partition(".")[0]
        [listed] = (tmp_path / "MinerURawClient" / stem).rglob("*content_list.json")
        items = json.loads(listed.read_text("utf-8"))
        assert any(words in item.get("text", "") for item in items), items
        assert any(item["type"] == "table" for item in items) == has_table
        [document] = (tmp_path / "DoclingRawClient" / stem).rglob(f"{stem}.json")
        assert words in document.read_text("utf-8")
