"""What a server answers: tasks and errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast

#: states in which nothing happens to a task any more
ENDED = frozenset(("completed", "partial", "failed", "cancelled"))


class ServerError(Exception):
    """A request was refused, or the server cannot be reached. ``code`` is one of the server's, else empty."""

    def __init__(self, code: str, message: str, retryable: bool = False) -> None:
        super().__init__(message)
        self.code, self.message, self.retryable = code, message, retryable

    @classmethod
    def from_answer(cls, status: int, body: Any) -> Self:
        """From the body of an answer with this HTTP status."""
        told = cast(dict[str, Any], body).get("error") if isinstance(body, dict) else None
        if not isinstance(told, dict):
            return cls("", f"The server answers with HTTP status {status}.")
        known = cast(dict[str, Any], told)
        return cls(str(known.get("code")), str(known.get("message")), bool(known.get("retryable")))


@dataclass(frozen=True, slots=True)
class Task:
    """A document in the server's queue, as it was when it was asked for.

    ``error`` is ``{"code", "message", "retryable"}``; ``notes`` are ``{"code", "pages", "message"}`` and say
    what of the document may be missing. ``raw`` is all that the server told.
    """

    id: str
    name: str
    status: str
    pages_done: int
    pages_total: int
    position: int | None
    eta_seconds: float | None
    error: Mapping[str, Any] | None
    notes: tuple[Mapping[str, str], ...]
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """From the server's JSON; ``ServerError`` when that is no task."""
        try:
            return cls(
                str(told["id"]), str(told["name"]), str(told["status"]),
                int(told["pages_done"]), int(told["pages_total"]),
                told.get("position"), told.get("eta_seconds"), told.get("error"),
                tuple(told.get("notes") or ()), told,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError):
            raise ServerError("", "This is not the answer of a MinerU Optimized server.") from None

    @property
    def ended(self) -> bool:
        """Whether it is done, for better or worse."""
        return self.status in ENDED

    @property
    def readable(self) -> bool:
        """Whether it has a result."""
        return self.status in ("completed", "partial")


class TaskFailed(ServerError):
    """A document was not converted."""

    def __init__(self, task: Task) -> None:
        told = task.error or {}
        message = str(told.get("message") or f"{task.name} is {task.status}.")
        super().__init__(str(told.get("code") or task.status), message, bool(told.get("retryable")))
        self.task = task
