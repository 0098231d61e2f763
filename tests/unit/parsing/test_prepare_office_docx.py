"""What a person sees in a Word file, and MinerU drops, is in its main text after preparing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradio_app.base.notes import Note
from gradio_app.parsing.parse import parse_document
from gradio_app.parsing.prepare import Wanted, prepare
from gradio_app.parsing.prepare.office import docx as preparer
from gradio_app.parsing.prepare.office import docx_notes
from gradio_app.parsing.prepare.office.number_formats import numeral
from tests.documents import picture, word
from tests.office import docx, p, parts_of, r, word_xml


def read(folder: Path, content: bytes, wanted: Wanted | None = None) -> tuple[str, list[Note]]:
    """The Markdown of a prepared file, and its notes. The file was changed, and only where it had to be."""
    source, out, result = folder / "source.docx", folder / "out", folder / "result"
    source.write_bytes(content)
    prepared = prepare(source, "docx", out, wanted or Wanted())
    assert prepared.kind == "docx"
    before, after = parts_of(source), parts_of(out)
    assert list(before) == list(after)
    assert {name for name in before if before[name] != after[name]} <= {
        "word/document.xml",
        "word/_rels/document.xml.rels",
        "word/header1.xml",
    }
    plain = out.rename(folder / "plain.docx")
    parse_document(str(plain), str(result), [], "flash", "")
    return (result / "document.md").read_text("utf-8"), prepared.notes


def left(folder: Path, content: bytes, wanted: Wanted | None = None) -> list[str]:
    """Codes of the notes of a file that stays as it is."""
    source, out = folder / "source.docx", folder / "out"
    source.write_bytes(content)
    prepared = prepare(source, "docx", out, wanted or Wanted())
    assert prepared.kind == "" and not out.exists()
    return [note.code for note in prepared.notes]


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def test_a_plain_document_is_left_alone(tmp_path: Path) -> None:
    assert left(tmp_path, word("Nothing unusual, only things and rings.")) == []


# ------------------------------------------------------------ notes and comments


def notes_part(kind: str, *texts: str) -> str:
    parts = "".join(
        f'<w:{kind} w:id="{number}"><w:p><w:r><w:{kind}Ref/></w:r>{text}</w:p></w:{kind}>'
        for number, text in enumerate(texts, 1)
    )
    return word_xml(f"{kind}s", f'<w:{kind} w:type="separator" w:id="0"><w:p/></w:{kind}>{parts}')


def reference(kind: str, number: int) -> str:
    return f'<w:r><w:{kind}Reference w:id="{number}"/></w:r>'


def test_footnotes_and_endnotes_have_numbers_and_stand_at_the_end(tmp_path: Path) -> None:
    link = '<w:hyperlink r:id="rId1"><w:r><w:t>the register</w:t></w:r></w:hyperlink>'
    content = docx(
        p("The mast", reference("footnote", 2), " is of oak", reference("footnote", 1), ".")
        + f"<w:tbl><w:tr><w:tc>{p('The keel', reference('endnote', 1))}</w:tc></w:tr></w:tbl>"
        + p("<w:del><w:r><w:footnoteReference w:id='3'/></w:r></w:del>", "The end."),
        {
            "footnotes.xml": notes_part("footnote", r(" Felled in the north."), link, r("Struck out.")),
            "endnotes.xml": notes_part("endnote", r(" Laid in spring.")),
            "_rels/footnotes.xml.rels": (
                '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
                '<Relationship Id="rId1" Target="https://example.org/register" TargetMode="External" '
                'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"/>'
                "</Relationships>"
            ),
        },
    )
    text, notes = read(tmp_path, content)
    assert notes == []
    found = lines(text)
    assert found[0] == "The mast<sup>[1]</sup> is of oak<sup>[2]</sup>."
    assert "The keel" in text and "i" in found[1]
    assert found[-3:] == [
        "[1] [the register](https://example.org/register)",
        "[2] Felled in the north.",
        "[i] Laid in spring.",
    ]


COMMENTED = docx(
    p('<w:commentRangeStart w:id="7"/>', "The price", '<w:commentRangeEnd w:id="7"/>',
      '<w:r><w:commentReference w:id="7"/></w:r>', " is high."),
    {"comments.xml": word_xml("comments", '<w:comment w:id="7" w:author="Ida Holm"><w:p><w:r>'
                                          "<w:t>Ask again.</w:t></w:r></w:p></w:comment>")},
)  # fmt: skip


def test_comments_stand_at_the_end_with_author_and_place(tmp_path: Path) -> None:
    text, notes = read(tmp_path, COMMENTED)
    assert lines(text) == ["The price is high.", "Comment by Ida Holm on “The price”: Ask again."]
    assert notes == []


def test_comments_are_left_out_as_asked(tmp_path: Path) -> None:
    assert left(tmp_path, COMMENTED, Wanted(comments=False)) == ["comments_left_out"]


# ------------------------------------------------------------ signs and forms


def test_signs_and_boxes_are_text(tmp_path: Path) -> None:
    box = (
        "<w:sdt><w:sdtPr><w14:checkbox><w14:checked w14:val='{}'/></w14:checkbox></w:sdtPr>"
        "<w:sdtContent>{}</w:sdtContent></w:sdt>"
    )
    field = (
        '<w:r><w:fldChar w:fldCharType="begin"><w:ffData>{}</w:ffData></w:fldChar></w:r>'
        '<w:r><w:instrText> FORM </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )
    choice = '<w:ddList><w:result w:val="1"/><w:listEntry w:val="red"/><w:listEntry w:val="blue"/></w:ddList>'
    content = docx(
        p('<w:r><w:sym w:font="Wingdings" w:char="F0FC"/></w:r>', " done")
        + p('<w:r><w:sym w:font="Symbol" w:char="0061"/></w:r>', " angle")
        + p(r("\uf0a8", '<w:rFonts w:ascii="Wingdings"/>'), " open")
        + p(r("þ", '<w:rFonts w:ascii="Wingdings"/>'), " shut")
        + p(box.format(1, r("☒")), " lamp ", box.format(0, "<w:r/>"), " rope")
        + p("Oars: ", field.format('<w:checkBox><w:default w:val="0"/><w:checked/></w:checkBox>'))
        + p("Sails: ", field.format('<w:checkBox><w:default w:val="0"/></w:checkBox>'))
        + p("Colour: ", field.format(choice), ".")
        + f"<w:tbl><w:tr><w:tc>{p(box.format(0, r('☐')), ' in a cell')}</w:tc></w:tr></w:tbl>"
    )
    text, _ = read(tmp_path, content)
    assert lines(text)[:8] == [
        "✓ done", "α angle", "☐ open", "☒ shut", "☒ lamp ☐ rope", "Oars: ☒", "Sails: ☐", "Colour: blue.",
    ]  # fmt: skip
    assert "☐ in a cell" in text


def test_hidden_text_is_not_in_the_result_and_said(tmp_path: Path) -> None:
    styles = '<w:style w:type="paragraph" w:styleId="Veil"><w:rPr><w:vanish/></w:rPr></w:style>'
    content = docx(
        p("Open. ", r("Secret sum.", "<w:vanish/>"), r("Shown.", '<w:vanish w:val="0"/>'))
        + p("A hidden line.", style="Veil"),
        {"styles.xml": word_xml("styles", styles)},
    )
    text, notes = read(tmp_path, content)
    assert lines(text) == ["Open. Shown."]
    assert [note.code for note in notes] == ["hidden_text"] and "5 hidden words" in notes[0].message


def test_blanks_beside_an_underlined_word_are_no_line(tmp_path: Path) -> None:
    line = '<w:u w:val="single"/>'
    text, _ = read(tmp_path, docx(p("Date ", r("  4 June ", line), "here") + p("Sign: ", r("    ", line))))
    assert lines(text)[0].split() == ["Date", "<u>4", "June</u>", "here"]
    assert lines(text)[1].replace("\\", "") == "Sign: ____"


# ------------------------------------------------------------ labels


def numbering(*levels: tuple[str, str], more: str = "") -> str:
    inside = "".join(
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>'
        f'<w:lvlText w:val="{text}"/>{more if at == 1 else ""}</w:lvl>'
        for at, (form, text) in enumerate(levels)
    )
    nums = '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
    again = (
        '<w:num w:numId="2"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0">'
        '<w:startOverride w:val="5"/></w:lvlOverride></w:num>'
    )
    return word_xml("numbering", f'<w:abstractNum w:abstractNumId="0">{inside}</w:abstractNum>{nums}{again}')


def test_labels_are_as_they_are_shown(tmp_path: Path) -> None:
    levels = (("upperRoman", "Article %1"), ("decimalZero", "Section %1.%2"), ("lowerLetter", "(%3)"))
    content = docx(
        p("Ships", num="1")
        + p("Hulls", num="1", level=1)
        + p("wood", num="1", level=2)
        + p("iron", num="1", level=2)
        + p("Masts", num="1", level=1)
        + p("oak", num="1", level=2)
        + p("Ports", num="1")
        + p("Piers", num="1", level=1)
        + p("Later", num="2"),
        {"numbering.xml": numbering(*levels, more="<w:isLgl/>")},
    )
    text, _ = read(tmp_path, content)
    assert lines(text) == [
        "Article I Ships", "Section 1.1 Hulls", "(a) wood", "(b) iron", "Section 1.2 Masts", "(a) oak",
        "Article II Ports", "Section 2.1 Piers", "Article V Later",
    ]  # fmt: skip


def test_chinese_articles_are_no_dots(tmp_path: Path) -> None:
    content = docx(
        p("船舶", num="1") + p("港口", num="1"), {"numbering.xml": numbering(("chineseCounting", "第%1条"))}
    )
    assert lines(read(tmp_path, content)[0]) == ["第一条 船舶", "第二条 港口"]


def test_headings_and_cells_have_their_labels(tmp_path: Path) -> None:
    heading = '<w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/><w:pPr><w:numPr>'
    styles = heading + '<w:numId w:val="1"/></w:numPr><w:outlineLvl w:val="0"/></w:pPr></w:style>'
    cell = p("first", num="2") + p("second", num="2")
    content = docx(
        p("Scope", style="H1") + p("Terms", style="H1") + f"<w:tbl><w:tr><w:tc>{cell}</w:tc></w:tr></w:tbl>",
        {
            "numbering.xml": numbering(("upperLetter", "Part %1:")),
            "styles.xml": word_xml("styles", styles),
        },
    )
    text, _ = read(tmp_path, content)
    assert "Part A: Scope" in text and "Part B: Terms" in text
    assert "Part E: first" in text and "Part F: second" in text


def test_a_list_of_titles_stays_one_of_headings(tmp_path: Path) -> None:
    content = docx(
        p("Scope", num="1")
        + p("All ships.")
        + p("Sails", num="1", level=1)
        + p("All sails.")
        + p("Every owner keeps a book of the voyages.", num="1", level=1),
        {
            "numbering.xml": numbering(("upperRoman", "%1."), ("decimal", "%1.%2")),
            "styles.xml": word_xml("styles", ""),
        },
    )
    source, out = tmp_path / "source.docx", tmp_path / "out.docx"
    source.write_bytes(content)
    assert prepare(source, "docx", out, Wanted()).kind == "docx"
    parse_document(str(out), str(tmp_path / "result"), [], "flash", "")
    assert lines((tmp_path / "result" / "document.md").read_text("utf-8")) == [
        "## I. Scope", "All ships.", "### I.1 Sails", "All sails.",
        "I.2 Every owner keeps a book of the voyages.",
    ]  # fmt: skip


def test_a_list_that_mineru_shows_right_is_left_alone(tmp_path: Path) -> None:
    content = docx(
        p("one", num="1") + p("dot", num="1", level=1) + p("two", num="1") + p("five", num="2"),
        {"numbering.xml": numbering(("decimal", "%1."), ("bullet", "-"))},
    )
    assert left(tmp_path, content) == []


@pytest.mark.parametrize(
    ("number", "form", "text"),
    [
        (1994, "upperRoman", "MCMXCIV"), (28, "lowerLetter", "bb"), (21, "ordinal", "21st"),
        (12, "ordinalText", "Twelfth"), (42, "cardinalText", "Forty-two"), (10, "chineseCounting", "十"),
        (105, "chineseCounting", "一百〇五"),
        (20, "chineseCounting", "二十"), (3, "decimalEnclosedCircle", "③"),
        (7, "unheard of", "7"), (10**9, "upperRoman", "1000000000"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_word_does(number: int, form: str, text: str) -> None:
    assert numeral(number, form) == text


# ------------------------------------------------------------ drawings


def drawing(inside: str, description: str = "") -> str:
    return (
        f'<w:r><w:drawing><wp:inline><wp:extent cx="900000" cy="900000"/><wp:docPr id="1" name="D" '
        f'descr="{description}"/><a:graphic>{inside}</a:graphic></wp:inline></w:drawing></w:r>'
    )


PICTURE = (
    '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic><pic:blipFill>'
    '<a:blip r:embed="rId1"/></pic:blipFill></pic:pic></a:graphicData>'
)


def test_alternative_texts_stand_below_their_pictures(tmp_path: Path) -> None:
    content = docx(
        p("Before ", drawing(PICTURE, "A lighthouse in fog"))
        + p(drawing(PICTURE, "A boat Description automatically generated"))
        + p("After"),
        {"media/image1.png": picture(40, 30)},
    )
    text, _ = read(tmp_path, content)
    assert text.count("[Picture: ") == 1
    assert text.index("Before") < text.index("[Picture: A lighthouse in fog]") < text.index("After")


def test_points_of_a_diagram_are_lines(tmp_path: Path) -> None:
    def point(id_: str, text: str) -> str:
        return f'<dgm:pt modelId="{id_}"><dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t></dgm:pt>'

    model = word_xml(
        "model",
        '<dgm:pt modelId="0" type="doc"/>'
        + point("3", "Row home")
        + point("1", "Cast off")
        + point("2", "mind the rope")
        + '<dgm:pt modelId="9" type="pres"/><dgm:cxn srcId="0" destId="1" srcOrd="0"/>'
        + '<dgm:cxn srcId="0" destId="3" srcOrd="1"/><dgm:cxn srcId="1" destId="2" srcOrd="0"/>'
        + '<dgm:cxn srcId="2" destId="1" srcOrd="0"/>',
    )
    ids = '<a:graphicData><dgm:relIds r:dm="rId1"/></a:graphicData>'
    text, _ = read(tmp_path, docx(p(drawing(ids)) + p("After"), {"diagrams/data1.xml": model}))
    assert lines(text) == ["• Cast off", "– mind the rope", "• Row home", "After"]


# ------------------------------------------------------------ documents inside

HTML = (
    "<html><head><title>no</title><style>p {}</style></head><body><h1>Rules</h1>"
    "Come <b>early</b>.<p>Stay late.</p><script>no()</script>"
    "<table><tr><th>port</th><td>East</td></tr></table></body></html>"
)
MAIL = f"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{HTML}"


@pytest.mark.parametrize(
    ("chunk", "expected"),
    [
        (HTML, ["Rules", "Come early.", "Stay late."]),
        (MAIL, ["Rules", "Come early.", "Stay late."]),
        ("Only words.\n\nAnd more.", ["Only words.", "And more."]),
        (docx(p("An inner page.")), ["An inner page."]),
    ],
    ids=["html", "mail", "text", "word"],
)
def test_documents_inside_stand_in_their_place(
    tmp_path: Path, chunk: str | bytes, expected: list[str]
) -> None:
    content = docx(p("Before.") + '<w:altChunk r:id="rId1"/>' + p("After."), {"chunk1.htm": chunk})
    text, notes = read(tmp_path, content)
    found = lines(text)
    assert [found[0], *found[1 : len(expected) + 1], found[-1]] == ["Before.", *expected, "After."]
    assert notes == [] and "no" not in text.split() and ("port" in text) == ("Rules" in expected)


def test_a_document_inside_that_is_not_read_is_told(tmp_path: Path) -> None:
    content = docx(p("Before.") + '<w:altChunk r:id="rId1"/>', {"chunk1.rtf": "{\\rtf1 words}"})
    assert left(tmp_path, content) == ["content_left_out"]


# ------------------------------------------------------------ faults


def test_a_step_that_fails_leaves_the_work_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise ValueError("broken")

    monkeypatch.setattr(docx_notes, "_append", fail)
    content = docx(
        p("Text", reference("footnote", 1), '<w:r><w:sym w:font="Wingdings" w:char="F0FC"/></w:r>'),
        {"footnotes.xml": notes_part("footnote", r("A note."))},
    )
    text, notes = read(tmp_path, content)
    assert lines(text) == ["Text✓"]
    assert [note.code for note in notes] == ["not_prepared"] and "Footnotes" in notes[0].message


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    content = docx(p("Text", reference("footnote", 1)), {"footnotes.xml": "<w:footnotes"})
    assert left(tmp_path, content) == ["not_prepared"]


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    notes = notes_part("footnote", "<w:r><w:t>&leak;</w:t></w:r>").replace(
        "<w:footnotes", f'<!DOCTYPE x [<!ENTITY leak SYSTEM "{secret.as_uri()}">]><w:footnotes', 1
    )
    text, _ = read(tmp_path, docx(p("Text", reference("footnote", 1)), {"footnotes.xml": notes}))
    assert "secret" not in text


def test_what_is_not_a_zip_is_left_for_the_reader(tmp_path: Path) -> None:
    assert left(tmp_path, b"PK\3\4 but no more") == ["not_prepared"]
    assert preparer.prepare.__doc__
