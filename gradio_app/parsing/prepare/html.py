"""Web pages: UTF-8."""

from __future__ import annotations

import re
from pathlib import Path

from gradio_app.parsing.prepare.encodings import Decoded, decode, meant
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
    data = source.read_bytes()
    if (page := plain_page(data, "", prepared)) is not None:
        out.write_bytes(page)
        prepared.kind = "html"
    return prepared


def plain_page(data: bytes, declared: str, prepared: Prepared) -> bytes | None:
    """The page in UTF-8; None where it is plain. ``declared``: the encoding that its container names."""
    decoded = read_page(data, declared)
    note_guess(prepared, decoded)
    text = without_c1(_declared_utf8(decoded.text))
    made = text.encode("utf-8", "replace")
    return None if made == data.removeprefix(b"\xef\xbb\xbf") else made


def read_page(data: bytes, declared: str = "") -> Decoded:
    """The text of a page by its own declaration, or ``declared`` by what it came in."""
    found = _DECLARED.search(data[:_HEAD].decode("latin-1"))
    return decode(data, declared or (found[2] if found else ""))


def _declared_utf8(text: str) -> str:
    """With declarations of another encoding than UTF-8 changed to it: MinerU goes by them."""

    def changed(found: re.Match[str]) -> str:
        return found[0] if meant(found[2]) == "utf-8" and "16" not in found[2] else f"{found[1]}utf-8"

    return _DECLARED.sub(changed, text[:_HEAD]) + text[_HEAD:]
