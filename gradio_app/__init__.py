"""MinerU Optimized: documents in, Markdown out, through a queue that forgets nothing."""

import sys

__version__ = "0.1.0"

#: module that older command lines, images and units start -> the mode that took its place
MOVED = {
    "gradio_app.serve_sglang": "sglang",
    "gradio_app.multi_gpu.service": "api",
    "gradio_app.multi_gpu.client": "client",
    "gradio_app.join_cluster": "worker",
    "gradio_app.fetch_models": "models",
    "gradio_app.users": "users",
    "gradio_app.monitor": "monitor",
    "gradio_app.doctor": "doctor",
}

# "-m": Python imports the package of a module that it is about to run.
if sys.argv[:1] == ["-m"]:
    for _module in MOVED.keys() & set(sys.orig_argv):
        raise SystemExit(f"{_module} has moved. Start it with: python -m gradio_app {MOVED[_module]}")
