"""Folder in, folder out: one folder of results a document, and a journal by which a broken run goes on.

``OUTPUT/papers/thesis.pdf/`` holds ``document.md``, pictures, notes and ``receipt.json``.
``OUTPUT/.journal.json`` says which task was made of which bytes and options, so that what is finished or
waiting is not sent again.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from mineru_optimized_client.records import ServerError, Task, TaskFailed

if TYPE_CHECKING:
    from mineru_optimized_client.asynchronous import AsyncClient

_JOURNAL = ".journal.json"
#: bytes that are unpacked of one result
_MOST_UNPACKED = 8 << 30


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: ``status`` is that of its task, or ``skipped`` (it was there), or ``failed``."""

    path: Path
    status: str
    output: Path | None = None
    task: Task | None = None
    error: ServerError | None = None


class _Journal:
    """Tasks by place in the output folder, on the disk after each change."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / _JOURNAL
        try:
            known = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            known = {}
        self._known: dict[str, dict[str, str]] = known if isinstance(known, dict) else {}

    def task_of(self, place: str, stamp: str) -> str:
        """The task of a document with these bytes and options; empty if there is none."""
        row = self._known.get(place, {})
        return row.get("task", "") if row.get("stamp") == stamp else ""

    def is_done(self, place: str, stamp: str) -> bool:
        row = self._known.get(place, {})
        return row.get("stamp") == stamp and row.get("done") == "yes"

    def write(self, place: str, stamp: str, task: str, done: bool = False) -> None:
        self._known[place] = {"stamp": stamp, "task": task, "done": "yes" if done else ""}
        part = self._path.with_name(_JOURNAL + ".part")
        part.write_text(json.dumps(self._known), "utf-8")
        part.replace(self._path)


async def convert(
    client: AsyncClient,
    paths: Iterable[str | Path],
    output: Path,
    concurrency: int,
    on_outcome: Callable[[Outcome], object] | None,
    options: Mapping[str, str | bool | int],
) -> list[Outcome]:
    """See ``AsyncClient.convert_paths``."""
    journal = await asyncio.to_thread(_Journal, output)
    room = asyncio.Semaphore(max(1, concurrency))

    async def one(path: Path, place: str) -> Outcome:
        async with room:
            outcome = await _one(client, path, place, output, journal, options)
        if on_outcome:
            on_outcome(outcome)
        return outcome

    return list(await asyncio.gather(*(one(path, place) for path, place in _documents(paths))))


async def _one(
    client: AsyncClient,
    path: Path,
    place: str,
    output: Path,
    journal: _Journal,
    options: Mapping[str, str | bool | int],
) -> Outcome:
    target = output / place
    try:
        stamp = await asyncio.to_thread(_stamp, path, options)
        if journal.is_done(place, stamp) and (target / "document.md").is_file():
            return Outcome(path, "skipped", target)
        task = await _submitted(client, path, journal.task_of(place, stamp), options)
        journal.write(place, stamp, task.id)
        task = await client.wait(task.id)
        if not task.readable:
            return Outcome(path, task.status, None, task, TaskFailed(task))
        await _fetch(client, task, target)
        journal.write(place, stamp, task.id, done=True)
        return Outcome(path, task.status, target, task)
    except ServerError as error:
        return Outcome(path, "failed", None, None, error)
    except OSError as error:
        return Outcome(path, "failed", None, None, ServerError("", f"{error.strerror}: {error.filename}"))


async def _submitted(
    client: AsyncClient, path: Path, known: str, options: Mapping[str, str | bool | int]
) -> Task:
    """The task that an earlier run has made, if it is still there and has not ended early."""
    if known:
        try:
            task = await client.task(known)
            if task.readable or not task.ended:
                return task
        except ServerError as error:
            if error.code not in ("not_found", "forbidden"):
                raise
    return await client.submit(path, **options)


async def _fetch(client: AsyncClient, task: Task, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as folder:
        archive = await client.download(task.id, Path(folder, "result.zip"))
        made = Path(folder, "result")
        await asyncio.to_thread(_unpack, archive, made)
        (made / "receipt.json").write_text(json.dumps(task.raw, ensure_ascii=False, indent=1), "utf-8")
        await asyncio.to_thread(_put, made, target)


def _put(made: Path, target: Path) -> None:
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    made.replace(target)


def _unpack(archive: Path, folder: Path) -> None:
    """Only plain files with plain names: the server is believed no more than that."""
    left = _MOST_UNPACKED
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            name = PurePosixPath(entry.filename)
            if entry.is_dir():
                continue
            if name.is_absolute() or ".." in name.parts or "\\" in entry.filename or _is_link(entry):
                raise ServerError("", f"The result holds an unsafe name: {entry.filename[:80]!r}.")
            left -= entry.file_size
            if left < 0:
                raise ServerError("", "The result is larger than 8 GB.")
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(entry) as source, target.open("xb") as out:
                shutil.copyfileobj(source, out)


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


def _documents(paths: Iterable[str | Path]) -> Iterator[tuple[Path, str]]:
    """Files, and where their results go; of folders all that are not hidden, links left out."""
    taken: set[str] = set()
    for given in map(Path, paths):
        if not given.is_dir():
            yield given, _free(given.name, taken)
            continue
        root = given.resolve().name
        for folder, folders, names in os.walk(given):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(folder, name)
                if not name.startswith(".") and path.is_file() and not path.is_symlink():
                    yield path, _free((Path(root) / path.relative_to(given)).as_posix(), taken)


def _free(place: str, taken: set[str]) -> str:
    """``place``, with a number when another file has it."""
    found, number = place, 2
    while found in taken:
        found, number = f"{place} ({number})", number + 1
    taken.add(found)
    return found


def _stamp(path: Path, options: Mapping[str, str | bool | int]) -> str:
    """Of the bytes and the options; the password is no part of it."""
    shown = {name: value for name, value in options.items() if name != "password"}
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    return sha256(json.dumps([digest, shown], sort_keys=True).encode()).hexdigest()


def report(outcome: Outcome) -> dict[str, Any]:
    """An outcome for machines."""
    error = outcome.error
    return {
        "file": str(outcome.path),
        "status": outcome.status,
        "output": str(outcome.output) if outcome.output else None,
        "task": outcome.task.id if outcome.task else None,
        "notes": list(outcome.task.notes) if outcome.task else [],
        "error": {"code": error.code, "message": error.message} if error else None,
    }
