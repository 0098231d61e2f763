"""Opening of a PDF with its password, if it needs one."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import io
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pikepdf

from gradio_app.base.errors import FileEncrypted, PasswordWrong


def with_pdfium(source: Path, password: str = "") -> Any:
    """The pypdfium2 document, to be closed. The password is used only where the file needs one.

    Raises ``FileEncrypted`` where it needs one and none is given, ``PasswordWrong`` where it is another one.
    """
    import pypdfium2 as pdfium
    import pypdfium2.raw as c

    try:
        return cast(Any, pdfium.PdfDocument(source))
    except pdfium.PdfiumError as error:
        if error.err_code == c.FPDF_ERR_SECURITY:
            raise FileEncrypted(
                "The document is protected in a way that no password opens here. "
                "Save a copy without the protection and send that."
            ) from error
        if error.err_code != c.FPDF_ERR_PASSWORD:
            raise
        if not password:
            raise FileEncrypted() from error
    try:
        return cast(Any, pdfium.PdfDocument(source, password=password))
    except pdfium.PdfiumError as error:
        if error.err_code == c.FPDF_ERR_PASSWORD:
            raise PasswordWrong() from error
        raise


def _opened(source: Path) -> pikepdf.Pdf:
    """A damaged file that pdfium can read is opened as pdfium writes it."""
    try:
        return pikepdf.open(source)
    except pikepdf.PasswordError:
        raise
    except pikepdf.PdfError:
        document, copy = with_pdfium(source), io.BytesIO()
        try:
            document.save(copy)
        finally:
            document.close()
        return pikepdf.open(copy)


@contextmanager
def with_pikepdf(source: Path, password: str = "") -> Generator[tuple[pikepdf.Pdf, bool]]:
    """The document of pikepdf, and whether the password opened it. Raises as ``with_pdfium``."""
    by_password = False
    try:
        document = _opened(source)
    except pikepdf.PasswordError as error:
        if not password:
            raise FileEncrypted() from error
        try:
            document, by_password = pikepdf.open(source, password=password), True
        except pikepdf.PasswordError as wrong:
            raise PasswordWrong() from wrong
    with document:
        yield document, by_password
