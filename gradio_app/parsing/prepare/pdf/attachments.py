"""Attachments of a PDF: they are named; those of a portfolio become tasks (``parsing.containers``)."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pikepdf
from pikepdf import Name

from gradio_app.parsing.prepare.pdf.fields import text_of
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

#: attachments that are counted, and nodes of the tree of their names
_MOST, _MOST_NODES = 10_000, 20_000


def tell(document: pikepdf.Pdf, wanted: Wanted, said: Prepared) -> bool:
    """Names the attached files in a note. The document stays as it is."""
    names = list(dict.fromkeys(islice((name for name, _ in embedded(document)), _MOST)))
    if names:
        count = len(names)
        what = "1 file is" if count == 1 else f"{count} files are"
        told = ", ".join(names)
        said.note(
            "attachments_not_converted",
            f"{what} attached to the PDF and not in the result. Save and send what you need: {told}",
        )
    return False


def embedded(document: pikepdf.Pdf) -> Iterator[tuple[str, pikepdf.Stream | None]]:
    """Name and content of each attached file, at most so many; the tree of their names may be circular."""
    tree = document.Root.get("/Names")
    if isinstance(tree, pikepdf.Dictionary):
        yield from islice(_leaves(tree.get("/EmbeddedFiles")), _MOST)
    for page in document.pages:
        found = page.obj.get("/Annots")
        for one in found if isinstance(found, pikepdf.Array) else ():
            if isinstance(one, pikepdf.Dictionary) and one.get("/Subtype") == Name.FileAttachment:
                yield _file(one.get("/FS"), "")


def _leaves(root: Any) -> Iterator[tuple[str, pikepdf.Stream | None]]:
    nodes, seen = [root], set[tuple[int, int]]()
    while nodes and len(seen) < _MOST_NODES:
        node = nodes.pop()
        if not isinstance(node, pikepdf.Dictionary) or (node.is_indirect and node.objgen in seen):
            continue
        seen.add(node.objgen if node.is_indirect else (0, len(seen)))
        kids, leaves = node.get("/Kids"), node.get("/Names")
        if isinstance(kids, pikepdf.Array):
            nodes += list(kids)[:_MOST_NODES]
        if isinstance(leaves, pikepdf.Array):
            pairs = list(leaves)[: 2 * _MOST]
            for key, value in zip(pairs[::2], pairs[1::2], strict=False):
                yield _file(value, text_of(key))


def _file(specification: Any, otherwise: str) -> tuple[str, pikepdf.Stream | None]:
    name, stream = otherwise[:200], None
    if isinstance(specification, pikepdf.Dictionary):
        names = (text_of(specification.get(key)) for key in ("/UF", "/F"))
        name = next(filter(None, names), otherwise)[:200]
        files = specification.get("/EF")
        if isinstance(files, pikepdf.Dictionary):
            found = (files.get(key) for key in ("/UF", "/F"))
            stream = next((each for each in found if isinstance(each, pikepdf.Stream)), None)
    return name or "a file without a name", stream
