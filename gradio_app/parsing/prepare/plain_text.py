"""Text, JSON and XML: a page that says what the file says, paragraph by paragraph or as code."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from gradio_app.base.errors import FileTooLarge
from gradio_app.parsing.prepare import office_xml
from gradio_app.parsing.prepare.encodings import decode
from gradio_app.parsing.prepare.html import plain_page
from gradio_app.parsing.prepare.prepared import Prepared, Wanted
from gradio_app.parsing.prepare.text import note_guess, without_c1

#: bytes of a file whose text is all given, as paragraphs or code
MOST_TEXT = 20_000_000
#: what stands in columns: spaces within a line, or lines that are drawn
_ALIGNED = re.compile(r"\S(?: {3,}| *\t+ *)\S|^[ \t]{4,}\S|[─│┌┐└┘├┤┬┴┼]|[+|]-{3,}")
_JSON = re.compile(r'"(?:[^"\\]|\\.)*"?|[][{},:]|[^][{},:"\s]+')
#: steps to the right
_DEEPEST = 40
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_XML_DECLARED = re.compile(rb"""^\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["']([\w.:-]{1,40})""")
_XHTML = re.compile(r"^(?:\s*<[?!][^>]*>)*\s*<html\b", re.I)


def prepare_text(source: Path, out: Path, wanted: Wanted) -> Prepared:
    """Paragraphs of a text, and as code what stands in columns. See ``prepare.prepare``."""
    prepared = Prepared()
    lines = [line.rstrip() for line in read(source, prepared).split("\n")]
    blocks = re.split(r"\n\n+", "\n".join(lines))
    page = "\n".join(_block(block) for block in blocks if block.strip())
    return written(page, out, wanted, prepared)


def prepare_log(source: Path, out: Path, wanted: Wanted) -> Prepared:
    """The lines of a log as code. See ``prepare.prepare``."""
    prepared = Prepared()
    return written(code(read(source, prepared)), out, wanted, prepared)


def prepare_json(source: Path, out: Path, wanted: Wanted) -> Prepared:
    """JSON as code, one value a line where the file is one long line. See ``prepare.prepare``."""
    prepared = Prepared()
    text = read(source, prepared).strip()
    if "\n" not in text:
        text = _spread(text)
    return written(code(text, "json"), out, wanted, prepared)


def _spread(text: str) -> str:
    """JSON with a line for each value; numbers and strings stay as they are written."""
    lines, depth, before = [""], 0, ""
    for found in _JSON.finditer(text):
        sign = found[0]
        closes = sign in "]}"
        depth += (sign in "[{") - closes
        if before in ("[", "{", ",") or closes:
            if closes and before in ("[", "{"):
                lines[-1] += sign  # nothing is in it
                before = sign
                continue
            lines.append("  " * min(max(depth - (sign in "[{"), 0), _DEEPEST))
        lines[-1] += f"{sign} " if sign == ":" else sign
        before = sign
    return "\n".join(lines).strip()


def prepare_xml(source: Path, out: Path, wanted: Wanted) -> Prepared:
    """Office's XML of 2003 as what it shows, XHTML as a page, other XML as code. See ``prepare.prepare``."""
    prepared = Prepared()
    text = read(source, prepared)
    if (page := office_xml.page(text)) is not None:
        return written(page, out, wanted, prepared)
    if _XHTML.match(text[:10_000]):
        return written(text, out, wanted, prepared)
    return written(code(text.strip(), "xml"), out, wanted, prepared)


def read(source: Path, prepared: Prepared) -> str:
    """The text of a file, with a note where its encoding was guessed. Raises ``FileTooLarge``."""
    size = source.stat().st_size
    if size > MOST_TEXT:
        raise FileTooLarge(
            f"The text has {size / 1e6:.0f} MB; at most {MOST_TEXT / 1e6:.0f} MB can be converted. "
            "Split it, and send the parts."
        )
    data = source.read_bytes()
    declared = _XML_DECLARED.match(data[:300])
    decoded = decode(data, declared[1].decode("ascii") if declared else "")
    note_guess(prepared, decoded)
    text = without_c1(decoded.text).replace("\r\n", "\n").replace("\r", "\n")
    return text


def written(page: str, out: Path, wanted: Wanted, prepared: Prepared) -> Prepared:
    """Writes a page made of a file."""
    head = '<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head><body>\n'
    whole = page if _XHTML.match(page[:10_000]) else f"{head}{page}\n</body></html>\n"
    content = _CONTROL.sub(" ", whole).encode("utf-8", "replace")
    plain = plain_page(content, "utf-8", wanted, prepared)
    out.write_bytes(content if plain is None else plain)
    prepared.kind = "html"
    return prepared


def code(text: str, language: str = "") -> str:
    """Lines that are shown as they are."""
    named = f' class="language-{language}"' if language else ""
    return f"<pre><code{named}>{escape(text, quote=False)}</code></pre>"


def _block(block: str) -> str:
    lines = block.strip("\n").split("\n")
    aligned = sum(bool(_ALIGNED.search(line)) for line in lines)
    if aligned * 2 > len(lines) and (len(lines) > 1 or "   " in block.strip() or "\t" in block.strip()):
        return code("\n".join(line.rstrip() for line in lines))
    return f"<p>{'<br>'.join(escape(line.strip(), quote=False) for line in lines)}</p>"
