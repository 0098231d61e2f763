"""Values of cells as a spreadsheet shows them: numbers, dates and durations by their format codes."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

#: formats by number that have no code in the file (ECMA-376, 18.8.30), as Excel shows them in English, and
#: those of Chinese
_BUILT_IN: Mapping[int, str] = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 5: "$#,##0;($#,##0)", 6: "$#,##0;($#,##0)",
    7: "$#,##0.00;($#,##0.00)", 8: "$#,##0.00;($#,##0.00)", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?",
    13: "# ??/??", 14: "m/d/yyyy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "m/d/yyyy h:mm", 27: "yyyy年m月", 28: "m月d日",
    29: "m月d日", 30: "m-d-yy", 31: "yyyy年m月d日", 32: "h时mm分", 33: "h时mm分ss秒", 36: "yyyy年m月",
    37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)", 39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;(#,##0.00)",
    41: "#,##0", 42: "$#,##0", 43: "#,##0.00", 44: "$#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0",
    48: "##0.0E+0", 49: "@", 50: "yyyy年m月", 51: "m月d日", 52: "yyyy年m月", 53: "m月d日", 54: "m月d日",
    57: "yyyy年m月", 58: "m月d日",
}  # fmt: skip
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEK = "一二三四五六日"
#: quoted text, an escaped character, a blank as wide as one, a filler; what stands in brackets; all that
#: means a part of a date
_LITERAL = r'"[^"]*"|\\.|_.|\*.'
_TOKEN = re.compile(
    rf"(?P<literal>{_LITERAL})|\[(?P<elapsed>h+|m+|s+)\]|(?P<bracket>\[[^\]]*\])"
    r"|(?P<half>AM/PM|A/P|上午/下午)|(?P<part>y+|m+|d+|h+|s+|a{3,4})|(?P<fraction>\.0+)|(?P<other>.)",
    re.I | re.S,
)
_LITERALS = re.compile(_LITERAL + r"|\[[^\]]*\]", re.S)
#: digits with signs between them, and no point, comma or percent
_SPACED = re.compile(r"[ (+]*[0#?]+(?:[) \-]*[0#?]+)*[) \-]+[0#?]+", re.S)
_CURRENCY = re.compile(r"\[\$([^\-\]]*)[^\]]*\]")
#: characters of a format that are read; a longer one shows the plain number
_MOST_CODE = 255
#: the last day that Excel knows: 31 December 9999
_LAST_DAY = 2_958_466


def code_of(number: int, codes: Mapping[int, str]) -> str:
    """The format code of a number; ``codes``: those that the file defines."""
    return codes.get(number) or _BUILT_IN.get(number, "General")


def shown(value: float, code: str, from_1904: bool = False) -> str:
    """A number as it is shown; dates are days since 1900, or 1904."""
    return _writer(code if len(code) <= _MOST_CODE else "General")(value, from_1904)


def plain_number(value: float) -> str:
    """A number without a format: 15 digits, as Excel keeps them."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    return f"{value:.15g}".replace("e", "E")


def shown_text(text: str, code: str) -> str:
    """A text as it is shown: some formats put words around it."""
    if "@" not in code or code == "@" or len(code) > _MOST_CODE:
        return text
    from docvortex.analyzers.native.office.xls.number_format import format_text

    return format_text(text, _CURRENCY.sub(r"\1", code))


@lru_cache(512)
def _writer(code: str) -> Callable[[float, bool], str]:
    """How to write numbers in a format; the same one is asked for in each cell of a column."""
    if code in ("General", "@", ""):
        return lambda value, _: plain_number(value)
    tokens = _tokens(_first_section(code))
    if any(name in ("part", "elapsed") for name, _ in tokens):
        return lambda value, from_1904: _date(value, tokens, from_1904)
    if _SPACED.fullmatch(_LITERALS.sub("-", _first_section(code))):
        return lambda value, _: _spaced(value, _first_section(code))
    from docvortex.analyzers.native.office.xls.number_format import format_number

    # a currency such as [$€-407] is its sign, and "¥" needs no quotes
    plain = _CURRENCY.sub(lambda found: f'"{found[1]}"' if found[1] else "", code)
    return lambda value, from_1904: format_number(value, plain, date1904=from_1904).strip()


