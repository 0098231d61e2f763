"""Options of docling's clients, from forms and from JSON."""

from __future__ import annotations

from typing import Any

import pytest

from gradio_app.base.errors import AppError
from gradio_app.base.options import ParseOptions
from gradio_app.web.compat.docling_options import Asked, options_of, target_of


@pytest.mark.parametrize(
    ("given", "formats"),
    [
        ({}, ("md",)),
        ({"to_formats": "json"}, ("json",)),
        ({"to_formats": ["md", "JSON", "md"]}, ("md", "json")),
        ({"to_formats": "md,text"}, ("md", "text")),
        ({"to_formats": '["html", "doctags"]'}, ("html", "doctags")),
    ],
)
def test_formats(given: dict[str, Any], formats: tuple[str, ...]) -> None:
    asked = Asked.of(given, "inbody")
    assert (asked.formats, asked.images, asked.zipped) == (formats, "placeholder", False)
    assert Asked.stored(asked.to_fields()) == asked


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({}, ParseOptions()),
        ({"do_ocr": False}, ParseOptions(ocr_mode="txt")),
        ({"do_ocr": "true", "force_ocr": "True"}, ParseOptions(ocr_mode="ocr")),
        ({"page_range": [1, 2**63 - 1]}, ParseOptions()),
        ({"page_range": ["2", "7"]}, ParseOptions(page_range="2-7")),
        ({"page_range": "[3, 9223372036854775807]"}, ParseOptions(page_range="3-r1")),
        ({"page_range": "2,2"}, ParseOptions(page_range="2-2")),
        ({"pipeline": "vlm"}, ParseOptions()),
        ({"tier": "flash"}, ParseOptions(tier="flash")),
    ],
)
def test_options(given: dict[str, Any], options: ParseOptions) -> None:
    assert options_of(given, engine=False) == options


def test_a_vision_pipeline_is_the_vision_model() -> None:
    assert options_of({"pipeline": "vlm"}, engine=True).tier == "standard"
    assert options_of({"pipeline": "standard"}, engine=True).tier == "auto"


@pytest.mark.parametrize(
    "given",
    [
        {"to_formats": ["md", "yaml"]},
        {"to_formats": {"a": 1}, "image_export_mode": "x"},
        {"page_range": [0, 3]},
        {"page_range": [4, 3]},
        {"page_range": ["a", "b"]},
        {"page_range": [1, 2, 3]},
        {"page_range": "²,³"},
        {"force_ocr": "maybe"},
        {"force_ocr": [True]},
    ],
)
def test_bad_options(given: dict[str, Any]) -> None:
    with pytest.raises(AppError):
        options_of(given, engine=False)
        Asked.of(given, "inbody")


def test_options_without_effect_are_told() -> None:
    given = {"do_chunking": True, "ocr_lang": ["de"], "do_code_enrichment": False, "images_scale": None}
    (note,) = Asked.of(given, "inbody").notes
    assert note == "These options have no effect here: do_chunking, ocr_lang."
    assert len(Asked.of({"pipeline": "asr", "do_table_structure": False}, "inbody").notes) == 2


def test_targets() -> None:
    assert [target_of(each) for each in (None, "", "inbody", {"kind": "zip"}, "ZIP")] == [
        *("inbody", "inbody", "inbody", "zip", "zip")
    ]
    assert Asked.of({"return_as_file": "true"}, "inbody").zipped and Asked.of({}, "zip").zipped
    for target in ("presigned_url", {"kind": "presigned_url"}):
        with pytest.raises(AppError, match="artifact storage to be configured"):
            target_of(target)
    with pytest.raises(AppError, match="inbody or zip"):
        target_of({"kind": "s3"})
