"""What a cluster decides without one: addresses, who is refused, which machine reads, what may come back."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import (
    EngineLost,
    FileCorrupt,
    FileTooLarge,
    NodeLost,
    OptionInvalid,
    WorkerCrashed,
)
from gradio_app.base.settings import Settings
from gradio_app.queue.retry_policy import MOST_LOST, ShardFailures, Verdict, judge
from gradio_app.web.api.schemas import MachineView
from gradio_app.workers.cluster import connection, ray_process
from gradio_app.workers.cluster.capacity import Fleet, Machine
from gradio_app.workers.cluster.connection import Connection
from gradio_app.workers.cluster.head import ClusterWorkers, result_of
from gradio_app.workers.cluster.messages import Facts, Failed, Lost, MachineState, Outcome
from gradio_app.workers.cluster.node import mismatch
from gradio_app.workers.cluster.ray_process import (
    Address,
    address_of,
    environment,
    parse_address,
    say_how_to_join,
)
from gradio_app.workers.cluster.transfer import pack, unpack
from gradio_app.workers.interface import Part, PartResult, nobody


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("start", Address("", 6379, True)),
        ("start:7000", Address("", 7000, True)),
        ("start:10.0.0.1:7000", Address("10.0.0.1", 7000, True)),
        ("head", Address("head", 6379)),
        (" head:7000 ", Address("head", 7000)),
    ],
)
def test_addresses(text: str, meant: Address) -> None:
    assert parse_address(text) == meant


@pytest.mark.parametrize(
    "text", ["", ":", "head:", "head:x", "head:0", "a:b:1", "start:", "start:12000", "start:a:b"]
)
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(OptionInvalid, match="6379"):
        parse_address(text)


@pytest.mark.parametrize(
    ("host", "ray_address", "listens"),
    [
        ("127.0.0.1", "start", "127.0.0.1"),
        ("localhost", "start:7000", "127.0.0.1"),
        ("[::1]", "start", "127.0.0.1"),
        ("127.0.0.1", "start:10.0.0.7:7000", "10.0.0.7"),
        ("192.168.1.5", "start", "192.168.1.5"),
        ("0.0.0.0", "start", ""),
        ("::", "start", ""),
        ("0.0.0.0", "start:localhost:7000", "127.0.0.1"),
    ],
)
def test_ray_listens_where_the_page_does(
    host: str, ray_address: str, listens: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_process, "program", lambda: "ray")
    address = address_of(Settings(host=host, ray_address=ray_address))
    assert address.host == listens and address.alone is (listens == "127.0.0.1")
    words = ray_process.head_command(address, tmp_path)
    assert (
        words[words.index("--node-ip-address") + 1] == listens
        if listens
        else "--node-ip-address" not in words
    )
    # its monitor and its dashboard listen on all addresses, or may
    assert "--no-monitor" in words and words[words.index("--include-dashboard") + 1] == "false"
    assert ("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER" in environment("t", alone=address.alone)) is address.alone


def test_another_cluster_is_where_it_is() -> None:
    assert address_of(Settings(ray_address="head:7000")) == Address("head", 7000)


def test_the_way_to_join_tells_no_password() -> None:
    told: list[str] = []
    number = logger.add(told.append, format="{message}")
    for host in ("0.0.0.0", "127.0.0.1"):
        say_how_to_join(Settings(host=host, ray_address="start", ray_token="geheim"))
    logger.remove(number)
    assert "worker --address" in told[0] and "no other machine can join" in told[1]
    assert "geheim" not in "".join(told) and "TOKEN" not in "".join(told)


@pytest.mark.parametrize("runtime", ["short", "long", ""])
def test_rays_folder_lies_in_a_private_one_and_its_sockets_have_short_paths(
    runtime: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray lets everybody into the folder itself."""
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        monkeypatch.setenv(
            "XDG_RUNTIME_DIR", {"short": short, "long": f"{tmp_path}{'x' * 60}"}.get(runtime, "")
        )
        near = Path(short) / "run"
        near.mkdir()
        assert ray_process.ray_folder(near) == near / "ray"
        far = tmp_path / ("a long way down " * 8)
        far.mkdir()
        first = ray_process.ray_folder(far)
        assert first.parent.parent == Path(short if runtime == "short" else "/tmp")
        assert first.parent.stat().st_mode & 0o077 == 0
        (first / "session").mkdir(parents=True)
        second = ray_process.ray_folder(far)
        assert not first.parent.exists(), "the folder of the start before is gone"
        assert not second.exists() and second.parent.stat().st_mode & 0o077 == 0
        assert len(f"{second}/session_2026-11-30_01-40-15_136692_4194304/sockets/plasma_store") <= 107
        second.parent.rmdir()


