"""Flash reader: MinerU's reading of a PDF's text layer, and the evidence that it collected on the way.

The evidence (lines, rules, pictures) costs nothing here, as MinerU reads it anyway. It tells the pages that
need no second thought from those that do.
"""

# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from gradio_app.parsing import speedups
from gradio_app.parsing.readers.embedded.geometry import Box, area, holds, overlap
from gradio_app.parsing.readers.embedded.right_to_left import RTL, reading_order

#: block types that say: there is more on this page than running text
_NOT_RUNNING_TEXT = frozenset({"table", "code", "image", "chart", "equation", "index", "list", "aside_text"})
#: drawn rules on a page of running text: one below a heading, one above footnotes, a frame's line or two
_FEW_RULES = 4
#: share of the lines that may stand beside another line (a page number, a date) on a page of one column
_BESIDE = 0.04
#: share of the letters of its lines that flash must deliver
_DELIVERED = 0.995
#: parts of the names of fonts of one width
_MONO_NAMES = ("courier", "mono", "consol", "typewriter", "cmtt", "menlo")
#: size of a line, in that of the text, from which on it is larger; weight and names of bold fonts
_LARGER, _BOLD, _BOLD_NAMES = 1.15, 600, ("bold", "black", "heavy", "semibold")
#: lines of a page that are looked at for rows
_MOST_LINES = 3000
#: signs of a list or a symbol font
_BULLETS = re.compile("^[•●◦▪■□☐☑☒➢✓\ue000-\uf8ff]")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What MinerU saw on a page before it read it: text and box of each line, in points.

    ``rules`` counts drawn lines. ``upright`` is false when some text runs sideways; ``mono`` is true when
    some is set in a font of one width. ``strong`` are the boxes of lines larger or bolder than the text.
    """

    width: float
    height: float
    lines: tuple[tuple[str, Box], ...]
    rules: int
    pictures: tuple[Box, ...]
    upright: bool
    mono: bool
    strong: tuple[Box, ...] = ()

    @property
    def words(self) -> int:
        """Number of words in the lines."""
        return sum(len(text.split()) for text, _ in self.lines)


@dataclass(frozen=True, slots=True)
class FlashPages:
    """Pages as MinerU read them, in order: blocks of its ModelJson and evidence of each.

    ``indices`` are page numbers from 0. ``properties`` are MinerU's ``DocumentProperties``; ``layout`` is
    what it says of the pages' sizes and pictures.
    """

    blocks: tuple[list[dict[str, Any]], ...]
    indices: tuple[int, ...]
    evidence: tuple[Evidence, ...]
    properties: Any
    layout: dict[str, Any]


def read(source: str, page_range: str) -> FlashPages:
    """Reads the text layer of these pages. Pages that pdfium cannot copy are left out."""
    speedups.for_pages()
    with collecting() as found:
        pages = analyze(source, page_range, "flash", "txt")
    return replace(pages, evidence=tuple(found))


def analyze(source: str, page_range: str, effort: str, parse_mode: str) -> FlashPages:
    """MinerU's reading of some pages of a PDF, without what it makes of a whole document."""
    from docvortex.document.pdf.layout import remap_layout_geometry
    from mineru.backend.analysis.pdf.pipeline import analyze_pdf
    from mineru.parser import MinerUParser

    parser: Any = MinerUParser(tier="flash", parse_mode="txt")
    prepared = parser._prepare_input(Path(source), page_range)
    result = analyze_pdf(prepared.file_bytes, effort=cast(Any, effort), parse_mode=cast(Any, parse_mode))
    kept: list[int] | None = prepared.retained_page_indices
    layout = remap_layout_geometry(result.layout_geometry or {"version": 1, "pages": []}, kept)
    blocks = tuple(result.model_list)
    return FlashPages(blocks, tuple(kept or range(len(blocks))), (), prepared.source_properties, layout)


