"""Start-up optimisations: no notes for authors of Gradio components, and no garbage collection."""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

#: Gradio's modules, and what in them is for authors of components only
_FOR_AUTHORS = {"gradio.component_meta": "create_or_modify_pyi", "gradio.events": "EventListener.set_doc"}


def without_notes_for_authors() -> None:
    """Has Gradio, when it is imported, write neither ``.pyi`` files of its components nor their docstrings.

    It would parse the source of each component at each start, and write into its own folder.
    """
    if "gradio" not in sys.modules and not any(isinstance(found, _Finder) for found in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in _FOR_AUTHORS else None
        if spec and spec.origin:
            spec.loader = _Loader(fullname, spec.origin)
        return spec


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        owner, _, name = _FOR_AUTHORS[module.__name__].rpartition(".")
        holder = getattr(module, owner, module)
        if hasattr(holder, name):  # else this is another Gradio, which then does what it does
            setattr(holder, name, _nothing)


def _nothing(*_args: object, **_options: object) -> None:
    """Replaces a function that only authors need."""


@contextmanager
def nothing_is_garbage() -> Generator[None]:
    """Pauses the collector while objects are built that stay, and exempts them from later collections."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
