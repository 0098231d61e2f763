"""DOCX: labels of numbered paragraphs as Word shows them, wherever MinerU would show others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gradio_app.parsing.prepare.office.number_formats import numeral
from gradio_app.parsing.prepare.office.package import Package
from gradio_app.parsing.prepare.office.word_xml import (
    MC,
    W,
    ancestors,
    insert_first,
    is_deleted,
    is_on,
    new,
    run,
    text_of,
    value,
)
from gradio_app.parsing.prepare.office.xml import Element
from gradio_app.parsing.prepare.symbol_fonts import readable

_LEVELS = 9
#: formats that MinerU shows as numbers; all others it shows as dots
_COUNTED = frozenset(["decimal", "lowerRoman", "upperRoman", "lowerLetter", "upperLetter", "decimalZero"])
_HEADING = re.compile(r"heading|title|überschrift|标题|titre|título|rubrik|kop\d", re.I)
_PLACE = re.compile(r"%([1-9])")
_DOT = "•"
#: characters of a heading
_MOST_TITLE = 120


@dataclass(frozen=True, slots=True)
class _Level:
    form: str
    text: str
    start: int
    legal: bool
    restart: int
    hidden: bool
    font: str
    #: the style whose paragraphs have this level
    style: str

    @property
    def is_dot(self) -> bool:
        return self.form == "bullet"


@dataclass(frozen=True, slots=True)
class _List:
    """A ``w:num``: its levels, those as MinerU sees them, and where they start anew."""

    abstract: str
    levels: Mapping[int, _Level]
    plain: Mapping[int, _Level]
    starts: Mapping[int, int]


@dataclass(slots=True)
class _Item:
    paragraph: Element
    num: str
    level: int
    label: str
    number: int
    must: bool
    empty: bool


@dataclass(slots=True)
class _Counters:
    """Counts as Word does: lists of one definition go on with each other's numbers."""

    counts: dict[str, dict[int, int]] = field(default_factory=dict[str, dict[int, int]])
    begun: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])

    def advance(self, num: str, found: _List, level: int) -> dict[int, int]:
        counts = self.counts.setdefault(found.abstract, {})
        start = found.levels[level].start
        if level in found.starts and (num, level) not in self.begun:
            counts[level] = found.starts[level]
        else:
            counts[level] = counts[level] + 1 if level in counts else start
        self.begun.add((num, level))
        for deeper in [one for one in counts if one > level]:
            restart = found.levels[deeper].restart if deeper in found.levels else -1
            if restart < 0 or (restart > 0 and level < restart):
                del counts[deeper]
        for upper in range(level):
            if upper in found.levels:
                counts.setdefault(upper, found.levels[upper].start)
        return counts


def labels(package: Package, part: str) -> bool:
    """Writes labels into the text where MinerU would show another one or none; whether there are any."""
    root = package.tree(part)
    lists = _lists(package, part)
    linked = {
        (num, level.style): at
        for num, one in lists.items()
        for at, level in one.levels.items()
        if level.style
    }
    styles = _Styles(package, package.target(part, "styles"), linked)
    items = list(_items(root, lists, styles))
    titles = _title_lists(root, items)
    for item in items:
        item.must |= item.num in titles
    labelled = _unlike(items, lists)
    changed = False
    for item in items:
        if not item.must and (item.num, item.level) not in labelled:
            continue
        is_title = item.num in titles and not item.empty and _is_short(text_of(item.paragraph))
        _write(item, styles.heading(item.level + 1) if is_title else "")
        changed = True
    return changed


def _title_lists(root: Element, items: list[_Item]) -> set[str]:
    """Lists of several levels with other text between: MinerU makes headings of them, with other numbers."""
    by_paragraph = {item.paragraph: item for item in items if not item.must}
    levels: dict[str, set[int]] = {}
    interrupted, found = dict[str, bool](), set[str]()
    for block in root.find(W + "body"):
        item = by_paragraph.get(block)
        if item is None or item.empty:
            if block.tag == W + "tbl" or (block.tag == W + "p" and item is None and text_of(block)):
                interrupted = dict.fromkeys(interrupted, True)
            continue
        if interrupted.get(item.num):
            found.add(item.num)
        interrupted[item.num] = False
        levels.setdefault(item.num, set()).add(item.level)
    return {num for num in found if len(levels[num]) > 1}


