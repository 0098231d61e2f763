"""Values of settings: from the text that a person types to what the program uses.

Each raises ``ValueError`` that says what is expected instead.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SIZE_UNITS = {"": 1, "b": 1, "k": 2**10, "kb": 2**10, "m": 2**20, "mb": 2**20, "g": 2**30, "gb": 2**30}
_TIME_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_size(text: str) -> int:
    """Bytes from ``200mb``, ``1gb`` or a plain number (powers of 1024)."""
    return int(_with_unit(text, _SIZE_UNITS, "a size such as 200mb or 2gb"))


def parse_duration(text: str) -> float:
    """Seconds from ``90``, ``10m``, ``12h`` or ``7d``."""
    return _with_unit(text, _TIME_UNITS, "a time such as 90s, 10m, 12h or 7d")


def _with_unit(text: str, units: Mapping[str, int], what: str) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text.lower())
    if match is None or match[2] not in units:
        raise ValueError(f"expected {what}, not {text!r}")
    return float(match[1]) * units[match[2]]


def whole(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    """A reader of whole numbers within bounds."""

    def parse(text: str) -> int:
        value = int(text)
        if value < minimum or (maximum is not None and value > maximum):
            upper = "" if maximum is None else f" and at most {maximum}"
            raise ValueError(f"must be at least {minimum}{upper}, not {value}")
        return value

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    """A reader of one of these words; capitals do not matter."""

    def parse(text: str) -> str:
        value = text.strip().lower()
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}, not {text!r}")
        return value

    return parse


def jail(text: str) -> str:
    """Mode of the sandbox."""
    value = one_of("auto", "required", "off", "on")(text)
    return "auto" if value == "on" else value  # as it was called before


def cards(text: str) -> str:
    """``auto``, ``all``, or numbers of cards."""
    value = "".join(text.lower().split())
    numbers = value.split(",")
    if value in ("auto", "all"):
        return value
    if not all(number.isdecimal() for number in numbers):
        raise ValueError(f"expected auto, all, the number of a card, or several such as 0,2, not {text!r}")
    return ",".join(dict.fromkeys(str(int(number)) for number in numbers))


def share(text: str) -> float:
    """A share from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"expected a share such as 0.4, or 0, not {text!r}")
    return value


def parse_gigabytes(text: str) -> int:
    """Bytes from ``8`` (gigabytes, as MinerU writes the size of a card) or ``8gb``."""
    return parse_size(text if re.search("[a-z]", text.lower()) else text + "gb")


def log_level(text: str) -> str:
    """Level of logs, in capitals."""
    return one_of("trace", "debug", "info", "warning", "error")(text).upper()


def switch(text: str) -> bool:
    """``on`` or ``off``."""
    return one_of("on", "off")(text) == "on"


def networks(text: str) -> tuple[Network, ...]:
    """Addresses and ranges, comma-separated."""
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError(f"expected addresses such as 127.0.0.1 or 10.0.0.0/8, not {text!r}") from None


def absolute(text: str) -> str:
    """A path from the root; empty stays empty."""
    return str(Path(text).expanduser().absolute()) if text else ""


def path(text: str) -> Path:
    """A path, with ``~`` for the home."""
    return Path(text).expanduser()
