"""DOCX: signs of symbol fonts, check boxes and drop-down fields as text; blanks around underlined words."""

from __future__ import annotations

from copy import deepcopy

from gradio_app.parsing.prepare.office.word_xml import (
    SPACE,
    W14,
    W,
    is_on,
    replace,
    run,
    text_element,
    text_of,
    value,
)
from gradio_app.parsing.prepare.office.xml import Element
from gradio_app.parsing.prepare.symbol_fonts import EMPTY, TICKED, is_symbol_font, readable, sign

#: bytes of a part that may hold such signs: U+F000 to U+F0FF in UTF-8 are the first four
SIGNS = (
    *(b"\xef\x80", b"\xef\x81", b"\xef\x82", b"\xef\x83", b"&#xF0", b"&#xf0"),
    *(b":sym ", b'"Wingdings', b'"Webdings', b'"Symbol"'),
)
BOXES = (b"heckbox", b"heckBox", b"ddList")
UNDERLINED = (b":u w:val",)


def signs(root: Element) -> bool:
    """Turns ``w:sym`` and letters in symbol fonts into what they look like; whether there were any."""
    changed = False
    for symbol in list(root.iter(W + "sym")):
        try:
            code = int(symbol.get(W + "char", ""), 16)
        except ValueError:
            continue
        replace(symbol, text_element(sign(code, symbol.get(W + "font", "Wingdings"))))
        changed = True
    for text in root.iter(W + "t"):
        old = text.text or ""
        fonts = text.getparent().find(f"{W}rPr/{W}rFonts")
        font = "" if fonts is None else fonts.get(W + "ascii", "")
        shown = readable(old, font)
        if shown != old:
            text.text = shown
            changed = True
        if fonts is not None and is_symbol_font(font):
            fonts.getparent().remove(fonts)  # so that nobody reads the new characters in the font of the old
    return changed


def boxes(root: Element) -> bool:
    """Turns check boxes and drop-down fields into text; whether there were any."""
    changed = False
    for control in list(root.iter(W14 + "checkbox")):
        changed |= _control(control)
    for field in list(root.iter(W + "ffData")):
        changed |= _field(field)
    return changed


def _control(checkbox: Element) -> bool:
    """A check box that is a content control becomes the sign that it shows, or one for its state."""
    control = checkbox.getparent().getparent()
    content = control.find(W + "sdtContent")
    if content is None or control.getparent() is None:
        return False
    state = checkbox.find(W14 + "checked")
    ticked = state is not None and state.get(W14 + "val", "0") in ("1", "true", "on")
    shown = text_of(content)
    if not shown:
        holder = next(content.iter(W + "r"), None)
        mark = text_element(TICKED if ticked else EMPTY)
        if holder is not None:
            holder.append(mark)
        elif next(content.iter(W + "p"), None) is None:
            content.append(run(mark.text))
    replace(control, *list(content))
    return True


def _field(data: Element) -> bool:
    """An old form field whose value stands in its definition only becomes that value."""
    start = data.getparent()
    shown = _value_of(data)
    first = start.getparent()
    if shown is None or first is None or first.tag != W + "r":
        return False
    runs = _runs_of_field(first)
    if not runs:
        return False
    properties = first.find(W + "rPr")
    replace(first, run(shown, None if properties is None else deepcopy(properties)))
    for one in runs[1:]:
        one.getparent().remove(one)
    return True


def _value_of(data: Element) -> str | None:
    box, choice = data.find(W + "checkBox"), data.find(W + "ddList")
    if box is not None:
        ticked = is_on(box, "checked")
        return TICKED if (is_on(box, "default") if ticked is None else ticked) else EMPTY
    if choice is not None:
        entries = [entry.get(W + "val", "") for entry in choice.findall(W + "listEntry")]
        chosen = value(choice, "result", value(choice, "default", "0"))
        at = int(chosen) if chosen.isdecimal() else 0
        return entries[at] if at < len(entries) else None
    return None