def _is_short(text: str) -> bool:
    """Whether a paragraph may be a heading: short, and no sentence."""
    return len(text) <= _MOST_TITLE and not text.endswith((".", ";", ",", "。", "；", "，"))


def _write(item: _Item, heading: str) -> None:
    """The label becomes text, and the paragraph one without a number, perhaps of the style ``heading``."""
    properties = item.paragraph.find(W + "pPr")
    if properties is None:
        properties = new("pPr")
        item.paragraph.insert(0, properties)
    for old in properties.findall(W + "numPr"):
        properties.remove(old)
    none = new("numPr")
    none.append(new("ilvl", val="0"))
    none.append(new("numId", val="0"))
    style = properties.find(W + "pStyle")
    if heading:
        if style is None:
            style = new("pStyle")
            properties.insert(0, style)
        style.set(W + "val", heading)
    properties.insert(0 if style is None else properties.index(style) + 1, none)
    if item.label and not item.empty:
        insert_first(item.paragraph, run(f"{item.label} "))


def _unlike(items: list[_Item], lists: Mapping[str, _List]) -> set[tuple[str, int]]:
    """List and level of those whose labels MinerU would show otherwise.

    MinerU counts only what it shows as a list, so that one level taken out may change others.
    """
    unlike = set[tuple[str, int]]()
    while True:
        more = set[tuple[str, int]]()
        counts: dict[str, dict[int, int]] = {}
        for item in items:
            key = (item.num, item.level)
            if item.must or key in unlike or item.empty:
                continue
            level = lists[item.num].plain.get(item.level)
            mine = counts.setdefault(item.num, {})
            if level is None or level.form not in _COUNTED:
                shown = _DOT
            else:
                start = lists[item.num].starts.get(item.level, level.start)
                mine[item.level] = mine[item.level] + 1 if item.level in mine else start
                for deeper in [one for one in mine if one > item.level]:
                    del mine[deeper]
                shown = f"{mine[item.level]}."
            if shown != (_DOT if lists[item.num].levels[item.level].is_dot else item.label):
                more.add(key)
        if not more:
            return unlike
        unlike |= more


def _items(root: Element, lists: Mapping[str, _List], styles: _Styles) -> Iterator[_Item]:
    counters = _Counters()
    for paragraph in list(root.iter(W + "p")):
        properties = paragraph.find(W + "pPr")
        num, level = styles.numbering(properties)
        found = lists.get(num)
        if found is None or level not in found.levels:
            continue
        if next(paragraph.iterancestors(MC + "Fallback"), None) is not None or is_deleted(paragraph):
            continue
        empty = not text_of(paragraph)
        if empty and properties is not None and properties.find(f"{W}rPr/{W}del") is not None:
            continue
        counts = counters.advance(num, found, level)
        in_table = next(ancestors(paragraph, "tc"), None) is not None
        # in cells MinerU shows dots as they are, and numbers without their labels
        must = (in_table and not found.levels[level].is_dot) or styles.is_heading(properties)
        yield _Item(paragraph, num, level, _label(found, level, counts), counts[level], must, empty)


def _label(found: _List, level: int, counts: Mapping[int, int]) -> str:
    shown = found.levels[level]
    if shown.hidden:
        return ""
    if shown.is_dot:
        return readable(shown.text, shown.font).strip() or _DOT

    def number(match: re.Match[str]) -> str:
        at = int(match.group(1)) - 1
        form = found.levels[at].form if at in found.levels else "decimal"
        if shown.legal and form != "none":
            form = "decimal"
        return numeral(counts.get(at, 1), form)

    return _PLACE.sub(number, shown.text).strip()


# ------------------------------------------------------------ definitions


def _lists(package: Package, part: str) -> dict[str, _List]:
    root = package.tree(package.target(part, "numbering"))
    abstracts = {one.get(W + "abstractNumId"): one for one in root.findall(W + "abstractNum")}
    by_style = {
        value(one, "styleLink"): key
        for key, one in abstracts.items()
        if one.find(W + "styleLink") is not None
    }
    found: dict[str, _List] = {}
    for num in root.findall(W + "num"):
        key = value(num, "abstractNumId")
        plain = _levels(abstracts.get(key))
        linked = value(abstracts.get(key), "numStyleLink")
        if linked in by_style:
            key = by_style[linked]
        levels, starts = _levels(abstracts.get(key)), dict[int, int]()
        for override in num.findall(W + "lvlOverride"):
            at = _integer(override.get(W + "ilvl", ""), -1)
            own = override.find(W + "lvl")
            if own is not None and 0 <= at < _LEVELS:
                levels[at] = _level(own)
            start = value(override, "startOverride")
            if start:
                starts[at] = _integer(start, 1)
        found[num.get(W + "numId", "")] = _List(key, levels, plain, starts)
    return found