def _spaced(value: float, section: str) -> str:
    """A number whose digits have signs between them, such as that of a telephone."""
    digits = str(abs(round(value)))
    parts = list[str]()
    matches = list(_TOKEN.finditer(section))
    places = sum(match["other"] in ("0", "#", "?") for match in matches)
    for match in reversed(matches):
        if match["other"] in ("0", "#", "?"):
            places -= 1
            parts.append(digits[-1:] if places else digits)
            digits = digits[:-1]
            if not parts[-1] and match["other"] == "0":
                parts[-1] = "0"
        elif match["literal"]:
            parts.append({'"': match[0][1:-1], "\\": match[0][1:], "_": " "}.get(match[0][0], ""))
        elif match["other"]:
            parts.append(match["other"])
    return ("-" if value < 0 else "") + "".join(reversed(parts)).strip()


def _first_section(code: str) -> str:
    """What stands before the first semicolon: dates have no other form for negative numbers."""
    return re.match(rf"(?:{_LITERAL}|\[[^\]]*\]|[^;])*", code, re.S)[0]  # type: ignore[index]


def _tokens(section: str) -> list[tuple[str, str]]:
    """Kinds and texts of the parts of a format; minutes are told from months by what stands beside them."""
    found = [(str(match.lastgroup), match[str(match.lastgroup)]) for match in _TOKEN.finditer(section)]
    if any(char in "0#?@" for name, text in found if name == "other" for char in text):
        return []  # a format of numbers
    if "general" in section.lower():
        return []
    parts = [at for at, (name, _) in enumerate(found) if name in ("part", "elapsed")]
    for order, at in enumerate(parts):
        name, text = found[at]
        if name == "elapsed" or text[0] not in "mM" or len(text) > 2:
            continue
        before = found[parts[order - 1]][1][:1].lower() if order else ""
        after = found[parts[order + 1]][1][:1].lower() if order + 1 < len(parts) else ""
        if before == "h" or after == "s":
            found[at] = ("part", "n" * len(text))
    return found


def _date(value: float, tokens: list[tuple[str, str]], from_1904: bool) -> str:
    digits = max((len(text) - 1 for name, text in tokens if name == "fraction"), default=0)
    if not math.isfinite(value) or not 0 <= abs(value) < _LAST_DAY:
        return plain_number(value)
    elapsed = any(name == "elapsed" for name, _ in tokens)
    if value < 0 and not elapsed:
        return plain_number(value)
    units = round(abs(value) * 86400 * 10**digits)
    seconds, fraction = divmod(units, 10**digits)
    moment = _moment(seconds, from_1904)
    half = any(name == "half" for name, _ in tokens)
    text = "-" if value < 0 else ""
    for name, token in tokens:
        if name == "part":
            text += _part(token, moment, half)
        elif name == "elapsed":
            text += str(seconds // {"h": 3600, "m": 60, "s": 1}[token[0].lower()]).zfill(len(token))
        elif name == "fraction":
            text += f".{fraction:0{digits}d}"
        elif name == "half":
            morning, _, evening = token.partition("/")
            text += evening if moment.hour >= 12 else morning
        elif name == "literal":
            text += {'"': token[1:-1], "\\": token[1:], "_": " "}.get(token[0], "")
        elif name == "bracket":
            text += _CURRENCY.sub(r"\1", token) if token.startswith("[$") else ""
        else:
            text += token
    return text.strip()


def _moment(seconds: int, from_1904: bool) -> datetime:
    if from_1904:
        return datetime(1904, 1, 1) + timedelta(seconds=seconds)
    # Excel has a 29 February 1900, as Lotus 1-2-3 had
    first = datetime(1899, 12, 30) if seconds >= 60 * 86400 else datetime(1899, 12, 31)
    return first + timedelta(seconds=seconds)


def _part(token: str, moment: datetime, half: bool) -> str:
    length, kind = len(token), token[0].lower()
    if kind == "y":
        return f"{moment.year % 100:02d}" if length <= 2 else f"{moment.year:04d}"
    if kind == "a":
        return ("星期" if length == 4 else "周") + _WEEK[moment.weekday()]
    if kind in "md" and length > 2:
        name = _MONTHS[moment.month - 1] if kind == "m" else _DAYS[moment.weekday()]
        return name[:3] if length == 3 else name[:1] if length == 5 and kind == "m" else name
    hour = (moment.hour - 1) % 12 + 1 if half else moment.hour
    number = {"m": moment.month, "d": moment.day, "h": hour, "n": moment.minute, "s": moment.second}[kind]
    return str(number).zfill(min(length, 2))
