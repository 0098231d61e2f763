"""A real Ray cluster on this machine: a head that reads nothing itself, and machines that come and go."""

from __future__ import annotations

import io
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.cluster import PATIENCE, TOKEN, Head, Node, machines, port_for_ray
from tests.documents import paper_pdf, scan_pdf, text_pdf
from tests.fakes.sglang import FakeSglang
from tests.live import ROOT, LiveServer, files_beneath

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Head]:
    with Head(tmp_path_factory.mktemp("cluster") / "data") as server:
        yield server


def files_of(server: LiveServer, task_id: str) -> dict[str, bytes]:
    """Every file of a result."""
    with zipfile.ZipFile(io.BytesIO(server.result(task_id, "zip"))) as made:
        return {name: made.read(name) for name in made.namelist()}


def test_a_machine_is_lost_in_the_middle_and_the_result_is_that_of_one_machine(
    head: Head, tmp_path: Path
) -> None:
    document = text_pdf(300, seed=7)
    with LiveServer(tmp_path / "alone") as alone:
        expected = files_of(alone, alone.end(alone.submit("long.pdf", document))["id"])
    with machines(head, tmp_path, 3, 4) as (first, second):
        task_id = head.submit("long.pdf", document, use_cache="false")
        head.until(task_id, pages_done=60)
        head.until_machines(
            lambda there: there[first.ip]["busy"]["compute"] and there[second.ip]["busy"]["compute"]
        )
        first.kill()
        done = head.end(task_id)
        assert done["status"] == "completed" and done["pages_done"] == 300, done
        head.until_machines(lambda there: there[first.ip]["status"] == "lost")
        assert files_of(head, task_id) == expected
        assert second.leftovers() == []
    assert head.leftovers() == []


def test_a_machine_that_joins_takes_work_of_a_document_that_is_being_read(head: Head, tmp_path: Path) -> None:
    with machines(head, tmp_path, 5):
        task_id = head.submit("long.pdf", text_pdf(640, seed=8), use_cache="false")
        head.until(task_id, pages_done=1)
        with Node(head, tmp_path, 6) as late:
            head.ready(late)
            head.until_machines(lambda there: there[late.ip]["pages"] > 0)
            assert head.end(task_id)["status"] == "completed"


def test_without_any_machine_work_waits_and_goes_on_with_the_next(head: Head, tmp_path: Path) -> None:
    head.until_machines(lambda there: all(machine["status"] != "ready" for machine in there.values()))
    task_id = head.submit("paper.pdf", paper_pdf(2, seed=9), use_cache="false")
    with machines(head, tmp_path, 7):
        assert head.end(task_id)["status"] == "completed"
        assert "images" in "".join(files_of(head, task_id)), "pictures travel too"


def test_the_vision_model_of_a_machine_reads_for_a_head_without_one(
    head: Head, tmp_path: Path, stand_in_weights: Path
) -> None:
    scan = scan_pdf(9, seed=3)
    with FakeSglang(slots=4) as fake:
        flags = ("--sglang-url", fake.url, "--model-dir", str(stand_in_weights))
        with LiveServer(tmp_path / "alone", *flags) as alone:
            expected = files_of(alone, alone.end(alone.submit("s.pdf", scan, tier="standard"))["id"])
        with machines(head, tmp_path, 14, flags={14: flags}):
            done = head.end(head.submit("s.pdf", scan, tier="standard", use_cache="false"))
            assert done["status"] == "completed" and done["tier"] == "standard", done
            assert files_of(head, done["id"]) == expected
            assert done["receipt"]["versions"]["model"] == "fake-model"


def test_a_cancelled_part_leaves_the_machine_at_once(head: Head, tmp_path: Path) -> None:
    with machines(head, tmp_path, 8) as (node,):
        long = head.submit("long.pdf", text_pdf(300, seed=10), use_cache="false")
        head.until(long, pages_done=1)
        assert head.client.post(f"/api/v1/tasks/{long}/cancel").json()["status"] == "cancelled"
        next_one = head.submit("short.pdf", text_pdf(1, seed=11), use_cache="false")
        assert head.end(next_one)["status"] == "completed"
        assert node.leftovers() == [] and head.machines()[node.ip]["busy"]["compute"] == 0


