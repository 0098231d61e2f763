"""The form of MinerU 2 and 3: what its fields mean here, and which of them have no effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any, Self

from pydantic import BaseModel, Field

from gradio_app.base.errors import OptionInvalid
from gradio_app.base.names import unique
from gradio_app.base.options import OCR_MODES, OcrMode, ParseOptions

#: field -> the part of a result that it asks for, and whether it does without being sent
PARTS = {
    "return_md": ("md", True),
    "return_middle_json": ("middle", False),
    "return_content_list": ("list", False),
    "return_images": ("images", False),
    "return_original_file": ("origin", False),
}
#: the last page that these clients know of: all that there are
ALL_PAGES = 99999
#: languages that every reader here tries
_ANY_LANGUAGE = frozenset({"", "auto", "ch", "ch_lite", "ch_server", "en", "latin"})
_YES, _NO = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off", "none", ""})


class Form(BaseModel):
    """The form as it is described; it is parsed while it streams. Fields that are not here are taken, too."""

    files: list[bytes] = Field(min_length=1)
    backend: str = Field("pipeline", description="vlm-* and hybrid-*: the vision model, where there is one")
    parse_method: OcrMode = "auto"
    start_page_id: int = Field(0, ge=0, description="First page, counted from 0")
    end_page_id: int = Field(ALL_PAGES, description="Last page; 99999 for all")
    return_md: bool = True
    return_middle_json: bool = False
    return_content_list: bool = False
    return_images: bool = False
    return_original_file: bool = Field(False, description="In a zip only")
    response_format_zip: bool = False
    password: str = Field("", description="Opens encrypted documents")


@dataclass(frozen=True, slots=True)
class Asked:
    """How a client wants its results. ``names``: one for each file, no two the same.

    ``folder``: within the folder of each document in a zip, where MinerU 3 has its files; 2 has none.
    """

    backend: str
    parts: tuple[str, ...]
    zipped: bool
    names: tuple[str, ...]
    notes: tuple[str, ...]
    folder: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, str], names: Sequence[str], engine: bool, version: int = 2) -> Self:
        """From a form for files with these names; ``engine``: whether a vision model is there."""
        parts = [part for field, (part, given) in PARTS.items() if _is_on(fields, field, given)]
        if _is_on(fields, "client_side_output_generation", False):
            parts = ["md", "middle", "list", "images", *(["origin"] if "origin" in parts else [])]
        zipped = _is_on(fields, "response_format_zip", False)
        backend = fields.get("backend", "").strip()[:40] or "pipeline"
        folder = _folder(backend, fields.get("parse_method", "")) if version > 2 else ""
        return cls(backend, tuple(parts), zipped, stems(names), tuple(_notes(fields, engine)), folder)

    @classmethod
    def stored(cls, fields: Mapping[str, Any]) -> Self:
        """From the fields of a request in the store."""
        lists = {name: tuple(fields[name]) for name in ("parts", "names", "notes")}
        return cls(fields["backend"], zipped=fields["zipped"], folder=fields["folder"], **lists)

    def to_fields(self) -> dict[str, Any]:
        """For the store."""
        return asdict(self)


def _folder(backend: str, method: str) -> str:
    """Where MinerU 3 puts the files of a document that it has read so."""
    method = method if method in OCR_MODES else "auto"
    kinds = {"vlm": "vlm", "hybrid": f"hybrid_{method}"}
    return next((folder for kind, folder in kinds.items() if backend.startswith(kind)), method)


def options_of(fields: Mapping[str, str], engine: bool) -> ParseOptions:
    """The options of the tasks. Raises ``OptionInvalid``."""
    tier = fields.get("tier", "") or ("standard" if engine and _wants_vision(fields) else "auto")
    return ParseOptions.checked(tier, _pages(fields), fields.get("parse_method", "auto"))


def _pages(fields: Mapping[str, str]) -> str:
    """Their first and last page, counted from 0, as a range from 1."""
    first, last = _number(fields, "start_page_id", 0), _number(fields, "end_page_id", ALL_PAGES)
    if first < 0 or 0 <= last < first:
        raise OptionInvalid("start_page_id is at least 0 and at most end_page_id.")
    to_the_end = last < 0 or last >= ALL_PAGES
    if to_the_end:
        return f"{first + 1}-r1" if first else ""
    return f"{first + 1}-{last + 1}"


def _number(fields: Mapping[str, str], name: str, default: int) -> int:
    text = fields.get(name, "").strip().lower()
    if text in ("", "none", "null"):
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise OptionInvalid(f"{name} must be a whole number.")
    return int(text)


def _is_on(fields: Mapping[str, str], name: str, default: bool) -> bool:
    text = fields.get(name, str(default)).strip().lower()
    if text not in _YES | _NO:
        raise OptionInvalid(f"{name} must be true or false.")
    return text in _YES


def _wants_vision(fields: Mapping[str, str]) -> bool:
    return fields.get("backend", "").startswith(("vlm", "hybrid"))


def _notes(fields: Mapping[str, str], engine: bool) -> Iterator[str]:
    """A sentence for each field that asks for something else than is done."""
    if _wants_vision(fields) and not engine:
        yield "This server has no vision model now: the pages were read as tier auto reads them."
    elif not fields.get("backend", "pipeline").startswith(("pipeline", "vlm", "hybrid")):
        yield "The backend is not known here: the pages were read as tier auto reads them."
    if fields.get("server_url", "").strip().lower() not in ("", "none", "null"):
        yield "server_url has no effect: this server chooses its model server itself."
    for name in ("formula_enable", "table_enable"):
        if not _is_on(fields, name, True):
            yield f"{name}=false has no effect: formulas and tables are always read."
    if _is_on(fields, "return_model_output", False):
        yield "return_model_output has no effect: the raw output of models is not kept."
    languages = {each.strip().lower() for each in fields.get("lang_list", "").split(",")}
    if languages - _ANY_LANGUAGE:
        yield "lang_list has no effect: the script is found out on each page."


def stems(names: Sequence[str]) -> tuple[str, ...]:
    """Names without their suffixes; later ones of the same name get a number."""
    taken = set[str]()
    return tuple(unique(PurePosixPath(name).stem or "document", taken, "{}_{}") for name in names)
