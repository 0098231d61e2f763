"""Web pages: UTF-8, all that a person sees of them, and bounds that parsers keep."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

from gradio_app.parsing.prepare.encodings import Decoded, decode, meant
from gradio_app.parsing.prepare.html_body import cells_with_lines, flat, whole, without_repeated_title
from gradio_app.parsing.prepare.html_bounds import MOST_ATTRIBUTES, bounded
from gradio_app.parsing.prepare.prepared import Prepared, Wanted
from gradio_app.parsing.prepare.text import note_guess, without_c1

#: where browsers look for a declaration: 1 KB; pages have it later, too
_HEAD = 8192
_DECLARED = re.compile(
    r"""(<meta\b[^>]{0,500}?\bcharset\s*=\s*["']?\s*|^\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["'])([\w.:-]{1,40})""",
    re.I,
)


def prepare(source: Path, out: Path, wanted: Wanted) -> Prepared:
    """See ``prepare.prepare``."""
    prepared = Prepared()
    page = plain_page(source.read_bytes(), "", wanted, prepared)
    if page is not None:
        out.write_bytes(page)
        prepared.kind = "html"
    return prepared


def plain_page(data: bytes, declared: str, wanted: Wanted, prepared: Prepared) -> bytes | None:
    """The plain page; None where it is plain already. ``declared``: the encoding that its container names."""
    decoded = read_page(data, declared)
    note_guess(prepared, decoded)
    text, cut = bounded(without_c1(_declared_utf8(decoded.text)))
    if cut:
        prepared.note(
            "content_left_out",
            f"A tag of the page has more than {MOST_ATTRIBUTES} attributes; the others were left out.",
        )
    made = text.encode("utf-8", "replace")
    changed = _mended(made, wanted)
    if changed is not None:
        return changed
    return None if made == data.removeprefix(b"\xef\xbb\xbf") else made


def _mended(page: bytes, wanted: Wanted) -> bytes | None:
    """The page whose body is read as a whole; None where nothing had to be changed."""
    from docvortex.codecs.html.parser import parse_docvortex_html_wire
    from lxml import html as pages
    from lxml.etree import ParserError

    if not page.strip():
        return None
    parser = pages.HTMLParser(encoding="utf-8", huge_tree=True, no_network=True, remove_comments=True)
    try:
        root = pages.document_fromstring(page, parser=parser)
    except ParserError:
        return None  # nothing but comments
    body = cast(Any, root.find("body"))
    if body is None or parse_docvortex_html_wire(body)[0] is not None:
        return None  # a page that MinerU wrote itself is read back as what it was made of
    changes = (
        flat(root),
        not wanted.main_content_only and whole(root),
        cells_with_lines(root),
        without_repeated_title(root),
    )
    if not any(changes):
        return None
    return cast(bytes, pages.tostring(_with_charset(root), encoding="utf-8", doctype="<!DOCTYPE html>"))


def _with_charset(root: Any) -> Any:
    """The page, which says as the first thing that it is in UTF-8."""
    from lxml import html as pages

    head = root.find("head")
    if head is None:
        head = pages.Element("head")
        root.insert(0, head)
    head.insert(0, pages.Element("meta", charset="utf-8"))
    return root


def read_page(data: bytes, declared: str = "") -> Decoded:
    """The text of a page by its own declaration, or ``declared`` by what it came in."""
    found = _DECLARED.search(data[:_HEAD].decode("latin-1"))
    return decode(data, declared or (found[2] if found else ""))


def _declared_utf8(text: str) -> str:
    """With declarations of another encoding than UTF-8 changed to it: MinerU goes by them."""

    def changed(found: re.Match[str]) -> str:
        return found[0] if meant(found[2]) == "utf-8" and "16" not in found[2] else f"{found[1]}utf-8"

    return _DECLARED.sub(changed, text[:_HEAD]) + text[_HEAD:]
