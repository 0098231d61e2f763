"""Form fields: what a widget shows, from its field's type, value and flags."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pikepdf

#: fields above a field, and characters of a value
_MOST_PARENTS, MOST_VALUE = 32, 20_000
#: flags of fields: several lines, password, push button, combo box
_LINES, _PASSWORD, _PUSH, _COMBO = 1 << 12, 1 << 13, 1 << 16, 1 << 17


@dataclass(frozen=True, slots=True)
class Shown:
    """What a widget or typed annotation shows.

    ``text`` must be found where it stands; ``ticked`` is None for all but boxes that can be ticked. ``own``:
    its appearance does not say which value it has. ``lines``: its box takes several.
    """

    text: str = ""
    ticked: bool | None = None
    lines: bool = False
    own: bool = False
    size: float = 0.0


def shown(widget: Any) -> Shown:
    """What a widget shows; nothing but its appearance for push buttons and passwords."""
    flags = inherited(widget, "/Ff")
    flags = int(flags) if isinstance(flags, int) else 0
    value = inherited(widget, "/V")
    match name_of(inherited(widget, "/FT")):
        case "Tx" if not flags & _PASSWORD:
            return Shown(text_of(value), lines=bool(flags & _LINES))
        case "Ch":
            chosen = "\n".join(_chosen(value, inherited(widget, "/Opt")))
            return Shown(chosen, lines=not flags & _COMBO, own=not flags & _COMBO)
        case "Btn" if not flags & _PUSH:
            return Shown(ticked=_ticked(widget, value))
        case "Sig":
            name = text_of(value.get("/Name")) if isinstance(value, pikepdf.Dictionary) else ""
            return Shown(name and f"Signed by {name}")
        case _:
            return Shown()


def inherited(widget: Any, key: str) -> Any:
    """A value of the field of a widget, or of a field above it."""
    for _ in range(_MOST_PARENTS):
        if not isinstance(widget, pikepdf.Dictionary):
            return None
        if key in widget:
            return widget[key]
        widget = widget.get("/Parent")
    return None


def text_of(value: Any) -> str:
    """A text string, a name or a stream as text, cut to what a value may be; empty for everything else."""
    if isinstance(value, pikepdf.Stream):
        raw = value.read_bytes()[: 4 * MOST_VALUE]
        text = str(pikepdf.String(raw))
    elif isinstance(value, pikepdf.Name):
        text = name_of(value)
    elif isinstance(value, pikepdf.String | str):
        text = str(value)
    else:
        return ""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(char for char in text[:MOST_VALUE] if char == "\n" or char.isprintable()).strip()


def name_of(value: Any) -> str:
    """A name without its slash; empty for what is none. Old files write them in any encoding."""
    if not isinstance(value, pikepdf.Name):
        return ""
    try:
        return str(value)[1:]
    except UnicodeDecodeError:
        return value.unparse().decode("latin-1")[1:]


def _chosen(value: Any, options: Any) -> list[str]:
    """The chosen values as they are displayed."""
    values = list(value) if isinstance(value, pikepdf.Array) else [value]
    names: dict[str, str] = {}
    for option in list(options)[:MOST_VALUE] if isinstance(options, pikepdf.Array) else []:
        if isinstance(option, pikepdf.Array) and len(option) == 2:
            names[text_of(option[0])] = text_of(option[1])
    found = [text_of(one) for one in values[:1000]]
    return [names.get(one, one) for one in found if one]


def _ticked(widget: Any, value: Any) -> bool:
    state = widget.get("/AS")
    if isinstance(state, pikepdf.Name):
        return state != pikepdf.Name.Off
    if not isinstance(value, pikepdf.Name) or value == pikepdf.Name.Off:
        return False
    looks = widget.get("/AP")
    normal = looks.get("/N") if isinstance(looks, pikepdf.Dictionary) else None
    # without looks of its own a single box has the value of its field
    return str(value) in normal if isinstance(normal, pikepdf.Dictionary) else "/Parent" not in widget
