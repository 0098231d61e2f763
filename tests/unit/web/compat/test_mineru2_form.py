"""The form of MinerU 2 and 3: pages, readers, parts, and what has no effect."""

from __future__ import annotations

import pytest

from gradio_app.base.errors import AppError, OptionInvalid
from gradio_app.store.requests import ClientRequest
from gradio_app.web.compat.mineru2_form import Asked, options_of, stems


@pytest.mark.parametrize(
    ("first", "last", "pages"),
    [
        (None, None, ""),
        ("0", "99999", ""),
        ("0", "-1", ""),
        ("0", "None", ""),
        ("0", "0", "1-1"),
        ("2", "4", "3-5"),
        ("3", "99999", "4-r1"),
        ("0", "100000000", ""),
    ],
)
def test_pages_are_counted_from_zero_and_both_ends_are_meant(
    first: str | None, last: str | None, pages: str
) -> None:
    given = {"start_page_id": first, "end_page_id": last}
    assert options_of({name: text for name, text in given.items() if text}, False).page_range == pages


@pytest.mark.parametrize(
    "fields",
    [
        {"start_page_id": "-1"},
        {"start_page_id": "5", "end_page_id": "4"},
        {"start_page_id": "1.5"},
        {"end_page_id": "9" * 5000},
        {"end_page_id": "٣"},
        {"parse_method": "magic"},
        {"tier": "best"},
    ],
)
def test_bad_values_are_refused_with_a_sentence(fields: dict[str, str]) -> None:
    with pytest.raises(AppError) as caught:
        options_of(fields, False)
    assert isinstance(caught.value, OptionInvalid)


@pytest.mark.parametrize(
    ("backend", "engine", "tier", "noted"),
    [
        ("", False, "auto", False),
        ("pipeline", True, "auto", False),
        ("vlm-transformers", True, "standard", False),
        ("vlm-sglang-engine", False, "auto", True),
        ("hybrid-auto-engine", True, "standard", False),
        ("hybrid-http-client", False, "auto", True),
        ("magic", True, "auto", True),
    ],
)
def test_backends_of_old_are_tiers(backend: str, engine: bool, tier: str, noted: bool) -> None:
    fields = {"backend": backend} if backend else {}
    assert options_of(fields, engine).tier == tier
    assert bool(Asked.of(fields, ["a.pdf"], engine).notes) is noted


def test_the_language_and_the_method_are_taken() -> None:
    assert options_of({"parse_method": "ocr"}, False).ocr_mode == "ocr"
    assert Asked.of({"lang_list": "ch,en"}, [], False).notes == ()
    assert len(Asked.of({"lang_list": "ch,korean"}, [], False).notes) == 1


def test_what_has_no_effect_is_said() -> None:
    fields = {
        "server_url": "http://127.0.0.1:30000",
        "formula_enable": "False",
        "table_enable": "false",
        "return_model_output": "True",
    }
    told = Asked.of(fields, ["a.pdf"], False).notes
    assert len(told) == 4 and all(note.endswith(".") for note in told)
    assert Asked.of(dict.fromkeys(("formula_enable", "table_enable"), "True"), [], False).notes == ()


def test_parts_are_those_that_are_asked_for() -> None:
    assert Asked.of({}, ["a.pdf"], False).parts == ("md",)
    every: dict[str, str] = dict.fromkeys(
        ("return_middle_json", "return_content_list", "return_images", "return_original_file"), "true"
    )
    assert Asked.of(every, [], False).parts == ("md", "middle", "list", "images", "origin")
    assert Asked.of({"return_md": "0"}, [], False).parts == ()
    late = Asked.of({"client_side_output_generation": "true", "return_md": "false"}, [], False)
    assert {"md", "middle", "list", "images"} == set(late.parts)
    with pytest.raises(OptionInvalid, match="return_md"):
        Asked.of({"return_md": "maybe"}, [], False)


@pytest.mark.parametrize(
    ("fields", "folder"),
    [
        ({"backend": "pipeline", "parse_method": "ocr"}, "ocr"),
        ({"backend": "vlm-engine"}, "vlm"),
        ({"backend": "hybrid-engine"}, "hybrid_auto"),
        ({"backend": "../../etc", "parse_method": "../x"}, "auto"),
    ],
)
def test_mineru_3_has_a_folder_in_the_folder(fields: dict[str, str], folder: str) -> None:
    assert Asked.of(fields, [], False, version=3).folder == folder
    assert Asked.of(fields, [], False).folder == ""


def test_what_was_asked_comes_back_from_the_store() -> None:
    asked = Asked.of({"response_format_zip": "1", "backend": "x" * 100}, ["a.pdf", "报告.docx"], False, 3)
    kept = ClientRequest.new("mineru2", "ann", (), **asked.to_fields())
    assert Asked.stored(kept.fields) == asked and len(asked.backend) == 40


def test_no_two_results_have_one_name() -> None:
    names = ["a.pdf", "A.docx", "a.pdf", "a_2.pdf", ".pdf", "x/y.tar.gz"]
    found = stems(names)
    assert found[0] == "a" and len({name.casefold() for name in found}) == len(names)
    assert found[-1] == "y.tar"
