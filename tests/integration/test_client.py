"""The client package against a real server: documents and folders, errors, broken runs."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mineru_optimized_client import AsyncClient, Client, Outcome, ServerError, Task, TaskFailed
from mineru_optimized_client.command import main

from tests.documents import encrypted_pdf, paper_pdf, text_pdf
from tests.live import ROOT, LiveServer

pytestmark = pytest.mark.integration


def test_a_document_with_progress(server: LiveServer, tmp_path: Path) -> None:
    path = tmp_path / "Übersicht 1.pdf"
    path.write_bytes(paper_pdf(3))
    steps: list[Task] = []
    with Client(server.url) as client:
        task = client.convert(path, on_progress=steps.append, page_range="1-2", use_cache=False)
        assert (task.name, task.status, task.pages_done) == (path.name, "completed", 2)
        assert steps[-1].ended and {step.id for step in steps} == {task.id}
        assert "marker 2" in client.markdown(task.id) and "marker 3" not in client.markdown(task.id)
        page = client.download(task.id, tmp_path / "page.html", "html")
        assert page.read_bytes().startswith(b"<!DOCTYPE html>") or b"<html" in page.read_bytes()[:500]
        client.delete(task.id)
        with pytest.raises(ServerError) as gone:
            client.task(task.id)
    assert gone.value.code == "not_found" and list(tmp_path.glob(".*")) == []


def test_what_cannot_be_converted_says_why(server: LiveServer, tmp_path: Path) -> None:
    locked = tmp_path / "locked.pdf"
    locked.write_bytes(encrypted_pdf())
    with Client(server.url) as client:
        with pytest.raises(TaskFailed) as failed:
            client.convert(locked)
        assert failed.value.code == "file_encrypted" and "password" in failed.value.message
        with pytest.raises(ServerError) as refused:
            client.submit(locked, tier="best")
        assert refused.value.code == "option_invalid"
    with (
        Client("http://127.0.0.1:9", patience=0.2) as away,
        pytest.raises(ServerError, match="does not answer"),
    ):
        away.submit(locked)


def test_a_folder_comes_back_as_a_folder_and_is_not_sent_twice(server: LiveServer, tmp_path: Path) -> None:
    source, out = tmp_path / "papers", tmp_path / "out"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "a.pdf").write_bytes(paper_pdf(1, seed=71))
    (source / "b.pdf").write_bytes(text_pdf(1, seed=72))
    (source / "locked.pdf").write_bytes(encrypted_pdf())
    (source / ".hidden.pdf").write_bytes(text_pdf(1))
    os.symlink("/etc/passwd", source / "link.txt")
    heard: list[Outcome] = []

    async def run() -> dict[str, str]:
        async with AsyncClient(server.url) as client:
            found = await client.convert_paths([source], out, 2, heard.append)
        return {outcome.path.name: outcome.status for outcome in found}

    first = asyncio.run(run())
    assert first == {"a.pdf": "completed", "b.pdf": "completed", "locked.pdf": "failed"} and len(heard) == 3
    result = out / "papers" / "deep" / "a.pdf"
    assert "marker 1" in (result / "document.md").read_text("utf-8") and list((result / "images").iterdir())
    receipt = json.loads((result / "receipt.json").read_text("utf-8"))
    journal = json.loads((out / ".journal.json").read_text("utf-8"))
    assert journal["papers/deep/a.pdf"]["task"] == receipt["id"]
    assert asyncio.run(run()) == {"a.pdf": "skipped", "b.pdf": "skipped", "locked.pdf": "failed"}

    # a run that ended before it fetched a result: the same task, no second one
    journal["papers/b.pdf"]["done"] = ""
    (out / ".journal.json").write_text(json.dumps(journal))
    assert asyncio.run(run())["b.pdf"] == "completed"
    again = json.loads((out / "papers" / "b.pdf" / "receipt.json").read_text("utf-8"))
    assert again["id"] == journal["papers/b.pdf"]["task"]
    (source / "b.pdf").write_bytes(text_pdf(2, seed=73))
    assert asyncio.run(run())["b.pdf"] == "completed", "other bytes are another document"


def test_the_command(server: LiveServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, locked = tmp_path / "good.pdf", tmp_path / "locked.pdf"
    good.write_bytes(text_pdf(1, seed=74))
    locked.write_bytes(encrypted_pdf())
    out = str(tmp_path / "out")
    assert main(["convert", str(good), "--server", server.url, "--output", out]) == 0
    assert "1 of 1 documents" in capsys.readouterr().out
    assert main(["convert", str(good), str(locked), "--server", server.url, "--output", out, "--json"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["status"] for line in lines} == {"skipped", "failed"}
    assert next(line["error"]["code"] for line in lines if line["error"]) == "file_encrypted"


def test_it_needs_nothing_of_the_server(tmp_path: Path) -> None:
    """Another Python has the client and httpx, not the server's package."""
    program = (
        "import sys; import mineru_optimized_client.command\n"
        "assert not [name for name in sys.modules if name.startswith(('gradio', 'mineru.', 'fastapi'))]"
    )
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "client")}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=env, check=True)
