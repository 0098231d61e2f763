"""What a person sees on slides, and MinerU drops, is in their text; damaged parts do not lose the others."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from gradio_app.base.errors import FileCorrupt
from gradio_app.parsing.parse import parse_document
from gradio_app.parsing.prepare import Prepared, Wanted, prepare
from tests.documents import picture
from tests.office import docx, p, zipped

SLIDE, RELATIONS = "ppt/slides/slide1.xml", "ppt/slides/_rels/slide1.xml.rels"
_TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
Edit = Callable[[dict[str, bytes]], None]


def deck(chart: bool = False) -> bytes:
    """One slide with a title, a text and a picture, and perhaps a chart with a title."""
    made, out = Presentation(), io.BytesIO()
    slide: Any = made.slides.add_slide(made.slide_layouts[5])
    slide.shapes.title.text = "The harbour"
    slide.shapes.add_textbox(Inches(1), Inches(2), Inches(4), Inches(1)).text_frame.text = "The quay is long."
    slide.shapes.add_picture(io.BytesIO(picture(60, 40)), Inches(1), Inches(4), Inches(2))
    if chart:
        data = CategoryChartData()
        data.categories = ["East", "West"]
        data.add_series("Boats", (3, 4.5))
        place = (Inches(5), Inches(2), Inches(4), Inches(3))
        drawn = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data).chart
        drawn.has_title = True
        drawn.chart_title.text_frame.text = "Boats by quay"
    slide.notes_slide.notes_text_frame.text = "Thank the pilots."
    made.save(out)
    return out.getvalue()


def edited(content: bytes, edit: Edit) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    edit(parts)
    return zipped(parts)


def related(parts: dict[str, bytes], kind: str, target: str, content: str) -> None:
    """Adds a part that the slide points to as ``rId77``."""
    parts[f"ppt/{target}"] = content.encode()
    one = f'<Relationship Id="rId77" Type="{_TYPES}/{kind}" Target="../{target}"/></Relationships>'
    parts[RELATIONS] = parts[RELATIONS].replace(b"</Relationships>", one.encode())


def prepared(
    folder: Path, content: bytes, wanted: Wanted | None = None, kind: str = "pptx"
) -> tuple[Path, Prepared]:
    """Where the plain file is, and what was said of it."""
    source, out = folder / f"source.{kind}", folder / "out"
    source.write_bytes(content)
    found = prepare(source, kind, out, wanted or Wanted())
    return (out.rename(folder / f"plain.{kind}") if found.kind else source), found


def markdown(folder: Path, plain: Path) -> str:
    parse_document(str(plain), str(folder / "result"), [], "flash", "")
    return (folder / "result" / "document.md").read_text("utf-8")


def test_a_plain_presentation_is_left_alone(tmp_path: Path) -> None:
    plain, found = prepared(tmp_path, deck())
    assert (found.kind, found.notes) == ("", [])
    assert "Thank the pilots." in markdown(tmp_path, plain)


def test_titles_of_charts_stand_with_their_values(tmp_path: Path) -> None:
    text = markdown(tmp_path, prepared(tmp_path, deck(chart=True))[0])
    assert text.index("The quay is long.") < text.index("Boats by quay") < text.index("| East | 3 |")


def with_diagram(parts: dict[str, bytes]) -> None:
    points = "".join(
        f'<dgm:pt modelId="{n}"><dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t></dgm:pt>'
        for n, text in enumerate(("Cast off", "Row home"), 1)
    )
    names = (
        'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    )
    related(parts, "diagramData", "diagrams/data1.xml", f"<dgm:dataModel {names}>{points}</dgm:dataModel>")
    frame = (
        '<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="40" name="d"/><p:cNvGraphicFramePr/><p:nvPr/>'
        '</p:nvGraphicFramePr><p:xfrm><a:off x="914400" y="3000000"/><a:ext cx="30000" cy="90000"/></p:xfrm>'
        '<a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/diagram">'
        f'<dgm:relIds {names} xmlns:r="{_TYPES}" r:dm="rId77"/></a:graphicData></a:graphic></p:graphicFrame>'
    )
    parts[SLIDE] = parts[SLIDE].replace(b"</p:spTree>", frame.encode() + b"</p:spTree>")


def test_points_of_a_diagram_are_text(tmp_path: Path) -> None:
    text = markdown(tmp_path, prepared(tmp_path, edited(deck(), with_diagram))[0])
    assert text.index("The quay is long.") < text.index("• Cast off") < text.index("• Row home")


def with_comments(parts: dict[str, bytes]) -> None:
    names = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
    parts["ppt/commentAuthors.xml"] = (
        f'<p:cmAuthorLst {names}><p:cmAuthor id="4" name="Ida Holm"/></p:cmAuthorLst>'.encode()
    )
    comment = (
        f'<p:cmLst {names}><p:cm authorId="4"><p:text>Longer than the old one?</p:text></p:cm></p:cmLst>'
    )
    related(parts, "comments", "comments/comment1.xml", comment)


def test_comments_stand_at_the_end_of_their_slide(tmp_path: Path) -> None:
    text = markdown(tmp_path, prepared(tmp_path, edited(deck(), with_comments))[0])
    assert text.index("The quay is long.") < text.index("Comment by Ida Holm: Longer than the old one?")


def test_comments_are_left_out_as_asked(tmp_path: Path) -> None:
    _, found = prepared(tmp_path, edited(deck(), with_comments), Wanted(comments=False))
    assert found.kind == "" and [note.code for note in found.notes] == ["comments_left_out"]


# ------------------------------------------------------------ damage


def without_fill(parts: dict[str, bytes]) -> None:
    parts[SLIDE] = re.sub(rb"<p:blipFill>.*?</p:blipFill>", b"", parts[SLIDE], flags=re.S)


def broken_chart(parts: dict[str, bytes]) -> None:
    parts[next(name for name in parts if name.startswith("ppt/charts/chart"))] = b"<c:chart"


def broken_notes(parts: dict[str, bytes]) -> None:
    parts["ppt/notesSlides/notesSlide1.xml"] = b"<p:notes><p:cSld"


def without_presentation(parts: dict[str, bytes]) -> None:
    del parts["ppt/presentation.xml"]


@pytest.mark.parametrize("edit", [without_fill, broken_chart, broken_notes])
def test_a_damaged_part_does_not_lose_the_slide(tmp_path: Path, edit: Edit) -> None:
    source = tmp_path / "source.pptx"
    source.write_bytes(edited(deck(chart=edit is broken_chart), edit))
    facts = parse_document(str(source), str(tmp_path / "result"), [], "flash", "")
    text = (tmp_path / "result" / "document.md").read_text("utf-8")
    assert "The harbour" in text and "The quay is long." in text
    assert [note["code"] for note in facts["notes"]] == ["content_left_out"]


def test_a_picture_that_cannot_be_unpacked_does_not_lose_the_slide(tmp_path: Path) -> None:
    content = bytearray(deck(chart=True))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = next(one for one in archive.namelist() if "/media/" in one)
        at = archive.getinfo(name).header_offset + 30 + len(name) + 5
    content[at] ^= 0xFF
    content[at + 1] ^= 0xFF
    plain, found = prepared(tmp_path, bytes(content))
    assert [note.code for note in found.notes] == ["content_left_out"] and name in found.notes[0].message
    assert "Boats by quay" in markdown(tmp_path, plain)


def test_damaged_labels_do_not_lose_a_document(tmp_path: Path) -> None:
    source = tmp_path / "source.docx"
    source.write_bytes(docx(p("The plan."), {"numbering.xml": "<w:numbering"}))
    facts = parse_document(str(source), str(tmp_path / "result"), [], "flash", "")
    assert (tmp_path / "result" / "document.md").read_text("utf-8").strip() == "The plan."
    assert "word/numbering.xml" in facts["notes"][0]["message"]


def test_what_is_no_document_stays_corrupt(tmp_path: Path) -> None:
    source = tmp_path / "source.pptx"
    source.write_bytes(edited(deck(), without_presentation))
    with pytest.raises(FileCorrupt):
        parse_document(str(source), str(tmp_path / "result"), [], "flash", "")
