"""Frozen records of the queue: a task, its options, its shards, and what inspection found."""

from __future__ import annotations

import dataclasses
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from gradio_app.errors import AppError, OptionInvalid, PageRangeInvalid, from_code
from gradio_app.states import TERMINAL, TaskStatus

Tier = Literal["auto", "flash", "basic", "standard", "advanced"]
OcrMode = Literal["auto", "txt", "ocr"]

TIERS: tuple[str, ...] = get_args(Tier)
OCR_MODES: tuple[str, ...] = get_args(OcrMode)
#: tiers whose pages are read by the vision model
VISION_TIERS = frozenset({"standard", "advanced"})
PRIORITY_LIMIT = 10

#: more pages than a document has
_ANY_COUNT = 10**9
_RANGE_PART = re.compile(r"(r?)([0-9]{1,9})(?:-(r?)([0-9]{1,9}))?")


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """What the user asked for.

    ``page_range`` is 1-based and inclusive (``1-5,8,r2-r1``), empty for all pages.
    """

    tier: str = "auto"
    page_range: str = ""
    ocr_mode: str = "auto"
    priority: int = 0
    use_cache: bool = True

    @classmethod
    def checked(
        cls, tier: str, page_range: str, ocr_mode: str, priority: int = 0, use_cache: bool = True
    ) -> Self:
        """Options from outside; raises ``OptionInvalid`` or ``PageRangeInvalid``."""
        tier, ocr_mode = tier.strip().lower() or "auto", ocr_mode.strip().lower() or "auto"
        if tier not in TIERS:
            raise OptionInvalid(f"There is no tier {tier[:40]!r}. Tiers are: {', '.join(TIERS)}.")
        if ocr_mode not in OCR_MODES:
            raise OptionInvalid(f"There is no OCR mode {ocr_mode[:40]!r}. Modes are: {', '.join(OCR_MODES)}.")
        if not -PRIORITY_LIMIT <= priority <= PRIORITY_LIMIT:
            raise OptionInvalid(f"Priority goes from {-PRIORITY_LIMIT} to {PRIORITY_LIMIT}, not {priority}.")
        return cls(tier, normalize_page_range(page_range), ocr_mode, priority, use_cache)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a worker found out about a file before any parsing.

    ``kind`` is the type by content (``pdf``, ``png``, ``docx``, ...); ``parse_mode`` is ``txt`` or
    ``ocr`` for paged documents, empty otherwise; ``pages_total`` is the count in the file. ``seconds`` is how
    long the worker looked.
    """

    kind: str
    pages_total: int
    parse_mode: str
    tier: str
    parser_version: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Shard:
    """A run of pages of one task that is parsed in one go. ``pages`` are 1-based; empty: the whole file.

    ``bad`` are those among them that were read with parts missing. A later shard may have read them
    again; then that one counts.
    """

    task_id: str
    index: int
    pages: tuple[int, ...]
    done: bool = False
    error: str | None = None
    seconds: float = 0.0
    bad: tuple[int, ...] = ()

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """From the store's columns."""
        pages, bad = (tuple(json.loads(row[name])) for name in ("pages", "bad"))
        return cls(row["task_id"], row["idx"], pages, bool(row["done"]), row["error"], row["seconds"], bad)


@dataclass(frozen=True, slots=True)
class Task:
    """One document and everything the queue knows about it. Times are Unix seconds.

    ``folder`` is where it lay in an upload of a whole folder (``a/b``). A task may read page ``redo_page`` of
    task ``redo_of`` once more; ``redone`` are pages (``3,7-9``) whose second reading took the place of the
    first.
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
        )
        del values["cache_key"], values["label"]
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
            "source": self.source,
            "size": self.size,
            "created_at": self.created_at,
            "folder": self.folder,
            "redo_of": self.redo_of,
            "redo_page": self.redo_page,
            "label": label_of(self.name, self.folder),
        }

    @classmethod
    def placeholder(cls, task_id: str, owner: str) -> Self:
        """Stands for a task that is still being read from the store."""
        return cls(task_id, "", owner, TaskStatus.QUEUED, ParseOptions(), "", 0, 0.0)

    def evolve(self, **changes: Any) -> Self:
        """A copy with these fields changed."""
        return dataclasses.replace(self, **changes)

    @property
    def whole(self) -> bool:
        """Parsed in one go, straight into a finished result. Pages of the model can fail one by one."""
        return self.shards_total == 1 and not self.needs_engine

    @property
    def needs_engine(self) -> bool:
        """Whether its pages are read by the vision model."""
        return self.tier in VISION_TIERS

    @property
    def ended(self) -> bool:
        """True in a terminal state."""
        return self.status in TERMINAL

    @property
    def error(self) -> AppError | None:
        """The stored error, if the task has one."""
        return from_code(self.error_code, self.error_message) if self.error_code else None

    @property
    def page_weight(self) -> int:
        """Pages that fair share and ETA count for this task; at least one."""
        return max(1, self.pages_total)

    def to_json(
        self, viewer: str, admin: bool, position: int | None = None, eta_seconds: float | None = None
    ) -> dict[str, Any]:
        """The wire form. Names, errors and hashes of others' documents are hidden from non-admins."""
        mine = self.owner == viewer
        visible = mine or admin
        return {
            "id": self.id,
            "seq": self.seq,
            "name": self.name if visible else "",
            "owner": self.owner if visible else "",
            "mine": mine,
            "status": self.status.value,
            "kind": self.kind,
            "tier": self.tier or self.options.tier,
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
            "receipt": self.receipt() if visible and self.ended else None,
            "folder": self.folder if visible else "",
            "redo_of": self.redo_of if visible else "",
            "redo_page": self.redo_page if visible else 0,
            "redone": self.redone if visible else "",
            "rev": self.rev,
        }

    def receipt(self) -> dict[str, Any]:
        """What this document cost and by what it was made."""
        start = self.started_at or self.finished_at or self.created_at
        engine, version, model = json.loads(self.engine) if self.engine else ("none", "", "")
        versions = {"mineru": self.parser_version, **({"model": model} if model else {})}
        return {
            "waited_seconds": round(max(0.0, start - self.created_at), 3),
            "parsed_seconds": round(self.parse_seconds, 3),
            "cached": self.cached,
            "engine": engine,
            "failed_pages": self.failed_pages,
            "versions": versions | ({"sglang": version} if version else {}),
            "input_sha256": self.source,
            "output_sha256": self.result_sha256 or None,
        }