def _runs_of_field(first: Element) -> list[Element]:
    """The runs from the one that begins a field to the one that ends it; empty when they are not siblings."""
    found, depth = list[Element](), 0
    for one in [first, *first.itersiblings(W + "r")]:
        found.append(one)
        for mark in one.iter(W + "fldChar"):
            depth += {"begin": 1, "end": -1}.get(mark.get(W + "fldCharType"), 0)
        if depth <= 0:
            return found
    return []


def underlined_blanks(root: Element) -> bool:
    """Takes the blanks at both ends of underlined words out of the line; whether there were any.

    MinerU writes underlined blanks as underscores: right for a line to sign on, wrong beside a word; and it
    drops them at the end of a paragraph.
    """
    changed = False
    for one in list(root.iter(W + "r")):
        if not _is_underlined(one):
            continue
        texts = one.findall(W + "t")
        if line := _last_line(one):
            for child in list(one):
                one.remove(child)
            one.append(text_element(line))
            changed = True
        if len(texts) != 1 or len(one) != 2 or not (texts[0].text or "").strip():
            continue
        text = texts[0].text
        if text[0] == " " and not _is_underlined(one.getprevious()):
            _blanks(one, len(text) - len(text.lstrip(" ")), behind=False)
            changed, text = True, text.lstrip(" ")
        if text[-1] == " " and not _is_underlined(one.getnext()):
            _blanks(one, len(text) - len(text.rstrip(" ")), behind=True)
            changed, text = True, text.rstrip(" ")
        texts[0].text = text
    return changed


def _last_line(one: Element) -> str:
    """Underscores for underlined blanks and tabs at the end of a paragraph, where MinerU drops them."""
    content = [child for child in one if child.tag != W + "rPr"]
    if any(child.tag not in (W + "t", W + "tab") for child in content) or text_of(one):
        return ""
    if any(text_of(later) for later in one.itersiblings()):
        return ""
    return "".join("_" * len(child.text or "") if child.tag == W + "t" else "_" * 8 for child in content)


def _blanks(one: Element, count: int, behind: bool) -> None:
    """Puts blanks before or behind a run: into its neighbour, as MinerU drops a run of blanks there."""
    neighbour: Element = one.getnext() if behind else one.getprevious()
    edge: Element = None
    if neighbour is not None and neighbour.tag == W + "r":
        content = [child for child in neighbour if child.tag != W + "rPr"]
        edge = content[0 if behind else -1] if content else None
    if edge is not None and edge.tag == W + "t":
        edge.text = " " * count + (edge.text or "") if behind else (edge.text or "") + " " * count
        edge.set(SPACE, "preserve")
    elif behind:
        one.addnext(run(" " * count))
    else:
        one.addprevious(run(" " * count))


def _is_underlined(element: Element | None) -> bool:
    if element is None or element.tag != W + "r":
        return False
    return value(element.find(W + "rPr"), "u", "none") != "none"


def hidden(root: Element, styles: frozenset[str]) -> int:
    """Drops hidden text; ``styles`` are those that hide. The number of its words.

    What only holds a field together stays, so that the field is read as before.
    """
    words = 0
    for owner in list(root.iter(W + "r")):
        if not _hides(owner, styles):
            continue
        words += len(text_of(owner).split())
        for child in list(owner):
            if child.tag not in (W + "rPr", W + "fldChar", W + "instrText"):
                owner.remove(child)
    return words


def _hides(owner: Element, styles: frozenset[str]) -> bool:
    properties = owner.find(W + "rPr")
    own = is_on(properties, "vanish")
    if own is not None:
        return own
    if not styles:
        return False
    if value(properties, "rStyle") in styles:
        return True
    target = next(owner.iterancestors(W + "p"), None)
    return target is not None and value(target.find(W + "pPr"), "pStyle") in styles
