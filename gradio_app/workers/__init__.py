"""Where documents are read: one small interface, with processes of this machine behind it (``local``), or
those of all machines of a Ray cluster (``cluster``). Nobody above knows which.
"""

from gradio_app.base.errors import NodeLost
from gradio_app.workers.local import LocalWorkers
from gradio_app.workers.memory import tree_rss
from gradio_app.workers.part import Part, Slots, Workers
from gradio_app.workers.processes import WorkerPool

__all__ = ["LocalWorkers", "NodeLost", "Part", "Slots", "WorkerPool", "Workers", "tree_rss"]
