"""States of a model server and the legal moves between them, as data."""

from __future__ import annotations

from enum import StrEnum


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


_E = EngineStatus

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