def normalize_page_range(text: str) -> str:
    """Checks the form of a page range and removes blanks; ``all`` and empty give ``""``."""
    compact = "".join(text.split()).lower()
    if compact in ("", "all"):
        return ""
    if len(compact) > 1000:
        raise PageRangeInvalid("The page range is too long. Merge neighbouring pages, such as 1-50.")
    for part in compact.split(","):
        match = _RANGE_PART.fullmatch(part)
        if match is None:
            raise PageRangeInvalid(
                f"{part[:40]!r} is not a page range. Write pages as 1-5,8,10-12; r1 is the last page."
            )
        if int(match[2]) == 0 or (match[4] and int(match[4]) == 0):
            raise PageRangeInvalid("There is no page 0: pages are counted from 1.")
        if match[4] and match[1] == match[3] and _reversed(match):
            raise PageRangeInvalid(f"{part!r} runs backwards. Write the smaller page first.")
    return compact


def _reversed(match: re.Match[str]) -> bool:
    first, last = int(match[2]), int(match[4])
    return first < last if match[1] else first > last


def select_pages(page_range: str, count: int) -> tuple[int, ...]:
    """The 1-based pages that a checked range selects out of ``count``, sorted, without repeats.

    Raises ``PageRangeInvalid`` when it selects none or runs backwards in this document.
    """
    if not page_range:
        return tuple(range(1, count + 1))
    selected: set[int] = set()
    for part in page_range.split(","):
        match = _RANGE_PART.fullmatch(part)
        if match is None:
            raise PageRangeInvalid()
        first = _absolute(match[1], match[2], count)
        last = _absolute(match[3], match[4], count) if match[4] else first
        if first > last:
            raise PageRangeInvalid(f"{part!r} runs backwards in a document of {count} pages.")
        selected.update(range(max(1, first), min(count, last) + 1))
    if not selected:
        raise PageRangeInvalid(f"{page_range!r} selects no page: the document has {count}.")
    return tuple(sorted(selected))


def _absolute(from_end: str, number: str, count: int) -> int:
    return count + 1 - int(number) if from_end else int(number)


def format_pages(pages: tuple[int, ...]) -> str:
    """``(1, 2, 3, 8)`` -> ``1-3,8``."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and page == runs[-1][1] + 1:
            runs[-1][1] = page
        else:
            runs.append([page, page])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def pages_in(text: str) -> tuple[int, ...]:
    """``3,7-9`` -> ``(3, 7, 8, 9)``, the way back of ``format_pages``; nothing for an empty text."""
    return select_pages(text, _ANY_COUNT) if text else ()


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


#: how deep a folder is kept, and how long its path may be
MOST_FOLDERS, LONGEST_FOLDER = 10, 300


def folder_and_name(raw: str) -> tuple[str, str]:
    """``a/b/c.pdf``, as folders are uploaded, to ``("a/b", "c.pdf")``; both are safe to show.

    Parts that lead elsewhere (``..``) or are empty are dropped, deep folders are cut. Neither is ever used
    as a path.
    """
    *above, _ = re.split(r"[\\/]", raw)
    parts = [part for part in map(_printable, above) if part]
    folder = "/".join(parts[:MOST_FOLDERS])
    return folder[:LONGEST_FOLDER].rstrip("/. "), display_name(raw)


def folded(text: str) -> str:
    """As it is searched: in one case, and in one way of writing each character."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def label_of(name: str, folder: str) -> str:
    """What a task is found and sorted by: its name first, its folder in a line below."""
    return f"{folded(name)}\n{folded(folder)}"


def _printable(text: str) -> str:
    # category C: control, format (right-to-left override), surrogate, unassigned
    clean = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)
    return " ".join(clean.split()).strip(". ")


def display_name(raw: str) -> str:
    """A file name that is safe to show and to send in a header: base name, printable, at most 200 chars.

    Of a path only the last part counts; the text is never used as one.
    """
    clean = _printable(re.split(r"[\\/]", raw)[-1])
    if len(clean) > 200:
        stem, dot, suffix = clean.rpartition(".")
        if not stem or len(suffix) > 10:
            stem, dot, suffix = clean, "", ""
        clean = stem[: 199 - len(dot + suffix)] + "…" + dot + suffix
    return clean or "document"
