"""Jobs for workers: inspect, parse, join, correct. Each works in a temporary folder of its own."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import (
    AppError,
    DiskFull,
    FileCorrupt,
    NotFound,
    StorageUnavailable,
    WorkerCrashed,
)
from gradio_app.base.file_types import CONTAINERS, DOCUMENTS, SHEETS
from gradio_app.base.files import remove_tree
from gradio_app.base.notes import MOST_NOTES, NOTES_FILE, Note, notes_to_json
from gradio_app.base.options import (
    MOST_PAGES,
    TIERS,
    is_reader,
    pages_in,
)
from gradio_app.base.settings import Settings
from gradio_app.base.versions import PREPARE
from gradio_app.queue.containers import limits_of, with_uploads
from gradio_app.queue.reading_options import climbs_from, heads_of, method_of
from gradio_app.store.task import Inspection, Shard, Task, readings
from gradio_app.workers.answer import Fault, error_of
from gradio_app.workers.interface import Part, PartResult, Workers

#: seconds for an inspection, a page picture, an export or a look at a block
LIGHT_TIMEOUT = 120.0
#: least seconds for a shard, however often it was halved
LEAST_TIME = 60.0
#: a job that fails while the disk has less room than this failed of it, in bytes
NO_ROOM = 2**20


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The folder of a job, the upload in it, and what opens that one."""

    path: Path
    source: Path
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A finished job and the folder that it worked in."""

    folder: Path
    result: PartResult


class WorkerJobs:
    """Has jobs done by workers, each in a temporary folder of its own that goes when the job ends."""

    def __init__(
        self,
        settings: Settings,
        folders: Folders,
        workers: Workers,
        containers: bool = False,
        climbs: bool = False,
    ) -> None:
        """``containers`` are taken apart by inspections: somebody makes tasks of what is in them.

        ``climbs``: at tier auto pages in doubt are told, for somebody who has them read again.
        """
        self._settings = settings
        self._containers = containers
        self._climb_share = settings.climb_share if climbs else 0.0
        self._folders = folders
        self._workers = workers
        self._pool = workers.here

    @property
    def _variant(self) -> str:
        """Part of the name of a prepared file: the unusual settings by which it was made."""
        comments, article = self._settings.document_comments, self._settings.main_content_only
        return f"{'' if comments else 'c'}{'m' if article else ''}"

    def prepare(self, task: Task, name: str, password: str = "") -> JobFolder:
        """A fresh folder for one job of a task with the upload in it. Blocks; the caller drops it."""
        folder = self._folders.work(task.id, name)
        return JobFolder(folder, self._linked(task, folder), password)

    def _linked(self, task: Task, folder: Path) -> Path:
        """The file that is read, in the folder of a job."""
        suffix = task.kind or suffix_of(task.name)
        try:
            return self._folders.linked_source(task.source, folder, suffix, task.prepared)
        except FileNotFoundError:
            if not task.prepared:
                raise
            raise NotFound("The prepared file of this document is gone. Convert it again.") from None

    async def inspect(
        self, tasks: Sequence[Task], folders: Mapping[str, JobFolder], engine: str = "", no_engine: str = ""
    ) -> list[Inspection | AppError]:
        """The facts about each file, or why it cannot be read; in one job, each in its folder by task id.

        ``engine`` names what would read pages at the better tiers; empty: nothing, for ``no_engine``. Raises
        what befell the worker.
        """
        if not tasks:
            return []
        files = [self._inspection(task, folders[task.id], engine, no_engine) for task in tasks]
        made = folders[tasks[0].id].path / "prepared"
        answer = await self._pool.run_light("inspect_all", {"files": files}, seconds=LIGHT_TIMEOUT, out=made)
        found = answer.get("found")
        if not isinstance(found, list) or len(files) != len(cast(list[Any], found)):
            raise WorkerCrashed()
        places = [folders[task.id].path for task in tasks]
        checked = await asyncio.to_thread(lambda: [*map(_inspected, cast(list[Any], found), places)])
        if len(checked) > 1 and any(isinstance(each, WorkerCrashed) for each in checked):
            raise WorkerCrashed()  # one of the files lies: each is inspected by itself
        return await asyncio.to_thread(self._keep_prepared, tasks, checked, made)

    def _keep_prepared(
        self, tasks: Sequence[Task], found: Sequence[Inspection | AppError], made: Path
    ) -> list[Inspection | AppError]:
        """The inspections with the names under which their prepared files are kept."""
        kept: list[Inspection | AppError] = []
        for number, (task, each) in enumerate(zip(tasks, found, strict=True)):
            if isinstance(each, Inspection) and task.prepared:
                each = replace(each, kind=task.kind, prepared=task.prepared)
            elif isinstance(each, Inspection) and each.prepared:
                # the same bytes are another document under another suffix: text, or Markdown
                kind = f"{each.kind}{'-inner' if task.parent and each.kind in CONTAINERS else ''}"
                name = f"{task.source}.{PREPARE}{self._variant}-{kind}.{each.prepared}"
                if not (made / str(number)).is_file():
                    each = WorkerCrashed()
                else:
                    self._folders.put_prepared(name, made / str(number))
                    each = replace(each, prepared=name)
            if isinstance(each, Inspection) and each.parts:
                each = with_uploads(each, made / f"{number}.parts", self._settings)
            kept.append(each)
        return kept

    def _inspection(self, task: Task, folder: JobFolder, engine: str, no_engine: str) -> dict[str, Any]:
        return {
            "source": str(folder.source),
            "page_range": task.options.page_range,
            "tier": task.options.tier,
            "ocr_mode": task.options.ocr_mode,
            "max_pages": self._settings.max_pages,
            "memory_limit": self._settings.worker_memory_limit,
            "engine": engine,
            "no_engine": no_engine,
            "models": self._workers.models_elsewhere,
            "climbs": self._climb_share > 0,
            "plain": bool(task.prepared),
            "wanted": {
                "comments": self._settings.document_comments,
                "main_content_only": self._settings.main_content_only,
                "password": folder.password,
            },
            "limits": limits_of(task, self._settings) if self._containers else None,
        }

    async def parse(
        self, task: Task, shard: Shard, alone: bool = False, halved: int = 0, folder: JobFolder | None = None
    ) -> Parsed:
        """Parses one shard; ``alone``: with the model server to itself, where the tier needs one.

        A document that is parsed whole comes back as a finished result. The caller takes ``folder``
        over, or drops it with ``drop``. A shard that was ``halved`` so often gets as much less time.
        ``folder`` is where the job works, when it was prepared before.
        """
        all_pages = task.shards_total == 1 and len(shard.pages) == task.source_pages
        options: dict[str, Any] = {
            "pages": [] if all_pages else list(shard.pages),
            "tier": task.tier,
            "parse_mode": task.parse_mode,
            "method": method_of(task),
            "ocr_mode": task.options.ocr_mode,
        }
        if climbs := task.climbs(shard):
            mode = "ocr" if set(shard.pages) <= set(task.scans) else "txt"
            options |= {"tier": shard.vision_reader, "parse_mode": mode, "method": "mineru"}
        elif climbs_from(task, self._workers.identity, self._climb_share):
            options["climb"] = "anywhere" if self._workers.models_elsewhere else "here"
        if task.whole:  # of longer ones it is seen when they are joined
            options["heads"] = heads_of(task, self._settings.main_content_only)
        seconds = max(self._settings.task_timeout / 2**halved, min(self._settings.task_timeout, LEAST_TIME))
        name = f"{shard.index}-{task.attempt}"
        folder = folder or await asyncio.to_thread(self.prepare, task, name)
        part = Part(
            fn="parse_document" if task.whole else "parse_shard",
            source=folder.source,
            out=folder.path / "out",
            options=options,
            seconds=seconds,
            vision=task.needs_engine or climbs,
            alone=alone,
        )
        return await self._in_folder(folder.path, self._workers.read(part))

    def readers_above(self, task: Task, found: Inspection, engine: str) -> str:
        """What reads pages again that are in doubt, and how many: part of what the result depends on."""
        climbs = climbs_from(replace(task, **found.columns), engine, self._climb_share)
        return f"{engine} {self._climb_share}" if climbs else ""

    async def assemble(self, task: Task, shards: Sequence[Shard]) -> Parsed:
        """Joins the finished shards of a task into its result."""
        folder = await asyncio.to_thread(self._folders.work, task.id, f"join-{task.attempt}")
        counted = readings(shards)
        before = readings([shard for shard in shards if not task.climbs(shard)])
        again = {page: before[page] for page, shard in counted.items() if before.get(page, shard) != shard}
        parts, firsts = self._folders_of(task, counted), self._folders_of(task, again)
        redone = self._redone(task)
        heads = heads_of(task, self._settings.main_content_only)
        args = {"shards": parts, "pages_in_file": task.source_pages, "redone": redone, "heads": heads}
        reads = [*parts, *firsts, *redone]
        if firsts:
            source = await asyncio.to_thread(self._linked, task, folder)
            args |= {"firsts": firsts, "source": str(source)}
        if await asyncio.to_thread(self._folders.has_result, task.id):
            reads.append({"folder": str(self._folders.result(task.id))})
            args["earlier"] = reads[-1]["folder"]
        return await self._run("assemble", args, folder, reads)

    def _folders_of(self, task: Task, pages: Mapping[int, Shard]) -> list[dict[str, Any]]:
        """Folders of shards, and which of these pages each has."""
        found: dict[int, list[int]] = {}
        for page, shard in sorted(pages.items(), key=lambda each: each[0]):
            found.setdefault(shard.index, []).append(page)
        shard_folder = self._folders.shard
        return [{"folder": str(shard_folder(task.id, i)), "pages": some} for i, some in found.items()]

    async def put_notes(self, parsed: Parsed, notes: Sequence[Note]) -> None:
        """Lists the notes beside a finished result, in place of anything that the job has put there."""
        await asyncio.to_thread(_write_notes, parsed.folder / "out" / NOTES_FILE, notes)

    def _redone(self, task: Task) -> list[dict[str, Any]]:
        folder = self._folders.redone
        return [{"page": page, "folder": str(folder(task.id, page))} for page in pages_in(task.redone)]

    async def replace_page(self, task: Task, second: Task) -> Parsed:
        """The result of ``task`` with the page that ``second`` has read."""
        self.check_reserve()
        folder = await asyncio.to_thread(self._folders.work, task.id, f"redo-{second.redo_page}")
        new = {"page": second.redo_page, "folder": str(self._folders.result(second.id))}
        old = {"folder": str(self._folders.result(task.id))}
        args = {"result": old["folder"], "pages": [new]}
        return await self._run("replace_pages", args, folder, [old, new])

    async def correct_block(
        self, task: Task, page: int, block: int, change: Mapping[str, Any] | None
    ) -> Parsed:
        """The result of ``task`` with one block corrected, or as it was read (None)."""
        self.check_reserve()
        folder = await asyncio.to_thread(self._folders.work, task.id, f"correct-{page}")
        old = {"folder": str(self._folders.result(task.id))}
        args = {"result": old["folder"], "page": page, "block": block, "change": change}
        return await self._run("correct_block", args, folder, [old])

    async def read_block(self, task: Task, page: int, block: int) -> dict[str, Any]:
        """What of a block can be corrected, as the worker says it."""
        result = self._folders.result(task.id)
        await asyncio.to_thread(self._folders.check_plain, result)
        args = {"result": str(result), "page": page, "block": block}
        return await self._pool.run_light("read_block", args, seconds=LIGHT_TIMEOUT)

    async def _run(
        self, fn: str, args: dict[str, Any], folder: Path, reads: Sequence[Mapping[str, Any]]
    ) -> Parsed:
        made = [Path(each["folder"]) for each in reads]
        return await self._in_folder(folder, self._timed(fn, args, folder / "out", made))

    async def _timed(self, fn: str, args: dict[str, Any], out: Path, reads: Sequence[Path]) -> PartResult:
        await asyncio.to_thread(self._folders.check_plain, *reads)
        began = time.monotonic()
        answer = await self._pool.run(fn, args, seconds=self._settings.task_timeout, out=out)
        return PartResult.of({**answer, "seconds": time.monotonic() - began})

    async def _in_folder(self, folder: Path, job: Awaitable[PartResult]) -> Parsed:
        """Waits for a job that writes into ``folder``, which goes when it fails."""
        try:
            return Parsed(folder, await job)
        except BaseException as error:
            judged = await asyncio.shield(asyncio.to_thread(self._judge, error))
            await asyncio.shield(asyncio.to_thread(self._folders.drop_work, folder))
            if judged is not error:
                raise judged from error
            raise

    def check_reserve(self) -> None:
        """Raises ``DiskFull`` for what a user asks for beside the queue, which may use the reserve."""
        if self._folders.free_bytes() < self._settings.disk_reserve:
            raise DiskFull()

    def _judge(self, error: BaseException) -> BaseException:
        """A full or read-only disk fails jobs in odd ways."""
        if not isinstance(error, FileCorrupt | WorkerCrashed) and type(error) is not AppError:
            return error
        if not os.access(self._folders.tmp, os.W_OK):
            return StorageUnavailable()
        return DiskFull() if self._folders.free_bytes() < NO_ROOM else error

    async def drop(self, *folders: Path) -> None:
        """Deletes the folders of jobs that have ended."""
        if folders:
            await asyncio.to_thread(lambda: [self._folders.drop_work(folder) for folder in folders])


def _write_notes(path: Path, notes: Sequence[Note]) -> None:
    remove_tree(path)
    if notes:
        path.write_text(json.dumps(notes_to_json(notes), ensure_ascii=False, indent=1), "utf-8")


@dataclass(frozen=True, slots=True)
class _Failed:
    """An inspection that raised an error."""

    error: Fault


_INSPECTED: TypeAdapter[Inspection | _Failed] = TypeAdapter(Inspection | _Failed)


def _inspected(answer: Any, place: Path) -> Inspection | AppError:
    """The facts about one file, checked: a hostile document may have written them."""
    try:
        found = _INSPECTED.validate_python(answer)
    except ValidationError:
        return WorkerCrashed()
    if isinstance(found, _Failed):
        return error_of(found.error, place, asked_a_server=True)
    sound = (
        found.kind in DOCUMENTS
        and (found.tier in TIERS or is_reader(found.tier))
        and found.parse_mode in ("", "txt", "ocr")
        and len(found.parser_version) < 100
        and 1 <= found.pages_total <= MOST_PAGES
        and all(1 <= first < then for first, then in pairwise((*found.pages, found.pages_total + 1)))
        and all(first < then for first, then in pairwise(found.scans))
        and set(found.scans) <= set(found.pages)
        and found.prepared in ("", SHEETS, *DOCUMENTS)
        and len(found.notes) <= MOST_NOTES
        and not found.uploads
    )
    return found if sound else WorkerCrashed()


def suffix_of(name: str) -> str:
    """``Report.PDF`` -> ``pdf``; empty without one."""
    return Path(name).suffix.lstrip(".").lower()
