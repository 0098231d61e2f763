"""Parsing: whole documents, and shards of long ones."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from gradio_app.base import page_readers
from gradio_app.base.errors import FileCorrupt
from gradio_app.base.file_types import SHEETS
from gradio_app.base.notes import Note, notes_to_json
from gradio_app.base.options import TIERS, format_pages
from gradio_app.parsing import check, marginals, named, reading, sheets, speedups, text_layer
from gradio_app.parsing.confinement import confine_mineru
from gradio_app.parsing.error_translation import readable_errors
from gradio_app.parsing.prepare.office.mending import mended
from gradio_app.parsing.readers import flash, small_models
from gradio_app.parsing.readers.vlm import model_server, vlm_config
from gradio_app.parsing.results import materialize, write_pages, write_result
from gradio_app.parsing.sheet_names import name_single_sheets

#: files of parts, of which those that are damaged can be left out
_MENDED = (".docx", ".pptx", ".xlsx")
#: one page that says "warm"; pdfium mends the missing table of offsets
_WARM_PAGE = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R
/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length 44>>stream
BT /F 12 Tf 70 700 Td (A page to warm up.) Tj ET
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""


def warm_up() -> dict[str, Any]:
    """Parses a page of our own, so that the first real one does not pay for imports."""
    with readable_errors(), tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "warm.pdf")
        source.write_bytes(_WARM_PAGE)
        result = _parse(str(source), [], "flash", "txt", None)
        return write_result(result.middle_json, Path(folder, "out"), None)


def parse_document(
    source: str,
    out: str,
    pages: Sequence[int],
    tier: str,
    parse_mode: str,
    method: str = "mineru",
    ocr_mode: str = "auto",
    heads: marginals.Heads = "unusual",
    climb: str = "",
) -> dict[str, Any]:
    """Parses a document that fits one shard and writes its finished result into ``out``.

    ``pages`` are 1-based; empty for all. ``method``: ``mineru`` reads all pages at ``tier``, and the result
    equals that of ``mineru.parse`` and ``save``, byte for byte, unless heads or feet come back into the text
    (``marginals``, by ``heads``); ``auto`` chooses a reader page by page; with ``every`` models look at
    each page. Returns ``{"pages": count, "sha256": of document.md}``, for the last
    two also ``reading.Reading.facts``. Where ``climb`` lets a better reader see pages in doubt, and there are
    some, ``out`` gets what ``parse_shard`` writes instead, and the answer has no ``sha256``.
    """
    with readable_errors():
        if source.endswith(f".{SHEETS}"):
            _set_up()
            middle, facts = _middle(sheets.read(Path(source))), {"readers": {tier: "1"}}
        elif _by_mineru(method):
            with flash.collecting() as seen:
                result, lost = _parse_mended(source, pages, tier, parse_mode)
            facts = _facts_of(result, tier, seen, source)
            middle = with_marginals(result, heads)
            if lost:
                facts = {**facts, "notes": [*facts.get("notes", []), *notes_to_json([lost])]}
        else:
            found = _read(source, pages, ocr_mode, method, climb)
            if found.in_doubt:
                return {**_write_shard(found.model, _middle(found.model), Path(out)), **found.facts}
            numbers = found.model.page_index_map or range(len(found.model.pages))
            marginals.bring_back(found.model.pages, numbers, heads)
            middle, facts = _middle(found.model), found.facts
        return _with_facts(write_result(middle, Path(out), None), facts)


def parse_shard(
    source: str,
    out: str,
    pages: Sequence[int],
    tier: str,
    parse_mode: str,
    method: str = "mineru",
    ocr_mode: str = "auto",
    climb: str = "",
    endpoint: Mapping[str, Any] | None = None,
    gate: Sequence[str] = (),
) -> dict[str, Any]:
    """Parses some pages of a longer document into ``out``: ``model.json``, ``images/``, ``pages/``.

    Pictures become files, so that joining a thousand pages does not hold all of them in memory. ``method``
    and ``climb`` are as for ``parse_document``; where ``tier`` is the name of a page reader, that one reads.
    ``endpoint`` and ``gate`` are as for ``model_server``. Returns ``{"pages": count}``, with a model server
    also ``"failed"`` (numbers of pages that lack a block), ``"reason"`` and ``"tokens"``.
    """
    reader = page_readers.by_tier(tier) if tier not in TIERS else None
    with readable_errors(), model_server(endpoint, gate, mineru=reader is None) as watch:
        if reader is not None and watch is not None:
            _set_up()
            found = named.read(reader, source, pages, watch)
            output, middle, facts = found.model, _middle(found.model), found.facts
        elif _by_mineru(method):
            with flash.collecting() as seen:
                result = _parse(source, pages, tier, parse_mode, endpoint)
            middle, facts = result.middle_json, _facts_of(result, tier, seen, source)
            output = result._model_output  # pyright: ignore[reportPrivateUsage]
        else:
            found = _read(source, pages, ocr_mode, method, climb)
            output, middle, facts = found.model, _middle(found.model), found.facts
        written = _write_shard(output, middle, Path(out))
        return {**written, **facts, **(watch.report(pages) if watch else {})}


def _write_shard(output: Any, middle: Any, folder: Path) -> dict[str, Any]:
    """The files of a shard: MinerU's ``ModelJson``, and its pages from the document of them (``middle``)."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    model = output.to_dict(skip_defaults=False)
    _move_images_out(model["pages"], folder)
    (folder / "model.json").write_text(json.dumps(model, ensure_ascii=False), "utf-8", "replace")
    named, assets = materialize(middle, None)
    for name, payload in assets.items():
        (folder / name).write_bytes(payload)
    write_pages(named, folder)
    return {"pages": len(named.pages)}


