"""Origin checks: refuse requests from other sites, and host names that strangers made up."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any

from starlette.datastructures import Headers

from gradio_app.base.host_names import accepts


@lru_cache(256)  # asked at each request
def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reachable from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def host_name(host: str) -> str:
    """``Example.org:7860`` -> ``example.org``; ``[::1]:80`` -> ``::1``."""
    name = host.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".")


def is_address(name: str) -> bool:
    """Whether a host name is an address, which no stranger can turn to this machine."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def host_allowed(headers: Headers, allowed: frozenset[str], open_to_all: bool) -> bool:
    """Whether the name in ``Host`` is one of ours.

    Where nobody is asked to sign in (``open_to_all``), a name of a stranger's that leads to this machine
    (DNS rebinding) would bring their page in as ours; so it must be a loopback name or one that is
    ``allowed``. Where people sign in their cookies belong to the true name, and a stranger's has none.
    """
    name = host_name(headers.get("host", ""))
    if accepts(allowed, name):
        return True
    local = is_loopback(name) or name.endswith(".localhost")
    return local if open_to_all else local or not allowed


def foreign(scope: Any, headers: Headers) -> bool:
    """Whether a page of another site asks. Scripts send neither of the headers and are not meant."""
    origin = headers.get("origin")
    if origin is not None:
        return not _is_ours(origin, headers)
    # pictures and scripts that another site embeds have no origin; following a link to us is fine
    link = headers.get("sec-fetch-mode") == "navigate" and scope.get("method", "GET") in ("GET", "HEAD")
    return headers.get("sec-fetch-site") == "cross-site" and not link


def linked_from_elsewhere(headers: Headers) -> bool:
    """Whether a page of another site, or another program on this host, led here by a link.

    Typed addresses, bookmarks, and links in programs for mail and chat do not.
    """
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return True
    said = (headers.get("referer"), headers.get("origin"))
    return any(address is not None and not _is_ours(address, headers) for address in said)


def _is_ours(address: str, headers: Headers) -> bool:
    """Whether an origin, or the address of a page, is on this server."""
    wanted = {headers.get("host"), headers.get("x-forwarded-host")} - {None, ""}
    # "null", from a sandboxed frame, has no host and must not meet a header that is missing
    return address.partition("://")[2].partition("/")[0] in wanted
