"""Files of a result: Markdown, JSON, pictures, one record a page; other formats on demand."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from gradio_app.base.errors import NotFound
from gradio_app.base.file_types import PICTURES
from gradio_app.base.files import link_or_copy
from gradio_app.parsing.corrections import Edit, parsed, write_edits
from gradio_app.parsing.embedding import with_pictures
from gradio_app.parsing.error_translation import readable_errors
from gradio_app.parsing.export_sanitizer import Cleaner, offline_html
from gradio_app.parsing.markdown import keep_signs, links_in, without_idle_anchors

#: pixels of a page preview, so that an odd aspect ratio cannot ask for gigabytes
MAX_PREVIEW_PIXELS = 8_000_000
_IMAGE_MARK = b"shard-image:"


def materialize(middle: Any, images: Mapping[str, Path] | None) -> tuple[Any, Mapping[str, bytes]]:
    """MinerU's naming of pictures. For joined shards the payload is a mark that names the file."""
    from docvortex.export import materialize_middle, validate_materialized_assets

    def resolve(block: Any, _page: int) -> tuple[bytes, str] | None:
        path = block.image_path
        if not path:
            return None
        return _IMAGE_MARK + path.encode(), path.rpartition(".")[2]

    if images is None:
        named, assets = materialize_middle(middle)
    else:
        resolver = cast(Callable[[Any, int], tuple[bytes, str] | None], resolve)
        # pictures within tables are named in HTML
        named, assets = materialize_middle(
            middle, image_resolver=resolver, asset_resolver=lambda path: _IMAGE_MARK + path.encode()
        )
    validate_materialized_assets(named, assets)
    return named, assets


#: a letter or a digit, and a picture in Markdown
_WORD, _PICTURE = re.compile(r"[^\W_]"), re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)")
_NO_TEXT = {
    "code": "no_text",
    "pages": "",
    "message": "No text was found in this document. If it shows text, convert it again with OCR mode ocr.",
}


def write_result(
    middle: Any, folder: Path, images: Mapping[str, Path] | None, edits: Sequence[Edit] | None = None
) -> dict[str, Any]:
    """Writes ``document.md``, ``middle.json``, ``content_list.json``, ``images/``, ``pages/``.

    ``edits`` are corrections that are in ``middle``, or were set aside: they are kept beside it; None: it
    never had any. Returns ``{"pages": count, "sha256": of document.md}``, and a note where the document has
    no text at all.
    """
    from mineru.parser import ParseResult
    from mineru.render import render_content_list

    named, assets = materialize(middle, images)
    exported = ParseResult(middle_json=named)
    keep_signs()
    text = without_idle_anchors(exported.markdown())
    markdown = text.encode("utf-8", "replace")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "images").mkdir(exist_ok=True)
    for name, payload in assets.items():
        if images is not None and payload.startswith(_IMAGE_MARK):
            link_or_copy(images[payload.removeprefix(_IMAGE_MARK).decode()], folder / name)
        else:
            (folder / name).write_bytes(payload)
    (folder / "document.md").write_bytes(markdown)
    (folder / "middle.json").write_text(exported.to_json(), "utf-8", "replace")
    listed = json.dumps(render_content_list(named), ensure_ascii=False, indent=2)
    (folder / "content_list.json").write_text(listed, "utf-8", "replace")
    write_pages(named, folder, links_in(text), edits or ())
    digest = sha256(markdown).hexdigest()
    if edits is not None:
        write_edits(folder, edits, digest)
    said: dict[str, Any] = {} if _WORD.search(_PICTURE.sub("", text)) else {"notes": [_NO_TEXT]}
    return {"pages": len(named.pages), "sha256": digest, **said}


