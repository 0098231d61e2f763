"""A backup of a server that is busy, and a server that starts from it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.documents import text_pdf
from tests.live import ROOT, LiveServer

pytestmark = pytest.mark.integration


@pytest.mark.slow
def test_a_server_starts_from_the_backup_of_a_busy_one(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    with LiveServer(tmp_path / "data") as server:
        done = server.submit("done.pdf", text_pdf(2, seed=1))
        server.end(done)
        before = [server.submit(f"waiting-{n}.pdf", text_pdf(130, seed=10 + n)) for n in range(2)]
        stopping = threading.Event()

        def keep_busy() -> None:
            number = 0
            while not stopping.is_set():
                gone = server.submit(f"gone-{number}.pdf", text_pdf(1, seed=100 + number))
                server.end(gone)
                server.client.delete(f"/api/v1/tasks/{gone}")
                number += 1

        busy = threading.Thread(target=keep_busy)
        busy.start()
        try:
            command = [sys.executable, "-m", "gradio_app", "backup", str(copy)]
            command += ["--data-dir", str(tmp_path / "data")]
            made = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True)
        finally:
            stopping.set()
            busy.join()
        assert made.returncode == 0, made.stderr
        markdown = server.result(done)
    with LiveServer(copy) as server:
        assert server.result(done) == markdown
        for task_id in before:
            ended = server.end(task_id)
            assert (ended["status"], ended["pages_done"]) == ("completed", 130)
        for task in server.client.get("/api/v1/tasks", params={"limit": 100}).json()["tasks"]:
            assert server.end(task["id"])["status"] == "completed", task
