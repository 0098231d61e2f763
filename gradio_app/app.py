"""Mode ``gradio``: runs the server, with page, API and queue."""

from __future__ import annotations

import gc
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the server until it is stopped; ``argv``: its flags, else those of the command line."""
    # all that is imported now stays: to look for garbage in it is a quarter of what the imports compute.
    # startup.nothing_is_garbage ends it
    gc.disable()
    from gradio_app.web.server import main as run

    run(argv)
