"""Faults while a document is read: what can be delivered is, and the rest is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.errors import FileWithoutText
from gradio_app.machine import builtin_models as installed
from gradio_app.parsing.parse import parse_document
from gradio_app.parsing.readers import flash
from gradio_app.parsing.readers.embedded.models import FILES, MODELS
from gradio_app.parsing.reading import MODELS_VARIABLE
from tests.documents import paper_pdf, scan_pdf, text_pdf


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models, each of the right size and none of them sound."""
    folder = tmp_path / "models"
    folder.mkdir()
    for file in FILES:
        with (folder / file.name).open("wb") as out:
            out.truncate(file.size)
    monkeypatch.setenv(MODELS_VARIABLE, str(folder))
    return folder


@pytest.fixture(autouse=True)
def sound_models_afterwards(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv(MODELS_VARIABLE, str(installed.folder()))
    yield
    MODELS.use(None)


def read(tmp_path: Path, data: bytes, method: str = "auto") -> tuple[dict[str, Any], str]:
    source = tmp_path / "document.pdf"
    source.write_bytes(data)
    answer = parse_document(str(source), str(tmp_path / "out"), [], "basic", "txt", method)
    return answer, (tmp_path / "out" / "document.md").read_text("utf-8")


@pytest.mark.parametrize("method", ["auto", "every"])
def test_damaged_models_cost_a_digital_document_nothing(damaged: Path, tmp_path: Path, method: str) -> None:
    assert damaged
    _, text = read(tmp_path, paper_pdf(1), method)
    assert "Here stands marker 1" in text


def test_damaged_models_leave_scans_as_pictures_and_name_the_repair(damaged: Path, tmp_path: Path) -> None:
    assert damaged
    answer, text = read(tmp_path, scan_pdf(2))
    (note,) = answer["notes"]
    assert (note["code"], note["pages"]) == ("pages_without_text", "1-2")
    assert "models --source builtin" in note["message"]
    assert text.count("![](images/") == 2


def test_without_models_a_document_of_pictures_has_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MODELS_VARIABLE)
    with pytest.raises(FileWithoutText):
        read(tmp_path, scan_pdf(1))


def test_a_page_that_cannot_be_copied_is_a_picture_with_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = flash.read

    def without_the_second(source: str, page_range: str) -> flash.FlashPages:
        found = whole(source, page_range)
        kept = (0, 2)
        return replace(
            found,
            blocks=tuple(found.blocks[n] for n in kept),
            indices=kept,
            evidence=tuple(found.evidence[n] for n in kept),
        )

    monkeypatch.setattr(flash, "read", without_the_second)
    answer, text = read(tmp_path, text_pdf(3))
    assert [(note["code"], note["pages"]) for note in answer["notes"]] == [("pages_without_text", "2")]
    assert text.count("![](images/") == 1 and answer["pages"] == 3
