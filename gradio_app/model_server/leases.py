"""Leases of one model server: counted, exclusive if need be, cut short when the server fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from gradio_app.base.errors import EngineLost


class Leases:
    """Counts of held and wanted leases; ``exclusive`` has both kinds. Admission is the engine's business."""

    def __init__(self) -> None:
        self.held = 0
        self.waiting = 0
        self.exclusive = 0
        self.alone_held = False
        self._scopes: set[asyncio.Timeout] = set()

    @property
    def unused(self) -> bool:
        """Whether no lease is held or waited for."""
        return not self.held and not self.waiting and not self.exclusive

    @contextmanager
    def wanted(self, alone: bool) -> Generator[None]:
        """Around the waiting for one: the server starts, wakes or stays awake for it."""
        self.waiting += 1
        self.exclusive += alone
        try:
            yield
        finally:
            self.waiting -= 1
            self.exclusive -= alone

    @asynccontextmanager
    async def taken(self, alone: bool) -> AsyncGenerator[None]:
        """Around the use of one. ``cut_short`` cancels the block and raises ``EngineLost`` from it."""
        self.held += 1
        self.exclusive += alone
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
            self.exclusive -= alone
            self.alone_held = self.alone_held and not alone

    def cut_short(self) -> None:
        """Ends the blocks of all held leases: the server is gone."""
        for scope in self._scopes:
            if not scope.expired():
                scope.reschedule(asyncio.get_running_loop().time())
