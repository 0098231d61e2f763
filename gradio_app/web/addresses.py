"""Addresses of clients: reverse proxies that are believed, and the network that limits count a client by."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from loguru import logger
from starlette.types import ASGIApp, Receive, Scope, Send

from gradio_app.base.setting_values import Network

#: headers by which a proxy says for whom it asks
_FOR, _PROTO = b"x-forwarded-for", b"x-forwarded-proto"
_SAID = frozenset(
    {
        *(_FOR, _PROTO, b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-prefix"),
        *(b"x-forwarded-server", b"x-real-ip", b"forwarded"),
    }
)


@lru_cache(4096)
def address_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address as an object; IPv4 inside IPv6 (``::ffff:10.0.0.4``) as IPv4. None for anything else."""
    try:
        found = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


@lru_cache(4096)
def network_of(text: str) -> str:
    """What limits count an address as: itself, or for IPv6 its /64, which one client has whole."""
    found = address_of(text)
    if found is None or found.version == 4:
        return str(found or text)
    return str(ipaddress.ip_network((found, 64), strict=False))


class Proxies:
    """The reverse proxies that an administrator has named (``trusted_proxies``)."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)

    def __contains__(self, address: str) -> bool:
        found = address_of(address)
        return found is not None and any(found in network for network in self._networks)

    def client_of(self, peer: str, forwarded: Iterable[str]) -> str:
        """Who asks: the last one in ``X-Forwarded-For`` that is no proxy of ours.

        What stands before it is what the client said of itself.
        """
        client = peer
        for said in reversed([each.strip() for value in forwarded for each in value.split(",")]):
            if client not in self:
                break
            if address_of(said) is None:
                break
            client = str(address_of(said))
        return client


class Forwarded:
    """The outermost layer: takes address and scheme of a client from a named proxy, and from nobody else.

    From any other peer the headers are removed, so that nothing behind this layer can believe them.
    """

    def __init__(self, app: ASGIApp, proxies: Proxies) -> None:
        self._app = app
        self._proxies = proxies
        self._told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and any(name in _SAID for name, _ in scope["headers"]):
            scope = self._judged(scope)
        await self._app(scope, receive, send)

    def _judged(self, scope: Scope) -> Scope:
        client: tuple[str, int] = scope.get("client") or ("", 0)
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if client[0] not in self._proxies:
            self._tell(client[0])
            # what stands at this address asks for others, whom nobody knows
            return {
                **scope,
                "for_strangers": True,
                "headers": [each for each in headers if each[0] not in _SAID],
            }
        said = [value.decode("latin-1") for name, value in headers if name == _FOR]
        found = self._proxies.client_of(client[0], said)
        changes: dict[str, Any] = {} if found == client[0] else {"client": (found, 0)}
        proto = next((value for name, value in reversed(headers) if name == _PROTO), b"").strip().lower()
        if proto in (b"http", b"https"):
            schemes = {"http": "ws", "https": "wss"} if scope["type"] == "websocket" else {}
            changes["scheme"] = schemes.get(proto.decode(), proto.decode())
        return {**scope, **changes}

    def _tell(self, peer: str) -> None:
        if not self._told:
            self._told = True
            logger.bind(action="proxy", peer=peer).warning(
                "{} sent X-Forwarded headers, which are ignored. If it is your reverse proxy, start the "
                "server with --trusted-proxies {}",
                *(peer, peer),
            )
