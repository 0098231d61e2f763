"""Owners of what Gradio keeps for a while: uploads, archives, and the sessions and events of its queue."""

from __future__ import annotations

import hashlib
import os
import time
from collections import OrderedDict
from pathlib import Path
from typing import Literal

from gradio_app.web.auth.authorizer import Resource, authorizer
from gradio_app.web.auth.credentials import Identity

#: seconds; Gradio's files themselves are swept away much sooner
_KEPT = 6 * 3600.0
_MOST = 100_000
#: of one person; beyond it their own oldest goes, and nobody else's
_MOST_EACH = 5_000

#: session: a page or a client. event: one call. upload: the progress of one. mcp: a stream of answers
Began = Literal["session", "event", "upload", "mcp"]


class Owners:
    """By path, or by Gradio's ids. Gradio stores equal content once, so a file may be several people's."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, tuple[float, frozenset[str]]] = OrderedDict()
        self._keys: dict[str, OrderedDict[str, None]] = {}

    def add(self, path: str | Path, who: Identity) -> None:
        """The file at ``path`` is theirs too."""
        key = _file(path)
        self._keep(key, self._of(key) | {who.name})

    def may(self, path: str | Path, who: Identity) -> bool:
        """Whether a person may read a file. A file without a known owner is nobody's."""
        return authorizer.is_authorized(who, "read", Resource("file", self._of(_file(path))))

    def began(self, what: Began, name: str, who: Identity) -> None:
        """What Gradio has just named so belongs to them."""
        self._keep(_begun(what, name), frozenset({who.name}))

    def may_use(self, what: Began, name: str, who: Identity) -> bool:
        """Whether a person may continue or end it. Without a known owner it is nobody's."""
        return authorizer.is_authorized(who, "use", Resource("session", self._of(_begun(what, name))))

    def may_begin(self, what: Began, name: str, who: Identity) -> bool:
        """The same for names that clients choose: who comes first has it."""
        key = _begun(what, name)
        self._keep(key, self._of(key) or frozenset({who.name}))
        return self.may_use(what, name, who)

    def _of(self, key: str) -> frozenset[str]:
        return self._names.get(key, (0.0, frozenset[str]()))[1]

    def _keep(self, key: str, names: frozenset[str]) -> None:
        now = time.monotonic()
        self._names.pop(key, None)
        self._names[key] = (now, names)
        for name in names:
            keys = self._keys.setdefault(name, OrderedDict())
            keys.pop(key, None)
            keys[key] = None
            if len(keys) > _MOST_EACH:
                self._drop(next(iter(keys)), name)
        while len(self._names) > _MOST or next(iter(self._names.values()))[0] < now - _KEPT:
            oldest = next(iter(self._names))
            for name in self._of(oldest):
                self._drop(oldest, name)

    def _drop(self, key: str, name: str) -> None:
        """It is no longer theirs, and gone when it is nobody else's."""
        since, names = self._names[key]
        self._names[key] = (since, names - {name})
        if len(names) == 1:
            del self._names[key]
        self._keys[name].pop(key)
        if not self._keys[name]:
            del self._keys[name]


def _begun(what: Began, name: str) -> str:
    """As a key of bounded length: clients choose names."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{what} {digest}"


def _file(path: str | Path) -> str:
    return f"file {os.path.realpath(path)}"