def test_other_versions_are_refused_by_name(head: Head, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(ROOT / "gradio_app", other / "gradio_app", ignore=shutil.ignore_patterns("__pycache__"))
    init = other / "gradio_app" / "__init__.py"
    init.write_text(init.read_text().replace('__version__ = "', '__version__ = "9.9.'))
    with Node(head, tmp_path, 10, env={"PYTHONPATH": str(other)}) as node:
        assert node.wait() == 3
        assert "MinerU Optimized 9.9." in node.log.read_text()
    head.until_machines(lambda there: there.get(node.ip, {}).get("status") in ("refused", "lost"))


def test_without_the_password_nobody_joins(head: Head, tmp_path: Path) -> None:
    with Node(head, tmp_path, 11, env={"MINERU_APP_RAY_TOKEN": "guessed-and-wrong-but-long-enough"}) as node:
        assert node.wait() == 3
    assert node.ip not in head.machines()


def below(server: LiveServer, kind: str = "inet") -> list[tuple[psutil.Process, list[Any]]]:
    """The processes of a server, itself among them, and their connections."""
    assert server.process is not None
    top = psutil.Process(server.process.pid)
    found: dict[int, list[Any]] = {}
    for one in psutil.net_connections(kind):
        found.setdefault(one.pid or 0, []).append(one)
    return [(process, found.get(process.pid, [])) for process in (*top.children(recursive=True), top)]


def sockets(every: list[tuple[psutil.Process, list[Any]]]) -> set[Path]:
    """The sockets of Ray's that are there."""
    flag = "--raylet_socket_name="
    words = [word for process, _ in every for word in process.cmdline()]
    found = {Path(word.removeprefix(flag)) for word in words if word.startswith(flag)}
    return {path for path in found if path.is_socket()}


def is_agent_of(port: int, process: psutil.Process, connections: list[Any]) -> bool:
    """Whether that is the agent, and it is connected."""
    there = any(one.raddr and one.raddr.port == port for one in connections)
    return there and "cluster.agent" in " ".join(process.cmdline())


def test_where_the_page_is_on_loopback_ray_is_too_and_lets_nobody_into_its_folder(tmp_path: Path) -> None:
    port = port_for_ray()
    flags = ("--ray-address", f"start:{port}", "--workers", "1")
    with LiveServer(tmp_path / "data", *flags, env={"MINERU_APP_RAY_TOKEN": TOKEN}) as server:
        deadline, pause = time.monotonic() + PATIENCE, threading.Event().wait
        while not (any(is_agent_of(port, *one) for one in below(server)) and sockets(below(server))):
            assert time.monotonic() < deadline, server.log.read_text()
            pause(0.2)
        task = server.submit("paper.pdf", text_pdf(1, seed=13))
        assert server.end(task)["status"] == "completed"
        assert server.client.get("/api/v1/cluster").json()["error"] == ""
        every = below(server)
        heard = {one.laddr.ip for _, found in every for one in found if one.status == psutil.CONN_LISTEN}
        assert heard and heard <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
        words = [word for process, _ in every for word in process.cmdline()]
        assert not [word for word in words if TOKEN in word]
        [socket] = sockets(every)
        assert [folder for folder in socket.parents if folder.stat().st_mode & 0o077 == 0]
        of_ray = next(folder for folder in socket.parents if folder.name == "ray")
        files = [*files_beneath(server.data, of_ray), server.log]
        assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
        assert "no other machine can join" in server.log.read_text()


def test_a_lost_head_goes_on_where_it_was_when_it_comes_back(tmp_path: Path) -> None:
    with Head(tmp_path / "data") as head, machines(head, tmp_path, 12, 13) as nodes:
        task_id = head.submit("long.pdf", text_pdf(300, seed=12), use_cache="false")
        before = head.until(task_id, pages_done=100)
        head.kill()
        parts = {path.name: path.stat().st_mtime_ns for path in head.data.glob("tasks/*/shards/*")}
        head.start()
        assert head.task(task_id)["pages_done"] >= before["pages_done"]
        head.ready(*nodes)
        done = head.end(task_id)
        assert done["status"] == "completed" and len(parts) >= 2
