"""Options of ``POST /predict``: those of older deployments of MinerU, and their meaning today."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradio_app.base.errors import FileEmpty, FileTooLarge, OptionInvalid
from gradio_app.base.names import display_name
from gradio_app.base.notes import Note
from gradio_app.base.options import TIERS, ParseOptions

#: the variable that holds the service's key, with ``_FILE`` that of a file that does; a flag would be seen in
#: the list of processes
KEY_VARIABLE = "MINERU_APP_API_KEY"
#: MinerU 2's backends -> the tier that takes their place
_BACKENDS = {"": "auto", "auto": "auto", "pipeline": "basic", **{tier: tier for tier in TIERS}}
_KNOWN = frozenset(
    (
        *("backend", "tier", "lang", "method", "ocr_mode", "formula_enable", "table_enable", "start_page_id"),
        *("end_page_id", "server_url", "page_range", "name", "archive"),
    )
)
#: accepted, without effect: MinerU 4 finds out the language itself, and always reads formulas and tables
WITHOUT_EFFECT = ("lang", "formula_enable", "table_enable")


@dataclass(frozen=True, slots=True)
class Order:
    """One document to read. ``name`` is what its type may be told from; ``archive``: send all files along."""

    data: bytes
    name: str
    options: ParseOptions
    server_url: str = ""
    archive: bool = True
    notes: tuple[Note, ...] = ()


def read_order(file: str, options: Mapping[str, Any], max_file_size: int) -> Order:
    """The order in a request. Raises ``OptionInvalid``, ``FileEmpty``, ``FileTooLarge``.

    ``start_page_id`` and ``end_page_id`` count from 0 and are inclusive, as they were; ``page_range`` counts
    from 1 and wins.
    """
    if unknown := sorted(set(map(str, options)) - _KNOWN):
        raise OptionInvalid(
            f"There is no option {unknown[0][:40]!r}. Options are: {', '.join(sorted(_KNOWN))}."
        )
    parse = ParseOptions.checked(
        _tier(options), _page_range(options), _text(options, "ocr_mode") or _text(options, "method") or "auto"
    )
    return Order(
        _content(file, max_file_size),
        display_name(_text(options, "name") or "document"),
        parse,
        _text(options, "server_url").rstrip("/"),
        _flag(options, "archive", True),
        tuple(_unused(name) for name in WITHOUT_EFFECT if options.get(name) not in (None, "")),
    )


def _unused(option: str) -> Note:
    return Note("option_without_effect", "", f"{option} has no effect.")


def _content(text: str, most: int) -> bytes:
    if len(text) > most // 3 * 4 + 4096:
        raise FileTooLarge(f"The file is larger than the {most / 2**20:.0f} MB that this server accepts.")
    try:
        # as a browser's data: address too
        data = base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError):
        raise OptionInvalid("'file' is not base64.") from None
    if not data:
        raise FileEmpty()
    if len(data) > most:
        raise FileTooLarge(f"The file is larger than the {most / 2**20:.0f} MB that this server accepts.")
    return data


def _tier(options: Mapping[str, Any]) -> str:
    if tier := _text(options, "tier"):
        return tier
    backend = _text(options, "backend").lower()
    if backend.startswith(("vlm", "hybrid")):  # vlm-transformers, vlm-http-client, ...
        return "standard"
    if backend not in _BACKENDS:
        raise OptionInvalid(f"There is no backend {backend[:40]!r}. Use 'tier': {', '.join(TIERS)}.")
    return _BACKENDS[backend]


def _page_range(options: Mapping[str, Any]) -> str:
    if text := _text(options, "page_range"):
        return text
    first, last = _index(options, "start_page_id", 0), _index(options, "end_page_id", -1)
    if last < 0:
        return f"{first + 1}-r1" if first else ""
    if last < first:
        raise OptionInvalid(f"end_page_id ({last}) comes before start_page_id ({first}).")
    return f"{first + 1}-{last + 1}"


def _text(options: Mapping[str, Any], name: str) -> str:
    value = options.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise OptionInvalid(f"{name} must be text.")
    return value.strip()


def _index(options: Mapping[str, Any], name: str, default: int) -> int:
    value = options.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not -1 <= value < 10**9:
        raise OptionInvalid(f"{name} must be a whole number from 0.")
    return default if value < 0 else value


def _flag(options: Mapping[str, Any], name: str, default: bool) -> bool:
    value = options.get(name, default)
    if not isinstance(value, bool):
        raise OptionInvalid(f"{name} must be true or false.")
    return value
