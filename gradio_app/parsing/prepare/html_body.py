"""The body of a page, so that MinerU reads all of it: it keeps the main article only, drops forms, and
joins the lines of a table's cell.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUnknownParameterType=false

from __future__ import annotations

import re
from typing import Any, cast

#: what MinerU takes for an article -> a block that it does not
_CANDIDATES = frozenset({"div", "section", "main", "article"})
_NEUTRAL = "aside"
#: blocks that MinerU takes for words within a line
_BLOCKS = frozenset({"center", "fieldset", "legend", "search", "hgroup", "form", "dialog"})
_RENAMED = {"menu": "ul", "dir": "ul", "xmp": "pre", "listing": "pre"}
#: deepest element; MinerU takes 256
_DEEPEST = 200
_NO_TEXT = ("script", "style", "template")
_LEAVES = ("img", "br", "input")
_LINES = (
    "p div section article main aside header footer nav center h1 h2 h3 h4 h5 h6 ul ol li dl dt dd pre "
    "blockquote address figure figcaption fieldset legend"
)
_IN_CELLS = frozenset(_LINES.split())
_MEDIA = re.compile(r"@media\b([^{}]{0,300})\{")
_HIDES = re.compile(r"\bdisplay\s*:\s*none\b", re.I)
_BRACE = re.compile("[{}]")
_BY_ID = re.compile(r"[\w-]*#([\w-]+)")
_SILENT = ("hidden", "password", "file", "image")
_TICKED = ("checkbox", "radio")


def whole(root: Any) -> bool:
    """Changes a tree (lxml's, of a page) so that all that a person sees of it is read; whether it did."""
    changed = _drop_hidden(root)
    changed = _show_forms(root) or changed
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        for name, value in (("role", "main"), ("itemprop", "articlebody")):
            if value in (element.get(name) or "").lower():
                del element.attrib[name]
                changed = True
        if element.tag in _CANDIDATES or element.tag in _BLOCKS:
            element.tag, changed = _NEUTRAL, True
        elif element.tag in _RENAMED:
            element.tag, changed = _RENAMED[element.tag], True
    return changed


def flat(root: Any) -> bool:
    """Of elements that are too deep the text and the pictures stay, in the last one that is not."""
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

    bottoms: list[Any] = []
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if event == "start" and depth == _DEEPEST and len(element):
            bottoms.append(element)
    for bottom in bottoms:
        _level(bottom)
    return bool(bottoms)


def _level(bottom: Any) -> None:
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

    made = etree.Element(bottom.tag)
    texts: list[str] = []

    def written() -> None:
        text = " ".join(texts)
        texts.clear()
        if len(made):
            made[-1].tail = text
        else:
            made.text = text

    walk = etree.iterwalk(bottom, events=("start", "end"))
    for event, element in walk:
        if event == "end":
            texts.append((element is not bottom and element.tail) or "")
        elif element.tag in _NO_TEXT:
            walk.skip_subtree()
        else:
            if element.tag in _LEAVES:
                written()
                etree.SubElement(made, element.tag, dict(element.attrib))
            texts.append(element.text or "")
    written()
    bottom[:] = made[:]
    bottom.text = made.text


# ------------------------------------------------------------ what nobody sees


def _drop_hidden(root: Any) -> bool:
    """Drops what the page's own styles hide from a reader at a screen, by tag, class or id.

    MinerU does it by tag and class, and takes rules for print and telephones for rules of the screen.
    """
    from docvortex.content.markup import MarkupStylesheet, TextStyle

    sheet, ids, changed = MarkupStylesheet(), set[str](), False
    for style in root.iter("style"):
        css = _for_screens(style.text or "")
        changed = changed or css != style.text
        style.text = css
        sheet.add(css)
        ids |= _hidden_ids(css)
    gone = [
        element
        for element in root.iter(*_CANDIDATES, *_BLOCKS, *_RENAMED)
        if sheet.resolve(element, TextStyle()).subtree_hidden
    ]
    gone += [element for element in root.iterdescendants() if ids and element.get("id") in ids]
    for element in gone:
        if element.tag != "body" and element.getparent() is not None:
            element.drop_tree()
    return changed or bool(gone)


def _for_screens(css: str) -> str:
    """Without the rules of media that are not each screen."""
    kept: list[str] = []
    place, css = 0, _without_comments(css)
    while (found := _MEDIA.search(css, place)) is not None:
        kept.append(css[place : found.start()])
        depth, place = 1, found.end()
        while depth and (brace := _BRACE.search(css, place)) is not None:
            depth += 1 if brace[0] == "{" else -1
            place = brace.end()
        inner = css[found.end() : place - 1]
        if depth:
            place = len(css)
        if found[1].strip().lower() in ("screen", "all", "only screen"):
            kept.append(inner)
    return "".join([*kept, css[place:]])


def _without_comments(css: str) -> str:
    pieces = css.split("/*")
    return "".join([pieces[0], *(piece.partition("*/")[2] for piece in pieces[1:])])


def _hidden_ids(css: str) -> set[str]:
    found: set[str] = set()
    for rule in css.split("}"):
        selectors, _, declarations = rule.partition("{")
        if _HIDES.search(declarations):
            names = (_BY_ID.fullmatch(selector.strip()) for selector in selectors.split(","))
            found |= {name[1] for name in names if name}
    return found


# ------------------------------------------------------------ forms


def _show_forms(root: Any) -> bool:
    """Fields become what they show: their text, a tick, the option that is chosen."""
    fields = [*root.iter("input", "textarea", "select", "button", "dialog")]
    for field in fields:
        if field.tag == "dialog" and field.get("open") is not None:
            continue
        shown = _shown(field)
        if shown is None:
            field.drop_tree()
        elif field.tag == "button":
            field.tag = "span"
        else:
            tail, attributes = (
                f" {field.tail or ''}",
                {key: field.get(key) for key in ("style", "class", "hidden")},
            )
            field.clear()
            field.tag, field.text, field.tail = "span", shown, tail
            for key, value in attributes.items():
                if value is not None:
                    field.set(key, value)
    return bool(fields)


def _shown(field: Any) -> str | None:
    """What a field shows; None for nothing."""
    if field.tag == "dialog":
        return None
    if field.tag == "button":
        return ""
    if field.tag == "textarea":
        return str(field.text_content())
    if field.tag == "select":
        options = [*field.iter("option")]
        chosen = [option for option in options if option.get("selected") is not None]
        if not chosen and field.get("multiple") is None:
            chosen = options[:1]
        return ", ".join(str(option.text_content()).strip() for option in chosen)
    kind = str(field.get("type") or "text").lower()
    if kind in _SILENT:
        return None
    if kind in _TICKED:
        return "☑ " if field.get("checked") is not None else "☐ "
    return str(field.get("value") or "") or None


# ------------------------------------------------------------ cells


def without_repeated_title(root: Any) -> bool:
    """Drops the title where the first heading of the page says the same: MinerU would give both."""
    title, body = root.find("head/title"), root.find("body")
    if title is None or body.find(".//h1") is not None:
        return False
    headings = (element for element in body.iter("h2", "h3", "h4", "h5", "h6"))
    first = next(headings, None)
    if first is None or _words(first) != _words(title):
        return False
    title.getparent().remove(title)
    return True


def _words(element: Any) -> list[str]:
    return cast(str, element.text_content()).split()


def cells_with_lines(root: Any) -> bool:
    """Lists and paragraphs of a table's cell become lines of it; whether there were any."""
    changed = False
    for cell in root.iter("td", "th"):
        blocks = [each for each in cell.iterdescendants(*_IN_CELLS) if _cell_of(each) is cell]
        if len(blocks) > 1 or (blocks and _has_more(cell, blocks[0])):
            _flatten(cell, blocks)
            changed = True
    return changed


def _cell_of(element: Any) -> Any:
    return next((each for each in element.iterancestors() if each.tag in ("td", "th")), None)


def _has_more(cell: Any, block: Any) -> bool:
    """Whether words stand beside the only block of a cell."""
    return str(cell.text_content()).strip() != str(block.text_content()).strip()


def _flatten(cell: Any, blocks: list[Any]) -> None:
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

    breaks: set[Any] = set()
    numbers: dict[Any, int] = {}
    for block in blocks:
        if block.tag == "li":
            parent = block.getparent()
            numbers[parent] = numbers.get(parent, _start(parent)) + 1
            mark = f"{numbers[parent] - 1}." if parent.tag == "ol" else "•"
            block.text = f"{mark} {(block.text or '').lstrip()}"
        first, last = etree.Element("br"), etree.Element("br")
        last.tail, block.tail = block.tail, None
        block.addprevious(first)
        block.addnext(last)
        breaks |= {first, last}
    for block in blocks:
        block.tag = "span"
        block.attrib.pop("class", None)
    _tidy(cell, breaks)


def _start(listing: Any) -> int:
    """The number of a list's first item."""
    first = str(listing.get("start") or "1")
    return int(first) if first.isdecimal() and len(first) < 10 else 1


def _tidy(cell: Any, breaks: set[Any]) -> None:
    """Without line breaks of ours at the beginning, at the end, and beside others."""
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

    written, pending = False, cast("list[Any]", [])
    idle: list[Any] = []
    for event, node in etree.iterwalk(cell, events=("start", "end")):
        if event == "start" and node in breaks:
            if not written or pending:
                idle.append(node)
            else:
                pending = [node]
        elif event == "start" and node.tag in ("img", "table", "math"):
            written, pending = True, []
        text = node.text if event == "start" else node.tail if node is not cell else None
        if text and text.strip():
            written, pending = True, []
    for node in idle + pending:
        parent, tail = node.getparent(), node.tail or ""
        before = node.getprevious()
        if before is None:
            parent.text = (parent.text or "") + tail
        else:
            before.tail = (before.tail or "") + tail
        parent.remove(node)
