"""MinerU Optimized: documents in, Markdown out, through a queue that forgets nothing."""

import sys
from importlib.machinery import ModuleSpec

__version__ = "0.1.0"

#: module that older scripts, images and units name -> what took its place
MOVED = {
    "gradio_app.serve_sglang": "python -m gradio_app sglang",
    "gradio_app.multi_gpu": "python -m gradio_app api or client; in scripts, gradio_app.commands.api.client",
    "gradio_app.join_cluster": "python -m gradio_app worker",
    "gradio_app.fetch_models": "python -m gradio_app models",
    "gradio_app.users": "python -m gradio_app users",
    "gradio_app.monitor": "python -m gradio_app monitor",
    "gradio_app.doctor": "python -m gradio_app doctor",
}


class _Moved:
    """Names the new place of a module that is asked for by an old name, as the last finder of Python."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        if name in MOVED:
            raise ImportError(f"{name} has moved. Write instead: {MOVED[name]}")
        return None


sys.meta_path.append(_Moved)  # pyright: ignore[reportArgumentType]
