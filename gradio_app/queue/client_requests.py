"""Requests of other servers' clients, read and written on the store's thread."""

from __future__ import annotations

from gradio_app.queue.async_store import AsyncStore
from gradio_app.store.requests import ClientRequest


class ClientRequests:
    """The asynchronous form of ``store.requests``."""

    def __init__(self, store: AsyncStore) -> None:
        self._do, self._table = store.do, store.sync.requests

    async def add(self, request: ClientRequest, durable: bool = True) -> ClientRequest:
        """Keeps a new request; not ``durable``: where no client knows its id yet."""
        return await self._do(self._table.add, request, durable)

    async def change(self, request: ClientRequest) -> ClientRequest:
        """Writes the tasks and fields of one that is kept."""
        return await self._do(self._table.change, request)

    async def find(self, request_id: str) -> ClientRequest | None:
        """The request with this id, whosever it is."""
        return await self._do(self._table.find, request_id)

    async def delete(self, request_id: str) -> None:
        """Forgets a request; its tasks stay."""
        await self._do(self._table.delete, request_id)

    async def waiting(self, family: str, owner: str) -> int:
        """How many of an owner's requests in a family stand for no task yet."""
        return await self._do(self._table.waiting, family, owner)

    async def unused(self, family: str, owner: str) -> list[ClientRequest]:
        """Those requests, the oldest first."""
        return await self._do(self._table.unused, family, owner)
