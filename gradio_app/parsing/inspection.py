"""Inspection of a file before anything is parsed: its type, its pages, and whether MinerU can read it."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from gradio_app.base.errors import (
    AppError,
    EngineUnavailable,
    FileCorrupt,
    FileTooLarge,
    FileTypeUnsupported,
    ModelsMissing,
    TooManyPages,
)
from gradio_app.base.file_types import ARCHIVES, DOCUMENTS, PICTURES
from gradio_app.base.options import VISION_TIERS, select_pages
from gradio_app.parsing import speedups
from gradio_app.parsing.error_translation import readable_errors

#: largest page, in square points: 139 x 139 inches. Real plots stay far below; a bomb does not.
MAX_PAGE_AREA = 100_000_000
#: largest picture, in pixels
MAX_PICTURE_PIXELS = 100_000_000
#: part of a worker's memory that the unpacked XML of an Office file may take (MinerU needs about 8 times it)
UNPACKED_SHARE = 8


def inspect(
    source: str,
    page_range: str,
    tier: str,
    ocr_mode: str,
    max_pages: int,
    memory_limit: int,
    engine: str = "",
    no_engine: str = "",
    models: bool = False,
) -> dict[str, Any]:
    """The fields of ``task.Inspection`` for the file ``source``; raises why it cannot be read.

    ``engine`` is empty on a machine without a model server; ``no_engine`` says why it has none.
    ``models``: another machine that reads has the small models.
    """
    began, path = time.monotonic(), Path(source)
    with readable_errors():
        from mineru.version import __version__

        kind = _kind(path)
        parse_mode, total, pages = "", 1, tuple[int, ...]()
        if kind == "pdf":
            parse_mode, total, pages = _inspect_pdf(path, page_range, ocr_mode, max_pages)
        elif page_range:
            raise FileTypeUnsupported(
                f"A page range can only be given for PDF files; this one is {kind}. Leave it empty."
            )
        elif kind in PICTURES:
            _check_picture(path)
            parse_mode = "ocr" if ocr_mode == "auto" else ocr_mode
        elif kind in ARCHIVES:
            _check_archive(path, memory_limit)
        chosen = _choose_tier(tier, kind, parse_mode, bool(engine), no_engine, models)
        return {
            "kind": kind,
            "pages_total": total,
            "pages": list(pages),
            "parse_mode": parse_mode,
            "tier": chosen,
            "parser_version": str(__version__),
            "seconds": time.monotonic() - began,
        }


def inspect_all(files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``inspect`` for each of many; ``found`` has ``{"error": {"code", "message"}}`` for those that raise."""
    found: list[dict[str, Any]] = []
    for arguments in files:
        try:
            found.append(inspect(**arguments))
        except AppError as error:
            found.append({"error": {"code": error.code, "message": error.message}})
    return {"found": found}


def _kind(path: Path) -> str:
    from mineru.parser.file_type import guess_suffix_by_path

    kind = str(guess_suffix_by_path(path))
    if kind not in DOCUMENTS:
        raise FileTypeUnsupported()
    return kind


def _inspect_pdf(
    path: Path, page_range: str, ocr_mode: str, max_pages: int
) -> tuple[str, int, tuple[int, ...]]:
    import pypdfium2 as pdfium
    from docvortex.document.pdf import PDFDocument
    from docvortex.document.pdf.pdfium import safe_rewrite_pdf_bytes_with_pdfium_result

    speedups.for_inspection()
    document = cast(Any, pdfium.PdfDocument(path))
    try:
        total = len(document)
        if total == 0:
            raise FileCorrupt("The PDF has no pages. Save or print it again, and send that.")
        pages = select_pages(page_range, total)
        if len(pages) > max_pages:
            raise TooManyPages(
                f"The document has {len(pages)} pages to convert and this server accepts {max_pages}. "
                f"Choose a page range, such as 1-{max_pages}."
            )
        for page in pages:
            width, height = document.get_page_size(page - 1)
            if width * height > MAX_PAGE_AREA:
                raise FileTooLarge(
                    f"Page {page} is {width / 72:.0f} x {height / 72:.0f} inches, more than a page can be."
                )
    finally:
        document.close()
    if ocr_mode != "auto":
        return ocr_mode, total, pages
    data = path.read_bytes()
    if len(pages) != total:
        rewritten = safe_rewrite_pdf_bytes_with_pdfium_result(data, page_indices=[p - 1 for p in pages])
        data = rewritten.pdf_bytes or data
    with PDFDocument(data) as opened:
        return str(opened.classify()), total, pages


def _check_picture(path: Path) -> None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            width, height = picture.size
            bomb = width * height > MAX_PICTURE_PIXELS
    except UnidentifiedImageError as error:
        raise FileCorrupt() from error
    except Image.DecompressionBombError:
        bomb = True
    if bomb:
        raise FileTooLarge("The picture has more than 100 million pixels. Make it smaller and send it again.")


def _check_archive(path: Path, memory_limit: int) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            text = sum(
                item.file_size
                for item in archive.infolist()
                if item.filename.lower().endswith((".xml", ".rels", ".html", ".xhtml", ".svg", ".css"))
            )
    except zipfile.BadZipFile as error:
        raise FileCorrupt() from error
    if text > memory_limit // UNPACKED_SHARE:
        raise FileTooLarge(
            f"The file unpacks to {text / 2**20:.0f} MB of text, more than a worker's memory can take. "
            "Split the document and send the parts."
        )


def _choose_tier(tier: str, kind: str, parse_mode: str, engine: bool, no_engine: str, models: bool) -> str:
    """The tier to run. ``auto`` is the best that those who read have for this document."""
    if not parse_mode:  # Office, HTML, CSV, EPUB: MinerU always reads them at flash
        return "flash"
    if tier in VISION_TIERS and not engine:
        raise EngineUnavailable(f"Tier {tier} needs a model server. {no_engine}".strip())
    if parse_mode != "ocr" and (tier == "flash" or (tier == "auto" and not engine)):
        return "flash"
    if models or models_ready():
        return ("standard" if engine else "basic") if tier == "auto" else tier
    if tier == "auto" and parse_mode == "txt":
        return "flash"
    raise ModelsMissing(_models_sentence(kind, tier))


def _models_sentence(kind: str, tier: str) -> str:
    install = "Install them with ./start_mineru_optimized.sh models, then retry."
    if tier in ("basic", "standard", "advanced"):
        return f"Tier {tier} needs models that are not installed on this server. {install}"
    what = "This picture" if kind in PICTURES else "This PDF is a scan (it has no usable text layer) and"
    hint = "" if kind in PICTURES else " If its text can be selected with the mouse, choose OCR mode 'txt'."
    return f"{what} needs the OCR models, which are not installed on this server. {install}{hint}"


def models_ready() -> bool:
    """Whether the small models (layout, OCR) are on this machine."""
    from mineru.model.download import verify_model_repo
    from mineru.model.registry import MINERU_4_MODELS_ONNX, MINERU_4_MODELS_TORCH

    return any(verify_model_repo(repo).ready for repo in (MINERU_4_MODELS_ONNX, MINERU_4_MODELS_TORCH))
