"""A scan at the better tiers, from the page: the model server is killed in the middle, nothing is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch, adding, choose, row
from tests.documents import scan_pdf
from tests.fakes.machine import Machine
from tests.live import LiveServer

pytestmark = pytest.mark.browser

PATIENCE = 120_000


@pytest.fixture(scope="module")
def server(engine_server: LiveServer, machine: Machine) -> Iterator[LiveServer]:
    machine.rested(engine_server)
    machine.python.set(delay=0.3)
    yield engine_server
    machine.python.set(delay=0.0)
    machine.rested(engine_server)


@pytest.mark.slow
@pytest.mark.parametrize("tier", ["standard", "advanced"])
def test_a_scan_of_twenty_pages(
    page: Page, server: LiveServer, machine: Machine, watch: Watch, tier: str
) -> None:
    watch.refused.append("/pages/")  # those that are not read yet
    adding(page)
    page.locator("select[data-option=tier]").select_option(tier)
    name = f"{tier}.pdf"
    choose(page, (name, scan_pdf(20, seed=50)))
    mine = row(page, name).and_(page.locator("[data-task]"))  # for a moment the upload has a row, too
    expect(mine).to_contain_text("20", timeout=PATIENCE)
    listed = server.client.get("/api/v1/tasks").json()["tasks"]
    task = next(item["id"] for item in listed if item["name"] == name)
    server.until(task, pages_done=6)
    (running,) = machine.python.alive()
    os.kill(running, signal.SIGKILL)
    expect(mine).to_contain_text("Done", timeout=PATIENCE)
    expect(mine).to_contain_text("20 pages")
    done = server.task(task)
    assert (done["status"], done["pages_done"], done["pages_failed"]) == ("completed", 20, 0)
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.locator("#mo-text")).not_to_be_empty()
