"""Options of docling's clients: what they mean here, and which of them have no effect."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, cast

from pydantic import BaseModel, Field

from gradio_app.base.errors import OptionInvalid
from gradio_app.base.options import DOCLING_IMAGES, ParseOptions

#: format -> kind of export, suffix in a zip, field of an answer
FORMATS = {
    "md": ("markdown", "md", "md_content"),
    "json": ("json", "json", "json_content"),
    "html": ("html", "html", "html_content"),
    "text": ("text", "txt", "text_content"),
    "doctags": ("doctags", "doctags", "doctags_content"),
}
#: options that are understood, or say what is done anyway
_UNDERSTOOD = frozenset(
    {
        *("to_formats", "from_formats", "image_export_mode", "do_ocr", "force_ocr", "page_range", "pipeline"),
        *("target_type", "return_as_file", "tier", "include_images", "ocr_engine", "ocr_preset"),
        *(
            "pdf_backend",
            "table_mode",
            "do_table_structure",
            "table_cell_matching",
            "abort_on_error",
            "document_timeout",
        ),
    }
)
#: a page number from which on all pages are meant
_ALL_PAGES = 10**6
_YES, _NO = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off", ""})


class Options(BaseModel):
    """Options as they are described; others are taken, too."""

    to_formats: list[Literal["md", "json", "html", "text", "doctags"]] = ["md"]
    image_export_mode: Literal["placeholder", "embedded", "referenced"] = "placeholder"
    do_ocr: bool = True
    force_ocr: bool = False
    page_range: list[int] = Field(default=[1, _ALL_PAGES], description="First and last page", max_length=2)
    pipeline: str = Field(default="standard", description="vlm: the vision model, where there is one")


class FileForm(Options):
    """The form with files; it is parsed while it streams."""

    files: list[bytes] = Field(min_length=1)
    target_type: Literal["inbody", "zip"] = "inbody"


class SourceBody(BaseModel):
    """The body with sources; its files are decoded while they stream."""

    sources: list[dict[str, str]] = Field(
        min_length=1,
        description="kind file with filename and base64_string; kind http with url (see fetch_addresses)",
    )
    options: Options = Field(default_factory=Options)
    target: dict[Literal["kind"], Literal["inbody", "zip"]] = {"kind": "inbody"}


@dataclass(frozen=True, slots=True)
class Asked:
    """How a client wants its results: in ``formats``, with ``images`` somewhere, as a zip or one answer."""

    formats: tuple[str, ...]
    images: str
    zipped: bool
    notes: tuple[str, ...]

    @classmethod
    def of(cls, given: Mapping[str, Any], target: str) -> Self:
        """From options and the kind of target. Raises ``OptionInvalid`` for what nobody could answer."""
        formats = _words(given.get("to_formats")) or ["md"]
        if unknown := [name for name in formats if name not in FORMATS]:
            raise OptionInvalid(f"There is no format {unknown[0][:40]!r}. Formats are: {', '.join(FORMATS)}.")
        images = str(given.get("image_export_mode") or "placeholder").strip().lower()
        if images not in DOCLING_IMAGES:
            raise OptionInvalid(f"image_export_mode is one of: {', '.join(DOCLING_IMAGES)}.")
        zipped = target == "zip" or _is_on(given, "return_as_file", False)
        return cls(tuple(dict.fromkeys(formats)), images, zipped, tuple(_notes(given)))

    @classmethod
    def stored(cls, fields: Mapping[str, Any]) -> Self:
        """From the fields of a request in the store."""
        return cls(tuple(fields["formats"]), fields["images"], fields["zipped"], tuple(fields["notes"]))

    def to_fields(self) -> dict[str, Any]:
        """For the store."""
        return asdict(self)


def target_of(given: Any) -> str:
    """``inbody`` or ``zip``; raises ``OptionInvalid``, for ``presigned_url`` in the words of docling."""
    kind = cast(dict[str, Any], given).get("kind") if isinstance(given, dict) else given
    name = str(kind or "inbody").strip().lower()
    if name in ("inbody", "zip"):
        return name
    if name == "presigned_url":
        raise OptionInvalid(
            "Target presigned_url requires artifact storage to be configured, which there is none of. "
            "Use inbody or zip."
        )
    raise OptionInvalid("This server sends results itself: use the target inbody or zip.")


def options_of(given: Mapping[str, Any], engine: bool) -> ParseOptions:
    """The options of the tasks; ``engine``: whether a vision model is there. Raises ``OptionInvalid``."""
    vision = engine and _pipeline(given) == "vlm"
    tier = str(given.get("tier") or ("standard" if vision else "auto"))
    ocr_mode = "ocr" if _is_on(given, "force_ocr", False) else "auto"
    if not _is_on(given, "do_ocr", True):
        ocr_mode = "txt"
    return ParseOptions.checked(tier, _pages(given.get("page_range")), ocr_mode)


def _pipeline(given: Mapping[str, Any]) -> str:
    return str(given.get("pipeline") or "").strip().lower()


def _pages(given: Any) -> str:
    """First and last page, from 1, as our range."""
    numbers = _words(given)
    if not numbers:
        return ""
    if len(numbers) != 2 or not all(word.isascii() and word.isdigit() and len(word) < 20 for word in numbers):
        raise OptionInvalid("page_range has two numbers: the first and the last page, from 1.")
    first, last = map(int, numbers)
    if last >= _ALL_PAGES:
        return f"{first}-r1" if first > 1 else ""
    return f"{first}-{last}"


def _words(given: Any) -> list[str]:
    """A list, a list as JSON in a form, or words with commas."""
    if isinstance(given, str) and given.lstrip().startswith("["):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            raise OptionInvalid("A list of options is no JSON. Check it.") from None
    values: Sequence[Any] = cast(Sequence[Any], given) if isinstance(given, list | tuple) else [given]
    words = (word.strip().lower() for value in values for word in _text(value).split(","))
    return [word for word in words if word]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def _is_on(given: Mapping[str, Any], name: str, default: bool) -> bool:
    value = given.get(name)
    text = str(default if value is None else value).strip().lower()
    if text not in _YES | _NO:
        raise OptionInvalid(f"{name} must be true or false.")
    return text in _YES


def _notes(given: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for what asks for something else than is done."""
    odd = [name[:60] for name, value in given.items() if name not in _UNDERSTOOD and _asks(value)]
    if odd:
        yield f"These options have no effect here: {', '.join(sorted(odd)[:20])}."
    if not _is_on(given, "do_table_structure", True):
        yield "do_table_structure=false has no effect: tables are always read."
    if _pipeline(given) not in ("", "standard", "legacy", "vlm"):
        yield "The pipeline is not known here: the pages were read as tier auto reads them."


def _asks(value: Any) -> bool:
    """Whether an option asks for anything: most clients send those that they leave alone as well."""
    return value not in (None, False, "", "false", "False", "0", [], {}, [""])
