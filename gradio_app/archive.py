"""A result folder as a zip that is streamed while it is made: no temporary file, little memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

CHUNK = 256 * 1024
#: pictures are compressed already
_STORED = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif"})
#: fixed, so that the same result gives the same bytes
_WHEN = (2020, 1, 1, 0, 0, 0)


class _Pipe(io.RawIOBase):
    """Collects what ``zipfile`` writes until it is taken."""

    def __init__(self) -> None:
        self._parts = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        self._parts += data
        return len(data)

    def take(self) -> bytes:
        data = bytes(self._parts)
        self._parts.clear()
        return data


def members(folder: Path) -> list[Path]:
    """The files of a result that belong in its archive, in a fixed order."""
    named = [folder / name for name in ("document.md", "middle.json", "content_list.json")]
    pictures = sorted((folder / "images").iterdir()) if (folder / "images").is_dir() else []
    return [path for path in (*named, *pictures) if path.is_file() and not path.is_symlink()]


def stream_zip(folder: Path) -> Iterator[bytes]:
    """The bytes of a zip with document.md, middle.json, content_list.json and images/."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in members(folder):
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _WHEN)
            info.compress_type = zipfile.ZIP_STORED if path.suffix in _STORED else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                while data := source.read(CHUNK):
                    target.write(data)
                    yield pipe.take()
    yield pipe.take()
