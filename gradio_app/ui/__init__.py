"""The page."""

from __future__ import annotations

import gradio as gr
from fastapi import FastAPI

from gradio_app.folders import Folders
from gradio_app.settings import Settings


def mount(app: FastAPI, settings: Settings, folders: Folders) -> None:
    with gr.Blocks() as demo:
        gr.Markdown("hello")
    app.state.stop_events = []
    gr.mount_gradio_app(app, demo, path="/")
