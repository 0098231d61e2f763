"""Documents in the binary formats of Office 97: the least that is still read as one."""

from __future__ import annotations

import struct
from collections.abc import Mapping


def compound(streams: Mapping[str, bytes]) -> bytes:
    """An OLE2 file with up to three streams; each is filled up to the size that needs no mini stream."""
    free, end, fat_mark = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    chain, body, entries = [fat_mark, end], b"", [_entry("Root Entry", 5, 1, end, 0)]
    for number, (name, data) in enumerate(streams.items(), 1):
        data = data.ljust(4096, b"\0")
        sectors, start = -(-len(data) // 512), len(chain)
        chain += [*range(start + 1, start + sectors), end]
        body += data.ljust(sectors * 512, b"\0")
        following = number + 1 if number < len(streams) else free
        entries.append(_entry(name, 2, free, start, len(data), following))
    entries += [bytes(128)] * (4 - len(entries))
    fat = struct.pack("<128I", *chain, *[free] * (128 - len(chain)))
    header = struct.pack(
        "<8s16x5H6x9I109I",
        bytes.fromhex("d0cf11e0a1b11ae1"), 0x3E, 3, 0xFFFE, 9, 6,
        0, 1, 1, 0, 4096, end, 0, end, 0, 0, *[free] * 108,
    )  # fmt: skip
    return header + fat + b"".join(entries) + body


def _entry(name: str, kind: int, child: int, start: int, size: int, right: int = 0xFFFFFFFF) -> bytes:
    wide = name.encode("utf-16-le") + b"\0\0"
    links = struct.pack("<III", 0xFFFFFFFF, right, child)
    return (
        wide.ljust(64, b"\0")
        + struct.pack("<HBB", len(wide), kind, 1)
        + links
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )


def doc(text: str = "A heading\rSome plain words in an old file.\r") -> bytes:
    """Word 97: the fixed header, one piece of text, and the table that says where it is."""
    data = text.encode("cp1252")
    base = struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0x409, 0, 0).ljust(24, b"\0")
    base += struct.pack("<II", 0x600, 0x600 + len(data))
    counts = struct.pack("<22I", *(len(data) if index == 3 else 0 for index in range(22)))
    piece = struct.pack("<II", 0, len(data)) + struct.pack("<HIH", 0, 0x40000000 | 0x600 * 2, 0)
    table = b"\x02" + struct.pack("<I", len(piece)) + piece
    places = [(0, len(table)) if index == 33 else (0, 0) for index in range(93)]
    header = base + struct.pack("<H", 14) + bytes(28) + struct.pack("<H", 22) + counts + struct.pack("<H", 93)
    header += b"".join(struct.pack("<II", *place) for place in places) + struct.pack("<H", 0)
    return compound({"WordDocument": header.ljust(0x600, b"\0") + data, "0Table": table})


def xls() -> bytes:
    """Excel 97: one sheet with words and numbers."""

    def record(kind: int, payload: bytes) -> bytes:
        return struct.pack("<HH", kind, len(payload)) + payload

    def globals_of(offset: int) -> bytes:
        sheet = struct.pack("<IBB", offset, 0, 0) + b"\x05\0First"
        begin = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
        return begin + record(0x42, b"\xe4\x04") + record(0x85, sheet) + record(0x0A, b"")

    cells = b"".join(
        record(0x204, struct.pack("<HHHHB", row, 0, 0, 4, 0) + b"cell")
        + record(0x203, struct.pack("<HHHd", row, 1, 0, row * 2.5))
        for row in range(4)
    )
    sheet = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0)) + cells + record(0x0A, b"")
    return compound({"Workbook": globals_of(len(globals_of(0))) + sheet})


def ppt() -> bytes:
    """PowerPoint 97: a document record and a slide with one text box."""

    def record(kind: int, payload: bytes, version: int = 0, instance: int = 0) -> bytes:
        return struct.pack("<HHI", instance << 4 | version, kind, len(payload)) + payload

    def container(kind: int, *children: bytes, instance: int = 0) -> bytes:
        return record(kind, b"".join(children), 15, instance)

    text = container(
        0xF00D, record(3999, struct.pack("<I", 4)), record(4000, "Old slide".encode("utf-16-le"))
    )
    shape = container(
        0xF004,
        record(0xF00A, struct.pack("<II", 1025, 0xA00), 2, 202),
        record(0xF010, struct.pack("<hhhh", 500, 500, 4000, 1000)),
        text,
    )
    drawing = container(1036, container(0xF002, container(0xF003, shape)))
    atom = record(1007, struct.pack("<I8sIIHH", 0, bytes(8), 0, 0, 0, 0), 2)
    slide = container(1006, atom, drawing)
    listed = container(4080, record(1011, struct.pack("<IIIII", 2, 0, 0, 256, 0)))
    size = record(1001, struct.pack("<iiiiiiIIHBBBB", 5760, 4320, 4320, 5760, 1, 1, 0, 0, 1, 0, 0, 0, 0), 1)
    document = container(1000, size, listed)
    persist = record(6002, struct.pack("<III", 2 << 20 | 1, 0, len(document)))
    where = len(document) + len(slide)
    edit = record(4085, struct.pack("<IHBBIIIIHH", 256, 0, 0, 3, 0, where, 1, 2, 1, 0))
    user = struct.pack("<IIIHHBBH", 20, 0xE391C05F, where + len(persist), 4, 0x3F4, 3, 0, 0)
    return compound(
        {
            "PowerPoint Document": document + slide + persist + edit,
            "Current User": record(4086, user + b"user"),
        }
    )
