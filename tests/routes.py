"""Every route of an application, those of mounted applications among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.routing import Mount


def walk(routes: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path, with the names of parameters in braces; of a mount also one for what is below it."""
    for route in routes:
        if (included := getattr(route, "original_router", None)) is not None:
            yield from walk(included.routes, prefix)
            continue
        path = prefix + str(getattr(route, "path", ""))
        if isinstance(route, Mount):
            yield from walk(route.routes, path)
            yield "GET", f"{path}/{{below}}"
        else:
            for method in getattr(route, "methods", None) or ("GET", "POST"):
                yield method, path or "/"
