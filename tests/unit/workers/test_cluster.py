"""What a cluster decides without one: addresses, who is refused, which machine reads, what may come back."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.errors import (
    EngineLost,
    FileCorrupt,
    FileTooLarge,
    NodeLost,
    OptionInvalid,
    WorkerCrashed,
)
from gradio_app.queue.retry_policy import MOST_LOST, ShardFailures, Verdict, judge
from gradio_app.workers.cluster.capacity import Place
from gradio_app.workers.cluster.head import ClusterWorkers
from gradio_app.workers.cluster.node import mismatch
from gradio_app.workers.cluster.ray_process import Address, environment, parse_address
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


def place(**facts: Any) -> Place:
    return Place("key", {"status": "ready", "slots": {"compute": 2, "vision": 4}, **facts})


def test_only_machines_that_can_get_parts() -> None:
    assert place().slots(False) == 2 and place().slots(True) == 4
    assert place(status="lost").slots(False) == 0
    tired = place()
    tired.leave_out(True)
    assert tired.slots(True) == 0 and tired.slots(False) == 2


def test_scans_go_where_the_small_models_are() -> None:
    without, there = place(models=False), place(models=True)
    assert without.fits(models=False) and not without.fits(models=True) and there.fits(models=True)
    assert not place(models=True, status="lost").fits(models=True)
    workers = object.__new__(ClusterWorkers)
    workers._places = {"a": without}  # pyright: ignore[reportPrivateUsage]
    assert not workers.models_elsewhere
    workers._places["b"] = there  # pyright: ignore[reportPrivateUsage]
    assert workers.models_elsewhere


def test_a_model_server_beside_which_the_small_models_are_missing_reads_nothing() -> None:
    """Otherwise its parts would wait for a machine that has both."""

    class Engine:
        available = True

    class Local:
        engine, identity, trouble, slots = Engine(), "sglang", "", {False: 2, True: 4}

    for there, found in ((False, ("", 0)), (True, ("sglang", 4))):
        workers: Any = object.__new__(ClusterWorkers)
        workers._local, workers._models_here = Local(), there
        workers._here, workers._places = Place(), {"a": place(models=True, slots={"compute": 2, "vision": 0})}
        assert (workers.identity, workers.slots[True]) == found
        assert ("layout and OCR" in workers.trouble) is not there


def understood(said: dict[str, Any]) -> tuple[Place, Any]:
    where = place(name="gpu-2")
    part = Part("parse_shard", Path("a.pdf"), Path("out"), Path("tmp"), {}, 1.0)
    workers = object.__new__(ClusterWorkers)
    return where, lambda: workers._understood(where, part, said)  # pyright: ignore[reportPrivateUsage]


def error(kind: str, code: str) -> dict[str, Any]:
    return {"error": {"kind": kind, "code": code, "message": "so"}}


def test_errors_of_a_document_pass_and_those_of_a_machine_are_its_own() -> None:
    _, document = understood(error("FileCorrupt", "file_corrupt"))
    with pytest.raises(FileCorrupt):
        document()
    _, engine = understood(error("EngineLost", "engine_unavailable"))
    with pytest.raises(EngineLost):
        engine()
    full, disk = understood(error("DiskFull", "disk_full"))
    with pytest.raises(NodeLost):
        disk()
    assert full.slots(False) == 0, "it rests"
    _, gone = understood({"lost": "the plug was pulled"})
    with pytest.raises(NodeLost):
        gone()


class Cluster(ClusterWorkers):
    """Two machines; what the first says to a part is given, the second reads it."""

    def __init__(self, said: dict[str, Any] | None) -> None:
        self._said, self.asked = said, list[str]()
        self._here, self._room, self.changed = Place(), asyncio.Event(), nobody
        self._places = {key: place(models=True) for key in ("gone", "there")}
        for key, one in self._places.items():
            one.key = key
        self._places["there"].busy[False] = 1  # so the other comes first, as long as it counts as ready

    def _all(self) -> list[Place]:
        return list(self._places.values())

    async def _read_there(self, place: Place, part: Part) -> PartResult:
        self.asked.append(place.key)
        if place.key == "there":
            return PartResult(1)
        if self._said is None:
            self._agent = None
            self._send({})
        return self._understood(place, part, self._said or {})


PART = Part("parse_shard", Path("a.pdf"), Path("out"), Path("tmp"), {}, 1.0)


@pytest.mark.anyio
@pytest.mark.parametrize("said", [{"lost": "not there", "begun": False}, None])
async def test_a_part_that_a_lost_machine_never_took_goes_to_another(said: dict[str, Any] | None) -> None:
    workers = Cluster(said)
    assert await workers.read(PART) == PartResult(1)
    assert await workers.read(PART) == PartResult(1)
    assert workers.asked == ["gone", "there", "there"], "it is left out until we know more of it"


@pytest.mark.anyio
async def test_a_machine_that_lost_a_part_loses_no_more_before_it_is_told_that_it_is_gone() -> None:
    workers = Cluster({"lost": "the plug was pulled"})
    with pytest.raises(NodeLost):
        await workers.read(PART)
    assert await workers.read(PART) == PartResult(1)
    assert workers.asked == ["gone", "there"]


def test_a_machine_that_is_heard_of_anew_takes_parts_at_once() -> None:
    workers = Cluster(None)
    gone, facts = workers._places["gone"], {"name": "gpu-2", "address": "10.0.0.2", "why": ""}
    gone.leave_out(False, True)
    for status, slots in (("lost", 0), ("ready", 2)):
        workers._note([{**gone.facts, **facts, "id": "gone", "status": status}])
        assert gone.slots(False) == slots


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
