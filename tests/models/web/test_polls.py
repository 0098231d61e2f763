"""What open pages ask is answered before the routes, as the routes would, and looked for once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gradio_app.base.errors import DiskFull, NotFound
from gradio_app.web import api
from gradio_app.web.api.poll_fast_path import Polls
from gradio_app.web.auth.credentials import Identity
from tests.fakes.pool import FakePool
from tests.unit.manager_fixtures import House, house

pytestmark = pytest.mark.anyio

#: all routes; a test puts its own queue behind them
ROUTES = FastAPI()
ROUTES.include_router(api.router)
ANN, BOB = Identity("ann", admin=False), Identity("bob", admin=False)


class Server:
    """The routes over a running queue, and the same behind ``Polls``."""

    def __init__(self, h: House, root_path: str = "") -> None:
        self.manager, self.root = h.manager, root_path
        self.routes = ROUTES
        self.routes.state.manager = h.manager
        self.reached: list[str] = []

    async def ask(self, path: str, who: Identity = ANN, polls: bool = True, method: str = "GET") -> Any:
        async def counted(scope: Any, receive: Any, send: Any) -> None:
            self.reached.append(scope["path"])
            await self.routes(scope, receive, send)

        app = Polls(counted, self.root) if polls else self.routes

        async def guarded(scope: Any, receive: Any, send: Any) -> None:
            await app(scope | {"identity": who, "app": self.routes, "root_path": self.root}, receive, send)

        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(guarded), base_url="http://mineru.test"
        ) as client:
            return await client.request(method, self.root + path)


@asynccontextmanager
async def served(folder: Path, root_path: str = "", **more: Any) -> AsyncGenerator[tuple[House, Server]]:
    async with house(folder, **more) as h:
        yield h, Server(h, root_path)


@pytest.mark.parametrize("root_path", ["", "/mineru"])
async def test_a_page_gets_what_the_route_would_say_without_reaching_it(
    tmp_path: Path, root_path: str
) -> None:
    async with served(tmp_path, root_path) as (h, server):
        first = await h.submit(1, "first")
        await h.end(first)
        await h.manager.set_paused(True)
        await h.submit(2, "waits")
        await h.settle()
        rev = await h.manager.store.rev()
        asked = [f"/api/v1/tasks?since={since}&limit=200" for since in (0, 1, rev - 1, rev, rev + 7)]
        for path in [*asked, "/api/v1/tasks?since=0&limit=1", "/api/v1/queue"]:
            for who in (ANN, BOB):
                quick, slow = await server.ask(path, who), await server.ask(path, who, polls=False)
                told = {"content-type", "content-length"}
                assert {name: quick.headers.get(name) for name in told} == {
                    name: slow.headers.get(name) for name in told
                }
                assert (quick.status_code, quick.content) == (slow.status_code, slow.content), path
        assert not server.reached
        assert (await server.ask(asked[3])).status_code == 204
        assert (await server.ask(asked[0])).json()["tasks"][0]["name"] == "first.pdf"
        others = (await server.ask(asked[0], BOB)).json()["tasks"]
        assert [task["name"] for task in others] == [""], "Ann's waits, and one that has ended is nowhere"
        for who in (ANN, BOB):
            whole = (await server.ask("/api/v1/queue", who)).json()
            assert whole["status"] == "paused" and whole["user"]["name"] == who.name
            assert (await server.ask(asked[0], who)).json()["queue"] == whole


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/tasks", 200),
        ("GET", "/api/v1/tasks?since=0", 204),
        ("GET", "/api/v1/tasks?since=0&limit=200&status=failed", 204),
        ("GET", "/api/v1/tasks?since=-1&limit=200", 422),
        ("GET", "/api/v1/tasks?since=0&limit=1000", 204),
        ("GET", "/api/v1/tasks?since=0&limit=0", 204),
        ("GET", "/api/v1/tasks?since=9999999999999999&limit=1", 422),
        ("GET", "/api/v1/queue?x=1", 200),
        ("POST", "/api/v1/queue", None),
        ("GET", "/api/v1/tasks/nobody", None),
    ],
)
async def test_all_else_goes_its_way(tmp_path: Path, method: str, path: str, status: int | None) -> None:
    async with served(tmp_path) as (_, server):
        if status is None:
            with pytest.raises(NotFound):  # which the application turns into an answer
                await server.ask(path, method=method)
        else:
            assert (await server.ask(path, method=method)).status_code == status
        assert len(server.reached) == 1


async def test_a_fault_is_told_by_the_route(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(tmp_path) as (h, server):

        async def full() -> int:
            raise DiskFull()

        monkeypatch.setattr(h.manager, "rev", full)
        with pytest.raises(DiskFull):
            await server.ask("/api/v1/tasks?since=0&limit=200")
        assert server.reached == ["/api/v1/tasks"]


async def test_a_hundred_pages_are_one_look_at_the_store(tmp_path: Path) -> None:
    async with served(tmp_path, pool=FakePool()) as (h, server):
        await h.end(await h.submit(1))
        await h.settle()
        looks: list[str] = []
        for name in ("rev", "changes", "counts"):
            real = getattr(h.manager.store.sync, name)

            def look(*args: Any, name: str = name, real: Any = real) -> Any:
                looks.append(name)
                return real(*args)

            setattr(h.manager.store.sync, name, look)
        for _ in range(20):
            assert (await server.ask("/api/v1/tasks?since=0&limit=200")).status_code == 200
            assert (await server.ask("/api/v1/queue")).json()["counts"] == {"completed": 1}
        assert sorted(looks) == sorted(["rev", "changes", "counts", "rev"]), "changes looks at rev too"


async def test_an_engine_or_a_queue_that_moves_is_told_as_it_is_now(tmp_path: Path) -> None:
    async with served(tmp_path, pool=FakePool()) as (h, server):
        await h.end(await h.submit(1))
        await h.settle()
        version = h.manager.store.version
        path = "/api/v1/tasks?since=0&limit=200"
        assert (await server.ask(path)).json()["queue"]["status"] == "idle"
        h.manager._dispatcher.paused = True
        assert (await server.ask(path)).json()["queue"]["status"] == "paused"
        assert h.manager.store.version == version, "nobody was told of a change"


async def test_what_is_known_is_over_with_the_next_change(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        store, found = h.manager.store, iter(range(10))

        async def look() -> int:
            return next(found)

        assert [await store.once("it", look) for _ in range(3)] == [0, 0, 0]
        assert await store.once("another", look) == 1
        await store.notify()
        assert await store.once("it", look) == 2


async def test_a_look_that_a_change_overtakes_is_not_kept(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        store, go_on = h.manager.store, asyncio.Event()

        async def slow() -> str:
            await go_on.wait()
            return "old"

        async def quick() -> str:
            return "new"

        overtaken = asyncio.create_task(store.once("it", slow))
        await asyncio.sleep(0)
        await store.notify()
        go_on.set()
        assert await overtaken == "old"
        assert await store.once("it", quick) == "new"


async def test_who_asks_ever_new_questions_fills_no_memory(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        store = h.manager.store

        async def look() -> str:
            return "found"

        for number in range(500):
            assert await store.once(number, look) == "found"
        assert len(store._cache[1]) <= 100
