"""Encrypted Office files are opened with a password, or the error says that one is needed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import msoffcrypto
import openpyxl
import pytest
from msoffcrypto.format.ooxml import OOXMLFile

from gradio_app.base.errors import FileEncrypted, FileTypeUnsupported, PasswordWrong
from gradio_app.parsing.inspection import inspect
from gradio_app.parsing.parse import parse_document
from gradio_app.parsing.prepare.office import encryption
from tests.documents import word

assert msoffcrypto.OfficeFile


def locked(content: bytes, password: str) -> bytes:
    out = io.BytesIO()
    OOXMLFile(io.BytesIO(content)).encrypt(password, out)
    return out.getvalue()


def workbook() -> bytes:
    out, book = io.BytesIO(), openpyxl.Workbook()
    sheet = book.create_sheet("ports", 0)
    for row in (["port", "depth"], ["Northquay", "7"]):
        sheet.append(row)
    book.save(out)
    return out.getvalue()


def inspected(folder: Path, content: bytes, **wanted: Any) -> dict[str, Any]:
    source = folder / "source"
    source.write_bytes(content)
    return inspect(str(source), "", "auto", "auto", 100, 2**30, out=str(folder / "out"), wanted=wanted)


def text_of(folder: Path, kind: str) -> str:
    plain, result = folder / f"plain.{kind}", folder / "result"
    (folder / "out").rename(plain)
    parse_document(str(plain), str(result), [], "flash", "")
    return (result / "document.md").read_text("utf-8")


def test_a_document_with_a_password_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileEncrypted):
        inspected(tmp_path, locked(word("The plan."), "tide"))
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_the_password_opens_it(tmp_path: Path) -> None:
    found = inspected(tmp_path, locked(word("The plan."), "tide"), password="tide")
    assert (found["kind"], found["prepared"]) == ("docx", "docx")
    assert "The plan." in text_of(tmp_path, "docx")


def test_another_password_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(PasswordWrong):
        inspected(tmp_path, locked(word("The plan."), "tide"), password="ebb")


def test_what_excel_opens_without_asking_is_opened(tmp_path: Path) -> None:
    found = inspected(tmp_path, locked(workbook(), "VelvetSweatshop"))
    assert (found["kind"], found["prepared"]) == ("xlsx", "xlsx")
    assert "Northquay" in text_of(tmp_path, "xlsx")


def test_rounds_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "_MOST_ROUNDS", 10)
    with pytest.raises(FileEncrypted):
        inspected(tmp_path, locked(workbook(), "VelvetSweatshop"))


def test_a_damaged_container_is_no_encrypted_file(tmp_path: Path) -> None:
    with pytest.raises(FileTypeUnsupported):
        inspected(tmp_path, locked(word(), "tide")[:700])
