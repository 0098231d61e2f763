"""Web archives (MHTML): their page is prepared as a file of HTML is; what it shows stays in the archive."""

from __future__ import annotations

import email
from base64 import encodebytes
from email.message import Message
from email.policy import compat32
from pathlib import Path

from gradio_app.parsing.prepare.html import plain_page
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

_PAGES = ("text/html", "application/xhtml+xml")


def prepare(source: Path, out: Path, wanted: Wanted) -> Prepared:
    """See ``prepare.prepare``."""
    prepared = Prepared()
    archive = email.message_from_bytes(source.read_bytes(), policy=compat32)
    changed = False
    for part in archive.walk():
        if part.get_content_type() in _PAGES and not part.is_multipart():
            changed = _plain_part(part, wanted, prepared) or changed
    if changed:
        out.write_bytes(archive.as_bytes())
        prepared.kind = "mhtml"
    return prepared


def _plain_part(part: Message[str, str], wanted: Wanted, prepared: Prepared) -> bool:
    """Replaces the page of a part where it is not plain."""
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return False
    page = plain_page(data, part.get_content_charset() or "", wanted, prepared)
    if page is None:
        return False
    part.set_payload(encodebytes(page).decode("ascii"))
    del part["Content-Transfer-Encoding"]
    part["Content-Transfer-Encoding"] = "base64"
    part.set_param("charset", "utf-8")
    return True
