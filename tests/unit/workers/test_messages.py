"""Messages of a cluster arrive as they were sent, and nothing else is taken for one."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from gradio_app.base.errors import AppError, FileCorrupt, WorkerCrashed
from gradio_app.workers.cluster.messages import (
    NOTE,
    OPENED,
    ORDER,
    OUTCOME,
    TO_AGENT,
    TO_HEAD,
    VERSIONS,
    Answer,
    Cancel,
    Facts,
    Failed,
    Lost,
    Machines,
    MachineState,
    Note,
    Read,
    Refused,
    decode,
    encode,
)
from gradio_app.workers.cluster.node import _moved
from gradio_app.workers.interface import Part, PartResult

PART = Part("parse_shard", Path("a.pdf"), Path("out"), {"pages": [1]}, 1.0)
FACTS = Facts("gpu-2", {"MinerU": "4"}, {"compute": 2}, "sglang", True, {"kind": "sglang"}, ({"used": None},))
MESSAGES: list[tuple[TypeAdapter[Any], Any]] = [
    (TO_AGENT, Read(1, "key", PART, 1000)),
    (TO_AGENT, Cancel(1)),
    (TO_HEAD, Answer(1, PartResult(3, "ab" * 32, (1, 2), "why", 0.5, "sglang", 7))),
    (TO_HEAD, Answer(1, Lost("why", begun=False))),
    (TO_HEAD, Answer(1, Failed.of(FileCorrupt()))),
    (TO_HEAD, Machines((MachineState("key", "10.0.0.2", "ready", "", 1.5, FACTS), MachineState()))),
    (OPENED, FACTS),
    (OPENED, Refused("other versions")),
    (OUTCOME, PartResult(1)),
    (OUTCOME, Failed.of(OSError(errno.ENOSPC, "full"))),
    (ORDER, PART),
    (NOTE, Note("ready", "a line \ud800 and\nanother")),
]
KINDS = [TO_AGENT, TO_HEAD, OPENED, OUTCOME, ORDER, NOTE, VERSIONS]


@pytest.mark.parametrize(("kind", "message"), MESSAGES)
def test_a_message_arrives_as_it_was_sent(kind: TypeAdapter[Any], message: Any) -> None:
    line = encode(message)
    assert "\n" not in line and decode(kind, line) == message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text", ["", "[]", "no JSON", '{"number": 1}', '{"cancel": []}', '{"pages": "1"', '{"code": 1}']
)
def test_what_is_no_message_is_refused(kind: TypeAdapter[Any], text: str) -> None:
    with pytest.raises(AppError, match="no message"):
        decode(kind, text)


def test_a_part_keeps_everything_but_its_paths() -> None:
    part = replace(PART, source=Path("/elsewhere/b.html"), vision=True)
    there = _moved(decode(ORDER, encode(part)), Path("/node"))
    assert (there.source, there.out) == (Path("/node/document.html"), Path("/node/out"))
    assert replace(there, source=part.source, out=part.out) == part


def test_the_answer_of_a_job_is_checked() -> None:
    assert PartResult.of({"pages": 2, "failed": [1], "bytes": 3}) == PartResult(2, failed=(1,))
    for odd in ({}, {"pages": "many"}, {"pages": 1, "failed": 3}, {"pages": 1, "reason": 2}):
        with pytest.raises(WorkerCrashed):
            PartResult.of(odd)
