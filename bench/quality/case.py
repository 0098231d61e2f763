"""A case of the quality bench: a document, and what a person sees in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from bench.reading.metric import Grid
from gradio_app.base.file_types import is_document

#: what a file's truth stands in: its name with this at the end
SIDECAR = ".truth.json"


class Heading(str):
    """A block that is a heading."""

    __slots__ = ()


Block = str | Grid


@dataclass(frozen=True, slots=True)
class Truth:
    """What a person sees, in order: headings, paragraphs, tables.

    ``absent``: words that nobody sees, which may not be in the result. ``loss``: what cannot be delivered, in
    words; where it is empty the document is sound, and a note about it is a false one.
    """

    blocks: Sequence[Block]
    absent: Sequence[str] = ()
    loss: str = ""

    @property
    def headings(self) -> list[str]:
        """Its headings."""
        return [block for block in self.blocks if isinstance(block, Heading)]

    @property
    def grids(self) -> list[Grid]:
        """Its tables."""
        return [block for block in self.blocks if not isinstance(block, str)]

    @property
    def text(self) -> str:
        """All of it, a row of a table in a line."""
        return "\n".join(
            block if isinstance(block, str) else "\n".join(" ".join(row) for row in block)
            for block in self.blocks
        )


@dataclass(frozen=True, slots=True)
class Case:
    """A document with its truth, None where it is not known. ``kind``: the row of the tables it counts in."""

    name: str
    kind: str
    make: Callable[[], bytes]
    truth: Truth | None

    @property
    def suffix(self) -> str:
        """Of its name, without the dot."""
        return self.name.rpartition(".")[2].lower()


def from_folder(folder: Path) -> Iterator[Case]:
    """All documents of a folder; the truth of each from the JSON file beside it, where there is one.

    ``NAME.truth.json``: ``{"blocks": [...], "absent": [...], "loss": "..."}``. A block is a text, a heading
    with ``# `` before it, or a table as a list of rows. Raises ``ValueError`` for one that is none of these.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_file() and is_document(path.name) and not path.name.endswith(SIDECAR):
            beside = path.with_name(path.name + SIDECAR)
            told = json.loads(beside.read_text("utf-8")) if beside.is_file() else None
            name = str(path.relative_to(folder)).replace("/", " ")
            kind = f"folder, {path.suffix.lower().lstrip('.')}"
            yield Case(name, kind, partial(path.read_bytes), None if told is None else _truth(told))


def _truth(told: dict[str, Any]) -> Truth:
    blocks = [_block(block) for block in told["blocks"]]
    return Truth(blocks, list(map(str, told.get("absent", []))), str(told.get("loss", "")))


def _block(block: object) -> Block:
    if isinstance(block, str):
        return Heading(block.lstrip("# ")) if block.startswith("#") else block
    if isinstance(block, list) and all(isinstance(row, list) for row in cast(list[object], block)):
        return [[str(cell) for cell in row] for row in cast(list[list[object]], block)]
    raise ValueError(f"a block is a text or a list of rows, not {block!r}")
