"""Origin checks: refuse requests from other sites, and host names that strangers made up."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from starlette.datastructures import Headers


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


def host_allowed(headers: Headers, allowed: Collection[str], open_to_all: bool) -> bool:
    """Whether the name in ``Host`` is one of ours.

    Where nobody is asked to sign in (``open_to_all``), a name of a stranger's that leads to this machine
    (DNS rebinding) would bring their page in as ours; so it must be a loopback name or one that is
    ``allowed``. Where people sign in their cookies belong to the true name, and a stranger's has none.
    """
    name = host_name(headers.get("host", ""))
    if name in allowed:
        return True
    local = is_loopback(name) or name.endswith(".localhost")
    return local if open_to_all else local or not allowed


def foreign(scope: Any, headers: Headers) -> bool:
    """Whether a page of another site asks. Scripts send neither of the headers and are not meant."""
    origin = headers.get("origin")
    if origin is not None:
        wanted = {headers.get("host"), headers.get("x-forwarded-host")} - {None, ""}
        # "null", from a sandboxed frame, has no host and must not meet a header that is missing
        return origin.partition("://")[2] not in wanted
    # pictures and scripts that another site embeds have no origin; following a link to us is fine
    link = headers.get("sec-fetch-mode") == "navigate" and scope.get("method", "GET") in ("GET", "HEAD")
    return headers.get("sec-fetch-site") == "cross-site" and not link
