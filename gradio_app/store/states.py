"""States of a task and of the queue, and the legal moves between them, as data."""

from __future__ import annotations

from enum import StrEnum


class TaskStatus(StrEnum):
    """Where a task stands; the strings are the wire and database form."""

    PENDING = "pending"
    QUEUED = "queued"
    PROCESSING = "processing"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


class QueueStatus(StrEnum):
    """What the queue as a whole is doing."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSED = "paused"
    DRAINING = "draining"


_S = TaskStatus

#: status -> the statuses a task may move to from it
MOVES: dict[TaskStatus, frozenset[TaskStatus]] = {
    # completed straight away: the same bytes and options were done before (the result is linked)
    _S.PENDING: frozenset({_S.QUEUED, _S.COMPLETED, _S.FAILED, _S.CANCELLED}),
    _S.QUEUED: frozenset({_S.PROCESSING, _S.CANCELLED}),
    # back to queued: the server stopped or crashed while it ran
    _S.PROCESSING: frozenset({_S.COMPLETED, _S.PARTIAL, _S.FAILED, _S.CANCELLING, _S.QUEUED}),
    _S.CANCELLING: frozenset({_S.CANCELLED}),
    _S.COMPLETED: frozenset(),
    # straight to completed: the pages that were missing were read by others, and kept
    _S.PARTIAL: frozenset({_S.QUEUED, _S.COMPLETED}),
    _S.FAILED: frozenset({_S.QUEUED, _S.PENDING}),
    _S.CANCELLED: frozenset({_S.QUEUED, _S.PENDING}),
}


TERMINAL: frozenset[TaskStatus] = frozenset({_S.COMPLETED, _S.PARTIAL, _S.FAILED, _S.CANCELLED})
ACTIVE: frozenset[TaskStatus] = frozenset(TaskStatus) - TERMINAL
#: nothing of it runs yet
WAITING: frozenset[TaskStatus] = frozenset({_S.PENDING, _S.QUEUED})
RETRYABLE: frozenset[TaskStatus] = frozenset({_S.PARTIAL, _S.FAILED, _S.CANCELLED})
#: statuses in which a result can be read
READABLE: frozenset[TaskStatus] = frozenset({_S.COMPLETED, _S.PARTIAL})


def sources(target: TaskStatus) -> frozenset[TaskStatus]:
    """The statuses from which a task may move to ``target``."""
    return frozenset(origin for origin, targets in MOVES.items() if target in targets)
