"""Documents are read page by page on a plain machine, by REST: tables, scans, pictures, sideways pages."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests import layouts
from tests.layouts import COURSES, STATEMENT, note_sheet, table_sheet
from tests.live import ENDED, LiveServer
from tests.scans import scan, text_page

pytestmark = pytest.mark.integration

LINES = ("The meeting begins at nine in the hall.", "Bring the plan of the garden.", "Lunch is at noon.")


def converted(server: LiveServer, name: str, data: bytes, **fields: str) -> tuple[dict[str, Any], str]:
    """The task that has ended well, and its Markdown."""
    task = server.end(server.submit(name, data, **fields))
    assert task["status"] == "completed", task
    return task, server.result(task["id"]).decode()


def cells(markdown: str) -> list[tuple[str, ...]]:
    """Rows of the tables in a Markdown, without the line below the heading."""
    rows = [line.strip("| ").split("|") for line in markdown.splitlines() if line.startswith("|")]
    found = [tuple(cell.strip() for cell in row) for row in rows]
    return [row for row in found if not all(re.fullmatch("-+", cell) for cell in row)]


def readers(task: dict[str, Any]) -> dict[str, str]:
    return task["receipt"]["readers"]


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def test_a_statement_without_lines_is_a_table(server: LiveServer) -> None:
    task, text = converted(server, "statement.pdf", layouts.pdf(layouts.statement))
    assert cells(text) == list(STATEMENT)
    assert task["receipt"]["coverage"] == 1 and task["notes"] == []


def test_a_scan_is_read(server: LiveServer) -> None:
    task, text = converted(server, "scan.pdf", scan(note_sheet(*LINES)))
    assert words(text) == words(" ".join(LINES))
    assert (task["tier"], readers(task)) == ("basic", {"basic": "1"})


def test_a_picture_is_read_and_its_table(server: LiveServer) -> None:
    task, text = converted(server, "courses.png", layouts.png(table_sheet()))
    assert cells(text) == list(COURSES) and "Evening courses of this winter" in text
    assert readers(task) == {"basic": "1"}


def test_a_tiff_has_a_page_for_each_of_its_pictures(server: LiveServer) -> None:
    sheets = [note_sheet(line) for line in LINES]
    sheets[1] = sheets[1].convert("1", dither=Image.Dither.NONE)  # a fax among them
    task, text = converted(server, "letters.tiff", layouts.tiff(*sheets))
    assert task["pages_total"] == task["pages_done"] == 3
    assert words(text) == words(" ".join(LINES))
    assert readers(task) == {"basic": "1-3"}


def test_a_scan_on_its_side_is_turned(server: LiveServer) -> None:
    sheet = note_sheet(*LINES, *layouts.ITEMS)
    turned = sheet.transpose(Image.Transpose.ROTATE_90)
    turned.info["dpi"] = sheet.info["dpi"]
    _, text = converted(server, "sideways.pdf", scan(turned))
    assert words(text) == words(" ".join((*LINES, *layouts.ITEMS)))


def test_a_mixed_document_moves_page_by_page(server: LiveServer) -> None:
    data = layouts.joined(
        layouts.pdf(layouts.prose),
        scan(note_sheet(LINES[0])),
        layouts.pdf(layouts.statement),
        scan(note_sheet(LINES[1])),
    )
    task_id, seen = server.submit("mixed.pdf", data), set[int]()
    with server.client.stream("GET", "/api/v1/events") as events:
        task = server.task(task_id)
        for _ in events.iter_lines():  # something changed
            task = server.task(task_id)
            seen.add(task["pages_done"])
            if task["status"] in ENDED:
                break
    assert task["status"] == "completed" and 4 in seen and seen & {1, 2, 3}, seen
    assert readers(task) == {"flash": "1,3", "basic": "2,4"}
    text = server.result(task_id).decode()
    order = [text.index(part) for part in ("The mill", LINES[0], "Statement of account", LINES[1])]
    assert order == sorted(order) and cells(text) == list(STATEMENT)


@pytest.mark.parametrize(
    ("fields", "reader"),
    [
        ({}, "flash"),
        ({"tier": "flash"}, "flash"),
        ({"tier": "basic"}, "basic"),
        ({"ocr_mode": "ocr"}, "basic"),
    ],
    ids=["auto", "flash", "basic", "ocr"],
)
def test_who_reads_a_page_of_text(server: LiveServer, fields: dict[str, str], reader: str) -> None:
    page = text_page(lambda canvas: layouts.grid(canvas, COURSES, (90, 90, 60), ruled=True, y=140), 380, 150)
    task, text = converted(server, "table.pdf", page, **fields)
    assert readers(task) == {reader: "1"} and task["tier"] == reader
    assert cells(text) == list(COURSES)


def test_tier_flash_reads_no_scan_and_says_so(server: LiveServer) -> None:
    task, text = converted(server, "scan.pdf", scan(note_sheet(*LINES)), tier="flash")
    assert [(note["code"], note["pages"]) for note in task["notes"]] == [("pages_without_text", "1")]
    assert readers(task) == {"flash": "1"} and "meeting" not in text


def test_txt_reads_no_scan_and_says_so(server: LiveServer) -> None:
    data = layouts.joined(layouts.pdf(layouts.form), scan(note_sheet(*LINES)))
    task, text = converted(server, "half.pdf", data, ocr_mode="txt")
    assert [(note["code"], note["pages"]) for note in task["notes"]] == [("pages_without_text", "2")]
    assert "Maria Keller" in text and "meeting" not in text


def test_the_picture_of_a_rotated_page_is_upright(server: LiveServer) -> None:
    plain = layouts.pdf(layouts.statement)
    task, text = converted(server, "rotated.pdf", layouts.rotated(plain))
    assert cells(text) == list(STATEMENT)
    pictures: list[Image.Image] = []
    for task_id in (task["id"], server.submit("plain.pdf", plain)):
        server.end(task_id)
        answer = server.client.get(f"/api/v1/tasks/{task_id}/pages/1.png", params={"width": 400})
        assert answer.status_code == 200, answer.text
        pictures.append(Image.open(io.BytesIO(answer.content)).convert("L"))
    rotated, upright = (np.asarray(picture, np.int16) for picture in pictures)
    assert rotated.shape == upright.shape
    assert (np.abs(rotated - upright) > 64).mean() < 0.01


@pytest.mark.slow
def test_a_scan_goes_on_after_a_kill(tmp_path: Path) -> None:
    data = layouts.scans(*(note_sheet(f"This is sheet {number} of six.", *LINES) for number in range(1, 7)))
    with LiveServer(tmp_path / "data", "--workers", "1") as server:
        task_id = server.submit("six.pdf", data)
        done = server.until(task_id, pages_done=2)["pages_done"]
        server.kill()
        files = {path: path.stat().st_mtime_ns for path in server.data.glob("tasks/*/shards/*/model.json")}
        assert 2 <= done < 6 and len(files) >= done
        server.start()
        for path, time in files.items():
            assert not path.exists() or path.stat().st_mtime_ns == time, "a page was read twice"
        task = server.end(task_id)
        assert (task["status"], task["pages_done"], readers(task)) == ("completed", 6, {"basic": "1-6"})
        found = re.findall(r"This is sheet (\d) of six", server.result(task_id).decode())
        assert found == list("123456")
        assert server.leftovers() == []
