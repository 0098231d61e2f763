"""Problem register: what is wrong beside the queue now. Logs each problem once, and its end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from loguru import logger

#: problems of one kind and owner that are kept and logged; a folder full of bad files must not fill the log
MOST = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """``kind`` and ``place`` identify a problem; ``owner`` and the administrator may read ``message``."""

    kind: str
    place: str
    owner: str
    message: str


class Problems:
    """Lives on the event loop. ``version`` grows with each change."""

    def __init__(self) -> None:
        self.version = 0
        self._current: dict[tuple[str, str], Problem] = {}

    def report(self, problem: Problem) -> None:
        """Adds a problem. Idempotent: the same problem with the same message is not logged again."""
        key = problem.kind, problem.place
        before = self._current.get(key)
        if before == problem or (before is None and self._is_full(problem)):
            return
        self._current[key] = problem
        self.version += 1
        logger.bind(action="problem").warning("{}", problem.message)

    def _is_full(self, problem: Problem) -> bool:
        alike = ((each.kind, each.owner) == (problem.kind, problem.owner) for each in self._current.values())
        return sum(alike) >= MOST

    def mend(self, kind: str, place: str, message: str) -> None:
        """Ends a problem, if there was one, and logs ``message``. Idempotent."""
        if self._current.pop((kind, place), None) is not None:
            self.version += 1
            logger.bind(action="problem_over").info("{}", message)

    def forget(self, kind: str, places: Collection[str]) -> None:
        """Ends problems of this kind in all places but these, without a log line: they concern nobody now."""
        gone = [key for key in self._current if key[0] == kind and key[1] not in places]
        for key in gone:
            del self._current[key]
        self.version += bool(gone)

    def has(self, kind: str, place: str) -> bool:
        """Whether this problem exists."""
        return (kind, place) in self._current

    def count(self, kind: str) -> int:
        """How many problems of this kind exist."""
        return sum(kind == each for each, _ in self._current)

    def seen_by(self, owner: str, admin: bool) -> list[Problem]:
        """Those that somebody may know of, the oldest first."""
        return [problem for problem in self._current.values() if admin or problem.owner == owner]
