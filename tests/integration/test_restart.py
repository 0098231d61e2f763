"""A restart under load: the scripts of the documents get their results from the server that comes back."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file

from tests.chaos.processes import children
from tests.documents import paper_pdf, text_pdf
from tests.live import ENDED, ROOT, LiveServer

pytestmark = [pytest.mark.integration, pytest.mark.slow]

#: unfinished tasks when the server is stopped
UNFINISHED = 50


def snippet(function: str) -> dict[str, Any]:
    """The names that a script of docs/scripting.md defines: the one with this function."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "scripting.md").read_text("utf-8"), re.S)
    (code,) = [block for block in blocks if f"\ndef {function}(" in block]
    names: dict[str, Any] = {}
    exec(compile(code, f"docs/scripting.md, {function}", "exec"), names)
    return names


@pytest.fixture(scope="module")
def documents() -> dict[str, bytes]:
    """Two that take a while, and short ones; of each page the text is known."""
    found = {f"long-{number}.pdf": text_pdf(130, seed=60 + number) for number in range(2)}
    found |= {f"paper-{number}.pdf": paper_pdf(2, seed=number) for number in range(4)}
    return found | {f"note-{number:02}.pdf": text_pdf(1 + number % 2, seed=number) for number in range(44)}


def complete(markdown: str, name: str) -> bool:
    """Whether all pages of a document are in its text."""
    pages = 130 if "long" in name else 2 if "paper" in name else 1 + int(name[5:7]) % 2
    return all(f"marker {page}" in markdown for page in range(1, pages + 1))


def until(condition: Callable[[], object], what: str, seconds: float = 120) -> None:
    """Waits until something is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)


def listed(server: LiveServer) -> list[dict[str, Any]]:
    return server.client.get("/api/v1/tasks", params={"limit": 1000}).json()["tasks"]


class Script(threading.Thread):
    """A script that runs beside the test. It may wait for ever, so nobody waits for its thread."""

    def __init__(self, work: Callable[..., list[str]], *args: Any) -> None:
        super().__init__(daemon=True)
        self._work, self._args = work, args
        self.found: list[str] = []
        self.start()

    def run(self) -> None:
        self.found = self._work(*self._args)


def wait_by_rest(server: LiveServer, paths: list[Path]) -> list[str]:
    convert = snippet("convert")["convert"]
    return [convert(str(path), url=server.url) for path in paths]


def wait_by_convert(server: LiveServer, paths: list[Path], downloads: Path) -> list[str]:
    client = Client(server.url, verbose=False, download_files=downloads, analytics_enabled=False)
    ask = snippet("ask")["ask"]
    return [ask(client, "/convert", handle_file(path))[0] for path in paths]


def wait_by_status(
    server: LiveServer, paths: list[Path], downloads: Path, submitted: threading.Event
) -> list[str]:
    """``submitted`` is set when the script knows its tasks: one that does not would send documents again."""
    client = Client(server.url, verbose=False, download_files=downloads, analytics_enabled=False)
    script = snippet("convert_all")
    ask = script["ask"]

    def watched(client: Client, where: str, *args: Any) -> Any:
        answer = ask(client, where, *args)
        submitted.set()
        return answer

    script["ask"] = watched
    return script["convert_all"](client, [str(path) for path in paths])


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_scripts_get_their_results_from_the_server_that_comes_back(
    how: str, documents: dict[str, bytes], tmp_path: Path
) -> None:
    paths = {name: tmp_path / name for name in documents}
    for name, data in documents.items():
        paths[name].write_bytes(data)
    scripts = {
        "rest": ["long-1.pdf", "note-00.pdf"],
        "convert": ["paper-0.pdf", "note-01.pdf"],
        "status": ["paper-1.pdf", "note-02.pdf"],
    }
    theirs = [name for names in scripts.values() for name in names]
    others = [name for name in documents if name not in theirs]
    with LiveServer(tmp_path / "data") as server:
        server.client.post("/api/v1/queue/pause")
        ids = {name: server.submit(name, documents[name], use_cache="false") for name in others}
        submitted = threading.Event()
        mine = {who: [paths[name] for name in names] for who, names in scripts.items()}
        waiting = {
            "rest": Script(wait_by_rest, server, mine["rest"]),
            "convert": Script(wait_by_convert, server, mine["convert"], tmp_path),
            "status": Script(wait_by_status, server, mine["status"], tmp_path, submitted),
        }
        # two scripts wait for their first document before they send the second
        until(lambda: len(listed(server)) >= UNFINISHED - 2, "everything was taken in")
        assert submitted.wait(120)
        server.client.post("/api/v1/queue/resume")
        until(lambda: [task["status"] for task in listed(server)].count("processing") >= 2, "several run")
        assert sum(task["status"] not in ENDED for task in listed(server)) >= UNFINISHED - 12
        if how == "stopped":
            server.stop()
            assert server.process is not None and server.process.returncode == 0
        else:
            server.kill()
        until(lambda: not children(server.data), "no worker outlives its server", 10)
        server.start()
        for who, names in scripts.items():
            waiting[who].join(300)
            for name, markdown in zip(names, waiting[who].found, strict=True):
                assert complete(markdown, name), (who, name)
        for name, task_id in ids.items():
            assert server.end(task_id)["status"] == "completed"
            assert complete(server.result(task_id).decode(), name)
        counts = Counter(task["name"] for task in listed(server))
        assert counts == dict.fromkeys((Path(name).name for name in documents), 1), "none is there twice"
        assert server.leftovers() == []
