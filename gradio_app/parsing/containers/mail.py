"""A mail, as its readers give it: heads, text, and what came with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from html import escape

#: heads that a person reads, in their order
HEADS = ("From", "To", "Cc", "Bcc", "Date", "Subject")


@dataclass(slots=True)
class Enclosed:
    """A file in a mail; ``cid`` is what the text calls a picture by. ``kind`` is its media type."""

    name: str
    data: bytes
    kind: str = "application/octet-stream"
    cid: str = ""


@dataclass(slots=True)
class Mail:
    """``heads`` by name, decoded; ``body`` is HTML, piece by piece, of which nothing is trusted."""

    heads: dict[str, str] = field(default_factory=dict[str, str])
    body: list[str] = field(default_factory=list[str])
    files: list[Enclosed] = field(default_factory=list[Enclosed])

    @property
    def subject(self) -> str:
        """Its subject, or words in its place."""
        return self.heads.get("Subject", "").strip() or "Mail without a subject"


def paragraphs(text: str) -> str:
    """Plain text as HTML."""
    blocks = text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n")
    lines = [
        [escape(line.rstrip(), quote=False) for line in block.strip("\n").split("\n")] for block in blocks
    ]
    return "".join(f"<p>{'<br>'.join(some)}</p>" for some in lines if any(some))


def as_eml(mail: Mail) -> bytes:
    """A mail of another program in the form of all mails; what it encloses stays in it."""
    made = EmailMessage(policy=SMTP)
    for name, value in mail.heads.items():
        made[name] = " ".join(value.split())
    made.set_content("".join(mail.body) or "<p></p>", subtype="html", cte="base64")
    for each in mail.files:
        major, _, minor = each.kind.partition("/")
        if major in ("", "multipart", "message", "text") or not minor:
            major, minor = "application", "octet-stream"
        made.add_attachment(
            each.data, major, minor, filename=each.name, cid=f"<{each.cid}>" if each.cid else None
        )
    return made.as_bytes()
