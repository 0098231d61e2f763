"""Owners of the files that Gradio keeps for a while: uploads before their task, archives after it."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from pathlib import Path

from gradio_app.web.auth.credentials import Identity

#: seconds; Gradio's files themselves are swept away much sooner
_KEPT = 6 * 3600.0
_MOST = 100_000


class Owners:
    """By path. Gradio stores equal content once, so a file may be several people's."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, tuple[float, set[str]]] = OrderedDict()

    def add(self, path: str | Path, who: Identity) -> None:
        """The file at ``path`` is theirs too."""
        key, now = os.path.realpath(path), time.monotonic()
        _, names = self._files.pop(key, (now, set[str]()))
        self._files[key] = (now, names | {who.name})
        while len(self._files) > _MOST or next(iter(self._files.values()))[0] < now - _KEPT:
            self._files.popitem(last=False)

    def may(self, path: str | Path, who: Identity) -> bool:
        """Whether a person may read a file. A file without a known owner is nobody's."""
        _, names = self._files.get(os.path.realpath(path), (0.0, set[str]()))
        return who.name in names or (who.admin and bool(names))
