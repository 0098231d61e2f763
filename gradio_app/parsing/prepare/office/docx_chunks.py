"""DOCX: whole documents inside (``altChunk``: HTML, text, Word) become paragraphs and tables there."""

from __future__ import annotations

import email
import email.policy
import io
import zipfile
from collections.abc import Iterator
from copy import deepcopy

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

from gradio_app.parsing.prepare.office.package import MOST_BYTES, Package
from gradio_app.parsing.prepare.office.word_xml import R, W, new, paragraph, replace, run
from gradio_app.parsing.prepare.office.xml import Element, parsed

#: elements of HTML that are paragraphs of their own
_BLOCKS = frozenset(
    {
        *("p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ul", "ol", "blockquote", "pre", "section"),
        *("article", "header", "footer", "main", "body", "html", "dl", "dt", "dd", "br", "hr", "form"),
    }
)
_UNSEEN = frozenset(("script", "style", "head", "title", "template", "noscript"))
_MOST_DEPTH = 200


def chunks(package: Package, part: str) -> tuple[int, int]:
    """Puts the text of inner documents in their places; how many there were, and how many were not read."""
    found = missed = 0
    relations = package.relations(part)
    for chunk in list(package.tree(part).iter(W + "altChunk")):
        relation = relations.get(chunk.get(R + "id", ""))
        blocks = list[Element]()
        if relation is not None and not relation.external and relation.target in package.names:
            blocks = list(_blocks(package.data(relation.target)))
        if blocks:
            replace(chunk, *blocks)
        found, missed = found + 1, missed + (not blocks)
    return found, missed


def _blocks(data: bytes) -> Iterator[Element]:
    start = data[:2000].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if data.startswith(b"PK"):
        yield from _of_word(data)
    elif start.startswith(b"{\\rtf"):
        return
    elif b"mime-version:" in start or b"content-type: multipart" in start:
        message = email.message_from_bytes(data, policy=email.policy.default)
        body = message.get_body(("html", "plain"))
        if body is not None:
            yield from _of_html(str(body.get_content()))
    elif b"<" in start and (b"<html" in data[:10_000].lower() or b"</" in data):
        yield from _of_html(BeautifulSoup(data, "html.parser"))
    else:
        for line in data.decode("utf-8", "replace").splitlines():
            if line.strip():
                yield paragraph(run(line.strip()))


def _of_word(data: bytes) -> Iterator[Element]:
    """The text of an inner Word document, without what it points to."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if archive.getinfo("word/document.xml").file_size > MOST_BYTES:
            return
        body = parsed(archive.read("word/document.xml")).find(W + "body")
    for block in body:
        if block.tag not in (W + "p", W + "tbl"):
            continue
        block = deepcopy(block)
        for drawn in list(block.iter(W + "drawing", W + "pict", W + "object", W + "numPr", W + "sectPr")):
            drawn.getparent().remove(drawn)
        for link in list(block.iter(W + "hyperlink")):
            replace(link, *list(link))
        yield block


def _of_html(source: str | BeautifulSoup) -> Iterator[Element]:
    soup = BeautifulSoup(source, "html.parser") if isinstance(source, str) else source
    words = list[str]()
    yield from _walked(soup, words, 0)
    yield from _flushed(words)


def _walked(node: Tag, words: list[str], depth: int) -> Iterator[Element]:
    """Blocks below a node; text that is not yet in one stays in ``words``."""
    for child in node.children:
        if isinstance(child, NavigableString):
            if type(child) is NavigableString:
                words.append(str(child))
            continue
        if not isinstance(child, Tag) or child.name in _UNSEEN or depth > _MOST_DEPTH:
            continue
        if child.name == "table":
            yield from _flushed(words)
            yield _table(child)
            yield paragraph()
        elif child.name in _BLOCKS:
            yield from _flushed(words)
            yield from _walked(child, words, depth + 1)
            yield from _flushed(words)
        else:
            yield from _walked(child, words, depth + 1)


def _flushed(words: list[str]) -> Iterator[Element]:
    text = " ".join("".join(words).split())
    words.clear()
    if text:
        yield paragraph(run(text))


def _table(table: Tag) -> Element:
    made = new("tbl")
    for row in table.find_all("tr"):
        line = new("tr")
        for cell in row.find_all(("td", "th"), recursive=False):
            box = new("tc")
            box.append(paragraph(run(" ".join(cell.get_text(" ").split()))))
            line.append(box)
        if len(line):
            made.append(line)
    return made
