"""Who converts the cases: our server, MinerU alone, and other programs in processes of their own."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.ours import NO_HUB, our_server
from bench.quality.case import Case
from bench.reading.peers import environment
from tests.live import ROOT

#: pymupdf4llm is under the AGPL and pandoc under the GPL: they are in no list of this project
PACKAGES = (
    "markitdown[docx,pdf,pptx,xlsx]==0.1.9",
    "pypandoc_binary==1.17",
    "pymupdf4llm==1.28.2",
)
ENVIRONMENT = ROOT / "build" / "bench-quality"
OTHERS = ("markitdown", "pandoc", "pymupdf4llm")
#: seconds for a document
SECONDS = 120
#: documents that are in the queue of our server at once
_AT_ONCE = 16
_FOREIGN = Path(__file__).with_name("foreign.py")


@dataclass(frozen=True, slots=True)
class Answer:
    """Markdown of a case, or why there is none; codes of its notes, which only ours has."""

    text: str = ""
    failed: str = ""
    notes: Sequence[str] = field(default=())


Convert = Callable[[Sequence[Case], Path], list[Answer]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """``convert`` gives an answer to each case; it may write below the folder."""

    name: str
    convert: Convert


def contestants(python: Path | None) -> tuple[list[Contestant], list[str]]:
    """Those who are here, ours and MinerU first, and in words those who are not.

    ``python`` has the libraries of the others; without it an environment below ``build`` is made.
    """
    found = [Contestant("ours", ours), Contestant("MinerU alone", _by("mineru", Path(sys.executable)))]
    try:
        python = python or environment(ENVIRONMENT, PACKAGES)
    except (OSError, subprocess.SubprocessError) as error:
        return found, [f"{', '.join(OTHERS)} (no environment: {error})"]
    absent: list[str] = []
    for name in OTHERS:
        module = "pypandoc" if name == "pandoc" else name
        here = subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0
        if here:
            found.append(Contestant(name, _by(name, python)))
        else:
            absent.append(f"{name} (not installed)")
    return found, absent


def ours(cases: Sequence[Case], folder: Path) -> list[Answer]:
    """Our server as a user would start it, at the tier auto, over REST."""
    with our_server(folder / "data") as server:
        answers: list[Answer] = []
        for start in range(0, len(cases), _AT_ONCE):
            some = cases[start : start + _AT_ONCE]
            sent = [server.post(case.name, case.make(), tier="auto", use_cache="false") for case in some]
            for answer in sent:
                if answer.status_code != 201:
                    answers.append(Answer(failed=answer.json()["error"]["code"]))
                    continue
                task = server.end(answer.json()["tasks"][0]["id"], SECONDS)
                good = task["status"] in ("completed", "partial")
                answers.append(_answer(task, server.result(task["id"]).decode() if good else ""))
        return answers


def _answer(task: dict[str, Any], text: str) -> Answer:
    failed = (
        "" if text or task["status"] == "completed" else (task["error"] or {"code": task["status"]})["code"]
    )
    return Answer(text, failed, sorted({note["code"] for note in task["notes"]}))


def _by(name: str, python: Path) -> Convert:
    """A program in a process that stays warm; one that stalls or dies is started again."""

    def convert(cases: Sequence[Case], folder: Path) -> list[Answer]:
        answers: list[Answer] = []
        process = _started(name, python)
        try:
            with tempfile.TemporaryDirectory(dir=folder) as work:
                for number, case in enumerate(cases):
                    path = Path(work) / f"{number}.{case.suffix}"
                    path.write_bytes(case.make())
                    answers.append(_told(process, path))
                    if process.poll() is not None:
                        process = _started(name, python)
        finally:
            _end(process)
        return answers

    return convert


def _started(name: str, python: Path) -> subprocess.Popen[bytes]:
    env = {**os.environ, **NO_HUB}
    env.pop("PYTHONPATH", None)
    return subprocess.Popen(
        [str(python), str(_FOREIGN), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=env,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def _told(process: subprocess.Popen[bytes], path: Path) -> Answer:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(str(path)).encode() + b"\n")
    process.stdin.flush()
    # an answer is one line, and the process writes nothing else: what can be read is all of it
    ready, _, _ = select.select([process.stdout], [], [], SECONDS)
    line = process.stdout.readline() if ready else b""
    if not line:
        _end(process)
        return Answer(failed="its process ended" if ready else f"no answer in {SECONDS} s")
    return Answer(**json.loads(line))
