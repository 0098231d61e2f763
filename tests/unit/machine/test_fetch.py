"""Fetching of addresses: which are asked, and that a name is resolved once and its address is pinned."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from gradio_app.machine import fetch


@pytest.mark.parametrize(
    "url",
    [
        *(
            "file:///etc/passwd",
            "ftp://example.org/x",
            "gopher://example.org/",
            "data:text/plain,x",
            "//example.org",
        ),
        *("javascript:alert(1)", "http:///x", "http://", "", "x", "http://[::1", "http://example.org:99999/"),
        *("http://user@example.org/", "http://user:secret@example.org/", "http://example.org@127.0.0.1/"),
        *(
            "http://:@example.org/",
            "http://example.org:22/",
            "http://example.org:25/",
            "http://example.org:0/",
        ),
        *("http://example.org/\r\nX: y", "http://example.org/a b", "http://example.org\\@127.0.0.1/"),
        *("http://exa%6dple.org/", "http://[fe80::1%25eth0]/", "http://example.org/" + "x" * 5000),
        *("http://" + "ü" * 80 + ".example/", "http://example.org/\0"),
    ],
)
def test_addresses_that_are_not_asked_for(url: str) -> None:
    with pytest.raises(fetch.Refused):
        fetch.checked_url(url)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://example.org", "example.org", 80),
        ("HTTPS://Example.ORG./x?y#z", "example.org", 443),
        ("https://bücher.example:8443/ü", "xn--bcher-kva.example", 8443),
        ("http://[2606:4700::1]:8080/", "2606:4700::1", 8080),
        ("http://2130706433/", "2130706433", 80),  # resolved and judged like a name
    ],
)
def test_parts_of_an_address(url: str, host: str, port: int) -> None:
    assert fetch.checked_url(url)[1:] == (host, port)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.1.2.3",
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
        ),
        *("169.254.169.254", "100.100.100.200", "168.63.129.16", "224.0.0.1", "255.255.255.255", "240.0.0.1"),
        *("198.18.0.1", "192.0.2.1", "203.0.113.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1"),
        *("fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254"),
        *("::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::"),
        *("2001:0:7f00:1::", "::ffff:0:10.0.0.1"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not fetch.may_be_asked(address, named=False)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_that_are_public(address: str) -> None:
    assert fetch.may_be_asked(address, named=False)


def test_a_named_host_may_be_private_but_never_a_link() -> None:
    assert all(fetch.may_be_asked(each, named=True) for each in ("127.0.0.1", "10.1.2.3", "fd00::1", "::1"))
    never = (
        "169.254.169.254",
        "fe80::1",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "::ffff:169.254.1.1",
        "168.63.129.16",
    )
    assert not any(fetch.may_be_asked(each, named=True) for each in never)


class Names:
    """A name server whose answers change, and a network that notes who is connected to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
        self.answers, self.connected = list(answers), list[tuple[str, int]]()
        monkeypatch.setattr(socket, "getaddrinfo", self._resolve)
        monkeypatch.setattr(socket, "create_connection", self._connect)

    def _resolve(self, _host: str, port: int, **_more: Any) -> list[Any]:
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(family[":" in each], 1, 6, "", (each, port)) for each in self.answers.pop(0)]

    def _connect(self, address: tuple[str, int], _seconds: float) -> socket.socket:
        self.connected.append(address)
        raise ConnectionRefusedError


def test_a_name_is_resolved_once_and_its_address_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    with pytest.raises(ConnectionRefusedError):
        fetch.fetch("http://rebinding.example/", tmp_path / "body", 9, 9, named=False)
    assert names.connected == [("93.184.216.34", 80)] and len(names.answers) == 1


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["93.184.216.34", "127.0.0.1"],
        ["::ffff:10.0.0.1"],
        ["169.254.169.254"],
        ["fd00::1"],
        [],
    ],
)
def test_no_private_address_among_those_of_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: list[str]
) -> None:
    names = Names(monkeypatch, answer)
    with pytest.raises(fetch.Refused, match="not public"):
        fetch.fetch("http://inside.example/", tmp_path / "body", 9, 9, named=False)
    assert names.connected == []
