"""Mails of Outlook (``.msg``), as small as they can be: an OLE file with storages, and what is in it."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

Tree = Mapping[str, "bytes | Tree"]
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_CUTOFF = 4096


class _Sectors:
    """Sectors of one size, and the chains in which they are read."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.chain: list[int] = []
        self.data = b""

    def add(self, data: bytes) -> int:
        """The number of the first sector."""
        count, start = -(-len(data) // self._size), len(self.chain)
        self.chain += [*range(start + 1, start + count), _END]
        self.data += data.ljust(count * self._size, b"\0")
        return start


def compound(tree: Tree) -> bytes:
    """An OLE file of storages (mappings) and streams."""
    mini, large = _Sectors(64), _Sectors(512)
    entries: list[list[Any]] = [["Root Entry", 5, _FREE, _FREE, _END, 0]]

    def put(below: Tree) -> int:
        """Entries of what is in a storage, each the right neighbour of the one before; the first of them."""
        first = before = _FREE
        for name, what in below.items():
            number = len(entries)
            entries.append([name, 1, _FREE, _FREE, 0, 0])
            if isinstance(what, bytes):
                sectors = mini if len(what) < _CUTOFF else large
                start = sectors.add(what) if what else _END
                entries[number] = [name, 2, _FREE, _FREE, start, len(what)]
            else:
                entries[number][3] = put(what)
            if before == _FREE:
                first = number
            else:
                entries[before][2] = number
            before = number
        return first

    entries[0][3] = put(tree)
    if mini.data:
        entries[0][4:] = [large.add(mini.data), len(mini.data)]
    mini_fat = (
        large.add(struct.pack(f"<{len(mini.chain)}I", *mini.chain).ljust(512, b"\xff"))
        if mini.chain
        else _END
    )
    mini_count = -(-len(mini.chain) // 128)
    packed = b"".join(_entry(*entry) for entry in entries)
    folder = large.add(packed.ljust(-(-len(packed) // 512) * 512, b"\0"))
    tables = 1
    while tables * 128 < len(large.chain) + tables:
        tables += 1
    first = len(large.chain)
    chain = [*large.chain, *[_FAT] * tables]
    fat = struct.pack(f"<{len(chain)}I", *chain).ljust(tables * 512, b"\xff")
    where = [*range(first, first + tables), *[_FREE] * (109 - tables)]
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIII", 0, tables, folder, 0, _CUTOFF, mini_fat, mini_count, _END, 0)
    return head + struct.pack("<109I", *where) + large.data + fat


def _entry(name: str, kind: int, right: int, child: int, start: int, size: int) -> bytes:
    wide = name.encode("utf-16-le") + b"\0\0"
    links = struct.pack("<HBBIII", len(wide), kind, 1, _FREE, right, child)
    return wide.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", start, size)


def wide(number: int, text: str) -> dict[str, bytes]:
    """A property that is text."""
    return {f"__substg1.0_{number:04X}001F": text.encode("utf-16-le")}


def binary(number: int, data: bytes) -> dict[str, bytes]:
    """A property that is bytes."""
    return {f"__substg1.0_{number:04X}0102": data}


def message(
    subject: str,
    texts: Mapping[str, bytes],
    attachments: Sequence[Tree] = (),
    inner: bool = False,
    sent: int = 0,
) -> Tree:
    """What is in a message; ``texts`` are more of its properties, ``sent`` counts 100 ns since 1601."""
    moment = struct.pack("<IIq", 0x00390040, 6, sent) if sent else b""
    tree: dict[str, bytes | Tree] = {"__properties_version1.0": bytes(24 if inner else 32) + moment}
    tree |= wide(0x37, subject) | dict(texts)
    tree |= {f"__attach_version1.0_#{number:08X}": each for number, each in enumerate(attachments)}
    return tree


def attachment(name: str, data: bytes, kind: str = "", cid: str = "") -> Tree:
    """A file in a message."""
    return wide(0x3707, name) | binary(0x3701, data) | wide(0x370E, kind) | wide(0x3712, cid)


def enclosed(name: str, mail: Tree) -> Tree:
    """A message in a message."""
    return {**wide(0x3001, name), "__substg1.0_3701000D": mail}
