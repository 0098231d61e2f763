"""Findings of a reading: notes, coverage, and which pages each reader has read; of a shard or a document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from gradio_app.base.notes import (
    Note,
    combined,
    merged,
    notes_from_text,
    notes_to_text,
    notes_within,
    range_of,
)
from gradio_app.base.options import reader_rank
from gradio_app.base.page_runs import Runs, runs_in, shared


@dataclass(frozen=True, slots=True)
class Findings:
    """``coverage`` is the share of the visible words that are in the result (0 to 1; None: unknown).

    ``words`` are the visible ones, the weight of the coverage. ``readers`` are ranges of pages (``1-3,8``)
    by the name of the reader that has read them.
    """

    notes: tuple[Note, ...] = ()
    coverage: float | None = None
    words: int = 0
    readers: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def from_texts(cls, notes: str, coverage: float | None, words: int, readers: str) -> Self:
        """From the columns of the store."""
        return cls(notes_from_text(notes), coverage, words, json.loads(readers) if readers else {})

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of a task."""
        readers = json.dumps(dict(self.readers)) if self.readers else ""
        return {"notes": notes_to_text(self.notes), "coverage": self.coverage, "readers": readers}

    @property
    def tier(self) -> str:
        """The dearest reader; empty when none is named."""
        return dearest(self.readers)

    def within(self, pages: Runs, share: float = 1.0) -> Findings:
        """As far as they are about these pages, which have ``share`` of the words."""
        readers = {name: range_of(shared(runs_in(text), pages)) for name, text in self.readers.items()}
        return replace(
            self,
            notes=notes_within(self.notes, pages),
            words=round(self.words * share),
            readers={name: text for name, text in readers.items() if text},
        )

    def about(self, pages: Runs) -> Findings:
        """Like ``within``, and without the notes on the whole document."""
        cut = self.within(pages, 0)
        return replace(cut, notes=tuple(note for note in cut.notes if note.pages))


NOTHING_FOUND = Findings()


def dearest(readers: Iterable[str]) -> str:
    """The dearest of some readers; empty for none."""
    return max(readers, key=reader_rank, default="")


def joined(findings: Iterable[Findings], coverage: float | None = None) -> Findings:
    """The findings of a document from those of its pages, each page in one of them.

    ``coverage`` is that of the whole document, where it is known.
    """
    parts = list(findings)
    runs: dict[str, list[tuple[int, int]]] = {}
    for part in parts:
        for name, text in part.readers.items():
            runs.setdefault(name, []).extend(runs_in(text))
    return Findings(
        merged(note for part in parts for note in part.notes),
        combined((part.coverage, part.words) for part in parts) if coverage is None else coverage,
        sum(part.words for part in parts),
        {name: range_of(runs[name]) for name in sorted(runs, key=reader_rank)},
    )
