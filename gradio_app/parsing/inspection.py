"""Inspection of a file before anything is parsed: its type, its pages, and whether MinerU can read it."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import shutil
import tempfile
import time
import zipfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from gradio_app.base import page_readers
from gradio_app.base.errors import (
    AppError,
    EngineUnavailable,
    FileCorrupt,
    FileEncrypted,
    FileTooLarge,
    FileTypeUnsupported,
    ModelsMissing,
    TooManyPages,
)
from gradio_app.base.file_types import ALL_PICTURES, ARCHIVES, CONTAINERS, PICTURES
from gradio_app.base.notes import notes_to_json, notes_within
from gradio_app.base.options import TIERS, VISION_TIERS, needs_engine, select_pages
from gradio_app.base.page_runs import runs_of
from gradio_app.parsing import speedups
from gradio_app.parsing.containers import Limits, Parts, open_container, open_portfolio
from gradio_app.parsing.error_translation import readable_errors
from gradio_app.parsing.kinds import kind_of_file
from gradio_app.parsing.page_kinds import PageKind, kind_of
from gradio_app.parsing.prepare import Prepared, Wanted, prepare
from gradio_app.parsing.prepare.office.encryption import is_encrypted, open_encrypted
from gradio_app.parsing.prepare.pdf import with_pdfium
from gradio_app.parsing.prepare.pictures import MAX_PICTURE_PIXELS, know_formats
from gradio_app.parsing.readers import small_models

#: largest page, in square points: 139 x 139 inches. Real plots stay far below; a bomb does not.
MAX_PAGE_AREA = 100_000_000
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
    climbs: bool = False,
    plain: bool = False,
    out: str = "",
    wanted: Mapping[str, Any] | None = None,
    limits: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """The fields of ``task.Inspection`` for the file ``source``; raises why it cannot be read.

    ``engine`` is empty on a machine without a model server; ``no_engine`` says why it has none.
    ``models``: another machine that reads has MinerU's small models. ``climbs``: at tier auto single pages
    are read again with the engine, so that the document need not be planned with it. A file that is not
    plain is prepared first, into ``out``, as ``wanted`` (``prepare.Wanted``); what is said of pages is
    said of that one. ``plain``: the file was prepared before. A container is taken apart within ``limits``
    (``containers.Limits``), its documents are files ``out``.parts/NUMBER; without any they are only named.
    """
    began, asked = time.monotonic(), Wanted(**wanted or {})
    planned = "" if tier == "auto" and climbs else engine
    parts = Parts(Path(f"{out}.parts"), Limits(**limits)) if out and limits and not plain else Parts()
    with readable_errors(), _open(Path(source), asked.password) as path:
        from mineru.version import __version__

        kind = kind_of_file(path)
        if kind in ALL_PICTURES:
            _check_picture(path)
        elif kind in ARCHIVES:
            _check_archive(path, memory_limit)
        elif kind == "pdf":
            _check_pdf(path, page_range, max_pages, asked.password)
        made = _prepared(path, kind, out, asked, parts) if out and not plain else Prepared()
        if path != Path(source) and not made.kind:
            made = _kept(path, kind, out, made)
        prepared = made.kind
        models = models or small_models.ready()
        parse_mode, total, pages, scans = "", 1, tuple[int, ...](), tuple[int, ...]()
        if "pdf" in (kind, prepared):
            # MinerU reads a document at one mode; page by page each page has its own
            auto = models and page_readers.serves_mineru(planned)
            by_mineru = {"basic": models, "auto": auto}.get(tier, tier in TIERS)
            chosen_pages = _Asked(page_range, ocr_mode, max_pages, by_mineru)
            parse_mode, total, pages, scans = _inspect_pdf(Path(out) if prepared else path, chosen_pages)
        elif page_range:
            raise FileTypeUnsupported(
                f"A page range can only be given for PDF files; this one is {kind}. Leave it empty."
            )
        elif kind in PICTURES:
            parse_mode, pages, scans = ("ocr" if ocr_mode == "auto" else ocr_mode), (1,), (1,)
        if tier == "flash" and parse_mode == "ocr" and not models:
            parse_mode = "txt"  # what flash reads without models
        chosen = _choose_tier(tier, parse_mode, bool(scans), planned, no_engine, models)
        return {
            "kind": kind,
            "scans": list(scans) if not needs_engine(chosen) else [],
            "prepared": prepared,
            "notes": notes_to_json(notes_within(made.notes, runs_of(pages)) if pages else made.notes),
            "parts": parts.paths,
            "pages_total": total,
            "pages": list(pages),
            "parse_mode": parse_mode,
            "tier": chosen,
            "parser_version": str(__version__),
            "seconds": time.monotonic() - began,
        }


def inspect_all(files: Sequence[Mapping[str, Any]], out: str) -> dict[str, Any]:
    """``inspect`` for each of many; ``found`` has ``{"error": {"code", "message"}}`` for those that raise.

    The prepared file of number N is ``N`` in the folder ``out``.
    """
    found: list[dict[str, Any]] = []
    Path(out).mkdir()
    for number, arguments in enumerate(files):
        try:
            found.append(inspect(**arguments, out=str(Path(out, str(number)))))
        except AppError as error:
            found.append({"error": {"code": error.code, "message": error.message}})
    return {"found": found}


def _prepared(path: Path, kind: str, out: str, asked: Wanted, parts: Parts) -> Prepared:
    if kind in CONTAINERS:
        return open_container(path, kind, Path(out), asked, parts)
    made = prepare(path, kind, Path(out), asked)
    if kind == "pdf":
        open_portfolio(path, asked, parts, made)
    return made


@contextmanager
def _open(path: Path, password: str) -> Generator[Path]:
    """The file, or where it is an encrypted one of Office, an open copy that is gone afterwards."""
    if not is_encrypted(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        opened = Path(folder, "open")
        open_encrypted(path, opened, password)
        yield opened


def _kept(path: Path, kind: str, out: str, plain: Prepared) -> Prepared:
    """The open copy of an encrypted file is what is read, also where nothing else was prepared."""
    if not out:
        raise FileEncrypted()
    shutil.copyfile(path, out)
    return Prepared(kind, plain.notes)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of the pages of a PDF. ``by_mineru``: MinerU reads them, all at one mode."""

    page_range: str
    ocr_mode: str
    max_pages: int
    by_mineru: bool


