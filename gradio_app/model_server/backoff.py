"""Backoff of one model server: when it is tried again, and when waiting work gets its error."""

from __future__ import annotations

from gradio_app.base.errors import AppError, GpuOutOfMemory
from gradio_app.model_server.backend import CardTaken

#: failures in a row after which waiting work gets the error, instead of another try
CAP = 3
#: seconds before the next try after the 1st, 2nd, ... failure in a row
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
#: seconds after giving up during which new work gets the same error at once
COOL_DOWN = 30.0


class Backoff:
    """The failures in a row of one server; times in seconds of the caller's clock."""

    def __init__(self) -> None:
        self.retry_at = 0.0
        self.given_up = 0  # how often: a waiter compares two values
        self._closed_until = 0.0
        self._failures = 0
        self._since = 0.0

    def worked(self) -> None:
        """Something went well: the next failure is the first."""
        self._failures = 0

    def failed(self, error: AppError, now: float, patience: float, counts: bool) -> None:
        """One more failure, or one that was not the server's own fault (``counts`` is false).

        ``patience`` is how long it is tried, beyond the first tries, before it is given up.
        """
        if counts:
            self._since = self._since if self._failures else now
            self._failures += 1
        self.retry_at = now + PAUSES[min(max(self._failures, 1), len(PAUSES)) - 1]
        if _lasts(error) or (self._failures >= CAP and now - self._since >= patience):
            self.given_up += 1
            self._failures = 0
            self.retry_at = self._closed_until = now + COOL_DOWN

    def closed(self, now: float) -> bool:
        """Whether it was given up a moment ago."""
        return now < self._closed_until


def _lasts(error: AppError) -> bool:
    """Whether waiting does not help."""
    return not error.retryable or (isinstance(error, GpuOutOfMemory) and not isinstance(error, CardTaken))
