"""``make dev``: an edited file of the page is noticed, and its frame is read again."""

from __future__ import annotations

import os
from pathlib import Path

import gradio as gr
import httpx
import pytest
from fastapi import FastAPI

from gradio_app.web.ui import dev

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


def test_the_page_of_users_has_no_script_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not dev.ON and dev.script("/mineru") == ""
    monkeypatch.setattr(dev, "ON", True)
    assert "fetch('/mineru/page/version')" in dev.script("/mineru")


async def test_an_edited_file_is_another_version_and_frames_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = tmp_path / "queue" / "queue.html"
    frame.parent.mkdir()
    frame.write_text("<p>old</p>")
    monkeypatch.setattr(dev, "ASSETS", tmp_path)
    with gr.Blocks(analytics_enabled=False) as demo:
        pane = gr.HTML(html_template="<p>old</p>")
    app = FastAPI()
    dev.mount(app, demo)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mineru.test") as client:
        first = (await client.get("/page/version")).text
        assert (await client.get("/page/version")).text == first
        frame.write_text("<p>new</p>")
        os.utime(frame, (2e9, 2e9))
        assert (await client.get("/page/version")).text != first
    assert "<p>new</p>" in str(demo.config) and "<p>old</p>" not in str(demo.config)
    assert pane.html_template == "<p>new</p>"
