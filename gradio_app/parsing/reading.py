"""Reading of a PDF page by page: flash where its page passes, the built-in models where it does not.

Covers: which reader reads which page, MinerU's page structure of the whole, notes and coverage.
Does not cover: a single page (``readers``), the comparison (``check``), files of a result (``results``).
"""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from loguru import logger

from gradio_app.base import doubts
from gradio_app.base.errors import AppError, FileWithoutText
from gradio_app.base.options import format_pages
from gradio_app.parsing import check, page_doubts
from gradio_app.parsing.page_kinds import PageKind, kind_of
from gradio_app.parsing.readers import flash, small_models
from gradio_app.parsing.readers.embedded.blocks import Block, image_block
from gradio_app.parsing.readers.embedded.choose import PageReading, page_blocks, wants_regions
from gradio_app.parsing.readers.embedded.facts import PageFacts
from gradio_app.parsing.readers.embedded.models import MODELS, BuiltinModelsUnfit
from gradio_app.parsing.readers.embedded.page import Mode, read_page
from gradio_app.parsing.readers.embedded.pixels import blank, light
from gradio_app.parsing.readers.embedded.tables import find_tables

#: environment variable with the folder of the built-in models
MODELS_VARIABLE = "MINERU_APP_BUILTIN_MODELS"
#: mean score of a page's lines below which the recogniser guessed; handwriting gives 0.5 to 0.8
_LEGIBLE = 0.8
#: boxes without readable text, as a share of all lines, from which on a script is unknown
_UNKNOWN_SCRIPT = 0.2

#: sentences of notes, by code
_SENTENCES = {
    "pages_without_text": "No text could be read on these pages; they are in the result as pictures.",
    "no_models": "These pages are pictures of text, and models that read them are missing or damaged here. "
    "Add them with ./start_mineru_optimized.sh models --source builtin, then convert again.",
    "text_layer_only": "These pages are pictures of text, and only the text layer was asked for. "
    "Choose OCR mode auto to read them.",
    "script_unsupported": "Some text is in a script that the built-in models cannot read. "
    "Tier standard reads more scripts.",
    "handwriting": "The text is hard to read, perhaps handwritten, and may be wrong. "
    "Tier standard reads handwriting better.",
    "formulas_not_read": "Formulas on these pages are given as plain text or pictures. "
    "Tier standard writes them as LaTeX.",
    "text_left_out": "Some lines of these pages may be missing in the result. Compare them with the page, or "
    "read them again at another tier.",
    "digits_doubtful": "Some numbers on these pages may be in pieces. Compare them with the page.",
    "table_doubtful": "A table on these pages may not be complete. Compare it with the page.",
    "order_doubtful": "The text of these pages may be out of order. Compare it with the page, or read them "
    "again at another tier.",
    "not_prepared": "These pages hold more than was read; the rest was left out.",
}


@dataclass(slots=True)
class Reading:
    """A document that was read: MinerU's ``ModelJson`` and what is to be said of it.

    ``notes`` are ``{code, pages, message}``; ``readers`` maps a reader's name to its pages (``1-3,8``).
    ``coverage`` is the share of ``words`` that are in the result; None where nothing was compared.
    """

    model: Any
    notes: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    coverage: float | None = None
    words: int = 0
    readers: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def in_doubt(self) -> bool:
        """Whether a better reader should see some of its pages."""
        return any(note["code"] == doubts.CODE for note in self.notes)

    @property
    def facts(self) -> dict[str, Any]:
        """What a job answers beside its result."""
        return {
            "notes": self.notes,
            "coverage": self.coverage,
            "words": self.words,
            "readers": self.readers,
        }


def read(source: str, pages: Sequence[int], ocr_mode: str, every: bool, climb: bool = False) -> Reading:
    """Reads ``pages`` (1-based; none: all) of a PDF or picture.

    ``ocr_mode``: ``auto``, ``txt`` (only the text layer) or ``ocr`` (only what is seen). ``every``: models
    look at each page, not only at those where flash is in doubt. ``climb``: a better reader is there, so that
    pages in doubt are named in notes (``base.doubts``). Raises ``FileWithoutText`` when all pages are
    pictures and there are no models.
    """
    import pypdfium2 as pdfium

    folder = os.environ.get(MODELS_VARIABLE)
    MODELS.use(Path(folder) if folder else None)
    with tempfile.TemporaryDirectory() as temporary:
        path = as_pdf(Path(source), Path(temporary))
        document = cast(Any, pdfium.PdfDocument(path))
        try:
            document.init_forms()
            return _Document(document, path, pages, ocr_mode, every, climb).read()
        finally:
            document.close()


