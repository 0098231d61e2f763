"""The log: one stream, from a level up, without what documents hold."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from gradio_app.base.logs import configure_logging
from gradio_app.web.auth import audit

QUIET = ("uvicorn.error", "httpx", "mcp")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Gives both kinds of logging back as they were."""
    root, levels = logging.getLogger(), {name: logging.getLogger(name).level for name in QUIET}
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []  # or they would be closed
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    logger.remove()
    logger.add(sys.__stderr__ or sys.stderr)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    out, err = capsys.readouterr()
    assert out == "", "stdout is not for logs"
    return err.splitlines()


def test_our_lines_come_from_the_level_up(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("WARNING")
    logger.info("small talk")
    logger.warning("take care")
    (line,) = lines(capsys)
    assert line.endswith("WARNING take care") and line[4] == line[7] == "-"


def test_a_second_time_replaces_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    configure_logging("DEBUG")
    logger.debug("once")
    logging.getLogger("library").warning("once too")
    assert [line.split()[-1] for line in lines(capsys)] == ["once", "too"]


def test_lines_of_libraries_come_too_with_their_name_as_action(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    seen: list[Any] = []
    logger.add(lambda message: seen.append(message.record), level="INFO")
    logging.getLogger("some.library").warning("%s is %d", "answer", 42)
    logging.getLogger("some.library").info("chatter")
    assert [line.split(" ", 2)[2] for line in lines(capsys)] == ["WARNING answer is 42"]
    assert [record["extra"]["action"] for record in seen] == ["some.library"]


def test_a_level_that_loguru_does_not_know_keeps_its_number(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    logging.getLogger("library").log(35, "in between")
    logging.getLogger("library").fatal("at the top")
    assert [line.split(" ", 2)[2].split(maxsplit=1) for line in lines(capsys)] == [
        ["Level", "35 in between"],
        ["CRITICAL", "at the top"],
    ]


def test_braces_and_tags_in_a_line_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    logging.getLogger("library").warning("{x} <red>no</red> {} %%")
    assert lines(capsys)[0].endswith("{x} <red>no</red> {} %%")


@pytest.mark.parametrize("library", [False, True])
def test_an_error_shows_where_and_never_the_values(capsys: pytest.CaptureFixture[str], library: bool) -> None:
    configure_logging("INFO")
    secret = "text of a " + "document"
    try:
        _break(secret)
    except ZeroDivisionError as error:
        if library:
            logging.getLogger("library").exception("it broke")
        else:
            logger.opt(exception=error).error("it broke")
    told = "\n".join(lines(capsys))
    assert "it broke" in told and "_break" in told and "ZeroDivisionError" in told
    assert secret not in told


def _break(text: str) -> float:
    return len(text) / 0


@pytest.mark.parametrize("name", QUIET)
def test_talkative_libraries_say_warnings_only(capsys: pytest.CaptureFixture[str], name: str) -> None:
    logging.getLogger(name).setLevel(logging.DEBUG)
    configure_logging("TRACE")
    logging.getLogger(name).info("request finished")
    logging.getLogger(name).warning("something is wrong")
    assert [line.split(" ", 2)[2] for line in lines(capsys)] == ["WARNING something is wrong"]


def test_a_faulty_line_of_a_library_does_not_stop_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    logging.getLogger("library").warning("%d pages", "no number")
    assert "no number" in capsys.readouterr().err


# --- one JSON object a line ----------------------------------------------------------------------------


def objects(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(capsys)]


def test_json_has_time_level_action_message_and_what_was_bound(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "json")
    logger.bind(action="task_done", task="a1", pages=3, seconds=0.5, cached=False, why=None).info(
        "{} is done", 7
    )
    (line,) = objects(capsys)
    age = datetime.now(UTC) - datetime.fromisoformat(line.pop("time"))
    assert timedelta(0) <= age < timedelta(minutes=1)
    assert line == {
        "level": "info",
        "action": "task_done",
        "message": "7 is done",
        "task": "a1",
        "pages": 3,
        "seconds": 0.5,
        "cached": False,
        "why": None,
    }


def test_json_stays_one_line_whatever_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "json")
    text = 'two\nlines, "quotes", <red>tags</red>, {braces}, 中文, a name that is no UTF-8: \udcff'
    logger.bind(name=text, level="loud", folder=Path("a/b"), share=float("nan")).warning(text)
    logging.getLogger("library").warning("%s", text)
    ours, theirs = objects(capsys)
    assert ours["message"] == theirs["message"] == ours["name"] == text
    assert ours["level"] == "warning", "what a line always has cannot be bound away"
    assert (ours["folder"], ours["share"]) == ("a/b", "nan")
    assert (theirs["action"], theirs["level"]) == ("library", "warning")


def test_json_has_an_exception_as_a_field_and_never_the_values(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "json")
    secret = "text of a " + "document"
    try:
        _break(secret)
    except ZeroDivisionError as error:
        logger.opt(exception=error).error("it broke")
        logging.getLogger("library").exception("it broke there")
    for line in objects(capsys):
        assert line["message"].startswith("it broke") and line["level"] == "error"
        assert "_break" in line["exception"] and line["exception"].endswith(
            "ZeroDivisionError: division by zero\n"
        )
        assert secret not in json.dumps(line)


def test_json_leaves_the_audit_to_its_own_file(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "json")
    audit.record("sign_in", "alice", "127.0.0.1")
    logger.info("the next")
    assert [line["message"] for line in objects(capsys)] == ["the next"]
