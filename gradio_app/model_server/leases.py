"""Who uses the model server, and who waits for it: counted, alone if need be, cut short when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from gradio_app.base.errors import EngineLost


class Leases:
    """The leases of one server. Nothing here waits: who waits for a lease is the engine's business."""

    def __init__(self) -> None:
        self.held = 0
        self.waiting = 0
        self.alone_held = False
        self._alone = 0  # exclusive ones, held or waited for
        self._scopes: set[asyncio.Timeout] = set()

    @property
    def unused(self) -> bool:
        """Whether nobody has one and nobody waits."""
        return not self.held and not self.waiting and not self._alone

    @property
    def load(self) -> int:
        """How many have one or wait."""
        return self.held + self.waiting

    @property
    def reserved(self) -> int:
        """How many have one, or wait, to be alone."""
        return self._alone

    def room(self, alone: bool) -> bool:
        """Whether one may be taken now. Who wants to be alone is let in before others."""
        return self.held == 0 if alone else self._alone == 0

    @contextmanager
    def wanted(self, alone: bool) -> Generator[None]:
        """Around the waiting for one."""
        self.waiting += 1
        self._alone += alone
        try:
            yield
        finally:
            self.waiting -= 1
            self._alone -= alone

    @asynccontextmanager
    async def taken(self, alone: bool) -> AsyncGenerator[None]:
        """Around the use of one. ``cut_short`` cancels the block and raises ``EngineLost`` from it."""
        self.held += 1
        self._alone += alone
        self.alone_held = alone
        scope = asyncio.timeout(None)
        try:
            async with scope:
                self._scopes.add(scope)
                try:
                    yield
                finally:
                    self._scopes.discard(scope)
        except TimeoutError as error:
            if scope.expired():
                raise EngineLost() from error
            raise
        finally:
            self.held -= 1
            self._alone -= alone
            self.alone_held = self.alone_held and not alone

    def cut_short(self) -> None:
        """The server is gone: nobody needs to wait for its answers."""
        for scope in self._scopes:
            if not scope.expired():
                scope.reschedule(asyncio.get_running_loop().time())
