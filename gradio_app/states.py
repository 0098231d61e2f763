"""The states of a task, of the queue and of the engine, and the legal moves between them, as data."""

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


class EngineStatus(StrEnum):
    """Where the model server stands."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    ASLEEP = "asleep"
    WAKING = "waking"
    STOPPING = "stopping"
    FAILED = "failed"


_S = TaskStatus
_E = EngineStatus

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

#: status -> the statuses the engine may move to from it
ENGINE_MOVES: dict[EngineStatus, frozenset[EngineStatus]] = {
    _E.STOPPED: frozenset({_E.STARTING}),
    _E.STARTING: frozenset({_E.READY, _E.STOPPING, _E.FAILED}),
    # straight to stopping: the whole application ends, or the server answers no more
    _E.READY: frozenset({_E.DRAINING, _E.STOPPING, _E.FAILED}),
    # back to ready: work came before anything was released
    _E.DRAINING: frozenset({_E.READY, _E.ASLEEP, _E.STOPPING, _E.FAILED}),
    _E.ASLEEP: frozenset({_E.WAKING, _E.STOPPING, _E.FAILED}),
    _E.WAKING: frozenset({_E.READY, _E.STOPPING, _E.FAILED}),
    _E.STOPPING: frozenset({_E.STOPPED}),
    _E.FAILED: frozenset({_E.STARTING, _E.STOPPED}),
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