def _check_pdf(path: Path, page_range: str, max_pages: int, password: str) -> None:
    """Raises why a PDF cannot be read, before anybody writes another one of it."""
    document = with_pdfium(path, password)
    try:
        _selected(document, page_range, max_pages)
    finally:
        document.close()


def _selected(document: Any, page_range: str, max_pages: int) -> tuple[int, ...]:
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
    return pages


def _inspect_pdf(path: Path, asked: _Asked) -> tuple[str, int, tuple[int, ...], tuple[int, ...]]:
    """Mode, number of pages, those that are selected, and the scans among them."""
    import pypdfium2 as pdfium

    document = cast(Any, pdfium.PdfDocument(path))
    try:
        total, pages = len(document), _selected(document, asked.page_range, asked.max_pages)
        if asked.ocr_mode == "txt":
            return "txt", total, pages, ()
        if asked.ocr_mode == "ocr":
            return "ocr", total, pages, pages
        if not asked.by_mineru:
            scans = tuple(page for page in pages if kind_of(document[page - 1]) is PageKind.SCAN)
            return "ocr" if len(scans) == len(pages) else "txt", total, pages, scans
    finally:
        document.close()
    mode = _classified(path, total, pages)
    return mode, total, pages, pages if mode == "ocr" else ()


def _classified(path: Path, total: int, pages: Sequence[int]) -> str:
    """The mode of a whole document as MinerU sees it: ``txt`` or ``ocr``."""
    from docvortex.document.pdf import PDFDocument
    from docvortex.document.pdf.pdfium import safe_rewrite_pdf_bytes_with_pdfium_result

    speedups.for_inspection()
    data = path.read_bytes()
    if len(pages) != total:
        rewritten = safe_rewrite_pdf_bytes_with_pdfium_result(data, page_indices=[p - 1 for p in pages])
        data = rewritten.pdf_bytes or data
    with PDFDocument(data) as opened:
        return str(opened.classify())


def _check_picture(path: Path) -> None:
    from PIL import Image, UnidentifiedImageError

    know_formats()
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


def _choose_tier(tier: str, parse_mode: str, scans: bool, engine: str, no_engine: str, models: bool) -> str:
    """The tier or reader to plan with. ``auto`` is the best that those who read have for this document."""
    if not parse_mode:  # Office, HTML, CSV, EPUB: MinerU always reads them at flash
        return "flash"
    if tier in VISION_TIERS and not engine:
        raise EngineUnavailable(f"Tier {tier} needs a model server. {no_engine}".strip())
    if tier in ("flash", "basic"):
        return tier
    served = page_readers.served(engine)
    if tier not in TIERS:
        return _checked_reader(tier, served, no_engine)
    if tier in VISION_TIERS and page_readers.DEFAULT not in served:
        there = ", ".join(sorted(served))
        raise EngineUnavailable(
            f"Tier {tier} needs MinerU's own vision model, and the model server here serves {there}. "
            f"Choose {there} instead of the tier, or start the server with --reader mineru."
        )
    if page_readers.serves_mineru(engine) and models:
        return "standard" if tier == "auto" else tier
    if tier in VISION_TIERS:
        raise ModelsMissing(
            f"Tier {tier} needs models that are not installed on this server. "
            "Install them with ./start_mineru_optimized.sh models, then retry, or choose tier basic."
        )
    return "basic" if scans else "flash"


def _checked_reader(name: str, served: frozenset[str], no_engine: str) -> str:
    """The reader of that name; raises ``EngineUnavailable`` where it is not what the model server serves."""
    if not served:
        raise EngineUnavailable(f"Reader {name} needs a model server. {no_engine}".strip())
    if name not in served:
        there = ", ".join(
            "MinerU's own model" if each == page_readers.DEFAULT else each for each in sorted(served)
        )
        raise EngineUnavailable(
            f"The model server here serves {there}, not {name}. Start it with --reader {name}, or choose "
            "another tier."
        )
    return name
