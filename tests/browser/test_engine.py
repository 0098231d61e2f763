"""The engine on the page: its button in the bar, the panel, giving the memory back, cards and plot.

The model server, the weights and the driver are stand-ins; everything between them and the page is real.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Error, Locator, Page, Route, expect

from tests.browser.conftest import OpenPage, adding, arrived, row
from tests.browser.test_look import overflow
from tests.documents import text_pdf
from tests.fakes.machine import Machine
from tests.fakes.nvml import GB, FakeCard
from tests.fakes.sglang import FakeSglang
from tests.live import ROOT, LiveServer
from tests.marks import first_then_long

pytestmark = pytest.mark.browser

PATIENCE = 60_000
TOKEN = "a-token-for-tests"


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, engine_server: LiveServer
) -> Iterator[LiveServer]:
    """In the place of the common server: one with an engine; ``none`` and ``remote`` are other kinds."""
    data = tmp_path_factory.mktemp("engine") / "data"
    kind = getattr(request, "param", "sglang")
    if kind == "none":
        with LiveServer(data, "--workers", "1", "--engine", "none") as live:
            yield live
    elif kind == "remote":
        with FakeSglang() as model:
            flags = ("--workers", "1", "--sglang-url", model.url, "--token", TOKEN)
            with LiveServer(data, *flags, token=TOKEN) as live:
                yield live
    else:
        yield engine_server


def chip(page: Page) -> Locator:
    return page.locator(".mo-engine-chip")


def panel(page: Page) -> Locator:
    """The panel, opened."""
    chip(page).click()
    return page.get_by_role("dialog", name=re.compile("^(Engine|引擎)$"))


def telling(page: Page, path: str | re.Pattern[str], change: Any) -> None:
    """Lets the page hear what ``change`` makes of the server's answers."""

    def answer(route: Route) -> None:
        # a page that is loaded again asks for nothing any more, and what it asked for is disposed of
        with suppress(Error):
            response = route.fetch()
            if response.status == 204:
                route.fulfill(response=response)
                return
            body = response.json()
            change(body)
            route.fulfill(response=response, json=body)

    page.route(path, answer)


def an_hour(now: float) -> list[list[Any]]:
    """Ready, then five minutes without a sample, then asleep until now."""
    before = [[now - age, 13 * GB, 90, "ready"] for age in range(3000, 1500, -10)]
    after = [[now - age, GB, 0, "asleep"] for age in range(1200, 0, -10)]
    return [*before, *after]


# ---- without one


@pytest.mark.slow
@pytest.mark.parametrize("server", ["none"], indirect=True)
def test_without_an_engine_it_is_said_and_so_is_why(open_page: OpenPage) -> None:
    page = open_page()
    expect(chip(page)).to_have_text("no engine")
    shown = panel(page)
    expect(shown).to_contain_text("has no vision model")
    expect(shown).to_contain_text("switched off on this server")
    expect(shown.get_by_role("button", name="Put to sleep")).to_have_count(0)
    expect(shown.get_by_role("heading", name="Work")).to_have_count(0)
    page.keyboard.press("Escape")

    adding(page)
    tier = page.get_by_label("Quality")
    expect(tier.locator("[value=standard]")).to_have_text("Standard: vision model (no engine here)")
    expect(tier.locator("[value=basic]")).to_have_text("Basic: scans and tables")
    expect(tier.locator("[value=standard]")).to_be_disabled()


@pytest.mark.slow
@pytest.mark.parametrize("server", ["none"], indirect=True)
def test_the_reason_is_told_in_chinese_too(open_page: OpenPage) -> None:
    page = open_page(locale="zh-CN")
    expect(chip(page)).to_have_text("无引擎")
    shown = panel(page)
    expect(shown).to_contain_text("管理员已关闭引擎")
    expect(shown.locator("[lang=en]", has_text="It is switched off")).to_be_visible()
    expect(page.get_by_label("精度").locator("[value=advanced]")).to_contain_text("无引擎")


