"""The page: mounts Gradio with the visible page, the public functions and the page's own files."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import gradio as gr
from fastapi import FastAPI, Request
from gradio.routes import App
from starlette.middleware import Middleware

from gradio_app.base.data_folder import Folders
from gradio_app.base.settings import Settings
from gradio_app.web.api.access import identity_of
from gradio_app.web.error_answers import register_validation
from gradio_app.web.ui import dev, gradio_uploads, link_preview, mcp_tools, page, static, upload_limits
from gradio_app.web.ui.file_owners import Owners
from gradio_app.web.ui.functions import Functions
from gradio_app.web.ui.gradio_gate import Gate
from gradio_app.web.ui.late_results import Late

#: threads for Gradio's own blocking routes; with its default of 40, blocked calls froze page loads
THREADS = 100
#: events that may run at the same time; a waiting /convert is one of them and costs no thread
EVENTS = 2000
#: Gradio's queue looks for work this often, in seconds; its own 1 ms costs 4 % of an idle core
QUEUE_PAUSE = 0.1
#: the same for progress bars, of which we have none
PROGRESS_PAUSE = 5.0


def mount(app: FastAPI, settings: Settings, folders: Folders) -> Middleware:
    """Serves the page at ``/`` of ``app``, for the layers of which it returns the gate.

    Gradio reads and writes files in ``folders.gradio`` only.
    """
    prefix = settings.root_path.rstrip("/")
    app.mount("/page", static.Files(directory=static.ASSETS), name="page")
    owners, late = Owners(), Late()
    upload_limits.install(settings.max_files)
    link_preview.install()
    with (
        _without_app(),
        gr.Blocks(title="MinerU Optimized", analytics_enabled=False, fill_width=True) as demo,
    ):
        page.build(prefix)
        Functions(app, folders.gradio, owners, late).publish(demo)
    _tune(demo)
    cast(Any, gr).mount_gradio_app(
        app,
        demo,
        path="/",
        root_path=prefix or None,
        auth_dependency=_user,
        max_file_size=settings.max_file_size,
        show_error=False,
        enable_monitoring=False,
        run_history=False,
        footer_links=[],
        mcp_server=True,
        theme=page.theme(),
        head=page.head(prefix) + dev.script(prefix),
        favicon_path=str(static.FAVICON),
    )
    # mounted last; with it Gradio's queue calls functions
    mounted = cast(Any, demo).app = cast(Any, app.routes[-1]).app
    register_validation(mounted)
    mcp_tools.restrict(demo)
    gradio_uploads.read_names()
    if dev.ON:
        dev.mount(app, demo)
    # Gradio checks the paths of files only "after launch", and a mounted app never launches
    demo.has_launched = True
    app.state.stop_event = mounted.stop_event  # lets go of Gradio's open connections
    return Middleware(Gate, owners=owners, late=late)


@contextmanager
def _without_app() -> Generator[None]:
    """While blocks are built Gradio would make the application with all its routes twice, to throw it away.

    Mounting makes the one that stays.
    """
    make = App.create_app
    cast(Any, App).create_app = staticmethod(lambda *_args, **_options: None)
    try:
        yield
    finally:
        cast(Any, App).create_app = staticmethod(make)


def _user(request: Request) -> str:
    return identity_of(request).name


def _tune(demo: gr.Blocks) -> None:
    demo.max_threads = THREADS
    queue = demo._queue  # pyright: ignore[reportPrivateUsage]
    queue.max_thread_count = EVENTS
    queue.sleep_when_free = QUEUE_PAUSE
    queue.progress_update_sleep_when_free = PROGRESS_PAUSE
