"""The machines of a cluster in the overview: a real head; what happens to others is told to the page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.test_engine import telling
from tests.browser.test_overview import open_overview
from tests.cluster import Head
from tests.live import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CARD = {"name": "NVIDIA L4", "used": 1, "total": 2, "load": 3}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Without tasks: the overview shows the machines nevertheless."""
    with Head(tmp_path_factory.mktemp("cluster") / "data") as head:
        yield head


def other(number: int, status: str, **more: Any) -> dict[str, Any]:
    busy = {"compute": 0, "vision": 0}
    return {
        **{"id": f"n{number}", "name": f"lab-{number}", "address": f"10.0.0.{number}", "status": status},
        **{"why": "", "since": time.time() - 300, "slots": {"compute": 8, "vision": 0}, "busy": busy},
        **{"pages": 0, "versions": {}, "engine": {}, "cards": []},
        **more,
    }


def test_the_machines_are_shown_with_what_they_do(open_page: OpenPage) -> None:
    page = open_page()
    dialog = open_overview(page)
    expect(dialog.get_by_role("heading", name="Machines")).to_be_visible()
    here = dialog.locator(".mo-server")
    expect(here).to_have_count(1)
    expect(here).to_contain_text("This server")
    expect(here).to_contain_text("reads no pages")


@pytest.mark.parametrize(("locale", "lost"), [("en-US", "Lost"), ("zh-CN", "已失联")])
def test_what_happens_to_machines_is_told_also_on_a_phone(
    open_page: OpenPage, locale: str, lost: str
) -> None:
    why = "It has MinerU 4.0.11, the head 4.0.12: install the same version on both."
    told = [
        other(1, "ready", busy={"compute": 3, "vision": 0}, pages=1200, cards=[CARD]),
        other(2, "ready", slots={"compute": 8, "vision": 4}),
        other(3, "lost", why="No answer for 6 s."),
        other(4, "refused", why=why),
        other(5, "joining", name=""),
    ]
    page = open_page(viewport={"width": 390, "height": 844}, locale=locale, reduced_motion="reduce")
    telling(page, "**/api/v1/cluster", lambda answer: answer["machines"].extend(told))
    page.get_by_role("button", name="概览" if locale == "zh-CN" else "Overview", exact=True).click()
    machines = page.get_by_role("dialog").locator(".mo-server")
    expect(machines).to_have_count(6)
    expect(machines.nth(1)).to_contain_text("lab-1")
    expect(machines.nth(1)).to_contain_text("3")
    expect(machines.nth(1)).to_contain_text("NVIDIA L4")
    expect(machines.nth(3)).to_contain_text(lost)
    expect(machines.nth(4)).to_contain_text(why)
    expect(machines.nth(5)).to_contain_text("10.0.0.5")
    assert machines.nth(1).get_attribute("data-engine") == "reading"
    body = page.get_by_role("dialog").locator(".mo-engine-body")
    assert body.evaluate("node => node.scrollWidth - node.clientWidth") == 0


def test_why_there_is_no_connection_is_told(open_page: OpenPage) -> None:
    page = open_page()
    telling(page, "**/api/v1/cluster", lambda answer: answer.update(error="Nobody answers at 10.0.0.9:6379."))
    dialog = open_overview(page)
    expect(dialog.get_by_text("Nobody answers at 10.0.0.9:6379.")).to_be_visible()


def test_without_a_cluster_there_is_no_such_section(open_page: OpenPage) -> None:
    page = open_page()
    telling(page, "**/api/v1/cluster", lambda answer: answer.update(address="", machines=[]))
    dialog = open_overview(page)
    expect(dialog.get_by_role("heading", name="Machines")).to_be_hidden()
