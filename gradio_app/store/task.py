"""Frozen records of the queue: a task, its shards, and the result of its inspection."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from gradio_app.base import clock
from gradio_app.base.errors import AppError, from_code
from gradio_app.base.findings import Findings, dearest
from gradio_app.base.names import label_of
from gradio_app.base.notes import Note, notes_from_text, notes_to_text
from gradio_app.base.options import VISION_TIERS, ParseOptions, format_pages, needs_engine, pages_in
from gradio_app.store.states import TERMINAL, TaskStatus


@dataclass(frozen=True, slots=True)
class Upload:
    """A received file: path, SHA-256 and number of its bytes, its name, and the folder that it lay in."""

    path: Path
    sha256: str
    size: int
    name: str
    folder: str = ""

    @property
    def full_name(self) -> str:
        """Folder and name."""
        return f"{self.folder}/{self.name}" if self.folder else self.name


@dataclass(frozen=True, slots=True)
class Inspection:
    """Facts about a file that a worker found before any parsing.

    ``kind`` is the type by content (``pdf``, ``png``, ``docx``, ...). ``parse_mode`` is ``txt`` or ``ocr``,
    empty for documents without pages. ``pages`` are the selected ones of ``pages_total`` (1-based).
    ``seconds`` is the time of the inspection. ``scans`` are those of the ``pages`` that are pictures of text.
    ``prepared`` is the name of the plain file that was made of it (a worker answers its type); empty when the
    file itself is read. ``notes`` say what preparing could not bring along. ``parts`` are the paths of the
    documents in a container; the worker's answer has them, the queue the files too (``uploads``).
    """

    kind: str
    pages_total: int
    parse_mode: str
    tier: str
    parser_version: str
    seconds: float = 0.0
    pages: tuple[int, ...] = ()
    scans: tuple[int, ...] = ()
    prepared: str = ""
    notes: tuple[Note, ...] = ()
    parts: tuple[str, ...] = ()
    uploads: tuple[Upload, ...] = ()

    @property
    def columns(self) -> dict[str, Any]:
        """The facts that a task takes over, by its fields."""
        return {
            "kind": self.kind,
            "tier": self.tier,
            "parse_mode": self.parse_mode,
            "parser_version": self.parser_version,
            "source_pages": self.pages_total,
            "pages_total": len(self.pages) or 1,
            "scan_pages": format_pages(self.scans),
            "prepared": self.prepared,
            "prepared_notes": notes_to_text(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Shard:
    """Pages of one task that are parsed in one go (1-based; empty: the whole file).

    ``bad`` pages were read with parts missing; a later shard that has them counts instead. ``version`` of
    reading is that by which it was read; ``notes``, ``coverage``, ``words`` and ``readers`` see ``Findings``.
    A climbing shard has its reader and the notes on why before it is read (``store.climbing``).
    """

    task_id: str
    index: int
    pages: tuple[int, ...]
    done: bool = False
    error: str | None = None
    seconds: float = 0.0
    bad: tuple[int, ...] = ()
    notes: str = ""
    coverage: float | None = None
    words: int = 0
    readers: str = ""
    version: str = ""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """From the store's columns."""
        pages, bad = (tuple(json.loads(row[name])) for name in ("pages", "bad"))
        found = {name: row[name] for name in ("notes", "coverage", "words", "readers", "version")}
        return cls(
            row["task_id"], row["idx"], pages, bool(row["done"]), row["error"], row["seconds"], bad, **found
        )

    @property
    def vision_reader(self) -> str:
        """The reader with a vision model that reads it or has read it; empty: another one."""
        return dearest(VISION_TIERS.intersection(json.loads(self.readers) if self.readers else ()))

    @property
    def findings(self) -> Findings:
        """What reading it found."""
        return Findings.from_texts(self.notes, self.coverage, self.words, self.readers)


