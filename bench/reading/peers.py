"""Other programs that read pages: tesseract, ocrmypdf, rapidocr, pymupdf4llm; and our server at a tier.

pymupdf4llm is under the AGPL: it is in no list of this project. The benchmark makes an environment for it and
rapidocr below ``build``, and runs each in a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.ours import our_server
from bench.processes import peak_resident, processor_seconds, sampled, tree
from bench.reading.made import Made
from tests.live import ROOT, LiveServer

ENVIRONMENT = ROOT / "build" / "bench-reading"
#: pymupdf4llm 2 is an empty package
PACKAGES = ("rapidocr==3.10.0", "onnxruntime==1.32.0", "pymupdf4llm==1.28.2")
_FOREIGN = Path(__file__).with_name("foreign.py")
_TESSERACT = {"en": "eng", "zh": "chi_sim"}
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """Markdown or text of a page, processor seconds, and the most memory of a process so far in MB."""

    text: str
    seconds: float
    megabytes: float
    failed: str = ""


Reader = Callable[[Made, Path], Answer]


@dataclass(frozen=True, slots=True)
class Contestant:
    """``opened`` gives a warm reader. ``pictures_only``: digital pages are not for it."""

    name: str
    opened: Callable[[], Generator[Reader]]
    pictures_only: bool = False


def contestants(tiers: list[str], data: Path, python: Path | None) -> tuple[list[Contestant], list[str]]:
    """Those who are here, and in words those who are not."""
    found = [Contestant(f"ours, {tier}", lambda tier=tier: ours(data / tier, tier)) for tier in tiers]
    absent: list[str] = []
    for name, reader in (("tesseract", tesseract), ("ocrmypdf", ocrmypdf)):
        if lacking := _lacking(name):
            absent.append(f"{name} ({lacking})")
        else:
            found.append(Contestant(name, lambda reader=reader: _alone(reader), True))
    try:
        python = python or environment(ENVIRONMENT, PACKAGES)
    except (OSError, subprocess.SubprocessError) as error:
        return found, [*absent, f"rapidocr and pymupdf4llm (no environment: {error})"]
    found.append(Contestant("rapidocr", lambda: foreign(python, "rapidocr"), True))
    found.append(Contestant("pymupdf4llm", lambda: foreign(python, "pymupdf4llm")))
    return found, absent


def _lacking(name: str) -> str:
    if not shutil.which(name):
        return "not installed"
    told = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True).stdout.split()
    lacking = [language for language in _TESSERACT.values() if language not in told]
    return f"without {' and '.join(lacking)}" if lacking else ""


def environment(folder: Path, packages: Sequence[str]) -> Path:
    """The Python of an environment with these packages; made once. Raises when it cannot be made."""
    python = folder / "bin" / "python"
    wanted = "\n".join(packages)
    mark = folder / "packages"
    if not mark.is_file() or mark.read_text() != wanted:
        print(f"Making {folder} ...", file=sys.stderr, flush=True)
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True, timeout=900)
        mark.write_text(wanted)
    return python


# ---------------------------------------------------------------- ours


def ours(data: Path, tier: str) -> Generator[Reader]:
    """Our server with one worker, over REST. Memory: the largest of its workers."""
    with our_server(data, "--workers", "1") as server:
        yield lambda page, folder: _ask(server, tier, page, folder)


def _ask(server: LiveServer, tier: str, page: Made, folder: Path) -> Answer:
    assert server.process is not None
    path = _written(page, folder, page.kind == "photograph")
    everybody = tree(server.process.pid)
    before = processor_seconds(everybody)
    workers = [each.pid for each in everybody[1:]]
    with sampled(lambda: max((peak_resident(pid) for pid in workers), default=0.0)) as peak:
        task = server.end(server.submit(path.name, path.read_bytes(), tier=tier, use_cache="false"), SECONDS)
    seconds = processor_seconds(tree(server.process.pid)) - before
    if task["status"] != "completed":
        return Answer("", seconds, peak[0], (task["error"] or {"code": task["status"]})["code"])
    return Answer(server.result(task["id"]).decode(), seconds, peak[0])


# ---------------------------------------------------------------- programs


def _alone(read: Reader) -> Generator[Reader]:
    yield read


def tesseract(page: Made, folder: Path) -> Answer:
    """A process for each page, one thread, its layout as it is."""
    path = _written(page, folder, True)
    command = ["tesseract", str(path), "stdout", "-l", _TESSERACT[page.language]]
    return _measured(command, folder / "out.txt", folder / "out.txt")


def ocrmypdf(page: Made, folder: Path) -> Answer:
    """A process for each page, one thread, tilted pages made straight; the text that it writes beside."""
    path, text = _written(page, folder, False), folder / "beside.txt"
    command = ["ocrmypdf", "--quiet", "--jobs", "1", "--deskew", "-l", _TESSERACT[page.language]]
    command += ["--output-type", "pdf", "--sidecar", str(text), str(path), str(folder / "out.pdf")]
    return _measured(command, folder / "out.log", text)


def _measured(command: list[str], out: Path, text: Path) -> Answer:
    """What a command says, with the time of it and of its children."""
    text.unlink(missing_ok=True)
    with out.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_THREAD_LIMIT": "1"}
        )
        # not ru_maxrss: a child has that of its parent until it runs its own program
        with sampled(
            lambda: max((peak_resident(each.pid) for each in tree(process.pid)), default=0.0)
        ) as peak:
            _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    said = text.read_text("utf-8", "replace") if text.is_file() else ""
    failed = f"exit {process.returncode}" if process.returncode else ""
    return Answer(said, usage.ru_utime + usage.ru_stime, peak[0], failed)


# ---------------------------------------------------------------- libraries


def foreign(python: Path, name: str) -> Generator[Reader]:
    """A library in a warm process of another environment, one thread."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1"}
    env.pop("PYTHONPATH", None)
    process = subprocess.Popen(
        [str(python), str(_FOREIGN), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=env,
        text=True,
    )
    try:
        yield lambda page, folder: _told(process, name, page, folder)
    finally:
        process.kill()
        process.communicate()


def _told(process: subprocess.Popen[str], name: str, page: Made, folder: Path) -> Answer:
    assert process.stdin is not None and process.stdout is not None
    path = _written(page, folder, name == "rapidocr")
    process.stdin.write(json.dumps({"path": str(path), "language": page.language}) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        return Answer("", 0.0, 0.0, "its process ended")
    answer = json.loads(line)
    return Answer(answer.get("text", ""), answer["seconds"], answer["megabytes"], answer.get("failed", ""))


def _written(page: Made, folder: Path, as_picture: bool) -> Path:
    """The page's file: the picture where there is one and it is asked for, else the PDF."""
    if as_picture and page.picture is not None:
        path = folder / f"{page.name}.{'jpg' if page.kind == 'photograph' else 'png'}"
        path.write_bytes(page.picture)
    else:
        path = folder / f"{page.name}.pdf"
        path.write_bytes(page.pdf)
    return path


@contextmanager
def reading(contestant: Contestant) -> Generator[Reader]:
    """Its reader, as long as the block runs."""
    opened = contestant.opened()
    try:
        yield next(opened)
    finally:
        opened.close()
