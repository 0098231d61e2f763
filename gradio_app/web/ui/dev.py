"""Development (``make dev``): the page loads again when one of its files was edited."""

from __future__ import annotations

import os
from typing import Any, cast

import gradio as gr
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from gradio_app.web.ui.static import ASSETS

ON = bool(os.environ.get("MINERU_APP_DEV"))
_SCRIPT = """
<script type="module">
let seen;
setInterval(async () => {
  const now = await fetch('%s/page/version').then((answer) => answer.text(), () => seen);
  if (seen && now !== seen) location.reload();
  seen = now;
}, 1000);
</script>"""


def script(prefix: str) -> str:
    """What the page's head needs for this; nothing outside development."""
    return _SCRIPT % prefix if ON else ""


def mount(app: FastAPI, demo: gr.Blocks) -> None:
    """Answers which version the files have, and takes edited frames into ``demo``."""
    texts = {path.read_text("utf-8"): path for path in ASSETS.rglob("*.html")}
    panes = [cast(Any, block) for block in demo.blocks.values() if isinstance(block, gr.HTML)]
    frames = [(pane, texts[pane.html_template]) for pane in panes]
    seen = ""

    async def version(_request: Request) -> PlainTextResponse:
        nonlocal seen
        newest = str(max(path.stat().st_mtime_ns for path in ASSETS.rglob("*")))
        if newest != seen:
            seen = newest
            for pane, path in frames:
                pane.html_template = path.read_text("utf-8")
            demo.config = demo.get_config_file()
        return PlainTextResponse(newest)

    app.router.routes.insert(0, Route("/page/version", version))
