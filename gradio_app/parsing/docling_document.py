"""DoclingDocument: a finished result as the document model of docling, with boxes, tables and pictures."""

# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportPrivateImportUsage=false

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AnyUrl

from gradio_app.base.errors import FileTooLarge
from gradio_app.base.files import is_result_name
from gradio_app.parsing.docling_tables import pictures_in, table_data

if TYPE_CHECKING:
    from docling_core.types.doc import (
        DocItem,
        DoclingDocument,
        ImageRef,
        NodeItem,
        ProvenanceItem,
        TableData,
    )

#: where pictures are: in the document as data, named by their path in the result, or not at all
Images = Literal["embedded", "referenced", "placeholder"]
#: bytes of pictures that one document holds as data
MOST_EMBEDDED = 256 * 2**20
#: points to an inch
_INCH = 72
#: levels of lists in lists; deeper ones join the last
_DEEPEST = 20
_PAGE_GROUPS = {
    "pptx": "slide",
    "ppt": "slide",
    "odp": "slide",
    "xlsx": "sheet",
    "xls": "sheet",
    "ods": "sheet",
}


class PicturesTooLarge(FileTooLarge):
    """The pictures of this document are too large to be sent within it. Ask for image_export_mode
    placeholder, or for target_type zip."""


class Pictures:
    """The pictures of a result as docling's references."""

    def __init__(self, folder: Path, images: Images) -> None:
        self._folder, self._images, self._left = folder, images, MOST_EMBEDDED

    def data_address(self, path: str) -> str:
        """A ``data:`` address of ``images/NAME``. Raises ``PicturesTooLarge``, and ``OSError`` without it."""
        data = self._file(path).read_bytes()
        self._left -= len(data)
        if self._left < 0:
            raise PicturesTooLarge()
        return f"data:{_media(path)};base64,{base64.b64encode(data).decode('ascii')}"

    def reference(self, path: str, box: ProvenanceItem | None) -> ImageRef | None:
        """What a picture of the document refers to; None where it holds none."""
        from docling_core.types.doc import ImageRef, Size
        from PIL import Image

        if self._images == "placeholder":
            return None
        try:
            with Image.open(self._file(path)) as opened:
                width, height = opened.size
            address = AnyUrl(self.data_address(path)) if self._images == "embedded" else Path(path)
        except (OSError, ValueError, Image.DecompressionBombError):
            return None
        across = box.bbox.width if box else 0.0
        dpi = round(width / across * _INCH) if across > 1 else _INCH
        return ImageRef(
            mimetype=_media(path), dpi=max(1, dpi), size=Size(width=width, height=height), uri=address
        )

    def _file(self, path: str) -> Path:
        folder, _, name = path.partition("/")
        if folder != "images" or not is_result_name(name):
            raise FileNotFoundError(path)
        return self._folder / "images" / name


def _media(path: str) -> str:
    return mimetypes.guess_type(path)[0] or "image/png"


def docling_document(folder: Path, name: str, images: Images, origin: Mapping[str, str]) -> DoclingDocument:
    """The result in ``folder`` as a document that docling's own model accepts.

    ``origin`` has the ``filename`` and the ``sha256`` of the upload. Boxes are in points from the lower left
    corner of a page, as docling's own for PDF; formats without pages of a size have none. Raises
    ``FileTooLarge`` for too many cells, or pictures too large to be embedded.
    """
    from docling_core.types.doc import DoclingDocument, DocumentOrigin
    from docvortex.document.pdf.layout import LAYOUT_EXTENSION
    from docvortex.render._internal.common.planner import build_render_plan
    from mineru.parser import ParseResult

    middle = ParseResult.from_json((folder / "middle.json").read_text("utf-8")).middle_json
    document = DoclingDocument(name=name)
    filename, digest = origin["filename"], origin["sha256"]
    media = mimetypes.guess_type(filename)[0]
    if media and media in mimetypes.types_map.values():
        document.origin = DocumentOrigin(mimetype=media, binary_hash=int(digest[:16], 16), filename=filename)
    layout: Any = middle.extensions.get(LAYOUT_EXTENSION) or {"pages": []}
    sizes = {page["page_idx"]: (page["width_pt"], page["height_pt"]) for page in layout["pages"]}
    builder = _Builder(document, Pictures(folder, images), sizes)
    group = _PAGE_GROUPS.get(middle.metadata.file_suffix, "")
    for page, blocks in zip(middle.pages, build_render_plan(middle), strict=True):
        builder.page(page.page_idx, blocks, group)
    return document