def write_pages(
    middle: Any, folder: Path, linked: frozenset[str] | None = None, edits: Sequence[Edit] = ()
) -> None:
    """One ``pages/N.json`` a page, so that a reader opens page 700 without loading the others.

    ``linked``: the anchors that links of the document lead to; None where nobody knows. A block that was
    corrected has its ``original``, a page what was ``set_aside`` when it was read again.
    """
    from docvortex.document.pdf.layout import LAYOUT_EXTENSION
    from docvortex.render.markdown import render_single_block
    from docvortex.schema import PAGE_AUXILIARY_BLOCK_TYPES
    from mineru.config import config

    keep_signs()
    layout: dict[str, Any] = middle.extensions.get(LAYOUT_EXTENSION) or {"pages": []}
    sizes: dict[int, tuple[float, float]] = {
        entry["page_idx"]: (entry["width_pt"], entry["height_pt"]) for entry in layout["pages"]
    }

    def shown(block: Any) -> str:
        text = render_single_block(block, delimiters=config.render.latex_delimiters, asset_base_url="")
        return text if linked is None else without_idle_anchors(text, linked)

    (folder / "pages").mkdir(exist_ok=True)
    originals = {(edit.page, edit.block): edit.was for edit in edits if not edit.aside}
    for page in middle.pages:
        blocks: list[dict[str, Any]] = []
        for block in page.blocks:
            was = originals.get((page.page_idx + 1, block.index))
            blocks.append(
                {
                    "id": f"{page.page_idx + 1}-{block.index}",
                    "type": str(block.type),
                    "bbox": list(block.bbox) if block.bbox else None,
                    "markdown": shown(block),
                    "auxiliary": block.type in PAGE_AUXILIARY_BLOCK_TYPES,
                    **({"original": shown(parsed(was))} if was else {}),
                }
            )
        body = [b["markdown"].strip("\n") for b in blocks if not b["auxiliary"] and b["markdown"].strip()]
        width, height = sizes.get(int(page.page_idx), (None, None))
        record: dict[str, Any] = {
            "page": page.page_idx + 1,
            "width": width,
            "height": height,
            "markdown": "\n\n".join(body),
            "blocks": blocks,
        }
        if aside := [edit for edit in edits if edit.aside and edit.page == page.page_idx + 1]:
            record["set_aside"] = [
                {"original": shown(parsed(edit.was)), "markdown": shown(parsed(edit.now))} for edit in aside
            ]
        text = json.dumps(record, ensure_ascii=False)
        (folder / "pages" / f"{page.page_idx + 1}.json").write_text(text, "utf-8", "replace")


def export(result: str, out: str, form: str, title: str) -> dict[str, Any]:
    """Renders a finished result folder as ``html``, ``docx``, ``latex`` or ``epub`` into ``out``.

    Nothing in it acts by itself or loads anything from outside, whatever the document held.
    """
    with readable_errors():
        data = exported(Path(result), form, title)
        if form == "html":
            data = with_pictures(data.decode(), Path(result)).encode()
        return {"bytes": Path(out).write_bytes(data)}


def exported(folder: Path, form: str, title: str) -> bytes:
    """The bytes of such an export of the result in ``folder``; HTML links to its pictures."""
    from mineru.parser import ParseResult
    from mineru.render import RenderFormat, render
    from mineru.render.contracts import (
        DocxRenderOptions,
        EpubRenderOptions,
        HtmlRenderOptions,
        LatexRenderOptions,
    )

    middle = ParseResult.from_json((folder / "middle.json").read_text("utf-8")).middle_json

    def read_asset(path: str) -> bytes:
        wanted = (folder / path).resolve()
        if not wanted.is_relative_to(folder.resolve()):
            raise NotFound()
        return wanted.read_bytes()

    options: dict[str, Any] = {
        "html": HtmlRenderOptions(document_title=title),
        "docx": DocxRenderOptions(asset_resolver=read_asset),
        "latex": LatexRenderOptions(document_title=title),
        "epub": EpubRenderOptions(title=title, asset_resolver=read_asset),
    }
    Cleaner(form).clean(middle)
    rendered: Any = cast(Any, render)(middle, RenderFormat(form), options=options[form])
    if form == "html":
        rendered = offline_html(rendered)
    return rendered.encode("utf-8", "replace") if isinstance(rendered, str) else bytes(rendered)


def page_picture(source: str, kind: str, page: int, width: int, out: str) -> dict[str, Any]:
    """Draws one page (1-based) of a PDF, or a picture, as a PNG about ``width`` pixels wide."""
    with readable_errors():
        from PIL import Image, ImageOps

        if kind == "pdf":
            import pypdfium2 as pdfium

            document = cast(Any, pdfium.PdfDocument(source))
            if not 1 <= page <= len(document):
                raise NotFound(f"There is no page {page}: the document has {len(document)}.")
            points_wide, points_high = document.get_page_size(page - 1)
            area = max(1.0, points_wide * points_high)
            scale = min(width / max(1.0, points_wide), (MAX_PREVIEW_PIXELS / area) ** 0.5)
            picture = cast(Image.Image, document[page - 1].render(scale=scale).to_pil())
        elif kind in PICTURES and page == 1:
            picture = ImageOps.exif_transpose(Image.open(source))
            picture.thumbnail((width, 4 * width))
            picture = picture.convert("RGB")
        else:
            raise NotFound("This kind of document has no page pictures.")
        picture.save(out, format="PNG")
        return {"width": picture.width, "height": picture.height}
