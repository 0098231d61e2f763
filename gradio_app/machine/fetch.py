"""Fetch program: gets one file by HTTP in a process of its own, without documents, secrets or other networks.

``web.compat.fetching`` starts it for each step of a redirect. It resolves the name once, refuses addresses
that are not public, and connects to the address that it has checked. It runs with the standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import json
import resource
import signal
import socket
import ssl
import sys
import time
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

#: longest address
LONGEST_URL = 4096
#: ports below 1024 that are asked: others belong to services that are no web servers
_WEB_PORTS = frozenset({80, 443})
#: seconds for a connection, and for each piece of an answer
_PATIENCE = 10.0
_PIECE = 64 * 1024
_MEMORY = 512 * 2**20
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: IPv6 with an IPv4 address in the last 32 bits: translated by a gateway, mapped, or compatible
_WITH_IPV4 = tuple(
    IPv6Network(each) for each in ("64:ff9b::/96", "::ffff:0:0/96", "::/96", "::ffff:0:0:0/96")
)
_NEVER_PUBLIC = tuple(IPv6Network(each) for each in ("64:ff9b:1::/48", "fec0::/10", "2002::/16", "2001::/32"))
#: public, and yet answers only the machines of one cloud
_METADATA = frozenset({IPv4Address("168.63.129.16")})
_AGENT = "mineru-optimized"


class Refused(Exception):
    """The address is not fetched; the text says why, in a sentence for its sender."""


def checked_url(url: str) -> tuple[SplitResult, str, int]:
    """Parts, host and port of an address that may be asked for. Raises ``Refused``."""
    if len(url) > LONGEST_URL or not url.isprintable() or " " in url or "\\" in url:
        raise Refused("The address is too long, or has signs that no address has.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except ValueError:  # also of a name that cannot be written in ASCII
        raise Refused("The address cannot be read. Check it.") from None
    if parts.scheme not in ("http", "https") or not host or "%" in host:
        raise Refused("Only addresses that begin with http:// or https:// are fetched.")
    if parts.username is not None or parts.password is not None:
        raise Refused("The address holds a user name or a password. Send it without.")
    port = port if port is not None else 443 if parts.scheme == "https" else 80
    if port < 1024 and port not in _WEB_PORTS:
        raise Refused("Only ports 80, 443 and those from 1024 are asked.")
    return parts, host, port


def may_be_asked(address: str, named: bool) -> bool:
    """Whether a resolved address may be asked; ``named``: an administrator has named its host.

    Else only public ones. Never those of a link, to which metadata of clouds belongs, of groups or of nobody.
    """
    ip = ip_address(address.partition("%")[0])
    meant = _meant(ip)
    for each in (ip, meant):
        if each.is_link_local or each.is_multicast or each.is_unspecified or each in _METADATA:
            return False
    odd = isinstance(ip, IPv6Address) and any(ip in network for network in _NEVER_PUBLIC)
    return named or (meant.is_global and not meant.is_reserved and not odd)


def _meant(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for; else itself."""
    if isinstance(ip, IPv6Address) and int(ip) > 1 and any(ip in network for network in _WITH_IPV4):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def _resolved(host: str, port: int, named: bool) -> list[str]:
    """Addresses of a host, all of which may be asked. Raises ``Refused``, the same for all reasons."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        found = []
    if not found or not all(may_be_asked(address, named) for address in found):
        raise Refused(
            "The host of the address is unknown here, or in a network that is not public. Send the file "
            "itself, or ask the administrator to name the host in fetch_addresses."
        )
    return list(dict.fromkeys(found))


def _connected(addresses: list[str], host: str, port: int, secure: bool) -> socket.socket:
    """A connection to the first address that takes one, without asking for names again."""
    error: OSError = ConnectionError()
    for address in addresses[:4]:
        try:
            plain = socket.create_connection((address, port), _PATIENCE)
        except OSError as last:
            error = last
            continue
        if not secure:
            return plain
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    raise error


def fetch(url: str, body: Path, most: int, seconds: float, named: bool) -> dict[str, Any]:
    """Gets ``url`` into the file ``body``, at most ``most`` bytes of it.

    Returns ``{"name", "media"}`` as the server tells them, or ``{"location"}`` of a redirect, which is not
    followed. Raises ``Refused``, ``OSError`` and ``http.client.HTTPException``.
    """
    until = time.monotonic() + seconds
    parts, host, port = checked_url(url)
    sock = _connected(_resolved(host, port, named), host, port, parts.scheme == "https")
    connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE)
    connection.sock = sock
    with contextlib.closing(connection):
        shown = f"[{host}]" if ":" in host else host
        given = "" if parts.port is None else f":{port}"
        headers = {"Host": shown + given, "User-Agent": _AGENT, "Accept": "*/*", "Connection": "close"}
        target = quote(parts.path or "/", safe="%/:=&~+!$,;'@()*") + ("?" if parts.query else "")
        target += quote(parts.query, safe="%/:=&?~+!$,;'@()*[]")
        connection.request("GET", target, headers={**headers, "Accept-Encoding": "identity"})
        answer = connection.getresponse()
        if answer.status in _REDIRECTS:
            return {"location": answer.headers.get("Location", "")[:LONGEST_URL]}
        if answer.status != 200:
            raise Refused(f"The server of the address answered {answer.status}. Check it.")
        if answer.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            raise Refused("The server of the address sends only compressed answers, which are not taken.")
        _read(answer, body, most, until)
        disposition = answer.headers.get("Content-Disposition", "")
        media = answer.headers.get_content_type() if "Content-Type" in answer.headers else ""
        return {"name": disposition[:1000], "media": media[:100]}


def _read(answer: http.client.HTTPResponse, body: Path, most: int, until: float) -> None:
    taken, announced = 0, answer.length
    with body.open("xb") as file:
        while True:
            if taken > most or (announced or 0) > most:
                raise Refused(f"The file at the address is larger than {most / 2**20:.0f} MB.")
            if time.monotonic() > until:
                raise TimeoutError
            if not (piece := answer.read1(_PIECE)):
                break
            taken += file.write(piece)
    if announced is not None and taken < announced:
        raise Refused("The server of the address broke off before the end of the file. Try it again.")


def _confine(folder: str, port: int, mode: str) -> None:
    from gradio_app.machine import sandbox

    for what, limit in (
        *((resource.RLIMIT_CORE, 0), (resource.RLIMIT_DATA, _MEMORY), (resource.RLIMIT_CPU, 60)),
        *((resource.RLIMIT_NOFILE, 64),),
    ):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (limit, limit))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: no orphans
    if mode != "off":
        sandbox.drop_capabilities()
        done = sandbox.confine([], [folder], port, names=True)
        if mode == "required" and len(done) < 2:
            sys.exit(f"worker_jail is required, and only {done} could be done")


def main() -> None:
    """Reads one order as JSON from standard input, and answers with one line of JSON.

    The answer is that of ``fetch``, or ``{"error": sentence}``.
    """
    orders: dict[str, Any] = json.loads(sys.stdin.readline())
    try:
        _, _, port = checked_url(orders["url"])
        _confine(orders["folder"], port, orders["confined"])
        answer = fetch(
            orders["url"],
            Path(orders["folder"], "body"),
            orders["most"],
            orders["seconds"],
            orders["named"],
        )
    except Refused as refused:
        answer = {"error": str(refused)}
    except (OSError, ValueError, http.client.HTTPException):
        answer = {"error": "The server of the address cannot be reached, or answers wrongly. Check it."}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # without the paths of users: nothing but the standard library and this package
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
