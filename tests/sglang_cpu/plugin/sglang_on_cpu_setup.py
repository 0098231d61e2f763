"""Runs at every start of the environment's Python (``sglang_on_cpu.pth``): makes torchvision importable.

Its published wheel is built for CUDA. On a CPU build of torch its compiled part does not load, and an import
then fails as two operators are not known; their schemas are all that its pure Python transforms need.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import importlib.abc
import os
import sys
from typing import Any

#: tests share few cores, and the model is tiny
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


class _BeforeTorchvision(importlib.abc.MetaPathFinder):
    """Finds nothing; declares the operators when torchvision is looked for."""

    library: Any = None  # torch forgets the operators of a library that nobody holds

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        if fullname != "torchvision" or self.library is not None:
            return
        import torch

        self.library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            self.library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


sys.meta_path.insert(0, _BeforeTorchvision())
