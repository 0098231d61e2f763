"""How well the check tells a damaged result from a sound one.

Every digital page of a folder of PDF files is read, and its result is damaged on purpose: a paragraph, a row
of a table, or all of the page is taken out. ``told``: the check says that text is missing.
"""

from __future__ import annotations

import os
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from gradio_app.machine import builtin_models
from gradio_app.parsing import check, parse, reading
from gradio_app.parsing.readers.embedded.facts import PageFacts
from gradio_app.parsing.readers.embedded.page import read_page
from gradio_app.parsing.readers.embedded.tables import find_tables
from gradio_app.parsing.readers.flash import text_of

Block = dict[str, Any]

#: words of a paragraph, and of a row, that are worth a word when they go
_WORDS, _ROW_WORDS = 6, 2
_ROW = re.compile(r"<tr>.*?</tr>", re.DOTALL)
KINDS = ("sound", "paragraph", "row", "page")


@dataclass(frozen=True, slots=True)
class Try:
    """One result of a page: how it was damaged, and whether the check told."""

    name: str
    page: int
    damage: str
    told: bool


def tried(folder: Path, seed: int = 0) -> list[Try]:
    """All pages, each sound and damaged in every way that it allows."""
    os.environ[reading.MODELS_VARIABLE] = str(builtin_models.folder())
    chance = random.Random(seed)
    found: list[Try] = []
    for path in sorted(folder.rglob("*.pdf")):
        for number, blocks, facts in _pages(path):
            for kind in KINDS:
                damaged = _damaged(blocks, kind, chance)
                if damaged is not None:
                    codes = check.judge(damaged, facts, find_tables(facts)).codes
                    found.append(Try(path.name, number, kind, "text_left_out" in codes))
    return found


def _pages(path: Path) -> Iterator[tuple[int, list[Block], PageFacts]]:
    """Digital pages of a document: number, blocks of the result, and what stands on the page."""
    import pypdfium2 as pdfium

    try:
        with tempfile.TemporaryDirectory() as out:
            model = _model(path, Path(out))
    except Exception as error:
        print(f"{path.name} is passed by: {error}")
        return
    numbers = model["page_index_map"] or range(len(model["pages"]))
    document = cast(Any, pdfium.PdfDocument(path))
    document.init_forms()
    for index, blocks in zip(numbers, model["pages"], strict=True):
        facts = read_page(document[index], "auto", None)
        if len(facts.words) >= 2 * _WORDS and not facts.layer and not check.is_right_to_left(facts.words):
            yield index + 1, blocks, facts


def _model(path: Path, out: Path) -> dict[str, Any]:
    import json

    parse.parse_shard(str(path), str(out), [], "basic", "txt", method="auto")
    return json.loads((out / "model.json").read_text("utf-8"))


def _damaged(blocks: Sequence[Block], kind: str, chance: random.Random) -> list[Block] | None:
    """The blocks of a page after something was taken out; None where there is no such thing."""
    if kind == "sound":
        return list(blocks)
    if kind == "page":
        return []
    if kind == "paragraph":
        some = [b for b in blocks if b["type"] == "text" and len(text_of(b).split()) >= _WORDS]
        gone = chance.choice(some) if some else None
        return [block for block in blocks if block is not gone] if gone else None
    tables = [block for block in blocks if "<tr>" in text_of(block)]
    if not tables:
        return None
    table = chance.choice(tables)
    rows = [m for m in _ROW.finditer(text_of(table)) if len(check.plain(m[0]).split()) >= _ROW_WORDS]
    if len(rows) < 2:
        return None
    row = chance.choice(rows)[0]
    return [_without(block, row) if block is table else block for block in blocks]


def _without(block: Block, row: str) -> Block:
    text = text_of(block).replace(row, "", 1)
    return block | {"content": text}


def report(found: Sequence[Try]) -> str:
    """A table in Markdown, and the first pages where the check was wrong."""
    lines = ["| result | pages | told |", "|---|---|---|"]
    for kind in KINDS:
        some = [each for each in found if each.damage == kind]
        told = sum(each.told for each in some)
        lines.append(
            f"| {kind} | {len(some)} | {told} ({told / len(some):.1%}) |" if some else f"| {kind} | 0 | |"
        )
    wrong = [each for each in found if each.told == (each.damage == "sound")]
    lines += ["", *(f"- {each.damage}: {each.name} p. {each.page}" for each in wrong[:30])]
    return "\n".join(lines)
