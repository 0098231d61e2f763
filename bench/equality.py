"""How equal a split document is to an unsplit one, on real documents."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

from gradio_app import parsing
from gradio_app.errors import AppError
from gradio_app.schedule import cut

MEMORY = 2**33


def split_equality(folder: Path, files: list[Path], sizes: tuple[int, ...] = (16, 32, 64)) -> Iterator[str]:
    """A row for each document and shard size that cuts it: byte-equal, or the share of equal lines."""
    for number, path in enumerate(files):
        try:
            found = parsing.inspect(str(path), "", "auto", "auto", 10_000, MEMORY)
        except AppError as error:
            yield f"| split equality, {path.name} | {error.code} | |"
            continue
        whole = folder / f"whole-{number}"
        parsing.parse_document(str(path), str(whole), [], found["tier"], found["parse_mode"])
        for size in sizes:
            if len(found["pages"]) > size:
                joined = folder / f"joined-{number}-{size}"
                shards: list[dict[str, object]] = []
                for index, pages in enumerate(cut(found["pages"], size)):
                    part = folder / f"part-{number}-{size}-{index}"
                    parsing.parse_shard(str(path), str(part), pages, found["tier"], found["parse_mode"])
                    shards.append({"folder": str(part), "pages": pages})
                parsing.assemble(shards, str(joined), found["pages_total"])
                yield _compare(f"{path.name}, {len(found['pages'])} pages, parts of {size}", whole, joined)


def _compare(label: str, whole: Path, joined: Path) -> str:
    left, right = ((folder / "document.md").read_bytes() for folder in (whole, joined))
    if left == right:
        return f"| split equality, {label} | byte-equal | |"
    ratio = SequenceMatcher(None, left.splitlines(), right.splitlines(), autojunk=False).ratio()
    return f"| split equality, {label} | {ratio:.2%} of lines equal | |"
