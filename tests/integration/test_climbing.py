"""At tier auto the cheapest reader that passes reads a page, and the vision model those in doubt."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from bench.reading.climb import by_hand, formula_page, prose
from tests import layouts
from tests.fakes.sglang import FakeSglang
from tests.layouts import STATEMENT, note_sheet
from tests.live import LiveServer
from tests.scans import scan

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server(vision_server: LiveServer) -> LiveServer:
    return vision_server


@pytest.fixture(autouse=True)
def no_faults(fake: FakeSglang) -> Iterator[None]:
    yield
    fake.set(fail_status=0)


def by_code(task: dict[str, Any], code: str) -> list[tuple[str, str]]:
    return [(note["pages"], note["message"]) for note in task["notes"] if note["code"] == code]


def photographed() -> Image.Image:
    """Some lines as by hand, a little aside."""
    pen = random.Random(3)
    sheet = by_hand([prose(pen, 1)[:40] for _ in range(2)], pen)
    turned = sheet.rotate(1.2, fillcolor=(255, 255, 255))
    turned.info["dpi"] = sheet.info["dpi"]
    return turned


def test_each_page_is_read_by_the_cheapest_reader_that_passes(server: LiveServer, fake: FakeSglang) -> None:
    data = layouts.joined(
        layouts.pdf(layouts.prose),
        layouts.pdf(layouts.statement),
        scan(note_sheet("The meeting begins at nine in the hall.")),
        scan(photographed()),
        layouts.pdf(lambda _canvas: None),
    )
    before = fake.stats()["requests"]
    task = server.end(server.submit("walk.pdf", data))
    assert (task["status"], task["pages_done"], task["pages_failed"]) == ("completed", 5, 0), task
    assert task["receipt"]["readers"] == {"flash": "1-2,5", "basic": "3", "standard": "4"}
    assert task["tier"] == "standard" and task["receipt"]["engine"] == "remote"
    told = by_code(task, "read_again")
    assert told and all(
        pages == "4" and message.startswith("Read again by the vision model: ") for pages, message in told
    )
    assert fake.stats()["requests"] > before
    text = server.result(task["id"]).decode()
    parts = ("The mill stood", "Statement of account", "nine in the hall", "Words read from picture")
    order = [text.index(part) for part in parts]
    assert order == sorted(order)
    assert all(cell in text for row in STATEMENT for cell in row)
    again = server.end(server.submit("walk.pdf", data))
    assert again["receipt"]["cached"] and again["notes"] == task["notes"]


def test_a_page_that_the_model_refuses_keeps_its_first_reading(server: LiveServer, fake: FakeSglang) -> None:
    page = formula_page(random.Random(4))
    fake.set(fail_status=400)
    task = server.end(server.submit("formulas.pdf", page))
    assert (task["status"], task["receipt"]["readers"]) == ("completed", {"flash": "1"}), task
    ((pages, message),) = by_code(task, "read_again")
    assert pages == "1" and message.startswith("Not read again by the vision model: formulas.")
    assert server.result(task["id"])
    fake.set(fail_status=0)
    task = server.end(server.submit("formulas.pdf", page))
    assert not task["receipt"]["cached"] and task["receipt"]["readers"] == {"standard": "1"}