def _parse_mended(source: str, pages: Sequence[int], tier: str, parse_mode: str) -> tuple[Any, Note | None]:
    """MinerU's result; of an Office file that it refuses, that without its damaged parts, and a note."""
    if not source.endswith(_MENDED):
        return _parse(source, pages, tier, parse_mode, None), None
    try:
        with readable_errors():
            return _parse(source, pages, tier, parse_mode, None), None
    except FileCorrupt:
        with tempfile.TemporaryDirectory() as folder:
            whole = Path(folder, f"mended{Path(source).suffix}")
            lost = mended(Path(source), whole)
            if not lost:
                raise
            result = _parse(str(whole), pages, tier, parse_mode, None)
        more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
        message = f"Damaged parts of the file were left out: {', '.join(lost[:5])}{more}. Save it again."
        return result, Note.plain("content_left_out", (), message)


def _with_facts(result: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """A result and what is said of it; that there is no text is not said twice."""
    notes: list[dict[str, str]] = facts.get("notes") or result.get("notes") or []
    return {**result, **facts, "notes": notes}


def _by_mineru(method: str) -> bool:
    """Whether MinerU reads all pages: its own small models, once fetched, take the place of the built-in."""
    return method == "mineru" or (method == "every" and small_models.ready())


def _facts_of(result: Any, tier: str, seen: Sequence[flash.Evidence], source: str) -> dict[str, Any]:
    """What is to be said of pages that MinerU has read: who did, which are pictures only, what is missing.

    ``seen``: what it saw on each page, at flash.
    """
    middle = result.middle_json
    if middle.metadata.file_suffix != "pdf":
        return {"readers": {tier: "1"}}
    numbers = tuple(page.page_idx + 1 for page in middle.pages)
    facts: dict[str, Any] = {"readers": {tier: format_pages(numbers)}, "notes": []}
    model = result._model_output.to_dict(skip_defaults=False)
    indices: Sequence[int] = model["page_index_map"] or range(len(model["pages"]))
    if tier != "flash":
        verdicts = text_layer.verdicts(source, list(zip(indices, model["pages"], strict=True)))
        return facts | _noted(verdicts, facts["notes"])
    filled = [(index, blocks) for index, blocks in zip(indices, model["pages"], strict=True) if blocks]
    if silent := [index + 1 for index, blocks in filled if not any(map(_has_text, blocks))]:
        facts["notes"].append(reading.note("pages_without_text", silent))
    return facts | _compared(indices, model["pages"], seen, facts["notes"])


def _compared(
    indices: Sequence[int],
    pages: Sequence[list[dict[str, Any]]],
    seen: Sequence[flash.Evidence],
    notes: list[dict[str, str]],
) -> dict[str, Any]:
    """Coverage and notes of pages (numbers from 0) whose blocks are compared with their lines."""
    if len(seen) != len(pages):
        return {}
    known = zip(indices, pages, seen, strict=True)
    return _noted(
        ((index, check.compare([text for text, _ in page.lines], blocks)) for index, blocks, page in known),
        notes,
    )


def _noted(verdicts: Iterable[tuple[int, check.Verdict]], notes: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Coverage, and ``notes`` with those that pages (numbers from 0) deserve."""
    codes: dict[str, list[int]] = {}
    words = found = 0.0
    for index, verdict in verdicts:
        words, found = words + verdict.words, found + verdict.words * verdict.recall
        for code in verdict.codes:
            codes.setdefault(code, []).append(index + 1)
    more = [reading.note(code, numbers) for code, numbers in codes.items()]
    return {"notes": [*notes, *more], "coverage": found / words if words else None, "words": int(words)}


def _has_text(block: Any) -> bool:
    return block["type"] != "image" and bool(flash.text_of(block).strip())


def _read(source: str, pages: Sequence[int], ocr_mode: str, method: str, climb: str) -> reading.Reading:
    """``climb``: ``anywhere``, or ``here`` if this machine has MinerU's small models, which it needs."""
    _set_up()
    climbs = climb == "anywhere" or (climb == "here" and small_models.ready())
    return reading.read(source, pages, ocr_mode, method == "every", climbs)


def with_marginals(result: Any, heads: marginals.Heads) -> Any:
    """MinerU's whole document; made anew where heads or feet come back into its text."""
    from docvortex.schema import ModelJson

    if result.middle_json.metadata.file_suffix != "pdf":
        return result.middle_json
    model = result._model_output.to_dict(skip_defaults=False)
    numbers = model["page_index_map"] or range(len(model["pages"]))
    if not marginals.bring_back(model["pages"], numbers, heads):
        return result.middle_json
    return _middle(ModelJson.from_dict(model))


def _middle(model: Any) -> Any:
    """MinerU's whole document of pages that were read."""
    from mineru.backend.postprocess.document import model_json_to_middle_json
    from mineru.config import config

    return model_json_to_middle_json(model, llm_aided_config=config.llm_aided)


def _set_up() -> None:
    speedups.postpone_openai()
    confine_mineru()
    speedups.for_markdown()


def _parse(
    source: str, pages: Sequence[int], tier: str, parse_mode: str, endpoint: Mapping[str, Any] | None
) -> Any:
    _set_up()
    if tier == "flash" and source.endswith(".pdf"):
        speedups.for_pages()
    if source.endswith((".xlsx", ".xls", ".ods")):
        name_single_sheets()
    from docvortex.document.contracts import HtmlSourceContext
    from mineru.parser import MinerUParser

    server = vlm_config(endpoint) if endpoint else None
    parser = MinerUParser(tier=cast(Any, tier), parse_mode=cast(Any, parse_mode or "auto"), vlm_config=server)
    # anchors in HTML are made from the file's address: with a fixed one the same bytes give the same result
    address = HtmlSourceContext(source_uri="file:///document.html", local_resource_root=Path(source).parent)
    context = address if source.endswith((".html", ".mhtml")) else None
    return parser.parse(source, page_range=format_pages(tuple(pages)), source_context=context)


def _move_images_out(value: Any, folder: Path) -> None:
    """Writes every embedded picture below ``value`` into ``folder`` and leaves its path, in place."""
    from docvortex.assets import parse_image_data_uri_strict

    if isinstance(value, list):
        for item in cast(list[Any], value):
            _move_images_out(item, folder)
    elif isinstance(value, dict):
        block = cast(dict[str, Any], value)
        embedded = block.get("image_base64")
        if isinstance(embedded, str):
            payload, extension = parse_image_data_uri_strict(embedded)
            path = f"images/{sha256(payload).hexdigest()}.{extension}"
            (folder / path).write_bytes(payload)
            del block["image_base64"]
            block["image_path"] = path
        for item in block.values():
            _move_images_out(item, folder)
