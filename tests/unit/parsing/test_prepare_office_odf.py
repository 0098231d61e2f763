"""What a person sees in OpenDocument files, and MinerU drops, is in their text."""

from __future__ import annotations

from pathlib import Path

from gradio_app.base.notes import Note
from gradio_app.parsing.parse import parse_document
from gradio_app.parsing.prepare import Wanted, prepare
from tests.office import odf, parts_of

COMMENT = (
    "<office:annotation><dc:creator>Ida Holm</dc:creator><text:p>Ask <text:span>again.</text:span></text:p>"
    "</office:annotation>"
)
SHEET = (
    '<table:table table:name="Ports"><table:table-row><table:table-cell office:value-type="string">'
    "<text:p>port</text:p></table:table-cell><table:table-cell><text:p>share</text:p></table:table-cell>"
    '</table:table-row><table:table-row><table:table-cell office:value-type="string"><text:p>East</text:p>'
    '</table:table-cell><table:table-cell office:value-type="percentage" office:value="0.475">'
    "<text:p>47.5%</text:p>{}</table:table-cell></table:table-row>{}</table:table>"
)


def read(folder: Path, kind: str, content: bytes, wanted: Wanted | None = None) -> tuple[str, list[Note]]:
    """The Markdown of a prepared file, and its notes. Only its text was changed."""
    source, out, result = folder / f"source.{kind}", folder / "out", folder / "result"
    source.write_bytes(content)
    prepared = prepare(source, kind, out, wanted or Wanted())
    assert prepared.kind == kind
    before, after = parts_of(source), parts_of(out)
    assert list(before) == list(after) and next(iter(before)) == "mimetype"
    assert [name for name in before if before[name] != after[name]] == ["content.xml"]
    plain = out.rename(folder / f"plain.{kind}")
    parse_document(str(plain), str(result), [], "flash", "")
    return (result / "document.md").read_text("utf-8"), prepared.notes


def test_plain_files_are_left_alone(tmp_path: Path) -> None:
    for kind, body in (("odt", "<text:p>Words.</text:p>"), ("ods", SHEET.format("", ""))):
        source = tmp_path / f"source.{kind}"
        source.write_bytes(odf(kind, body))
        assert prepare(source, kind, tmp_path / "out", Wanted()).kind == ""
        assert not (tmp_path / "out").exists()


def test_the_only_sheet_has_its_name_as_a_heading(tmp_path: Path) -> None:
    text, _ = read(tmp_path, "ods", odf("ods", SHEET.format(COMMENT, "")))
    assert text.startswith("## Ports\n")


def test_comments_of_a_text_name_their_author(tmp_path: Path) -> None:
    text, _ = read(tmp_path, "odt", odf("odt", f"<text:p>The price{COMMENT} is high.</text:p>"))
    assert "The price is high." in text and "Comment by Ida Holm: Ask again." in text


def test_comments_on_cells_stand_below_their_sheet(tmp_path: Path) -> None:
    text, _ = read(tmp_path, "ods", odf("ods", SHEET.format(COMMENT, "")))
    assert text.index("| East | 47.5% |") < text.index("\n\nComment by Ida Holm: Ask again.")


def test_comments_on_a_slide_stand_at_its_end(tmp_path: Path) -> None:
    page = (
        '<draw:page draw:name="p"><draw:frame svg:x="1cm" svg:y="1cm"><draw:text-box><text:p>The harbour'
        f"</text:p></draw:text-box></draw:frame>{COMMENT}</draw:page>"
    )
    text, _ = read(tmp_path, "odp", odf("odp", page))
    assert text.index("The harbour") < text.index("Comment by Ida Holm: Ask again.")


def test_comments_are_left_out_as_asked(tmp_path: Path) -> None:
    body = f"<text:p>The price{COMMENT} is high.</text:p>"
    text, notes = read(tmp_path, "odt", odf("odt", body), Wanted(comments=False))
    assert text.strip() == "The price is high."
    assert [note.code for note in notes] == ["comments_left_out"]


def test_hidden_words_are_left_out(tmp_path: Path) -> None:
    style = '<style:style style:name="H"><style:text-properties text:display="none"/></style:style>'
    body = '<text:p>Open <text:span text:style-name="H">secret sum</text:span> and shown.</text:p>'
    text, notes = read(tmp_path, "odt", odf("odt", body, style))
    assert text.split() == ["Open", "and", "shown."]
    assert [note.code for note in notes] == ["hidden_text"]


def test_formulas_without_values_are_shown_and_named(tmp_path: Path) -> None:
    row = (
        "<table:table-row><table:table-cell><text:p>West</text:p></table:table-cell>"
        '<table:table-cell table:formula="of:=[.B2]*2"/></table:table-row>'
    )
    text, notes = read(tmp_path, "ods", odf("ods", SHEET.format("", row)))
    assert "| West | =[.B2]*2 |" in text
    assert [note.code for note in notes] == ["formulas_without_values"] and "Ports, row 3" in notes[0].message
