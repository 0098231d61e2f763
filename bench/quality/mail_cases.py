"""Cases of mails and books: what stands in their heads, in encoded text, in tables and chapters."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from functools import partial

from bench.quality.case import Block, Case, Heading, Truth
from bench.quality.contents import CHINESE, HARBOUR, KITCHEN
from bench.quality.writers import web_body
from tests.fuzz.seeds import epub

_HEADS = {
    "From": "Amsel <amsel@northquay.example>",
    "To": "board@northquay.example",
    "Date": "Mon, 21 Sep 2026 18:45:00 +0200",
}


def cases() -> Iterator[Case]:
    """All of them."""
    yield _mail(
        "plain", "Tides of 14 days", ["Levels of 3,482 mm were seen.", "Please call 0457 218 390."], ""
    )
    table = [block for block in HARBOUR if not isinstance(block, Heading)]
    yield _mail("table", "Größe der Boote", table, web_body(table))
    signs = [block for block in CHINESE if not isinstance(block, Heading)]
    yield _mail("chinese", "港口年度报告", signs, web_body(signs), "gb18030")
    for number, blocks in enumerate((HARBOUR, KITCHEN)):
        chapters = [block for block in blocks if isinstance(block, str)]
        yield Case(f"book-{number}.epub", "epub", partial(epub, web_body(chapters)), Truth(chapters))


def _mail(name: str, subject: str, blocks: list[Block], page: str, encoding: str = "utf-8") -> Case:
    def made() -> bytes:
        mail = EmailMessage()
        for head, value in {**_HEADS, "Subject": subject}.items():
            mail[head] = value
        if page:
            mail.set_content(f"<html><body>{page}</body></html>", subtype="html", charset=encoding)
        else:
            mail.set_content("\n\n".join(map(str, blocks)) + "\n", charset=encoding)
        return bytes(mail)

    heads = [f"{head}: {value}" for head, value in _HEADS.items()]
    return Case(f"{name}.eml", "eml", made, Truth([Heading(subject), *heads, *blocks]))