@pytest.mark.slow
@pytest.mark.parametrize("server", ["remote"], indirect=True)
def test_one_that_runs_elsewhere_shows_its_address_and_has_no_buttons(
    open_page: OpenPage, server: LiveServer
) -> None:
    page = open_page(f"/?token={TOKEN}")
    expect(chip(page)).to_contain_text("Not in use")
    shown = panel(page)
    expect(shown.locator("code")).to_have_text(re.compile(r"^http://127\.0\.0\.1:\d+$"))
    expect(shown).to_contain_text("runs elsewhere")
    expect(shown.get_by_role("button", name="Release memory")).to_have_count(0)


# ---- its life


def test_a_document_starts_it_and_the_buttons_give_the_memory_back(
    open_page: OpenPage, server: LiveServer, machine: Machine
) -> None:
    machine.rested(server)
    machine.python.set(never_ready=True)
    page = open_page()
    expect(chip(page)).to_contain_text("Stopped")
    expect(chip(page)).to_contain_text("2/24 GB")
    task = machine.submit(server)
    expect(chip(page)).to_contain_text("Starting", timeout=PATIENCE)
    machine.change(never_ready=False)
    assert server.end(task, 60)["status"] == "completed"
    expect(chip(page)).to_contain_text("Ready", timeout=PATIENCE)
    expect(chip(page)).to_contain_text("14/24 GB")

    shown = panel(page)
    expect(shown).to_contain_text("Sleeps in 8 min")
    expect(shown).to_contain_text("MinerU2.5-Pro")
    expect(shown).to_contain_text("24gb")
    expect(shown).to_contain_text("weights take")
    shown.get_by_role("button", name="Put to sleep").click()
    expect(shown.get_by_role("status").first).to_have_text("Asleep", timeout=PATIENCE)
    expect(shown.get_by_role("alert")).to_contain_text("The model is asleep")
    expect(shown.get_by_role("button", name="Put to sleep")).to_have_attribute("aria-disabled", "true")
    expect(chip(page)).to_contain_text("2.6/24 GB")
    assert machine.python.events("release")

    shown.get_by_role("button", name="Release memory").click()
    expect(shown.get_by_role("status").first).to_have_text("Stopped", timeout=PATIENCE)
    expect(shown.get_by_role("alert")).to_contain_text("The model server is stopped")
    assert machine.python.alive() == []
    assert machine.python.rule_breaks() == []


@pytest.mark.slow
def test_what_runs_is_finished_before_the_memory_goes(
    open_page: OpenPage, server: LiveServer, machine: Machine
) -> None:
    machine.ready(server)
    machine.change(hang=True)
    released = len(machine.python.events("release"))
    page = open_page()
    shown = panel(page)
    task = machine.submit(server)
    expect(shown).to_contain_text("1 shard is being read now", timeout=PATIENCE)
    sleep = shown.get_by_role("button", name="Put to sleep")
    sleep.click()
    expect(sleep).to_have_attribute("aria-busy", "true")
    expect(sleep).to_be_focused()
    expect(shown).to_contain_text("Finishing running shards (1)")
    assert len(machine.python.events("release")) == released
    machine.change(hang=False)
    expect(shown.get_by_role("status").first).to_have_text("Asleep", timeout=PATIENCE)
    expect(sleep).to_have_attribute("aria-busy", "false")
    assert server.end(task, 60)["status"] == "completed"


def test_pausing_keeps_the_card_free(open_page: OpenPage, server: LiveServer) -> None:
    page = open_page()
    shown = panel(page)
    expect(shown).to_contain_text("To keep the card free, pause the queue")
    shown.get_by_role("button", name="Pause the queue").click()
    expect(shown).to_contain_text("no document wakes the engine")
    expect(shown.get_by_role("button", name="Pause the queue")).to_be_hidden()
    server.client.post("/api/v1/queue/resume").raise_for_status()


