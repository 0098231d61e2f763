"""The only way out of a network namespace: a wire into this program, which writes down what comes.

python way_out.py FILE    in the namespace; a line for each packet, until it is ended
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys

_TUNSETIFF, _TUN, _NO_HEAD = 0x400454CA, 0x0001, 0x1000
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}
_COMMANDS = """
ip link set lo up
ip addr add 10.77.0.1/24 dev out
ip -6 addr add fd77::1/64 dev out nodad
ip link set out up
ip route add default via 10.77.0.2 dev out
ip -6 route add default via fd77::2 dev out
"""


def main() -> None:
    """Lays the wire, says ``ready``, and listens."""
    wire = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(wire, _TUNSETIFF, struct.pack("16sH22x", b"out", _TUN | _NO_HEAD))
    with open("/proc/sys/net/ipv6/conf/out/addr_gen_mode", "w", encoding="ascii") as mode:
        mode.write("1")  # no address of its own, about which it would ask the neighbours
    for command in _COMMANDS.strip().splitlines():
        subprocess.run(command.split(), check=True)
    with open(sys.argv[1], "a", encoding="utf-8") as told:
        told.write("ready\n")
        while True:
            told.flush()
            line = describe(os.read(wire, 65536))
            told.write(f"{line}\n" if line else "")


def describe(packet: bytes) -> str:
    """Protocol, address, port and the first bytes; empty for what IPv6 asks for by itself."""
    if packet[0] >> 4 == 4:
        kind, target, rest = packet[9], socket.inet_ntop(socket.AF_INET, packet[16:20]), packet[20:]
    else:
        kind, target, rest = packet[6], socket.inet_ntop(socket.AF_INET6, packet[24:40]), packet[40:]
        if target.startswith("ff02:"):  # routers and neighbours of this wire
            return ""
    port = int.from_bytes(rest[2:4], "big") if kind in (6, 17) else 0
    return f"{_PROTOCOLS.get(kind, kind)} {target} {port} {rest[8:72]!r}"


if __name__ == "__main__":
    main()
