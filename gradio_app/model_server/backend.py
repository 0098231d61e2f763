"""Backend: what the engine needs of any model server, and the errors that only servers have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from gradio_app.base.errors import AppError, EngineUnavailable, GpuOutOfMemory


class EngineBroken(EngineUnavailable):
    """The model server cannot be started as it is set up. The administrator has to mend it."""

    retryable = False


class CardTaken(GpuOutOfMemory):
    """Other programs hold the memory of the graphics card. The work goes on when they are done."""


class LeftOut(EngineBroken):
    """This model server is not used: the card is not shared as it should be. The others do its work."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that takes requests. ``max_tokens`` caps an answer; ``guard`` stops endless repetition.

    ``slots`` is how many requests it works on at the same time, ``context`` how many tokens a request may
    have with its answer (0: not known).
    """

    url: str
    model: str
    api_key: str = ""
    version: str = ""
    max_tokens: int = 0
    guard: str = ""
    slots: int = 0
    context: int = 0


#: why a server is stopped: nobody needs it now; it failed; the whole application ends
End = Literal["rest", "failure", "exit"]


class Backend(Protocol):
    """A model server. Every method may be cancelled; ``stop`` then leaves nothing behind.

    What has a body here is right for a server that is not ours: it never sleeps, and is used as it is.
    """

    #: ``sglang``, ``remote`` or ``none``
    kind: str
    #: whether the running server can give its memory back and stay
    can_sleep: bool = False
    #: its name among the servers of this engine, in a word or two; empty when it is alone
    name: str = ""

    @property
    def identity(self) -> str:
        """Kind, model, version and whatever else changes what it reads. Empty when there is none."""
        return ""

    @property
    def notice(self) -> str:
        """What people should know about how it is used; empty: nothing."""
        return ""

    @property
    def left_out(self) -> bool:
        """Whether it is not used at all, as things are; ``notice`` says why. Never so for the first one."""
        return False

    def patience(self, error: AppError) -> float:
        """Seconds that work waits until this error passes, beyond the tries."""
        return 0.0

    async def start(self, step: int) -> Endpoint:
        """Returns when the server takes requests. ``step``: how often memory ran out before."""
        ...

    async def drain(self) -> None:
        """Aborts what is left of requests nobody waits for; returns when nothing runs any more."""

    async def sleep(self) -> None:
        """Gives the card's memory back; only when nothing runs."""

    async def wake(self) -> None:
        """Takes the memory again. ``CardTaken``, before anything was done, when there is no room."""

    async def stop(self, end: End = "rest") -> None:
        """Ends the server. Nothing of it is left, whatever state it was in."""

    async def died(self) -> AppError:
        """Returns when the server has ended by itself or answers no more: why."""
        ...

    async def check(self) -> None:
        """Raises when the server does not answer now."""

    def describe(self) -> dict[str, Any]:
        """For people: its name, model, version and profile, why so, its card and cards, process ids."""
        return {
            "name": self.name,
            "model": "",
            "version": "",
            "profile": "",
            "why": [],
            "card": "",
            "cards": [],
            "pids": [],
        }
