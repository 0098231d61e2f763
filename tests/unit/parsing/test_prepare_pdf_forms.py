"""What is typed into a form or onto a page becomes text of the page, where it stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name, String

from gradio_app.parsing.prepare import Prepared, Wanted, prepare
from gradio_app.parsing.prepare.pdf import flattening
from tests.documents import text_pdf

RECT = (100, 500, 300, 520)


def form_pdf(
    path: Path, *annotations: Dictionary, rotate: int = 0, look: bytes | None = None, **catalog: Any
) -> Path:
    """A page of text with these annotations; widgets are fields of a form. The first one may have a look."""
    with pikepdf.open(path.parent / "page.pdf") as document:
        page = document.pages[0]
        made = [document.make_indirect(one) for one in annotations]
        page.obj.Annots = Array(made)
        if look is not None:
            font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
            stream = document.make_stream(look, BBox=Array([0, 0, 200, 20]))
            stream.Resources = Dictionary(Font=Dictionary(F=font))
            made[0].AP = Dictionary(N=stream)
        if rotate:
            page.obj.Rotate = rotate
        fields = [one for one in made if one.Subtype == Name.Widget]
        document.Root.AcroForm = Dictionary(Fields=Array(fields))
        for key, value in catalog.items():
            document.Root[f"/{key}"] = value
        document.save(path)
    return path


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "page.pdf").write_bytes(text_pdf())
    return tmp_path / "form.pdf"


def field(kind: str, **values: Any) -> Dictionary:
    rect = Array(values.pop("Rect", RECT))
    return Dictionary(Type=Name.Annot, Subtype=Name.Widget, Rect=rect, FT=Name(f"/{kind}"), **values)


def annotation(kind: str, **values: Any) -> Dictionary:
    return Dictionary(Type=Name.Annot, Subtype=Name(f"/{kind}"), Rect=Array(RECT), **values)


def flat(source: Path) -> tuple[Path, Prepared]:
    out = source.parent / "out"
    prepared = prepare(source, "pdf", out, Wanted())
    assert prepared.kind == "pdf"
    return out, prepared


def text_in(path: Path, rect: tuple[int, int, int, int] = RECT) -> str:
    """The text of the first page in this box; blanks are one."""
    text = pypdfium2.PdfDocument(path)[0].get_textpage()
    return " ".join(text.get_text_bounded(*rect).split())


@pytest.mark.parametrize(
    "value",
    ["Kestrel of Norwich", "Пустельга", "游隼 12", "Straße 9, 40 €", "Łódź", "בז 12 מצוי", "صقر الجراد"],
)
def test_a_typed_value_without_a_look_stands_in_its_box(page: Path, value: str) -> None:
    out, prepared = flat(form_pdf(page, field("Tx", V=String(value), T=String("bird"))))
    assert text_in(out) == value
    assert prepared.notes == []
    with pikepdf.open(out) as document:
        assert "/Annots" not in document.pages[0].obj and "/AcroForm" not in document.Root


def test_text_of_several_lines_is_wrapped(page: Path) -> None:
    value = "The first line.\rA second line that is longer than the box and goes on for some words more."
    box = (100, 440, 300, 520)
    out, _ = flat(form_pdf(page, field("Tx", V=String(value), Ff=1 << 12, Rect=box)))
    assert text_in(out, box) == " ".join(value.split())


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_a_value_on_a_turned_page_is_upright(page: Path, rotate: int) -> None:
    box = RECT if rotate == 180 else (100, 400, 120, 600)
    out, _ = flat(form_pdf(page, field("Tx", V=String("Kestrel 2,411"), Rect=box), rotate=rotate))
    text = pypdfium2.PdfDocument(out)[0].get_textpage()
    whole = text.get_text_range()
    boxes = [text.get_charbox(whole.index("Kestrel") + index) for index in (0, 9)]
    assert boxes[0][0] < boxes[1][0] and boxes[0][1] == pytest.approx(boxes[1][1], abs=5)


def test_a_look_that_holds_the_value_is_kept(page: Path) -> None:
    look = b"1 0 0 rg BT /F 9 Tf 4 6 Td (Kestrel) Tj ET"
    out, _ = flat(form_pdf(page, field("Tx", V=String("Kestrel")), look=look))
    assert text_in(out) == "Kestrel"
    pixels = np.asarray(pypdfium2.PdfDocument(out)[0].render(scale=2).to_pil().convert("RGB"))
    assert ((pixels[:, :, 0] > 180) & (pixels[:, :, 1] < 90)).any()


@pytest.mark.parametrize("content", [b"", b"BT /F 9 Tf 4 6 Td (an older value) Tj ET"], ids=["empty", "old"])
def test_a_look_that_does_not_hold_the_value_is_drawn_anew(page: Path, content: bytes) -> None:
    out, _ = flat(form_pdf(page, field("Tx", V=String("Kestrel")), look=content))
    assert text_in(out) == "Kestrel"


def test_a_value_of_a_field_above_is_that_of_its_widget(page: Path) -> None:
    parent = Dictionary(FT=Name.Tx, V=String("Merlin"), T=String("bird"))
    child = annotation("Widget", Parent=parent)
    out, _ = flat(form_pdf(page, child))
    assert text_in(out) == "Merlin"


def test_a_field_that_is_above_itself_ends(page: Path) -> None:
    source = form_pdf(page, annotation("Widget"))
    with pikepdf.open(source, allow_overwriting_input=True) as document:
        widget = document.pages[0].obj.Annots[0]
        widget.Parent = widget
        document.save(source)
    flat(source)


def test_choices_are_told_as_they_are_displayed(page: Path) -> None:
    options = Array([Array([String("g"), String("green heron")]), Array([String("r"), String("red kite")])])
    one = field("Ch", V=String("r"), Opt=options, Ff=1 << 17)
    several = field("Ch", V=Array([String("g"), String("r")]), Opt=options, Rect=(100, 440, 300, 480))
    out, _ = flat(form_pdf(page, one, several))
    assert text_in(out) == "red kite"
    assert text_in(out, (100, 440, 300, 480)) == "green heron red kite"


def test_ticks_read_as_signs(page: Path) -> None:
    states = Dictionary(N=Dictionary(Yes=Dictionary(), Off=Dictionary()))
    ticked = field("Btn", V=Name.Yes, AS=Name.Yes, Rect=(100, 500, 112, 512))
    empty = field("Btn", V=Name.Off, AS=Name.Off, Rect=(100, 480, 112, 492))
    by_value = field("Btn", V=Name.Yes, AP=states, Rect=(100, 460, 112, 472))
    out, _ = flat(form_pdf(page, ticked, empty, by_value))
    found = [text_in(out, (95, y - 5, 120, y + 15)) for y in (500, 480, 460)]
    assert found == ["☒", "☐", "☒"]


def test_of_radio_buttons_the_chosen_one_is_ticked(page: Path) -> None:
    group = Dictionary(FT=Name.Btn, Ff=1 << 15, V=Name("/2"), T=String("size"))
    buttons = [
        annotation("Widget", Parent=group, AS=Name(f"/{number}" if number == 2 else "/Off"))
        for number in (1, 2, 3)
    ]
    for number, button in enumerate(buttons):
        button.Rect = Array([100 + 40 * number, 500, 112 + 40 * number, 512])
    out, _ = flat(form_pdf(page, *buttons))
    assert text_in(out, (95, 495, 200, 515)) == "☐ ☒ ☐"


def test_a_tick_is_seen(page: Path) -> None:
    out, _ = flat(form_pdf(page, field("Btn", AS=Name.On, Rect=(100, 500, 114, 514))))
    pixels = np.asarray(pypdfium2.PdfDocument(out)[0].render(scale=4).to_pil().convert("L"))
    top = len(pixels) - 4 * 514
    assert 0.03 < (pixels[top : top + 56, 400:456] < 128).mean() < 0.6


def test_a_signature_tells_its_name(page: Path) -> None:
    signed = Dictionary(Type=Name.Sig, Name=String("Ada Example"))
    out, _ = flat(form_pdf(page, field("Sig", V=signed)))
    assert text_in(out) == "Signed by Ada Example"


def test_what_is_hidden_or_secret_is_not_told(page: Path) -> None:
    hidden = field("Tx", V=String("hidden value"), F=2)
    secret = field("Tx", V=String("secret value"), Ff=1 << 13, Rect=(100, 440, 300, 460))
    out, _ = flat(form_pdf(page, hidden, secret))
    assert "value" not in pypdfium2.PdfDocument(out)[0].get_textpage().get_text_range()


@pytest.mark.parametrize(
    "values",
    [
        {"Contents": String("Typed onto the page by hand"), "DA": String("/Helv 12 Tf 0 g")},
        {"RC": String("<body><p>Typed onto the page by hand</p></body>")},
    ],
    ids=["contents", "rich"],
)
def test_typed_text_becomes_text_of_the_page(page: Path, values: dict[str, Any]) -> None:
    out, prepared = flat(form_pdf(page, annotation("FreeText", **values)))
    assert text_in(out) == "Typed onto the page by hand"
    assert prepared.notes == []


def test_a_stamp_becomes_text_of_the_page(page: Path) -> None:
    look = b"BT /F 12 Tf 4 6 Td (RECEIVED 4 May) Tj ET"
    named = annotation("Stamp", Name=Name.NotApproved)
    named.Rect = Array([100, 440, 300, 480])
    out, _ = flat(form_pdf(page, annotation("Stamp"), named, look=look))
    assert text_in(out) == "RECEIVED 4 May"
    assert text_in(out, (100, 440, 300, 480)) == "Not Approved"


def test_links_stay_and_comments_are_told(page: Path) -> None:
    link = annotation("Link", A=Dictionary(S=Name.URI, URI=String("https://example.org/")))
    comment = annotation("Text", Contents=String("Are two herons\nenough?"), T=String("Ada"))
    out, prepared = flat(form_pdf(page, link, comment, field("Tx", V=String("Kestrel"))))
    with pikepdf.open(out) as document:
        assert [str(one.Subtype) for one in document.pages[0].obj.Annots] == ["/Link", "/Text"]
    (note,) = prepared.notes
    assert (note.code, note.pages) == ("comments_left_out", "1")
    assert "Ada: Are two herons enough?" in note.message


def test_comments_alone_leave_the_file_as_it_is(page: Path) -> None:
    source = form_pdf(page, annotation("Highlight", Contents=String("Which heron?")))
    out = source.parent / "out"
    prepared = prepare(source, "pdf", out, Wanted())
    assert prepared.kind == "" and [note.code for note in prepared.notes] == ["comments_left_out"]
    assert prepare(source, "pdf", out, Wanted(comments=False)).notes == []


def test_a_form_of_xfa_alone_is_told(page: Path) -> None:
    source = form_pdf(page, AcroForm=Dictionary(XFA=String("<xdp/>"), Fields=Array([])))
    prepared = prepare(source, "pdf", source.parent / "out", Wanted())
    assert prepared.kind == "" and [note.code for note in prepared.notes] == ["content_left_out"]


@pytest.mark.parametrize(
    "broken",
    [
        lambda: field("Tx", V=Array([1, 2])),
        lambda: field("Tx", V=String("Kestrel"), Rect=(1, 2, 3)),
        lambda: field("Ch", V=7, Opt=Name.None_),
        lambda: annotation("FreeText", Contents=Dictionary(), F=String("x")),
        lambda: annotation("Stamp", AP=String("none")),
        lambda: field("Btn", AS=String("Yes"), Ff=String("many")),
        lambda: field("Sig", V=Dictionary(Name=Array([]))),
    ],
)
def test_senseless_annotations_cost_nothing_else(page: Path, broken: Callable[[], Dictionary]) -> None:
    good = field("Tx", V=String("Merlin"), Rect=(100, 440, 300, 460))
    out, prepared = flat(form_pdf(page, broken(), good))
    assert text_in(out, (100, 440, 300, 460)) == "Merlin"
    assert prepared.notes == []


def test_the_same_form_gives_the_same_bytes(page: Path) -> None:
    source = form_pdf(page, field("Tx", V=String("Пустельга")))
    first = flat(source)[0].read_bytes()
    assert flat(source)[0].read_bytes() == first


def test_a_step_that_fails_leaves_the_others(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(page: pikepdf.Page, annotation: Any) -> None:
        raise ValueError

    monkeypatch.setattr(flattening, "_placed", fails)
    source = form_pdf(page, field("Tx", V=String("Kestrel")), rotate=90)
    out, prepared = flat(source)
    assert [note.code for note in prepared.notes] == ["not_prepared"]
    assert pypdfium2.PdfDocument(out)[0].get_rotation() == 0


def test_a_pdf_that_pikepdf_refuses_still_stands_upright(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*args: Any, **kwargs: Any) -> None:
        raise pikepdf.PdfError("unreadable")

    source = form_pdf(page, field("Tx", V=String("Kestrel")), rotate=90)
    monkeypatch.setattr(pikepdf, "open", refuses)
    out, prepared = flat(source)
    assert [note.code for note in prepared.notes] == ["not_prepared"]
    assert pypdfium2.PdfDocument(out)[0].get_rotation() == 0


def test_what_pikepdf_refuses_is_read_as_pdfium_writes_it(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files without a sound catalogue are such: pdfium finds one."""
    source, inner = form_pdf(page, field("Tx", V=String("Kestrel"))), pikepdf.open

    def refuses(file: Any, **kwargs: Any) -> pikepdf.Pdf:
        if isinstance(file, Path):
            raise pikepdf.PdfError("unreadable")
        return inner(file, **kwargs)

    monkeypatch.setattr(pikepdf, "open", refuses)
    out, prepared = flat(source)
    assert prepared.notes == [] and text_in(out) == "Kestrel"
