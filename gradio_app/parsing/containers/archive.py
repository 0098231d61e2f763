"""Zip archives: what is in them, unpacked by what comes out and never by what their headers say."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from mmap import ACCESS_READ, mmap
from pathlib import Path

from gradio_app.base.errors import (
    FileCorrupt,
    FileEmpty,
    FileEncrypted,
    FileTypeUnsupported,
    PasswordWrong,
    TooManyFiles,
)
from gradio_app.parsing.containers.parts import Parts, is_litter
from gradio_app.parsing.prepare.encodings import decode
from gradio_app.parsing.prepare.plain_text import written
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

#: entries of all kinds, also of documents inside that are zips themselves; each takes memory
MOST_ENTRIES = 200_000
_PIECE = 2**18
_ENTRY = b"PK\x01\x02"
#: how a zip begins, one with nothing in it too
_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
#: what files of Office, books and programs have in them
_FOREIGN = frozenset({"[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF"})
_ENCRYPTED, _STRONGLY, _UTF8 = 0x1, 0x40, 0x800
_AES = 99
#: what is raised for an entry that is damaged, or packed in a way that Python does not know
_BROKEN = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, NotImplementedError, ValueError, OSError)
_PROTECTED = (
    "The archive is encrypted in a way that cannot be opened here (AES). Unpack it, and send the documents."
)


def is_archive(path: Path) -> bool:
    """Whether a file is a zip of documents, and no file of Office or another program that is a zip too."""
    if not _is_zip(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return _FOREIGN.isdisjoint(archive.namelist())
    except zipfile.BadZipFile:
        return True  # a damaged one: its reader says so


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in _SIGNATURES


def unpack(source: Path, out: Path, wanted: Wanted, parts: Parts) -> Prepared:
    """Writes the documents and a page that lists what was in the archive."""
    if not parts.taken_apart:
        raise FileTypeUnsupported(
            "Archives are not unpacked here. Unpack it, and send its documents; or use the gradio mode."
        )
    try:
        with zipfile.ZipFile(source) as archive:
            _unpack_all(archive, wanted.password.encode(), parts)
    except zipfile.BadZipFile as error:
        raise FileCorrupt("The archive is damaged. Pack it again, and send that.") from error
    if not parts.rows:
        raise FileEmpty(
            "The archive holds no files. Check that it was packed completely, then send it again."
        )
    prepared = Prepared()
    parts.tell(prepared, "archive")
    if not parts.paths:
        raise FileTypeUnsupported(f"Nothing in the archive can be converted. {prepared.notes[0].message}")
    return written(f"<h1>Contents of the archive</h1>{parts.table()}", out, wanted, prepared)


def _unpack_all(archive: zipfile.ZipFile, password: bytes, parts: Parts) -> None:
    items = archive.infolist()
    for item, name in zip(items, _names(items), strict=True):
        if item.is_dir() or name.endswith("\\") or is_litter(name):
            continue
        if stat.S_ISLNK(item.external_attr >> 16):
            parts.leave(name, None, "it is a link to another file")
        elif why := parts.fate(name):
            parts.leave(name, item.file_size, why)
        else:
            _check_open(item, password)
            try:
                parts.add(name, _pieces(archive, item, password))
            except _BROKEN as error:
                if item.flag_bits & _ENCRYPTED:  # a wrong password passes the first check once in 256 times
                    raise PasswordWrong() from error
                parts.leave(name, None, "it is damaged, or packed in an unknown way")


def check_entries(source: Path) -> None:
    """Raises ``TooManyFiles`` before anybody makes a list of millions of entries, which fills the memory."""
    if not _is_zip(source):
        return
    with source.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        for number, _ in enumerate(re.finditer(re.escape(_ENTRY), data)):
            if number >= MOST_ENTRIES:
                raise TooManyFiles(
                    f"The archive has more than {MOST_ENTRIES:,} entries. Divide it, and send smaller ones."
                )


def _check_open(item: zipfile.ZipInfo, password: bytes) -> None:
    if not item.flag_bits & _ENCRYPTED:
        return
    if item.flag_bits & _STRONGLY or item.compress_type == _AES:
        raise FileEncrypted(_PROTECTED)
    if not password:
        raise FileEncrypted("The archive needs a password. Retry with it, or send the documents unpacked.")


def _pieces(archive: zipfile.ZipFile, item: zipfile.ZipInfo, password: bytes) -> Iterator[bytes]:
    try:
        with archive.open(item, pwd=password or None) as file:
            while piece := file.read(_PIECE):
                yield piece
    except RuntimeError as error:
        raise PasswordWrong() from error


def _names(items: list[zipfile.ZipInfo]) -> list[str]:
    """Names as they were meant: older programs do not say how their letters are written."""
    raw = [b"" if item.flag_bits & _UTF8 else item.filename.encode("cp437", "replace") for item in items]
    unclear = b"\n".join(name for name in raw if not name.isascii())
    encoding = decode(unclear).encoding if unclear else "ascii"
    return [
        item.filename if name.isascii() else name.decode(encoding, "replace")
        for item, name in zip(items, raw, strict=True)
    ]
