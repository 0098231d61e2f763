"""Client of the ``api`` mode: sends documents, several at once, again after faults; resumes broken runs.

``./start_mineru_optimized.sh client FOLDER --server http://HOST:8000 --output DIR``
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import io
import json
import os
import shutil
import sys
import zipfile
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self, cast

import aiohttp
from tqdm import tqdm

from gradio_app.base.errors import AppError, EngineUnavailable, from_code
from gradio_app.base.file_types import is_document
from gradio_app.base.files import replace_folder
from gradio_app.base.settings import secret_of
from gradio_app.commands.api.options import KEY_VARIABLE

#: the first pause before a request is repeated, and the longest, in seconds
FIRST_PAUSE, LAST_PAUSE = 0.5, 15.0
#: answers of a service that is full or being restarted
_LATER = frozenset((408, 429, 500, 502, 503, 504))
#: beside a result: of which bytes and options it is
_STAMP = "source.json"


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file. ``status``: ``completed``, ``skipped`` (it was there already), ``failed``."""

    path: Path
    status: str
    output: Path | None = None
    error: AppError | None = None

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        error = self.error.to_dict() if self.error else None
        output = str(self.output) if self.output else None
        return {"file": str(self.path), "status": self.status, "output": output, "error": error}


class Client:
    """One service, over one set of connections. ``async with Client(url) as client: ...``

    ``concurrency`` is how many documents are on their way at the same time; ``patience`` for how many
    seconds a service that does not answer is asked again.
    """

    def __init__(self, server: str, key: str = "", concurrency: int = 4, patience: float = 120.0) -> None:
        self._server = server.rstrip("/")
        self._headers = {"X-API-Key": key} if key else {}
        self._room = asyncio.Semaphore(concurrency)
        self._concurrency = concurrency
        self._patience = patience
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # no limit on the whole: a long document takes as long as it takes
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        connector = aiohttp.TCPConnector(limit=self._concurrency)
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout, connector=connector)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def convert(self, data: bytes, name: str, **options: Any) -> dict[str, Any]:
        """The service's answer for one document; see ``options.py`` for the options.

        Raises the ``AppError`` of the service; ``EngineUnavailable`` when it does not answer in time.
        """
        body = {
            "file": (await asyncio.to_thread(base64.b64encode, data)).decode(),
            "options": {"name": name, **options},
        }
        async with self._room:
            return await self._ask(body)

    async def _ask(self, body: Mapping[str, Any]) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        pause, deadline = FIRST_PAUSE, loop.time() + self._patience
        while True:
            try:
                status, answer = await self._post(body)
                if status == 200:
                    return answer
                error, again = _problem(status, answer)
                if not again:
                    raise error
            except (aiohttp.ClientError, TimeoutError, OSError) as fault:
                error = EngineUnavailable(f"The service at {self._server} does not answer: {fault}.")
            if loop.time() + pause > deadline:
                raise error
            await asyncio.sleep(pause)
            pause = min(2 * pause, LAST_PAUSE)

    async def _post(self, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        assert self._session is not None, "use it with 'async with'"
        async with self._session.post(f"{self._server}/predict", json=body) as response:
            answer: Any = None
            with contextlib.suppress(ValueError):  # a proxy's own page
                answer = await response.json(content_type=None)
            return response.status, cast(dict[str, Any], answer) if isinstance(answer, dict) else {}

    async def convert_files(
        self, files: Iterable[tuple[Path, Path]], **options: Any
    ) -> AsyncGenerator[Report]:
        """Converts files, each into the folder beside it in ``files``; a report as soon as one is done.

        A folder that holds the result of the same bytes and options is left as it is.
        """
        waiting = iter(files)
        running: set[asyncio.Task[Report]] = set()
        try:
            while True:
                # as many as are on their way, and a few whose bytes are read meanwhile
                while len(running) < 2 * self._concurrency and (item := next(waiting, None)):
                    running.add(asyncio.create_task(self._convert_file(*item, options)))
                if not running:
                    return
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _convert_file(self, path: Path, target: Path, options: Mapping[str, Any]) -> Report:
        try:
            data = await asyncio.to_thread(path.read_bytes)
            stamp = {"sha256": sha256(data).hexdigest(), "options": dict(options)}
            if await asyncio.to_thread(_stamp_of, target) == stamp:
                return Report(path, "skipped", target)
            answer = await self.convert(data, path.name, **options)
            await asyncio.to_thread(_write, answer, target, stamp)
        except AppError as error:
            return Report(path, "failed", error=error)
        except OSError as error:
            return Report(path, "failed", error=AppError(f"{error.strerror}: {error.filename}"))
        return Report(path, "completed", target)


def _problem(status: int, answer: Mapping[str, Any]) -> tuple[AppError, bool]:
    """The error in an answer, and whether asking again can help."""
    error: Mapping[str, Any] = answer.get("error") or {}
    if not error.get("code"):
        return EngineUnavailable(f"The service answered {status}."), status in _LATER
    # an error about the document itself is final, whatever its status
    again = status in _LATER and bool(error.get("retryable"))
    return from_code(str(error["code"]), str(error.get("message", ""))), again


def _stamp_of(target: Path) -> Any:
    with contextlib.suppress(OSError, ValueError):
        return json.loads((target / _STAMP).read_text("utf-8"))
    return None


def _write(answer: Mapping[str, Any], target: Path, stamp: Mapping[str, Any]) -> None:
    """Writes a result so that half of one is never taken for the whole."""
    work = target.with_name(f"{target.name}.part")
    shutil.rmtree(work, ignore_errors=True)  # of a run that was broken off
    work.mkdir(parents=True)
    if archive := answer.get("archive"):
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(archive))) as files:
            for name in files.namelist():
                if not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts:
                    files.extract(name, work)
    else:
        (work / "document.md").write_text(answer["markdown"], "utf-8")
        listed = json.dumps(answer["content_list"], ensure_ascii=False)
        (work / "content_list.json").write_text(listed, "utf-8")
    (work / _STAMP).write_text(json.dumps(stamp), "utf-8")
    replace_folder(work, target)


