"""Records of the queue: options that are checked, names that are safe, JSON that tells no secrets."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from gradio_app.base.errors import FileCorrupt, OptionInvalid, PageRangeInvalid
from gradio_app.base.names import display_name, folder_and_name
from gradio_app.base.options import OCR_MODES, TIERS, ParseOptions
from gradio_app.store.states import TERMINAL, TaskStatus
from gradio_app.store.task import Task
from tests.unit.records import a_task

# ---------------------------------------------------------------- options


def test_what_is_left_out_has_its_default() -> None:
    assert ParseOptions.checked("", "", "") == ParseOptions()
    assert ParseOptions() == ParseOptions("auto", "", "auto", 0, True)


def test_options_are_read_as_people_write_them() -> None:
    options = ParseOptions.checked(" Flash ", " 1 - 3 ", "OCR", -10, False)
    assert options == ParseOptions("flash", "1-3", "ocr", -10, False)


@pytest.mark.parametrize("tier", ["auto", "flash", "basic", "standard", "advanced"])
def test_each_tier_of_the_contract_exists(tier: str) -> None:
    assert tier in TIERS and ParseOptions.checked(tier, "", "auto").tier == tier


@pytest.mark.parametrize("mode", ["auto", "txt", "ocr"])
def test_each_ocr_mode_of_the_contract_exists(mode: str) -> None:
    assert mode in OCR_MODES and ParseOptions.checked("auto", "", mode).ocr_mode == mode


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("turbo", "", "auto"), "no tier 'turbo'. Tiers are: auto, flash"),
        (("x" * 999, "", "auto"), f"no tier {'x' * 40!r}."),
        (("auto", "", "maybe"), "no OCR mode 'maybe'. Modes are: auto, txt, ocr"),
        (("auto", "", "auto", 11), "from -10 to 10, not 11"),
        (("auto", "", "auto", -11), "from -10 to 10, not -11"),
    ],
)
def test_an_option_that_does_not_exist_is_refused(given: Any, told: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        ParseOptions.checked(*given)
    assert told in caught.value.message


def test_the_page_range_is_checked_too() -> None:
    with pytest.raises(PageRangeInvalid):
        ParseOptions.checked("auto", "5-3", "auto")


# ---------------------------------------------------------------- the record


def test_a_record_does_not_change() -> None:
    task = a_task(pages_total=3)
    with pytest.raises(FrozenInstanceError):
        task.pages_total = 4  # type: ignore[misc]


@pytest.mark.parametrize("status", TaskStatus)
def test_a_task_has_ended_in_the_terminal_states_only(status: TaskStatus) -> None:
    assert a_task(status=status).ended is (status in TERMINAL)


def test_a_task_of_unknown_length_weighs_one_page() -> None:
    assert [a_task(pages_total=pages).page_weight for pages in (0, 1, 30)] == [1, 1, 30]


def test_a_placeholder_waits_and_weighs_one_page() -> None:
    task = Task.placeholder("t9", "bob")
    assert (task.id, task.owner, task.ended, task.page_weight) == ("t9", "bob", False, 1)


def test_a_stored_error_becomes_an_error_again() -> None:
    error = a_task(error_code="file_corrupt", error_message="Page 3 is damaged.").error
    assert isinstance(error, FileCorrupt) and error.message == "Page 3 is damaged."
    assert a_task().error is None


# ---------------------------------------------------------------- JSON

SECRET = a_task(
    "t1",
    "ann",
    name="salaries.pdf",
    status=TaskStatus.FAILED,
    options=ParseOptions("auto", "3-4", "ocr", 2),
    source="5ec7e7",
    created_at=1000.0,
    started_at=1002.5,
    finished_at=1010.0,
    kind="pdf",
    tier="flash",
    parser_version="4.0.12",
    source_pages=20,
    pages_total=9,
    pages_done=4,
    pages_failed=5,
    parse_seconds=1.23456,
    result_sha256="d1635",
    error_code="file_corrupt",
    error_message="Page 3 of salaries.pdf is damaged.",
    attempt=2,
    rev=17,
    folder="payroll/2026",
    redo_of="t0",
    redo_page=4,
    redone="3",
    parent="box",
    notes='[{"code": "no_text", "pages": "4", "message": "Page 4 of salaries.pdf is blank."}]',
    coverage=0.987654,
    readers='{"flash": "3", "basic": "4"}',
    scan_pages="4",
)


def test_the_owner_sees_everything() -> None:
    assert SECRET.to_json("ann", readable=False, position=3, eta_seconds=12.345) == {
        "id": "t1",
        "seq": 0,
        "name": "salaries.pdf",
        "owner": "ann",
        "mine": True,
        "status": "failed",
        "kind": "pdf",
        "tier": "basic",
        "page_range": "3-4",
        "ocr_mode": "ocr",
        "priority": 2,
        "source_pages": 20,
        "pages_total": 9,
        "pages_done": 4,
        "pages_failed": 5,
        "position": 3,
        "eta_seconds": 12.3,
        "created_at": 1000.0,
        "started_at": 1002.5,
        "finished_at": 1010.0,
        "attempt": 2,
        "error": {
            "code": "file_corrupt",
            "message": "Page 3 of salaries.pdf is damaged.",
            "retryable": False,
        },
        "notes": [{"code": "no_text", "pages": "4", "message": "Page 4 of salaries.pdf is blank."}],
        "receipt": {
            "waited_seconds": 2.5,
            "parsed_seconds": 1.235,
            "cached": False,
            "engine": "none",
            "failed_pages": "",
            "coverage": 0.9877,
            "readers": {"flash": "3", "basic": "4"},
            "versions": {"mineru": "4.0.12"},
            "input_sha256": "5ec7e7",
            "output_sha256": "d1635",
        },
        "rev": 17,
        "folder": "payroll/2026",
        "redo_of": "t0",
        "redo_page": 4,
        "redone": "3",
        "parent": "box",
    }


def test_others_see_that_it_is_there_and_nothing_of_what_it_is() -> None:
    seen = SECRET.to_json("bob", readable=False)
    hidden = {"name": "", "owner": "", "mine": False, "page_range": "", "error": None, "receipt": None}
    hidden |= {"notes": [], "folder": "", "redo_of": "", "redo_page": 0, "redone": "", "parent": ""}
    assert seen == SECRET.to_json("ann", readable=False) | hidden | {"position": None, "eta_seconds": None}
    text = json.dumps(seen)
    secrets = ("salaries", "payroll", "t0", "box", "ann", "3-4", "5ec7e7", "d1635", "corrupt", "no_text")
    assert not any(word in text for word in secrets)


def test_an_admin_sees_everything_and_that_it_is_not_theirs() -> None:
    assert SECRET.to_json("root", readable=True) == SECRET.to_json("ann", readable=False) | {"mine": False}


def test_before_inspection_the_tier_is_the_one_asked_for() -> None:
    assert a_task(options=ParseOptions("advanced")).to_json("ann", False)["tier"] == "advanced"


def test_a_receipt_comes_with_the_end() -> None:
    assert a_task(status=TaskStatus.PROCESSING).to_json("ann", False)["receipt"] is None
    never_started = a_task(status=TaskStatus.CANCELLED, created_at=1000.0, finished_at=1003.0)
    receipt = never_started.to_json("ann", False)["receipt"]
    assert (receipt["waited_seconds"], receipt["output_sha256"]) == (3.0, None)


def test_a_clock_that_was_set_back_gives_no_negative_wait() -> None:
    assert a_task(created_at=1000.0, started_at=900.0).receipt()["waited_seconds"] == 0.0


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("report.pdf", "report.pdf"),
        ("报告 2026.PDF", "报告 2026.PDF"),
        ("folder/sub/report.pdf", "report.pdf"),
        ("C:\\Users\\ann\\report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\secret.txt", "secret.txt"),
        ("a\nb\r\n.pdf", "a b .pdf"),
        ("tab\there.pdf", "tab here.pdf"),
        ("nul\0byte.pdf", "nul byte.pdf"),
        ("  many   blanks  .pdf ", "many blanks .pdf"),
        ("line\u2028two.pdf", "line two.pdf"),
        ("pay\u202efdp.exe", "pay fdp.exe"),
        ("lone\ud800.pdf", "lone .pdf"),
        ("🎉 party.pdf", "🎉 party.pdf"),
        ("<script>alert(1)<", "<script>alert(1)<"),
        ("<b>x</b>", "b>"),
        (".hidden.pdf", "hidden.pdf"),
        ("report.pdf.", "report.pdf"),
        ("...", "document"),
        ("..", "document"),
        ("", "document"),
        ("/", "document"),
        ("a/", "document"),
        (" . . ", "document"),
        ("\u202e", "document"),
        ("x" * 300 + ".pdf", "x" * 195 + "….pdf"),
        ("x" * 300, "x" * 199 + "…"),
        ("x" * 196 + ".pdf", "x" * 196 + ".pdf"),
        ("x" * 197 + ".pdf", "x" * 195 + "….pdf"),
        ("paper. " + "x" * 300, "paper. " + "x" * 192 + "…"),
    ],
)
def test_a_name_is_its_last_part_and_printable(raw: str, shown: str) -> None:
    assert display_name(raw) == shown


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("a/b/c.pdf", ("a/b", "c.pdf")),
        ("c.pdf", ("", "c.pdf")),
        ("a\\b\\c.pdf", ("a/b", "c.pdf")),
        ("/etc/passwd", ("etc", "passwd")),
        ("../../up/./x.pdf", ("up", "x.pdf")),
        ("a//b/x.pdf", ("a/b", "x.pdf")),
        ("...hidden/ .. /x", ("hidden", "x")),
        ("a\u202eb/c\x00/x", ("a b/c", "x")),
        ("/".join("abcdefghijkl") + "/x", ("a/b/c/d/e/f/g/h/i/j", "x")),
        ("a/b/", ("a/b", "document")),
        ("", ("", "document")),
    ],
)
def test_a_folder_is_safe_to_show(raw: str, found: tuple[str, str]) -> None:
    assert folder_and_name(raw) == found


def test_a_long_folder_is_cut() -> None:
    folder, name = folder_and_name("/".join(["f" * 99] * 5) + "/x.pdf")
    assert (len(folder), name) == (299, "x.pdf") and folder_and_name(f"{folder}/y")[0] == folder