def test_only_folders_of_ours_are_deleted(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "ray-folder").write_text(str(other))
    ray_process.ray_folder(tmp_path)
    assert other.exists()


def test_our_own_settings_reach_ray_only_when_they_are_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINERU_APP_TOKEN", "of-the-page")
    env = environment("password", {"MINERU_APP_WORKERS": "3"})
    assert "MINERU_APP_TOKEN" not in env and env["MINERU_APP_WORKERS"] == "3"
    assert (env["RAY_AUTH_MODE"], env["RAY_AUTH_TOKEN"]) == ("token", "password")
    assert "RAY_AUTH_MODE" not in environment("")


def test_a_machine_with_other_versions_is_told_which() -> None:
    head = {"MinerU": "4.0.12", "Python": "3.11"}
    assert mismatch(head, dict(head)) == ""
    told = mismatch(head, {"MinerU": "4.1.0", "Python": "3.11"})
    assert "MinerU 4.1.0" in told and "MinerU 4.0.12" in told and "Python" not in told
    assert "unknown" in mismatch(head, {})


SLOTS = {"compute": 2, "vision": 4}


def seen(
    status: Any = "ready", key: str = "key", slots: dict[str, int] = SLOTS, **facts: Any
) -> MachineState:
    return MachineState(key, "10.0.0.2", status, facts=Facts("gpu-2", {}, slots, **facts))


def machine(status: str = "ready", **facts: Any) -> Machine:
    return Machine(seen(status, **facts))


def head(local: Any, models_here: bool, **joined: Machine) -> Any:
    """One without a connection."""
    workers: Any = object.__new__(ClusterWorkers)
    workers._local, workers._models_here, workers.changed = local, models_here, nobody
    workers._fleet = Fleet(workers._facts_here, nobody)
    workers._fleet.joined = joined
    return workers


def test_only_machines_that_can_get_parts() -> None:
    assert machine().slots(False) == 2 and machine().slots(True) == 4
    assert machine("lost").slots(False) == 0
    assert machine(slots={}).slots(False) == 0
    tired = machine()
    tired.leave_out(True)
    assert tired.slots(True) == 0 and tired.slots(False) == 2


def test_scans_go_where_the_small_models_are() -> None:
    without, there = machine(models=False), machine(models=True)
    assert without.fits(models=False) and not without.fits(models=True) and there.fits(models=True)
    assert not machine("lost", models=True).fits(models=True)
    assert not head(None, False, a=without).models_elsewhere
    assert head(None, False, a=without, b=there).models_elsewhere


def test_a_model_server_beside_which_the_small_models_are_missing_reads_nothing() -> None:
    """Otherwise its parts would wait for a machine that has both."""

    class Engine:
        available = True

    class Local:
        engine, identity, no_engine, slots = Engine(), "sglang", "", {False: 2, True: 4}

    for there, found in ((False, ("", 0)), (True, ("sglang", 4))):
        workers = head(Local(), there, a=machine(models=True, slots={"compute": 2, "vision": 0}))
        assert (workers.identity, workers.slots[True]) == found
        assert ("layout and OCR" in workers.no_engine) is not there


def test_errors_of_a_document_pass_and_those_of_a_machine_are_its_own() -> None:
    with pytest.raises(FileCorrupt):
        result_of(Failed("FileCorrupt", "file_corrupt", "so"), machine(), False)
    with pytest.raises(EngineLost):
        result_of(Failed("EngineLost", "engine_unavailable", "so"), machine(), False)
    full = machine()
    with pytest.raises(NodeLost):
        result_of(Failed("DiskFull", "disk_full", "so"), full, False)
    assert full.slots(False) == 0, "it rests"
    with pytest.raises(NodeLost):
        result_of(Lost("the plug was pulled"), machine(), False)


PART = Part("parse_shard", Path("a.pdf"), Path("out"), {"pages": [1]}, 1.0)


def two_machines(folders: Folders, said: Lost | None) -> tuple[Any, list[str]]:
    """A head of two machines; what the first says to a part is given, the second reads it."""
    workers = head(None, False)
    fleet, asked = workers._fleet, list[str]()
    fleet.update([seen(key=key, models=True) for key in ("gone", "there")])
    fleet.joined["there"].busy[False] = 1  # so the other comes first, as long as it counts as ready
    fleet.all = lambda: list(fleet.joined.values())
    workers._limit, workers._connection = 1000, Connection(Address("", 1), "", folders, fleet)
    ask = workers._connection.ask

    async def answer(machine: str, part: Part, limit: int) -> Outcome:
        asked.append(machine)
        if machine == "there":
            return PartResult(1)
        return said or await ask(machine, part, limit)  # without an agent

    workers._connection.ask = answer
    return workers, asked


