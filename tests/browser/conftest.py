"""Real servers and a real browser for all tests of the page, and a watch over what the page does."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, Response, expect, sync_playwright

from gradio_app.web.auth.users import User, write
from tests.fakes.machine import Machine
from tests.live import LiveServer

ARGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: for what takes conversions; two cores may be busy with other tests
PATIENCE = 30_000

OpenPage = Callable[..., Page]

expect.set_options(timeout=15_000)


def chromium() -> str:
    """The browser, found as the Makefile finds it."""
    for name in (os.environ.get("CHROMIUM"), *NAMES):
        if name and (path := shutil.which(name)):
            return path
    raise AssertionError("The browser tests need Chromium: see CONTRIBUTING.md.")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    # parts of 8 pages: the first pages of a long document are there soon
    flags = ("--workers", "2", "--shard-pages-flash", "8")
    with LiveServer(tmp_path_factory.mktemp("browser") / "data", *flags) as live:
        yield live


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """What the server with an engine sees of the world."""
    return Machine(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="session")
def _engine_server(tmp_path_factory: pytest.TempPathFactory, machine: Machine) -> Iterator[LiveServer]:
    data = tmp_path_factory.mktemp("engine") / "data"
    with LiveServer(data, *machine.flags(), env={"PYTHONPATH": str(machine.driver.path)}) as live:
        yield live


@pytest.fixture(scope="module")
def engine_server(_engine_server: LiveServer) -> Iterator[LiveServer]:
    """The server with an engine; with an empty queue for each file of tests."""
    yield _engine_server
    _engine_server.clear()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The server where people sign in by name."""
    folder = tmp_path_factory.mktemp("people")
    people = {"alice": User("alice", "wonderland"), "root": User("root", "carrots!", admin=True)}
    write(folder / "users.txt", people)
    flags = ("--users", str(folder / "users.txt"), "--token", "shared", "--admin-token", "boss")
    with LiveServer(folder / "data", *flags, "--workers", "1", token="shared") as live:
        yield live


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=ARGS)
        yield found
        found.close()


class Watch:
    """What a page must never do: ask another host, raise an error, or get an answer that no test expects."""

    def __init__(self, host: str) -> None:
        self._host = host
        self.faults: list[str] = []
        #: parts of addresses whose refusal (4xx) belongs to the test
        self.refused: list[str] = []
        #: parts of console messages that belong to the test
        self.told: list[str] = []

    def over(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", lambda message: self._console(message))
        page.on("requestfinished", self._request)
        page.on("requestfailed", self._request)
        page.on("response", self._response)

    def _console(self, message: Any) -> None:
        # refused requests are judged in _response, with their address
        expected = ["Failed to load resource", *self.told]
        if message.type == "error" and not any(part in message.text for part in expected):
            self.faults.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        url = urlsplit(request.url)
        # the browser tells of requests that the page's policy stopped, too
        stopped = request.failure == "csp"
        if url.scheme not in ("data", "blob") and url.netloc != self._host and not stopped:
            self.faults.append(f"request to another host: {request.url}")

    def _response(self, response: Response) -> None:
        expected = any(part in response.url for part in self.refused)
        if response.status >= 500 or (response.status >= 400 and not expected):
            self.faults.append(f"{response.status}: {response.url}")


@pytest.fixture
def watch(server: LiveServer) -> Iterator[Watch]:
    found = Watch(urlsplit(server.url).netloc)
    yield found
    assert found.faults == []


@pytest.fixture
def open_page(server: LiveServer, browser: Browser, watch: Watch) -> Iterator[OpenPage]:
    """Opens the page in a fresh browser profile; arguments go to the profile."""
    contexts: list[Any] = []

    def open_it(path: str = "/", **options: Any) -> Page:
        context = browser.new_context(
            **{"locale": "en-US", "viewport": {"width": 1280, "height": 800}, **options}
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        watch.over(page)
        page.goto(server.url + path)
        arrived(page)
        return page

    yield open_it
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page()


def arrived(page: Page) -> None:
    """Waits until the page can be used: its list is there, and what takes documents in."""
    page.locator(".mo-alive #mo-intake [data-part=files] [data-t]", has_text=re.compile(".")).wait_for(
        state="attached"
    )
    page.get_by_role(
        "button", name=re.compile("^(Add documents|Choose files|添加文档|选择文件)")
    ).first.wait_for()


def adding(page: Page) -> None:
    """Opens the window with the options of the next documents, where it is not the page itself."""
    button = page.get_by_role("button", name="Add documents")
    if button.is_visible():
        button.click()


def choose(page: Page, *files: tuple[str, bytes] | Path) -> None:
    """Picks files with the button's dialog."""
    given: list[Any] = [
        file if isinstance(file, Path) else {"name": file[0], "mimeType": "", "buffer": file[1]}
        for file in files
    ]
    page.locator("#mo-intake [data-part=pick-files]").set_input_files(given)


def row(page: Page, name: str) -> Any:
    """The document's row in the list."""
    return page.locator(".mo-row").filter(has=page.locator(".mo-row-name", has_text=name))