def plan(sources: Sequence[Path], output: Path) -> list[tuple[Path, Path]]:
    """Every document below ``sources`` with the folder for its result: structure and full name are kept.

    What is below ``output`` is none, as results hold text and pictures.
    """
    found: list[tuple[Path, Path]] = []
    for source in sources:
        if source.is_file():
            found.append((source, output / source.name))
        for path in sorted(source.rglob("*")):
            if path.is_file() and is_document(path.name) and output not in path.parents:
                found.append((path, output / path.relative_to(source)))
    return found


async def run(
    client: Client, files: Sequence[tuple[Path, Path]], options: Mapping[str, Any], say: Callable[[str], None]
) -> list[Report]:
    """Converts all of them with a progress bar; ``say`` is told of each that failed."""
    reports: list[Report] = []
    with tqdm(total=len(files), unit="file", file=sys.stderr, disable=None) as bar:
        async for report in client.convert_files(files, **options):
            reports.append(report)
            bar.update()
            if report.error:
                say(f"{report.path}: {report.error.message}")
    return reports


def main(argv: Sequence[str] | None = None) -> None:
    """The command. Exit code 1 when a file failed, 2 for a bad flag; one line of JSON a file with --json."""
    asked = _parser().parse_args(argv)
    files = plan([Path(name) for name in asked.sources], Path(asked.output))
    if not files:
        raise SystemExit("No document was found there.")
    if len({target for _, target in files}) < len(files):
        raise SystemExit(
            "Two documents would have their results in the same place. Convert them one after the other."
        )
    options = {"tier": asked.tier, "page_range": asked.pages, "ocr_mode": asked.ocr}

    async def convert() -> list[Report]:
        key = secret_of(os.environ, KEY_VARIABLE)
        async with Client(asked.server, key, asked.concurrency, asked.patience) as client:
            return await run(client, files, options, lambda text: tqdm.write(text, file=sys.stderr))

    reports = asyncio.run(convert())
    lines = (json.dumps(report.to_json(), ensure_ascii=False) for report in reports)
    sys.stdout.write("\n".join(lines) + "\n" if asked.json else "")
    counts = Counter(report.status for report in reports)
    sys.stderr.write("{completed} completed, {skipped} skipped, {failed} failed\n".format_map(counts))
    raise SystemExit(1 if counts["failed"] else 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="start_mineru_optimized.sh client",
        description="Convert files and folders with the service of './start_mineru_optimized.sh api'.",
        epilog=f"Run it again to go on: what is done is skipped. {KEY_VARIABLE} holds the service's key, or "
        f"{KEY_VARIABLE}_FILE names a file that does.",
    )
    parser.add_argument("sources", nargs="+", help="files or folders")
    parser.add_argument("--server", default="http://127.0.0.1:8000", help="(default: %(default)s)")
    parser.add_argument("--output", default="converted", help="folder for results (default: %(default)s)")
    parser.add_argument("--tier", default="auto", help="auto, flash, basic, standard or advanced")
    parser.add_argument("--pages", default="", help="such as 1-5,8; all when empty")
    parser.add_argument("--ocr", default="auto", help="auto, txt or ocr")
    parser.add_argument("--concurrency", type=int, default=4, help="files at once (default: %(default)s)")
    text = "seconds until a silent service is given up (default: %(default)s)"
    parser.add_argument("--patience", type=float, default=120, help=text)
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each file")
    return parser
