"""The whole service with several model servers: on two cards, one of which fails; on one, by CUDA MPS."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradio_app.model_server.sglang_flags import value_of
from tests.documents import scan_pdf
from tests.fakes.cards import FakeDriver
from tests.fakes.mps import FakeMps
from tests.fakes.nvml import GB, FakeCard
from tests.fakes.sglang import FakePython
from tests.integration.test_engine import flags, status, until
from tests.live import LiveServer

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ONE, TWO = FakeCard("GPU-aaaa"), FakeCard("GPU-bbbb")
#: with room for two
LARGE = FakeCard("GPU-aaaa", "NVIDIA H100", total=80 * GB, capability=(9, 0))

Start = Callable[..., LiveServer]


class Machine:
    """Fake cards, and a fake SGLang that takes memory of the card that it is told to use."""

    def __init__(self, folder: Path, weights: Path, *cards: FakeCard, **faults: Any) -> None:
        self.folder, self.weights = folder, weights
        self.python = FakePython(folder / "sglang", **faults)
        self.driver = FakeDriver(folder / "driver", self.python)
        self.driver.tell(cards)

    def service(self, *more: str, env: dict[str, str] | None = None) -> LiveServer:
        own = flags(self.python.path, self.weights, "--workers-vlm", "2", "--gpu-idle-timeout", "9m", *more)
        env = {"PYTHONPATH": str(self.driver.path), **(env or {})}
        return LiveServer(self.folder / "data", *own, env=env)

    def starts(self, name: str) -> list[str]:
        return [event["env"][name] for event in self.python.events("start")]


def scans(server: LiveServer, count: int, pages: int) -> list[str]:
    return [
        server.submit(f"{number}.pdf", scan_pdf(pages, seed=number), tier="standard")
        for number in range(count)
    ]


def test_six_scans_over_two_cards_one_of_which_dies(tmp_path: Path, stand_in_weights: Path) -> None:
    machine = Machine(tmp_path, stand_in_weights, ONE, TWO, delay=0.2)
    with machine.service("--gpu", "all") as server:
        tasks = scans(server, 6, 8)
        until(lambda: [one["in_flight"] for one in status(server)["servers"]] == [2, 2])
        assert sorted(machine.starts("CUDA_VISIBLE_DEVICES")) == ["GPU-aaaa", "GPU-bbbb"]
        told = status(server)
        assert [one["cards"] for one in told["servers"]] == [["GPU-aaaa"], ["GPU-bbbb"]]
        assert told["in_flight"] == 4 and len(told["pids"]) >= 2
        killed = told["servers"][1]["pids"]
        os.kill(killed[-1], signal.SIGKILL)
        done = [server.end(task) for task in tasks]
        assert [(one["status"], one["pages_done"], one["pages_failed"]) for one in done] == [
            ("completed", 8, 0)
        ] * 6
        until(lambda: status(server)["servers"][1]["status"] == "ready")
        first, second = status(server)["servers"]
        assert (first["counts"]["starts"], first["counts"]["crashes"]) == (1, 0)
        assert (second["counts"]["starts"], second["counts"]["crashes"]) == (2, 1)
        cards = server.client.get("/gpu/status").json()["cards"]
        assert [(card["chosen"], [one["ours"] for one in card["processes"]]) for card in cards] == [
            (True, [True]),
            (True, [True]),
        ]
        assert server.client.post("/gpu/release").json()["engine"]["status"] == "stopped"
        assert machine.python.alive() == [] and machine.python.rule_breaks() == []
        assert server.leftovers() == []


def test_two_servers_share_a_card_by_mps(tmp_path: Path, stand_in_weights: Path) -> None:
    machine = Machine(tmp_path, stand_in_weights, LARGE, delay=0.1)
    mps = FakeMps(tmp_path / "mps")
    mps.follow(machine.python.folder)
    # as an older deployment says it
    env = {**mps.variables(os.environ["PATH"]), "WORKERS": "2", "GPU_MEMORY_UTILIZATION": "0.4"}
    with machine.service(env=env) as server:
        tasks = scans(server, 4, 8)
        assert {server.end(task)["status"] for task in tasks} == {"completed"}
        told = status(server)
        assert [one["counts"]["starts"] for one in told["servers"]] == [1, 1] and told["notice"] is None
        assert [one["cards"] for one in told["servers"]] == [["GPU-aaaa"]] * 2
        assert machine.starts("CUDA_MPS_PIPE_DIRECTORY") == [str(mps.pipe)] * 2
        # 0.4 of 80 GB each, as a share of what is free when it starts: of 78 GB, then of what the first left
        fractions = [
            float(value_of(argv[2:], "--mem-fraction-static") or 0) for argv in machine.python.starts()
        ]
        assert all(0.3 < fraction < 0.42 for fraction in fractions) and fractions[1] > fractions[0]
        log = server.log.read_text()
        assert "WORKERS=2 is understood as the setting engine_replicas" in log
        assert "GPU_MEMORY_UTILIZATION=0.4 is understood" in log
        assert server.client.post("/gpu/offload").json()["engine"]["status"] == "asleep"
        assert {one["status"] for one in status(server)["servers"]} == {"asleep"}
    assert machine.python.alive() == [] and machine.python.rule_breaks() == []


def test_one_that_is_not_attached_is_ended_and_the_first_works_alone(
    tmp_path: Path, stand_in_weights: Path
) -> None:
    machine = Machine(tmp_path, stand_in_weights, LARGE, delay=0.1)
    mps = FakeMps(tmp_path / "mps")
    with machine.service("--engine-replicas", "2", env=mps.variables(os.environ["PATH"])) as server:
        assert len(status(server)["servers"]) == 2
        tasks = scans(server, 4, 8)
        assert {server.end(task)["status"] for task in tasks} == {"completed"}
        told = status(server)
        assert len(told["servers"]) == 1 and "not attached to CUDA MPS" in told["notice"]
        assert len(machine.python.alive()) == 1


def test_without_mps_there_is_one_server_and_a_notice(tmp_path: Path, stand_in_weights: Path) -> None:
    machine = Machine(tmp_path, stand_in_weights, LARGE)
    env = {"CUDA_MPS_PIPE_DIRECTORY": str(tmp_path / "nothing")}
    with machine.service("--engine-replicas", "3", env=env) as server:
        told = status(server)
        assert len(told["servers"]) == 1
        assert "One model server instead of 3" in told["notice"] and "start_cuda_mps.sh" in told["notice"]
        assert server.end(scans(server, 1, 1)[0])["status"] == "completed"


def test_flags_that_spread_the_model_start_one_server_on_all_cards(
    tmp_path: Path, stand_in_weights: Path
) -> None:
    full = FakeCard("GPU-bbbb", used=14 * GB)
    machine = Machine(tmp_path, stand_in_weights, ONE, full)
    with machine.service("--gpu", "all", "--sglang-args", "--tp-size 2") as server:
        assert server.end(scans(server, 1, 1)[0])["status"] == "completed"
        (told,) = status(server)["servers"]
        assert machine.starts("CUDA_VISIBLE_DEVICES") == ["GPU-aaaa,GPU-bbbb"]
        assert told["cards"] == ["GPU-aaaa", "GPU-bbbb"] and told["card"] == "GPU-bbbb"
        assert any("Of the 10.0 GB that are free" in sentence for sentence in told["why"])
        (argv,) = machine.python.starts()
        assert value_of(argv[2:], "--tp-size") == "2" and "--dp-size" not in argv
