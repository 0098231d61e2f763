"""A zip of XML parts, as OOXML and ODF files are: read, edited part by part, and written again."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from gradio_app.parsing.prepare.office.xml import Element, child, parsed, serialized

#: the largest part that is read; MinerU would need a multiple of it
MOST_BYTES = 256 * 2**20
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


class TooLarge(ValueError):
    """A part that is too large to be edited."""


@dataclass(frozen=True, slots=True)
class Relation:
    """Where a part points to. ``type`` is the last word of its type; ``target`` a part, or an address."""

    id: str
    type: str
    target: str
    external: bool


class Package:
    """An open file. Parts are parsed when they are asked for; ``write`` copies all others as they are."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path)
        self.names = frozenset(self._zip.namelist())
        self._trees: dict[str, Element] = {}
        self._changed: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def data(self, name: str) -> bytes:
        """The bytes of a part as they came; empty for one that is not there."""
        if name not in self.names:
            return b""
        if self._zip.getinfo(name).file_size > MOST_BYTES:
            raise TooLarge(name)
        with self._zip.open(name) as part:
            data = part.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise TooLarge(name)
        return data

    def stream(self, name: str) -> IO[bytes]:
        """A part as a file to read from the beginning to the end."""
        return self._zip.open(name)

    def size(self, name: str) -> int:
        """Bytes of a part as the zip says."""
        return self._zip.getinfo(name).file_size

    def tree(self, name: str) -> Element:
        """The root of a part, one object each; edit it and call ``changed``."""
        if name not in self._trees:
            self._trees[name] = parsed(self.data(name))
        return self._trees[name]

    def changed(self, name: str) -> None:
        """Says that a part's tree was edited."""
        self._changed.add(name)

    @property
    def is_changed(self) -> bool:
        """Whether any part was edited."""
        return bool(self._changed)

    @contextmanager
    def attempt(self) -> Generator[None]:
        """Edits inside are taken back when they raise."""
        trees = {name: deepcopy(tree) for name, tree in self._trees.items()}
        changed = set(self._changed)
        try:
            yield
        except Exception:
            self._trees, self._changed = trees, changed
            raise

    def relations(self, name: str) -> Mapping[str, Relation]:
        """The relations of a part by id; those of the whole package for an empty name."""
        rels = _relations_of(name)
        if rels not in self.names:
            return {}
        found = [
            _relation(name, element) for element in self.tree(rels).iter(f"{{{_RELATIONS}}}Relationship")
        ]
        return {relation.id: relation for relation in found}

    def relate(self, name: str, relation: Relation) -> str:
        """The id of a new relation of a part that has some already, like ``relation`` of another part."""
        rels = _relations_of(name)
        root = self.tree(rels)
        taken = self.relations(name)
        new = next(f"prepared{n}" for n in range(len(taken) + 1) if f"prepared{n}" not in taken)
        element = child(root, f"{{{_RELATIONS}}}Relationship")
        element.set("Id", new)
        element.set("Type", _OFFICE + relation.type)
        element.set("Target", relation.target if relation.external else f"/{relation.target}")
        if relation.external:
            element.set("TargetMode", "External")
        self.changed(rels)
        return new

    def target(self, name: str, kind: str) -> str:
        """The first part that ``name`` points to with a relation of this type; empty without."""
        return next(
            (one.target for one in self.relations(name).values() if one.type == kind and not one.external), ""
        )

    def write(self, out: Path) -> list[str]:
        """Writes the whole file with the edited parts; the names of those left out, as they are damaged."""
        lost = list[str]()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for item in self._zip.infolist():
                name = item.filename
                if name in self._changed:
                    archive.writestr(_copy(item), serialized(self._trees[name]))
                    continue
                try:
                    archive.writestr(_copy(item), self.data(name))
                except (zipfile.BadZipFile, zlib.error, TooLarge, NotImplementedError):
                    if name.endswith((".xml", ".rels")):
                        raise
                    lost.append(name)
        return lost


def _copy(item: zipfile.ZipInfo) -> zipfile.ZipInfo:
    new = zipfile.ZipInfo(item.filename, item.date_time)
    new.compress_type = zipfile.ZIP_DEFLATED if item.compress_type else zipfile.ZIP_STORED
    return new


def _relations_of(name: str) -> str:
    folder, base = posixpath.split(name)
    return posixpath.join(folder, "_rels", f"{base}.rels")


def _relation(name: str, element: Element) -> Relation:
    external = element.get("TargetMode") == "External"
    target = str(element.get("Target", ""))
    if not external:
        target = posixpath.normpath(posixpath.join("/", posixpath.dirname(name), target)).lstrip("/")
    return Relation(element.get("Id", ""), str(element.get("Type", "")).rpartition("/")[2], target, external)
