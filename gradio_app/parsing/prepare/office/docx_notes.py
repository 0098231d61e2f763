"""DOCX: footnotes, endnotes and comments, at the end of the text, with numbers where they belong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy

from gradio_app.parsing.prepare.office.number_formats import numeral
from gradio_app.parsing.prepare.office.package import Package
from gradio_app.parsing.prepare.office.word_xml import (
    R,
    W,
    insert_first,
    is_deleted,
    paragraph,
    run,
    superscript,
    text_of,
    value,
)
from gradio_app.parsing.prepare.office.xml import Element

#: characters of the words that a comment is on
_MOST_WORDS = 120
#: blocks that a note may hold
_BLOCKS = (W + "p", W + "tbl", W + "sdt")


def notes(package: Package, main: str, kind: str) -> bool:
    """Writes footnotes or endnotes (``kind``) behind the text that refers to them; whether there are any."""
    part = package.target(main, f"{kind}s")
    if part not in package.names:
        return False
    root = package.tree(main)
    found = {note.get(W + "id"): note for note in package.tree(part).findall(W + kind)}
    form = _number_format(package, main, kind)
    number, start = 0, _start_of(package, main, kind)
    blocks = list[Element]()
    for reference in list(root.iter(f"{W}{kind}Reference")):
        note = found.get(reference.get(W + "id"))
        if note is None or is_deleted(reference):
            continue
        label = ""
        if reference.get(W + "customMarkFollows", "0") not in ("1", "true", "on"):
            label = numeral(start + number, form)
            number += 1
        holder = reference.getparent()
        if holder.tag == W + "r" and label:
            holder.addnext(superscript(f"[{label}]"))
        holder.remove(reference)
        blocks += _moved(package, part, main, note, [run(f"[{label}] ")] if label else [])
    _append(root, blocks)
    return bool(blocks)


def comments(package: Package, main: str) -> int:
    """Writes the comments behind the text, each with its author and the words that it is on; their number."""
    part = package.target(main, "comments")
    if part not in package.names:
        return 0
    root = package.tree(main)
    on = _commented(root)
    blocks = list[Element]()
    count = 0
    for comment in package.tree(part).findall(W + "comment"):
        id_ = comment.get(W + "id")
        if id_ not in on or not text_of(comment):
            continue
        author, words = comment.get(W + "author", "").strip(), on[id_]
        label = f"Comment by {author}" if author else "Comment"
        head = f"{label} on “{words}”: " if words else f"{label}: "
        blocks += _moved(package, part, main, comment, [run(head)])
        count += 1
    _append(root, blocks)
    return count


def count_comments(package: Package, main: str) -> int:
    """How many comments the text has."""
    part = package.target(main, "comments")
    if part not in package.names:
        return 0
    on = {reference.get(W + "id") for reference in package.tree(main).iter(W + "commentReference")}
    return sum(comment.get(W + "id") in on for comment in package.tree(part).findall(W + "comment"))


def _commented(root: Element) -> Mapping[str, str]:
    """The words that each comment is on, by its id. One walk through the document."""
    words: dict[str, list[str]] = {}
    open_: dict[str, int] = {}
    for node in root.iter(*(W + tag for tag in _WATCHED)):
        id_ = node.get(W + "id", "")
        if node.tag == W + "commentRangeStart":
            open_[id_] = 0
            words.setdefault(id_, [])
        elif node.tag == W + "commentRangeEnd":
            open_.pop(id_, None)
        elif node.tag == W + "commentReference":
            words.setdefault(id_, [])
        else:
            text = node.text or "" if node.tag == W + "t" else " "
            for each in [one for one, length in open_.items() if length <= _MOST_WORDS]:
                words[each].append(text)
                open_[each] += len(text)
    return {id_: _cut(" ".join("".join(texts).split())) for id_, texts in words.items()}


_WATCHED = ("commentRangeStart", "commentRangeEnd", "commentReference", "t", "tab", "br", "p")


def _cut(words: str) -> str:
    return words if len(words) <= _MOST_WORDS else words[:_MOST_WORDS].rpartition(" ")[0] + " …"


def _moved(package: Package, part: str, main: str, note: Element, head: list[Element]) -> list[Element]:
    """The blocks of a note for the main text, with ``head`` in front of the first."""
    blocks = [deepcopy(block) for block in note if block.tag in _BLOCKS]
    ids: dict[str, str] = {}
    relations = package.relations(part)
    for block in blocks:
        for mark in list(block.iter(W + "footnoteRef", W + "endnoteRef", W + "annotationRef")):
            mark.getparent().remove(mark)
        for element in block.iter():
            for name in (R + "id", R + "embed", R + "link"):
                old = element.get(name)
                if old in relations:
                    if old not in ids:
                        ids[old] = package.relate(main, relations[old])
                    element.set(name, ids[old])
        for properties in list(block.iter(W + "pPr")):
            properties.getparent().remove(properties)  # styles of notes would make of them what they are not
    if not blocks or blocks[0].tag != W + "p":
        blocks.insert(0, paragraph())
    _without_first_blank(blocks[0])
    insert_first(blocks[0], *head)
    return blocks


def _without_first_blank(block: Element) -> None:
    """A note begins with blanks behind its number."""
    for node in list(block.iter(W + "t", W + "tab")):
        if node.tag == W + "tab":
            node.getparent().remove(node)
            continue
        node.text = (node.text or "").lstrip()
        if node.text:
            return


def _append(root: Element, blocks: Iterable[Element]) -> None:
    """Puts blocks behind the last one of the text."""
    body = root.find(W + "body")
    last = body.find(W + "sectPr")
    for block in blocks:
        if last is None:
            body.append(block)
        else:
            last.addprevious(block)


def _properties(package: Package, main: str, kind: str) -> list[Element]:
    """What says how notes are numbered: of the document's last section, then of the whole document."""
    body = package.tree(main).find(W + "body")
    section = body.find(W + "sectPr")
    found = [] if section is None else [section.find(f"{W}{kind}Pr")]
    settings = package.target(main, "settings")
    if settings in package.names:
        found.append(package.tree(settings).find(f"{W}{kind}Pr"))
    return [one for one in found if one is not None]


def _number_format(package: Package, main: str, kind: str) -> str:
    forms = [value(one, "numFmt") for one in _properties(package, main, kind)]
    return next(filter(None, forms), "decimal" if kind == "footnote" else "lowerRoman")


def _start_of(package: Package, main: str, kind: str) -> int:
    starts = [value(one, "numStart") for one in _properties(package, main, kind)]
    return next((int(start) for start in starts if start.isdecimal()), 1)
