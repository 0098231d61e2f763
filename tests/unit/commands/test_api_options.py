"""Requests as older deployments wrote them, and what they mean today."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gradio_app.base.errors import AppError, FileEmpty, FileTooLarge, OptionInvalid, PageRangeInvalid
from gradio_app.base.notes import Note
from gradio_app.base.options import ParseOptions
from gradio_app.commands.api.options import Order, read_order

DATA = b"%PDF-1.7"
FILE = base64.b64encode(DATA).decode()


def order(**options: Any) -> Order:
    return read_order(FILE, options, 1000)


def test_nothing_said_is_everything_at_its_best() -> None:
    assert order() == Order(DATA, "document", ParseOptions())


@pytest.mark.parametrize(
    ("backend", "tier"),
    [
        ("pipeline", "basic"),
        ("vlm-transformers", "standard"),
        ("vlm-sglang-client", "standard"),
        ("VLM-HTTP-CLIENT", "standard"),
        ("hybrid-auto-engine", "standard"),
        ("flash", "flash"),
        ("", "auto"),
    ],
)
def test_backends_become_tiers(backend: str, tier: str) -> None:
    assert order(backend=backend).options.tier == tier
    assert order(backend=backend, tier="advanced").options.tier == "advanced"


@pytest.mark.parametrize(
    ("options", "pages"),
    [
        ({"start_page_id": 0, "end_page_id": None}, ""),
        ({"start_page_id": 0, "end_page_id": -1}, ""),
        ({"start_page_id": 2}, "3-r1"),
        ({"start_page_id": 2, "end_page_id": 4}, "3-5"),
        ({"end_page_id": 0}, "1-1"),
        ({"end_page_id": 0, "page_range": "7"}, "7"),
    ],
)
def test_pages_were_counted_from_zero(options: dict[str, Any], pages: str) -> None:
    assert order(**options).options.page_range == pages


def test_old_options_are_understood_or_said_to_have_no_effect() -> None:
    old = order(
        method="ocr", lang="ch", formula_enable=True, table_enable=False, server_url="http://gpu:30000/"
    )
    assert (old.options.ocr_mode, old.server_url) == ("ocr", "http://gpu:30000")
    unused = [f"{name} has no effect." for name in ("lang", "formula_enable", "table_enable")]
    assert old.notes == tuple(Note("option_without_effect", "", text) for text in unused)
    assert order(lang="", formula_enable=None).notes == ()


def test_a_name_is_no_path() -> None:
    assert order(name="../../etc/passwd.pdf").name == "passwd.pdf"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"backend": "best"}, OptionInvalid),
        ({"tier": "best"}, OptionInvalid),
        ({"method": "guess"}, OptionInvalid),
        ({"colour": 1}, OptionInvalid),
        ({"name": 1}, OptionInvalid),
        ({"archive": "yes"}, OptionInvalid),
        ({"start_page_id": "1"}, OptionInvalid),
        ({"start_page_id": True}, OptionInvalid),
        ({"start_page_id": 3, "end_page_id": 1}, OptionInvalid),
        ({"start_page_id": 10**10}, OptionInvalid),
        ({"page_range": "x"}, PageRangeInvalid),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], error: type[AppError]) -> None:
    with pytest.raises(error):
        order(**options)


def test_the_file_is_base64_within_the_limit() -> None:
    assert read_order(f"data:application/pdf;base64,{FILE}", {}, 1000).data == DATA
    for text, error in (("", FileEmpty), ("$$", OptionInvalid), ("QUJ", OptionInvalid), ("ü", OptionInvalid)):
        with pytest.raises(error):
            read_order(text, {}, 1000)
    for length in (1001, 10_000):
        with pytest.raises(FileTooLarge):
            read_order(base64.b64encode(b"x" * length).decode(), {}, 1000)