def is_sound(blocks: list[dict[str, Any]]) -> bool:
    """Whether MinerU takes these blocks as a page. One that it refuses would cost the whole document."""
    from docvortex.schema import DocumentMetadata, ModelJson, Producer
    from pydantic import ValidationError

    metadata = DocumentMetadata(file_suffix="pdf", producer=Producer(name="mineru", version="0"))
    try:
        ModelJson(pages=[blocks], page_index_map=[], metadata=metadata)
    except (ValidationError, ValueError):
        return False
    return True


def model_json(
    read_by_flash: FlashPages | None,
    source: str,
    pages: Sequence[tuple[int, list[dict[str, Any]], tuple[float, float]]],
    total: int,
    tier: str,
) -> Any:
    """MinerU's ``ModelJson`` of pages (number from 0, blocks, size in points) of a document of ``total``.

    ``tier``: the dearest reader of a page; those by name count as models that read pictures.
    """
    from docvortex.document.pdf.layout import LAYOUT_EXTENSION
    from docvortex.schema import DocumentMetadata, ModelJson, Producer
    from mineru.integrations.docvortex import build_metadata, read_source_properties
    from mineru.version import __version__

    if read_by_flash is None:
        properties = read_source_properties(Path(source).read_bytes(), "pdf")
        layout: dict[str, Any] = {"version": 1, "pages": []}
    else:
        properties, layout = read_by_flash.properties, read_by_flash.layout
    entries = {entry["page_idx"]: entry for entry in layout["pages"]}
    for index, _, (width, height) in pages:
        entries.setdefault(index, {"page_idx": index, "width_pt": width, "height_pt": height})
    indices = [index for index, _, _ in pages]
    effort = {"flash": "flash", "basic": "medium"}.get(tier, "high")
    extensions = build_metadata(effort=effort, parse_mode="txt" if tier == "flash" else "ocr")
    extensions[LAYOUT_EXTENSION] = layout | {"pages": [entries[index] for index in indices]}
    return ModelJson(
        pages=[blocks for _, blocks, _ in pages],
        page_index_map=[] if indices == list(range(total)) else indices,
        metadata=DocumentMetadata(
            file_suffix="pdf", producer=Producer(name="mineru", version=__version__), document=properties
        ),
        extensions=extensions,
    )


@contextmanager
def collecting() -> Generator[list[Evidence]]:
    """Keeps what MinerU collects of each page that it reads at flash while the block runs, in their order."""
    from docvortex.analyzers.native.pdf import pipeline

    inner: Any = pipeline
    found: list[Evidence] = []
    collect = inner._collect_document_sources

    def collected(document: Any) -> Any:
        sources = collect(document)
        for page in sources.page_sources:
            _in_reading_order(page.lines)
        found.extend(_of(page) for page in sources.page_sources)
        return sources

    inner._collect_document_sources = collected
    try:
        yield found
    finally:
        inner._collect_document_sources = collect


def _in_reading_order(lines: Sequence[Any]) -> None:
    """Gives the texts of a row with right-to-left runs to its parts in the order of reading.

    MinerU joins the parts of a row from left to right. Their boxes stay: in the end a row has one.
    """
    if len(lines) > _MOST_LINES or not any(RTL.search(line.text) for line in lines):
        return
    rows: list[list[Any]] = []
    for line in sorted(lines, key=lambda line: line.bbox[0]):
        row = next((row for row in rows if _goes_on(row[-1].bbox, line.bbox)), None)
        if line.angle == 0:
            (rows.append([line]) if row is None else row.append(line))
    for row in rows:
        texts = [line.text for line in row]
        for line, index in zip(row, reading_order(texts), strict=True):
            line.text = texts[index]


def _goes_on(left: Box, right: Box) -> bool:
    """Whether a part of a row is followed by another one at the distance of a blank."""
    height = min(left[3] - left[1], right[3] - right[1])
    level = overlap(left[1], left[3], right[1], right[3]) > 0.5 * height
    return level and -height < right[0] - left[2] < height