class _Builder:
    """Adds the blocks of MinerU's pages, in their order, to a document."""

    def __init__(
        self, document: DoclingDocument, pictures: Pictures, sizes: Mapping[int, tuple[float, float]]
    ) -> None:
        self._document, self._pictures, self._sizes = document, pictures, sizes
        self._page, self._parent = 0, None
        self._cells = 0
        #: what a block that continues another one belongs to, by kind
        self._last: dict[str, DocItem] = {}
        self._ways: dict[str, Callable[[Any, Sequence[Any]], DocItem | None]] = {
            "text": self._text,
            "ref_text": self._reference,
            "doc_title": self._title,
            "paragraph_title": self._heading,
            "header": self._furniture,
            "footer": self._furniture,
            "page_number": self._furniture,
            "aside_text": self._furniture,
            "page_footnote": self._footnote,
            "equation": self._formula,
            "list": self._list,
            "index": self._list,
            "image": self._picture,
            "chart": self._picture,
            "table": self._table,
            "code": self._code,
        }

    def page(self, index: int, blocks: Sequence[Any], group: str) -> None:
        """All planned blocks of the page ``index`` (0-based), in a ``group`` for a slide or sheet."""
        from docling_core.types.doc import GroupLabel, Size
        from docvortex.content.inline import join_inline_spans

        self._page, self._parent = index, None
        if index in self._sizes:
            width, height = self._sizes[index]
            self._document.add_page(index + 1, Size(width=width, height=height))
        if group and blocks:
            self._parent = self._document.add_group(label=GroupLabel(group), name=f"{group}-{index + 1}")
        for planned in blocks:
            block = planned.block
            kind = str(block.type)
            if planned.removed:
                self._continue(kind, block)
                continue
            item = self._ways[kind](block, join_inline_spans(planned.text_contents))
            if item is not None:
                self._last[kind] = item
            if kind == "list" and "item" in self._last:  # a text may continue its last item
                self._last["text"] = self._last["item"]

    # ------------------------------------------------------------ boxes

    def _box(self, block: Any, text: str = "") -> ProvenanceItem | None:
        from docling_core.types.doc import BoundingBox, CoordOrigin, ProvenanceItem

        if block.bbox is None or self._page not in self._sizes:
            return None
        width, height = self._sizes[self._page]
        left, top, right, bottom = block.bbox
        box = BoundingBox(
            l=left * width,
            t=(1 - top) * height,
            r=right * width,
            b=(1 - bottom) * height,
            coord_origin=CoordOrigin.BOTTOMLEFT,
        )
        return ProvenanceItem(page_no=self._page + 1, bbox=box, charspan=(0, len(text)))

    def _continue(self, kind: str, block: Any) -> None:
        """The box of a block whose content is in an item before it."""
        item, box = self._last.get(kind), self._box(block)
        if item is None or box is None or not item.prov:
            return
        text = getattr(item, "text", "")
        start = 0
        if kind in ("text", "ref_text"):
            start = max(0, len(text) - len(plain_text(block.content)))
            _, end = item.prov[-1].charspan
            item.prov[-1].charspan = (item.prov[-1].charspan[0], min(start, end))
        box.charspan = (start, len(text))
        item.prov.append(box)

    # ------------------------------------------------------------ text

    def _add(
        self, label: str, block: Any, spans: Sequence[Any], parent: NodeItem | None = None, **more: Any
    ) -> DocItem | None:
        from docling_core.types.doc import DocItemLabel

        text = plain_text(spans)
        if not text.strip():
            return None
        return self._document.add_text(
            DocItemLabel(label),
            text,
            prov=self._box(block, text),
            parent=parent or self._parent,
            **style_of(spans),
            **more,
        )

    def _text(self, block: Any, spans: Sequence[Any]) -> DocItem | None:
        return self._add("text", block, spans)

    def _reference(self, block: Any, spans: Sequence[Any]) -> DocItem | None:
        return self._add("reference", block, spans)

    def _title(self, block: Any, _spans: Sequence[Any]) -> DocItem | None:
        return self._add("title", block, block.content)

    def _heading(self, block: Any, _spans: Sequence[Any]) -> DocItem | None:
        return self._add("section_header", block, block.content, level=max(1, block.level - 1))

    def _furniture(self, block: Any, _spans: Sequence[Any]) -> DocItem | None:
        from docling_core.types.doc import ContentLayer

        kind = str(block.type)
        above = kind == "header" or (kind == "page_number" and block.bbox is not None and block.bbox[3] < 0.5)
        label = "text" if kind == "aside_text" else "page_header" if above else "page_footer"
        return self._add(label, block, block.content, content_layer=ContentLayer.FURNITURE)

    def _footnote(self, block: Any, _spans: Sequence[Any]) -> DocItem | None:
        return self._add("footnote", block, block.content)

    def _formula(self, block: Any, _spans: Sequence[Any]) -> DocItem:
        if block.content.strip() or not block.image_path:
            box = self._box(block, block.content)
            return self._document.add_formula(block.content, prov=box, parent=self._parent)
        box = self._box(block)  # nobody has read it: it is shown as it looks
        image = self._pictures.reference(block.image_path, box)
        return self._document.add_picture(image=image, prov=box, parent=self._parent)

    def _code(self, block: Any, _spans: Sequence[Any]) -> DocItem:
        from docling_core.types.doc import CodeLanguageLabel

        body = next(child for child in block.content if str(child.type) in ("code_body", "algorithm_body"))
        text = body.content if isinstance(body.content, str) else plain_text(body.content)
        names = {label.value.lower(): label for label in CodeLanguageLabel}
        item = self._document.add_code(
            text,
            code_language=names.get((block.guess_lang or "").lower()),
            prov=self._box(block, text),
            parent=self._parent,
        )
        self._captions(block, item)
        return item

    # ------------------------------------------------------------ lists

    def _list(self, block: Any, _spans: Sequence[Any]) -> DocItem | None:
        group = self._document.add_list_group(parent=self._parent)
        return self._items(block, block, group, 0)

    def _items(self, top: Any, block: Any, group: Any, depth: int) -> DocItem | None:
        from docvortex.render._internal.common.list_items import parse_list_item_marker

        item: DocItem | None = None
        for child in block.content:
            if str(child.type) in ("list", "index"):
                inner = group
                if depth < _DEEPEST:
                    inner = self._document.add_list_group(parent=item or group)
                last = self._items(top, child, inner, depth + 1)
                item = item or last
                continue
            found = parse_list_item_marker(child.content)
            text = plain_text(found.body)
            item = self._document.add_list_item(
                text,
                enumerated=found.kind in ("ordered", "explicit"),
                marker=found.marker or "",
                prov=self._box(child if child.bbox else top, text),
                parent=group,
                **style_of(found.body),
            )
            self._last["item"] = item
        return item

    # ------------------------------------------------------------ pictures, tables

    def _picture(self, block: Any, _spans: Sequence[Any]) -> DocItem:
        from docling_core.types.doc import DescriptionMetaField, PictureMeta, TabularChartMetaField

        body = next(child for child in block.content if str(child.type).endswith("_body"))
        box = self._box(block)
        image = self._pictures.reference(body.image_path, box) if body.image_path else None
        item = self._document.add_picture(image=image, prov=box, parent=self._parent)
        meta = PictureMeta()
        if "<table" in body.content:
            meta.tabular_chart = TabularChartMetaField(chart_data=self._cells_of(body.content))
        elif body.content.strip():
            meta.description = DescriptionMetaField(text=body.content.strip())
        if meta.model_dump(exclude_none=True):
            item.meta = meta
        self._captions(block, item)
        return item

    def _table(self, block: Any, _spans: Sequence[Any]) -> DocItem:
        body = next(child for child in block.content if str(child.type) == "table_body")
        item = self._document.add_table(
            self._cells_of(body.content), prov=self._box(block), parent=self._parent
        )
        if not item.data.table_cells and body.image_path:  # a table that nobody has read
            item.image = self._pictures.reference(body.image_path, self._box(block))
        for path in pictures_in(body.content):
            self._document.add_picture(image=self._pictures.reference(path, None), parent=item)
        self._captions(block, item)
        return item

    def _cells_of(self, markup: str) -> TableData:
        data = table_data(markup, self._cells)
        self._cells += data.num_rows * data.num_cols
        return data

    def _captions(self, block: Any, item: Any) -> None:
        """Captions and footnotes of a picture, table or code: below it, and named by it."""
        for child in block.content:
            kind = str(child.type).rpartition("_")[2]
            added = self._add(kind, child, child.content, item) if kind in ("caption", "footnote") else None
            if added is not None:
                (item.captions if kind == "caption" else item.footnotes).append(added.get_ref())


