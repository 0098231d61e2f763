"""RTF shows what a person sees: nothing that was deleted, and signs instead of letters."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradio_app.parsing.parse import parse_document
from gradio_app.parsing.prepare import Wanted, prepare

HEAD = (
    rb"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fnil Arial;}{\f1\fcharset2 Symbol;}"
    rb"{\f2\ftech\fcharset2{\*\panose 05000000000000000000}Wingdings;}}"
)


def read(folder: Path, body: bytes) -> list[str]:
    """The lines of a prepared file."""
    source, out = folder / "source.rtf", folder / "out"
    source.write_bytes(HEAD + body + b"}")
    prepared = prepare(source, "rtf", out, Wanted())
    assert (prepared.kind, prepared.notes) == ("rtf", [])
    parse_document(str(out.rename(folder / "plain.rtf")), str(folder / "result"), [], "flash", "")
    text = (folder / "result" / "document.md").read_text("utf-8")
    return [line for line in text.splitlines() if line.strip()]


def test_a_plain_file_is_left_alone(tmp_path: Path) -> None:
    source = tmp_path / "source.rtf"
    source.write_bytes(HEAD.replace(b"\\fcharset2", b"") + rb"Only text.\par}")
    assert prepare(source, "rtf", tmp_path / "out", Wanted()).kind == ""
    source.write_bytes(HEAD + rb"Only text.\par}")  # the fonts are named and never used
    assert prepare(source, "rtf", tmp_path / "out", Wanted()).kind == ""


@pytest.mark.parametrize(
    "deleted",
    [
        rb"{\deleted\revauthdel1 gone }", rb"{\b\deleted go{\i ne} \'fcber\u8364?}",
        rb"\deleted gone\deleted0  ",
        rb"{\deleted gone\par gone}",
    ],
)  # fmt: skip
def test_deleted_text_is_left_out(tmp_path: Path, deleted: bytes) -> None:
    text = " ".join(read(tmp_path, rb"The mast " + deleted + rb"is {\revised new}.\par"))
    assert "go" not in text and "ber" not in text and "€" not in text
    assert text.split() == ["The", "mast", "is", "new."]


def test_letters_of_symbol_fonts_are_signs(tmp_path: Path) -> None:
    body = rb"{\f1 ab}, {\f1\'b7} x {\f2\'fe} done {\f2 \'a8} open \u-3842? shut {\f0 ab}\par"
    assert read(tmp_path, body) == ["αβ, • x ☒ done ☐ open ☒ shut ab"]


def test_check_boxes_show_their_state(tmp_path: Path) -> None:
    def box(chosen: int, usual: int) -> bytes:
        form = rb"{\*\formfield{\fftype1\ffres%d\ffdefres%d}}" % (chosen, usual)
        return rb"{\field{\*\fldinst FORMCHECKBOX " + form + rb"}{\fldrslt }}"

    body = box(1, 0) + rb" oars " + box(0, 1) + rb" sails " + box(25, 1) + rb" lamp\par"
    assert read(tmp_path, body) == ["☒ oars ☐ sails ☒ lamp"]


def test_labels_are_there_once(tmp_path: Path) -> None:
    body = rb"{\pntext\f0 (a)\tab}{\*\pn\pnlvlbody\pnlcltr{\pntxtb (}{\pntxta )}}oak\par"
    assert [line.split() for line in read(tmp_path, body)] == [["(a)", "oak"]]


def test_binary_data_is_not_read_as_text(tmp_path: Path) -> None:
    source, out = tmp_path / "source.rtf", tmp_path / "out"
    data = rb"{\pict\bin9 \deleted{}{\deleted gone}kept\par"
    source.write_bytes(HEAD + data + b"}")
    assert prepare(source, "rtf", out, Wanted()).kind == "rtf"
    assert b"\\bin9 \\deleted{" in out.read_bytes() and b"gone" not in out.read_bytes()


def test_groups_without_end_are_told(tmp_path: Path) -> None:
    source = tmp_path / "source.rtf"
    source.write_bytes(HEAD + b"{\\deleted a" * 20_000)
    prepared = prepare(source, "rtf", tmp_path / "out", Wanted())
    assert prepared.kind == "" and [note.code for note in prepared.notes] == ["not_prepared"]
