"""How equal a split document is to an unsplit one, on real documents."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

from bench.documents import prose_pdf
from bench.figures import Row, row
from bench.measurement import Found, Measurement, Plan
from gradio_app import parsing
from gradio_app.base.errors import AppError
from gradio_app.parsing.inspection import inspect
from gradio_app.queue.scheduler import cut

MEMORY = 2**33
SIZES = (16, 32, 64)


def _equality(plan: Plan) -> Found:
    files = sorted(plan.corpus.rglob("*.pdf")) if plan.corpus else [_made(plan)]
    rows = [row for path in files for row in split_equality(plan.folder, path, plan.size(SIZES, (16,)))]
    return Found(
        rows,
        "Lines that are the same when a document is read in parts and joined; 100 is equal byte by byte.",
    )


def _made(plan: Plan) -> Path:
    path = plan.folder / "made.pdf"
    path.write_bytes(prose_pdf(plan.size(130, 20)))
    return path


def split_equality(folder: Path, path: Path, sizes: tuple[int, ...]) -> Iterator[Row]:
    """A row for each size of parts that cuts the document; none for one that cannot be read here."""
    try:
        found = inspect(str(path), "", "auto", "auto", 10_000, MEMORY)
    except AppError:
        return
    work = folder / path.stem
    parsing.parse_document(str(path), str(work / "whole"), [], found["tier"], found["parse_mode"])
    for size in sizes:
        if len(found["pages"]) > size:
            joined = _in_parts(path, work / str(size), found, size)
            share = _equal_lines(work / "whole", joined)
            yield row(f"{path.name}, {len(found['pages'])} pages, parts of {size}", [share], "% of lines")


def _in_parts(path: Path, work: Path, found: dict[str, object], size: int) -> Path:
    shards: list[dict[str, object]] = []
    pages = found["pages"]
    assert isinstance(pages, list)
    for index, some in enumerate(cut(tuple(pages), size)):
        part = work / f"part-{index}"
        parsing.parse_shard(str(path), str(part), some, str(found["tier"]), str(found["parse_mode"]))
        shards.append({"folder": str(part), "pages": some})
    parsing.assemble(shards, str(work / "joined"), int(str(found["pages_total"])))
    return work / "joined"


def _equal_lines(left: Path, right: Path) -> float:
    """Per cent; 100 only for the same bytes."""
    one, other = ((folder / "document.md").read_bytes() for folder in (left, right))
    if one == other:
        return 100.0
    ratio = SequenceMatcher(None, one.splitlines(), other.splitlines(), autojunk=False).ratio()
    return min(99.99, 100 * ratio)


MEASUREMENTS = (Measurement("equality", "split and joined", _equality, 3, usual=False),)