@pytest.mark.anyio
@pytest.mark.parametrize("said", [Lost("not there", begun=False), None])
async def test_a_part_that_a_lost_machine_never_took_goes_to_another(
    said: Lost | None, tmp_path: Path
) -> None:
    workers, asked = two_machines(Folders(tmp_path), said)
    assert await workers.read(PART) == PartResult(1)
    assert await workers.read(PART) == PartResult(1)
    assert asked == ["gone", "there", "there"], "it is left out until we know more of it"


@pytest.mark.anyio
async def test_a_machine_that_lost_a_part_loses_no_more_before_it_is_told_that_it_is_gone(
    tmp_path: Path,
) -> None:
    workers, asked = two_machines(Folders(tmp_path), Lost("the plug was pulled"))
    with pytest.raises(NodeLost):
        await workers.read(PART)
    assert await workers.read(PART) == PartResult(1)
    assert asked == ["gone", "there"]


def test_a_machine_that_is_heard_of_anew_takes_parts_at_once() -> None:
    fleet = Fleet(lambda: Facts("here", {}), nobody)
    fleet.update([seen()])
    gone = fleet.joined["key"]
    gone.leave_out(False, True)
    for status, slots in (("lost", 0), ("ready", 2)):
        fleet.update([seen(status)])
        assert gone.slots(False) == slots


def test_what_people_are_shown_of_a_machine() -> None:
    fleet = Fleet(lambda: Facts("here", {"Python": "3.11"}, SLOTS), nobody)
    fleet.update([seen(), seen("joining", "other", {})])
    fleet.lose_all("the cable was cut")
    here, *others = [MachineView.model_validate(one.to_dict()) for one in fleet.all()]
    assert (here.id, here.name, here.status, here.slots) == ("", "here", "ready", SLOTS)
    assert here.versions == {"Python": "3.11"}
    assert [(one.name, one.status, one.why) for one in others] == [("gpu-2", "lost", "the cable was cut")] * 2
    assert others[0].busy == {"compute": 0, "vision": 0} and others[0].since is not None


@pytest.mark.anyio
async def test_an_agent_that_sends_what_is_no_message_is_ended_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was trusted before: one line of another shape ended the task that keeps the connection, for good."""
    folders = Folders(tmp_path)
    folders.create()
    monkeypatch.setattr(connection, "_START", "print('{}', flush=True); input()")
    monkeypatch.setattr(connection, "LAST_PAUSE", 0.3)
    monkeypatch.setattr(ray_process, "program", lambda: "ray")
    made = Connection(Address("127.0.0.1", 1), "", folders, Fleet(lambda: Facts("here", {}), nobody))
    running = asyncio.create_task(made.run())
    lost: list[str] = []
    sink = logger.add(lost.append, filter=lambda record: record["extra"].get("action") == "cluster_lost")
    async with asyncio.timeout(20):
        while len(lost) < 2:
            await asyncio.sleep(0.02)
    logger.remove(sink)
    assert "no message" in lost[1] and not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_a_lost_machine_is_not_the_documents_fault() -> None:
    history = ShardFailures()
    for _ in range(MOST_LOST - 1):
        history = history.failed(NodeLost())
        assert judge(NodeLost(), 8, history, 0) is Verdict.AGAIN
    assert history.tries == 0
    assert judge(NodeLost(), 8, history.failed(NodeLost()), 0) is Verdict.HALVE


def test_a_result_travels_whole(tmp_path: Path) -> None:
    made = tmp_path / "made"
    (made / "images").mkdir(parents=True)
    (made / "document.md").write_text("text")
    (made / "images" / "1.png").write_bytes(bytes(range(256)))
    (made / "link").symlink_to("/etc/passwd")
    unpack(pack(made), tmp_path / "back", 1000)
    found = {str(path.relative_to(tmp_path / "back")) for path in (tmp_path / "back").rglob("*")}
    assert found == {"document.md", "images", "images/1.png"}
    assert (tmp_path / "back" / "images" / "1.png").read_bytes() == bytes(range(256))
    with pytest.raises(FileTooLarge):
        unpack(pack(made), tmp_path / "small", 100)


def hostile(name: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.size = kind, "/etc/passwd", 0
        tar.addfile(member)
    return made.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        *(hostile("../outside"), hostile("/tmp/outside"), hostile("a/../../outside")),
        *(
            hostile("link", tarfile.SYMTYPE),
            hostile("link", tarfile.LNKTYPE),
            hostile("pipe", tarfile.FIFOTYPE),
        ),
        *(b"", b"no archive", json.dumps({"a": 1}).encode() * 100),
    ],
)
def test_what_reaches_out_of_its_folder_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(WorkerCrashed):
        unpack(data, tmp_path / "in", 1000)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
