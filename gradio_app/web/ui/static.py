"""The page's own files, served at /page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles

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
    "reader/pages.css",
    "reader/sheet.css",
    "reader/again.css",
    "reader/edit.css",
    "reader/print.css",
    "engine/engine.css",
    "engine/cards.css",
    "overview/overview.css",
    "code/code.css",
)


class Files(StaticFiles):
    """Asks browsers to check for a newer version each time: an update shows without a hard reload."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        response = super().file_response(*args, **options)
        response.headers["Cache-Control"] = "no-cache"
        return response
