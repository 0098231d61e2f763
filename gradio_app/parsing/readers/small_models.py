"""MinerU's own small models (layout, OCR, formulas), once they were fetched from a hub."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradio_app.base.options import format_pages
from gradio_app.parsing.readers import flash


def ready() -> bool:
    """Whether they are on this machine."""
    from mineru.model.download import verify_model_repo
    from mineru.model.registry import MINERU_4_MODELS_ONNX, MINERU_4_MODELS_TORCH

    return any(verify_model_repo(repo).ready for repo in (MINERU_4_MODELS_ONNX, MINERU_4_MODELS_TORCH))


def read(source: str, pages: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Blocks of these pages (1-based) as MinerU's tier ``basic`` reads scans."""
    found = flash.analyze(source, format_pages(tuple(pages)), "medium", "ocr")
    return {index + 1: blocks for index, blocks in zip(found.indices, found.blocks, strict=True)}