def plain_text(spans: Sequence[Any]) -> str:
    """The text of a line of spans; formulas stand between dollars."""
    parts: list[str] = []
    for span in spans:
        kind = str(span.type)
        inner = plain_text(span.content) if kind == "hyperlink" else span.content
        parts.append(f"${inner}$" if kind == "equation_inline" else inner)
    return "".join(parts)


def style_of(spans: Sequence[Any]) -> dict[str, Any]:
    """Formatting and link of a line, where they are the same all along."""
    from docling_core.types.doc import Formatting, Script

    found: dict[str, Any] = {}
    if len(spans) == 1 and str(spans[0].type) == "hyperlink":
        if spans[0].url.startswith(("http://", "https://", "mailto:")):
            found["hyperlink"] = spans[0].url
        spans = spans[0].content
    styles: set[tuple[str, ...]] = {tuple(getattr(span, "styles", ())) for span in spans}
    if len(styles) == 1 and (names := set[str](styles.pop())):
        script = Script.SUPER if "superscript" in names else Script.SUB if "subscript" in names else None
        found["formatting"] = Formatting(
            bold="bold" in names,
            italic=bool(names & {"italic", "emphasis"}),
            underline="underline" in names,
            strikethrough="strikethrough" in names,
            script=script or Script.BASELINE,
        )
    return found
