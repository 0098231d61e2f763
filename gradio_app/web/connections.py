"""Connections: limits on their number, on the time that heads and readers take, and on the form of a head.

Does not cover: bodies (``bodies``).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import resource
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gradio_app.web.addresses import Proxies, address_of, network_of

#: the head of a request must be there so many seconds after its first byte, or after the connection
HEAD_TIME = 15.0
#: a head, or what frames a body, has so many bytes, and those that come along with the last of them
HEAD_BYTES = 2**16
#: a client that reads nothing of an answer for so many seconds counts as gone
READ_PAUSE = 60.0
#: open files wanted, and those that are kept back for workers, the database and results
_FILES, _KEPT_BACK = 65_536, 256
_MOST = 4096


#: what a name in ``Host`` is made of, with a port; it ends up in links and redirects
_HOST = re.compile(rb"[A-Za-z0-9._~%:\[\]-]{1,255}")


def most_connections() -> int:
    """How many may be open at once. Takes as many files as this process may have first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return max(16, min(_MOST, soft - _KEPT_BACK if soft > 2 * _KEPT_BACK else soft // 2))


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, which by itself waits for ever for the head of a request, and for readers.

    ``most`` connections are open at once; one more is closed at once, so that those that are served have
    files to work with. One address (of IPv6: one /64) has ``most_of_one`` of them. This machine and named
    proxies, which ask for many, have ``most_of_near``: some are always left for others.
    """

    most = _MOST
    most_of_one = _MOST // 8
    most_of_near = _MOST - _MOST // 16
    proxies = Proxies()
    #: where the connection comes from, as limits count it
    network = ""
    #: bytes that came since the last that were of use: parts of a head, of trailers, of what frames a body
    _loose = 0
    _in_head = False
    _timer: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore
        peer = transport.get_extra_info("peername") or ("",)
        self.network = network_of(peer[0])
        if len(self.connections) >= self.most or self._others() >= self._share(peer[0]):
            transport.abort()
            return
        super().connection_made(transport)
        self._expect_head()

    @classmethod
    def limit_to(cls, most: int, proxies: Proxies) -> None:
        """Shares ``most`` connections out, for all servers of this process."""
        cls.most, cls.proxies = most, proxies
        cls.most_of_one, cls.most_of_near = max(8, most // 8), max(8, most - most // 16)

    def _others(self) -> int:
        return sum(getattr(each, "network", "") == self.network for each in self.connections)

    def _share(self, address: str) -> int:
        found = address_of(address)
        near = found is None or found.is_loopback or address in self.proxies
        return self.most_of_near if near else self.most_of_one

    def data_received(self, data: bytes) -> None:
        if self.transport is None:  # pyright: ignore[reportUnnecessaryComparison]
            return  # it was one too many
        self._loose += len(data)
        super().data_received(data)
        if self._loose > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")
        cycle = cast(Any, self.cycle)
        if cycle is None or cycle.response_complete:
            self._expect_head()
        else:
            self._timer = _stop(self._timer)

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header. Those behind a body are left out: they would count as if they had come before it."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there. An exception here becomes an answer 400, and the end of the connection."""
        self._loose, self._in_head = 0, False
        _check_head(cast(Any, self.parser).get_http_version(), self.url, self.headers)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._loose = 0
        super().on_body(body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer, self._reading = _stop(self._timer), _stop(self._reading)
        if self.transport is not None:  # pyright: ignore[reportUnnecessaryComparison]
            super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reading = _stop(self._reading) or self.loop.call_later(READ_PAUSE, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._reading = _stop(self._reading)

    def _expect_head(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_TIME, self._too_slow)

    def _too_slow(self) -> None:
        if self.transport.get_protocol() is self:  # else it is a websocket now
            self.transport.abort()


def _stop(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


def _check_head(version: str, target: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """Raises ``ValueError`` for a head that servers understand in different ways (RFC 9112, 3.2).

    Two names of a host, or one in the address beside the one in ``Host``: a proxy and this server would not
    mean the same. HTTP/0.9 has no headers.
    """
    if version not in ("1.0", "1.1"):
        raise ValueError(f"HTTP/{version} is not spoken here")
    if not target.startswith(b"/"):
        raise ValueError("the address of a request is a path")
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (not hosts and version == "1.1") or not all(map(_HOST.fullmatch, hosts)):
        raise ValueError("a request has one Host")
