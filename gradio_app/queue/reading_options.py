"""Reading options of a task: who reads its pages and how, and the key under which its result is shared."""

from __future__ import annotations

import json
from hashlib import sha256

from gradio_app.base import page_readers
from gradio_app.base.versions import reading_version
from gradio_app.store.task import Inspection, Task

#: raised when the files of a result change, so that results of older versions are not reused
RESULT_VERSION = 1


def climbs_from(task: Task, identity: str, share: float) -> bool:
    """Whether pages of a task may climb: tier auto, a document with pages, and somebody to climb to."""
    by_page = task.options.tier == "auto" and not task.needs_engine
    return bool(by_page and task.parse_mode and page_readers.serves_mineru(identity) and share)


def method_of(task: Task) -> str:
    """How its pages are read: by MinerU at its tier, or page by page; see ``parsing.parse_document``."""
    if not task.parse_mode or task.needs_engine or task.options.tier == "flash":
        return "mineru"
    return "every" if task.options.tier == "basic" else "auto"


def heads_of(task: Task, main_content_only: bool) -> str:
    """Which running heads and feet stand in its text; see ``parsing.marginals``."""
    return "all" if task.options.keep_headers else "none" if main_content_only else "unusual"


def cache_key(task: Task, found: Inspection, shard_pages: int, heads: str, engine: str = "") -> str:
    """Equal for two tasks whose results are equal: same bytes, pages, options, versions and ``engine``.

    The suffix counts because MinerU tells some types apart by it. The tier that was asked for counts where
    it reads otherwise than the tier that was found: auto reads single pages by other readers, flash none.
    """
    asked = task.options.tier
    parts = [
        RESULT_VERSION,
        reading_version(),
        asked if asked in ("auto", "flash") else "",
        heads,
        task.source,
        found.kind,
        found.prepared,
        found.parse_mode,
        found.tier,
        found.parser_version,
        list(found.pages),
        shard_pages if len(found.pages) > shard_pages else 0,
        *([engine] if engine else []),
    ]
    return sha256(json.dumps(parts).encode()).hexdigest()
