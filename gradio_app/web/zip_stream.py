"""Zip stream: results packed while they are sent, without a temporary file and with little memory."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath

from gradio_app.base.errors import NotFound
from gradio_app.base.files import is_result_name, names_beneath, open_beneath, open_folder
from gradio_app.base.names import unique
from gradio_app.base.notes import NOTES_FILE

CHUNK = 256 * 1024
#: pictures are compressed already
_STORED = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif"})
#: what a zip can say of years
_FIRST, _LAST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)
_NAMES = ("document.md", "middle.json", "content_list.json", NOTES_FILE)
_OURS = {*_NAMES, "images"}
#: what Windows does not take in names, and the names that it keeps for itself
_FORBIDDEN = frozenset('<>:"/\\|?*')
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{name}{n}" for name in ("COM", "LPT") for n in range(1, 10))}


class _Pipe(bytearray):
    """Collects the bytes that ``zipfile`` writes until they are taken."""

    def write(self, data: bytes) -> int:
        self.extend(data)
        return len(data)

    def flush(self) -> None:
        """``zipfile`` asks for it and for ``close``; both have nothing to do."""

    close = flush

    def take(self) -> bytes:
        data = bytes(self)
        self.clear()
        return data


def members(folder: Path) -> list[Path]:
    """The files of a result that belong in its archive, in a fixed order."""
    return [folder / name for name in _names(folder)]


def _names(folder: Path | int) -> list[str]:
    there = names_beneath(folder, ".")
    return [name for name in _NAMES if name in there] + pictures_of(folder)


def pictures_of(folder: Path | int) -> list[str]:
    """Paths of the pictures of a result, below its folder."""
    return [f"images/{name}" for name in names_beneath(folder, "images") if is_result_name(name)]


def stream_zip(folder: Path) -> Iterator[bytes]:
    """The bytes of a zip with document.md, the JSON files (notes.json only with notes) and images/."""
    return stream_zips([("", folder)])


def stream_zips(results: Iterable[tuple[str, Path]]) -> Iterator[bytes]:
    """The bytes of a zip with many results, each at its path there.

    Raises ``NotFound`` when a result is deleted or replaced meanwhile: the zip is never whole without it.
    """
    yield from stream_entries(
        entry for above, folder in results for entry in entries_of(folder, partial(_beneath, above))
    )


def stream_document(folder: Path, file: str, name: str) -> Iterator[bytes]:
    """The bytes of a zip with one ``file`` of a result, called ``name`` there, and the pictures beside it."""

    def choose(names: Sequence[str]) -> list[tuple[str, str]]:
        return [(name, file), *((each, each) for each in names if each.startswith("images/"))]

    return stream_entries(entries_of(folder, choose))


def _beneath(above: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from ((str(PurePosixPath(above) / name), name) for name in names)


def entries_of(
    folder: Path, choose: Callable[[Sequence[str]], Iterable[tuple[str, str]]]
) -> Iterator[tuple[str, int]]:
    """Files of one result for ``stream_entries``: ``choose`` gets its names and says which go where.

    Raises ``NotFound`` at the end when the result was deleted or replaced meanwhile.
    """
    held = open_folder(folder)
    try:
        for place, name in choose(_names(held)):
            yield place, open_beneath(held, name)
        if not _is_still(folder, held):
            raise NotFound()
    finally:
        os.close(held)


def stream_entries(entries: Iterable[tuple[str, int | bytes]]) -> Iterator[bytes]:
    """The bytes of a zip: each place in it with an open file, which is closed, or with what it holds."""
    pipe = _Pipe()
    archive = zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
    for place, content in entries:
        yield from _add(archive, pipe, PurePosixPath(place), content)
    archive.close()
    yield pipe.take()


def _is_still(folder: Path, held: int) -> bool:
    try:
        return os.path.samestat(os.lstat(folder), os.fstat(held))
    except FileNotFoundError:
        return False


def _add(archive: zipfile.ZipFile, pipe: _Pipe, path: PurePosixPath, content: int | bytes) -> Iterator[bytes]:
    with BytesIO(content) if isinstance(content, bytes) else open(content, "rb") as source:
        # what is no file was made for this zip
        made = time.time() if isinstance(content, bytes) else os.fstat(content).st_mtime
        info = zipfile.ZipInfo(path.as_posix(), min(max(time.localtime(made)[:6], _FIRST), _LAST))
        info.compress_type = zipfile.ZIP_STORED if path.suffix in _STORED else zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        with archive.open(info, "w", force_zip64=True) as target:
            while data := source.read(CHUNK):
                target.write(data)
                yield pipe.take()


def paths_of(documents: Iterable[tuple[str, str]]) -> list[str]:
    """For each folder and name the place of its result in an archive: safe everywhere, no two the same."""
    taken: set[str] = set()
    found: list[str] = []
    for folder, name in documents:
        stem = _safe(PurePosixPath(name).stem) or "document"
        above = [safe for part in folder.split("/") if (safe := _safe(part))]
        # not where a document of the name of this folder has its files
        path = "/".join([*above, f"_{stem}" if above and stem.casefold() in _OURS else stem])
        found.append(unique(path, taken))
    return found


def _safe(part: str) -> str:
    """A name that Windows takes, too; "" for one that leads nowhere or elsewhere."""
    clean = "".join("_" if char in _FORBIDDEN or not char.isprintable() else char for char in part)
    clean = clean.strip(". ")
    return f"_{clean}" if clean.partition(".")[0].upper() in _DEVICES else clean
