"""Mails (.eml, .msg): heads, text, pictures in it, what came with them, and hostile ones."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from gradio_app.base.errors import FileCorrupt, TooManyFiles
from gradio_app.parsing.containers import Limits, Parts, open_container
from gradio_app.parsing.containers.outlook import unpacked_rtf
from gradio_app.parsing.kinds import kind_of_file
from gradio_app.parsing.prepare.prepared import Wanted
from tests.documents import picture
from tests.outlook import attachment, binary, compound, enclosed, message, wide

LIMITS = Limits(20, 5_000_000, 20_000_000)


class Opened:
    """A mail that was taken apart."""

    def __init__(self, folder: Path, data: bytes, kind: str = "eml", limits: Limits | None = LIMITS) -> None:
        source = folder / f"document.{kind}"
        source.write_bytes(data)
        assert kind_of_file(source) == kind
        parts = Parts(folder / "parts" if limits else None, limits)
        prepared = open_container(source, kind, folder / "page", Wanted(), parts)
        self.page = (folder / "page").read_text("utf-8")
        self.names = parts.paths
        self.files = [(folder / "parts" / str(number)).read_bytes() for number in range(len(parts.paths))]
        self.notes = {note.code: note.message for note in prepared.notes}


def letter(html: str = "") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Cc"] = (
        "Änne Müller <anne@example.org>",
        "bob@example.org",
        "c@example.org",
    )
    mail["Date"], mail["Subject"] = "Mon, 02 Nov 2026 10:00:00 +0100", "Grüße aus Köln"
    mail.set_content("The plain text.\n\nIts second paragraph <tag>.")
    if html:
        mail.add_alternative(html, subtype="html")
    return mail


def test_heads_and_text(tmp_path: Path) -> None:
    mail = Opened(tmp_path, letter().as_bytes())
    for part in ("<h1>Grüße aus Köln</h1>", "Änne Müller &lt;anne@example.org&gt;", "bob@example.org"):
        assert part in mail.page
    assert "c@example.org" in mail.page and "02 Nov 2026" in mail.page
    assert "<p>The plain text.</p>" in mail.page and "paragraph &lt;tag&gt;" in mail.page
    assert mail.names == [] and mail.notes == {}


def test_of_alternatives_the_page_and_nothing_that_acts(tmp_path: Path) -> None:
    page = "<html><head><title>t</title><style>p{}</style></head><body>First<p>Second <b>bold</b></p>"
    page += "<script>alert(1)</script><iframe src='http://x'></iframe><form><p>Third</p></form></body></html>"
    mail = Opened(tmp_path, letter(page).as_bytes())
    assert "First" in mail.page and "<b>bold</b>" in mail.page and "Third" in mail.page
    assert "plain text" not in mail.page
    assert not any(word in mail.page for word in ("alert", "iframe", "<form", "p{}"))


def test_pictures_of_the_text_stay_in_it_and_others_are_documents(tmp_path: Path) -> None:
    mail = letter('<p>Look: <img src="cid:one@x"> and <img src="cid:missing"></p>')
    related = mail.get_payload()[1]  # type: ignore[index]
    related.add_related(picture(40, 30), "image", "png", cid="<one@x>")  # type: ignore[union-attr]
    related.add_related(picture(30, 30, 2), "image", "png", cid="<two@x>", filename="two.png")  # type: ignore[union-attr]
    opened = Opened(tmp_path, mail.as_bytes())
    assert opened.page.count("data:image/png;base64,") == 1
    assert opened.names == ["two.png"] and opened.files == [picture(30, 30, 2)]


def test_a_picture_that_is_shown_thousands_of_times(tmp_path: Path) -> None:
    mail = letter('<p><img src="CID:one@x"></p>' * 5000)
    noise = picture(300, 300, 3) + bytes(1_000_000)
    mail.get_payload()[1].add_related(noise, "image", "png", cid="<one@x>")  # type: ignore[index,union-attr]
    opened = Opened(tmp_path, mail.as_bytes())
    assert 10 < opened.page.count("data:image") < 30 and len(opened.page) < 40_000_000 and opened.names == []


def test_a_page_of_very_many_levels(tmp_path: Path) -> None:
    opened = Opened(tmp_path, letter("<div>" * 50_000 + "the deepest words").as_bytes())
    assert "the deepest words" in opened.page


def test_what_came_with_it(tmp_path: Path) -> None:
    mail, inner = letter(), letter()
    inner.replace_header("Subject", "An older mail")
    inner.add_attachment(b"deep", "application", "pdf", filename="deep.pdf")
    mail.add_attachment(b"a;b\n1;2\n", "text", "csv", filename="wörte/../x.csv")
    mail.add_attachment(b"MZ", "application", "octet-stream", filename="tool.exe")
    mail.add_attachment(inner)
    opened = Opened(tmp_path, mail.as_bytes())
    assert [name.rpartition("/")[2] for name in opened.names] == ["x.csv", "An older mail.eml"]
    assert "2 documents" in opened.notes["parts_queued"]
    assert "tool.exe" in opened.notes["attachments_not_converted"] and "tool.exe" in opened.page
    (tmp_path / "inner").mkdir()
    again = Opened(tmp_path / "inner", opened.files[1], limits=None)
    assert "An older mail" in again.page and again.names == []
    assert "deep.pdf" in again.notes["attachments_not_converted"]


def test_letters_of_other_programs(tmp_path: Path) -> None:
    raw = "Subject: Счёт за март\r\nFrom: Иван\r\nContent-Type: text/plain; charset=windows-1251"
    raw += "\r\n\r\nПривет всем"
    mail = Opened(tmp_path, raw.encode("cp1251"))
    assert "Привет всем" in mail.page and "Счёт за март" in mail.page
    unknown = b"Subject: =?nonsense?B?AAAA?= =?utf-8?B?broken\nContent-Type: text/plain; charset=never"
    unknown += b"\n\nPlain words"
    assert "Plain words" in Opened(tmp_path, unknown).page


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: multipart/mixed\n\nNo boundary, only words.",
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nonly words.",
        b"Subject x\nno colon\n\nonly words.",
        b"Content-Type: message/rfc822\n\nonly words.",
        b"Content-Transfer-Encoding: base64\n\n!!! only words.",
        b"Content-Type: \xff\xfe;;;=\nSubject: \x80\n\nonly words.",
        b"only words.",
    ],
    ids=range(7),
)
def test_broken_mails_are_read_as_far_as_they_go(tmp_path: Path, raw: bytes) -> None:
    opened = Opened(tmp_path, raw)
    assert "only words" in opened.page.replace("\n", " ") or opened.names, opened.page


def test_ten_thousand_parts(tmp_path: Path) -> None:
    part = b"--x\nContent-Disposition: attachment; filename=a%d.txt\n\nx\n"
    head = b"Content-Type: multipart/mixed; boundary=x\n\n"
    with pytest.raises(TooManyFiles, match="More than 20"):
        Opened(tmp_path, head + b"".join(part % number for number in range(10_000)) + b"--x--\n")
    texts = head + b"--x\n\nword\n" * 10_000 + b"--x--\n"
    assert Opened(tmp_path, texts).page.count("word") == 10_000


@pytest.mark.parametrize("kind", ["multipart/mixed", "message/rfc822"])
def test_a_thousand_mails_in_each_other(tmp_path: Path, kind: str) -> None:
    if kind == "message/rfc822":
        raw = b"Content-Type: message/rfc822\n\n" * 2000 + b"Subject: last\n\nwords"
    else:
        raw = b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2000)
        )
    try:
        Opened(tmp_path, raw)
    except FileCorrupt as error:
        assert "nested" in error.message


# ---------------------------------------------------------------- Outlook


def test_a_mail_of_outlook(tmp_path: Path) -> None:
    inner = message("An inner mail", wide(0x1000, "inner text"), [attachment("deep.pdf", b"x")], inner=True)
    texts = (
        wide(0x1000, "The plain text.\r\n\r\nMore.") | wide(0xC1A, "Änne") | wide(0x5D01, "anne@example.org")
    )
    texts |= wide(0xE04, "Bob") | wide(0xE03, "Carl")
    tree = message(
        "Grüße",
        texts,
        [
            attachment("table.csv", b"a;b\n1;2\n"),
            enclosed("An inner mail", inner),
            attachment("tool.exe", b"MZ"),
        ],
        sent=134_000_000_000_000_000,
    )
    mail = Opened(tmp_path, compound(tree), "msg")
    for part in ("<h1>Grüße</h1>", "Änne &lt;anne@example.org&gt;", "Bob", "Carl", "2025", "The plain text."):
        assert part in mail.page
    assert mail.names == ["table.csv", "An inner mail.eml"] and mail.files[0] == b"a;b\n1;2\n"
    assert b"Subject: An inner mail" in mail.files[1]
    assert "tool.exe" in mail.notes["attachments_not_converted"]
    (tmp_path / "inner").mkdir()
    again = Opened(tmp_path / "inner", mail.files[1], limits=None)
    assert "inner text" in again.page and "deep.pdf" in again.notes["attachments_not_converted"]


def test_the_page_of_a_mail_of_outlook_with_its_pictures(tmp_path: Path) -> None:
    page = '<html><head><meta charset="windows-1252"></head><body><p>Caf\xe9 <img src="cid:a@b"></p></body>'
    transport = "From: =?utf-8?q?=C3=84nne?= <anne@example.org>\r\nTo: list@example.org\r\n\r\n"
    texts = wide(0x1000, "plain") | binary(0x1013, page.encode("cp1252")) | wide(0x7D, transport)
    tree = message("Page", texts, [attachment("a.png", picture(40, 40), "image/png", "a@b")])
    mail = Opened(tmp_path, compound(tree), "msg")
    assert "Café" in mail.page and "data:image/png" in mail.page and mail.names == []
    assert "Änne &lt;anne@example.org&gt;" in mail.page and "list@example.org" in mail.page


def test_a_text_that_only_rich_text_has(tmp_path: Path) -> None:
    # the example of MS-OXRTFCP, 3.1.1
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert unpacked_rtf(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    mail = Opened(tmp_path, compound(message("Rich", binary(0x1009, packed))), "msg")
    assert mail.names == ["text of the mail.rtf"] and mail.files[0].startswith(b"{\\rtf1")


@pytest.mark.parametrize("cut", [600, 1100, 2000, 3000])
def test_a_damaged_mail_of_outlook(tmp_path: Path, cut: int) -> None:
    whole = compound(message("Cut", wide(0x1000, "text"), [attachment("a.txt", b"x" * 5000)]))
    (tmp_path / "document.msg").write_bytes(whole[:cut])
    try:
        open_container(
            tmp_path / "document.msg", "msg", tmp_path / "page", Wanted(), Parts(tmp_path / "parts", LIMITS)
        )
    except FileCorrupt:
        assert not (tmp_path / "page").exists()
