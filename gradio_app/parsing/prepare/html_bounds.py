"""Bounds of a page's tags, kept before anybody builds a tree of it: depth, and attributes of one tag.

Parsers need a time that grows with the square of a tag's attributes, and drop what is nested too deeply.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: attributes of one tag
MOST_ATTRIBUTES = 200
#: open tags that a page closes itself; libxml2 takes 2048 elements, of which a table alone opens four
MOST_OPEN = 400
#: a tag this short cannot have too many attributes
_SHORT = 2 * MOST_ATTRIBUTES
_NAME = re.compile(r"</?([a-zA-Z][^\s/>]{0,40})")
_STOP = re.compile(r"[>\"']")
_ATTRIBUTE = re.compile(r"""(?<![\s/])[\s/]++[^\s/>=]++(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]*))?""")
#: tags without an end, and those whose end may be left out
_ENDLESS = (
    "area base br col embed hr img input link meta param source track wbr "
    "html head body p li dt dd tr td th tbody thead tfoot colgroup option optgroup rt rp caption"
)
_UNCOUNTED = frozenset(_ENDLESS.split())
#: text up to the end of the tag is no markup
_RAW = frozenset(("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"))


def bounded(page: str) -> tuple[str, bool]:
    """The page with tags of too many attributes cut, and tags that are too deep left out; text stays.

    The second value: whether attributes were cut.
    """
    pieces: list[str] = []
    done, cut, depth, left_out = 0, False, 0, 0
    for start, end, name, closing in _tags(page):
        if not closing and end - start > _SHORT:
            shorter = _cut(page[start:end])
            if shorter is not None:
                pieces += page[done:start], shorter
                done, cut = end, True
        if name in _UNCOUNTED or page.startswith("/>", end - 2):
            continue
        if closing:
            if left_out:
                pieces += page[done:start], " "
                done, left_out = end, left_out - 1
            elif depth:
                depth -= 1
        elif depth >= MOST_OPEN:
            pieces += page[done:start], " "
            done, left_out = end, left_out + 1
        else:
            depth += 1
    if not pieces:
        return page, False
    return "".join([*pieces, page[done:]]), cut


def _tags(page: str) -> Iterator[tuple[int, int, str, bool]]:
    """Where each tag begins and ends, its name, and whether it closes. Takes a time that is linear."""
    place, length = 0, len(page)
    while (start := page.find("<", place)) >= 0:
        if page.startswith("<!--", start):
            end = page.find("-->", start + 4)
            place = end + 3 if end >= 0 else length
            continue
        found = _NAME.match(page, start)
        if found is None:
            place = start + 1
            continue
        name, closing = found[1].lower(), page[start + 1] == "/"
        place = _end(page, found.end())
        yield start, place, name, closing
        if name in _RAW and not closing:
            ending = re.compile(f"</{re.escape(name)}", re.I).search(page, place)
            place = ending.start() if ending else length


def _end(page: str, place: int) -> int:
    """Behind the ``>`` of a tag; a quotation mark counts behind a sign of equality only."""
    while (found := _STOP.search(page, place)) is not None:
        place = found.end()
        if found[0] == ">":
            return place
        if page[max(0, found.start() - 3) : found.start()].rstrip().endswith("="):
            close = page.find(found[0], place)
            if close < 0:
                break
            place = close + 1
    return len(page)


def _cut(tag: str) -> str | None:
    """The tag with its first attributes; None where it has no more."""
    place = _NAME.match(tag)
    assert place is not None
    begin = count = place.end()
    for number, found in enumerate(_ATTRIBUTE.finditer(tag, begin)):
        if number == MOST_ATTRIBUTES:
            return tag[:count] + ">"
        count = found.end()
    return None
