"""The page's own files, served at /page."""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

ASSETS = Path(__file__).with_name("assets")
FAVICON = ASSETS / "favicon.png"
#: in the order in which they build on each other
STYLES = (
    "common/tokens.css",
    "common/shell.css",
    "common/controls.css",
    "intake/intake.css",
    "queue/queue.css",
    "queue/pick.css",
    "reader/reader.css",
    "reader/sheet.css",
    "reader/again.css",
    "engine/engine.css",
    "engine/cards.css",
    "overview/overview.css",
)


def mount(app: FastAPI) -> None:
    """Serves the files."""
    app.mount("/page", _Files(directory=ASSETS), name="page")


class _Files(StaticFiles):
    """Asks browsers to check for a newer version each time: an update shows without a hard reload."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """A file, or 304 when the browser has it."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response
