"""Ends of tasks by revision: what viewers who may not see ended tasks of others have to forget.

In memory, on the store's thread, and bounded. An id is told only to a viewer who has seen it wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from gradio_app.store.task import Task

#: ends that are kept; who asks for older ones lists again
MOST = 10_000


@dataclass(frozen=True, slots=True)
class _End:
    rev: int
    task_id: str
    owner: str
    #: the revision since which it was unfinished
    since: int


class Endings:
    """Knows all ends since revision ``rev``, at which ``active`` are the ids of unfinished tasks."""

    def __init__(self, rev: int, active: Iterable[str]) -> None:
        self._known_from = rev
        self._active = dict.fromkeys(active, rev)
        self._ends: deque[_End] = deque()

    def moved(self, task: Task) -> None:
        """A task is new, or in another status."""
        if not task.ended:
            self._active.setdefault(task.id, task.rev)
            return
        since = self._active.pop(task.id, None)
        if since is None:
            return
        self._ends.append(_End(task.rev, task.id, task.owner, since))
        if len(self._ends) > MOST:
            self._known_from = max(self._known_from, self._ends.popleft().rev)

    def known_from(self, since: int) -> bool:
        """Whether all ends after this revision are known; at 0 a viewer has seen nothing to forget."""
        return since == 0 or since >= self._known_from

    def of_others(self, viewer: str, since: int, upto: int) -> list[str]:
        """Ids of others' tasks that were unfinished at revision ``since`` and had ended by ``upto``."""
        found: list[str] = []
        for end in reversed(self._ends):
            if end.rev <= since:
                break
            seen = end.since <= since and end.rev <= upto
            if seen and end.owner != viewer and end.task_id not in self._active:
                found.append(end.task_id)
        return found[::-1]
