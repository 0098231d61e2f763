"""Layers that are off, attached files and passwords of a PDF."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Encryption, Name, String

from gradio_app.base.errors import AppError, FileEncrypted, PasswordWrong
from gradio_app.parsing.inspection import inspect
from gradio_app.parsing.prepare import Prepared, Wanted, prepare
from tests.documents import text_pdf


def text_of(path: Path) -> str:
    return pypdfium2.PdfDocument(path)[0].get_textpage().get_text_range()


def prepared(tmp_path: Path, document: pikepdf.Pdf, **wanted: Any) -> tuple[Prepared, Path]:
    """What becomes of a document, and the file to read then."""
    source, out = tmp_path / "source.pdf", tmp_path / "out"
    document.save(source)
    answer = prepare(source, "pdf", out, Wanted(**wanted))
    return answer, out if answer.kind else source


def codes(answer: Prepared) -> list[str]:
    return [note.code for note in answer.notes]


# ------------------------------------------------------------ layers


Drawn = tuple[pikepdf.Pdf, list[Any]]


@pytest.fixture
def layered() -> Drawn:
    """A page with two layers, of which the second is off; each holds a line and something in a form."""
    document = pikepdf.open(io.BytesIO(text_pdf()))
    page = document.pages[0]
    font = document.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    layers = [
        document.make_indirect(Dictionary(Type=Name.OCG, Name=String(name)))
        for name in ("Prices of today", "Prices of last year")
    ]
    document.Root.OCProperties = Dictionary(OCGs=Array(layers), D=Dictionary(OFF=Array([layers[1]])))
    page.obj.Resources.Font.T = font
    page.obj.Resources.Properties = Dictionary(On=layers[0], Off=layers[1])
    page.contents_add(
        b"BT /T 12 Tf 1 0 0 1 70 400 Tm /OC /On BDC (Today it costs 12) Tj EMC ET\n"
        b"/OC /Off BDC q 0.5 g /Span BMC BT /T 12 Tf 70 370 Td (Once it cost 9) Tj EMC ET Q EMC\n"
        b"BT /T 12 Tf 70 340 Td (After the layers) Tj ET\n"
    )
    return document, layers


def form_in(document: pikepdf.Pdf, content: bytes, **values: Any) -> pikepdf.Object:
    page = document.pages[0]
    form = document.make_stream(content, Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 600, 800]))
    form.Resources = Dictionary(Font=Dictionary(T=page.obj.Resources.Font.T))
    for key, value in values.items():
        form[f"/{key}"] = value
    page.obj.Resources.XObject = Dictionary(Fm=form)
    page.contents_add(b"q /Fm Do Q\n")
    return form


def test_a_layer_that_is_off_is_dropped_and_told(tmp_path: Path, layered: Drawn) -> None:
    answer, out = prepared(tmp_path, layered[0])
    text = text_of(out)
    assert "Today it costs 12" in text and "After the layers" in text and "Once" not in text
    (note,) = answer.notes
    assert (note.code, note.pages) == ("layers_left_out", "1")
    assert "1 layer is" in note.message and "Prices of last year" in note.message


def test_layers_that_are_on_leave_the_file_as_it_is(tmp_path: Path, layered: Drawn) -> None:
    document, _ = layered
    document.Root.OCProperties.D = Dictionary()
    assert prepared(tmp_path, document)[0] == Prepared()


def test_a_layer_that_is_off_and_empty_is_not_told(tmp_path: Path, layered: Drawn) -> None:
    document, _ = layered
    document.Root.OCProperties.D = Dictionary(
        OFF=Array([document.make_indirect(Dictionary(Type=Name.OCG, Name=String("Nothing")))])
    )
    assert prepared(tmp_path, document)[0] == Prepared()


def test_all_layers_may_be_off_but_some(tmp_path: Path, layered: Drawn) -> None:
    document, layers = layered
    document.Root.OCProperties.D = Dictionary(BaseState=Name.OFF, ON=Array([layers[1]]))
    answer, out = prepared(tmp_path, document)
    assert "Once it cost 9" in text_of(out) and "Today" not in text_of(out)
    assert codes(answer) == ["layers_left_out"]


def test_a_layer_for_print_only_is_dropped(tmp_path: Path, layered: Drawn) -> None:
    document, layers = layered
    layers[0].Usage = Dictionary(View=Dictionary(ViewState=Name.OFF))
    usage = Dictionary(Event=Name.View, OCGs=Array([layers[0]]), Category=Array([Name.View]))
    document.Root.OCProperties.D = Dictionary(AS=Array([usage]))
    assert "Today" not in text_of(prepared(tmp_path, document)[1])


@pytest.mark.parametrize("nested", [False, True], ids=["own", "inside"])
def test_forms_and_pictures_that_are_off_are_dropped(tmp_path: Path, layered: Drawn, nested: bool) -> None:
    document, layers = layered
    content = b"BT /T 12 Tf 70 300 Td (In a form) Tj ET"
    if nested:
        form = form_in(document, b"/OC /Off BDC " + content + b" EMC BT /T 12 Tf 70 280 Td (Beside) Tj ET")
        form.Resources.Properties = Dictionary(Off=layers[1])
    else:
        form_in(document, content, OC=layers[1])
    _, out = prepared(tmp_path, document)
    assert "In a form" not in text_of(out)
    assert ("Beside" in text_of(out)) == nested


@pytest.mark.parametrize(
    ("expression", "visible"),
    [
        (lambda on, off: {"OCGs": Array([on, off])}, True),
        (lambda on, off: {"OCGs": Array([on, off]), "P": Name.AllOn}, False),
        (lambda on, off: {"OCGs": off, "P": Name.AllOff}, True),
        (lambda on, off: {"OCGs": Array([on, off]), "P": Name.AnyOff}, True),
        (lambda on, off: {"OCGs": on, "P": Name.AnyOff}, False),
        (lambda on, off: {"VE": Array([Name.And, on, Array([Name.Not, off])])}, True),
        (lambda on, off: {"VE": Array([Name.And, on, off])}, False),
        (lambda on, off: {"VE": Array([Name.Or, off, Array([])])}, True),
    ],
)
def test_expressions_of_layers(
    tmp_path: Path, layered: Drawn, expression: Callable[[Any, Any], dict[str, Any]], visible: bool
) -> None:
    document, layers = layered
    member = document.make_indirect(Dictionary(Type=Name.OCMD))
    for key, value in expression(*layers).items():
        member[f"/{key}"] = value
    form_in(document, b"BT /T 12 Tf 70 300 Td (In a form) Tj ET", OC=member)
    assert ("In a form" in text_of(prepared(tmp_path, document)[1])) == visible


def test_forms_in_circles_end(tmp_path: Path, layered: Drawn) -> None:
    document, layers = layered
    form = form_in(document, b"/Fm Do", OC=layers[0])
    form.Resources.XObject = Dictionary(Fm=form)
    assert codes(prepared(tmp_path, document)[0]) == ["layers_left_out"]


# ------------------------------------------------------------ attachments


def test_attached_files_are_named(tmp_path: Path) -> None:
    document = pikepdf.open(io.BytesIO(text_pdf()))
    document.attachments["prices.csv"] = b"a,b\n1,2\n"
    document.attachments["plan of the quay.pdf"] = text_pdf()
    answer, _ = prepared(tmp_path, document)
    assert answer.kind == ""
    (note,) = answer.notes
    assert (note.code, note.pages) == ("attachments_not_converted", "")
    assert (
        "2 files" in note.message and "prices.csv" in note.message and "plan of the quay.pdf" in note.message
    )


def test_a_file_that_is_pinned_to_a_page_is_named(tmp_path: Path) -> None:
    document = pikepdf.open(io.BytesIO(text_pdf()))
    pinned = Dictionary(
        Type=Name.Annot, Subtype=Name.FileAttachment, Rect=Array([0, 0, 9, 9]),
        FS=Dictionary(Type=Name.Filespec, UF=String("Lärm.xlsx")),
    )  # fmt: skip
    document.pages[0].obj.Annots = Array([document.make_indirect(pinned)])
    (note,) = prepared(tmp_path, document)[0].notes
    assert note.code == "attachments_not_converted" and "Lärm.xlsx" in note.message


def test_a_tree_of_names_in_a_circle_ends(tmp_path: Path) -> None:
    document = pikepdf.open(io.BytesIO(text_pdf()))
    tree = document.make_indirect(Dictionary())
    tree.Kids = Array([tree, 7, Dictionary(Names=Array([String("a.txt")]))])
    document.Root.Names = Dictionary(EmbeddedFiles=tree)
    assert prepared(tmp_path, document)[0] == Prepared()


# ------------------------------------------------------------ passwords


def locked_pdf(path: Path, user: str = "heron", owner: str = "kestrel", strength: int = 6) -> Path:
    with pikepdf.open(io.BytesIO(text_pdf())) as document:
        better = strength > 3
        document.save(
            path, encryption=Encryption(owner, user, cast(Any, strength), aes=better, metadata=better)
        )
    return path


def inspected(source: Path, out: Path, password: str) -> dict[str, Any]:
    return inspect(str(source), "", "flash", "auto", 100, 2**31, out=str(out), wanted={"password": password})


@pytest.mark.parametrize("strength", [3, 4, 6])
@pytest.mark.parametrize("password", ["heron", "kestrel"])
def test_a_password_opens_a_file_that_then_needs_none(tmp_path: Path, password: str, strength: int) -> None:
    source, out = locked_pdf(tmp_path / "locked.pdf", strength=strength), tmp_path / "out"
    assert inspected(source, out, password)["prepared"] == "pdf"
    with pikepdf.open(out) as document:
        assert not document.is_encrypted
    assert "Plain report" in text_of(out)


@pytest.mark.parametrize(("password", "error"), [("", FileEncrypted), ("magpie", PasswordWrong)])
def test_a_wrong_password_is_told(tmp_path: Path, password: str, error: type[AppError]) -> None:
    source, out = locked_pdf(tmp_path / "locked.pdf"), tmp_path / "out"
    with pytest.raises(error):
        inspected(source, out, password)
    with pytest.raises(error):
        prepare(source, "pdf", out, Wanted(password=password))
    assert not out.exists()


@pytest.mark.parametrize("password", ["", "magpie"])
def test_a_file_that_needs_no_password_takes_any(tmp_path: Path, password: str) -> None:
    source, out = locked_pdf(tmp_path / "owned.pdf", user=""), tmp_path / "out"
    assert inspected(source, out, password)["prepared"] == ""
    assert not out.exists()
