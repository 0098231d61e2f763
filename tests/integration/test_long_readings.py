"""Long documents that are read page by page: their shards joined say what one call says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradio_app.machine import builtin_models
from gradio_app.parsing.parse import parse_document
from gradio_app.parsing.reading import MODELS_VARIABLE
from tests import layouts
from tests.documents import paper_pdf
from tests.layouts import STATEMENT, note_sheet
from tests.live import LiveServer

pytestmark = pytest.mark.integration

#: what pages say, by number
LINES = ("The meeting begins at nine in the hall.", "Bring the plan of the garden.", "Lunch is at noon.")


def in_one_call(data: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The Markdown of a document that one job reads whole."""
    monkeypatch.setenv(MODELS_VARIABLE, str(builtin_models.folder()))
    source = folder / "document.pdf"
    source.write_bytes(data)
    parse_document(str(source), str(folder / "out"), [], "basic", "txt", method="auto")
    return (folder / "out" / "document.md").read_text("utf-8")


def neutral(markdown: str) -> str:
    """Without the names of pictures, which are digests of their bytes."""
    return re.sub(r"\(images/[^)]*\)", "(picture)", markdown)


@pytest.mark.slow
def test_a_scan_of_twenty_pages_is_its_pages_joined(
    server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = layouts.scans(*(note_sheet(f"This is sheet {n} of twenty.", LINES[n % 3]) for n in range(1, 21)))
    task = server.end(server.submit("twenty.pdf", data))
    assert (task["status"], task["pages_done"]) == ("completed", 20)
    assert task["receipt"]["readers"] == {"basic": "1-20"}
    joined = server.result(task["id"]).decode()
    assert re.findall(r"sheet (\d+) of twenty", joined) == [str(n) for n in range(1, 21)]
    assert joined == in_one_call(data, tmp_path, monkeypatch)


@pytest.mark.slow
def test_a_long_report_with_tables_is_its_shards_joined(
    server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = layouts.pdf(layouts.statement, layouts.ruled_table)
    data = layouts.joined(*(part for n in range(10) for part in (paper_pdf(11, seed=n), statements)))
    task = server.end(server.submit("report.pdf", data))
    assert (task["status"], task["pages_done"], task["notes"]) == ("completed", 130, [])
    joined = server.result(task["id"]).decode()
    assert joined.count("| " + STATEMENT[1][0]) == 10
    assert neutral(joined) == neutral(in_one_call(data, tmp_path, monkeypatch))
