"""Errors in the shape of each family: a table of addresses, and what their clients read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from gradio_app.base.errors import AppError

#: an error and the id of the request -> the JSON of the answer
Shape = Callable[[AppError, str], dict[str, Any]]


def in_detail(error: AppError, request_id: str) -> dict[str, Any]:
    """MinerU 2 and 3, and docling-serve: a sentence in ``detail``; ours beside it."""
    return {
        "detail": error.message,
        "code": error.code,
        "retryable": error.retryable,
        "request_id": request_id,
    }


def in_error(error: AppError, request_id: str) -> dict[str, Any]:
    """MinerU 4: an object ``error`` with ``type`` and ``param``."""
    kinds = {401: "authentication_error", 403: "permission_error"}
    kind = kinds.get(error.status, "invalid_request_error" if error.status < 500 else "api_error")
    told = {"type": kind, "code": error.code, "message": error.message, "param": None}
    return {"error": told, "request_id": request_id}


def in_fields(error: AppError, request_id: str) -> dict[str, Any]:
    """``POST /convert``: the same fields as a result, with a sentence in ``error``."""
    return {
        "markdown": "",
        "pages": 0,
        "error": error.message,
        "code": error.code,
        "request_id": request_id,
    }


#: the first that matches counts; an address in none of them is answered in our own shape
_SHAPES: tuple[tuple[re.Pattern[str], Shape], ...] = (
    (
        re.compile(r"/(?:file_parse|tasks(?:/.*)?|v1(?:alpha)?/(?:convert|status|result)/.*|version)"),
        in_detail,
    ),
    (re.compile(r"/convert"), in_fields),
    (re.compile(r"/v1(?:/.*)?"), in_error),
)


def shape_of(path: str) -> Shape | None:
    """The shape of errors at an address (without the server's prefix); None: ours."""
    return next((shape for regex, shape in _SHAPES if regex.fullmatch(path)), None)