@dataclass(frozen=True, slots=True)
class Task:
    """One document in the queue. Times are Unix seconds.

    ``folder`` is its place in an uploaded folder (``a/b``). A second reading reads page ``redo_page`` of task
    ``redo_of``. ``redone`` are pages (``3,7-9``) that a second reading has replaced. ``notes`` and
    ``readers`` are JSON, as ``Findings`` has them. ``scan_pages`` are pages that are pictures of text;
    ``prepared`` is the name of the plain file that was made of the upload, ``prepared_notes`` (JSON) what is
    to be said of it. ``parent`` is the task of the container that the document came in.
    """

    id: str
    name: str
    owner: str
    status: TaskStatus
    options: ParseOptions
    source: str
    size: int
    created_at: float
    seq: int = 0
    rev: int = 0
    kind: str = ""
    tier: str = ""
    parse_mode: str = ""
    parser_version: str = ""
    source_pages: int = 0
    pages_total: int = 0
    pages_done: int = 0
    pages_failed: int = 0
    shards_total: int = 0
    attempt: int = 1
    started_at: float | None = None
    finished_at: float | None = None
    parse_seconds: float = 0.0
    cached: bool = False
    result_sha256: str = ""
    error_code: str | None = None
    error_message: str | None = None
    engine: str = ""
    failed_pages: str = ""
    folder: str = ""
    redo_of: str = ""
    redo_page: int = 0
    redone: str = ""
    notes: str = ""
    coverage: float | None = None
    readers: str = ""
    scan_pages: str = ""
    prepared: str = ""
    prepared_notes: str = ""
    parent: str = ""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """From the store's columns."""
        values = dict(row)
        options = ParseOptions(
            values.pop("tier_asked"),
            values.pop("page_range"),
            values.pop("ocr_mode"),
            values.pop("priority"),
            bool(values.pop("use_cache")),
            bool(values.pop("keep_headers")),
        )
        del values["cache_key"], values["label"], values["password"]
        values["status"] = TaskStatus(values["status"])
        values["cached"] = bool(values["cached"])
        return cls(options=options, **values)

    def to_row(self) -> dict[str, Any]:
        """The store's columns of a new task; the rest have their defaults."""
        options = self.options
        return {
            "id": self.id,
            "name": self.name,
            "owner": self.owner,
            "status": self.status.value,
            "tier_asked": options.tier,
            "page_range": options.page_range,
            "ocr_mode": options.ocr_mode,
            "priority": options.priority,
            "use_cache": int(options.use_cache),
            "keep_headers": int(options.keep_headers),
            "source": self.source,
            "size": self.size,
            "created_at": self.created_at,
            "folder": self.folder,
            "redo_of": self.redo_of,
            "redo_page": self.redo_page,
            "kind": self.kind,
            "prepared": self.prepared,
            "parent": self.parent,
            "label": label_of(self.name, self.folder),
        }

    @classmethod
    def new(cls, owner: str, upload: Upload, options: ParseOptions, **redo: Any) -> Self:
        """A pending task of an upload that came now; ``redo``: fields of a second reading."""
        return cls(
            id=uuid.uuid4().hex,
            name=upload.name,
            owner=owner,
            status=TaskStatus.PENDING,
            options=options,
            source=upload.sha256,
            size=upload.size,
            created_at=clock.stamp(),
            folder=upload.folder,
            **redo,
        )

    @classmethod
    def placeholder(cls, task_id: str, owner: str) -> Self:
        """Stands for a task that is still being read from the store."""
        return cls(task_id, "", owner, TaskStatus.QUEUED, ParseOptions(), "", 0, 0.0)

    @property
    def whole(self) -> bool:
        """Parsed straight into a finished result. With a vision model single pages can fail."""
        return self.shards_total == 1 and not self.needs_engine

    @property
    def needs_engine(self) -> bool:
        """Whether its pages are read by a model on the engine."""
        return needs_engine(self.tier)

    @property
    def scans(self) -> tuple[int, ...]:
        """Pages that are pictures of text."""
        return pages_in(self.scan_pages)

    def climbs(self, shard: Shard) -> bool:
        """Whether a shard reads pages again, by a better reader than the document's."""
        return not self.needs_engine and bool(shard.vision_reader)

    def reader_of(self, shard: Shard) -> str:
        """The tier at which a shard is read."""
        return shard.vision_reader if self.climbs(shard) else self.tier_of(shard.pages)

    def tier_of(self, pages: Sequence[int]) -> str:
        """The tier that reads these pages: in a document with scans, the others are read at flash."""
        if self.tier != "basic" or self.options.tier == "basic":
            return self.tier
        return "basic" if pages and set(pages) <= set(self.scans) else "flash"

    @property
    def ended(self) -> bool:
        """True in a terminal state."""
        return self.status in TERMINAL

    @property
    def findings(self) -> Findings:
        """What reading it found; its words are not known any more."""
        return Findings.from_texts(self.notes, self.coverage, 0, self.readers)

    @property
    def preparing(self) -> Findings:
        """What preparing the upload found; part of the findings of every result."""
        return Findings(notes_from_text(self.prepared_notes))

    @property
    def tier_used(self) -> str:
        """The dearest reader of its pages; before that is known, the tier that is planned or asked for.

        ``tier`` stays the planned one in a partial task, as the rest of its pages is read by that.
        """
        return dearest(json.loads(self.readers) if self.readers else ()) or self.tier or self.options.tier

    @property
    def error(self) -> AppError | None:
        """The stored error, if the task has one."""
        return from_code(self.error_code, self.error_message) if self.error_code else None

    @property
    def page_weight(self) -> int:
        """Pages that fair share and ETA count for this task; at least one."""
        return max(1, self.pages_total)

    def to_json(
        self, viewer: str, readable: bool, position: int | None = None, eta_seconds: float | None = None
    ) -> dict[str, Any]:
        """The wire form. Names, errors and hashes are hidden from a viewer to whom it is not ``readable``."""
        mine = self.owner == viewer
        visible = mine or readable
        return {
            "id": self.id,
            "seq": self.seq,
            "name": self.name if visible else "",
            "owner": self.owner if visible else "",
            "mine": mine,
            "status": self.status.value,
            "kind": self.kind,
            "tier": self.tier_used,
            "page_range": self.options.page_range if visible else "",
            "ocr_mode": self.options.ocr_mode,
            "priority": self.options.priority,
            "source_pages": self.source_pages,
            "pages_total": self.pages_total,
            "pages_done": self.pages_done,
            "pages_failed": self.pages_failed,
            "position": position,
            "eta_seconds": None if eta_seconds is None else round(eta_seconds, 1),
            "created_at": self.created_at,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "attempt": self.attempt,
            "error": self.error.to_dict() if self.error and visible else None,
            "notes": json.loads(self.notes) if visible and self.notes else [],
            "receipt": self.receipt() if visible and self.ended else None,
            "folder": self.folder if visible else "",
            "parent": self.parent if visible else "",
            "redo_of": self.redo_of if visible else "",
            "redo_page": self.redo_page if visible else 0,
            "redone": self.redone if visible else "",
            "rev": self.rev,
        }

    def receipt(self) -> dict[str, Any]:
        """Cost and origin of the result."""
        start = self.started_at or self.finished_at or self.created_at
        engine, version, model = json.loads(self.engine) if self.engine else ("none", "", "")
        found = self.findings
        versions = {"mineru": self.parser_version, **({"model": model} if model else {})}
        return {
            "waited_seconds": round(max(0.0, start - self.created_at), 3),
            "parsed_seconds": round(self.parse_seconds, 3),
            "cached": self.cached,
            "engine": engine,
            "failed_pages": self.failed_pages,
            "coverage": None if found.coverage is None else round(found.coverage, 4),
            "readers": dict(found.readers),
            "versions": versions | ({"sglang": version} if version else {}),
            "input_sha256": self.source,
            "output_sha256": self.result_sha256 or None,
        }


def latest(shards: Iterable[Shard]) -> dict[int, Shard]:
    """Page -> the newest shard that has it."""
    return {page: shard for shard in sorted(shards, key=lambda shard: shard.index) for page in shard.pages}


def readings(shards: Sequence[Shard]) -> dict[int, Shard]:
    """Page -> the shard whose reading of it counts: the newest that is done."""
    return latest(shard for shard in shards if shard.done)


def pages_done(shards: Sequence[Shard]) -> int:
    """How many pages need no more reading."""
    return sum(shard.done for shard in latest(shards).values())


def failed_pages(shards: Sequence[Shard]) -> tuple[int, ...]:
    """Pages whose newest shard did not read them, or not completely."""
    newest = latest(shards)
    return tuple(sorted(page for page, shard in newest.items() if not shard.done or page in shard.bad))
