"""Host names and origins in settings: how they are written, and how they are compared."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_LABELS = re.compile(r"(\*\.)?(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s*]+")


def listen_host(text: str) -> str:
    """An address to listen on, without the brackets of IPv6; ``ValueError`` with a sentence for others."""
    host = text.strip()
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if _is_address(bare.partition("%")[0]) and (bare == host or ":" in bare):
        return bare
    if not re.fullmatch(r"[\w.-]*", host):
        raise ValueError(f"expected an address such as 0.0.0.0 or ::1, without a port, not {text!r}")
    return host


def host_patterns(text: str) -> frozenset[str]:
    """Host names of a list with commas, as ``accepts`` compares them; ``ValueError`` with a sentence.

    Schemes and ports are dropped: ``https://Papers.lan:8443`` is ``papers.lan``. ``*.lan`` stays.
    """
    return frozenset(_pattern(part.strip()) for part in text.split(",") if part.strip())


def fetched_hosts(text: str) -> frozenset[str]:
    """``off``, ``public`` (any host with a public address), and names of hosts, as ``accepts`` takes them."""
    return frozenset() if text.strip().lower() in ("", "off") else host_patterns(text)


def _pattern(part: str) -> str:
    bare = re.sub(r"^https?://", "", part.lower()).removesuffix("/")
    if _is_address(bare.strip("[]")):
        return bare.strip("[]")
    name, _, port = bare.rpartition(":") if re.search(r":\d*$", bare) else (bare, "", "")
    if name.startswith("[") and name.endswith("]") and _is_address(name[1:-1]):
        return name[1:-1]
    name = name.rstrip(".")
    if not name.isascii():
        try:
            name = name.encode("idna").decode()
        except UnicodeError:
            name = ""
    if not _LABELS.fullmatch(name) or (port and int(port) > 65535):
        raise ValueError(f"expected names such as papers.example.org or *.lan, with commas, not {part!r}")
    return name


def accepts(patterns: frozenset[str], name: str) -> bool:
    """Whether a name (lower case, no port) is one of ``patterns``; ``*.`` stands for one label."""
    return name in patterns or f"*.{name.partition('.')[2]}" in patterns


def origins(text: str) -> frozenset[str]:
    """Origins of a list with commas, as browsers send them; ``ValueError`` with a sentence."""
    return frozenset(_origin(part.strip()) for part in text.split(",") if part.strip())


def _origin(part: str) -> str:
    found = part.lower().removesuffix("/")
    if not _ORIGIN.fullmatch(found):
        raise ValueError(
            f"expected origins such as https://papers.example.org or app://name, with commas, not {part!r}"
        )
    default = {"http": ":80", "https": ":443"}.get(urlsplit(found).scheme, "")
    return found.removesuffix(default) if default else found


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