def test_only_the_admin_has_buttons(open_page: OpenPage) -> None:
    page = open_page()
    telling(page, "**/api/v1/queue", lambda queue: queue["user"].update(admin=False))
    telling(page, re.compile(r"\?since="), lambda changes: changes["queue"]["user"].update(admin=False))
    page.reload()
    arrived(page)
    shown = panel(page)
    expect(shown.get_by_role("heading", name="Work")).to_be_visible()
    expect(shown.get_by_role("button", name="Release memory")).to_have_count(0)
    expect(shown.get_by_role("button", name="Pause the queue")).to_have_count(0)


def test_a_failure_says_why_and_what_comes_next(open_page: OpenPage) -> None:
    page = open_page(locale="zh-CN")
    why = "The model needs 12.0 GB and 3.1 GB are free: the card is used by blender (process 4242, 20.0 GB)."
    error = {"code": "gpu_out_of_memory", "message": why, "retryable": True}
    broken = {"status": "failed", "error": error, "waiting": 2, "notice": "It was tried with less memory."}
    telling(page, "**/gpu/status", lambda told: told["engine"].update(broken))
    shown = panel(page)
    expect(shown).to_contain_text("会自动再次尝试")
    expect(shown).to_contain_text("显存不足")
    expect(shown.locator("[lang=en]", has_text="blender (process 4242")).to_be_visible()
    expect(shown).to_contain_text("It was tried with less memory.")
    expect(chip(page)).to_contain_text("出错")


# ---- cards and the last hour


def test_cards_show_who_is_on_them(open_page: OpenPage, server: LiveServer, machine: Machine) -> None:
    machine.ready(server)
    busy = FakeCard(used=5 * GB, load=64, temperature=71, processes={4242: 4 * GB})
    other = FakeCard(uuid="GPU-bbbb", name="NVIDIA H200", total=140 * GB, used=GB)
    machine.driver.tell([busy, other], {4242: "blender"})
    try:
        shown = panel(open_page())
        first, second = (shown.get_by_role("listitem").filter(has_text=name) for name in ("4090", "H200"))
        expect(first.first).to_contain_text("17 of 24 GB")
        expect(first.first).to_contain_text("load 64 % · 71 °C")
        stranger = shown.locator(".mo-processes li[data-who=other]")
        expect(stranger).to_have_text(re.compile("blender.*another program · process 4242.*4 GB"))
        ours = shown.locator(".mo-processes li[data-who=ours]")
        expect(ours).to_have_text(re.compile("sglang.*the engine · process .*12 GB"))
        expect(first.first.get_by_role("meter")).to_have_attribute("aria-valuetext", "17 of 24 GB")
        widths = first.first.locator(".mo-meter i").evaluate_all("all => all.map((one) => one.style.width)")
        assert [round(float(width.rstrip("%"))) for width in widths] == [50, 17, 4]
        expect(second.first).to_contain_text("No program uses this card.")
        expect(first.first).to_contain_text("for the engine")
    finally:
        machine.driver.tell([FakeCard()])


@pytest.mark.slow
def test_the_last_hour_is_drawn_with_its_gap_and_can_be_read_out(open_page: OpenPage) -> None:
    page = open_page()
    telling(page, "**/gpu/status", lambda told: told.update(history=an_hour(time.time())))
    shown = panel(page)
    plot = shown.get_by_role("slider", name="Card memory in the last hour")
    expect(plot.locator(".mo-plot-line")).to_have_count(2)
    states = plot.locator(".mo-plot-band").evaluate_all("all => all.map((one) => one.dataset.engine)")
    assert states[:2] == ["ready", "asleep"]
    expect(shown.locator(".mo-legend")).to_contain_text("Ready 25 min")
    expect(plot).to_have_attribute("aria-describedby", "mo-plot-summary")
    expect(shown.locator("#mo-plot-summary")).to_have_text(re.compile(r"last 50 min: between 1 and 1[34] GB"))
    expect(plot.locator("svg")).to_contain_text("−60 min")

    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 40)
    expect(shown.locator(".mo-plot-readout")).to_have_text(
        re.compile(r"\d:\d\d.* · 13 GB · load 90 % · Ready")
    )
    plot.focus()
    page.keyboard.press("Home")
    expect(plot).to_have_attribute("aria-valuetext", re.compile("13 GB"))
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(plot).to_have_attribute("aria-valuetext", re.compile(r"1 GB .* Asleep"))


