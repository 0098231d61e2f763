"""The panel of an engine with two cards: each server with its card, what it does, and why it failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.test_engine import PATIENCE, chip, panel, telling
from tests.fakes.machine import Machine
from tests.fakes.nvml import GB, FakeCard
from tests.live import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    made = Machine(tmp_path_factory.mktemp("machine"))
    made.driver.tell([FakeCard(), FakeCard("GPU-bbbb", "NVIDIA H200", total=140 * GB, used=GB)])
    return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, machine: Machine) -> Iterator[LiveServer]:
    data = tmp_path_factory.mktemp("servers") / "data"
    env = {"PYTHONPATH": str(machine.driver.path)}
    with LiveServer(data, *machine.flags(), "--gpu", "all", env=env) as live:
        yield live


def test_each_server_is_shown_with_its_card_and_the_chip_has_all_memory(
    open_page: OpenPage, server: LiveServer, machine: Machine
) -> None:
    machine.ready(server)
    page = open_page()
    expect(chip(page)).to_contain_text("15/164 GB", timeout=PATIENCE)
    shown = panel(page)
    first, second = (shown.locator(".mo-server").nth(number) for number in (0, 1))
    expect(first).to_contain_text("Server 1Ready")
    expect(first).to_contain_text("card 0, NVIDIA RTX 4090")
    expect(second).to_contain_text("Server 2Stopped")
    expect(shown.get_by_text("for the engine")).to_have_count(2)
    machine.change(hang=True)
    task = machine.submit(server)
    expect(first).to_contain_text("1 shard being read", timeout=PATIENCE)
    machine.change(hang=False)
    assert server.end(task, 60)["status"] == "completed"
    shown.get_by_role("button", name="Release memory").click()
    expect(first).to_contain_text("Server 1Stopped", timeout=PATIENCE)
    expect(shown.get_by_role("alert")).to_contain_text("The model server is stopped")


@pytest.mark.parametrize(("locale", "words"), [("en-US", "blender holds it"), ("zh-CN", "显存不足")])
def test_one_that_failed_says_why_also_on_a_phone(open_page: OpenPage, locale: str, words: str) -> None:
    def broken(told: Any) -> None:
        error = {"code": "gpu_out_of_memory", "message": "blender holds it", "retryable": True}
        told["engine"]["servers"][1] |= {"status": "failed", "error": error, "cards": ["GPU-bbbb"]}
        told["engine"]["servers"][1]["counts"]["crashes"] = 2

    page = open_page(viewport={"width": 390, "height": 844}, locale=locale, reduced_motion="reduce")
    telling(page, "**/gpu/status", broken)
    shown = panel(page)
    failed = shown.locator(".mo-server[data-engine=failed]")
    expect(failed).to_contain_text(words)
    expect(failed).to_contain_text("NVIDIA H200")
    body = shown.locator(".mo-engine-body")
    assert body.evaluate("node => node.scrollWidth - node.clientWidth") == 0
    box = failed.bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390
