"""Error answers: each failure of a request as ``{"error": {code, message, retryable, request_id}}``.

At the addresses of other servers they have those servers' shapes (``compat.errors``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from loguru import logger
from starlette.exceptions import HTTPException
from starlette.types import Scope

from gradio_app.base.errors import PASSING, AppError, NotFound, OptionInvalid, as_app_error
from gradio_app.web.compat.errors import shape_of


def problem(
    error: AppError, scope: Scope, status: int = 0, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer for an error; ``status`` if not the error's own."""
    request_id = scope.get("request_id", "")
    shape = shape_of(scope.get("path", "").removeprefix(scope.get("root_path", "")))
    body = shape(error, request_id) if shape else {"error": {**error.to_dict(), "request_id": request_id}}
    return JSONResponse(body, status or error.status, headers)


def unexpected(error: Exception, scope: Scope) -> JSONResponse:
    """The answer for any exception. A traceback goes to the log, and no details to the user."""
    found = as_app_error(error)
    if isinstance(found, PASSING):
        logger.bind(action="fault", code=found.code).warning("a request failed: {}", error)
    else:
        logger.opt(exception=error).error("a request failed")
    return problem(found, scope)


def register(app: FastAPI) -> None:
    """Answers the errors of all routes in this form."""
    for kind in (AppError, RequestValidationError, HTTPException, OSError, sqlite3.Error):
        app.add_exception_handler(kind, _answer)


def register_validation(app: FastAPI) -> None:
    """Answers bodies that are no JSON in this form; FastAPI's own answer fails for bytes that are no text."""
    app.add_exception_handler(RequestValidationError, _answer)


def _lost_folder(request: Request) -> AppError | None:
    """The error for a data folder that is not there, in which nothing is found."""
    manager = getattr(request.app.state, "manager", None)
    try:
        if manager is not None:
            manager.folders.check()
    except AppError as error:
        return error
    return None


async def _answer(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, NotFound | FileNotFoundError | NotADirectoryError):
        error = _lost_folder(request) or error
    if isinstance(error, AppError):
        return problem(error, request.scope)
    if isinstance(error, RequestValidationError):
        where = ", ".join(str(item["loc"][-1]) for item in error.errors()[:3])
        return problem(OptionInvalid(f"Not a valid value: {where}."), request.scope)
    if isinstance(error, HTTPException):
        found = NotFound() if error.status_code == 404 else OptionInvalid(str(error.detail))
        return problem(found, request.scope, error.status_code, error.headers)
    return unexpected(error, request.scope)