def _of(page: Any) -> Evidence:
    width, height = page.page_size
    lines = tuple((line.text, tuple(line.bbox)) for line in page.lines if line.text.strip())
    pictures = (*page.image_bboxes, *page.form_bboxes)
    upright = all(line.angle == 0 for line in page.lines)
    fonts = {line.font_signature[0].lower() for line in page.lines if line.font_signature}
    mono = any(name in font for font in fonts for name in _MONO_NAMES)
    strong = tuple(_strong(page.lines))
    return Evidence(width, height, lines, len(page.drawing_lines), pictures, upright, mono, strong)


def _strong(lines: Sequence[Any]) -> Iterator[Box]:
    """Boxes of the lines that are larger than most letters of the page, or bold where these are not."""
    letters = [(line, len(line.text)) for line in lines if line.text.strip()]
    total = sum(count for _, count in letters)
    if not total:
        return
    size = seen = 0.0
    for line, count in sorted(letters, key=lambda each: each[0].em_height):
        size, seen = line.em_height, seen + count
        if 2 * seen >= total:
            break
    plain = 2 * sum(count for line, count in letters if _is_bold(line)) < total
    for line, _ in letters:
        if line.em_height > _LARGER * size or (plain and _is_bold(line)):
            yield tuple(line.bbox)


def _is_bold(line: Any) -> bool:
    name = line.font_signature[0].lower() if line.font_signature else ""
    return (line.dominant_font_weight or 0) >= _BOLD or any(part in name for part in _BOLD_NAMES)


def heads_are_titles(page: Evidence, blocks: Iterable[dict[str, Any]]) -> None:
    """Makes heads that are larger or bolder than the text headings, in place: a running head is neither."""
    for block in blocks:
        if block["type"] == "header" and page.strong:
            x0, y0, x1, y1 = block["bbox"]
            box = (x0 * page.width, y0 * page.height, x1 * page.width, y1 * page.height)
            inside = [each for _, each in page.lines if _is_in(each, box)]
            if inside and all(each in page.strong for each in inside):
                block["type"] = "paragraph_title"


def _is_in(box: Box, other: Box) -> bool:
    return holds(other, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2)


def is_plain(page: Evidence, blocks: Sequence[dict[str, Any]]) -> bool:
    """Whether a page is running text in one column that flash delivered: nobody need read it again.

    True needs proof on each point; what is unusual is looked at more closely.
    """
    if not page.lines or not page.upright or page.mono or page.rules > _FEW_RULES:
        return False
    if any(str(block["type"]) in _NOT_RUNNING_TEXT for block in blocks):
        return False
    if any(area(box) > 0.02 * page.width * page.height for box in page.pictures):
        return False
    if any(_BULLETS.match(text) for text, _ in page.lines):
        return False
    if _beside_another(page.lines) > max(1, _BESIDE * len(page.lines)):
        return False
    seen, delivered = _letters(text for text, _ in page.lines), _letters(map(text_of, blocks))
    return delivered >= _DELIVERED * seen


def _beside_another(lines: Sequence[tuple[str, Box]]) -> int:
    """Number of lines that share more than half of their height with a line beside them."""
    rows = sorted((box for _, box in lines), key=lambda box: box[1])
    count = 0
    for index, a in enumerate(rows):
        for b in rows[index + 1 : index + 8]:
            if b[1] >= a[3]:
                break
            if overlap(a[1], a[3], b[1], b[3]) > 0.5 * min(a[3] - a[1], b[3] - b[1]):
                count += 1
                break
    return count


def text_of(block: Any) -> str:
    """All text in a block of MinerU's ModelJson. Spans of a line bring their blanks along."""
    content: Any = cast(dict[str, Any], block).get("content") if isinstance(block, dict) else block
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        items = cast(list[Any], content)
        spans = all(isinstance(item, dict) and "bbox" not in item for item in items)
        return ("" if spans else " ").join(map(text_of, items))
    return text_of(content) if isinstance(content, dict) else ""


def _letters(texts: Iterable[str]) -> int:
    return sum(map(str.isalnum, "".join(texts)))
