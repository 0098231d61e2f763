"""The short forms of ``make fuzz``: 20 and 150 mutated files of all types, and a look at the server then."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradio_app.base.file_types import CONTAINERS
from tests.fuzz.campaign import FLAGS, Campaign, memory_of
from tests.fuzz.mutate import case
from tests.fuzz.requests import odd
from tests.fuzz.seeds import SEEDS
from tests.live import LiveServer
from tests.stub_weights import write_small_models

pytestmark = pytest.mark.integration


def test_the_same_seed_gives_the_same_files() -> None:
    assert [case(3, index) for index in range(100)] == [case(3, index) for index in range(100)]
    assert case(3, 0).data != case(4, 0).data
    assert [odd(3, index) for index in range(100)] == [odd(3, index) for index in range(100)]


def test_every_type_that_is_taken_has_a_seed() -> None:
    from mineru.filetypes import PARSEABLE_EXTENSIONS

    assert set(SEEDS) == set(PARSEABLE_EXTENSIONS) | CONTAINERS


@pytest.mark.parametrize("count", [20, pytest.param(150, marks=pytest.mark.slow)])
def test_mutated_files_of_every_type(tmp_path: Path, count: int) -> None:
    write_small_models(tmp_path / "weights")
    server = LiveServer(tmp_path / "data", *FLAGS, "--model-dir", str(tmp_path / "weights"))
    with server:
        assert server.process is not None
        before = memory_of(server.process.pid)
        for suffix, data in SEEDS.items():  # undamaged they are read, so that the damage reaches the parsers
            task = server.end(server.submit(f"good.{suffix}", data))
            assert task["status"] == "completed", (suffix, task["error"])
            server.client.delete(f"/api/v1/tasks/{task['id']}")
        tally = Campaign(server, 1, tmp_path / "kept").run(range(count))
        assert not tally.faults, tally.told()
        assert sum(tally.ends.values()) == count
        assert tally.ends["completed"] > count // 5, "some are damaged a little only"
        assert memory_of(server.process.pid) < before + 64 * 2**20
