"""Watch folder: takes documents from a folder into the queue and writes each result beside its document.

Covers: ``watcher`` decides what is next, ``scan`` finds documents, ``results`` writes results with a
``receipt``; ``names`` and ``beneath`` serve them. See: docs/operations.md.
"""

from gradio_app.web.watch_folder.watcher import WatchFolder

__all__ = ["WatchFolder"]