# ---- ways to use it


@pytest.mark.slow
def test_the_panel_works_with_the_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page()
    expect(chip(page)).to_be_visible()
    chip(page).focus()
    page.keyboard.press("Enter")
    shown = page.get_by_role("dialog", name="Engine")
    close = shown.get_by_role("button", name="Close")
    expect(close).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        inside = "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        assert page.evaluate(inside)
    page.keyboard.press("Escape")
    expect(shown).to_be_hidden()
    expect(chip(page)).to_be_focused()


@pytest.mark.slow
def test_the_server_is_asked_only_while_somebody_looks(open_page: OpenPage) -> None:
    page = open_page()
    expect(chip(page)).to_contain_text("GB")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/gpu/status" in request.url else None)
    page.clock.install()
    with page.expect_response("**/gpu/status"):
        shown = panel(page)
    for _ in range(2):
        with page.expect_response("**/gpu/status"):
            page.clock.run_for(2100)
    shown.get_by_role("button", name="Close").click()
    before = len(asked)
    page.clock.run_for(10_000)
    assert len(asked) == before


@pytest.mark.parametrize("locale", first_then_long("en-US", "zh-CN"))
def test_everything_fits_a_phone(open_page: OpenPage, locale: str) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, locale=locale, reduced_motion="reduce")
    telling(page, "**/gpu/status", lambda told: told.update(history=an_hour(time.time())))
    expect(chip(page)).to_be_visible()
    box = chip(page).bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390
    assert overflow(page) <= 0
    shown = panel(page)
    expect(shown.get_by_role("slider")).to_be_visible()
    body = shown.locator(".mo-engine-body")
    assert body.evaluate("node => node.scrollWidth - node.clientWidth") == 0
    for button in shown.get_by_role("button").all():
        at = button.bounding_box()
        assert at and at["x"] >= 0 and at["x"] + at["width"] <= 390


@pytest.mark.slow
def test_pages_that_failed_are_named_with_what_a_retry_does(open_page: OpenPage, server: LiveServer) -> None:
    task = server.submit("partly.pdf", text_pdf(2, seed=77), tier="flash")
    server.end(task)
    error = {"code": "engine_unavailable", "message": "Pages 3, 7-9 could not be read completely."}

    def partly(listed: Any) -> None:
        for found in listed["tasks"]:
            if found["id"] == task:
                found |= {"status": "partial", "pages_failed": 4, "error": error}
                found["receipt"]["failed_pages"] = "3,7-9"

    page = open_page(locale="zh-CN")
    telling(page, re.compile(r"/api/v1/tasks\?(?!since)"), partly)
    page.reload()
    expect(row(page, "partly.pdf")).to_contain_text("第 3,7-9 页未能完整读取")
    expect(row(page, "partly.pdf")).to_contain_text("重试只会读取这些页")
    page.get_by_role("button", name="English").click()
    expect(row(page, "partly.pdf")).to_contain_text("Pages 3, 7-9 could not be read completely.")
    expect(row(page, "partly.pdf")).to_contain_text("Trying again reads only these pages.")


def test_chinese_reasons_belong_to_sentences_that_the_server_says() -> None:
    texts = (ROOT / "gradio_app/web/ui/assets/engine/texts.js").read_text("utf-8")
    starts = re.findall(r'^  "([^"]+)": "', texts[texts.index("REASONS_ZH") :], re.MULTILINE)
    modules = ("model_server/choose", "machine/cards", "machine/sglang_python", "machine/reader_weights")
    said = "".join((ROOT / f"gradio_app/{name}.py").read_text("utf-8") for name in modules)
    assert len(starts) > 5
    assert [start for start in starts if start not in said] == []