def _levels(abstract: Element | None) -> dict[int, _Level]:
    if abstract is None:
        return {}
    return {_integer(one.get(W + "ilvl", ""), 0): _level(one) for one in abstract.findall(W + "lvl")}


def _level(element: Element) -> _Level:
    fonts = element.find(f"{W}rPr/{W}rFonts")
    return _Level(
        form=value(element, "numFmt", "decimal"),
        text=value(element, "lvlText"),
        start=_integer(value(element, "start"), 1),
        legal=bool(is_on(element, "isLgl")),
        restart=_integer(value(element, "lvlRestart"), -1),
        hidden=bool(is_on(element.find(W + "rPr"), "vanish")),
        font="" if fonts is None else fonts.get(W + "ascii", ""),
        style=value(element, "pStyle"),
    )


def _integer(text: str, default: int) -> int:
    return int(text) if text.lstrip("-").isdecimal() and len(text) < 10 else default


class _Styles:
    """Which list a paragraph belongs to, by itself or by its style, and whether it is a heading."""

    def __init__(self, package: Package, part: str, linked: Mapping[tuple[str, str], int]) -> None:
        self._styles = dict[str, Element]()
        self._package, self._part = package, part
        self._linked = linked
        self._default = ""
        if part in package.names:
            for style in package.tree(part).findall(W + "style"):
                name = style.get(W + "styleId", "")
                self._styles[name] = style
                if style.get(W + "type") == "paragraph" and style.get(W + "default") in ("1", "true"):
                    self._default = name
        self._numbering = dict[str, tuple[str, int]]()
        self._headings = dict[str, bool]()

    def numbering(self, properties: Element | None) -> tuple[str, int]:
        """``numId`` (empty without) and level of a paragraph."""
        style = value(properties, "pStyle") or self._default
        if style not in self._numbering:
            self._numbering[style] = self._of_style(style)
        num, level = self._numbering[style]
        own = None if properties is None else properties.find(W + "numPr")
        if own is not None:
            num = value(own, "numId", num)
            level = _integer(value(own, "ilvl"), self._linked.get((num, style), level))
        return ("" if num == "0" else num), level

    def is_heading(self, properties: Element | None) -> bool:
        """Whether a paragraph is a heading: by its level of the outline, or by its style's name."""
        if value(properties, "outlineLvl", "9") != "9":
            return True
        name = value(properties, "pStyle") or self._default
        if name not in self._headings:
            self._headings[name] = any(
                value(style.find(W + "pPr"), "outlineLvl", "9") != "9" or _HEADING.match(value(style, "name"))
                for style in self._chain(name)
            )
        return self._headings[name]

    def heading(self, level: int) -> str:
        """The style of headings of a level; a new one where the document has none, empty without styles."""
        wanted = f"heading {level}"
        for id_, style in self._styles.items():
            if value(style, "name").lower() == wanted:
                return id_
        if self._part not in self._package.names:
            return ""
        style = new("style", type="paragraph", styleId=f"Heading{level}")
        style.append(new("name", val=wanted))
        self._package.tree(self._part).append(style)
        self._package.changed(self._part)
        self._styles[f"Heading{level}"] = style
        return f"Heading{level}"

    def _of_style(self, name: str) -> tuple[str, int]:
        num, level = "", -1
        for style in self._chain(name):
            own = style.find(f"{W}pPr/{W}numPr")
            if own is None:
                continue
            num = num or value(own, "numId")
            id_ = style.get(W + "styleId", "")
            level = level if level >= 0 else _integer(value(own, "ilvl"), self._linked.get((num, id_), -1))
        return num, max(level, 0)

    def _chain(self, name: str) -> Iterator[Element]:
        """A style and those that it is based on, the nearest first."""
        seen = set[str]()
        while name in self._styles and name not in seen:
            seen.add(name)
            yield self._styles[name]
            name = value(self._styles[name], "basedOn")
