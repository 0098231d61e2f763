"""What the load is made of: documents of every size and kind, and the undisturbed result of each."""

from __future__ import annotations

import hashlib
import random
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.documents import paper_pdf, scan_pdf, table_csv, text_pdf, web_page, word
from tests.live import LiveServer


@dataclass(frozen=True)
class Document:
    """A document with its options. ``weight``: how often it is sent, beside the others."""

    name: str
    suffix: str
    weight: int
    make: Callable[[], bytes]
    tier: str = "flash"
    pages: str = ""

    @property
    def options(self) -> dict[str, str]:
        """Fields of the form that sends it."""
        return {"tier": self.tier, **({"page_range": self.pages} if self.pages else {})}


def _text(pages: int, seed: int) -> Callable[[], bytes]:
    return lambda: text_pdf(pages, seed=seed)


def _paper(pages: int, seed: int) -> Callable[[], bytes]:
    return lambda: paper_pdf(pages, seed=seed)


def _scan(pages: int, seed: int) -> Callable[[], bytes]:
    return lambda: scan_pdf(pages, seed=seed)


#: 130 pages are three parts at flash, 11 scanned pages are two for the model
DOCUMENTS: tuple[Document, ...] = (
    *(Document(f"note-{seed}", "pdf", 6, _text(1 + seed % 3, seed)) for seed in range(6)),
    *(Document(f"paper-{seed}", "pdf", 5, _paper(1 + seed, seed)) for seed in range(3)),
    Document("long-paper", "pdf", 4, _paper(12, 40)),
    Document("some-pages", "pdf", 3, _text(9, 41), pages="2-3,7"),
    Document("book", "pdf", 4, _text(130, 42)),
    Document("table", "csv", 6, table_csv),
    Document("letter", "docx", 6, word),
    Document("page", "html", 6, web_page),
    Document("scan", "pdf", 8, _scan(1, 43), tier="standard"),
    Document("scans", "pdf", 5, _scan(3, 44), tier="standard"),
    Document("long-scan", "pdf", 3, _scan(11, 45), tier="standard"),
)
BY_NAME = {document.name: document for document in DOCUMENTS}


def pick(rng: random.Random) -> Document:
    """One of them, by weight."""
    return rng.choices(DOCUMENTS, [document.weight for document in DOCUMENTS])[0]


@dataclass
class Catalogue:
    """The bytes of each document, made once, and the undisturbed result of each."""

    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    texts: dict[str, bytes] = field(default_factory=dict[str, bytes])
    digests: dict[str, str] = field(default_factory=dict[str, str])
    #: how many shards each is read in
    shards: dict[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def read(cls, server: LiveServer, documents: Sequence[Document] = DOCUMENTS) -> Catalogue:
        """Lets a calm server read each document once."""
        found = cls({document.name: document.make() for document in documents})
        ids = {
            document.name: server.submit(
                f"{document.name}.{document.suffix}", found.files[document.name], **document.options
            )
            for document in documents
        }
        for name, task_id in ids.items():
            task = server.end(task_id, 600)
            assert task["status"] == "completed", (name, task)
            found.texts[name] = server.result(task_id)
            found.digests[name] = digest(server.data / "tasks" / task_id / "result")
            found.shards[name] = shards_of(server.data, task_id)
        return found


def shards_of(data: Path, task_id: str) -> int:
    """The shards of a task, also those that replace one that lost its worker again and again."""
    with closing(sqlite3.connect(f"file:{data / 'queue.db'}?mode=ro", uri=True)) as db:
        query = "SELECT count(*) FROM shards WHERE task_id = ?"
        return int(db.execute(query, (task_id,)).fetchone()[0])


def words(text: bytes) -> Counter[bytes]:
    """The words of a Markdown text, without its marks."""
    return Counter(re.findall(rb"\w+", text))


def digest(folder: Path) -> str:
    """One hash over the names and bytes of all files of a result, without exports made later."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and name.parts[0] != "exports":
            whole.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()