def as_pdf(source: Path, temporary: Path) -> Path:
    """A picture as a page, as MinerU makes it."""
    if source.suffix == ".pdf":
        return source
    from docvortex.document.pdf import PDFDocument

    path = temporary / "picture.pdf"
    with PDFDocument.from_image(source.read_bytes()) as made:
        path.write_bytes(made.bytes)
    return path


def note(code: str, pages: Iterable[int]) -> dict[str, str]:
    """A note as a job answers it."""
    return {
        "code": "pages_without_text" if code in ("no_models", "text_layer_only") else code,
        "pages": format_pages(tuple(sorted(set(pages)))),
        "message": _SENTENCES[code],
    }


class _Document:
    """One document on its way through the readers. Page numbers are from 1."""

    def __init__(
        self, document: Any, path: Path, pages: Sequence[int], ocr_mode: str, every: bool, climb: bool
    ) -> None:
        self._document = document
        self._path = path
        self._total = len(document)
        self._numbers = list(pages) or list(range(1, self._total + 1))
        self._mode: Mode = cast(Mode, ocr_mode)
        self._every = every
        self._climb = climb
        self._blocks: dict[int, list[Block]] = {}
        self._readers: dict[str, list[int]] = {}
        self._notes: dict[str, list[int]] = {}
        self._doubts: dict[str, set[int]] = {}
        self._found = self._words = 0.0

    def read(self) -> Reading:
        kinds = {number: self._kind(number) for number in self._numbers}
        scans = [number for number, kind in kinds.items() if kind is PageKind.SCAN]
        digital = [number for number in self._numbers if kinds[number] is not PageKind.SCAN]
        # MinerU's own say nothing of what they could not read: where a page may climb, others come first
        own = bool(scans) and not (self._climb and MODELS.available) and small_models.ready()
        if scans and not digital and not own and not MODELS.available:
            raise FileWithoutText()
        read_by_flash = self._flash(digital) if digital else None
        if own:
            self._keep("basic", small_models.read(str(self._path), scans))
            self._doubt({"unjudged"}, *scans)
        for number in scans:
            if number not in self._blocks:
                self._scan(number)
        return self._reading(read_by_flash)

    def _kind(self, number: int) -> PageKind:
        if self._mode != "auto":
            return PageKind.SCAN if self._mode == "ocr" else PageKind.DIGITAL
        return kind_of(self._document[number - 1])

    # ------------------------------------------------------------ readers

    def _flash(self, numbers: Sequence[int]) -> flash.FlashPages:
        """Flash's pages, each mended or read anew where it is in doubt."""
        everything = len(numbers) == self._total
        read_by_flash = flash.read(str(self._path), "" if everything else format_pages(tuple(numbers)))
        pages = zip(read_by_flash.indices, read_by_flash.evidence, read_by_flash.blocks, strict=True)
        for index, evidence, blocks in pages:
            number = index + 1
            self._blocks[number] = blocks
            flash.heads_are_titles(evidence, blocks)
            if self._mode == "txt" and kind_of(self._document[index]) is PageKind.SCAN:
                self._note("text_layer_only", number)
            if self._every or not flash.is_plain(evidence, blocks):
                self._second(number, blocks)
            else:
                self._plain(number, evidence, blocks)
        for number in set(numbers) - set(self._blocks):  # pdfium cannot copy them for MinerU
            self._give_picture(number, "pages_without_text")
        return read_by_flash

    def _plain(self, number: int, evidence: flash.Evidence, blocks: list[Block]) -> None:
        """Keeps flash's page of running text, compared with the lines that MinerU saw."""
        found = check.compare([text for text, _ in evidence.lines], blocks)
        self._count("flash", number, found.words, found.recall)
        for code in found.codes:
            self._note(code, number)
        self._doubt(page_doubts.of_lines(text for text, _ in evidence.lines), number)

    def _second(self, number: int, blocks: list[Block]) -> None:
        """Mends flash's page, or reads it anew."""
        try:
            page = self._document[number - 1]
            facts, reading = self._look(page, blocks, regions=self._every)
            if not facts.regions and MODELS.available and wants_regions(blocks, facts, reading):
                facts, reading = self._look(page, blocks, regions=True)
            self._take(number, facts, reading)
        except (MemoryError, AppError):
            raise
        except Exception as error:  # flash's page is there, and as good as it was
            logger.opt(exception=error).warning("page {} stays as flash read it", number)
            self._blocks[number] = blocks
            self._count("flash", number, 0, 0.0)

    def _look(self, page: Any, blocks: list[Block], regions: bool) -> tuple[PageFacts, PageReading]:
        """A page with or without what the layout model sees. Its words are read also by a damaged model."""
        try:
            facts = read_page(page, self._mode, MODELS, need_regions=regions)
        except BuiltinModelsUnfit as error:
            logger.warning("a page is read without models: {}", error.message)
            facts = read_page(page, self._mode, None)
        return facts, page_blocks(blocks, facts, find_tables(facts))

    def _scan(self, number: int) -> None:
        """Reads a page by OCR. What cannot be read stays as a picture, with a note."""
        page = self._document[number - 1]
        try:
            facts = read_page(page, self._mode, MODELS.checked())
            self._take(number, facts, page_blocks(None, facts, find_tables(facts)))
        except MemoryError:
            raise
        except Exception as error:
            logger.opt(exception=error).warning("page {} could not be read", number)
            unfit = isinstance(error, BuiltinModelsUnfit)
            self._give_picture(number, "no_models" if unfit else "pages_without_text")
            return
        if not facts.words and facts.picture is not None:
            self._blocks[number] = _picture_of(page)
            self._note("pages_without_text", number, doubtful=not blank(light(facts.picture)))

    def _give_picture(self, number: int, code: str) -> None:
        """Delivers a page that nobody could read as a picture, with a note."""
        self._blocks[number] = _picture_of(self._document[number - 1])
        self._count("basic", number, 0, 0.0)
        self._note(code, number)

    def _take(self, number: int, facts: PageFacts, reading: PageReading) -> None:
        self._blocks[number] = reading.blocks
        if not flash.is_sound(reading.blocks):
            raise ValueError("MinerU takes no such blocks")
        verdict = reading.verdict
        by_models = reading.anew or self._every
        self._count("basic" if by_models else "flash", number, verdict.words, verdict.recall)
        for code in [] if facts.scan or check.is_right_to_left(facts.words) else verdict.codes:
            self._note(code, number)
        lines = max(1, len({round(word.cy) for word in facts.words}) + len(facts.unread))
        if len(facts.unread) > _UNKNOWN_SCRIPT * lines:
            self._note("script_unsupported", number)
        if facts.scan and facts.words and facts.confidence < _LEGIBLE:
            self._note("handwriting", number)
        if facts.scan and any(r.label == "equation" and r.score > 0.5 for r in facts.regions):
            self._note("formulas_not_read", number)
        if facts.left_out:
            self._note("not_prepared", number)
        self._doubt(page_doubts.of_page(facts, reading.blocks, verdict), number)

    # ------------------------------------------------------------ what is said of it

    def _count(self, reader: str, number: int, words: int, recall: float) -> None:
        self._readers.setdefault(reader, []).append(number)
        self._words += words
        self._found += words * recall

    def _note(self, code: str, number: int, doubtful: bool = True) -> None:
        self._notes.setdefault(code, []).append(number)
        if doubtful:
            self._doubt(page_doubts.of_code(code), number)

    def _doubt(self, reasons: Iterable[str], *numbers: int) -> None:
        for reason in reasons if self._climb else ():
            self._doubts.setdefault(reason, set()).update(numbers)

    def _keep(self, reader: str, pages: dict[int, list[Block]]) -> None:
        self._blocks |= pages
        self._readers.setdefault(reader, []).extend(pages)

    def _reading(self, read_by_flash: flash.FlashPages | None) -> Reading:
        pages = [
            (number - 1, self._blocks[number], self._document.get_page_size(number - 1))
            for number in sorted(self._blocks)
        ]
        tier = "basic" if "basic" in self._readers else "flash"
        model = flash.model_json(read_by_flash, str(self._path), pages, self._total, tier)
        notes = [note(code, numbers) for code, numbers in self._notes.items()]
        for reason, numbers in self._doubts.items():
            pages_of = format_pages(sorted(numbers))
            notes.append({"code": doubts.CODE, "pages": pages_of, "message": doubts.doubt(reason)})
        readers = {name: format_pages(tuple(sorted(found))) for name, found in self._readers.items()}
        coverage = self._found / self._words if self._words else None
        return Reading(model, notes, coverage, int(self._words), readers)


#: pixels per point of a page that is given as a picture, and their number at most
_DRAWN, _MOST_PIXELS = 2.0, 8_000_000


def _picture_of(page: Any) -> list[Block]:
    """A whole page as a picture, so that nothing of it is lost."""
    import numpy as np

    width, height = page.get_size()
    scale = min(_DRAWN, (_MOST_PIXELS / max(1.0, width * height)) ** 0.5)
    drawn = np.asarray(page.render(scale=scale).to_pil().convert("RGB"))
    facts = PageFacts(width, height, picture=drawn, scale=scale)
    block = image_block(facts, (0.0, 0.0, width, height))
    return [block] if block else []
